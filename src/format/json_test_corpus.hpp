// For tests and fuzz targets of JSON: paths as text, and texts that are valid, invalid and hard.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "record/projection.hpp"

namespace weir {

/// A Projection that owns its paths. add("a.b.0") has two names and an index; a leading ! makes names case-sensitive.
class TestProjection {
 public:
  TestProjection() = default;
  explicit TestProjection(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) add(path);
  }
  TestProjection(const TestProjection&) = delete;
  void operator=(const TestProjection&) = delete;

  void add(std::string text) {
    const bool exact = text.starts_with('!');
    texts_.push_back(exact ? text.substr(1) : text);
    std::vector<PathStep>& steps = steps_.emplace_back();
    std::string_view left = texts_.back();
    while (!left.empty()) {
      const size_t dot = left.find('.');
      PathStep step;
      step.name = left.substr(0, dot);
      if (step.name.find_first_not_of("0123456789") == std::string_view::npos)
        step.index = std::stoi(std::string(step.name));
      steps.push_back(step);
      left = dot == std::string_view::npos ? std::string_view() : left.substr(dot + 1);
    }
    FieldPath path;
    path.steps = steps;
    path.case_sensitive = exact;
    paths_.push_back(path);
    projection_.paths = paths_;
  }
  void all() { projection_.all = true; }
  operator const Projection&() const { return projection_; }
  const Projection& operator*() const { return projection_; }

 private:
  std::deque<std::string> texts_;
  std::deque<std::vector<PathStep>> steps_;
  std::vector<FieldPath> paths_;
  Projection projection_;
};

/// Random JSON, mostly valid; `damage` is the chance in 256 that a value has something wrong about it.
class JsonMaker {
 public:
  JsonMaker(uint64_t seed, uint32_t damage) : random_(seed), damage_(damage) {}

  std::string object(int depth = 0) {
    std::string out = "{";
    const uint32_t members = below(6);
    for (uint32_t i = 0; i < members; ++i) {
      if (i != 0) out += hurt() ? "" : ",";
      out += space() + text(true) + space() + (hurt() ? "" : ":") + value(depth + 1);
    }
    return out + space() + (hurt() ? "" : hurt() ? "]" : "}");
  }
  std::string value(int depth) {
    std::string out = space();
    switch (below(depth > 4 ? 8 : 10)) {
      case 0:
        out += pick({"true", "false", "null"});
        break;
      case 1:
      case 2:
      case 3:
        out += number();
        break;
      case 8:
        out += object(depth);
        break;
      case 9: {
        out += "[";
        const uint32_t elements = below(5);
        for (uint32_t i = 0; i < elements; ++i) out += (i != 0 ? (hurt() ? ",," : ",") : "") + value(depth + 1);
        out += space() + (hurt() ? "}" : "]");
        break;
      }
      default:
        out += text(false);
    }
    if (hurt())
      out +=
          pick({"x", "\"", "\\", "\x01", "\xff", "tru", "01", "1.", "-", "1e", ".5", "+1", "NaN", "'a'", "/**/", "\f"});
    return out + space();
  }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

 private:
  bool hurt() { return damage_ != 0 && below(256) < damage_; }
  std::string_view pick(const std::vector<std::string_view>& of) { return of[below(static_cast<uint32_t>(of.size()))]; }
  std::string space() { return below(4) != 0 ? "" : std::string(pick({" ", "\t", "\r", "  ", "   "})); }
  std::string number() {
    if (hurt()) return std::string(pick({"00", "1.e3", "-a", "1e+", "0x10", "--1", "1_0", "Infinity"}));
    return std::string(pick({"0", "-0", "7", "-12", "123456789012345678901234567890", "0.5", "111.20", "-3.25e10",
                             "1e999", "2E-7", "1e+05", "0e0"}));
  }
  std::string text(bool name) {
    if (name && below(3) != 0)
      return '"' +
             std::string(pick({"a", "b", "A", "id", "name", "Name", "amount", "c.d", "", "\\u0061", "n\\u0061me"})) +
             '"';
    std::string out = "\"";
    const uint32_t runs = below(4);
    for (uint32_t i = 0; i < runs; ++i) {
      if (hurt()) {
        out += pick({"\\x", "\\u12", "\\u12g4", "\x1f", "\n", std::string_view("\0", 1), "\xc0\xaf", "\xed\xa0\x80",
                     "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\"", "\\"});
      }
      out += pick({"x", "plain text", "\\\"", "\\\\", "\\n", "\\/", "\\u00e9", "\\ud83d\\ude00", "é", "€", "😀", "\x7f",
                   "{", "]",
                   ",:", "a longer run of text that fills more than one block of sixty-four bytes, and then some"});
    }
    return out + "\"";
  }

  std::mt19937_64 random_;
  uint32_t damage_;
};

}  // namespace weir

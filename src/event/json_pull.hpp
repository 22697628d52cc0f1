// JsonPull: walking JSON that was validated and comes a byte at a time, from a Source with `int next()`: -1 at its end. What a copy of the source
// can go back to, a copy of the walker can.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fixed_text.hpp"
#include "event/json_unescaper.hpp"
#include "format/json_minify.hpp"

namespace weir {

template <typename Source>
class JsonPull {
 public:
  using Name = FixedText<64>;  ///< a longer one is cut, and is no name that is looked for

  JsonPull() = default;
  explicit JsonPull(const Source& source) : source_(source) { advance(); }

  /// The first byte of the value that comes next; -1 at the end.
  int kind() {
    while (head_ >= 0 && (is_json_blank(static_cast<char>(head_)) || head_ == ',' || head_ == ':')) advance();
    return head_;
  }
  /// Goes into the container that begins here; false when none of this kind does.
  bool enter(char open) {
    if (kind() != open) return false;
    advance();
    return true;
  }
  /// In an object, before a member: takes its name, the value comes next. False behind the last one, which is left.
  bool next_member(Name& name) {
    if (kind() != '"') {
      if (head_ == '}') advance();
      return false;
    }
    read_string(name);
    return true;
  }
  /// In an array: an element comes next. False behind the last one, which is left, and where no value can stand: skip_value() after true always
  /// goes forward.
  bool next_element() {
    if (kind() < 0 || head_ == '}') return false;
    if (head_ != ']') return true;
    advance();
    return false;
  }
  /// The string that comes next; false when none does (the value is skipped), or it is cut.
  template <size_t kBytesMax>
  bool read_string(FixedText<kBytesMax>& out) {
    out.clear();
    if (!begin_string()) {
      skip_value();
      return false;
    }
    for (int byte = string_next(); byte >= 0; byte = string_next()) out.append(static_cast<char>(byte));
    return !out.truncated();
  }
  /// The spelling of a number or literal; of a string its text. Containers are skipped.
  template <size_t kBytesMax>
  bool read_scalar(FixedText<kBytesMax>& out) {
    const int first = kind();
    if (first == '"' || first == '{' || first == '[') return read_string(out);
    out.clear();
    for (; head_ >= 0 && !ends_scalar(static_cast<char>(head_)); advance()) out.append(static_cast<char>(head_));
    return !out.truncated();
  }
  void skip_value() {
    const int first = kind();
    if (first == '"') {
      begin_string();
      while (string_next() >= 0) {
      }
      return;
    }
    if (first != '{' && first != '[') {
      while (head_ >= 0 && !ends_scalar(static_cast<char>(head_))) advance();
      return;
    }
    uint32_t depth = 0;
    do {
      if (head_ == '"') {
        begin_string();
        while (string_next() >= 0) {
        }
        continue;
      }
      if (head_ == '{' || head_ == '[') ++depth;
      if (head_ == '}' || head_ == ']') --depth;
      advance();
    } while (depth > 0 && head_ >= 0);
  }

  /// Byte by byte: false when the value that comes next is no string; string_next() gives -1 behind it.
  bool begin_string() {
    if (kind() != '"') return false;
    unescaper_ = {};
    taken_ = 0;
    ended_ = false;
    return true;
  }
  int string_next() {
    while (true) {
      const std::string_view text = unescaper_.text();
      if (taken_ < text.size()) return static_cast<unsigned char>(text[taken_++]);
      if (ended_) return -1;
      taken_ = 0;
      advance();
      if (head_ < 0 || (head_ == '"' && unescaper_.plain())) {
        ended_ = true;
        unescaper_.finish();
        advance();
      } else {
        unescaper_.feed(static_cast<char>(head_));
      }
    }
  }
  /// The value that comes next as it is, without blanks between its tokens: begin_raw(), then raw_next() until it gives -1.
  void begin_raw() {
    kind();
    depth_ = 0;
    in_string_ = escaped_ = false;
    raw_ = head_ >= 0;
  }
  int raw_next() {
    while (raw_ && head_ >= 0) {
      const char c = static_cast<char>(head_);
      if (in_string_) {
        in_string_ = escaped_ || c != '"';
        escaped_ = !escaped_ && c == '\\';
        raw_ = in_string_ || depth_ > 0;
      } else if (depth_ == 0 && ends_scalar(c)) {
        break;
      } else if (is_json_blank(c)) {
        advance();
        continue;
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if (c == '}' || c == ']') {
        raw_ = --depth_ > 0;
      }
      advance();
      return static_cast<unsigned char>(c);
    }
    raw_ = false;
    return -1;
  }
  /// The source, which stands behind the opening quote of the string that comes next: to be gone on with instead of this.
  [[nodiscard]] const Source& source() const { return source_; }

 private:
  static bool ends_scalar(char c) { return is_json_blank(c) || c == ',' || c == ':' || c == '}' || c == ']'; }
  void advance() {
    if (head_ != -1) head_ = source_.next();
  }

  Source source_;
  int head_ = -2;  ///< read and not yet taken; -1 for ever from the source's end on
  JsonUnescaper unescaper_;
  uint8_t taken_ = 0;
  bool ended_ = false;
  bool raw_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
  uint32_t depth_ = 0;
};

}  // namespace weir

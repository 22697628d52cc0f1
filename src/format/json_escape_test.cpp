#include "format/json_escape.hpp"

#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "format/json_minify.hpp"

namespace weir {
namespace {

/// The text in memory that ends with it, so that a sanitizer sees a byte too many.
std::string escaped_by(SimdLevel kernel, std::string_view text, bool& high) {
  const auto from = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), from.get());
  std::string out(kJsonEscapeFactor * text.size() + kWideSlack, '?');
  const JsonEscaped escaped = escape_json_by(kernel, {from.get(), text.size()}, out.data());
  out.resize(static_cast<size_t>(escaped.end - out.data()));
  high = escaped.high;
  return out;
}

TEST(JsonEscape, escapes_what_the_rfc_asks_for_and_nothing_else) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain text", "plain text"},
      {"a\"b", "a\\\"b"},
      {"a\\b", "a\\\\b"},
      {"\b\t\n\f\r", "\\b\\t\\n\\f\\r"},
      {std::string("\0\x01\x0b\x1f\x7f/", 6), "\\u0000\\u0001\\u000b\\u001f\x7f/"},
      {"Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80", "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80"},
      {std::string(33, '"'),
       [] {
         std::string all;
         for (int i = 0; i < 33; ++i) all += "\\\"";
         return all;
       }()},
  };
  for (const SimdLevel kernel : kSimdLevels) {
    if (!text_kernel_usable(kernel)) continue;
    for (const auto& [text, expected] : cases) {
      bool high = false;
      EXPECT_EQ(escaped_by(kernel, text, high), expected) << static_cast<int>(kernel);
    }
  }
}

TEST(JsonEscape, every_byte_at_every_place_is_the_same_by_all_kernels) {
  for (size_t size = 1; size <= 70; ++size) {
    for (const int byte : {0, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0x9f, 0xff}) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        bool expected_high = false;
        const std::string expected = escaped_by(SimdLevel::kScalar, text, expected_high);
        EXPECT_EQ(expected_high, byte >= 0x80);
        for (const SimdLevel kernel : kSimdLevels) {
          if (!text_kernel_usable(kernel)) continue;
          bool high = false;
          ASSERT_EQ(escaped_by(kernel, text, high), expected) << size << " " << at << " " << byte;
          ASSERT_EQ(high, expected_high);
        }
      }
    }
  }
}

TEST(JsonEscape, random_bytes_are_the_same_by_all_kernels) {
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string text(random() % 200, 'x');
    const uint32_t dirt = random() % 40;
    for (char& c : text) {
      if (random() % 40 < dirt) c = static_cast<char>(random());
    }
    bool expected_high = false;
    const std::string expected = escaped_by(SimdLevel::kScalar, text, expected_high);
    for (const SimdLevel kernel : kSimdLevels) {
      if (!text_kernel_usable(kernel)) continue;
      bool high = false;
      ASSERT_EQ(escaped_by(kernel, text, high), expected);
      ASSERT_EQ(high, expected_high);
    }
  }
}

TEST(JsonEscape, a_string_that_is_not_utf8_is_refused) {
  char out[512];
  const std::string_view good = "Zo\xc3\xab";
  const std::string_view bad[] = {"\x80", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf"};
  char* end = put_json_string_checked(out, good.data(), good.size());
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(std::string_view(out, static_cast<size_t>(end - out)), "\"Zo\xc3\xab\"");
  for (const std::string_view text : bad) EXPECT_EQ(put_json_string_checked(out, text.data(), text.size()), nullptr);
}

TEST(JsonEscape, the_inlined_string_agrees_with_the_checked_one_at_every_size) {
  for (size_t size = 0; size <= 80; ++size) {
    for (const char odd : {'x', '"', '\n', '\\', '\x80'}) {
      for (size_t at = 0; at <= size; ++at) {
        std::string text(size + 32, 'y');
        text[size] = '"';  // what stands behind the text does not count
        if (at < size) text[at] = odd;
        char fast[1024];
        char checked[1024];
        char* const a = put_json_string(fast, text.data(), size);
        char* const b = put_json_string_checked(checked, text.data(), size);
        ASSERT_EQ(a == nullptr, b == nullptr);
        if (a == nullptr) continue;
        ASSERT_EQ(std::string(fast, a), std::string(checked, b));
      }
    }
  }
}

std::string minified_by(SimdLevel kernel, std::string_view text, size_t cut) {
  MinifyState state;
  std::string all;
  for (size_t at = 0; at < text.size(); at += cut) {
    const size_t size = std::min(cut, text.size() - at);
    const auto from = std::make_unique<char[]>(size);
    std::copy_n(text.begin() + static_cast<ptrdiff_t>(at), size, from.get());
    std::string out(size + kWideSlack, '?');
    const char* end = minify_json_by(kernel, state, {from.get(), size}, out.data());
    all.append(out.data(), static_cast<size_t>(end - out.data()));
  }
  return all;
}

TEST(JsonMinify, drops_blanks_between_tokens_and_keeps_them_in_strings) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"{}", "{}"},
      {" { } ", "{}"},
      {"{\"a b\" : [ 1 , 2.50,\t\"x \\\" y\" ,null ] }\r\n", "{\"a b\":[1,2.50,\"x \\\" y\",null]}"},
      {"[\"\\\\\" , \"a \\\\\\\" b\" ]", "[\"\\\\\",\"a \\\\\\\" b\"]"},
      {std::string(100, ' ') + "[" + std::string(100, '\n') + "]", "[]"},
  };
  for (const SimdLevel kernel : kSimdLevels) {
    if (!text_kernel_usable(kernel)) continue;
    for (const auto& [text, expected] : cases) {
      for (const size_t cut : {1, 3, 63, 64, 65, 1000}) EXPECT_EQ(minified_by(kernel, text, cut), expected) << cut;
    }
  }
}

TEST(JsonMinify, random_json_is_the_same_by_all_kernels_and_cuts) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    std::string text = "[";
    const int items = static_cast<int>(random() % 12);
    for (int i = 0; i < items; ++i) {
      if (i != 0) text += ',';
      text.append(random() % 3 == 0 ? random() % 70 : 0, " \t\n\r"[random() % 4]);
      if (random() % 2 == 0) {
        text += std::to_string(random());
      } else {
        text += '"';
        for (uint32_t n = random() % 50; n != 0; --n) {
          static constexpr const char* kParts[] = {"a", " ", "\\\\", "\\\"", "\\n", "{", ",", "  "};
          text += kParts[random() % 8];
        }
        text += '"';
      }
      text.append(random() % 4 == 0 ? 1 : 0, ' ');
    }
    text += "]";
    const std::string expected = minified_by(SimdLevel::kScalar, text, text.size());
    for (const SimdLevel kernel : kSimdLevels) {
      if (!text_kernel_usable(kernel)) continue;
      for (const size_t cut : {size_t{1}, size_t{1 + random() % 130}, text.size()}) {
        ASSERT_EQ(minified_by(kernel, text, cut), expected) << text;
      }
    }
  }
}

}  // namespace
}  // namespace weir

#include "format/text_runs.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "format/csv_quote.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

std::string joined(TextRuns runs, size_t size_max) {
  std::string all;
  while (!runs.ended()) all += runs.next(size_max);
  return all;
}

TEST(TextRuns, csv_agrees_with_the_decoder) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    const char quote = random() % 4 == 0 ? '\'' : '"';
    const char escapes[] = {quote, '\\', 0};
    const char escape = escapes[random() % 3];
    std::string raw(1, quote);
    for (uint32_t n = random() % 30; n != 0; --n) raw += std::string_view("ab\"'\\,\n")[random() % 7];
    if (random() % 2 == 0) raw += quote;
    std::string expected(raw.size(), '?');
    expected.resize(decode_csv(raw, quote, escape, expected.data()));
    for (const size_t size_max : {1, 2, 7, 1000}) {
      ASSERT_EQ(joined(TextRuns(TextRuns::Kind::kCsv, raw, quote, escape), size_max), expected) << raw;
    }
  }
}

TEST(TextRuns, json_strings_agree_with_the_decoder) {
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string raw = "\"";
    for (uint32_t n = random() % 12; n != 0; --n) {
      static constexpr const char* kParts[] = {
          "a",       "text run", "\\n",     "\\\"",           "\\\\",    "\\/",      "\\u00e9",
          "\\u20AC", "\\ud83d",  "\\uDE00", "\\ud83d\\ude00", "\\u0000", "\xc3\xab", "\\uDBFF"};
      raw += kParts[random() % 14];
    }
    raw += '"';
    std::string expected(raw.size(), '?');
    expected.resize(decode_json_string(raw, expected.data()));
    for (const size_t size_max : {1, 5, 1000}) {
      ASSERT_EQ(joined(TextRuns(TextRuns::Kind::kJsonString, raw), size_max), expected) << raw;
    }
  }
}

TEST(TextRuns, base64_is_that_of_the_rfc) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, expected] : cases) EXPECT_EQ(joined(TextRuns(TextRuns::Kind::kBase64, bytes), 1), expected);
  EXPECT_EQ(joined(TextRuns(TextRuns::Kind::kBase64, std::string_view("\xff\xfe\x00\x01", 4)), 9), "//4AAQ==");
  EXPECT_EQ(joined(TextRuns(TextRuns::Kind::kBase64, std::string(49, 'a')), 1).size(), 68u);
}

TEST(TextRuns, minified_json_comes_without_blanks) {
  const std::string raw = std::string(200, ' ') + "{ \"a\" : [ 1, \"x y\" ] }" + std::string(70, '\n');
  EXPECT_EQ(joined(TextRuns(TextRuns::Kind::kMinify, raw), 10), "{\"a\":[1,\"x y\"]}");
  TextRuns runs(TextRuns::Kind::kMinify, raw);
  std::string copied;
  while (!runs.ended()) {
    char out[7 + kWideSlack];
    copied.append(out, runs.copy(out, 7));
  }
  EXPECT_EQ(copied, "{\"a\":[1,\"x y\"]}");
}

TEST(CsvQuote, quotes_are_needed_for_delimiter_quote_and_line_ends_alone) {
  for (size_t size = 0; size < 70; ++size) {
    std::string text(size, 'x');
    EXPECT_FALSE(csv_needs_quotes(text, ','));
    for (size_t at = 0; at < size; ++at) {
      for (const char c : {',', '"', '\n', '\r'}) {
        text[at] = c;
        EXPECT_TRUE(csv_needs_quotes(text, ',')) << size << " " << at;
        std::string padded = text + std::string(32, 'y');
        char out[256];
        EXPECT_EQ(put_csv_plain(out, padded.data(), size, ','), nullptr);
      }
      text[at] = ';';
      EXPECT_FALSE(csv_needs_quotes(text, ','));
      EXPECT_TRUE(csv_needs_quotes(text, ';'));
      text[at] = 'x';
    }
    std::string padded = text + std::string(32, ',');  // what stands behind the field does not count
    char out[256];
    char* const end = put_csv_plain(out, padded.data(), size, ',');
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(std::string(out, end), text);
  }
}

TEST(CsvQuote, a_field_is_well_quoted_when_it_can_stand_as_it_is) {
  for (const char* good : {"\"\"", "\"a\"", "\"a,b\n\"", "\"a \"\"b\"\"\"", "\"\"\"\""})
    EXPECT_TRUE(csv_is_well_quoted(good)) << good;
  for (const char* bad : {"\"", "a", "\"a\"b", "\"a\"b\"", "\"\"\"", "\"a\"\"", "a\""})
    EXPECT_FALSE(csv_is_well_quoted(bad)) << bad;
}

}  // namespace
}  // namespace weir

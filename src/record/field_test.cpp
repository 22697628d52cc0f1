#include "record/field.hpp"

#include <string>

#include <gtest/gtest.h>

#include "record/text_cursor.hpp"

namespace weir {
namespace {

struct CsvCase {
  std::string_view raw;
  char escape;
  std::string_view text;
};
constexpr CsvCase kCsvCases[] = {
#include "record/csv_cases.inc"
};

std::string by_cursor(std::string_view raw, FieldEncoding encoding, char escape) {
  std::string text;
  TextCursor cursor(raw, encoding, '"', escape);
  for (char c; cursor.next(c);) text += c;
  return text;
}

TEST(DecodeCsv, reads_what_pythons_csv_reads) {
  for (const CsvCase& c : kCsvCases) {
    std::string out(c.raw.size(), '?');
    out.resize(decode_csv(c.raw, '"', c.escape, out.data()));
    EXPECT_EQ(out, c.text) << c.raw;
    EXPECT_EQ(by_cursor(c.raw, FieldEncoding::kCsv, c.escape), c.text) << c.raw;
    const Column column{nullptr, FieldEncoding::kCsv, '"', c.escape};
    std::string_view plain;
    if (field_is_plain(column, c.raw, plain)) {
      EXPECT_EQ(plain, c.text) << c.raw;
    }
    char room[64];
    FieldScratch scratch{room};
    Value value;
    bool overflow = false;
    ASSERT_TRUE(field_value(column, c.raw, scratch, value, overflow));
    EXPECT_EQ(value.view(), c.text) << c.raw;
  }
}

TEST(DecodeCsv, without_quoting_a_quote_is_a_character) {
  char out[8];
  EXPECT_EQ(std::string(out, decode_csv("\"a\"", 0, 0, out)), "\"a\"");
  const Column column{nullptr, FieldEncoding::kCsv, 0, 0};
  std::string_view plain;
  EXPECT_TRUE(field_is_plain(column, "\"a\"", plain));
  EXPECT_EQ(plain, "\"a\"");
}

TEST(DecodeJson, strings) {
  struct Case {
    std::string_view raw;
    std::string_view text;
  };
  using namespace std::string_view_literals;
  for (const Case& c : {Case{"\"\"", ""},
                        {"\"abc\"", "abc"},
                        {R"("a\"b\\c\/d")", "a\"b\\c/d"},
                        {R"("\b\f\n\r\t")", "\b\f\n\r\t"},
                        {R"("\u0041\u00e4\u20AC")", "A\xc3\xa4\xe2\x82\xac"},
                        {R"("\ud83d\ude00!")", "\xf0\x9f\x98\x80!"},
                        {R"("\ud83d")", "\xef\xbf\xbd"},
                        {R"("\ude00x")", "\xef\xbf\xbdx"},
                        {R"("\ud83d\u0041")",
                         "\xef\xbf\xbd"
                         "A"},
                        {R"("\ud83d\ud83d\ude00")", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
                        {R"("\u0000")", "\0"sv}}) {
    std::string out(c.raw.size(), '?');
    out.resize(decode_json_string(c.raw, out.data()));
    EXPECT_EQ(out, c.text) << c.raw;
    EXPECT_EQ(by_cursor(c.raw, FieldEncoding::kJson, 0), c.text) << c.raw;
  }
}

TEST(FieldValue, json_types) {
  const Column column{nullptr, FieldEncoding::kJson, 0, 0};
  const auto read = [&](std::string_view raw, bool& fits) {
    FieldScratch none;
    Value value;
    bool overflow = false;
    fits = field_value(column, raw, none, value, overflow) && !overflow;
    return value;
  };
  bool fits = false;
  EXPECT_EQ(read("null", fits).type, Type::kNull);
  EXPECT_TRUE(read("true", fits).boolean);
  EXPECT_FALSE(read("false", fits).boolean);
  EXPECT_EQ(read("{\"a\":1}", fits).type, Type::kJson);
  EXPECT_EQ(read("[1]", fits).view(), "[1]");
  EXPECT_EQ(read("\"x\"", fits).view(), "x");
  const Value number = read("1.50", fits);
  EXPECT_TRUE(fits);
  EXPECT_EQ(number.type, Type::kDecimal);
  EXPECT_EQ(std::string_view(number.lexeme, number.size), "1.50");
  const Value wide = read("1e-300", fits);
  EXPECT_FALSE(fits);
  EXPECT_EQ(wide.type, Type::kDouble);
  EXPECT_EQ(wide.real, 1e-300);
  EXPECT_EQ(read("1e-999", fits).real, 0.0);
  FieldScratch none;
  Value value;
  bool overflow = false;
  EXPECT_FALSE(field_value(column, "1e999", none, value, overflow));
  EXPECT_TRUE(overflow);
  EXPECT_FALSE(field_value(column, "0.001e400", none, value, overflow));
  EXPECT_TRUE(overflow);
  EXPECT_FALSE(field_value(column, "\"a\\n\"", none, value, overflow));
  EXPECT_FALSE(overflow);
}

/// One code point after the other, by Unicode's definition.
size_t oracle_prefix(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
    const unsigned first = byte(i);
    size_t size = first < 0x80 ? 1 : (first >> 5) == 6 ? 2 : (first >> 4) == 14 ? 3 : (first >> 3) == 30 ? 4 : 0;
    if (size == 0) return i;
    uint32_t code = size == 1 ? first : first & (0x7fu >> size);
    for (size_t k = 1; k < size; ++k) {
      if ((byte(i + k) >> 6) != 2) return i;
      code = (code << 6) | (byte(i + k) & 0x3f);
    }
    static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return i;
    i += size;
  }
  return i;
}

TEST(Utf8, agrees_with_the_definition) {
  uint64_t state = 88172645463325252u;
  const auto random = [&](uint64_t n) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 16) % n;
  };
  const std::string_view pieces[] = {"a",
                                     "plain text of some length, all ASCII, more than 32 bytes",
                                     "\xc3\xa4",
                                     "\xe2\x82\xac",
                                     "\xf0\x9f\x98\x80",
                                     "\xc0\x80",
                                     "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80",
                                     "\xe2\x82",
                                     "\xff",
                                     "\x80",
                                     "\xf4\x8f\xbf\xbf",
                                     "\xef\xbf\xbf",
                                     "12345678"};
  for (int i = 0; i < 50000; ++i) {
    std::string text;
    for (uint64_t n = random(12); n != 0; --n) {
      text += random(6) == 0 ? pieces[random(std::size(pieces))] : pieces[random(5)];
    }
    ASSERT_EQ(utf8_valid_prefix(text), oracle_prefix(text));
  }
  EXPECT_EQ(utf8_valid_prefix(""), 0u);
}

}  // namespace
}  // namespace weir

#include "record/number.hpp"

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "record/field.hpp"

namespace weir {
namespace {

struct NumberCase {
  std::string_view text;
  NumberError error;
  Type type;
  std::string_view written;
};
constexpr NumberCase kCases[] = {
#include "record/number_cases.inc"
};

std::string written(const Value& value) {
  char digits[kNumberTextMax];
  return {digits, format_number(value, digits)};
}

TEST(Number, reads_and_writes_what_pythons_decimal_does) {
  for (const NumberCase& c : kCases) {
    Value value;
    const NumberError error = parse_number(c.text, value);
    ASSERT_EQ(error, c.error) << "'" << c.text << "'";
    if (error != NumberError::kNone) continue;
    EXPECT_EQ(value.type, c.type) << "'" << c.text << "'";
    EXPECT_EQ(written(value), c.written) << "'" << c.text << "'";
  }
}

TEST(Number, what_is_written_reads_back_the_same) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    Int128 mantissa = 0;
    const int digits = 1 + static_cast<int>(random() % 38);
    for (int d = 0; d < digits; ++d) mantissa = mantissa * 10 + static_cast<int>(random() % 10);
    if (random() % 2 != 0) mantissa = -mantissa;
    const Value value = Value::of_decimal(mantissa, static_cast<uint8_t>(random() % 39));
    Value back;
    ASSERT_EQ(parse_number(written(value), back), NumberError::kNone) << written(value);
    EXPECT_TRUE(is_json_number(written(value))) << written(value);
    ASSERT_EQ(written(back), written(value));
  }
}

TEST(Number, fast_readers_agree_with_the_scanner_or_pass) {
  std::mt19937_64 random(2);
  const std::string_view alphabet = "0123456789012345678901234567890123456789.-+e ";
  for (int i = 0; i < 400000; ++i) {
    std::string text;
    for (size_t n = random() % 21; n != 0; --n) text += alphabet[random() % (i % 3 == 0 ? 41 : alphabet.size())];
    NumberScanner scanner;
    for (const char c : text) scanner.push(c);
    Value slow;
    const NumberError error = scanner.finish(slow);
    const std::string padded = text + "7.5-9999";
    for (int reader = 0; reader < 3; ++reader) {
      int64_t mantissa = 0;
      uint32_t scale = 0;
      const bool read = reader == 0   ? parse_short_decimal(padded.data(), text.size(), mantissa, scale)
                        : reader == 1 ? parse_plain_decimal(text.data(), text.size(), mantissa, scale)
                                      : parse_short_decimal_within(text.data(), text.size(), mantissa, scale);
      if (!read) continue;
      ASSERT_EQ(error, NumberError::kNone) << "'" << text << "'";
      const Value fast =
          scale == 0 ? Value::of_int(mantissa) : Value::of_decimal(mantissa, static_cast<uint8_t>(scale));
      ASSERT_EQ(fast.type, slow.type) << text;
      ASSERT_EQ(written(fast), written(slow)) << text;
    }
    Value value;
    ASSERT_EQ(parse_number(text, value), error) << "'" << text << "'";
    if (error == NumberError::kNone) {
      ASSERT_EQ(written(value), written(slow)) << text;
    }
  }
}

TEST(Number, short_reader_takes_the_common_spellings) {
  for (const char* text : {"0", "7", "100", "12345678", "1.5", "0.25", ".5", "99999.99", "1234567"}) {
    int64_t mantissa = 0;
    uint32_t scale = 0;
    char padded[24] = {};
    std::snprintf(padded, sizeof padded, "%s", text);
    EXPECT_TRUE(parse_short_decimal(padded, std::string_view(text).size(), mantissa, scale)) << text;
  }
}

TEST(Number, doubles_are_the_shortest_text_that_reads_back) {
  struct Case {
    double real;
    const char* text;
  };
  for (const Case& c : {Case{0.1, "0.1"},
                        {1.0, "1"},
                        {-2.5, "-2.5"},
                        {1e22, "1e+22"},
                        {1.0 / 3, "0.3333333333333333"},
                        {5e-324, "5e-324"},
                        {1.7976931348623157e308, "1.7976931348623157e+308"},
                        {100000, "100000"},
                        {1e20, "100000000000000000000"},
                        {1e21, "1e+21"},
                        {0.000001, "0.000001"},
                        {1.5e-7, "1.5e-07"}}) {
    EXPECT_EQ(written(Value::of_double(c.real)), c.text);
    EXPECT_TRUE(is_json_number(written(Value::of_double(c.real))));
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    double real = 0;
    const uint64_t bits = random();
    std::memcpy(&real, &bits, 8);
    if (!std::isfinite(real)) continue;
    ASSERT_EQ(std::strtod(written(Value::of_double(real)).c_str(), nullptr), real);
  }
}

TEST(Number, json_grammar) {
  for (const char* good :
       {"0", "-0", "10", "1.0", "-1.50", "1e3", "1E+3", "0.1e-2", "123456789012345678901234567890"}) {
    EXPECT_TRUE(is_json_number(good)) << good;
  }
  for (const char* bad :
       {"", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e3", " 1", "1 ", "0x1", "NaN", "1.2.3"}) {
    EXPECT_FALSE(is_json_number(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir

#include "plan/units.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

TEST(Units, sizes_are_read_as_people_write_them) {
  const struct {
    const char* text;
    uint64_t bytes;
  } cases[] = {
      {"48MiB", 48u << 20},
      {"4MB", 4'000'000},
      {"512k", 512u << 10},
      {"65536", 65536},
      {"0", 0},
      {"1.5GiB", 3ull << 29},
      {" 48 MiB ", 48u << 20},
      {"1KB", 1000},
      {"1kb", 1000},
      {"64B", 64},
      {"2t", 2ull << 40},
      {"1_000_000", 1'000'000},
      {"0.5k", 512},
      {"9223372036854775807", ~uint64_t{0} >> 1},
      {"10G", 10ull << 30},
      {"1TB", 1'000'000'000'000},
  };
  for (const auto& c : cases) {
    const auto result = parse_size(c.text);
    ASSERT_TRUE(result) << c.text;
    EXPECT_EQ(*result, c.bytes) << c.text;
  }
}

TEST(Units, a_wrong_size_is_named) {
  const struct {
    const char* text;
    Code code;
    const char* detail;
  } cases[] = {
      {"48 megs", Code::kWrongType, "expected a size such as 48MiB, found '48 megs'"},
      {"", Code::kWrongType, "expected a size such as 48MiB, found nothing"},
      {"MiB", Code::kWrongType, "expected a size such as 48MiB, found 'MiB'"},
      {"-1", Code::kWrongType, "expected a size such as 48MiB, found '-1'"},
      {"0.3k", Code::kWrongType, "expected a size of whole bytes such as 48MiB, found '0.3k'"},
      {"1.", Code::kWrongType, "expected a size such as 48MiB, found '1.'"},
      {"_1", Code::kWrongType, "expected a size such as 48MiB, found '_1'"},
      {"9223372036854775808", Code::kOutOfRange, "'9223372036854775808' is too large a number"},
      {"99999999TiB", Code::kOutOfRange, "'99999999TiB' is too large a number"},
      {"a\nb", Code::kWrongType, "expected a size such as 48MiB, found 'a?b'"},
  };
  for (const auto& c : cases) {
    const auto result = parse_size(c.text);
    ASSERT_FALSE(result) << c.text;
    EXPECT_EQ(result.error().code, c.code) << c.text;
    EXPECT_EQ(result.error().detail.view(), c.detail);
  }
}

TEST(Units, durations_are_read_with_their_units) {
  const struct {
    const char* text;
    uint64_t ns;
  } cases[] = {
      {"15m", 900 * kSecond},
      {"30s", 30 * kSecond},
      {"500ms", kSecond / 2},
      {"1h30m", 5400 * kSecond},
      {"1.5s", 3 * kSecond / 2},
      {"0", 0},
      {"2d", 172800 * kSecond},
      {"1m 30s", 90 * kSecond},
      {"7us", 7000},
      {"1s500ms", 3 * kSecond / 2},
      {"9ns", 9},
  };
  for (const auto& c : cases) {
    const auto result = parse_duration_ns(c.text);
    ASSERT_TRUE(result) << c.text;
    EXPECT_EQ(*result, c.ns) << c.text;
  }
  for (const char* bad : {"15", "", "m", "30m1h", "1s1s", "1.5ns", "-1s", "1 minute", "1m30"}) {
    const auto result = parse_duration_ns(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, Code::kWrongType);
    EXPECT_TRUE(result.error().detail.view().starts_with("expected a duration such as 15m, 30s or 500ms, found "))
        << bad;
  }
  EXPECT_EQ(parse_duration_ns("999999999d").error().code, Code::kOutOfRange);
  EXPECT_EQ(parse_duration_ns("106751d99999999h").error().code, Code::kOutOfRange);
}

TEST(Units, shares_counts_and_switches_are_read) {
  EXPECT_EQ(*parse_share("1%"), 0.01);
  EXPECT_EQ(*parse_share("0.01"), 0.01);
  EXPECT_EQ(*parse_share("0.5%"), 0.005);
  EXPECT_EQ(*parse_share("100%"), 1.0);
  EXPECT_EQ(*parse_share("1"), 1.0);
  for (const char* large : {"101%", "1.5", "100.1%", "99999999999999999999%"}) {
    EXPECT_EQ(parse_share(large).error().code, Code::kOutOfRange) << large;
  }
  for (const char* bad : {"", "%", "one", "1 percent", "-1%"})
    EXPECT_EQ(parse_share(bad).error().code, Code::kWrongType) << bad;
  EXPECT_EQ(*parse_count("1_000"), 1000u);
  for (const char* bad : {"1.0", "-1", "", "ten", "1__0", "1_", "0x10"}) EXPECT_FALSE(parse_count(bad)) << bad;
  for (const char* yes : {"true", "True", "yes", "ON"}) EXPECT_TRUE(*parse_bool(yes)) << yes;
  for (const char* no : {"false", "no", "Off"}) EXPECT_FALSE(*parse_bool(no)) << no;
  EXPECT_EQ(parse_bool("maybe").error().detail.view(), "expected true or false, found 'maybe'");
}

TEST(Units, bytes_are_shown_to_a_tenth) {
  EXPECT_EQ(format_bytes(48u << 20).view(), "48.0 MiB");
  EXPECT_EQ(format_bytes(512).view(), "512 B");
  EXPECT_EQ(format_bytes(1023).view(), "1023 B");
  EXPECT_EQ(format_bytes(1024).view(), "1.0 KiB");
  EXPECT_EQ(format_bytes((1u << 20) - 1).view(), "1.0 MiB");
  EXPECT_EQ(format_bytes(1'500'000).view(), "1.4 MiB");
  EXPECT_EQ(format_bytes(~uint64_t{0}).view(), "16.0 EiB");
}

TEST(Units, exact_texts_are_read_back) {
  for (const uint64_t bytes :
       {uint64_t{0}, uint64_t{1}, uint64_t{65537}, uint64_t{48u << 20}, uint64_t{1} << 40, uint64_t{3} << 50}) {
    EXPECT_EQ(*parse_size(format_size_exactly(bytes).view()), bytes);
  }
  const struct {
    uint64_t ns;
    const char* text;
  } cases[] = {{0, "0"},
               {900 * kSecond, "15m"},
               {5400 * kSecond, "1h30m"},
               {kSecond / 2, "500ms"},
               {3 * kSecond / 2, "1.5s"},
               {90 * kSecond, "1m30s"},
               {60 * kSecond + 5, "1m5ns"},
               {1'000'001, "1.000001ms"}};
  for (const auto& c : cases) {
    EXPECT_EQ(format_duration(c.ns).view(), c.text);
    EXPECT_EQ(*parse_duration_ns(c.text), c.ns);
  }
}

}  // namespace
}  // namespace weir

#include "base/utc_time.hpp"

#include <ctime>
#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

// The system's gmtime is the oracle.
TEST(UtcTime, agrees_with_the_system_over_all_years) {
  for (uint64_t seconds = 0; seconds < 18'446'000'000; seconds += 86'399 * 7 + 13) {
    const auto system_seconds = static_cast<time_t>(seconds);
    struct tm parts{};
    gmtime_r(&system_seconds, &parts);
    const UtcTime time = utc_of(seconds * kSecondNs + 999'999'999);
    ASSERT_EQ(time.year, parts.tm_year + 1900) << seconds;
    ASSERT_EQ(time.month, parts.tm_mon + 1) << seconds;
    ASSERT_EQ(time.day, parts.tm_mday) << seconds;
    ASSERT_EQ(time.hour, parts.tm_hour) << seconds;
    ASSERT_EQ(time.minute, parts.tm_min) << seconds;
    ASSERT_EQ(time.second, parts.tm_sec) << seconds;
    char text[64];
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
    ASSERT_EQ(basic_time(seconds * kSecondNs).view(), text);
    if (parts.tm_year + 1900 > 2553) break;
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    ASSERT_EQ(parse_http_date(text), seconds * kSecondNs) << text;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    ASSERT_EQ(parse_iso_time(text), seconds * kSecondNs) << text;
  }
}

TEST(UtcTime, holds_the_edges) {
  EXPECT_EQ(basic_time(0).view(), "19700101T000000Z");
  EXPECT_EQ(basic_time(951'782'400 * kSecondNs).view(), "20000229T000000Z");
  EXPECT_EQ(basic_time(951'868'799 * kSecondNs).view(), "20000229T235959Z");
  EXPECT_EQ(basic_time(4'107'542'400 * kSecondNs).view(), "21000301T000000Z");
  EXPECT_EQ(basic_time(~uint64_t{0}).view(), "25540721T233433Z");
}

TEST(UtcTime, reads_zones_and_fractions) {
  const uint64_t expected = 1'335'542'545 * kSecondNs;  // 2012-04-27T16:02:25Z
  EXPECT_EQ(parse_iso_time("2012-04-27T16:02:25Z"), expected);
  EXPECT_EQ(parse_iso_time("2012-04-27T16:02:25"), expected);
  EXPECT_EQ(parse_iso_time("2012-04-27T16:02:25+00:00"), expected);
  EXPECT_EQ(parse_iso_time("2012-04-27T18:02:25+02:00"), expected);
  EXPECT_EQ(parse_iso_time("2012-04-27T18:02:25+0200"), expected);
  EXPECT_EQ(parse_iso_time("2012-04-27T10:32:25-05:30"), expected);
  EXPECT_EQ(parse_iso_time("2012-04-27T16:02:25.5Z"), expected + 500'000'000);
  EXPECT_EQ(parse_iso_time("2012-04-27T16:02:25.000000001Z"), expected + 1);
  EXPECT_EQ(parse_iso_time("2016-12-31T23:59:60Z"), parse_iso_time("2016-12-31T23:59:59Z"));
}

TEST(UtcTime, refuses_what_is_no_time) {
  for (const char* bad : {"",
                          "2012",
                          "2012-04-27",
                          "2012-04-27 16:02:25Z",
                          "2012-13-27T16:02:25Z",
                          "2012-00-27T16:02:25Z",
                          "2012-02-30T16:02:25Z",
                          "2013-02-29T00:00:00Z",
                          "2012-04-27T24:02:25Z",
                          "2012-04-27T16:60:25Z",
                          "2012-04-27T16:02:61Z",
                          "2012-04-27T16:02:25.Z",
                          "2012-04-27T16:02:25.1234567890Z",
                          "2012-04-27T16:02:25Zx",
                          "2012-04-27T16:02:25+2",
                          "2012-04-27T16:02:25+24:00",
                          "1969-12-31T23:59:59Z",
                          "1970-01-01T00:00:00+00:01",
                          "2554-01-01T00:00:00Z",
                          "-012-04-27T16:02:25Z",
                          "2012-04-27T16:02:2"}) {
    EXPECT_EQ(parse_iso_time(bad), std::nullopt) << bad;
  }
  EXPECT_TRUE(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"));
  for (const char* bad :
       {"", "Sun", "Sun,", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ", "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "unM, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov"}) {
    EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace weir

#include "base/utc_time.hpp"

#include <cstddef>

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDaySeconds = 86'400;
constexpr uint16_t kYearMax = 2553;

constexpr bool is_leap(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

constexpr unsigned days_of_month(unsigned year, unsigned month) {
  constexpr uint8_t kDays[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

/// Days from 1970-01-01 to the first of January.
constexpr int64_t days_to_year(int64_t year) {
  const int64_t past = year - 1;
  return 365 * (year - 1970) + (past / 4 - past / 100 + past / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/// Reads a text from left to right; `ok` stays false after the first thing that is not there.
struct Scan {
  std::string_view left;
  bool ok = true;

  unsigned digits(size_t count) {
    unsigned number = 0;
    if (left.size() < count) ok = false;
    for (size_t i = 0; ok && i < count; ++i) {
      if (left[i] < '0' || left[i] > '9') {
        ok = false;
        return 0;
      }
      number = number * 10 + static_cast<unsigned>(left[i] - '0');
    }
    if (ok) left.remove_prefix(count);
    return number;
  }
  void word(std::string_view text) {
    ok = ok && left.starts_with(text);
    if (ok) left.remove_prefix(text.size());
  }
  bool takes(char c) {
    if (!ok || left.empty() || left.front() != c) return false;
    left.remove_prefix(1);
    return true;
  }
};

std::optional<int64_t> seconds_of(unsigned year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                                  unsigned second) {
  if (year < 1970 || year > kYearMax || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
      hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  int64_t days = days_to_year(year) + day - 1;
  for (unsigned m = 1; m < month; ++m) days += days_of_month(year, m);
  return days * kDaySeconds + hour * 3600 + minute * 60 + (second == 60 ? 59 : second);
}

}  // namespace

UtcTime utc_of(uint64_t wall_ns) {
  const uint64_t seconds = wall_ns / kSecondNs;
  auto days = static_cast<int64_t>(seconds / kDaySeconds);
  const auto of_day = static_cast<unsigned>(seconds % kDaySeconds);
  auto year = static_cast<unsigned>(1970 + days / 366);
  while (days_to_year(year + 1) <= days) ++year;
  days -= days_to_year(year);
  unsigned month = 1;
  while (days >= days_of_month(year, month)) days -= days_of_month(year, month++);
  UtcTime time;
  time.year = static_cast<uint16_t>(year);
  time.month = static_cast<uint8_t>(month);
  time.day = static_cast<uint8_t>(days + 1);
  time.hour = static_cast<uint8_t>(of_day / 3600);
  time.minute = static_cast<uint8_t>(of_day / 60 % 60);
  time.second = static_cast<uint8_t>(of_day % 60);
  return time;
}

FixedText<16> basic_time(uint64_t wall_ns) {
  const UtcTime time = utc_of(wall_ns);
  FixedText<16> text;
  const auto digits = [&](unsigned number, unsigned places) {
    for (; places != 0; places /= 10) text.append(static_cast<char>('0' + number / places % 10));
  };
  digits(time.year, 1000);
  digits(time.month, 10);
  digits(time.day, 10);
  text.append('T');
  digits(time.hour, 10);
  digits(time.minute, 10);
  digits(time.second, 10);
  text.append('Z');
  return text;
}

std::optional<uint64_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view kDays = "MonTueWedThuFriSatSun";
  Scan scan{text};
  if (text.size() < 3) return std::nullopt;
  const size_t day_name = kDays.find(text.substr(0, 3));
  if (day_name == std::string_view::npos || day_name % 3 != 0) return std::nullopt;
  scan.left.remove_prefix(3);
  scan.word(", ");
  const unsigned day = scan.digits(2);
  scan.word(" ");
  if (!scan.ok || scan.left.size() < 3) return std::nullopt;
  const size_t month = kMonths.find(scan.left.substr(0, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  scan.left.remove_prefix(3);
  scan.word(" ");
  const unsigned year = scan.digits(4);
  scan.word(" ");
  const unsigned hour = scan.digits(2);
  scan.word(":");
  const unsigned minute = scan.digits(2);
  scan.word(":");
  const unsigned second = scan.digits(2);
  scan.word(" GMT");
  if (!scan.ok || !scan.left.empty()) return std::nullopt;
  const auto seconds = seconds_of(year, static_cast<unsigned>(month / 3 + 1), day, hour, minute, second);
  if (!seconds) return std::nullopt;
  return static_cast<uint64_t>(*seconds) * kSecondNs;
}

std::optional<uint64_t> parse_iso_time(std::string_view text) {
  Scan scan{text};
  const unsigned year = scan.digits(4);
  scan.word("-");
  const unsigned month = scan.digits(2);
  scan.word("-");
  const unsigned day = scan.digits(2);
  scan.word("T");
  const unsigned hour = scan.digits(2);
  scan.word(":");
  const unsigned minute = scan.digits(2);
  scan.word(":");
  const unsigned second = scan.digits(2);
  uint64_t fraction_ns = 0;
  if (scan.takes('.')) {
    uint64_t place_ns = kSecondNs;
    size_t digits = 0;
    for (; digits < 9 && !scan.left.empty() && scan.left.front() >= '0' && scan.left.front() <= '9'; ++digits) {
      place_ns /= 10;
      fraction_ns += place_ns * scan.digits(1);
    }
    if (digits == 0) return std::nullopt;
  }
  int64_t zone_seconds = 0;
  if (scan.ok && !scan.left.empty() && !scan.takes('Z')) {
    const bool west = scan.left.front() == '-';
    if (!west && scan.left.front() != '+') return std::nullopt;
    scan.left.remove_prefix(1);
    const unsigned zone_hours = scan.digits(2);
    scan.takes(':');
    const unsigned zone_minutes = scan.digits(2);
    if (zone_hours > 23 || zone_minutes > 59) return std::nullopt;
    zone_seconds = static_cast<int64_t>(zone_hours) * 3600 + zone_minutes * 60;
    if (west) zone_seconds = -zone_seconds;
  }
  if (!scan.ok || !scan.left.empty()) return std::nullopt;
  const auto local = seconds_of(year, month, day, hour, minute, second);
  if (!local || *local < zone_seconds) return std::nullopt;
  return static_cast<uint64_t>(*local - zone_seconds) * kSecondNs + fraction_ns;
}

}  // namespace weir

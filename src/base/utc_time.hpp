// Calendar time in UTC, between nanoseconds since 1970 and the three spellings that are met on the wire. Years 1970 to 2553 (what 64 bits of
// nanoseconds hold is 2554-07-21); leap seconds are read as the second before.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fixed_text.hpp"

namespace weir {

struct UtcTime {
  uint16_t year = 1970;
  uint8_t month = 1;  ///< from 1
  uint8_t day = 1;  ///< from 1
  uint8_t hour = 0;
  uint8_t minute = 0;
  uint8_t second = 0;
};

UtcTime utc_of(uint64_t wall_ns);

/// "20150830T123600Z": ISO 8601 basic, as SigV4 signs it. The first eight bytes are the date.
FixedText<16> basic_time(uint64_t wall_ns);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7, the preferred form alone; the name of the day is not held against the date). In
/// nanoseconds since 1970; nothing when it is no such time.
std::optional<uint64_t> parse_http_date(std::string_view text);

/// "2012-04-27T16:02:25Z", with fractions of up to nine digits, and Z, +hh:mm, -hh:mm or +hhmm as the zone (RFC 3339). No zone is UTC.
std::optional<uint64_t> parse_iso_time(std::string_view text);

}  // namespace weir

// Units as people write them: sizes, durations, counts, shares and switches; and back to text for messages.
//
// Every parser takes the whole text (space around it is ignored), allocates nothing and answers in base units: bytes, nanoseconds.
// Errors: W2002 with "expected a size such as 48MiB, found '48 megs'", W2003 where the number does not fit 63 bits.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"

namespace weir {

using UnitText = FixedText<48>;

/// `48MiB`, `4MB`, `512k`, `1.5 GiB`, `65536`. KiB, MiB, GiB, TiB and bare k, m, g, t are powers of 1024; kB, MB, GB, TB of
/// 1000; upper and lower case are the same. A fraction must come to whole bytes.
Result<uint64_t> parse_size(std::string_view text);

/// `15m`, `30s`, `500ms`, `1h30m`, `1.5s`: ns, us, ms, s, m, h, d, larger units first. A number without a unit is refused, but `0`.
Result<uint64_t> parse_duration_ns(std::string_view text);

/// `2026-11-27T04:30:00Z`: nanoseconds since 1970. Seconds may be left out; UTC only.
Result<uint64_t> parse_time_ns(std::string_view text);

/// `100`, `1_000_000`. No sign, no fraction.
Result<uint64_t> parse_count(std::string_view text);

/// `1%`, `0.5%`, `0.01`: 0 to 1.
Result<double> parse_share(std::string_view text);

/// `true`, `yes`, `on`; `false`, `no`, `off`.
Result<bool> parse_bool(std::string_view text);

/// "48.0 MiB", "512 B": for people, rounded to a tenth.
UnitText format_bytes(uint64_t bytes);
/// "48MiB", "65537": exactly, as parse_size reads it.
UnitText format_size_exactly(uint64_t bytes);
/// "15m", "1h30m", "1.5s", "500ms": exactly, as parse_duration_ns reads it.
UnitText format_duration(uint64_t ns);

/// "'48 megs'": what was found, cut to a length that fits a message, control characters shown as `?`.
FixedText<64> quoted(std::string_view text);

}  // namespace weir

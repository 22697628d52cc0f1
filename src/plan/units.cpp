#include "plan/units.hpp"

#include <chrono>

namespace weir {

namespace {
constexpr uint64_t kNumberMax = ~uint64_t{0} >> 1;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

Error expected(std::string_view what, std::string_view found) {
  Error error(Code::kWrongType);
  error.detail.append("expected ").append(what).append(", found ");
  error.detail.append(trimmed(found).empty() ? std::string_view("nothing") : quoted(found).view());
  return error;
}

Error too_large(std::string_view found) {
  Error error(Code::kOutOfRange);
  error.detail.append(quoted(found).view()).append(" is too large a number");
  return error;
}

/// whole + fraction / 10^digits, read from the front of a text.
struct Number {
  uint64_t whole = 0;
  uint64_t fraction = 0;
  uint64_t fraction_unit = 1;  ///< 10^digits
  bool overflow = false;
};

bool take_number(std::string_view& text, Number& number) {
  size_t i = 0;
  while (i < text.size()) {
    if (is_digit(text[i])) {
      const uint64_t digit = static_cast<uint64_t>(text[i] - '0');
      if (number.whole > (kNumberMax - digit) / 10) {
        number.overflow = true;
      } else {
        number.whole = number.whole * 10 + digit;
      }
    } else if (text[i] != '_' || i == 0 || i + 1 >= text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      break;
    }
    ++i;
  }
  if (i == 0) return false;
  if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) {
    ++i;
    for (size_t digits = 0; i < text.size() && is_digit(text[i]); ++i, ++digits) {
      if (digits >= 15) return false;
      number.fraction = number.fraction * 10 + static_cast<uint64_t>(text[i] - '0');
      number.fraction_unit *= 10;
    }
  }
  text.remove_prefix(i);
  return true;
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit kSizeUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", 1u << 10},
    {"kib", 1u << 10},
    {"kb", 1000},
    {"m", 1u << 20},
    {"mib", 1u << 20},
    {"mb", 1'000'000},
    {"g", 1u << 30},
    {"gib", 1u << 30},
    {"gb", 1'000'000'000},
    {"t", 1ull << 40},
    {"tib", 1ull << 40},
    {"tb", 1'000'000'000'000},
};
constexpr Unit kTimeUnits[] = {
                                 // larger first
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1000},
    {"ns", 1},
};

/// number * factor; false when it is no whole number or does not fit.
enum class Scaled : uint8_t { kFits, kTooLarge, kNotWhole };
Scaled scale(const Number& number, uint64_t factor, uint64_t& result) {
  const unsigned __int128 part = static_cast<unsigned __int128>(number.fraction) * factor;
  if (part % number.fraction_unit != 0) return Scaled::kNotWhole;
  const unsigned __int128 all = static_cast<unsigned __int128>(number.whole) * factor + part / number.fraction_unit;
  if (number.overflow || all > kNumberMax) return Scaled::kTooLarge;
  result = static_cast<uint64_t>(all);
  return Scaled::kFits;
}
}  // namespace

FixedText<64> quoted(std::string_view text) {
  FixedText<64> out("'");
  const bool cut = text.size() > 48;
  if (cut) {
    text = text.substr(0, 45);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.remove_suffix(1);
  }
  for (const char c : text) out.append(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c);
  if (cut) out.append("...");
  return out.append("'");
}

Result<uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kWhat = "a size such as 48MiB";
  std::string_view rest = trimmed(text);
  Number number;
  if (!take_number(rest, number)) return fail(expected(kWhat, text));
  rest = trimmed(rest);
  for (const Unit& unit : kSizeUnits) {
    if (!same_word(rest, unit.name)) continue;
    uint64_t bytes = 0;
    switch (scale(number, unit.factor, bytes)) {
      case Scaled::kFits:
        return bytes;
      case Scaled::kTooLarge:
        return fail(too_large(text));
      case Scaled::kNotWhole:
        return fail(expected("a size of whole bytes such as 48MiB", text));
    }
  }
  return fail(expected(kWhat, text));
}

Result<uint64_t> parse_duration_ns(std::string_view text) {
  constexpr std::string_view kWhat = "a duration such as 15m, 30s or 500ms";
  std::string_view rest = trimmed(text);
  if (rest == "0") return 0;
  if (rest.empty()) return fail(expected(kWhat, text));
  uint64_t total = 0;
  size_t next_unit = 0;  // units come larger first, each once
  while (!rest.empty()) {
    Number number;
    if (!take_number(rest, number)) return fail(expected(kWhat, text));
    rest = trimmed(rest);
    size_t letters = 0;
    while (letters < rest.size() && lower(rest[letters]) >= 'a' && lower(rest[letters]) <= 'z') ++letters;
    size_t u = next_unit;
    while (u < std::size(kTimeUnits) && !same_word(kTimeUnits[u].name, rest.substr(0, letters))) ++u;
    if (u == std::size(kTimeUnits)) return fail(expected(kWhat, text));
    uint64_t part = 0;
    const Scaled scaled = scale(number, kTimeUnits[u].factor, part);
    if (scaled == Scaled::kNotWhole) return fail(expected(kWhat, text));
    if (scaled == Scaled::kTooLarge || part > kNumberMax - total) return fail(too_large(text));
    total += part;
    next_unit = u + 1;
    rest = trimmed(rest.substr(letters));
  }
  return total;
}

Result<uint64_t> parse_time_ns(std::string_view text) {
  const std::string_view whole = trimmed(text);
  const auto wrong = [&] { return fail(expected("a time such as 2026-11-27T04:30:00Z", text)); };
  std::string_view rest = whole;
  const auto take = [&](size_t digits, char behind, uint64_t& value) {
    if (rest.size() < digits + 1) return false;
    value = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!is_digit(rest[i])) return false;
      value = value * 10 + static_cast<uint64_t>(rest[i] - '0');
    }
    if (rest[digits] != behind) return false;
    rest.remove_prefix(digits + 1);
    return true;
  };
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take(4, '-', year) || !take(2, '-', month) || !take(2, 'T', day) || !take(2, ':', hour)) return wrong();
  if (!take(2, 'Z', minute) && (!take(2, ':', minute) || !take(2, 'Z', second))) return wrong();
  if (!rest.empty() || year < 1970 || hour > 23 || minute > 59 || second > 59) return wrong();
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year > 2500) return wrong();
  const auto days = static_cast<uint64_t>(std::chrono::sys_days(date).time_since_epoch().count());
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000'000u;
}

Result<uint64_t> parse_count(std::string_view text) {
  std::string_view rest = trimmed(text);
  Number number;
  if (!take_number(rest, number) || !rest.empty() || number.fraction_unit != 1) {
    return fail(expected("a whole number such as 100", text));
  }
  if (number.overflow) return fail(too_large(text));
  return number.whole;
}

Result<double> parse_share(std::string_view text) {
  constexpr std::string_view kWhat = "a share such as 1% or 0.01";
  std::string_view rest = trimmed(text);
  Number number;
  if (!take_number(rest, number)) return fail(expected(kWhat, text));
  rest = trimmed(rest);
  const bool percent = rest == "%";
  if (!percent && !rest.empty()) return fail(expected(kWhat, text));
  const uint64_t one = percent ? 100 : 1;
  if (number.overflow || number.whole > one || (number.whole == one && number.fraction != 0)) {
    Error error(Code::kOutOfRange);
    error.detail.append("expected a share from 0% to 100%, found ").append(quoted(text).view());
    return fail(error);
  }
  // One rounding only: 1% and 0.01 are the same double.
  const double mantissa = static_cast<double>(number.whole * number.fraction_unit + number.fraction);
  return mantissa / (static_cast<double>(number.fraction_unit) * static_cast<double>(one));
}

Result<bool> parse_bool(std::string_view text) {
  const std::string_view word = trimmed(text);
  for (const std::string_view yes : {"true", "yes", "on"}) {
    if (same_word(word, yes)) return true;
  }
  for (const std::string_view no : {"false", "no", "off"}) {
    if (same_word(word, no)) return false;
  }
  return fail(expected("true or false", text));
}

UnitText format_bytes(uint64_t bytes) {
  UnitText out;
  if (bytes < 1024) return out.append_number(bytes).append(" B"), out;
  constexpr std::string_view kNames[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  size_t name = 0;
  uint64_t unit = 1024;
  // 1023.96 KiB would be shown as 1024.0 KiB: the next unit begins where a tenth rounds up.
  while (name + 1 < std::size(kNames) && bytes >= unit * 1024 - unit / 20) {
    unit *= 1024;
    ++name;
  }
  const auto tenths = static_cast<uint64_t>((static_cast<unsigned __int128>(bytes) * 10 + unit / 2) / unit);
  out.append_number(tenths / 10).append(".").append_number(tenths % 10).append(kNames[name]);
  return out;
}

UnitText format_size_exactly(uint64_t bytes) {
  constexpr std::string_view kNames[] = {"", "KiB", "MiB", "GiB", "TiB"};
  size_t name = 0;
  while (name + 1 < std::size(kNames) && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++name;
  }
  UnitText out;
  out.append_number(bytes).append(kNames[name]);
  return out;
}

UnitText format_duration(uint64_t ns) {
  UnitText out;
  if (ns == 0) return out.append("0"), out;
  constexpr uint64_t kSecond = 1'000'000'000;
  for (const Unit& unit : kTimeUnits) {
    const bool large = unit.factor > kSecond;
    if (ns < unit.factor) continue;
    out.append_number(ns / unit.factor);
    ns %= unit.factor;
    if (!large && ns != 0) {  // below a minute: one unit with a fraction
      out.append(".");
      for (uint64_t place = unit.factor / 10; ns != 0; place /= 10) {
        out.append(static_cast<char>('0' + ns / place));
        ns %= place;
      }
    }
    out.append(unit.name);
    if (ns == 0) break;
  }
  return out;
}

}  // namespace weir

#include "record/number.hpp"

#include <charconv>
#include <limits>

namespace weir {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

constexpr int64_t kExponentMax = 1'000'000'000;  // larger ones are clamped: out of range either way

Value integer_or_decimal(Int128 mantissa, uint32_t scale) {
  if (scale == 0 && mantissa >= std::numeric_limits<int64_t>::min() &&
      mantissa <= std::numeric_limits<int64_t>::max()) {
    return Value::of_int(static_cast<int64_t>(mantissa));
  }
  return Value::of_decimal(mantissa, static_cast<uint8_t>(scale));
}

size_t write_digits(unsigned __int128 number, char* end) {
  char* p = end;
  while (number > std::numeric_limits<uint64_t>::max()) {
    *--p = static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  }
  auto low = static_cast<uint64_t>(number);
  do {
    *--p = static_cast<char>('0' + low % 10);
    low /= 10;
  } while (low != 0);
  return static_cast<size_t>(end - p);
}

}  // namespace

void NumberScanner::digit(char c) {
  any_digit_ = true;
  if (digits_ == 0 && c == '0') return;
  if (digits_ < kDigitsMax) {
    mantissa_ = mantissa_ * 10 + (c - '0');
    ++digits_;
  } else {
    ++extra_;
    if (c != '0') inexact_ = true;
  }
}

void NumberScanner::push(char c) {
  switch (state_) {
    case State::kStart:
      if (is_blank(c)) return;
      if (c == '+' || c == '-') {
        negative_ = c == '-';
        state_ = State::kSign;
        return;
      }
      [[fallthrough]];
    case State::kSign:
      if (is_digit(c)) {
        state_ = State::kWhole;
        digit(c);
      } else {
        state_ = c == '.' ? State::kFraction : State::kBad;
      }
      return;
    case State::kWhole:
    case State::kFraction:
      if (is_digit(c)) {
        if (state_ == State::kFraction) ++fraction_;
        digit(c);
      } else if (c == '.' && state_ == State::kWhole) {
        state_ = State::kFraction;
      } else if ((c == 'e' || c == 'E') && any_digit_) {
        state_ = State::kExponent;
      } else {
        state_ = is_blank(c) ? State::kEnd : State::kBad;
      }
      return;
    case State::kExponent:
      if (c == '+' || c == '-') {
        exponent_negative_ = c == '-';
        state_ = State::kExponentSign;
        return;
      }
      [[fallthrough]];
    case State::kExponentSign:
    case State::kExponentDigits:
      if (is_digit(c)) {
        if (exponent_ < kExponentMax) exponent_ = exponent_ * 10 + (c - '0');
        state_ = State::kExponentDigits;
      } else {
        state_ = is_blank(c) && state_ == State::kExponentDigits ? State::kEnd : State::kBad;
      }
      return;
    case State::kEnd:
      if (!is_blank(c)) state_ = State::kBad;
      return;
    case State::kBad:
      return;
  }
}

NumberError NumberScanner::finish(Value& value) {
  const bool whole = state_ == State::kWhole || state_ == State::kFraction || state_ == State::kExponentDigits ||
                     state_ == State::kEnd;
  if (!whole || !any_digit_) return NumberError::kNotANumber;
  int64_t scale = fraction_ - (exponent_negative_ ? -exponent_ : exponent_);
  if (mantissa_ == 0) {
    scale = scale < 0 ? 0 : scale > kScaleMax ? kScaleMax : scale;
    value = integer_or_decimal(0, static_cast<uint32_t>(scale));
    return NumberError::kNone;
  }
  if (inexact_) return NumberError::kOverflow;
  scale -= extra_;
  if (scale < 0) {
    if (-scale > kDigitsMax - digits_) return NumberError::kOverflow;
    mantissa_ *= power_of_ten(static_cast<int>(-scale));
    scale = 0;
  }
  for (; scale > kScaleMax; --scale) {
    if (mantissa_ % 10 != 0) return NumberError::kOverflow;
    mantissa_ /= 10;
  }
  value = integer_or_decimal(negative_ ? -mantissa_ : mantissa_, static_cast<uint32_t>(scale));
  return NumberError::kNone;
}

NumberError parse_number(std::string_view text, Value& value) {
  int64_t mantissa;
  uint32_t scale;
  if (parse_short_decimal_within(text.data(), text.size(), mantissa, scale) ||
      parse_plain_decimal(text.data(), text.size(), mantissa, scale)) {
    if (scale == 0) {
      value.set_int(mantissa);
    } else {
      value.set_decimal(mantissa, scale);
    }
    return NumberError::kNone;
  }
  NumberScanner scanner;
  for (const char c : text) scanner.push(c);
  return scanner.finish(value);
}

bool is_json_number(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t first = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - first;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const bool zero = i < text.size() && text[i] == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

size_t format_number(const Value& value, char* out) {
  if (value.type == Type::kInt) {
    return static_cast<size_t>(std::to_chars(out, out + kNumberTextMax, value.integer).ptr - out);
  }
  if (value.type == Type::kDouble) {
    // As JavaScript: plain digits from 1e-6 up to 1e21.
    const double size = value.real < 0 ? -value.real : value.real;
    const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
    const auto form = plain ? std::chars_format::fixed : std::chars_format::scientific;
    return static_cast<size_t>(std::to_chars(out, out + kNumberTextMax, value.real, form).ptr - out);
  }
  char digits[kNumberTextMax];
  char* const end = digits + sizeof digits;
  const bool negative = value.mantissa < 0;
  const auto magnitude =
      negative ? -static_cast<unsigned __int128>(value.mantissa) : static_cast<unsigned __int128>(value.mantissa);
  size_t size = write_digits(magnitude, end);
  while (size <= value.scale) end[-static_cast<ptrdiff_t>(++size)] = '0';  // a digit before the dot
  size_t used = 0;
  if (negative) out[used++] = '-';
  const size_t whole = size - value.scale;
  std::memcpy(out + used, end - size, whole);
  used += whole;
  if (value.scale != 0) {
    out[used++] = '.';
    std::memcpy(out + used, end - value.scale, value.scale);
    used += value.scale;
  }
  return used;
}

}  // namespace weir

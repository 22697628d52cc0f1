// Arithmetic on numbers. Integers and decimals are exact; what does not fit is an overflow, never rounded, except in
// decimal division.
#include <cmath>
#include <limits>

#include "record/field.hpp"
#include "record/number.hpp"
#include "sql/operators.hpp"

namespace weir::sql {
namespace {

using Uint128 = unsigned __int128;

Uint128 magnitude(Int128 n) { return n < 0 ? -static_cast<Uint128>(n) : static_cast<Uint128>(n); }

struct Decimal {
  Int128 mantissa;
  uint32_t scale;
};
Decimal decimal_of(const Value& v) {
  if (v.type == Type::kInt) return {v.integer, 0};
  return {v.mantissa, v.scale};
}

bool is_word_sized(Int128 n) { return n == static_cast<int64_t>(n); }

/// The common case: mantissas of 64 bits, whose sums and products fit 128 bits whatever they are. False: the general
/// way.
bool short_arithmetic(Op op, const Decimal& x, const Decimal& y, Value& out) {
  if (!is_word_sized(x.mantissa) || !is_word_sized(y.mantissa) || x.scale > 18 || y.scale > 18) return false;
  const auto a = static_cast<int64_t>(x.mantissa);
  const auto b = static_cast<int64_t>(y.mantissa);
  if (op == Op::kMultiply) {  // below 2^126, which is less than 10^38
    out.set_decimal(Int128{a} * b, x.scale + y.scale);
    return true;
  }
  const uint32_t scale = x.scale < y.scale ? y.scale : x.scale;
  const Int128 left = Int128{a} * static_cast<int64_t>(power_of_ten(static_cast<int>(scale - x.scale)));
  const Int128 right = Int128{b} * static_cast<int64_t>(power_of_ten(static_cast<int>(scale - y.scale)));
  out.set_decimal(op == Op::kAdd ? left + right : left - right, scale);
  return true;
}

/// Brings both to the larger scale; false when that does not fit.
bool align(Decimal& a, Decimal& b) {
  Decimal& less = a.scale < b.scale ? a : b;
  const uint32_t scale = a.scale < b.scale ? b.scale : a.scale;
  if (less.scale == scale) return true;
  if (__builtin_mul_overflow(less.mantissa, power_of_ten(static_cast<int>(scale - less.scale)), &less.mantissa))
    return false;
  less.scale = scale;
  return true;
}

Code decimal_result(Int128 mantissa, uint32_t scale, Value& out) {
  for (; scale > kScaleMax; --scale) {
    if (mantissa % 10 != 0) return Code::kOverflow;
    mantissa /= 10;
  }
  if (!mantissa_fits(mantissa)) return Code::kOverflow;
  out.set_decimal(mantissa, scale);
  return Code::kOk;
}

Code double_result(double real, Value& out) {
  if (!std::isfinite(real)) return Code::kOverflow;
  out = Value::of_double(real);
  return Code::kOk;
}

Code integer_arithmetic(Op op, int64_t a, int64_t b, Value& out) {
  int64_t result = 0;
  switch (op) {
    case Op::kAdd:
      if (__builtin_add_overflow(a, b, &result)) return Code::kOverflow;
      break;
    case Op::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) return Code::kOverflow;
      break;
    case Op::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) return Code::kOverflow;
      break;
    default:
      if (b == 0) return Code::kDivisionByZero;
      if (b == -1) {  // the one pair whose quotient does not fit
        if (op == Op::kModulo) break;
        if (a == std::numeric_limits<int64_t>::min()) return Code::kOverflow;
      }
      result = op == Op::kDivide ? a / b : a % b;
  }
  out.set_int(result);
  return Code::kOk;
}

Code double_arithmetic(Op op, double a, double b, Value& out) {
  switch (op) {
    case Op::kAdd:
      return double_result(a + b, out);
    case Op::kSubtract:
      return double_result(a - b, out);
    case Op::kMultiply:
      return double_result(a * b, out);
    default:
      if (b == 0) return Code::kDivisionByZero;
      return double_result(op == Op::kDivide ? a / b : std::fmod(a, b), out);
  }
}

}  // namespace

Code divide_decimals(Int128 a, uint32_t a_scale, Int128 b, uint32_t b_scale, Value& out) {
  constexpr uint32_t kMoreDigits = 6;
  const uint32_t least = a_scale < b_scale ? b_scale : a_scale;
  uint32_t scale = least + kMoreDigits;
  if (scale > kScaleMax) scale = kScaleMax;
  // a/10^as : b/10^bs = (a/b) * 10^(bs-as); wanted in units of 10^-scale. scale >= as, so the exponent is not negative.
  const uint32_t digits = scale + b_scale - a_scale;
  const bool negative = (a < 0) != (b < 0);
  const Uint128 divisor = magnitude(b);
  Uint128 quotient = magnitude(a) / divisor;
  Uint128 rest = magnitude(a) % divisor;
  constexpr Uint128 kSmall = std::numeric_limits<Uint128>::max() / 1'000'000'000'000'000'000u;
  const auto limit = static_cast<Uint128>(power_of_ten(kDigitsMax));
  const auto power = static_cast<Uint128>(power_of_ten(digits <= 18 ? static_cast<int>(digits) : 0));
  if (digits <= 18 && rest <= kSmall && quotient < limit / power) {  // at once
    quotient = quotient * power + rest * power / divisor;
    rest = rest * power % divisor;
  } else {
    // Long division; ten times the rest may not fit, so it is added up. Digits past the 38th are left out as far as
    // they are extra.
    for (uint32_t left = digits; left != 0; --left) {
      if (quotient >= limit / 10) {
        if (left > scale - least) return Code::kOverflow;
        scale -= left;
        break;
      }
      Uint128 sum = 0;
      uint32_t digit = 0;
      for (int i = 0; i < 10; ++i) {
        sum += rest;
        if (sum >= divisor) {
          sum -= divisor;
          ++digit;
        }
      }
      rest = sum;
      quotient = quotient * 10 + digit;
    }
  }
  if (rest >= divisor - rest) ++quotient;  // half away from zero
  while (scale > least && quotient % 10 == 0) {
    quotient /= 10;
    --scale;
  }
  if (quotient >= limit) return Code::kOverflow;
  const auto mantissa = static_cast<Int128>(quotient);
  return decimal_result(negative ? -mantissa : mantissa, scale, out);
}

Code arithmetic(Op op, const Value& a, const Value& b, Value& out) {
  if (a.type == Type::kInt && b.type == Type::kInt) return integer_arithmetic(op, a.integer, b.integer, out);
  if (a.type == Type::kDouble || b.type == Type::kDouble) return double_arithmetic(op, to_double(a), to_double(b), out);
  Decimal x = decimal_of(a);
  Decimal y = decimal_of(b);
  if (op <= Op::kMultiply && short_arithmetic(op, x, y, out)) return Code::kOk;
  Int128 result = 0;
  switch (op) {
    case Op::kAdd:
      if (!align(x, y) || __builtin_add_overflow(x.mantissa, y.mantissa, &result)) return Code::kOverflow;
      return decimal_result(result, x.scale, out);
    case Op::kSubtract:
      if (!align(x, y) || __builtin_sub_overflow(x.mantissa, y.mantissa, &result)) return Code::kOverflow;
      return decimal_result(result, x.scale, out);
    case Op::kMultiply:
      if (__builtin_mul_overflow(x.mantissa, y.mantissa, &result)) return Code::kOverflow;
      return decimal_result(result, x.scale + y.scale, out);
    default:
      if (y.mantissa == 0) return Code::kDivisionByZero;
      if (op == Op::kDivide) return divide_decimals(x.mantissa, x.scale, y.mantissa, y.scale, out);
      if (!align(x, y)) return Code::kOverflow;
      return decimal_result(x.mantissa % y.mantissa, x.scale, out);
  }
}

Code negate(const Value& a, Value& out) {
  if (a.type == Type::kInt) {
    if (a.integer == std::numeric_limits<int64_t>::min()) return Code::kOverflow;
    out = Value::of_int(-a.integer);
  } else if (a.type == Type::kDecimal) {
    out = Value::of_decimal(-a.mantissa, a.scale);
  } else {
    out = Value::of_double(-a.real);
  }
  return Code::kOk;
}

int compare_numbers(const Value& a, const Value& b) {
  if (a.type == Type::kInt && b.type == Type::kInt) return a.integer < b.integer ? -1 : a.integer > b.integer;
  if (a.type == Type::kDouble || b.type == Type::kDouble) {
    const double x = to_double(a);
    const double y = to_double(b);
    return x < y ? -1 : x > y;
  }
  Decimal x = decimal_of(a);
  Decimal y = decimal_of(b);
  if (is_word_sized(x.mantissa) && is_word_sized(y.mantissa) && x.scale <= 18 && y.scale <= 18) {
    const Int128 left = x.mantissa * (x.scale < y.scale ? power_of_ten(static_cast<int>(y.scale - x.scale)) : 1);
    const Int128 right = y.mantissa * (y.scale < x.scale ? power_of_ten(static_cast<int>(x.scale - y.scale)) : 1);
    return left < right ? -1 : left > right;
  }
  // Raising the one of smaller scale may overflow: then it is larger than anything that the other can be.
  const bool x_raised = x.scale < y.scale;
  const Int128 raised = x_raised ? x.mantissa : y.mantissa;
  if (!align(x, y)) return (raised > 0) == x_raised ? 1 : -1;
  return x.mantissa < y.mantissa ? -1 : x.mantissa > y.mantissa;
}

}  // namespace weir::sql

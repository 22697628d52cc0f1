#include "sql/aggregates.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "record/number.hpp"

namespace weir::sql {
namespace {

/// Values of one class can be ordered with each other.
enum class Class : uint8_t { kNone, kBool, kNumber, kText };
Class class_of(const Value& value) {
  if (value.is_number()) return Class::kNumber;
  if (value.type == Type::kBool) return Class::kBool;
  return is_text(value) ? Class::kText : Class::kNone;
}

}  // namespace

Accumulator::Accumulator(AggregateKind kind, bool may_be_text) : kind_(kind) {
  const bool extreme = kind == AggregateKind::kMin || kind == AggregateKind::kMax;
  if (extreme && may_be_text) text_ = std::make_unique<char[]>(kExtremeTextMax);
}

Code Accumulator::check(const Context& context, const Value& value) const {
  if (value.is_null() || (kind_ != AggregateKind::kMin && kind_ != AggregateKind::kMax)) return Code::kOk;
  const Class own = class_of(value);
  if (own == Class::kNone || (!best_.is_null() && class_of(best_) != own)) return Code::kBadOperand;
  if (own != Class::kText) return Code::kOk;
  size_t size = value.size;
  if (value.encoded != 0) {
    size = 0;
    TextCursor cursor = cursor_of(value, context);
    for (char c; cursor.next(c);) ++size;
  }
  return size > kExtremeTextMax || text_ == nullptr ? Code::kValueTooLarge : Code::kOk;
}

void Accumulator::add(const Context& context, const Value& value) {
  if (value.is_null()) return;
  ++count_;
  if (kind_ == AggregateKind::kCount) return;
  if (wants_number()) {
    add_number(value);
    return;
  }
  if (!best_.is_null()) {
    int order = 0;
    if (is_text(value)) {
      order = compare_texts(context, value, best_);
    } else if (value.type == Type::kBool) {
      order = static_cast<int>(value.boolean) - static_cast<int>(best_.boolean);
    } else {
      order = compare_numbers(value, best_);
    }
    if (kind_ == AggregateKind::kMin ? order >= 0 : order <= 0) return;
  }
  keep(context, value);
}

void Accumulator::keep(const Context& context, const Value& value) {
  best_ = value;
  best_.has_lexeme = false;
  best_.lexeme = nullptr;
  if (!is_text(value)) return;
  size_t size = 0;
  TextCursor cursor = cursor_of(value, context);
  for (char c; cursor.next(c);) text_[size++] = c;
  best_ = Value::of_text({text_.get(), size});
}

void Accumulator::add_number(const Value& number) {
  if (number.type == Type::kDouble) {
    any_double_ = true;
    real_ += number.real;
    return;
  }
  any_decimal_ = any_decimal_ || number.type == Type::kDecimal;
  if (number.type == Type::kInt) {
    add_scaled(number.integer, 0);
  } else {
    add_scaled(number.mantissa, number.scale);
  }
}

void Accumulator::add_scaled(Int128 mantissa, uint8_t scale) {
  const uint8_t up = static_cast<uint8_t>(scale_ - scale);
  if (scale <= scale_ && up <= 18 && mantissa == static_cast<int64_t>(mantissa)) {  // no product of these overflows
    overflow_ = overflow_ || __builtin_add_overflow(sum_, mantissa * power_of_ten(up), &sum_);
    return;
  }
  if (scale > scale_) {
    overflow_ = overflow_ || __builtin_mul_overflow(sum_, power_of_ten(scale - scale_), &sum_);
    scale_ = scale;
  } else if (scale < scale_) {
    overflow_ = overflow_ || __builtin_mul_overflow(mantissa, power_of_ten(scale_ - scale), &mantissa);
  }
  overflow_ = overflow_ || __builtin_add_overflow(sum_, mantissa, &sum_);
}

Code Accumulator::result(Value& out) const {
  out = Value::null();
  switch (kind_) {
    case AggregateKind::kCountRows:
    case AggregateKind::kCount:
      out = Value::of_int(static_cast<int64_t>(count_));
      return Code::kOk;
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      out = best_;
      return Code::kOk;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      break;
  }
  if (count_ == 0) return Code::kOk;
  if (overflow_ || !mantissa_fits(sum_)) return Code::kOverflow;
  const Value exact = Value::of_decimal(sum_, scale_);
  if (any_double_) {
    double real = to_double(exact) + real_;
    if (kind_ == AggregateKind::kAvg) real /= static_cast<double>(count_);
    if (!std::isfinite(real)) return Code::kOverflow;
    out = Value::of_double(real);
    return Code::kOk;
  }
  if (kind_ == AggregateKind::kAvg) return divide_decimals(sum_, scale_, static_cast<Int128>(count_), 0, out);
  const bool fits = sum_ >= std::numeric_limits<int64_t>::min() && sum_ <= std::numeric_limits<int64_t>::max();
  out = any_decimal_ || !fits ? exact : Value::of_int(static_cast<int64_t>(sum_));
  return Code::kOk;
}

// --- state -----------------------------------------------------------------------------------------------------------

size_t Accumulator::state_bytes_max() const {
  return 8 + 1 + 1 + 16 + 8 + 1 + 1 + 16 + 4 + (text_ ? kExtremeTextMax : 0);
}

namespace {

void put128(StateWriter& out, Int128 n) {
  out.put(static_cast<uint64_t>(n));
  out.put(static_cast<uint64_t>(static_cast<unsigned __int128>(n) >> 64));
}
Int128 get128(StateReader& in) {
  const auto low = in.get<uint64_t>();
  const auto high = in.get<uint64_t>();
  return static_cast<Int128>((static_cast<unsigned __int128>(high) << 64) | low);
}

}  // namespace

namespace {

// The bits of a value that has a fixed size; 0 for others.
Int128 bits_of(const Value& value) {
  switch (value.type) {
    case Type::kBool:
      return value.boolean ? 1 : 0;
    case Type::kInt:
      return value.integer;
    case Type::kDecimal:
      return value.mantissa;
    case Type::kDouble:
      return std::bit_cast<int64_t>(value.real);
    default:
      return 0;
  }
}

}  // namespace

void Accumulator::save(StateWriter& out) const {
  out.put(count_);
  out.put(static_cast<uint8_t>(overflow_ | (any_double_ << 1) | (any_decimal_ << 2)));
  out.put(scale_);
  put128(out, sum_);
  out.put(std::bit_cast<uint64_t>(real_));
  out.put(static_cast<uint8_t>(best_.type));
  out.put(best_.scale);
  put128(out, bits_of(best_));
  out.text(is_text(best_) ? best_.view() : std::string_view());
}

bool Accumulator::load(StateReader& in) {
  count_ = in.get<uint64_t>();
  const auto flags = in.get<uint8_t>();
  overflow_ = (flags & 1) != 0;
  any_double_ = (flags & 2) != 0;
  any_decimal_ = (flags & 4) != 0;
  scale_ = in.get<uint8_t>();
  sum_ = get128(in);
  real_ = std::bit_cast<double>(in.get<uint64_t>());
  const auto type = static_cast<Type>(in.get<uint8_t>());
  const auto scale = in.get<uint8_t>();
  const Int128 bits = get128(in);
  const std::string_view text = in.text();
  if (!in.ok() || flags > 7 || scale_ > kScaleMax || scale > kScaleMax) return false;
  switch (type) {
    case Type::kNull:
      best_ = Value::null();
      break;
    case Type::kBool:
      best_ = Value::of_bool(bits != 0);
      break;
    case Type::kInt:
      best_ = Value::of_int(static_cast<int64_t>(bits));
      break;
    case Type::kDecimal:
      best_ = Value::of_decimal(bits, scale);
      break;
    case Type::kDouble:
      best_ = Value::of_double(std::bit_cast<double>(static_cast<int64_t>(bits)));
      break;
    case Type::kText:
      if (text_ == nullptr || text.size() > kExtremeTextMax) return false;
      std::memcpy(text_.get(), text.data(), text.size());
      best_ = Value::of_text({text_.get(), text.size()});
      break;
    default:
      return false;
  }
  return bits_of(best_) == bits && best_.scale == scale && (is_text(best_) || text.empty());
}

}  // namespace weir::sql

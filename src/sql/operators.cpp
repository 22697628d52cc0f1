#include "sql/operators.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "record/field.hpp"
#include "record/number.hpp"
#include "sql/lexer.hpp"

namespace weir::sql {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Code code_of(NumberError error) {
  switch (error) {
    case NumberError::kNone:
      return Code::kOk;
    case NumberError::kNotANumber:
      return Code::kBadConversion;
    case NumberError::kOverflow:
      return Code::kOverflow;
  }
  return Code::kBadConversion;
}

Code text_to_number(const Context& context, const Value& text, Value& out) {
  if (text.encoded == 0) return code_of(parse_number(text.view(), out));
  NumberScanner scanner;
  TextCursor cursor = cursor_of(text, context);
  for (char c; cursor.next(c);) scanner.push(c);
  return code_of(scanner.finish(out));
}

/// Copies a short text out of its encoding; false when it is longer than `N` bytes.
template <size_t N>
bool short_text(const Context& context, const Value& text, char (&bytes)[N], std::string_view& out) {
  if (text.encoded == 0) {
    out = text.view();
    return true;
  }
  size_t size = 0;
  TextCursor cursor = cursor_of(text, context);
  for (char c; cursor.next(c);) {
    if (size == N) return false;
    bytes[size++] = c;
  }
  out = {bytes, size};
  return true;
}

Code text_to_bool(const Context& context, const Value& text, bool& out) {
  char bytes[32];
  std::string_view word;
  if (!short_text(context, text, bytes, word)) return Code::kBadConversion;
  word = trimmed(word);
  if (is_word(word, "TRUE") || word == "1") {
    out = true;
  } else if (is_word(word, "FALSE") || word == "0") {
    out = false;
  } else {
    return Code::kBadConversion;
  }
  return Code::kOk;
}

/// A text that is a number with more digits than a decimal holds still has a nearest double.
Code text_to_double(const Context& context, const Value& text, Value& out) {
  Value exact;
  const Code code = text_to_number(context, text, exact);
  if (code == Code::kBadConversion) return code;
  if (code == Code::kOk) {
    out = Value::of_double(to_double(exact));
    return code;
  }
  char bytes[1024];
  std::string_view digits;
  if (!short_text(context, text, bytes, digits)) return Code::kOverflow;
  digits = trimmed(digits);
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  double real = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), real);
  if (error != std::errc() || !std::isfinite(real)) return Code::kOverflow;
  out = Value::of_double(real);
  return Code::kOk;
}

/// The number's spelling in the input stays when it is JSON's.
void keep_lexeme(const Value& from, Value& to) {
  if (from.is_number()) {
    to.has_lexeme = from.has_lexeme;
    to.lexeme = from.lexeme;
    to.size = from.size;
    return;
  }
  if (from.encoded != 0) return;
  const std::string_view spelling = trimmed(from.view());
  if (!is_json_number(spelling)) return;
  to.has_lexeme = true;
  to.lexeme = spelling.data();
  to.size = static_cast<uint32_t>(spelling.size());
}

Code cast_to_int(const Context& context, const Value& value, Value& out) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (value.type == Type::kBool) {
    out = Value::of_int(value.boolean ? 1 : 0);
    return Code::kOk;
  }
  Value number;
  if (const Code code = to_number(context, value, number); code != Code::kOk) return code;
  if (number.type == Type::kDouble) {
    const double whole = std::trunc(number.real);
    if (whole < -9223372036854775808.0 || whole >= 9223372036854775808.0) return Code::kOverflow;
    out = Value::of_int(static_cast<int64_t>(whole));
    return Code::kOk;
  }
  if (number.type == Type::kDecimal) {
    const Int128 unit = power_of_ten(number.scale);
    if (is_text(value) && number.mantissa % unit != 0) return Code::kBadConversion;  // '1.5' is not an integer's text
    const Int128 whole = number.mantissa / unit;
    if (whole < kMin || whole > kMax) return Code::kOverflow;
    out = Value::of_int(static_cast<int64_t>(whole));
    return Code::kOk;
  }
  out = Value::of_int(number.integer);
  return Code::kOk;
}

Code cast_to_decimal(const Context& context, const Value& value, Value& out) {
  if (value.type == Type::kBool) {
    out = Value::of_decimal(value.boolean ? 1 : 0, 0);
    return Code::kOk;
  }
  Value number;
  if (const Code code = to_number(context, value, number); code != Code::kOk) return code;
  if (number.type == Type::kDouble) {  // the shortest text that stands for the double
    char digits[kNumberTextMax];
    const size_t size = format_number(number, digits);
    if (const Code code = code_of(parse_number({digits, size}, number)); code != Code::kOk) return code;
    if (number.type == Type::kInt) number = Value::of_decimal(number.integer, 0);
    out = number;
    return Code::kOk;
  }
  out = number.type == Type::kInt ? Value::of_decimal(number.integer, 0)
                                  : Value::of_decimal(number.mantissa, number.scale);
  keep_lexeme(value, out);
  return Code::kOk;
}

Code cast_to_double(const Context& context, const Value& value, Value& out) {
  if (value.type == Type::kBool) {
    out = Value::of_double(value.boolean ? 1 : 0);
    return Code::kOk;
  }
  if (is_text(value)) {
    if (const Code code = text_to_double(context, value, out); code != Code::kOk) return code;
  } else if (value.is_number()) {
    out = Value::of_double(to_double(value));
  } else {
    return Code::kBadOperand;
  }
  keep_lexeme(value, out);
  return Code::kOk;
}

Code cast_to_bool(const Context& context, const Value& value, Value& out) {
  bool result = false;
  switch (value.type) {
    case Type::kInt:
      result = value.integer != 0;
      break;
    case Type::kDecimal:
      result = value.mantissa != 0;
      break;
    case Type::kDouble:
      result = value.real != 0;
      break;
    default:
      if (const Code code = to_bool(context, value, result); code != Code::kOk) return code;
  }
  out = Value::of_bool(result);
  return Code::kOk;
}

}  // namespace

Code load_field(const BoundQuery& query, const Context& context, const RecordBatch& batch, uint32_t field, uint32_t row,
                Value& out) {
  const Column& column = batch.columns[field];
  const Slice slice = column.slices[row];
  out = Value::null();
  if (slice.missing()) return Code::kOk;
  const std::string_view raw = batch.bytes(slice);
  std::string_view text;
  if (field_is_plain(column, raw, text)) {
    if (context.empty_is_null && text.empty() && column.encoding != FieldEncoding::kJson) return Code::kOk;
    out = Value::of_text(text, column.encoding == FieldEncoding::kBytes ? Type::kBytes : Type::kText);
  } else if (column.encoding == FieldEncoding::kJson && raw[0] != '"') {
    FieldScratch none;
    bool overflow = false;
    (void)field_value(column, raw, none, out, overflow);
    if (overflow) return forgive(context, Code::kOverflow, out);
  } else {
    out = Value::of_text(raw);
    out.encoded = static_cast<uint8_t>(column.encoding);
  }
  const Type hint = query.fields[field].hint;
  if (hint == Type::kText || out.is_null()) return Code::kOk;
  const Value read = out;
  Context no_room = context;
  return forgive(context, cast(no_room, read, hint, out), out);
}

Code to_number(const Context& context, const Value& value, Value& out) {
  if (is_text(value)) return text_to_number(context, value, out);
  if (!value.is_number()) return Code::kBadOperand;
  out = value;
  out.has_lexeme = false;
  return Code::kOk;
}

Code to_bool(const Context& context, const Value& value, bool& out) {
  if (is_text(value)) return text_to_bool(context, value, out);
  if (value.type != Type::kBool) return Code::kBadOperand;
  out = value.boolean;
  return Code::kOk;
}

Code decoded(Context& context, const Value& value, Value& out) {
  out = value;
  if (value.encoded == 0) return Code::kOk;
  char* const room = context.take(value.size);
  if (room == nullptr) return Code::kValueTooLarge;
  size_t size = 0;
  TextCursor cursor = cursor_of(value, context);
  for (char c; cursor.next(c);) room[size++] = c;
  context.give_back(value.size - size);
  out = Value::of_text({room, size});
  return Code::kOk;
}

Code to_text(Context& context, const Value& value, Value& out) {
  if (is_text(value)) return decoded(context, value, out);
  if (value.type == Type::kBool) {
    out = Value::of_text(value.boolean ? "true" : "false");
    return Code::kOk;
  }
  if (!value.is_number()) return Code::kBadOperand;
  if (value.has_lexeme) {
    out = Value::of_text({value.lexeme, value.size});
    return Code::kOk;
  }
  char* const room = context.take(kNumberTextMax);
  if (room == nullptr) return Code::kValueTooLarge;
  const size_t size = format_number(value, room);
  context.give_back(kNumberTextMax - size);
  out = Value::of_text({room, size});
  return Code::kOk;
}

double to_double(const Value& number) {
  if (number.type == Type::kDouble) return number.real;
  if (number.type == Type::kInt) return static_cast<double>(number.integer);
  constexpr Int128 kExact = Int128{1} << 53;
  static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (number.mantissa < kExact && number.mantissa > -kExact && number.scale <= 22) {  // both exact: one rounding
    return static_cast<double>(static_cast<int64_t>(number.mantissa)) / kPowers[number.scale];
  }
  char digits[kNumberTextMax];
  const size_t size = format_number(number, digits);
  double real = 0;
  std::from_chars(digits, digits + size, real);
  return real;
}

Code cast(Context& context, const Value& value, Type type, Value& out) {
  switch (value.is_null() ? Type::kNull : type) {
    case Type::kBool:
      return cast_to_bool(context, value, out);
    case Type::kInt:
      return cast_to_int(context, value, out);
    case Type::kDecimal:
      return cast_to_decimal(context, value, out);
    case Type::kDouble:
      return cast_to_double(context, value, out);
    case Type::kText:
      if (is_text(value)) {
        out = value;
        return Code::kOk;
      }
      return to_text(context, value, out);
    default:
      out = Value::null();
      return Code::kOk;
  }
}

int compare_texts(const Context& context, const Value& a, const Value& b) {
  if (a.encoded == 0 && b.encoded == 0) {
    const uint32_t common = std::min(a.size, b.size);
    const int order = common == 0 ? 0 : std::memcmp(a.text, b.text, common);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
  }
  TextCursor x = cursor_of(a, context);
  TextCursor y = cursor_of(b, context);
  while (true) {
    char c = 0;
    char d = 0;
    const bool more_x = x.next(c);
    const bool more_y = y.next(d);
    if (!more_x || !more_y) return static_cast<int>(more_x) - static_cast<int>(more_y);
    if (c != d) return static_cast<unsigned char>(c) < static_cast<unsigned char>(d) ? -1 : 1;
  }
}

Code compare(const Context& context, const Value& a, const Value& b, int& order) {
  if (is_text(a) && is_text(b)) {
    order = compare_texts(context, a, b);
    return Code::kOk;
  }
  if (a.type == Type::kBool || b.type == Type::kBool) {
    bool x = false;
    bool y = false;
    if (const Code code = to_bool(context, a, x); code != Code::kOk) return code;
    if (const Code code = to_bool(context, b, y); code != Code::kOk) return code;
    order = static_cast<int>(x) - static_cast<int>(y);
    return Code::kOk;
  }
  // At most one of them is a text.
  Value read;
  if (is_text(a)) {
    if (const Code code = text_to_number(context, a, read); code != Code::kOk) return code;
    if (!b.is_number()) return Code::kBadOperand;
    order = compare_numbers(read, b);
    return Code::kOk;
  }
  if (!a.is_number()) return Code::kBadOperand;
  if (is_text(b)) {
    if (const Code code = text_to_number(context, b, read); code != Code::kOk) return code;
    order = compare_numbers(a, read);
    return Code::kOk;
  }
  if (!b.is_number()) return Code::kBadOperand;
  order = compare_numbers(a, b);
  return Code::kOk;
}

Code condition(const Context& context, const Value& value, Value& out) {
  if (value.is_null()) {
    out.set_null();
    return Code::kOk;
  }
  bool result = false;
  const Code code = to_bool(context, value, result);
  out.set_bool(result);
  return forgive(context, code, out);
}

Code compare_nullable(const Context& context, Op op, const Value& a, const Value& b, Value& out) {
  if (a.is_null() || b.is_null()) {
    out.set_null();
    return Code::kOk;
  }
  int order = 0;
  const Code code = compare(context, a, b, order);
  out.set_bool(holds(op, order));
  return forgive(context, code, out);
}

namespace {

Code apply_arithmetic(const BoundExpr& expr, const Context& context, const Value* const* args, Value& out) {
  Value a;
  if (const Code code = to_number(context, *args[0], a); code != Code::kOk) return code;
  if (expr.op == Op::kNegate) return negate(a, out);
  Value b;
  if (const Code code = to_number(context, *args[1], b); code != Code::kOk) return code;
  return arithmetic(expr.op, a, b, out);
}

Code apply_function(const BoundExpr& expr, Context& context, const Value* const* args, Value& out) {
  switch (expr.op) {
    case Op::kConcat:
      return concat(context, args, expr.arg_count, out);
    case Op::kUpper:
      return change_case(context, *args[0], true, out);
    case Op::kLower:
      return change_case(context, *args[0], false, out);
    case Op::kTrim:
      return trim(context, static_cast<TrimMode>(expr.mode), *args[0], expr.arg_count > 1 ? args[1] : nullptr, out);
    case Op::kSubstring:
      return substring(context, *args[0], *args[1], expr.arg_count > 2 ? args[2] : nullptr, out);
    case Op::kCharLength:
      return char_length(context, *args[0], out);
    case Op::kLike: {
      bool matches = false;
      const Code code = like(context, *args[0], *args[1], expr.arg_count > 2 ? args[2] : nullptr, matches);
      out = Value::of_bool(matches != expr.negated);
      return code;
    }
    default:
      return Code::kInternal;
  }
}

}  // namespace

Code apply(const BoundExpr& expr, Context& context, const Value* const* args, Value& out) {
  switch (expr.op) {
    case Op::kIsNull:
      out = Value::of_bool(args[0]->is_null() != expr.negated);
      return Code::kOk;
    case Op::kNot: {
      Value value;
      const Code code = condition(context, *args[0], value);
      if (code != Code::kOk) return code;
      out = value.is_null() ? value : Value::of_bool(!value.boolean);
      return Code::kOk;
    }
    case Op::kNullIf: {
      Value equal;
      const Code code = compare_nullable(context, Op::kEqual, *args[0], *args[1], equal);
      if (code != Code::kOk) return code;
      out = !equal.is_null() && equal.boolean ? Value::null() : *args[0];
      return Code::kOk;
    }
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      return compare_nullable(context, expr.op, *args[0], *args[1], out);
    case Op::kCast:
      return forgive(context, cast(context, *args[0], expr.type, out), out);
    default:
      break;
  }
  for (uint32_t i = 0; i < expr.arg_count; ++i) {
    if (args[i]->is_null()) {
      out = Value::null();
      return Code::kOk;
    }
  }
  const bool computes = expr.op <= Op::kModulo;
  const Code code = computes ? apply_arithmetic(expr, context, args, out) : apply_function(expr, context, args, out);
  return forgive(context, code, out);
}

}  // namespace weir::sql

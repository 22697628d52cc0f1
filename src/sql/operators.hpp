// Operators on single values: conversions, comparison, arithmetic, text. What both evaluators agree on; docs/query.md
// says it in words.
//
// Every function answers kOk and sets `out`, or gives the record's error. NULL operands are the callers' business
// unless noted.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "record/batch.hpp"
#include "record/text_cursor.hpp"
#include "record/value.hpp"
#include "sql/bound.hpp"

namespace weir::sql {

/// What evaluation needs besides operands: how texts are quoted, and room for the texts it makes.
struct Context {
  char quote = '"';  ///< of kCsv columns
  char escape = '"';
  bool errors_are_null = false;
  bool empty_is_null = false;
  std::span<char> room;  ///< for texts
  size_t used = 0;

  /// `size` bytes of the room, or null when it is too small.
  char* take(size_t size) {
    if (room.size() - used < size) return nullptr;
    used += size;
    return room.data() + used - size;
  }
  void give_back(size_t size) { used -= size; }
};

/// Conversion errors and overflows are NULL when the query says so.
inline Code forgive(const Context& context, Code code, Value& out) {
  if (context.errors_are_null && (code == Code::kBadConversion || code == Code::kOverflow)) {
    out = Value::null();
    return Code::kOk;
  }
  return code;
}

inline bool is_text(const Value& value) { return value.type == Type::kText; }
inline TextCursor cursor_of(const Value& value, const Context& context) {
  return {value.view(), static_cast<FieldEncoding>(value.encoded), context.quote, context.escape};
}

/// The value of field `field` of one row. Texts that must be decoded stay as they are, with `encoded` set.
Code load_field(const BoundQuery& query, const Context& context, const RecordBatch& batch, uint32_t field, uint32_t row,
                Value& out);

// --- conversions -----------------------------------------------------------------------------------------------------

/// int, decimal, double: itself. Text: read exactly. Else kBadOperand.
Code to_number(const Context& context, const Value& value, Value& out);
/// bool: itself. Text: true or false, regardless of case. Else kBadOperand.
Code to_bool(const Context& context, const Value& value, bool& out);
/// text: itself, decoded. Numbers and bools: as they are written. Else kBadOperand. kValueTooLarge: no room.
Code to_text(Context& context, const Value& value, Value& out);
/// The text in the room or in place; for texts only.
Code decoded(Context& context, const Value& value, Value& out);
/// CAST(value AS type); NULL gives NULL.
Code cast(Context& context, const Value& value, Type type, Value& out);
double to_double(const Value& number);

// --- comparison ------------------------------------------------------------------------------------------------------

/// `order` is negative, zero or positive. Number and text: as numbers. bool and text: as bools. Others of unlike types:
/// kBadOperand.
Code compare(const Context& context, const Value& a, const Value& b, int& order);
/// Orders two numbers exactly; a double makes it a comparison of doubles.
int compare_numbers(const Value& a, const Value& b);
int compare_texts(const Context& context, const Value& a, const Value& b);
inline bool holds(Op op, int order) {
  switch (op) {
    case Op::kEqual:
      return order == 0;
    case Op::kNotEqual:
      return order != 0;
    case Op::kLess:
      return order < 0;
    case Op::kLessEqual:
      return order <= 0;
    case Op::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

// --- arithmetic: decimal.cpp -----------------------------------------------------------------------------------------

/// + - * / % of two numbers (after to_number).
Code arithmetic(Op op, const Value& a, const Value& b, Value& out);
Code negate(const Value& a, Value& out);
/// numerator / denominator by the rule of decimal division, whatever their types; denominators are not zero.
Code divide_decimals(Int128 a, uint32_t a_scale, Int128 b, uint32_t b_scale, Value& out);

// --- LIKE ------------------------------------------------------------------------------------------------------------

/// Whether `pattern` is well formed: an escape character stands before %, _ or itself only.
bool valid_like_pattern(std::string_view pattern, std::string_view escape);

// --- nodes -----------------------------------------------------------------------------------------------------------

/// Evaluates a node whose operands were all evaluated (no short circuit in it): everything but kLiteral, kField, kAnd,
/// kOr, kCase, kCaseOf, kIn, kBetween, kCoalesce, kAggregate and kIsMissing. Deals with NULL and forgives.
Code apply(const BoundExpr& expr, Context& context, const Value* const* args, Value& out);
/// The condition's answer of a value: kNull for NULL, else kBool.
Code condition(const Context& context, const Value& value, Value& out);
/// a op b with NULL -> NULL: for IN, BETWEEN and CASE x.
Code compare_nullable(const Context& context, Op op, const Value& a, const Value& b, Value& out);

// --- functions.cpp ---------------------------------------------------------------------------------------------------

Code change_case(Context& context, const Value& text, bool upper, Value& out);
Code trim(Context& context, TrimMode mode, const Value& text, const Value* characters, Value& out);
Code substring(Context& context, const Value& text, const Value& first, const Value* count, Value& out);
Code char_length(const Context& context, const Value& text, Value& out);
Code concat(Context& context, const Value* const* args, uint32_t count, Value& out);
/// `text` may be encoded.
Code like(Context& context, const Value& text, const Value& pattern, const Value* escape, bool& out);

}  // namespace weir::sql

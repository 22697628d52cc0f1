#include "sql/scalar_evaluator.hpp"

namespace weir {

using sql::BoundExpr;
using sql::Op;

/// Hands an error on.
#define WEIR_SQL_CHECK(expression) \
  if (const Code weir_code = (expression); weir_code != Code::kOk) return weir_code

ScalarEvaluator::ScalarEvaluator(const sql::BoundQuery& query, std::span<char> room) : query_(query) {
  context_.errors_are_null = query.errors_are_null;
  context_.empty_is_null = query.empty_is_null;
  context_.room = room;
}

void ScalarEvaluator::begin(const RecordBatch& batch, uint32_t row) {
  batch_ = &batch;
  row_ = row;
  context_.used = 0;
  for (size_t i = 0; i < query_.paths.size(); ++i) {
    if (batch.columns[i].encoding != FieldEncoding::kCsv) continue;
    context_.quote = batch.columns[i].quote;
    context_.escape = batch.columns[i].escape;
  }
}

Code ScalarEvaluator::filter(const RecordBatch& batch, uint32_t row, bool& passes) {
  passes = true;
  for (const uint32_t conjunct : query_.conjuncts) {
    Value value;
    Value answer;
    WEIR_SQL_CHECK(evaluate(batch, row, conjunct, value));
    WEIR_SQL_CHECK(condition(context_, value, answer));
    passes = !answer.is_null() && answer.boolean;
    if (!passes) break;
  }
  return Code::kOk;
}

Code ScalarEvaluator::project(const RecordBatch& batch, uint32_t row, Value* values) {
  begin(batch, row);
  for (const sql::BoundColumn& column : query_.columns) {
    if (column.expr < 0) continue;
    Value value;
    WEIR_SQL_CHECK(walk(static_cast<uint32_t>(column.expr), value));
    if (sql::is_text(value)) WEIR_SQL_CHECK(decoded(context_, Value(value), value));
    values[column.computed] = value;
  }
  return Code::kOk;
}

Code ScalarEvaluator::arguments(const RecordBatch& batch, uint32_t row, Value* values) {
  begin(batch, row);
  for (size_t i = 0; i < query_.aggregates.size(); ++i) {
    values[i] = Value::null();
    const sql::BoundAggregate& aggregate = query_.aggregates[i];
    if (aggregate.arg < 0) continue;
    Value value;
    WEIR_SQL_CHECK(walk(static_cast<uint32_t>(aggregate.arg), value));
    values[i] = value;
    const bool number = aggregate.kind == sql::AggregateKind::kSum || aggregate.kind == sql::AggregateKind::kAvg;
    if (number && !value.is_null()) WEIR_SQL_CHECK(forgive(context_, to_number(context_, value, values[i]), values[i]));
  }
  return Code::kOk;
}

Code ScalarEvaluator::evaluate(const RecordBatch& batch, uint32_t row, uint32_t expr, Value& out) {
  begin(batch, row);
  return walk(expr, out);
}

Code ScalarEvaluator::walk(uint32_t index, Value& out) {
  const BoundExpr& expr = query_.exprs[index];
  switch (expr.op) {
    case Op::kLiteral:
      out = expr.literal;
      return Code::kOk;
    case Op::kField:
      return load_field(query_, context_, *batch_, static_cast<uint32_t>(expr.field), row_, out);
    case Op::kAnd:
    case Op::kOr:
      return walk_logic(expr, out);
    case Op::kCase:
    case Op::kCaseOf:
      return walk_case(expr, out);
    case Op::kIn:
      return walk_in(expr, out);
    case Op::kBetween:
      return walk_between(expr, out);
    case Op::kCoalesce:
      return walk_coalesce(expr, out);
    case Op::kIsMissing:
      return walk_missing(expr, out);
    case Op::kAggregate:
      return Code::kInternal;
    default:
      return walk_operator(expr, out);
  }
}

Code ScalarEvaluator::walk_operator(const BoundExpr& expr, Value& out) {
  // Operands are collected in pieces: only || has more than three.
  constexpr uint32_t kArgsFew = 4;
  Value few[kArgsFew];
  const Value* pointers[kArgsFew] = {&few[0], &few[1], &few[2], &few[3]};
  if (expr.arg_count <= kArgsFew) {
    for (uint32_t i = 0; i < expr.arg_count; ++i) WEIR_SQL_CHECK(walk(query_.args_of(expr)[i], few[i]));
    return apply(expr, context_, pointers, out);
  }
  std::vector<Value> many(expr.arg_count);
  std::vector<const Value*> many_pointers;
  for (uint32_t i = 0; i < expr.arg_count; ++i) {
    WEIR_SQL_CHECK(walk(query_.args_of(expr)[i], many[i]));
    many_pointers.push_back(&many[i]);
  }
  return apply(expr, context_, many_pointers.data(), out);
}

/// AND stops at false, OR at true; NULL is the answer when nothing stopped it and one operand was NULL.
Code ScalarEvaluator::walk_logic(const BoundExpr& expr, Value& out) {
  const bool stops_at = expr.op == Op::kOr;
  Value result = Value::of_bool(!stops_at);
  for (const uint32_t index : query_.args_of(expr)) {
    Value value;
    Value answer;
    WEIR_SQL_CHECK(walk(index, value));
    WEIR_SQL_CHECK(condition(context_, value, answer));
    if (answer.is_null()) {
      result = answer;
    } else if (answer.boolean == stops_at) {
      out = answer;
      return Code::kOk;
    }
  }
  out = result;
  return Code::kOk;
}

Code ScalarEvaluator::walk_case(const BoundExpr& expr, Value& out) {
  const std::span<const uint32_t> args = query_.args_of(expr);
  Value operand;
  size_t i = 0;
  if (expr.op == Op::kCaseOf) WEIR_SQL_CHECK(walk(args[i++], operand));
  for (; i + 1 < args.size(); i += 2) {
    Value when;
    Value answer;
    WEIR_SQL_CHECK(walk(args[i], when));
    if (expr.op == Op::kCaseOf) {
      WEIR_SQL_CHECK(compare_nullable(context_, Op::kEqual, operand, when, answer));
    } else {
      WEIR_SQL_CHECK(condition(context_, when, answer));
    }
    if (!answer.is_null() && answer.boolean) return walk(args[i + 1], out);
  }
  return walk(args[i], out);
}

Code ScalarEvaluator::walk_in(const BoundExpr& expr, Value& out) {
  const std::span<const uint32_t> args = query_.args_of(expr);
  Value operand;
  WEIR_SQL_CHECK(walk(args[0], operand));
  out = Value::null();
  if (operand.is_null()) return Code::kOk;
  bool unknown = false;
  for (const uint32_t index : args.subspan(1)) {
    Value item;
    Value answer;
    WEIR_SQL_CHECK(walk(index, item));
    WEIR_SQL_CHECK(compare_nullable(context_, Op::kEqual, operand, item, answer));
    if (answer.is_null()) {
      unknown = true;
    } else if (answer.boolean) {
      out = Value::of_bool(!expr.negated);
      return Code::kOk;
    }
  }
  if (!unknown) out = Value::of_bool(expr.negated);
  return Code::kOk;
}

/// x >= low AND x <= high, with x evaluated once.
Code ScalarEvaluator::walk_between(const BoundExpr& expr, Value& out) {
  const std::span<const uint32_t> args = query_.args_of(expr);
  Value operand;
  Value bound;
  Value low;
  Value high;
  WEIR_SQL_CHECK(walk(args[0], operand));
  WEIR_SQL_CHECK(walk(args[1], bound));
  WEIR_SQL_CHECK(compare_nullable(context_, Op::kGreaterEqual, operand, bound, low));
  if (!low.is_null() && !low.boolean) {
    out = Value::of_bool(expr.negated);
    return Code::kOk;
  }
  WEIR_SQL_CHECK(walk(args[2], bound));
  WEIR_SQL_CHECK(compare_nullable(context_, Op::kLessEqual, operand, bound, high));
  if (!high.is_null() && !high.boolean) {
    out = Value::of_bool(expr.negated);
  } else if (low.is_null() || high.is_null()) {
    out = Value::null();
  } else {
    out = Value::of_bool(!expr.negated);
  }
  return Code::kOk;
}

Code ScalarEvaluator::walk_coalesce(const BoundExpr& expr, Value& out) {
  out = Value::null();
  for (const uint32_t index : query_.args_of(expr)) {
    WEIR_SQL_CHECK(walk(index, out));
    if (!out.is_null()) break;
  }
  return Code::kOk;
}

Code ScalarEvaluator::walk_missing(const BoundExpr& expr, Value& out) {
  const BoundExpr& arg = query_.arg(expr, 0);
  bool missing = false;
  if (arg.op == Op::kField) {
    missing = batch_->columns[static_cast<uint32_t>(arg.field)].slices[row_].missing();
  } else {
    Value value;
    WEIR_SQL_CHECK(walk(query_.args_of(expr)[0], value));
  }
  out = Value::of_bool(missing != expr.negated);
  return Code::kOk;
}

}  // namespace weir

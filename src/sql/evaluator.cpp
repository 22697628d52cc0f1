#include "sql/evaluator.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "record/number.hpp"

namespace weir::sql {
namespace {

constexpr uint32_t kRegisterValuesMax = 4096;  ///< chunks get fewer rows rather than more memory than this (128 KiB)
constexpr uint32_t kRowsLeast = 16;
constexpr size_t kTextRoomFactor = 2;          ///< of record_max

constexpr size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

Evaluator::Evaluator(const BoundQuery& query) : query_(query) {
  uint32_t args_max = 4;
  for (const BoundExpr& expr : query.exprs) args_max = std::max(args_max, expr.arg_count);
  args_.resize(args_max);
  context_.errors_are_null = query.errors_are_null;
  context_.empty_is_null = query.empty_is_null;
}

// --- memory ----------------------------------------------------------------------------------------------------------

Need Evaluator::need_of(uint32_t index) const {
  const BoundExpr& expr = query_.exprs[index];
  uint32_t own = 0;  // registers in front of every operand's
  uint32_t lists = 0;
  bool stacked = false;  // operands are all kept
  switch (expr.op) {
    case Op::kLiteral:
    case Op::kField:
    case Op::kAggregate:
      return {};
    case Op::kAnd:
    case Op::kOr:
      own = lists = 1;
      break;
    case Op::kIn:
    case Op::kBetween:
      own = 2, lists = 1;
      break;
    case Op::kCase:
      own = 1, lists = 2;
      break;
    case Op::kCaseOf:
      own = 2, lists = 2;
      break;
    case Op::kCoalesce:
      lists = 1;
      break;
    default:
      stacked = true;
  }
  Need need;
  for (uint32_t i = 0; i < expr.arg_count; ++i) {
    // A literal is read where it stands.
    if (stacked && query_.arg(expr, i).op == Op::kLiteral) continue;
    const Need arg = need_of(query_.args_of(expr)[i]);
    need.registers = std::max(need.registers, (stacked ? i : own) + arg.registers);
    need.selections = std::max(need.selections, lists + arg.selections);
  }
  return need;
}

bool Evaluator::makes_text(uint32_t index) const {
  const BoundExpr& expr = query_.exprs[index];
  switch (expr.op) {
    case Op::kConcat:
    case Op::kUpper:
    case Op::kLower:
    case Op::kTrim:
    case Op::kSubstring:
      return true;
    case Op::kCast:
      if (expr.type == Type::kText) return true;
      break;
    case Op::kLike:
      if (query_.arg(expr, 1).op != Op::kLiteral) return true;
      break;
    default:
      break;
  }
  for (const uint32_t arg : query_.args_of(expr)) {
    if (makes_text(arg)) return true;
  }
  return false;
}

void Evaluator::plan(uint32_t registers, uint32_t selections, bool texts) {
  registers_needed_ = registers;
  selections_needed_ = selections;
  text_bytes_ = texts ? kTextRoomFactor * query_.record_max : 0;
  rows_max_ = kEvaluationRowsMax;
  if (registers > kRegisterValuesMax / kEvaluationRowsMax)
    rows_max_ = std::max(kRowsLeast, kRegisterValuesMax / registers);
}

size_t Evaluator::memory_max() const {
  const size_t rows = rows_max_;
  return 64 + aligned(registers_needed_ * rows * sizeof(Value)) +
         aligned((selections_needed_ + 1) * rows * sizeof(uint16_t)) + aligned(rows * sizeof(Code)) +
         aligned(rows * sizeof(uint16_t)) + text_bytes_;
}

void Evaluator::attach(std::span<char> room) {
  WEIR_ASSERT(room.size() >= memory_max());
  char* at = room.data();
  at += (64 - reinterpret_cast<uintptr_t>(at) % 64) % 64;
  const auto take = [&at](size_t bytes) {
    char* const piece = at;
    at += aligned(bytes);
    return piece;
  };
  const size_t rows = rows_max_;
  registers_ = reinterpret_cast<Value*>(take(registers_needed_ * rows * sizeof(Value)));
  every_ = reinterpret_cast<uint16_t*>(take((selections_needed_ + 1) * rows * sizeof(uint16_t)));
  selections_ = every_ + rows;
  errors_ = reinterpret_cast<Code*>(take(rows * sizeof(Code)));
  error_fields_ = reinterpret_cast<uint16_t*>(take(rows * sizeof(uint16_t)));
  for (uint32_t i = 0; i < rows; ++i) every_[i] = static_cast<uint16_t>(i);
  context_.room = {at, text_bytes_};
}

// --- a chunk ---------------------------------------------------------------------------------------------------------

void Evaluator::begin(const RecordBatch& batch, const uint16_t* rows, uint32_t count) {
  WEIR_ASSERT(count <= rows_max_ && registers_ != nullptr);
  batch_ = &batch;
  rows_ = rows;
  count_ = count;
  aggregates_ = nullptr;
  context_.used = 0;
  selections_used_ = 0;
  error_count_ = 0;
  full_ = false;
  std::memset(static_cast<void*>(errors_), 0, count * sizeof(Code));
  for (size_t i = 0; i < query_.paths.size(); ++i) {
    const Column& column = batch.columns[i];
    if (column.encoding != FieldEncoding::kCsv) continue;
    context_.quote = column.quote;
    context_.escape = column.escape;
    break;
  }
}

void Evaluator::begin_single(const Value* aggregates) {
  static constexpr uint16_t kNoRow = 0;
  WEIR_ASSERT(registers_ != nullptr);
  batch_ = nullptr;
  rows_ = &kNoRow;
  count_ = 1;
  aggregates_ = aggregates;
  context_.used = 0;
  selections_used_ = 0;
  error_count_ = 0;
  full_ = false;
  errors_[0] = Code::kOk;
}

void Evaluator::fail(uint32_t position, Code code, int32_t field) {
  if (dead(position)) return;
  errors_[position] = code;
  error_fields_[position] = static_cast<uint16_t>(field + 1);
  ++error_count_;
}

void Evaluator::check(uint32_t position, Code code, const BoundExpr& expr) {
  if (code == Code::kOk) [[likely]]
    return;
  if (code == Code::kValueTooLarge && count_ > 1) {
    full_ = true;
    return;
  }
  // The field to blame: the first operand that is one.
  int32_t field = expr.field;
  for (uint32_t i = 0; field < 0 && i < expr.arg_count; ++i) field = query_.arg(expr, i).field;
  fail(position, code, field);
}

void Evaluator::evaluate(uint32_t expr, uint32_t target) {
  if (!full_) run(expr, {every_, count_}, target);
}

void Evaluator::decode(uint32_t target) {
  Value* const values = this->values(target);
  for (uint32_t i = 0; i < count_ && !full_; ++i) {
    if (dead(i) || values[i].encoded == 0 || values[i].type != Type::kText) continue;
    const Value value = values[i];
    const Code code = decoded(context_, value, values[i]);
    if (code == Code::kOk) continue;
    if (count_ > 1) {
      full_ = true;
    } else {
      fail(i, code);
    }
  }
}

void Evaluator::run(const BoundExpr& expr, Positions at, uint32_t target) {
  if (full_ || at.count == 0) return;
  Value* const out = values(target);
  switch (expr.op) {
    case Op::kLiteral:
      for (uint32_t i = 0; i < at.count; ++i) out[at.list[i]] = expr.literal;
      return;
    case Op::kField:
      return run_field(expr, at, target);
    case Op::kAggregate:
      out[0] = aggregates_[expr.aggregate];
      return;
    case Op::kAnd:
    case Op::kOr:
      return run_logic(expr, at, target);
    case Op::kCase:
    case Op::kCaseOf:
      return run_case(expr, at, target);
    case Op::kIn:
      return run_in(expr, at, target);
    case Op::kBetween:
      return run_between(expr, at, target);
    case Op::kCoalesce:
      return run_coalesce(expr, at, target);
    case Op::kIsMissing:
      return run_missing(expr, at, target);
    default:
      return run_operator(expr, at, target);
  }
}

void Evaluator::run_field(const BoundExpr& expr, Positions at, uint32_t target) {
  Value* const out = values(target);
  const auto field = static_cast<uint32_t>(expr.field);
  const Column& column = batch_->columns[field];
  const bool plain = (column.encoding == FieldEncoding::kPlain || column.encoding == FieldEncoding::kCsv) &&
                     query_.fields[field].hint == Type::kText;
  const int quote =
      column.encoding == FieldEncoding::kCsv && column.quote != 0 ? static_cast<unsigned char>(column.quote) : -1;
  for (uint32_t i = 0; i < at.count; ++i) {
    const uint32_t p = at.list[i];
    if (dead(p)) continue;
    const Slice slice = column.slices[rows_[p]];
    // What load_field() does for a field without quotes, without the call.
    if (plain && !slice.missing() && slice.size != 0 &&
        static_cast<unsigned char>(batch_->base[slice.offset]) != quote) {
      out[p].set_text(batch_->bytes(slice));
    } else {
      check(p, load_field(query_, context_, *batch_, field, rows_[p], out[p]), expr);
    }
  }
}

void Evaluator::run_operator(const BoundExpr& expr, Positions at, uint32_t target) {
  const std::span<const uint32_t> args = query_.args_of(expr);
  for (uint32_t i = 0; i < args.size(); ++i) {
    if (query_.exprs[args[i]].op != Op::kLiteral) run(args[i], at, target + i);
  }
  if (full_) return;
  if (expr.op > Op::kNegate && expr.op <= Op::kGreaterEqual && expr.op != Op::kConcat)
    return run_binary(expr, at, target);
  Value* const out = values(target);
  for (uint32_t i = 0; i < at.count && !full_; ++i) {
    const uint32_t p = at.list[i];
    if (dead(p)) continue;
    for (uint32_t a = 0; a < args.size(); ++a) {
      const BoundExpr& arg = query_.exprs[args[a]];
      args_[a] = arg.op == Op::kLiteral ? &arg.literal : out + size_t{a} * rows_max_ + p;
    }
    Value result;  // an operand stands where the result goes
    check(p, apply(expr, context_, args_.data(), result), expr);
    out[p] = result;
  }
}

/// Arithmetic and comparisons without going through apply(): most operands are short numbers, or plain texts that are
/// read in place.
void Evaluator::run_binary(const BoundExpr& expr, Positions at, uint32_t target) {
  Value* const out = values(target);
  const BoundExpr& left = query_.arg(expr, 0);
  const BoundExpr& right = query_.arg(expr, 1);
  const bool left_fixed = left.op == Op::kLiteral;
  const bool right_fixed = right.op == Op::kLiteral;
  const bool compares = expr.op >= Op::kEqual;
  for (uint32_t i = 0; i < at.count; ++i) {
    const uint32_t p = at.list[i];
    if (dead(p)) continue;
    const Value& a = left_fixed ? left.literal : out[p];
    const Value& b = right_fixed ? right.literal : values(target + 1)[p];
    // The result goes straight to its place, though the left operand may stand there: it is read before.
    Value& result = out[p];
    Code code = Code::kOk;
    if (compares) {
      code = compare_nullable(context_, expr.op, a, b, result);
    } else if (a.is_null() || b.is_null()) {
      result.set_null();
    } else {
      Value x;
      Value y;
      const Value* first = &a;
      const Value* second = &b;
      if (!a.is_number()) code = to_number(context_, a, x), first = &x;
      if (!b.is_number() && code == Code::kOk) code = to_number(context_, b, y), second = &y;
      if (code == Code::kOk) code = arithmetic(expr.op, *first, *second, result);
      code = forgive(context_, code, result);
    }
    check(p, code, expr);
  }
}

void Evaluator::run_logic(const BoundExpr& expr, Positions at, uint32_t target) {
  const bool stops_at = expr.op == Op::kOr;
  Value* const out = values(target);
  const Value* const arg = values(target + 1);
  uint16_t* const open = take_selection();
  uint32_t count = at.count;
  std::memcpy(open, at.list, at.count * sizeof(uint16_t));
  for (uint32_t i = 0; i < at.count; ++i) out[at.list[i]] = Value::of_bool(!stops_at);
  for (const uint32_t index : query_.args_of(expr)) {
    run(index, {open, count}, target + 1);
    if (full_) break;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint16_t p = open[i];
      if (dead(p)) continue;
      Value answer;
      const Code code = condition(context_, arg[p], answer);
      if (code != Code::kOk) {
        check(p, code, query_.exprs[index]);
      } else if (answer.is_null()) {
        out[p] = answer;
        open[kept++] = p;
      } else if (answer.boolean == stops_at) {
        out[p] = answer;
      } else {
        open[kept++] = p;
      }
    }
    count = kept;
  }
  give_back_selection();
}

void Evaluator::run_case(const BoundExpr& expr, Positions at, uint32_t target) {
  const bool of = expr.op == Op::kCaseOf;
  const std::span<const uint32_t> args = query_.args_of(expr);
  const uint32_t when_register = target + (of ? 2 : 1);
  uint16_t* const open = take_selection();
  uint16_t* const chosen = take_selection();
  uint32_t count = at.count;
  std::memcpy(open, at.list, at.count * sizeof(uint16_t));
  if (of) run(args[0], at, target + 1);
  for (size_t i = of ? 1 : 0; i + 1 < args.size() && !full_; i += 2) {
    run(args[i], {open, count}, when_register);
    if (full_) break;
    const Value* const operand = values(target + 1);
    const Value* const when = values(when_register);
    uint32_t kept = 0;
    uint32_t taken = 0;
    for (uint32_t j = 0; j < count; ++j) {
      const uint16_t p = open[j];
      if (dead(p)) continue;
      Value answer;
      const Code code = of ? compare_nullable(context_, Op::kEqual, operand[p], when[p], answer)
                           : condition(context_, when[p], answer);
      if (code != Code::kOk) {
        check(p, code, query_.exprs[args[i]]);
      } else if (!answer.is_null() && answer.boolean) {
        chosen[taken++] = p;
      } else {
        open[kept++] = p;
      }
    }
    count = kept;
    run(args[i + 1], {chosen, taken}, target);
  }
  if (!full_) run(args[args.size() - 1], {open, count}, target);
  give_back_selection();
  give_back_selection();
}

void Evaluator::run_in(const BoundExpr& expr, Positions at, uint32_t target) {
  const std::span<const uint32_t> args = query_.args_of(expr);
  Value* const out = values(target);
  const Value* const operand = values(target + 1);
  const Value* const item = values(target + 2);
  uint16_t* const open = take_selection();
  uint32_t count = 0;
  run(args[0], at, target + 1);
  for (uint32_t i = 0; i < at.count && !full_; ++i) {
    const uint16_t p = at.list[i];
    if (dead(p)) continue;
    out[p] = operand[p].is_null() ? Value::null() : Value::of_bool(expr.negated);
    if (!operand[p].is_null()) open[count++] = p;
  }
  for (size_t a = 1; a < args.size() && !full_; ++a) {
    run(args[a], {open, count}, target + 2);
    if (full_) break;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint16_t p = open[i];
      if (dead(p)) continue;
      Value answer;
      const Code code = compare_nullable(context_, Op::kEqual, operand[p], item[p], answer);
      if (code != Code::kOk) {
        check(p, code, expr);
      } else if (!answer.is_null() && answer.boolean) {
        out[p] = Value::of_bool(!expr.negated);
      } else {
        if (answer.is_null()) out[p] = answer;
        open[kept++] = p;
      }
    }
    count = kept;
  }
  give_back_selection();
}

void Evaluator::run_between(const BoundExpr& expr, Positions at, uint32_t target) {
  const std::span<const uint32_t> args = query_.args_of(expr);
  Value* const out = values(target);
  const Value* const operand = values(target + 1);
  const Value* const bound = values(target + 2);
  uint16_t* const open = take_selection();
  uint32_t count = 0;
  run(args[0], at, target + 1);
  run(args[1], at, target + 2);
  for (uint32_t i = 0; i < at.count && !full_; ++i) {
    const uint16_t p = at.list[i];
    if (dead(p)) continue;
    Value answer;
    const Code code = compare_nullable(context_, Op::kGreaterEqual, operand[p], bound[p], answer);
    check(p, code, expr);
    out[p] = answer;
    if (code != Code::kOk) continue;
    if (answer.is_null() || answer.boolean) {
      open[count++] = p;
    } else {
      out[p] = Value::of_bool(expr.negated);
    }
  }
  run(args[2], {open, count}, target + 2);
  for (uint32_t i = 0; i < count && !full_; ++i) {
    const uint16_t p = open[i];
    if (dead(p)) continue;
    Value answer;
    const Code code = compare_nullable(context_, Op::kLessEqual, operand[p], bound[p], answer);
    check(p, code, expr);
    if (code != Code::kOk) continue;
    if (!answer.is_null() && !answer.boolean) {
      out[p] = Value::of_bool(expr.negated);
    } else if (answer.is_null()) {
      out[p] = answer;
    } else if (!out[p].is_null()) {
      out[p] = Value::of_bool(!expr.negated);
    }
  }
  give_back_selection();
}

void Evaluator::run_coalesce(const BoundExpr& expr, Positions at, uint32_t target) {
  const Value* const out = values(target);
  uint16_t* const open = take_selection();
  uint32_t count = at.count;
  std::memcpy(open, at.list, at.count * sizeof(uint16_t));
  for (const uint32_t index : query_.args_of(expr)) {
    run(index, {open, count}, target);
    if (full_) break;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint16_t p = open[i];
      if (!dead(p) && out[p].is_null()) open[kept++] = p;
    }
    count = kept;
  }
  give_back_selection();
}

void Evaluator::run_missing(const BoundExpr& expr, Positions at, uint32_t target) {
  const BoundExpr& arg = query_.arg(expr, 0);
  Value* const out = values(target);
  if (arg.op != Op::kField) run(arg, at, target);
  for (uint32_t i = 0; i < at.count; ++i) {
    const uint32_t p = at.list[i];
    if (dead(p)) continue;
    const bool missing =
        arg.op == Op::kField && batch_->columns[static_cast<uint32_t>(arg.field)].slices[rows_[p]].missing();
    out[p] = Value::of_bool(missing != expr.negated);
  }
}

}  // namespace weir::sql

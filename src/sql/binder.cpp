#include <expected>
#include <utility>

#include "record/field.hpp"
#include "sql/bound.hpp"
#include "sql/lexer.hpp"
#include "sql/operators.hpp"

namespace weir::sql {
namespace {

/// What is known of an expression's type before any record was seen.
enum class Known : uint8_t { kAny, kNull, kBool, kNumber, kText };

const char* name_of(Known known) {
  switch (known) {
    case Known::kAny:
      return "a value";
    case Known::kNull:
      return "NULL";
    case Known::kBool:
      return "a bool";
    case Known::kNumber:
      return "a number";
    case Known::kText:
      return "a text";
  }
  return "a value";
}

Known known_of(Type type) {
  switch (type) {
    case Type::kNull:
      return Known::kNull;
    case Type::kBool:
      return Known::kBool;
    case Type::kInt:
    case Type::kDecimal:
    case Type::kDouble:
      return Known::kNumber;
    case Type::kText:
      return Known::kText;
    default:
      return Known::kAny;
  }
}

/// Whether a value of argument `i` can be the answer: not so the conditions of CASE, and what NULLIF compares with.
bool is_result(Op op, size_t i, size_t count) {
  switch (op) {
    case Op::kCase:  // [condition, result]..., otherwise
      return i % 2 == 1 || i + 1 == count;
    case Op::kCaseOf:  // operand, [value, result]..., otherwise
      return (i != 0 && i % 2 == 0) || i + 1 == count;
    case Op::kNullIf:
      return i == 0;
    default:
      return true;
  }
}

struct BoundNode {
  uint32_t index = 0;
  Known known = Known::kAny;
};

/// As the parser's Failed: the Error waits in the binder, because expressions recurse up to 256 levels.
struct NotBound {};
using Bound = std::expected<BoundNode, NotBound>;

class Binder {
 public:
  Binder(const ParsedQuery& parsed, std::string_view text, const QueryOptions& options)
      : parsed_(parsed), lexer_(text), options_(options), query_(std::make_unique<BoundQuery>()) {}
  Result<std::unique_ptr<BoundQuery>> run(std::vector<Error>* mistakes);

 private:
  std::unexpected<Error> error_at(uint32_t offset, Code code, std::string_view detail) const {
    return fail(lexer_.error(code, offset, detail));
  }
  Status bind_item(const SelectItem& item);
  Status bind_star(const SelectItem& item);
  Status bind_where();
  void split(uint32_t expr);

  Bound bind_expr(uint32_t parsed_index);
  [[gnu::noinline]] Bound bind_operator(const Expr& expr, std::span<const BoundNode> args);
  [[gnu::noinline]] std::unexpected<NotBound> give_up(const Error& error) {
    failure_ = error;
    return std::unexpected(NotBound{});
  }
  [[gnu::noinline]] Bound bind_literal(const Expr& expr);
  [[gnu::noinline]] Bound bind_path(const Expr& expr);
  [[gnu::noinline]] Bound bind_aggregate(const Expr& expr);
  Result<uint32_t> field_of(const Expr& expr);
  void place(uint32_t offset, FieldPath& path);
  [[nodiscard]] bool names_source(std::string_view name) const;
  [[nodiscard]] Type hint_of(const std::vector<PathStep>& steps) const;
  bool same_path(const FieldPath& path, const std::vector<PathStep>& steps, int32_t ordinal, bool case_sensitive) const;

  Status check_operands(const Expr& expr, std::span<const BoundNode> args) const;
  Status check_like(const Expr& expr, std::span<const BoundNode> args) const;
  Status expect(const Expr& expr, const BoundNode& arg, Known wanted) const;
  [[nodiscard]] Known result_of(const Expr& expr, std::span<const BoundNode> args) const;
  void fold(BoundNode& node);
  std::string_view keep(std::string_view text) { return query_->texts.emplace_back(text); }

  const ParsedQuery& parsed_;
  Lexer lexer_;
  const QueryOptions& options_;
  std::unique_ptr<BoundQuery> query_;
  uint32_t place_at_ = 0;  ///< of place(): how far it has read,
  uint32_t place_line_ = 0;  ///< the lines before it,
  uint32_t place_start_ = 0;  ///< and where its line begins
  bool in_aggregate_ = false;
  bool in_where_ = false;
  Error failure_;  ///< of the last NotBound
  const Expr* bare_field_ = nullptr;  ///< the first column outside of an aggregate
};

Result<std::unique_ptr<BoundQuery>> Binder::run(std::vector<Error>* mistakes) {
  BoundQuery& query = *query_;
  query.limit = parsed_.limit;
  query.errors_are_null = options_.errors_are_null;
  query.empty_is_null = options_.empty_is_null;
  query.record_max = options_.record_max;
  for (const SelectItem& item : parsed_.items) {
    const Status bound = bind_item(item);
    if (bound) continue;
    if (mistakes == nullptr) return fail(bound.error());
    mistakes->push_back(bound.error());
  }
  if (mistakes != nullptr) {
    if (const Status bound = bind_where(); !bound) mistakes->push_back(bound.error());
    if (!mistakes->empty()) return std::move(query_);
  }
  if (!query.aggregates.empty()) {
    if (bare_field_ != nullptr) {
      return error_at(bare_field_->offset, Code::kBadQuery,
                      "a column stands beside an aggregate: GROUP BY is not supported");
    }
    for (size_t i = 0; i < query.columns.size(); ++i) {
      if (query.columns[i].star) {
        return error_at(parsed_.items[i].offset, Code::kBadQuery,
                        "* stands beside an aggregate: GROUP BY is not supported");
      }
    }
  }
  if (mistakes == nullptr) WEIR_TRY(bind_where());
  return std::move(query_);
}

Status Binder::bind_star(const SelectItem& item) {
  if (!item.star_of.empty() && !names_source(item.star_of)) {
    const Detail detail = Detail("expected the input's name in front of .*, found ").append(item.star_of);
    return error_at(item.offset, Code::kBadQuery, detail.view());
  }
  if (query_->all) return error_at(item.offset, Code::kBadQuery, "* stands twice in the SELECT list");
  query_->all = true;
  BoundColumn column;
  column.star = true;
  query_->columns.push_back(std::move(column));
  return {};
}

Status Binder::bind_item(const SelectItem& item) {
  if (item.star) return bind_star(item);
  BoundColumn column;
  const Expr& parsed = parsed_.exprs[item.expr];
  if (!item.alias.empty()) {
    column.name = item.alias;
  } else if (parsed.op == Op::kField && parsed.path.back().index < 0) {
    column.name = parsed.path.back().name;
  } else {
    column.name = "_" + std::to_string(query_->columns.size() + 1);
  }
  const Bound node = bind_expr(item.expr);
  if (!node) return fail(failure_);
  const BoundExpr& expr = query_->exprs[node->index];
  if (expr.op == Op::kField && query_->fields[static_cast<size_t>(expr.field)].hint == Type::kText) {
    column.field = expr.field;
  } else {
    column.expr = node->index;
    column.computed = static_cast<int32_t>(query_->computed_count++);
  }
  query_->columns.push_back(std::move(column));
  return {};
}

Status Binder::bind_where() {
  if (parsed_.where < 0) return {};
  in_where_ = true;
  const Bound node = bind_expr(static_cast<uint32_t>(parsed_.where));
  if (!node) return fail(failure_);
  WEIR_TRY(expect(parsed_.exprs[static_cast<size_t>(parsed_.where)], *node, Known::kBool));
  split(node->index);
  return {};
}

void Binder::split(uint32_t index) {
  const BoundExpr& expr = query_->exprs[index];
  if (expr.op != Op::kAnd) {
    query_->conjuncts.push_back(index);
    return;
  }
  for (const uint32_t arg : query_->args_of(expr)) split(arg);
}

/// Line and column of an offset. Paths come mostly in their order: from the last one on.
void Binder::place(uint32_t offset, FieldPath& path) {
  if (offset < place_at_) place_at_ = place_line_ = place_start_ = 0;
  for (; place_at_ < offset; ++place_at_) {
    if (lexer_.text()[place_at_] != '\n') continue;
    ++place_line_;
    place_start_ = place_at_ + 1;
  }
  path.line = place_line_ + 1;
  path.column = offset - place_start_ + 1;
}

// --- paths -----------------------------------------------------------------------------------------------------------

bool Binder::names_source(std::string_view name) const {
  return equal_ignoring_case(name, parsed_.alias) || (!name.empty() && equal_ignoring_case(name, parsed_.source_word));
}

Type Binder::hint_of(const std::vector<PathStep>& steps) const {
  std::string dotted;
  for (const PathStep& step : steps) {
    if (step.index >= 0) {
      dotted += '[' + std::to_string(step.index) + ']';
    } else {
      if (!dotted.empty()) dotted += '.';
      dotted += step.name;
    }
  }
  for (const TypeHint& hint : options_.types) {
    if (equal_ignoring_case(hint.column, dotted)) return hint.type;
  }
  return Type::kText;
}

bool Binder::same_path(const FieldPath& path, const std::vector<PathStep>& steps, int32_t ordinal,
                       bool case_sensitive) const {
  if (path.ordinal != ordinal || path.steps.size() != steps.size()) return false;
  if (ordinal >= 0) return true;
  if (path.case_sensitive != case_sensitive) return false;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (path.steps[i].index != steps[i].index || path.steps[i].name != steps[i].name) return false;
  }
  return true;
}

Result<uint32_t> Binder::field_of(const Expr& expr) {
  size_t first = 0;
  if (expr.path.size() > 1 && expr.path[1].index < 0 && names_source(expr.path[0].name)) first = 1;
  std::vector<PathStep> steps;
  bool case_sensitive = false;
  for (size_t i = first; i < expr.path.size(); ++i) {
    const ParsedStep& step = expr.path[i];
    PathStep bound;
    bound.index = step.index;
    if (step.index < 0) bound.name = keep(step.name);
    case_sensitive = case_sensitive || step.quoted;
    steps.push_back(bound);
  }
  if (options_.fields_are_text && steps.size() > 1) {
    const Detail detail =
        Detail("columns of this input have no members; expected a column's name, found a path behind ")
            .append(steps[0].name);
    return error_at(expr.offset, Code::kBadQuery, detail.view());
  }
  int32_t ordinal = -1;
  const std::string_view name = steps[0].name;
  if (options_.ordinals && !expr.path[first].quoted && name.size() > 1 && name.size() <= 6 && name[0] == '_' &&
      name[1] != '0') {
    Value number;
    if (parse_number(name.substr(1), number) == NumberError::kNone && number.type == Type::kInt && number.integer > 0) {
      ordinal = static_cast<int32_t>(number.integer - 1);
    }
  }
  for (uint32_t i = 0; i < query_->paths.size(); ++i) {
    if (same_path(query_->paths[i], steps, ordinal, case_sensitive)) return i;
  }
  BoundField field;
  field.hint = hint_of(steps);
  query_->fields.push_back(field);
  FieldPath path;
  path.steps = query_->steps.emplace_back(std::move(steps));
  path.ordinal = ordinal;
  path.case_sensitive = case_sensitive;
  place(expr.offset, path);
  query_->paths.push_back(path);
  return static_cast<uint32_t>(query_->paths.size() - 1);
}

Bound Binder::bind_path(const Expr& expr) {
  Result<uint32_t> field = field_of(expr);
  if (!field) return give_up(field.error());
  if (!in_aggregate_ && !in_where_ && bare_field_ == nullptr) bare_field_ = &expr;
  BoundExpr bound;
  bound.op = Op::kField;
  bound.offset = expr.offset;
  bound.field = static_cast<int32_t>(*field);
  const Type hint = query_->fields[*field].hint;
  bound.may_be_text = hint == Type::kText;
  query_->exprs.push_back(bound);
  const Known known = hint != Type::kText ? known_of(hint) : options_.fields_are_text ? Known::kText : Known::kAny;
  return BoundNode{static_cast<uint32_t>(query_->exprs.size() - 1), known};
}

// --- expressions -----------------------------------------------------------------------------------------------------

Bound Binder::bind_literal(const Expr& expr) {
  BoundExpr bound;
  bound.offset = expr.offset;
  bound.literal = expr.literal;
  if (expr.literal.type == Type::kText) bound.literal = Value::of_text(keep(expr.text));
  query_->exprs.push_back(bound);
  return BoundNode{static_cast<uint32_t>(query_->exprs.size() - 1), known_of(bound.literal.type)};
}

Bound Binder::bind_aggregate(const Expr& expr) {
  if (in_where_) {
    return give_up(lexer_.error(Code::kBadQuery, expr.offset, "aggregates can't be used in WHERE"));
  }
  if (in_aggregate_) {
    return give_up(lexer_.error(Code::kBadQuery, expr.offset, "an aggregate stands within another one"));
  }
  BoundAggregate aggregate;
  aggregate.kind = static_cast<AggregateKind>(expr.mode);
  Known known = Known::kNumber;
  if (!expr.args.empty()) {
    in_aggregate_ = true;
    const Bound arg = bind_expr(expr.args[0]);
    in_aggregate_ = false;
    if (!arg) return arg;
    aggregate.arg = arg->index;
    if (aggregate.kind == AggregateKind::kSum || aggregate.kind == AggregateKind::kAvg) {
      const Status fits = expect(expr, *arg, Known::kNumber);
      if (!fits) return give_up(fits.error());
    }
    if (aggregate.kind == AggregateKind::kMin || aggregate.kind == AggregateKind::kMax) known = arg->known;
  }
  BoundExpr bound;
  bound.op = Op::kAggregate;
  bound.mode = expr.mode;
  bound.offset = expr.offset;
  bound.aggregate = static_cast<int32_t>(query_->aggregates.size());
  query_->aggregates.push_back(aggregate);
  query_->exprs.push_back(bound);
  return BoundNode{static_cast<uint32_t>(query_->exprs.size() - 1), known};
}

Bound Binder::bind_expr(uint32_t parsed_index) {
  const Expr& expr = parsed_.exprs[parsed_index];
  if (expr.op == Op::kLiteral) return bind_literal(expr);
  if (expr.op == Op::kField) return bind_path(expr);
  if (expr.op == Op::kAggregate) return bind_aggregate(expr);
  std::vector<BoundNode> args;
  for (const uint32_t arg : expr.args) {
    const Bound bound = bind_expr(arg);
    if (!bound) return bound;
    args.push_back(*bound);
  }
  return bind_operator(expr, args);
}

Bound Binder::bind_operator(const Expr& expr, std::span<const BoundNode> args) {
  const Status fits = check_operands(expr, args);
  if (!fits) return give_up(fits.error());
  BoundExpr bound;
  bound.op = expr.op;
  bound.negated = expr.negated;
  bound.type = expr.type;
  bound.mode = expr.mode;
  bound.offset = expr.offset;
  bound.first_arg = static_cast<uint32_t>(query_->args.size());
  bound.arg_count = static_cast<uint32_t>(args.size());
  const bool passes_on = expr.op == Op::kCase || expr.op == Op::kCaseOf || expr.op == Op::kCoalesce ||
                         expr.op == Op::kNullIf || (expr.op == Op::kCast && expr.type == Type::kText);
  for (size_t i = 0; i < args.size(); ++i) {
    query_->args.push_back(args[i].index);
    bound.may_be_text = bound.may_be_text ||
                        (passes_on && is_result(expr.op, i, args.size()) && query_->exprs[args[i].index].may_be_text);
  }
  query_->exprs.push_back(bound);
  BoundNode node{static_cast<uint32_t>(query_->exprs.size() - 1), result_of(expr, args)};
  fold(node);
  return node;
}

Status Binder::expect(const Expr& expr, const BoundNode& arg, Known wanted) const {
  if (arg.known == wanted || arg.known == Known::kAny || arg.known == Known::kNull || arg.known == Known::kText)
    return {};
  const Detail detail = Detail("expected ").append(name_of(wanted)).append(", found ").append(name_of(arg.known));
  const uint32_t offset = query_->exprs[arg.index].offset;
  return error_at(offset != 0 ? offset : expr.offset, Code::kQueryType, detail.view());
}

Status Binder::check_operands(const Expr& expr, std::span<const BoundNode> args) const {
  switch (expr.op) {
    case Op::kNegate:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kModulo:
      for (const BoundNode& arg : args) WEIR_TRY(expect(expr, arg, Known::kNumber));
      return {};
    case Op::kAnd:
    case Op::kOr:
    case Op::kNot:
      for (const BoundNode& arg : args) WEIR_TRY(expect(expr, arg, Known::kBool));
      return {};
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
    case Op::kNullIf:
    case Op::kBetween:
    case Op::kIn:
      for (const BoundNode& arg : args.subspan(1)) {
        if (args[0].known == Known::kBool || args[0].known == Known::kNumber)
          WEIR_TRY(expect(expr, arg, args[0].known));
      }
      return {};
    case Op::kCase:
      for (size_t i = 0; i + 1 < args.size(); i += 2) WEIR_TRY(expect(expr, args[i], Known::kBool));
      return {};
    case Op::kSubstring:
      for (const BoundNode& arg : args.subspan(1)) WEIR_TRY(expect(expr, arg, Known::kNumber));
      return {};
    case Op::kLike:
      return check_like(expr, args);
    default:
      return {};
  }
}

Status Binder::check_like(const Expr& expr, std::span<const BoundNode> args) const {
  for (const BoundNode& arg : args.subspan(1)) WEIR_TRY(expect(expr, arg, Known::kText));
  if (args.size() < 3) return {};
  const BoundExpr& pattern = query_->exprs[args[1].index];
  const BoundExpr& escape = query_->exprs[args[2].index];
  if (escape.op != Op::kLiteral || escape.literal.type != Type::kText) return {};
  if (escape.literal.size != 1)
    return error_at(escape.offset, Code::kBadQuery, "expected one ASCII character behind ESCAPE");
  if (pattern.op == Op::kLiteral && pattern.literal.type == Type::kText &&
      !valid_like_pattern(pattern.literal.view(), escape.literal.view())) {
    return error_at(pattern.offset, Code::kBadQuery,
                    "expected %, _ or the escape character behind the escape character");
  }
  return {};
}

Known Binder::result_of(const Expr& expr, std::span<const BoundNode> args) const {
  switch (expr.op) {
    case Op::kNegate:
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kModulo:
    case Op::kCharLength:
      return Known::kNumber;
    case Op::kConcat:
    case Op::kUpper:
    case Op::kLower:
    case Op::kTrim:
    case Op::kSubstring:
      return Known::kText;
    case Op::kCast:
      return known_of(expr.type);
    case Op::kNullIf:
      return args[0].known;
    case Op::kCase:
    case Op::kCaseOf:
    case Op::kCoalesce: {  // known when all results agree
      if (expr.mode == kModeUnknown) return Known::kAny;
      Known known = Known::kNull;
      const size_t from = expr.op == Op::kCase ? 1 : expr.op == Op::kCaseOf ? 2 : 0;
      for (size_t i = from; i < args.size(); ++i) {
        const bool is_result = expr.op == Op::kCoalesce || (i - from) % 2 == 0 || i + 1 == args.size();
        if (!is_result || args[i].known == Known::kNull) continue;
        if (known != Known::kNull && known != args[i].known) return Known::kAny;
        known = args[i].known;
      }
      return known;
    }
    default:
      return Known::kBool;
  }
}

/// Computes an expression of literals now. One that fails stays as it is: its error counts only if evaluation reaches
/// it.
void Binder::fold(BoundNode& node) {
  BoundExpr& expr = query_->exprs[node.index];
  switch (expr.op) {
    case Op::kAnd:
    case Op::kOr:
    case Op::kCase:
    case Op::kCaseOf:
    case Op::kIn:
    case Op::kBetween:
    case Op::kCoalesce:
    case Op::kIsMissing:
      return;
    default:
      break;
  }
  std::vector<const Value*> args;
  size_t bytes = 256;
  for (uint32_t i = 0; i < expr.arg_count; ++i) {
    const BoundExpr& arg = query_->arg(expr, i);
    if (arg.op != Op::kLiteral) return;
    args.push_back(&arg.literal);
    bytes += 64 + (arg.literal.type == Type::kText ? arg.literal.size : 0u);
  }
  std::string room(bytes, '\0');
  Context context;
  context.errors_are_null = options_.errors_are_null;
  context.room = {room.data(), room.size()};
  Value value;
  if (apply(expr, context, args.data(), value) != Code::kOk) return;
  if (value.type == Type::kText) value = Value::of_text(keep(value.view()));
  const uint32_t offset = expr.offset;
  expr = BoundExpr();
  expr.offset = offset;
  expr.literal = value;
}

}  // namespace

Result<std::unique_ptr<BoundQuery>> bind(const ParsedQuery& parsed, std::string_view text, const QueryOptions& options,
                                         std::vector<Error>* mistakes) {
  return Binder(parsed, text, options).run(mistakes);
}

}  // namespace weir::sql

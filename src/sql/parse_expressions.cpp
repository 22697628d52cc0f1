// Expressions, loosest operators first.
#include "record/field.hpp"
#include "sql/parser_state.hpp"

namespace weir::sql {

Node Parser::expression() {
  if (broken_) return give_up(*broken_);
  if (nesting_ >= kNestingMax) return error_at(token_.offset, "expressions are nested deeper than 64");
  ++nesting_;
  Node node = or_chain();
  --nesting_;
  if (node && broken_) return give_up(*broken_);
  return node;
}

Node Parser::or_chain() {
  const uint32_t offset = token_.offset;
  WEIR_SQL_TAKE(first, and_chain());
  if (!at_word("OR")) return first;
  std::vector<uint32_t> args{first};
  while (take_word("OR")) {
    WEIR_SQL_TAKE(next, and_chain());
    args.push_back(next);
  }
  return make(Op::kOr, offset, std::move(args));
}

Node Parser::and_chain() {
  const uint32_t offset = token_.offset;
  WEIR_SQL_TAKE(first, negation());
  if (!at_word("AND")) return first;
  std::vector<uint32_t> args{first};
  while (take_word("AND")) {
    WEIR_SQL_TAKE(next, negation());
    args.push_back(next);
  }
  return make(Op::kAnd, offset, std::move(args));
}

Node Parser::negation() {
  const uint32_t offset = token_.offset;
  if (!at_word("NOT")) return predicate();
  (void)advance();
  if (nesting_ >= kNestingMax) return error_at(offset, "expressions are nested deeper than 64");
  ++nesting_;
  Node inner = negation();
  --nesting_;
  if (!inner) return inner;
  return make(Op::kNot, offset, {*inner});
}

Node Parser::predicate() {
  WEIR_SQL_TAKE(first, sum());
  uint32_t left = first;
  while (true) {
    const uint32_t before = left;
    WEIR_SQL_TAKE(next, predicate_of(left));
    left = next;
    if (left == before) return left;
  }
}

/// One comparison or predicate behind `left`; `left` itself when there is none.
Node Parser::predicate_of(uint32_t left) {
  struct Comparison {
    std::string_view symbol;
    Op op;
  };
  static constexpr Comparison kComparisons[] = {{"=", Op::kEqual},        {"<>", Op::kNotEqual},  {"!=", Op::kNotEqual},
                                                {"<", Op::kLess},         {"<=", Op::kLessEqual}, {">", Op::kGreater},
                                                {">=", Op::kGreaterEqual}};
  const uint32_t offset = token_.offset;
  for (const Comparison& comparison : kComparisons) {
    if (take_symbol(comparison.symbol)) {
      if (at_symbol("=")) return error_at(offset, "expected =, found ==");
      WEIR_SQL_TAKE(right, sum());
      return make(comparison.op, offset, {left, right});
    }
  }
  if (take_word("IS")) {
    const bool negated = take_word("NOT");
    const bool missing = at_word("MISSING");
    if (!missing && !at_word("NULL")) return unexpected(negated ? "NULL or MISSING" : "NULL, MISSING or NOT");
    (void)advance();
    return make(missing ? Op::kIsMissing : Op::kIsNull, offset, {left}, negated);
  }
  const bool negated = take_word("NOT");
  if (take_word("BETWEEN")) {
    WEIR_SQL_TAKE(low, sum());
    WEIR_SQL_TRY(expect_word("AND"));
    WEIR_SQL_TAKE(high, sum());
    return make(Op::kBetween, offset, {left, low, high}, negated);
  }
  if (take_word("IN")) return in_list(left, negated, offset);
  if (take_word("LIKE")) {
    WEIR_SQL_TAKE(pattern, sum());
    if (!take_word("ESCAPE")) return make(Op::kLike, offset, {left, pattern}, negated);
    WEIR_SQL_TAKE(escape, sum());
    return make(Op::kLike, offset, {left, pattern, escape}, negated);
  }
  if (negated) return unexpected("BETWEEN, IN or LIKE");
  return left;
}

Node Parser::in_list(uint32_t left, bool negated, uint32_t offset) {
  WEIR_SQL_TRY(expect_symbol("("));
  if (at_word("SELECT")) return error_at(token_.offset, "subqueries are not supported");
  std::vector<uint32_t> args{left};
  do {
    if (args.size() > kInListMax) return error_at(token_.offset, "the list of IN has more than 1024 items");
    WEIR_SQL_TAKE(item, expression());
    args.push_back(item);
  } while (take_symbol(","));
  if (!take_symbol(")")) return unexpected(", or )");
  return make(Op::kIn, offset, std::move(args), negated);
}

Node Parser::sum() {
  WEIR_SQL_TAKE(first, product());
  uint32_t left = first;
  while (true) {
    const uint32_t offset = token_.offset;
    if (take_symbol("||")) {
      WEIR_SQL_TAKE(right, product());
      if (at(left).op == Op::kConcat && at(left).mode == 0) {
        at(left).args.push_back(right);
        if (at(right).depth >= at(left).depth) at(left).depth = static_cast<uint16_t>(at(right).depth + 1);
        if (at(left).depth > kTreeDepthMax)
          return error_at(offset,
                          "the expression is a chain of more than 256 operators; use parentheses to balance it");
        continue;
      }
      WEIR_SQL_TAKE(next, make(Op::kConcat, offset, {left, right}));
      left = next;
      continue;
    }
    const bool plus = at_symbol("+");
    if (!plus && !at_symbol("-")) return left;
    (void)advance();
    WEIR_SQL_TAKE(right, product());
    WEIR_SQL_TAKE(next, make(plus ? Op::kAdd : Op::kSubtract, offset, {left, right}));
    left = next;
  }
}

Node Parser::product() {
  WEIR_SQL_TAKE(first, unary());
  uint32_t left = first;
  while (at_symbol("*") || at_symbol("/") || at_symbol("%")) {
    const Op op = at_symbol("*") ? Op::kMultiply : at_symbol("/") ? Op::kDivide : Op::kModulo;
    const uint32_t offset = token_.offset;
    (void)advance();
    WEIR_SQL_TAKE(right, unary());
    WEIR_SQL_TAKE(next, make(op, offset, {left, right}));
    left = next;
  }
  return left;
}

Node Parser::unary() {
  if (broken_) return give_up(*broken_);
  const uint32_t offset = token_.offset;
  if (!at_symbol("-") && !at_symbol("+")) return primary();
  const bool minus = at_symbol("-");
  (void)advance();
  if (minus && token_.kind == TokenKind::kNumber) return number(true, offset);
  if (nesting_ >= kNestingMax) return error_at(offset, "expressions are nested deeper than 64");
  ++nesting_;
  Node inner = unary();
  --nesting_;
  if (!inner || !minus) return inner;
  return make(Op::kNegate, offset, {*inner});
}

Node Parser::number(bool negative, uint32_t offset) {
  Expr expr;
  expr.offset = offset;
  const std::string text = (negative ? "-" : "") + token_.text;
  if (parse_number(text, expr.literal) != NumberError::kNone) {
    return error_at(offset, "the number has more than 38 digits");
  }
  WEIR_SQL_TRY(advance());
  return add(std::move(expr));
}

Node Parser::primary() {
  const uint32_t offset = token_.offset;
  if (token_.kind == TokenKind::kNumber) return number(false, offset);
  if (token_.kind == TokenKind::kText) {
    Expr expr;
    expr.offset = offset;
    expr.text = token_.text;
    expr.literal.type = Type::kText;
    WEIR_SQL_TRY(advance());
    return add(std::move(expr));
  }
  if (token_.kind == TokenKind::kQuotedWord) return path();
  if (take_symbol("(")) {
    if (at_word("SELECT")) return error_at(token_.offset, "subqueries are not supported");
    WEIR_SQL_TAKE(inner, expression());
    if (at_symbol(",")) return error_at(token_.offset, "expected ), found , (lists are only for IN)");
    WEIR_SQL_TRY(expect_symbol(")"));
    // `(a || b) || c`: kept as it was written; only chains without parentheses are joined.
    if (at(inner).op == Op::kConcat) at(inner).mode = 1;
    return inner;
  }
  if (token_.kind == TokenKind::kWord) return word();
  return unexpected("an expression");
}

Node Parser::word() {
  const uint32_t offset = token_.offset;
  Expr expr;
  expr.offset = offset;
  if (at_word("TRUE") || at_word("FALSE")) {
    expr.literal = Value::of_bool(at_word("TRUE"));
    WEIR_SQL_TRY(advance());
    return add(std::move(expr));
  }
  if (at_word("NULL") || at_word("MISSING")) {
    WEIR_SQL_TRY(advance());
    return add(std::move(expr));
  }
  if (at_word("CASE")) return case_expression();
  if (at_word("CAST")) return cast();
  if (at_word("EXISTS")) return error_at(offset, "subqueries are not supported");
  if (is_reserved(token_)) return unexpected("an expression");
  WEIR_SQL_TRY(look_ahead());
  if (ahead_.kind == TokenKind::kSymbol && ahead_.text == "(") {
    const Token name = token_;
    WEIR_SQL_TRY(advance());
    return call(name);
  }
  return path();
}

Node Parser::path() {
  Expr expr;
  expr.op = Op::kField;
  expr.offset = token_.offset;
  expr.path.push_back({token_.text, -1, token_.kind == TokenKind::kQuotedWord});
  WEIR_SQL_TRY(advance());
  while (true) {
    if (expr.path.size() > kPathStepsMax) return error_at(expr.offset, "the path has more than 32 steps");
    if (at_symbol("[")) {
      WEIR_SQL_TRY(advance());
      if (token_.kind == TokenKind::kText) {
        expr.path.push_back({token_.text, -1, true});
      } else {
        Value value;
        if (token_.kind != TokenKind::kNumber || parse_number(token_.text, value) != NumberError::kNone ||
            value.type != Type::kInt || value.integer > INT32_MAX) {
          return unexpected("an element's number or a 'name'");
        }
        expr.path.push_back({std::string(), static_cast<int32_t>(value.integer), false});
      }
      WEIR_SQL_TRY(advance());
      WEIR_SQL_TRY(expect_symbol("]"));
    } else if (at_symbol(".")) {
      if (!has_ahead_) WEIR_SQL_TRY(look_ahead());
      if (ahead_.kind == TokenKind::kSymbol && ahead_.text == "*") return add(std::move(expr));  // `s.*`
      WEIR_SQL_TRY(advance());
      if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kQuotedWord) return unexpected("a name");
      expr.path.push_back({token_.text, -1, token_.kind == TokenKind::kQuotedWord});
      WEIR_SQL_TRY(advance());
    } else {
      return add(std::move(expr));
    }
  }
}

Node Parser::case_expression() {
  Expr expr;
  expr.op = Op::kCase;
  expr.offset = token_.offset;
  WEIR_SQL_TRY(advance());
  if (!at_word("WHEN")) {
    expr.op = Op::kCaseOf;
    WEIR_SQL_TAKE(operand, expression());
    expr.args.push_back(operand);
  }
  if (!at_word("WHEN")) return unexpected("WHEN");
  while (take_word("WHEN")) {
    WEIR_SQL_TAKE(when, expression());
    WEIR_SQL_TRY(expect_word("THEN"));
    WEIR_SQL_TAKE(then, expression());
    expr.args.push_back(when);
    expr.args.push_back(then);
  }
  if (take_word("ELSE")) {
    WEIR_SQL_TAKE(otherwise, expression());
    expr.args.push_back(otherwise);
  } else {
    Expr null;
    null.offset = token_.offset;
    WEIR_SQL_TAKE(otherwise, add(std::move(null)));
    expr.args.push_back(otherwise);
  }
  if (!take_word("END")) return unexpected("WHEN, ELSE or END");
  return add(std::move(expr));
}

Node Parser::cast() {
  struct TypeName {
    std::string_view name;
    Type type;
  };
  static constexpr TypeName kTypes[] = {
      {"INT", Type::kInt},         {"INTEGER", Type::kInt},  {"BIGINT", Type::kInt},    {"DECIMAL", Type::kDecimal},
      {"NUMERIC", Type::kDecimal}, {"FLOAT", Type::kDouble}, {"DOUBLE", Type::kDouble}, {"REAL", Type::kDouble},
      {"TEXT", Type::kText},       {"STRING", Type::kText},  {"VARCHAR", Type::kText},  {"CHAR", Type::kText},
      {"BOOL", Type::kBool},       {"BOOLEAN", Type::kBool},
  };
  Expr expr;
  expr.op = Op::kCast;
  expr.offset = token_.offset;
  WEIR_SQL_TRY(advance());
  WEIR_SQL_TRY(expect_symbol("("));
  WEIR_SQL_TAKE(operand, expression());
  expr.args.push_back(operand);
  WEIR_SQL_TRY(expect_word("AS"));
  for (const TypeName& type : kTypes) {
    if (at_word(type.name)) expr.type = type.type;
  }
  if (expr.type == Type::kNull) return unexpected("a type (INT, DECIMAL, DOUBLE, TEXT or BOOL)");
  const bool is_double = at_word("DOUBLE");
  WEIR_SQL_TRY(advance());
  if (is_double) (void)take_word("PRECISION");
  if (at_symbol("(")) return error_at(token_.offset, "expected ), found ( (types have no length or scale here)");
  WEIR_SQL_TRY(expect_symbol(")"));
  return add(std::move(expr));
}

Node Parser::call(const Token& name) {
  const FunctionInfo* info = find_function(name.text);
  if (info == nullptr) info = pass_over_unknown(name);
  if (info == nullptr) return unknown_function(name);
  WEIR_SQL_TRY(expect_symbol("("));
  Expr expr;
  expr.op = info->op;
  expr.mode = info->mode;
  expr.offset = name.offset;
  WEIR_SQL_TRY(call_arguments(*info, expr));
  WEIR_SQL_TRY(expect_symbol(")"));
  if (at_word("OVER")) return error_at(token_.offset, "window functions are not supported");
  return add(std::move(expr));
}

std::unexpected<Failed> Parser::unknown_function(const Token& name) {
  Detail detail;
  detail.append(std::string_view(name.text).substr(0, 60));
  const std::string_view nearest = nearest_function(name.text);
  if (!nearest.empty()) detail.append("; did you mean ").append(nearest).append("?");
  return error_at(name.offset, detail.view(), Code::kUnknownFunction);
}

/// For lint: the mistake is kept, and the query goes on as if there were such a function.
const FunctionInfo* Parser::pass_over_unknown(const Token& name) {
  static constexpr FunctionInfo kAnyFunction = {"", Op::kCoalesce, kModeUnknown, 0, kInListMax, ""};
  if (mistakes_ == nullptr) return nullptr;
  (void)unknown_function(name);
  mistakes_->push_back(failure_);
  return &kAnyFunction;
}

std::unexpected<Failed> Parser::bad_arguments(std::string_view usage) {
  Detail detail("the arguments of ");
  detail.append(usage);
  return unexpected(detail.view());
}

Done Parser::call_arguments(const FunctionInfo& info, Expr& expr) {
  if (expr.op == Op::kTrim) return trim_arguments(expr);
  if (expr.op == Op::kAggregate) {
    if (at_word("DISTINCT")) return error_at(token_.offset, "DISTINCT is not supported");
    if (at_symbol("*") && expr.mode == static_cast<uint8_t>(AggregateKind::kCount)) {
      expr.mode = static_cast<uint8_t>(AggregateKind::kCountRows);
      return advance();
    }
  }
  if (!at_symbol(")")) {
    const std::string_view separators[] = {"FROM", "FOR"};
    do {
      if (expr.args.size() >= info.args_max) break;
      WEIR_SQL_TAKE(arg, expression());
      expr.args.push_back(arg);
    } while (take_symbol(",") ||
             (expr.op == Op::kSubstring && expr.args.size() <= 2 && take_word(separators[expr.args.size() - 1])));
  }
  if (expr.args.size() < info.args_min || !at_symbol(")")) {
    return bad_arguments(info.usage);
  }
  return {};
}

Done Parser::trim_arguments(Expr& expr) {
  bool marked = true;
  if (take_word("LEADING")) {
    expr.mode = static_cast<uint8_t>(TrimMode::kLeading);
  } else if (take_word("TRAILING")) {
    expr.mode = static_cast<uint8_t>(TrimMode::kTrailing);
  } else if (!take_word("BOTH")) {
    marked = false;
  }
  if (marked && take_word("FROM")) {
    WEIR_SQL_TAKE(operand, expression());
    expr.args.push_back(operand);
    return {};
  }
  WEIR_SQL_TAKE(first, expression());
  if (take_word("FROM")) {
    WEIR_SQL_TAKE(operand, expression());
    expr.args = {operand, first};
    return {};
  }
  if (marked) return unexpected("FROM");
  expr.args.push_back(first);
  return {};
}

}  // namespace weir::sql

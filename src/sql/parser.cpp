#include "sql/parser.hpp"

#include <optional>
#include <utility>

#include "record/field.hpp"
#include "sql/function_table.hpp"
#include "sql/lexer.hpp"

namespace weir::sql {
namespace {

/// Words that can't name a column or an alias unless quoted.
constexpr std::string_view kReserved[] = {"SELECT", "FROM", "WHERE",  "LIMIT", "AND",  "OR",    "NOT",   "BETWEEN", "IN",       "LIKE",
                                          "ESCAPE", "IS",   "NULL",   "MISSING", "CASE", "WHEN", "THEN", "ELSE",    "END",      "AS",
                                          "TRUE",   "FALSE", "CAST",  "GROUP", "ORDER", "HAVING", "JOIN", "UNION", "DISTINCT", "BY"};

bool is_reserved(const Token& token) {
  if (token.kind != TokenKind::kWord) return false;
  for (const std::string_view word : kReserved) {
    if (is_word(token.text, word)) return true;
  }
  return false;
}

using Node = Result<uint32_t>;

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}
  Result<ParsedQuery> run();

 private:
  // --- tokens ---
  Status advance();
  bool at_word(std::string_view keyword) const { return token_.kind == TokenKind::kWord && is_word(token_.text, keyword); }
  bool at_symbol(std::string_view symbol) const { return token_.kind == TokenKind::kSymbol && token_.text == symbol; }
  /// Goes past the keyword or symbol if it is there. Errors of the lexer are kept in `broken_`.
  bool take_word(std::string_view keyword);
  bool take_symbol(std::string_view symbol);
  Status expect_word(std::string_view keyword);
  Status expect_symbol(std::string_view symbol);
  std::unexpected<Error> unexpected(std::string_view expected) const;
  std::unexpected<Error> error_at(uint32_t offset, std::string_view detail, Code code = Code::kBadQuery) const {
    return fail(lexer_.error(code, offset, detail));
  }
  void describe(Detail& detail) const;
  Status refuse_clauses() const;

  // --- clauses ---
  Status select_list();
  Status select_item();
  Status alias(std::string& name);
  Status source();
  Status limit();

  // --- expressions, loosest first ---
  Node expression();
  Node or_chain();
  Node and_chain();
  Node negation();
  Node predicate();
  Node predicate_of(uint32_t left);
  Node in_list(uint32_t left, bool negated, uint32_t offset);
  Node sum();
  Node product();
  Node unary();
  Node primary();
  Node path();
  Node number(bool negative, uint32_t offset);
  Node word();
  Node case_expression();
  Node cast();
  Node call(const Token& name);
  Status call_arguments(const FunctionInfo& info, Expr& expr);
  Status trim_arguments(Expr& expr);

  Node add(Expr expr);
  Node make(Op op, uint32_t offset, std::vector<uint32_t> args, bool negated = false);
  Expr& at(uint32_t index) { return query_.exprs[index]; }

  Lexer lexer_;
  Token token_;
  Token ahead_;
  bool has_ahead_ = false;
  std::optional<Error> broken_;
  ParsedQuery query_;
  uint32_t nesting_ = 0;
};

#define WEIR_SQL_TAKE(name, expression)     \
  auto name##_result = (expression);        \
  if (!name##_result) return fail(name##_result.error()); \
  const auto name = *name##_result

Status Parser::advance() {
  if (has_ahead_) {
    token_ = std::move(ahead_);
    has_ahead_ = false;
    return {};
  }
  Result<Token> next = lexer_.next();
  if (!next) {
    // Reported when it is reached; until then the query ends here.
    broken_ = next.error();
    token_ = Token();
    token_.offset = static_cast<uint32_t>(lexer_.text().size());
    return fail(*broken_);
  }
  token_ = std::move(*next);
  return {};
}

bool Parser::take_word(std::string_view keyword) {
  if (!at_word(keyword)) return false;
  (void)advance();
  return true;
}

bool Parser::take_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  (void)advance();
  return true;
}

void Parser::describe(Detail& detail) const {
  constexpr size_t kShownMax = 40;
  const auto shown = std::string_view(token_.text).substr(0, kShownMax);
  switch (token_.kind) {
    case TokenKind::kEnd: detail.append("the end of the query"); break;
    case TokenKind::kText: detail.append('\'').append(shown).append('\''); break;
    case TokenKind::kQuotedWord: detail.append('"').append(shown).append('"'); break;
    default: detail.append(shown);
  }
  if (shown.size() < token_.text.size()) detail.append("...");
}

std::unexpected<Error> Parser::unexpected(std::string_view expected) const {
  if (broken_) return fail(*broken_);
  Detail detail("expected ");
  detail.append(expected).append(", found ");
  describe(detail);
  if (is_reserved(token_) && expected == "an expression") detail.append(" (a column of that name is written in double quotes)");
  return error_at(token_.offset, detail.view());
}

Status Parser::expect_word(std::string_view keyword) {
  if (!take_word(keyword)) return unexpected(keyword);
  return {};
}

Status Parser::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) return unexpected(symbol);
  return {};
}

Node Parser::add(Expr expr) {
  if (query_.exprs.size() >= kNodesMax) return error_at(expr.offset, "the query has more than 4096 expressions");
  for (const uint32_t arg : expr.args) {
    if (at(arg).depth >= expr.depth) expr.depth = static_cast<uint16_t>(at(arg).depth + 1);
  }
  if (expr.depth > kTreeDepthMax) return error_at(expr.offset, "the expression is a chain of more than 256 operators; use parentheses to balance it");
  query_.exprs.push_back(std::move(expr));
  return static_cast<uint32_t>(query_.exprs.size() - 1);
}

Node Parser::make(Op op, uint32_t offset, std::vector<uint32_t> args, bool negated) {
  Expr expr;
  expr.op = op;
  expr.offset = offset;
  expr.args = std::move(args);
  expr.negated = negated;
  return add(std::move(expr));
}

// --- clauses -------------------------------------------------------------------------------------------------------

Status Parser::refuse_clauses() const {
  struct Clause {
    std::string_view word;
    std::string_view detail;
  };
  static constexpr Clause kClauses[] = {
      {"GROUP", "GROUP BY is not supported: aggregates are over the whole input"},
      {"ORDER", "ORDER BY is not supported: records keep the order of the input"},
      {"HAVING", "HAVING is not supported"},
      {"JOIN", "JOIN is not supported: a query reads one input"},
      {"INNER", "JOIN is not supported: a query reads one input"},
      {"LEFT", "JOIN is not supported: a query reads one input"},
      {"RIGHT", "JOIN is not supported: a query reads one input"},
      {"FULL", "JOIN is not supported: a query reads one input"},
      {"CROSS", "JOIN is not supported: a query reads one input"},
      {"UNION", "UNION is not supported"},
      {"INTERSECT", "INTERSECT is not supported"},
      {"EXCEPT", "EXCEPT is not supported"},
      {"OFFSET", "OFFSET is not supported"},
      {"WINDOW", "window functions are not supported"},
      {"OVER", "window functions are not supported"},
      {"WITH", "WITH is not supported"},
  };
  if (token_.kind != TokenKind::kWord) return {};
  for (const Clause& clause : kClauses) {
    if (is_word(token_.text, clause.word)) return error_at(token_.offset, clause.detail);
  }
  return {};
}

Result<ParsedQuery> Parser::run() {
  WEIR_TRY(advance());
  if (token_.kind == TokenKind::kEnd) {
    SelectItem star;
    star.star = true;
    query_.items.push_back(star);
    return std::move(query_);
  }
  WEIR_TRY(refuse_clauses());
  WEIR_TRY(expect_word("SELECT"));
  if (at_word("DISTINCT")) return error_at(token_.offset, "DISTINCT is not supported");
  (void)take_word("ALL");
  WEIR_TRY(select_list());
  WEIR_TRY(expect_word("FROM"));
  WEIR_TRY(source());
  if (at_symbol(",")) return error_at(token_.offset, "JOIN is not supported: a query reads one input");
  WEIR_TRY(refuse_clauses());
  if (take_word("WHERE")) {
    WEIR_SQL_TAKE(where, expression());
    query_.where = where;
  }
  WEIR_TRY(refuse_clauses());
  if (take_word("LIMIT")) WEIR_TRY(limit());
  (void)take_symbol(";");
  if (broken_) return fail(*broken_);
  WEIR_TRY(refuse_clauses());
  if (token_.kind != TokenKind::kEnd) {
    return unexpected(query_.limit != ~uint64_t{0} ? "the end of the query"
                      : query_.where >= 0          ? "an operator, LIMIT or the end of the query"
                                                   : "WHERE, LIMIT or the end of the query");
  }
  return std::move(query_);
}

Status Parser::select_list() {
  do {
    if (query_.items.size() >= kColumnsMax) return error_at(token_.offset, "SELECT has more than 1024 columns");
    WEIR_TRY(select_item());
  } while (take_symbol(","));
  return {};
}

Status Parser::select_item() {
  SelectItem item;
  item.offset = token_.offset;
  if (take_symbol("*")) {
    item.star = true;
    query_.items.push_back(std::move(item));
    return {};
  }
  WEIR_SQL_TAKE(expr, expression());
  item.expr = expr;
  // `s.*` was read as the path `s` by path(), which stops in front of `.*`.
  if (at_symbol(".") && at(expr).op == Op::kField) {
    (void)advance();
    if (!take_symbol("*")) return unexpected("a name or *");
    if (at(expr).path.size() != 1) return error_at(item.offset, "expected a column or s.*, found a path that ends in .*");
    item.star = true;
    item.star_of = at(expr).path[0].name;
    query_.items.push_back(std::move(item));
    return {};
  }
  if (at_word("OVER")) return error_at(token_.offset, "window functions are not supported");
  WEIR_TRY(alias(item.alias));
  query_.items.push_back(std::move(item));
  return {};
}

Status Parser::alias(std::string& name) {
  const bool as = take_word("AS");
  if (token_.kind == TokenKind::kQuotedWord || (token_.kind == TokenKind::kWord && !is_reserved(token_))) {
    if (!as) WEIR_TRY(refuse_clauses());
    name = token_.text;
    return advance();
  }
  if (as) return unexpected("a name");
  return {};
}

Status Parser::source() {
  if (at_symbol("(")) return error_at(token_.offset, "subqueries are not supported");
  if (token_.kind == TokenKind::kText || token_.kind == TokenKind::kQuotedWord) {
    query_.source = token_.text;
    query_.source_word.clear();
    if (query_.source.empty()) return unexpected("a file name");
    WEIR_TRY(advance());
  } else if (at_word("INPUT") || at_word("STDIN") || at_word("S3OBJECT")) {
    query_.source_word = token_.text;
    WEIR_TRY(advance());
  } else if (token_.kind == TokenKind::kWord && !is_reserved(token_)) {
    return unexpected("input (a file's name is written in quotes)");
  } else {
    return unexpected("input or a file name in quotes");
  }
  if (take_symbol("[")) {
    WEIR_TRY(expect_symbol("*"));
    WEIR_TRY(expect_symbol("]"));
    if (at_symbol(".") || at_symbol("[")) return error_at(token_.offset, "a path within the document is given by input.path");
  }
  return alias(query_.alias);
}

Status Parser::limit() {
  Value value;
  if (token_.kind != TokenKind::kNumber || parse_number(token_.text, value) != NumberError::kNone || value.type != Type::kInt) {
    return unexpected("a whole number");
  }
  query_.limit = static_cast<uint64_t>(value.integer);
  return advance();
}

// --- expressions ---------------------------------------------------------------------------------------------------

Node Parser::expression() {
  if (broken_) return fail(*broken_);
  if (nesting_ >= kNestingMax) return error_at(token_.offset, "expressions are nested deeper than 64");
  ++nesting_;
  Node node = or_chain();
  --nesting_;
  if (node && broken_) return fail(*broken_);
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
  static constexpr Comparison kComparisons[] = {{"=", Op::kEqual},       {"<>", Op::kNotEqual}, {"!=", Op::kNotEqual},
                                                {"<", Op::kLess},        {"<=", Op::kLessEqual}, {">", Op::kGreater},
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
    WEIR_TRY(expect_word("AND"));
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
  WEIR_TRY(expect_symbol("("));
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
        if (at(left).depth > kTreeDepthMax) return error_at(offset, "the expression is a chain of more than 256 operators; use parentheses to balance it");
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
  if (broken_) return fail(*broken_);
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
  WEIR_TRY(advance());
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
    WEIR_TRY(advance());
    return add(std::move(expr));
  }
  if (token_.kind == TokenKind::kQuotedWord) return path();
  if (take_symbol("(")) {
    if (at_word("SELECT")) return error_at(token_.offset, "subqueries are not supported");
    WEIR_SQL_TAKE(inner, expression());
    if (at_symbol(",")) return error_at(token_.offset, "expected ), found , (lists are only for IN)");
    WEIR_TRY(expect_symbol(")"));
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
    WEIR_TRY(advance());
    return add(std::move(expr));
  }
  if (at_word("NULL") || at_word("MISSING")) {
    WEIR_TRY(advance());
    return add(std::move(expr));
  }
  if (at_word("CASE")) return case_expression();
  if (at_word("CAST")) return cast();
  if (at_word("EXISTS")) return error_at(offset, "subqueries are not supported");
  if (is_reserved(token_)) return unexpected("an expression");
  Result<Token> next = lexer_.next();
  if (!next) return fail(next.error());
  ahead_ = std::move(*next);
  has_ahead_ = true;
  if (ahead_.kind == TokenKind::kSymbol && ahead_.text == "(") {
    const Token name = token_;
    WEIR_TRY(advance());
    return call(name);
  }
  return path();
}

Node Parser::path() {
  Expr expr;
  expr.op = Op::kField;
  expr.offset = token_.offset;
  expr.path.push_back({token_.text, -1, token_.kind == TokenKind::kQuotedWord});
  WEIR_TRY(advance());
  while (true) {
    if (expr.path.size() > kPathStepsMax) return error_at(expr.offset, "the path has more than 32 steps");
    if (at_symbol("[")) {
      WEIR_TRY(advance());
      if (token_.kind == TokenKind::kText) {
        expr.path.push_back({token_.text, -1, true});
      } else {
        Value value;
        if (token_.kind != TokenKind::kNumber || parse_number(token_.text, value) != NumberError::kNone || value.type != Type::kInt ||
            value.integer > INT32_MAX) {
          return unexpected("an element's number or a 'name'");
        }
        expr.path.push_back({std::string(), static_cast<int32_t>(value.integer), false});
      }
      WEIR_TRY(advance());
      WEIR_TRY(expect_symbol("]"));
    } else if (at_symbol(".")) {
      Result<Token> next = has_ahead_ ? Result<Token>(ahead_) : lexer_.next();
      if (!next) return fail(next.error());
      ahead_ = std::move(*next);
      has_ahead_ = true;
      if (ahead_.kind == TokenKind::kSymbol && ahead_.text == "*") return add(std::move(expr));  // `s.*`
      WEIR_TRY(advance());
      if (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kQuotedWord) return unexpected("a name");
      expr.path.push_back({token_.text, -1, token_.kind == TokenKind::kQuotedWord});
      WEIR_TRY(advance());
    } else {
      return add(std::move(expr));
    }
  }
}

Node Parser::case_expression() {
  Expr expr;
  expr.op = Op::kCase;
  expr.offset = token_.offset;
  WEIR_TRY(advance());
  if (!at_word("WHEN")) {
    expr.op = Op::kCaseOf;
    WEIR_SQL_TAKE(operand, expression());
    expr.args.push_back(operand);
  }
  if (!at_word("WHEN")) return unexpected("WHEN");
  while (take_word("WHEN")) {
    WEIR_SQL_TAKE(when, expression());
    WEIR_TRY(expect_word("THEN"));
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
      {"INT", Type::kInt},        {"INTEGER", Type::kInt},     {"BIGINT", Type::kInt},     {"DECIMAL", Type::kDecimal},
      {"NUMERIC", Type::kDecimal}, {"FLOAT", Type::kDouble},    {"DOUBLE", Type::kDouble},  {"REAL", Type::kDouble},
      {"TEXT", Type::kText},      {"STRING", Type::kText},     {"VARCHAR", Type::kText},   {"CHAR", Type::kText},
      {"BOOL", Type::kBool},      {"BOOLEAN", Type::kBool},
  };
  Expr expr;
  expr.op = Op::kCast;
  expr.offset = token_.offset;
  WEIR_TRY(advance());
  WEIR_TRY(expect_symbol("("));
  WEIR_SQL_TAKE(operand, expression());
  expr.args.push_back(operand);
  WEIR_TRY(expect_word("AS"));
  for (const TypeName& type : kTypes) {
    if (at_word(type.name)) expr.type = type.type;
  }
  if (expr.type == Type::kNull) return unexpected("a type (INT, DECIMAL, DOUBLE, TEXT or BOOL)");
  const bool is_double = at_word("DOUBLE");
  WEIR_TRY(advance());
  if (is_double) (void)take_word("PRECISION");
  if (at_symbol("(")) return error_at(token_.offset, "expected ), found ( (types have no length or scale here)");
  WEIR_TRY(expect_symbol(")"));
  return add(std::move(expr));
}

Node Parser::call(const Token& name) {
  const FunctionInfo* const info = find_function(name.text);
  if (info == nullptr) {
    Detail detail;
    detail.append(std::string_view(name.text).substr(0, 60));
    const std::string_view nearest = nearest_function(name.text);
    if (!nearest.empty()) detail.append("; did you mean ").append(nearest).append("?");
    return error_at(name.offset, detail.view(), Code::kUnknownFunction);
  }
  WEIR_TRY(expect_symbol("("));
  Expr expr;
  expr.op = info->op;
  expr.mode = info->mode;
  expr.offset = name.offset;
  WEIR_TRY(call_arguments(*info, expr));
  WEIR_TRY(expect_symbol(")"));
  if (at_word("OVER")) return error_at(token_.offset, "window functions are not supported");
  return add(std::move(expr));
}

Status Parser::call_arguments(const FunctionInfo& info, Expr& expr) {
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
    } while (take_symbol(",") || (expr.op == Op::kSubstring && expr.args.size() <= 2 && take_word(separators[expr.args.size() - 1])));
  }
  if (expr.args.size() < info.args_min || !at_symbol(")")) {
    Detail detail("the arguments of ");
    detail.append(info.usage);
    return unexpected(detail.view());
  }
  return {};
}

Status Parser::trim_arguments(Expr& expr) {
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

}  // namespace

Result<ParsedQuery> parse(std::string_view text) {
  if (text.size() > kQueryBytesMax) return fail(Error(Code::kBadQuery, "the query is longer than 256 KiB").at_line(1, 1));
  return Parser(text).run();
}

}  // namespace weir::sql

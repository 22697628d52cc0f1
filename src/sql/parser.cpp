#include "sql/parser.hpp"

#include "record/field.hpp"
#include "sql/parser_state.hpp"

namespace weir::sql {
namespace {

/// Words that can't name a column or an alias unless quoted.
constexpr std::string_view kReserved[] = {
    "SELECT", "FROM",  "WHERE", "LIMIT",   "AND",   "OR",     "NOT",  "BETWEEN", "IN",       "LIKE",
    "ESCAPE", "IS",    "NULL",  "MISSING", "CASE",  "WHEN",   "THEN", "ELSE",    "END",      "AS",
    "TRUE",   "FALSE", "CAST",  "GROUP",   "ORDER", "HAVING", "JOIN", "UNION",   "DISTINCT", "BY"};

}  // namespace

bool is_reserved(const Token& token) {
  if (token.kind != TokenKind::kWord) return false;
  for (const std::string_view word : kReserved) {
    if (is_word(token.text, word)) return true;
  }
  return false;
}

std::unexpected<Failed> Parser::give_up(const Error& error) {
  failure_ = error;
  return std::unexpected(Failed{});
}

std::unexpected<Failed> Parser::error_at(uint32_t offset, std::string_view detail, Code code) {
  return give_up(lexer_.error(code, offset, detail));
}

Done Parser::look_ahead() {
  Result<Token> next = lexer_.next();
  if (!next) return give_up(next.error());
  ahead_ = std::move(*next);
  has_ahead_ = true;
  return {};
}

Done Parser::advance() {
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
    return give_up(*broken_);
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
    case TokenKind::kEnd:
      detail.append("the end of the query");
      break;
    case TokenKind::kText:
      detail.append('\'').append(shown).append('\'');
      break;
    case TokenKind::kQuotedWord:
      detail.append('"').append(shown).append('"');
      break;
    default:
      detail.append(shown);
  }
  if (shown.size() < token_.text.size()) detail.append("...");
}

std::unexpected<Failed> Parser::unexpected(std::string_view expected) {
  if (broken_) return give_up(*broken_);
  Detail detail("expected ");
  detail.append(expected).append(", found ");
  describe(detail);
  if (is_reserved(token_) && expected == "an expression")
    detail.append(" (a column of that name is written in double quotes)");
  return error_at(token_.offset, detail.view());
}

Done Parser::expect_word(std::string_view keyword) {
  if (!take_word(keyword)) return unexpected(keyword);
  return {};
}

Done Parser::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) return unexpected(symbol);
  return {};
}

Node Parser::add(Expr expr) {
  if (query_.exprs.size() >= kNodesMax) return error_at(expr.offset, "the query has more than 4096 expressions");
  for (const uint32_t arg : expr.args) {
    if (at(arg).depth >= expr.depth) expr.depth = static_cast<uint16_t>(at(arg).depth + 1);
  }
  if (expr.depth > kTreeDepthMax)
    return error_at(expr.offset, "the expression is a chain of more than 256 operators; use parentheses to balance it");
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

Done Parser::refuse_clauses() {
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
  if (!query()) return fail(failure_);
  return std::move(query_);
}

Done Parser::query() {
  WEIR_SQL_TRY(advance());
  if (token_.kind == TokenKind::kEnd) {
    SelectItem star;
    star.star = true;
    query_.items.push_back(star);
    return {};
  }
  WEIR_SQL_TRY(refuse_clauses());
  WEIR_SQL_TRY(expect_word("SELECT"));
  if (at_word("DISTINCT")) return error_at(token_.offset, "DISTINCT is not supported");
  (void)take_word("ALL");
  WEIR_SQL_TRY(select_list());
  WEIR_SQL_TRY(expect_word("FROM"));
  WEIR_SQL_TRY(source());
  if (at_symbol(",")) return error_at(token_.offset, "JOIN is not supported: a query reads one input");
  WEIR_SQL_TRY(refuse_clauses());
  if (take_word("WHERE")) {
    WEIR_SQL_TAKE(where, expression());
    query_.where = where;
  }
  WEIR_SQL_TRY(refuse_clauses());
  if (take_word("LIMIT")) WEIR_SQL_TRY(limit());
  (void)take_symbol(";");
  if (broken_) return give_up(*broken_);
  WEIR_SQL_TRY(refuse_clauses());
  if (token_.kind != TokenKind::kEnd) {
    return unexpected(query_.limit != ~uint64_t{0} ? "the end of the query"
                      : query_.where >= 0          ? "an operator, LIMIT or the end of the query"
                                                   : "WHERE, LIMIT or the end of the query");
  }
  return {};
}

Done Parser::select_list() {
  do {
    if (query_.items.size() >= kColumnsMax) return error_at(token_.offset, "SELECT has more than 1024 columns");
    WEIR_SQL_TRY(select_item());
  } while (take_symbol(","));
  return {};
}

Done Parser::select_item() {
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
    if (at(expr).path.size() != 1)
      return error_at(item.offset, "expected a column or s.*, found a path that ends in .*");
    item.star = true;
    item.star_of = at(expr).path[0].name;
    query_.items.push_back(std::move(item));
    return {};
  }
  if (at_word("OVER")) return error_at(token_.offset, "window functions are not supported");
  WEIR_SQL_TRY(alias(item.alias));
  query_.items.push_back(std::move(item));
  return {};
}

Done Parser::alias(std::string& name) {
  const bool as = take_word("AS");
  if (token_.kind == TokenKind::kQuotedWord || (token_.kind == TokenKind::kWord && !is_reserved(token_))) {
    if (!as) WEIR_SQL_TRY(refuse_clauses());
    name = token_.text;
    return advance();
  }
  if (as) return unexpected("a name");
  return {};
}

Done Parser::source() {
  if (at_symbol("(")) return error_at(token_.offset, "subqueries are not supported");
  if (token_.kind == TokenKind::kText || token_.kind == TokenKind::kQuotedWord) {
    query_.source = token_.text;
    query_.source_word.clear();
    if (query_.source.empty()) return unexpected("a file name");
    WEIR_SQL_TRY(advance());
  } else if (at_word("INPUT") || at_word("STDIN") || at_word("S3OBJECT")) {
    query_.source_word = token_.text;
    WEIR_SQL_TRY(advance());
  } else if (token_.kind == TokenKind::kWord && !is_reserved(token_)) {
    return unexpected("input (a file's name is written in quotes)");
  } else {
    return unexpected("input or a file name in quotes");
  }
  if (take_symbol("[")) {
    WEIR_SQL_TRY(expect_symbol("*"));
    WEIR_SQL_TRY(expect_symbol("]"));
    if (at_symbol(".") || at_symbol("["))
      return error_at(token_.offset, "a path within the document is given by input.path");
  }
  return alias(query_.alias);
}

Done Parser::limit() {
  Value value;
  if (token_.kind != TokenKind::kNumber || parse_number(token_.text, value) != NumberError::kNone ||
      value.type != Type::kInt) {
    return unexpected("a whole number");
  }
  query_.limit = static_cast<uint64_t>(value.integer);
  return advance();
}

Result<ParsedQuery> parse(std::string_view text, std::vector<Error>* mistakes) {
  if (text.size() > kQueryBytesMax)
    return fail(Error(Code::kBadQuery, "the query is longer than 256 KiB").at_line(1, 1));
  return Parser(text, mistakes).run();
}

}  // namespace weir::sql

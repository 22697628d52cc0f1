// The parser's inside: one class in two files, clauses (parser.cpp) and expressions (parse_expressions.cpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "sql/ast.hpp"
#include "sql/function_table.hpp"
#include "sql/lexer.hpp"

namespace weir::sql {

/// Whether the token is a word that can't name a column or an alias unless quoted.
bool is_reserved(const Token& token);

using Node = Result<uint32_t>;

class Parser {
 public:
  explicit Parser(std::string_view text, std::vector<Error>* mistakes) : lexer_(text), mistakes_(mistakes) {}
  Result<ParsedQuery> run();

 private:
  // --- tokens ---
  Status advance();
  bool at_word(std::string_view keyword) const {
    return token_.kind == TokenKind::kWord && is_word(token_.text, keyword);
  }
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
  [[gnu::noinline]] const FunctionInfo* pass_over_unknown(const Token& name);
  [[nodiscard]] Error unknown_function(const Token& name) const;
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
  std::vector<Error>* mistakes_;  ///< null: the first mistake is the answer
  uint32_t nesting_ = 0;
};

/// Gives `name` the value of a Result, or returns its error.
#define WEIR_SQL_TAKE(name, expression)                   \
  auto name##_result = (expression);                      \
  if (!name##_result) return fail(name##_result.error()); \
  const auto name = *name##_result

}  // namespace weir::sql

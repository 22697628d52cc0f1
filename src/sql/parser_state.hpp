// The parser's inside: one class in two files, clauses (parser.cpp) and expressions (parse_expressions.cpp).
#pragma once

#include <expected>
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

/// An error on its way out. The Error itself waits in the parser, once: expressions recurse, and 64 levels of ten frames
/// with an Error in each were half a megabyte of stack, more than the memory plan's line for it.
struct Failed {};
using Node = std::expected<uint32_t, Failed>;
using Done = std::expected<void, Failed>;

class Parser {
 public:
  explicit Parser(std::string_view text, std::vector<Error>* mistakes) : lexer_(text), mistakes_(mistakes) {}
  Result<ParsedQuery> run();

 private:
  // --- tokens ---
  [[gnu::noinline]] Done advance();
  bool at_word(std::string_view keyword) const {
    return token_.kind == TokenKind::kWord && is_word(token_.text, keyword);
  }
  bool at_symbol(std::string_view symbol) const { return token_.kind == TokenKind::kSymbol && token_.text == symbol; }
  /// Goes past the keyword or symbol if it is there. Errors of the lexer are kept in `broken_`.
  bool take_word(std::string_view keyword);
  bool take_symbol(std::string_view symbol);
  Done expect_word(std::string_view keyword);
  Done expect_symbol(std::string_view symbol);
  [[gnu::noinline]] std::unexpected<Failed> give_up(const Error& error);
  [[gnu::noinline]] std::unexpected<Failed> unexpected(std::string_view expected);
  [[gnu::noinline]] std::unexpected<Failed> error_at(uint32_t offset, std::string_view detail,
                                                     Code code = Code::kBadQuery);
  [[gnu::noinline]] std::unexpected<Failed> unknown_function(const Token& name);
  [[gnu::noinline]] std::unexpected<Failed> bad_arguments(std::string_view usage);
  /// Puts the token behind the next one into `ahead_`.
  [[gnu::noinline]] Done look_ahead();
  void describe(Detail& detail) const;
  Done refuse_clauses();

  // --- clauses ---
  Done query();
  Done select_list();
  Done select_item();
  Done alias(std::string& name);
  Done source();
  Done limit();

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
  Done call_arguments(const FunctionInfo& info, Expr& expr);
  Done trim_arguments(Expr& expr);

  Node add(Expr expr);
  Node make(Op op, uint32_t offset, std::vector<uint32_t> args, bool negated = false);
  Expr& at(uint32_t index) { return query_.exprs[index]; }

  Lexer lexer_;
  Token token_;
  Token ahead_;
  bool has_ahead_ = false;
  std::optional<Error> broken_;
  Error failure_;  ///< of the last Failed
  ParsedQuery query_;
  std::vector<Error>* mistakes_;  ///< null: the first mistake is the answer
  uint32_t nesting_ = 0;
};

/// Gives `name` the value of a Node, or hands its failure on.
#define WEIR_SQL_TAKE(name, expression)                 \
  auto name##_result = (expression);                    \
  if (!name##_result) return std::unexpected(Failed{}); \
  const auto name = *name##_result

/// Hands the failure of a Node or Done on.
#define WEIR_SQL_TRY(expression)                         \
  do {                                                   \
    if (!(expression)) return std::unexpected(Failed{}); \
  } while (false)

}  // namespace weir::sql

// BoundQuery: a query whose paths are columns of a projection, whose types were checked as far as they are known, and
// whose literals are values. Read-only once bound; the program and the scalar evaluator both work from it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "record/projection.hpp"
#include "sql/ast.hpp"
#include "sql/program.hpp"

namespace weir::sql {

struct BoundExpr {
  Op op = Op::kLiteral;
  bool negated = false;
  Type type = Type::kNull;  ///< of kCast: the target
  uint8_t mode = 0;  ///< TrimMode or AggregateKind
  bool may_be_text = false;  ///< may yield a text that stands in the input (it may still be encoded)
  uint32_t first_arg = 0;  ///< in BoundQuery::args
  uint32_t arg_count = 0;
  int32_t field = -1;  ///< kField: index in the projection's paths
  int32_t aggregate = -1;  ///< kAggregate: index in BoundQuery::aggregates
  uint32_t offset = 0;
  Value literal;
};

struct BoundField {
  Type hint = Type::kText;  ///< from input.types; kText: none
};

struct BoundAggregate {
  AggregateKind kind = AggregateKind::kCountRows;
  int64_t arg = -1;  ///< expression; -1 for COUNT(*)
};

struct BoundColumn {
  std::string name;
  bool star = false;
  int32_t field = -1;  ///< passed through
  int64_t expr = -1;  ///< computed
  int32_t computed = -1;  ///< index among the computed columns
};

struct BoundQuery {
  std::vector<BoundExpr> exprs;
  std::vector<uint32_t> args;
  std::vector<BoundField> fields;
  std::vector<BoundColumn> columns;
  std::vector<BoundAggregate> aggregates;
  std::vector<uint32_t> conjuncts;  ///< of WHERE: what its top-level ANDs join, in order; empty without WHERE
  uint32_t computed_count = 0;
  uint64_t limit = kNoOffset;
  bool errors_are_null = false;
  bool empty_is_null = false;
  uint32_t record_max = 0;

  // What the views above and in the projection point into. Deques: their elements stay where they are.
  std::deque<std::string> texts;
  std::deque<std::vector<PathStep>> steps;
  std::vector<FieldPath> paths;
  bool all = false;

  [[nodiscard]] std::span<const uint32_t> args_of(const BoundExpr& expr) const {
    return {args.data() + expr.first_arg, expr.arg_count};
  }
  [[nodiscard]] const BoundExpr& arg(const BoundExpr& expr, uint32_t i) const {
    return exprs[args[expr.first_arg + i]];
  }
};

/// Looks names up, checks types that are known, folds constants. `text` is the query, for the errors' lines and
/// columns. With `mistakes` those of each column and of WHERE are put there, and what is bound is for looking at only.
Result<std::unique_ptr<BoundQuery>> bind(const ParsedQuery& parsed, std::string_view text, const QueryOptions& options,
                                         std::vector<Error>* mistakes = nullptr);

}  // namespace weir::sql

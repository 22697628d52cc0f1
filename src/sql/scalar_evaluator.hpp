// ScalarEvaluator: the slow, clear evaluator: one record at a time, by walking the tree. The oracle that the Evaluator
// and the kernels are held against, and the kernels' way out for fields of an odd shape.
#pragma once

#include <span>

#include "record/batch.hpp"
#include "sql/bound.hpp"
#include "sql/operators.hpp"

namespace weir {

class ScalarEvaluator {
 public:
  /// `room` is for texts; 2 * record_max gives the same limits as the program.
  ScalarEvaluator(const sql::BoundQuery& query, std::span<char> room);

  /// WHERE for one row. On an error `passes` is undefined.
  Code filter(const RecordBatch& batch, uint32_t row, bool& passes);
  /// The computed columns of one row, in order; `values` has room for all. Text is valid until the next call.
  Code project(const RecordBatch& batch, uint32_t row, Value* values);
  /// The arguments of the aggregates for one row, converted as they are folded; those of COUNT(*) stay NULL.
  Code arguments(const RecordBatch& batch, uint32_t row, Value* values);
  /// One expression.
  Code evaluate(const RecordBatch& batch, uint32_t row, uint32_t expr, Value& out);

  sql::Context& context() { return context_; }

 private:
  void begin(const RecordBatch& batch, uint32_t row);
  Code walk(uint32_t index, Value& out);
  Code walk_logic(const sql::BoundExpr& expr, Value& out);
  Code walk_case(const sql::BoundExpr& expr, Value& out);
  Code walk_in(const sql::BoundExpr& expr, Value& out);
  Code walk_between(const sql::BoundExpr& expr, Value& out);
  Code walk_coalesce(const sql::BoundExpr& expr, Value& out);
  Code walk_missing(const sql::BoundExpr& expr, Value& out);
  Code walk_operator(const sql::BoundExpr& expr, Value& out);

  const sql::BoundQuery& query_;
  sql::Context context_;
  const RecordBatch* batch_ = nullptr;
  uint32_t row_ = 0;
};

}  // namespace weir

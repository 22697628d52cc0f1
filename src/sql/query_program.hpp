// QueryProgram: the one Program there is. Filters by kernels where it can and by the Evaluator where it must.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "sql/aggregates.hpp"
#include "sql/bound.hpp"
#include "sql/evaluator.hpp"
#include "sql/fold_kernel.hpp"
#include "sql/kernels.hpp"
#include "sql/program.hpp"

namespace weir::sql {

class QueryProgram final : public Program {
 public:
  explicit QueryProgram(std::unique_ptr<BoundQuery> query);

  const Projection& projection() const override { return projection_; }
  std::span<const OutputColumn> output() const override { return output_; }
  int32_t computed_index(size_t output_index) const override { return query_->columns[output_index].computed; }
  bool has_filter() const override { return !query_->conjuncts.empty(); }
  bool has_aggregates() const override { return !accumulators_.empty(); }
  uint64_t limit() const override { return query_->limit; }

  void filter(const RecordBatch& batch, RowRange range, uint16_t* selected, uint32_t& selected_count, RowError* errors,
              uint32_t& error_count) override;
  uint32_t project(const RecordBatch& batch, std::span<const uint16_t> rows, ComputedRows& computed, RowError* errors,
                   uint32_t& error_count) override;
  void fold(const RecordBatch& batch, std::span<const uint16_t> rows, RowError* errors, uint32_t& error_count) override;
  Status aggregate_row(ComputedRows& computed) override;

  size_t state_bytes_max() const override;
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

  [[nodiscard]] size_t memory_max() const { return evaluator_.memory_max(); }
  [[nodiscard]] size_t text_bytes_max() const { return evaluator_.text_bytes_max(); }
  void attach(std::span<char> room) { evaluator_.attach(room); }
  [[nodiscard]] const BoundQuery& query() const { return *query_; }

 private:
  void plan_memory();
  /// Keeps of `rows` those for which `expr` is true; in place.
  void refine(const RecordBatch& batch, uint32_t expr, uint16_t* rows, uint32_t& count, RowError* errors,
              uint32_t& error_count);
  /// Folds all rows through the Evaluator, in chunks.
  void fold_rows(const RecordBatch& batch, std::span<const uint16_t> rows, RowError* errors, uint32_t& error_count);
  /// Evaluates the arguments of the aggregates for `count` rows and folds them; false when they did not fit.
  bool fold_chunk(const RecordBatch& batch, const uint16_t* rows, uint32_t count, RowError* errors,
                  uint32_t& error_count);
  bool compute(const RecordBatch& batch, const uint16_t* rows, uint32_t count);
  void report(const uint16_t* rows, uint32_t count, RowError* errors, uint32_t& error_count);

  std::unique_ptr<BoundQuery> query_;
  Projection projection_;
  std::vector<OutputColumn> output_;
  std::vector<uint32_t> computed_;  ///< expressions of the computed columns
  std::vector<Kernel> kernels_;     ///< one per conjunct; some have no fast way
  std::vector<Accumulator> accumulators_;
  std::vector<Value> results_;      ///< of the aggregates
  std::vector<Value> row_;          ///< the row of a query with aggregates
  bool rows_alone_ = false;         ///< only COUNT(*): no values are looked at
  FoldKernel fold_kernel_;
  Evaluator evaluator_;
};

}  // namespace weir::sql

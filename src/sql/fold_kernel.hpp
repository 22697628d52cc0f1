// FoldKernel: SUM and AVG of columns, and COUNT(*), straight from the fields' bytes, without a Value.
//
// Only short plain numbers; a row with any other field that is asked for (quoted, long, not a number, JSON's null) is
// odd and goes through the Evaluator, in its turn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "record/batch.hpp"
#include "sql/aggregates.hpp"
#include "sql/bound.hpp"

namespace weir::sql {

class FoldKernel {
 public:
  FoldKernel() = default;
  explicit FoldKernel(const BoundQuery& query);

  /// Whether run() may be used: the aggregates are all of the kind above, and the batch's columns are text or JSON.
  [[nodiscard]] bool fast(const RecordBatch& batch) const;
  /// Folds rows from the front until an odd one; returns how many.
  size_t run(const RecordBatch& batch, std::span<const uint16_t> rows, Accumulator* accumulators) const;
  /// How many rows from the front are odd.
  [[nodiscard]] size_t odd_rows(const RecordBatch& batch, std::span<const uint16_t> rows) const;

 private:
  static constexpr uint32_t kFieldsMax = 8;
  struct Field {
    uint32_t index;
    bool whole_numbers;  ///< typed int
    bool decimal;  ///< typed decimal: also 5 is a decimal
  };
  struct Number {
    int64_t mantissa;
    uint32_t scale;
    bool null;
  };
  /// False: the row is odd.
  bool read(const RecordBatch& batch, uint32_t row, Number* numbers) const;

  std::vector<Field> fields_;
  std::vector<int32_t> field_of_;  ///< per accumulator: index in fields_, -1 for COUNT(*)
  bool empty_is_null_ = false;
  bool usable_ = false;
};

}  // namespace weir::sql

// Kernels: a condition `column OP literal` over many rows, straight on the bytes of the fields. No Value is made on the
// fast way; a field of another shape (quoted with inner quotes, long or odd numbers, wrong types) goes through the
// scalar evaluator, so that answers and errors are the same.
#pragma once

#include <cstdint>
#include <memory>

#include "record/batch.hpp"
#include "sql/bound.hpp"

namespace weir::sql {

struct KernelData;

class Kernel {
 public:
  /// None: `fast()` is false, the Evaluator does it.
  Kernel();
  explicit Kernel(std::unique_ptr<KernelData> data);
  Kernel(Kernel&&) noexcept;
  Kernel& operator=(Kernel&&) noexcept;
  ~Kernel();

  [[nodiscard]] bool fast() const { return data_ != nullptr; }
  /// Writes the rows of `range` for which the condition is true to `out`; appends the bad ones to `errors`.
  uint32_t run_range(const RecordBatch& batch, RowRange range, uint16_t* out, RowError* errors,
                     uint32_t& error_count) const;
  /// The same for the rows listed; `out` may be `rows`.
  uint32_t run(const RecordBatch& batch, const uint16_t* rows, uint32_t count, uint16_t* out, RowError* errors,
               uint32_t& error_count) const;

 private:
  std::unique_ptr<KernelData> data_;
};

/// The kernel of a conjunct of WHERE, if its shape has one: a column without a type (or typed int or decimal, for
/// numbers) against literals, by = <> < <= > >=, BETWEEN, IN, LIKE, IS NULL and IS MISSING; and such conditions joined
/// by OR (errors of those come in no order).
Kernel make_kernel(const BoundQuery& query, uint32_t conjunct);

}  // namespace weir::sql

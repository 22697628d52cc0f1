#include "sql/fold_kernel.hpp"

#include "sql/literals.hpp"

namespace weir::sql {

FoldKernel::FoldKernel(const BoundQuery& query) : empty_is_null_(query.empty_is_null) {
  if (query.aggregates.empty()) return;
  for (const BoundAggregate& aggregate : query.aggregates) {
    if (aggregate.kind == AggregateKind::kCountRows) {
      field_of_.push_back(-1);
      continue;
    }
    // COUNT(x) takes any text, MIN and MAX compare texts: left to the Evaluator.
    if (aggregate.kind == AggregateKind::kMin || aggregate.kind == AggregateKind::kMax ||
        aggregate.kind == AggregateKind::kCount)
      return;
    const BoundExpr& arg = query.exprs[static_cast<size_t>(aggregate.arg)];
    if (arg.op != Op::kField) return;
    const auto index = static_cast<uint32_t>(arg.field);
    const Type hint = query.fields[index].hint;
    if (hint != Type::kText && hint != Type::kInt && hint != Type::kDecimal) return;
    int32_t found = -1;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i].index == index) found = static_cast<int32_t>(i);
    }
    if (found < 0) {
      found = static_cast<int32_t>(fields_.size());
      fields_.push_back({index, hint == Type::kInt, hint == Type::kDecimal});
    }
    field_of_.push_back(found);
  }
  usable_ = fields_.size() <= kFieldsMax;
}

bool FoldKernel::fast(const RecordBatch& batch) const {
  if (!usable_) return false;
  for (const Field& field : fields_) {
    if (batch.columns[field.index].encoding == FieldEncoding::kBytes) return false;
  }
  return true;
}

bool FoldKernel::read(const RecordBatch& batch, uint32_t row, Number* numbers) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    const Slice slice = batch.columns[fields_[i].index].slices[row];
    Number& number = numbers[i];
    number.null = slice.missing() || (empty_is_null_ && slice.size == 0);
    if (number.null) continue;
    if (!short_number(batch.base + slice.offset, slice.size, number.mantissa, number.scale)) return false;
    if (fields_[i].whole_numbers && number.scale != 0) return false;
  }
  return true;
}

size_t FoldKernel::run(const RecordBatch& batch, std::span<const uint16_t> rows, Accumulator* accumulators) const {
  Number numbers[kFieldsMax];
  size_t done = 0;
  for (; done < rows.size() && read(batch, rows[done], numbers); ++done) {
    for (size_t a = 0; a < field_of_.size(); ++a) {
      if (field_of_[a] < 0) continue;
      const auto field = static_cast<size_t>(field_of_[a]);
      const Number& number = numbers[field];
      if (!number.null)
        accumulators[a].add_short(number.mantissa, number.scale, number.scale != 0 || fields_[field].decimal);
    }
  }
  for (size_t a = 0; a < field_of_.size(); ++a) {
    if (field_of_[a] < 0) accumulators[a].add_rows(done);
  }
  return done;
}

size_t FoldKernel::odd_rows(const RecordBatch& batch, std::span<const uint16_t> rows) const {
  Number numbers[kFieldsMax];
  size_t odd = 0;
  while (odd < rows.size() && !read(batch, rows[odd], numbers)) ++odd;
  return odd;
}

}  // namespace weir::sql

// BatchBuilder: the arrays of a reader's RecordBatch and the filling of them, row by row.
//
// A batch has at most kRowsMax rows, and so few that the columns' slices stay within kSlicesMax.
#pragma once

#include <cstdint>
#include <span>

#include "format/window.hpp"
#include "memory/arena.hpp"
#include "record/batch.hpp"

namespace weir {

class BatchBuilder {
 public:
  static constexpr uint32_t kSlicesMax = 32768;

  static constexpr uint32_t rows_max(uint32_t columns) {
    const uint32_t rows = columns == 0 ? kRowsMax : kSlicesMax / columns;
    return rows > kRowsMax ? kRowsMax : rows == 0 ? 1 : rows;
  }
  /// `columns` have slices of their own; `views` more show the whole record.
  static constexpr size_t memory_max(uint32_t columns, uint32_t views) {
    const size_t rows = rows_max(columns);
    return Arena::array_bytes<Slice>(rows) + Arena::array_bytes<uint32_t>(rows) +
           Arena::array_bytes<Slice>(rows * columns) + Arena::array_bytes<Column>(columns + views) +
           Arena::array_bytes<ReaderReject>(kReaderRejectsMax);
  }

  void attach(Arena& arena, uint32_t columns, uint32_t views, FieldEncoding encoding) {
    columns_ = columns;
    rows_max_ = rows_max(columns);
    records_ = arena.take_array<Slice>(rows_max_);
    ends_ = arena.take_array<uint32_t>(rows_max_);
    slices_ = arena.take_array<Slice>(size_t{rows_max_} * columns);
    table_ = arena.take_array<Column>(columns + views);
    rejects_ = arena.take_array<ReaderReject>(kReaderRejectsMax);
    for (uint32_t c = 0; c < columns + views; ++c) {
      table_[c] = Column();
      table_[c].encoding = encoding;
      table_[c].slices = c < columns ? slices_.data() + size_t{c} * rows_max_ : records_.data();
    }
  }

  /// A new batch; the last one is dead.
  void begin() { rows_ = rejects_used_ = 0; }
  [[nodiscard]] bool empty() const { return rows_ == 0 && rejects_used_ == 0; }
  [[nodiscard]] bool full() const { return rows_ == rows_max_ || rejects_used_ == kReaderRejectsMax; }
  [[nodiscard]] uint32_t count() const { return rows_ + rejects_used_; }
  [[nodiscard]] uint32_t rows() const { return rows_; }

  /// Where the next row's slice of column c goes: next_slices()[c * stride()].
  [[nodiscard]] Slice* next_slices() { return slices_.data() + rows_; }
  [[nodiscard]] size_t stride() const { return rows_max_; }
  /// The record [begin, end) of the window; the next one may start at `next`.
  void add_row(size_t begin, size_t end, size_t next) {
    records_[rows_] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(end - begin)};
    ends_[rows_] = static_cast<uint32_t>(next);
    ++rows_;
  }
  /// To be filled in.
  ReaderReject& add_reject() {
    ReaderReject& reject = rejects_[rejects_used_++];
    reject = ReaderReject();
    reject.rows_before = rows_;
    return reject;
  }
  /// Everything before the window's begin has its fate.
  void finish(const Window& window, uint32_t source, uint64_t first_record, uint32_t all_first,
              RecordBatch& batch) const {
    batch = RecordBatch();
    batch.base = window.base();
    batch.base_decoded_byte = window.base_decoded_byte();
    batch.source = source;
    batch.first_record = first_record;
    batch.rows = rows_;
    batch.records = records_.data();
    batch.record_ends = ends_.data();
    batch.columns = table_;
    batch.all_first = all_first;
    batch.rejects = rejects_.first(rejects_used_);
    batch.end_decoded_byte = window.base_decoded_byte() + window.begin();
  }

 private:
  uint32_t columns_ = 0;
  uint32_t rows_max_ = 0;
  uint32_t rows_ = 0;
  uint32_t rejects_used_ = 0;
  std::span<Slice> records_;
  std::span<uint32_t> ends_;
  std::span<Slice> slices_;
  std::span<Column> table_;
  std::span<ReaderReject> rejects_;
};

}  // namespace weir

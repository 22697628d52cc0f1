// Puller: the same engine read the other way round. A host asks for one row after the other and gives each its fate;
// every other record (filtered by the query, rejected, folded) gets its fate here, in input order, before the next row
// is handed out. Nothing is read ahead of what the reader's window holds, so whoever stops asking leaves the rest
// unread.
//
//   while (row = next()) { accept() | drop() | reject(code) }   then finish(), or cancel() at any time
//
// The law of fates holds after every call: read == written + folded + filtered + rejected. A row that has no fate yet
// is not counted.
#pragma once

#include <cstdint>
#include <span>

#include "engine/byte_intake.hpp"
#include "engine/counters.hpp"
#include "engine/pipeline.hpp"

namespace weir {

/// A record that passed the query. Valid until its fate is given and next() is called again.
struct PulledRow {
  const RecordBatch* batch =
      nullptr;  ///< null: the one row of a query with aggregates; it has no fate to be given but accept()
  uint32_t row = 0;
  const Value* computed = nullptr;  ///< computed column c is computed[c * stride]
  uint32_t stride = 0;
  Position position;
};

class Puller {
 public:
  static size_t scratch_bytes();

  /// `pipeline.output` and `.sink` are not used. `.scratch` holds scratch_bytes().
  Puller(const PipelineParts& pipeline, Counters& counters, Deadline deadline = {});

  /// The next row, or false: all inputs are consumed, or LIMIT is reached. Fails as Driver::run does; W1101 when the
  /// deadline passed.
  Result<bool> next(PulledRow& row);
  /// The row's record was delivered.
  void accept();
  /// The host filtered it. It counts towards LIMIT, which belongs to the query.
  void drop();
  Status reject(Code code);

  /// The input's fields; reads as far as needed to know them. False: no input has any records, and there is no header.
  Result<bool> read_schema();
  [[nodiscard]] const Schema& schema() const { return pipeline_.reader->schema(); }

  /// Closes the input, judges `rejects.max` (unless asked to stop early) and shows the rejects.
  Status finish();
  /// Closes all; the rejects are not shown.
  void cancel() noexcept;

 private:
  Status start();
  Result<bool> read_batch();
  Result<bool> next_range();
  Status settle(uint32_t to_row);
  Status reject_row(RowError error);
  void settle_plain(uint32_t to_row);
  uint64_t now() { return pipeline_.clock->monotonic_ns(); }

  const PipelineParts& pipeline_;
  Counters& counters_;
  ByteIntake intake_;
  Deadline deadline_;
  uint64_t limit_left_;
  bool computes_ = false;
  bool started_ = false;
  bool input_open_ = false;
  bool ended_ = false;  ///< no further rows
  bool row_given_ = false;  ///< next() gave a row whose fate is open
  bool aggregates_row_ = false;
  uint32_t input_ = 0;

  RecordBatch batch_;
  bool batch_alive_ = false;
  uint32_t batch_row_ = 0;  ///< where the next range begins
  uint32_t next_reject_ = 0;  ///< of the reader
  uint64_t rejects_in_batch_ = 0;

  std::span<uint16_t> selected_;
  std::span<RowError> errors_;
  std::span<RowError> late_errors_;
  bool range_alive_ = false;
  uint32_t range_end_ = 0;
  uint32_t settled_row_ = 0;
  uint32_t error_count_ = 0;
  uint32_t next_error_ = 0;
  std::span<const uint16_t> rows_;  ///< selected and not handed out; the computed ones first
  uint32_t taken_ = 0;  ///< of `rows_`: evaluated
  uint32_t at_ = 0;  ///< of those: handed out
  uint32_t late_count_ = 0;
  uint32_t next_late_ = 0;
  ComputedRows computed_;
};

}  // namespace weir

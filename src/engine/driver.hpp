// Driver: the one loop. Pulls bytes from the source, records from the reader, runs the program, hands rows to the output, gives every record
// its one fate, and stops in time.
//
// Commit units end where the input alone says: after the first record at which kUnitInputBytes of decoded input or kUnitOutputBytes of
// written bytes have gone by since the last edge.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/byte_intake.hpp"
#include "engine/counters.hpp"
#include "engine/pipeline.hpp"

namespace weir {

inline constexpr uint64_t kUnitInputBytes = 16ull << 20;
inline constexpr uint64_t kUnitOutputBytes = 4ull << 20;

enum class Ending : uint8_t {
  kDone,         ///< all input was consumed, or LIMIT reached
  kReaderGone,   ///< stdout was closed by whoever read it
  kInterrupted,  ///< signal or deadline
  kFailed,
};

struct Outcome {
  Ending ending = Ending::kDone;
  Error error;              ///< kFailed
  bool limit_reached = false;
};

class Driver {
 public:
  static size_t scratch_bytes();

  Driver(const PipelineParts& pipeline, Counters& counters);
  /// Runs to an ending. Sinks are started by the caller; here they are finished (kDone) or cancelled.
  Outcome run(Deadline deadline);

 private:
  enum class Go : uint8_t { kOn, kEnd };  ///< kEnd: a LIMIT was reached, or nobody reads

  Status consume_inputs(Deadline deadline, Outcome& outcome);
  Result<Step> fill_window(Deadline deadline);
  Status begin_output();
  Result<Go> process(const RecordBatch& batch);
  Result<Go> process_rows(const RecordBatch& batch, RowRange range);
  Result<Go> write_rows(const RecordBatch& batch, std::span<const uint16_t> rows, const Value* computed, uint32_t stride);
  void settle_plain(const RecordBatch& batch, uint32_t to_row);
  Status settle(const RecordBatch& batch, uint32_t to_row);
  Status reject_row(const RecordBatch& batch, RowError error);
  Status reject_record(const RecordBatch& batch, const ReaderReject& reject);
  Status end_unit_if_due();
  Status end_unit();
  bool stop_asked(Deadline deadline);
  uint64_t now() { return pipeline_.clock->monotonic_ns(); }

  const PipelineParts& pipeline_;
  Counters& counters_;

  ByteIntake intake_;
  uint64_t decoded_before_ = 0;     ///< decoded bytes of the inputs before this one
  uint64_t unit_begin_byte_ = 0;    ///< decoded bytes over all inputs at the last edge
  uint64_t position_byte_ = 0;      ///< decoded bytes over all inputs behind the last settled record
  bool unit_full_ = false;
  uint64_t limit_left_;
  uint64_t rejects_in_batch_ = 0;   ///< reader rejects of this batch that were settled

  // One batch's row lists and where settling stands.
  std::span<uint16_t> selected_;
  std::span<RowError> errors_;
  std::span<RowError> late_errors_;
  uint32_t error_count_ = 0;
  uint32_t next_error_ = 0;
  uint32_t settled_row_ = 0;
  uint32_t selected_count_ = 0;
};

}  // namespace weir

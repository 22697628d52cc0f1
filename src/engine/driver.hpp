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
#include "codec/codec.hpp"
#include "engine/counters.hpp"
#include "engine/record_output.hpp"
#include "engine/rejects.hpp"
#include "format/reader.hpp"
#include "port/ports.hpp"
#include "sql/program.hpp"

namespace weir {

inline constexpr uint64_t kUnitInputBytes = 16ull << 20;
inline constexpr uint64_t kUnitOutputBytes = 4ull << 20;

/// Told between batches; must be quick and take no memory.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_progress(const Counters& counters) = 0;
};

/// What a run works with; everything is owned elsewhere and outlives the driver.
struct PipelineParts {
  ByteSource* source = nullptr;
  Decoder* gzip = nullptr;  ///< null: not planned
  Decoder* zstd = nullptr;
  bool detect_codec = true;         ///< by magic bytes; else `codec`
  Codec codec = Codec::kNone;
  std::span<char> stored;           ///< room for stored bytes, at least 4 KiB
  RecordReader* reader = nullptr;
  Program* program = nullptr;
  std::span<const WriteColumn> columns;  ///< of the output
  RecordOutput* output = nullptr;
  Rejects* rejects = nullptr;
  BatchSink* sink = nullptr;
  BatchSink* rejects_sink = nullptr;  ///< may be null
  Clock* clock = nullptr;
  Wakeup* wakeup = nullptr;
  RunObserver* observer = nullptr;  ///< may be null
  std::span<char> scratch;          ///< row lists: Driver::scratch_bytes
  uint64_t records_preview = kNoOffset;  ///< stop after this many records were written
};

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
  Status open_input(uint32_t index);
  Result<Step> fill_window(Deadline deadline);
  Result<Step> read_stored();
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

  uint32_t input_ = 0;
  Decoder* decoder_ = nullptr;      ///< of the open input; null: stored bytes are the stream
  bool codec_known_ = false;
  bool decoded_checked_ = false;    ///< the first decoded bytes were looked at for a second layer
  std::string_view stored_left_;    ///< read and not yet decoded
  bool stored_end_ = false;
  Error decode_error_;              ///< met behind good bytes; delivered when those are used up
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

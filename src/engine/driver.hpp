// Driver: the one loop. Pulls bytes from the source, records from the reader, runs the program, hands rows to the output, gives every record
// its one fate, and stops in time.
//
// Commit units end where the input alone says: after the first record at which unit_bytes of written bytes, or four times as many of decoded
// input, have gone by since the last edge. A record that is passed over because it is oversize, and longer than that, has an edge before it.
// With a checkpointer, the run's state at each edge is written into its image; the clock decides which images are saved.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/byte_intake.hpp"
#include "engine/counters.hpp"
#include "engine/pipeline.hpp"

namespace weir {

enum class Ending : uint8_t {
  kDone,  ///< all input was consumed, or LIMIT reached
  kReaderGone,  ///< stdout was closed by whoever read it
  kInterrupted,  ///< signal or deadline; nothing to go on from
  kCheckpointed,  ///< signal or deadline; the next run goes on
  kFailed,
};

struct Outcome {
  Ending ending = Ending::kDone;
  Error error;  ///< kFailed
  bool limit_reached = false;
};

class Driver final : private DeliveryObserver {
 public:
  static size_t scratch_bytes();

  Driver(const PipelineParts& pipeline, Counters& counters);
  /// Goes on where the loaded checkpoint stands, in place of beginning: before run(). The sinks were loaded and resumed by the caller.
  Status resume(const CheckpointReader& checkpoint);
  /// Takes over what was counted, for a run that has nothing left to do but finish_up().
  Status recall(const CheckpointReader& checkpoint);
  /// Runs to an ending. Sinks are started by the caller; here they are finished (kDone) or cancelled.
  Outcome run(Deadline deadline);
  /// A checkpoint of a run that had written everything: shows it, and says so in the store.
  Outcome finish_up();

  /// Are the inputs those of a run that is done? Before run(), without resume().
  Result<bool> same_sources(const CheckpointReader& checkpoint);

  /// Of a checkpoint: everything but the states of the parts.
  static size_t checkpoint_fixed_bytes();
  /// Worst case of the sections of a checkpoint of this pipeline.
  static size_t checkpoint_bytes_max(const PipelineParts& pipeline);

 private:
  enum class Go : uint8_t { kOn, kEnd };  ///< kEnd: a LIMIT was reached, or nobody reads

  Status consume_inputs(Deadline deadline, Outcome& outcome);
  Result<Step> fill_window(Deadline deadline);
  Status begin_output();
  Result<Go> process(const RecordBatch& batch);
  Result<Go> process_rows(const RecordBatch& batch, RowRange range);
  Result<WriteRows> rows_in_order(const RecordBatch& batch, const WriteRows& rows, uint32_t next);
  Result<Go> write_rows(const RecordBatch& batch, std::span<const uint16_t> rows, const Value* computed,
                        uint32_t stride);
  void settle_plain(const RecordBatch& batch, uint32_t to_row);
  Status settle(const RecordBatch& batch, uint32_t to_row);
  Status reject_row(const RecordBatch& batch, RowError error, std::string_view detail = {});
  Status reject_record(const RecordBatch& batch, const ReaderReject& reject);
  Status end_unit_if_due();
  Status end_unit();
  Status pass_oversize();
  Status open_input(uint32_t input);
  Status name_input();
  void end_input(uint32_t input);
  Status finish_output(bool limit_reached);
  Status publish();
  Status learn_schema(uint32_t input);
  bool load_source(const CheckpointReader& checkpoint, CheckpointSource& source, Sha256& finished);
  static void add_to_chain(Sha256& chain, std::string_view name, std::string_view identity);
  Result<Sha256::Digest> chain_of(uint32_t input);

  // Checkpoints.
  void save_driver(StateWriter& out) const;
  bool load_driver(StateReader& in);
  Status load_counters(const CheckpointReader& checkpoint);
  void capture();
  void complete(Checkpointer::Image& image);
  Status begin_checkpoint();
  Status edge();
  Status save_if_due();
  Status commit_sinks();
  Status save_checkpoint(CheckpointKind kind, const Error* verdict = nullptr);
  void stop_with_checkpoint(Outcome& outcome);
  [[nodiscard]] uint64_t stop_at_ns(Deadline deadline) const;
  bool stop_asked(Deadline deadline);
  [[nodiscard]] uint64_t reserve_ns() const;
  void wait_while_working();
  void wait_to_the_end();
  void keep_stored(Outcome& outcome);
  // Batches on their way.
  Status on_undelivered(const Undelivered& message) override;
  void on_done(uint64_t records, uint64_t undelivered) override;
  Status on_told() override;
  Result<uint64_t> on_wait() override;
  Status deliver_before_reject();
  void forget_undelivered();
  uint64_t now() { return pipeline_.clock->monotonic_ns(); }

  const PipelineParts& pipeline_;
  Counters& counters_;

  ByteIntake intake_;
  uint64_t decoded_before_ = 0;  ///< decoded bytes of the inputs before this one
  uint64_t unit_begin_byte_ = 0;  ///< decoded bytes over all inputs at the last edge
  uint64_t position_byte_ = 0;  ///< decoded bytes over all inputs behind the last settled record
  uint64_t limit_left_;
  bool passing_edge_ = false;  ///< the edge before the oversize record that is being passed over is behind us
  uint64_t passing_captured_ = 0;  ///< bytes of it at the last capture

  // Where a run that goes on would begin to read again: the reader's state before its last read, and the records since then.
  uint64_t read_at_byte_ = 0;
  uint64_t counted_at_read_ = 0;  ///< counters_.read then
  size_t reader_state_bytes_ = 0;
  bool reader_knew_schema_ = false;  ///< when that state was saved
  uint64_t skipped_since_read_ = 0;  ///< settled by the run before this one
  uint64_t skip_left_ = 0;  ///< of those, still to come

  uint32_t input_ = 0;
  bool save_tried_ = false;  ///< a checkpoint of this run may be in the store
  bool publishing_ = false;  ///< all is written and closed
  uint64_t drain_until_ns_ = kNever;  ///< of a run that stops: what is on its way is waited for until then
  bool input_open_ = false;
  uint64_t batches_done_ = 0;  ///< of those that are on their way for a while: in order
  uint64_t records_done_ = 0;  ///< in them, delivered
  uint64_t undelivered_ = 0;  ///< of these records, those that were rejected by the service
  uint64_t written_before_ = 0;  ///< counters_.written when this run began
  Counters stored_;  ///< of the checkpoint in the store
  SourceIdentity identity_;  ///< of the open input, with a checkpointer
  Sha256 finished_;  ///< chain over the inputs that are done
  uint64_t stored_at_open_ = 0;  ///< counters_.stored_bytes when the input was opened
  Deadline deadline_;
  uint64_t given_ns_ = kNever;  ///< from the start to the deadline
  uint64_t rejects_in_batch_ = 0;  ///< reader rejects of this batch that were settled

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

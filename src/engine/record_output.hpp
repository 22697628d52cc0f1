// RecordOutput: rows -> writer -> ByteOutput, cut into batches, objects and commit units.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/byte_output.hpp"
#include "engine/counters.hpp"
#include "format/writer.hpp"

namespace weir {

class RecordOutput {
 public:
  RecordOutput(RecordWriter& writer, ByteOutput& bytes, uint64_t unit_bytes, uint64_t age_ns, Clock& clock,
               Counters& counters)
      : writer_(writer), bytes_(bytes), unit_bytes_(unit_bytes), age_ns_(age_ns), clock_(clock), counters_(counters) {}

  /// Once, when the input's fields are known (or never will be: an empty input).
  Status begin(const Schema& schema, std::span<const WriteColumn> columns);
  [[nodiscard]] bool begun() const { return begun_; }

  struct Written {
    uint32_t next = 0;       ///< index of the first row not written
    bool unit_full = false;  ///< the commit unit's bytes are reached: end_unit() is due
    bool batch_sent = false;  ///< a whole batch was accepted (SinkTraits::whole_batches): a checkpoint may stand here
    Code row_failed = Code::kOk;  ///< rows[next] can't be written; go on behind it
  };
  /// Writes rows[from...]; stops at the unit's edge or a bad row. `first` is the position of the batch that a row may open.
  Result<Written> write(const WriteRows& rows, uint32_t from, const Position& position);

  /// Ends the commit unit: flushes the encoder, in the middle of an object too. Sinks that keep whole batches get nothing: see settled().
  Status end_unit();
  /// Ends the open batch, if any (age, end of input).
  Status end_batch();
  /// End of the output: last batch, last object.
  Status finish();

  /// A checkpoint may stand here: after end_unit(), and for sinks that keep whole batches only between two of them.
  [[nodiscard]] bool settled() const {
    return bytes_.settled() && !(bytes_.traits().whole_batches && bytes_.object_open());
  }
  size_t state_bytes_max() const { return 8 + writer_.state_bytes_max() + bytes_.state_bytes_max(); }
  void save(StateWriter& out) const;
  /// After begin_again(); false: not a state of this output.
  bool load(StateReader& in);
  /// In place of begin(): names the columns, opens nothing.
  Status begin_again(const Schema& schema, std::span<const WriteColumn> columns);

  /// When the open batch is due by age; kNever when none is.
  [[nodiscard]] uint64_t batch_due_ns() const;
  ByteOutput& bytes() { return bytes_; }

 private:
  Status open_if_needed(const Position& position);
  Status drain();

  RecordWriter& writer_;
  ByteOutput& bytes_;
  uint64_t unit_bytes_;
  uint64_t age_ns_;
  Clock& clock_;
  Counters& counters_;
  uint64_t unit_written_ = 0;
  uint64_t batch_opened_ns_ = kNever;
  bool begun_ = false;
};

}  // namespace weir

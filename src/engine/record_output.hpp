// RecordOutput: where the driver hands rows to. One way leads through a writer and an encoder to a sink of bytes (engine/stream_output.hpp), the other through a
// writer to a sink of messages (engine/message_output.hpp).
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "format/writer.hpp"
#include "port/message_sink.hpp"
#include "port/ports.hpp"

namespace weir {

/// What an output that has batches on their way asks and tells the driver.
class DeliveryObserver : public MessageObserver {
 public:
  /// In every wait: when to be asked again. Fails where the run is to stop, or is another's.
  virtual Result<uint64_t> on_wait() = 0;
};

class RecordOutput {
 public:
  struct Written {
    uint32_t next = 0;  ///< index of the first row not written
    bool unit_full = false;  ///< the commit unit's bytes are reached: end_unit() is due
    bool batch_sent = false;  ///< a whole batch was accepted, or is on its way: a checkpoint may stand here
    Code row_failed = Code::kOk;  ///< rows[next] can't be written; go on behind it
    FixedText<160> detail;  ///< and why
  };

  virtual ~RecordOutput() = default;
  /// Once, when the input's fields are known (or never will be: an empty input).
  virtual Status begin(const Schema& schema, std::span<const WriteColumn> columns) = 0;
  [[nodiscard]] virtual bool begun() const = 0;
  /// What follows is of this input. `identity`: what it holds, empty where that can't be told.
  virtual void begin_input(std::string_view /*name*/, std::string_view /*identity*/) {}
  /// Records go out as messages, in batches that are answered later, and have names of their own: what an input holds is wanted to make them.
  [[nodiscard]] virtual bool sends_messages() const { return false; }

  /// Writes rows[from...]; stops at the unit's edge or a bad row. `first` is the place of rows[from].
  virtual Result<Written> write(const WriteRows& rows, uint32_t from, const Position& first) = 0;

  /// Ends the commit unit: flushes the encoder, in the middle of an object too. Sinks that keep whole batches get nothing: see settled().
  virtual Status end_unit() = 0;
  /// Ends the open batch, if any (age, end of input).
  virtual Status end_batch() = 0;
  /// What was written goes to whoever waits for it: behind end_batch() of a batch that is due by age.
  virtual Status push() = 0;
  /// End of the output: last batch, last object.
  virtual Status finish() = 0;

  /// Batches are objects that are shown one by one: what stands there when the job begins must be known to be its own.
  [[nodiscard]] virtual bool shows_batches() const = 0;
  /// What was written so far and not closed can be closed and shown.
  [[nodiscard]] virtual bool can_show_part() const = 0;
  /// A batch that is due by age is an edge.
  [[nodiscard]] virtual bool keeps_batches() const = 0;
  /// Nobody reads any more (a closed stdout). Everything after is dropped.
  [[nodiscard]] virtual bool closed_by_reader() const { return false; }

  /// A checkpoint may stand here: after end_unit(), and for sinks that keep whole batches only between two of them.
  [[nodiscard]] virtual bool settled() const = 0;
  virtual size_t state_bytes_max() const = 0;
  virtual void save(StateWriter& out) const = 0;
  /// After begin_again(); false: not a state of this output.
  virtual bool load(StateReader& in) = 0;
  /// In place of begin(): names the columns, opens nothing.
  virtual Status begin_again(const Schema& schema, std::span<const WriteColumn> columns) = 0;

  /// When the open batch is due by age; kNever when none is.
  [[nodiscard]] virtual uint64_t batch_due_ns() const = 0;

  // Of outputs that have batches on their way; the others are done with a batch when they return.
  virtual void set_observer(DeliveryObserver&) {}
  /// Batches that are on their way.
  [[nodiscard]] virtual size_t in_flight() const { return 0; }
  /// Moves on what is on its way, without waiting. Fails as the first batch that is not done does.
  virtual Status step() { return {}; }
  /// Waits until nothing is on its way. `observed`: on_wait() may end it.
  virtual Status drain(bool /*observed*/) { return {}; }
  /// The next wait of `wakeup` ends when step() has something to do, too.
  virtual void watch(Wakeup& /*wakeup*/) {}
};

}  // namespace weir

// The seams between the engine and the world: pure interfaces, no fields, no code.
//
// All calls come from one thread, in the driver's loop, per block or per batch (never per record). A port that would have
// to wait answers kBlocked and makes the Wakeup ready later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "base/state.hpp"
#include "base/step.hpp"
#include "port/net.hpp"
#include "record/position.hpp"

namespace weir {

struct ReadResult {
  Step step = Step::kNeedInput;  ///< kHaveOutput: `bytes` were read; kBlocked; kFinished: end of this input; kFailed
  size_t bytes = 0;
};

/// What tells an input from any other content under its name: printable, compared with ByteSource::same.
using SourceIdentity = FixedText<200>;

/// A run's inputs, one after the other, as stored bytes.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Number of inputs.
  virtual size_t count() const = 0;
  /// Name of an input as the user wrote it (a path, "stdin"); valid as long as the source.
  virtual std::string_view name(size_t index) const = 0;
  /// Stored bytes of an input, or kNoOffset where that can't be known.
  virtual uint64_t size(size_t index) const = 0;
  /// Opens input `index` at its start; closes the one before.
  virtual Status open(size_t index) = 0;
  /// Input `index` can be told from a changed one and opened anywhere: a run can go on where an earlier one stopped. Before the run; may ask a server.
  virtual Result<bool> resumable(size_t index) = 0;
  /// The name of input `index` stands for what it holds, for good, though the input can't be gone on with: an event's.
  virtual bool known_by_name(size_t /*index*/) const { return false; }
  /// Of input `index`, which need not be open. Only of resumable sources.
  virtual Result<SourceIdentity> identity(size_t index) = 0;
  /// Do two identities of one input stand for the same content?
  virtual bool same(std::string_view before, std::string_view now) const = 0;
  /// Goes on in the open input at this offset. Only of resumable sources.
  virtual Status seek(uint64_t stored_byte) = 0;
  /// The first bytes of input `index`, without using them up: at most kPeekBytes, fewer at the end of the input. Of a pipe it waits for
  /// the first line, until `deadline` (W1101). Before the run only; peek the run's first input last, as only of one the bytes are kept.
  virtual Result<std::string_view> peek(size_t index, Deadline deadline) = 0;
  static constexpr size_t kPeekBytes = 4096;
  /// Reads the next bytes of the open input into `room`: any number of them, at least one unless the end is reached.
  virtual ReadResult read(std::span<char> room, Error& error) = 0;
  virtual void close() noexcept = 0;
};

/// What a sink wants and allows. Constant over a run.
struct SinkTraits {
  bool object_per_batch =
      false;  ///< each batch is an object of its own (a folder's file, a command's stdin, a request)
  bool whole_batches = false;  ///< the batch must be kept until it is accepted, because the sink may ask for it again
  bool age_allowed = false;  ///< batches may be cut by age: the sink makes no promise of identical bytes
};

struct ObjectInfo {
  uint64_t batch = 0;  ///< number of the batch, from 0; 0 when the whole output is one object
  uint32_t attempt = 0;  ///< 0 the first time
  uint64_t records = 0;  ///< known only with whole_batches
  uint64_t bytes = 0;  ///< before compression; known only with whole_batches
  Position first;  ///< of its first record
};

enum class Accepted : uint8_t {
  kYes,
  kRetry,  ///< whole_batches only: open the object again with the next attempt
  kClosed,  ///< nobody reads any more (a closed stdout): stop in order, this is no error
  kFailed,
};

/// What a run's output is to whoever starts and ends it.
class Sink {
 public:
  virtual ~Sink() = default;
  /// What start() would refuse because of what stands there, without a change to anything.
  virtual Status may_start() { return {}; }
  /// Before anything else, once: checks that the output can be made, locks it, creates temporary files.
  virtual Status start() = 0;
  /// At the end of a commit unit: what was written is durable when this returns.
  virtual Status commit() = 0;
  /// All output was written and committed: makes it visible.
  virtual Status finish() = 0;
  /// Gives up: closes what is open, publishes nothing. Can't fail.
  virtual void cancel() noexcept = 0;
  /// What stays behind after `cancel`, for the message ("out.csv.part"); may be empty.
  virtual std::string_view leftover() const = 0;

  /// What was committed can be gone on with in another run: save, load and resume are real.
  virtual bool resumable() const = 0;
  virtual size_t state_bytes_max() const = 0;
  /// At the end of a commit unit, and once more when all output was written and committed, before finish().
  virtual void save(StateWriter& out) const = 0;
  virtual bool load(StateReader& in) = 0;
  /// Of what commit() made durable no state was saved, and none was before: nobody goes on with it, and cancel() may take it away.
  virtual void uncommit() noexcept {}
  /// Before start(), when a job is begun anew, with what save() gave before: the output that is known by it to be the job's own may be replaced.
  /// `shown`: that run had written all of it. A state that is another sink's allows nothing.
  virtual Status replace_shown(StateReader&, bool /*shown*/) { return {}; }
  /// In place of start(), after load(): what was written behind the saved state is taken back. Fails with W5003 when what was
  /// durable is not there. `finishing`: the state is of the end; what finish() had published already counts.
  virtual Status resume(bool finishing) = 0;
};

/// Takes the encoded bytes of the output. Objects are opened, written and closed in order; `commit` makes durable what was
/// written so far, `finish` makes it visible. After kFailed only `cancel` may follow.
class BatchSink : public Sink {
 public:
  virtual SinkTraits traits() const = 0;
  virtual Accepted open_object(const ObjectInfo& info, Error& error) = 0;
  virtual Accepted write(std::string_view bytes, Error& error) = 0;
  virtual Accepted close_object(Error& error) = 0;
};

/// Keeps a job's checkpoint: one value, replaced whole. Calls from one thread; the run that holds it keeps others away.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  virtual std::string_view name() const = 0;
  /// Takes the job for this run, until release(). W5101 when another run has it.
  virtual Status acquire() = 0;
  /// Reads the checkpoint into `room`, or as much of it as fits; gives its whole size, 0: there is none.
  virtual Result<size_t> load(std::span<char> room) = 0;
  /// Replaces what load() read or the last save() wrote, and nothing else (W5101). Durable when this returns.
  virtual Status save(std::string_view bytes) = 0;
  /// The run is at work still: renews what tells others so, where it is due. When to call again, by the monotonic clock. W5101.
  virtual Result<uint64_t> keep() { return kNever; }
  /// Takes away what load() read, for ever.
  virtual Status clear() = 0;
  virtual void release() noexcept = 0;
};

/// Where the driver waits, the only place: until a port is ready, a signal came, or the time is up.
class Wakeup {
 public:
  virtual ~Wakeup() = default;
  virtual void wait(uint64_t until_monotonic_ns) = 0;
  /// What else ends a wait, from here on: a descriptor that is ready, a point of time. Interest{}: no descriptor.
  virtual void watch(const Interest& interest, uint64_t until_monotonic_ns) = 0;
  /// What else ends the next wait, besides: many descriptors, which live until then, and a point of time.
  virtual void watch_also(std::span<const Interest> /*interests*/, uint64_t /*until_monotonic_ns*/) {}
  /// The time to wait until is up.
  virtual bool passed(Deadline deadline) = 0;
  /// True once a signal asked for an orderly stop.
  virtual bool stop_requested() const = 0;
};

}  // namespace weir

// PipelineParts: what the engine works with, wired by the plan. Everything is owned elsewhere and outlives whoever runs
// it.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/codec.hpp"
#include "engine/checkpointer.hpp"
#include "engine/counters.hpp"
#include "engine/record_output.hpp"
#include "engine/rejects.hpp"
#include "format/reader.hpp"
#include "port/ports.hpp"
#include "port/wait_limit.hpp"
#include "sql/program.hpp"

namespace weir {

/// Told between batches; must be quick and take no memory.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_progress(const Counters& counters) = 0;
};

/// A commit unit ends after so many written bytes, or four times as many decoded ones.
inline constexpr uint64_t kUnitOutputBytes = 4ull << 20;
inline constexpr uint64_t kUnitInputFactor = 4;

struct PipelineParts {
  ByteSource* source = nullptr;
  Decoder* gzip = nullptr;  ///< null: not planned
  Decoder* zstd = nullptr;
  bool detect_codec = true;  ///< by magic bytes; else `codec`
  Codec codec = Codec::kNone;
  std::span<char> stored;  ///< room for stored bytes, at least 4 KiB
  RecordReader* reader = nullptr;
  Program* program = nullptr;
  std::span<const WriteColumn> columns;  ///< of the output
  RecordOutput* output = nullptr;  ///< null when records are pulled (engine/puller.hpp)
  Rejects* rejects = nullptr;
  Sink* sink = nullptr;  ///< null when records are pulled
  Sink* rejects_sink = nullptr;  ///< may be null
  Clock* clock = nullptr;
  Wakeup* wakeup = nullptr;
  WaitLimit* send_limit = nullptr;  ///< of batches on their way, which go on until the deadline; null: there is none
  WaitLimit* wait_limit = nullptr;  ///< of the network, which waits no longer (W1101); null: there is none
  RunObserver* observer = nullptr;  ///< may be null
  std::span<char> scratch;  ///< row lists: Driver::scratch_bytes
  Checkpointer* checkpointer = nullptr;  ///< null: the run leaves nothing to go on from
  std::span<char> snapshots;  ///< with a checkpointer: ByteIntake::snapshots_bytes
  uint64_t snapshot_every_bytes =
      1u << 20;  ///< decoded; what a resumed run inflates again, besides a window and a record
  std::span<char> reader_state;  ///< with a checkpointer: reader->state_bytes_max()
  uint64_t unit_bytes = kUnitOutputBytes;  ///< written bytes of a commit unit; its decoded bytes are four times as many
  bool publish_partial = false;  ///< show what was written when the run stops early
  uint64_t records_preview = kNoOffset;  ///< stop after this many records were written
};

}  // namespace weir

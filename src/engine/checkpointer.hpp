// Checkpointer: when a checkpoint is saved, and whose it is. What stands in it is written by the driver, into one room that is taken before
// the run; the image of the last unit's end waits there until it is saved, because it is due or because the run stops.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/checkpoint.hpp"
#include "engine/flush_times.hpp"
#include "port/ports.hpp"

namespace weir {

struct CheckpointOptions {
  uint64_t every_ns = 10'000'000'000;  ///< 0: at every unit's end
  uint64_t reserve_min_ns = kNever;  ///< kNever: 2 s, or a fifth of the time given where that is less
  uint64_t reserve_max_ns = 60'000'000'000;
  Sha256::Digest job_id{};
  std::string_view key;  ///< for the HMAC; empty: none. Outlives the checkpointer
};

class Checkpointer {
 public:
  static constexpr uint32_t kIdleRunsMax = 3;

  /// `room` holds the largest checkpoint of the job; all outlive the checkpointer.
  Checkpointer(CheckpointStore& store, std::span<char> room, Clock& clock, const CheckpointOptions& options);

  // --- before the run ---
  /// Takes the job (W5101 when another run has it) and reads its checkpoint. False: there is none.
  Result<bool> open();
  /// What open() read, until the first capture.
  [[nodiscard]] const CheckpointReader& loaded() const { return reader_; }
  /// Of another job's no more than the head may be there.
  [[nodiscard]] bool has_sections() const { return loaded_; }
  [[nodiscard]] bool is_this_job() const { return reader_.head().job_id == options_.job_id; }
  /// Begin anew: what open() read counts no more. A checkpoint that others could go on with is taken away before the sinks are started, as they
  /// may throw away what it speaks of; this job's stays as one of kAnew, so that whoever comes after a kill still knows what is the job's own. A
  /// tombstone stays until it is replaced.
  Status forget();
  /// This run goes on with what was loaded: says so in the store, so that another run is fenced. W4201 after kIdleRunsMax runs that got nowhere.
  Status claim();
  void release() noexcept { store_.release(); }

  // --- while it runs ---
  /// The run is at work still. To be called between units and in every wait; most calls do nothing. W5101.
  Status keep();
  /// When keep() has something to do again.
  [[nodiscard]] uint64_t keep_due_ns() const { return keep_due_ns_; }
  /// Fills a new image. `progress`: decoded bytes over all inputs behind which it goes on.
  template <typename Fill>
  void capture(uint64_t progress, Fill fill) {
    CheckpointWriter writer(room_);
    fill(writer);
    captured(writer, progress);
  }
  [[nodiscard]] bool has_image() const { return image_bytes_ != 0; }
  /// A checkpoint of this job is in the store.
  [[nodiscard]] bool in_store() const { return loaded_ || saves_ != 0; }
  /// There is something to go on from: the image stands behind the beginning, or a checkpoint of this job is in the store.
  [[nodiscard]] bool has_progress() const { return in_store() || head_.progress != 0; }
  [[nodiscard]] bool due() const { return news_ && clock_.monotonic_ns() - saved_ns_ >= options_.every_ns; }
  /// Saves the image. Everything it speaks of must be durable. `verdict`: with what the run stops, or null.
  Status save(CheckpointKind kind, const Error* verdict = nullptr);
  [[nodiscard]] uint64_t saves() const { return saves_; }
  [[nodiscard]] uint32_t runs() const { return head_.runs; }

  /// How long a commit and its save took.
  FlushTimes& flush_times() { return flush_times_; }
  [[nodiscard]] const FlushTimes& flush_times() const { return flush_times_; }
  /// Time to keep free before the deadline, of `given_ns` from the start to it: max(3 x p99, reserve_min) within reserve_max and half of what is given.
  [[nodiscard]] uint64_t reserve_ns(uint64_t given_ns) const;
  /// The deadline less the reserve.
  [[nodiscard]] uint64_t stop_at_ns(Deadline deadline, uint64_t given_ns) const {
    if (deadline.at_ns == kNever) return kNever;
    const uint64_t reserve = reserve_ns(given_ns);
    return deadline.at_ns - (reserve < deadline.at_ns ? reserve : deadline.at_ns);
  }

 private:
  void captured(CheckpointWriter& writer, uint64_t progress);

  CheckpointStore& store_;
  std::span<char> room_;
  Clock& clock_;
  CheckpointOptions options_;
  CheckpointReader reader_;
  CheckpointHead head_;
  FlushTimes flush_times_;
  uint64_t loaded_progress_ = 0;
  uint32_t loaded_idle_runs_ = 0;
  bool loaded_ = false;
  size_t image_bytes_ = 0;
  bool news_ = false;
  uint64_t saved_ns_;
  uint64_t keep_due_ns_ = 0;
  uint64_t saves_ = 0;
};

}  // namespace weir

// Checkpointer: when a checkpoint is saved, and whose it is. What stands in it is written by the driver, into one room that is taken before
// the run; the image of the last unit's end waits there until it is saved, because it is due or because the run stops.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/checkpoint.hpp"
#include "engine/counters.hpp"
#include "engine/flush_times.hpp"
#include "port/ports.hpp"

namespace weir {

struct CheckpointOptions {
  uint64_t every_ns = 10'000'000'000;  ///< 0: at every unit's end
  uint64_t reserve_min_ns = kNever;  ///< kNever: 2 s, or a fifth of the time given where that is less
  uint64_t reserve_max_ns = 60'000'000'000;
  Sha256::Digest job_id{};
  std::string_view key;  ///< for the HMAC; empty: none. Outlives the checkpointer
  size_t images = 1;  ///< 1, or kImagesMax where batches are on their way when an image is made
};

class Checkpointer {
 public:
  static constexpr uint32_t kIdleRunsMax = 3;
  /// One that can be saved, one that waits for the batches before it to be done, and the newest, which is made at every edge.
  static constexpr size_t kImagesMax = 3;
  /// An image is of an edge, and counts once all batches before the edge are done.
  struct Image {
    std::span<char> room;
    CheckpointWriter writer{std::span<char>{}};
    size_t bytes = 0;  ///< 0: not whole yet
    uint64_t progress = 0;  ///< decoded bytes over all inputs behind which it goes on
    uint32_t idle_runs = 0;
    // The driver's.
    uint64_t batches = 0;  ///< that were sent before it
    uint64_t undelivered = 0;  ///< messages of batches that were done when it was made
    Counters counters;
    size_t counters_at = 0;  ///< in the room
  };

  /// `room` holds `options.images` of the largest checkpoint of the job; all outlive the checkpointer.
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
  /// This run got nowhere for no fault of the job or the input: it does not count among those. What can't be saved is left.
  void excuse(const Error& verdict) noexcept;
  void release() noexcept { store_.release(); }

  // --- while it runs ---
  /// The run is at work still. To be called between units and in every wait; most calls do nothing. W5101.
  Status keep();
  /// When keep() has something to do again.
  [[nodiscard]] uint64_t keep_due_ns() const { return keep_due_ns_; }
  /// A new image, of which nothing is written yet; takes the place of the newest that is not whole and need not be kept.
  Image& begin_image(uint64_t progress);
  /// It is whole, and what is saved next.
  void complete(Image& image);
  /// A whole image at once.
  template <typename Fill>
  void capture(uint64_t progress, Fill fill) {
    Image& image = begin_image(progress);
    fill(image.writer);
    complete(image);
  }
  /// Images that are not whole, the older one first; null where there is none.
  [[nodiscard]] std::array<Image*, 2> incomplete() { return {image_of(waiting_), image_of(newest_)}; }
  /// What was saved last, or would be now; null before the first.
  [[nodiscard]] const Image* ready() const { return ready_ == kNone ? nullptr : &images_[ready_]; }
  /// It is not in the store yet.
  [[nodiscard]] bool has_news() const { return news_; }
  [[nodiscard]] bool has_image() const { return ready_ != kNone; }
  /// A checkpoint of this job is in the store.
  [[nodiscard]] bool in_store() const { return loaded_ || saves_ != 0; }
  /// There is something to go on from: the image stands behind the beginning, or a checkpoint of this job is in the store.
  [[nodiscard]] bool has_progress() const { return in_store() || (ready_ != kNone && images_[ready_].progress != 0); }
  /// Behind runs that got nowhere, or were killed before they could say so, the first one comes early.
  [[nodiscard]] bool due() const {
    const bool early = loaded_ && loaded_idle_runs_ != 0 && saves_ <= 1;
    return news_ &&
           clock_.monotonic_ns() - saved_ns_ >= (early ? std::min(options_.every_ns, kEarlyNs) : options_.every_ns);
  }
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
  static constexpr size_t kNone = kImagesMax;
  static constexpr uint64_t kEarlyNs = 1'000'000'000;
  Image* image_of(size_t at) { return at == kNone ? nullptr : &images_[at]; }

  CheckpointStore& store_;
  std::array<Image, kImagesMax> images_;
  size_t ready_ = kNone;
  size_t waiting_ = kNone;
  size_t newest_ = kNone;
  Clock& clock_;
  CheckpointOptions options_;
  CheckpointReader reader_;
  CheckpointHead head_;
  FlushTimes flush_times_;
  uint64_t loaded_progress_ = 0;
  uint32_t loaded_idle_runs_ = 0;
  bool loaded_ = false;
  bool news_ = false;
  uint64_t saved_ns_;
  uint64_t keep_due_ns_ = 0;
  uint64_t saves_ = 0;
};

}  // namespace weir

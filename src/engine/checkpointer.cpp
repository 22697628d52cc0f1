#include "engine/checkpointer.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace weir {

Checkpointer::Checkpointer(CheckpointStore& store, std::span<char> room, Clock& clock, const CheckpointOptions& options)
    : store_(store), clock_(clock), options_(options), saved_ns_(clock.monotonic_ns()) {
  WEIR_ASSERT(options.images == 1 || options.images == kImagesMax);
  const size_t bytes = room.size() / options.images;
  for (size_t i = 0; i < options.images; ++i) images_[i].room = room.subspan(i * bytes, bytes);
  head_.job_id = options.job_id;
  head_.version = FixedText<24>(WEIR_VERSION);
  head_.epoch = 1;
  head_.runs = 1;
}

Result<bool> Checkpointer::open() {
  WEIR_TRY(store_.acquire());
  const std::span<char> room = images_[0].room;
  auto size = store_.load(room);
  if (!size) return fail(size.error());
  if (*size == 0) return false;
  // Larger than any checkpoint of this job: another job's, of which the head is enough to know.
  const bool fits = *size <= room.size();
  Status parsed = fits ? reader_.parse({room.data(), *size}, options_.key) : reader_.peek({room.data(), room.size()});
  if (parsed && !fits && is_this_job())
    parsed = fail(Code::kCheckpointInvalid, "it is larger than a checkpoint of this job can be");
  if (!parsed) {
    Error error = parsed.error();
    error.detail.append(error.detail.empty() ? "" : " ").append("(").append(store_.name()).append(")");
    return fail(error);
  }
  if (reader_.is_signed() && options_.key.empty()) {
    Error error(Code::kCheckpointInvalid, "it is signed, and checkpoint.key is not set (");
    error.detail.append(store_.name()).append(")");
    return fail(error);
  }
  if (!fits) return true;
  loaded_ = true;
  const CheckpointHead& before = reader_.head();
  ready_ = 0;
  images_[0].bytes = *size;
  images_[0].progress = before.progress;
  images_[0].idle_runs = before.idle_runs;
  loaded_progress_ = before.progress;
  loaded_idle_runs_ = before.idle_runs;
  head_.epoch = before.epoch + 1;
  head_.sequence = before.sequence;
  head_.runs = before.runs + 1;
  head_.progress = before.progress;
  return true;
}

Status Checkpointer::forget() {
  head_.runs = 1;
  if (ready_ != kNone) images_[ready_].progress = images_[ready_].idle_runs = 0;
  const CheckpointKind kind = reader_.head().kind;
  if (!loaded_ || (!is_this_job() && kind != CheckpointKind::kDone && kind != CheckpointKind::kAnew)) {
    WEIR_TRY(store_.clear());
  } else if (kind == CheckpointKind::kRunning || kind == CheckpointKind::kFinishing) {
    WEIR_TRY(save(CheckpointKind::kAnew));
    saves_ = 0;  // nothing to go on from
  }
  loaded_ = false;
  ready_ = kNone;
  return {};
}

Status Checkpointer::claim() {
  WEIR_ASSERT(loaded_);
  if (loaded_idle_runs_ >= kIdleRunsMax) {
    const CheckpointHead& before = reader_.head();
    Error error(Code::kStuck);
    error.source = before.verdict_source;
    error.byte = before.progress;
    error.detail.append("at byte ").append_number(before.progress).append(" of the decoded input");
    if (before.verdict != 0) error.detail.append("; the last run ended with W").append_number(before.verdict);
    return fail(error);
  }
  images_[ready_].idle_runs = loaded_idle_runs_ + 1;
  return save(reader_.head().kind);
}

// One that waits stays until the batches before it are done, however many edges come behind it: else no image would ever be whole while batches follow each other.
Checkpointer::Image& Checkpointer::begin_image(uint64_t progress) {
  size_t at = newest_;
  if (at == kNone) {
    at = 0;
    while (options_.images > 1 && (at == ready_ || at == waiting_)) ++at;
  }
  if (at == ready_) ready_ = kNone;
  (waiting_ == kNone ? waiting_ : newest_) = at;
  Image& image = images_[at];
  image.writer = CheckpointWriter(image.room);
  image.bytes = 0;
  image.progress = progress;
  image.idle_runs = loaded_ && progress <= loaded_progress_ ? loaded_idle_runs_ + 1 : 0;
  return image;
}

void Checkpointer::complete(Image& image) {
  WEIR_ASSERT(image.writer.ok());
  const auto at = static_cast<size_t>(&image - images_.data());
  WEIR_ASSERT(at == waiting_ || at == newest_);
  // Of two that come to be whole by the same batch the newer one comes last.
  if (at == newest_) newest_ = kNone;
  if (at == waiting_) {
    waiting_ = newest_;
    newest_ = kNone;
  }
  image.bytes = image.writer.seal(head_, {}).size();
  ready_ = at;
  news_ = true;
}

Status Checkpointer::save(CheckpointKind kind, const Error* verdict) {
  WEIR_ASSERT(ready_ != kNone);
  Image& image = images_[ready_];
  head_.progress = image.progress;
  head_.idle_runs = image.idle_runs;
  head_.kind = kind;
  ++head_.sequence;
  head_.saved_wall_ns = clock_.wall_ns();
  head_.verdict = verdict == nullptr ? 0 : static_cast<uint16_t>(verdict->code);
  head_.verdict_source = verdict == nullptr ? ~uint32_t{0} : verdict->source;
  head_.verdict_byte = verdict == nullptr ? kNoOffset : verdict->byte;
  head_.verdict_record = verdict == nullptr ? kNoOffset : verdict->record;
  WEIR_TRY(store_.save(reseal_checkpoint(image.room.first(image.bytes), head_, options_.key)));
  news_ = false;
  ++saves_;
  saved_ns_ = clock_.monotonic_ns();
  return {};
}

void Checkpointer::excuse(const Error& verdict) noexcept {
  if (!loaded_ || ready_ == kNone || saves_ == 0 || images_[ready_].idle_runs <= loaded_idle_runs_) return;
  images_[ready_].idle_runs = loaded_idle_runs_;
  (void)save(head_.kind, &verdict);
}

Status Checkpointer::keep() {
  if (keep_due_ns_ == kNever || clock_.monotonic_ns() < keep_due_ns_) return {};
  const auto due = store_.keep();
  if (!due) return fail(due.error());
  keep_due_ns_ = *due;
  return {};
}

uint64_t Checkpointer::reserve_ns(uint64_t given_ns) const {
  const uint64_t floor =
      options_.reserve_min_ns != kNever ? options_.reserve_min_ns : std::min<uint64_t>(2'000'000'000, given_ns / 5);
  const uint64_t wanted = std::max(3 * flush_times_.p99_ns(), floor);
  return std::min({wanted, options_.reserve_max_ns, given_ns / 2});
}

}  // namespace weir

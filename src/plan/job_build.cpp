// A job from its plan to its ending: the memory taken, the parts wired, the checkpoint opened, the run.
#include <algorithm>

#include "connector/exec_sink.hpp"
#include "connector/file_checkpoint_store.hpp"
#include "connector/file_sink.hpp"
#include "connector/folder_sink.hpp"
#include "connector/s3_checkpoint_store.hpp"
#include "connector/s3_objects_sink.hpp"
#include "connector/s3_sink.hpp"
#include "connector/stdout_sink.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"

namespace weir {
namespace {

constexpr uint64_t kTombstoneNs = 14ull * 24 * 3600 * 1'000'000'000;

}  // namespace

PartRoom& Job::make_room(uint64_t capacity, std::span<char>& memory) {
  const std::span<char> buffer = memory.first(memory.size() - S3Sink::table_bytes());
  memory = memory.subspan(buffer.size());
  if (config_.output.spool.empty()) {
    rooms_.push_back(std::make_unique<MemoryRoom>(buffer));
  } else {
    rooms_.push_back(std::make_unique<DiskRoom>(disk_, config_.output.spool, capacity, buffer));
  }
  return *rooms_.back();
}

std::unique_ptr<BatchSink> Job::make_upload(const std::string& url, bool replace, uint64_t capacity,
                                            std::span<char> memory) {
  PartRoom& room = make_room(capacity, memory);
  auto sink = std::make_unique<S3Sink>(upload_options(url, replace), network_->writer(), room, memory);
  uploads_.push_back(sink.get());
  return sink;
}

void Job::make_sinks(Arena& arena) {
  const std::span<char> upload_room = arena.take(sizes_.upload);
  const std::span<char> rejects_room = arena.take(sizes_.rejects_upload);
  if (to_ == To::kMessages) {
    HttpSession& session =
        network_->needs().services ? static_cast<HttpSession&>(network_->send_session()) : network_->send_web_session();
    auto outbox =
        std::make_unique<Outbox>(*destination_, session, outbox_options_, requests_, arena.take(sizes_.outbox));
    outbox_ = outbox.get();
    own_sink_ = std::move(outbox);
  } else if (to_ == To::kOutside) {
    batch_sink_ = outside_sink_;
  } else if (to_ != To::kPull) {
    std::unique_ptr<BatchSink> sink = make_batch_sink(upload_room);
    batch_sink_ = sink.get();
    own_sink_ = std::move(sink);
  }
  make_rejects_sink(rejects_room);
}

std::unique_ptr<BatchSink> Job::make_batch_sink(std::span<char> upload_room) {
  const bool replace = config_.output.if_exists == IfExists::kReplace;
  switch (to_) {
    case To::kStdout:
      return std::make_unique<StdoutSink>();
    case To::kFile:
      return std::make_unique<FileSink>(output_name_, replace, config_.output.create_folders, disk_);
    case To::kObject:
      return make_upload(output_name_, replace, room_bytes_, upload_room);
    case To::kObjects: {
      PartRoom& room = make_room(room_bytes_, upload_room);
      auto sink = std::make_unique<S3ObjectsSink>(upload_options(output_name_, replace), s3_name(output_prefix_)->key,
                                                  output_suffix_, network_->writer(), room, upload_room);
      uploads_.push_back(sink.get());
      return sink;
    }
    case To::kFolder:
      return std::make_unique<FolderSink>(output_prefix_, output_suffix_, replace, config_.output.create_folders,
                                          disk_);
    case To::kExec: {
      ExecOptions options;
      options.command = config_.exec.command;
      options.name = config_.name.empty() ? "weir" : config_.name;
      options.memory_max = config_.exec.memory;
      options.retries = config_.exec.retries;
      options.timeout_ns = config_.exec.timeout_ns;
      auto sink = std::make_unique<ExecSink>(std::move(options), clock_, wakeup_, environment_);
      exec_sink_ = sink.get();
      return sink;
    }
    case To::kMessages:
    case To::kOutside:
    case To::kPull:
      break;
  }
  return nullptr;
}

void Job::make_rejects_sink(std::span<char> rejects_room) {
  const bool replace = config_.output.if_exists == IfExists::kReplace;
  if (rejects_name_ == "stdout") {
    rejects_sink_ = std::make_unique<StdoutSink>();
  } else if (rejects_name_ == "stderr") {
    rejects_sink_ = std::make_unique<StdoutSink>(2);
  } else if (is_s3(rejects_name_)) {
    rejects_sink_ = make_upload(rejects_name_, replace || config_.output.if_exists == IfExists::kSkip,
                                rejects_room_bytes_, rejects_room);
  } else if (!rejects_name_.empty()) {
    rejects_sink_ = std::make_unique<FileSink>(rejects_name_, replace || config_.output.if_exists == IfExists::kSkip,
                                               config_.output.create_folders, disk_);
  }
}

// The output is there: of many files or objects the first one speaks for all.
Result<bool> Job::skips() {
  bool there = false;
  const std::string first = is_of_many() ? one_of_many(0) : output_name_;
  if (to_ == To::kFile || to_ == To::kFolder) {
    const auto info = disk_.info(first.c_str());
    there = info && info->kind == FileKind::kRegular;
  } else if (to_ == To::kObject || to_ == To::kObjects) {
    const auto head = network_->writer().head(*s3_name(first));
    if (!head && head.error().code != Code::kNoInput) return fail(head.error());
    there = head.has_value();
  }
  if (there) skipped_ = "already_there";
  return there;
}

Status Job::build() {
  if (!fits()) return fail(refusal());
  limit_setup(setup_bytes_max_);
  if (config_.output.if_exists == IfExists::kSkip) {
    // Where files are shown before the job is done, its checkpoint is asked first, below.
    bool asked = is_of_many() && !checkpoint_name_.empty();
    if (asked && !is_s3(checkpoint_name_)) {
      const auto there = disk_.info(checkpoint_name_.c_str());
      if (!there) return fail(there.error());
      asked = there->kind != FileKind::kNone;
    }
    if (!asked) {
      const auto skip = skips();
      if (!skip) return fail(skip.error());
      if (*skip) return {};
    }
  }
  auto mapped = map_working_memory(std::max<size_t>(budget_.work_bytes(), 4096));
  if (!mapped) return fail(mapped.error());
  memory_ = *mapped;
  Arena arena(memory_);
  make_sinks(arena);
  pipeline_.source = source_.get();
  pipeline_.stored = arena.take(sizes_.stored);
  if (sizes_.gzip != 0) pipeline_.gzip = make_decoder(Codec::kGzip, decoder_limits_, arena.take(sizes_.gzip));
  if (sizes_.zstd != 0) pipeline_.zstd = make_decoder(Codec::kZstd, decoder_limits_, arena.take(sizes_.zstd));
  pipeline_.detect_codec = detected_.codec_by_content;
  pipeline_.codec = detected_.codec;
  auto reader = make_reader(reader_options_, program_->projection(), arena.take(sizes_.reader));
  if (!reader) return fail(reader.error());
  pipeline_.reader = *reader;
  attach_program_memory(*program_, arena.take(sizes_.program));
  pipeline_.program = program_.get();
  pipeline_.scratch = arena.take(sizes_.driver);
  Sink* sink = nullptr;
  if (pull_) {
    pull_memory_ = arena.take(pull_bytes_);
  } else {
    RecordWriter* writer = make_writer(writer_options_, output_columns_max(), names_bytes_, arena.take(sizes_.writer));
    const std::span<char> output = arena.take(sizes_.output);
    Encoder* encoder = nullptr;
    std::span<char> encoded;
    if (output_codec_ != Codec::kNone) {
      encoder = make_encoder(output_codec_, config_.output.level, arena.take(sizes_.encoder));
      encoded = arena.take(sizes_.encoded);
    }
    if (outbox_ != nullptr) {
      MessageOptions options;
      options.query = config_.query;
      options.run = clock_.wall_ns() ^ net_->random();
      options.age_ns = config_.batch.age_ns;
      message_output_.emplace(*writer, *outbox_, output, options, clock_, counters_);
      pipeline_.output = &*message_output_;
      sink = outbox_;
    } else {
      byte_output_.emplace(*batch_sink_, encoder, output, encoded, clock_, counters_);
      stream_output_.emplace(*writer, *byte_output_, config_.output.unit, config_.batch.age_ns, clock_, counters_);
      pipeline_.output = &*stream_output_;
      sink = batch_sink_;
    }
  }
  if (rejects_sink_ != nullptr) {
    const std::span<char> buffer = arena.take(sizes_.rejects);
    Encoder* rejects_encoder = nullptr;
    std::span<char> rejects_encoded;
    if (rejects_codec_ != Codec::kNone) {
      rejects_encoder = make_encoder(rejects_codec_, -1, arena.take(sizes_.rejects_encoder));
      rejects_encoded = arena.take(sizes_.rejects_encoded);
    }
    rejects_output_.emplace(*rejects_sink_, rejects_encoder, buffer, rejects_encoded, clock_, counters_);
  }
  rejects_.emplace(rejects_output_ ? &*rejects_output_ : nullptr,
                   RejectLimits{config_.rejects.max_count, config_.rejects.max_share});
  pipeline_.columns = columns_;
  pipeline_.rejects = &*rejects_;
  pipeline_.sink = sink;
  pipeline_.rejects_sink = rejects_sink_.get();
  pipeline_.clock = &clock_;
  pipeline_.wakeup = &wakeup_;
  pipeline_.wait_limit = network_ ? &network_->limit() : nullptr;
  pipeline_.send_limit = network_ ? &network_->send_limit() : nullptr;
  pipeline_.records_preview = preview_records_;
  pipeline_.publish_partial = config_.output.publish_partial;
  pipeline_.unit_bytes = config_.output.unit;
  if (!checkpoint_name_.empty()) {
    pipeline_.snapshots = arena.take(sizes_.snapshots);
    pipeline_.reader_state = arena.take(sizes_.reader_state);
    checkpoint_store_ = make_checkpoint_store();
    CheckpointOptions options;
    options.every_ns = config_.checkpoint.every_ns;
    options.reserve_min_ns = config_.checkpoint.reserve_min_ns == 0 ? kNever : config_.checkpoint.reserve_min_ns;
    options.reserve_max_ns = config_.checkpoint.reserve_max_ns;
    options.job_id = job_id_;
    options.key = config_.checkpoint.key;
    options.images = outbox_ != nullptr ? Checkpointer::kImagesMax : 1;
    checkpointer_.emplace(*checkpoint_store_, arena.take(sizes_.checkpoint), clock_, options);
    pipeline_.checkpointer = &*checkpointer_;
    WEIR_ASSERT(options.images * Driver::checkpoint_bytes_max(pipeline_) <= sizes_.checkpoint &&
                sizes_.snapshots == ByteIntake::snapshots_bytes(pipeline_));
  }
  if (!pull_) driver_.emplace(pipeline_, counters_);
  for (size_t i = 0; i < source_->count(); ++i) {
    const uint64_t size = source_->size(i);
    counters_.input_size = size == kNoOffset ? 0 : counters_.input_size + size;
    if (size == kNoOffset) break;
  }
  // The sinks last: nothing is touched unless everything else is ready.
  if (checkpointer_) WEIR_TRY(open_checkpoint());
  return skipped_.empty() ? start_sinks() : Status{};
}

std::unique_ptr<CheckpointStore> Job::make_checkpoint_store() {
  if (!is_s3(checkpoint_name_))
    return std::make_unique<FileCheckpointStore>(checkpoint_name_, config_.output.create_folders, disk_);
  auto store = std::make_unique<S3CheckpointStore>(
      S3CheckpointStore::Options{checkpoint_name_, *s3_name(checkpoint_name_), network_->signed_payload()},
      network_->writer(), clock_);
  lease_ = store.get();
  if (deadline_.at_ns != kNever) lease_->set_end_wall_ns(clock_.wall_ns() + deadline_.left_ns(clock_.monotonic_ns()));
  return store;
}

Status Job::start_sinks() {
  for (S3Output* upload : uploads_) {
    if (lease_ != nullptr && (goes_on_ || lease_->took_over())) upload->drop_orphans();
  }
  // The rejects first: where another run has them, it has the output too, of which a folder's open file is not locked once it is shown.
  Sink* sinks[] = {pipeline_.rejects_sink, pipeline_.sink};
  constexpr CheckpointSection kSections[] = {CheckpointSection::kRejectsSink, CheckpointSection::kSink};
  Status status;
  for (size_t i = 0; status && i < std::size(sinks); ++i) {
    if (sinks[i] == nullptr) continue;
    if (!goes_on_) {
      status = sinks[i]->start();
      continue;
    }
    StateReader state = checkpointer_->loaded().section(kSections[i]);
    if (!sinks[i]->load(state) || !state.at_end())
      status = fail(Code::kCheckpointInvalid, "its sink section is not sound");
    if (status) status = sinks[i]->resume(finishing_);
  }
  if (status && goes_on_)
    status = finishing_ ? driver_->recall(checkpointer_->loaded()) : driver_->resume(checkpointer_->loaded());
  // Only now that everything was found in order does this run take the job over.
  if (status && goes_on_) status = checkpointer_->claim();
  if (status) return {};
  for (Sink* sink : sinks) {
    if (sink != nullptr) sink->cancel();
  }
  // The time was up before it came to read: what it was to go on from stands as it was.
  if (goes_on_ && status.error().code == Code::kInterrupted)
    return fail(Code::kCheckpointed, "state in " + checkpoint_name_);
  return status;
}

// Takes the job, and finds out whether there is something to go on with.
Status Job::open_checkpoint() {
  auto there = checkpointer_->open();
  if (!there) {
    const bool unusable = there.error().exit() == Exit::kCheckpointInvalid;
    if (!unusable || !config_.checkpoint.restart) return fail(there.error());
    return begin_anew();
  }
  const CheckpointHead& head = checkpointer_->loaded().head();
  const bool unfinished = *there && head.kind != CheckpointKind::kDone && checkpointer_->is_this_job();
  if (config_.output.if_exists == IfExists::kSkip && is_of_many() && !unfinished) {
    const auto skip = skips();
    if (!skip) return fail(skip.error());
    if (*skip) return {};
  }
  if (!*there) return {};
  if (config_.checkpoint.restart || head.kind == CheckpointKind::kAnew) {
    WEIR_TRY(replace_shown());
    return begin_anew();
  }
  if (head.kind == CheckpointKind::kDone) {
    auto done = is_done_already();
    if (!done) return fail(done.error());
    if (!*done) return checkpointer_->forget();
    skipped_ = "already_done";
    return {};
  }
  if (!checkpointer_->is_this_job()) {
    if (config_.checkpoint.on_change == OnChange::kFail) return fail(Code::kCheckpointOtherJob, checkpoint_name_);
    return begin_anew();
  }
  if (head.verdict == static_cast<uint16_t>(Code::kObjectChecksum)) {
    // Behind the checkpoint nothing could tell.
    Error error(Code::kObjectChecksum, "found by the run before (");
    error.detail.append(checkpoint_name_).append(")");
    return fail(error);
  }
  goes_on_ = true;
  finishing_ = head.kind == CheckpointKind::kFinishing;
  resumed_at_ = head.progress;
  return {};
}

// What the sinks refuse must not cost the checkpoint.
Status Job::begin_anew() {
  for (Sink* sink : {pipeline_.rejects_sink, pipeline_.sink}) {
    if (sink != nullptr) WEIR_TRY(sink->may_start());
  }
  return checkpointer_->forget();
}

// Whoever begins a job anew that has shown something means that output, too. What a job of another shape left in a folder is not known by its bytes.
Status Job::replace_shown() {
  Sink* sinks[] = {pipeline_.rejects_sink, pipeline_.sink};
  constexpr CheckpointSection kSections[] = {CheckpointSection::kRejectsSink, CheckpointSection::kSink};
  if (!checkpointer_->has_sections()) return {};
  const bool shown = checkpointer_->loaded().head().kind != CheckpointKind::kRunning;
  for (size_t i = 0; i < std::size(sinks); ++i) {
    if (sinks[i] == nullptr || ((to_ == To::kFolder || to_ == To::kObjects) && i == 1 && !checkpointer_->is_this_job()))
      continue;
    StateReader state = checkpointer_->loaded().section(kSections[i]);
    WEIR_TRY(sinks[i]->replace_shown(state, shown));
  }
  return {};
}

// The checkpoint is a tombstone: did that run do what this one is to do?
Result<bool> Job::is_done_already() {
  const CheckpointReader& loaded = checkpointer_->loaded();
  const uint64_t now = clock_.wall_ns();
  if (!checkpointer_->is_this_job() ||
      (now > loaded.head().saved_wall_ns && now - loaded.head().saved_wall_ns > kTombstoneNs))
    return false;
  if (to_ == To::kObject) {
    auto there = network_->writer().head(*s3_name(output_name_));
    if (!there && there.error().code == Code::kNoInput) return false;
    if (!there) return fail(there.error());
    StateReader state = loaded.section(CheckpointSection::kSink);
    if (there->size != state.get<uint64_t>()) return false;
  }
  auto there = last_file_is_there(loaded);
  if (!there) return fail(there.error());
  auto same = driver_->same_sources(loaded);
  if (!same) return fail(same.error());
  if (!*there) {
    // Somebody took it away: made again, and what is left of the job's own may be replaced by the same.
    if (*same) WEIR_TRY(replace_shown());
    return false;
  }
  if (*same) return true;
  if (config_.output.if_exists == IfExists::kReplace) return false;
  Error error(Code::kSourceChanged, "the job was done with another input (");
  error.detail.append(checkpoint_name_).append(")");
  return fail(error);
}

// Is what was shown last there, as far as its name and the size that is known tell?
Result<bool> Job::last_file_is_there(const CheckpointReader& loaded) {
  StateReader sink = loaded.section(CheckpointSection::kSink);
  if (to_ == To::kObjects) {
    const auto opened = S3ObjectsSink::opened(sink);
    if (!opened || *opened == 0) return opened.has_value();
    const auto there = network_->writer().head(*s3_name(one_of_many(*opened - 1)));
    if (!there && there.error().code != Code::kNoInput) return fail(there.error());
    return there.has_value();
  }
  std::string last = output_name_;
  uint64_t bytes = kNoOffset;
  if (to_ == To::kFolder) {
    StateReader state = loaded.section(CheckpointSection::kCounters);
    Counters done;
    if (!done.load(state)) return false;
    if (done.batches == 0) return true;
    last = one_of_many(done.batches - 1);
  } else if (to_ == To::kFile) {
    bytes = sink.get<uint64_t>();
    if (!sink.ok()) return false;
  } else {
    return true;
  }
  const auto output = disk_.info(last.c_str());
  if (!output) return fail(output.error());
  return output->kind == FileKind::kRegular && (bytes == kNoOffset || output->size == bytes);
}

Outcome Job::run(Deadline deadline, RunObserver* observer) {
  pipeline_.observer = observer;
  if (network_) network_->limit().until_ns = network_->send_limit().until_ns = deadline.at_ns;
  if (exec_sink_ != nullptr && deadline.at_ns != kNever) {
    // A command that hangs must not hold the run past its deadline.
    const uint64_t given_ns = deadline.left_ns(clock_.monotonic_ns());
    exec_sink_->set_stop_at(checkpointer_ ? checkpointer_->stop_at_ns(deadline, given_ns) : deadline.at_ns);
  }
  if (host_ == Host::kProcess && !network_) forbid_openssl();
  if (host_ == Host::kProcess) seal();  // a host goes on taking memory for itself
  Outcome outcome = finishing_ ? driver_->finish_up() : driver_->run(deadline);
  if (outcome.error.line != 0) outcome.error = in_file(outcome.error);
  return outcome;
}

uint64_t Job::owner_until_wall_ns() const { return lease_ != nullptr ? lease_->other_until_wall_ns() : 0; }

std::string_view Job::leftover() const {
  if (outside_sink_ != nullptr) return outside_sink_->leftover();
  return own_sink_ != nullptr ? own_sink_->leftover() : std::string_view{};
}

std::string_view Job::rejects_leftover() const {
  return rejects_sink_ != nullptr ? rejects_sink_->leftover() : std::string_view{};
}

}  // namespace weir

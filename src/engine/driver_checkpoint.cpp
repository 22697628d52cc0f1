// The driver's checkpoints: what stands in them, and how a run goes on from one. docs/checkpoint_format.md has the sections.
#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "engine/driver.hpp"

namespace weir {
namespace {

constexpr size_t kDriverBytes = 5 * 8 + 8 + 3 + 4;
constexpr uint8_t kBegun = 1;
constexpr uint8_t kSchemaKnown = 2;

uint32_t hash_of(const Schema& schema) {
  Sha256 hash;
  for (const std::string_view name : schema.names) {
    hash.update(name);
    hash.update({"\0", 1});
  }
  const Sha256::Digest digest = hash.digest();
  uint32_t word = 0;
  std::memcpy(&word, digest.data(), sizeof word);
  return word;
}

std::unexpected<Error> refused(std::string_view what) { return fail(Code::kCheckpointInvalid, what); }

}  // namespace

size_t Driver::checkpoint_fixed_bytes() {
  return CheckpointWriter::overhead_bytes() + CheckpointSource::kBytesMax + Sha256::kStateBytesMax + kDriverBytes +
         Counters::kStateBytes + ByteIntake::kStateBytes + FlushTimes::kStateBytesMax;
}

size_t Driver::checkpoint_bytes_max(const PipelineParts& pipeline) {
  size_t bytes = checkpoint_fixed_bytes() + ByteIntake::snapshots_bytes(pipeline) / 2;
  bytes += pipeline.reader->state_bytes_max() + pipeline.program->state_bytes_max() +
           pipeline.output->state_bytes_max() + pipeline.sink->state_bytes_max();
  if (pipeline.rejects->output() != nullptr)
    bytes += pipeline.rejects->output()->state_bytes_max() + pipeline.rejects_sink->state_bytes_max();
  return bytes;
}

void Driver::save_driver(StateWriter& out) const {
  // A reader that goes on before its header knows it, too, once the output was begun.
  const bool begun = pipeline_.output->begun();
  const bool schema_known = begun || reader_knew_schema_;
  out.put(decoded_before_);
  out.put(unit_begin_byte_);
  out.put(position_byte_);
  out.put(limit_left_);
  out.put(skipped_since_read_ + skip_left_ + (counters_.read - counted_at_read_));
  out.put(passing_captured_);
  out.put(static_cast<uint8_t>(passing_edge_));
  out.put(static_cast<uint8_t>((begun ? kBegun : 0) | (schema_known ? kSchemaKnown : 0)));
  out.put(static_cast<uint8_t>(input_open_));
  out.put(begun ? hash_of(pipeline_.reader->schema()) : 0);
}

// Writes the state at this edge into a new image. It is whole at once where nothing is on its way; else, once what was sent before it is done.
void Driver::capture() {
  // Behind the last record that has its fate, or within the oversize one that is being passed over.
  const uint64_t progress = std::max(position_byte_, input_open_ ? decoded_before_ + read_at_byte_ : decoded_before_);
  // What was read ahead is read again by the next run: it does not count twice.
  const uint64_t stored_byte = input_open_ ? intake_.place(read_at_byte_).stored_byte : 0;
  Checkpointer::Image& image = pipeline_.checkpointer->begin_image(progress);
  image.batches = batches_done_ + pipeline_.output->in_flight();
  image.undelivered = undelivered_;
  image.counters = counters_;
  if (input_open_) {
    image.counters.stored_bytes = stored_at_open_ + stored_byte;
    image.counters.decoded_bytes = decoded_before_ + read_at_byte_;
  }
  CheckpointWriter& out = image.writer;
  out.section(CheckpointSection::kSource, [&](StateWriter& to) {
    CheckpointSource source;
    source.inputs = static_cast<uint32_t>(pipeline_.source->count());
    source.input = input_open_ ? input_ : source.inputs;
    if (input_open_) {
      source.name = pipeline_.source->name(input_);
      source.identity = identity_.view();
      source.stored_byte = stored_byte;
      source.stored_size = pipeline_.source->size(input_);
    }
    source.finished = finished_.digest();
    source.save(to);
    finished_.save(to);
  });
  out.section(CheckpointSection::kDriver, [&](StateWriter& to) { save_driver(to); });
  image.counters_at = out.used() + CheckpointWriter::kSectionFrame;
  out.section(CheckpointSection::kCounters, [&](StateWriter& to) { image.counters.save(to); });
  out.section(CheckpointSection::kIntake, [&](StateWriter& to) {
    if (input_open_) intake_.save(to, read_at_byte_);
  });
  out.section(CheckpointSection::kReader, [&](StateWriter& to) {
    if (input_open_) to.bytes({pipeline_.reader_state.data(), reader_state_bytes_});
  });
  out.section(CheckpointSection::kProgram, [&](StateWriter& to) { pipeline_.program->save(to); });
  out.section(CheckpointSection::kOutput, [&](StateWriter& to) {
    if (pipeline_.output->begun()) pipeline_.output->save(to);
  });
  out.section(CheckpointSection::kSink, [&](StateWriter& to) { pipeline_.sink->save(to); });
  if (image.batches == batches_done_) complete(image);
}

// All that was sent before the image's edge is done, and nothing was rejected since but of that.
void Driver::complete(Checkpointer::Image& image) {
  CheckpointWriter& out = image.writer;
  if (const uint64_t late = undelivered_ - image.undelivered; late != 0) {
    image.counters.written -= late;
    image.counters.rejected += late;
    out.rewrite(image.counters_at, Counters::kStateBytes, [&](StateWriter& to) { image.counters.save(to); });
  }
  ByteOutput* rejects = pipeline_.rejects->output();
  out.section(CheckpointSection::kRejects, [&](StateWriter& to) {
    if (rejects != nullptr) rejects->save(to);
  });
  out.section(CheckpointSection::kRejectsSink, [&](StateWriter& to) {
    if (rejects != nullptr) pipeline_.rejects_sink->save(to);
  });
  out.section(CheckpointSection::kFlushTimes, [&](StateWriter& to) { pipeline_.checkpointer->flush_times().save(to); });
  pipeline_.checkpointer->complete(image);
}

// The beginning is a place to go on from, too. Where objects are shown one by one it is saved at once: a run that comes after a crash must
// know those that are there for the job's own.
Status Driver::begin_checkpoint() {
  capture();
  return pipeline_.output->shows_batches() ? save_checkpoint(CheckpointKind::kRunning) : Status{};
}

// Everything before this place has its fate, and the output's bytes of it are with the sink.
Status Driver::edge() {
  if (pipeline_.checkpointer == nullptr || !pipeline_.output->settled()) return {};
  WEIR_TRY(pipeline_.checkpointer->keep());
  ByteOutput* rejects = pipeline_.rejects->output();
  if (rejects != nullptr && !rejects->settled()) WEIR_TRY(rejects->end_unit());
  capture();
  return save_if_due();
}

Status Driver::save_if_due() {
  if (pipeline_.checkpointer == nullptr || !pipeline_.checkpointer->due()) return {};
  return save_checkpoint(CheckpointKind::kRunning);
}

// --- batches on their way ------------------------------------------------------------------------------------------

// Rejects come in an order that the input alone gives: what was sent before a record is done before the record is rejected.
Status Driver::deliver_before_reject() {
  return pipeline_.output->in_flight() == 0 ? Status{} : pipeline_.output->drain(true);
}

// It was counted as written, or is about to be.
Status Driver::on_undelivered(const Undelivered& message) {
  if (message.place.record == kNoOffset) {
    // No record of the input, so that it could be rejected: the result itself.
    Error error(Code::kRequestRefused, message.detail);
    return fail(error);
  }
  ++undelivered_;
  --counters_.written;
  ++counters_.rejected;
  Reject reject;
  reject.code = message.code;
  reject.detail = message.detail;
  reject.source = message.source;
  reject.source_index = message.place.source;
  reject.byte = message.place.decoded_byte;
  reject.record = message.place.record;
  reject.size = message.size;
  reject.head = message.head;
  // How many were read by now depends on when the answer came: the share is judged where nothing is on its way.
  return pipeline_.rejects->add(reject, counters_, false);
}

void Driver::on_done(uint64_t records, uint64_t undelivered) { records_done_ += records - undelivered; }

Status Driver::on_told() {
  ++batches_done_;
  if (pipeline_.checkpointer == nullptr) return {};
  ByteOutput* rejects = pipeline_.rejects->output();
  if (rejects != nullptr && !rejects->settled()) WEIR_TRY(rejects->end_unit());
  for (Checkpointer::Image* image : pipeline_.checkpointer->incomplete()) {
    if (image != nullptr && image->batches == batches_done_) complete(*image);
  }
  return {};
}

Result<uint64_t> Driver::on_wait() {
  if (drain_until_ns_ != kNever) {
    if (now() >= drain_until_ns_) return fail(Code::kInterrupted);
    return drain_until_ns_;
  }
  if (pipeline_.checkpointer != nullptr) {
    WEIR_TRY(pipeline_.checkpointer->keep());
    WEIR_TRY(save_if_due());
  }
  if (!publishing_ && stop_asked(deadline_)) return fail(Code::kInterrupted);
  uint64_t until_ns = publishing_ ? deadline_.at_ns : stop_at_ns(deadline_);
  if (pipeline_.checkpointer != nullptr) until_ns = std::min(until_ns, pipeline_.checkpointer->keep_due_ns());
  return until_ns;
}

// The run ends before they were: they are unread, as far as the job is concerned.
void Driver::forget_undelivered() {
  if (pipeline_.program->has_aggregates() || !pipeline_.output->sends_messages()) return;
  const uint64_t done = written_before_ + records_done_;
  if (counters_.written <= done) return;
  counters_.read -= counters_.written - done;
  counters_.written = done;
}

Status Driver::commit_sinks() {
  if (pipeline_.rejects_sink != nullptr) WEIR_TRY(pipeline_.rejects_sink->commit());
  return pipeline_.sink->commit();
}

Status Driver::save_checkpoint(CheckpointKind kind, const Error* verdict) {
  const uint64_t before = now();
  wait_to_the_end();
  if (const Status committed = commit_sinks(); !committed) {
    // One of them may have committed what no state will name.
    if (!save_tried_ && !pipeline_.checkpointer->in_store()) {
      pipeline_.sink->uncommit();
      if (pipeline_.rejects_sink != nullptr) pipeline_.rejects_sink->uncommit();
    }
    return committed;
  }
  save_tried_ = true;
  WEIR_TRY(pipeline_.checkpointer->save(kind, verdict));
  if (pipeline_.checkpointer->ready() != nullptr) stored_ = pipeline_.checkpointer->ready()->counters;
  const uint64_t took = now() - before;
  counters_.times.send_ns += took;
  pipeline_.checkpointer->flush_times().add(took);
  if (kind == CheckpointKind::kRunning) wait_while_working();
  return {};
}

// The run stops before the end of the input: saves the last edge's image. After a failure of the output, what is in the store stays as it is: what
// was written since is not known to be durable. Of batches that were on their way it is known which are done: the newest image behind which there are only such.
void Driver::stop_with_checkpoint(Outcome& outcome) {
  const bool failed = outcome.ending == Ending::kFailed;
  const Code code = outcome.error.code;
  const bool output_failed =
      failed && (outcome.error.exit() == Exit::kUnavailable || outcome.error.exit() == Exit::kFenced ||
                 outcome.error.exit() == Exit::kSinkConflict || code == Code::kInternal);
  if (pipeline_.output->in_flight() != 0) {
    wait_to_the_end();
    // Half of the time that is left is for the checkpoint, of which this run may have nothing in the store yet.
    const uint64_t end_ns = pipeline_.wait_limit == nullptr ? kNever : pipeline_.wait_limit->end_ns(now());
    if (end_ns != kNever) drain_until_ns_ = now() + (end_ns > now() ? (end_ns - now()) / 2 : 0);
    const Status drained = pipeline_.output->drain(end_ns != kNever);
    drain_until_ns_ = kNever;
    // What the time did not suffice for is left to the next run.
    if (!drained && !failed && drained.error().code != Code::kInterrupted)
      outcome = {Ending::kFailed, drained.error(), false};
  }
  if (pipeline_.checkpointer == nullptr) return;
  Checkpointer& checkpointer = *pipeline_.checkpointer;
  const bool input_failed = code == Code::kReadFailed;
  const bool known =
      pipeline_.output->sends_messages() && outcome.error.exit() != Exit::kFenced && checkpointer.has_news();
  if (!checkpointer.has_image() || (output_failed && !input_failed && !known)) return;
  // A job that failed before it got anywhere leaves nothing behind: whoever mends it, and so makes it another job, begins anew.
  if (outcome.ending == Ending::kFailed && !checkpointer.has_progress()) return;
  const Error* verdict = outcome.ending == Ending::kFailed ? &outcome.error : nullptr;
  if (Status saved = save_checkpoint(CheckpointKind::kRunning, verdict); !saved) {
    // Too late for it: the one before stays.
    if (!failed && saved.error().code != Code::kInterrupted) outcome = {Ending::kFailed, saved.error(), false};
    return;
  }
  if (outcome.ending != Ending::kFailed) keep_stored(outcome);
}

// Stopped: the next run goes on from what is in the store, if there is something.
void Driver::keep_stored(Outcome& outcome) {
  if (pipeline_.checkpointer == nullptr || !pipeline_.checkpointer->in_store()) return;
  outcome.ending = Ending::kCheckpointed;
  // What came after that edge is unread, as far as the job is concerned.
  const StageTimes times = counters_.times;
  counters_ = stored_;
  counters_.times = times;
}

// --- going on ------------------------------------------------------------------------------------------------------

bool Driver::load_driver(StateReader& in) {
  decoded_before_ = in.get<uint64_t>();
  unit_begin_byte_ = in.get<uint64_t>();
  position_byte_ = in.get<uint64_t>();
  limit_left_ = in.get<uint64_t>();
  skip_left_ = in.get<uint64_t>();
  passing_captured_ = in.get<uint64_t>();
  const auto passing = in.get<uint8_t>();
  passing_edge_ = passing == 1;
  return in.ok() && passing <= 1;
}

// Reads from the input's beginning as far as its header goes.
Status Driver::learn_schema(uint32_t input) {
  WEIR_TRY(intake_.open(input));
  while (!pipeline_.reader->schema_known()) {
    RecordBatch batch;
    Error error;
    const Step step = pipeline_.reader->read(batch, error);
    if (step == Step::kFailed) return fail(error);
    if (step == Step::kFinished) break;
    if (step != Step::kNeedInput) continue;
    auto filled = intake_.fill();
    if (!filled) return fail(filled.error());
    if (*filled != Step::kBlocked) continue;
    pipeline_.wakeup->wait(kNever);
    if (pipeline_.wakeup->stop_requested()) return fail(Code::kInterrupted);
  }
  return {};
}

bool Driver::load_source(const CheckpointReader& checkpoint, CheckpointSource& source, Sha256& finished) {
  StateReader in = checkpoint.section(CheckpointSection::kSource);
  return source.load_front(in) && finished.load(in) && in.at_end() && finished.digest() == source.finished;
}

// An input that is done: which it was and what it held.
void Driver::add_to_chain(Sha256& chain, std::string_view name, std::string_view identity) {
  constexpr std::string_view kEnd("\0", 1);
  for (const std::string_view part : {name, kEnd, identity, kEnd}) chain.update(part);
}

// The chain over the inputs before `input`, as they are now.
Result<Sha256::Digest> Driver::chain_of(uint32_t input) {
  Sha256 chain;
  for (uint32_t i = 0; i < input; ++i) {
    auto identity = pipeline_.source->identity(i);
    if (!identity) {
      Error error = identity.error();
      error.source = i;
      if (error.code == Code::kNoInput) error = Error(Code::kSourceChanged, "an input that was read already is gone");
      return fail(error);
    }
    add_to_chain(chain, pipeline_.source->name(i), identity->view());
  }
  return chain.digest();
}

Result<bool> Driver::same_sources(const CheckpointReader& checkpoint) {
  CheckpointSource source;
  Sha256 finished;  // a look only: the run may begin anew all the same
  if (!load_source(checkpoint, source, finished)) return refused("its source section is not sound");
  if (source.inputs != pipeline_.source->count()) return false;
  auto chain = chain_of(source.input);
  if (!chain && chain.error().code == Code::kSourceChanged) return false;
  if (!chain) return fail(chain.error());
  if (*chain != source.finished) return false;
  if (source.input == source.inputs) return true;
  if (pipeline_.source->name(source.input) != source.name) return false;
  auto identity = pipeline_.source->identity(source.input);
  if (!identity) return fail(identity.error());
  return pipeline_.source->same(source.identity, identity->view());
}

Status Driver::load_counters(const CheckpointReader& checkpoint) {
  StateReader counters = checkpoint.section(CheckpointSection::kCounters);
  if (!counters_.load(counters) || !counters.at_end() || !counters_.balanced())
    return refused("its counters are not sound");
  return {};
}

Status Driver::recall(const CheckpointReader& checkpoint) {
  StateReader driver = checkpoint.section(CheckpointSection::kDriver);
  if (!load_driver(driver)) return refused("its driver section is not sound");
  counters_.inputs = pipeline_.source->count();
  return load_counters(checkpoint);
}

Status Driver::resume(const CheckpointReader& checkpoint) {
  CheckpointSource source;
  if (!load_source(checkpoint, source, finished_)) return refused("its source section is not sound");
  // The inputs are those that the run began with: the finished ones by their chain, the current one by itself.
  const auto changed = [&](uint32_t input, std::string_view what) {
    Error error(Code::kSourceChanged);
    error.source = input;
    error.detail.append(what);
    return fail(error);
  };
  if (source.inputs != pipeline_.source->count()) {
    Error error(Code::kSourceChanged);
    error.detail.append("the list of inputs has changed: it held ").append_number(source.inputs).append(", it holds ");
    error.detail.append_number(pipeline_.source->count());
    return fail(error);
  }
  auto chain = chain_of(source.input);
  if (!chain) return fail(chain.error());
  if (*chain != source.finished) return changed(0, "an input that was read already has changed, or the list of inputs");
  input_ = source.input;
  // Between two inputs no checkpoint of a run that goes on is made.
  if (source.input == source.inputs) return refused("its source section is not sound");
  if (pipeline_.source->name(input_) != source.name) return changed(input_, "the list of inputs has changed");
  auto identity = pipeline_.source->identity(input_);
  if (!identity) return fail(identity.error());
  if (!pipeline_.source->same(source.identity, identity->view())) {
    Error error(Code::kSourceChanged);
    error.source = input_;
    error.detail.append("it was ").append(source.identity).append(", it is ").append(identity->view());
    return fail(error);
  }
  identity_ = SourceIdentity(source.identity);
  WEIR_TRY(name_input());

  StateReader driver = checkpoint.section(CheckpointSection::kDriver);
  if (!load_driver(driver)) return refused("its driver section is not sound");
  const auto flags = driver.get<uint8_t>();
  const auto open = driver.get<uint8_t>();
  const auto schema_hash = driver.get<uint32_t>();
  const bool begun = (flags & kBegun) != 0;
  const bool known = (flags & kSchemaKnown) != 0;
  if (!driver.at_end() || flags > 3 || open != 1 || (begun && !known) || (!begun && schema_hash != 0)) {
    return refused("its driver section is not sound");
  }
  WEIR_TRY(load_counters(checkpoint));
  if (counters_.stored_bytes < source.stored_byte) return refused("its counters are not sound");
  stored_at_open_ = counters_.stored_bytes - source.stored_byte;
  StateReader times = checkpoint.section(CheckpointSection::kFlushTimes);
  if (!pipeline_.checkpointer->flush_times().load(times) || !times.at_end())
    return refused("its flush times are not sound");

  const Counters counted = counters_;  // what is read again does not count
  // Also without a record so far: a reader whose header is behind it must know what it said.
  WEIR_TRY(known ? learn_schema(source.input) : intake_.open(source.input));
  StateReader reader = checkpoint.section(CheckpointSection::kReader);
  if (!pipeline_.reader->load(reader) || !reader.at_end()) return refused("its reader section is not sound");
  if (known != (begun || pipeline_.reader->schema_known())) return refused("its reader section is not sound");
  StateReader intake = checkpoint.section(CheckpointSection::kIntake);
  WEIR_TRY(intake_.resume(source.input, intake));
  if (!intake.at_end()) return refused("its decoder section is not sound");
  counters_ = stored_ = counted;
  // What stands there for people is as true as the rest.
  const uint64_t saved_byte = pipeline_.reader->saved_byte();
  const uint64_t size_now = pipeline_.source->size(input_);
  // A size that the system did not tell, then or now, is no other size: what the input is was compared before.
  const bool other_size = source.stored_size != size_now && source.stored_size != kNoOffset && size_now != kNoOffset;
  if (source.stored_byte != intake_.place(saved_byte).stored_byte || other_size ||
      counters_.decoded_bytes != decoded_before_ + saved_byte) {
    return refused("its source section is not sound");
  }
  input_open_ = true;
  StateReader program = checkpoint.section(CheckpointSection::kProgram);
  if (!pipeline_.program->load(program) || !program.at_end()) return refused("its query section is not sound");
  if (begun) {
    if (hash_of(pipeline_.reader->schema()) != schema_hash) return changed(source.input, "its header is another one");
    WEIR_TRY(pipeline_.output->begin_again(pipeline_.reader->schema(), pipeline_.columns));
    StateReader output = checkpoint.section(CheckpointSection::kOutput);
    if (!pipeline_.output->load(output) || !output.at_end())
      return refused("its output section is not sound, or gzip was begun on a CPU of other instruction sets");
  } else if (!checkpoint.section(CheckpointSection::kOutput).at_end()) {
    return refused("its output section is not sound");
  }
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr) {
    StateReader state = checkpoint.section(CheckpointSection::kRejects);
    if (!rejects->load(state) || !state.at_end())
      return refused("its rejects section is not sound, or gzip was begun on a CPU of other instruction sets");
  }
  return {};
}

}  // namespace weir

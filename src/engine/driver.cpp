#include "engine/driver.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "memory/arena.hpp"

namespace weir {
size_t Driver::scratch_bytes() {
  return Arena::array_bytes<uint16_t>(kRowsMax) + 2 * Arena::array_bytes<RowError>(kRowsMax);
}

Driver::Driver(const PipelineParts& pipeline, Counters& counters)
    : pipeline_(pipeline),
      counters_(counters),
      intake_(pipeline, counters),
      limit_left_(std::min(pipeline.program->limit(), pipeline.records_preview)) {
  Arena arena(pipeline.scratch);
  selected_ = arena.take_array<uint16_t>(kRowsMax);
  errors_ = arena.take_array<RowError>(kRowsMax);
  late_errors_ = arena.take_array<RowError>(kRowsMax);
  pipeline_.output->set_observer(*this);
}

Outcome Driver::run(Deadline deadline) {
  Outcome outcome;
  counters_.inputs = pipeline_.source->count();
  deadline_ = deadline;
  given_ns_ = deadline.left_ns(now());
  written_before_ = counters_.written;
  wait_while_working();
  Status status = consume_inputs(deadline, outcome);
  pipeline_.source->close();
  if (status && outcome.ending == Ending::kDone) {
    status = finish_output(outcome.limit_reached);
    if (status) status = publish();
    if (status && pipeline_.output->closed_by_reader()) outcome.ending = Ending::kReaderGone;
  }
  if (!status) {
    outcome.ending = status.error().code == Code::kInterrupted ? Ending::kInterrupted : Ending::kFailed;
    outcome.error = status.error();
  }
  if (outcome.ending == Ending::kFailed || outcome.ending == Ending::kInterrupted) {
    // Once all was written there is no edge to go on from but that of the store: nothing is saved or closed a second time.
    if (!publishing_) stop_with_checkpoint(outcome);
    // A service that is down does not say that the job can't get on.
    const bool service_down = outcome.ending == Ending::kFailed && outcome.error.exit() == Exit::kUnavailable &&
                              pipeline_.output->keeps_batches();
    if (pipeline_.checkpointer != nullptr && service_down) pipeline_.checkpointer->excuse(outcome.error);
    wait_to_the_end();
    if (outcome.ending != Ending::kCheckpointed) forget_undelivered();
    if (outcome.ending == Ending::kInterrupted) keep_stored(outcome);
    // What was written so far is kept for a look, whole in itself, but not shown as complete. A batch of its own that is not full stays unseen.
    bool closed = false;
    // With a checkpoint the next run goes on behind the last edge, and there is no time to spend on more.
    const bool unavailable = outcome.ending == Ending::kFailed && outcome.error.exit() == Exit::kUnavailable;
    if (!publishing_ && outcome.ending != Ending::kCheckpointed && !unavailable) {
      ByteOutput* rejects = pipeline_.rejects->output();
      const bool rejects_closed = rejects == nullptr || !rejects->object_open() || rejects->close_object();
      closed = pipeline_.output->can_show_part() && pipeline_.output->begun() && pipeline_.output->finish() &&
               rejects_closed;
    }
    closed = closed && pipeline_.publish_partial;
    if (pipeline_.rejects_sink != nullptr && !(closed && pipeline_.rejects_sink->finish()))
      pipeline_.rejects_sink->cancel();
    if (!(closed && pipeline_.sink->finish())) pipeline_.sink->cancel();
  }
  WEIR_ASSERT(counters_.balanced());
  return outcome;
}

// The end of the output: the row of aggregates, what is owed, and the objects closed. Nothing is shown yet.
Status Driver::finish_output(bool limit_reached) {
  if (pipeline_.program->has_aggregates() && !limit_reached) {
    ComputedRows row;
    WEIR_TRY(pipeline_.program->aggregate_row(row));
    if (limit_left_ > 0) {
      const uint16_t first_row = 0;
      const RecordBatch no_records;
      WriteRows rows;
      rows.batch = &no_records;
      rows.rows = {&first_row, 1};
      rows.computed = row.values;
      rows.stride = row.stride;
      const auto written = pipeline_.output->write(rows, 0, Position{});
      if (!written) return fail(written.error());
      if (written->row_failed != Code::kOk) return fail(written->row_failed);
    }
  }
  if (pipeline_.output->in_flight() != 0) wait_to_the_end();
  // What the sink refuses of the last batches counts, too.
  const bool messages = pipeline_.output->sends_messages();
  if (messages) WEIR_TRY(pipeline_.output->finish());
  WEIR_TRY(pipeline_.rejects->judge_end(counters_));
  if (!messages) WEIR_TRY(pipeline_.output->finish());
  ByteOutput* rejects = pipeline_.rejects->output();
  if (rejects != nullptr && rejects->object_open()) WEIR_TRY(rejects->close_object());
  return {};
}

// Shows what was written, rejects first, so that none is lost behind a published output. With a checkpointer the store says so before, so that
// a run that finds the output there knows it for the job's own, and after.
Status Driver::publish() {
  Checkpointer* checkpointer = pipeline_.checkpointer;
  publishing_ = true;
  wait_to_the_end();
  if (checkpointer != nullptr) {
    capture();
    WEIR_TRY(save_checkpoint(CheckpointKind::kFinishing));
  }
  if (pipeline_.rejects_sink != nullptr) WEIR_TRY(pipeline_.rejects_sink->finish());
  WEIR_TRY(pipeline_.sink->finish());
  return checkpointer != nullptr ? checkpointer->save(CheckpointKind::kDone) : Status{};
}

Outcome Driver::finish_up() {
  Outcome outcome;
  Status status;
  if (pipeline_.rejects_sink != nullptr) status = pipeline_.rejects_sink->finish();
  if (status) status = pipeline_.sink->finish();
  if (status) status = pipeline_.checkpointer->save(CheckpointKind::kDone);
  outcome.limit_reached = limit_left_ == 0 && !pipeline_.program->has_aggregates();
  if (status) return outcome;
  // What is in the store says that all is written: the next run shows it.
  const bool late = status.error().code == Code::kInterrupted;
  outcome.ending = late ? Ending::kCheckpointed : Ending::kFailed;
  outcome.error = status.error();
  if (pipeline_.rejects_sink != nullptr) pipeline_.rejects_sink->cancel();
  pipeline_.sink->cancel();
  return outcome;
}

// The deadline less what is kept for committing and saving.
uint64_t Driver::stop_at_ns(Deadline deadline) const {
  if (pipeline_.checkpointer == nullptr) return deadline.at_ns;
  return pipeline_.checkpointer->stop_at_ns(deadline, given_ns_);
}

// What is kept before a deadline, or is left behind a stop.
uint64_t Driver::reserve_ns() const {
  return pipeline_.checkpointer == nullptr ? WaitLimit::kGraceNs : pipeline_.checkpointer->reserve_ns(given_ns_);
}

// Reads and writes are waited for until the run stops, and for half of the reserve behind a signal; commits, saves and what shows the output, until the
// deadline itself, and for all of it.
void Driver::wait_while_working() {
  if (pipeline_.wait_limit == nullptr) return;
  pipeline_.wait_limit->until_ns = stop_at_ns(deadline_);
  pipeline_.wait_limit->grace_ns = reserve_ns() / 2;
  if (pipeline_.send_limit != nullptr) pipeline_.send_limit->grace_ns = reserve_ns();
}

void Driver::wait_to_the_end() {
  if (pipeline_.wait_limit == nullptr) return;
  pipeline_.wait_limit->until_ns = deadline_.at_ns;
  pipeline_.wait_limit->grace_ns = reserve_ns();
}

bool Driver::stop_asked(Deadline deadline) {
  if (pipeline_.wakeup->stop_requested()) return true;
  return deadline.at_ns != kNever && now() >= stop_at_ns(deadline);
}

Status Driver::open_input(uint32_t input) {
  input_ = input;
  identity_ = SourceIdentity();
  stored_at_open_ = counters_.stored_bytes;
  if (pipeline_.checkpointer != nullptr) {
    auto identity = pipeline_.source->identity(input);
    if (!identity) {
      Error error = identity.error();
      error.source = input;
      if (error.code == Code::kNoInput && input > 0) error.code = Code::kInputVanished;
      return fail(error);
    }
    identity_ = *identity;
  }
  WEIR_TRY(name_input());
  WEIR_TRY(intake_.open(input));
  input_open_ = true;
  return {};
}

// For the ids of messages: what tells this input from any other.
Status Driver::name_input() {
  SourceIdentity identity = identity_;
  if (pipeline_.checkpointer == nullptr && pipeline_.output->sends_messages()) {
    const auto known = pipeline_.source->resumable(input_);
    if (!known) return fail(known.error());
    if (pipeline_.source->known_by_name(input_)) {
      identity = SourceIdentity("name");
    } else if (*known) {
      const auto told = pipeline_.source->identity(input_);
      if (!told) return fail(told.error());
      identity = *told;
    }
  }
  pipeline_.output->begin_input(pipeline_.source->name(input_), identity.view());
  return {};
}

void Driver::end_input(uint32_t input) {
  decoded_before_ += pipeline_.reader->window().base_decoded_byte() + pipeline_.reader->window().end();
  position_byte_ = decoded_before_;
  ++counters_.inputs_done;
  input_open_ = false;
  if (pipeline_.checkpointer != nullptr) add_to_chain(finished_, pipeline_.source->name(input), identity_.view());
}

Status Driver::consume_inputs(Deadline deadline, Outcome& outcome) {
  const auto interrupt = [&] {
    outcome.ending = Ending::kInterrupted;
    return Status{};
  };
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr && !rejects->object_open()) {
    WEIR_TRY(rejects->open_object(ObjectInfo{}));
  }
  const uint32_t first = input_;
  for (uint32_t input = first; input < pipeline_.source->count(); ++input) {
    if (!input_open_) WEIR_TRY(open_input(input));
    for (;;) {
      if (pipeline_.checkpointer != nullptr) {
        StateWriter state(pipeline_.reader_state);
        pipeline_.reader->save(state);
        WEIR_ASSERT(state.ok());
        reader_state_bytes_ = state.size();
        reader_knew_schema_ = pipeline_.reader->schema_known();
        read_at_byte_ = pipeline_.reader->saved_byte();
        counted_at_read_ = counters_.read;
        skipped_since_read_ = 0;
        if (!pipeline_.checkpointer->has_image()) WEIR_TRY(begin_checkpoint());
      }
      if (stop_asked(deadline)) return interrupt();
      RecordBatch batch;
      Error error;
      const uint64_t before = now();
      const Step step = pipeline_.reader->read(batch, error);
      counters_.times.parse_ns += now() - before;
      if (step == Step::kFailed) return fail(error);
      if (step == Step::kFinished) {
        if (skip_left_ == 0) WEIR_TRY(end_unit_if_due());
        break;
      }
      if (step == Step::kHaveOutput) {
        auto go = process(batch);
        if (!go) return fail(go.error());
        if (*go == Go::kEnd) {
          outcome.limit_reached = limit_left_ == 0;
          return {};
        }
        if (pipeline_.output->in_flight() != 0) {
          WEIR_TRY(pipeline_.output->step());
          WEIR_TRY(save_if_due());
        }
        if (pipeline_.observer != nullptr) pipeline_.observer->on_progress(counters_);
        continue;
      }
      if (pipeline_.reader->passing_bytes() != 0) WEIR_TRY(pass_oversize());
      auto filled = fill_window(deadline);
      if (!filled) return fail(filled.error());
      if (*filled == Step::kBlocked) return interrupt();
    }
    end_input(input);
  }
  if (!pipeline_.output->begun()) return begin_output();
  return {};
}

// --- bytes in ------------------------------------------------------------------------------------------------------

// Supplies the reader's window with at least one byte, or closes it. kBlocked: asked to stop while waiting. kNeedInput: look again.
Result<Step> Driver::fill_window(Deadline deadline) {
  auto filled = intake_.fill();
  if (!filled || *filled != Step::kBlocked) return filled;
  const uint64_t due = pipeline_.output->batch_due_ns();
  if (due != kNever && now() >= due) {
    WEIR_TRY(pipeline_.output->end_batch());
    if (pipeline_.output->keeps_batches()) WEIR_TRY(edge());
    WEIR_TRY(pipeline_.output->push());
    return Step::kNeedInput;
  }
  uint64_t until = std::min(due, stop_at_ns(deadline));
  if (pipeline_.checkpointer != nullptr) {
    WEIR_TRY(pipeline_.checkpointer->keep());
    until = std::min(until, pipeline_.checkpointer->keep_due_ns());
  }
  const uint64_t before = now();
  pipeline_.output->watch(*pipeline_.wakeup);
  pipeline_.wakeup->wait(until);
  counters_.times.read_ns += now() - before;
  if (pipeline_.output->in_flight() != 0) {
    WEIR_TRY(pipeline_.output->step());
    WEIR_TRY(save_if_due());
  }
  return stop_asked(deadline) ? Step::kBlocked : Step::kNeedInput;
}

// --- records -------------------------------------------------------------------------------------------------------

Status Driver::begin_output() { return pipeline_.output->begin(pipeline_.reader->schema(), pipeline_.columns); }

Result<Driver::Go> Driver::process(const RecordBatch& batch) {
  if (!pipeline_.output->begun()) WEIR_TRY(begin_output());
  if (limit_left_ == 0 && !pipeline_.program->has_aggregates())
    return Go::kEnd;  // LIMIT 0: the columns are known, no more is asked for
  settled_row_ = 0;
  rejects_in_batch_ = 0;
  uint32_t row = 0;
  size_t next_reject = 0;
  for (; skip_left_ != 0 && (row < batch.rows || next_reject < batch.rejects.size()); --skip_left_) {
    // The run before this one gave these their fates.
    ++skipped_since_read_;
    if (next_reject < batch.rejects.size() && batch.rejects[next_reject].rows_before == row) {
      ++next_reject;
      ++rejects_in_batch_;
    } else {
      ++row;
    }
  }
  // A run that goes on from within a unit's last record, behind a batch that it filled, has the unit's end before it.
  if (skip_left_ == 0) WEIR_TRY(end_unit_if_due());
  while (row < batch.rows || next_reject < batch.rejects.size()) {
    if (next_reject < batch.rejects.size() && batch.rejects[next_reject].rows_before == row) {
      WEIR_TRY(reject_record(batch, batch.rejects[next_reject++]));
      WEIR_TRY(end_unit_if_due());
      continue;
    }
    // Up to the next reject, and not past the input's next edge.
    uint32_t end = next_reject < batch.rejects.size() ? batch.rejects[next_reject].rows_before : batch.rows;
    const uint64_t edge = unit_begin_byte_ + kUnitInputFactor * pipeline_.unit_bytes;
    const uint64_t base = decoded_before_ + batch.base_decoded_byte;
    if (base + batch.record_ends[end - 1] >= edge) {
      const uint32_t* at =
          std::lower_bound(batch.record_ends + row, batch.record_ends + end, edge,
                           [&](uint32_t record_end, uint64_t limit) { return base + record_end < limit; });
      end = static_cast<uint32_t>(at - batch.record_ends) + 1;
    }
    auto go = process_rows(batch, {row, end});
    if (!go || *go == Go::kEnd) return go;
    row = end;
    WEIR_TRY(end_unit_if_due());
  }
  return Go::kOn;
}

Result<Driver::Go> Driver::process_rows(const RecordBatch& batch, RowRange range) {
  Program& program = *pipeline_.program;
  uint64_t before = now();
  uint32_t& selected = selected_count_;
  selected = error_count_ = next_error_ = 0;
  settled_row_ = range.begin;
  if (program.has_filter()) {
    program.filter(batch, range, selected_.data(), selected, errors_.data(), error_count_);
  } else {
    uint16_t* out = selected_.data();
    for (uint32_t row = range.begin; row < range.end; ++row) *out++ = static_cast<uint16_t>(row);
    selected = range.end - range.begin;
  }
  counters_.times.evaluate_ns += now() - before;

  if (program.has_aggregates()) {
    uint32_t late = 0;
    before = now();
    program.fold(batch, {selected_.data(), selected}, late_errors_.data(), late);
    counters_.times.evaluate_ns += now() - before;
    for (uint32_t i = 0; i < late; ++i) {
      WEIR_TRY(settle(batch, late_errors_[i].row));
      WEIR_TRY(reject_row(batch, late_errors_[i]));
    }
    WEIR_TRY(settle(batch, range.end));
    return Go::kOn;
  }

  std::span<const uint16_t> rows(selected_.data(), selected);
  bool computes = false;
  for (const WriteColumn& column : pipeline_.columns) computes = computes || column.computed >= 0;
  while (!rows.empty()) {
    ComputedRows computed;
    uint32_t taken = static_cast<uint32_t>(rows.size());
    uint32_t late = 0;
    if (computes) {
      before = now();
      taken = program.project(batch, rows, computed, late_errors_.data(), late);
      counters_.times.evaluate_ns += now() - before;
      WEIR_ASSERT(taken > 0);
    }
    uint32_t from = 0;
    for (uint32_t i = 0; i <= late; ++i) {
      uint32_t to = taken;
      if (i < late)
        to = static_cast<uint32_t>(std::lower_bound(rows.begin() + from, rows.begin() + taken, late_errors_[i].row) -
                                   rows.begin());
      if (to > from) {
        const Value* values = computed.values == nullptr ? nullptr : computed.values + from;
        auto go = write_rows(batch, rows.subspan(from, to - from), values, computed.stride);
        if (!go || *go == Go::kEnd) return go;
      }
      if (i < late) {
        WEIR_TRY(settle(batch, late_errors_[i].row));
        WEIR_TRY(reject_row(batch, late_errors_[i]));
        from = to + 1;
      }
    }
    rows = rows.subspan(taken);
  }
  WEIR_TRY(settle(batch, range.end));
  return Go::kOn;
}

// Where batches wait for answers, a record that failed before others has its fate before they are sent: else it would depend on how the input came in
// which of the two is rejected first. Gives the rows before the next one that failed.
Result<WriteRows> Driver::rows_in_order(const RecordBatch& batch, const WriteRows& rows, uint32_t next) {
  if (!pipeline_.output->sends_messages()) return rows;
  if (next_error_ < error_count_ && errors_[next_error_].row < rows.rows[next])
    WEIR_TRY(settle(batch, rows.rows[next]));
  if (next_error_ == error_count_) return rows;
  WriteRows before = rows;
  const auto end = std::lower_bound(rows.rows.begin() + next, rows.rows.end(), errors_[next_error_].row);
  before.rows = rows.rows.first(static_cast<size_t>(end - rows.rows.begin()));
  return before;
}

Result<Driver::Go> Driver::write_rows(const RecordBatch& batch, std::span<const uint16_t> rows, const Value* computed,
                                      uint32_t stride) {
  WriteRows write;
  write.batch = &batch;
  write.rows = rows.size() > limit_left_ ? rows.first(limit_left_) : rows;
  write.computed = computed;
  write.stride = stride;
  Position position;
  position.source = batch.source;
  uint32_t next = 0;
  while (next < write.rows.size()) {
    position.record = batch.first_record + write.rows[next] + rejects_in_batch_;
    position.decoded_byte = batch.base_decoded_byte + batch.records[write.rows[next]].offset;
    const auto part = rows_in_order(batch, write, next);
    if (!part) return fail(part.error());
    auto written = pipeline_.output->write(*part, next, position);
    if (!written) return fail(written.error());
    const uint32_t done = written->next - next;
    limit_left_ -= done;
    next = written->next;
    if (written->row_failed != Code::kOk) {
      WEIR_TRY(settle(batch, write.rows[next]));
      RowError error;
      error.row = write.rows[next];
      error.code = written->row_failed;
      WEIR_TRY(reject_row(batch, error, written->detail.view()));
      ++next;
      // A record that is not written leaves the limit as it was: more rows may follow.
      write.rows = rows.size() - next > limit_left_ ? rows.first(next + limit_left_) : rows;
    }
    if (written->unit_full) {
      WEIR_TRY(settle(batch, write.rows[next - 1] + 1u));
      WEIR_TRY(end_unit());
    }
    if (written->batch_sent) {
      // Also when none of these rows was in it: then those before them were.
      WEIR_TRY(settle(batch, next > 0 ? write.rows[next - 1] + 1u : write.rows[0]));
      WEIR_TRY(edge());
    }
    if (pipeline_.output->closed_by_reader()) {
      WEIR_TRY(settle(batch, write.rows[next - 1] + 1u));
      return Go::kEnd;
    }
  }
  if (limit_left_ == 0) {
    WEIR_TRY(settle(batch, write.rows.back() + 1u));
    return Go::kEnd;
  }
  return Go::kOn;
}

// --- fates ---------------------------------------------------------------------------------------------------------

// Rows [settled_row_, to_row) without an error among them: those selected were written or folded, the rest is filtered.
void Driver::settle_plain(const RecordBatch& batch, uint32_t to_row) {
  if (to_row <= settled_row_) return;
  const auto below = [&](uint32_t row) {
    return std::lower_bound(selected_.begin(), selected_.begin() + selected_count_, row);
  };
  const uint64_t rows = to_row - settled_row_;
  const auto fated = static_cast<uint64_t>(below(to_row) - below(settled_row_));
  (pipeline_.program->has_aggregates() ? counters_.folded : counters_.written) += fated;
  counters_.filtered += rows - fated;
  counters_.read += rows;
  settled_row_ = to_row;
  position_byte_ = decoded_before_ + batch.base_decoded_byte + batch.record_ends[to_row - 1];
}

// Gives every row before `to_row` its fate. All selected rows before it were written or folded, or rejected one by one.
Status Driver::settle(const RecordBatch& batch, uint32_t to_row) {
  while (next_error_ < error_count_ && errors_[next_error_].row < to_row)
    WEIR_TRY(reject_row(batch, errors_[next_error_++]));
  settle_plain(batch, to_row);
  return {};
}

Status Driver::reject_row(const RecordBatch& batch, RowError error, std::string_view detail) {
  WEIR_TRY(deliver_before_reject());
  settle_plain(batch, error.row);
  settled_row_ = error.row + 1u;
  ++counters_.read;
  ++counters_.rejected;
  position_byte_ = decoded_before_ + batch.base_decoded_byte + batch.record_ends[error.row];
  std::string_view column;
  const auto columns = pipeline_.program->output();
  if (error.column != 0 && error.column <= columns.size()) column = columns[error.column - 1u].name;
  return pipeline_.rejects->add_row(batch, error, column, detail, pipeline_.source->name(batch.source),
                                    rejects_in_batch_, counters_);
}

Status Driver::reject_record(const RecordBatch& batch, const ReaderReject& rejected) {
  // As in pass_oversize(): the edge stands before such a record however it came.
  if (rejected.size >= kUnitInputFactor * pipeline_.unit_bytes && !passing_edge_) {
    passing_edge_ = true;  // for a run that goes on from here, and meets the record again
    WEIR_TRY(end_unit());
  }
  WEIR_TRY(deliver_before_reject());
  passing_edge_ = false;
  passing_captured_ = 0;
  ++counters_.read;
  ++counters_.rejected;
  position_byte_ = decoded_before_ + rejected.decoded_byte + rejected.size;
  return pipeline_.rejects->add_unread(batch, rejected, pipeline_.source->name(batch.source), rejects_in_batch_++,
                                       counters_);
}

Status Driver::end_unit_if_due() {
  if (position_byte_ - unit_begin_byte_ < kUnitInputFactor * pipeline_.unit_bytes) return {};
  return end_unit();
}

Status Driver::end_unit() {
  WEIR_ASSERT(counters_.balanced());
  unit_begin_byte_ = position_byte_;
  ++counters_.units;
  // The rejects of what is on its way stand before the unit's end, whenever the answers come.
  const bool on_their_way = pipeline_.output->in_flight() != 0;
  if (on_their_way) WEIR_TRY(pipeline_.output->drain(true));
  if (pipeline_.output->sends_messages() && counters_.read >= kShareJudgedFrom)
    WEIR_TRY(pipeline_.rejects->judge_end(counters_));
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr) WEIR_TRY(rejects->end_unit());
  WEIR_TRY(pipeline_.output->end_unit());
  return edge();
}

// Between two reads, in the middle of an oversize record. Once it has become longer than a unit an edge is put before it, and from there on a
// checkpoint may stand anywhere within it: nothing is written until it is over.
Status Driver::pass_oversize() {
  const uint64_t unit = kUnitInputFactor * pipeline_.unit_bytes;
  const uint64_t passed = pipeline_.reader->passing_bytes();
  // One that the run before this one gave its fate has had its edge, too.
  if (passed < unit || skip_left_ != 0) return {};
  if (!passing_edge_) {
    passing_edge_ = true;
    WEIR_TRY(end_unit());
  }
  if (passed < passing_captured_ + unit) return {};
  passing_captured_ = passed;
  return edge();
}

}  // namespace weir

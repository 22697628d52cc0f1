#include "engine/driver.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "memory/arena.hpp"

namespace weir {
size_t Driver::scratch_bytes() {
  return Arena::array_bytes<uint16_t>(kRowsMax) + 2 * Arena::array_bytes<RowError>(kRowsMax);
}

Driver::Driver(const PipelineParts& pipeline, Counters& counters)
    : pipeline_(pipeline), counters_(counters), intake_(pipeline, counters), limit_left_(std::min(pipeline.program->limit(), pipeline.records_preview)) {
  Arena arena(pipeline.scratch);
  selected_ = arena.take_array<uint16_t>(kRowsMax);
  errors_ = arena.take_array<RowError>(kRowsMax);
  late_errors_ = arena.take_array<RowError>(kRowsMax);
}

Outcome Driver::run(Deadline deadline) {
  Outcome outcome;
  counters_.inputs = pipeline_.source->count();
  Status status = consume_inputs(deadline, outcome);
  pipeline_.source->close();
  if (status && outcome.ending == Ending::kDone) {
    // The end of the output: what is open is closed, committed and shown, rejects first, so that none is lost behind a published output.
    if (pipeline_.program->has_aggregates() && !outcome.limit_reached) {
      ComputedRows row;
      status = pipeline_.program->aggregate_row(row);
      if (status && limit_left_ > 0) {
        const uint16_t first_row = 0;
        const RecordBatch no_records;
        WriteRows rows;
        rows.batch = &no_records;
        rows.rows = {&first_row, 1};
        rows.computed = row.values;
        rows.stride = row.stride;
        const auto written = pipeline_.output->write(rows, 0, Position{});
        if (!written) {
          status = fail(written.error());
        } else if (written->row_failed != Code::kOk) {
          status = fail(written->row_failed);
        }
      }
    }
    if (status) status = pipeline_.rejects->judge_end(counters_);
    if (status) status = pipeline_.output->finish();
    ByteOutput* rejects = pipeline_.rejects->output();
    if (status && rejects != nullptr && rejects->object_open()) status = rejects->close_object();
    if (status && pipeline_.rejects_sink != nullptr) status = pipeline_.rejects_sink->finish();
    if (status) status = pipeline_.sink->finish();
    if (status && pipeline_.output->bytes().closed_by_reader()) outcome.ending = Ending::kReaderGone;
  }
  if (!status) {
    outcome.ending = status.error().code == Code::kInterrupted ? Ending::kInterrupted : Ending::kFailed;
    outcome.error = status.error();
  }
  if (outcome.ending == Ending::kFailed || outcome.ending == Ending::kInterrupted) {
    // What was written so far is kept for a look, whole in itself, but not shown as complete. A batch of its own that is not full stays unseen.
    bool closed = false;
    if (outcome.ending == Ending::kInterrupted || outcome.error.exit() != Exit::kUnavailable) {
      ByteOutput* rejects = pipeline_.rejects->output();
      const bool rejects_closed = rejects == nullptr || !rejects->object_open() || rejects->close_object();
      closed = !pipeline_.output->bytes().traits().object_per_batch && pipeline_.output->begun() && pipeline_.output->finish() && rejects_closed;
    }
    closed = closed && pipeline_.publish_partial;
    if (pipeline_.rejects_sink != nullptr && !(closed && pipeline_.rejects_sink->finish())) pipeline_.rejects_sink->cancel();
    if (!(closed && pipeline_.sink->finish())) pipeline_.sink->cancel();
  }
  WEIR_ASSERT(counters_.balanced());
  return outcome;
}

bool Driver::stop_asked(Deadline deadline) {
  return pipeline_.wakeup->stop_requested() || (deadline.at_ns != kNever && deadline.passed(now()));
}

Status Driver::consume_inputs(Deadline deadline, Outcome& outcome) {
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr) WEIR_TRY(rejects->open_object(ObjectInfo{}));
  for (uint32_t input = 0; input < pipeline_.source->count(); ++input) {
    WEIR_TRY(intake_.open(input));
    for (;;) {
      RecordBatch batch;
      Error error;
      const uint64_t before = now();
      const Step step = pipeline_.reader->read(batch, error);
      counters_.times.parse_ns += now() - before;
      if (step == Step::kFailed) return fail(error);
      if (step == Step::kFinished) break;
      if (step == Step::kHaveOutput) {
        auto go = process(batch);
        if (!go) return fail(go.error());
        if (*go == Go::kEnd) {
          outcome.limit_reached = limit_left_ == 0;
          return {};
        }
        if (pipeline_.observer != nullptr) pipeline_.observer->on_progress(counters_);
        if (stop_asked(deadline)) {
          outcome.ending = Ending::kInterrupted;
          return {};
        }
        continue;
      }
      auto filled = fill_window(deadline);
      if (!filled) return fail(filled.error());
      if (*filled == Step::kBlocked || stop_asked(deadline)) {
        outcome.ending = Ending::kInterrupted;
        return {};
      }
    }
    decoded_before_ += pipeline_.reader->window().base_decoded_byte() + pipeline_.reader->window().end();
    position_byte_ = decoded_before_;
    ++counters_.inputs_done;
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
    return Step::kNeedInput;
  }
  const uint64_t before = now();
  pipeline_.wakeup->wait(std::min(due, deadline.at_ns));
  counters_.times.read_ns += now() - before;
  return stop_asked(deadline) ? Step::kBlocked : Step::kNeedInput;
}

// --- records -------------------------------------------------------------------------------------------------------

Status Driver::begin_output() { return pipeline_.output->begin(pipeline_.reader->schema(), pipeline_.columns); }

Result<Driver::Go> Driver::process(const RecordBatch& batch) {
  if (!pipeline_.output->begun()) WEIR_TRY(begin_output());
  if (limit_left_ == 0 && !pipeline_.program->has_aggregates()) return Go::kEnd;  // LIMIT 0: the columns are known, no more is asked for
  settled_row_ = 0;
  rejects_in_batch_ = 0;
  uint32_t row = 0;
  size_t next_reject = 0;
  while (row < batch.rows || next_reject < batch.rejects.size()) {
    if (next_reject < batch.rejects.size() && batch.rejects[next_reject].rows_before == row) {
      WEIR_TRY(reject_record(batch, batch.rejects[next_reject++]));
      WEIR_TRY(end_unit_if_due());
      continue;
    }
    // Up to the next reject, and not past the input's next edge.
    uint32_t end = next_reject < batch.rejects.size() ? batch.rejects[next_reject].rows_before : batch.rows;
    const uint64_t edge = unit_begin_byte_ + kUnitInputBytes;
    const uint64_t base = decoded_before_ + batch.base_decoded_byte;
    if (base + batch.record_ends[end - 1] >= edge) {
      const uint32_t* at = std::lower_bound(batch.record_ends + row, batch.record_ends + end, edge, [&](uint32_t record_end, uint64_t limit) {
        return base + record_end < limit;
      });
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
    for (uint32_t row = range.begin; row < range.end; ++row) selected_[selected++] = static_cast<uint16_t>(row);
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
      if (i < late) to = static_cast<uint32_t>(std::lower_bound(rows.begin() + from, rows.begin() + taken, late_errors_[i].row) - rows.begin());
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

Result<Driver::Go> Driver::write_rows(const RecordBatch& batch, std::span<const uint16_t> rows, const Value* computed, uint32_t stride) {
  WriteRows write;
  write.batch = &batch;
  write.rows = rows.size() > limit_left_ ? rows.first(limit_left_) : rows;
  write.computed = computed;
  write.stride = stride;
  Position position;
  position.source = batch.source;
  uint32_t next = 0;
  while (next < write.rows.size()) {
    position.record = batch.first_record + write.rows[next];
    position.decoded_byte = batch.base_decoded_byte + batch.records[write.rows[next]].offset;
    auto written = pipeline_.output->write(write, next, position);
    if (!written) return fail(written.error());
    const uint32_t done = written->next - next;
    limit_left_ -= done;
    next = written->next;
    if (written->row_failed != Code::kOk) {
      WEIR_TRY(settle(batch, write.rows[next]));
      RowError error;
      error.row = write.rows[next];
      error.code = written->row_failed;
      WEIR_TRY(reject_row(batch, error));
      ++next;
      // A record that is not written leaves the limit as it was: more rows may follow.
      write.rows = rows.size() - next > limit_left_ ? rows.first(next + limit_left_) : rows;
    }
    if (written->unit_full) {
      WEIR_TRY(settle(batch, write.rows[next - 1] + 1u));
      WEIR_TRY(end_unit());
    }
    if (pipeline_.output->bytes().closed_by_reader()) {
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
  const auto below = [&](uint32_t row) { return std::lower_bound(selected_.begin(), selected_.begin() + selected_count_, row); };
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
  while (next_error_ < error_count_ && errors_[next_error_].row < to_row) WEIR_TRY(reject_row(batch, errors_[next_error_++]));
  settle_plain(batch, to_row);
  return {};
}

Status Driver::reject_row(const RecordBatch& batch, RowError error) {
  settle_plain(batch, error.row);
  settled_row_ = error.row + 1u;
  ++counters_.read;
  ++counters_.rejected;
  position_byte_ = decoded_before_ + batch.base_decoded_byte + batch.record_ends[error.row];
  std::string_view column;
  const auto columns = pipeline_.program->output();
  if (error.column != 0 && error.column <= columns.size()) column = columns[error.column - 1u].name;
  return pipeline_.rejects->add_row(batch, error, column, pipeline_.source->name(batch.source), rejects_in_batch_, counters_);
}

Status Driver::reject_record(const RecordBatch& batch, const ReaderReject& rejected) {
  ++counters_.read;
  ++counters_.rejected;
  position_byte_ = decoded_before_ + rejected.decoded_byte + rejected.size;
  return pipeline_.rejects->add_unread(batch, rejected, pipeline_.source->name(batch.source), rejects_in_batch_++, counters_);
}

Status Driver::end_unit_if_due() {
  if (position_byte_ - unit_begin_byte_ < kUnitInputBytes) return {};
  return end_unit();
}

Status Driver::end_unit() {
  WEIR_ASSERT(counters_.balanced());
  unit_begin_byte_ = position_byte_;
  ++counters_.units;
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr) WEIR_TRY(rejects->end_unit());
  return pipeline_.output->end_unit();
}

}  // namespace weir

#include "engine/puller.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "memory/arena.hpp"

namespace weir {

size_t Puller::scratch_bytes() {
  return Arena::array_bytes<uint16_t>(kRowsMax) + 2 * Arena::array_bytes<RowError>(kRowsMax);
}

Puller::Puller(const PipelineParts& pipeline, Counters& counters, Deadline deadline)
    : pipeline_(pipeline),
      counters_(counters),
      intake_(pipeline, counters),
      deadline_(deadline),
      limit_left_(std::min(pipeline.program->limit(), pipeline.records_preview)) {
  Arena arena(pipeline.scratch);
  selected_ = arena.take_array<uint16_t>(kRowsMax);
  errors_ = arena.take_array<RowError>(kRowsMax);
  late_errors_ = arena.take_array<RowError>(kRowsMax);
  for (const WriteColumn& column : pipeline.columns) computes_ = computes_ || column.computed >= 0;
  counters_.inputs = pipeline.source->count();
}

Status Puller::start() {
  if (started_) return {};
  started_ = true;
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr)
    WEIR_TRY(rejects->open_object(ObjectInfo{}));
  return {};
}

// Reads on until the reader has a batch; false at the end of the last input.
Result<bool> Puller::read_batch() {
  for (;;) {
    if (!input_open_) {
      if (input_ == pipeline_.source->count()) return false;
      WEIR_TRY(intake_.open(input_));
      input_open_ = true;
    }
    Error error;
    const uint64_t before = now();
    const Step step = pipeline_.reader->read(batch_, error);
    const uint64_t after = now();
    counters_.times.parse_ns += after - before;
    if (step == Step::kFailed) return fail(error);
    if (pipeline_.wakeup->stop_requested() || deadline_.passed(after)) return fail(Code::kInterrupted);
    if (step == Step::kHaveOutput) {
      batch_alive_ = true;
      batch_row_ = next_reject_ = settled_row_ = 0;
      rejects_in_batch_ = 0;
      return true;
    }
    if (step == Step::kFinished) {
      input_open_ = false;
      ++input_;
      ++counters_.inputs_done;
      continue;
    }
    auto filled = intake_.fill();
    if (!filled) return fail(filled.error());
    if (*filled == Step::kBlocked) {
      const uint64_t waiting = now();
      pipeline_.wakeup->wait(deadline_.at_ns);
      counters_.times.read_ns += now() - waiting;
    }
  }
}

// The rows up to the reader's next reject: filtered, and folded where the query has aggregates. False: the batch is
// used up.
Result<bool> Puller::next_range() {
  while (next_reject_ < batch_.rejects.size() && batch_.rejects[next_reject_].rows_before == batch_row_) {
    ++counters_.read;
    ++counters_.rejected;
    WEIR_TRY(pipeline_.rejects->add_unread(batch_, batch_.rejects[next_reject_++],
                                           pipeline_.source->name(batch_.source), rejects_in_batch_++, counters_));
  }
  if (batch_row_ == batch_.rows) {
    batch_alive_ = false;
    return false;
  }
  const RowRange range{batch_row_,
                       next_reject_ < batch_.rejects.size() ? batch_.rejects[next_reject_].rows_before : batch_.rows};
  Program& program = *pipeline_.program;
  uint32_t selected = 0;
  error_count_ = next_error_ = 0;
  settled_row_ = range.begin;
  range_end_ = batch_row_ = range.end;
  range_alive_ = true;
  const uint64_t before = now();
  if (program.has_filter()) {
    program.filter(batch_, range, selected_.data(), selected, errors_.data(), error_count_);
  } else {
    for (uint32_t row = range.begin; row < range.end; ++row) selected_[selected++] = static_cast<uint16_t>(row);
  }
  rows_ = {selected_.data(), selected};
  taken_ = at_ = 0;
  uint32_t late = 0;
  if (program.has_aggregates()) program.fold(batch_, rows_, late_errors_.data(), late);
  counters_.times.evaluate_ns += now() - before;
  if (program.has_aggregates()) {
    for (uint32_t i = 0; i < late; ++i) {
      WEIR_TRY(settle(late_errors_[i].row));
      WEIR_TRY(reject_row(late_errors_[i]));
    }
    WEIR_TRY(settle(range.end));
    rows_ = {};
  }
  return true;
}

Result<bool> Puller::next(PulledRow& out) {
  WEIR_ASSERT(!row_given_);
  WEIR_TRY(start());
  for (;;) {
    if (ended_) return false;
    if (limit_left_ == 0 && !pipeline_.program->has_aggregates()) {
      ended_ = true;
      continue;
    }
    if (at_ < taken_) {
      const uint16_t row = rows_[at_];
      WEIR_TRY(settle(row));
      if (next_late_ < late_count_ && late_errors_[next_late_].row == row) {
        ++at_;
        WEIR_TRY(reject_row(late_errors_[next_late_++]));
        continue;
      }
      out.batch = &batch_;
      out.row = row;
      out.computed = computes_ ? computed_.values + at_ : nullptr;
      out.stride = computed_.stride;
      out.position.source = batch_.source;
      out.position.decoded_byte = batch_.base_decoded_byte + batch_.records[row].offset;
      out.position.record = batch_.first_record + row + rejects_in_batch_;
      row_given_ = true;
      return true;
    }
    rows_ = rows_.subspan(taken_);
    taken_ = at_ = late_count_ = next_late_ = 0;
    if (!rows_.empty()) {
      taken_ = static_cast<uint32_t>(rows_.size());
      if (computes_) {
        const uint64_t before = now();
        taken_ = pipeline_.program->project(batch_, rows_, computed_, late_errors_.data(), late_count_);
        counters_.times.evaluate_ns += now() - before;
        WEIR_ASSERT(taken_ > 0);
      }
      continue;
    }
    if (range_alive_) {
      WEIR_TRY(settle(range_end_));
      range_alive_ = false;
    }
    if (batch_alive_) {
      auto range = next_range();
      if (!range) return range;
      continue;
    }
    auto more = read_batch();
    if (!more) return more;
    if (*more) continue;
    ended_ = true;
    if (!pipeline_.program->has_aggregates() || limit_left_ == 0) continue;
    ComputedRows row;
    WEIR_TRY(pipeline_.program->aggregate_row(row));
    out = PulledRow{};
    out.computed = row.values;
    out.stride = row.stride;
    row_given_ = aggregates_row_ = true;
    return true;
  }
}

Result<bool> Puller::read_schema() {
  WEIR_TRY(start());
  if (batch_alive_ || ended_ || aggregates_row_) return true;
  return read_batch();
}

// --- fates ---------------------------------------------------------------------------------------------------------

void Puller::accept() {
  WEIR_ASSERT(row_given_);
  row_given_ = false;
  if (aggregates_row_) return;
  settled_row_ = rows_[at_++] + 1u;
  ++counters_.read;
  ++counters_.written;
  --limit_left_;
}

void Puller::drop() {
  WEIR_ASSERT(row_given_);
  row_given_ = false;
  if (aggregates_row_) return;
  settled_row_ = rows_[at_++] + 1u;
  ++counters_.read;
  ++counters_.filtered;
  --limit_left_;
}

Status Puller::reject(Code code) {
  WEIR_ASSERT(row_given_);
  row_given_ = false;
  if (aggregates_row_) return fail(code);
  RowError error;
  error.row = rows_[at_++];
  error.code = code;
  return reject_row(error);
}

// Rows [settled_row_, to_row) without an error among them.
void Puller::settle_plain(uint32_t to_row) {
  if (to_row <= settled_row_) return;
  const uint64_t rows = to_row - settled_row_;
  uint64_t folded = 0;
  if (pipeline_.program->has_aggregates()) {
    const auto below = [&](uint32_t row) { return std::lower_bound(rows_.begin(), rows_.end(), row); };
    folded = static_cast<uint64_t>(below(to_row) - below(settled_row_));
  }
  counters_.read += rows;
  counters_.folded += folded;
  counters_.filtered += rows - folded;
  settled_row_ = to_row;
}

// Gives every row before `to_row` its fate; those that were handed out have theirs.
Status Puller::settle(uint32_t to_row) {
  while (next_error_ < error_count_ && errors_[next_error_].row < to_row) WEIR_TRY(reject_row(errors_[next_error_++]));
  settle_plain(to_row);
  return {};
}

Status Puller::reject_row(RowError error) {
  settle_plain(error.row);
  settled_row_ = error.row + 1u;
  ++counters_.read;
  ++counters_.rejected;
  std::string_view column;
  const auto columns = pipeline_.program->output();
  if (error.column != 0 && error.column <= columns.size()) column = columns[error.column - 1u].name;
  return pipeline_.rejects->add_row(batch_, error, column, {}, pipeline_.source->name(batch_.source), rejects_in_batch_,
                                    counters_);
}

// --- the end -------------------------------------------------------------------------------------------------------

Status Puller::finish() {
  pipeline_.source->close();
  ended_ = true;
  WEIR_TRY(start());
  WEIR_TRY(pipeline_.rejects->judge_end(counters_));
  ByteOutput* rejects = pipeline_.rejects->output();
  if (rejects != nullptr && rejects->object_open()) WEIR_TRY(rejects->close_object());
  if (pipeline_.rejects_sink != nullptr) WEIR_TRY(pipeline_.rejects_sink->finish());
  return {};
}

void Puller::cancel() noexcept {
  ended_ = true;
  pipeline_.source->close();
  ByteOutput* rejects = pipeline_.rejects->output();
  if (rejects != nullptr && rejects->object_open()) (void)rejects->close_object();
  if (pipeline_.rejects_sink != nullptr) pipeline_.rejects_sink->cancel();
}

}  // namespace weir

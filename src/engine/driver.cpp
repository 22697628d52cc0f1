#include "engine/driver.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "hash/sha256.hpp"
#include "memory/arena.hpp"

namespace weir {
namespace {

constexpr size_t kMagicBytes = 4;  // enough to tell the codec by

}  // namespace

size_t Driver::scratch_bytes() {
  return Arena::array_bytes<uint16_t>(kRowsMax) + 2 * Arena::array_bytes<RowError>(kRowsMax);
}

Driver::Driver(const PipelineParts& pipeline, Counters& counters)
    : pipeline_(pipeline), counters_(counters), limit_left_(std::min(pipeline.program->limit(), pipeline.records_preview)) {
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
    outcome.ending = Ending::kFailed;
    outcome.error = status.error();
  }
  if (outcome.ending == Ending::kFailed || outcome.ending == Ending::kInterrupted) {
    // What was read of the output so far is kept for a look, but not shown as complete.
    if (outcome.ending == Ending::kInterrupted || outcome.error.exit() != Exit::kUnavailable) {
      ByteOutput* rejects = pipeline_.rejects->output();
      if (rejects != nullptr && rejects->object_open()) (void)rejects->close_object();
      if (!pipeline_.output->bytes().traits().whole_batches && pipeline_.output->bytes().object_open()) {
        (void)pipeline_.output->bytes().close_object();
      }
    }
    if (pipeline_.rejects_sink != nullptr) pipeline_.rejects_sink->cancel();
    pipeline_.sink->cancel();
  }
  WEIR_ASSERT(counters_.balanced());
  return outcome;
}

bool Driver::stop_asked(Deadline deadline) {
  return pipeline_.wakeup->stop_requested() || (deadline.at_ns != kNever && deadline.passed(now()));
}

Status Driver::consume_inputs(Deadline deadline, Outcome& outcome) {
  if (ByteOutput* rejects = pipeline_.rejects->output(); rejects != nullptr) WEIR_TRY(rejects->open_object(ObjectInfo{}));
  if (limit_left_ == 0 && !pipeline_.program->has_aggregates()) {
    outcome.limit_reached = true;
    return begin_output();
  }
  for (input_ = 0; input_ < pipeline_.source->count(); ++input_) {
    WEIR_TRY(open_input(input_));
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

Status Driver::open_input(uint32_t index) {
  Status opened = pipeline_.source->open(index);
  if (!opened) {
    Error error = opened.error();
    error.source = index;
    return fail(error);
  }
  pipeline_.reader->begin_source(index);
  stored_left_ = {};
  stored_end_ = false;
  decoded_checked_ = false;
  codec_known_ = !pipeline_.detect_codec;
  decoder_ = nullptr;
  if (!pipeline_.detect_codec) {
    decoder_ = pipeline_.codec == Codec::kGzip ? pipeline_.gzip : pipeline_.codec == Codec::kZstd ? pipeline_.zstd : nullptr;
    if (decoder_ != nullptr) decoder_->reset();
  }
  return {};
}

// Reads stored bytes behind what is left of them. kBlocked: asked to stop while waiting.
Result<Step> Driver::read_stored() {
  char* begin = pipeline_.stored.data();
  if (stored_left_.data() != begin && !stored_left_.empty()) std::memmove(begin, stored_left_.data(), stored_left_.size());
  const size_t have = stored_left_.size();
  Error error;
  const uint64_t before = now();
  const ReadResult result = pipeline_.source->read(pipeline_.stored.subspan(have), error);
  counters_.times.read_ns += now() - before;
  if (result.step == Step::kFailed) {
    error.source = input_;
    return fail(error);
  }
  stored_left_ = {begin, have + result.bytes};
  counters_.stored_bytes += result.bytes;
  if (result.step == Step::kFinished) stored_end_ = true;
  return result.step;
}

// Supplies the reader's window with at least one byte, or closes it.
Result<Step> Driver::fill_window(Deadline deadline) {
  Window& window = pipeline_.reader->window();
  WEIR_ASSERT(!window.room().empty());
  const auto wait = [&]() -> Result<Step> {
    const uint64_t due = pipeline_.output->batch_due_ns();
    if (due != kNever && now() >= due) {
      WEIR_TRY(pipeline_.output->end_batch());
      return Step::kNeedInput;
    }
    const uint64_t before = now();
    pipeline_.wakeup->wait(std::min(due, deadline.at_ns));
    counters_.times.read_ns += now() - before;
    return stop_asked(deadline) ? Step::kBlocked : Step::kNeedInput;
  };
  if (!decode_error_.ok()) return fail(decode_error_);
  for (;;) {
    if (!codec_known_) {
      if (stored_left_.size() < kMagicBytes && !stored_end_) {
        auto read = read_stored();
        if (!read) return read;
        if (*read == Step::kBlocked) {
          auto waited = wait();
          if (!waited || *waited == Step::kBlocked) return waited;
        }
        continue;
      }
      codec_known_ = true;
      const Codec codec = detect_codec(stored_left_);
      decoder_ = codec == Codec::kGzip ? pipeline_.gzip : codec == Codec::kZstd ? pipeline_.zstd : nullptr;
      if (codec != Codec::kNone && decoder_ == nullptr) {
        Error error(Code::kUnknownCodec);
        error.source = input_;
        error.byte = 0;
        error.detail.append("the content is ").append(codec_name(codec)).append(", which the plan did not foresee; set input.codec: ");
        error.detail.append(codec_name(codec));
        return fail(error);
      }
      if (decoder_ != nullptr) decoder_->reset();
    }
    if (decoder_ == nullptr) {
      // Identity: what was read ahead first, then straight into the window.
      if (!stored_left_.empty()) {
        const size_t take = std::min(stored_left_.size(), window.room().size());
        std::memcpy(window.room().data(), stored_left_.data(), take);
        stored_left_.remove_prefix(take);
        window.supply(take);
        counters_.decoded_bytes += take;
        return Step::kHaveOutput;
      }
      if (stored_end_) {
        window.close();
        return Step::kFinished;
      }
      Error error;
      const uint64_t before = now();
      const ReadResult result = pipeline_.source->read(window.room(), error);
      counters_.times.read_ns += now() - before;
      if (result.step == Step::kFailed) {
        error.source = input_;
        return fail(error);
      }
      if (result.step == Step::kBlocked) {
        auto waited = wait();
        if (!waited || *waited == Step::kBlocked) return waited;
        continue;
      }
      stored_end_ = result.step == Step::kFinished;
      counters_.stored_bytes += result.bytes;
      counters_.decoded_bytes += result.bytes;
      window.supply(result.bytes);
      if (result.bytes != 0) return Step::kHaveOutput;
      continue;
    }
    if (stored_left_.empty() && !stored_end_) {
      auto read = read_stored();
      if (!read) return read;
      if (*read == Step::kBlocked) {
        auto waited = wait();
        if (!waited || *waited == Step::kBlocked) return waited;
        continue;
      }
    }
    Error error;
    const uint64_t before = now();
    const Transfer transfer = decoder_->decode(stored_left_, stored_end_, window.room(), error);
    counters_.times.decode_ns += now() - before;
    stored_left_.remove_prefix(transfer.consumed);
    if (transfer.produced != 0 && !decoded_checked_) {
      decoded_checked_ = true;
      const Codec inner = detect_codec({window.base() + window.end(), transfer.produced});
      if (inner != Codec::kNone) {
        Error nested(Code::kNestedCodec);
        nested.source = input_;
        nested.detail.append(codec_name(inner)).append(" inside ").append(decoder_ == pipeline_.gzip ? "gzip" : "zstd");
        return fail(nested);
      }
    }
    window.supply(transfer.produced);
    counters_.decoded_bytes += transfer.produced;
    if (transfer.step == Step::kFailed) {
      error.source = input_;
      if (transfer.produced == 0) return fail(error);
      // What was decoded before the damage is good: let the reader deliver it first.
      decode_error_ = error;
      return Step::kHaveOutput;
    }
    if (transfer.step == Step::kFinished) {
      window.close();
      return Step::kFinished;
    }
    if (transfer.produced != 0) return Step::kHaveOutput;
  }
}

// --- records -------------------------------------------------------------------------------------------------------

Status Driver::begin_output() { return pipeline_.output->begin(pipeline_.reader->schema(), pipeline_.columns); }

Result<Driver::Go> Driver::process(const RecordBatch& batch) {
  if (!pipeline_.output->begun()) WEIR_TRY(begin_output());
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
  Reject reject;
  reject.code = error.code;
  reject.source = pipeline_.source->name(batch.source);
  reject.source_index = batch.source;
  reject.byte = batch.base_decoded_byte + batch.records[error.row].offset;
  reject.record = batch.first_record + error.row + rejects_in_batch_;
  reject.size = batch.records[error.row].size;
  reject.head = batch.record(error.row).substr(0, kRejectHeadMax);
  FixedText<160> detail;
  if (error.column != 0) {
    const auto columns = pipeline_.program->output();
    if (error.column <= columns.size()) detail.append("column `").append(columns[error.column - 1u].name.substr(0, 100)).append("`");
  }
  reject.detail = detail.view();
  return pipeline_.rejects->add(reject, counters_);
}

Status Driver::reject_record(const RecordBatch& batch, const ReaderReject& rejected) {
  ++counters_.read;
  ++counters_.rejected;
  position_byte_ = decoded_before_ + rejected.decoded_byte + rejected.size;
  Reject reject;
  reject.code = rejected.code;
  reject.source = pipeline_.source->name(batch.source);
  reject.source_index = batch.source;
  reject.byte = rejected.decoded_byte;
  reject.record = batch.first_record + rejected.rows_before + rejects_in_batch_;
  reject.size = rejected.size;
  reject.head = rejected.head;
  ++rejects_in_batch_;
  FixedText<96> detail;
  switch (rejected.code) {
    case Code::kRaggedRow:
      detail.append("found ").append_number(rejected.detail_a).append(", expected ").append_number(rejected.detail_b);
      break;
    case Code::kBadJson:
    case Code::kBadUtf8:
    case Code::kJsonTooDeep:
    case Code::kNotAnObject:
      if (rejected.detail_a != 0 || rejected.code == Code::kBadJson) detail.append("at byte ").append_number(rejected.detail_a).append(" of the record");
      break;
    default: break;
  }
  reject.detail = detail.view();
  char hex[64];
  if (rejected.hashed) {
    Sha256::Digest digest;
    static_assert(sizeof digest == sizeof rejected.sha256_words);
    std::memcpy(digest.data(), rejected.sha256_words, sizeof digest);
    to_hex(digest, hex);
    reject.sha256_hex = hex;
  }
  return pipeline_.rejects->add(reject, counters_);
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

#include "engine/message_output.hpp"

#include "base/assert.hpp"
#include "hash/sha256.hpp"

namespace weir {

Status MessageOutput::begin(const Schema& schema, std::span<const WriteColumn> columns) {
  WEIR_ASSERT(!begun_);
  begun_ = true;
  WEIR_TRY(writer_.begin(schema, columns));
  writer_.open_object();
  return {};
}

void MessageOutput::begin_input(std::string_view name, std::string_view identity) {
  constexpr std::string_view kEnd("\0", 1);
  source_ = name;
  Sha256 hash;
  for (const std::string_view part : {name, kEnd, identity, kEnd, options_.query}) hash.update(part);
  if (identity.empty()) hash.update(FixedText<20>().append_number(options_.run).view());
  char digits[64];
  to_hex(hash.digest(), digits);
  prefix_ = FixedText<16>(std::string_view(digits, 16));
}

std::string_view MessageOutput::id_of(const Position& place, bool of_record) {
  id_.clear();
  id_.append(prefix_.view()).append('-');
  return (of_record ? id_.append_number(place.decoded_byte) : id_.append("end")).view();
}

Result<RecordOutput::Written> MessageOutput::write(const WriteRows& rows, uint32_t from, const Position& first) {
  WEIR_ASSERT(begun_);
  Written written;
  const auto count = static_cast<uint32_t>(rows.rows.size());
  const bool of_records = rows.batch->records != nullptr;
  for (written.next = from; written.next < count; ++written.next) {
    if (sink_.batch_full()) {
      WEIR_TRY(end_batch());
      written.batch_sent = true;
      return written;
    }
    WriteRows one = rows;
    one.rows = rows.rows.subspan(written.next, 1);
    if (one.computed != nullptr) one.computed += written.next;
    const uint64_t before = clock_.monotonic_ns();
    const WriteResult result = writer_.write(one, 0, ~uint64_t{0}, room_);
    counters_.times.write_ns += clock_.monotonic_ns() - before;
    if (result.stop == WriteStop::kRowFailed) {
      written.row_failed = result.code;
      return written;
    }
    if (result.stop == WriteStop::kRoomFull) {
      written.row_failed = Code::kMessageTooLarge;
      written.detail.append("written it is larger than ").append_number(room_.size());
      written.detail.append(" bytes, the less of batch.bytes and what the service takes, and a little more");
      return written;
    }
    Message message;
    message.text = {room_.data(), result.bytes};
    if (message.text.ends_with('\n')) message.text.remove_suffix(message.text.ends_with("\r\n") ? 2 : 1);
    message.source = source_;
    message.place = first;
    if (of_records) {
      const uint32_t row = one.rows[0];
      message.place.record += row - rows.rows[from];
      message.place.decoded_byte = rows.batch->base_decoded_byte + rows.batch->records[row].offset;
      message.size = rows.batch->records[row].size;
    } else {
      message.place.record = kNoOffset;
    }
    message.id = id_of(message.place, of_records);
    Error error;
    switch (sink_.add(message, error)) {
      case Added::kBatchFull:
        // It is written once more, into the next batch.
        WEIR_TRY(end_batch());
        written.batch_sent = true;
        return written;
      case Added::kRefused:
        written.row_failed = error.code;
        written.detail = FixedText<160>(error.detail.view());
        return written;
      case Added::kYes:
        break;
    }
    counters_.output_bytes += message.text.size();
    if (sink_.open_messages() == 1 && options_.age_ns != 0) batch_opened_ns_ = clock_.monotonic_ns();
  }
  if (sink_.batch_full()) {
    WEIR_TRY(end_batch());
    written.batch_sent = true;
  }
  return written;
}

// Where messages have nothing to do with their batch, every edge that the input gives is one for checkpoints.
Status MessageOutput::end_unit() { return sink_.cut_anywhere() ? end_batch() : Status{}; }

Status MessageOutput::end_batch() {
  if (sink_.open_messages() == 0) return {};
  while (!sink_.send()) {
    const size_t before = sink_.in_flight();
    WEIR_TRY(step());
    if (sink_.in_flight() == before) WEIR_TRY(wait(true));
  }
  batch_opened_ns_ = kNever;
  ++counters_.batches;
  return {};
}

Status MessageOutput::finish() {
  WEIR_TRY(end_batch());
  return drain(true);
}

Status MessageOutput::step() {
  const Status stepped = sink_.step(*observer_);
  const SendFigures& figures = sink_.figures();
  counters_.retries += figures.retries - seen_.retries;
  counters_.sent_bytes += figures.bytes - seen_.bytes;
  seen_ = figures;
  return stepped;
}

Status MessageOutput::wait(bool observed) {
  uint64_t until_ns = kNever;
  if (observed) {
    const auto until = observer_->on_wait();
    if (!until) return fail(until.error());
    until_ns = *until;
  }
  const uint64_t before = clock_.monotonic_ns();
  sink_.wait(until_ns);
  counters_.times.send_ns += clock_.monotonic_ns() - before;
  return {};
}

Status MessageOutput::drain(bool observed) {
  for (;;) {
    WEIR_TRY(step());
    if (sink_.in_flight() == 0) return {};
    WEIR_TRY(wait(observed));
  }
}

void MessageOutput::watch(Wakeup& wakeup) {
  if (sink_.in_flight() == 0) return;
  uint64_t until_ns = kNever;
  const size_t count = sink_.waits(interests_, until_ns);
  wakeup.watch_also({interests_, count}, until_ns);
}

uint64_t MessageOutput::batch_due_ns() const {
  if (batch_opened_ns_ == kNever || sink_.open_messages() == 0) return kNever;
  return batch_opened_ns_ + options_.age_ns;
}

}  // namespace weir

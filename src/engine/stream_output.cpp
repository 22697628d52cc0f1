#include "engine/stream_output.hpp"

#include "base/assert.hpp"

namespace weir {

Status StreamOutput::begin(const Schema& schema, std::span<const WriteColumn> columns) {
  WEIR_ASSERT(!begun_);
  begun_ = true;
  WEIR_TRY(writer_.begin(schema, columns));
  if (bytes_.traits().object_per_batch) return {};
  return open_if_needed(Position{});
}

Status StreamOutput::open_if_needed(const Position& position) {
  if (bytes_.object_open()) return {};
  ObjectInfo info;
  info.batch = bytes_.traits().object_per_batch ? counters_.batches : 0;
  info.first = position;
  writer_.open_object();
  return bytes_.open_object(info);
}

Status StreamOutput::drain() { return bytes_.drain(); }

Result<RecordOutput::Written> StreamOutput::write(const WriteRows& rows, uint32_t from, const Position& position) {
  WEIR_ASSERT(begun_);
  Written written;
  written.next = from;
  const auto count = static_cast<uint32_t>(rows.rows.size());
  while (written.next < count) {
    WEIR_TRY(open_if_needed(position));
    if (writer_.batch_records() == 0 && age_ns_ != 0) batch_opened_ns_ = clock_.monotonic_ns();
    const uint64_t unit_left = unit_bytes_ > unit_written_ ? unit_bytes_ - unit_written_ : 1;
    const uint64_t before = clock_.monotonic_ns();
    const WriteResult result = writer_.write(rows, written.next, unit_left, bytes_.room());
    counters_.times.write_ns += clock_.monotonic_ns() - before;
    bytes_.advance(result.bytes);
    unit_written_ += result.bytes;
    counters_.output_bytes += result.bytes;
    written.next = result.next;
    switch (result.stop) {
      case WriteStop::kAllRows:
        return written;
      case WriteStop::kRoomFull:
        if (bytes_.traits().whole_batches) {
          if (writer_.batch_records() != 0) {
            // The batch's buffer is full before its limits are: the plan sizes the buffer so that this is a record that does not fit.
            WEIR_TRY(end_batch());
            written.batch_sent = true;
            return written;
          }
          written.row_failed = Code::kValueTooLarge;
          return written;
        }
        WEIR_TRY(drain());
        continue;
      case WriteStop::kBatchFull:
        WEIR_TRY(end_batch());
        written.batch_sent = bytes_.traits().whole_batches;
        if (written.batch_sent) return written;
        continue;
      case WriteStop::kUnitFull:
        written.unit_full = true;
        return written;
      case WriteStop::kRowFailed:
        written.row_failed = result.code;
        return written;
    }
  }
  return written;
}

Status StreamOutput::end_unit() {
  unit_written_ = 0;
  if (!bytes_.object_open()) return {};
  return bytes_.end_unit();
}

Status StreamOutput::end_batch() {
  if (writer_.batch_records() == 0) return {};
  batch_opened_ns_ = kNever;
  const uint64_t records = writer_.batch_records();
  for (;;) {
    const size_t room = bytes_.room().size();
    const size_t bytes = writer_.end_batch(bytes_.room());
    bytes_.advance(bytes);
    counters_.output_bytes += bytes;
    unit_written_ += bytes;
    if (bytes == 0 && (room >= 64 || bytes_.traits().whole_batches)) break;
    if (bytes == 0) WEIR_TRY(drain());
  }
  WEIR_ASSERT(writer_.batch_records() == 0);
  ++counters_.batches;
  if (!bytes_.traits().object_per_batch) return {};
  const size_t tail = writer_.close_object(bytes_.room());
  bytes_.advance(tail);
  counters_.output_bytes += tail;
  return bytes_.close_object(records);
}

Status StreamOutput::finish() {
  WEIR_TRY(end_batch());
  if (!bytes_.object_open()) return {};
  for (;;) {
    if (bytes_.room().size() < 4096 && !bytes_.traits().whole_batches) WEIR_TRY(drain());
    const size_t bytes = writer_.close_object(bytes_.room());
    bytes_.advance(bytes);
    counters_.output_bytes += bytes;
    if (bytes == 0) break;
  }
  return bytes_.close_object();
}

uint64_t StreamOutput::batch_due_ns() const {
  if (batch_opened_ns_ == kNever || writer_.batch_records() == 0) return kNever;
  return batch_opened_ns_ + age_ns_;
}

Status StreamOutput::begin_again(const Schema& schema, std::span<const WriteColumn> columns) {
  WEIR_ASSERT(!begun_);
  begun_ = true;
  return writer_.begin(schema, columns);
}

void StreamOutput::save(StateWriter& out) const {
  WEIR_ASSERT(settled());
  out.put(unit_written_);
  writer_.save(out);
  bytes_.save(out);
}

bool StreamOutput::load(StateReader& in) {
  unit_written_ = in.get<uint64_t>();
  return writer_.load(in) && bytes_.load(in);
}

}  // namespace weir

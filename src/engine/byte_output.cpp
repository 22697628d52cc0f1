#include "engine/byte_output.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace weir {

Status ByteOutput::judge(Accepted accepted, const Error& error) {
  switch (accepted) {
    case Accepted::kYes:
      return {};
    case Accepted::kClosed:
      closed_ = true;
      return {};
    case Accepted::kRetry:
    case Accepted::kFailed:
      break;
  }
  return fail(error);
}

Accepted ByteOutput::pass(std::string_view bytes, Error& error) {
  const uint64_t before = clock_.monotonic_ns();
  const Accepted accepted = sink_.write(bytes, error);
  counters_.times.send_ns += clock_.monotonic_ns() - before;
  if (accepted == Accepted::kYes) counters_.sent_bytes += bytes.size();
  return accepted;
}

Accepted ByteOutput::send_once(std::string_view bytes, Flush flush, Error& error) {
  if (encoder_ == nullptr) return bytes.empty() ? Accepted::kYes : pass(bytes, error);
  for (;;) {
    const uint64_t before = clock_.monotonic_ns();
    const Transfer transfer = encoder_->encode(bytes, flush, encoded_, error);
    counters_.times.encode_ns += clock_.monotonic_ns() - before;
    if (transfer.step == Step::kFailed) return Accepted::kFailed;
    bytes.remove_prefix(transfer.consumed);
    if (transfer.produced != 0) {
      const Accepted accepted = pass({encoded_.data(), transfer.produced}, error);
      if (accepted != Accepted::kYes) return accepted;
    }
    if (transfer.step == Step::kHaveOutput) continue;
    if (transfer.step == Step::kFinished || bytes.empty()) return Accepted::kYes;
  }
}

Status ByteOutput::send(std::string_view bytes, Flush flush) {
  if (closed_) return {};
  Error error;
  return judge(send_once(bytes, flush, error), error);
}

Status ByteOutput::append(std::string_view text) {
  while (!text.empty()) {
    if (used_ == buffer_.size()) WEIR_TRY(drain());
    const size_t take = std::min(text.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, text.data(), take);
    used_ += take;
    text.remove_prefix(take);
  }
  return {};
}

Status ByteOutput::open_object(const ObjectInfo& info) {
  WEIR_ASSERT(!open_);
  open_ = true;
  info_ = info;
  if (encoder_ != nullptr) encoder_->reset();
  if (closed_ || traits_.whole_batches) return {};
  Error error;
  return judge(sink_.open_object(info_, error), error);
}

Status ByteOutput::drain() {
  WEIR_ASSERT(open_ && !traits_.whole_batches);
  const size_t size = used_;
  used_ = 0;
  return send({buffer_.data(), size}, Flush::kNone);
}

Status ByteOutput::end_unit() {
  if (!open_ || traits_.whole_batches) return {};
  const size_t size = used_;
  used_ = 0;
  return send({buffer_.data(), size}, Flush::kUnit);
}

Status ByteOutput::close_object(uint64_t records) {
  WEIR_ASSERT(open_);
  open_ = false;
  const std::string_view bytes(buffer_.data(), used_);
  used_ = 0;
  if (closed_) return {};
  Error error;
  if (!traits_.whole_batches) {
    WEIR_TRY(send(bytes, Flush::kFinish));
    if (closed_) return {};
    return judge(sink_.close_object(error), error);
  }
  info_.bytes = bytes.size();
  info_.records = records;
  for (;;) {
    const uint64_t before = clock_.monotonic_ns();
    Accepted accepted = sink_.open_object(info_, error);
    counters_.times.send_ns += clock_.monotonic_ns() - before;
    if (accepted == Accepted::kYes) accepted = send_once(bytes, Flush::kFinish, error);
    // A sink that did not want all of the bytes still tells at the close what became of the object.
    if (accepted == Accepted::kYes) {
      const uint64_t closing = clock_.monotonic_ns();
      accepted = sink_.close_object(error);
      counters_.times.send_ns += clock_.monotonic_ns() - closing;
    }
    if (accepted != Accepted::kRetry) return judge(accepted, error);
    ++info_.attempt;
    ++counters_.retries;
    if (encoder_ != nullptr) encoder_->reset();
  }
}

void ByteOutput::save(StateWriter& out) const {
  WEIR_ASSERT(settled());
  out.put(static_cast<uint8_t>(open_));
  if (!open_) return;
  out.put(info_.batch);
  out.put(info_.first.source);
  out.put(info_.first.stored_byte);
  out.put(info_.first.decoded_byte);
  out.put(info_.first.record);
  if (encoder_ != nullptr && !traits_.whole_batches) encoder_->save(out);
}

bool ByteOutput::load(StateReader& in) {
  const auto open = in.get<uint8_t>();
  if (!in.ok() || open > 1) return false;
  open_ = open == 1;
  if (!open_) return true;
  info_ = ObjectInfo{};
  info_.batch = in.get<uint64_t>();
  info_.first.source = in.get<uint32_t>();
  info_.first.stored_byte = in.get<uint64_t>();
  info_.first.decoded_byte = in.get<uint64_t>();
  info_.first.record = in.get<uint64_t>();
  if (!in.ok()) return false;
  return encoder_ == nullptr || traits_.whole_batches || encoder_->load(in);
}

}  // namespace weir

#include "lambda/event_source.hpp"

namespace weir {

Status EventSource::open(size_t) {
  memory_.resize((EventRecords::memory_max(event_.kind()) + sizeof(Block) - 1) / sizeof(Block));
  Arena arena({reinterpret_cast<char*>(memory_.data()), memory_.size() * sizeof(Block)});
  records_ = std::make_unique<EventRecords>(event_, arena);
  return {};
}

// Before the run: what is told then is told again behind open().
Result<std::string_view> EventSource::peek(size_t, Deadline) {
  if (peeked_.empty()) {
    WEIR_TRY(open(0));
    peeked_.resize(kPeekBytes);
    size_t size = 0;
    while (size < peeked_.size()) {
      Error error;
      const ReadResult got = read(std::span(peeked_).subspan(size), error);
      if (got.step == Step::kFailed) return fail(error);
      size += got.bytes;
      if (got.step == Step::kFinished) break;
    }
    peeked_.resize(size);
  }
  return std::string_view(peeked_.data(), peeked_.size());
}

ReadResult EventSource::read(std::span<char> room, Error& error) {
  size_t produced = 0;
  const Step step = records_->step(room, produced, error);
  if (step == Step::kFailed) return {step, produced};
  if (produced != 0) return {Step::kHaveOutput, produced};
  return {Step::kFinished, 0};
}

}  // namespace weir

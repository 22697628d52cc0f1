#include "engine/byte_intake.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace weir {
namespace {

constexpr size_t kMagicBytes = 4;  // enough to tell the codec by

}  // namespace

Status ByteIntake::open(uint32_t index) {
  input_ = index;
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
    decoder_ = pipeline_.codec == Codec::kGzip   ? pipeline_.gzip
               : pipeline_.codec == Codec::kZstd ? pipeline_.zstd
                                                 : nullptr;
    if (decoder_ != nullptr) decoder_->reset();
  }
  return {};
}

// Reads stored bytes behind what is left of them. kBlocked: nothing is there now.
Result<Step> ByteIntake::read_stored() {
  char* begin = pipeline_.stored.data();
  if (stored_left_.data() != begin && !stored_left_.empty())
    std::memmove(begin, stored_left_.data(), stored_left_.size());
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

Result<Step> ByteIntake::fill() {
  Window& window = pipeline_.reader->window();
  WEIR_ASSERT(!window.room().empty());
  if (!decode_error_.ok()) return fail(decode_error_);
  for (;;) {
    if (!codec_known_) {
      if (stored_left_.size() < kMagicBytes && !stored_end_) {
        auto read = read_stored();
        if (!read) return read;
        if (*read == Step::kBlocked) return Step::kBlocked;
        continue;
      }
      codec_known_ = true;
      const Codec codec = detect_codec(stored_left_, pipeline_.source->name(input_));
      decoder_ = codec == Codec::kGzip ? pipeline_.gzip : codec == Codec::kZstd ? pipeline_.zstd : nullptr;
      if (codec != Codec::kNone && decoder_ == nullptr) {
        Error error(Code::kUnknownCodec);
        error.source = input_;
        error.byte = 0;
        error.detail.append("the content is ")
            .append(codec_name(codec))
            .append(", which the plan did not foresee; set input.codec: ");
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
      if (result.step == Step::kBlocked) return Step::kBlocked;
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
      if (*read == Step::kBlocked) return Step::kBlocked;
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

}  // namespace weir

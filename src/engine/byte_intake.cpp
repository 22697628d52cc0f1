#include "engine/byte_intake.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace weir {
namespace {

constexpr uint8_t kAtStart = 255;  // in place of a codec: nothing was decoded yet
constexpr size_t kMagicBytes = 4;  // enough to tell the codec by

}  // namespace

Status ByteIntake::open(uint32_t index) {
  input_ = index;
  discard_ = 0;
  decode_error_ = Error();
  behind_.bytes = ahead_.bytes = 0;
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
    if (!pipeline_.snapshots.empty() && discard_ == 0) take_snapshot();
    if (stored_left_.empty() && !stored_end_) {
      auto read = read_stored();
      if (!read) return read;
      if (*read == Step::kBlocked) return Step::kBlocked;
    }
    Error error;
    const uint64_t before = now();
    Transfer transfer = decoder_->decode(stored_left_, stored_end_, window.room(), error);
    counters_.times.decode_ns += now() - before;
    stored_left_.remove_prefix(transfer.consumed);
    if (discard_ != 0) {
      // Between the state that was loaded and what the reader wants. The window is empty: nothing else stands in its room.
      const size_t drop = std::min<uint64_t>(discard_, transfer.produced);
      discard_ -= drop;
      transfer.produced -= drop;
      if (drop != 0) std::memmove(window.room().data(), window.room().data() + drop, transfer.produced);
    }
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
    if (transfer.step == Step::kFinished && discard_ != 0)
      return fail(Code::kSourceChanged, "the input ends before the place where the checkpoint stands");
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

// --- state ---------------------------------------------------------------------------------------------------------

// Before decoding on. The reader keeps what lies behind the window's begin; a state can be gone on with once that has come past its place.
// The two are exchanged then, so that one is always there that lies behind. Between them lies snapshot_every_bytes or one record.
void ByteIntake::take_snapshot() {
  const Window& window = pipeline_.reader->window();
  const uint64_t wanted_from = window.base_decoded_byte() + window.begin();
  if (ahead_.bytes != 0 && ahead_.at.decoded_byte <= wanted_from) std::swap(behind_, ahead_), ahead_.bytes = 0;
  if (ahead_.bytes != 0) return;
  if (behind_.bytes != 0 &&
      decoder_->position().decoded_byte < behind_.at.decoded_byte + pipeline_.snapshot_every_bytes)
    return;
  save_snapshot(behind_.bytes == 0 ? behind_ : ahead_);
}

void ByteIntake::save_snapshot(Snapshot& slot) {
  if (behind_.room.empty()) {
    const size_t half = pipeline_.snapshots.size() / 2;
    behind_.room = pipeline_.snapshots.first(half);
    ahead_.room = pipeline_.snapshots.subspan(half);
  }
  StateWriter out(slot.room);
  decoder_->save(out);
  WEIR_ASSERT(out.ok());
  slot.at = decoder_->position();
  slot.bytes = out.size();
}

size_t ByteIntake::snapshots_bytes(const PipelineParts& pipeline) {
  size_t bytes = 0;
  for (const Decoder* decoder : {pipeline.gzip, pipeline.zstd}) {
    if (decoder != nullptr) bytes = std::max(bytes, decoder->state_bytes_max());
  }
  return 2 * bytes;
}

// Null: no decoder, or nothing was decoded yet.
const ByteIntake::Snapshot* ByteIntake::snapshot_for(uint64_t decoded_byte) const {
  if (decoder_ == nullptr || behind_.bytes == 0) return nullptr;
  const Snapshot* snapshot = ahead_.bytes != 0 && ahead_.at.decoded_byte <= decoded_byte ? &ahead_ : &behind_;
  WEIR_ASSERT(snapshot->at.decoded_byte <= decoded_byte);
  return snapshot;
}

DecoderPosition ByteIntake::place(uint64_t decoded_byte) const {
  if (const Snapshot* snapshot = snapshot_for(decoded_byte); snapshot != nullptr) return snapshot->at;
  // A stream of which nothing was decoded yet begins at its first byte, whatever its codec.
  if (!codec_known_ || decoder_ != nullptr) return {};
  return {decoded_byte, decoded_byte};
}

void ByteIntake::save(StateWriter& out, uint64_t decoded_byte) const {
  const Snapshot* snapshot = snapshot_for(decoded_byte);
  const Codec codec = decoder_ == nullptr ? Codec::kNone : decoder_ == pipeline_.gzip ? Codec::kGzip : Codec::kZstd;
  const bool at_start = !codec_known_ || (decoder_ != nullptr && snapshot == nullptr);
  const DecoderPosition at = place(decoded_byte);
  out.put(at_start ? kAtStart : static_cast<uint8_t>(codec));
  out.put(at.stored_byte);
  out.put(at.decoded_byte);
  if (snapshot != nullptr) out.bytes({snapshot->room.data(), snapshot->bytes});
}

Status ByteIntake::resume(uint32_t index, StateReader& in) {
  const Window& window = pipeline_.reader->window();
  const uint64_t wanted = window.base_decoded_byte() + window.begin();
  const auto kind = in.get<uint8_t>();
  const auto stored = in.get<uint64_t>();
  const auto decoded = in.get<uint64_t>();
  const auto refuse = [] {
    return fail(Code::kCheckpointInvalid, "the decoder's state is another version's or machine's");
  };
  if (!in.ok() || decoded > wanted) return refuse();
  input_ = index;
  stored_left_ = {};
  stored_end_ = false;
  behind_.bytes = ahead_.bytes = 0;
  decode_error_ = Error();
  discard_ = wanted - decoded;
  decoder_ = nullptr;
  if (kind == kAtStart) {
    codec_known_ = !pipeline_.detect_codec;
    decoded_checked_ = false;
    if (codec_known_) {
      decoder_ = pipeline_.codec == Codec::kGzip   ? pipeline_.gzip
                 : pipeline_.codec == Codec::kZstd ? pipeline_.zstd
                                                   : nullptr;
      if (decoder_ != nullptr) decoder_->reset();
    }
    if (stored != 0 || decoded != 0 || wanted != 0) return refuse();
  } else {
    codec_known_ = decoded_checked_ = true;
    if (kind == static_cast<uint8_t>(Codec::kGzip))
      decoder_ = pipeline_.gzip;
    else if (kind == static_cast<uint8_t>(Codec::kZstd))
      decoder_ = pipeline_.zstd;
    else if (kind != static_cast<uint8_t>(Codec::kNone))
      return refuse();
    if (kind != static_cast<uint8_t>(Codec::kNone)) {
      if (decoder_ == nullptr || !decoder_->load(in)) return refuse();
      const DecoderPosition at = decoder_->position();
      if (at.stored_byte != stored || at.decoded_byte != decoded) return refuse();
      // Until the window has come past it, this is the place to go on from.
      save_snapshot(behind_);
    } else if (stored != wanted || decoded != wanted) {
      return refuse();
    }
  }
  return pipeline_.source->seek(stored);
}

}  // namespace weir

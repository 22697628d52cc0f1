#include "codec/zstd_decoder.hpp"

#include <algorithm>
#include <cstring>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/assert.hpp"
#include "codec/amplification.hpp"

namespace weir {
namespace {

constexpr uint32_t kStateTag = 0x5a000001u;  // 'Z', version 1
constexpr size_t kHeaderBytesMin = 5;        // magic and descriptor; a skippable frame's header is 8
constexpr uint32_t kWindowMin = 1u << ZSTD_WINDOWLOG_MIN;

uint32_t window_max(const DecoderLimits& limits) { return std::max(limits.zstd_window_max, kWindowMin); }

}  // namespace

size_t ZstdDecoder::context_bytes(const DecoderLimits& limits) { return ZSTD_estimateDStreamSize(window_max(limits)); }

ZstdDecoder::ZstdDecoder(const DecoderLimits& limits, std::span<char> context_room)
    : limits_(limits), context_(ZSTD_initStaticDStream(context_room.data(), context_bytes(limits))) {
  WEIR_ASSERT(context_room.size() >= context_bytes(limits) && context_ != nullptr);
  const size_t result = ZSTD_DCtx_setMaxWindowSize(context_, window_max(limits));
  WEIR_ASSERT(!ZSTD_isError(result));
  reset();
}

void ZstdDecoder::reset() {
  phase_ = Phase::kHeader;
  more_inside_ = false;
  wants_room_ = false;
  header_size_ = 0;
  header_fed_ = 0;
  skip_left_ = 0;
  frames_ = 0;
  stored_ = 0;
  decoded_ = 0;
  frame_stored_ = 0;
  frame_decoded_ = 0;
  ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
}

Transfer ZstdDecoder::decode(std::string_view in, bool end, std::span<char> out, Error& error) {
  Call call{in, out, end};
  bool more = true;
  while (more) {
    switch (phase_) {
      case Phase::kHeader:
        more = advance_header(call);
        break;
      case Phase::kSkip:
        more = advance_skip(call);
        break;
      case Phase::kFrame:
        more = advance_frame(call);
        break;
      case Phase::kFailed:
        call.answer = Step::kFailed;
        more = false;
        break;
    }
  }
  if (call.answer == Step::kFailed) error = error_;
  return {call.answer, in.size() - call.in.size(), out.size() - call.out.size()};
}

bool ZstdDecoder::fail(Call& call, Code code, uint64_t byte, std::string_view what) {
  error_ = Error(code);
  error_.at_byte(byte);
  error_.detail.append("frame ").append_number(frames_ + 1);
  if (!what.empty()) error_.detail.append(": ").append(what);
  phase_ = Phase::kFailed;
  call.answer = Step::kFailed;
  return false;
}

bool ZstdDecoder::advance_header(Call& call) {
  while (true) {
    ZSTD_frameHeader header{};
    size_t want = kHeaderBytesMin;
    if (header_size_ != 0) {
      const size_t result = ZSTD_getFrameHeader(&header, header_, header_size_);
      if (ZSTD_isError(result)) {
        const bool unknown = ZSTD_getErrorCode(result) == ZSTD_error_prefix_unknown;
        return fail(call, Code::kZstdBadData, frame_stored_, unknown ? "not a zstd frame" : "bad frame header");
      }
      if (result == 0) {
        if (header.frameType == ZSTD_skippableFrame) {
          skip_left_ = header.frameContentSize;
          phase_ = Phase::kSkip;
          return true;
        }
        if (header.dictID != 0) {
          fail(call, Code::kZstdDictionary, frame_stored_, "dictionary ");
          error_.detail.append_number(header.dictID);
          return false;
        }
        if (header.windowSize > window_max(limits_)) {
          constexpr uint64_t kMiB = 1 << 20;
          fail(call, Code::kZstdWindow, frame_stored_, "needs ");
          error_.detail.append_number(header.windowSize / kMiB + (header.windowSize % kMiB != 0 ? 1 : 0));
          error_.detail.append(" MiB, planned ").append_number(window_max(limits_) / kMiB).append(" MiB");
          return false;
        }
        header_fed_ = 0;
        more_inside_ = true;
        phase_ = Phase::kFrame;
        return true;
      }
      want = std::min(result, kHeaderBytesMax);
    }
    // One byte at a time until the magic number is known, so that an unknown one is told from its first wrong byte on.
    const size_t n = std::min(header_size_ < kHeaderBytesMin ? 1 : want - header_size_, call.in.size());
    if (n == 0) {
      if (!call.end) {
        call.answer = Step::kNeedInput;
        return false;
      }
      if (header_size_ != 0) return fail(call, Code::kZstdTruncated, stored_, "");
      call.answer = Step::kFinished;
      return false;
    }
    std::memcpy(header_ + header_size_, call.in.data(), n);
    header_size_ += n;
    call.in.remove_prefix(n);
    stored_ += n;
  }
}

bool ZstdDecoder::advance_skip(Call& call) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(skip_left_, call.in.size()));
  call.in.remove_prefix(n);
  stored_ += n;
  skip_left_ -= n;
  if (skip_left_ == 0) {
    end_frame();
    return true;
  }
  if (call.end) return fail(call, Code::kZstdTruncated, stored_, "");
  call.answer = Step::kNeedInput;
  return false;
}

bool ZstdDecoder::advance_frame(Call& call) {
  const bool from_header = header_fed_ < header_size_;
  if (!from_header && call.in.empty() && !more_inside_) {
    if (call.end) return fail(call, Code::kZstdTruncated, stored_, "");
    call.answer = Step::kNeedInput;
    return false;
  }
  if (wants_room_ && call.out.empty()) {  // libzstd takes repeated calls without progress for an error
    call.answer = Step::kHaveOutput;
    return false;
  }
  wants_room_ = false;
  char none = 0;
  ZSTD_inBuffer in = from_header ? ZSTD_inBuffer{header_ + header_fed_, header_size_ - header_fed_, 0}
                                 : ZSTD_inBuffer{call.in.empty() ? &none : call.in.data(), call.in.size(), 0};
  ZSTD_outBuffer out{call.out.empty() ? &none : call.out.data(), call.out.size(), 0};
  const size_t result = ZSTD_decompressStream(context_, &out, &in);
  if (from_header) {
    header_fed_ += in.pos;
  } else {
    call.in.remove_prefix(in.pos);
    stored_ += in.pos;
  }
  call.out = call.out.subspan(out.pos);
  decoded_ += out.pos;
  if (ZSTD_isError(result)) {
    const bool checksum = ZSTD_getErrorCode(result) == ZSTD_error_checksum_wrong;
    return fail(call, Code::kZstdBadData, stored_, checksum ? "checksum" : ZSTD_getErrorName(result));
  }
  if (limits_.amplification_guard && is_amplified(limits_, decoded_, stored_)) {
    return fail(call, Code::kAmplification, stored_, "");
  }
  if (result == 0) {
    end_frame();
    return true;
  }
  // A full `out` may leave decoded bytes inside.
  more_inside_ = call.out.empty();
  if (more_inside_ && in.pos == 0 && out.pos == 0) {
    wants_room_ = true;
    call.answer = Step::kHaveOutput;
    return false;
  }
  return true;
}

void ZstdDecoder::end_frame() {
  ++frames_;
  header_size_ = 0;
  header_fed_ = 0;
  more_inside_ = false;
  frame_stored_ = stored_;
  frame_decoded_ = decoded_;
  phase_ = Phase::kHeader;
}

void ZstdDecoder::save(StateWriter& out) const {
  WEIR_ASSERT(phase_ != Phase::kFailed);
  out.put(kStateTag);
  out.put(frames_);
  out.put(frame_stored_);
  out.put(frame_decoded_);
}

bool ZstdDecoder::load(StateReader& in) {
  reset();
  const bool tag_is_right = in.get<uint32_t>() == kStateTag;
  const auto frames = in.get<uint64_t>();
  const auto stored = in.get<uint64_t>();
  const auto decoded = in.get<uint64_t>();
  if (!in.ok() || !tag_is_right) return false;
  frames_ = frames;
  stored_ = frame_stored_ = stored;
  decoded_ = frame_decoded_ = decoded;
  return true;
}

}  // namespace weir

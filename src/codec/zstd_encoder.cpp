#include "codec/zstd_encoder.hpp"

#include <algorithm>
#include <cstring>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/assert.hpp"

namespace weir {
namespace {

constexpr uint32_t kStateTag = 0x7a000001u;  // 'z', version 1

/// The level's parameters as libzstd has them for sources of 512 KiB, which limits the window to that.
ZSTD_compressionParameters parameters_of(int level) { return ZSTD_getCParams(level, 512 << 10, 0); }

}  // namespace

size_t ZstdEncoder::context_bytes(int level) { return ZSTD_estimateCStreamSize_usingCParams(parameters_of(level)); }

ZstdEncoder::ZstdEncoder(int level, std::span<char> context_room)
    : level_(level), context_(ZSTD_initStaticCStream(context_room.data(), context_bytes(level))) {
  WEIR_ASSERT(level >= kLevelMin && level <= kLevelMax);
  WEIR_ASSERT(context_room.size() >= context_bytes(level) && context_ != nullptr);
  const ZSTD_compressionParameters p = parameters_of(level);
  const auto set = [this](ZSTD_cParameter parameter, unsigned value) {
    const size_t result = ZSTD_CCtx_setParameter(context_, parameter, static_cast<int>(value));
    WEIR_ASSERT(!ZSTD_isError(result));
  };
  set(ZSTD_c_windowLog, p.windowLog);
  set(ZSTD_c_chainLog, p.chainLog);
  set(ZSTD_c_hashLog, p.hashLog);
  set(ZSTD_c_searchLog, p.searchLog);
  set(ZSTD_c_minMatch, p.minMatch);
  set(ZSTD_c_targetLength, p.targetLength);
  set(ZSTD_c_strategy, p.strategy);
  set(ZSTD_c_checksumFlag, 1);
  set(ZSTD_c_contentSizeFlag, 0);
  reset();
}

void ZstdEncoder::reset() {
  any_frame_ = false;
  finished_ = false;
  unit_open_ = false;
  compressing_ = false;
  ending_ = false;
  chunk_size_ = 0;
  chunk_done_ = 0;
  stage_begin_ = 0;
  stage_end_ = 0;
  ZSTD_CCtx_reset(context_, ZSTD_reset_session_only);
}

Transfer ZstdEncoder::encode(std::string_view in, Flush flush, std::span<char> out, Error&) {
  Transfer t;
  while (true) {
    if (stage_begin_ != stage_end_) {
      const size_t n = std::min(stage_end_ - stage_begin_, out.size() - t.produced);
      if (n != 0) std::memcpy(out.data() + t.produced, stage_ + stage_begin_, n);
      stage_begin_ += n;
      t.produced += n;
      if (stage_begin_ != stage_end_) {
        t.step = Step::kHaveOutput;
        return t;
      }
      stage_begin_ = stage_end_ = 0;
    }
    if (finished_) {
      WEIR_ASSERT(t.consumed == in.size());  // nothing follows the end of an object, but reset()
      t.step = Step::kFinished;
      return t;
    }
    if (compressing_) {
      run_zstd();
      continue;
    }
    if (t.consumed < in.size()) {
      unit_open_ = true;
      const size_t n = std::min(in.size() - t.consumed, kChunkBytes - chunk_size_);
      std::memcpy(chunk_ + chunk_size_, in.data() + t.consumed, n);
      chunk_size_ += n;
      t.consumed += n;
      compressing_ = chunk_size_ == kChunkBytes;
      continue;
    }
    if (flush == Flush::kNone || (flush == Flush::kUnit && !unit_open_)) {
      t.step = Step::kNeedInput;
      return t;
    }
    if (!unit_open_ && any_frame_) {
      finished_ = true;
      continue;
    }
    unit_open_ = true;
    ending_ = true;
    compressing_ = true;
  }
}

void ZstdEncoder::run_zstd() {
  WEIR_ASSERT(stage_begin_ == 0 && stage_end_ == 0);
  ZSTD_inBuffer in{chunk_, chunk_size_, chunk_done_};
  ZSTD_outBuffer out{stage_, kStageBytes, 0};
  const size_t result = ZSTD_compressStream2(context_, &out, &in, ending_ ? ZSTD_e_end : ZSTD_e_continue);
  WEIR_ASSERT(!ZSTD_isError(result));  // the context is as large as libzstd asked for, and nothing else can fail
  chunk_done_ = in.pos;
  stage_end_ = out.pos;
  compressing_ = ending_ ? result != 0 : chunk_done_ != chunk_size_;
  if (compressing_) return;
  chunk_size_ = 0;
  chunk_done_ = 0;
  if (ending_) {
    ending_ = false;
    unit_open_ = false;
    any_frame_ = true;
  }
}

void ZstdEncoder::save(StateWriter& out) const {
  WEIR_ASSERT(!unit_open_ && stage_begin_ == stage_end_);
  out.put(kStateTag);
  out.put(static_cast<uint8_t>(level_));
  out.put(static_cast<uint8_t>(any_frame_));
}

bool ZstdEncoder::load(StateReader& in) {
  reset();
  const bool tag_is_right = in.get<uint32_t>() == kStateTag;
  const bool level_is_right = in.get<uint8_t>() == static_cast<uint8_t>(level_);
  const auto any_frame = in.get<uint8_t>();
  if (!in.ok() || !tag_is_right || !level_is_right || any_frame > 1) return false;
  any_frame_ = any_frame != 0;
  return true;
}

}  // namespace weir

#include "codec/gzip_encoder.hpp"

#include <algorithm>
#include <cstring>

#include <isa-l/crc.h>

#include "base/assert.hpp"

namespace weir {
namespace {

constexpr char kHeader[10] = {'\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, '\xff'};
constexpr char kEmptyFinalBlock[2] = {3, 0};  // final, fixed codes, end of block
constexpr uint32_t kStateTag = 0x67000001u;   // 'g', version 1
constexpr uint8_t kOtherKernels = 0x80;  // beside the level: written by a CPU without what common_kernels asks for

}  // namespace

size_t GzipEncoder::level_bytes(int level) {
  switch (level) {
    case 0:
      return ISAL_DEF_LVL0_MEDIUM;
    case 1:
      return ISAL_DEF_LVL1_MEDIUM;
    case 2:
      return ISAL_DEF_LVL2_MEDIUM;
    default:
      return ISAL_DEF_LVL3_MEDIUM;
  }
}

bool GzipEncoder::common_kernels(int level) {
#if defined(__x86_64__)
  return level < 3 ? __builtin_cpu_supports("sse4.2") != 0 : __builtin_cpu_supports("avx2") != 0;
#else
  (void)level;
  return true;
#endif
}

GzipEncoder::GzipEncoder(int level, std::span<char> level_room) : level_(level), level_room_(level_room) {
  WEIR_ASSERT(level >= 0 && level <= kLevelMax && level_room.size() >= level_bytes(level));
  std::memset(&stream_, 0, sizeof stream_);
  if (!level_room_.empty()) std::memset(level_room_.data(), 0, level_room_.size());
  reset();
}

void GzipEncoder::reset() {
  header_done_ = false;
  finished_ = false;
  unit_open_ = false;
  compressing_ = false;
  flush_ = Flush::kNone;
  crc_ = 0;
  input_bytes_ = 0;
  chunk_size_ = 0;
  stage_begin_ = 0;
  stage_end_ = 0;
}

Transfer GzipEncoder::encode(std::string_view in, Flush flush, std::span<char> out, Error&) {
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
      run_isal();
      continue;
    }
    if (t.consumed < in.size()) {
      begin_unit();
      const size_t n = std::min(in.size() - t.consumed, kChunkBytes - chunk_size_);
      std::memcpy(chunk_ + chunk_size_, in.data() + t.consumed, n);
      chunk_size_ += n;
      t.consumed += n;
      if (chunk_size_ == kChunkBytes) compress(Flush::kNone);
      continue;
    }
    if (flush == Flush::kNone || (flush == Flush::kUnit && !unit_open_)) {
      t.step = Step::kNeedInput;
      return t;
    }
    if (unit_open_) {
      compress(flush);
      continue;
    }
    if (!header_done_) stage({kHeader, sizeof kHeader});
    header_done_ = true;
    if (flush_ != Flush::kFinish) stage({kEmptyFinalBlock, sizeof kEmptyFinalBlock});
    char trailer[8];
    for (int i = 0; i < 4; ++i) {
      trailer[i] = static_cast<char>(crc_ >> (8 * i));
      trailer[4 + i] = static_cast<char>(input_bytes_ >> (8 * i));
    }
    stage({trailer, sizeof trailer});
    finished_ = true;
  }
}

void GzipEncoder::begin_unit() {
  if (unit_open_) return;
  unit_open_ = true;
  isal_deflate_init(&stream_);
  stream_.level = static_cast<uint32_t>(level_);
  stream_.level_buf = reinterpret_cast<uint8_t*>(level_room_.data());
  stream_.level_buf_size = static_cast<uint32_t>(level_bytes(level_));
  stream_.gzip_flag = IGZIP_DEFLATE;
}

void GzipEncoder::compress(Flush flush) {
  crc_ = crc32_gzip_refl(crc_, chunk_, chunk_size_);
  input_bytes_ += chunk_size_;
  stream_.next_in = chunk_;
  stream_.avail_in = static_cast<uint32_t>(chunk_size_);
  stream_.flush = flush == Flush::kUnit ? FULL_FLUSH : NO_FLUSH;
  stream_.end_of_stream = flush == Flush::kFinish ? 1 : 0;
  flush_ = flush;
  compressing_ = true;
  // The header goes first, in a stage of its own.
  if (!header_done_) stage({kHeader, sizeof kHeader});
  header_done_ = true;
}

void GzipEncoder::run_isal() {
  WEIR_ASSERT(stage_begin_ == 0 && stage_end_ == 0);
  stream_.next_out = stage_;
  stream_.avail_out = kStageBytes;
  const uint32_t in_before = stream_.avail_in;
  const int result = isal_deflate(&stream_);
  WEIR_ASSERT(result == COMP_OK);
  stage_end_ = kStageBytes - stream_.avail_out;
  const isal_zstate& state = stream_.internal_state;
  const bool input_done = stream_.avail_in == 0;
  const bool buffer_done = state.b_bytes_valid == state.b_bytes_processed;
  switch (flush_) {
    case Flush::kNone:
      // Room left over: isa-l waits for more input.
      compressing_ = !(input_done && stream_.avail_out != 0);
      break;
    case Flush::kUnit:
      compressing_ = !(input_done && buffer_done && state.state == ZSTATE_NEW_HDR);
      break;
    case Flush::kFinish:
      compressing_ = state.state != ZSTATE_END;
      break;
  }
  WEIR_ASSERT(!compressing_ || stage_end_ != 0 || stream_.avail_in < in_before);  // no standing still
  if (!compressing_) {
    chunk_size_ = 0;
    if (flush_ != Flush::kNone) unit_open_ = false;
  }
}

void GzipEncoder::stage(std::string_view bytes) {
  WEIR_ASSERT(bytes.size() <= kStageBytes - stage_end_);
  std::memcpy(stage_ + stage_end_, bytes.data(), bytes.size());
  stage_end_ += bytes.size();
}

void GzipEncoder::save(StateWriter& out) const {
  WEIR_ASSERT(!unit_open_ && !compressing_ && stage_begin_ == stage_end_);
  out.put(kStateTag);
  out.put(static_cast<uint8_t>(level_ | (common_kernels(level_) ? 0 : kOtherKernels)));
  out.put(static_cast<uint8_t>(header_done_));
  out.put(crc_);
  out.put(input_bytes_);
}

bool GzipEncoder::load(StateReader& in) {
  reset();
  const bool tag_is_right = in.get<uint32_t>() == kStateTag;
  const bool level_is_right = in.get<uint8_t>() == (level_ | (common_kernels(level_) ? 0 : kOtherKernels));
  const auto header_done = in.get<uint8_t>();
  const auto crc = in.get<uint32_t>();
  const auto input_bytes = in.get<uint64_t>();
  if (!in.ok() || !tag_is_right || !level_is_right || header_done > 1 || (header_done == 0 && input_bytes != 0))
    return false;
  header_done_ = header_done != 0;
  crc_ = crc;
  input_bytes_ = input_bytes;
  return true;
}

}  // namespace weir

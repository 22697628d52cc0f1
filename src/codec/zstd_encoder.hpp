// ZstdEncoder: zstd frames (RFC 8878), one for each commit unit, with a checksum, on a static compression context,
// which never allocates. The window is limited to 512 KiB. An object that got no input is one empty frame.
//
// The output is a function of the input and the flushes alone: libzstd is fed chunks of 64 KiB counted from the unit's
// start, and writes into a stage of fixed size that is empty whenever it is called. No state outlives a unit but
// whether there was one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codec/codec.hpp"

struct ZSTD_CCtx_s;

namespace weir {

class ZstdEncoder final : public Encoder {
 public:
  static constexpr int kLevelDefault = 3;
  static constexpr int kLevelMin = 1;
  static constexpr int kLevelMax = 9;

  static size_t context_bytes(int level);

  /// `context_room` (aligned to 8) has context_bytes(level) bytes and outlives the encoder.
  ZstdEncoder(int level, std::span<char> context_room);

  void reset() override;
  Transfer encode(std::string_view in, Flush flush, std::span<char> out, Error& error) override;
  static constexpr size_t kStateBytesMax = 16;
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  static constexpr size_t kChunkBytes = 64 << 10;
  static constexpr size_t kStageBytes = 16 << 10;

  void run_zstd();  ///< one call of libzstd, into the empty stage

  int level_;
  bool any_frame_ = false;  ///< a frame was ended
  bool finished_ = false;
  bool unit_open_ = false;  ///< libzstd, or the chunk, holds something of the running unit
  bool compressing_ = false;  ///< libzstd has not yet done all of the chunk, or has not yet ended the frame
  bool ending_ = false;  ///< the running chunk ends the frame
  size_t chunk_size_ = 0;
  size_t chunk_done_ = 0;
  size_t stage_begin_ = 0;
  size_t stage_end_ = 0;
  ZSTD_CCtx_s* context_;
  alignas(64) char chunk_[kChunkBytes];
  alignas(64) char stage_[kStageBytes];
};

}  // namespace weir

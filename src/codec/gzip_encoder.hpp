// GzipEncoder: one gzip member (RFC 1952) whose commit units are raw-deflate streams (RFC 1951) from a freshly reset
// isa-l encoder, each ended by a full flush: byte-aligned, and nothing behind refers back. Header (no time, no name, OS
// unknown), trailer, CRC and length are kept here, over all units; so right after a unit the state is 12 bytes and two
// flags.
//
// isa-l's output depends on how it is fed. So it is fed chunks of 64 KiB counted from the unit's start, and writes into
// a stage of fixed size that is empty whenever it is called: neither the caller's windows nor their sizes reach it.
// isa-l picks its kernels by the CPU. Those for SSE4.2, AVX2 and AVX-512 give the same bytes at levels 0 to 2, those for
// AVX2 and AVX-512 at level 3 (scripts/third_party.sh has a patch). What a CPU without these began is not gone on with
// on one that has them, nor the other way round: `load` refuses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <isa-l/igzip_lib.h>

#include "codec/codec.hpp"

namespace weir {

class GzipEncoder final : public Encoder {
 public:
  static constexpr int kLevelDefault = 1;
  static constexpr int kLevelMax = 3;

  /// Bytes that isa-l wants at `level` (0..3), its medium size.
  static size_t level_bytes(int level);

  /// Has this CPU what isa-l's common output at `level` asks for: SSE4.2, at level 3 AVX2?
  static bool common_kernels(int level);

  /// `level_room` has level_bytes(level) bytes and outlives the encoder.
  GzipEncoder(int level, std::span<char> level_room);

  void reset() override;
  Transfer encode(std::string_view in, Flush flush, std::span<char> out, Error& error) override;
  static constexpr size_t kStateBytesMax = 32;
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  static constexpr size_t kChunkBytes = 64 << 10;
  static constexpr size_t kStageBytes = 16 << 10;

  void compress(Flush flush);  ///< gives the chunk to isa-l, with this flush
  void run_isal();  ///< one call of isa-l, into the empty stage
  void begin_unit();
  void stage(std::string_view bytes);

  int level_;
  bool header_done_ = false;
  bool finished_ = false;  ///< the trailer is in the stage, or delivered
  bool unit_open_ = false;  ///< isa-l, or the chunk, holds something of the running unit
  bool compressing_ = false;  ///< isa-l has not yet done all of the chunk and of `flush_`
  Flush flush_ = Flush::kNone;  ///< of the running chunk
  uint32_t crc_ = 0;
  uint64_t input_bytes_ = 0;
  size_t chunk_size_ = 0;
  size_t stage_begin_ = 0;
  size_t stage_end_ = 0;
  std::span<char> level_room_;
  isal_zstream stream_;
  alignas(64) uint8_t chunk_[kChunkBytes];
  alignas(64) uint8_t stage_[kStageBytes];
};

}  // namespace weir

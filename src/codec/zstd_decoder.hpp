// ZstdDecoder: zstd frames (RFC 8878) on a static decompression context, which never allocates.
//
// Each frame's header is read here first, so that a frame that needs too much is refused before anything of it is
// decoded: a window above the limit (W2022, names the MiB), a dictionary (W2023, names its id). Any number of frames;
// skippable ones are skipped. What follows the last frame and is none is damage (W3007). A stream of 0 bytes is
// complete and empty.
//
// `save` stores the start of the running frame, as libzstd's state can't be: after `load` the stream is fed again from
// position().stored_byte, and what comes out begins at position().decoded_byte. A frame is one commit unit in streams
// that Weir wrote.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codec/codec.hpp"

struct ZSTD_DCtx_s;

namespace weir {

class ZstdDecoder final : public Decoder {
 public:
  static size_t context_bytes(const DecoderLimits& limits);

  /// `context_room` (aligned to 8) has context_bytes(limits) bytes and outlives the decoder.
  ZstdDecoder(const DecoderLimits& limits, std::span<char> context_room);

  void reset() override;
  Transfer decode(std::string_view in, bool end, std::span<char> out, Error& error) override;
  DecoderPosition position() const override { return {frame_stored_, frame_decoded_}; }
  static constexpr size_t kStateBytesMax = 32;
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  enum class Phase : uint8_t { kHeader, kSkip, kFrame, kFailed };
  struct Call {
    std::string_view in;
    std::span<char> out;
    bool end;
    Step answer = Step::kNeedInput;
  };
  static constexpr size_t kHeaderBytesMax = 18;

  bool advance_header(Call& call);
  bool advance_skip(Call& call);
  bool advance_frame(Call& call);
  bool fail(Call& call, Code code, uint64_t byte, std::string_view what);
  void end_frame();

  DecoderLimits limits_;
  ZSTD_DCtx_s* context_;
  Phase phase_ = Phase::kHeader;
  bool more_inside_ = false;  ///< libzstd may hold decoded bytes
  bool wants_room_ = false;  ///< libzstd can't go on without room for output
  size_t header_size_ = 0;  ///< bytes gathered of the header
  size_t header_fed_ = 0;  ///< of these, given to libzstd
  char header_[kHeaderBytesMax] = {};
  uint64_t skip_left_ = 0;
  uint64_t frames_ = 0;  ///< ended
  uint64_t stored_ = 0;
  uint64_t decoded_ = 0;
  uint64_t frame_stored_ = 0;  ///< where the running frame begins
  uint64_t frame_decoded_ = 0;
  Error error_;
};

}  // namespace weir

// Decoder and Encoder: bytes -> bytes, sans-I/O. The caller owns both windows; a step never allocates, blocks or looks
// at a clock, and can be suspended after any byte. The third-party codecs hide behind these two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/state.hpp"
#include "base/step.hpp"

namespace weir {

enum class Codec : uint8_t { kNone, kGzip, kZstd };

const char* codec_name(Codec codec);

/// Tells the codec by the first bytes of a stream (gzip 1f 8b, zstd 28 b5 2f fd or a skippable frame). `head` may be
/// shorter than a magic number when the stream is: then it is one that was cut, if no text begins so, or if `name` ends
/// as the codec's files do.
Codec detect_codec(std::string_view head, std::string_view name = {});
/// What a file's name says: .gz .gzip .zst .zstd in any capitals.
Codec codec_of_ending(std::string_view name);

struct DecoderLimits {
  uint32_t zstd_window_max = 8u << 20;  ///< bytes; a frame that needs more is refused from its header (W2022)
  uint32_t amplification_max =
      250;  ///< exit 33 when decoded > amplification_max * stored AND decoded > amplification_free
  uint64_t amplification_free = 64ull << 20;  ///< bytes
  bool amplification_guard = true;
  bool trailing_garbage_ignored = false;  ///< bytes behind the last gzip member that are no member: ignored, else W3005
};

/// Where the state that `save` writes belongs: after `load`, feed the stored stream from `stored_byte`; what comes out
/// then begins at `decoded_byte` of the decoded stream. May lie behind what was delivered (zstd: the start of the
/// frame): the caller discards the difference.
struct DecoderPosition {
  uint64_t stored_byte = 0;
  uint64_t decoded_byte = 0;
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Makes ready for a new stream.
  virtual void reset() = 0;
  /// Decodes from `in` into `out`. `end`: no input follows `in`. kNeedInput: all of `in` was used and more is needed.
  /// kHaveOutput: `out` is full (call again with more room; `in` may be used up). kFinished: `end` was set, the stream
  /// is complete and everything was delivered. kFailed: `error` says why, `error.byte` is the stored offset,
  /// `error.detail` names the member or frame; the bytes produced by this call are good. A stream of 0 bytes is
  /// complete and empty. What is delivered, the code of a failure and its offset don't depend on how the stream was cut
  /// into calls (the moment at which the amplification guard strikes does, by some calls).
  virtual Transfer decode(std::string_view in, bool end, std::span<char> out, Error& error) = 0;

  /// The place in both streams that a `save` now would stand for.
  virtual DecoderPosition position() const = 0;
  virtual size_t state_bytes_max() const = 0;
  /// At any time while the decoder has not failed.
  virtual void save(StateWriter& out) const = 0;
  /// False: the bytes are not a state of this decoder, library version and layout; it is then as after reset().
  virtual bool load(StateReader& in) = 0;
};

enum class Flush : uint8_t {
  kNone,
  kUnit,  ///< end of a commit unit: everything is delivered, byte-aligned, nothing after refers back
  kFinish,  ///< end of the object
};

/// The output bytes are a function of the input bytes and of the places of the flushes alone, never of how the input
/// was cut into calls or how large `out` was.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Makes ready for a new object.
  virtual void reset() = 0;
  /// Encodes `in`, then - once `in` is used up - carries out `flush`. kHaveOutput: `out` is full, call again with the
  /// rest of `in` and the same flush. kNeedInput: all of `in` was used and the flush (kNone, kUnit) is done. kFinished:
  /// the object is complete.
  virtual Transfer encode(std::string_view in, Flush flush, std::span<char> out, Error& error) = 0;

  virtual size_t state_bytes_max() const = 0;
  /// Only right after a kUnit flush.
  virtual void save(StateWriter& out) const = 0;
  virtual bool load(StateReader& in) = 0;
};

/// Worst-case memory of a decoder or encoder, in bytes: object and tables, windows included. Kept by its constructor,
/// which takes just this much room. For isa-l 2.30 and zstd 1.5.4 on x86-64:
///
///   gzip decoder  inflate_state 86 KiB + the copy that a failing call is repeated from (53 KiB)        about 140 KiB
///   zstd decoder  object + ZSTD_estimateDStreamSize(zstd_window_max) = context 94 KiB + one block 128 KiB
///                 + window + two blocks                                                    at 8 MiB: about  8.5 MiB
///   gzip encoder  object (isal_zstream 82 KiB + input chunk 64 KiB + output stage 16 KiB) + level buffer
///                 (0 / 148 / 196 / 212 KiB)                                              at level 1: about  310 KiB
///   zstd encoder  object (chunk and stage: 80 KiB) + ZSTD_estimateCStreamSize of the level's parameters for a window
///                 of 512 KiB                                     at level 3: about 2.1 MiB, at level 9: about  7.3 MiB
size_t decoder_memory_max(Codec codec, const DecoderLimits& limits);
size_t encoder_memory_max(Codec codec, int level);

/// What save() writes at most; the same as the objects' state_bytes_max(), known before they are made.
size_t decoder_state_max(Codec codec);
size_t encoder_state_max(Codec codec);

/// Constructs in `room` (aligned to 64, at least *_memory_max bytes: asserted). The result lives in `room` and needs no
/// destruction. `level`: gzip 0..3 (isa-l's), zstd 1..9; -1 is the default (gzip 1, zstd 3); what lies outside is
/// clamped.
Decoder* make_decoder(Codec codec, const DecoderLimits& limits, std::span<char> room);
Encoder* make_encoder(Codec codec, int level, std::span<char> room);

}  // namespace weir

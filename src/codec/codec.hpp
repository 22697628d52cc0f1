// Decoder and Encoder: bytes -> bytes, sans-I/O. The caller owns both windows; a step never allocates, blocks or looks at a
// clock, and can be suspended after any byte. The third-party codecs hide behind these two.
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

/// Tells the codec by the first bytes of a stream (gzip 1f 8b, zstd 28 b5 2f fd or a skippable frame). `head` may be shorter
/// than a magic number: then kNone.
Codec detect_codec(std::string_view head);

struct DecoderLimits {
  uint32_t zstd_window_max = 8u << 20;  ///< bytes; a frame that needs more is refused from its header (W2022)
  uint32_t amplification_max = 250;     ///< exit 33 when decoded > amplification_max * stored AND decoded > amplification_free
  uint64_t amplification_free = 64ull << 20;  ///< bytes
  bool amplification_guard = true;
  bool trailing_garbage_ignored = false;  ///< bytes behind the last gzip member that are no member: ignored, else W3005
};

class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Makes ready for a new stream.
  virtual void reset() = 0;
  /// Decodes from `in` into `out`. `end`: no input follows `in`. kNeedInput: all of `in` was used and more is needed.
  /// kHaveOutput: `out` is full (call again with more room; `in` may be used up). kFinished: `end` was set, the stream is complete
  /// and everything was delivered. kFailed: `error` says why, `error.byte` is the stored offset; the bytes produced by this
  /// call are good.
  virtual Transfer decode(std::string_view in, bool end, std::span<char> out, Error& error) = 0;

  virtual size_t state_bytes_max() const = 0;
  virtual void save(StateWriter& out) const = 0;
  virtual bool load(StateReader& in) = 0;
};

enum class Flush : uint8_t {
  kNone,
  kUnit,    ///< end of a commit unit: everything is delivered, byte-aligned, nothing after refers back
  kFinish,  ///< end of the object
};

/// The output bytes are a function of the input bytes and of the places of the flushes alone, never of how the input was cut
/// into calls or how large `out` was.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Makes ready for a new object.
  virtual void reset() = 0;
  /// Encodes `in`, then - once `in` is used up - carries out `flush`. kHaveOutput: `out` is full, call again with the rest of `in` and the
  /// same flush. kNeedInput: all of `in` was used and the flush (kNone, kUnit) is done. kFinished: the object is complete.
  virtual Transfer encode(std::string_view in, Flush flush, std::span<char> out, Error& error) = 0;

  virtual size_t state_bytes_max() const = 0;
  /// Only right after a kUnit flush.
  virtual void save(StateWriter& out) const = 0;
  virtual bool load(StateReader& in) = 0;
};

/// Worst-case memory of a decoder or encoder, in bytes: object and tables, windows included. Stated by its file, kept by its
/// constructor, which takes just this much room.
size_t decoder_memory_max(Codec codec, const DecoderLimits& limits);
size_t encoder_memory_max(Codec codec, int level);

/// Constructs in `room` (aligned to 64, at least *_memory_max bytes). The result lives in `room` and needs no destruction.
/// `level`: gzip 0..3 (isa-l's), zstd 1..9; -1 is the default (gzip 1, zstd 3).
Decoder* make_decoder(Codec codec, const DecoderLimits& limits, std::span<char> room);
Encoder* make_encoder(Codec codec, int level, std::span<char> room);

}  // namespace weir

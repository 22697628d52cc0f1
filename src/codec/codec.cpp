#include "codec/codec.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.hpp"
#include "codec/gzip_decoder.hpp"
#include "codec/gzip_encoder.hpp"
#include "codec/identity.hpp"
#include "codec/zstd_decoder.hpp"
#include "codec/zstd_encoder.hpp"

namespace weir {
namespace {

constexpr size_t kRoomAlignment = 64;

/// The size of an object, rounded so that what stands behind it is aligned too.
template <typename T>
constexpr size_t kObjectBytes = (sizeof(T) + kRoomAlignment - 1) / kRoomAlignment * kRoomAlignment;

int clamp_level(Codec codec, int level) {
  switch (codec) {
    case Codec::kGzip:
      return level < 0 ? GzipEncoder::kLevelDefault : std::min(level, GzipEncoder::kLevelMax);
    case Codec::kZstd:
      return level < 0 ? ZstdEncoder::kLevelDefault : std::clamp(level, ZstdEncoder::kLevelMin, ZstdEncoder::kLevelMax);
    case Codec::kNone:
      break;
  }
  return 0;
}

void check_room(std::span<char> room, size_t bytes) {
  WEIR_ASSERT(reinterpret_cast<uintptr_t>(room.data()) % kRoomAlignment == 0 && room.size() >= bytes);
}

}  // namespace

const char* codec_name(Codec codec) {
  switch (codec) {
    case Codec::kNone:
      return "none";
    case Codec::kGzip:
      return "gzip";
    case Codec::kZstd:
      return "zstd";
  }
  return "?";
}

Codec codec_of_ending(std::string_view name) {
  const auto ends_with = [&](std::string_view ending) {
    if (name.size() < ending.size()) return false;
    const std::string_view end = name.substr(name.size() - ending.size());
    return std::equal(end.begin(), end.end(), ending.begin(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  };
  if (ends_with(".gz") || ends_with(".gzip")) return Codec::kGzip;
  if (ends_with(".zst") || ends_with(".zstd")) return Codec::kZstd;
  return Codec::kNone;
}

Codec detect_codec(std::string_view head, std::string_view name) {
  if (head.starts_with("\x1f\x8b")) return Codec::kGzip;
  if (head == "\x1f") return Codec::kGzip;  // all that is left of a file that was cut: no text is that
  constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";
  if (head.starts_with(kZstdMagic)) return Codec::kZstd;
  // A skippable frame: 0x184d2a50 to 0x184d2a5f, little-endian.
  if (head.size() >= 4 && (head[0] & 0xf0) == 0x50 && head.substr(1, 3) == "\x2a\x4d\x18") return Codec::kZstd;
  if (head.empty() || head.size() >= kZstdMagic.size()) return Codec::kNone;
  // The same for zstd: "(" alone is a text like any other, and so is "P", unless the name says that it is none.
  const bool named = codec_of_ending(name) == Codec::kZstd;
  if (kZstdMagic.starts_with(head) && (head.size() > 1 || named)) return Codec::kZstd;
  if (named && (head[0] & 0xf0) == 0x50 && std::string_view("\x2a\x4d").starts_with(head.substr(1)))
    return Codec::kZstd;
  return Codec::kNone;
}

size_t decoder_memory_max(Codec codec, const DecoderLimits& limits) {
  switch (codec) {
    case Codec::kGzip:
      return kObjectBytes<GzipDecoder>;
    case Codec::kZstd:
      return kObjectBytes<ZstdDecoder> + ZstdDecoder::context_bytes(limits);
    case Codec::kNone:
      break;
  }
  return kObjectBytes<IdentityDecoder>;
}

size_t encoder_memory_max(Codec codec, int level) {
  level = clamp_level(codec, level);
  switch (codec) {
    case Codec::kGzip:
      return kObjectBytes<GzipEncoder> + GzipEncoder::level_bytes(level);
    case Codec::kZstd:
      return kObjectBytes<ZstdEncoder> + ZstdEncoder::context_bytes(level);
    case Codec::kNone:
      break;
  }
  return kObjectBytes<IdentityEncoder>;
}

Decoder* make_decoder(Codec codec, const DecoderLimits& limits, std::span<char> room) {
  const size_t bytes = decoder_memory_max(codec, limits);
  check_room(room, bytes);
  room = room.first(bytes);
  switch (codec) {
    case Codec::kGzip:
      return new (room.data()) GzipDecoder(limits);
    case Codec::kZstd:
      return new (room.data()) ZstdDecoder(limits, room.subspan(kObjectBytes<ZstdDecoder>));
    case Codec::kNone:
      break;
  }
  return new (room.data()) IdentityDecoder;
}

Encoder* make_encoder(Codec codec, int level, std::span<char> room) {
  level = clamp_level(codec, level);
  const size_t bytes = encoder_memory_max(codec, level);
  check_room(room, bytes);
  room = room.first(bytes);
  switch (codec) {
    case Codec::kGzip:
      return new (room.data()) GzipEncoder(level, room.subspan(kObjectBytes<GzipEncoder>));
    case Codec::kZstd:
      return new (room.data()) ZstdEncoder(level, room.subspan(kObjectBytes<ZstdEncoder>));
    case Codec::kNone:
      break;
  }
  return new (room.data()) IdentityEncoder;
}

size_t decoder_state_max(Codec codec) {
  switch (codec) {
    case Codec::kGzip:
      return GzipDecoder::state_max();
    case Codec::kZstd:
      return ZstdDecoder::kStateBytesMax;
    case Codec::kNone:
      return 0;
  }
  return 0;
}

size_t encoder_state_max(Codec codec) {
  switch (codec) {
    case Codec::kGzip:
      return GzipEncoder::kStateBytesMax;
    case Codec::kZstd:
      return ZstdEncoder::kStateBytesMax;
    case Codec::kNone:
      return 0;
  }
  return 0;
}

}  // namespace weir

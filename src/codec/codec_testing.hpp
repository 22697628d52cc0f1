// Helpers of this room's tests: running a decoder or encoder under given splits, seeded data, and a reference inflate
// (RFC 1951, 1952) that is slow, clear and shares nothing with isa-l: the oracle for what a decoder delivers, also of
// damaged streams.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/codec.hpp"

namespace weir::codec_testing {

/// Room of exactly `bytes` bytes, aligned to 64, so that a sanitizer sees the first byte beyond.
class Room {
 public:
  explicit Room(size_t bytes) : bytes_(bytes) {
    void* data = nullptr;
    if (posix_memalign(&data, 64, bytes) != 0) std::abort();
    data_ = static_cast<char*>(data);
    std::memset(data_, 0xa5, bytes);
  }
  ~Room() { std::free(data_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  [[nodiscard]] std::span<char> span() const { return {data_, bytes_}; }

 private:
  size_t bytes_;
  char* data_;
};

class OwnedDecoder {
 public:
  explicit OwnedDecoder(Codec codec, const DecoderLimits& limits = {})
      : room_(decoder_memory_max(codec, limits)), decoder_(make_decoder(codec, limits, room_.span())) {}
  Decoder* operator->() const { return decoder_; }
  Decoder& operator*() const { return *decoder_; }

 private:
  Room room_;
  Decoder* decoder_;
};

class OwnedEncoder {
 public:
  explicit OwnedEncoder(Codec codec, int level = -1)
      : room_(encoder_memory_max(codec, level)), encoder_(make_encoder(codec, level, room_.span())) {}
  Encoder* operator->() const { return encoder_; }
  Encoder& operator*() const { return *encoder_; }

 private:
  Room room_;
  Encoder* encoder_;
};

struct Outcome {
  std::string bytes;
  Step step = Step::kNeedInput;
  Error error;

  friend bool operator==(const Outcome& a, const Outcome& b) {
    return a.bytes == b.bytes && a.step == b.step && a.error.code == b.error.code && a.error.byte == b.error.byte &&
           a.error.detail.view() == b.error.detail.view();
  }
};

/// Sizes of the windows of successive calls.
using Sizes = std::function<size_t()>;
inline Sizes always(size_t size) {
  return [size] { return size; };
}
inline Sizes random_sizes(uint32_t seed, size_t max) {
  return [rng = std::mt19937(seed), max]() mutable {
    const size_t top = size_t{1} << rng() % 18;  // all orders of magnitude alike
    return size_t{1} + rng() % std::min(top, max);
  };
}

/// Runs `decoder` over `stored` to its end. Windows are exact heap blocks: a byte read or written beyond them is seen
/// by a sanitizer. `from`: stored bytes that it has already had.
inline Outcome decode_all(Decoder& decoder, std::string_view stored, const Sizes& in_sizes, const Sizes& out_sizes,
                          size_t from = 0) {
  Outcome o;
  size_t at = from;
  int idle = 0;
  std::string_view window;
  std::unique_ptr<char[]> in;
  while (true) {
    if (window.empty() && at < stored.size()) {
      const size_t n = std::min(in_sizes(), stored.size() - at);
      in = std::make_unique_for_overwrite<char[]>(n);
      std::memcpy(in.get(), stored.data() + at, n);
      window = {in.get(), n};
      at += n;
    }
    const size_t room = out_sizes();
    const auto out = std::make_unique_for_overwrite<char[]>(room);
    const Transfer t = decoder.decode(window, at == stored.size(), {out.get(), room}, o.error);
    if (t.consumed > window.size() || t.produced > room) std::abort();
    o.bytes.append(out.get(), t.produced);
    window.remove_prefix(t.consumed);
    if (t.step == Step::kFinished || t.step == Step::kFailed) {
      o.step = t.step;
      return o;
    }
    if (t.step == Step::kNeedInput && (!window.empty() || at == stored.size())) std::abort();
    if (t.step == Step::kHaveOutput && t.produced != room) std::abort();
    idle = t.consumed + t.produced == 0 ? idle + 1 : 0;
    if (idle > 3) std::abort();
  }
}

inline Outcome decode_all(Codec codec, std::string_view stored, const DecoderLimits& limits = {}) {
  const OwnedDecoder decoder(codec, limits);
  return decode_all(*decoder, stored, always(1 << 20), always(1 << 20));
}

/// Encodes `plain` with `flush` behind it.
inline std::string encode(Encoder& encoder, std::string_view plain, Flush flush, const Sizes& in_sizes,
                          const Sizes& out_sizes) {
  std::string stored;
  Error error;
  size_t window = std::min(in_sizes(), plain.size());
  while (true) {
    const size_t room = out_sizes();
    const auto out = std::make_unique_for_overwrite<char[]>(room);
    const bool last = window == plain.size();
    const Transfer t = encoder.encode(plain.substr(0, window), last ? flush : Flush::kNone, {out.get(), room}, error);
    if (t.consumed > window || t.produced > room) std::abort();
    stored.append(out.get(), t.produced);
    plain.remove_prefix(t.consumed);
    window -= t.consumed;
    if (t.step == Step::kFinished || (last && t.step == Step::kNeedInput)) return stored;
    if (t.step == Step::kNeedInput) window = std::min(in_sizes(), plain.size());
  }
}

inline std::string encode(Encoder& encoder, std::string_view plain, Flush flush) {
  return encode(encoder, plain, flush, always(1 << 20), always(1 << 20));
}

inline std::string saved(const Decoder& decoder) {
  std::string room(decoder.state_bytes_max(), '\0');
  StateWriter writer(room);
  decoder.save(writer);
  if (!writer.ok()) std::abort();
  room.resize(writer.size());
  return room;
}
inline std::string saved(const Encoder& encoder) {
  std::string room(encoder.state_bytes_max(), '\0');
  StateWriter writer(room);
  encoder.save(writer);
  if (!writer.ok()) std::abort();
  room.resize(writer.size());
  return room;
}
template <typename T>
bool loaded(T& codec, std::string_view state) {
  StateReader reader(state);
  return codec.load(reader);
}

/// Records with repetition, runs, and stretches that don't compress.
inline std::string make_text(uint32_t seed, size_t size) {
  static const char* const kWords[] = {"alpha,",   "beta,", "2026-01-02T03:04:05Z,", "0.25,",
                                       "{\"id\":", "}\n",   "longer word ",          "\n"};
  std::mt19937 rng(seed);
  std::string text;
  while (text.size() < size) {
    switch (rng() % 40) {
      case 0:
        text.append(rng() % 700, static_cast<char>('a' + rng() % 26));
        break;
      case 1:
        for (uint32_t n = rng() % 2000; n > 0; --n) text += static_cast<char>(rng());
        break;
      case 2:
        if (!text.empty()) {
          const size_t back = 1 + rng() % std::min<size_t>(text.size(), 40000);
          text += text.substr(text.size() - back, rng() % 500);
        }
        break;
      default:
        text += kWords[rng() % 8];
        text += std::to_string(rng() % 5000);
    }
  }
  text.resize(size);
  return text;
}

inline std::string from_base64(std::string_view text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    uint32_t value;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<uint32_t>(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
      value = static_cast<uint32_t>(c - '0' + 52);
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      break;
    }
    bits = bits << 6 | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count);
    }
  }
  return bytes;
}

inline uint32_t reference_crc32(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

enum class Verdict : uint8_t { kGood, kTruncated, kBad };

/// One raw deflate stream, bit by bit.
class ReferenceInflate {
 public:
  explicit ReferenceInflate(std::string_view in) : in_(in) {}

  Verdict run() {
    uint32_t final_block = 0;
    while (final_block == 0) {
      uint32_t type = 0;
      if (!bits(1, final_block) || !bits(2, type)) return Verdict::kTruncated;
      const Verdict v = type == 0 ? stored() : type == 1 ? fixed() : type == 2 ? dynamic() : Verdict::kBad;
      if (v != Verdict::kGood) return v;
    }
    at_ = (bit_ + 7) / 8;
    return Verdict::kGood;
  }
  std::string out;
  [[nodiscard]] size_t bytes_used() const { return at_; }

 private:
  struct Code {
    std::vector<uint32_t> counts = std::vector<uint32_t>(16, 0);
    std::vector<uint32_t> symbols;
    bool build(std::span<const uint8_t> lengths) {
      for (const uint8_t l : lengths) ++counts[l];
      counts[0] = 0;
      int left = 1;
      for (int l = 1; l < 16; ++l) {
        left = left * 2 - static_cast<int>(counts[static_cast<size_t>(l)]);
        if (left < 0) return false;
      }
      for (uint8_t l = 1; l < 16; ++l) {
        for (size_t s = 0; s < lengths.size(); ++s) {
          if (lengths[s] == l) symbols.push_back(static_cast<uint32_t>(s));
        }
      }
      return true;
    }
  };

  bool bits(uint32_t n, uint32_t& value) {
    value = 0;
    if (bit_ + n > in_.size() * 8) return false;
    for (uint32_t i = 0; i < n; ++i, ++bit_)
      value |= (static_cast<unsigned char>(in_[bit_ / 8]) >> (bit_ % 8) & 1u) << i;
    return true;
  }
  Verdict symbol(const Code& code, uint32_t& value) {
    uint32_t word = 0;
    uint32_t first = 0;
    uint32_t index = 0;
    for (size_t l = 1; l < 16; ++l) {
      uint32_t bit = 0;
      if (!bits(1, bit)) return Verdict::kTruncated;
      word |= bit;
      if (word < first + code.counts[l]) {
        value = code.symbols[index + word - first];
        return Verdict::kGood;
      }
      index += code.counts[l];
      first = (first + code.counts[l]) << 1;
      word <<= 1;
    }
    return Verdict::kBad;
  }
  Verdict stored() {
    bit_ = (bit_ + 7) / 8 * 8;
    uint32_t length = 0;
    uint32_t inverse = 0;
    if (!bits(16, length) || !bits(16, inverse)) return Verdict::kTruncated;
    if ((length ^ inverse) != 0xffff) return Verdict::kBad;
    const size_t have = std::min<size_t>(length, in_.size() - bit_ / 8);
    out += in_.substr(bit_ / 8, have);
    bit_ += have * 8;
    return have == length ? Verdict::kGood : Verdict::kTruncated;
  }
  Verdict fixed() {
    std::vector<uint8_t> lengths(288, 8);
    for (size_t i = 144; i < 256; ++i) lengths[i] = 9;
    for (size_t i = 256; i < 280; ++i) lengths[i] = 7;
    Code lit;
    Code dist;
    lit.build(lengths);
    dist.build(std::vector<uint8_t>(32, 5));
    return coded(lit, dist);
  }
  Verdict dynamic() {
    uint32_t lits = 0;
    uint32_t dists = 0;
    uint32_t n = 0;
    if (!bits(5, lits) || !bits(5, dists) || !bits(4, n)) return Verdict::kTruncated;
    lits += 257;
    dists += 1;
    if (lits > 286 || dists > 30) return Verdict::kBad;
    static constexpr uint8_t kOrder[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    std::vector<uint8_t> lengths(19, 0);
    for (uint32_t i = 0; i < n + 4; ++i) {
      uint32_t l = 0;
      if (!bits(3, l)) return Verdict::kTruncated;
      lengths[kOrder[i]] = static_cast<uint8_t>(l);
    }
    Code code;
    if (!code.build(lengths)) return Verdict::kBad;
    lengths.clear();
    while (lengths.size() < lits + dists) {
      uint32_t s = 0;
      if (const Verdict v = symbol(code, s); v != Verdict::kGood) return v;
      if (s < 16) {
        lengths.push_back(static_cast<uint8_t>(s));
        continue;
      }
      if (s == 16 && lengths.empty()) return Verdict::kBad;
      uint32_t more = 0;
      if (!bits(s == 16 ? 2 : s == 17 ? 3 : 7, more)) return Verdict::kTruncated;
      const size_t repeat = more + (s == 18 ? 11 : 3);
      const uint8_t value = s == 16 ? lengths.back() : uint8_t{0};
      if (lengths.size() + repeat > lits + dists) return Verdict::kBad;
      lengths.insert(lengths.end(), repeat, value);
    }
    Code lit;
    Code dist;
    if (!lit.build(std::span(lengths).first(lits)) || !dist.build(std::span(lengths).subspan(lits)))
      return Verdict::kBad;
    return coded(lit, dist);
  }
  Verdict coded(const Code& lit, const Code& dist) {
    static constexpr uint16_t kLength[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                             31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    while (true) {
      uint32_t s = 0;
      if (const Verdict v = symbol(lit, s); v != Verdict::kGood) return v;
      if (s < 256) {
        out += static_cast<char>(s);
        continue;
      }
      if (s == 256) return Verdict::kGood;
      s -= 257;
      if (s >= 29) return Verdict::kBad;
      uint32_t extra = 0;
      if (!bits(s < 8 || s == 28 ? 0 : s / 4 - 1, extra)) return Verdict::kTruncated;
      const size_t length = kLength[s] + extra;
      if (const Verdict v = symbol(dist, s); v != Verdict::kGood) return v;
      if (s >= 30) return Verdict::kBad;
      const uint32_t extra_bits = s < 4 ? 0 : s / 2 - 1;
      if (!bits(extra_bits, extra)) return Verdict::kTruncated;
      const size_t back = (s < 4 ? s : (2 + s % 2) << extra_bits) + 1 + extra;
      if (back > out.size()) return Verdict::kBad;
      for (size_t i = 0; i < length; ++i) out += out[out.size() - back];
    }
  }

  std::string_view in_;
  size_t bit_ = 0;
  size_t at_ = 0;
};

/// A whole gzip stream that has no optional header fields and nothing behind its members.
inline Verdict reference_gunzip(std::string_view stored, std::string& out) {
  while (!stored.empty()) {
    if (stored.size() < 10) return Verdict::kTruncated;
    if (!stored.starts_with("\x1f\x8b\x08") || stored[3] != 0) return Verdict::kBad;
    ReferenceInflate inflate(stored.substr(10));
    const Verdict v = inflate.run();
    out += inflate.out;
    if (v != Verdict::kGood) return v;
    stored.remove_prefix(10 + inflate.bytes_used());
    if (stored.size() < 8) return Verdict::kTruncated;
    uint32_t trailer[2];
    std::memcpy(trailer, stored.data(), sizeof trailer);
    if (trailer[0] != reference_crc32(inflate.out) || trailer[1] != static_cast<uint32_t>(inflate.out.size()))
      return Verdict::kBad;
    stored.remove_prefix(8);
  }
  return Verdict::kGood;
}

}  // namespace weir::codec_testing

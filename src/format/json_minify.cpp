#include "format/json_minify.hpp"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {
namespace {

char* minify_scalar(MinifyState& state, std::string_view text, char* out) {
  for (const char c : text) {
    if (state.in_string) {
      *out++ = c;
      if (state.escaped) {
        state.escaped = false;
      } else if (c == '\\') {
        state.escaped = true;
      } else if (c == '"') {
        state.in_string = false;
      }
    } else if (!is_json_blank(c)) {
      *out++ = c;
      state.in_string = c == '"';
    }
  }
  return out;
}

#if defined(__x86_64__) || defined(__aarch64__)

/// One bit a byte of a block of 64.
struct Masks {
  uint64_t quote;
  uint64_t backslash;
  uint64_t blank;  ///< 0x20 and below: in valid JSON the blanks, and spaces in strings
};

/// Bit i: the parity of bits 0..i.
inline uint64_t prefix_xor(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  bits ^= bits << 32;
  return bits;
}

/// Bits of the bytes that stand behind a backslash that is not itself escaped.
inline uint64_t escaped_bits(uint64_t backslash, bool& carry) {
  uint64_t escaped = carry ? 1 : 0;
  backslash &= ~escaped;
  carry = false;
  while (backslash != 0) {
    const int at = std::countr_zero(backslash);
    if (at == 63) {
      carry = true;
      break;
    }
    const uint64_t next = uint64_t{2} << at;
    escaped |= next;
    backslash &= ~(next | (next >> 1));
  }
  return escaped;
}

/// Bytes that must be readable from a block's start: its runs are copied 16 at a time.
constexpr size_t kReadable = 64 + 16;

/// Writes the bytes of `block` that stay, among the first `size`.
[[gnu::always_inline]] inline char* settle(MinifyState& state, Masks masks, const char* block, size_t size, char* out) {
  uint64_t quote = masks.quote;
  if ((masks.backslash != 0) | state.escaped) [[unlikely]] {
    const uint64_t escaped = escaped_bits(masks.backslash, state.escaped);
    quote &= ~escaped;
    if (size < 64) state.escaped = (escaped >> size & 1) != 0;
  }
  // A string's opening quote counts as inside, its closing one as outside; neither is a blank.
  const uint64_t inside = prefix_xor(quote) ^ (state.in_string ? ~uint64_t{0} : 0);
  const uint64_t valid = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
  state.in_string = (inside >> (size - 1) & 1) != 0;
  const uint64_t drop = masks.blank & ~inside & valid;
  if (drop == 0) [[likely]] {
    for (size_t i = 0; i < 64; i += 16) store16(out + i, load16(block + i));
    return out + size;
  }
  uint64_t keep = ~drop & valid;
  while (keep != 0) {
    const int first = std::countr_zero(keep);
    const int count = std::countr_one(keep >> first);
    const char* from = block + first;
    for (int i = 0; i < count; i += 16) store16(out + i, load16(from + i));
    out += count;
    keep = first + count == 64 ? 0 : keep & (~uint64_t{0} << (first + count));
  }
  return out;
}

#if defined(__x86_64__)

[[gnu::always_inline]] inline Masks masks_sse2(const char* p) {
  Masks masks{};
  for (int i = 0; i < 4; ++i) {
    const __m128i v = load16(p + 16 * i);
    const auto mask = [](__m128i m) { return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(m))); };
    masks.quote |= mask(_mm_cmpeq_epi8(v, _mm_set1_epi8('"'))) << (16 * i);
    masks.backslash |= mask(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))) << (16 * i);
    masks.blank |= mask(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x20)), v)) << (16 * i);
  }
  return masks;
}

[[gnu::target("avx2"), gnu::always_inline]] inline uint64_t mask_avx2(__m256i low, __m256i high) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

[[gnu::target("avx2"), gnu::always_inline]] inline Masks masks_avx2(const char* p) {
  const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i backslash = _mm256_set1_epi8('\\');
  const __m256i space = _mm256_set1_epi8(0x20);
  return {mask_avx2(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote)),
          mask_avx2(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash)),
          mask_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(a, space), a), _mm256_cmpeq_epi8(_mm256_min_epu8(b, space), b))};
}

#else

[[gnu::always_inline]] inline Masks masks_neon(const char* p) {
  const uint8x16_t v[4] = {load16(p), load16(p + 16), load16(p + 32), load16(p + 48)};
  const auto bits = [&v](auto test) { return neon_bits(test(v[0]), test(v[1]), test(v[2]), test(v[3])); };
  return {bits([](uint8x16_t part) { return neon_is(part, '"'); }),
          bits([](uint8x16_t part) { return neon_is(part, '\\'); }),
          bits([](uint8x16_t part) { return vcleq_u8(part, vdupq_n_u8(0x20)); })};
}

#endif

/// The input's end, padded with a byte that means nothing.
struct Tail {
  char bytes[kReadable + 64];
  Tail(const char* from, size_t size) {
    std::memset(bytes, 'x', sizeof bytes);
    std::memcpy(bytes, from, size);
  }
};

template <Masks (*masks)(const char*)>
char* minify_baseline(MinifyState& state, std::string_view text, char* out) {
  const char* from = text.data();
  size_t left = text.size();
  for (; left >= kReadable; from += 64, left -= 64) out = settle(state, masks(from), from, 64, out);
  if (left == 0) return out;
  const Tail tail(from, left);
  from = tail.bytes;
  for (; left > 64; from += 64, left -= 64) out = settle(state, masks(from), from, 64, out);
  return settle(state, masks(from), from, left, out);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] char* minify_avx2(MinifyState& state, std::string_view text, char* out) {
  const char* from = text.data();
  size_t left = text.size();
  for (; left >= kReadable; from += 64, left -= 64) out = settle(state, masks_avx2(from), from, 64, out);
  if (left == 0) return out;
  const Tail tail(from, left);
  from = tail.bytes;
  for (; left > 64; from += 64, left -= 64) out = settle(state, masks_avx2(from), from, 64, out);
  return settle(state, masks_avx2(from), from, left, out);
}
#endif

#endif

}  // namespace

char* minify_json_by(SimdLevel level, MinifyState& state, std::string_view text, char* out) {
#if defined(__x86_64__)
  if (level == SimdLevel::kSse2) return minify_baseline<masks_sse2>(state, text, out);
  if (level == SimdLevel::kAvx2) return minify_avx2(state, text, out);
#elif defined(__aarch64__)
  if (level == SimdLevel::kNeon) return minify_baseline<masks_neon>(state, text, out);
#endif
  (void)level;
  return minify_scalar(state, text, out);
}

char* minify_json(MinifyState& state, std::string_view text, char* out) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") ? minify_avx2(state, text, out) : minify_baseline<masks_sse2>(state, text, out);
#elif defined(__aarch64__)
  return minify_baseline<masks_neon>(state, text, out);
#else
  return minify_scalar(state, text, out);
#endif
}

}  // namespace weir

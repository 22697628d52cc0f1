#include "format/json_escape.hpp"

#include <bit>
#include <cstring>

#include "record/field.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {
namespace {

/// The letter of a short escape, or 'u'.
constexpr char escape_letter(unsigned char c) {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\b':
      return 'b';
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\f':
      return 'f';
    case '\r':
      return 'r';
    default:
      return 'u';
  }
}

constexpr bool needs_escape(unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; }

inline char* put_escape(char* out, unsigned char c) {
  out[0] = '\\';
  out[1] = escape_letter(c);
  if (out[1] != 'u') return out + 2;
  std::memcpy(out + 2, "00", 2);
  out[4] = static_cast<char>('0' + (c >> 4));
  out[5] = "0123456789abcdef"[c & 15];
  return out + 6;
}

JsonEscaped escape_scalar(std::string_view text, char* out) {
  unsigned char all = 0;
  for (const char character : text) {
    const auto c = static_cast<unsigned char>(character);
    all |= c;
    if (needs_escape(c)) {
      out = put_escape(out, c);
    } else {
      *out++ = character;
    }
  }
  return {out, all >= 0x80};
}

#if defined(__x86_64__) || defined(__aarch64__)

/// Handles one loaded block whose bytes were stored at `out` already: `mask` has the bytes to escape among its first
/// `size`. Returns the bytes of the block that are done with: all of them, or those up to and with the first escape.
[[gnu::always_inline]] inline size_t settle(const char* block, size_t size, uint32_t mask, char*& out) {
  if (mask == 0) [[likely]] {
    out += size;
    return size;
  }
  const auto clean = static_cast<size_t>(std::countr_zero(mask));
  out = put_escape(out + clean, static_cast<unsigned char>(block[clean]));
  return clean + 1;
}

inline constexpr size_t kBlock = 32;

inline uint32_t first_bits(size_t size) { return static_cast<uint32_t>((uint64_t{1} << size) - 1); }

/// Of 32 bytes: which to escape; whether any is 0x80 or more (nonzero).
struct Masks {
  uint32_t escape;
  uint32_t high;
};

#if defined(__x86_64__)

[[gnu::always_inline]] inline uint32_t escape_mask_sse2(__m128i v) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash))));
}

[[gnu::always_inline]] inline Masks copy_block_sse2(const char* from, char* out) {
  const __m128i a = load16(from);
  const __m128i b = load16(from + 16);
  store16(out, a);
  store16(out + 16, b);
  return {escape_mask_sse2(a) | escape_mask_sse2(b) << 16,
          static_cast<uint32_t>(_mm_movemask_epi8(a)) | static_cast<uint32_t>(_mm_movemask_epi8(b)) << 16};
}

[[gnu::target("avx2"), gnu::always_inline]] inline Masks copy_block_avx2(const char* from, char* out) {
  const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), v);
  const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
  const __m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
  const __m256i backslash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
  const __m256i any = _mm256_or_si256(low, _mm256_or_si256(quote, backslash));
  return {static_cast<uint32_t>(_mm256_movemask_epi8(any)), static_cast<uint32_t>(_mm256_movemask_epi8(v))};
}

#else

[[gnu::always_inline]] inline Masks copy_block_neon(const char* from, char* out) {
  const Vec16 a = load16(from);
  const Vec16 b = load16(from + 16);
  store16(out, a);
  store16(out + 16, b);
  const auto escape = [](Vec16 v) {
    return vorrq_u8(vcltq_u8(v, vdupq_n_u8(0x20)), vorrq_u8(neon_is(v, '"'), neon_is(v, '\\')));
  };
  return {neon_bits(escape(a), escape(b)), vmaxvq_u8(vorrq_u8(a, b)) & 0x80u};
}

#endif

// The two loops differ in copy_block only; a function's target can't depend on a template's parameter.

template <Masks (*copy_block)(const char*, char*)>
JsonEscaped escape_baseline(std::string_view text, char* out) {
  const char* from = text.data();
  size_t left = text.size();
  uint32_t high = 0;
  while (left >= kBlock) {
    const Masks masks = copy_block(from, out);
    high |= masks.high;
    const size_t done = settle(from, kBlock, masks.escape, out);
    from += done;
    left -= done;
  }
  char tail[2 * kBlock] = {};
  if (left != 0) std::memcpy(tail, from, left);
  for (size_t at = 0; at < left;) {
    const Masks masks = copy_block(tail + at, out);
    high |= masks.high;  // behind the text there are zeros
    at += settle(tail + at, left - at, masks.escape & first_bits(left - at), out);
  }
  return {out, high != 0};
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] JsonEscaped escape_avx2(std::string_view text, char* out) {
  const char* from = text.data();
  size_t left = text.size();
  uint32_t high = 0;
  while (left >= kBlock) {
    const Masks masks = copy_block_avx2(from, out);
    high |= masks.high;
    const size_t done = settle(from, kBlock, masks.escape, out);
    from += done;
    left -= done;
  }
  char tail[2 * kBlock] = {};
  if (left != 0) std::memcpy(tail, from, left);
  for (size_t at = 0; at < left;) {
    const Masks masks = copy_block_avx2(tail + at, out);
    high |= masks.high;
    at += settle(tail + at, left - at, masks.escape & first_bits(left - at), out);
  }
  return {out, high != 0};
}
#endif

#endif

}  // namespace

bool text_kernel_usable(SimdLevel level) {
  return level != SimdLevel::kAvx512 && level != SimdLevel::kNeonPmull && simd_usable(level);
}

JsonEscaped escape_json_by(SimdLevel level, std::string_view text, char* out) {
#if defined(__x86_64__)
  if (level == SimdLevel::kSse2) return escape_baseline<copy_block_sse2>(text, out);
  if (level == SimdLevel::kAvx2) return escape_avx2(text, out);
#elif defined(__aarch64__)
  if (level == SimdLevel::kNeon) return escape_baseline<copy_block_neon>(text, out);
#endif
  (void)level;
  return escape_scalar(text, out);
}

JsonEscaped escape_json(std::string_view text, char* out) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") ? escape_avx2(text, out) : escape_baseline<copy_block_sse2>(text, out);
#elif defined(__aarch64__)
  return escape_baseline<copy_block_neon>(text, out);
#else
  return escape_scalar(text, out);
#endif
}

char* put_json_string_checked(char* out, const char* text, size_t size) {
  *out = '"';
  const JsonEscaped escaped = escape_json({text, size}, out + 1);
  if (escaped.high && utf8_valid_prefix({text, size}) != size) return nullptr;
  *escaped.end = '"';
  return escaped.end + 1;
}

}  // namespace weir

// 16 bytes at a time: the few vector operations that the writers inline. SSE2 is x86-64's baseline, NEON
// aarch64's; elsewhere plain loops. Wider kernels are chosen at run time in json_escape.cpp and json_minify.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "format/neon.hpp"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace weir {

/// Bytes that a writer may read behind a field of a batch, and write behind its output (Window::kPadding).
inline constexpr size_t kWideSlack = 64;

#if defined(__x86_64__)

using Vec16 = __m128i;
inline Vec16 load16(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline void store16(char* p, Vec16 v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

/// Bytes that a JSON string can't hold as they are, and those that want a look at their UTF-8: control bytes, `"`, `\`,
/// 0x80 and up.
inline uint32_t json_attention(Vec16 v) {
  const Vec16 low_or_high = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));  // signed: 0x80 and up are negative
  const Vec16 quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
  const Vec16 backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), low_or_high)));
}

/// Bytes for which a CSV field is quoted.
inline uint32_t csv_attention(Vec16 v, char delimiter) {
  const Vec16 a = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(delimiter)), _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
  const Vec16 b = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
  return static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(a, b)));
}

#elif defined(__aarch64__)

using Vec16 = uint8x16_t;
inline Vec16 load16(const char* p) { return neon_load(p); }
inline void store16(char* p, Vec16 v) { vst1q_u8(reinterpret_cast<uint8_t*>(p), v); }
inline uint32_t json_attention(Vec16 v) {
  const Vec16 low_or_high = vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20));
  return neon_bits(vorrq_u8(vorrq_u8(neon_is(v, '"'), neon_is(v, '\\')), low_or_high));
}
inline uint32_t csv_attention(Vec16 v, char delimiter) {
  const Vec16 a = vorrq_u8(neon_is(v, delimiter), neon_is(v, '"'));
  return neon_bits(vorrq_u8(a, vorrq_u8(neon_is(v, '\n'), neon_is(v, '\r'))));
}

#else

struct Vec16 {
  unsigned char byte[16];
};
inline Vec16 load16(const char* p) {
  Vec16 v;
  std::memcpy(v.byte, p, 16);
  return v;
}
inline void store16(char* p, Vec16 v) { std::memcpy(p, v.byte, 16); }
inline uint32_t json_attention(Vec16 v) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 16; ++i) {
    const unsigned char c = v.byte[i];
    mask |= static_cast<uint32_t>(c < 0x20 || c >= 0x80 || c == '"' || c == '\\') << i;
  }
  return mask;
}
inline uint32_t csv_attention(Vec16 v, char delimiter) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 16; ++i) {
    const char c = static_cast<char>(v.byte[i]);
    mask |= static_cast<uint32_t>(c == delimiter || c == '"' || c == '\n' || c == '\r') << i;
  }
  return mask;
}

#endif

/// Copies `size` bytes, and up to 31 more, 16 at a time: both sides have kWideSlack.
inline char* copy_wide(char* out, const char* from, size_t size) {
  store16(out, load16(from));
  store16(out + 16, load16(from + 16));
  for (size_t i = 32; i < size; i += 16) [[unlikely]]
    store16(out + i, load16(from + i));
  return out + size;
}

/// Copies exactly the text, from where nothing may be read behind it.
inline char* copy_exact(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace weir

#include "format/json_kernel.hpp"

#include <bit>

#include "format/json_scalar.hpp"
#include "format/neon.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {
namespace {

/// One bit a byte of a block.
struct Masks {
  uint64_t quote = 0;
  uint64_t backslash = 0;
  uint64_t control = 0;  ///< < 0x20
  uint64_t space = 0;    ///< JSON white space
  uint64_t mark = 0;     ///< { } [ ] : ,
  uint64_t high = 0;     ///< >= 0x80
};

[[gnu::always_inline]] inline uint64_t prefix_xor(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

/// Bytes behind a backslash that is not itself escaped; checks each on the way. Rare, so one at a time.
[[gnu::noinline]] uint64_t find_escaped(const char* block, uint64_t backslash, JsonCarry& carry) {
  uint64_t escaped = carry.escaped;
  uint64_t left = backslash & ~carry.escaped;
  carry.escaped = 0;
  while (left != 0) {
    const int i = std::countr_zero(left);
    // What stands past the end of the text does not matter: then a string is open, which the walker refuses.
    if (json_escape_size(block + i + 1) == 0) carry.bad = 1;
    if (i == 63) {
      carry.escaped = 1;
      break;
    }
    escaped |= uint64_t{2} << i;
    left &= ~(uint64_t{3} << i);
  }
  return escaped;
}

/// Quotes that open or close a string.
[[gnu::always_inline]] inline uint64_t find_quotes(const char* block, const Masks& m, JsonCarry& carry) {
  if ((m.backslash | carry.escaped) == 0) [[likely]]
    return m.quote;
  carry.backslash = 1;
  return m.quote & ~find_escaped(block, m.backslash, carry);
}

/// `parity` is the prefix xor of `quote`.
[[gnu::always_inline]] inline uint64_t find_tokens(const Masks& m, uint64_t quote, uint64_t parity, JsonCarry& carry) {
  const uint64_t inside = parity ^ carry.in_string;  // opening quote included, closing quote not
  carry.in_string = static_cast<uint64_t>(static_cast<int64_t>(inside) >> 63);
  carry.bad |= m.control & inside;
  carry.high |= m.high;
  const uint64_t run = ~(m.mark | m.space | quote | inside);
  const uint64_t run_start = run & ~(run << 1 | carry.in_scalar);
  carry.in_scalar = run >> 63;
  return (m.mark & ~inside) | quote | run_start;
}

[[gnu::always_inline]] inline Masks cut(Masks m, uint64_t keep) {
  m.quote &= keep;
  m.backslash &= keep;
  m.control &= keep;
  m.space |= ~keep;
  m.mark &= keep;
  m.high &= keep;
  return m;
}

Masks classify_scalar(const char* block) {
  Masks m;
  for (int i = 0; i < 64; ++i) {
    const auto c = static_cast<uint8_t>(block[i]);
    const uint64_t bit = uint64_t{1} << i;
    if (c >= 0x80) m.high |= bit;
    if (c < 0x20) m.control |= bit;
    switch (c) {
      case '"':
        m.quote |= bit;
        break;
      case '\\':
        m.backslash |= bit;
        break;
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        m.space |= bit;
        break;
      case '{':
      case '}':
      case '[':
      case ']':
      case ':':
      case ',':
        m.mark |= bit;
        break;
      default:
        break;
    }
  }
  return m;
}

/// Written out one by one.
[[gnu::always_inline]] inline uint32_t* list_bits(uint64_t bits, uint32_t first, uint32_t* out) {
  for (; bits != 0; bits &= bits - 1) *out++ = first + static_cast<uint32_t>(std::countr_zero(bits));
  return out;
}

size_t index_scalar(const char* text, size_t size, uint32_t first, JsonCarry& carry, uint32_t* positions) {
  uint32_t* out = positions;
  for (size_t at = 0; at < size; at += 64) {
    Masks m = classify_scalar(text + at);
    if (size - at < 64) m = cut(m, (uint64_t{1} << (size - at)) - 1);
    const uint64_t quote = find_quotes(text + at, m, carry);
    out = list_bits(find_tokens(m, quote, prefix_xor(quote), carry), first + static_cast<uint32_t>(at), out);
  }
  return static_cast<size_t>(out - positions);
}

#if defined(__x86_64__)

size_t index_sse2(const char* text, size_t size, uint32_t first, JsonCarry& carry, uint32_t* positions) {
  uint32_t* out = positions;
  for (size_t at = 0; at < size; at += 64) {
    Masks m;
    for (int part = 0; part < 4; ++part) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + at + 16 * part));
      const auto bits = [part](__m128i mask) {
        return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(mask))) << (16 * part);
      };
      const auto is = [v](char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
      const __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));  // [ ] become { }
      m.quote |= bits(is('"'));
      m.backslash |= bits(is('\\'));
      m.control |= bits(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v));
      m.space |= bits(_mm_or_si128(_mm_or_si128(is(' '), is('\t')), _mm_or_si128(is('\n'), is('\r'))));
      m.mark |= bits(_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), is(':')),
                                  _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('}')), is(','))));
      m.high |= bits(v);
    }
    if (size - at < 64) m = cut(m, (uint64_t{1} << (size - at)) - 1);
    const uint64_t quote = find_quotes(text + at, m, carry);
    out = list_bits(find_tokens(m, quote, prefix_xor(quote), carry), first + static_cast<uint32_t>(at), out);
  }
  return static_cast<size_t>(out - positions);
}

#define WEIR_AVX2 [[gnu::target("avx2,pclmul,bmi,popcnt")]]

WEIR_AVX2 inline uint64_t bits_avx2(__m256i low, __m256i high) {
  return static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(low))) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}

WEIR_AVX2 inline Masks classify_avx2(const char* block) {
  // pshufb looks a byte up by its low nibble (0 for bytes >= 0x80): what it finds equals the byte for the wanted ones
  // only.
  const __m256i spaces =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(' ', -1, -1, -1, -1, -1, -1, -1, -1, '\t', '\n', -1, -1, '\r', -1, 0));
  const __m256i marks =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, ':', '{', ',', '}', -1, 0));
  const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block));
  const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32));
  const __m256i fold = _mm256_set1_epi8(0x20);
  const __m256i fa = _mm256_or_si256(a, fold);  // [ ] become { }, and 0x0c and 0x1a become , and :
  const __m256i fb = _mm256_or_si256(b, fold);
  const __m256i quote = _mm256_set1_epi8('"');
  const __m256i backslash = _mm256_set1_epi8('\\');
  const __m256i below = _mm256_set1_epi8(0x1f);
  Masks m;
  m.quote = bits_avx2(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote));
  m.backslash = bits_avx2(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash));
  m.control =
      bits_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(a, below), a), _mm256_cmpeq_epi8(_mm256_min_epu8(b, below), b));
  m.space = bits_avx2(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, a), a),
                      _mm256_cmpeq_epi8(_mm256_shuffle_epi8(spaces, b), b));
  m.mark = bits_avx2(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(marks, fa), fa),
                     _mm256_cmpeq_epi8(_mm256_shuffle_epi8(marks, fb), fb));
  m.high = bits_avx2(a, b);
  m.mark &= ~m.control;  // 0x0c and 0x1a
  return m;
}

WEIR_AVX2 inline uint64_t prefix_xor_clmul(uint64_t bits) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<int64_t>(bits)), _mm_set1_epi8(-1), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

/// Eight at a time without a branch; what is written too much is written over.
WEIR_AVX2 inline uint32_t* list_bits_avx2(uint64_t bits, uint32_t first, uint32_t* out) {
  const auto count = static_cast<size_t>(_mm_popcnt_u64(bits));
  size_t done = 0;
  do {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      out[done + static_cast<size_t>(i)] = first + static_cast<uint32_t>(_tzcnt_u64(bits));
      bits &= bits - 1;
    }
    done += 8;
  } while (done < count);
  return out + count;
}

WEIR_AVX2 size_t index_avx2(const char* text, size_t size, uint32_t first, JsonCarry& carry, uint32_t* positions) {
  uint32_t* out = positions;
  for (size_t at = 0; at < size; at += 64) {
    Masks m = classify_avx2(text + at);
    if (size - at < 64) m = cut(m, (uint64_t{1} << (size - at)) - 1);
    const uint64_t quote = find_quotes(text + at, m, carry);
    out = list_bits_avx2(find_tokens(m, quote, prefix_xor_clmul(quote), carry), first + static_cast<uint32_t>(at), out);
  }
  return static_cast<size_t>(out - positions);
}

#elif defined(__aarch64__)

inline Masks classify_neon(const char* block) {
  // As classify_avx2: a table looks a byte up by its low nibble, and what it finds equals the byte for the wanted ones
  // only.
  static constexpr uint8_t kSpaces[16] = {' ', 255,  255,  255, 255, 255,  255, 255,
                                          255, '\t', '\n', 255, 255, '\r', 255, 0};
  static constexpr uint8_t kMarks[16] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, ':', '{', ',', '}', 255, 0};
  const uint8x16_t spaces = vld1q_u8(kSpaces);
  const uint8x16_t marks = vld1q_u8(kMarks);
  const uint8x16_t nibble = vdupq_n_u8(0x0f);
  uint8x16_t v[4], folded[4];
  for (int i = 0; i < 4; ++i) {
    v[i] = neon_load(block + 16 * i);
    folded[i] = vorrq_u8(v[i], vdupq_n_u8(0x20));
  }
  const auto bits = [](const uint8x16_t(&parts)[4], auto test) {
    return neon_bits(test(parts[0]), test(parts[1]), test(parts[2]), test(parts[3]));
  };
  const auto in = [nibble](uint8x16_t table) {
    return [=](uint8x16_t part) { return vceqq_u8(vqtbl1q_u8(table, vandq_u8(part, nibble)), part); };
  };
  Masks m;
  m.quote = bits(v, [](uint8x16_t part) { return neon_is(part, '"'); });
  m.backslash = bits(v, [](uint8x16_t part) { return neon_is(part, '\\'); });
  m.control = bits(v, [](uint8x16_t part) { return vcltq_u8(part, vdupq_n_u8(0x20)); });
  m.space = bits(v, in(spaces));
  m.mark = bits(folded, in(marks)) & ~m.control;  // 0x0c and 0x1a
  // Asked of the block as a whole; only whether it is zero counts.
  const uint8x16_t any = vorrq_u8(vorrq_u8(v[0], v[1]), vorrq_u8(v[2], v[3]));
  if (vmaxvq_u8(any) >= 0x80) [[unlikely]]
    m.high = bits(v, [](uint8x16_t part) { return vcgeq_u8(part, vdupq_n_u8(0x80)); });
  return m;
}

/// Four at a time without a branch; what is written too much is written over.
inline uint32_t* list_bits_neon(uint64_t bits, uint32_t first, uint32_t* out) {
  const auto count = static_cast<size_t>(std::popcount(bits));
  for (size_t done = 0; done < count; done += 4) {
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      out[done + i] = first + static_cast<uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
    }
  }
  return out + count;
}

// The two differ in the parity only; a function's target can't depend on a template's parameter.

size_t index_neon(const char* text, size_t size, uint32_t first, JsonCarry& carry, uint32_t* positions) {
  uint32_t* out = positions;
  for (size_t at = 0; at < size; at += 64) {
    Masks m = classify_neon(text + at);
    if (size - at < 64) m = cut(m, (uint64_t{1} << (size - at)) - 1);
    const uint64_t quote = find_quotes(text + at, m, carry);
    out = list_bits_neon(find_tokens(m, quote, prefix_xor(quote), carry), first + static_cast<uint32_t>(at), out);
  }
  return static_cast<size_t>(out - positions);
}

WEIR_PMULL size_t index_neon_pmull(const char* text, size_t size, uint32_t first, JsonCarry& carry,
                                   uint32_t* positions) {
  uint32_t* out = positions;
  for (size_t at = 0; at < size; at += 64) {
    Masks m = classify_neon(text + at);
    if (size - at < 64) m = cut(m, (uint64_t{1} << (size - at)) - 1);
    const uint64_t quote = find_quotes(text + at, m, carry);
    out = list_bits_neon(find_tokens(m, quote, prefix_xor_pmull(quote), carry), first + static_cast<uint32_t>(at), out);
  }
  return static_cast<size_t>(out - positions);
}

#endif

}  // namespace

JsonIndexer json_indexer(SimdLevel level) {
  if (!simd_usable(level)) return nullptr;
  switch (level) {
    case SimdLevel::kScalar:
      return index_scalar;
#if defined(__x86_64__)
    case SimdLevel::kSse2:
      return index_sse2;
    case SimdLevel::kAvx2:
      return index_avx2;
#elif defined(__aarch64__)
    case SimdLevel::kNeon:
      return index_neon;
    case SimdLevel::kNeonPmull:
      return index_neon_pmull;
#endif
    default:
      return nullptr;
  }
}

JsonIndexer best_json_indexer() {
  JsonIndexer best = index_scalar;
  for (const SimdLevel level : kSimdLevels) {
    if (const JsonIndexer indexer = json_indexer(level)) best = indexer;
  }
  return best;
}

}  // namespace weir

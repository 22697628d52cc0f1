#include "format/csv_scan.hpp"

#include <bit>
#include <cstring>
#include <iterator>

#include "format/neon.hpp"
#include "format/simd_level.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {

CsvScanState csv_scan_byte(const CsvDialect& dialect, CsvScanState state, char c, bool* structural) {
  *structural = false;
  const bool has_quote = dialect.quote != 0;
  const bool has_escape = dialect.escape != 0;
  switch (state) {
    case CsvScanState::kComment:
      if (c != '\n') return CsvScanState::kComment;
      *structural = true;
      return CsvScanState::kRecordStart;
    case CsvScanState::kEscapedUnquoted:
      return CsvScanState::kUnquoted;
    case CsvScanState::kEscapedQuoted:
      return CsvScanState::kQuoted;
    case CsvScanState::kQuoted:
      if (has_escape && c == dialect.escape) return CsvScanState::kEscapedQuoted;
      return c == dialect.quote ? CsvScanState::kQuoteInQuoted : CsvScanState::kQuoted;
    case CsvScanState::kQuoteInQuoted:
      if (c == dialect.quote) return CsvScanState::kQuoted;
      break;
    case CsvScanState::kRecordStart:
    case CsvScanState::kFieldStart:
      if (has_quote && c == dialect.quote) return CsvScanState::kQuoted;
      break;
    case CsvScanState::kUnquoted:
      break;
  }
  if (c == dialect.delimiter) {
    *structural = true;
    return CsvScanState::kFieldStart;
  }
  if (c == '\n') {
    *structural = true;
    return CsvScanState::kRecordStart;
  }
  if (has_escape && c == dialect.escape) return CsvScanState::kEscapedUnquoted;
  return CsvScanState::kUnquoted;
}

size_t csv_scan_scalar(const char* base, size_t from, size_t to, bool last, const CsvDialect& dialect,
                       CsvScanState& state, CsvIndex& index) {
  const std::string_view comment = dialect.comment;
  while (from < to) {
    size_t stop = from + 64;
    if (stop > to) {
      if (!last) return from;
      stop = to;
    }
    if (!index.feeds_only && index.count + 64 > index.entries_max) return from;
    if (index.end_count + 64 > index.ends_max) return from;
    while (from < stop) {
      if (state == CsvScanState::kRecordStart && !comment.empty()) {
        // The whole prefix must be in sight to be told apart from data.
        const size_t sight = to - from;
        if (sight < comment.size() && !last && std::memcmp(base + from, comment.data(), sight) == 0) return from;
        if (sight >= comment.size() && std::memcmp(base + from, comment.data(), comment.size()) == 0)
          state = CsvScanState::kComment;
      }
      bool structural = false;
      state = csv_scan_byte(dialect, state, base[from], &structural);
      if (structural) {
        const bool ends = base[from] == '\n' && state == CsvScanState::kRecordStart;
        if (index.feeds_only) {
          if (ends) index.entries[index.end_count] = static_cast<uint32_t>(from);
        } else {
          index.entries[index.count] = static_cast<uint32_t>(from);
        }
        if (ends) index.ends[index.end_count++] = index.count;
        ++index.count;
      }
      ++from;
    }
  }
  return from;
}

namespace {

/// What goes on from one block to the next, as masks.
struct BlockCarry {
  uint64_t inside;  ///< all ones while a quoted field is open
  uint64_t behind_structural;  ///< 1: the byte before is a delimiter or line feed
  uint64_t behind_close;  ///< 1: the byte before is a quote that closes, or is the first of two
};
inline BlockCarry carry_of(CsvScanState state) {
  return {state == CsvScanState::kQuoted ? ~uint64_t{0} : 0,
          state == CsvScanState::kFieldStart || state == CsvScanState::kRecordStart,
          state == CsvScanState::kQuoteInQuoted};
}
inline CsvScanState state_of(const BlockCarry& carry) {
  return carry.inside != 0              ? CsvScanState::kQuoted
         : carry.behind_structural != 0 ? CsvScanState::kFieldStart
         : carry.behind_close != 0      ? CsvScanState::kQuoteInQuoted
                                        : CsvScanState::kUnquoted;
}

/// The byte before tells what `behind_opener` is of.
[[maybe_unused]] inline BlockCarry carry_behind(char before, const CsvDialect& dialect, uint64_t inside,
                                                uint64_t behind_opener) {
  const uint64_t is_quote = dialect.quote != 0 && before == dialect.quote;
  return {inside, behind_opener & ~is_quote, behind_opener & is_quote};
}

/// One block by the scalar machine. Not inlined: the loops that call it keep all that they carry in registers.
[[maybe_unused]] [[gnu::noinline]] BlockCarry scan_block(const char* base, size_t from, const CsvDialect& dialect,
                                                         BlockCarry carry, CsvIndex& index) {
  CsvScanState state = state_of(carry);
  csv_scan_scalar(base, from, from + 64, false, dialect, state, index);
  return carry_of(state);
}

[[maybe_unused]] inline uint32_t lowest_set(uint64_t bits) {
  return static_cast<uint32_t>(std::countr_zero(bits | uint64_t{1} << 63));
}
[[maybe_unused]] inline uint64_t shift_prefix_xor(uint64_t x) {
  for (int shift = 1; shift < 64; shift *= 2) x ^= x << shift;
  return x;
}

#if defined(__x86_64__)

// ---- SSE2 ----

struct BlockSse2 {
  __m128i part[4];
};
inline BlockSse2 load_sse2(const char* p) {
  const auto* from = reinterpret_cast<const __m128i*>(p);
  return {{_mm_loadu_si128(from), _mm_loadu_si128(from + 1), _mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3)}};
}
inline uint64_t mask_sse2(const BlockSse2& block, __m128i v) {
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(block.part[i], v))))
            << (16 * i);
  }
  return mask;
}
inline uint32_t count_sse2(uint64_t bits) { return static_cast<uint32_t>(__builtin_popcountll(bits)); }
inline uint32_t lowest_sse2(uint64_t bits) { return lowest_set(bits); }
inline void list_sse2(uint64_t bits, uint32_t count, uint32_t at, uint32_t* out) {
  for (uint32_t i = 0; i < count; ++i, bits &= bits - 1) out[i] = at + static_cast<uint32_t>(__builtin_ctzll(bits));
}

#define WEIR_SCAN(x) x##_sse2
#define WEIR_SCAN_TARGET
#define WEIR_SPLAT(c) _mm_set1_epi8(c)
#define WEIR_PREFIX_XOR(x) shift_prefix_xor(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN
#undef WEIR_SCAN_TARGET
#undef WEIR_SPLAT
#undef WEIR_PREFIX_XOR

// ---- AVX2 ----

#define WEIR_AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi,bmi2,lzcnt")))

struct BlockAvx2 {
  __m256i low, high;
};
WEIR_AVX2 inline BlockAvx2 load_avx2(const char* p) {
  const auto* from = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}
WEIR_AVX2 inline uint64_t mask_avx2(const BlockAvx2& block, __m256i v) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block.low, v))) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block.high, v)))) << 32;
}
WEIR_AVX2 inline uint64_t clmul_prefix_xor(uint64_t x) {
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(x)), _mm_set1_epi8(-1), 0)));
}
WEIR_AVX2 inline uint32_t count_avx2(uint64_t bits) { return static_cast<uint32_t>(_mm_popcnt_u64(bits)); }
WEIR_AVX2 inline uint32_t lowest_avx2(uint64_t bits) { return static_cast<uint32_t>(_tzcnt_u64(bits)); }
/// Eight at a time without asking: the room for 64 more is there, what is too much is overwritten.
WEIR_AVX2 inline void list_avx2(uint64_t bits, uint32_t count, uint32_t at, uint32_t* out) {
  for (uint32_t done = 0;;) {
#pragma GCC unroll 8
    for (uint32_t i = 0; i < 8; ++i) {
      out[done + i] = at + static_cast<uint32_t>(_tzcnt_u64(bits));
      bits = _blsr_u64(bits);
    }
    done += 8;
    if (done >= count) [[likely]]
      return;
  }
}

#define WEIR_SCAN(x) x##_avx2
#define WEIR_SCAN_TARGET WEIR_AVX2
#define WEIR_SPLAT(c) _mm256_set1_epi8(c)
#define WEIR_PREFIX_XOR(x) clmul_prefix_xor(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN
#undef WEIR_SCAN_TARGET
#undef WEIR_SPLAT
#undef WEIR_PREFIX_XOR

// ---- AVX-512 (with VBMI2: Ice Lake, Zen 4 and later) ----

#define WEIR_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,pclmul,popcnt,bmi,bmi2,lzcnt")))

WEIR_AVX512 inline __m512i load_avx512(const char* p) { return _mm512_loadu_epi8(p); }
WEIR_AVX512 inline uint64_t mask_avx512(__m512i block, __m512i v) { return _mm512_cmpeq_epi8_mask(block, v); }
WEIR_AVX512 inline uint64_t clmul_prefix_xor_avx512(uint64_t x) {
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(x)), _mm_set1_epi8(-1), 0)));
}
WEIR_AVX512 inline uint32_t count_avx512(uint64_t bits) { return static_cast<uint32_t>(_mm_popcnt_u64(bits)); }
WEIR_AVX512 inline uint32_t lowest_avx512(uint64_t bits) { return static_cast<uint32_t>(_tzcnt_u64(bits)); }
/// Packs the numbers of the bits that are set, then widens sixteen of them at a time. (The forms with a mask: of the
/// others this compiler believes that they read what was never set.)
WEIR_AVX512 inline void list_avx512(uint64_t bits, uint32_t count, uint32_t at, uint32_t* out) {
  const __m512i numbers =
      _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40,
                      39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
                      15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i packed = _mm512_maskz_compress_epi8(bits, numbers);
  const __m512i base = _mm512_set1_epi32(static_cast<int>(at));
  const auto put = [&](__m128i sixteen, uint32_t* to) WEIR_AVX512 {
    _mm512_storeu_si512(to, _mm512_add_epi32(base, _mm512_maskz_cvtepu8_epi32(0xffff, sixteen)));
  };
  put(_mm512_maskz_extracti32x4_epi32(0xf, packed, 0), out);
  if (count <= 16) [[likely]]
    return;
  put(_mm512_maskz_extracti32x4_epi32(0xf, packed, 1), out + 16);
  put(_mm512_maskz_extracti32x4_epi32(0xf, packed, 2), out + 32);
  put(_mm512_maskz_extracti32x4_epi32(0xf, packed, 3), out + 48);
}

#define WEIR_SCAN(x) x##_avx512
#define WEIR_SCAN_TARGET WEIR_AVX512
#define WEIR_SPLAT(c) _mm512_set1_epi8(c)
#define WEIR_PREFIX_XOR(x) clmul_prefix_xor_avx512(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN
#undef WEIR_SCAN_TARGET
#undef WEIR_SPLAT
#undef WEIR_PREFIX_XOR

#undef WEIR_AVX2
#undef WEIR_AVX512

#elif defined(__aarch64__)

// ---- NEON ----

inline uint8x16x4_t load_neon(const char* p) {
  return {{neon_load(p), neon_load(p + 16), neon_load(p + 32), neon_load(p + 48)}};
}
inline uint64_t mask_neon(const uint8x16x4_t& block, uint8x16_t v) {
  return neon_bits(vceqq_u8(block.val[0], v), vceqq_u8(block.val[1], v), vceqq_u8(block.val[2], v),
                   vceqq_u8(block.val[3], v));
}
inline uint32_t count_neon(uint64_t bits) { return static_cast<uint32_t>(std::popcount(bits)); }
inline uint32_t lowest_neon(uint64_t bits) { return lowest_set(bits); }
/// Four at a time without asking, as list_avx2.
inline void list_neon(uint64_t bits, uint32_t count, uint32_t at, uint32_t* out) {
  for (uint32_t done = 0; done < count; done += 4) {
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      out[done + i] = at + static_cast<uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
    }
  }
}

#define WEIR_SCAN(x) x##_neon
#define WEIR_SCAN_TARGET
#define WEIR_SPLAT(c) vdupq_n_u8(static_cast<uint8_t>(c))
#define WEIR_PREFIX_XOR(x) shift_prefix_xor(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN
#undef WEIR_SCAN_TARGET
#undef WEIR_PREFIX_XOR

// ---- NEON with the polynomial multiply: only the parity of quotes differs ----

WEIR_PMULL inline uint8x16x4_t load_neon_pmull(const char* p) { return load_neon(p); }
WEIR_PMULL inline uint64_t mask_neon_pmull(const uint8x16x4_t& block, uint8x16_t v) { return mask_neon(block, v); }
WEIR_PMULL inline uint32_t count_neon_pmull(uint64_t bits) { return count_neon(bits); }
WEIR_PMULL inline uint32_t lowest_neon_pmull(uint64_t bits) { return lowest_set(bits); }
WEIR_PMULL inline void list_neon_pmull(uint64_t bits, uint32_t count, uint32_t at, uint32_t* out) {
  list_neon(bits, count, at, out);
}

#define WEIR_SCAN(x) x##_neon_pmull
#define WEIR_SCAN_TARGET WEIR_PMULL
#define WEIR_PREFIX_XOR(x) prefix_xor_pmull(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN
#undef WEIR_SCAN_TARGET
#undef WEIR_SPLAT
#undef WEIR_PREFIX_XOR

#endif

/// Null where this build has no such kernel.
CsvScan scan_of(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return csv_scan_scalar;
#if defined(__x86_64__)
    case SimdLevel::kSse2:
      return csv_scan_sse2;
    case SimdLevel::kAvx2:
      return csv_scan_avx2;
    case SimdLevel::kAvx512:
      return csv_scan_avx512;
#elif defined(__aarch64__)
    case SimdLevel::kNeon:
      return csv_scan_neon;
    case SimdLevel::kNeonPmull:
      return csv_scan_neon_pmull;
#endif
    default:
      return nullptr;
  }
}

}  // namespace

CsvScan choose_csv_scan(const CsvDialect& dialect) {
  if (dialect.escape != 0 || !dialect.comment.empty()) return csv_scan_scalar;
  CsvScanKernel kernels[std::size(kSimdLevels)];
  return kernels[csv_scan_kernels(kernels, std::size(kernels)) - 1].scan;
}

size_t csv_scan_kernels(CsvScanKernel* out, size_t out_max) {
  size_t n = 0;
  for (const SimdLevel level : kSimdLevels) {
    const CsvScan scan = scan_of(level);
    if (scan != nullptr && n < out_max && simd_usable(level)) out[n++] = {simd_name(level), scan};
  }
  return n;
}

}  // namespace weir

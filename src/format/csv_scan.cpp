#include "format/csv_scan.hpp"

#include <cstring>

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
    case CsvScanState::kEscapedUnquoted: return CsvScanState::kUnquoted;
    case CsvScanState::kEscapedQuoted: return CsvScanState::kQuoted;
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
    case CsvScanState::kUnquoted: break;
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

size_t csv_scan_scalar(const char* base, size_t from, size_t to, bool last, const CsvDialect& dialect, CsvScanState& state,
                       CsvIndex& index) {
  const std::string_view comment = dialect.comment;
  while (from < to) {
    size_t stop = from + 64;
    if (stop > to) {
      if (!last) return from;
      stop = to;
    }
    if (index.count + 64 > index.entries_max || index.end_count + 64 > index.ends_max) return from;
    while (from < stop) {
      if (state == CsvScanState::kRecordStart && !comment.empty()) {
        // The whole prefix must be in sight to be told apart from data.
        const size_t sight = to - from;
        if (sight < comment.size() && !last && std::memcmp(base + from, comment.data(), sight) == 0) return from;
        if (sight >= comment.size() && std::memcmp(base + from, comment.data(), comment.size()) == 0) state = CsvScanState::kComment;
      }
      bool structural = false;
      state = csv_scan_byte(dialect, state, base[from], &structural);
      if (structural) {
        if (base[from] == '\n' && state == CsvScanState::kRecordStart) index.ends[index.end_count++] = index.count;
        index.entries[index.count++] = static_cast<uint32_t>(from);
      }
      ++from;
    }
  }
  return from;
}

#if defined(__x86_64__)

namespace {

inline uint64_t shift_prefix_xor(uint64_t x) {
  for (int shift = 1; shift < 64; shift *= 2) x ^= x << shift;
  return x;
}

inline uint64_t mask_sse2(const char* p, __m128i v) {
  uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, v)))) << (16 * i);
  }
  return mask;
}

#define WEIR_SCAN_NAME csv_scan_sse2
#define WEIR_SCAN_TARGET
#define WEIR_SPLAT(c) _mm_set1_epi8(c)
#define WEIR_MASK(p, v) mask_sse2(p, v)
#define WEIR_PREFIX_XOR(x) shift_prefix_xor(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN_NAME
#undef WEIR_SCAN_TARGET
#undef WEIR_SPLAT
#undef WEIR_MASK
#undef WEIR_PREFIX_XOR

#define WEIR_AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi,bmi2,lzcnt")))

WEIR_AVX2 inline uint64_t mask_avx2(const char* p, __m256i v) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, v))) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, v)))) << 32;
}
WEIR_AVX2 inline uint64_t clmul_prefix_xor(uint64_t x) {
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(x)), _mm_set1_epi8(-1), 0)));
}

#define WEIR_SCAN_NAME csv_scan_avx2
#define WEIR_SCAN_TARGET WEIR_AVX2
#define WEIR_SPLAT(c) _mm256_set1_epi8(c)
#define WEIR_MASK(p, v) mask_avx2(p, v)
#define WEIR_PREFIX_XOR(x) clmul_prefix_xor(x)
#include "format/csv_scan_kernel.inc"
#undef WEIR_SCAN_NAME
#undef WEIR_SCAN_TARGET
#undef WEIR_SPLAT
#undef WEIR_MASK
#undef WEIR_PREFIX_XOR

#undef WEIR_AVX2

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi2"); }

}  // namespace

#endif

CsvScan choose_csv_scan(const CsvDialect& dialect) {
  if (dialect.escape != 0 || !dialect.comment.empty()) return csv_scan_scalar;
#if defined(__x86_64__)
  return has_avx2() ? csv_scan_avx2 : csv_scan_sse2;
#else
  return csv_scan_scalar;  // TODO(port): a NEON kernel; ends when the aarch64 build measures
#endif
}

size_t csv_scan_kernels(CsvScanKernel* out, size_t out_max) {
  size_t n = 0;
  const auto add = [&](const char* name, CsvScan scan) {
    if (n < out_max) out[n++] = {name, scan};
  };
  add("scalar", csv_scan_scalar);
#if defined(__x86_64__)
  add("sse2", csv_scan_sse2);
  if (has_avx2()) add("avx2", csv_scan_avx2);
#endif
  return n;
}

}  // namespace weir

#include "format/json_layout.hpp"

#include <cstring>

#include "format/json_scalar.hpp"
#include "format/neon.hpp"
#include "record/field.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {

/// What the kernels see of a layout.
struct JsonLayoutKernels {
  static JsonLayout::Piece* first(JsonLayout& layout) { return layout.pieces_; }
  static JsonLayout::Piece* last(JsonLayout& layout) { return layout.pieces_ + layout.pieces_used_ - 1; }
  static const JsonLayout::Value* values(const JsonLayout& layout) { return layout.values_; }
  static uint32_t paths(const JsonLayout& layout) { return layout.paths_; }
  static bool open_end(const JsonLayout& layout) { return layout.open_end_; }
};

namespace {

/// One bit a byte of a string.
struct StringMasks {
  uint32_t quote = 0;
  uint32_t bad = 0;  ///< a backslash or a control byte
  uint32_t high = 0;  ///< >= 0x80
};
/// One bit for each of 16 bytes.
struct NumberMasks {
  uint32_t digit = 0;
  uint32_t point = 0;
};

/// `limit`: what stands behind it is none of ours.
bool string_is_utf8(const char* begin, const char* end, const char* limit) {
  if (end >= limit) return false;
  const std::string_view text(begin, static_cast<size_t>(end - begin));
  return utf8_valid_prefix(text) == text.size();
}

uint32_t different_scalar(const char* a, const char* b) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 32; ++i) mask |= static_cast<uint32_t>(a[i] != b[i]) << i;
  return mask;
}
struct ConstantsScalar {};
StringMasks string_scalar(const char* p, const ConstantsScalar&) {
  StringMasks masks;
  for (uint32_t i = 0; i < 16; ++i) {
    const auto c = static_cast<uint8_t>(p[i]);
    masks.quote |= static_cast<uint32_t>(c == '"') << i;
    masks.bad |= static_cast<uint32_t>(c < 0x20 || c == '\\') << i;
    masks.high |= static_cast<uint32_t>(c >= 0x80) << i;
  }
  return masks;
}
NumberMasks number_scalar(const char* p, const ConstantsScalar&) {
  NumberMasks masks;
  for (uint32_t i = 0; i < 16; ++i) {
    masks.digit |= static_cast<uint32_t>(json_is_digit(p[i])) << i;
    masks.point |= static_cast<uint32_t>(p[i] == '.') << i;
  }
  return masks;
}

#define WEIR_LAYOUT_NAME match_scalar
#define WEIR_LAYOUT_TARGET
#define WEIR_LAYOUT_WIDTH 16
#define WEIR_LAYOUT_DIFFERENT(a, b) different_scalar(a, b)
#define WEIR_LAYOUT_CONSTANTS ConstantsScalar
#define WEIR_LAYOUT_STRING string_scalar
#define WEIR_LAYOUT_UTF8(p, high) false
#define WEIR_LAYOUT_NUMBER number_scalar
#include "format/json_layout_kernel.inc"

#if defined(__x86_64__)

inline __m128i load_sse2(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline uint32_t bits_sse2(__m128i v) { return static_cast<uint32_t>(_mm_movemask_epi8(v)); }
inline uint32_t different_sse2(const char* a, const char* b) {
  const uint32_t low = bits_sse2(_mm_cmpeq_epi8(load_sse2(a), load_sse2(b)));
  const uint32_t high = bits_sse2(_mm_cmpeq_epi8(load_sse2(a + 16), load_sse2(b + 16)));
  return ~(low | high << 16);
}
/// Kept in registers: else a compiler makes them anew at every use, of the byte it just compared, and waits for that.
struct ConstantsSse2 {
  __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
  __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), point = _mm_set1_epi8('.');
  ConstantsSse2() { asm("" : "+x"(quote), "+x"(backslash), "+x"(control), "+x"(zero), "+x"(nine), "+x"(point)); }
};
inline StringMasks string_sse2(const char* p, const ConstantsSse2& constants) {
  const __m128i v = load_sse2(p);
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, constants.control), v);
  const __m128i backslash = _mm_cmpeq_epi8(v, constants.backslash);
  return {bits_sse2(_mm_cmpeq_epi8(v, constants.quote)), bits_sse2(_mm_or_si128(backslash, control)), bits_sse2(v)};
}
inline NumberMasks number_sse2(const char* p, const ConstantsSse2& constants) {
  const __m128i v = load_sse2(p);
  const __m128i digit = _mm_sub_epi8(v, constants.zero);
  return {bits_sse2(_mm_cmpeq_epi8(_mm_min_epu8(digit, constants.nine), digit)),
          bits_sse2(_mm_cmpeq_epi8(v, constants.point))};
}

#define WEIR_LAYOUT_NAME match_sse2
#define WEIR_LAYOUT_TARGET
#define WEIR_LAYOUT_WIDTH 16
#define WEIR_LAYOUT_DIFFERENT(a, b) different_sse2(a, b)
#define WEIR_LAYOUT_CONSTANTS ConstantsSse2
#define WEIR_LAYOUT_STRING string_sse2
#define WEIR_LAYOUT_UTF8(p, high) false
#define WEIR_LAYOUT_NUMBER number_sse2
#include "format/json_layout_kernel.inc"

#define WEIR_AVX2 [[gnu::target("avx2,bmi,bmi2")]]

WEIR_AVX2 inline __m256i load_avx2(const char* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
WEIR_AVX2 inline uint32_t different_avx2(const char* a, const char* b) {
  return ~static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load_avx2(a), load_avx2(b))));
}
WEIR_AVX2 inline uint32_t bits_avx2(__m256i v) { return static_cast<uint32_t>(_mm256_movemask_epi8(v)); }
struct ConstantsAvx2 {
  __m256i quote, backslash, control;
  __m128i zero, nine, point;
  WEIR_AVX2 ConstantsAvx2()
      : quote(_mm256_set1_epi8('"')),
        backslash(_mm256_set1_epi8('\\')),
        control(_mm256_set1_epi8(0x1f)),
        zero(_mm_set1_epi8('0')),
        nine(_mm_set1_epi8(9)),
        point(_mm_set1_epi8('.')) {
    asm("" : "+x"(quote), "+x"(backslash), "+x"(control), "+x"(zero), "+x"(nine), "+x"(point));
  }
};
WEIR_AVX2 inline StringMasks string_avx2(const char* p, const ConstantsAvx2& constants) {
  const __m256i v = load_avx2(p);
  const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, constants.control), v);
  const __m256i backslash = _mm256_cmpeq_epi8(v, constants.backslash);
  return {bits_avx2(_mm256_cmpeq_epi8(v, constants.quote)), bits_avx2(_mm256_or_si256(backslash, control)),
          bits_avx2(v)};
}
/// Sequences of two bytes, and those of three whose first is E1 to EC: any second may follow these.
WEIR_AVX2 inline bool short_utf8_avx2(const char* p, uint32_t high) {
  const __m256i v = load_avx2(p);
  const __m256i from_c2 = _mm256_sub_epi8(v, _mm256_set1_epi8(static_cast<char>(0xc2)));
  const __m256i from_e1 = _mm256_sub_epi8(v, _mm256_set1_epi8(static_cast<char>(0xe1)));
  const uint32_t twos = bits_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(from_c2, _mm256_set1_epi8(0x1d)), from_c2)) & high;
  const uint32_t threes =
      bits_avx2(_mm256_cmpeq_epi8(_mm256_min_epu8(from_e1, _mm256_set1_epi8(0x0b)), from_e1)) & high;
  const uint32_t behind = (twos | threes) << 1 | threes << 2;
  const uint32_t continuing = bits_avx2(_mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(0xc0)), v)) & high;
  return behind == continuing && (twos | threes | continuing) == high;
}
WEIR_AVX2 inline NumberMasks number_avx2(const char* p, const ConstantsAvx2& constants) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i digit = _mm_sub_epi8(v, constants.zero);
  return {static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(digit, constants.nine), digit))),
          static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, constants.point)))};
}

#define WEIR_LAYOUT_NAME match_avx2
#define WEIR_LAYOUT_TARGET WEIR_AVX2
#define WEIR_LAYOUT_WIDTH 32
#define WEIR_LAYOUT_DIFFERENT(a, b) different_avx2(a, b)
#define WEIR_LAYOUT_CONSTANTS ConstantsAvx2
#define WEIR_LAYOUT_STRING string_avx2
#define WEIR_LAYOUT_UTF8 short_utf8_avx2
#define WEIR_LAYOUT_NUMBER number_avx2
#include "format/json_layout_kernel.inc"
#undef WEIR_AVX2

#elif defined(__aarch64__)

inline uint32_t different_neon(const char* a, const char* b) {
  return ~neon_bits(vceqq_u8(neon_load(a), neon_load(b)), vceqq_u8(neon_load(a + 16), neon_load(b + 16)));
}
struct ConstantsNeon {};
inline StringMasks string_neon(const char* p, const ConstantsNeon&) {
  const uint8x16_t v = neon_load(p);
  const uint8x16_t bad = vorrq_u8(neon_is(v, '\\'), vcltq_u8(v, vdupq_n_u8(0x20)));
  const uint64_t bits = neon_bits(neon_is(v, '"'), bad, vcgeq_u8(v, vdupq_n_u8(0x80)), vdupq_n_u8(0));
  return {static_cast<uint32_t>(bits & 0xffff), static_cast<uint32_t>(bits >> 16 & 0xffff),
          static_cast<uint32_t>(bits >> 32)};
}
inline NumberMasks number_neon(const char* p, const ConstantsNeon&) {
  const uint8x16_t v = neon_load(p);
  const uint8x16_t digit = vcltq_u8(vsubq_u8(v, vdupq_n_u8('0')), vdupq_n_u8(10));
  const uint32_t bits = neon_bits(digit, neon_is(v, '.'));
  return {bits & 0xffff, bits >> 16};
}

#define WEIR_LAYOUT_NAME match_neon
#define WEIR_LAYOUT_TARGET
#define WEIR_LAYOUT_WIDTH 16
#define WEIR_LAYOUT_DIFFERENT(a, b) different_neon(a, b)
#define WEIR_LAYOUT_CONSTANTS ConstantsNeon
#define WEIR_LAYOUT_STRING string_neon
#define WEIR_LAYOUT_UTF8(p, high) false
#define WEIR_LAYOUT_NUMBER number_neon
#include "format/json_layout_kernel.inc"

#endif

/// Behind the string whose opening quote is text[at], of valid JSON.
size_t string_end(std::string_view text, size_t at) {
  for (++at; text[at] != '"'; ++at) at += text[at] == '\\';
  return at + 1;
}

}  // namespace

JsonLayout::JsonLayout() : match_(match_scalar) {
  for (const SimdLevel level : kSimdLevels) use(level);
}

bool JsonLayout::use(SimdLevel level) {
  if (!simd_usable(level)) return false;
  switch (level) {
    case SimdLevel::kScalar:
      match_ = match_scalar;
      return true;
#if defined(__x86_64__)
    case SimdLevel::kSse2:
      match_ = match_sse2;
      return true;
    case SimdLevel::kAvx2:
      match_ = match_avx2;
      return true;
#elif defined(__aarch64__)
    case SimdLevel::kNeon:
      match_ = match_neon;
      return true;
#endif
    default:
      return false;
  }
}

/// The fixed text [begin, end) of the record, at least one piece.
bool JsonLayout::add_text(std::string_view record, size_t begin, size_t end) {
  do {
    if (pieces_used_ == kPiecesMax) return false;
    begins_[pieces_used_] = static_cast<uint32_t>(begin);
    Piece& piece = pieces_[pieces_used_++];
    piece = Piece();
    piece.size = static_cast<uint32_t>(end - begin < sizeof piece.text ? end - begin : sizeof piece.text);
    piece.mask = static_cast<uint32_t>((uint64_t{1} << piece.size) - 1);
    std::memcpy(piece.text, record.data() + begin, piece.size);
    begin += piece.size;
  } while (begin < end);
  return true;
}

/// A value begins in the piece before its slot, or within fixed text; it ends with the beginning of the piece behind
/// its slot, or within fixed text.
JsonLayout::Place JsonLayout::place(size_t offset, bool is_end) const {
  uint32_t piece = pieces_used_ - 1;
  while (piece > 0 && (is_end ? begins_[piece] > offset : begins_[piece] >= offset)) --piece;
  return {piece, static_cast<uint32_t>(offset) - begins_[piece]};
}

bool JsonLayout::learn(std::string_view record, size_t looked_at, uint32_t base, const Slice* values, size_t stride,
                       uint32_t paths) {
  forget();
  if (paths > kPathsMax || record.size() >= (uint32_t{1} << 31)) return false;
  uint32_t slots = 0;
  size_t text = 0;  // where the fixed text begins
  size_t at = 0;
  while (at < looked_at) {
    const char c = record[at];
    size_t stop = at;
    if (c == '"') {
      stop = string_end(record, at);
      size_t next = stop;
      while (next < record.size() && (record[next] == ' ' || record[next] == '\t' || record[next] == '\r')) ++next;
      if (next < record.size() && record[next] == ':') {  // a name
        at = next + 1;
        continue;
      }
    } else if (c == '-' || json_is_digit(c)) {
      while (stop < record.size() && std::strchr("+-.0123456789eE", record[stop]) != nullptr && record[stop] != 0)
        ++stop;
    } else if (c == 't' || c == 'n') {
      stop = at + 4;
    } else if (c == 'f') {
      stop = at + 5;
    } else {
      ++at;
      continue;
    }
    if (++slots > kSlotsMax || !add_text(record, text, at)) {
      forget();
      return false;
    }
    pieces_[pieces_used_ - 1].has_slot = true;
    pieces_[pieces_used_ - 1].length = static_cast<uint32_t>(stop - at);
    text = at = stop;
  }
  // The byte behind belongs to it: it says that a number ends there.
  open_end_ = looked_at < record.size();
  if (slots == 0 || !add_text(record, text, looked_at + open_end_)) {
    forget();
    return false;
  }
  paths_ = paths;
  for (uint32_t p = 0; p < paths; ++p) {
    const Slice value = values[p * stride];
    values_[p] = Value();
    values_[p].missing = value.missing();
    if (value.missing()) continue;
    values_[p].begin = place(value.offset - base, false);
    values_[p].end = place(value.offset - base + value.size, true);
  }
  return true;
}

}  // namespace weir

// Text -> the inside of a JSON string (RFC 8259 section 7): `"`, `\` and control bytes are escaped, all other bytes
// copied. The short escapes \b \t \n \f \r are used where there is one, \u00XX otherwise. Text that is not UTF-8 can't
// be written.
//
// Kernels for SSE2, AVX2 and NEON and a scalar twin give the same bytes; the process chooses once. They read only [text, text
// + size); they may write up to kWideSlack bytes behind what they return, so `out` holds kJsonEscapeFactor * size +
// kWideSlack bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "format/simd16.hpp"
#include "format/simd_level.hpp"

namespace weir {

inline constexpr size_t kJsonEscapeFactor = 6;

/// End of the escaped text in `out`; `high` becomes true when a byte of 0x80 or more was met.
struct JsonEscaped {
  char* end = nullptr;
  bool high = false;
};
JsonEscaped escape_json(std::string_view text, char* out);

/// There is a kernel of this level for escaping and minifying, and this processor has it.
bool text_kernel_usable(SimdLevel level);
/// As escape_json, by one kernel that is usable; for tests.
JsonEscaped escape_json_by(SimdLevel level, std::string_view text, char* out);

/// `"text"` with its quotes; null when `text` is not UTF-8.
char* put_json_string_checked(char* out, const char* text, size_t size);

/// Copies text that needs no escape and is ASCII; false when it is not. Up to 31 bytes behind `text` are read, and as
/// many are written behind the copy.
inline bool copy_clean_text(char* out, const char* text, size_t size) {
  for (size_t i = 0;; i += 32) {
    const Vec16 a = load16(text + i);
    const Vec16 b = load16(text + i + 16);
    store16(out + i, a);
    store16(out + i + 16, b);
    const uint64_t mask = json_attention(a) | static_cast<uint64_t>(json_attention(b)) << 16;
    const size_t left = size - i;
    if (left <= 32) [[likely]]
      return (mask & ((uint64_t{1} << left) - 1)) == 0;
    if (mask != 0) return false;
  }
}

/// As put_json_string_checked, for text of a batch: up to 31 bytes behind it are read.
inline char* put_json_string(char* out, const char* text, size_t size) {
  if (!copy_clean_text(out + 1, text, size)) [[unlikely]]
    return put_json_string_checked(out, text, size);
  out[0] = out[size + 1] = '"';
  return out + size + 2;
}

}  // namespace weir

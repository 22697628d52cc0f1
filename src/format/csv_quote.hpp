// CSV fields as RFC 4180 writes them: quoted when the text holds the delimiter, a quote, CR or LF, with inner quotes
// doubled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "format/simd16.hpp"

namespace weir {

/// True when `text` can't stand in a record unquoted. Reads only the text.
bool csv_needs_quotes(std::string_view text, char delimiter);

/// True when `raw`, which begins with `"`, is one quoted field: closed by its last byte, every quote inside doubled.
bool csv_is_well_quoted(std::string_view raw);

/// Copies `text` with its quotes doubled; writes at most 2 * size bytes. Without the field's own quotes.
char* put_csv_doubled(char* out, std::string_view text);

/// Copies a field that needs no quotes; null when it needs them. Up to 31 bytes behind it are read, and as many written
/// behind the result.
inline char* put_csv_plain(char* out, const char* text, size_t size, char delimiter) {
  for (size_t i = 0;; i += 32) {
    const Vec16 a = load16(text + i);
    const Vec16 b = load16(text + i + 16);
    store16(out + i, a);
    store16(out + i + 16, b);
    const uint64_t mask = csv_attention(a, delimiter) | static_cast<uint64_t>(csv_attention(b, delimiter)) << 16;
    const size_t left = size - i;
    if (left <= 32) return (mask & ((uint64_t{1} << left) - 1)) == 0 ? out + size : nullptr;
    if (mask != 0) return nullptr;
  }
}

}  // namespace weir

// Where a number, a literal or an escape of JSON ends: what JsonScanner and JsonLayout look at a byte at a time.
#pragma once

#include <cstdint>
#include <cstring>

namespace weir {

inline bool json_is_digit(char c) { return static_cast<uint8_t>(c - '0') < 10; }
inline bool json_is_hex(char c) { return json_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

/// Behind the number that begins at p, or null. Looks at nothing from `end` on but *end.
inline const char* json_number_end(const char* p, const char* end) {
  if (*p == '-') ++p;
  if (*p == '0') {
    ++p;
  } else {
    if (!json_is_digit(*p)) return nullptr;
    while (p < end && json_is_digit(*p)) ++p;
  }
  if (*p == '.') {
    ++p;
    if (p >= end || !json_is_digit(*p)) return nullptr;
    while (p < end && json_is_digit(*p)) ++p;
  }
  if ((*p | 0x20) == 'e') {
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    if (p >= end || !json_is_digit(*p)) return nullptr;
    while (p < end && json_is_digit(*p)) ++p;
  }
  return p;
}

/// Behind the literal that begins at p, or null. Five bytes are read.
inline const char* json_literal_end(const char* p) {
  switch (*p) {
    case 't':
      return std::memcmp(p, "true", 4) == 0 ? p + 4 : nullptr;
    case 'f':
      return std::memcmp(p + 1, "alse", 4) == 0 ? p + 5 : nullptr;
    case 'n':
      return std::memcmp(p, "null", 4) == 0 ? p + 4 : nullptr;
    default:
      return nullptr;
  }
}

/// Bytes of the escape whose second byte is *p, the backslash included; 0 when it is none. Up to five bytes are read.
inline uint32_t json_escape_size(const char* p) {
  switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return 2;
    case 'u':
      return json_is_hex(p[1]) && json_is_hex(p[2]) && json_is_hex(p[3]) && json_is_hex(p[4]) ? 6 : 0;
    default:
      return 0;
  }
}

}  // namespace weir

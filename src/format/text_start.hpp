// What a text input may begin with: a UTF-8 byte order mark is dropped, one of UTF-16 (or UTF-32) is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

enum class TextStart : uint8_t { kPlain, kBom, kUtf16, kNeedInput };

inline constexpr size_t kBomBytes = 3;

/// Looks at the first bytes of an input; kNeedInput while they could still become a mark.
inline TextStart text_start(std::string_view bytes, bool closed) {
  const auto begins = [&](std::string_view mark) { return bytes.substr(0, mark.size()) == mark; };
  constexpr std::string_view kBom = "\xef\xbb\xbf";
  if (begins(kBom)) return TextStart::kBom;
  if (begins("\xff\xfe") || begins("\xfe\xff")) return TextStart::kUtf16;
  if (closed) return TextStart::kPlain;
  if (bytes.empty() || bytes == "\xff" || bytes == "\xfe" ||
      (bytes.size() < kBomBytes && kBom.substr(0, bytes.size()) == bytes)) {
    return TextStart::kNeedInput;
  }
  return TextStart::kPlain;
}

}  // namespace weir

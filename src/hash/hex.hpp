// Bytes as hexadecimal digits, lower case.
#pragma once

#include <string_view>

#include "base/fixed_text.hpp"
#include "hash/sha256.hpp"

namespace weir {

template <size_t kSize>
void append_hex(FixedText<kSize>& to, std::string_view bytes) {
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    to.append("0123456789abcdef"[value >> 4]).append("0123456789abcdef"[value & 15]);
  }
}

inline FixedText<64> sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  const Sha256::Digest digest = hash.digest();
  FixedText<64> text;
  append_hex(text, {reinterpret_cast<const char*>(digest.data()), digest.size()});
  return text;
}

}  // namespace weir

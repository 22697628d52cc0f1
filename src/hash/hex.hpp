// The SHA-256 of a text as 64 hexadecimal digits, lower case: what signed requests carry of their body.
#pragma once

#include <string_view>

#include "base/fixed_text.hpp"
#include "hash/sha256.hpp"

namespace weir {

inline FixedText<64> sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  char digits[64];
  to_hex(hash.digest(), digits);
  return FixedText<64>({digits, sizeof digits});
}

}  // namespace weir

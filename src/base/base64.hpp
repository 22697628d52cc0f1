// Base64 (RFC 4648 section 4: with +, / and padding), encoding only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/fixed_text.hpp"

namespace weir {

/// Bytes that `bytes` of input become.
constexpr size_t base64_bytes(size_t bytes) { return (bytes + 2) / 3 * 4; }

/// Writes base64_bytes(bytes.size()) characters to `out`.
void base64_encode(std::string_view bytes, char* out);

/// A checksum's value as S3 and others write it: big-endian, then Base64. 8 and 12 characters.
FixedText<8> base64_of(uint32_t value);
FixedText<12> base64_of(uint64_t value);

}  // namespace weir

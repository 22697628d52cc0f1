// CRC-32 of zlib, gzip and S3 (ISO 3309): reflected polynomial 0xEDB88320, initial value and final xor all ones.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// The checksum of everything so far and `bytes`: crc32(crc32(0, a), b) == crc32(0, ab). By carry-less multiplication where the
/// processor has it.
uint32_t crc32(uint32_t crc, std::string_view bytes);

/// The scalar twin, for tests.
uint32_t crc32_scalar(uint32_t crc, std::string_view bytes);

/// The checksum of two texts one behind the other, from the checksum of each and the second one's length.
uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes);

}  // namespace weir

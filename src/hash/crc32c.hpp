// CRC-32C (Castagnoli, RFC 3720 appendix B.4): reflected polynomial 0x82F63B78, initial value and final xor all ones.
// Guards checkpoints and tells durable output bytes apart; it is no protection against intent (see hmac.hpp).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// The checksum of everything so far and `bytes`: crc32c(crc32c(0, a), b) == crc32c(0, ab). By the processor's own
/// instruction where there is one.
uint32_t crc32c(uint32_t crc, std::string_view bytes);

/// The scalar twin, for tests.
uint32_t crc32c_scalar(uint32_t crc, std::string_view bytes);

}  // namespace weir

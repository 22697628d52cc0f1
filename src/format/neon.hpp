// What the NEON kernels share: comparisons (0xff or 0 a byte) into one bit a byte, and the parity of bits. NEON has no
// movemask: each byte keeps the bit of its place, and pairs are added until the bits of eight bytes are one byte.
#pragma once

#if defined(__aarch64__)

#include <cstdint>

#include <arm_neon.h>

namespace weir {

inline constexpr uint8_t kPlaceBits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};

/// Bits 0..15 are those of `a`, and so on.
inline uint64_t neon_bits(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
  const uint8x16_t place = vld1q_u8(kPlaceBits);
  const uint8x16_t low = vpaddq_u8(vandq_u8(a, place), vandq_u8(b, place));
  const uint8x16_t high = vpaddq_u8(vandq_u8(c, place), vandq_u8(d, place));
  const uint8x16_t all = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
inline uint32_t neon_bits(uint8x16_t a, uint8x16_t b) {
  const uint8x16_t place = vld1q_u8(kPlaceBits);
  uint8x16_t all = vpaddq_u8(vandq_u8(a, place), vandq_u8(b, place));
  all = vpaddq_u8(all, all);
  return vgetq_lane_u32(vreinterpretq_u32_u8(vpaddq_u8(all, all)), 0);
}
inline uint32_t neon_bits(uint8x16_t a) {
  uint8x16_t all = vandq_u8(a, vld1q_u8(kPlaceBits));
  all = vpaddq_u8(all, all);
  all = vpaddq_u8(all, all);
  return vgetq_lane_u16(vreinterpretq_u16_u8(vpaddq_u8(all, all)), 0);
}

inline uint8x16_t neon_load(const char* p) { return vld1q_u8(reinterpret_cast<const uint8_t*>(p)); }
/// Where the bytes equal `c`.
inline uint8x16_t neon_is(uint8x16_t v, char c) { return vceqq_u8(v, vdupq_n_u8(static_cast<uint8_t>(c))); }

#define WEIR_PMULL __attribute__((target("+crypto")))

/// Bit i: the parity of bits 0..i.
WEIR_PMULL inline uint64_t prefix_xor_pmull(uint64_t bits) {
  return vgetq_lane_u64(vreinterpretq_u64_p128(vmull_p64(bits, ~uint64_t{0})), 0);
}

}  // namespace weir

#endif

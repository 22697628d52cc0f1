// The levels of vector instructions that kernels exist for, and which of them this processor has.
//
// Each kernel of this room has a scalar twin and one for some of these levels. x86-64 always has SSE2 and aarch64 always
// has NEON; what is above is asked for when the process starts. Tests and fuzz targets go over kSimdLevels and pass over
// what a kernel or the processor has not.
#pragma once

#include <cstdint>

namespace weir {

enum class SimdLevel : uint8_t {
  kScalar,
  kSse2,
  kAvx2,  ///< with carry-less multiply, BMI, BMI2, POPCNT and LZCNT, as every processor since Haswell and Zen
  kAvx512,  ///< F, BW, VL, VBMI2: Ice Lake, Zen 4 and later
  kNeon,
  kNeonPmull,  ///< NEON with the polynomial multiply of 64 bits (the AES extension)
};

/// Ascending on each architecture; the scalar twin first.
inline constexpr SimdLevel kSimdLevels[] = {SimdLevel::kScalar, SimdLevel::kSse2, SimdLevel::kAvx2,
                                            SimdLevel::kAvx512, SimdLevel::kNeon, SimdLevel::kNeonPmull};

/// True when this build and this processor have the level. kScalar always is.
bool simd_usable(SimdLevel level);

const char* simd_name(SimdLevel level);

}  // namespace weir

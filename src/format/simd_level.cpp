#include "format/simd_level.hpp"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace weir {

bool simd_usable(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return true;
#if defined(__x86_64__)
    case SimdLevel::kSse2:
      return true;
    case SimdLevel::kAvx2:
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi") &&
             __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("lzcnt");
    case SimdLevel::kAvx512:
      return simd_usable(SimdLevel::kAvx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
#elif defined(__aarch64__)
    case SimdLevel::kNeon:
      return true;
    case SimdLevel::kNeonPmull:
      return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
#endif
    default:
      return false;
  }
}

const char* simd_name(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return "scalar";
    case SimdLevel::kSse2:
      return "sse2";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kAvx512:
      return "avx512";
    case SimdLevel::kNeon:
      return "neon";
    case SimdLevel::kNeonPmull:
      return "neon_pmull";
  }
  return "";
}

}  // namespace weir

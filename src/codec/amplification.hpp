// The guard against decompression bombs, shared by the decoders: memory is bounded anyway, this bounds the work.
#pragma once

#include <cstdint>

#include "codec/codec.hpp"

namespace weir {

/// True once `decoded` bytes are more than limits allow for `stored` bytes (DecoderLimits says how).
inline bool is_amplified(const DecoderLimits& limits, uint64_t decoded, uint64_t stored) {
  if (decoded <= limits.amplification_free) return false;
  const uint64_t ratio_max = limits.amplification_max == 0 ? 1 : limits.amplification_max;
  return (decoded - 1) / ratio_max >= stored;  // decoded > ratio_max * stored, without overflow
}

}  // namespace weir

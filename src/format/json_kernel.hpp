// The SIMD part of JSON scanning: where the tokens of a text stand, found by bit masks of 64 bytes at a time.
//
// A token is a quote that opens or closes a string, one of { } [ ] : , outside of strings, or the first byte of a run
// of anything else outside of strings but white space (numbers, literals, garbage). So the end of a string is the
// token behind its start, and every byte is either a token, in a string, white space, or in the run of a token before
// it.
//
// The kernels (scalar, SSE2, AVX2, NEON) give identical results; the scalar one is the reference that tests hold the others
// against. What they don't see stays with the walker: grammar, numbers, literals, UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/simd_level.hpp"

namespace weir {

/// What goes on from one block to the next, and the verdicts gathered so far. Zero at the start of a text.
struct JsonCarry {
  uint64_t in_string = 0;  ///< all ones while a string is open
  uint64_t escaped = 0;  ///< 1: the next byte stands behind a backslash
  uint64_t in_scalar = 0;  ///< 1: the byte before belongs to a run outside of strings
  uint64_t bad = 0;  ///< nonzero: a control character in a string, or a bad escape
  uint64_t high = 0;  ///< nonzero: bytes >= 0x80 were met
  uint64_t backslash = 0;  ///< nonzero: backslashes were met
};

inline constexpr size_t kJsonIndexSlack = 64;

/// Writes the offsets of the tokens of text[0 .. size), ascending, `first` added to each, and returns their number.
/// `positions` has room for size + kJsonIndexSlack. Reads up to 68 bytes past the text. `size` is a multiple of 64
/// unless the text ends there.
using JsonIndexer = size_t (*)(const char* text, size_t size, uint32_t first, JsonCarry& carry, uint32_t* positions);

/// The kernel's function, or null where there is none of that level, or this processor has it not.
JsonIndexer json_indexer(SimdLevel level);
/// The fastest that this CPU has.
JsonIndexer best_json_indexer();

}  // namespace weir

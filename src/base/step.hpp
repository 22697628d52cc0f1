// The answers of a sans-I/O step and of a port, in one word.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

enum class Step : uint8_t {
  kNeedInput,   ///< the step used what it could of its input and wants more (or to be told that there is no more)
  kHaveOutput,  ///< there is output to take before the step can go on
  kBlocked,     ///< a port can't go on now; wait for its wake-up
  kFinished,    ///< the input was closed, and everything was delivered
  kFailed,      ///< the Error passed along says why; the step stays failed
};

/// Answer of a bytes -> bytes step.
struct Transfer {
  Step step = Step::kNeedInput;
  size_t consumed = 0;  ///< bytes of the input window that were used
  size_t produced = 0;  ///< bytes that were written to the output room
};

}  // namespace weir

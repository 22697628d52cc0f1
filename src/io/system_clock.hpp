// The machine's clocks. Monotonic time is CLOCK_BOOTTIME: it goes on while the machine is frozen.
#pragma once

#include "base/clock.hpp"

namespace weir {

class SystemClock final : public Clock {
 public:
  uint64_t monotonic_ns() override;
  uint64_t wall_ns() override;
};

}  // namespace weir

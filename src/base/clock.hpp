// Clock and Deadline. Time comes through one interface so that tests run on a virtual clock.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr uint64_t kNever = ~uint64_t{0};

class Clock {
 public:
  virtual ~Clock() = default;
  /// Nanoseconds since an arbitrary start; never goes back, goes on while the machine is frozen.
  virtual uint64_t monotonic_ns() = 0;
  /// Nanoseconds since 1970-01-01 UTC; for signing and messages only.
  virtual uint64_t wall_ns() = 0;
};

/// A point of monotonic time after which nothing may be waited for.
struct Deadline {
  uint64_t at_ns = kNever;

  [[nodiscard]] bool passed(uint64_t now_ns) const { return now_ns >= at_ns; }
  [[nodiscard]] uint64_t left_ns(uint64_t now_ns) const {
    if (at_ns == kNever) return kNever;
    return now_ns >= at_ns ? 0 : at_ns - now_ns;
  }
};

}  // namespace weir

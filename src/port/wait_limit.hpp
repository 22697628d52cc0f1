// WaitLimit: until when a run waits for the network; one for all that make requests. The driver moves it as the run comes from reading to its end.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"
#include "port/ports.hpp"

namespace weir {

struct WaitLimit {
  /// Behind a stop, where nothing else is known: as much as is kept before a deadline.
  static constexpr uint64_t kGraceNs = 2'000'000'000;

  uint64_t until_ns = kNever;  ///< no wait reaches past it
  uint64_t grace_ns = kGraceNs;  ///< nor so far behind a stop
  const Wakeup* wakeup = nullptr;  ///< tells of the stop; null: none comes
  uint64_t stopped_ns = kNever;  ///< when the stop was first seen

  /// The end of every wait, as far as it is known at `now_ns`.
  uint64_t end_ns(uint64_t now_ns) {
    if (stopped_ns == kNever && wakeup != nullptr && wakeup->stop_requested()) stopped_ns = now_ns;
    return stopped_ns == kNever ? until_ns : std::min(until_ns, stopped_ns + grace_ns);
  }
};

}  // namespace weir

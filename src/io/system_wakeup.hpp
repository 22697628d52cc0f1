// Where the process waits: for a descriptor to become readable, a signal, or a point of time.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.hpp"
#include "port/ports.hpp"

struct pollfd;  // NOLINT(readability-identifier-naming): the system's name

namespace weir {

class SystemWakeup final : public Wakeup {
 public:
  explicit SystemWakeup(Clock& clock) : clock_(clock) {}

  void watch(const Interest& interest, uint64_t until_monotonic_ns) override {
    watched_ = interest;
    until_ns_ = until_monotonic_ns;
  }
  void wait(uint64_t until_monotonic_ns) override;
  bool stop_requested() const override;
  bool passed(Deadline deadline) override { return deadline.at_ns != kNever && deadline.passed(clock_.monotonic_ns()); }

  /// SIGINT and SIGTERM ask for an orderly stop from here on (a second one ends the process at once), SIGPIPE is ignored. The signals are only
  /// delivered while waiting or between system calls, so that none is missed.
  static void handle_signals();
  /// The signal that asked for the stop, or 0.
  static int stop_signal();
  /// Waits until one of `entries` is ready (their `revents` say which), a signal comes, or the time has come. The one place where the signals are
  /// let in. A stop that was asked for before does not end it: what is waited for then is the end of what was begun.
  static void wait_for(std::span<pollfd> entries, Clock& clock, uint64_t until_monotonic_ns);

 private:
  Clock& clock_;
  Interest watched_;
  uint64_t until_ns_ = kNever;
};

}  // namespace weir

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
  void watch_also(std::span<const Interest> interests, uint64_t until_monotonic_ns) override {
    also_ = interests;
    also_until_ns_ = until_monotonic_ns;
  }
  void wait(uint64_t until_monotonic_ns) override;
  bool stop_requested() const override;
  bool passed(Deadline deadline) override { return deadline.at_ns != kNever && deadline.passed(clock_.monotonic_ns()); }

  /// Signals that come so soon behind the first are the same wish: timeout(1) sends each twice, to the process and to its group.
  static constexpr uint64_t kOneWishNs = 200'000'000;
  static constexpr size_t kAlsoMax = 64;  ///< of watch_also(); more are not watched
  static constexpr int kSignalsMax = 3;  ///< so many end the process, whether it came to note the first or not

  /// SIGINT and SIGTERM ask for an orderly stop from here on, SIGPIPE is ignored. Another one ends the process at once, kOneWishNs after a wait or a
  /// look for the stop noted the first.
  static void handle_signals();
  /// The signal that asked for the stop, or 0.
  static int stop_signal();
  /// Waits until one of `entries` is ready (their `revents` say which), a signal comes, or the time has come. The one place where the signals are
  /// let in. A stop ends one wait, also when it came before; the later ones are for the end of what was begun.
  static void wait_for(std::span<pollfd> entries, Clock& clock, uint64_t until_monotonic_ns);

 private:
  Clock& clock_;
  Interest watched_;
  uint64_t until_ns_ = kNever;
  std::span<const Interest> also_;  ///< of the next wait
  uint64_t also_until_ns_ = kNever;
};

}  // namespace weir

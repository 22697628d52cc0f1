// SimClock and SimWakeup: time that moves as a simulation says, and a stop that comes at the look it is told.
//
// The two clocks are apart, as real ones are: the wall clock can be set, the monotonic one starts anew with the
// machine.
#pragma once

#include "base/clock.hpp"
#include "port/ports.hpp"

namespace weir::testing {

class SimClock final : public Clock {
 public:
  uint64_t monotonic_ns() override {
    ++looks_;
    pass(step_ns_);
    return monotonic_ns_;
  }
  uint64_t wall_ns() override { return wall_ns_; }
  /// Every look at the monotonic clock takes this long.
  void set_step(uint64_t ns) { step_ns_ = ns; }
  void pass(uint64_t ns) {
    monotonic_ns_ += ns;
    wall_ns_ += ns;
  }
  /// Somebody sets the wall clock.
  void set_wall(uint64_t ns) { wall_ns_ = ns; }
  /// The machine starts again.
  void boot() { monotonic_ns_ = 0; }
  [[nodiscard]] uint64_t looks() const { return looks_; }

 private:
  uint64_t monotonic_ns_ = 1'000'000'000;
  uint64_t wall_ns_ = 1'764'209'871'000'000'000;
  uint64_t step_ns_ = 0;
  uint64_t looks_ = 0;
};

class SimWakeup final : public Wakeup {
 public:
  explicit SimWakeup(SimClock& clock) : clock_(clock) {}
  void wait(uint64_t until_ns) override {
    const uint64_t now = clock_.monotonic_ns();
    if (until_ns != kNever && until_ns > now) clock_.pass(until_ns - now);
  }
  void watch(const Interest&, uint64_t) override {}
  bool passed(Deadline deadline) override { return deadline.at_ns != kNever && deadline.passed(clock_.monotonic_ns()); }
  bool stop_requested() const override { return looks_++ >= stop_at_look_; }
  /// The signal is there at the look of this number, from 0, and from then on.
  void stop_at_look(uint64_t look) { stop_at_look_ = look; }
  [[nodiscard]] uint64_t looks() const { return looks_; }

 private:
  SimClock& clock_;
  mutable uint64_t looks_ = 0;
  uint64_t stop_at_look_ = kNever;
};

}  // namespace weir::testing

// A clock that moves only when a test or a wait says so, and a wakeup that waits on it.
#pragma once

#include "base/clock.hpp"
#include "port/ports.hpp"

namespace weir::testing {

class VirtualClock final : public Clock {
 public:
  uint64_t monotonic_ns() override { return now_ns_ += step_ns_; }
  uint64_t wall_ns() override { return static_cast<uint64_t>(static_cast<int64_t>(now_ns_) + wall_offset_ns_); }
  void advance(uint64_t ns) { now_ns_ += ns; }
  /// Every look at the clock moves it by this much.
  void set_step(uint64_t ns) { step_ns_ = ns; }
  /// Somebody sets the wall clock.
  void jump_wall(int64_t ns) { wall_offset_ns_ += ns; }

 private:
  uint64_t now_ns_ = 1'000'000'000;
  uint64_t step_ns_ = 0;
  int64_t wall_offset_ns_ = 1'700'000'000'000'000'000;
};

class VirtualWakeup final : public Wakeup {
 public:
  explicit VirtualWakeup(VirtualClock& clock) : clock_(clock) {}
  void wait(uint64_t until_ns) override {
    ++waits_;
    const uint64_t now = clock_.monotonic_ns();
    if (until_ns != kNever && until_ns > now) clock_.advance(until_ns - now);
    if (stop_after_waits_ != 0 && waits_ >= stop_after_waits_) stop_ = true;
  }
  void watch(const Interest&, uint64_t) override {}
  bool passed(Deadline deadline) override { return deadline.at_ns != kNever && deadline.passed(clock_.monotonic_ns()); }
  bool stop_requested() const override { return stop_; }
  void request_stop() { stop_ = true; }
  void stop_after_waits(uint64_t waits) { stop_after_waits_ = waits; }
  uint64_t waits() const { return waits_; }

 private:
  VirtualClock& clock_;
  bool stop_ = false;
  uint64_t waits_ = 0;
  uint64_t stop_after_waits_ = 0;
};

}  // namespace weir::testing

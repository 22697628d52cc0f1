// The progress line on a terminal: bytes, share, speed, records, rejects, time left. Nothing where stderr is no terminal.
#pragma once

#include "base/clock.hpp"
#include "engine/driver.hpp"

namespace weir {

class Progress final : public RunObserver {
 public:
  Progress(int file, Clock& clock, bool enabled) : file_(file), clock_(clock), enabled_(enabled) {}
  void on_progress(const Counters& counters) override;
  /// Removes the line.
  void clear();

 private:
  int file_;
  Clock& clock_;
  bool enabled_;
  bool shown_ = false;
  uint64_t begin_ns_ = 0;
  uint64_t next_ns_ = 0;
};

}  // namespace weir

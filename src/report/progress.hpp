// The progress line: bytes, share, speed, records, rejects, time left. On a terminal one line that changes; elsewhere, where it was asked
// for, a line each second.
#pragma once

#include "base/clock.hpp"
#include "engine/driver.hpp"
#include "report/printer.hpp"

namespace weir {

enum class ProgressStyle : uint8_t {
  kNone,
  kTerminal,  ///< written over and over, removed at the end
  kLines,
};

class Progress final : public RunObserver {
 public:
  Progress(int file, Clock& clock, ProgressStyle style) : file_(file), clock_(clock), style_(style) {}
  void on_progress(const Counters& counters) override;
  /// Removes the line from a terminal.
  void clear();

 private:
  void print(Printer& out, const Counters& counters, double seconds) const;

  int file_;
  Clock& clock_;
  ProgressStyle style_;
  bool shown_ = false;
  uint64_t begin_ns_ = 0;
  uint64_t next_ns_ = 0;
};

}  // namespace weir

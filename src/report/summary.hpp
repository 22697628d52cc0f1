// What a run did: the sums of the fates, bytes, speed, where the time went, memory beside the budget, and a line of advice where one is due.
#pragma once

#include "plan/job.hpp"

namespace weir {

enum class SummaryFormat : uint8_t { kText, kJson, kNone };

struct RunFigures {
  uint64_t wall_ns = 0;
  uint64_t cpu_ns = 0;
};

/// The status word: done, done_with_rejects, limit_reached, already_there, interrupted, failed ...
const char* status_name(const Job& job, const Outcome& outcome);

void print_summary(int file, const Job& job, const Outcome& outcome, const RunFigures& figures, SummaryFormat format);

/// CPU time of the process so far.
uint64_t process_cpu_ns();

}  // namespace weir

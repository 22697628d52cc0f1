// What a run did: the sums of the fates, bytes, speed, where the time went, memory beside the budget, and a line of advice where one is due.
#pragma once

#include "base/fixed_text.hpp"
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

/// What a job sends with, and how it went.
struct SendSituation {
  uint32_t in_flight = 0;
  bool in_order = false;  ///< one batch is on its way whatever is set
  uint32_t messages = 0;  ///< of a batch, at most
  uint32_t messages_max = 0;  ///< that the service takes
  uint64_t rate = 0;
  uint64_t batches = 0;
  uint64_t written = 0;
  SendFigures figures;
};

/// Which setting would shorten the wait for a service; empty: none would.
FixedText<200> advice_on_sends(const SendSituation& sends);

/// CPU time of the process so far.
uint64_t process_cpu_ns();

}  // namespace weir

// One job of an invocation, in a process of its own: a child that is forked from the runtime, runs the job to its ending and is gone. So each job
// begins with the memory that the plan knows, whatever ran before; a child that dies takes nothing with it but its job, which goes on from its
// checkpoint; and one that hangs is ended in time for an answer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "engine/driver.hpp"
#include "plan/config.hpp"
#include "port/ports.hpp"

namespace weir {

/// What came of it. Fixed memory, as it comes out of another process.
struct JobReport {
  bool reported = false;  ///< false: the child died before it could say anything
  int died_by = 0;  ///< the signal, 0: none
  int exit = static_cast<int>(Exit::kInternal);  ///< as the CLI's
  FixedText<32> status;  ///< as in the summary: "done", "already_done", "checkpointed", ...
  Error error;  ///< where something failed or was stopped
  FixedText<1100> source;  ///< the input the error speaks of
  FixedText<1100> output;
  Counters counters;
  uint64_t wall_ns = 0;
  uint64_t cpu_ns = 0;
  uint64_t peak_bytes = 0;
  uint64_t owner_until_wall_ns = 0;  ///< exit 51: when the lease of the run that owns the job ends; 0: not known
  FixedText<2048> summary;  ///< the summary as JSON, without a line end; empty: there is none

  [[nodiscard]] bool done() const { return exit == 0 || exit == static_cast<int>(Exit::kDoneWithRejects); }
  [[nodiscard]] bool stopped() const { return exit == static_cast<int>(Exit::kCheckpointed); }
  /// The same event would fail again.
  [[nodiscard]] bool fatal() const;
};

struct JobRequest {
  const Config* config = nullptr;
  ByteSource* source = nullptr;  ///< in place of the config's inputs; null: those
  uint64_t deadline_ns = kNever;  ///< of the job
  uint64_t kill_at_ns = kNever;  ///< when the child is ended, whatever it does
  std::string_view trace_id;
  bool only_check = false;  ///< prepare and plan; read nothing and write nothing
};

/// Runs `work` in a child with a room for its report. What the child does not write into it is as it was.
JobReport in_child(Clock& clock, uint64_t kill_at_ns, const std::function<void(JobReport&)>& work);
JobReport run_job_in_child(const JobRequest& request, Clock& clock);

}  // namespace weir

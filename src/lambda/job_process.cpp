#include "lambda/job_process.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "report/summary.hpp"

extern char** environ;

namespace weir {
namespace {

/// Filled by the child, read by the runtime: one mapping that both have.
class SharedReport {
 public:
  SharedReport() {
    if (auto mapped = map_shared_memory(sizeof(JobReport)); mapped) {
      memory_ = *mapped;
      report_ = new (memory_.data()) JobReport();
    }
  }
  ~SharedReport() { unmap_working_memory(memory_); }
  SharedReport(const SharedReport&) = delete;
  SharedReport& operator=(const SharedReport&) = delete;
  JobReport* get() { return report_; }

 private:
  std::span<char> memory_;
  JobReport* report_ = nullptr;
};

JobReport failed(const Error& error) {
  JobReport report;
  report.reported = true;
  report.error = error;
  report.exit = static_cast<int>(error.exit());
  report.status = FixedText<32>("failed");
  return report;
}

Error no_process(std::string_view what) {
  Error error(Code::kProcessLimit, what);
  error.system_error = errno;
  return error;
}

/// The summary is printed to a file that is memory, before the seal made, and taken from there.
void keep_summary(int file, JobReport& report) {
  char text[2048];
  const ssize_t size = pread(file, text, sizeof text, 0);
  if (size <= 1 || size == sizeof text) return;
  report.summary = FixedText<2048>({text, static_cast<size_t>(size) - 1});
}

void run_job(const JobRequest& request, JobReport& report) {
  SystemClock clock;
  const uint64_t begin = clock.monotonic_ns();
  SystemWakeup wakeup(clock);
  SystemDisk disk;
  SystemNet net(clock);
  if (!request.trace_id.empty()) {
    setenv("_X_AMZN_TRACE_ID", std::string(request.trace_id).c_str(), 1);
  }
  Job job(clock, wakeup, disk, Host::kProcess, environ);
  job.set_net(&net);
  if (request.source != nullptr) job.set_source(request.source);
  const Deadline deadline{request.deadline_ns};
  const auto fail_with = [&](const Error& error) {
    report.error = error;
    report.exit = static_cast<int>(error.exit());
    report.status = FixedText<32>("failed");
    report.owner_until_wall_ns = job.owner_until_wall_ns();
    if (error.source < job.inputs().size()) report.source = FixedText<1100>(job.inputs()[error.source]);
    report.reported = true;
  };
  if (const Status prepared = job.prepare(*request.config, deadline); !prepared) return fail_with(prepared.error());
  if (!job.fits()) return fail_with(job.refusal());
  report.output = FixedText<1100>(job.output_name());
  if (request.only_check) {
    report.exit = 0;
    report.reported = true;
    return;
  }
  if (const Status built = job.build(); !built) return fail_with(built.error());
  const int summary = memfd_create("summary", MFD_CLOEXEC);
  Outcome outcome;
  if (job.skipped().empty()) outcome = job.run(deadline, nullptr);
  report.counters = job.counters();
  report.wall_ns = clock.monotonic_ns() - begin;
  report.cpu_ns = process_cpu_ns();
  report.peak_bytes = process_figures().peak_bytes;
  report.status = FixedText<32>(status_name(job, outcome));
  switch (outcome.ending) {
    case Ending::kDone:
    case Ending::kReaderGone:
      report.exit =
          job.config().fail_on_rejects && job.counters().rejected != 0 ? static_cast<int>(Exit::kDoneWithRejects) : 0;
      break;
    case Ending::kCheckpointed:
      report.exit = static_cast<int>(Exit::kCheckpointed);
      report.error = Error(Code::kCheckpointed, job.checkpoint_name());
      break;
    case Ending::kInterrupted:
      report.exit = static_cast<int>(Exit::kInterrupted);
      report.error = Error(Code::kInterrupted);
      break;
    case Ending::kFailed:
      report.exit = static_cast<int>(outcome.error.exit());
      report.error = outcome.error;
      if (outcome.error.source < job.inputs().size())
        report.source = FixedText<1100>(job.inputs()[outcome.error.source]);
      break;
  }
  if (summary >= 0) {
    RunFigures figures;
    figures.wall_ns = report.wall_ns;
    figures.cpu_ns = report.cpu_ns;
    print_summary(summary, job, outcome, figures, SummaryFormat::kJson);
    keep_summary(summary, report);
  }
  report.reported = true;
}

/// Waits for the child's end; its end of the pipe closes with it. A signal to the runtime is passed on once.
void wait_for_end(Clock& clock, pid_t child, int end, uint64_t kill_at_ns) {
  bool passed_on = false;
  for (;;) {
    pollfd entry{end, POLLIN, 0};
    SystemWakeup::wait_for({&entry, 1}, clock, kill_at_ns);
    if (entry.revents != 0) return;
    if (clock.monotonic_ns() >= kill_at_ns) {
      kill(child, SIGKILL);
      return;
    }
    if (SystemWakeup::stop_signal() != 0 && !passed_on) {
      passed_on = true;
      kill(child, SIGTERM);
    }
  }
}

}  // namespace

bool JobReport::fatal() const {
  switch (static_cast<Exit>(exit)) {
    case Exit::kBadConfig:
    case Exit::kBudgetTooSmall:
    case Exit::kInputCorrupt:
    case Exit::kSourceChanged:
    case Exit::kTooManyRejects:
    case Exit::kAmplification:
    case Exit::kSinkConflict:
    case Exit::kStuck:
    case Exit::kCheckpointInvalid:
      return true;
    default:
      return false;
  }
}

JobReport in_child(Clock& clock, uint64_t kill_at_ns, const std::function<void(JobReport&)>& work) {
  SharedReport shared;
  int ends[2];
  if (shared.get() == nullptr || pipe2(ends, O_CLOEXEC) != 0) return failed(no_process("a child process' report"));
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    return failed(no_process("a child process"));
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    work(*shared.get());
    _exit(0);
  }
  close(ends[1]);
  wait_for_end(clock, child, ends[0], kill_at_ns);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  JobReport report = *shared.get();
  if (WIFSIGNALED(status)) report.died_by = WTERMSIG(status);
  if (!report.reported) {
    report.error = Error(Code::kInternal, "the job's process ended without a word");
    if (report.died_by != 0)
      report.error.detail.append(", by signal ").append_number(static_cast<uint64_t>(report.died_by));
    if (report.died_by == 0) report.exit = WEXITSTATUS(status);
    if (report.exit == 0) report.exit = static_cast<int>(Exit::kInternal);
    report.status = FixedText<32>("failed");
    // It was ended because the time was up: the next run goes on from the last checkpoint.
    if (report.died_by == SIGKILL && clock.monotonic_ns() >= kill_at_ns) {
      report.error = Error(Code::kInterrupted, "the job did not stop in time and was ended");
      report.exit = static_cast<int>(Exit::kInterrupted);
    }
  }
  return report;
}

JobReport run_job_in_child(const JobRequest& request, Clock& clock) {
  return in_child(clock, request.kill_at_ns, [&](JobReport& report) { run_job(request, report); });
}

}  // namespace weir

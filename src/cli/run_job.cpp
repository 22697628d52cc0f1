#include <unistd.h>

#include "cli/commands.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "plan/job.hpp"
#include "report/plan_table.hpp"
#include "report/progress.hpp"
#include "report/summary.hpp"

namespace weir {

int run_job(Config config, const CommandOptions& options, std::string_view file, char** environment) {
  SystemClock clock;
  SystemWakeup wakeup(clock);
  const uint64_t begin = clock.monotonic_ns();
  uint64_t deadline_ns = config.deadline_ns;
  if (config.deadline_wall_ns != 0) {
    // The wall clock is looked at once: later jumps of it do no harm.
    const uint64_t wall = clock.wall_ns();
    deadline_ns = config.deadline_wall_ns > wall ? config.deadline_wall_ns - wall : 1;
  }
  Deadline deadline;
  if (deadline_ns != 0) deadline.at_ns = begin + deadline_ns;
  config.fail_on_rejects = config.fail_on_rejects || options.fail_on_rejects;
  config.checkpoint.restart = options.restart;
  SystemDisk disk;
  Job job(clock, wakeup, disk, Host::kProcess, environment);
  SystemNet net(clock);
  job.set_net(&net);
  if (options.preview != 0) job.set_preview(options.preview);

  const auto source_of = [&](const Error& error) {
    return error.source < job.inputs().size() ? std::string_view(job.inputs()[error.source]) : std::string_view{};
  };
  if (!job.prepare(std::move(config), deadline)) return report_mistakes(job, file);
  const std::string_view query_file = job.config().query_line != 0 ? file : std::string_view("query");
  if (!job.fits()) {
    (void)(messages_as_json() ? print_plan_json(STDERR_FILENO, job) : print_plan(STDERR_FILENO, job, false));
    return report_error(job.refusal());
  }
  if (Status built = job.build(); !built)
    return report_error(built.error(), source_of(built.error()), {}, job.leftover(), job.rejects_leftover());

  const SummaryFormat summary = options.summary == "json"   ? SummaryFormat::kJson
                                : options.summary == "text" ? SummaryFormat::kText
                                                            : SummaryFormat::kNone;
  Outcome outcome;
  RunFigures figures;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const bool shows = options.progress == "always" || (options.progress != "never" && terminal && !options.quiet);
  Progress progress(STDERR_FILENO, clock,
                    !shows     ? ProgressStyle::kNone
                    : terminal ? ProgressStyle::kTerminal
                               : ProgressStyle::kLines);
  if (job.skipped().empty()) {
    outcome = job.run(deadline, &progress);
  }
  progress.clear();
  figures.wall_ns = clock.monotonic_ns() - begin;
  figures.cpu_ns = process_cpu_ns();

  if (outcome.ending == Ending::kReaderGone && !job.config().rejects.to.empty()) {
    outcome.ending = Ending::kFailed;
    outcome.error = Error(Code::kStdoutClosed);
  }
  int exit_code = 0;
  switch (outcome.ending) {
    case Ending::kDone:
      if (job.config().fail_on_rejects && job.counters().rejected != 0)
        exit_code = static_cast<int>(Exit::kDoneWithRejects);
      break;
    case Ending::kReaderGone:
      break;
    case Ending::kCheckpointed: {
      Error error(Code::kCheckpointed);
      error.detail.append_number(job.counters().read)
          .append(" records were read, ")
          .append_number(job.counters().written);
      error.detail.append(" written; state in ").append(job.checkpoint_name());
      exit_code = report_error(error, {}, {}, job.leftover(), job.rejects_leftover());
      break;
    }
    case Ending::kInterrupted: {
      Error error(Code::kInterrupted);
      error.detail.append_number(job.counters().read)
          .append(" records were read, ")
          .append_number(job.counters().written)
          .append(" written");
      exit_code = report_error(error, {}, {}, job.leftover(), job.rejects_leftover());
      break;
    }
    case Ending::kFailed:
      exit_code =
          report_error(outcome.error, source_of(outcome.error), query_file, job.leftover(), job.rejects_leftover());
      break;
  }
  print_summary(STDERR_FILENO, job, outcome, figures, summary);
  return exit_code;
}

}  // namespace weir

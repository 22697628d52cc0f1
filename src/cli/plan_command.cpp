#include <unistd.h>

#include "cli/commands.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "plan/job.hpp"
#include "report/plan_table.hpp"

namespace weir {
namespace {

// `weir plan` and `weir check` stop before anything is taken or written.
int prepare_only(std::string_view command, Words words, char** environment, bool show) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options(command, words, options, exit_code)) return exit_code;
  if (options.operands.empty()) return usage_error(command, "which pipeline file?");
  const std::string_view file = options.operands[0];
  const std::span<const std::string_view> inputs = std::span<const std::string_view>(options.operands).subspan(1);
  std::string text;
  Pipeline pipeline;
  if (!load_pipeline(file, options, inputs, environment, text, pipeline, exit_code)) return exit_code;
  SystemClock clock;
  SystemWakeup wakeup(clock);
  SystemDisk disk;
  Job job(clock, wakeup, disk, Host::kProcess, environment);
  SystemNet net(clock);
  job.set_net(&net);
  if (!job.prepare(std::move(pipeline.config)) || !job.check_columns()) return report_mistakes(job, file);
  if (show) {
    const Status shown =
        options.json ? print_plan_json(STDOUT_FILENO, job) : print_plan(STDOUT_FILENO, job, options.explain);
    if (!shown) return report_error(shown.error());
  }
  if (!job.fits()) return report_error(job.refusal());
  return 0;
}

}  // namespace

int plan_command(Words words, char** environment) { return prepare_only("plan", words, environment, true); }
int check_command(Words words, char** environment) { return prepare_only("check", words, environment, false); }

}  // namespace weir

#include <unistd.h>

#include "cli/commands.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "plan/job.hpp"
#include "report/printer.hpp"

namespace weir {

int gc_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("gc", words, options, exit_code)) return exit_code;
  if (options.operands.empty()) return usage_error("gc", "which pipeline file?");
  const std::string_view file = options.operands[0];
  std::string text;
  Pipeline pipeline;
  if (!load_pipeline(file, options, std::span<const std::string_view>(options.operands).subspan(1), environment, text,
                     pipeline, exit_code))
    return exit_code;
  SystemClock clock;
  SystemWakeup wakeup(clock);
  SystemDisk disk;
  Job job(clock, wakeup, disk, Host::kProcess, environment);
  SystemNet net(clock);
  job.set_net(&net);
  if (!job.prepare(std::move(pipeline.config))) return report_mistakes(job, file);
  if (job.s3_requests() == nullptr)
    return usage_error("gc", "nothing of this pipeline is in S3: runs that died left nothing there");
  Printer out(STDOUT_FILENO);
  uint64_t count = 0;
  const uint64_t older_than_ns = options.older_than_ns.value_or(job.young_ns());
  uint64_t young = 0;
  const Status collected = job.collect_garbage(options.abort, older_than_ns, [&](const Job::Garbage& garbage) {
    ++(garbage.young ? young : count);
    if (options.json) {
      out.format("{\"kind\":\"%s\",\"at\":\"", garbage.kind).json(garbage.url).text("\",\"upload_id\":\"");
      out.json(garbage.upload_id).format("\",\"taken_away\":%s}\n", options.abort && !garbage.young ? "true" : "false");
      return;
    }
    out.format("%s  ", garbage.kind).plain(garbage.url, 1200);
    if (!garbage.upload_id.empty()) out.text("  ").plain(garbage.upload_id, 600);
    out.text(garbage.young ? "  young: stays\n" : "\n");
  });
  if (!options.json && collected) {
    out.count(count).text(count == 1 ? " thing is" : " things are").text(" left of runs that died");
    out.text(count == 0 ? "\n" : options.abort ? "; taken away\n" : "; weir gc --abort takes them away\n");
    if (young != 0)
      out.count(young).text(young == 1 ? " upload is" : " uploads are").text(" younger than --older-than");
    if (young != 0) out.text(", and may be a live run's\n");
  }
  if (!collected) return report_error(collected.error(), {}, file);
  const Status printed = out.finish();
  return printed ? 0 : report_error(printed.error());
}

}  // namespace weir

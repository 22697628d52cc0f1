#include <unistd.h>

#include "cli/commands.hpp"

namespace weir {

int run_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("run", words, options, exit_code)) return exit_code;
  if (options.operands.empty()) return usage_error("run", "which pipeline file? `weir run orders.yaml`");
  const std::string_view file = options.operands[0];
  const std::span<const std::string_view> inputs = std::span<const std::string_view>(options.operands).subspan(1);
  std::string text;
  Pipeline pipeline;
  if (!load_pipeline(file, options, inputs, environment, text, pipeline, exit_code)) return exit_code;
  // A run says what it did: in words on a terminal, as JSON elsewhere.
  if (options.summary.empty() && !options.quiet) options.summary = isatty(STDERR_FILENO) != 0 ? "text" : "json";
  if (options.preview != 0 && options.summary != "json") options.summary = "none";
  return run_job(std::move(pipeline.config), options, file, environment);
}

}  // namespace weir

#include "cli/commands.hpp"
#include "plan/policy.hpp"

namespace weir {

int policy_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("policy", words, options, exit_code)) return exit_code;
  if (options.operands.empty()) return usage_error("policy", "which pipeline file?");
  const std::string_view file = options.operands[0];
  std::string text;
  Pipeline pipeline;
  if (!load_pipeline(file, options, std::span<const std::string_view>(options.operands).subspan(1), environment, text,
                     pipeline, exit_code))
    return exit_code;
  const std::string policy = policy_of(pipeline.config);
  if (policy.empty())
    return usage_error("policy", "nothing is to be allowed: files, http:// and https:// need no permission in AWS");
  return print_text(policy);
}

}  // namespace weir

// The commands of the weir binary, one file each. Each takes the words behind its name and gives the process' exit code.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/job.hpp"
#include "plan/spec.hpp"

namespace weir {

using Words = std::span<const std::string_view>;

int run_command(Words words, char** environment);
int query_command(Words words, char** environment);
int plan_command(Words words, char** environment);
int check_command(Words words, char** environment);
int test_command(Words words, char** environment);
int policy_command(Words words, char** environment);
int package_command(Words words, char** environment);
int gc_command(Words words, char** environment);
int status_command(Words words, char** environment);
int emulate_command(Words words, char** environment);
int schema_command(Words words);
int version_command(Words words);
int help_command(Words words);

/// Help of one command; empty when there is none of that name.
std::string_view help_text(std::string_view command);
extern const std::string_view kEmulateHelp;

/// Prints what was asked for to stdout: 0, or 40 when it can't be written.
int print_text(std::string_view text);

/// Where messages go and how: readable on a terminal, JSON elsewhere.
bool messages_as_json();
/// Prints the error to stderr and gives its exit code.
int report_error(const Error& error, std::string_view source = {}, std::string_view file = {},
                 std::string_view leftover = {}, std::string_view rejects_leftover = {});
/// What job.prepare() or job.lint() found, every mistake. `file`: the pipeline file. Gives the exit code of the first.
int report_mistakes(const Job& job, std::string_view file);
/// "weir run: unknown option --foo (did you mean ...)": exit 20.
int usage_error(std::string_view command, std::string_view what);

/// Options that commands share, and what is left of the words.
struct CommandOptions {
  std::vector<std::string> sets;  ///< --set and its short forms, in order
  std::vector<std::string_view> operands;
  std::string_view summary;  ///< text, json, none; empty: by the command
  std::string_view progress;  ///< auto, always, never; empty: auto, which is on a terminal and not --quiet
  std::string_view format;  ///< --json of plan and check
  std::string_view file;  ///< --output of package
  std::string_view arch;  ///< of package
  std::string_view binary;  ///< of package
  uint64_t function_memory = 128u << 20;  ///< bytes
  uint64_t preview = 0;  ///< 0: off
  bool fail_on_rejects = false;
  bool restart = false;
  bool explain = false;
  std::optional<uint64_t> older_than_ns;  ///< of gc; none: by the job
  bool abort = false;
  bool layer = false;
  bool no_bootstrap = false;
  bool json = false;
  bool quiet = false;
  bool help = false;
};
/// False: a message was printed, leave with `exit_code`.
bool parse_options(std::string_view command, Words words, CommandOptions& options, int& exit_code);

/// Reads the pipeline file (if `file` is not empty) with overrides; prints every mistake. False: leave with `exit_code`.
bool load_pipeline(std::string_view file, const CommandOptions& options, std::span<const std::string_view> inputs,
                   char** environment, std::string& text, Pipeline& pipeline, int& exit_code);

/// Plans, builds and runs; prints plan refusals, progress, summary and errors.
int run_job(Config config, const CommandOptions& options, std::string_view file, char** environment);

}  // namespace weir

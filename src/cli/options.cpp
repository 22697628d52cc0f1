#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest_word.hpp"
#include "cli/commands.hpp"
#include "io/file.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_wakeup.hpp"
#include "plan/units.hpp"
#include "report/message.hpp"
#include "report/printer.hpp"

namespace weir {
namespace {

// The options of all commands. `key`: stands for --set key=value.
struct Option {
  std::string_view name;
  char letter;
  std::string_view key;
  bool takes_value;
  std::string_view fixed;  ///< value of the key when the option takes none
  std::string_view commands;
};

constexpr Option kOptions[] = {
    {"--set", 's', "", true, "", "run query plan check policy gc"},
    {"--memory", 'm', "memory", true, "", "run query plan check"},
    {"--deadline", 0, "deadline", true, "", "run query"},
    {"--output", 'o', "output.to", true, "", "run query plan gc"},
    {"--to", 't', "output.format", true, "", "run query plan"},
    {"--from", 'f', "input.format", true, "", "run query plan"},
    {"--codec", 0, "output.codec", true, "", "run query plan"},
    {"--path", 0, "input.path", true, "", "run query plan"},
    {"--delimiter", 'd', "input.delimiter", true, "", "run query plan"},
    {"--no-header", 0, "input.header", false, "false", "run query plan"},
    {"--rejects", 0, "rejects.to", true, "", "run query plan gc"},
    {"--checkpoint", 0, "checkpoint.to", true, "", "run query plan gc"},
    {"--output", 'o', "", true, "", "package"},
    {"--arch", 'a', "", true, "", "package"},
    {"--binary", 0, "", true, "", "package"},
    {"--function-memory", 0, "", true, "", "package"},
    {"--layer", 0, "", false, "", "package"},
    {"--no-bootstrap", 0, "", false, "", "package"},
    {"--profile", 0, "aws.profile", true, "", "run query plan check gc"},
    {"--region", 0, "aws.region", true, "", "run query plan check policy gc"},
    {"--endpoint-url", 0, "aws.endpoint_url", true, "", "run query plan check gc"},
    {"--spool", 0, "output.spool", true, "", "run query plan check"},
    {"--no-sign-request", 0, "aws.no_sign_request", false, "true", "run query plan check gc"},
    {"--restart", 0, "", false, "", "run query"},
    {"--preview", 0, "", true, "", "run"},
    {"--summary", 0, "", true, "", "run query"},
    {"--progress", 0, "", true, "", "run query"},
    {"--fail-on-rejects", 0, "", false, "", "run query"},
    {"--explain", 0, "", false, "", "plan"},
    {"--abort", 0, "", false, "", "gc"},
    {"--older-than", 0, "", true, "", "gc"},
    {"--json", 0, "", false, "", "plan check test status gc"},
    {"--quiet", 'q', "", false, "", "run query test"},
    {"--help", 'h', "", false, "", "run query plan check policy package test status gc schema version help"},
};

bool allows(const Option& option, std::string_view command) {
  size_t at = option.commands.find(command);
  while (at != std::string_view::npos) {
    const size_t end = at + command.size();
    if ((at == 0 || option.commands[at - 1] == ' ') && (end == option.commands.size() || option.commands[end] == ' '))
      return true;
    at = option.commands.find(command, at + 1);
  }
  return false;
}

bool is_query_mistake(Code code) {
  return code == Code::kBadQuery || code == Code::kUnknownColumn || code == Code::kUnknownFunction ||
         code == Code::kQueryType || code == Code::kBadHeader;
}

/// A pipeline with mistakes is never prepared: those of its query, as far as they can be told, go to the others by their places.
void lint_query(Pipeline& pipeline, char** environment) {
  if (pipeline.config.query.empty()) return;
  SystemClock clock;
  SystemWakeup wakeup(clock);
  SystemDisk disk;
  Job job(clock, wakeup, disk, Host::kProcess, environment);
  for (const Error& error : job.lint(pipeline.config)) pipeline.report(Severity::kError, error);
  std::stable_sort(pipeline.diagnostics.begin(), pipeline.diagnostics.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     const uint32_t a_line = a.error.line - 1;  // 0, not from the file, comes last
                     const uint32_t b_line = b.error.line - 1;
                     return a_line != b_line ? a_line < b_line : a.error.column < b.error.column;
                   });
}

/// The whole of it, or W2007: a file that is too large is not read in, for the set-up arena has no room for it.
Status read_pipeline_file(int file, std::string_view path, std::string& text) {
  constexpr size_t kFileMax = 256u << 10;
  struct stat info{};
  if (fstat(file, &info) != 0) return fail(system_error(Code::kOpenFailed, errno, path));
  if (S_ISDIR(info.st_mode))
    return fail(Code::kBadArgument, std::string(path) + " is a folder; expected a pipeline file");
  const bool known = S_ISREG(info.st_mode) && info.st_size > 0;
  // Taken once, and one byte more than allowed: it tells a pipe that gives too much, and a file that grows.
  text.resize(std::min<uint64_t>(known ? static_cast<uint64_t>(info.st_size) : kFileMax, kFileMax) + 1);
  size_t size = 0;
  while (size < text.size()) {
    const auto got = read_some(file, {text.data() + size, text.size() - size});
    if (!got) return fail(got.error());
    if (*got == 0) break;
    size += *got;
  }
  if (size > kFileMax) {
    Error error(Code::kConfigTooLarge);
    if (known) error.detail.append("it has ").append_number(static_cast<uint64_t>(info.st_size)).append(" bytes");
    error.detail.append(known ? "; is it a pipeline file?" : "");
    return fail(error);
  }
  text.resize(size);
  return {};
}

}  // namespace

bool messages_as_json() { return isatty(STDERR_FILENO) == 0; }

int report_error(const Error& error, std::string_view source, std::string_view file, std::string_view leftover,
                 std::string_view rejects_leftover) {
  MessageContext context;
  context.source = source;
  context.file = file;
  context.leftover = leftover;
  context.rejects_leftover = rejects_leftover;
  context.json = messages_as_json();
  print_message(STDERR_FILENO, error, context);
  const Exit exit = error.exit();
  return static_cast<int>(exit == Exit::kNone ? Exit::kInputCorrupt : exit);
}

int report_mistakes(const Job& job, std::string_view file) {
  int exit_code = 0;
  for (const Error& error : job.mistakes()) {
    const std::string_view source =
        error.source < job.inputs().size() ? std::string_view(job.inputs()[error.source]) : std::string_view{};
    const std::string_view place = error.line == 0                ? std::string_view{}
                                   : job.config().query_line != 0 ? file
                                                                  : std::string_view("query");
    const int exit = report_error(error, source, place);
    if (exit_code == 0) exit_code = exit;
  }
  return exit_code;
}

int print_text(std::string_view text) {
  Printer out(STDOUT_FILENO);
  const Status printed = out.text(text).finish();
  return printed ? 0 : report_error(printed.error());
}

int usage_error(std::string_view command, std::string_view what) {
  Error error(Code::kBadArgument);
  error.detail.append("weir ").append(command).append(": ").append(what);
  return report_error(error);
}

bool parse_options(std::string_view command, Words words, CommandOptions& options, int& exit_code) {
  bool only_operands = false;
  const auto wrong = [&](std::string_view what) {
    exit_code = usage_error(command, what);
    return false;
  };
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (only_operands || word.size() < 2 || word[0] != '-') {
      options.operands.push_back(word);
      continue;
    }
    if (word == "--") {
      only_operands = true;
      continue;
    }
    std::string_view value;
    bool has_value = false;
    if (word.starts_with("--")) {
      if (const size_t equals = word.find('='); equals != std::string_view::npos) {
        value = word.substr(equals + 1);
        word = word.substr(0, equals);
        has_value = true;
      }
    } else if (word.size() > 2) {
      value = word.substr(2);
      word = word.substr(0, 2);
      has_value = true;
    }
    const Option* found = nullptr;
    std::string_view nearest;
    unsigned best = 99;
    for (const Option& option : kOptions) {
      if (!allows(option, command)) continue;
      if (word == option.name || (word.size() == 2 && word[1] == option.letter)) found = &option;
      if (is_nearer(word, option.name, best)) nearest = option.name;
    }
    if (found == nullptr) {
      return wrong("unknown option " + std::string(word) +
                   (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?"));
    }
    if (found->takes_value && !has_value) {
      if (i + 1 == words.size()) return wrong(std::string(found->name) + " needs a value");
      value = words[++i];
    } else if (!found->takes_value && has_value) {
      return wrong(std::string(found->name) + " takes no value");
    }
    if (!found->key.empty()) {
      options.sets.push_back(std::string(found->key) + "=" + std::string(found->takes_value ? value : found->fixed));
    } else if (found->name == "--set") {
      options.sets.emplace_back(value);
    } else if (found->name == "--preview") {
      auto count = parse_count(value);
      if (!count || *count == 0)
        return wrong("--preview: expected a number of records, found '" + std::string(value) + "'");
      options.preview = *count;
    } else if (found->name == "--summary") {
      if (value != "text" && value != "json" && value != "none") return wrong("--summary: expected text, json or none");
      options.summary = value;
    } else if (found->name == "--progress") {
      if (value != "auto" && value != "always" && value != "never")
        return wrong("--progress: expected auto, always or never");
      options.progress = value;
    } else if (found->name == "--fail-on-rejects") {
      options.fail_on_rejects = true;
    } else if (found->name == "--restart") {
      options.restart = true;
    } else if (found->name == "--explain") {
      options.explain = true;
    } else if (found->name == "--abort") {
      options.abort = true;
    } else if (found->name == "--output") {
      options.file = value;
    } else if (found->name == "--arch") {
      options.arch = value;
    } else if (found->name == "--binary") {
      options.binary = value;
    } else if (found->name == "--function-memory") {
      constexpr uint64_t kMegabytesMax = 32768;
      const auto megabytes = parse_count(value);
      if (!megabytes || *megabytes < 128 || *megabytes > kMegabytesMax)
        return wrong("--function-memory: expected the function's MB as Lambda has them, 128 to 32768, found '" +
                     std::string(value) + "'");
      options.function_memory = *megabytes << 20;
    } else if (found->name == "--layer") {
      options.layer = true;
    } else if (found->name == "--no-bootstrap") {
      options.no_bootstrap = true;
    } else if (found->name == "--older-than") {
      const auto age = parse_duration_ns(value);
      if (!age) return wrong("--older-than: expected a duration as 12h, found '" + std::string(value) + "'");
      options.older_than_ns = *age;
    } else if (found->name == "--json") {
      options.json = true;
    } else if (found->name == "--quiet") {
      options.quiet = true;
    } else if (found->name == "--help") {
      options.help = true;
    }
  }
  if (options.help) {
    exit_code = print_text(help_text(command));
    return false;
  }
  return true;
}

bool load_pipeline(std::string_view file, const CommandOptions& options, std::span<const std::string_view> inputs,
                   char** environment, std::string& text, Pipeline& pipeline, int& exit_code) {
  if (!file.empty()) {
    const std::string path(file);
    auto opened = open_to_read(path.c_str());
    if (!opened) {
      Error error = opened.error();
      if (error.code == Code::kNoInput) error = Error(Code::kBadArgument, "no pipeline file " + path);
      exit_code = report_error(error);
      return false;
    }
    const Status read = read_pipeline_file(*opened, path, text);
    close(*opened);
    if (!read) {
      exit_code = report_error(read.error(), file);
      return false;
    }
  }
  std::vector<std::string_view> sets(options.sets.begin(), options.sets.end());
  PipelineSource source;
  source.text = text;
  source.environment = Environment::of_process(environment);
  source.sets = sets;
  source.inputs = inputs;
  pipeline = parse_pipeline(source);
  const bool ok = pipeline.ok();
  if (!ok) lint_query(pipeline, environment);
  for (const Diagnostic& diagnostic : pipeline.diagnostics) {
    MessageContext context;
    context.file =
        file.empty() || (is_query_mistake(diagnostic.error.code) && pipeline.config.query_line == 0) ? "query" : file;
    context.json = messages_as_json();
    context.is_warning = diagnostic.severity == Severity::kWarning;
    print_message(STDERR_FILENO, diagnostic.error, context);
  }
  if (ok) return true;
  // A file that there is no memory to read is not a bad one.
  exit_code = static_cast<int>(Exit::kBadConfig);
  for (const Diagnostic& diagnostic : pipeline.diagnostics) {
    if (diagnostic.severity != Severity::kError) continue;
    exit_code = static_cast<int>(diagnostic.error.exit());
    break;
  }
  return false;
}

}  // namespace weir

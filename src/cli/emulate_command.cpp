#include <string>
#include <vector>

#include "base/nearest_word.hpp"
#include "cli/commands.hpp"
#include "emulate/emulator.hpp"
#include "plan/units.hpp"

namespace weir {

extern const std::string_view kEmulateHelp = R"(weir emulate [options] BOOTSTRAP [ARGS...]

A local Lambda: runs BOOTSTRAP, any custom runtime, behind the walls of a function of that size, and speaks the Runtime API to it. Results go to stdout; the
function's own output and a REPORT line for each invocation to stderr. BOOTSTRAP may be a folder that holds one.

  weir emulate --event '{"n":1}' ./bootstrap
  weir emulate --memory 128 --timeout 15m --map s3://raw=./raw --map s3://clean=./clean --event s3:raw/2026/a.csv.gz ./bootstrap
  weir emulate --memory 128,256,512,1024,1769 --event big.json ./bootstrap      which size is the cheapest?
  weir emulate --listen 127.0.0.1:9001 ./bootstrap                              aws lambda invoke --endpoint-url http://127.0.0.1:9001 ...
  weir emulate --listen 127.0.0.1:9001 --map s3://raw=./raw                     only S3, from a folder

Invocations
  -e, --event EVENT       any number of times: FILE, - (stdin), '{...}', s3:BUCKET/KEY (a notification), sqs:EVENT (one message whose body is that)
      --repeat N          all of them N times
      --continue N        while a result is {"done":false,"cursor":...}: invoke with it again, up to N times, as a loop in Step Functions does
      --async             as asynchronous invocations: 1 MB each, two retries after a failure
      --listen HOST:PORT  the Invoke API and mapped S3 for clients; without --event until SIGINT or SIGTERM
Walls
  -m, --memory MB[,MB]    128 to 10240 (128). The processor is MB/1769 of one. Several: a sweep, and a table; folders are left as they were
      --timeout TIME      of one invocation, up to 15m (3s); then SIGKILL
      --init-timeout TIME before the first invocation (10s)
      --tmp MB            size of /tmp (512)
      --walls KIND        auto; cgroup: or fail; limits: resource limits and looking, as where there are no rights
Surroundings
      --env NAME=VALUE    a variable of the function; AWS_ variables of the caller are handed on
      --map s3://B=DIR    the bucket B is the folder DIR. No signature is looked at
      --name NAME         of the function (function)        --region REGION   (us-east-1)
      --task-root DIR     LAMBDA_TASK_ROOT, where it is started (BOOTSTRAP's folder)
      --arch ARCH         x86_64 or arm64: the price (that of this machine)
Faults
      --duplicate         every event is delivered twice
      --kill-at TIME      SIGKILL this long into the first attempt of each invocation, then it is delivered again
      --allow-loops       no end after 16 invocations in one chain
      --json              one JSON line for each invocation instead of its result and REPORT; of a sweep, for each size

Exit codes: 0 all invocations succeeded, 1 one failed, 11 ended by a signal before all were done, 20 bad command line, 40 the surroundings can't be built.
)";

namespace {

using emulate::Arch;
using emulate::EmulatorOptions;
using emulate::WallKind;

constexpr uint64_t kTimeoutMaxNs = 900ull * 1'000'000'000;

struct Option {
  std::string_view name;
  char letter;
  bool takes_value;
};
constexpr Option kEmulateOptions[] = {
    {"--event", 'e', true},    {"--repeat", 0, true},   {"--continue", 0, true},     {"--async", 0, false},
    {"--listen", 0, true},     {"--memory", 'm', true}, {"--timeout", 0, true},      {"--init-timeout", 0, true},
    {"--tmp", 0, true},        {"--walls", 0, true},    {"--env", 0, true},          {"--map", 0, true},
    {"--name", 0, true},       {"--region", 0, true},   {"--task-root", 0, true},    {"--arch", 0, true},
    {"--duplicate", 0, false}, {"--kill-at", 0, true},  {"--allow-loops", 0, false}, {"--json", 0, false},
    {"--help", 'h', false},
};

Status wrong(std::string_view option, std::string_view expected, std::string_view found) {
  return fail(Code::kBadArgument, "weir emulate: " + std::string(option) + ": expected " + std::string(expected) +
                                      ", found '" + std::string(found.substr(0, 60)) + "'");
}

Status take_number(std::string_view option, std::string_view text, uint64_t least, uint64_t most, uint64_t& out) {
  const auto number = parse_count(text);
  if (!number || *number < least || *number > most)
    return wrong(option, std::to_string(least) + " to " + std::to_string(most), text);
  out = *number;
  return {};
}

Status take_duration(std::string_view option, std::string_view text, uint64_t& out) {
  const auto time = parse_duration_ns(text);
  if (!time || *time == 0 || *time > kTimeoutMaxNs) return wrong(option, "a time up to 15m, such as 3s", text);
  out = *time;
  return {};
}

Status take_memory(std::string_view text, std::vector<uint32_t>& sizes) {
  sizes.clear();
  for (std::string_view left = text;;) {
    const std::string_view word = left.substr(0, left.find(','));
    uint64_t mb = 0;
    WEIR_TRY(take_number("--memory", word, 128, 10'240, mb));
    sizes.push_back(static_cast<uint32_t>(mb));
    if (word.size() == left.size()) return {};
    left.remove_prefix(word.size() + 1);
  }
}

Status take_option(const Option& option, std::string_view value, EmulatorOptions& out) {
  const std::string text(value);
  uint64_t number = 0;
  if (option.name == "--event") out.events.push_back(text);
  if (option.name == "--repeat") return take_number(option.name, value, 1, 1'000'000'000, out.repeat);
  if (option.name == "--continue") {
    WEIR_TRY(take_number(option.name, value, 1, 1'000'000, number));
    out.continue_max = static_cast<unsigned>(number);
  }
  if (option.name == "--async") out.async = true;
  if (option.name == "--listen") out.listen = text;
  if (option.name == "--memory") return take_memory(value, out.memory_mb);
  if (option.name == "--timeout") return take_duration(option.name, value, out.timeout_ns);
  if (option.name == "--init-timeout") return take_duration(option.name, value, out.init_timeout_ns);
  if (option.name == "--kill-at") return take_duration(option.name, value, out.kill_at_ns);
  if (option.name == "--tmp") {
    WEIR_TRY(take_number(option.name, value, 16, 10'240, number));
    out.tmp_mb = static_cast<uint32_t>(number);
  }
  if (option.name == "--walls") {
    if (value != "auto" && value != "cgroup" && value != "limits")
      return wrong(option.name, "auto, cgroup or limits", value);
    out.walls = value == "cgroup" ? WallKind::kCgroup : value == "limits" ? WallKind::kLimits : WallKind::kAuto;
  }
  if (option.name == "--env") out.environment.push_back(text);
  if (option.name == "--map") out.maps.push_back(text);
  if (option.name == "--name") out.name = text;
  if (option.name == "--region") out.region = text;
  if (option.name == "--task-root") out.task_root = text;
  if (option.name == "--arch") {
    if (value != "x86_64" && value != "arm64") return wrong(option.name, "x86_64 or arm64", value);
    out.arch = value == "arm64" ? Arch::kArm : Arch::kX86;
  }
  if (option.name == "--duplicate") out.duplicate = true;
  if (option.name == "--allow-loops") out.allow_loops = true;
  if (option.name == "--json") out.json = true;
  return {};
}

/// The options before BOOTSTRAP; what follows it is the function's. `help` is set where that is all that was asked for.
Status take_words(Words words, EmulatorOptions& out, bool& help) {
  size_t i = 0;
  for (; i < words.size() && words[i].size() > 1 && words[i].starts_with('-'); ++i) {
    std::string_view word = words[i];
    if (word == "--") {
      ++i;
      break;
    }
    std::string_view value;
    const size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
      word = word.substr(0, equals);
    }
    const Option* found = nullptr;
    std::string_view nearest;
    unsigned best = 99;
    for (const Option& option : kEmulateOptions) {
      if (word == option.name || (word.size() == 2 && option.letter != 0 && word[1] == option.letter)) found = &option;
      if (is_nearer(word, option.name, best)) nearest = option.name;
    }
    if (found == nullptr)
      return fail(Code::kBadArgument, "weir emulate: unknown option " + std::string(word) +
                                          (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?"));
    if (found->name == "--help") {
      help = true;
      return {};
    }
    if (found->takes_value && equals == std::string_view::npos) {
      if (i + 1 == words.size())
        return fail(Code::kBadArgument, "weir emulate: " + std::string(found->name) + " needs a value");
      value = words[++i];
    } else if (!found->takes_value && equals != std::string_view::npos) {
      return fail(Code::kBadArgument, "weir emulate: " + std::string(found->name) + " takes no value");
    }
    WEIR_TRY(take_option(*found, value, out));
  }
  for (; i < words.size(); ++i) out.words.emplace_back(words[i]);
  if (out.words.empty() && (out.listen.empty() || out.maps.empty()))
    return fail(Code::kBadArgument,
                "weir emulate: which bootstrap? Without one, --listen and --map serve S3 from folders");
  if (out.words.empty() && !out.events.empty())
    return fail(Code::kBadArgument, "weir emulate: --event without a bootstrap");
  if (!out.words.empty() && out.events.empty() && out.listen.empty())
    return fail(Code::kBadArgument,
                "weir emulate: nothing to invoke it with: give --event '{}', or --listen 127.0.0.1:9001");
  if (out.memory_mb.size() > 1 && out.events.empty())
    return fail(Code::kBadArgument, "weir emulate: a sweep needs --event");
  return {};
}

}  // namespace

int emulate_command(Words words, char** environment) {
  EmulatorOptions options;
#ifdef __aarch64__
  options.arch = Arch::kArm;
#endif
  for (char** entry = environment; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("AWS_DEFAULT_REGION=") && text.size() > 19) options.region = text.substr(19);
  }
  for (char** entry = environment; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("AWS_REGION=") && text.size() > 11) options.region = text.substr(11);
  }
  bool help = false;
  if (const Status taken = take_words(words, options, help); !taken) return report_error(taken.error());
  if (help) return print_text(help_text("emulate"));
  const auto exit_code = emulate::emulate(options, environment);
  return exit_code ? *exit_code : report_error(exit_code.error());
}

}  // namespace weir

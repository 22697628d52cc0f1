#include "emulate/emulator.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulate/events.hpp"
#include "emulate/invoke_api.hpp"
#include "emulate/json_text.hpp"
#include "io/file.hpp"
#include "io/system_clock.hpp"

namespace weir::emulate {
namespace {

constexpr size_t kUserVariablesMax = 4096;
constexpr size_t kChainsMax = 10'000;  ///< that are remembered
constexpr const char* kAccount = "123456789012";

// ---- signals: a pipe that the loop reads --------------------------------------------------------------------------------

int signal_pipe[2] = {-1, -1};

void on_signal(int number) {
  const int before = errno;
  const char byte = static_cast<char>(number);
  (void)!write(signal_pipe[1], &byte, 1);
  errno = before;
}

Status take_signals() {
  if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return fail(system_error(Code::kProcessLimit, errno, "a pipe"));
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_NOCLDSTOP | SA_RESTART;
  sigaction(SIGCHLD, &action, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before{};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
  return {};
}

void say(const std::string& line) { (void)write_all(STDERR_FILENO, line + "\n"); }

// ---- one run of the events in one memory size ---------------------------------------------------------------------------

class Emulator final : public HttpHandler {
 public:
  Emulator(const EmulatorOptions& options, S3Folder& folders, char** caller, uint32_t memory_mb, bool sweep)
      : options_(options), folders_(folders), caller_(caller), memory_mb_(memory_mb), sweep_(sweep) {}

  Result<int> run();
  [[nodiscard]] const SweepRow& totals() const { return totals_; }

  void begin(ConnectionId connection, Request& request) override;
  std::optional<Reply> answer(ConnectionId connection, Request& request) override;
  void gone(ConnectionId connection, const Request& request) override;

 private:
  /// The runtime API listens before the function is made that serves it: its port is in the environment.
  struct Runtime final : HttpHandler {
    Function* to = nullptr;
    void begin(ConnectionId connection, Request& request) override { to->begin(connection, request); }
    std::optional<Reply> answer(ConnectionId connection, Request& request) override {
      return to->answer(connection, request);
    }
    void gone(ConnectionId connection, const Request& request) override { to->gone(connection, request); }
  };
  Status start();
  Status load_events();
  bool feed();
  void turn(uint64_t until_ns);
  void join_chain(std::string_view trace);
  void done(Outcome&& outcome);
  void print(const Outcome& outcome);
  std::string arn() const {
    return "arn:aws:lambda:" + options_.region + ":" + kAccount + ":function:" + options_.name;
  }

  const EmulatorOptions& options_;
  S3Folder& folders_;
  char** caller_;
  uint32_t memory_mb_;
  bool sweep_;
  SystemClock clock_;
  Runtime runtime_;
  HttpServer server_;
  std::unique_ptr<Function> function_;
  std::vector<std::string> payloads_;
  size_t next_event_ = 0;
  uint64_t round_ = 0;
  std::deque<Invocation> waiting_;  ///< from clients, retries, and what goes on
  std::map<std::string, unsigned, std::less<>> chains_;  ///< by the root of their trace: invocations
  SweepRow totals_;
  bool stopped_ = false;
  bool child_ended_ = false;
  bool output_closed_ = false;
};

Status Emulator::load_events() {
  EventContext context{options_.region, clock_.wall_ns(), &folders_};
  for (const std::string& word : options_.events) {
    auto event = make_event(word, context);
    if (!event) return fail(event.error());
    const size_t bytes_max = options_.async ? kAsyncPayloadMax : kSyncPayloadMax;
    if (event->size() > bytes_max)
      return fail(Code::kBadArgument, "--event: " + std::to_string(event->size()) + " bytes; Lambda takes " +
                                          std::to_string(bytes_max) +
                                          (options_.async ? " of an asynchronous invocation" : ""));
    payloads_.push_back(std::move(*event));
  }
  return {};
}

Status Emulator::start() {
  std::string host = "127.0.0.1";
  uint64_t port = 0;
  if (!options_.listen.empty()) {
    const size_t colon = options_.listen.rfind(':');
    char* end = nullptr;
    if (colon != std::string::npos) port = std::strtoull(options_.listen.c_str() + colon + 1, &end, 10);
    if (colon == std::string::npos || end == options_.listen.c_str() + colon + 1 || *end != '\0' || port > 65535)
      return fail(Code::kBadArgument, "--listen: expected HOST:PORT such as 127.0.0.1:9001");
    host = options_.listen.substr(0, colon);
  }
  auto listened = server_.listen(host, static_cast<uint16_t>(port), *this);
  if (!listened) return fail(listened.error());
  const std::string url = "http://" + host + ":" + std::to_string(*listened);
  if (!options_.listen.empty()) say("listening on " + url);
  if (options_.words.empty()) return {};

  std::string program = options_.words[0];
  struct stat info{};
  if (stat(program.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) program += "/bootstrap";
  char whole[PATH_MAX];
  if (realpath(program.c_str(), whole) != nullptr) {
    // A link named bootstrap stays one: programs look at the name that they are called by.
    const size_t slash = program.rfind('/');
    const std::string name = slash == std::string::npos ? program : program.substr(slash + 1);
    char folder[PATH_MAX];
    const std::string at = slash == std::string::npos ? "." : program.substr(0, slash + 1);
    if (realpath(at.c_str(), folder) != nullptr) program = std::string(folder) + "/" + name;
  }
  std::string root = options_.task_root.empty() ? program.substr(0, program.rfind('/')) : options_.task_root;
  if (root.empty()) root = "/";
  if (realpath(root.c_str(), whole) == nullptr)
    return fail(Code::kBadArgument, "no such folder to start the function in: " + root);
  root = whole;

  FunctionOptions function;
  function.name = options_.name;
  function.arn = arn();
  function.timeout_ns = options_.timeout_ns;
  function.init_timeout_ns = options_.init_timeout_ns;
  function.kill_at_ns = options_.kill_at_ns;
  function.sandbox.memory_mb = memory_mb_;
  function.sandbox.tmp_mb = options_.tmp_mb;
  function.sandbox.walls = options_.walls;
  function.sandbox.words = options_.words;
  function.sandbox.words[0] = program;
  function.sandbox.folder = root;

  auto api = server_.listen("127.0.0.1", 0, runtime_);
  if (!api) return fail(api.error());
  function.sandbox.environment =
      function_environment(options_, memory_mb_, "127.0.0.1:" + std::to_string(*api), url, root, caller_);
  function_ = std::make_unique<Function>(
      function, clock_, server_, [this](Outcome&& outcome) { done(std::move(outcome)); },
      [](const std::string& line) { say(line); });
  runtime_.to = function_.get();
  if (!function_->status()) return function_->status();
  say("walls: " + function_->sandbox().describe());
  return {};
}

// ---- clients ------------------------------------------------------------------------------------------------------------

void Emulator::begin(ConnectionId connection, Request& request) {
  if (is_invoke_path(request.path))
    request.body_bytes_max = kSyncPayloadMax;
  else
    folders_.begin(connection, request);
}

std::optional<Reply> Emulator::answer(ConnectionId connection, Request& request) {
  if (!is_invoke_path(request.path)) return folders_.answer(connection, request);
  if (!function_) return invoke_refusal(404, "ResourceNotFoundException", "there is no function here, only folders");
  auto call = take_invoke(request, options_.name);
  if (auto* reply = std::get_if<Reply>(&call)) return std::move(*reply);
  Invocation invocation = std::move(std::get<Invocation>(call));
  // A chain is known by its trace: who invokes from within an invocation passes it on.
  const std::string root(trace_root(invocation.trace));
  if (const auto chain = chains_.find(root); !root.empty() && chain != chains_.end()) {
    if (!options_.allow_loops && chain->second >= kChainMax) {
      say("RECURSION " + root + ": " + std::to_string(chain->second) +
          " invocations in one chain, the next is dropped");
      return invoke_refusal(400, "RecursiveInvocationException",
                            "Lambda detected the function being invoked in a recursive loop: " +
                                std::to_string(kChainMax) + " invocations");
    }
  } else if (root.empty()) {
    invocation.trace = new_trace(clock_.wall_ns());
  }
  invocation.id = new_request_id();
  const bool async = invocation.async;
  Reply accepted = invoke_accepted(invocation);
  if (!async) invocation.caller = connection;
  join_chain(invocation.trace);
  waiting_.push_back(std::move(invocation));
  return async ? std::optional<Reply>(std::move(accepted)) : std::nullopt;
}

void Emulator::gone(ConnectionId connection, const Request&) {
  folders_.gone(connection);
  for (Invocation& invocation : waiting_) {
    if (invocation.caller == connection) invocation.caller = 0;
  }
}

void Emulator::join_chain(std::string_view trace) {
  ++chains_[std::string(trace_root(trace))];
  // Roots begin with the time: the first is the oldest.
  if (chains_.size() > kChainsMax) chains_.erase(chains_.begin());
}

// ---- what is invoked next -----------------------------------------------------------------------------------------------

// False: there is nothing now.
bool Emulator::feed() {
  Invocation invocation;
  if (!waiting_.empty()) {
    invocation = std::move(waiting_.front());
    waiting_.pop_front();
  } else {
    if (round_ == options_.repeat || payloads_.empty()) return false;
    invocation.payload = payloads_[next_event_];
    invocation.id = new_request_id();
    invocation.trace = new_trace(clock_.wall_ns());
    invocation.async = options_.async;
    if (options_.duplicate) {
      Invocation twin = invocation;
      twin.id = new_request_id();
      twin.trace = new_trace(clock_.wall_ns());
      waiting_.push_back(std::move(twin));
    }
    join_chain(invocation.trace);
    if (++next_event_ == payloads_.size()) {
      next_event_ = 0;
      ++round_;
    }
  }
  function_->submit(std::move(invocation));
  return true;
}

void Emulator::done(Outcome&& outcome) {
  const Invocation& invocation = outcome.invocation;
  totals_.memory_mb = memory_mb_;
  bool failed = outcome.ending != Ending::kSuccess;
  // Who is delivered to at least once, and what was killed on demand, is tried again: these failures are none.
  const bool retried = outcome.killed_on_demand || (failed && invocation.async && invocation.attempt <= kRetriesMax);
  print(outcome);
  totals_.add(outcome, options_.arch);
  if (retried) {
    --totals_.failures;
    Invocation again = invocation;
    ++again.attempt;
    waiting_.push_front(std::move(again));
    return;
  }
  if (invocation.caller != 0) server_.reply(invocation.caller, invoke_reply(outcome));
  if (failed) return;
  if (options_.continue_max != 0 && json_member(outcome.result, "done") == "false" &&
      json_member(outcome.result, "cursor")) {
    if (invocation.turns < options_.continue_max) {
      Invocation on;
      on.id = new_request_id();
      on.trace = new_trace(clock_.wall_ns());
      on.payload = outcome.result;
      on.turns = invocation.turns + 1;
      on.async = invocation.async;
      waiting_.push_front(std::move(on));
    } else {
      say("--continue " + std::to_string(options_.continue_max) + ": not done after so many further invocations");
      ++totals_.failures;
    }
  }
}

void Emulator::print(const Outcome& outcome) {
  say("END RequestId: " + outcome.invocation.id);
  if (!options_.json || sweep_) {
    say(report_line(outcome));
    say(cost_line(outcome, options_.arch));
  }
  if (sweep_) return;
  std::string line = options_.json ? json_line(outcome, options_.arch) : outcome.result;
  if (!line.ends_with('\n')) line += '\n';
  if (!output_closed_ && !write_all(STDOUT_FILENO, line, &output_closed_)) output_closed_ = true;
}

// ---- the loop -----------------------------------------------------------------------------------------------------------

void Emulator::turn(uint64_t until_ns) {
  std::vector<pollfd> polls{{signal_pipe[0], POLLIN, 0}};
  server_.append_polls(polls);
  timespec timeout{};
  timespec* wait = nullptr;
  if (until_ns != kNever) {
    const uint64_t now = clock_.monotonic_ns();
    const uint64_t left = until_ns > now ? until_ns - now : 0;
    timeout = {static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    wait = &timeout;
  }
  if (ppoll(polls.data(), polls.size(), wait, nullptr) < 0) {
    for (pollfd& entry : polls) entry.revents = 0;
  }
  if (polls[0].revents != 0) {
    char bytes[64];
    ssize_t got = 0;
    while ((got = read(signal_pipe[0], bytes, sizeof bytes)) > 0) {
      for (ssize_t i = 0; i < got; ++i) (bytes[i] == SIGCHLD ? child_ended_ : stopped_) = true;
    }
  }
  server_.serve(polls, 1);
}

Result<int> Emulator::run() {
  WEIR_TRY(load_events());
  WEIR_TRY(start());
  const bool serves = !options_.listen.empty() && options_.events.empty();
  while (!stopped_ && !output_closed_) {
    if (function_ && function_->idle() && !feed() && !serves && !server_.busy()) break;
    uint64_t until = function_ ? function_->timer_ns() : kNever;
    // What was submitted just now may have ended already.
    if (server_.has_work() ||
        (function_ && function_->idle() && (!waiting_.empty() || (!payloads_.empty() && round_ != options_.repeat))))
      until = 0;
    turn(until);
    if (child_ended_) {
      // What it said before it ended is still on its way.
      for (int quiet = 0; quiet < 3; ++quiet) turn(0);
      child_ended_ = false;
      if (function_) function_->on_child_exit();
    }
    if (function_) function_->on_time();
  }
  if (stopped_ && !serves) return static_cast<int>(Exit::kInterrupted);
  return totals_.failures == 0 ? 0 : kExitFailed;
}

}  // namespace

std::vector<std::string> function_environment(const EmulatorOptions& options, uint32_t memory_mb,
                                              const std::string& runtime_api, const std::string& public_url,
                                              const std::string& task_root, char** caller) {
  std::map<std::string, std::string> all;
  const auto set = [&](const std::string& name, const std::string& value) { all[name] = value; };
  const auto given = [&](const char* name) {
    for (char** entry = caller; *entry != nullptr; ++entry) {
      if (std::string_view(*entry).starts_with(std::string(name) + "=")) return true;
    }
    return false;
  };
  for (char** entry = caller; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    const bool ours = name.starts_with("AWS_LAMBDA_") || name == "AWS_EXECUTION_ENV";
    if ((name.starts_with("AWS_") && !ours) || name.starts_with("SSL_CERT_") ||
        (name == "HOME" && given("AWS_PROFILE")))
      set(name, std::string(text.substr(name.size() + 1)));
  }
  // On Lambda a role's are always there; folders look at no signature.
  if (!options.maps.empty() && !given("AWS_ACCESS_KEY_ID") && !given("AWS_PROFILE")) {
    set("AWS_ACCESS_KEY_ID", "EMULATED");
    set("AWS_SECRET_ACCESS_KEY", "emulated");
    set("AWS_SESSION_TOKEN", "emulated");
  }
  set("_HANDLER", "bootstrap");
  set("AWS_REGION", options.region);
  set("AWS_DEFAULT_REGION", options.region);
  set("AWS_LAMBDA_FUNCTION_NAME", options.name);
  set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(memory_mb));
  set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
  set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
  set("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + options.name);
  set("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]" + random_hex(32));
  set("AWS_LAMBDA_LOG_FORMAT", "Text");
  set("AWS_LAMBDA_RUNTIME_API", runtime_api);
  set("AWS_ENDPOINT_URL_LAMBDA", public_url);
  if (!options.maps.empty()) set("AWS_ENDPOINT_URL_S3", public_url);
  set("LAMBDA_TASK_ROOT", task_root);
  set("LAMBDA_RUNTIME_DIR", "/var/runtime");
  set("LANG", "en_US.UTF-8");
  set("TZ", ":UTC");
  set("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin");
  set("LD_LIBRARY_PATH",
      "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:" + task_root + ":" + task_root + "/lib:/opt/lib");
  for (const std::string& entry : options.environment) {
    const size_t equals = entry.find('=');
    set(entry.substr(0, equals), entry.substr(equals + 1));
  }
  std::vector<std::string> list;
  for (const auto& [name, value] : all) list.push_back(name + "=" + value);
  return list;
}

Result<int> emulate(const EmulatorOptions& options, char** caller) {
  size_t variables = 0;
  for (const std::string& entry : options.environment) {
    if (entry.find('=') == std::string::npos || entry.starts_with('='))
      return fail(Code::kBadArgument, "--env: expected NAME=VALUE, found '" + entry + "'");
    if (entry.starts_with("AWS_LAMBDA_RUNTIME_API="))
      return fail(Code::kBadArgument, "--env: AWS_LAMBDA_RUNTIME_API is the emulator's to set");
    variables += entry.size();
  }
  if (variables > kUserVariablesMax)
    return fail(Code::kBadArgument,
                "--env: " + std::to_string(variables) + " bytes; a function has 4096 for all of its variables");
  WEIR_TRY(take_signals());
  if (options.tmp_mb != 0 && geteuid() == 0) (void)own_mounts();
  S3Folder folders;
  for (const std::string& map : options.maps) WEIR_TRY(folders.add(map));
  if (options.memory_mb.size() == 1) return Emulator(options, folders, caller, options.memory_mb[0], false).run();

  folders.remember_changes();
  std::vector<SweepRow> rows;
  int exit_code = 0;
  for (const uint32_t memory_mb : options.memory_mb) {
    Emulator emulator(options, folders, caller, memory_mb, true);
    auto result = emulator.run();
    folders.undo();
    if (!result) return result;
    if (*result == static_cast<int>(Exit::kInterrupted)) return result;
    rows.push_back(emulator.totals());
  }
  const size_t best = best_row(rows);
  if (best == rows.size()) exit_code = kExitFailed;
  std::string text;
  if (options.json) {
    for (size_t i = 0; i < rows.size(); ++i) text += sweep_json(rows[i], i == best) + "\n";
  } else {
    text = sweep_table(rows, options.arch);
  }
  WEIR_TRY(write_all(STDOUT_FILENO, text));
  return exit_code;
}

}  // namespace weir::emulate

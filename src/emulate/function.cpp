#include "emulate/function.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <sys/random.h>
#include <sys/wait.h>

#include "emulate/json_text.hpp"

namespace weir::emulate {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kPeakNs = 50 * kMs;  ///< how often the peak is looked at where walls hold by themselves
constexpr uint64_t kMiB = 1u << 20;

uint64_t plus(uint64_t at, uint64_t ns) { return ns >= kNever - at ? kNever : at + ns; }

std::string milliseconds(uint64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", static_cast<double>(ns) / 1e6);
  return text;
}

}  // namespace

std::string ending_text(int wait_status) {
  if (WIFEXITED(wait_status))
    return WEXITSTATUS(wait_status) == 0 ? "" : "exit status " + std::to_string(WEXITSTATUS(wait_status));
  std::string name = strsignal(WTERMSIG(wait_status));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return "signal: " + name;
}

std::string random_hex(size_t digits) {
  std::string bytes(digits, '\0');
  (void)!getrandom(bytes.data(), bytes.size(), 0);
  for (char& c : bytes) c = "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  return bytes;
}

std::string new_request_id() {
  return random_hex(8) + '-' + random_hex(4) + "-4" + random_hex(3) + "-a" + random_hex(3) + '-' + random_hex(12);
}

std::string new_trace(uint64_t wall_ns) {
  char seconds[16];
  std::snprintf(seconds, sizeof seconds, "%08llx", static_cast<unsigned long long>(wall_ns / 1'000'000'000));
  return "Root=1-" + std::string(seconds) + '-' + random_hex(24) + ";Parent=" + random_hex(16) + ";Sampled=0";
}

Function::Function(const FunctionOptions& options, Clock& clock, HttpServer& server, Done done, Log log)
    : options_(options),
      clock_(clock),
      server_(server),
      done_(std::move(done)),
      log_(std::move(log)),
      sandbox_(options.sandbox) {}

void Function::submit(Invocation invocation) {
  line_.push_back(std::move(invocation));
  pump();
}

uint64_t Function::timer_ns() const {
  if (!sandbox_.running() || (!current_ && !init_alone_)) return kNever;  // frozen: nothing changes
  uint64_t at = sample_ns_;
  if (stop_ != Stop::kNone) return at;
  if (init_alone_) at = std::min(at, plus(init_begin_ns_, options_.init_timeout_ns));
  if (current_) {
    at = std::min(at, plus(begin_ns_, options_.timeout_ns));
    if (current_->attempt == 1) at = std::min(at, plus(begin_ns_, options_.kill_at_ns));
  }
  return at;
}

void Function::on_time() {
  if (!sandbox_.running()) return;
  const uint64_t now = clock_.monotonic_ns();
  if (now >= sample_ns_) {
    const Sandbox::Breach breach = sandbox_.sample();
    sample_ns_ = now + (sandbox_.watched() ? Sandbox::kSampleNs : kPeakNs);
    if (breach != Sandbox::Breach::kNone) return stop(breach == Sandbox::Breach::kTmp ? Stop::kTmp : Stop::kKilled);
  }
  if (stop_ != Stop::kNone) return;
  if (init_alone_ && now >= plus(init_begin_ns_, options_.init_timeout_ns)) return stop(Stop::kInitTimeout);
  if (!current_) return;
  if (now >= plus(begin_ns_, options_.timeout_ns)) return stop(Stop::kTimeout);
  if (current_->attempt == 1 && now >= plus(begin_ns_, options_.kill_at_ns)) stop(Stop::kOnDemand);
}

void Function::stop(Stop reason) {
  if (stop_ != Stop::kNone) return;
  stop_ = reason;
  sandbox_.sample();
  sandbox_.kill();
}

// --- what begins ---------------------------------------------------------------------------------------------------------

void Function::pump() {
  if (current_ || init_alone_ || line_.empty()) return;
  const uint64_t now = clock_.monotonic_ns();
  if (!sandbox_.running() && fresh_) {
    fresh_ = false;
    init_alone_ = true;
    init_begin_ns_ = now;
    sandbox_.whole_cpu(true);
    start_process();
    return;
  }
  current_ = std::move(line_.front());
  line_.pop_front();
  delivered_ = false;
  begin_ns_ = now;
  log_("START RequestId: " + current_->id + " Version: $LATEST");
  if (api_.idle() && next_ != 0)
    deliver();
  else if (!sandbox_.running())
    start_process();
}

void Function::start_process() {
  api_.restart();
  next_ = 0;
  stop_ = Stop::kNone;
  if (const int number = sandbox_.start(); number != 0) return fail_to_start(number);
  sample_ns_ = plus(clock_.monotonic_ns(), sandbox_.watched() ? Sandbox::kSampleNs : kPeakNs);
}

void Function::fail_to_start(int number) {
  std::string message = strerror(number);
  std::transform(message.begin(), message.begin() + 1, message.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  ended(std::nullopt, "fork/exec " + options_.sandbox.words[0] + ": " + message);
}

void Function::deliver() {
  sandbox_.freeze(false);
  delivered_ = true;
  Delivery delivery;
  delivery.id = current_->id;
  const uint64_t now = clock_.monotonic_ns();
  const uint64_t end = plus(begin_ns_, options_.timeout_ns);
  delivery.deadline_ms = (clock_.wall_ns() + (end > now ? end - now : 0)) / kMs;
  delivery.arn = options_.arn;
  delivery.trace = current_->trace;
  delivery.client_context = current_->client_context;
  delivery.payload = current_->payload;
  server_.reply(std::exchange(next_, 0), api_.invoke(delivery));
}

// --- what the runtime says -----------------------------------------------------------------------------------------------

void Function::begin(ConnectionId, Request& request) { request.body_bytes_max = kRuntimePayloadMax; }

std::optional<Reply> Function::answer(ConnectionId connection, Request& request) {
  auto reply = api_.take(request);
  if (reply) return reply;
  if (next_ != 0) server_.drop(next_);
  next_ = connection;
  on_next();
  return std::nullopt;
}

void Function::gone(ConnectionId connection, const Request& request) {
  if (connection == next_)
    next_ = 0;
  else
    api_.broke_off(request);
}

void Function::on_next() {
  sandbox_.sample();
  if (init_alone_) {
    init_alone_ = false;
    sandbox_.whole_cpu(false);
    init_ns_ = clock_.monotonic_ns() - init_begin_ns_;
  } else if (current_ && delivered_) {
    const Answer answer = api_.answer().value_or(Answer{});
    std::string type = answer.error_type;
    // What the body calls it says more than what is left when the header is missing.
    if (answer.error && type.ends_with(".Unknown")) {
      if (const auto named = json_member(answer.body, "errorType"); named && named->size() > 2 && named->front() == '"')
        type = named->substr(1, named->size() - 2);
    }
    return finish(answer.error ? Ending::kError : Ending::kSuccess, std::move(type), answer.body, answer.error);
  } else if (current_) {
    return deliver();
  }
  pump();
  rest();
}

void Function::rest() {
  if (!current_ && !init_alone_ && api_.idle()) sandbox_.freeze(true);
}

// --- what ends -----------------------------------------------------------------------------------------------------------

void Function::on_child_exit() {
  const auto status = sandbox_.take_exit();
  if (status) ended(status, ending_text(*status));
}

std::string Function::error_json(std::string_view type, const std::string& message) const {
  const std::string who = current_ ? "RequestId: " + current_->id + " Error: " : "";
  return "{\"errorType\":" + json_string(type) + ",\"errorMessage\":" + json_string(who + message) + "}";
}

void Function::ended(std::optional<int> wait_status, const std::string& problem) {
  const std::optional<Answer> answer = api_.answer();
  const bool init_failed = api_.state() == RuntimeApi::State::kFailed;
  const bool answered = api_.state() == RuntimeApi::State::kAnswered;
  const Stop reason = std::exchange(stop_, Stop::kNone);
  api_.restart();
  if (next_ != 0) server_.drop(std::exchange(next_, 0));
  sample_ns_ = kNever;

  std::string type = wait_status ? "Runtime.ExitError" : "Runtime.InvalidEntrypoint";
  std::string message = !wait_status      ? problem
                        : problem.empty() ? "Runtime exited without providing a reason"
                                          : "Runtime exited with error: " + problem;
  std::string result;
  if (init_failed) {
    type = answer->error_type;
    if (const auto named = json_member(answer->body, "errorType");
        type.ends_with(".Unknown") && named && named->size() > 2)
      type = named->substr(1, named->size() - 2);
    result = answer->body;
  } else if (reason == Stop::kTmp) {
    type = "Sandbox.TmpFull";
    message = "more than " + std::to_string(options_.sandbox.tmp_mb) + " MB in /tmp: on Lambda writing fails (ENOSPC)";
  }

  if (init_alone_) {
    init_alone_ = false;
    sandbox_.whole_cpu(false);
    const uint64_t took = clock_.monotonic_ns() - init_begin_ns_;
    failed_init_ns_ += took;
    log_("INIT_REPORT Init Duration: " + milliseconds(took) +
         "\tPhase: init\tStatus: " + (reason == Stop::kInitTimeout ? "timeout" : "error\tError Type: " + type));
    return pump();
  }
  if (!current_) return pump();
  if (reason == Stop::kTimeout) {
    char seconds[48];
    std::snprintf(seconds, sizeof seconds, "%.2f", static_cast<double>(options_.timeout_ns) / 1e9);
    log_("RequestId: " + current_->id + " Task timed out after " + seconds + " seconds");
    type = "Sandbox.Timedout";
    message = "Task timed out after " + std::string(seconds) + " seconds";
  }
  if (result.empty()) result = error_json(type, message);
  // Who has the answer keeps it.
  const bool error_for_caller = !answered || answer->error;
  if (answered) result = answer->body;
  killed_on_demand_ = reason == Stop::kOnDemand;
  finish(reason == Stop::kTimeout ? Ending::kTimeout : Ending::kError, type, result, error_for_caller);
}

void Function::finish(Ending ending, std::string error_type, std::string result, bool caller_error) {
  Outcome outcome;
  outcome.ending = ending;
  outcome.error_type = std::move(error_type);
  outcome.result = std::move(result);
  outcome.caller_error = caller_error;
  outcome.killed_on_demand = std::exchange(killed_on_demand_, false);
  outcome.duration_ns = clock_.monotonic_ns() - begin_ns_;
  if (ending == Ending::kTimeout) outcome.duration_ns = options_.timeout_ns;
  outcome.init_ns = std::exchange(init_ns_, std::nullopt);
  outcome.billed_ms =
      (outcome.duration_ns + outcome.init_ns.value_or(0) + std::exchange(failed_init_ns_, 0) + kMs - 1) / kMs;
  outcome.memory_mb = options_.sandbox.memory_mb;
  outcome.memory_used_mb =
      sandbox_.out_of_memory() ? outcome.memory_mb : static_cast<uint32_t>((sandbox_.peak_bytes() + kMiB - 1) / kMiB);
  outcome.invocation = std::move(*current_);
  current_.reset();
  delivered_ = false;
  done_(std::move(outcome));
  pump();
  rest();
}

}  // namespace weir::emulate

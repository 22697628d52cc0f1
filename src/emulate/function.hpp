// One function in one execution environment: its life from init over invocations to the reset, by the rules of Lambda.
//
// - init is made before the first invocation and has its own limit (10 s); when it fails it is tried again inside of that invocation
// - an invocation ends when the runtime asks for the next one; then everything is frozen until there is one
// - at the time-out, a crash or a breach of a wall all processes are ended; the next invocation begins with an init that counts in its own time
//   (a suppressed init). /tmp stays
// One invocation at a time; others wait in line.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "emulate/http_server.hpp"
#include "emulate/runtime_api.hpp"
#include "emulate/sandbox.hpp"

namespace weir::emulate {

struct Invocation {
  std::string id;
  std::string payload;
  std::string trace;
  std::string client_context;
  bool async = false;
  unsigned attempt = 1;
  unsigned turns = 0;  ///< how often it was gone on with, by --continue
  ConnectionId caller = 0;  ///< of the Invoke API, who waits for the result
};

enum class Ending : uint8_t { kSuccess, kError, kTimeout };

struct Outcome {
  Invocation invocation;
  Ending ending = Ending::kSuccess;
  std::string error_type;  ///< empty on success
  std::string result;  ///< what the caller gets: the response or the error's JSON
  bool caller_error =
      false;  ///< whether the caller gets it as an error. Not where the runtime crashed after its response
  bool killed_on_demand = false;  ///< at kill_at_ns
  uint64_t duration_ns = 0;
  std::optional<uint64_t> init_ns;  ///< of the init before it
  uint64_t billed_ms = 0;  ///< with the init, as for all custom runtimes
  uint32_t memory_mb = 0;
  uint32_t memory_used_mb = 0;  ///< the peak of the environment so far
};

struct FunctionOptions {
  std::string name = "function";
  std::string arn;
  uint64_t timeout_ns = 3'000'000'000;
  uint64_t init_timeout_ns = 10'000'000'000;
  uint64_t kill_at_ns = kNever;  ///< into the first attempt of each invocation
  SandboxOptions sandbox;
};

class Function final : public HttpHandler {
 public:
  using Done = std::function<void(Outcome&&)>;
  using Log = std::function<void(const std::string& line)>;

  /// `server` is where the runtime API is listened on, by this.
  Function(const FunctionOptions& options, Clock& clock, HttpServer& server, Done done, Log log);

  [[nodiscard]] const Status& status() const { return sandbox_.status(); }
  [[nodiscard]] const Sandbox& sandbox() const { return sandbox_; }

  void submit(Invocation invocation);
  /// Nothing runs and nothing waits.
  [[nodiscard]] bool idle() const { return !current_ && line_.empty() && !init_alone_; }
  /// When on_time() is to be called.
  [[nodiscard]] uint64_t timer_ns() const;
  void on_time();
  void on_child_exit();

  void begin(ConnectionId connection, Request& request) override;
  std::optional<Reply> answer(ConnectionId connection, Request& request) override;
  void gone(ConnectionId connection, const Request& request) override;

 private:
  enum class Stop : uint8_t { kNone, kTimeout, kInitTimeout, kKilled, kOnDemand, kTmp };

  void pump();
  void deliver();
  void start_process();
  void fail_to_start(int number);
  void stop(Stop reason);
  void on_next();
  void ended(std::optional<int> wait_status, const std::string& problem);
  void finish(Ending ending, std::string error_type, std::string result, bool caller_error);
  void rest();
  std::string error_json(std::string_view type, const std::string& message) const;

  FunctionOptions options_;
  Clock& clock_;
  HttpServer& server_;
  Done done_;
  Log log_;
  Sandbox sandbox_;
  RuntimeApi api_;
  std::deque<Invocation> line_;
  std::optional<Invocation> current_;
  bool delivered_ = false;  ///< current_ was given to the runtime
  bool fresh_ = true;  ///< no init was tried yet
  bool init_alone_ = false;  ///< the init before the first invocation
  Stop stop_ = Stop::kNone;
  bool killed_on_demand_ = false;
  ConnectionId next_ = 0;  ///< the waiting `next`
  uint64_t init_begin_ns_ = 0;
  uint64_t begin_ns_ = 0;
  uint64_t sample_ns_ = kNever;
  std::optional<uint64_t> init_ns_;
  uint64_t failed_init_ns_ = 0;
};

/// "exit status 1", "signal: killed": as Lambda's messages say it. Empty for exit 0.
std::string ending_text(int wait_status);

/// Random hexadecimal digits, and a UUID of version 4.
std::string random_hex(size_t digits);
std::string new_request_id();
std::string new_trace(uint64_t wall_ns);

}  // namespace weir::emulate

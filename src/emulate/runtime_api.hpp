// The Lambda Runtime API, 2018-06-01, without sockets and clocks: which call is allowed when, and what is answered.
//
//   starting --next--> idle --invoke()--> running --response|error--> answered --next--> idle
//   starting --init/error--> failed
//
// A call at another time gets 403 InvalidStateTransition, another id than the running one 400 InvalidRequestID. `next` while an invocation is
// running and not answered is refused as well: Lambda promises nothing there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "emulate/http_server.hpp"

namespace weir::emulate {

/// Of a response, and of the event behind `next`: 6 MiB and 100 bytes.
inline constexpr size_t kRuntimePayloadMax = 6 * 1024 * 1024 + 100;

/// What `next` tells of an invocation. Empty values are left out of its headers.
struct Delivery {
  std::string id;
  uint64_t deadline_ms = 0;  ///< since 1970
  std::string arn;
  std::string trace;  ///< Root=1-...;Parent=...;Sampled=0
  std::string client_context;  ///< JSON
  std::string cognito_identity;  ///< JSON
  std::string payload;
};

/// What the runtime said of an invocation, or of its init.
struct Answer {
  bool error = false;
  std::string body;
  std::string content_type;
  std::string error_type;  ///< as Lambda passes it on: Runtime.X, Function.X
};

/// The header Lambda-Runtime-Function-Error-Type as Lambda keeps it: "Runtime.X" and "Function.X" with letters alone; other values become
/// Function.Unknown where they begin with "Function.", Runtime.Unknown else.
std::string kept_error_type(std::string_view given);

class RuntimeApi {
 public:
  enum class State : uint8_t { kStarting, kIdle, kRunning, kAnswered, kFailed };

  /// A new process: everything is forgotten.
  void restart();
  /// A whole request. Nothing: it was `next` and is to wait until invoke().
  std::optional<Reply> take(const Request& request);
  /// The reply to the waiting `next`. Only when idle().
  Reply invoke(const Delivery& delivery);
  /// A response that breaks off is the invocation's end, too.
  void broke_off(const Request& request);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool idle() const { return state_ == State::kIdle; }
  /// Since invoke(), or of the init that failed.
  [[nodiscard]] const std::optional<Answer>& answer() const { return answer_; }

 private:
  std::optional<Reply> next();
  Reply init_error(const Request& request);
  Reply finish(const Request& request, std::string_view id, bool error);

  State state_ = State::kStarting;
  std::string id_;
  std::optional<Answer> answer_;
};

}  // namespace weir::emulate

// RuntimeClient: AWS Lambda's Runtime API (2018-06-01) from the function's side: the next event, its result or its error. Plain HTTP to a server in
// the same machine, one request after the other, never through a proxy.
//
// next() waits without a bound: the process may be frozen in it. An event is read into one mapping that is as large as an event may be (6 MiB and 100
// bytes, docs of the Runtime API) and touched only as far as the event is long; trim() gives its pages back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "io/http_connection.hpp"
#include "port/net.hpp"
#include "port/ports.hpp"

namespace weir {

inline constexpr size_t kPayloadBytesMax = (6u << 20) + 100;  ///< of an event, and of a result

struct Invocation {
  FixedText<64> id;
  uint64_t deadline_wall_ns = 0;  ///< of the invocation, since 1970
  FixedText<256> function_arn;
  FixedText<512> trace_id;
  std::string_view event;  ///< valid until trim() or the next next(); 64 readable bytes behind it
};

class RuntimeClient {
 public:
  /// `api`: AWS_LAMBDA_RUNTIME_API, "host:port". Takes memory.
  static Result<std::unique_ptr<RuntimeClient>> make(std::string_view api, Net& net, Clock& clock, Wakeup& wakeup);
  ~RuntimeClient();
  RuntimeClient(const RuntimeClient&) = delete;
  RuntimeClient& operator=(const RuntimeClient&) = delete;

  /// W1101: a signal asked for the end. Anything else: the service is out of order, and the process should end (the API's rule for a 500).
  Status next(Invocation& invocation);
  /// `json`: the result. W4029: refused; `status()` says how (413: too large), and the next event may be asked for.
  Status respond(std::string_view id, std::string_view json);
  /// `type`: "Function.BadConfig"; `json`: {"errorType", "errorMessage"}.
  Status report_error(std::string_view id, std::string_view type, std::string_view json);
  /// The start failed: the process is to end after it.
  Status report_init_error(std::string_view type, std::string_view json);
  [[nodiscard]] unsigned status() const { return status_; }
  /// Gives back the event's memory.
  void trim();

 private:
  RuntimeClient(std::string_view api, Net& net, Clock& clock, Wakeup& wakeup);
  Status exchange(HttpRequest& request, bool until_signal);
  Status wait(bool until_signal);
  Status post(std::string_view path, std::string_view error_type, std::string_view json);
  Status read_event();

  Net& net_;
  Clock& clock_;
  Wakeup& wakeup_;
  std::string api_;  ///< as a URL's text
  Url url_;
  std::span<char> memory_;  ///< of the connection and of the event
  std::span<char> event_room_;
  size_t event_bytes_ = 0;
  HttpContext context_;
  std::optional<HttpConnection> connection_;
  unsigned status_ = 0;
};

}  // namespace weir

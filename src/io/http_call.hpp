// HttpCall: one request, tried until it succeeds, is refused for good, or may not be tried again. It never waits by itself: step() says until when
// and for what, wait() does it for callers that have nothing else to do.
//
// How often and how late: io/retry_policy.hpp. All calls of a run share one RetryBudget, so that a server that is down is asked a bounded
// number of times, however many calls there are. A call whose time is up, in mid-request or before another attempt, failed for no fault of the
// server: W1101. A stop that is asked for (port/wait_limit.hpp) leaves it a grace.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/http_connection.hpp"
#include "io/retry_policy.hpp"

namespace weir {

/// A service's view of its request: how each attempt is made, and what a reply means.
class HttpService {
 public:
  virtual ~HttpService() = default;
  /// Makes attempt `attempt`, from 1. Everything that it names lives until the next call.
  virtual Status make(HttpRequest& request, uint32_t attempt) = 0;
  /// What a reply means: kNone is success. `text`: the body's first bytes, where the reply is no 2xx or the whole of it was asked for. Else
  /// `error` says what is wrong.
  virtual FailureClass judge(const HttpHead& head, std::string_view text, Error& error) = 0;
  /// A reply of status 2xx is to be judged with the first bytes of its body, though the whole was not asked for.
  virtual bool wants_text(const HttpHead& /*head*/) { return false; }
};

/// What all calls of a run share.
struct HttpSession {
  HttpContext http;
  RetryBudget retries;
  uint64_t stop_at_ns = kNever;  ///< no wait reaches past it, nor past the run's limit
  bool proven = false;  ///< a request was answered
  uint32_t redirects_max = RetryLimits{}.redirects_max;
  /// Before one has: a wrong address should be told of soon. After it a run should outlive a minute's outage.
  static constexpr uint32_t kFirstAttemptsMax = 5;
  [[nodiscard]] uint64_t end_ns() const { return std::min(stop_at_ns, http.end_ns()); }
  [[nodiscard]] RetryLimits limits() const {
    RetryLimits limits{.redirects_max = redirects_max};
    if (!proven) limits.attempts_max = kFirstAttemptsMax;
    return limits;
  }
};

class HttpCall {
 public:
  static constexpr size_t kTextBytesMax = 16u << 10;
  static constexpr size_t memory_max() { return HttpConnection::memory_max() + kTextBytesMax; }

  HttpCall(HttpSession& session, std::span<char> room, SocketUse use = SocketUse::kBoth);

  /// Begins. `whole`: a reply is read to its end before it is judged, and at most kTextBytesMax long. `parting`: sent also when the time is up,
  /// though its answer is not waited for: it gives something back.
  void begin(HttpService& service, bool whole, bool parting = false);
  /// kHaveOutput: succeeded; without `whole` the body is read with read(). kBlocked: see waits(). kFailed.
  Step step(Error& error);
  [[nodiscard]] const HttpHead& head() const { return connection_.head(); }
  /// What kind of address the last attempt reached.
  [[nodiscard]] AddressKind reached() const { return connection_.reached(); }
  /// Of a call that was begun with `whole`.
  [[nodiscard]] std::string_view text() const { return {text_room_.data(), text_bytes_}; }
  ReadResult read(std::span<char> room, Error& error) { return connection_.read(room, error); }
  [[nodiscard]] const HttpWait& waits() const { return wait_; }
  [[nodiscard]] const HttpWait& read_waits() const { return connection_.waits(); }
  /// An attempt failed, and the next one was not begun.
  [[nodiscard]] bool between_attempts() const { return state_ == State::kWaiting && retry_.attempts() > 1; }
  /// An attempt failed, and none has succeeded yet.
  [[nodiscard]] bool retrying() const {
    return state_ != State::kIdle && state_ != State::kDone && retry_.attempts() > 1;
  }
  /// The request was sent more than once: an earlier one may have been done.
  [[nodiscard]] bool sent_twice() const { return retry_.attempts() > 1 || connection_.sent_twice(); }
  /// The body that is read broke off, or is not what it should be: another attempt, if there may be one. If not, `error` is as it was, or W1101
  /// where the time is up. `progressed`: bytes came since the last attempt, so that the count begins anew.
  bool again(FailureClass why, bool progressed, Error& error);
  /// Steps until it ends, and waits in between; behind a signal within the grace. W1101: the time is up.
  Status run();
  /// Waits for what the last step wanted. W1101: the time is up.
  Status wait(const HttpWait& wait);
  void close() noexcept { connection_.close(); }

 private:
  enum class State : uint8_t { kIdle, kWaiting, kAsking, kText, kDone };
  Status attempt();
  Step judge(Error& error);
  Step retry(FailureClass failure, Error& error);

  HttpSession& session_;
  HttpConnection connection_;
  std::span<char> text_room_;
  HttpService* service_ = nullptr;
  State state_ = State::kIdle;
  bool whole_ = false;
  bool parting_ = false;
  Retry retry_;
  size_t text_bytes_ = 0;
  uint64_t due_ns_ = 0;
  HttpWait wait_;
};

}  // namespace weir

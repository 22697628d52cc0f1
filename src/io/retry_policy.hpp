// When a failed request is sent again, and how long to wait before: pure, given the time and random bits.
//
// The rules are those of the AWS SDKs' "standard" mode as revised in 2026 (botocore, retries/standard.py and quota.py, AWS_NEW_RETRIES_2026): one bucket of
// 500 tokens for all requests of a process, 14 for a retry after a transient failure and 5 after throttling, what a retry took comes
// back when it succeeds, and 1 for a success at the first attempt; delays of full jitter below 50 ms (1 s when throttled) doubled with every attempt, up
// to 20 s; x-amz-retry-after may raise a delay by up to 5 s. Retry-After is RFC 9110, 10.2.3.
// Where we differ: a request is not given up after three attempts. A job that read for hours should outlive a minute's outage, so the bucket (35
// transient retries in a row) and the deadline are the bound.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "io/http_head.hpp"

namespace weir {

/// What a failed request calls for.
enum class FailureClass : uint8_t {
  kNone,  ///< it did not fail
  kTransient,  ///< send it again: a lost connection, a time-out, 500, 502, 503, 504
  kThrottling,  ///< send it again, but slower
  kSkew,  ///< sign it with the server's time, once
  kExpired,  ///< renew the credentials, once
  kRedirect,  ///< send it to another region or host, redirects_max times at most
  kFatal,  ///< the same request will fail again
};

/// The tokens of all requests of a process.
class RetryBudget {
 public:
  static constexpr uint32_t kTokensMax = 500;
  static constexpr uint32_t kTransientCost = 14;
  static constexpr uint32_t kThrottlingCost = 5;

  [[nodiscard]] uint32_t tokens() const { return tokens_; }
  bool take(uint32_t cost) {
    if (tokens_ < cost) return false;
    tokens_ -= cost;
    return true;
  }
  void give_back(uint32_t tokens) { tokens_ = tokens_ + tokens < kTokensMax ? tokens_ + tokens : kTokensMax; }

 private:
  uint32_t tokens_ = kTokensMax;
};

/// What a response says about when to come back.
struct RetryHint {
  std::optional<uint64_t> after_ns;  ///< Retry-After, from now
  std::optional<uint64_t> amz_after_ns;  ///< x-amz-retry-after, from now
};

/// `wall_ns` is the time by our clock: Retry-After may be a date. What can't be read is as if it were not there.
RetryHint retry_hint(const HttpHead& head, uint64_t wall_ns);

/// Seconds or an HTTP date; a date that has passed is 0.
std::optional<uint64_t> parse_retry_after(std::string_view value, uint64_t wall_ns);

enum class RetryAnswer : uint8_t {
  kRetry,  ///< after `delay_ns`
  kFatal,  ///< of a class that is not sent again, or not another time
  kNoTokens,  ///< too many failures, W4028
  kTooMany,  ///< attempts_max
  kTooLong,  ///< the server wants a wait of more than kRetryAfterMaxNs
  kPastDeadline,  ///< the wait would end at the deadline or behind it: stop in order instead
};

struct RetryDecision {
  RetryAnswer answer = RetryAnswer::kFatal;
  uint64_t delay_ns = 0;
};

struct RetryLimits {
  uint32_t attempts_max = 100;  ///< of one request, the first included, redirects not
  uint32_t redirects_max = 2;
};

/// The attempts of one request.
class Retry {
 public:
  static constexpr uint64_t kTransientBaseNs = 50'000'000;
  static constexpr uint64_t kThrottlingBaseNs = 1'000'000'000;
  static constexpr uint64_t kDelayMaxNs = 20'000'000'000;
  static constexpr uint64_t kAmzRaiseMaxNs = 5'000'000'000;
  static constexpr uint64_t kRetryAfterMaxNs = 300'000'000'000;

  explicit Retry(RetryBudget& budget, RetryLimits limits = {}) : budget_(&budget), limits_(limits) {}

  /// An attempt failed. `random` is 64 bits that are spread evenly. Tokens are taken only where the answer is kRetry.
  RetryDecision failed(FailureClass failure, const RetryHint& hint, uint64_t now_ns, Deadline deadline,
                       uint64_t random);

  /// The request succeeded: what the last retry took comes back. Call it once.
  void succeeded();

  /// Attempts that were begun: 1 before the first failure.
  [[nodiscard]] uint32_t attempts() const { return attempts_; }

 private:
  RetryBudget* budget_;
  RetryLimits limits_;
  uint32_t attempts_ = 1;
  uint32_t waits_ = 0;  ///< failures that were waited for: they double the delay
  uint32_t last_cost_ = 0;  ///< of the last retry
  uint32_t redirects_ = 0;
  bool resigned_ = false;
  bool renewed_ = false;
};

}  // namespace weir

#include "io/retry_policy.hpp"

#include <algorithm>

#include "base/utc_time.hpp"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMillisecondNs = 1'000'000;

/// A number of up to nine digits; longer ones are as good as for ever.
std::optional<uint64_t> bounded_number(std::string_view text) {
  constexpr uint64_t kLong = 999'999'999;
  if (text.empty()) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = std::min(number * 10 + static_cast<uint64_t>(c - '0'), kLong);
  }
  return number;
}

/// `max` times a number in [0, 1).
uint64_t share_of(uint64_t max, uint64_t random) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(max) * random) >> 64);
}

}  // namespace

std::optional<uint64_t> parse_retry_after(std::string_view value, uint64_t wall_ns) {
  if (const auto seconds = bounded_number(value)) return *seconds * kSecondNs;
  const auto date_ns = parse_http_date(value);
  if (!date_ns) return std::nullopt;
  return *date_ns > wall_ns ? *date_ns - wall_ns : 0;
}

RetryHint retry_hint(const HttpHead& head, uint64_t wall_ns) {
  RetryHint hint;
  hint.after_ns = parse_retry_after(head.value("retry-after"), wall_ns);
  if (const auto milliseconds = bounded_number(head.value("x-amz-retry-after"))) {
    hint.amz_after_ns = *milliseconds * kMillisecondNs;
  }
  return hint;
}

RetryDecision Retry::failed(FailureClass failure, const RetryHint& hint, uint64_t now_ns, Deadline deadline,
                            uint64_t random) {
  const auto no = [](RetryAnswer answer) { return RetryDecision{answer, 0}; };
  const bool throttled = failure == FailureClass::kThrottling;
  const bool waits = throttled || failure == FailureClass::kTransient;
  if (!waits) {
    const bool again = (failure == FailureClass::kSkew && !resigned_) ||
                       (failure == FailureClass::kExpired && !renewed_) ||
                       (failure == FailureClass::kRedirect && redirects_ < limits_.redirects_max);
    if (!again) return no(RetryAnswer::kFatal);
  }
  if (attempts_ - redirects_ >= limits_.attempts_max) return no(RetryAnswer::kTooMany);

  uint64_t delay_ns = 0;
  if (waits) {
    const uint64_t base_ns = throttled ? kThrottlingBaseNs : kTransientBaseNs;
    const uint32_t doublings = std::min(waits_, 20U);  // 50 ms doubled ten times is behind the cap already
    delay_ns = share_of(std::min(base_ns << doublings, kDelayMaxNs), random);
    if (hint.amz_after_ns) delay_ns = std::clamp(*hint.amz_after_ns, delay_ns, delay_ns + kAmzRaiseMaxNs);
    if (hint.after_ns) delay_ns = std::max(delay_ns, *hint.after_ns);
  }
  if (delay_ns > kRetryAfterMaxNs) return no(RetryAnswer::kTooLong);
  if (deadline.left_ns(now_ns) <= delay_ns) return no(RetryAnswer::kPastDeadline);
  if (waits) {
    const uint32_t cost = throttled ? RetryBudget::kThrottlingCost : RetryBudget::kTransientCost;
    if (!budget_->take(cost)) return no(RetryAnswer::kNoTokens);
    last_cost_ = cost;
    ++waits_;
  }
  ++attempts_;
  resigned_ = resigned_ || failure == FailureClass::kSkew;
  renewed_ = renewed_ || failure == FailureClass::kExpired;
  if (failure == FailureClass::kRedirect) ++redirects_;
  return {RetryAnswer::kRetry, delay_ns};
}

void Retry::succeeded() {
  budget_->give_back(last_cost_ != 0 ? last_cost_ : 1);
  last_cost_ = 0;
}

}  // namespace weir

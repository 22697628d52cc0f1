#include "io/retry_policy.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;
constexpr uint64_t kAll = ~uint64_t{0};  ///< random bits that give the longest delay
constexpr Deadline kNone{};

/// The delay just below `max`.
void expect_almost(uint64_t delay_ns, uint64_t max_ns) {
  EXPECT_LT(delay_ns, max_ns);
  EXPECT_GE(delay_ns, max_ns - 1);
}

TEST(Retry, delays_double_up_to_twenty_seconds) {
  RetryBudget budget;
  Retry retry(budget);
  for (const uint64_t ms : {50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000, 20000}) {
    const RetryDecision decision = retry.failed(FailureClass::kTransient, {}, 0, kNone, kAll);
    ASSERT_EQ(decision.answer, RetryAnswer::kRetry);
    expect_almost(decision.delay_ns, ms * kMs);
  }
  Retry throttled(budget);
  for (const uint64_t s : {1, 2, 4, 8, 16, 20, 20}) {
    expect_almost(throttled.failed(FailureClass::kThrottling, {}, 0, kNone, kAll).delay_ns, s * kSecond);
  }
}

TEST(Retry, the_jitter_is_full) {
  for (const auto& [random, expected_ms] : {std::pair<uint64_t, uint64_t>{0, 0},
                                            {uint64_t{1} << 63, 500},
                                            {uint64_t{1} << 62, 250},
                                            {uint64_t{3} << 62, 750}}) {
    RetryBudget budget;
    Retry retry(budget);
    EXPECT_EQ(retry.failed(FailureClass::kThrottling, {}, 0, kNone, random).delay_ns, expected_ms * kMs);
  }
}

TEST(Retry, a_total_outage_takes_35_retries_of_all_requests_together) {
  RetryBudget budget;
  int retries = 0;
  for (int request = 0; request < 50; ++request) {
    Retry retry(budget);
    for (int i = 0; i < 3; ++i) {
      const RetryDecision decision = retry.failed(FailureClass::kTransient, {}, 0, kNone, 0);
      if (decision.answer != RetryAnswer::kRetry) {
        EXPECT_EQ(decision.answer, RetryAnswer::kNoTokens);
        break;
      }
      ++retries;
    }
  }
  EXPECT_EQ(retries, 35);
  EXPECT_EQ(budget.tokens(), 500u - 35 * 14);
  // Throttling is cheaper: what is left is enough for two.
  Retry retry(budget);
  EXPECT_EQ(retry.failed(FailureClass::kThrottling, {}, 0, kNone, 0).answer, RetryAnswer::kRetry);
  EXPECT_EQ(retry.failed(FailureClass::kThrottling, {}, 0, kNone, 0).answer, RetryAnswer::kRetry);
  EXPECT_EQ(retry.failed(FailureClass::kThrottling, {}, 0, kNone, 0).answer, RetryAnswer::kNoTokens);
}

TEST(Retry, a_success_gives_back_what_the_last_retry_took) {
  RetryBudget budget;
  Retry retry(budget);
  retry.failed(FailureClass::kTransient, {}, 0, kNone, 0);
  retry.failed(FailureClass::kThrottling, {}, 0, kNone, 0);
  EXPECT_EQ(budget.tokens(), 481u);
  EXPECT_EQ(retry.attempts(), 3u);
  retry.succeeded();
  EXPECT_EQ(budget.tokens(), 486u);
  Retry first(budget);
  first.succeeded();
  EXPECT_EQ(budget.tokens(), 487u);
  for (int i = 0; i < 100; ++i) Retry(budget).succeeded();
  EXPECT_EQ(budget.tokens(), 500u);
}

TEST(Retry, skew_and_expiry_are_mended_once_and_redirects_followed_twice) {
  RetryBudget budget;
  Retry retry(budget);
  for (const FailureClass failure :
       {FailureClass::kSkew, FailureClass::kExpired, FailureClass::kRedirect, FailureClass::kRedirect}) {
    const RetryDecision decision = retry.failed(failure, {}, 0, kNone, kAll);
    EXPECT_EQ(decision.answer, RetryAnswer::kRetry);
    EXPECT_EQ(decision.delay_ns, 0u);
  }
  for (const FailureClass failure : {FailureClass::kSkew, FailureClass::kExpired, FailureClass::kRedirect,
                                     FailureClass::kFatal, FailureClass::kNone}) {
    EXPECT_EQ(retry.failed(failure, {}, 0, kNone, kAll).answer, RetryAnswer::kFatal);
  }
  EXPECT_EQ(budget.tokens(), 500u);
  EXPECT_EQ(retry.attempts(), 5u);
  // They do not make the delay of a failure that follows longer.
  expect_almost(retry.failed(FailureClass::kTransient, {}, 0, kNone, kAll).delay_ns, 50 * kMs);
}

TEST(Retry, never_waits_past_the_deadline) {
  RetryBudget budget;
  Retry retry(budget);
  const Deadline deadline{10 * kSecond};
  const RetryHint three_seconds{3 * kSecond, std::nullopt};
  EXPECT_EQ(retry.failed(FailureClass::kThrottling, three_seconds, 7 * kSecond, deadline, 0).answer,
            RetryAnswer::kPastDeadline);
  EXPECT_EQ(retry.failed(FailureClass::kTransient, {}, 10 * kSecond, deadline, 0).answer, RetryAnswer::kPastDeadline);
  EXPECT_EQ(retry.failed(FailureClass::kSkew, {}, 11 * kSecond, deadline, 0).answer, RetryAnswer::kPastDeadline);
  EXPECT_EQ(budget.tokens(), 500u);
  EXPECT_EQ(retry.attempts(), 1u);
  const RetryDecision decision = retry.failed(FailureClass::kThrottling, three_seconds, 7 * kSecond - 1, deadline, 0);
  EXPECT_EQ(decision.answer, RetryAnswer::kRetry);
  EXPECT_EQ(decision.delay_ns, 3 * kSecond);
}

TEST(Retry, a_server_can_raise_the_delay_but_not_lower_it) {
  RetryBudget budget;
  const auto delay = [&](const RetryHint& hint, uint64_t random) {
    Retry retry(budget);
    return retry.failed(FailureClass::kThrottling, hint, 0, kNone, random).delay_ns;
  };
  const uint64_t half = uint64_t{1} << 63;  // half a second
  EXPECT_EQ(delay({2 * kSecond, std::nullopt}, half), 2 * kSecond);
  EXPECT_EQ(delay({100 * kMs, std::nullopt}, half), 500 * kMs);
  EXPECT_EQ(delay({std::nullopt, 700 * kMs}, half), 700 * kMs);
  EXPECT_EQ(delay({std::nullopt, 100 * kMs}, half), 500 * kMs);
  EXPECT_EQ(delay({std::nullopt, 60 * kSecond}, half), 5500 * kMs);
  EXPECT_EQ(delay({300 * kSecond, std::nullopt}, half), 300 * kSecond);
  Retry retry(budget);
  EXPECT_EQ(retry.failed(FailureClass::kThrottling, {301 * kSecond, std::nullopt}, 0, kNone, 0).answer,
            RetryAnswer::kTooLong);
}

TEST(Retry, holds_its_attempts) {
  RetryBudget budget;
  Retry retry(budget, {.attempts_max = 3});
  EXPECT_EQ(retry.failed(FailureClass::kTransient, {}, 0, kNone, 0).answer, RetryAnswer::kRetry);
  EXPECT_EQ(retry.failed(FailureClass::kTransient, {}, 0, kNone, 0).answer, RetryAnswer::kRetry);
  EXPECT_EQ(retry.failed(FailureClass::kTransient, {}, 0, kNone, 0).answer, RetryAnswer::kTooMany);
  EXPECT_EQ(budget.tokens(), 472u);
}

TEST(RetryHint, is_read_from_a_response) {
  const uint64_t wall_ns = 784'111'777 * kSecond;  // Sun, 06 Nov 1994 08:49:37 GMT
  const auto hint = [&](std::string_view fields) {
    const std::string text = "HTTP/1.1 503 Slow Down\r\n" + std::string(fields) + "\r\n";
    std::string room(1024, '\0');
    HttpHead head(room);
    Error error;
    EXPECT_EQ(head.parse(text, error).step, Step::kFinished);
    return retry_hint(head, wall_ns);
  };
  EXPECT_EQ(hint("").after_ns, std::nullopt);
  EXPECT_EQ(hint("").amz_after_ns, std::nullopt);
  EXPECT_EQ(hint("Retry-After: 120\r\n").after_ns, 120 * kSecond);
  EXPECT_EQ(hint("Retry-After: 0\r\n").after_ns, 0u);
  EXPECT_EQ(hint("Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n").after_ns, 23 * kSecond);
  EXPECT_EQ(hint("Retry-After: Sun, 06 Nov 1994 08:49:00 GMT\r\n").after_ns, 0u);
  EXPECT_EQ(hint("Retry-After: soon\r\n").after_ns, std::nullopt);
  EXPECT_EQ(hint("Retry-After: -1\r\n").after_ns, std::nullopt);
  EXPECT_EQ(hint("Retry-After: 99999999999999999999999999\r\n").after_ns, 999'999'999 * kSecond);
  EXPECT_EQ(hint("x-amz-retry-after: 1500\r\n").amz_after_ns, 1500 * kMs);
  EXPECT_EQ(hint("x-amz-retry-after: 1.5\r\n").amz_after_ns, std::nullopt);
}

}  // namespace
}  // namespace weir

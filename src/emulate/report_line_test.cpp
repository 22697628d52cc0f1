#include "emulate/report_line.hpp"

#include <gtest/gtest.h>

#include "emulate/json_text.hpp"

namespace weir::emulate {
namespace {

Outcome outcome_of(uint64_t billed_ms, uint32_t memory_mb = 128) {
  Outcome outcome;
  outcome.invocation.id = "id";
  outcome.duration_ns = 1'234'567;
  outcome.billed_ms = billed_ms;
  outcome.memory_mb = memory_mb;
  outcome.memory_used_mb = 9;
  outcome.result = "{\"a\":\n1}";
  return outcome;
}

TEST(ReportLine, is_as_lambda_writes_it) {
  Outcome outcome = outcome_of(2);
  EXPECT_EQ(
      report_line(outcome),
      "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB");
  outcome.init_ns = 80'000'000;
  outcome.ending = Ending::kError;
  outcome.error_type = "Runtime.ExitError";
  EXPECT_EQ(report_line(outcome),
            "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 9 "
            "MB\tInit Duration: 80.00 ms\t"
            "Status: error\tError Type: Runtime.ExitError");
  outcome.ending = Ending::kTimeout;
  EXPECT_TRUE(report_line(outcome).ends_with("\tStatus: timeout"));
}

TEST(ReportLine, a_quarter_of_an_hour_costs_what_the_price_list_says) {
  EXPECT_NEAR(duration_dollars(gb_seconds(900'000, 128), Arch::kX86), 0.00188, 0.000005);
  EXPECT_NEAR(duration_dollars(gb_seconds(900'000, 128), Arch::kArm), 0.00150, 0.000005);
  EXPECT_NEAR(duration_dollars(gb_seconds(900'000, 1769), Arch::kX86), 0.0259, 0.00005);
  EXPECT_NEAR(duration_dollars(gb_seconds(900'000, 10'240), Arch::kArm), 0.12, 0.0005);
}

TEST(ReportLine, json_is_one_line) {
  const std::string line = json_line(outcome_of(2), Arch::kArm);
  EXPECT_TRUE(is_json(line));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(json_member(line, "result"), "{\"a\":1}");
  Outcome text = outcome_of(2);
  text.result = "no json";
  EXPECT_EQ(json_member(json_line(text, Arch::kArm), "result"), "\"no json\"");
}

TEST(Sweep, the_cheapest_without_failures_is_marked) {
  std::vector<SweepRow> rows(3);
  Outcome failed = outcome_of(1);
  failed.ending = Ending::kTimeout;
  rows[0].add(failed, Arch::kX86);
  rows[1].add(outcome_of(100, 256), Arch::kX86);
  rows[2].add(outcome_of(90, 512), Arch::kX86);
  EXPECT_EQ(best_row(rows), 1u);
  rows[1].add(failed, Arch::kX86);
  EXPECT_EQ(best_row(rows), 2u);
  rows[2].add(failed, Arch::kX86);
  EXPECT_EQ(best_row(rows), 3u);
  EXPECT_NE(sweep_table(rows, Arch::kX86).find("none of the sizes"), std::string::npos);
}

}  // namespace
}  // namespace weir::emulate

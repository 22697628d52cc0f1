// What is said of an invocation: Lambda's REPORT line, its cost, one JSON line, and the table of a sweep.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "emulate/function.hpp"

namespace weir::emulate {

enum class Arch : uint8_t { kX86, kArm };

/// In US dollars, us-east-1, first tier, without the free tier: duration by the GB-second, and the request.
double duration_dollars(double gb_seconds, Arch arch);
inline constexpr double kRequestDollars = 0.20 / 1e6;
double gb_seconds(uint64_t billed_ms, uint32_t memory_mb);

/// Tab separated, as in CloudWatch: REPORT RequestId: ... Duration: 1.23 ms ... Status: timeout
std::string report_line(const Outcome& outcome);
std::string cost_line(const Outcome& outcome, Arch arch);
/// {"requestId":...,"status":"success","result":...}; a result that is no JSON stands there as a string.
std::string json_line(const Outcome& outcome, Arch arch);

/// All invocations of one memory size.
struct SweepRow {
  uint32_t memory_mb = 0;
  uint64_t invocations = 0;
  uint64_t failures = 0;
  uint64_t duration_ns = 0;
  uint64_t billed_ms = 0;
  uint32_t memory_used_mb = 0;  ///< peak
  double dollars = 0;

  void add(const Outcome& outcome, Arch arch);
};
/// The cheapest row without failures is marked; of two that cost the same, the faster.
std::string sweep_table(const std::vector<SweepRow>& rows, Arch arch);
std::string sweep_json(const SweepRow& row, bool best);
/// Index of the marked row; rows.size() when every one has failures.
size_t best_row(const std::vector<SweepRow>& rows);

}  // namespace weir::emulate

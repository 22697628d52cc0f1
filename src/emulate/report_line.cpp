#include "emulate/report_line.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "emulate/json_text.hpp"

namespace weir::emulate {
namespace {

std::string __attribute__((format(printf, 1, 2))) printed(const char* format, ...) {
  char text[512];
  va_list values;
  va_start(values, format);
  const int size = std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return std::string(text, std::min(static_cast<size_t>(std::max(size, 0)), sizeof text - 1));
}

double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

const char* status_name(Ending ending) {
  return ending == Ending::kSuccess ? "success" : ending == Ending::kTimeout ? "timeout" : "error";
}

const char* arch_name(Arch arch) { return arch == Arch::kArm ? "arm64" : "x86_64"; }

double dollars_of(const Outcome& outcome, Arch arch) {
  return duration_dollars(gb_seconds(outcome.billed_ms, outcome.memory_mb), arch) + kRequestDollars;
}

}  // namespace

double gb_seconds(uint64_t billed_ms, uint32_t memory_mb) {
  return static_cast<double>(billed_ms) / 1000 * memory_mb / 1024;
}

double duration_dollars(double gb_seconds, Arch arch) {
  return gb_seconds * (arch == Arch::kArm ? 0.0000133334 : 0.0000166667);
}

std::string report_line(const Outcome& outcome) {
  std::string line = "REPORT RequestId: " + outcome.invocation.id;
  line += printed("\tDuration: %.2f ms\tBilled Duration: %llu ms\tMemory Size: %u MB\tMax Memory Used: %u MB",
                  ms(outcome.duration_ns), static_cast<unsigned long long>(outcome.billed_ms), outcome.memory_mb,
                  outcome.memory_used_mb);
  if (outcome.init_ns) line += printed("\tInit Duration: %.2f ms", ms(*outcome.init_ns));
  if (outcome.ending == Ending::kTimeout) line += "\tStatus: timeout";
  if (outcome.ending == Ending::kError) line += "\tStatus: error\tError Type: " + outcome.error_type;
  return line;
}

std::string cost_line(const Outcome& outcome, Arch arch) {
  return "COST RequestId: " + outcome.invocation.id +
         printed("\tGB-seconds: %.6f\tCost: $%.10f\tArchitecture: %s", gb_seconds(outcome.billed_ms, outcome.memory_mb),
                 dollars_of(outcome, arch), arch_name(arch));
}

std::string json_line(const Outcome& outcome, Arch arch) {
  std::string line = "{\"requestId\":" + json_string(outcome.invocation.id);
  line += printed(",\"attempt\":%u,\"status\":\"%s\"", outcome.invocation.attempt, status_name(outcome.ending));
  if (!outcome.error_type.empty()) line += ",\"errorType\":" + json_string(outcome.error_type);
  line += printed(",\"durationMs\":%.3f,\"billedDurationMs\":%llu,\"memorySizeMB\":%u,\"maxMemoryUsedMB\":%u",
                  ms(outcome.duration_ns), static_cast<unsigned long long>(outcome.billed_ms), outcome.memory_mb,
                  outcome.memory_used_mb);
  if (outcome.init_ns) line += printed(",\"initDurationMs\":%.3f", ms(*outcome.init_ns));
  line += printed(",\"gbSeconds\":%.6f,\"dollars\":%.12f", gb_seconds(outcome.billed_ms, outcome.memory_mb),
                  dollars_of(outcome, arch));
  // On one line, as JSON allows line ends between its values alone.
  std::string result = is_json(outcome.result) ? outcome.result : json_string(outcome.result);
  std::erase_if(result, [](char c) { return c == '\n' || c == '\r'; });
  return line + ",\"result\":" + result + "}";
}

void SweepRow::add(const Outcome& outcome, Arch arch) {
  ++invocations;
  failures += outcome.ending == Ending::kSuccess ? 0 : 1;
  duration_ns += outcome.duration_ns + outcome.init_ns.value_or(0);
  billed_ms += outcome.billed_ms;
  memory_used_mb = std::max(memory_used_mb, outcome.memory_used_mb);
  dollars += dollars_of(outcome, arch);
}

size_t best_row(const std::vector<SweepRow>& rows) {
  size_t best = rows.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].failures != 0 || rows[i].invocations == 0) continue;
    if (best == rows.size() || rows[i].dollars < rows[best].dollars ||
        (rows[i].dollars == rows[best].dollars && rows[i].duration_ns < rows[best].duration_ns))
      best = i;
  }
  return best;
}

std::string sweep_table(const std::vector<SweepRow>& rows, Arch arch) {
  std::string table = printed("  %9s  %11s  %6s  %13s  %13s  %9s  %15s\n", "memory", "invocations", "failed", "time",
                              "billed", "peak", "cost");
  const size_t best = best_row(rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    const SweepRow& row = rows[i];
    table += printed("%s %6u MB  %11llu  %6llu  %10.2f ms  %10llu ms  %6u MB  $%.12f\n", i == best ? "*" : " ",
                     row.memory_mb, static_cast<unsigned long long>(row.invocations),
                     static_cast<unsigned long long>(row.failures), ms(row.duration_ns),
                     static_cast<unsigned long long>(row.billed_ms), row.memory_used_mb, row.dollars);
  }
  table += best == rows.size()
               ? "none of the sizes does it without failures\n"
               : printed("* the cheapest that does it in time (%s, us-east-1, with the requests)\n", arch_name(arch));
  return table;
}

std::string sweep_json(const SweepRow& row, bool best) {
  return printed(
      "{\"memorySizeMB\":%u,\"invocations\":%llu,\"failures\":%llu,\"durationMs\":%.3f,\"billedDurationMs\":%llu,"
      "\"maxMemoryUsedMB\":%u,"
      "\"dollars\":%.12f,\"cheapest\":%s}",
      row.memory_mb, static_cast<unsigned long long>(row.invocations), static_cast<unsigned long long>(row.failures),
      ms(row.duration_ns), static_cast<unsigned long long>(row.billed_ms), row.memory_used_mb, row.dollars,
      best ? "true" : "false");
}

}  // namespace weir::emulate

#include "report/plan_table.hpp"

#include <algorithm>

#include "plan/units.hpp"
#include "report/printer.hpp"

namespace weir {
namespace {

const char* output_format_name(OutputFormat format) {
  switch (format) {
    case OutputFormat::kAuto:
      return "auto";
    case OutputFormat::kCsv:
      return "csv";
    case OutputFormat::kTsv:
      return "tsv";
    case OutputFormat::kNdjson:
      return "ndjson";
    case OutputFormat::kJson:
      return "json";
    case OutputFormat::kLines:
      return "lines";
    case OutputFormat::kRaw:
      return "raw";
  }
  return "";
}

/// How batches to a service are cut: the tighter of what it takes and what the pipeline says, and which of them that is.
struct BatchPolicy {
  enum class By : uint8_t { kService, kGiven, kDefault };
  uint64_t messages = 0;
  By messages_by = By::kService;
  uint64_t bytes = 0;
  By bytes_by = By::kService;
  uint64_t record_bytes_max = 0;
  By record_by = By::kService;

  explicit BatchPolicy(const Job& job) {
    const DestinationLimits limits = job.destination()->limits();
    const OutboxShape shape = job.outbox_shape();
    const BatchConfig& batch = job.config().batch;
    messages = shape.messages;
    messages_by = batch.records != 0 && batch.records <= limits.messages_max ? By::kGiven
                  : shape.messages < limits.messages_max                     ? By::kDefault
                                                                             : By::kService;
    // A message is never smaller as it is encoded than as the service counts it: of two that are equal batch.bytes is the tighter.
    const bool cut = batch.bytes_given && shape.batch_bytes < batch.bytes;  // by what the service takes of a body
    bytes = std::min(shape.batch_bytes, limits.request_bytes_max);
    bytes_by = bytes < shape.batch_bytes || cut ? By::kService : batch.bytes_given ? By::kGiven : By::kDefault;
    record_bytes_max = std::min(bytes, limits.message_bytes_max);
    record_by = record_bytes_max < bytes ? By::kService : bytes_by;
  }
};

void print_by(Printer& out, const Job& job, BatchPolicy::By by, const char* knob, uint64_t given, bool is_size) {
  if (by != BatchPolicy::By::kService) {
    out.format(" (%s%s)", knob, by == BatchPolicy::By::kDefault ? " by default" : "");
    return;
  }
  out.text(" (").text(job.destination()->name());
  if (given != 0) out.format("; %s is ", knob);
  if (given != 0 && is_size) out.bytes(given);
  if (given != 0 && !is_size) out.count(given);
  out.text(")");
}

void print_batch_policy(Printer& out, const Job& job) {
  const BatchPolicy policy(job);
  const OutboxShape shape = job.outbox_shape();
  const Config& config = job.config();
  const uint64_t bytes_given = config.batch.bytes_given ? config.batch.bytes : 0;
  out.text("\nbatches  ").count(policy.messages).text(policy.messages == 1 ? " message" : " messages");
  print_by(out, job, policy.messages_by, "batch.records", config.batch.records, false);
  out.text(", ").bytes(policy.bytes);
  print_by(out, job, policy.bytes_by, "batch.bytes", bytes_given, true);
  if (policy.record_bytes_max < policy.bytes) {
    out.text(", a record of at most ").bytes(policy.record_bytes_max);
    print_by(out, job, policy.record_by, "batch.bytes", 0, true);
  }
  if (config.batch.age_ns != 0)
    out.format(", or what there is after %.9g s (batch.age)", static_cast<double>(config.batch.age_ns) / 1e9);
  out.text("\nsends    ").count(shape.in_flight);
  if (job.destination()->key_rule() == KeyRule::kInOrder)
    out.text(" batch on its way: order is kept by key");
  else
    out.text(shape.in_flight == 1 ? " batch on its way" : " batches on their way").text(" (output.in_flight)");
  if (config.output.rate != 0) out.text(", ").count(config.output.rate).text(" messages a second (output.rate)");
  out.text(", ").count(config.output.tries).text(config.output.tries == 1 ? " try" : " tries");
  out.text(" of what is refused (output.tries)");
}

void print_batch_policy_json(Printer& out, const Job& job) {
  const BatchPolicy policy(job);
  const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  const auto by = [](BatchPolicy::By who, const char* knob) {
    return who == BatchPolicy::By::kService ? "service" : who == BatchPolicy::By::kGiven ? knob : "default";
  };
  out.text(",\"batches\":{\"service\":\"").json(job.destination()->name());
  out.format("\",\"messages\":%llu,\"messages_by\":\"%s\",\"bytes\":%llu,\"bytes_by\":\"%s\",\"record_bytes_max\":%llu",
             number(policy.messages), by(policy.messages_by, "batch.records"), number(policy.bytes),
             by(policy.bytes_by, "batch.bytes"), number(policy.record_bytes_max));
  out.format(",\"in_flight\":%llu,\"in_order\":%s,\"rate\":%llu,\"tries\":%llu}", number(job.outbox_shape().in_flight),
             job.destination()->key_rule() == KeyRule::kInOrder ? "true" : "false", number(job.config().output.rate),
             number(job.config().output.tries));
}

}  // namespace

Status print_plan(int file, const Job& job, bool explain) {
  Printer out(file);
  const Detected& detected = job.detected();
  out.text("input    ");
  if (job.inputs().empty())
    out.text("none");
  else
    out.plain(job.inputs()[0], 200);
  if (job.inputs().size() > 1) out.text(" and ").count(job.inputs().size() - 1).text(" more");
  out.format(": %s %s", format_name(detected.format), detected.format_why.c_str());
  if (detected.needs_gzip || detected.needs_zstd) {
    out.format(", %s%s%s %s", detected.needs_gzip ? "gzip" : "",
               detected.needs_gzip && detected.needs_zstd ? " and " : "", detected.needs_zstd ? "zstd" : "",
               detected.codec_why.c_str());
  } else {
    out.text(", not compressed");
  }
  out.text("\noutput   ")
      .plain(job.output_name(), 200)
      .format(": %s %s", output_format_name(job.output_format()), std::string(job.output_why()).c_str());
  if (job.output_codec() != Codec::kNone) out.format(", %s", codec_name(job.output_codec()));
  out.text("\ncolumns  ");
  bool first = true;
  for (const OutputColumn& column : job.program().output()) {
    if (!first) out.text(", ");
    first = false;
    if (column.star)
      out.text("*");
    else
      out.plain(column.name, 100);
  }
  if (job.destination() != nullptr) print_batch_policy(out, job);
  out.text("\n\nmemory plan\n");
  for (const BudgetLine& line : job.budget().lines()) {
    out.format("  %-20s %10s", line.name, std::string(format_bytes(line.bytes).view()).c_str());
    if (line.kind == LineKind::kSpare) out.text("  (spare)");
    out.text("\n");
    if (explain) {
      out.format("%-6s", "").text(line.why).text("\n");
      if (!line.formula.empty()) out.format("%-6s= ", "").text(line.formula.view()).text("\n");
      if (*line.knob != 0) out.format("%-6schanged by ", "").text(line.knob).text("\n");
    }
  }
  out.format("  %-20s %10s", "needed", std::string(format_bytes(job.budget().needed()).view()).c_str());
  out.text(" of the budget of ").bytes(job.config().memory);
  out.text(job.fits() ? "\n" : "  DOES NOT FIT\n");
  if (!job.fits()) {
    // The largest lines that a setting changes.
    out.text("\nto make it fit: --memory ")
        .text(format_size_exactly((job.budget().needed() + 0xfffff) / 0x100000 * 0x100000).view());
    for (const BudgetLine& line : job.budget().lines()) {
      if (*line.knob != 0 && line.bytes >= job.budget().needed() / 10)
        out.text("; or change ").text(line.knob).format(" (%s)", line.name);
    }
    out.text("\n");
  }
  if (job.s3_requests() != nullptr) {
    const Job::S3Expectation expected = job.s3_expectation();
    out.text("\nrequests to S3\n  about ")
        .count(expected.gets)
        .text(" GET and ")
        .count(expected.puts)
        .text(" PUT a run");
    if (expected.each_object) out.text(", 1 GET and 1 PUT for each object");
    if (expected.puts_per_gib != 0) out.text(", ").count(expected.puts_per_gib).text(" PUT for each GiB written");
    if (expected.puts_per_checkpoint != 0)
      out.text(", ")
          .count(expected.puts_per_checkpoint)
          .format(" PUT for each checkpoint (every %.0f s)",
                  static_cast<double>(job.config().checkpoint.every_ns) / 1e9);
    out.format("\n  $%.2f a million GET, $%.2f a million PUT at us-east-1's prices\n", S3Requests::kDollarsPerGet * 1e6,
               S3Requests::kDollarsPerPut * 1e6);
  }
  return out.finish();
}

Status print_plan_json(int file, const Job& job) {
  Printer out(file);
  const Detected& detected = job.detected();
  out.text("{\"fits\":").text(job.fits() ? "true" : "false");
  out.format(",\"budget_bytes\":%llu,\"needed_bytes\":%llu", static_cast<unsigned long long>(job.config().memory),
             static_cast<unsigned long long>(job.budget().needed()));
  out.format(",\"input\":{\"count\":%zu,\"format\":\"%s\",\"format_why\":\"%s\",\"gzip\":%s,\"zstd\":%s}",
             job.inputs().size(), format_name(detected.format), detected.format_why.c_str(),
             detected.needs_gzip ? "true" : "false", detected.needs_zstd ? "true" : "false");
  out.text(",\"output\":{\"to\":\"").json(job.output_name());
  out.format("\",\"format\":\"%s\",\"codec\":\"%s\",\"columns\":[", output_format_name(job.output_format()),
             codec_name(job.output_codec()));
  bool first = true;
  for (const OutputColumn& column : job.program().output()) {
    out.text(first ? "\"" : ",\"").json(column.star ? "*" : column.name).text("\"");
    first = false;
  }
  out.text("]}");
  if (job.destination() != nullptr) print_batch_policy_json(out, job);
  out.text(",\"lines\":[");
  first = true;
  for (const BudgetLine& line : job.budget().lines()) {
    out.format("%s{\"name\":\"%s\",\"bytes\":%llu,\"kind\":\"%s\",\"knob\":\"%s\",\"why\":\"%s\"", first ? "" : ",",
               line.name, static_cast<unsigned long long>(line.bytes),
               line.kind == LineKind::kProcess ? "process"
               : line.kind == LineKind::kSpare ? "spare"
                                               : "work",
               line.knob, line.why);
    if (!line.formula.empty()) out.text(",\"formula\":\"").json(line.formula.view()).text("\"");
    out.text("}");
    first = false;
  }
  out.text("]");
  if (job.s3_requests() != nullptr) {
    const Job::S3Expectation expected = job.s3_expectation();
    const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
    out.format(
        ",\"s3\":{\"get\":%llu,\"put\":%llu,\"put_per_gib\":%llu,\"put_per_checkpoint\":%llu,\"put_per_object\":%d}",
        number(expected.gets), number(expected.puts), number(expected.puts_per_gib),
        number(expected.puts_per_checkpoint), expected.each_object ? 1 : 0);
  }
  out.text("}\n");
  return out.finish();
}

}  // namespace weir

#include "report/plan_table.hpp"

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
  out.text("]},\"lines\":[");
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

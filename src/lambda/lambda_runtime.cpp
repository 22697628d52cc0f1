#include "lambda/lambda_runtime.hpp"

#include <cstdio>

#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "lambda/invocation_handler.hpp"
#include "memory/process_memory.hpp"
#include "plan/units.hpp"

namespace weir {
namespace {

std::string error_json(int exit, const Error& error) {
  std::string json = "{\"errorType\":\"Weir." + error_type_of(exit) + "\",\"errorMessage\":\"";
  append_json(json, code_info(error.code).message);
  if (!error.detail.empty()) {
    json.append(": ");
    append_json(json, error.detail.view());
  }
  return json.append("\"}");
}

/// An input with one record, to plan a job of records with before there is an event.
class SampleSource final : public ByteSource {
 public:
  size_t count() const override { return 1; }
  std::string_view name(size_t) const override { return "event/sample"; }
  uint64_t size(size_t) const override { return kNoOffset; }
  Status open(size_t) override { return {}; }
  Result<bool> resumable(size_t) override { return false; }
  Result<SourceIdentity> identity(size_t) override { return SourceIdentity("sample"); }
  bool same(std::string_view, std::string_view) const override { return true; }
  Status seek(uint64_t) override { return {}; }
  Result<std::string_view> peek(size_t, Deadline) override { return std::string_view("{}\n"); }
  ReadResult read(std::span<char>, Error&) override { return {Step::kFinished, 0}; }
  void close() noexcept override {}
};

}  // namespace

Status check_pipeline(const Config& config, Clock& clock) {
  WEIR_TRY(check_for_lambda(config));
  const bool event = config.input.from.size() == 1 && config.input.from[0] == "event";
  const FormatChoice format = config.input.format;
  if (!event || (format != FormatChoice::kAuto && format != FormatChoice::kNdjson)) return {};
  Config sample = config;
  set_for_records(sample, "event/sample");
  SampleSource source;
  JobRequest request;
  request.config = &sample;
  request.source = &source;
  request.only_check = true;
  request.kill_at_ns = clock.monotonic_ns() + 9'000'000'000;  // Lambda gives the start ten seconds
  const JobReport report = run_job_in_child(request, clock);
  if (report.exit != 0) return fail(report.error);
  return {};
}

namespace {

/// A pipeline file in S3, read by a child so that nothing stays of the network's memory.
Status fetch_pipeline(PipelineText& pipeline, Clock& clock, const AwsConfig& aws) {
  constexpr size_t kBytesMax = (256u << 10) + 1;
  auto room = map_shared_memory(kBytesMax);
  if (!room) return fail(room.error());
  const uint64_t until = clock.monotonic_ns() + 8'000'000'000;
  const JobReport report = in_child(clock, until, [&](JobReport& out) {
    SystemDisk disk;
    SystemNet net(clock);
    SystemWakeup wakeup(clock);
    Network network(net, clock, wakeup, disk, environ);
    Network::Needs needs;
    needs.objects = true;
    network.limit().until_ns = until;
    Status status = network.start(aws, needs);
    auto name = s3_name(pipeline.from);
    if (status && !name) status = fail(name.error());
    if (status) {
      const auto size = network.reader().get_small(*name, *room);
      if (!size) status = fail(size.error());
      if (size && *size == 0) status = fail(Code::kNoInput, pipeline.from);
      if (size) out.counters.stored_bytes = std::min<uint64_t>(*size, room->size());
    }
    if (!status) out.error = status.error();
    out.exit = status ? 0 : static_cast<int>(status.error().exit());
    out.reported = true;
  });
  if (report.exit == 0) pipeline.text.assign(room->data(), report.counters.stored_bytes);
  unmap_working_memory(*room);
  return report.exit == 0 ? Status{} : fail(report.error);
}

void print_metrics(const InvocationFigures& figures, const Answer& answer, const Config& config,
                   const LambdaSettings& settings, uint64_t wall_ns, uint64_t at_wall_ns) {
  // CloudWatch Embedded Metric Format: one document an invocation, one dimension.
  std::string json = "{\"_aws\":{\"Timestamp\":" + std::to_string(at_wall_ns / 1'000'000);
  json.append(",\"CloudWatchMetrics\":[{\"Namespace\":\"Weir\",\"Dimensions\":[[\"Pipeline\"]],\"Metrics\":[");
  struct Metric {
    const char* name;
    const char* unit;
    uint64_t value;
  };
  const Metric metrics[] = {{"RecordsRead", "Count", figures.read},
                            {"RecordsWritten", "Count", figures.written},
                            {"RecordsFiltered", "Count", figures.filtered},
                            {"RecordsRejected", "Count", figures.rejected},
                            {"BytesRead", "Bytes", figures.stored_bytes},
                            {"BytesWritten", "Bytes", figures.sent_bytes},
                            {"Jobs", "Count", figures.jobs},
                            {"JobsFailed", "Count", figures.failed},
                            {"JobsContinued", "Count", figures.continued},
                            {"Errors", "Count", answer.is_error ? 1u : 0u},
                            {"Duration", "Milliseconds", wall_ns / 1'000'000},
                            {"CpuTime", "Milliseconds", figures.cpu_ns / 1'000'000},
                            {"PeakMemory", "Bytes", figures.peak_bytes}};
  std::string values;
  for (const Metric& metric : metrics) {
    json.append(&metric == metrics ? "{\"Name\":\"" : ",{\"Name\":\"").append(metric.name);
    json.append("\",\"Unit\":\"").append(metric.unit).append("\"}");
    values.append(",\"").append(metric.name).append("\":").append(std::to_string(metric.value));
  }
  json.append("]}]},\"Pipeline\":\"");
  append_json(json, config.name.empty() ? settings.function_name : config.name);
  LambdaLog::raw(json.append("\"").append(values).append("}"));
}

class Runtime {
 public:
  explicit Runtime(char** environment)
      : environment_(Environment::of_process(environment)),
        settings_(LambdaSettings::of(environment_)),
        wakeup_(clock_),
        net_(clock_),
        log_(clock_) {
    log_.set_level(settings_.log_level);
  }

  int run() {
    auto client = RuntimeClient::make(settings_.api, net_, clock_, wakeup_);
    if (!client) {
      log_.error(LogLevel::kFatal, client.error());
      return 1;
    }
    Config config;
    std::string from;
    Status ready = load(config, from);
    if (ready) ready = check_pipeline(config, clock_);
    auto handler = ready ? InvocationHandler::make(settings_, config, clock_, log_)
                         : Result<std::unique_ptr<InvocationHandler>>(fail(ready.error()));
    if (!handler) {
      const Error& error = handler.error();
      const int exit = static_cast<int>(error.exit());
      log_.error(LogLevel::kFatal, error, from);
      (void)(*client)->report_init_error("Runtime." + error_type_of(exit), error_json(exit, error));
      return 1;
    }
    std::string more = ",\"pipeline\":\"";
    append_json(more, config.name.empty() ? from : config.name);
    more.append("\",\"budget_bytes\":").append(std::to_string(config.memory));
    more.append(",\"memory_bytes\":").append(std::to_string(settings_.memory_bytes));
    log_.line(LogLevel::kInfo, "weir " WEIR_VERSION " is ready", more);
    return serve(**client, **handler, config);
  }

 private:
  Status load(Config& config, std::string& from) {
    auto found = find_pipeline(environment_, disk_);
    if (!found) return fail(found.error());
    from = found->from;
    if (found->text.empty() && from.starts_with("s3://")) WEIR_TRY(fetch_pipeline(*found, clock_, {}));
    PipelineSource source;
    source.text = found->text;
    source.environment = environment_;
    Pipeline pipeline = parse_pipeline(source);
    Status status;
    for (const Diagnostic& diagnostic : pipeline.diagnostics) {
      const bool is_error = diagnostic.severity == Severity::kError;
      log_.error(is_error ? LogLevel::kError : LogLevel::kWarn, diagnostic.error, from);
      if (is_error && status) {
        Error error = diagnostic.error;
        // The place as text, since the answer has no more.
        error.detail = Detail(format_diagnostic(from, diagnostic));
        status = fail(error);
      }
    }
    if (!status) return status;
    config = std::move(pipeline.config);
    return set_memory(config, settings_.memory_bytes);
  }

  int serve(RuntimeClient& client, InvocationHandler& handler, const Config& config) {
    Invocation invocation;
    for (;;) {
      log_.set_request({});
      if (const Status next = client.next(invocation); !next) {
        if (next.error().exit() == Exit::kInterrupted || wakeup_.stop_requested()) return 0;
        log_.error(LogLevel::kFatal, next.error());
        return 1;
      }
      log_.set_request(invocation.id.view());
      const uint64_t begin = clock_.monotonic_ns();
      const Answer answer = handler.handle(invocation);
      const Status posted = answer.is_error ? client.report_error(invocation.id.view(), answer.error_type, answer.json)
                                            : client.respond(invocation.id.view(), answer.json);
      if (settings_.metrics)
        print_metrics(handler.figures(), answer, config, settings_, clock_.monotonic_ns() - begin, clock_.wall_ns());
      client.trim();
      if (!posted) {
        log_.error(LogLevel::kError, posted.error());
        // 4xx: this answer was not taken, the next event may be asked for; else the service is out of order.
        if (client.status() == 0 || client.status() >= 500) return 1;
      }
      if (wakeup_.stop_requested()) return 0;
    }
  }

  Environment environment_;
  LambdaSettings settings_;
  SystemClock clock_;
  SystemWakeup wakeup_;
  SystemDisk disk_;
  SystemNet net_;
  LambdaLog log_;
};

}  // namespace

bool is_lambda(char** environment) {
  return Environment::of_process(environment).find("AWS_LAMBDA_RUNTIME_API").has_value();
}

int run_lambda(char** environment) { return Runtime(environment).run(); }

}  // namespace weir

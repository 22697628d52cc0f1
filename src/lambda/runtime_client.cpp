#include "lambda/runtime_client.hpp"

#include <sys/mman.h>

#include "memory/process_memory.hpp"

namespace weir {
namespace {

constexpr uint64_t kYearNs = 365ull * 24 * 3600 * 1'000'000'000;
constexpr size_t kPadding = 64;
constexpr std::string_view kVersion = "/2018-06-01/runtime/";

constexpr size_t kPage = 4096;
constexpr size_t pages(size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

RuntimeClient::RuntimeClient(std::string_view api, Net& net, Clock& clock, Wakeup& wakeup)
    : net_(net), clock_(clock), wakeup_(wakeup), api_("http://" + std::string(api)) {}

Result<std::unique_ptr<RuntimeClient>> RuntimeClient::make(std::string_view api, Net& net, Clock& clock,
                                                           Wakeup& wakeup) {
  std::unique_ptr<RuntimeClient> client(new RuntimeClient(api, net, clock, wakeup));
  const auto url = parse_url(client->api_);
  if (!url) return fail(Code::kBadUrl, "AWS_LAMBDA_RUNTIME_API is no host:port");
  auto mapped = map_working_memory(pages(HttpConnection::memory_max()) + pages(kPayloadBytesMax + kPadding));
  if (!mapped) return fail(mapped.error());
  client->url_ = *url;
  client->memory_ = *mapped;
  client->event_room_ = mapped->subspan(pages(HttpConnection::memory_max()));
  client->context_.net = &net;
  client->context_.clock = &clock;
  client->context_.times.reply_ns = 100 * kYearNs;
  client->connection_.emplace(client->context_, mapped->first(HttpConnection::memory_max()));
  return client;
}

RuntimeClient::~RuntimeClient() {
  connection_.reset();
  unmap_working_memory(memory_);
}

void RuntimeClient::trim() {
  if (event_bytes_ > kPage) madvise(event_room_.data(), event_room_.size(), MADV_DONTNEED);
  event_bytes_ = 0;
}

Status RuntimeClient::wait(bool until_signal) {
  if (until_signal && wakeup_.stop_requested()) return fail(Code::kInterrupted);
  const HttpWait& wait = connection_->waits();
  net_.wait({&wait.interest, wait.interest.socket >= 0 ? 1u : 0u}, wait.until_ns);
  return until_signal && wakeup_.stop_requested() ? fail(Code::kInterrupted) : Status{};
}

Status RuntimeClient::exchange(HttpRequest& request, bool until_signal) {
  request.url.tls = url_.tls;
  request.url.v6 = url_.v6;
  request.url.host = url_.host;
  request.url.port = url_.port;
  status_ = 0;
  WEIR_TRY(connection_->begin(request));
  for (;;) {
    Error error;
    const Step step = connection_->step(error);
    if (step == Step::kFailed) return fail(error);
    if (step == Step::kHaveOutput) {
      status_ = connection_->head().status();
      return {};
    }
    WEIR_TRY(wait(until_signal));
  }
}

Status RuntimeClient::read_event() {
  event_bytes_ = 0;
  for (;;) {
    Error error;
    const size_t left = kPayloadBytesMax - event_bytes_;
    // At the bound one byte more is asked for, into the padding: it must not come.
    const ReadResult got = connection_->read(event_room_.subspan(event_bytes_, left != 0 ? left : 1), error);
    if (got.step == Step::kFinished) return {};
    if (got.step == Step::kFailed) return fail(error);
    if (got.step == Step::kBlocked) {
      WEIR_TRY(wait(false));
      continue;
    }
    if (left == 0) return fail(Code::kBadReply, "the event is longer than an event may be");
    event_bytes_ += got.bytes;
  }
}

Status RuntimeClient::next(Invocation& invocation) {
  invocation = Invocation();
  HttpRequest request;
  FixedText<64> path(kVersion);
  path.append("invocation/next");
  request.url.path_and_query = path.view();
  WEIR_TRY(exchange(request, true));
  const HttpHead& head = connection_->head();
  if (status_ != 200) {
    Error error(Code::kServerError, "the Lambda runtime API answered status ");
    error.detail.append_number(status_);
    return fail(error);
  }
  invocation.id = FixedText<64>(head.value("Lambda-Runtime-Aws-Request-Id"));
  invocation.function_arn = FixedText<256>(head.value("Lambda-Runtime-Invoked-Function-Arn"));
  if (const std::string_view trace = head.value("Lambda-Runtime-Trace-Id"); trace.size() <= 512)
    invocation.trace_id = FixedText<512>(trace);
  uint64_t milliseconds = 0;
  for (const char c : head.value("Lambda-Runtime-Deadline-Ms")) {
    if (c < '0' || c > '9' || milliseconds > 1'000'000'000'000'000) break;
    milliseconds = milliseconds * 10 + static_cast<uint64_t>(c - '0');
  }
  invocation.deadline_wall_ns = milliseconds * 1'000'000;
  WEIR_TRY(read_event());
  invocation.event = {event_room_.data(), event_bytes_};
  return {};
}

Status RuntimeClient::post(std::string_view path, std::string_view error_type, std::string_view json) {
  HttpRequest request;
  request.method = "POST";
  FixedText<160> where(kVersion);
  where.append(path);
  request.url.path_and_query = where.view();
  const HttpField fields[] = {{"Content-Type", "application/json"}, {"Lambda-Runtime-Function-Error-Type", error_type}};
  request.fields = {fields, error_type.empty() ? 1u : 2u};
  TextBody body(json);
  request.body = &body;
  WEIR_TRY(exchange(request, false));
  const unsigned status = status_;
  char rest[512];
  for (;;) {
    Error error;
    const ReadResult got = connection_->read(rest, error);
    if (got.step == Step::kBlocked) {
      WEIR_TRY(wait(false));
    } else if (got.step != Step::kHaveOutput) {
      break;
    }
  }
  if (status / 100 == 2) return {};
  Error error(status >= 500 ? Code::kServerError : Code::kRequestRefused, "the Lambda runtime API answered status ");
  error.detail.append_number(status);
  return fail(error);
}

Status RuntimeClient::respond(std::string_view id, std::string_view json) {
  FixedText<128> path("invocation/");
  path.append(id).append("/response");
  return post(path.view(), {}, json);
}

Status RuntimeClient::report_error(std::string_view id, std::string_view type, std::string_view json) {
  FixedText<128> path("invocation/");
  path.append(id).append("/error");
  return post(path.view(), type, json);
}

Status RuntimeClient::report_init_error(std::string_view type, std::string_view json) {
  return post("init/error", type, json);
}

}  // namespace weir

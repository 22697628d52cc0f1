#include "emulate/runtime_api.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "emulate/json_text.hpp"
#include "io/http_head.hpp"

namespace weir::emulate {
namespace {

constexpr std::string_view kBase = "/2018-06-01/runtime/";
constexpr std::string_view kTypeField = "Lambda-Runtime-Function-Error-Type";
constexpr std::string_view kModeField = "Lambda-Runtime-Function-Response-Mode";

Reply json_reply(int status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.fields.emplace_back("Content-Type", "application/json");
  reply.body = std::move(body);
  return reply;
}

Reply refusal(int status, std::string_view type, std::string_view message) {
  return json_reply(status, "{\"errorMessage\":" + json_string(message) + ",\"errorType\":" + json_string(type) + "}");
}

Reply accepted() { return json_reply(202, "{\"status\":\"OK\"}"); }

const char* name_of(RuntimeApi::State state) {
  switch (state) {
    case RuntimeApi::State::kStarting:
      return "Started";
    case RuntimeApi::State::kIdle:
      return "Ready";
    case RuntimeApi::State::kRunning:
      return "Running";
    case RuntimeApi::State::kAnswered:
      return "InvocationResponse";
    case RuntimeApi::State::kFailed:
      return "InitError";
  }
  return "";
}

Reply wrong_state(RuntimeApi::State from, std::string_view to) {
  return refusal(403, "InvalidStateTransition",
                 "Transition from " + std::string(name_of(from)) + " to " + std::string(to) + " is not allowed");
}

/// "name: value" lines; the value of one.
std::string trailer(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(line.size() + 2, lines.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !same_word(line.substr(0, colon), name)) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return std::string(begin == std::string_view::npos ? std::string_view{} : line.substr(begin));
  }
  return {};
}

}  // namespace

std::string kept_error_type(std::string_view given) {
  const bool function = given.starts_with("Function.");
  const size_t prefix = function ? 9 : given.starts_with("Runtime.") ? 8 : 0;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const std::string_view name = given.substr(prefix);
  if (prefix != 0 && name.size() >= 2 && name[0] >= 'A' && name[0] <= 'Z' &&
      std::all_of(name.begin(), name.end(), letter))
    return std::string(given);
  return function ? "Function.Unknown" : "Runtime.Unknown";
}

void RuntimeApi::restart() {
  state_ = State::kStarting;
  id_.clear();
  answer_.reset();
}

std::optional<Reply> RuntimeApi::take(const Request& request) {
  std::string_view path = request.path;
  if (path == "/ping" || path == "/2018-06-01/ping") {
    Reply pong;
    pong.body = "pong";
    return pong;
  }
  if (!path.starts_with(kBase)) return refusal(404, "NotFound", "not a call of the runtime API: " + request.path);
  path.remove_prefix(kBase.size());
  const bool post = request.method == "POST";
  if (path == "invocation/next" && request.method == "GET") return next();
  if (path == "init/error" && post) return init_error(request);
  constexpr std::string_view kInvocation = "invocation/";
  if (post && path.starts_with(kInvocation)) {
    const std::string_view rest = path.substr(kInvocation.size());
    const size_t slash = rest.find('/');
    const std::string_view what = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    if (what == "response") return finish(request, rest.substr(0, slash), false);
    if (what == "error") return finish(request, rest.substr(0, slash), true);
  }
  return refusal(404, "NotFound", "not a call of the runtime API: " + request.method + " " + request.path);
}

std::optional<Reply> RuntimeApi::next() {
  // Idle: the client lost its connection and asks again.
  if (state_ != State::kStarting && state_ != State::kAnswered && state_ != State::kIdle)
    return wrong_state(state_, "Ready");
  state_ = State::kIdle;
  return std::nullopt;
}

Reply RuntimeApi::init_error(const Request& request) {
  if (state_ != State::kStarting) return wrong_state(state_, "InitError");
  state_ = State::kFailed;
  answer_ = Answer{true, request.body, std::string(request.field("Content-Type")),
                   kept_error_type(request.field(kTypeField))};
  return accepted();
}

Reply RuntimeApi::finish(const Request& request, std::string_view id, bool error) {
  if (id_.empty() || id != id_) return refusal(400, "InvalidRequestID", "Invalid request ID");
  if (state_ != State::kRunning) return wrong_state(state_, error ? "InvocationErrorResponse" : "InvocationResponse");
  const std::string_view mode = request.field(kModeField);
  if (!error && !mode.empty() && mode != "streaming")
    return refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode: " + std::string(mode));
  if (request.too_large) {
    const std::string size = std::to_string(kRuntimePayloadMax);
    state_ = State::kAnswered;
    answer_ =
        Answer{true,
               "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"Response payload size exceeded "
               "maximum allowed payload size (" +
                   size + " bytes).\"}",
               "application/json", "Function.ResponseSizeTooLarge"};
    return refusal(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (" + size + " bytes).");
  }
  state_ = State::kAnswered;
  answer_ = Answer{error, request.body, std::string(request.field("Content-Type")), {}};
  if (error) answer_->error_type = kept_error_type(request.field(kTypeField));
  // An error in the midst of a stream comes behind it.
  if (const std::string type = trailer(request.trailers, kTypeField); !error && !type.empty()) {
    answer_->error = true;
    answer_->error_type = kept_error_type(type);
  }
  return accepted();
}

Reply RuntimeApi::invoke(const Delivery& delivery) {
  WEIR_ASSERT(idle());
  state_ = State::kRunning;
  id_ = delivery.id;
  answer_.reset();
  Reply reply;
  reply.fields.emplace_back("Content-Type", "application/json");
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) reply.fields.emplace_back(name, value);
  };
  add("Lambda-Runtime-Aws-Request-Id", delivery.id);
  add("Lambda-Runtime-Deadline-Ms", std::to_string(delivery.deadline_ms));
  add("Lambda-Runtime-Invoked-Function-Arn", delivery.arn);
  add("Lambda-Runtime-Trace-Id", delivery.trace);
  add("Lambda-Runtime-Client-Context", delivery.client_context);
  add("Lambda-Runtime-Cognito-Identity", delivery.cognito_identity);
  reply.body = delivery.payload;
  return reply;
}

void RuntimeApi::broke_off(const Request& request) {
  if (state_ != State::kRunning || request.path != std::string(kBase) + "invocation/" + id_ + "/response") return;
  state_ = State::kAnswered;
  answer_ = Answer{true, "{\"errorType\":\"Runtime.TruncatedResponse\",\"errorMessage\":\"The response broke off.\"}",
                   "application/json", "Runtime.TruncatedResponse"};
}

}  // namespace weir::emulate

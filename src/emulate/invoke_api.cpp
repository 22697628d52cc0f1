#include "emulate/invoke_api.hpp"

#include "emulate/json_text.hpp"
#include "io/http_head.hpp"

namespace weir::emulate {
namespace {

constexpr std::string_view kPrefix = "/2015-03-31/functions/";
constexpr std::string_view kSuffix = "/invocations";

/// The name in "name", "name:qualifier", "account:function:name" or an ARN.
std::string_view bare_name(std::string_view name) {
  if (const size_t at = name.find("function:"); at != std::string_view::npos) name.remove_prefix(at + 9);
  return name.substr(0, name.find(':'));
}

}  // namespace

bool is_invoke_path(std::string_view path) { return path.starts_with(kPrefix); }

std::optional<std::string> base64_decoded(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

std::string_view trace_root(std::string_view trace) {
  const size_t at = trace.find("Root=");
  if (at == std::string_view::npos) return {};
  const std::string_view root = trace.substr(at);
  return root.substr(0, root.find(';'));
}

Reply invoke_refusal(int status, std::string_view type, const std::string& message) {
  Reply reply;
  reply.status = status;
  reply.fields = {{"Content-Type", "application/json"}, {"X-Amzn-ErrorType", std::string(type)}};
  reply.body = "{\"Type\":\"User\",\"message\":" + json_string(message) + "}";
  return reply;
}

std::variant<Invocation, Reply> take_invoke(const Request& request, std::string_view function_name) {
  const auto path = request.decoded_path();
  if (!path || !path->ends_with(kSuffix) || path->size() <= kPrefix.size() + kSuffix.size())
    return invoke_refusal(404, "UnknownOperationException", "the emulator knows no other call of Lambda than Invoke");
  if (request.method != "POST") return invoke_refusal(405, "MethodNotAllowedException", "expected POST");
  const std::string_view name =
      bare_name(std::string_view(*path).substr(kPrefix.size(), path->size() - kPrefix.size() - kSuffix.size()));
  if (name != function_name)
    return invoke_refusal(404, "ResourceNotFoundException",
                          "Function not found: " + std::string(name) + "; here is only " + std::string(function_name));
  const std::string_view type = request.field("X-Amz-Invocation-Type");
  Invocation invocation;
  invocation.async = type == "Event";
  if (!type.empty() && type != "RequestResponse" && type != "Event" && type != "DryRun")
    return invoke_refusal(400, "InvalidParameterValueException", "no such X-Amz-Invocation-Type");
  const size_t bytes_max = invocation.async ? kAsyncPayloadMax : kSyncPayloadMax;
  if (request.too_large || request.body.size() > bytes_max)
    return invoke_refusal(413, "RequestTooLargeException",
                          std::to_string(request.body_bytes) + " byte payload is too large for the " +
                              (invocation.async ? "Event" : "RequestResponse") + " invocation type (limit " +
                              std::to_string(bytes_max) + " bytes)");
  if (!request.body.empty() && !is_json(request.body))
    return invoke_refusal(400, "InvalidRequestContentException", "Could not parse request body into json");
  if (type == "DryRun") {
    Reply reply;
    reply.status = 204;
    return reply;
  }
  invocation.payload = request.body.empty() ? "{}" : request.body;
  invocation.trace = request.field("X-Amzn-Trace-Id");
  if (const std::string_view context = request.field("X-Amz-Client-Context"); !context.empty()) {
    const auto text = base64_decoded(context);
    if (!text || !is_json(*text) || !is_field_value(*text))
      return invoke_refusal(400, "InvalidRequestContentException", "X-Amz-Client-Context is no JSON in Base64");
    invocation.client_context = *text;
  }
  return invocation;
}

Reply invoke_reply(const Outcome& outcome) {
  Reply reply;
  reply.fields = {{"Content-Type", "application/json"},
                  {"x-amzn-RequestId", outcome.invocation.id},
                  {"X-Amz-Executed-Version", "$LATEST"}};
  if (outcome.caller_error) reply.fields.emplace_back("X-Amz-Function-Error", "Unhandled");
  reply.body = outcome.result;
  return reply;
}

Reply invoke_accepted(const Invocation& invocation) {
  Reply reply;
  reply.status = 202;
  reply.fields = {{"x-amzn-RequestId", invocation.id}};
  return reply;
}

}  // namespace weir::emulate

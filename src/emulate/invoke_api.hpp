// The Invoke API, 2015-03-31, as SDKs call it: POST /2015-03-31/functions/{name}/invocations. Without sockets: a request is taken apart, and the
// reply made of an outcome.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "emulate/function.hpp"
#include "emulate/http_server.hpp"

namespace weir::emulate {

inline constexpr size_t kSyncPayloadMax = 6 * 1024 * 1024;
inline constexpr size_t kAsyncPayloadMax = 1024 * 1024;

bool is_invoke_path(std::string_view path);

/// What is to be done: an invocation (`async`: it is only put in line), or the reply that ends it: a refusal, or 204 to a dry run.
std::variant<Invocation, Reply> take_invoke(const Request& request, std::string_view function_name);

/// 200 with the result, and X-Amz-Function-Error when it is an error.
Reply invoke_reply(const Outcome& outcome);
Reply invoke_accepted(const Invocation& invocation);
/// What Lambda's services say: {"Type":"User","message":...} and the type in a header.
Reply invoke_refusal(int status, std::string_view type, const std::string& message);

/// Nothing when it is no Base64.
std::optional<std::string> base64_decoded(std::string_view text);

/// "Root=..." of a trace header.
std::string_view trace_root(std::string_view trace);

}  // namespace weir::emulate

#include "emulate/runtime_api.hpp"

#include <gtest/gtest.h>

namespace weir::emulate {
namespace {

Request call(std::string method, std::string path, std::string body = {}, Fields fields = {}) {
  Request request;
  request.method = std::move(method);
  request.path = "/2018-06-01/runtime/" + std::move(path);
  request.body = std::move(body);
  request.fields = std::move(fields);
  return request;
}

std::string value(const Reply& reply, std::string_view name) {
  for (const auto& [field, text] : reply.fields) {
    if (field == name) return text;
  }
  return "(none)";
}

struct RuntimeApiTest : testing::Test {
  RuntimeApi api;

  void to_running(const std::string& id = "one") {
    ASSERT_FALSE(api.take(call("GET", "invocation/next")));
    Delivery delivery;
    delivery.id = id;
    (void)api.invoke(delivery);
  }
  int status(const Request& request) { return api.take(request).value_or(Reply{.status = 0}).status; }
};

TEST_F(RuntimeApiTest, next_waits_and_its_reply_has_all_headers_that_have_a_value) {
  EXPECT_FALSE(api.take(call("GET", "invocation/next")));
  ASSERT_TRUE(api.idle());
  const Reply reply = api.invoke({"id", 1234, "arn:x", "Root=1", "", "{}", "{\"a\":1}"});
  EXPECT_EQ(reply.body, "{\"a\":1}");
  EXPECT_EQ(value(reply, "Lambda-Runtime-Aws-Request-Id"), "id");
  EXPECT_EQ(value(reply, "Lambda-Runtime-Deadline-Ms"), "1234");
  EXPECT_EQ(value(reply, "Lambda-Runtime-Invoked-Function-Arn"), "arn:x");
  EXPECT_EQ(value(reply, "Lambda-Runtime-Trace-Id"), "Root=1");
  EXPECT_EQ(value(reply, "Lambda-Runtime-Client-Context"), "(none)");
  EXPECT_EQ(value(reply, "Lambda-Runtime-Cognito-Identity"), "{}");
  EXPECT_EQ(value(reply, "Content-Type"), "application/json");
}

TEST_F(RuntimeApiTest, a_response_ends_the_invocation_at_the_next_next) {
  to_running();
  const auto reply = api.take(call("POST", "invocation/one/response", "result"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 202);
  EXPECT_EQ(reply->body, "{\"status\":\"OK\"}");
  EXPECT_EQ(api.state(), RuntimeApi::State::kAnswered);
  EXPECT_EQ(api.answer()->body, "result");
  EXPECT_FALSE(api.answer()->error);
  EXPECT_FALSE(api.take(call("GET", "invocation/next")));
  EXPECT_TRUE(api.idle());
}

TEST_F(RuntimeApiTest, what_is_out_of_order_is_forbidden) {
  EXPECT_EQ(status(call("POST", "invocation/one/response")), 400);  // there is no invocation
  to_running();
  EXPECT_EQ(status(call("GET", "invocation/next")), 403);
  EXPECT_EQ(status(call("POST", "init/error")), 403);
  EXPECT_EQ(status(call("POST", "invocation/other/response")), 400);
  EXPECT_EQ(status(call("POST", "invocation/one/response")), 202);
  const auto again = api.take(call("POST", "invocation/one/response"));
  EXPECT_EQ(again->status, 403);
  EXPECT_EQ(
      again->body,
      "{\"errorMessage\":\"Transition from InvocationResponse to InvocationResponse is not allowed\",\"errorType\":"
      "\"InvalidStateTransition\"}");
  EXPECT_EQ(status(call("POST", "invocation/one/error")), 403);
  // One that is over is none any more.
  to_running("two");
  EXPECT_EQ(api.take(call("POST", "invocation/one/response"))->body,
            "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}");
}

TEST_F(RuntimeApiTest, next_may_be_asked_again_when_its_connection_was_lost) {
  EXPECT_FALSE(api.take(call("GET", "invocation/next")));
  EXPECT_FALSE(api.take(call("GET", "invocation/next")));
}

TEST_F(RuntimeApiTest, an_error_has_its_type_from_the_header) {
  to_running();
  EXPECT_EQ(status(call("POST", "invocation/one/error", "{}",
                        {{"lambda-runtime-function-error-type", "Function.BadRecord"}})),
            202);
  EXPECT_TRUE(api.answer()->error);
  EXPECT_EQ(api.answer()->error_type, "Function.BadRecord");
}

TEST(KeptErrorType, takes_category_and_reason_alone) {
  EXPECT_EQ(kept_error_type("Runtime.ConfigInvalid"), "Runtime.ConfigInvalid");
  EXPECT_EQ(kept_error_type("Function.InputCorrupt"), "Function.InputCorrupt");
  EXPECT_EQ(kept_error_type("Function.input"), "Function.Unknown");
  EXPECT_EQ(kept_error_type("Function.A1"), "Function.Unknown");
  EXPECT_EQ(kept_error_type("Function.A"), "Function.Unknown");
  EXPECT_EQ(kept_error_type("Weir.InputCorrupt"), "Runtime.Unknown");
  EXPECT_EQ(kept_error_type(""), "Runtime.Unknown");
}

TEST_F(RuntimeApiTest, a_response_over_the_cap_is_an_error_and_the_runtime_goes_on) {
  to_running();
  Request large = call("POST", "invocation/one/response");
  large.too_large = true;
  const auto reply = api.take(large);
  EXPECT_EQ(reply->status, 413);
  EXPECT_EQ(reply->body,
            "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 "
            "bytes).\",\"errorType\":\"RequestEntityTooLarge\"}");
  EXPECT_EQ(api.answer()->error_type, "Function.ResponseSizeTooLarge");
  EXPECT_FALSE(api.take(call("GET", "invocation/next")));
}

TEST_F(RuntimeApiTest, an_init_error_is_taken_before_the_first_next_alone) {
  EXPECT_EQ(status(call("POST", "init/error", "{\"errorType\":\"X\"}",
                        {{"Lambda-Runtime-Function-Error-Type", "Runtime.Bad"}})),
            202);
  EXPECT_EQ(api.state(), RuntimeApi::State::kFailed);
  EXPECT_EQ(api.answer()->error_type, "Runtime.Bad");
  EXPECT_EQ(status(call("GET", "invocation/next")), 403);
  api.restart();
  EXPECT_FALSE(api.take(call("GET", "invocation/next")));
  EXPECT_EQ(status(call("POST", "init/error")), 403);
}

TEST_F(RuntimeApiTest, a_streamed_response_may_end_in_an_error) {
  to_running();
  EXPECT_EQ(status(call("POST", "invocation/one/response", "", {{"Lambda-Runtime-Function-Response-Mode", "odd"}})),
            400);
  Request streamed =
      call("POST", "invocation/one/response", "half", {{"Lambda-Runtime-Function-Response-Mode", "streaming"}});
  streamed.trailers =
      "Lambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n";
  EXPECT_EQ(status(streamed), 202);
  EXPECT_TRUE(api.answer()->error);
  EXPECT_EQ(api.answer()->error_type, "Runtime.StreamError");
}

TEST_F(RuntimeApiTest, a_response_that_breaks_off_is_an_error) {
  to_running();
  api.broke_off(call("POST", "invocation/other/response"));
  EXPECT_EQ(api.state(), RuntimeApi::State::kRunning);
  api.broke_off(call("POST", "invocation/one/response"));
  EXPECT_EQ(api.answer()->error_type, "Runtime.TruncatedResponse");
}

TEST_F(RuntimeApiTest, other_paths_are_not_found) {
  EXPECT_EQ(status(call("POST", "invocation/next")), 404);
  EXPECT_EQ(status(call("GET", "invocation/one/response")), 404);
  EXPECT_EQ(status(call("POST", "invocation/one/else")), 404);
  Request ping;
  ping.method = "GET";
  ping.path = "/ping";
  EXPECT_EQ(api.take(ping)->body, "pong");
}

}  // namespace
}  // namespace weir::emulate

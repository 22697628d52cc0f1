#include "emulate/invoke_api.hpp"

#include <gtest/gtest.h>

namespace weir::emulate {
namespace {

Request invoke(std::string name, std::string body, Fields fields = {}) {
  Request request;
  request.method = "POST";
  request.path = "/2015-03-31/functions/" + std::move(name) + "/invocations";
  request.body_bytes = body.size();
  request.body = std::move(body);
  request.fields = std::move(fields);
  return request;
}

int status(const Request& request) {
  const auto call = take_invoke(request, "fn");
  return std::holds_alternative<Reply>(call) ? std::get<Reply>(call).status : 0;
}

TEST(InvokeApi, takes_a_name_a_qualified_name_and_an_arn) {
  for (const char* name : {"fn", "fn:live", "123456789012:function:fn",
                           "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Afn%3A7"}) {
    const auto call = take_invoke(invoke(name, "{\"a\":1}"), "fn");
    ASSERT_TRUE(std::holds_alternative<Invocation>(call)) << name;
    EXPECT_EQ(std::get<Invocation>(call).payload, "{\"a\":1}");
    EXPECT_FALSE(std::get<Invocation>(call).async);
  }
  EXPECT_EQ(status(invoke("other", "{}")), 404);
}

TEST(InvokeApi, tells_the_types_of_invocation_apart) {
  const auto event = take_invoke(invoke("fn", "", {{"x-amz-invocation-type", "Event"}}), "fn");
  EXPECT_TRUE(std::get<Invocation>(event).async);
  EXPECT_EQ(std::get<Invocation>(event).payload, "{}");
  EXPECT_EQ(status(invoke("fn", "{}", {{"X-Amz-Invocation-Type", "DryRun"}})), 204);
  EXPECT_EQ(status(invoke("fn", "{}", {{"X-Amz-Invocation-Type", "Odd"}})), 400);
}

TEST(InvokeApi, payloads_have_their_caps_and_are_json) {
  EXPECT_EQ(status(invoke("fn", "{")), 400);
  const std::string just('"' + std::string(kAsyncPayloadMax - 2, 'x') + '"');
  EXPECT_EQ(status(invoke("fn", just, {{"X-Amz-Invocation-Type", "Event"}})), 0);
  EXPECT_EQ(status(invoke("fn", just + " ", {{"X-Amz-Invocation-Type", "Event"}})), 413);
  EXPECT_EQ(status(invoke("fn", just + " ")), 0);
  Request large = invoke("fn", "");
  large.too_large = true;
  EXPECT_EQ(status(large), 413);
}

TEST(InvokeApi, the_client_context_is_unpacked) {
  const auto call = take_invoke(invoke("fn", "{}", {{"X-Amz-Client-Context", "eyJjdXN0b20iOnt9fQ=="}}), "fn");
  EXPECT_EQ(std::get<Invocation>(call).client_context, "{\"custom\":{}}");
  EXPECT_EQ(status(invoke("fn", "{}", {{"X-Amz-Client-Context", "e!"}})), 400);
}

TEST(InvokeApi, an_error_of_the_function_is_a_200_with_a_field) {
  Outcome outcome;
  outcome.result = "{}";
  outcome.caller_error = true;
  const Reply reply = invoke_reply(outcome);
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(std::find(reply.fields.begin(), reply.fields.end(),
                      std::pair<std::string, std::string>("X-Amz-Function-Error", "Unhandled")),
            reply.fields.end());
}

TEST(InvokeApi, a_chain_is_known_by_the_root_of_its_trace) {
  EXPECT_EQ(trace_root("Root=1-2-3;Parent=4;Sampled=0"), "Root=1-2-3");
  EXPECT_EQ(trace_root("Self=9;Root=1-2-3"), "Root=1-2-3");
  EXPECT_EQ(trace_root(""), "");
}

}  // namespace
}  // namespace weir::emulate

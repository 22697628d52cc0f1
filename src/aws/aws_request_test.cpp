#include "aws/aws_request.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::VirtualClock;

class Keys final : public CredentialProvider {
 public:
  Keys() {
    keys_.access_key = FixedText<kAccessKeyBytesMax>("AKIDEXAMPLE");
    keys_.secret_key = FixedText<kSecretKeyBytesMax>("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  }
  Result<const Credentials*> get(uint64_t) override { return &keys_; }
  bool renew() override { return ++renewals < 2; }
  int renewals = 0;

 private:
  Credentials keys_;
};

class AwsRequestTest : public ::testing::Test {
 protected:
  AwsRequestTest() {
    session_.http.clock = &clock_;
    session_.credentials = &keys_;
    session_.aws.endpoint.region = "eu-central-1";
  }
  static std::string field(const HttpRequest& request, std::string_view name) {
    for (const HttpField& field : request.fields) {
      if (field.name == name) return std::string(field.value);
    }
    return "none";
  }
  FailureClass judge(AwsRequest& request, std::string_view head_text, std::string_view body, Error& error) {
    HttpHead head(room_);
    Error bad;
    EXPECT_EQ(head.parse(head_text, bad).step, Step::kFinished);
    return request.judge(head, body, error);
  }

  VirtualClock clock_;
  Keys keys_;
  AwsSession session_;
  std::array<char, 4096> room_{};
};

TEST_F(AwsRequestTest, JsonCallsGoToTheServicesOwnHostSignedForIt) {
  AwsRequest call(session_);
  call.json({"sqs", {}}, "AmazonSQS.SendMessage", "1.0", "{}");
  HttpRequest request;
  ASSERT_TRUE(call.make(request, 1));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.host, "sqs.eu-central-1.amazonaws.com");
  EXPECT_TRUE(request.url.tls);
  EXPECT_EQ(request.url.path_and_query, "/");
  EXPECT_EQ(field(request, "Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(field(request, "X-Amz-Target"), "AmazonSQS.SendMessage");
  EXPECT_NE(field(request, "Authorization").find("/eu-central-1/sqs/aws4_request"), std::string::npos);
  EXPECT_EQ(field(request, "X-Amzn-Trace-Id"), "none");
}

TEST_F(AwsRequestTest, AnEndpointOfTheEnvironmentComesBeforeTheGeneralOne) {
  session_.aws.endpoint.env_endpoint_url = "http://127.0.0.1:1";
  session_.aws.endpoint.endpoint_url = "http://127.0.0.1:3";  // S3's
  AwsRequest call(session_);
  HttpRequest request;
  call.json({"sqs", {}}, "x", "1.0", "{}");
  ASSERT_TRUE(call.make(request, 1));
  EXPECT_EQ(request.url.port, 1);
  call.json({"sqs", "http://127.0.0.1:2"}, "x", "1.0", "{}");
  ASSERT_TRUE(call.make(request, 1));
  EXPECT_EQ(request.url.port, 2);
}

TEST_F(AwsRequestTest, TheTraceIsPassedOnUnsigned) {
  session_.trace_id = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700";
  AwsRequest call(session_);
  call.rest({"lambda", {}}, "POST", "/2015-03-31/functions/f/invocations", "{}");
  call.field("X-Amz-Invocation-Type", "Event");
  HttpRequest request;
  ASSERT_TRUE(call.make(request, 1));
  EXPECT_EQ(field(request, "X-Amzn-Trace-Id"), session_.trace_id);
  EXPECT_EQ(field(request, "Authorization").find("x-amzn-trace-id"), std::string::npos);
  EXPECT_NE(field(request, "Authorization").find("x-amz-invocation-type"), std::string::npos);
}

TEST_F(AwsRequestTest, WhatAReplyMeans) {
  struct {
    const char* head;
    const char* body;
    FailureClass failure;
    Code code;
    const char* refusal;
  } const cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", "{}", FailureClass::kNone, Code::kOk, ""},
      {"HTTP/1.1 202 Accepted\r\n\r\n", "", FailureClass::kNone, Code::kOk, ""},
      {"HTTP/1.1 400 Bad\r\n\r\n", R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"})",
       FailureClass::kFatal, Code::kNoDestination, "QueueDoesNotExist"},
      {"HTTP/1.1 400 Bad\r\nx-amzn-ErrorType: ThrottlingException:http://x/\r\n\r\n", "{}", FailureClass::kThrottling,
       Code::kThrottled, "ThrottlingException"},
      {"HTTP/1.1 429 Slow\r\n\r\n", "", FailureClass::kThrottling, Code::kThrottled, ""},
      {"HTTP/1.1 500 No\r\n\r\n", "", FailureClass::kTransient, Code::kServerError, ""},
      {"HTTP/1.1 503 No\r\n\r\n", "<html>", FailureClass::kTransient, Code::kServerError, ""},
      {"HTTP/1.1 403 No\r\n\r\n", R"({"__type":"AccessDeniedException","Message":"no"})", FailureClass::kFatal,
       Code::kAccessDenied, "AccessDeniedException"},
  };
  for (const auto& c : cases) {
    AwsRequest call(session_);
    call.json({"sqs", {}}, "x", "1.0", "{}");
    Error error;
    EXPECT_EQ(judge(call, c.head, c.body, error), c.failure) << c.head << c.body;
    EXPECT_EQ(call.refusal(), c.refusal) << c.head;
    if (c.failure != FailureClass::kNone) {
      EXPECT_EQ(error.code, c.code) << c.head << c.body;
    }
  }
}

TEST_F(AwsRequestTest, QueryCallsSendAForm) {
  AwsRequest call(session_);
  call.json({"sqs", {}}, "x", "1.0", "{}");
  call.query({"sns", {}}, "Action=Publish&Version=2010-03-31");
  HttpRequest request;
  ASSERT_TRUE(call.make(request, 1));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.host, "sns.eu-central-1.amazonaws.com");
  EXPECT_EQ(request.url.path_and_query, "/");
  EXPECT_EQ(request.body->size(), 33u);
  EXPECT_EQ(field(request, "Content-Type"), "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(field(request, "X-Amz-Target"), "none");
  EXPECT_NE(field(request, "Authorization").find("/eu-central-1/sns/aws4_request"), std::string::npos);
}

TEST_F(AwsRequestTest, WhatAReplyToAQueryMeans) {
  const auto xml = [](const char* code) {
    return std::string(
               "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>") +
           code + "</Code><Message>a &lt; b\n</Message></Error><RequestId>r</RequestId></ErrorResponse>";
  };
  struct {
    const char* head;
    std::string body;
    FailureClass failure;
    Code code;
    const char* refusal;
    const char* words;
  } const cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", "", FailureClass::kNone, Code::kOk, "", ""},
      {"HTTP/1.1 400 Bad\r\n\r\n", xml("InvalidParameter"), FailureClass::kFatal, Code::kRequestRefused,
       "InvalidParameter", "sns: InvalidParameter: a < b?"},
      {"HTTP/1.1 400 Bad\r\n\r\n", xml("Throttling"), FailureClass::kThrottling, Code::kThrottled, "Throttling",
       "sns: Throttling: a < b?"},
      {"HTTP/1.1 404 No\r\n\r\n", xml("NotFound"), FailureClass::kFatal, Code::kNoDestination, "NotFound",
       "sns: NotFound: a < b?"},
      {"HTTP/1.1 403 No\r\n\r\n", xml("SignatureDoesNotMatch"), FailureClass::kFatal, Code::kBadCredentials,
       "SignatureDoesNotMatch", "sns: SignatureDoesNotMatch: a < b?"},
      // What can't be read goes by the status; of a cut one what stands before the cut is read.
      {"HTTP/1.1 503 No\r\n\r\n", "<html><p>no", FailureClass::kTransient, Code::kServerError, "", "sns: status 503"},
      {"HTTP/1.1 403 No\r\n\r\n", R"({"__type":"ThrottlingException"})", FailureClass::kFatal, Code::kAccessDenied, "",
       "sns: status 403"},
      {"HTTP/1.1 400 Bad\r\n\r\n", xml("Throttling").substr(0, 130), FailureClass::kThrottling, Code::kThrottled,
       "Throttling", "sns: Throttling"},
      {"HTTP/1.1 404 No\r\n\r\n", "", FailureClass::kFatal, Code::kNoDestination, "", "sns: status 404"},
  };
  for (const auto& c : cases) {
    AwsRequest call(session_);
    call.query({"sns", {}}, "Action=Publish");
    Error error;
    EXPECT_EQ(judge(call, c.head, c.body, error), c.failure) << c.head << c.body;
    EXPECT_EQ(call.refusal(), c.refusal) << c.head << c.body;
    EXPECT_EQ(error.code, c.code) << c.head << c.body;
    EXPECT_EQ(error.detail.view(), c.words);
  }
  // The next call of the same object may be of the other kind.
  AwsRequest call(session_);
  call.query({"sns", {}}, "x");
  call.json({"sqs", {}}, "x", "1.0", "{}");
  Error error;
  EXPECT_EQ(judge(call, "HTTP/1.1 400 Bad\r\n\r\n", R"({"__type":"ThrottlingException"})", error),
            FailureClass::kThrottling);
}

TEST_F(AwsRequestTest, ExpiredCredentialsAreRenewedOnce) {
  AwsRequest call(session_);
  call.json({"sqs", {}}, "x", "1.0", "{}");
  constexpr std::string_view kHead = "HTTP/1.1 400 Bad\r\n\r\n";
  constexpr std::string_view kBody = R"({"__type":"ExpiredTokenException"})";
  Error error;
  EXPECT_EQ(judge(call, kHead, kBody, error), FailureClass::kExpired);
  EXPECT_EQ(judge(call, kHead, kBody, error), FailureClass::kFatal);
  EXPECT_EQ(keys_.renewals, 1);
}

}  // namespace
}  // namespace weir

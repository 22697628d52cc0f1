#include "delivery/lambda_function.hpp"

#include "testing/destination_testing.hpp"

namespace weir {
namespace {

class Lambda : public testing::DestinationTest {
 protected:
  static BatchInfo batch() {
    BatchInfo info;
    info.id = "b-1";
    info.messages = 2;
    info.first = {"id-0", "s3://b/k.csv", 10, 0};
    info.last = {"id-1", "s3://b/k.csv", 20, 1};
    return info;
  }
};

TEST_F(Lambda, AWholeRequest) {
  ASSERT_EQ(make("lambda://enrich"), Code::kOk);
  ASSERT_EQ(start(), Code::kOk);
  const std::string text = whole({R"({"a":1})", R"({"b":"x\ny"})"}, batch());
  EXPECT_EQ(
      text,
      R"({"records":[{"a":1},{"b":"x\ny"}],"batch":{"id":"b-1","first":{"id":"id-0","source":"s3://b/k.csv","byte":10,"record":0},)"
      R"("last":{"id":"id-1","source":"s3://b/k.csv","byte":20,"record":1}}})");
  const HttpRequest sent = made(text, batch());
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url.host, "lambda.eu-central-1.amazonaws.com");
  EXPECT_EQ(sent.url.path_and_query, "/2015-03-31/functions/enrich/invocations");
  EXPECT_EQ(field(sent, "X-Amz-Invocation-Type"), "RequestResponse");
  EXPECT_EQ(field(sent, "Content-Type"), "application/json");
}

TEST_F(Lambda, ARecordOfNoInputHasNoNumber) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  BatchInfo info = batch();
  info.last.record = kNoOffset;
  EXPECT_TRUE(whole({"1"}, info)
                  .ends_with(R"(,"byte":10,"record":0},"last":{"id":"id-1","source":"s3://b/k.csv","byte":20}}})"));
}

TEST_F(Lambda, TextThatIsNoJsonBecomesOne) {
  options.json = false;
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  EXPECT_EQ(encode("a\"b\tä"), R"("a\"b\tä")");
  EXPECT_EQ(encoded.counted, encoded.bytes + 1);
  std::string all;
  for (char c = 0; c < 0x7f; ++c) all += c;
  (void)encode(all);
  EXPECT_EQ(encoded.counted, encoded.bytes + 1);
  const uint64_t counted = encoded.counted;
  EXPECT_EQ(encode(all, 0, "i", 100), "");
  EXPECT_EQ(encoded.counted, counted);  // of whatever room
  EXPECT_EQ(encode(""), "\"\"");
  EXPECT_EQ(encode("\xff"), "");
  EXPECT_EQ(error.code, Code::kBadUtf8);
}

TEST_F(Lambda, ARequestOfTheMostMessagesIsNotTooLarge) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  const DestinationLimits limits = destination->limits();
  EXPECT_EQ(limits.messages_max, 100'000u);
  EXPECT_FALSE(destination->tells_of_each());
  EXPECT_EQ(limits.message_bytes_max, limits.request_bytes_max);
  const std::string text(1000, '1');
  (void)encode(text);
  EXPECT_EQ(encoded.counted, 1001u);
  // The worst names of inputs that there may be.
  BatchInfo info = batch();
  const std::string id(kMessageIdBytesMax, 'f');
  const std::string batch_id(64, 'f');
  for (const std::string& source :
       {std::string(8000, '\1'), std::string(8000, '"'), std::string(8000, 'x'), std::string(8000, '\xff')}) {
    info.id = batch_id;
    info.first = info.last = {id, source, ~uint64_t{0} - 1, ~uint64_t{0} - 1};
    std::vector<char> frame(Destination::kFrameBytesMax);
    const size_t begin = destination->begin(info, frame).size();
    const std::string_view end = destination->end(info, frame);
    EXPECT_TRUE(end.ends_with("}}}"));
    EXPECT_LE(begin + limits.request_bytes_max + end.size(), 6'291'456u);
  }
}

TEST_F(Lambda, NamesOfInputsAreMadeJson) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  BatchInfo info = batch();
  for (const auto& [source, json] : {std::pair{"a\"b\\c\n", R"(a\"b\\c\n)"}, std::pair{"ä\xff€\xc3", "ä?€?"},
                                     std::pair{"\xf0\x9f\x98\x80\xe2\x82", "😀??"}}) {
    info.first.source = source;
    std::vector<char> frame(Destination::kFrameBytesMax);
    const std::string end(destination->end(info, frame));
    EXPECT_NE(end.find(std::string("\"source\":\"") + json + "\",\"byte\":10"), std::string::npos) << end;
  }
}

TEST_F(Lambda, WhatDoesNotFitIsTold) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  const std::string text = R"({"a":1})";
  EXPECT_EQ(encode(text, 0, "i", text.size() + Destination::kSlack), text);
  for (const size_t room : {text.size() + Destination::kSlack - 1, size_t{5}, size_t{0}})
    EXPECT_EQ(encode(text, 0, "i", room), "");
  EXPECT_TRUE(error.ok());
}

TEST_F(Lambda, NamesOfFunctions) {
  const auto path = [&] { return std::string(made("{}").url.path_and_query); };
  ASSERT_EQ(make("lambda://f:prod"), Code::kOk);
  EXPECT_EQ(path(), "/2015-03-31/functions/f/invocations?Qualifier=prod");
  ASSERT_EQ(make("lambda://f:$LATEST"), Code::kOk);
  EXPECT_EQ(path(), "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST");
  ASSERT_EQ(make("lambda://arn:aws:lambda:eu-central-1:123456789012:function:f"), Code::kOk);
  EXPECT_EQ(path(),
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Af/invocations");
  EXPECT_EQ(start(), Code::kOk);
  ASSERT_EQ(make("lambda://arn:aws:lambda:us-east-1:123456789012:function:f:7"), Code::kOk);
  EXPECT_EQ(
      path(),
      "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af/invocations?Qualifier=7");
  EXPECT_EQ(start(), Code::kBadUrl);
  for (const char* bad :
       {"lambda://", "lambda://f:", "lambda://:x", "lambda://f:a:b", "lambda://f/../g", "lambda://f?x", "lambda://ä",
        "lambda://arn:aws:lambda:eu-central-1:123456789012:layer:f", "lambda://arn:aws:lambda::123456789012:function:f",
        "lambda://arn:aws:lambda:eu-central-1:123456789012:function:"})
    EXPECT_EQ(make(bad), Code::kBadUrl) << bad;
  EXPECT_EQ(make("lambda://arn:" + std::string(3000, 'a') + ":lambda:eu-central-1:123456789012:function:f"),
            Code::kBadUrl);
  EXPECT_EQ(make("lambda://" + std::string(65, 'f')), Code::kBadUrl);
}

constexpr const char* kFailed = "HTTP/1.1 200 OK\r\nX-Amz-Function-Error: Unhandled\r\n";

TEST_F(Lambda, AFunctionThatFailsRefusesTheBatch) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  EXPECT_EQ(judge(kFailed, R"({"errorMessage":"no such \"country\"","errorType":"ValueError","stackTrace":[" a"]})"),
            FailureClass::kFatal);
  EXPECT_EQ(error.code, Code::kMessageRefused);
  EXPECT_TRUE(request->refused());
  EXPECT_EQ(words(), "lambda: the function failed (Unhandled): ValueError: no such \"country\"");
  (void)made("{}");
  EXPECT_FALSE(request->refused());
  const struct {
    const char* text;
    const char* words;
  } cases[] = {
      {"", "lambda: the function failed (Unhandled)"},
      {"boom", "lambda: the function failed (Unhandled): boom"},
      {R"({"errorMessage":"2026 Task timed out after 3.00 seconds"})",
       "lambda: the function failed (Unhandled): 2026 Task timed out after 3.00 seconds"},
      {R"({"errorType":"Runtime.ExitError","errorMessage":"x","trace":["cut he)",
       "lambda: the function failed (Unhandled): Runtime.ExitError: x"},
      {R"({"errorType":7})", R"(lambda: the function failed (Unhandled): {"errorType":7})"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(judge(kFailed, c.text), FailureClass::kFatal);
    EXPECT_EQ(words(), c.words);
  }
}

TEST_F(Lambda, OverAConnectionAFailedFunctionIsAskedOnce) {
  environment["AWS_ENDPOINT_URL_LAMBDA"] = "http://127.0.0.1:2";
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  std::vector<char> room(HttpCall::memory_max());
  HttpCall call(session, room);
  const std::string large =
      R"({"errorMessage":"no","errorType":"ValueError","trace":[")" + std::string(1u << 20, 'x') + "\"]}";
  for (const std::string& text : {std::string(R"({"errorMessage":"no","errorType":"ValueError"})"), large}) {
    server.replies = {{200, {{"X-Amz-Function-Error", "Unhandled"}}, text}};
    server.requests.clear();
    body = TextBody("{}");
    request->begin(body, batch());
    call.begin(*request, false);
    const Status done = call.run();
    ASSERT_FALSE(done);
    error = done.error();
    EXPECT_EQ(error.code, Code::kMessageRefused);
    EXPECT_EQ(words(), "lambda: the function failed (Unhandled): ValueError: no");
    EXPECT_TRUE(request->refused());
    EXPECT_EQ(server.requests.size(), 1u);
  }
}

TEST_F(Lambda, WhatAFunctionReturnsIsNotLookedAt) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  EXPECT_EQ(judge(200, R"({"errorMessage":"its own affair"})"), FailureClass::kNone);
  EXPECT_FALSE(request->refused());
  EXPECT_EQ(destination->reply_form(), ReplyForm::kNone);
}

TEST_F(Lambda, WhatRepliesMean) {
  ASSERT_EQ(make("lambda://f"), Code::kOk);
  const struct {
    unsigned status;
    const char* code;
    FailureClass failure;
    Code ours;
    bool refused;
  } cases[] = {
      {429, "TooManyRequestsException", FailureClass::kThrottling, Code::kThrottled, false},
      {400, "RecursiveInvocationException", FailureClass::kFatal, Code::kRequestRefused, false},
      {400, "InvalidRequestContentException", FailureClass::kFatal, Code::kRequestRefused, true},
      {413, "RequestTooLargeException", FailureClass::kFatal, Code::kRequestRefused, true},
      {404, "ResourceNotFoundException", FailureClass::kFatal, Code::kNoDestination, false},
      {403, "AccessDeniedException", FailureClass::kFatal, Code::kAccessDenied, false},
      {409, "ResourceConflictException", FailureClass::kTransient, Code::kServerError, false},
      {500, "ServiceException", FailureClass::kTransient, Code::kServerError, false},
      {502, "ENILimitReachedException", FailureClass::kTransient, Code::kServerError, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(judge("HTTP/1.1 " + std::to_string(c.status) + " No\r\nx-amzn-ErrorType: " + c.code + "\r\n",
                    R"({"Message":"why"})"),
              c.failure)
        << c.code;
    EXPECT_EQ(error.code, c.ours) << c.code;
    EXPECT_EQ(request->refused(), c.refused) << c.code;
    EXPECT_EQ(words(), std::string("lambda: ") + c.code + ": why");
  }
  EXPECT_EQ(request->throttled(), 1u);
}

}  // namespace
}  // namespace weir

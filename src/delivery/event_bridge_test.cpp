#include "delivery/event_bridge.hpp"

#include "testing/destination_testing.hpp"

namespace weir {
namespace {

using testing::RecordingFates;
using By = RecordingFates::By;

class EventBridge : public testing::DestinationTest {};

TEST_F(EventBridge, AWholeRequest) {
  ASSERT_EQ(make("events://orders"), Code::kOk);
  const std::string text = whole({R"({"a":"x\ny"})", R"({"b":2})"});
  EXPECT_EQ(
      text,
      R"({"Entries":[{"Source":"weir","DetailType":"record","EventBusName":"orders","Resources":["id-0"],"Detail":"{\"a\":\"x\\ny\"}"},)"
      R"({"Source":"weir","DetailType":"record","EventBusName":"orders","Resources":["id-1"],"Detail":"{\"b\":2}"}]})");
  const HttpRequest sent = made(text);
  EXPECT_EQ(sent.url.host, "events.eu-central-1.amazonaws.com");
  EXPECT_EQ(field(sent, "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(field(sent, "X-Amz-Target"), "AWSEvents.PutEvents");
}

TEST_F(EventBridge, SourceAndTypeAreTheUsers) {
  options.pipeline = "daily";
  ASSERT_EQ(make("events://b"), Code::kOk);
  EXPECT_NE(encode("{}").find(R"("Source":"weir.daily")"), std::string::npos);
  options.event_source = "shop \"1\"";
  options.event_type = "Order placed";
  ASSERT_EQ(make("events://b"), Code::kOk);
  EXPECT_NE(encode("{}").find(R"({"Source":"shop \"1\"","DetailType":"Order placed",)"), std::string::npos);
  for (const std::string& bad :
       {std::string("aws.s3"), std::string("a\nb"), std::string("\xff"), std::string(257, 'x')}) {
    options.event_source = bad;
    EXPECT_EQ(make("events://b"), Code::kOutOfRange) << bad;
  }
  options.event_source.clear();
  options.event_type = std::string(129, 'x');
  EXPECT_EQ(make("events://b"), Code::kOutOfRange);
  // The longest ones have their room.
  options.event_source = std::string(256, '"');
  options.event_type = std::string(128, '\\');
  ASSERT_EQ(make("events://" + std::string(256, 'b')), Code::kOk);
  EXPECT_NE(encode("{}").find(std::string(256, 'b') + R"(","Resources":["id-0"],"Detail":"{}"})"), std::string::npos);
}

TEST_F(EventBridge, CountsAsTheServiceDoes) {
  ASSERT_EQ(make("events://a-bus-with-a-name-that-does-not-count"), Code::kOk);
  EXPECT_EQ(destination->limits().messages_max, 10u);
  EXPECT_EQ(destination->limits().request_bytes_max, 262'144u);
  const std::string text = R"({"ä":"\n"})";
  (void)encode(text);
  EXPECT_EQ(encoded.counted, text.size() + std::string_view("weirrecordid-0").size());
}

TEST_F(EventBridge, WhatDoesNotFitOrIsNoUtf8) {
  ASSERT_EQ(make("events://b"), Code::kOk);
  const std::string text = R"({"a":"""""""""""""""""""""})";
  const size_t bytes = encode(text).size();
  EXPECT_EQ(encode(text, 0, "id-0", bytes + Destination::kSlack).size(), bytes);
  for (const size_t room : {bytes + Destination::kSlack - 1, bytes, size_t{70}, size_t{0}})
    EXPECT_EQ(encode(text, 0, "id-0", room), "");
  EXPECT_TRUE(error.ok());
  EXPECT_EQ(encode("{\"a\":\"\xc3\"}"), "");
  EXPECT_EQ(error.code, Code::kBadUtf8);
}

TEST_F(EventBridge, NamesOfBuses) {
  for (const char* bad :
       {"events://", "events://a b", "events://a\"", "events://arn:aws:events:eu-central-1:123456789012:rule/x",
        "events://arn:aws:events:eu-central-1:1:event-bus/x",
        "events://arn:aws:events:eu-central-1:123456789012:event-bus/"})
    EXPECT_EQ(make(bad), Code::kBadUrl) << bad;
  constexpr const char* kArn = "arn:aws:events:eu-central-1:123456789012:event-bus/x";
  ASSERT_EQ(make(std::string("events://") + kArn), Code::kOk);
  EXPECT_NE(encode("{}").find(std::string(R"("EventBusName":")") + kArn + "\""), std::string::npos);
  ASSERT_EQ(make("events://arn:aws:events:us-east-1:123456789012:event-bus/x"), Code::kOk);
  EXPECT_EQ(start(), Code::kBadUrl);
  EXPECT_TRUE(server.requests.empty());
}

// Events for a bus that is not there are taken, and dropped.
TEST_F(EventBridge, TheBusIsAskedForBeforeTheFirstEvent) {
  environment["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "http://127.0.0.1:2";
  ASSERT_EQ(make("events://orders"), Code::kOk);
  server.replies = {{200, {}, R"({"Name":"orders"})"}};
  EXPECT_EQ(start(), Code::kOk);
  EXPECT_EQ(server.requests.back().body, R"({"Name":"orders"})");
  EXPECT_EQ(server.requests.back().field("x-amz-target"), "AWSEvents.DescribeEventBus");
  server.replies = {{400, {}, R"({"__type":"ResourceNotFoundException","message":"no bus"})"}};
  EXPECT_EQ(start(), Code::kNoDestination);
  server.replies = {{400, {}, R"({"__type":"AccessDeniedException","message":"may not"})"}};
  EXPECT_EQ(start(), Code::kOk);  // who may put need not be one who may ask
  server.replies = {{403, {}, R"({"__type":"InvalidSignatureException"})"}};
  EXPECT_EQ(start(), Code::kBadCredentials);
}

TEST_F(EventBridge, FailuresAreToldByTheirPlaces) {
  ASSERT_EQ(make("events://b"), Code::kOk);
  for (size_t place = 0; place < 10; ++place) {
    std::string reply = R"({"FailedEntryCount":1,"Entries":[)";
    for (size_t i = 0; i < 10; ++i) {
      if (i != 0) reply += ',';
      reply +=
          i == place ? R"({"ErrorCode":"ThrottlingException","ErrorMessage":"slow \u00e4"})" : R"({"EventId":"e"})";
    }
    reply += "]}";
    for (const size_t step : {size_t{1}, size_t{3}, reply.size()}) {
      RecordingFates fates;
      ASSERT_TRUE(feed(*destination, reply, fates, step));
      ASSERT_EQ(fates.all.size(), 1u);
      EXPECT_EQ(fates.all[0], (RecordingFates::Failed{By::kPlace, place, MessageFailure::kThrottled,
                                                      "ThrottlingException", "slow ä"}));
    }
    for (size_t bytes = 0; bytes < reply.size(); ++bytes) {
      RecordingFates fates;
      EXPECT_FALSE(feed(*destination, std::string_view(reply).substr(0, bytes), fates, 1));
    }
  }
}

TEST_F(EventBridge, WhatAnErrorOfAnEntryMeans) {
  ASSERT_EQ(make("events://b"), Code::kOk);
  RecordingFates fates;
  ASSERT_TRUE(feed(
      *destination,
      R"({"Entries":[{"ErrorCode":"InternalFailure"},{"ErrorCode":"MalformedDetail","ErrorMessage":"no JSON"},)"
      R"({"ErrorCode":"AccessDeniedException"},{"EventId":"e","ErrorCode":null},{"ErrorCode":"New"}],"Entries2":[{"ErrorCode":"x"}]})",
      fates, 1));
  ASSERT_EQ(fates.all.size(), 4u);
  EXPECT_EQ(fates.all[0].failure, MessageFailure::kTransient);
  EXPECT_EQ(fates.all[1].failure, MessageFailure::kRefused);
  EXPECT_EQ(fates.all[2].failure, MessageFailure::kFatal);
  EXPECT_EQ(fates.all[3], (RecordingFates::Failed{By::kPlace, 4, MessageFailure::kRefused, "New", ""}));
}

TEST_F(EventBridge, WhatRepliesMean) {
  ASSERT_EQ(make("events://b"), Code::kOk);
  EXPECT_EQ(judge(400, R"({"__type":"ValidationException","message":"too large"})"), FailureClass::kFatal);
  EXPECT_TRUE(request->refused());
  EXPECT_EQ(judge(400, R"({"__type":"ThrottlingException"})"), FailureClass::kThrottling);
  EXPECT_FALSE(request->refused());
  EXPECT_EQ(judge(413, "RequestEntityTooLarge"), FailureClass::kFatal);
  EXPECT_TRUE(request->refused());
  EXPECT_EQ(judge(500, ""), FailureClass::kTransient);
  EXPECT_EQ(judge(200, ""), FailureClass::kNone);
}

}  // namespace
}  // namespace weir

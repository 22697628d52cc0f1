#include "delivery/sns.hpp"

#include "testing/destination_testing.hpp"

namespace weir {
namespace {

using testing::RecordingFates;
using By = RecordingFates::By;

constexpr const char* kTopic = "sns://arn:aws:sns:eu-central-1:123456789012:orders";
constexpr const char* kFifo = "sns://123456789012/orders.fifo";

class Sns : public testing::DestinationTest {};

TEST_F(Sns, AWholeRequest) {
  ASSERT_EQ(make(kTopic), Code::kOk);
  ASSERT_EQ(start(), Code::kOk);
  EXPECT_TRUE(server.requests.empty());  // the ARN says it all
  const std::string text = whole({R"({"a":1})", "x y&z=ä"});
  EXPECT_EQ(text,
            "Action=PublishBatch&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A123456789012%3Aorders"
            "&PublishBatchRequestEntries.member.1.Id=000000000000000"
            "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name=weir-id"
            "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.DataType=String"
            "&PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Value.StringValue=id-0"
            "&PublishBatchRequestEntries.member.1.Message=%7B%22a%22%3A1%7D"
            "&PublishBatchRequestEntries.member.2.Id=000000000000001"
            "&PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Name=weir-id"
            "&PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Value.DataType=String"
            "&PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Value.StringValue=id-1"
            "&PublishBatchRequestEntries.member.2.Message=x%20y%26z%3D%C3%A4");
  const HttpRequest sent = made(text);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url.host, "sns.eu-central-1.amazonaws.com");
  EXPECT_EQ(field(sent, "Content-Type"), "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(field(sent, "X-Amz-Target"), "none");
  EXPECT_NE(field(sent, "Authorization").find("/sns/aws4_request"), std::string::npos);
}

TEST_F(Sns, AnEntryIsOfOneSizeAtEveryPlace) {
  for (const char* address : {kTopic, kFifo}) {
    ASSERT_EQ(make(address), Code::kOk);
    for (const uint32_t index : {0u, 7u, 10u, 99'999u, 4'294'967'295u}) {
      const std::string first = encode(".Message=&x", index);
      std::string text = first;
      for (const uint32_t place : {9u, 0u, 8u, 9u, 3u}) {
        ASSERT_EQ(destination->renumber(text, place), first.size());
        const std::string member = "&PublishBatchRequestEntries.member." + std::to_string(place + 1) + ".";
        size_t fields = 0;
        for (size_t at = text.find(member); at != std::string::npos; at = text.find(member, at + 1)) ++fields;
        EXPECT_EQ(fields, address == kTopic ? 5u : 4u);
        EXPECT_TRUE(text.ends_with(".Message=.Message%3D%26x"));
        const size_t id = text.find(".Id=") + 4;
        EXPECT_EQ(index_of(text.substr(id, text.find('&', id) - id)), index);
      }
      (void)destination->renumber(text, 0);
      EXPECT_EQ(text, first);
    }
  }
}

TEST_F(Sns, AFifoTopicGetsGroupAndDeduplicationId) {
  ASSERT_EQ(make(kFifo), Code::kOk);
  EXPECT_EQ(destination->key_rule(), KeyRule::kInOrder);
  EXPECT_EQ(
      encode("{}"),
      "&PublishBatchRequestEntries.member.1.Id=00000000000000&PublishBatchRequestEntries.member.1.MessageGroupId=weir"
      "&PublishBatchRequestEntries.member.1.MessageDeduplicationId=id-0&PublishBatchRequestEntries.member.1.Message=%"
      "7B%7D");
  EXPECT_EQ(encoded.counted, 2u);
  const uint64_t one_group = encoded.key;

  options.key = {"k"};
  ASSERT_EQ(make(kFifo), Code::kOk);
  EXPECT_NE(encode(R"({"k":"a&b"})").find("MessageGroupId=a%26b&"), std::string::npos);
  EXPECT_NE(encoded.key, one_group);
  const std::string hashed = encode(R"({"k":"a b"})");  // a blank: none of a group's characters
  EXPECT_NE(hashed.find("MessageGroupId=c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65&"),
            std::string::npos)
      << hashed;
  EXPECT_NE(encode("{\"k\":\"" + std::string(128, '~') + "\"}").find("MessageGroupId=~~~"), std::string::npos);
  const std::string longest = encode("{\"k\":\"" + std::string(128, '%') + "\"}");
  std::string moved = longest;
  EXPECT_EQ(destination->renumber(moved, 9), longest.size());
  EXPECT_EQ(encode(R"({"j":1})"), "");
  EXPECT_EQ(error.code, Code::kNotSendable);
}

TEST_F(Sns, WhatItTakesAndHowItCounts) {
  ASSERT_EQ(make(kTopic), Code::kOk);
  EXPECT_EQ(destination->limits().messages_max, 10u);
  EXPECT_EQ(destination->limits().message_bytes_max, 262'144u);
  EXPECT_EQ(destination->limits().request_bytes_max, 262'144u);
  (void)encode("ä\n");
  EXPECT_EQ(encoded.counted, 3 + std::string_view("weir-idStringid-0").size());
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(error.code, Code::kNotSendable);
  EXPECT_EQ(encode("a\xff"), "");
  EXPECT_EQ(error.code, Code::kBadUtf8);
  EXPECT_NE(encode(std::string("\0\r\n\x7f", 4)).find("Message=%00%0D%0A%7F"), std::string::npos);
}

TEST_F(Sns, WhatDoesNotFitIsTold) {
  ASSERT_EQ(make(kTopic), Code::kOk);
  const std::string text(50, '"');
  const size_t bytes = encode(text).size();
  EXPECT_EQ(encode(text, 0, "id-0", bytes + Destination::kSlack).size(), bytes);
  for (const size_t room : {bytes + Destination::kSlack - 1, bytes, size_t{100}, size_t{10}, size_t{0}}) {
    EXPECT_EQ(encode(text, 0, "id-0", room), "");
    EXPECT_TRUE(error.ok());
    EXPECT_EQ(encoded.bytes, 0u);
  }
}

TEST_F(Sns, NamesOfTopics) {
  for (const char* bad :
       {"sns://", "sns://a b", "sns://.fifo", "sns:///t", "sns://12/t", "sns://123456789012/", "sns://t/u",
        "sns://arn:aws:sns:eu-central-1::t", "sns://arn:aws:sns::123456789012:t",
        "sns://arn:aws:sqs:eu-central-1:123456789012:t", "sns://arn:aws:sns:eu-central-1:123456789012:t:sub"}) {
    EXPECT_EQ(make(bad), Code::kBadUrl) << bad;
  }
  EXPECT_EQ(make("sns://" + std::string(257, 't')), Code::kBadUrl);
  EXPECT_EQ(make("sns://" + std::string(251, 't') + ".fifo"), Code::kOk);
  EXPECT_EQ(make("sns://" + std::string(252, 't') + ".fifo"), Code::kBadUrl);
  options.key = {"k"};
  EXPECT_EQ(make("sns://t"), Code::kContradiction);
  options.key.clear();
  ASSERT_EQ(make("sns://arn:aws:sns:us-east-1:123456789012:t"), Code::kOk);
  EXPECT_EQ(start(), Code::kBadUrl);
}

TEST_F(Sns, ATopicOfTheCallersAccountIsFoundByAskingWhoThatIs) {
  environment["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:2";
  server.replies = {
      {200,
       {},
       "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
       "<Arn>arn:aws:sts::210987654321:assumed-role/r/s</Arn><UserId>A</UserId><Account>210987654321</Account>"
       "</GetCallerIdentityResult></GetCallerIdentityResponse>"}};
  const struct {
    const char* region;
    const char* partition;
  } cases[] = {{"eu-central-1", "aws"},
               {"cn-north-1", "aws-cn"},
               {"us-gov-west-1", "aws-us-gov"},
               {"us-isob-east-1", "aws-iso-b"}};
  for (const auto& c : cases) {
    session.aws.endpoint.region = c.region;
    ASSERT_EQ(make("sns://orders"), Code::kOk);
    ASSERT_EQ(start(), Code::kOk) << words();
    ASSERT_EQ(start(), Code::kOk);  // again, as a resumed run does: it is known
    const std::string arn = std::string("arn%3A") + c.partition + "%3Asns%3A" + c.region + "%3A210987654321%3Aorders";
    EXPECT_NE(whole({"x"}).find("&TopicArn=" + arn + "&"), std::string::npos) << whole({"x"});
  }
  ASSERT_EQ(server.requests.size(), 4u);
  EXPECT_EQ(server.requests[0].body, "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_NE(server.requests[0].field("authorization").find("/eu-central-1/sts/aws4_request"), std::string::npos);
}

TEST_F(Sns, WhatIsNoAnswerToThatQuestion) {
  environment["AWS_ENDPOINT_URL_STS"] = "http://127.0.0.1:2";
  ASSERT_EQ(make("sns://orders"), Code::kOk);
  for (const char* text : {"", "<html>", "<GetCallerIdentityResponse><Account>12</Account></GetCallerIdentityResponse>",
                           "<Other><Account>210987654321</Account></Other>"}) {
    server.replies = {{200, {}, text}};
    EXPECT_EQ(start(), Code::kBadReply) << text;
  }
  server.replies = {
      {403,
       {},
       "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>"}};
  EXPECT_EQ(start(), Code::kBadCredentials);
  EXPECT_EQ(words(), "sts: InvalidClientTokenId: no");
}

std::string reply_of(const std::string& failed) {
  return "<?xml version=\"1.0\"?>\n<PublishBatchResponse "
         "xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult><Failed>" +
         failed +
         "</Failed><Successful><member><Id>3</Id><MessageId>m</MessageId></member></Successful></PublishBatchResult>"
         "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishBatchResponse>";
}
std::string failed(const std::string& id, const std::string& code, bool fault) {
  return "<member><Code>" + code + "</Code><Message>m &amp; n</Message><Id>" + id + "</Id><SenderFault>" +
         (fault ? "true" : "false") + "</SenderFault></member>";
}

TEST_F(Sns, FailuresAreToldByTheirIds) {
  ASSERT_EQ(make(kTopic), Code::kOk);
  for (uint64_t place = 0; place < 10; ++place) {
    RecordingFates fates;
    ASSERT_TRUE(
        feed(*destination, reply_of(failed("00000000000000" + std::to_string(place), "InternalError", false)), fates));
    ASSERT_EQ(fates.all.size(), 1u);
    EXPECT_EQ(fates.all[0],
              (RecordingFates::Failed{By::kIndex, place, MessageFailure::kTransient, "InternalError", "m & n"}));
  }
  RecordingFates fates;
  ASSERT_TRUE(
      feed(*destination,
           reply_of(failed("1", "Throttling", false) + failed("2", "InternalError", true) + failed("x", "What", true) +
                    failed("4", "AuthorizationError", true) + failed("5", "NotFound", true)),
           fates));
  ASSERT_EQ(fates.all.size(), 5u);
  EXPECT_EQ(fates.all[0].failure, MessageFailure::kThrottled);
  EXPECT_EQ(fates.all[1].failure, MessageFailure::kRefused);
  EXPECT_EQ(fates.all[2].which, ~uint64_t{0});
  EXPECT_EQ(fates.all[2].failure, MessageFailure::kRefused);
  RecordingFates none;
  EXPECT_TRUE(feed(*destination, reply_of(""), none));
  EXPECT_TRUE(none.all.empty());
}

TEST_F(Sns, AReplyThatIsCutOrAnothersIsNotBelieved) {
  ASSERT_EQ(make(kTopic), Code::kOk);
  const std::string reply = reply_of(failed("1", "InternalError", false));
  for (size_t bytes = 0; bytes < reply.size(); ++bytes) {
    RecordingFates fates;
    EXPECT_FALSE(feed(*destination, reply.substr(0, bytes), fates)) << bytes;
  }
  for (const char* text :
       {"<PublishResponse/>", "{}", "ok", "<a><PublishBatchResponse/></a>", "<!DOCTYPE x><PublishBatchResponse/>"}) {
    RecordingFates fates;
    EXPECT_FALSE(feed(*destination, text, fates)) << text;
  }
}

TEST_F(Sns, WhatRepliesMean) {
  ASSERT_EQ(make(kTopic), Code::kOk);
  const struct {
    unsigned status;
    const char* code;
    FailureClass failure;
    Code ours;
    bool refused;
  } cases[] = {
      {400, "InvalidParameter", FailureClass::kFatal, Code::kRequestRefused, true},
      {400, "BatchRequestTooLong", FailureClass::kFatal, Code::kRequestRefused, true},
      {400, "Throttling", FailureClass::kThrottling, Code::kThrottled, false},
      {429, "Throttled", FailureClass::kThrottling, Code::kThrottled, false},
      {500, "InternalError", FailureClass::kTransient, Code::kServerError, false},
      {403, "AuthorizationError", FailureClass::kFatal, Code::kAccessDenied, false},
      {404, "NotFound", FailureClass::kFatal, Code::kNoDestination, false},
  };
  for (const auto& c : cases) {
    const std::string text = std::string("<ErrorResponse><Error><Type>Sender</Type><Code>") + c.code +
                             "</Code><Message>why</Message></Error></ErrorResponse>";
    EXPECT_EQ(judge(c.status, text), c.failure) << c.code;
    EXPECT_EQ(error.code, c.ours) << c.code;
    EXPECT_EQ(request->refused(), c.refused) << c.code;
    EXPECT_EQ(words(), std::string("sns: ") + c.code + ": why");
  }
  EXPECT_EQ(request->throttled(), 2u);
  EXPECT_EQ(judge(200, ""), FailureClass::kNone);
}

}  // namespace
}  // namespace weir

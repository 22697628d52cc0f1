#include "delivery/kinesis.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "delivery/delivery_testing.hpp"
#include "hash/hex.hpp"

namespace weir {
namespace {

using testing::feed;
using testing::RecordingFates;

class Kinesis : public ::testing::Test {
 protected:
  Kinesis() {
    options_.address = "kinesis://clicks";
    options_.environment = [](std::string_view) { return std::string_view{}; };
    options_.aws = &session_;
    session_.aws.endpoint.region = "eu-central-1";
  }
  void make() {
    auto made = destination_kind(options_.address)->make(options_);
    ASSERT_TRUE(made) << made.error().detail.view();
    kinesis_ = std::move(*made);
  }
  Code refused() {
    const auto made = KinesisDestination::make(options_);
    return made ? Code::kOk : made.error().code;
  }
  Result<EncodedMessage> encode(std::string_view text, size_t room = 1 << 20) {
    room_.assign(room, '#');
    const Message message = {.text = text, .id = "0123abcd-7", .source = {}, .place = {}, .size = 0};
    return kinesis_->encode(message, 3, room_);
  }
  std::string encoded(std::string_view text) {
    const auto made = encode(text);
    return made ? std::string(room_.data(), made->bytes) : std::string(made.error().detail.view());
  }

  DestinationOptions options_;
  AwsSession session_;
  std::unique_ptr<Destination> kinesis_;
  std::vector<char> room_;
};

TEST_F(Kinesis, ARecordIsItsTextInBase64SpreadByItsId) {
  make();
  EXPECT_EQ(encoded(R"({"a":1})"), R"({"Data":"eyJhIjoxfQ==","PartitionKey":"0123abcd-7"})");
  EXPECT_EQ(encoded("\xff\n\""), R"({"Data":"/woi","PartitionKey":"0123abcd-7"})");
  EXPECT_EQ(encoded(""), R"({"Data":"","PartitionKey":"0123abcd-7"})");
}

TEST_F(Kinesis, TheFrameNamesTheStreamOrItsArn) {
  char room[Destination::kFrameBytesMax];
  make();
  EXPECT_EQ(kinesis_->begin({}, room), R"({"StreamName":"clicks","Records":[)");
  EXPECT_EQ(kinesis_->end({}, room), "]}");
  options_.address = "kinesis://arn:aws:kinesis:eu-central-1:123456789012:stream/clicks";
  make();
  EXPECT_EQ(kinesis_->begin({}, room),
            R"({"StreamARN":"arn:aws:kinesis:eu-central-1:123456789012:stream/clicks","Records":[)");
}

TEST_F(Kinesis, ThePartitionKeyIsTheKeysValues) {
  options_.key = {"user", "n"};
  make();
  EXPECT_EQ(encoded(R"({"n":2,"user":"a\"b"})"), R"({"Data":"eyJuIjoyLCJ1c2VyIjoiYVwiYiJ9","PartitionKey":"a\"b|2"})");
  options_.key = {"user"};
  make();
  EXPECT_NE(encoded(R"({"user":"\u0000"})").find(R"("PartitionKey":"\u0000"})"), std::string::npos);
  EXPECT_EQ(encode(R"({"n":2})").error().code, Code::kNotSendable);
  EXPECT_EQ(encode("text").error().code, Code::kNotSendable);
  EXPECT_EQ(encode("{\"user\":\"\xff\"}").error().code, Code::kBadUtf8);
}

TEST_F(Kinesis, AKeyThatIsNoneGoesByItsHash) {
  options_.key = {"u"};
  make();
  const auto partition = [&](const std::string& key) {
    const std::string whole = encoded("{\"u\":\"" + key + "\"}");
    const size_t at = whole.find("PartitionKey\":\"") + 15;
    return whole.substr(at, whole.size() - 2 - at);
  };
  const auto repeated = [](std::string_view text, size_t times) {
    std::string whole;
    for (size_t i = 0; i < times; ++i) whole += text;
    return whole;
  };
  EXPECT_EQ(partition(""), sha256_hex("").view());
  for (const std::string_view character : {"x", "é", "€"}) {
    EXPECT_EQ(partition(repeated(character, 256)), repeated(character, 256));
    EXPECT_EQ(partition(repeated(character, 257)), sha256_hex(repeated(character, 257)).view());
  }
  EXPECT_EQ(partition(repeated("😀", 128)), repeated("😀", 128));
  EXPECT_EQ(partition(repeated("😀", 129)), sha256_hex(repeated("😀", 129)).view());
}

TEST_F(Kinesis, DataAndKeyAreCountedAsTheyAreBeforeBase64) {
  make();
  EXPECT_EQ(encode("abcd")->counted, 14u);
  options_.key = {"u"};
  make();
  EXPECT_EQ(encode(R"({"u":"é"})")->counted, 10u + 2u);
  EXPECT_EQ(kinesis_->limits().messages_max, 500u);
  EXPECT_EQ(kinesis_->limits().message_bytes_max, 10'485'760u);
  EXPECT_EQ(kinesis_->limits().request_bytes_max, 10'485'760u);
  EXPECT_EQ(kinesis_->key_rule(), KeyRule::kNone);
}

TEST_F(Kinesis, WhatDoesNotFitIsToldAtEachSizeOfTheRoom) {
  make();
  const std::string whole = encoded("some text");
  for (size_t room = 0; room < whole.size() + Destination::kSlack + 2; ++room) {
    const auto made = encode("some text", room);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->counted, 19u);
    if (room < whole.size() + Destination::kSlack) {
      EXPECT_EQ(made->bytes, 0u) << room;
    } else {
      EXPECT_EQ(std::string_view(room_.data(), made->bytes), whole);
    }
  }
}

TEST_F(Kinesis, AddressesThatAreNoneAreRefused) {
  for (const char* address : {"kinesis://", "kinesis://a/b", "kinesis://a b", "kinesis://arn:aws:kinesis:r:1:stream",
                              "kinesis://arn:aws:kinesis:r:1:stream/", "kinesis://arn:aws:kinesis::1:stream/a",
                              "kinesis://arn:aws:sqs:r:1:stream/a"}) {
    options_.address = address;
    EXPECT_EQ(refused(), Code::kBadUrl) << address;
  }
  options_.address = "kinesis://" + std::string(129, 'a');
  EXPECT_EQ(refused(), Code::kBadUrl);
  options_.address = "kinesis://" + std::string(128, 'a');
  EXPECT_EQ(refused(), Code::kOk);
  options_.json = false;
  EXPECT_EQ(refused(), Code::kOk);
  options_.key = {"u"};
  EXPECT_EQ(refused(), Code::kContradiction);
}

TEST_F(Kinesis, AStreamOfAnotherRegionIsRefusedBeforeTheRun) {
  std::vector<char> room(HttpCall::memory_max());
  HttpCall call(session_, room);
  options_.address = "kinesis://arn:aws:kinesis:eu-west-1:123456789012:stream/clicks";
  make();
  EXPECT_EQ(kinesis_->start(call).error().code, Code::kBadUrl);
  session_.aws.endpoint.region = "eu-west-1";
  EXPECT_TRUE(kinesis_->start(call));
}

TEST_F(Kinesis, TheReplyTellsOfEachRecordByItsPlace) {
  make();
  const std::string taken = R"({"SequenceNumber":"1","ShardId":"shardId-0","ErrorCode":null})";
  for (size_t failed = 0; failed < 4; ++failed) {
    std::string reply = R"({"EncryptionType":"KMS","FailedRecordCount":1,"Records":[)";
    for (size_t i = 0; i < 4; ++i) {
      reply += i != 0 ? "," : "";
      reply +=
          i != failed
              ? taken
              : R"({"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"Rate \"x\"","Other":["ErrorCode"]})";
    }
    for (const size_t step : {1, 7, 1000}) {
      RecordingFates fates(4);
      ASSERT_TRUE(feed(*kinesis_, reply + "]}", fates, step));
      const RecordingFates::Failed expected = {RecordingFates::By::kPlace, failed, MessageFailure::kThrottled,
                                               "ProvisionedThroughputExceededException", "Rate \"x\""};
      EXPECT_EQ(fates.all, std::vector{expected});
    }
  }
}

TEST_F(Kinesis, FailuresAreSortedByTheirCode) {
  make();
  RecordingFates fates(1);
  ASSERT_TRUE(feed(
      *kinesis_,
      R"({"Records":[{"ErrorMessage":"m","ErrorCode":"InternalFailure"},{"ErrorCode":"x"},{},7,[{"ErrorCode":"no"}]]})",
      fates));
  ASSERT_EQ(fates.all.size(), 2u);  // places that are not there are passed on: whoever sent knows how many there were
  EXPECT_EQ(fates.all[0], (RecordingFates::Failed{RecordingFates::By::kPlace, 0, MessageFailure::kTransient,
                                                  "InternalFailure", "m"}));
  EXPECT_EQ(fates.all[1], (RecordingFates::Failed{RecordingFates::By::kPlace, 1, MessageFailure::kRefused, "x", ""}));
}

}  // namespace
}  // namespace weir

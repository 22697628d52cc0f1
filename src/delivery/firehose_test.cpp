#include "delivery/firehose.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "delivery/delivery_testing.hpp"

namespace weir {
namespace {

using testing::feed;
using testing::RecordingFates;

class Firehose : public ::testing::Test {
 protected:
  Firehose() {
    options_.address = "firehose://lake";
    options_.environment = [](std::string_view) { return std::string_view{}; };
    options_.aws = &session_;
    auto made = destination_kind(options_.address)->make(options_);
    firehose_ = std::move(*made);
  }
  Result<EncodedMessage> encode(std::string_view text, size_t room = 1 << 20) {
    room_.assign(room, '#');
    return firehose_->encode({.text = text, .id = "0123abcd-7", .source = {}, .place = {}, .size = 0}, 3, room_);
  }
  std::string encoded(std::string_view text) {
    const size_t bytes = encode(text)->bytes;
    return {room_.data(), bytes};
  }

  DestinationOptions options_;
  AwsSession session_;
  std::unique_ptr<Destination> firehose_;
  std::vector<char> room_;
};

TEST_F(Firehose, ARecordIsItsTextWithALineFeedInBase64) {
  EXPECT_EQ(encoded(""), R"({"Data":"Cg=="})");
  EXPECT_EQ(encoded("a"), R"({"Data":"YQo="})");
  EXPECT_EQ(encoded("ab"), R"({"Data":"YWIK"})");
  EXPECT_EQ(encoded("abc"), R"({"Data":"YWJjCg=="})");
  EXPECT_EQ(encoded("{\"a\":\"\xff\"}"), R"({"Data":"eyJhIjoi/yJ9Cg=="})");
}

TEST_F(Firehose, TheFrameNamesTheStream) {
  char room[Destination::kFrameBytesMax];
  EXPECT_EQ(firehose_->begin({}, room), R"({"DeliveryStreamName":"lake","Records":[)");
  EXPECT_EQ(firehose_->end({}, room), "]}");
}

TEST_F(Firehose, LimitsAreOfWhatIsBeforeBase64) {
  EXPECT_EQ(encode("abcd")->counted, 5u);
  EXPECT_EQ(firehose_->limits().messages_max, 500u);
  EXPECT_EQ(firehose_->limits().message_bytes_max, 1'024'000u);
  EXPECT_EQ(firehose_->limits().request_bytes_max, 4'194'304u);
}

TEST_F(Firehose, WhatDoesNotFitIsToldAtEachSizeOfTheRoom) {
  for (const std::string_view text : {"", "a", "ab", "abc", "some text"}) {
    const std::string whole = encoded(text);
    for (size_t room = 0; room < whole.size() + Destination::kSlack + 2; ++room) {
      const auto made = encode(text, room);
      ASSERT_TRUE(made);
      EXPECT_EQ(made->counted, text.size() + 1);
      EXPECT_EQ(made->bytes, room < whole.size() + Destination::kSlack ? 0 : whole.size()) << room;
    }
  }
}

TEST_F(Firehose, AddressesAndKeysThatItHasNotAreRefused) {
  for (const std::string& address :
       {std::string("firehose://"), std::string("firehose://a/b"), "firehose://" + std::string(65, 'a'),
        std::string("firehose://arn:aws:firehose:r:1:deliverystream/a")}) {
    options_.address = address;
    EXPECT_EQ(FirehoseDestination::make(options_).error().code, Code::kBadUrl) << address;
  }
  options_.address = "firehose://lake";
  options_.key = {"a"};
  EXPECT_EQ(FirehoseDestination::make(options_).error().code, Code::kContradiction);
}

TEST_F(Firehose, TheReplyTellsOfEachRecordByItsPlace) {
  for (size_t failed = 0; failed < 3; ++failed) {
    std::string reply = R"({"FailedPutCount":1,"Encrypted":false,"RequestResponses":[)";
    for (size_t i = 0; i < 3; ++i) {
      reply += i != 0 ? "," : "";
      reply += i != failed ? R"({"RecordId":"abc"})"
                           : R"({"ErrorCode":"ServiceUnavailableException","ErrorMessage":"Slow down."})";
    }
    RecordingFates fates(3);
    ASSERT_TRUE(feed(*firehose_, reply + "]}", fates));
    const RecordingFates::Failed expected = {RecordingFates::By::kPlace, failed, MessageFailure::kTransient,
                                             "ServiceUnavailableException", "Slow down."};
    EXPECT_EQ(fates.all, std::vector{expected});
  }
}

}  // namespace
}  // namespace weir

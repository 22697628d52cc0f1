#include "event/event.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "event/batch_response.hpp"
#include "event/event_objects.hpp"
#include "event/event_samples.hpp"

namespace weir {
namespace {

using namespace testing;

Event read_event(std::string_view text) {
  const Result<Event> event = Event::read(text);
  EXPECT_TRUE(event) << event.error().detail.view() << "\n" << text;
  return event ? *event : Event();
}

/// Objects as "entry bucket/key@version size event", bad entries as "entry !what", and the count of what was skipped.
std::vector<std::string> objects(const std::string& text, std::string_view default_bucket = {}) {
  const Event event = read_event(text);
  EventObjects objects(event, default_bucket);
  std::vector<std::string> found;
  EventObject object;
  Error error;
  while (true) {
    const EventObjects::Next next = objects.next(object, error);
    if (next == EventObjects::Next::kEnd) break;
    if (next == EventObjects::Next::kBadEntry) {
      EXPECT_EQ(error.code, Code::kBadEntry);
      found.push_back(std::to_string(error.record) + " !" + std::string(error.detail.view()));
      continue;
    }
    std::string line = std::to_string(object.entry) + " " + std::string(object.bucket.view()) + "/";
    line += object.key.view();
    if (!object.version.empty()) line.append("@").append(object.version.view());
    if (object.size != kNoOffset) line.append(" ").append(std::to_string(object.size));
    if (!object.event_name.empty()) line.append(" ").append(object.event_name.view());
    found.push_back(line);
  }
  if (objects.skipped() != 0) found.push_back("skipped " + std::to_string(objects.skipped()));
  return found;
}
using Lines = std::vector<std::string>;

std::string response(const std::string& text, const std::vector<uint8_t>& failed, size_t room_bytes = 7) {
  const Event event = read_event(text);
  BatchResponse response(event, failed);
  std::string out;
  while (true) {
    std::vector<char> room(room_bytes);
    size_t produced = 0;
    const Step step = response.step(room, produced);
    out.append(room.data(), produced);
    if (step == Step::kFinished) return out;
    EXPECT_EQ(produced, room.size());
  }
}

TEST(Event, a_notification_of_s3_is_one) {
  const std::string text = s3_event(s3_record("b", "in/a+b%2Bc%C3%A9.csv.gz"));
  const Event event = read_event(text);
  EXPECT_EQ(event.kind(), EventKind::kS3);
  EXPECT_EQ(event.entries(), 1u);
  EXPECT_EQ(event.id(), "C3D13FE58DE4C810-0055AED6DCD90281E5");
  EXPECT_EQ(event.time_ns(), 1'700'000'000'123'000'000u);
  EXPECT_EQ(event.names_objects(), NamesObjects::kAll);
  EXPECT_EQ(event.source_arn(), "");
  EXPECT_FALSE(event.is_fifo());
  EXPECT_EQ(objects(text), Lines{"0 b/in/a b+c\xc3\xa9.csv.gz@v1 1024 ObjectCreated:Put"});
}

TEST(Event, a_test_message_of_s3_names_no_object) {
  const Event event = read_event(kS3TestEvent);
  EXPECT_EQ(event.kind(), EventKind::kS3Test);
  EXPECT_EQ(event.names_objects(), NamesObjects::kAll);
  EXPECT_EQ(objects(std::string(kS3TestEvent)), Lines{});
}

TEST(Event, sqs_messages_are_told_and_counted) {
  const std::string text = sqs_event({sqs_record("m-1", "hello"), sqs_record("m-2", "{}")});
  const Event event = read_event(text);
  EXPECT_EQ(event.kind(), EventKind::kSqs);
  EXPECT_EQ(event.entries(), 2u);
  EXPECT_EQ(event.id(), "m-1");
  EXPECT_EQ(event.source_arn(), "arn:aws:sqs:eu-west-1:123456789012:jobs");
  EXPECT_FALSE(event.is_fifo());
  EXPECT_EQ(event.time_ns(), 1'545'082'649'183'000'000u);
  EXPECT_EQ(event.names_objects(), NamesObjects::kNone);
}

TEST(EventObjects, are_found_in_sqs_sns_and_eventbridge_in_each_other) {
  const std::string s3 = s3_event(s3_record("b", "k+1"));
  const Lines one{"0 b/k 1@v1 1024 ObjectCreated:Put"};
  EXPECT_EQ(objects(sqs_event({sqs_record("m", s3)})), one);
  EXPECT_EQ(objects(sqs_event({sqs_record("m", sns_envelope(s3))})), one);
  EXPECT_EQ(objects(sns_event(s3)), one);
  const Lines bridged{"0 b/k+1%20\xc3\xa9@v2 5 PutObject"};
  const std::string bridge = bridge_event("b", "k+1%20\xc3\xa9");
  EXPECT_EQ(objects(bridge), bridged);
  EXPECT_EQ(objects(sqs_event({sqs_record("m", bridge)})), bridged);
  EXPECT_EQ(objects(sqs_event({sqs_record("m", sns_envelope(bridge))})), bridged);
  EXPECT_EQ(objects(sns_event(bridge)), bridged);
  EXPECT_EQ(read_event(sqs_event({sqs_record("m", sns_envelope(s3)), sqs_record("n", bridge)})).names_objects(),
            NamesObjects::kAll);
}

TEST(EventObjects, an_entry_that_is_none_is_an_error_of_its_own) {
  const std::string text = sqs_event({sqs_record("m", s3_event(s3_record("b", "k"))), sqs_record("m", "hello"),
                                      sqs_record("m", s3_event(s3_record("b", "%zz") + "," + s3_record("b", "l")))});
  EXPECT_EQ(objects(text), (Lines{"0 b/k@v1 1024 ObjectCreated:Put", "1 !it names no S3 object",
                                  "2 !its key has a broken %-escape", "2 b/l@v1 1024 ObjectCreated:Put"}));
  EXPECT_EQ(read_event(text).names_objects(), NamesObjects::kSome);
}

TEST(EventObjects, what_is_deleted_or_a_folders_marker_is_skipped_and_counted) {
  const std::string removed = s3_record("b", "k", "ObjectRemoved:Delete");
  EXPECT_EQ(objects(s3_event(removed)), Lines{"skipped 1"});
  EXPECT_EQ(objects(sqs_event({sqs_record("m", s3_event(removed + "," + s3_record("b", "x")))})),
            (Lines{"0 b/x@v1 1024 ObjectCreated:Put", "skipped 1"}));
  EXPECT_EQ(objects(s3_event(s3_record("b", "folder/", "ObjectCreated:Put", "0"))), Lines{"skipped 1"});
  EXPECT_EQ(objects(sqs_event({sqs_record("m", kS3TestEvent)})), Lines{});
  EXPECT_EQ(read_event(sqs_event({sqs_record("m", kS3TestEvent)})).names_objects(), NamesObjects::kAll);
}

TEST(EventObjects, keys_of_strangers_are_bounded) {
  const auto key = [](const std::string& encoded) { return objects(s3_event(s3_record("b", encoded))).at(0); };
  EXPECT_EQ(key(""), "0 !it names no key");
  EXPECT_EQ(key(std::string(1025, 'k')), "0 !its key is longer than 1024 bytes");
  EXPECT_EQ(key("%FF"), "0 !its key is not UTF-8");
  EXPECT_EQ(key("a%00b"), "0 !its key is not UTF-8");
  EXPECT_EQ(key("a%"), "0 !its key has a broken %-escape");
  EXPECT_EQ(key("a%2"), "0 !its key has a broken %-escape");
  std::string longest;
  for (int i = 0; i < 1024; ++i) longest += "%6b";
  EXPECT_EQ(key(longest).size(), std::string("0 b/@v1 1024 ObjectCreated:Put").size() + 1024);
  EXPECT_EQ(objects(s3_event(s3_record("../b", "k"))).at(0), "0 !its bucket's name is none");
  EXPECT_EQ(objects(s3_event(s3_record("", "k"))).at(0), "0 !it names no bucket");
  EXPECT_EQ(objects(s3_event(R"({"eventSource":"aws:s3"})")).at(0), "0 !it has no eventName");
}

TEST(EventObjects, of_a_direct_invocation) {
  EXPECT_EQ(objects(R"({"bucket":"b","key":"a+b%20c"})"), Lines{"0 b/a+b%20c"});
  EXPECT_EQ(objects(R"({"bucket":"b","key":"k","version":"v"})"), Lines{"0 b/k@v"});
  EXPECT_EQ(objects(R"({"url":"s3://b/in/k.csv"})"), Lines{"0 b/in/k.csv"});
  EXPECT_EQ(objects(R"({"url":"s3://b"})"), Lines{"0 !it names no key"});
  EXPECT_EQ(objects(R"({"url":"https://b/c"})"), Lines{"0 !it names no S3 object"});
  EXPECT_EQ(objects(R"({"Key":"k","Size":3,"Etag":"\"e\"","LastModified":1.0,"StorageClass":"STANDARD"})", "d"),
            Lines{"0 d/k 3"});
  EXPECT_EQ(objects(R"({"Key":"k","Size":3})"), Lines{"0 !it names no S3 object"});
  const std::string batch =
      R"({"Items":[{"Key":"f/","Size":0},{"Key":"k","Size":3},{"Key":""}],"BatchInput":{"bucket":"b"}})";
  EXPECT_EQ(objects(batch), (Lines{"1 b/k 3", "2 !it names no key", "skipped 1"}));
  EXPECT_EQ(read_event(batch).names_objects(), NamesObjects::kAll);
  EXPECT_EQ(read_event(batch).entries(), 3u);
  EXPECT_EQ(read_event(R"({"Items":[],"BatchInput":{"bucket":"b"}})").names_objects(), NamesObjects::kNone);
  EXPECT_EQ(objects(R"([{"bucket":"b","key":"1"},{"bucket":"b","key":"2"},3])"),
            (Lines{"0 b/1", "1 b/2", "2 !it names no S3 object"}));
  EXPECT_EQ(read_event("3").names_objects(), NamesObjects::kNone);
}

TEST(BatchResponse, sqs_lists_the_failed) {
  const std::string text = sqs_event({sqs_record("a", "1"), sqs_record("b", "2"), sqs_record("c\\u0064", "3")});
  for (const size_t room : {1, 7, 1000}) {
    EXPECT_EQ(response(text, {0, 0, 0}, room), R"({"batchItemFailures":[]})");
    EXPECT_EQ(response(text, {1, 0, 1}, room),
              R"({"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c\u0064"}]})");
  }
}

TEST(BatchResponse, a_fifo_queue_gets_back_what_follows_in_the_group) {
  const auto record = [](const char* id, const char* group) {
    return sqs_record(id, "1", std::string(",\"MessageGroupId\":\"") + group + "\"", "jobs.fifo");
  };
  const std::string text = sqs_event({record("a", "x"), record("b", "y"), record("c", "x"), record("d", "y")});
  EXPECT_EQ(response(text, {1, 0, 0, 0}), R"({"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]})");
  EXPECT_EQ(response(text, {0, 1, 0, 0}), R"({"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"d"}]})");
  EXPECT_EQ(response(text, {0, 0, 0, 1}), R"({"batchItemFailures":[{"itemIdentifier":"d"}]})");
  const std::string untold = sqs_event({sqs_record("a", "1", "", "jobs.fifo"), record("b", "y")});
  EXPECT_EQ(response(untold, {1, 0}), R"({"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]})");
}

TEST(BatchResponse, a_stream_goes_on_from_the_first_failure) {
  const std::string kinesis = kinesis_event({kinesis_record("111", "YQ=="), kinesis_record("222", "Yg==")});
  EXPECT_EQ(response(kinesis, {1, 1}), R"({"batchItemFailures":[{"itemIdentifier":"111"}]})");
  EXPECT_EQ(response(kinesis, {0, 1}), R"({"batchItemFailures":[{"itemIdentifier":"222"}]})");
  EXPECT_EQ(response(kinesis, {0, 0}), R"({"batchItemFailures":[]})");
  const std::string dynamo =
      dynamo_event({dynamo_record("333", R"("NewImage":{})"), dynamo_record("444", "\"Keys\":{}")});
  EXPECT_EQ(response(dynamo, {0, 1}), R"({"batchItemFailures":[{"itemIdentifier":"444"}]})");
}

TEST(BatchResponse, ten_thousand_ids_come_in_pieces) {
  std::vector<std::string> records;
  std::string expected = "{\"batchItemFailures\":[";
  for (int i = 0; i < 10000; ++i) {
    const std::string id = "059f36b4-87a3-44ab-83d2-" + std::to_string(i);
    records.push_back(sqs_record(id, "x"));
    expected += std::string(i == 0 ? "" : ",") + "{\"itemIdentifier\":\"" + id + "\"}";
  }
  EXPECT_EQ(response(sqs_event(records), std::vector<uint8_t>(10000, 1), 4096), expected + "]}");
}

TEST(Event, the_other_kinds_are_told) {
  const Event kinesis = read_event(kinesis_event({kinesis_record("111", "YQ==")}));
  EXPECT_EQ(kinesis.kind(), EventKind::kKinesis);
  EXPECT_EQ(kinesis.id(), "shardId-000000000006-111");
  EXPECT_EQ(kinesis.time_ns(), 1'545'084'650'987'000'000u);
  const Event dynamo = read_event(dynamo_event({dynamo_record("333", R"("NewImage":{})")}));
  EXPECT_EQ(dynamo.kind(), EventKind::kDynamoDb);
  EXPECT_EQ(dynamo.id(), "c4ca4238a0b923820dcc509a6f75849b");
  EXPECT_EQ(dynamo.time_ns(), 1'428'537'600'000'000'000u);
  const Event sns = read_event(sns_event("hello"));
  EXPECT_EQ(sns.kind(), EventKind::kSns);
  EXPECT_EQ(sns.id(), "95df01b4-ee98-5cb9-9903-4c221d41eb5e");
  EXPECT_EQ(sns.names_objects(), NamesObjects::kNone);
  const Event bridge = read_event(bridge_event("b", "k"));
  EXPECT_EQ(bridge.kind(), EventKind::kEventBridge);
  EXPECT_EQ(bridge.id(), "17793124-05d4-b198-2fde-7ededc63b103");
  EXPECT_EQ(bridge.time_ns(), 1'636'744'703'000'000'000u);
  const Event logs = read_event(R"({"awslogs":{"data":"H4sI"}})");
  EXPECT_EQ(logs.kind(), EventKind::kLogs);
  EXPECT_EQ(logs.id().size(), 32u);
  for (const char* text :
       {"{}", "3", "null", "\"x\"", R"({"Records":[]})", R"({"Records":[{"eventSource":"aws:ses"}]})"}) {
    const Event direct = read_event(text);
    EXPECT_EQ(direct.kind(), EventKind::kDirect);
    EXPECT_EQ(direct.entries(), 1u);
    EXPECT_EQ(direct.id(), "");
  }
  EXPECT_EQ(read_event("[]").entries(), 0u);
  EXPECT_EQ(read_event("[1,2, 3]").entries(), 3u);
}

TEST(Event, names_may_be_escaped_and_come_twice) {
  const std::string record = sqs_record("m", "x");
  const Event event = read_event("{\"Records\":[],\"\\u0052ecords\":[" + record + "]}");
  EXPECT_EQ(event.kind(), EventKind::kSqs);
  EXPECT_EQ(objects(R"({"bucket":"a","key":"k","bucket":"b"})"), Lines{"0 b/k"});
  EXPECT_EQ(objects(R"({"bucket":"b","key":"\ud83d\ude00\ud800"})"), Lines{"0 b/\xf0\x9f\x98\x80\xef\xbf\xbd"});
  EXPECT_EQ(objects(R"({"bucket":"b","key":"a\u0000"})"), Lines{"0 !its key is not UTF-8"});
}

TEST(Event, what_is_no_event_is_an_error_with_its_place) {
  const auto fault = [](const std::string& text) {
    const Result<Event> event = Event::read(text);
    EXPECT_FALSE(event) << text;
    return event ? Error() : event.error();
  };
  EXPECT_EQ(fault("").code, Code::kBadEvent);
  EXPECT_EQ(fault("{\"a\":01}").byte, 6u);
  EXPECT_EQ(fault("{} x").code, Code::kBadEvent);
  EXPECT_EQ(fault("{\"a\":\"\xff\"}").code, Code::kBadEvent);
  EXPECT_EQ(fault(std::string(65, '[') + std::string(65, ']')).detail.view(), "nested deeper than 64 levels");
  EXPECT_TRUE(Event::read(std::string(64, '[') + std::string(64, ']')));
  const Error entry = fault(sqs_event({sqs_record("m", "x"), R"({"eventSource":"aws:sqs","body":"x"})"}));
  EXPECT_EQ(entry.record, 1u);
  EXPECT_EQ(entry.detail.view(), "it has no messageId");
  EXPECT_EQ(fault(sqs_event({sqs_record("m", "x"), s3_record("b", "k")})).record, 1u);
  EXPECT_EQ(fault(sqs_event({sqs_record("m", "x"), "3"})).record, 1u);
  EXPECT_EQ(fault(sqs_event({sqs_record(std::string(129, 'm'), "x")})).detail.view(), "its id is too long");
  EXPECT_EQ(fault(R"({"Records":[{"eventSource":"aws:kinesis"}]})").detail.view(), "it has no sequenceNumber");
  EXPECT_EQ(fault(R"({"Records":[{"eventSource":"aws:dynamodb"}]})").detail.view(), "it has no SequenceNumber");
  EXPECT_EQ(fault(R"({"Records":[{"EventSource":"aws:sns"}]})").detail.view(), "it has no Message");
  EXPECT_EQ(fault(R"({"awslogs":{}})").code, Code::kBadEvent);
  EXPECT_EQ(fault(R"({"eventSource":"aws:kafka","records":{}})").code, Code::kEventNotTaken);
  EXPECT_EQ(fault(R"({"deliveryStreamArn":"a","records":[]})").code, Code::kEventNotTaken);
  EXPECT_EQ(fault(R"({"invocationSchemaVersion":"1.0","tasks":[]})").code, Code::kEventNotTaken);
}

}  // namespace
}  // namespace weir

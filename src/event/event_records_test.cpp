#include "event/event_records.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "event/event_objects.hpp"
#include "event/event_samples.hpp"
#include "format/json_escape.hpp"
#include "testing/measured_room.hpp"
#include "testing/source_dir.hpp"

namespace weir {
namespace {

using namespace testing;

/// Rooms of `room_bytes`, or of random sizes when it is 0. A failure is "!code detail" behind what was written.
std::string read_records(const std::string& text, size_t room_bytes) {
  const Result<Event> event = Event::read(text);
  if (!event) return "!" + std::string(event.error().detail.view());
  const MeasuredRoom memory(EventRecords::memory_max(event->kind()));
  Arena arena(memory.room());
  EventRecords records(*event, arena);
  EXPECT_EQ(arena.left(), 0u);
  std::mt19937 rng(static_cast<uint32_t>(text.size()));
  std::string out;
  while (true) {
    std::vector<char> room(room_bytes != 0 ? room_bytes : 1 + rng() % 70);
    size_t produced = 0;
    Error error;
    const Step step = records.step(room, produced, error);
    out.append(room.data(), produced);
    if (step == Step::kHaveOutput) {
      EXPECT_EQ(produced, room.size());
      continue;
    }
    if (step == Step::kFailed) out += "!" + std::string(error.detail.view());
    EXPECT_EQ(records.step(room, produced, error), step);
    EXPECT_EQ(produced, 0u);
    EXPECT_TRUE(memory.intact());
    return out;
  }
}

/// The same in rooms of any size.
std::string records(const std::string& text) {
  const std::string whole = read_records(text, 1 << 16);
  EXPECT_EQ(read_records(text, 1), whole);
  EXPECT_EQ(read_records(text, 3), whole);
  EXPECT_EQ(read_records(text, 0), whole);
  return whole;
}

std::string base64(std::string_view bytes) {
  std::string out(base64_bytes(bytes.size()), '\0');
  base64_encode(bytes, out.data());
  return out;
}

/// Gzip of one stored block, by hand: what it takes to write is next to nothing.
std::string gzip_stored(const std::string& text) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  const auto little = [](uint32_t value, size_t bytes) {
    std::string out;
    for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
    return out;
  };
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  for (size_t at = 0; at == 0 || at < text.size(); at += 65535) {
    const std::string block = text.substr(at, 65535);
    out += std::string(1, at + 65535 >= text.size() ? '\1' : '\0');
    out += little(static_cast<uint32_t>(block.size()), 2) + little(static_cast<uint32_t>(~block.size()), 2) + block;
  }
  return out + little(~crc, 4) + little(static_cast<uint32_t>(text.size()), 4);
}
std::string logs_event(const std::string& json) {
  return R"({"awslogs":{"data":")" + base64(gzip_stored(json)) + R"("}})";
}

constexpr std::string_view kSqsBefore = R"({"messageId":"m","body":)";
constexpr std::string_view kSqsBehind =
    R"(,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185"},"messageAttributes":{},"eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:jobs"})"
    "\n";
std::string sqs_line(const std::string& body) { return std::string(kSqsBefore) + body + std::string(kSqsBehind); }

TEST(EventRecords, a_body_of_json_is_json_and_any_other_is_text) {
  const auto body = [](std::string_view text) { return records(sqs_event({sqs_record("m", text)})); };
  EXPECT_EQ(body(R"({"a": [1, "x\ny {"],)"
                 "\n\"b\":null}\n"),
            sqs_line(R"({"a":[1,"x\ny {"],"b":null})"));
  EXPECT_EQ(body("[]"), sqs_line("[]"));
  EXPECT_EQ(body("hello\nworld"), sqs_line(R"("hello\nworld")"));
  EXPECT_EQ(body(""), sqs_line("\"\""));
  EXPECT_EQ(body("3"), sqs_line("\"3\""));
  EXPECT_EQ(body("{\"a\":1} x"), sqs_line(R"("{\"a\":1} x")"));
  EXPECT_EQ(body(std::string("{}\0", 3)), sqs_line(R"("{}\u0000")"));
  // As deep as an event may be, and one more.
  EXPECT_EQ(body(std::string(62, '[') + std::string(62, ']')), sqs_line(std::string(62, '[') + std::string(62, ']')));
  EXPECT_EQ(body(std::string(63, '[') + std::string(63, ']')),
            sqs_line("\"" + std::string(63, '[') + std::string(63, ']') + "\""));
  const std::string large = "{\"a\":" + json_quoted(std::string(20000, 'x') + "\n\"") + "}";
  EXPECT_EQ(body(large), sqs_line(large));
}

TEST(EventRecords, escapes_of_a_body_are_its_own) {
  const auto body = [](const std::string& raw) {
    std::string record = sqs_record("m", "@");
    record.replace(record.find("\"@\""), 3, raw);
    return records(sqs_event({record}));
  };
  EXPECT_EQ(body(R"("\ud800 \u00e9\/")"), sqs_line(R"("\ud800 \u00e9\/")"));
  EXPECT_EQ(body(R"("\u007b\"a\":\"\ud83d\ude00\\ud800\"}")"), sqs_line("{\"a\":\"\xf0\x9f\x98\x80\\ud800\"}"));
}

TEST(EventRecords, record_i_is_entry_i) {
  EXPECT_EQ(records(sqs_event({sqs_record("m", "1"), sqs_record("m", "[2]"), sqs_record("m", "3")})),
            sqs_line("\"1\"") + sqs_line("[2]") + sqs_line("\"3\""));
  EXPECT_EQ(records("[1, {\"a\" : \"b c\"},\n\"x\", [ ]]"), "1\n{\"a\":\"b c\"}\n\"x\"\n[]\n");
  EXPECT_EQ(records("{\"Items\":[{\"Key\": \"k\"}, 2],\"BatchInput\":{}}"), "{\"Key\":\"k\"}\n2\n");
  EXPECT_EQ(records("[]"), "");
  EXPECT_EQ(records("{\n \"a\": 1\n}"), "{\"a\":1}\n");
  EXPECT_EQ(records(" 3 "), "3\n");
  EXPECT_EQ(records(s3_event(s3_record("b", "k"))), s3_record("b", "k") + "\n");
  EXPECT_EQ(records(bridge_event("b", "k")), bridge_event("b", "k") + "\n");
}

TEST(EventRecords, of_sns) {
  EXPECT_EQ(
      records(sns_event("[1, 2]")),
      R"({"messageId":"95df01b4-ee98-5cb9-9903-4c221d41eb5e","topicArn":"arn:aws:sns:eu-west-1:123456789012:t","subject":null,"timestamp":"2019-01-02T12:45:07.000Z","message":[1,2],"messageAttributes":{"Test":{"Type":"String","Value":"TestString"}}})"
      "\n");
}

TEST(EventRecords, data_of_kinesis_is_unpacked) {
  const auto data = [](const std::string& packed) {
    const std::string line = records(kinesis_event({kinesis_record("111", packed)}));
    const std::string before =
        R"({"eventID":"shardId-000000000006:111","partitionKey":"p-1","sequenceNumber":"111","approximateArrivalTimestamp":1545084650.987,)";
    const std::string behind = ",\"eventSourceARN\":\"arn:aws:kinesis:eu-west-1:123456789012:stream/s\"}\n";
    EXPECT_TRUE(line.starts_with(before) && line.ends_with(behind)) << line;
    return line.substr(before.size(), line.size() - before.size() - behind.size());
  };
  EXPECT_EQ(data(base64("{\"a\":\t1}")), R"("data":{"a":1})");
  EXPECT_EQ(data(base64("a\"b\n")), R"("data":"a\"b\n")");
  EXPECT_EQ(data(base64("")), R"("data":"")");
  EXPECT_EQ(data("YQ"), R"("data":"a")");
  EXPECT_EQ(data("Pz8\\/"), R"("data":"???")");
  EXPECT_EQ(data(base64("\xff")), R"("dataBase64":"/w==")");
  EXPECT_EQ(data(base64("{\"a\":\"\xff\"}")), "\"dataBase64\":\"" + base64("{\"a\":\"\xff\"}") + "\"");
  for (const char* bad : {"*", "Y", "YQ=", "YQ===", "YQ==YQ==", "YWJj=", "YQ ==", "Y Q"})
    EXPECT_EQ(data(bad), std::string("\"dataBase64\":\"") + bad + "\"");
  // UTF-8 over the edges of what is looked at in one go.
  for (size_t before = 250; before < 260; ++before) {
    const std::string text = std::string(before, 'x') + "\xf0\x9f\x98\x80" + std::string(300, 'y');
    EXPECT_EQ(data(base64(text)), "\"data\":\"" + text + "\"");
    EXPECT_EQ(data(base64(text.substr(0, before + 3))),
              "\"dataBase64\":\"" + base64(text.substr(0, before + 3)) + "\"");
  }
}

TEST(EventRecords, attribute_values_of_dynamodb_are_plain_json) {
  const auto image = [](const std::string& map) {
    const std::string line = records(dynamo_event({dynamo_record("333", "\"NewImage\":" + map)}));
    const std::string before =
        R"({"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"INSERT","sequenceNumber":"333","approximateCreationDateTime":1.4285376E9,"newImage":)";
    const std::string behind =
        ",\"eventSourceARN\":\"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2015-06-27T00:48:05.899\"}\n";
    EXPECT_TRUE(line.starts_with(before) && line.ends_with(behind)) << line;
    return line.substr(before.size(), line.size() - before.size() - behind.size());
  };
  EXPECT_EQ(image(R"({"a":{"S":"x y"},"b":{"N":"-1.50"},"c":{"B":"YQ=="},"d":{"BOOL":true},"e":{"NULL":true}})"),
            R"({"a":"x y","b":-1.50,"c":"YQ==","d":true,"e":null})");
  EXPECT_EQ(image(R"({ "m" : { "M" : { "l" : { "L" : [ { "N" : "1" } , { "M" : { } } , { "L" : [ ] } ] } } } })"),
            R"({"m":{"l":[1,{},[]]}})");
  EXPECT_EQ(image(R"({"s":{"SS":["a","b"]},"n":{"NS":["1","x"]},"b":{"BS":["YQ=="]}})"),
            R"({"s":["a","b"],"n":[1,"x"],"b":["YQ=="]})");
  EXPECT_EQ(
      image(
          R"({"a":{"N":"007"},"b":{"N":"1\u0030"},"c":{"S":"a","N":"1"},"d":{"X": [1, 2]},"e":3,"f":{},"g":{"M":[]}})"),
      R"({"a":"007","b":"1\u0030","c":{"S":"a","N":"1"},"d":{"X":[1,2]},"e":3,"f":{},"g":{"M":[]}})");
  EXPECT_EQ(image("{}"), "{}");
  EXPECT_EQ(image("null"), "null");
}

TEST(EventRecords, of_cloudwatch_logs) {
  const std::string head = R"({"logGroup":"g\n","logStream":"s","owner":"123")";
  EXPECT_EQ(
      records(logs_event(
          R"({"logEvents":[],"messageType":"DATA_MESSAGE","owner":"123","logGroup":"g\n","logStream":"s","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1440442987000,"message":"[ERROR] x\n"}, { "message" : "{\"a\": \"\\n\"}\n", "other" : [ { } ], "id" : "2", "extractedFields" : { "$a" : "b c" } },{}]})")),
      head + R"(,"id":"1","timestamp":1440442987000,"message":"[ERROR] x\n"})" + "\n" + head +
          R"(,"message":{"a":"\n"},"id":"2","extractedFields":{"$a":"b c"}})" + "\n" + head + "}\n");
  const std::string large(200'000, 'x');
  EXPECT_EQ(records(logs_event(R"({"logGroup":"g\n","logStream":"s","owner":"123","logEvents":[{"message":")" + large +
                               R"("}]})")),
            head + ",\"message\":\"" + large + "\"}\n");
  EXPECT_EQ(records(logs_event(
                R"({"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"","message":"CWL CONTROL MESSAGE"}]})")),
            "");
}

TEST(EventRecords, damage_in_cloudwatch_logs_is_told_before_the_first_record) {
  const std::string good = R"({"logGroup":"g","logStream":"s","owner":"1","logEvents":[{"id":"1","message":"x"}]})";
  EXPECT_TRUE(records(logs_event(good)).ends_with("\"x\"}\n"));
  const auto packed = [](const std::string& bytes) { return records(R"({"awslogs":{"data":")" + bytes + "\"}}"); };
  EXPECT_EQ(records(logs_event(good + "x")), "!what awslogs.data unpacks to is not valid JSON");
  EXPECT_EQ(records(logs_event(good.substr(0, good.size() - 1))), "!what awslogs.data unpacks to is no JSON object");
  EXPECT_EQ(records(logs_event("[]")), "!what awslogs.data unpacks to is no JSON object");
  EXPECT_EQ(records(logs_event("")), "!what awslogs.data unpacks to is no JSON object");
  EXPECT_EQ(records(logs_event("{}")), "!there are no logEvents in awslogs.data");
  EXPECT_EQ(records(logs_event(R"({"logEvents":[3]})")), "!a log event is no object");
  EXPECT_EQ(records(logs_event(R"({"logEvents":{}})")), "!logEvents is no array");
  EXPECT_EQ(records(logs_event("{\"logGroup\":\"" + std::string(513, 'g') + "\",\"logEvents\":[]}")),
            "!logGroup, logStream or owner is longer than any of AWS's");
  // What came before a fault of the codec is no JSON either: a fuzz run found that this never ended.
  std::string both = gzip_stored("{\"logEvents\":[{},}]}");
  both[both.size() - 6] ^= 1;
  EXPECT_EQ(packed(base64(both)), "!awslogs.data: gzip checksum or length is wrong");
  EXPECT_EQ(packed("*"), "!awslogs.data is not base64");
  EXPECT_EQ(packed(base64("hello")), "!awslogs.data: bad gzip header");
  std::string cut = gzip_stored(good);
  EXPECT_EQ(packed(base64(cut.substr(0, cut.size() - 9))), "!awslogs.data: gzip member ends early");
  cut[cut.size() - 6] ^= 1;
  EXPECT_EQ(packed(base64(cut)), "!awslogs.data: gzip checksum or length is wrong");
}

TEST(EventRecords, take_no_memory_but_for_logs) {
  EXPECT_EQ(EventRecords::memory_max(EventKind::kSqs), 0u);
  EXPECT_LE(EventRecords::memory_max(), 320u << 10);
  EXPECT_LE(sizeof(EventRecords), 8192u);
}

void put_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string object_lines(const std::string& text) {
  const Result<Event> event = Event::read(text);
  if (!event) return {};
  EventObjects objects(*event);
  EventObject object;
  Error error;
  std::string out;
  while (true) {
    const EventObjects::Next next = objects.next(object, error);
    if (next == EventObjects::Next::kEnd) return out;
    if (next == EventObjects::Next::kBadEntry) {
      out += "[" + std::to_string(error.record) + ",null,null]\n";
      continue;
    }
    std::vector<char> key(kJsonEscapeFactor * object.key.view().size() + kWideSlack);
    char* end = escape_json(object.key.view(), key.data()).end;
    out += "[" + std::to_string(object.entry) + ",\"" + std::string(object.bucket.view()) + "\",\"" +
           std::string(key.data(), end) + "\"]\n";
  }
}

TEST(EventProperty, python_finds_the_same_records_and_objects) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) FAIL() << "python3 is needed for this test";
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("weir_event_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string script = "python3 '" + testing::source_file("src/event/event_oracle.py") + "' ";
  ASSERT_EQ(std::system((script + "make '" + folder.string() + "'").c_str()), 0);
  size_t count = 0;
  for (; std::filesystem::exists(folder / (std::to_string(count) + ".event")); ++count) {
    const std::string name = std::to_string(count);
    std::ifstream file(folder / (name + ".event"), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    put_file(folder / (name + ".records"), records(text));
    put_file(folder / (name + ".objects"), object_lines(text));
  }
  EXPECT_GT(count, 100u);
  EXPECT_EQ(std::system((script + "check '" + folder.string() + "'").c_str()), 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weir

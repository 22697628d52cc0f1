#include "emulate/events.hpp"

#include <cstdio>

#include <unistd.h>

#include "base/utc_time.hpp"
#include "emulate/function.hpp"
#include "emulate/json_text.hpp"
#include "emulate/text_file.hpp"
#include "io/file.hpp"

namespace weir::emulate {
namespace {

constexpr size_t kEventMax = 64u << 20;  ///< of the file; what Lambda takes is less, and is told when it is invoked

std::string iso_time(uint64_t wall_ns) {
  const UtcTime t = utc_of(wall_ns);
  char text[40];
  std::snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", t.year, t.month, t.day, t.hour, t.minute,
                t.second, static_cast<unsigned>(wall_ns / 1'000'000 % 1000));
  return text;
}

Result<std::string> s3_notification(std::string_view object, const EventContext& context) {
  if (object.starts_with("//")) object.remove_prefix(2);
  const size_t slash = object.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == object.size())
    return fail(Code::kBadArgument, "--event: expected s3:BUCKET/KEY, found 's3:" + std::string(object) + "'");
  const std::string bucket(object.substr(0, slash));
  const std::string key(object.substr(slash + 1));
  std::string facts;
  if (context.folders != nullptr) {
    if (const auto found = context.folders->find(bucket, key); found)
      facts = ",\"size\":" + std::to_string(found->size) + ",\"eTag\":" + json_string(found->etag);
  }
  char sequencer[20];
  std::snprintf(sequencer, sizeof sequencer, "%016llX", static_cast<unsigned long long>(context.wall_ns));
  return "{\"Records\":[{\"eventVersion\":\"2.1\",\"eventSource\":\"aws:s3\",\"awsRegion\":" +
         json_string(context.region) + ",\"eventTime\":\"" + iso_time(context.wall_ns) +
         "\",\"eventName\":\"ObjectCreated:Put\",\"userIdentity\":{\"principalId\":\"EMULATED\"},\"requestParameters\":"
         "{\"sourceIPAddress\":"
         "\"127.0.0.1\"},\"responseElements\":{\"x-amz-request-id\":\"" +
         random_hex(16) + "\",\"x-amz-id-2\":\"" + random_hex(32) +
         "\"},\"s3\":{\"s3SchemaVersion\":\"1.0\",\"configurationId\":\"emulated\",\"bucket\":{\"name\":" +
         json_string(bucket) +
         ",\"ownerIdentity\":{\"principalId\":\"EMULATED\"},\"arn\":" + json_string("arn:aws:s3:::" + bucket) +
         "},\"object\":{\"key\":" + json_string(form_encoded(key)) + facts + ",\"sequencer\":\"" + sequencer +
         "\"}}}]}";
}

std::string sqs_batch(const std::string& body, const EventContext& context) {
  const std::string sent = std::to_string(context.wall_ns / 1'000'000);
  return "{\"Records\":[{\"messageId\":\"" + new_request_id() + "\",\"receiptHandle\":\"" + random_hex(32) +
         "\",\"body\":" + json_string(body) +
         ",\"attributes\":{\"ApproximateReceiveCount\":\"1\",\"SentTimestamp\":\"" + sent +
         "\",\"SenderId\":\"EMULATED\",\"ApproximateFirstReceiveTimestamp\":\"" + sent +
         "\"},\"messageAttributes\":{},\"eventSource\":\"aws:sqs\",\"eventSourceARN\":" +
         json_string("arn:aws:sqs:" + context.region + ":123456789012:emulated") +
         ",\"awsRegion\":" + json_string(context.region) + "}]}";
}

/// `shown`: what the event is called in messages.
Result<std::string> text_of(std::string_view word, const EventContext& context) {
  if (word.starts_with('{') || word.starts_with('[')) return std::string(word);
  if (word.starts_with("s3:")) return s3_notification(word.substr(3), context);
  if (word == "-") return read_all(STDIN_FILENO, kEventMax);
  const std::string path(word);
  auto file = open_to_read(path.c_str());
  if (!file) return fail(file.error());
  std::string text = read_all(*file, kEventMax);
  close(*file);
  return text;
}

}  // namespace

std::string form_encoded(std::string_view key) {
  std::string out;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                       c == '-' || c == '_' || c == '.' || c == '*';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      char escape[4];
      std::snprintf(escape, sizeof escape, "%%%02X", byte);
      out += escape;
    }
  }
  return out;
}

Result<std::string> make_event(std::string_view word, const EventContext& context) {
  if (word.starts_with("sqs:")) {
    auto body = text_of(word.substr(4), context);
    return body ? Result<std::string>(sqs_batch(*body, context)) : fail(body.error());
  }
  auto text = text_of(word, context);
  if (text && !is_json(*text)) return fail(Code::kBadArgument, "--event: no JSON: " + std::string(word.substr(0, 80)));
  return text;
}

}  // namespace weir::emulate

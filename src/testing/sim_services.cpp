#include "testing/sim_services.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/base64.hpp"

namespace weir::testing {
namespace {

// A reader of JSON that shares nothing with what it tests.
struct JsonMember;
struct Json {
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject } kind = Kind::kNull;
  std::string text;  ///< decoded; of numbers and words their spelling
  std::string raw;
  std::vector<Json> items;
  std::vector<JsonMember> members;

  Json();
  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();
  [[nodiscard]] const Json& operator[](const std::string& name) const;
};
struct JsonMember {
  std::string name;
  Json value;
};
Json::Json() = default;
Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

const Json& Json::operator[](const std::string& name) const {
  static const Json kNone;
  for (const JsonMember& member : members) {
    if (member.name == name) return member.value;
  }
  return kNone;
}

class JsonParser {
 public:
  explicit JsonParser(const std::string& text) : text_(text) {}
  std::optional<Json> parse() {
    Json json;
    if (!value(json)) return std::nullopt;
    blanks();
    return at_ == text_.size() ? std::optional(json) : std::nullopt;
  }

 private:
  void blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  static void put_point(std::string& out, uint32_t point) {
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xc0 | point >> 6);
      out += static_cast<char>(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
      out += static_cast<char>(0xe0 | point >> 12);
      out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (point & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (point & 0x3f));
    }
  }
  uint32_t unit() {
    const auto value = static_cast<uint32_t>(std::strtoul(text_.substr(at_, 4).c_str(), nullptr, 16));
    at_ += 4;
    return value;
  }
  bool string(std::string& out) {
    if (!take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (text_[at_] != '\\') {
        const size_t stop = text_.find_first_of("\"\\", at_);
        if (stop == std::string::npos) return false;
        out.append(text_, at_, stop - at_);
        at_ = stop;
        continue;
      }
      if (at_ + 1 >= text_.size()) return false;
      const char c = text_[at_ + 1];
      at_ += 2;
      if (c == 'u') {
        if (at_ + 4 > text_.size()) return false;
        uint32_t point = unit();
        if (point >= 0xd800 && point < 0xdc00 && text_.compare(at_, 2, "\\u") == 0) {
          at_ += 2;
          point = 0x10000 + ((point - 0xd800) << 10) + (unit() - 0xdc00);
        }
        put_point(out, point);
        continue;
      }
      const std::string from = "\"\\/bfnrt";
      const size_t which = from.find(c);
      if (which == std::string::npos) return false;
      out += "\"\\/\b\f\n\r\t"[which];
    }
    return take('"');
  }
  bool value(Json& json) {
    blanks();
    const size_t from = at_;
    const bool good = inside(json);
    json.raw = text_.substr(from, at_ - from);
    return good;
  }
  bool inside(Json& json) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_];
    if (c == '"') {
      json.kind = Json::Kind::kString;
      return string(json.text);
    }
    if (c == '{') {
      json.kind = Json::Kind::kObject;
      ++at_;
      if (take('}')) return true;
      do {
        blanks();
        json.members.emplace_back();
        if (!string(json.members.back().name) || !take(':') || !value(json.members.back().value)) return false;
      } while (take(','));
      return take('}');
    }
    if (c == '[') {
      json.kind = Json::Kind::kArray;
      ++at_;
      if (take(']')) return true;
      do {
        json.items.emplace_back();
        if (!value(json.items.back())) return false;
      } while (take(','));
      return take(']');
    }
    while (at_ < text_.size() && std::string(",]} \n\r\t").find(text_[at_]) == std::string::npos)
      json.text += text_[at_++];
    json.kind = json.text == "null"                           ? Json::Kind::kNull
                : json.text == "true" || json.text == "false" ? Json::Kind::kBool
                                                              : Json::Kind::kNumber;
    return !json.text.empty();
  }

  const std::string& text_;
  size_t at_ = 0;
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const std::string from = "\"\\\b\f\n\r\t";
    if (const size_t which = from.find(c); which != std::string::npos) {
      out += '\\';
      out += "\"\\bfnrt"[which];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string from_base64(const std::string& text) {
  std::string out(text.size(), '\0');
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t bits = 0;
  int count = 0;
  size_t size = 0;
  for (const char c : text) {
    const size_t digit = digits.find(c);
    if (digit == std::string::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out[size++] = static_cast<char>(bits >> count & 0xff);
    }
  }
  out.resize(size);
  return out;
}

SimReply json_error(int status, const std::string& code, const std::string& message) {
  return {status,
          {{"Content-Type", "application/x-amz-json-1.1"}},
          "{\"__type\":\"com.amazonaws.service#" + code + "\",\"message\":" + quoted(message) + "}"};
}

SimReply json_reply(const std::string& body) { return {200, {{"Content-Type", "application/x-amz-json-1.1"}}, body}; }

SimReply throttled_json() { return json_error(400, "ThrottlingException", "Rate exceeded"); }

constexpr const char* kRefusal = "it is a poison";

// An attribute's value as DynamoDB counts it: names and texts in bytes, numbers a byte for two digits and one more, containers three and one for each element.
uint64_t counted_value(const Json& typed, std::string& plain) {
  if (typed.members.size() != 1) return 0;
  const auto& [type, value] = typed.members[0];
  if (type == "S") {
    plain += quoted(value.text);
    return value.text.size();
  }
  if (type == "N") {
    plain += value.text;
    const auto digits =
        std::count_if(value.text.begin(), value.text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return static_cast<uint64_t>(digits + 1) / 2 + 1;
  }
  uint64_t counted = 3;
  if (type == "M") {
    plain += '{';
    for (const auto& [name, inner] : value.members) {
      if (&inner != &value.members[0].value) plain += ',';
      plain += quoted(name) + ":";
      counted += 1 + name.size() + counted_value(inner, plain);
    }
    plain += '}';
    return counted;
  }
  if (type == "L") {
    plain += '[';
    for (const Json& inner : value.items) {
      if (&inner != &value.items[0]) plain += ',';
      counted += 1 + counted_value(inner, plain);
    }
    plain += ']';
    return counted;
  }
  plain += type == "NULL" ? "null" : value.text;
  return 1;
}

std::string url_decoded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::map<std::string, std::string> form_of(const std::string& body) {
  std::map<std::string, std::string> form;
  for (size_t at = 0; at < body.size();) {
    const size_t stop = std::min(body.find('&', at), body.size());
    const size_t equals = std::min(body.find('=', at), stop);
    form[url_decoded(body.substr(at, equals - at))] =
        equals == stop ? "" : url_decoded(body.substr(equals + 1, stop - equals - 1));
    at = stop + 1;
  }
  return form;
}

constexpr const char* kLambdaPath = "/2015-03-31/functions/";

}  // namespace

bool SimServices::is_for_service(const SimRequest& request) { return !request.target.starts_with("/bucket"); }

bool SimServices::carries_messages(const SimRequest& request) {
  if (!is_for_service(request)) return false;
  const std::string target = request.field("x-amz-target");
  if (!target.empty()) return !target.ends_with("GetQueueUrl") && !target.ends_with("DescribeEventBus");
  return request.target != "/" || request.body.find("PublishBatch") != std::string::npos;
}

void SimServices::broke(const std::string& what) {
  if (limits_broken++ == 0) broken = what;
}

bool SimServices::take(const std::string& service, const Limits& limits, std::vector<Entry>& entries,
                       bool tells_of_each) {
  Request request{service, entries.size(), 0, now ? now() : 0};
  if (entries.empty()) broke(service + ": a request without a message");
  if (entries.size() > limits.messages_max) broke(service + ": " + std::to_string(entries.size()) + " messages");
  std::set<std::string> names;
  for (const Entry& entry : entries) {
    if (entry.counted > limits.message_bytes_max)
      broke(service + ": a message of " + std::to_string(entry.counted) + " bytes");
    if (!entry.name.empty() && !names.insert(entry.name).second) broke(service + ": two entries of one id");
    request.counted += entry.counted;
    ++sent[entry.text];
  }
  if (request.counted > limits.request_bytes_max)
    broke(service + ": a request of " + std::to_string(request.counted) + " bytes");
  requests.push_back(request);
  if (strikes(faults.throttled_request) || (overloaded && overloaded())) {
    for (const Entry& entry : entries) ++failed[entry.text];
    return false;
  }
  for (Entry& entry : entries) {
    entry.refused = entry.text.find(poison) != std::string::npos;
    if (!tells_of_each || entry.refused) continue;
    entry.throttled = strikes(faults.throttled_entry);
    entry.failed = !entry.throttled && strikes(faults.failed_entry);
    if (!entry.good()) ++failed[entry.text];
  }
  return true;
}

void SimServices::keep(const Entry& entry, bool once) {
  const bool repeat = once && !seen_.insert(entry.id).second;
  taken.push_back({entry.id, entry.text, entry.key, requests.size(), now ? now() : 0, repeat});
}

SimReply SimServices::answer(const SimRequest& request) {
  const std::string target = request.field("x-amz-target");
  const bool aws = !target.empty() || request.target == "/" || request.target.starts_with(kLambdaPath);
  if (aws && !request.field("authorization").starts_with("AWS4-HMAC-SHA256 ")) {
    broke("a request without a signature");
    return json_error(403, "MissingAuthenticationToken", "");
  }
  if (carries_messages(request) && strikes(faults.nothing_said)) return {200, {}, "<html>maintenance</html>"};
  if (target == "AmazonSQS.GetQueueUrl") {
    const auto json = JsonParser(request.body).parse();
    if (!json) return json_error(400, "SerializationException", "no JSON");
    return json_reply("{\"QueueUrl\":\"http://127.0.0.1:9000/123456789012/" + (*json)["QueueName"].text + "\"}");
  }
  if (target == "AmazonSQS.SendMessageBatch") return sqs(request);
  if (target == "Kinesis_20131202.PutRecords") return records(request, true);
  if (target == "Firehose_20150804.PutRecordBatch") return records(request, false);
  if (target == "DynamoDB_20120810.BatchWriteItem") return dynamodb(request);
  if (target == "AWSEvents.PutEvents") return events(request);
  if (target == "AWSEvents.DescribeEventBus") return json_reply("{\"Name\":\"bus\"}");
  if (!target.empty()) return json_error(400, "UnknownOperationException", target);
  if (request.target == "/") return query(request);
  if (request.target.starts_with(kLambdaPath)) return lambda(request);
  return http(request);
}

SimReply SimServices::sqs(const SimRequest& request) {
  const auto json = JsonParser(request.body).parse();
  if (!json) {
    broke("sqs: no JSON");
    return json_error(400, "SerializationException", "no JSON");
  }
  const bool fifo = (*json)["QueueUrl"].text.ends_with(".fifo");
  std::vector<Entry> entries;
  for (const Json& item : (*json)["Entries"].items) {
    Entry entry;
    entry.name = item["Id"].text;
    entry.text = item["MessageBody"].text;
    entry.counted = entry.text.size();
    entry.key = item["MessageGroupId"].text;
    entry.id = item["MessageDeduplicationId"].text;
    for (const auto& [name, attribute] : item["MessageAttributes"].members) {
      entry.counted += name.size() + attribute["DataType"].text.size() + attribute["StringValue"].text.size();
      if (name == "weir-id") entry.id = attribute["StringValue"].text;
    }
    if (fifo != !entry.key.empty() || entry.id.empty() || entry.text.empty()) broke("sqs: an entry lacks something");
    entries.push_back(entry);
  }
  if (!take("sqs", {10, 1u << 20, 1u << 20}, entries, true))
    return json_error(400, "RequestThrottled", "Rate exceeded");
  if (refuses_requests && std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; }))
    return json_error(400, "InvalidMessageContents", kRefusal);
  std::string good, bad;
  for (const Entry& entry : entries) {
    std::string& list = entry.good() ? good : bad;
    if (!list.empty()) list += ",";
    if (entry.good()) {
      keep(entry, fifo);
      list += "{\"Id\":" + quoted(entry.name) + ",\"MessageId\":\"5fea7756\",\"MD5OfMessageBody\":\"00\"}";
    } else {
      const char* code = entry.refused     ? "InvalidMessageContents"
                         : entry.throttled ? "RequestThrottled"
                                           : "InternalError";
      list += "{\"Id\":" + quoted(entry.name) + ",\"SenderFault\":" + (entry.refused ? "true" : "false") +
              ",\"Code\":\"" + code + "\",\"Message\":\"" + (entry.refused ? kRefusal : "") + "\"}";
    }
  }
  return json_reply("{\"Successful\":[" + good + "]" + (bad.empty() ? "" : ",\"Failed\":[" + bad + "]") + "}");
}

SimReply SimServices::records(const SimRequest& request, bool kinesis) {
  const std::string service = kinesis ? "kinesis" : "firehose";
  const auto json = JsonParser(request.body).parse();
  if (!json) {
    broke(service + ": no JSON");
    return json_error(400, "SerializationException", "no JSON");
  }
  std::vector<Entry> entries;
  for (const Json& item : (*json)["Records"].items) {
    Entry entry;
    entry.text = from_base64(item["Data"].text);
    entry.key = item["PartitionKey"].text;
    entry.counted = entry.text.size() + entry.key.size();
    if (kinesis && (entry.key.empty() || entry.key.size() > 256)) broke("kinesis: a partition key");
    if (!kinesis) {
      if (!entry.text.ends_with('\n')) broke("firehose: a record without its line feed");
      entry.text.pop_back();
    }
    entries.push_back(entry);
  }
  const Limits limits = kinesis ? Limits{500, 10u << 20, 10u << 20} : Limits{500, 1000u << 10, 4u << 20};
  if (!take(service, limits, entries, true))
    return kinesis ? json_error(400, "ProvisionedThroughputExceededException", "Rate exceeded") : throttled_json();
  if (refuses_requests && std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; }))
    return json_error(400, kinesis ? "ValidationException" : "InvalidArgumentException", kRefusal);
  std::string list;
  size_t failures = 0;
  for (const Entry& entry : entries) {
    if (!list.empty()) list += ",";
    if (entry.good()) {
      keep(entry, false);
      list += kinesis ? "{\"SequenceNumber\":\"4954\",\"ShardId\":\"shardId-0\"}" : "{\"RecordId\":\"r\"}";
      continue;
    }
    ++failures;
    const char* code = entry.refused     ? "InvalidArgumentException"
                       : entry.throttled ? (kinesis ? "ProvisionedThroughputExceededException" : "ThrottlingException")
                       : kinesis         ? "InternalFailure"
                                         : "ServiceUnavailableException";
    list +=
        std::string("{\"ErrorCode\":\"") + code + "\",\"ErrorMessage\":\"" + (entry.refused ? kRefusal : "") + "\"}";
  }
  return json_reply("{\"" + std::string(kinesis ? "FailedRecordCount" : "FailedPutCount") +
                    "\":" + std::to_string(failures) + ",\"" + (kinesis ? "Records" : "RequestResponses") + "\":[" +
                    list + "]}");
}

SimReply SimServices::dynamodb(const SimRequest& request) {
  const auto json = JsonParser(request.body).parse();
  if (!json || (*json)["RequestItems"].members.size() != 1) {
    broke("dynamodb: no JSON");
    return json_error(400, "SerializationException", "no JSON");
  }
  if (request.body.size() > 16u << 20) broke("dynamodb: a body of " + std::to_string(request.body.size()) + " bytes");
  const auto& [name, puts] = (*json)["RequestItems"].members[0];
  std::vector<Entry> entries;
  std::vector<std::string> raws;
  std::set<std::string> keys;
  for (const Json& put : puts.items) {
    const Json& item = put["PutRequest"]["Item"];
    Entry entry;
    entry.text = "{";
    for (const auto& [attribute, value] : item.members) {
      if (entry.text.size() > 1) entry.text += ",";
      entry.text += quoted(attribute) + ":";
      entry.counted += attribute.size() + counted_value(value, entry.text);
    }
    entry.text += "}";
    for (const std::string& column : key) {
      const Json& value = item[column];
      if (value.members.size() != 1 || value.members[0].value.text.empty()) broke("dynamodb: an item without its key");
      std::string plain;
      counted_value(value, plain);
      entry.key += plain + "|";
    }
    if (!keys.insert(entry.key).second) broke("dynamodb: two puts of one item");
    entries.push_back(entry);
    raws.push_back(put.raw);
  }
  if (!take("dynamodb", {25, 400u << 10, 16u << 20}, entries, true))
    return json_error(400, "ProvisionedThroughputExceededException", "Rate exceeded");
  if (std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; }))
    return json_error(400, "ValidationException", kRefusal);
  std::string left;
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].good()) {
      keep(entries[i], false);
      table[entries[i].key] = entries[i].text;
      ++kept;
      continue;
    }
    left += (left.empty() ? "" : ",") + raws[i];
  }
  // Nothing of it at all is an error of its own.
  if (kept == 0) return json_error(400, "ProvisionedThroughputExceededException", "Rate exceeded");
  return json_reply("{\"UnprocessedItems\":{" + (left.empty() ? "" : quoted(name) + ":[" + left + "]") + "}}");
}

SimReply SimServices::events(const SimRequest& request) {
  const auto json = JsonParser(request.body).parse();
  if (!json) {
    broke("events: no JSON");
    return json_error(400, "SerializationException", "no JSON");
  }
  std::vector<Entry> entries;
  for (const Json& item : (*json)["Entries"].items) {
    Entry entry;
    entry.text = item["Detail"].text;
    entry.counted = entry.text.size() + item["Source"].text.size() + item["DetailType"].text.size();
    for (const Json& resource : item["Resources"].items) {
      entry.counted += resource.text.size();
      if (entry.id.empty()) entry.id = resource.text;
    }
    if (item["Source"].text.empty() || item["DetailType"].text.empty() || entry.text.empty() || entry.id.empty())
      broke("events: an entry lacks something");
    entries.push_back(entry);
  }
  if (!take("events", {10, 256u << 10, 256u << 10}, entries, true)) return throttled_json();
  if (refuses_requests && std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; }))
    return json_error(400, "ValidationException", kRefusal);
  std::string list;
  size_t failures = 0;
  for (const Entry& entry : entries) {
    if (!list.empty()) list += ",";
    if (entry.good()) {
      keep(entry, false);
      list += "{\"EventId\":\"11710aed\"}";
      continue;
    }
    ++failures;
    const char* code = entry.refused ? "MalformedDetail" : entry.throttled ? "ThrottlingException" : "InternalFailure";
    list +=
        std::string("{\"ErrorCode\":\"") + code + "\",\"ErrorMessage\":\"" + (entry.refused ? kRefusal : "") + "\"}";
  }
  return json_reply("{\"FailedEntryCount\":" + std::to_string(failures) + ",\"Entries\":[" + list + "]}");
}

SimReply SimServices::query(const SimRequest& request) {
  const auto form = form_of(request.body);
  const auto get = [&](const std::string& name) {
    const auto found = form.find(name);
    return found == form.end() ? std::string() : found->second;
  };
  const auto error = [](int status, const std::string& code, const std::string& message) {
    return SimReply{
        status,
        {{"Content-Type", "text/xml"}},
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>" + code +
            "</Code><Message>" + message + "</Message></Error><RequestId>1</RequestId></ErrorResponse>"};
  };
  if (get("Action") == "GetCallerIdentity")
    return {200,
            {{"Content-Type", "text/xml"}},
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
            "<Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"};
  if (get("Action") != "PublishBatch") return error(400, "InvalidAction", get("Action"));
  const bool fifo = get("TopicArn").ends_with(".fifo");
  std::vector<Entry> entries;
  for (size_t number = 1;; ++number) {
    const std::string at = "PublishBatchRequestEntries.member." + std::to_string(number) + ".";
    if (!form.contains(at + "Id")) break;
    Entry entry;
    entry.name = get(at + "Id");
    entry.text = get(at + "Message");
    entry.key = get(at + "MessageGroupId");
    entry.id = get(at + "MessageDeduplicationId");
    entry.counted = entry.text.size();
    for (size_t attribute = 1;; ++attribute) {
      const std::string name = at + "MessageAttributes.entry." + std::to_string(attribute) + ".";
      if (!form.contains(name + "Name")) break;
      const std::string value = get(name + "Value.StringValue");
      entry.counted += get(name + "Name").size() + get(name + "Value.DataType").size() + value.size();
      if (get(name + "Name") == "weir-id") entry.id = value;
    }
    if (fifo != !entry.key.empty() || entry.id.empty() || entry.text.empty()) broke("sns: an entry lacks something");
    entries.push_back(entry);
  }
  if (!take("sns", {10, 256u << 10, 256u << 10}, entries, true)) return error(429, "Throttled", "Rate exceeded");
  if (refuses_requests && std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; }))
    return error(400, "InvalidParameter", kRefusal);
  std::string good, bad;
  for (const Entry& entry : entries) {
    if (entry.good()) {
      keep(entry, fifo);
      good += "<member><Id>" + entry.name + "</Id><MessageId>1</MessageId></member>";
      continue;
    }
    const char* code = entry.refused ? "InvalidParameter" : entry.throttled ? "Throttled" : "InternalError";
    bad += "<member><Id>" + entry.name + "</Id><Code>" + code + "</Code><Message>" + (entry.refused ? kRefusal : "") +
           "</Message><SenderFault>" + (entry.refused ? "true" : "false") + "</SenderFault></member>";
  }
  return {200,
          {{"Content-Type", "text/xml"}},
          "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult><Failed>" +
              bad + "</Failed><Successful>" + good +
              "</Successful></PublishBatchResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
              "</PublishBatchResponse>"};
}

SimReply SimServices::lambda(const SimRequest& request) {
  const auto json = JsonParser(request.body).parse();
  if (!json) {
    broke("lambda: no JSON");
    return json_error(400, "InvalidRequestContentException", "no JSON");
  }
  if (request.body.size() > 6'291'456) broke("lambda: a request of " + std::to_string(request.body.size()) + " bytes");
  std::vector<Entry> entries;
  for (const Json& item : (*json)["records"].items) {
    Entry entry;
    entry.text = item.raw;
    entry.counted = item.raw.size();
    entry.id = (*json)["batch"]["id"].text;
    entries.push_back(entry);
  }
  if (!take("lambda", {~uint64_t{0}, 6'291'456, 6'291'456}, entries, false)) {
    SimReply reply = json_error(429, "TooManyRequestsException", "Rate Exceeded.");
    reply.fields.emplace_back("x-amzn-errortype", "TooManyRequestsException");
    return reply;
  }
  if (std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; }))
    return {200,
            {{"X-Amz-Function-Error", "Unhandled"}},
            "{\"errorType\":\"ValueError\",\"errorMessage\":\"" + std::string(kRefusal) + "\"}"};
  // Of a batch that was taken before all messages are repeats.
  const bool repeat = !entries.empty() && !seen_.insert(entries[0].id).second;
  for (const Entry& entry : entries)
    taken.push_back({entry.id, entry.text, entry.key, requests.size(), now ? now() : 0, repeat});
  return {200, {}, "null"};
}

SimReply SimServices::http(const SimRequest& request) {
  const std::string id = request.field("idempotency-key");
  if (request.method != "POST" || id.empty()) broke("http: " + request.method + ", Idempotency-Key: " + id);
  std::vector<Entry> entries;
  const auto add = [&](const std::string& text) {
    Entry entry;
    entry.text = text;
    entry.counted = text.size();
    entry.id = id;
    entries.push_back(entry);
  };
  if (request.field("content-type") == "application/json") {
    const auto json = JsonParser(request.body).parse();
    if (!json || json->kind != Json::Kind::kArray) {
      broke("http: no array");
      return {400, {}, "no array"};
    }
    for (const Json& item : json->items) add(item.raw);
  } else {
    if (!request.body.ends_with('\n')) broke("http: the last line does not end");
    for (size_t at = 0; at < request.body.size();) {
      const size_t stop = std::min(request.body.find('\n', at), request.body.size());
      add(request.body.substr(at, stop - at));
      at = stop + 1;
    }
  }
  constexpr uint64_t kAny = ~uint64_t{0};
  if (!take("http", {kAny, kAny, kAny}, entries, false)) return {429, {}, "slow down"};
  if (std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return e.refused; })) {
    std::string text = kRefusal;
    for (const auto& [name, value] : request.fields) text += repeats_secrets ? " " + name + ": " + value : "";
    return {422, {}, text};
  }
  const bool repeat = !seen_.insert(id).second;
  for (const Entry& entry : entries)
    taken.push_back({entry.id, entry.text, entry.key, requests.size(), now ? now() : 0, repeat});
  return {200, {}, "{\"ok\":true}"};
}

}  // namespace weir::testing

#include "plan/policy.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "delivery/destinations.hpp"
#include "plan/network.hpp"

namespace weir {
namespace {

struct Place {
  std::string bucket;
  std::string key;  ///< with `*` for what is not known beforehand
};

/// Braces and brackets become `*`; `*` and `?` mean the same to IAM.
Place place_of(std::string_view url) {
  Place place;
  url.remove_prefix(std::string_view("s3://").size());
  const size_t slash = std::min(url.find('/'), url.size());
  place.bucket = url.substr(0, slash);
  std::string_view key = slash < url.size() ? url.substr(slash + 1) : std::string_view{};
  while (!key.empty()) {
    const char c = key.front();
    const size_t end = c == '{' ? key.find('}') : c == '[' ? key.find(']') : std::string_view::npos;
    if (end != std::string_view::npos) {
      if (!place.key.ends_with('*')) place.key += '*';
      key.remove_prefix(end + 1);
      continue;
    }
    place.key += c;
    key.remove_prefix(1);
  }
  return place;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() == 1 ? "" : ", ") + quoted(text);
  return out + "]";
}

class Policy {
 public:
  explicit Policy(std::string_view partition) : partition_(partition) {}

  [[nodiscard]] const std::string& partition() const { return partition_; }
  [[nodiscard]] std::string object(const Place& place) const {
    return "arn:" + partition_ + ":s3:::" + place.bucket + "/" + place.key;
  }
  void allow(std::string_view name, const std::vector<std::string>& actions, std::vector<std::string> resources,
             const std::string& condition = {}) {
    if (resources.empty()) return;
    std::sort(resources.begin(), resources.end());
    resources.erase(std::unique(resources.begin(), resources.end()), resources.end());
    text_ += text_.empty() ? "" : ",\n";
    text_ += "    {\n      \"Sid\": " + quoted(name) +
             ",\n      \"Effect\": \"Allow\",\n      \"Action\": " + list_of(actions) +
             ",\n      \"Resource\": " + list_of(resources);
    if (!condition.empty()) text_ += ",\n      \"Condition\": " + condition;
    text_ += "\n    }";
  }
  /// Of what begins with the key; without it a missing object looks like a forbidden one.
  void allow_list(std::string_view name, const std::vector<Place>& places) {
    std::vector<std::string> buckets;
    for (const Place& place : places) buckets.push_back(place.bucket);
    std::sort(buckets.begin(), buckets.end());
    buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
    size_t number = 0;
    for (const std::string& bucket : buckets) {
      std::vector<std::string> prefixes;
      for (const Place& place : places) {
        if (place.bucket == bucket) prefixes.push_back(place.key.substr(0, place.key.find_first_of("*?")) + "*");
      }
      std::sort(prefixes.begin(), prefixes.end());
      prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
      ++number;
      allow(std::string(name) + (buckets.size() > 1 ? std::to_string(number) : ""), {"s3:ListBucket"},
            {"arn:" + partition_ + ":s3:::" + bucket}, "{\"StringLike\": {\"s3:prefix\": " + list_of(prefixes) + "}}");
    }
  }
  [[nodiscard]] std::string text() const {
    return text_.empty() ? "" : "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n" + text_ + "\n  ]\n}\n";
  }

 private:
  std::string partition_;
  std::string text_;
};

/// What a destination asks of its service: start() and the requests, by delivery/<service>.cpp.
struct Sending {
  std::string_view scheme;
  std::vector<std::string> actions;
  std::string_view kind;  ///< stands before the name in an ARN's resource
};

const Sending* sending_of(std::string_view scheme) {
  // SendMessageBatch and PublishBatch have no actions of their own; sts:GetCallerIdentity needs none.
  static const Sending kSendings[] = {
      {"sqs", {"sqs:SendMessage", "sqs:GetQueueUrl"}, ""},
      {"sns", {"sns:Publish"}, ""},
      {"kinesis", {"kinesis:PutRecords"}, "stream/"},
      {"firehose", {"firehose:PutRecordBatch"}, "deliverystream/"},
      {"dynamodb", {"dynamodb:BatchWriteItem"}, "table/"},
      {"events", {"events:PutEvents", "events:DescribeEventBus"}, "event-bus/"},
      {"lambda", {"lambda:InvokeFunction"}, "function:"},
  };
  for (const Sending& sending : kSendings) {
    if (sending.scheme == scheme) return &sending;
  }
  return nullptr;
}

/// The ARN that `to` names: as it is given, or made of what is given, with `*` for the rest.
std::string destination_arn(const Sending& sending, const std::string& to, std::string_view region) {
  const std::string_view name = behind_scheme(to);
  Arn given;
  if (parse_arn(name, sending.scheme, given)) return std::string(name);
  const size_t slash = name.find('/');  // sqs://account/queue, sns://account/topic
  const bool owned = slash != std::string_view::npos && is_account(name.substr(0, slash));
  std::string arn = "arn:";
  arn.append(arn_partition(region)).append(":").append(sending.scheme).append(":");
  arn.append(region.empty() ? "*" : region).append(":").append(owned ? name.substr(0, slash) : "*").append(":");
  arn.append(sending.kind).append(owned ? name.substr(slash + 1) : name);
  return arn;
}

}  // namespace

std::string policy_of(const Config& config) {
  Policy policy(arn_partition(config.aws.region));
  std::vector<Place> inputs;
  std::vector<Place> listed;
  std::vector<std::string> read;
  for (const std::string& from : config.input.from) {
    if (!is_s3(from)) continue;
    Place place = place_of(from);
    if (place.key.empty() || place.key.ends_with('/')) place.key += '*';
    read.push_back(policy.object(place));
    listed.push_back(place);
    inputs.push_back(std::move(place));
  }
  std::vector<std::string> written;
  std::vector<Place> outputs;
  for (const std::string* to : {&config.output.to, &config.rejects.to}) {
    if (!is_s3(*to)) continue;
    outputs.push_back(place_of(*to));
    if (outputs.back().key.empty() || outputs.back().key.ends_with('/')) outputs.back().key += '*';
    written.push_back(policy.object(outputs.back()));
    listed.push_back(outputs.back());
  }
  std::vector<std::string> state;
  const std::string& checkpoint = config.checkpoint.to;
  if (is_s3(checkpoint) || (checkpoint == "auto" && is_s3(config.output.to))) {
    Place place = is_s3(checkpoint) ? place_of(checkpoint) : outputs.front();
    if (checkpoint == "auto") place.key += ".weir";
    const bool folder = place.key.empty() || place.key.ends_with('/');
    place.key += folder ? "*" : "";
    state.push_back(policy.object(place));
    listed.push_back(place);
    if (!folder) {
      place.key += ".*";
      state.push_back(policy.object(place));
    }
  }
  if (state.empty() && checkpoint != "none") {
    // The checkpoint is a file, and what fills no part yet lies beside the output.
    for (Place place : outputs) {
      place.key += ".weir.*";
      state.push_back(policy.object(place));
    }
  }
  policy.allow("ReadInputs", {"s3:GetObject", "s3:GetObjectVersion"}, read);
  const DestinationKind* kind = destination_kind(config.output.to);
  if (const Sending* sending = kind == nullptr ? nullptr : sending_of(kind->scheme); sending != nullptr)
    policy.allow("SendRecords", sending->actions, {destination_arn(*sending, config.output.to, config.aws.region)});
  policy.allow("WriteOutputs",
               {"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, written);
  // Of a dead run's uploads; S3 knows no condition of this action.
  std::vector<std::string> buckets;
  for (const Place& place : outputs) buckets.push_back("arn:" + policy.partition() + ":s3:::" + place.bucket);
  policy.allow("FindUploads", {"s3:ListBucketMultipartUploads"}, buckets);
  policy.allow("KeepState", {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, state);
  policy.allow_list("TellMissingFromForbidden", listed);
  if (config.aws.sse == "aws:kms" || !config.aws.sse_kms_key_id.empty()) {
    const std::string& key = config.aws.sse_kms_key_id;
    policy.allow("EncryptOutputs", {"kms:GenerateDataKey", "kms:Decrypt"}, {key.starts_with("arn:") ? key : "*"});
  }
  return policy.text();
}

}  // namespace weir

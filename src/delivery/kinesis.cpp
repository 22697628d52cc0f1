#include "delivery/kinesis.hpp"

#include "delivery/aws_delivery.hpp"
#include "delivery/message_key.hpp"
#include "delivery/record_replies.hpp"
#include "delivery/text_room.hpp"
#include "hash/hex.hpp"

namespace weir {
namespace {

constexpr size_t kPartitionKeyCharactersMax = 256;

bool is_stream(std::string_view name) { return is_resource_name(name, 128, "_.-"); }

// In units of UTF-16, as most services count characters: never fewer than there are.
size_t characters(std::string_view utf8) {
  size_t count = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    count += static_cast<size_t>((byte & 0xc0) != 0x80) + static_cast<size_t>(byte >= 0xf0);
  }
  return count;
}

}  // namespace

Result<std::unique_ptr<Destination>> KinesisDestination::make(const DestinationOptions& options) {
  std::unique_ptr<KinesisDestination> made(new KinesisDestination(options));
  const std::string_view stream = behind_scheme(options.address);
  Arn arn;
  constexpr std::string_view kType = "stream/";
  if (parse_arn(stream, "kinesis", arn) && is_regional(arn) && arn.resource.starts_with(kType) &&
      is_stream(arn.resource.substr(kType.size()))) {
    made->region_ = arn.region;
  } else if (!is_stream(stream)) {
    return fail(Code::kBadUrl,
                "kinesis://stream or kinesis://arn:aws:kinesis:region:account:stream/name: " + options.address);
  }
  if (!options.key.empty() && !options.json)
    return fail(Code::kContradiction,
                "output.key: only JSON has columns to take a partition key from; set output.format: ndjson");
  made->stream_ = stream;
  made->service_ = {"kinesis", options.environment("AWS_ENDPOINT_URL_KINESIS")};
  return made;
}

Status KinesisDestination::start(HttpCall&) { return check_region(region_, *options_.aws); }

Result<EncodedMessage> KinesisDestination::encode(const Message& message, uint32_t, std::span<char> room) const {
  MessageKey key(options_.key.empty() ? message.id : std::string_view{});
  if (!options_.key.empty()) {
    WEIR_TRY(find_message_key(message.text, options_.key, key));
    if (utf8_valid_prefix(key.view()) != key.view().size()) return fail(Code::kBadUtf8);
    if (key.empty() || characters(key.view()) > kPartitionKeyCharactersMax)
      key = MessageKey(sha256_hex(key.view()).view());
  }
  TextRoom out(room);
  out.put("{\"Data\":\"").put_base64(message.text).put("\",\"PartitionKey\":\"").put_json(key.view()).put("\"}");
  EncodedMessage encoded;
  encoded.counted = message.text.size() + key.view().size();
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view KinesisDestination::begin(const BatchInfo&, std::span<char> room) const {
  TextRoom out(room);
  out.put(region_.empty() ? "{\"StreamName\":\"" : "{\"StreamARN\":\"").put_json(stream_).put("\",\"Records\":[");
  return out.view();
}

std::string_view KinesisDestination::end(const BatchInfo&, std::span<char>) const { return "]}"; }

std::unique_ptr<DeliveryRequest> KinesisDestination::make_request() const {
  return std::make_unique<AwsDelivery>(*options_.aws, service_, "Kinesis_20131202.PutRecords", "1.1");
}

// {"FailedRecordCount":1,"Records":[{"SequenceNumber":"...","ShardId":"..."},{"ErrorCode":"...","ErrorMessage":"..."}]}
void KinesisDestination::on_value(const JsonWalk& at, Fates& fates) const { read_record_reply("Records", at, fates); }

}  // namespace weir

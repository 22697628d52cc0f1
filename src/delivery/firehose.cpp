#include "delivery/firehose.hpp"

#include "delivery/aws_delivery.hpp"
#include "delivery/record_replies.hpp"
#include "delivery/text_room.hpp"

namespace weir {

Result<std::unique_ptr<Destination>> FirehoseDestination::make(const DestinationOptions& options) {
  std::unique_ptr<FirehoseDestination> made(new FirehoseDestination(options));
  made->stream_ = behind_scheme(options.address);
  if (!is_resource_name(made->stream_, 64, "_.-"))
    return fail(Code::kBadUrl, "firehose://stream, the stream's name (not its ARN): " + options.address);
  if (!options.key.empty()) return fail(Code::kContradiction, "output.key: firehose has neither keys nor partitions");
  made->service_ = {"firehose", options.environment("AWS_ENDPOINT_URL_FIREHOSE")};
  return made;
}

Result<EncodedMessage> FirehoseDestination::encode(const Message& message, uint32_t, std::span<char> room) const {
  // Base64 of the text with its line feed, by the threes that both are of.
  const size_t whole = message.text.size() / 3 * 3;
  FixedText<3> last(message.text.substr(whole));
  last.append('\n');
  TextRoom out(room);
  out.put("{\"Data\":\"").put_base64(message.text.substr(0, whole)).put_base64(last.view()).put("\"}");
  EncodedMessage encoded;
  encoded.counted = message.text.size() + 1;
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view FirehoseDestination::begin(const BatchInfo&, std::span<char> room) const {
  TextRoom out(room);
  out.put("{\"DeliveryStreamName\":\"").put_json(stream_).put("\",\"Records\":[");
  return out.view();
}

std::string_view FirehoseDestination::end(const BatchInfo&, std::span<char>) const { return "]}"; }

std::unique_ptr<DeliveryRequest> FirehoseDestination::make_request() const {
  return std::make_unique<AwsDelivery>(*options_.aws, service_, "Firehose_20150804.PutRecordBatch", "1.1");
}

// {"FailedPutCount":1,"RequestResponses":[{"RecordId":"..."},{"ErrorCode":"...","ErrorMessage":"..."}]}
void FirehoseDestination::on_value(const JsonWalk& at, Fates& fates) const {
  read_record_reply("RequestResponses", at, fates);
}

}  // namespace weir

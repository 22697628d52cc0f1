#include "delivery/event_bridge.hpp"

#include <vector>

#include "delivery/aws_delivery.hpp"
#include "delivery/record_replies.hpp"
#include "delivery/text_room.hpp"

namespace weir {
namespace {

constexpr size_t kSourceBytesMax = 256;
constexpr size_t kTypeBytesMax = 128;

bool is_label(std::string_view text, size_t bytes_max) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return !text.empty() && text.size() <= bytes_max && utf8_valid_prefix(text) == text.size();
}

}  // namespace

Result<std::unique_ptr<Destination>> EventBridgeDestination::make(const DestinationOptions& options) {
  std::unique_ptr<EventBridgeDestination> made(new EventBridgeDestination(options));
  const std::string_view text = behind_scheme(options.address);
  std::string_view name = text;
  Arn arn;
  bool good = true;
  if (parse_arn(text, "events", arn)) {
    constexpr std::string_view kKind = "event-bus/";
    made->region_ = arn.region;
    good = arn.resource.starts_with(kKind) && is_regional(arn);
    name = good ? arn.resource.substr(kKind.size()) : std::string_view{};
  }
  if (!good || !is_resource_name(name, 256, "/.-_"))
    return fail(Code::kBadUrl,
                "events://bus or events://arn:aws:events:region:account:event-bus/name: " + options.address);
  made->bus_ = text;
  made->service_ = {"events", options.environment("AWS_ENDPOINT_URL_EVENTBRIDGE")};

  std::string source = options.event_source;
  if (source.empty()) source = options.pipeline.empty() ? "weir" : "weir." + options.pipeline;
  const std::string type = options.event_type.empty() ? "record" : options.event_type;
  if (!is_label(source, kSourceBytesMax) || source.starts_with("aws."))
    return fail(Code::kOutOfRange,
                "events.source: 1 to 256 bytes, not beginning with \"aws.\", which is the service's own");
  if (!is_label(type, kTypeBytesMax)) return fail(Code::kOutOfRange, "events.detail_type: 1 to 128 bytes");
  made->head_counted_ = source.size() + type.size();
  std::vector<char> room(6 * (kSourceBytesMax + kTypeBytesMax) + 512 + kSlack);
  TextRoom head(room);
  head.put("{\"Source\":\"").put_json(source).put("\",\"DetailType\":\"").put_json(type);
  head.put("\",\"EventBusName\":\"").put(made->bus_).put("\",\"Resources\":[\"");
  made->head_ = head.view();
  return made;
}

Status EventBridgeDestination::start(HttpCall& call) {
  WEIR_TRY(check_region(region_, *options_.aws));
  const std::string body = "{\"Name\":\"" + bus_ + "\"}";
  AwsRequest request(*options_.aws);
  request.json(service_, "AWSEvents.DescribeEventBus", "1.1", body);
  call.begin(request, true);
  const Status asked = call.run();
  if (!asked && asked.error().code == Code::kAccessDenied) return {};
  return asked;
}

Result<EncodedMessage> EventBridgeDestination::encode(const Message& message, uint32_t, std::span<char> room) const {
  EncodedMessage encoded;
  encoded.counted = head_counted_ + message.text.size() + message.id.size();
  TextRoom out(room);
  out.put(head_).put(message.id).put("\"],\"Detail\":\"").put_json(message.text).put("\"}");
  if (out.fits() && !out.utf8()) return fail(Code::kBadUtf8);
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view EventBridgeDestination::begin(const BatchInfo&, std::span<char>) const { return "{\"Entries\":["; }

std::string_view EventBridgeDestination::end(const BatchInfo&, std::span<char>) const { return "]}"; }

std::unique_ptr<DeliveryRequest> EventBridgeDestination::make_request() const {
  return std::make_unique<AwsDelivery>(*options_.aws, service_, "AWSEvents.PutEvents", "1.1");
}

// {"FailedEntryCount":1,"Entries":[{"EventId":"..."},{"ErrorCode":"...","ErrorMessage":"..."}]}
void EventBridgeDestination::on_value(const JsonWalk& at, Fates& fates) const {
  read_record_reply("Entries", at, fates);
}

}  // namespace weir

#include "delivery/sqs.hpp"

#include "aws/credential_json.hpp"
#include "delivery/aws_delivery.hpp"
#include "delivery/message_key.hpp"
#include "delivery/text_room.hpp"

namespace weir {
namespace {

constexpr std::string_view kIdAttribute = "weir-id";

bool is_queue_name(std::string_view name) {
  if (name.ends_with(".fifo")) name.remove_suffix(5);
  return is_resource_name(name, 80, "-_");
}

// SQS takes #x9, #xA, #xD, #x20 to #xD7FF, #xE000 to #xFFFD and what is behind #xFFFF.
bool is_taken(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != 0x9 && c != 0xa && c != 0xd) return false;
    const bool last_of_plane = c == 0xef && i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xbf &&
                               static_cast<unsigned char>(text[i + 2]) >= 0xbe;
    if (last_of_plane) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Destination>> SqsDestination::make(const DestinationOptions& options) {
  std::unique_ptr<SqsDestination> made(new SqsDestination(options));
  std::string_view name = behind_scheme(options.address);
  Arn arn;
  if (parse_arn(name, "sqs", arn)) {
    made->region_ = arn.region;
    made->account_ = arn.account;
    name = arn.resource;
  } else if (const size_t slash = name.find('/'); slash != std::string_view::npos) {
    made->account_ = name.substr(0, slash);
    name.remove_prefix(slash + 1);
  }
  if (!is_queue_name(name) || (!made->account_.empty() && !is_account(made->account_)))
    return fail(Code::kBadUrl,
                "sqs://queue, sqs://account/queue or sqs://arn:aws:sqs:region:account:queue: " + options.address);
  made->queue_ = name;
  made->fifo_ = name.ends_with(".fifo");
  if (!made->fifo_ && !options.key.empty())
    return fail(Code::kContradiction, "output.key: only FIFO queues (their names end in .fifo) have groups");
  made->service_ = {"sqs", options.environment("AWS_ENDPOINT_URL_SQS")};
  return made;
}

// The URL is what the service says, which is also how a queue that is not there is found before anything is read.
Status SqsDestination::start(HttpCall& call) {
  if (!url_.empty()) return {};
  WEIR_TRY(check_region(region_, *options_.aws));
  std::string body = "{\"QueueName\":\"" + queue_ + "\"";
  if (!account_.empty()) body += ",\"QueueOwnerAWSAccountId\":\"" + account_ + "\"";
  body += "}";
  AwsRequest request(*options_.aws);
  request.json(service_, "AmazonSQS.GetQueueUrl", "1.0", body);
  call.begin(request, true);
  if (const Status asked = call.run(); !asked) return asked;
  for (JsonMembers members(call.text()); members.next();) {
    if (members.name() == "QueueUrl" && members.kind() == JsonMembers::Kind::kString) url_ = members.text();
  }
  if (url_.empty()) return fail(Code::kBadReply, "sqs: GetQueueUrl gives no URL");
  return {};
}

Result<EncodedMessage> SqsDestination::encode(const Message& message, uint32_t index, std::span<char> room) const {
  if (message.text.empty()) return fail(Code::kNotSendable, "sqs takes no empty message");
  if (!is_taken(message.text)) return fail(Code::kNotSendable, "it holds a character that sqs does not take");
  EncodedMessage encoded;
  encoded.counted = message.text.size();
  TextRoom out(room);
  out.put("{\"Id\":\"").put_number(index).put("\",\"MessageBody\":\"").put_json(message.text);
  if (fifo_) {
    MessageKey group;
    WEIR_TRY(find_message_group(message.text, options_.key, group, encoded.key));
    out.put("\",\"MessageGroupId\":\"").put_json(group.view());
    out.put("\",\"MessageDeduplicationId\":\"").put(message.id).put("\"}");
  } else {
    out.put("\",\"MessageAttributes\":{\"").put(kIdAttribute);
    out.put("\":{\"DataType\":\"String\",\"StringValue\":\"").put(message.id).put("\"}}}");
    encoded.counted += kIdAttribute.size() + std::string_view("String").size() + message.id.size();
  }
  if (out.fits() && !out.utf8()) return fail(Code::kBadUtf8);
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view SqsDestination::begin(const BatchInfo&, std::span<char> room) const {
  TextRoom out(room);
  out.put("{\"QueueUrl\":\"").put_json(url_).put("\",\"Entries\":[");
  return out.view();
}

std::string_view SqsDestination::end(const BatchInfo&, std::span<char>) const { return "]}"; }

std::unique_ptr<DeliveryRequest> SqsDestination::make_request() const {
  return std::make_unique<AwsDelivery>(*options_.aws, service_, "AmazonSQS.SendMessageBatch", "1.0");
}

// {"Failed":[{"Id":"0","SenderFault":true,"Code":"...","Message":"..."}],"Successful":[...]}
void SqsDestination::on_value(const JsonWalk& at, Fates& fates) const {
  const bool done = at.depth() == 2 && at.kind() == JsonWalk::Kind::kEnd && at.in_array(2);
  if (done && (at.name(1) == "Failed" || at.name(1) == "Successful")) ++fates.answers;
  if (at.name(1) != "Failed" || !at.in_array(2)) return;
  if (at.depth() == 3) {
    const std::string_view name = at.name(3);
    if (name == "Id") fates.note.id = FixedText<20>(at.text());
    if (name == "Code") fates.note.code = FixedText<64>(at.text());
    if (name == "Message") fates.note.text = FixedText<160>(at.text());
    if (name == "SenderFault") fates.note.sender_fault = at.kind() == JsonWalk::Kind::kTrue;
    return;
  }
  if (at.depth() != 2 || at.kind() != JsonWalk::Kind::kEnd) return;
  const std::string_view code = fates.note.code.view();
  fates.failed_index(index_of(fates.note.id.view()), classify_message(code, fates.note.sender_fault), code,
                     fates.note.text.view());
  fates.note = {};
}

}  // namespace weir

#include "delivery/sns.hpp"

#include <algorithm>
#include <cstring>

#include "aws/xml.hpp"
#include "base/assert.hpp"
#include "delivery/aws_delivery.hpp"
#include "delivery/message_key.hpp"
#include "delivery/text_room.hpp"

namespace weir {
namespace {

constexpr std::string_view kIdAttribute = "weir-id";
constexpr std::string_view kMember = "&PublishBatchRequestEntries.member.";
constexpr std::string_view kId = ".Id=";
constexpr std::string_view kMessage = ".Message=";
constexpr size_t kIdDigits = 10;  // of any index, at a place of two digits
constexpr size_t kFieldsMax = 5;
// Names, and as values a group of 128 bytes in escapes and an id.
constexpr size_t kHeaderBytesMax = kFieldsMax * 80 + 3 * 128 + kMessageIdBytesMax;

// Every field's name is shorter by a digit at the places before the tenth.
size_t id_digits(uint64_t number, size_t fields) { return kIdDigits + (number < 10 ? fields : 0); }

FixedText<20> padded(uint64_t index, size_t digits) {
  const FixedText<20> number = FixedText<20>().append_number(index);
  FixedText<20> text;
  for (size_t zeros = number.view().size(); zeros < digits; ++zeros) text.append('0');
  return text.append(number.view());
}

class SnsDelivery final : public AwsDelivery {
 public:
  SnsDelivery(AwsSession& session, const AwsServiceName& service) : AwsDelivery(session, service, {}, {}) {}
  void begin(HttpBody& body, const BatchInfo&) override {
    refused_ = false;
    request_.query(service_, body);
  }
};

/// The text of the first element of a name under this root; empty: there is none, or this is no XML.
std::string find_text(std::string_view xml, std::string_view root, std::string_view name) {
  XmlScanner scanner(HttpCall::kTextBytesMax);
  Error error;
  for (;;) {
    const XmlEvent event = scanner.next(xml, true, error);
    if (event == XmlEvent::kEnd && scanner.name_at(1) == root && scanner.name() == name)
      return std::string(scanner.text());
    if (event != XmlEvent::kBegin && event != XmlEvent::kEnd) return {};
  }
}

}  // namespace

Result<std::unique_ptr<Destination>> SnsDestination::make(const DestinationOptions& options) {
  std::unique_ptr<SnsDestination> made(new SnsDestination(options));
  std::string_view name = behind_scheme(options.address);
  Arn arn;
  bool whose = true;
  if (parse_arn(name, "sns", arn)) {
    made->region_ = arn.region;
    made->account_ = arn.account;
    made->arn_ = name;
    whose = is_regional(arn);
    name = arn.resource;
  } else if (const size_t slash = name.find('/'); slash != std::string_view::npos) {
    made->account_ = name.substr(0, slash);
    name.remove_prefix(slash + 1);
    whose = is_account(made->account_);
  }
  std::string_view plain = name;
  if (plain.ends_with(".fifo")) plain.remove_suffix(5);
  if (!is_resource_name(plain, 256, "-_") || name.size() > 256 || !whose)
    return fail(Code::kBadUrl,
                "sns://topic, sns://account/topic or sns://arn:aws:sns:region:account:topic: " + options.address);
  made->topic_ = name;
  made->fifo_ = name.ends_with(".fifo");
  if (!made->fifo_ && !options.key.empty())
    return fail(Code::kContradiction, "output.key: only FIFO topics (their names end in .fifo) have groups");
  made->service_ = {"sns", options.environment("AWS_ENDPOINT_URL_SNS")};
  return made;
}

Status SnsDestination::start(HttpCall& call) {
  WEIR_TRY(check_region(region_, *options_.aws));
  if (!arn_.empty()) return {};
  if (account_.empty()) {
    AwsRequest request(*options_.aws);
    request.query({"sts", options_.environment("AWS_ENDPOINT_URL_STS")}, "Action=GetCallerIdentity&Version=2011-06-15");
    call.begin(request, true);
    if (const Status asked = call.run(); !asked) return asked;
    account_ = find_text(call.text(), "GetCallerIdentityResponse", "Account");
    if (!is_account(account_)) {
      account_.clear();
      return fail(Code::kBadReply,
                  "sts: GetCallerIdentity gives no account; output.to: sns://account/topic needs no question");
    }
  }
  const std::string_view set = options_.aws->aws.endpoint.region;
  const std::string region(set.empty() ? std::string_view("us-east-1") : set);  // as it is signed for
  arn_.append("arn:").append(arn_partition(region)).append(":sns:").append(region).append(":");
  arn_.append(account_).append(":").append(topic_);
  return {};
}

Result<EncodedMessage> SnsDestination::encode(const Message& message, uint32_t index, std::span<char> room) const {
  if (message.text.empty()) return fail(Code::kNotSendable, "sns takes no empty message");
  if (utf8_valid_prefix(message.text) != message.text.size()) return fail(Code::kBadUtf8);
  EncodedMessage encoded;
  encoded.counted = message.text.size();
  TextRoom out(room);
  // As at the first place; renumber() makes it another's.
  const auto field = [&](std::string_view name) -> TextRoom& { return out.put(kMember).put('1').put(name); };
  field(kId).put(padded(index, id_digits(1, fifo_ ? 4 : 5)).view());
  if (fifo_) {
    MessageKey group;
    WEIR_TRY(find_message_group(message.text, options_.key, group, encoded.key));
    field(".MessageGroupId=").put_form(group.view());
    field(".MessageDeduplicationId=").put(message.id);
  } else {
    field(".MessageAttributes.entry.1.Name=").put(kIdAttribute);
    field(".MessageAttributes.entry.1.Value.DataType=").put("String");
    field(".MessageAttributes.entry.1.Value.StringValue=").put(message.id);
    encoded.counted += kIdAttribute.size() + std::string_view("String").size() + message.id.size();
  }
  field(kMessage).put_form(message.text);
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view SnsDestination::begin(const BatchInfo&, std::span<char> room) const {
  TextRoom out(room);
  out.put("Action=PublishBatch&Version=2010-03-31&TopicArn=").put_form(arn_);
  return out.view();
}

std::string_view SnsDestination::end(const BatchInfo&, std::span<char>) const { return {}; }

size_t SnsDestination::renumber(std::span<char> text, uint32_t place) const {
  const std::string_view whole(text.data(), text.size());
  const size_t header_bytes =
      whole.find(kMessage) + kMessage.size();  // values are escaped: '=' stands behind names alone
  std::string_view left = whole.substr(0, header_bytes);
  const auto fields = static_cast<size_t>(std::count(left.begin(), left.end(), '&'));
  WEIR_ASSERT(fields <= kFieldsMax && place < 99);
  FixedText<kHeaderBytesMax> header;
  while (!left.empty()) {
    const std::string_view field = left.substr(0, left.find('&', 1));
    left.remove_prefix(field.size());
    const std::string_view rest = field.substr(field.find('.', kMember.size()));
    header.append(kMember).append_number(place + 1);
    if (rest.starts_with(kId)) {
      header.append(kId).append(padded(index_of(rest.substr(kId.size())), id_digits(place + 1, fields)).view());
    } else {
      header.append(rest);
    }
  }
  WEIR_ASSERT(header.view().size() == header_bytes && !header.truncated());
  std::memcpy(text.data(), header.view().data(), header_bytes);
  return text.size();
}

std::unique_ptr<DeliveryRequest> SnsDestination::make_request() const {
  return std::make_unique<SnsDelivery>(*options_.aws, service_);
}

// <PublishBatchResponse><PublishBatchResult><Failed><member><Id/><Code/><Message/><SenderFault/></member>..</Failed><Successful>..
bool SnsDestination::on_text(const HttpHead&, std::string_view text, Fates& fates) const {
  XmlScanner scanner(HttpCall::kTextBytesMax);
  Error error;
  fates.note = {};
  bool ours = false;
  for (;;) {
    const XmlEvent event = scanner.next(text, true, error);
    if (event == XmlEvent::kFinished) return ours;
    if (event != XmlEvent::kBegin && event != XmlEvent::kEnd) return false;
    if (event == XmlEvent::kBegin) {
      if (scanner.depth() == 1) ours = scanner.name() == "PublishBatchResponse";
      continue;
    }
    if (!ours || scanner.name_at(4) != "member") continue;
    const bool failed = scanner.name_at(3) == "Failed";
    if (scanner.depth() == 4 && (failed || scanner.name_at(3) == "Successful")) ++fates.answers;
    if (!failed) continue;
    const std::string_view name = scanner.name();
    if (scanner.depth() == 5) {
      if (name == "Id") fates.note.id = FixedText<20>(scanner.text());
      if (name == "Code") fates.note.code = FixedText<64>(scanner.text());
      if (name == "Message") fates.note.text = FixedText<160>(scanner.text());
      if (name == "SenderFault") fates.note.sender_fault = scanner.text() == "true";
    } else if (scanner.depth() == 4) {
      const std::string_view code = fates.note.code.view();
      fates.failed_index(index_of(fates.note.id.view()), classify_message(code, fates.note.sender_fault), code,
                         fates.note.text.view());
      fates.note = {};
    }
  }
}

}  // namespace weir

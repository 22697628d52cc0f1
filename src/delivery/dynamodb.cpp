#include "delivery/dynamodb.hpp"

#include <cstring>

#include "delivery/aws_delivery.hpp"
#include "delivery/dynamodb_item.hpp"
#include "delivery/record_replies.hpp"
#include "delivery/text_room.hpp"

namespace weir {
namespace {

// In Fates::note.key, for each column of the key that was met: its number, and the hash of its value.
constexpr size_t kNotedBytes = 1 + sizeof(uint64_t);

void note_key(size_t column, uint64_t hash, Fates& fates) {
  char noted[kNotedBytes] = {static_cast<char>(column)};
  std::memcpy(noted + 1, &hash, sizeof hash);
  fates.note.key.append(std::string_view(noted, sizeof noted));
}

// 0: a column is missing.
uint64_t noted_key(size_t columns, const Fates& fates) {
  DynamoDbKey key;
  std::string_view noted = fates.note.key.view();
  for (; noted.size() >= kNotedBytes; noted.remove_prefix(kNotedBytes)) {
    uint64_t hash = 0;
    std::memcpy(&hash, noted.data() + 1, sizeof hash);
    key.set(static_cast<size_t>(noted[0]), hash);
  }
  return key.whole(columns) ? key.hash(columns) : 0;
}

}  // namespace

Result<std::unique_ptr<Destination>> DynamoDbDestination::make(const DestinationOptions& options) {
  std::unique_ptr<DynamoDbDestination> made(new DynamoDbDestination(options));
  made->table_ = behind_scheme(options.address);
  if (!is_resource_name(made->table_, 255, "_.-", 3))
    return fail(Code::kBadUrl, "dynamodb://table, the table's name (not its ARN): " + options.address);
  if (!options.json) return fail(Code::kContradiction, "dynamodb takes items: set output.format: ndjson");
  const std::vector<std::string>& key = options.key;
  if (key.empty() || key.size() > DynamoDbKey::kColumnsMax)
    return fail(Code::kContradiction,
                "output.key is the table's key: [partition key], or [partition key, sort key] where it has both");
  if (key.size() == 2 && key[0] == key[1])
    return fail(Code::kContradiction,
                "output.key: partition key and sort key are two columns, not `" + key[0] + "` twice");
  for (const std::string& column : key) {
    if (column.empty() || column.size() > JsonWalk::kNameBytesMax)
      return fail(Code::kContradiction, "output.key: names of a table's key have 1 to 255 characters");
  }
  made->service_ = {"dynamodb", options.environment("AWS_ENDPOINT_URL_DYNAMODB")};
  return made;
}

Result<EncodedMessage> DynamoDbDestination::encode(const Message& message, uint32_t, std::span<char> room) const {
  TextRoom out(room);
  out.put("{\"PutRequest\":{\"Item\":");
  DynamoDbItem item(options_.key, out);
  WEIR_TRY(item.write(message.text));
  out.put("}}");
  EncodedMessage encoded;
  encoded.counted = item.counted();
  encoded.key = item.key();
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view DynamoDbDestination::begin(const BatchInfo&, std::span<char> room) const {
  TextRoom out(room);
  out.put("{\"RequestItems\":{\"").put_json(table_).put("\":[");
  return out.view();
}

std::string_view DynamoDbDestination::end(const BatchInfo&, std::span<char>) const { return "]}}"; }

namespace {

class DynamoDbDelivery final : public AwsDelivery {
 public:
  DynamoDbDelivery(AwsSession& session, const AwsServiceName& service)
      : AwsDelivery(session, service, "DynamoDB_20120810.BatchWriteItem", "1.0") {}

  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override {
    const FailureClass failure = AwsDelivery::judge(head, text, error);
    // Every item has the columns of output.key: what misses a key then, or has another one, is the setting.
    const std::string_view words = error.detail.view();
    const bool other_key = words.find("Missing the key") != std::string_view::npos ||
                           words.find("does not match the schema") != std::string_view::npos;
    if (!refused_ || !other_key) return failure;
    refused_ = false;
    const FixedText<160> said(words.substr(0, 160));
    error = Error(Code::kContradiction, "output.key is not the key of the table: ");
    error.detail.append(said.view());
    return failure;
  }
};

}  // namespace

std::unique_ptr<DeliveryRequest> DynamoDbDestination::make_request() const {
  return std::make_unique<DynamoDbDelivery>(*options_.aws, service_);
}

// {"UnprocessedItems":{"table":[{"PutRequest":{"Item":{"id":{"S":"..."},...}}}]}}
void DynamoDbDestination::on_value(const JsonWalk& at, Fates& fates) const {
  // It names what was not done, so that an empty list tells of all.
  if (at.name(1) == "UnprocessedItems" && at.depth() == 1 && at.kind() == JsonWalk::Kind::kEnd)
    fates.answers = fates.count();
  if (at.name(1) != "UnprocessedItems" || !at.in_array(3)) return;
  if (at.depth() == 3) {
    // An entry without its key is any of them: all are sent again.
    fates.failed_key(noted_key(options_.key.size(), fates), MessageFailure::kThrottled, "UnprocessedItems", {});
    fates.note = {};
    return;
  }
  if (at.depth() != 7 || at.kind() != JsonWalk::Kind::kString || at.cut()) return;
  if (at.name(4) != "PutRequest" || at.name(5) != "Item") return;
  for (size_t column = 0; column < options_.key.size(); ++column) {
    if (at.name(6) != options_.key[column]) continue;
    if (at.name(7) == "S") note_key(column, hash_key(at.text()), fates);
    if (at.name(7) == "N") note_key(column, hash_number(at.text()), fates);
  }
}

}  // namespace weir

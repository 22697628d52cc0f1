// DynamoDB: BatchWriteItem (JSON 1.0) of puts. Limits by its API reference and quotas: 25 items, 400 KB an item as it counts them (dynamodb_item.hpp), 16 MB.
//
// At least once, and as good as exactly once: a put replaces the item of its key as a whole, so that one that comes twice leaves the same item. Items of
// one key are never in one batch.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class DynamoDbDestination final : public Destination {
 public:
  static constexpr uint64_t kItemBytesMax = 400u << 10;
  static constexpr uint64_t kRequestBytesMax = 16u << 20;

  /// "dynamodb://table"; output.key is the table's key. W2028, W2005.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "dynamodb"; }
  [[nodiscard]] DestinationLimits limits() const override {
    return {25, kItemBytesMax, kRequestBytesMax, kRequestBytesMax};
  }
  [[nodiscard]] KeyRule key_rule() const override { return KeyRule::kOnce; }
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  void on_value(const JsonWalk& at, Fates& fates) const override;

 private:
  explicit DynamoDbDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string table_;
};

}  // namespace weir

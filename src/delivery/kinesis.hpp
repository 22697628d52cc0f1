// Kinesis Data Streams: PutRecords (JSON 1.1). Limits by its API reference (2025-10: 10 MiB a record): data as they are before base64, with the partition key.
//
// At least once: a record has no id that the service knows repeats by, and one whose answer was lost is sent again. Records of a request are taken one by one:
// order is not kept, not even within a key, where one of them fails and is sent again.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class KinesisDestination final : public Destination {
 public:
  static constexpr uint64_t kBytesMax = 10u << 20;

  /// "kinesis://stream", or with the stream's ARN behind kinesis://. W2028, W2005.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "kinesis"; }
  [[nodiscard]] DestinationLimits limits() const override { return {500, kBytesMax, kBytesMax}; }
  Status start(HttpCall& call) override;
  /// The partition key is the values of output.key, or their SHA-256 in hex where they are none that the service takes; without output.key the message's id,
  /// which spreads records over all shards.
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  void on_value(const JsonWalk& at, Fates& fates) const override;

 private:
  explicit KinesisDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string stream_;  ///< its name or its ARN
  std::string region_;  ///< of an ARN; empty: it is a name
};

}  // namespace weir

// Firehose: PutRecordBatch (JSON 1.1). Limits by its API reference: 500 records, 1,000 KiB a record before base64, 4 MiB a request.
//
// Records are written behind each other at the stream's end, with nothing between them: each is sent with a line feed behind it. At least once: a record has
// no id that the service knows repeats by, and one whose answer was lost is sent again.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class FirehoseDestination final : public Destination {
 public:
  static constexpr uint64_t kRecordBytesMax = 1000u << 10;
  static constexpr uint64_t kRequestBytesMax = 4u << 20;

  /// "firehose://stream". W2028.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "firehose"; }
  [[nodiscard]] DestinationLimits limits() const override { return {500, kRecordBytesMax, kRequestBytesMax}; }
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  void on_value(const JsonWalk& at, Fates& fates) const override;

 private:
  explicit FirehoseDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string stream_;
};

}  // namespace weir

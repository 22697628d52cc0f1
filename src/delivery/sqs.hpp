// SQS: SendMessageBatch (JSON 1.0). Limits and rules by the service's API reference and quotas (2025-08: 1 MiB).
//
// A standard queue gets each message with its id in the attribute `weir-id`; a FIFO queue (its name ends in .fifo) gets it as the deduplication id, and the
// values of output.key as the group, or one group for all.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class SqsDestination final : public Destination {
 public:
  static constexpr uint64_t kBytesMax = 1u << 20;

  /// "sqs://name", "sqs://account/name", or with an ARN behind sqs://. W2028.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "sqs"; }
  [[nodiscard]] DestinationLimits limits() const override { return {10, kBytesMax, kBytesMax}; }
  [[nodiscard]] KeyRule key_rule() const override { return fifo_ ? KeyRule::kInOrder : KeyRule::kNone; }
  Status start(HttpCall& call) override;
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  void on_value(const JsonWalk& at, Fates& fates) const override;

 private:
  explicit SqsDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string queue_;
  std::string account_;  ///< empty: the caller's own
  std::string region_;  ///< of an ARN; empty: the session's
  std::string url_;
  bool fifo_ = false;
};

}  // namespace weir

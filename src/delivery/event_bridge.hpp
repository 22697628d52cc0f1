// EventBridge: PutEvents (JSON 1.1). Limits and rules by the service's API reference and "Calculating PutEvents event entry size": 10 entries, 256 KiB for a whole
// request, of which Source, DetailType, Detail and Resources count, each in UTF-8. (1 MB were announced in 2026-01; the model still says 256 KB.)
//
// An event is {"Source": events.source, "DetailType": events.detail_type, "Detail": the record, "Resources": ["its id"]}. Resources is the one place beside
// Detail for a text of our own: who must take an event once goes by resources[0].
//
// The service takes events for a bus that is not there, and drops them. So the bus is asked for once before anything is read (events:DescribeEventBus);
// who may not ask goes on unasked.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class EventBridgeDestination final : public Destination {
 public:
  static constexpr uint64_t kBytesMax = 256u << 10;

  /// "events://bus", or with an ARN behind events://. W2028; W2003: a source or type that the service does not take.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "events"; }
  [[nodiscard]] DestinationLimits limits() const override { return {10, kBytesMax, kBytesMax}; }
  Status start(HttpCall& call) override;
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  void on_value(const JsonWalk& at, Fates& fates) const override;

 private:
  explicit EventBridgeDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string bus_;  ///< its name or ARN
  std::string region_;  ///< of an ARN; empty: the session's
  std::string head_;  ///< of every entry, up to the id
  uint64_t head_counted_ = 0;
};

}  // namespace weir

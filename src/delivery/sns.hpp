// SNS: PublishBatch (Query protocol, 2010-03-31). Limits and rules by the service's API reference: 10 entries; 256 KiB for a message and for a request, of which
// attributes are a part.
//
// A standard topic gets each message with its id in the attribute `weir-id`; a FIFO topic (its name ends in .fifo) gets it as the deduplication id, and the values
// of output.key as the group, or one group for all.
//
// An entry carries the number of its place in the request in the name of each of its fields. Its id has so many zeros before it that an entry is of one
// size at every place. `Message` is its last field: what is written anew for another place stands before it.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class SnsDestination final : public Destination {
 public:
  static constexpr uint64_t kBytesMax = 256u << 10;

  /// "sns://topic", "sns://account/topic", or with an ARN behind sns://. W2028.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "sns"; }
  [[nodiscard]] DestinationLimits limits() const override { return {10, kBytesMax, kBytesMax}; }
  [[nodiscard]] KeyRule key_rule() const override { return fifo_ ? KeyRule::kInOrder : KeyRule::kNone; }
  /// A topic that is named without its account is the caller's own: STS is asked whose keys these are, which needs no permission.
  Status start(HttpCall& call) override;
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  [[nodiscard]] std::string_view separator() const override { return {}; }
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  size_t renumber(std::span<char> text, uint32_t place) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  [[nodiscard]] ReplyForm reply_form() const override { return ReplyForm::kText; }
  bool on_text(const HttpHead& head, std::string_view text, Fates& fates) const override;

 private:
  explicit SnsDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string topic_;
  std::string account_;  ///< empty: the caller's own
  std::string region_;  ///< of an ARN; empty: the session's
  std::string arn_;
  bool fifo_ = false;
};

}  // namespace weir

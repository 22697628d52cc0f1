// Lambda: Invoke, and wait for the answer (RequestResponse). Limits by the service's quotas: 6 MB (6,291,456 bytes) for a request.
//
// A function is given {"records":[...],"batch":{"id":"..","first":{"id","source","byte","record"},"last":{...}}}; `record` is left out where a record is none of
// the input's (a row of aggregates), names of inputs are cut at kSourceBytesMax. It takes a batch by returning and refuses it by failing, as a whole: `batch.id` is
// the same whenever the same records come again. What it returns is not looked at.
//
// A function that fails is answered with status 200 and the field X-Amz-Function-Error: the body, then, says what it failed with. Such a reply alone is read
// (wants_text); those of functions that did not fail may be of 6 MB, and are passed over.
#pragma once

#include "delivery/destinations.hpp"

namespace weir {

class LambdaDestination final : public Destination {
 public:
  static constexpr uint64_t kRequestBytesMax = 6'291'456;
  static constexpr size_t kSourceBytesMax = 1200;  ///< as JSON; two of them stand in a frame

  /// "lambda://function", "lambda://function:alias", or with an ARN behind lambda://. W2028.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return "lambda"; }
  /// Messages count as they are encoded, with their commas; the frame has its share.
  [[nodiscard]] DestinationLimits limits() const override {
    return {100'000, kRequestBytesMax - kFrameBytesMax, kRequestBytesMax - kFrameBytesMax};
  }
  [[nodiscard]] bool tells_of_each() const override { return false; }
  Status start(HttpCall& call) override;
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  [[nodiscard]] ReplyForm reply_form() const override { return ReplyForm::kNone; }

 private:
  explicit LambdaDestination(const DestinationOptions& options) : options_(options) {}

  const DestinationOptions& options_;
  AwsServiceName service_;
  std::string region_;  ///< of an ARN; empty: the session's
  std::string path_;
};

}  // namespace weir

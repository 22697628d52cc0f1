// HTTP: each batch is POSTed to an address of the user's, as lines (application/x-ndjson; text/plain where records are no JSON) or as a JSON array.
//
// Each request says `Idempotency-Key`: the batch's id, which is the same whenever the same records come again. A batch is taken by any 2xx, the body of which
// is not looked at; refused for what it holds by 400, 413 and 422; sent again behind 408, 425, 429, 500, 502, 503 and 504.
//
// Redirects are not followed: most turn a POST into a GET, and the rest would give records to somebody who was not named. W4029 says where it leads.
//
// Secrets are: name and password before the host, the query, values of headers. They are sent, and never shown: of a refusal's body nothing is told where it
// has one of them.
#pragma once

#include "delivery/destinations.hpp"
#include "io/http_address.hpp"

namespace weir {

class HttpDestination final : public Destination {
 public:
  static constexpr size_t kHeadersMax = 16;
  static constexpr size_t kHeaderBytesMax = 4096;  ///< of all names and values
  static constexpr uint64_t kBytesMax = 1u << 30;  ///< no service's limit: batch.bytes cuts long before

  /// W2028: the address. W2002, W2003, W2005: a header, by its number and name.
  static Result<std::unique_ptr<Destination>> make(const DestinationOptions& options);

  [[nodiscard]] std::string_view name() const override { return tls_ ? "https" : "http"; }
  [[nodiscard]] DestinationLimits limits() const override { return {1'000'000, kBytesMax, kBytesMax}; }
  [[nodiscard]] bool tells_of_each() const override { return false; }
  Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const override;
  [[nodiscard]] std::string_view separator() const override { return options_.array ? "," : "\n"; }
  std::string_view begin(const BatchInfo& batch, std::span<char> room) const override;
  std::string_view end(const BatchInfo& batch, std::span<char> room) const override;
  std::unique_ptr<DeliveryRequest> make_request() const override;
  [[nodiscard]] ReplyForm reply_form() const override { return ReplyForm::kNone; }

  /// What a request takes from here.
  [[nodiscard]] const HttpAddress& address() const { return address_; }
  /// In their order, but for Idempotency-Key; views into this.
  [[nodiscard]] std::span<const HttpField> fields() const { return fields_; }
  /// A text of the server's that has a secret is not shown.
  [[nodiscard]] bool has_secret(std::string_view text) const;

 private:
  explicit HttpDestination(const DestinationOptions& options) : options_(options) {}
  Status take_headers();

  const DestinationOptions& options_;
  HttpAddress address_;
  bool tls_ = false;
  std::vector<HttpField> fields_;
  std::vector<std::string> secrets_;
};

}  // namespace weir

#include "delivery/http_endpoint.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "delivery/text_room.hpp"
#include "io/address_kind.hpp"

namespace weir {
namespace {

constexpr size_t kSecretBytesMin = 4;  // shorter texts are in any answer

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Who writes them is the connection, or us.
bool is_ours(std::string_view name) {
  constexpr std::string_view kOurs[] = {
      "Host",       "Content-Length",      "Transfer-Encoding", "Connection", "Expect",
      "Keep-Alive", "Proxy-Authorization", "Proxy-Connection",  "Trailer",    "TE",
      "Upgrade",    "Idempotency-Key"};
  return std::any_of(std::begin(kOurs), std::end(kOurs), [&](std::string_view ours) { return same_word(ours, name); });
}

class HttpDelivery final : public DeliveryRequest {
 public:
  explicit HttpDelivery(const HttpDestination& destination)
      : destination_(destination), url_(parse_url(destination.address().url).value_or(Url{})) {
    std::copy(destination.fields().begin(), destination.fields().end(), fields_.begin());
  }

  void begin(HttpBody& body, const BatchInfo& batch) override {
    refused_ = false;
    body_ = &body;
    id_ = batch.id;
  }
  Status make(HttpRequest& request, uint32_t) override {
    request.method = "POST";
    request.url = url_;
    // Who writes an address means it; a name that leads to the metadata service was written by somebody else.
    request.reach = is_address(url_.host) ? AddressKind::kLinkLocal : AddressKind::kLoopback;
    const size_t count = destination_.fields().size();
    fields_[count] = {"Idempotency-Key", id_};
    request.fields = {fields_.data(), count + 1};
    request.body = body_;
    return {};
  }
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override;

 private:
  void redirected(std::string_view location, Error& error) const;

  const HttpDestination& destination_;
  Url url_;  ///< views of the destination's address
  HttpBody* body_ = nullptr;
  std::string_view id_;
  std::array<HttpField, HttpDestination::kHeadersMax + 6> fields_;
};

FailureClass HttpDelivery::judge(const HttpHead& head, std::string_view text, Error& error) {
  const unsigned status = head.status();
  if (status / 100 == 2) return FailureClass::kNone;
  const auto say = [&](Code code, FailureClass failure, std::string_view what = {}) {
    error = Error(code, destination_.name());
    error.detail.append(": status ").append_number(status).append(what.empty() ? "" : ", ").append(what);
    return failure;
  };
  switch (status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      say(Code::kRequestRefused, FailureClass::kFatal);
      redirected(head.value("Location"), error);
      return FailureClass::kFatal;
    case 400:
    case 413:
    case 422:
      refused_ = true;
      say(Code::kMessageRefused, FailureClass::kFatal);
      if (!text.empty() && !destination_.has_secret(text)) error.detail.append(": ").append(text.substr(0, 160));
      return FailureClass::kFatal;
    case 401:
    case 403:
      return say(Code::kAccessDenied, FailureClass::kFatal,
                 destination_.address().authorization.empty() ? "" : "name or password are refused");
    case 407:
      return say(Code::kAccessDenied, FailureClass::kFatal,
                 "the proxy asks for a name and password: HTTPS_PROXY=http://name:password@host:port");
    case 404:
    case 405:
    case 410:
      return say(Code::kNoDestination, FailureClass::kFatal, status == 405 ? "it takes no POST" : "");
    case 429:
      ++throttled_;
      return say(Code::kThrottled, FailureClass::kThrottling);
    case 408:
    case 425:
    case 500:
    case 502:
    case 503:
    case 504:
      return say(Code::kServerError, FailureClass::kTransient);
    default:
      return say(Code::kRequestRefused, FailureClass::kFatal);
  }
}

void HttpDelivery::redirected(std::string_view location, Error& error) const {
  const auto there = parse_url(location);
  FixedText<160> shown;  // without its query
  if (there) {
    append_shown(shown, *there);
  } else if (location.starts_with('/') && !location.starts_with("//")) {
    shown.append(location.substr(0, location.find_first_of("?#")));
  }
  if (shown.empty() || destination_.has_secret(shown.view())) {
    error.detail.append(", it leads elsewhere");
  } else {
    error.detail.append(", it leads to ").append(shown.view());
  }
  error.detail.append("; name that place itself in output.to");
}

}  // namespace

Result<std::unique_ptr<Destination>> HttpDestination::make(const DestinationOptions& options) {
  std::unique_ptr<HttpDestination> made(new HttpDestination(options));
  auto address = parse_http_address(options.address);
  if (!address) return fail(address.error());
  made->address_ = std::move(*address);
  const Url url = *parse_url(made->address_.url);
  made->tls_ = url.tls;
  if (!url.query().empty()) made->secrets_.emplace_back(url.query());
  if (options.array && !options.json) return fail(Code::kContradiction, "an array is one of JSON");
  WEIR_TRY(made->take_headers());
  return made;
}

Status HttpDestination::take_headers() {
  if (options_.headers.size() > kHeadersMax) return fail(Code::kOutOfRange, "http.headers: at most 16");
  const std::string_view type = !options_.json   ? "text/plain; charset=utf-8"
                                : options_.array ? "application/json"
                                                 : "application/x-ndjson";
  // What is given under one of these names stands in its place.
  const HttpField defaults[] = {
      {"Content-Type", type}, {"Accept", "*/*"}, {"Accept-Encoding", "identity"}, {"User-Agent", "weir/" WEIR_VERSION}};
  size_t bytes = 0;
  bool authorized = false;
  for (const std::string& header : options_.headers) {
    Error error(Code::kWrongType, "http.headers, number ");
    error.detail.append_number(static_cast<uint64_t>(&header - options_.headers.data()) + 1);
    const size_t colon = header.find(':');
    const std::string_view name = std::string_view(header).substr(0, colon);
    if (colon == std::string::npos || !is_token(name)) {
      error.detail.append(": it is no \"Name: value\"");
      return fail(error);
    }
    error.detail.append(", ").append(name.substr(0, 60));
    const std::string_view value = trimmed(std::string_view(header).substr(colon + 1));
    if (!is_field_value(value)) {
      error.detail.append(": its value has a control character");
      return fail(error);
    }
    if (is_ours(name)) {
      error.code = Code::kContradiction;
      error.detail.append(": weir writes this one itself");
      return fail(error);
    }
    authorized = authorized || same_word(name, "Authorization");
    if (authorized && !address_.authorization.empty()) {
      error.code = Code::kContradiction;
      error.detail.append(": the address has a name and password, too");
      return fail(error);
    }
    bytes += name.size() + value.size();
    fields_.push_back({name, value});
    if (value.size() >= kSecretBytesMin) secrets_.emplace_back(value);
    // "Bearer abc": a server tells of the token alone.
    if (const size_t blank = value.rfind(' ');
        blank != std::string_view::npos && value.size() - blank > kSecretBytesMin)
      secrets_.emplace_back(value.substr(blank + 1));
  }
  if (bytes > kHeaderBytesMax) return fail(Code::kOutOfRange, "http.headers: more than 4 KiB");
  if (!address_.authorization.empty()) {
    fields_.push_back({"Authorization", address_.authorization});
    secrets_.emplace_back(std::string_view(address_.authorization).substr(std::string_view("Basic ").size()));
    std::string_view user = options_.address;
    user = user.substr(user.find("://") + 3);
    user = user.substr(0, user.find_first_of("/?#"));
    user = user.substr(0, user.rfind('@'));
    const std::string_view password = user.substr(std::min(user.size(), user.find(':') + 1));
    std::string decoded(password.size(), '\0');
    decoded.resize(percent_decode(password, decoded).value_or(0));
    if (!decoded.empty()) secrets_.push_back(std::move(decoded));
    if (!password.empty()) secrets_.emplace_back(password);
  }
  const size_t given = fields_.size();
  for (const HttpField& field : defaults) {
    const bool there = std::any_of(fields_.begin(), fields_.begin() + static_cast<ptrdiff_t>(given),
                                   [&](const HttpField& other) { return same_word(other.name, field.name); });
    if (!there) fields_.push_back(field);
  }
  return {};
}

bool HttpDestination::has_secret(std::string_view text) const {
  return std::any_of(secrets_.begin(), secrets_.end(),
                     [&](const std::string& secret) { return text.find(secret) != std::string_view::npos; });
}

Result<EncodedMessage> HttpDestination::encode(const Message& message, uint32_t, std::span<char> room) const {
  if (!options_.json && utf8_valid_prefix(message.text) != message.text.size()) return fail(Code::kBadUtf8);
  TextRoom out(room);
  out.put(message.text);
  EncodedMessage encoded;
  encoded.counted = message.text.size() + separator().size();
  encoded.bytes = out.fits() ? out.bytes() : 0;
  encoded.nothing = out.fits() && message.text.empty();  // a line without text
  return encoded;
}

std::string_view HttpDestination::begin(const BatchInfo&, std::span<char>) const { return options_.array ? "[" : ""; }

std::string_view HttpDestination::end(const BatchInfo&, std::span<char>) const { return options_.array ? "]" : "\n"; }

std::unique_ptr<DeliveryRequest> HttpDestination::make_request() const { return std::make_unique<HttpDelivery>(*this); }

}  // namespace weir

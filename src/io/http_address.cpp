#include "io/http_address.hpp"

#include "base/base64.hpp"
#include "io/http_head.hpp"

namespace weir {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

bool begins(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && same_word(text.substr(0, scheme.size()), scheme);
}

}  // namespace

bool is_http(std::string_view name) { return begins(name, kHttp) || begins(name, kHttps); }

Result<std::string> take_user(std::string& address) {
  const size_t begin = address.find("://") + 3;
  const size_t end = address.find_first_of("/?#", begin);
  const size_t at = address.substr(0, end).rfind('@');
  if (at == std::string::npos || at < begin) return std::string();
  const std::string user = address.substr(begin, at - begin);
  address.erase(begin, at + 1 - begin);
  std::string decoded(user.size(), '\0');
  const auto size = percent_decode(user, decoded);
  if (!size) return fail(Code::kBadUrl, "the name or password before the host has a broken escape");
  decoded.resize(*size);
  if (user.find(':') == std::string::npos) decoded += ':';
  std::string authorization(base64_bytes(decoded.size()), '\0');
  base64_encode(decoded, authorization.data());
  return authorization.insert(0, "Basic ");
}

Result<HttpAddress> parse_http_address(std::string_view text) {
  HttpAddress address;
  address.url = text;
  if (!is_http(text)) return fail(Code::kBadUrl, "it does not begin with http:// or https://");
  auto authorization = take_user(address.url);
  if (!authorization) return fail(authorization.error());
  address.authorization = std::move(*authorization);
  const auto url = parse_url(address.url);
  if (!url) return fail(url.error());
  address.shown = url->tls ? kHttps : kHttp;
  address.shown += host_field(*url).view();
  address.shown += url->path();
  return address;
}

std::string shown_address(std::string_view text) {
  if (auto address = parse_http_address(text)) return std::move(address->shown);
  return std::string(begins(text, kHttps) ? kHttps : kHttp) + "...";
}

}  // namespace weir

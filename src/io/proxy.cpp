#include "io/proxy.hpp"

#include "io/http_address.hpp"
#include "io/http_head.hpp"

namespace weir {
namespace {

bool ends_with_word(std::string_view host, std::string_view domain) {
  if (host.size() < domain.size() || !same_word(host.substr(host.size() - domain.size()), domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

// "user:password@" is taken out, as a Url has none.
Result<std::string> without_user(std::string_view text, std::string& authorization) {
  std::string address(text);
  if (address.find("://") == std::string::npos) address.insert(0, "http://");
  auto user = take_user(address);
  if (!user) return fail(user.error());
  if (!user->empty()) authorization = std::move(*user);
  if (!address.starts_with("http://")) return fail(Code::kBadUrl, "a proxy is spoken to by http:// only");
  if (auto url = parse_url(address); !url) return fail(url.error());
  return address;
}

}  // namespace

Result<ProxyRules> ProxyRules::make(std::string_view https_proxy, std::string_view http_proxy,
                                    std::string_view no_proxy) {
  ProxyRules rules;
  rules.no_proxy_ = no_proxy;
  if (!http_proxy.empty()) {
    auto address = without_user(http_proxy, rules.http_authorization_);
    if (!address) return fail(address.error());
    rules.http_ = std::move(*address);
  }
  if (!https_proxy.empty()) {
    auto address = without_user(https_proxy, rules.https_authorization_);
    if (!address) return fail(address.error());
    rules.https_ = std::move(*address);
  }
  return rules;
}

bool ProxyRules::excepted(std::string_view host) const {
  if (same_word(host, "localhost") || host.starts_with("127.") || host == "::1" || host.starts_with("169.254.") ||
      same_word(host, "fd00:ec2::254") || same_word(host, "fd00:ec2::23")) {
    return true;
  }
  std::string_view rest = no_proxy_;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view entry = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    while (!entry.empty() && (entry.front() == ' ' || entry.front() == '.')) entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (entry == "*" || (!entry.empty() && ends_with_word(host, entry))) return true;
  }
  return false;
}

std::optional<Url> ProxyRules::proxy_for(const Url& url) const {
  const std::string& proxy = url.tls ? https_ : http_;
  if (proxy.empty() || excepted(url.host)) return std::nullopt;
  auto parsed = parse_url(proxy);
  return parsed ? std::optional<Url>(*parsed) : std::nullopt;
}

}  // namespace weir

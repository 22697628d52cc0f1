// Which proxy a request goes through, by the environment's rules: HTTPS_PROXY and HTTP_PROXY (lower case before upper case; plain HTTP_PROXY
// only in lower case, as it can be set from outside of a web server), NO_PROXY with names, domains, addresses and "*".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "io/url.hpp"

namespace weir {

class ProxyRules {
 public:
  ProxyRules() = default;
  /// Texts as they stand in the environment; empty: not set. Takes memory. W2028: not a proxy's address.
  static Result<ProxyRules> make(std::string_view https_proxy, std::string_view http_proxy, std::string_view no_proxy);

  /// Null: direct. Loopback and link-local addresses never go through a proxy.
  [[nodiscard]] std::optional<Url> proxy_for(const Url& url) const;
  /// "Basic ..." where the address of the proxy for such URLs names a user; a secret of that proxy's alone.
  [[nodiscard]] std::string_view authorization(bool tls) const {
    return tls ? https_authorization_ : http_authorization_;
  }

 private:
  [[nodiscard]] bool excepted(std::string_view host) const;

  std::string https_;
  std::string http_;
  std::string no_proxy_;
  std::string https_authorization_;
  std::string http_authorization_;
};

}  // namespace weir

// HttpAddress: an http(s):// address as a user writes it, taken apart into what is sent, what is secret, and what may be shown.
//
// A query is often a signature, and what stands before the '@' a password. Both are sent and never shown: messages, checkpoints, names of
// outputs and job ids see `shown` alone.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "io/url.hpp"

namespace weir {

/// "http://" or "https://" in letters of either case, as the start of a name.
bool is_http(std::string_view name);

struct HttpAddress {
  std::string url;  ///< without name and password; parse_url takes it
  std::string authorization;  ///< "Basic ...", a secret; empty: no name was given
  std::string shown;  ///< "https://host:8080/path": scheme in small letters, neither query nor password
};

/// Takes memory. W2028 as parse_url says it, and for a broken escape in name or password; the detail has nothing of the address.
Result<HttpAddress> parse_http_address(std::string_view text);

/// What may be shown of any text that is_http, good or bad: nothing but the scheme where it can't be taken apart.
std::string shown_address(std::string_view text);

/// Takes "name:password@" out of an address; the "Basic ..." that it stands for, empty where there is none. W2028: a broken escape.
Result<std::string> take_user(std::string& address);

/// "https://host:8080/path".
template <size_t kBytesMax>
void append_shown(FixedText<kBytesMax>& text, const Url& url) {
  text.append(url.tls ? "https://" : "http://").append(host_field(url).view()).append(url.path());
}

}  // namespace weir

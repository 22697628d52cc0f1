// Addresses: http(s)://host[:port]/path?query taken apart, and percent-encoding as S3 and SigV4 want it (RFC 3986, the unreserved characters are
// A-Z a-z 0-9 - _ . ~; hexadecimal digits are capitals; a space is %20).
//
// Views point into the text that was given. Nothing is normalized: "//", "." and ".." of a path stay as they are, since keys of S3 may
// contain them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"

namespace weir {

inline constexpr size_t kUrlBytesMax = 8192;
inline constexpr size_t kHostBytesMax = 253;  ///< RFC 1035, without the root's dot

struct Url {
  bool tls = false;
  bool v6 = false;  ///< the host is an IPv6 literal; brackets are not part of it
  std::string_view host;  ///< as written; letters may be of either case
  uint16_t port = 0;  ///< the scheme's default where none is written
  std::string_view path_and_query;  ///< begins with '/', is what a request line takes

  [[nodiscard]] bool default_port() const { return port == (tls ? 443 : 80); }
  [[nodiscard]] std::string_view path() const { return path_and_query.substr(0, path_and_query.find('?')); }
  /// Without the '?'; empty where there is none.
  [[nodiscard]] std::string_view query() const {
    const size_t mark = path_and_query.find('?');
    return mark == std::string_view::npos ? std::string_view{} : path_and_query.substr(mark + 1);
  }
};

/// Takes an address apart. W2028 with the reason for another scheme, a name and password before the host, a fragment, a byte that must be
/// percent-encoded, a bad host or port, or more than kUrlBytesMax bytes. The detail never has text of the address: it may be signed.
Result<Url> parse_url(std::string_view text);

/// The Host field's value: brackets around IPv6, the port where it is not the scheme's own.
FixedText<kHostBytesMax + 9> host_field(const Url& url);

/// Percent-encodes a path: '/' stays, everything else that is not unreserved becomes %XX. The size of what was written, or nothing when the room is
/// too small (3 * text.size() always suffices).
std::optional<size_t> encode_path(std::string_view text, std::span<char> room);
/// The same for a name or value of a query: '/' becomes %2F.
std::optional<size_t> encode_query(std::string_view text, std::span<char> room);

/// Appends; false when it did not fit (the text is then cut and of no use).
template <size_t kBytesMax>
bool append_encoded(FixedText<kBytesMax>& out, std::string_view text, bool keep_slash) {
  for (const char c : text) {
    char escape[3];
    const auto size = keep_slash ? encode_path({&c, 1}, escape) : encode_query({&c, 1}, escape);
    out.append(std::string_view(escape, *size));
  }
  return !out.truncated();
}

enum class Plus : uint8_t { kIsPlus, kIsSpace };

/// Undoes percent-encoding. Nothing when an escape is broken or the room (text.size() suffices) is too small. `room` may begin where
/// `text` does.
std::optional<size_t> percent_decode(std::string_view text, std::span<char> room, Plus plus = Plus::kIsPlus);

}  // namespace weir

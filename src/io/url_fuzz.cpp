// Any bytes as an address and as percent-encoded text: what is taken has only such bytes as a request line may have, encoding is undone by decoding.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "io/url.hpp"

using namespace weir;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto url = parse_url(text)) {
    require(!url->host.empty() && url->host.size() <= kHostBytesMax && url->port != 0);
    require(url->path_and_query.starts_with('/'));
    for (const char c : url->path_and_query) require(c > 0x20 && c < 0x7F && c != '#');
    for (const char c : url->host)
      require(c > 0x20 && c < 0x7F && std::string_view("@/?#[]\\%").find(c) == std::string_view::npos);
    // What it was read as, written again, is read as the same.
    std::string again = url->tls ? "https://" : "http://";
    again += host_field(*url).view();
    again += url->path_and_query;
    const auto second = parse_url(again);
    require(second && second->host == url->host && second->port == url->port && second->v6 == url->v6 &&
            second->path_and_query == url->path_and_query);
  }
  std::string encoded(3 * size, '\0');
  encoded.resize(encode_query(text, encoded).value());
  std::string decoded(encoded.size(), '\0');
  decoded.resize(percent_decode(encoded, decoded, Plus::kIsSpace).value());
  require(decoded == text);
  std::string room(size, '\0');
  if (const auto n = percent_decode(text, room)) require(*n <= size);
  return 0;
}

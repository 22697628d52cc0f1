#include "io/address_kind.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include <arpa/inet.h>

namespace weir {
namespace {

AddressKind kind_of_v4(const uint8_t* b) {
  if (b[0] == 127) return AddressKind::kLoopback;
  if (b[0] == 10 || (b[0] == 172 && b[1] >= 16 && b[1] < 32) || (b[0] == 192 && b[1] == 168))
    return AddressKind::kPrivate;
  // Alibaba's metadata service stands among the addresses of carriers.
  if (b[0] == 100 && b[1] == 100 && b[2] == 100 && b[3] == 200) return AddressKind::kLinkLocal;
  if (b[0] == 100 && b[1] >= 64 && b[1] < 128) return AddressKind::kPrivate;
  if (b[0] == 0 || b[0] >= 224 || (b[0] == 169 && b[1] == 254)) return AddressKind::kLinkLocal;
  return AddressKind::kPublic;
}

std::optional<Address> address_of(std::string_view host) {
  char text[64];
  if (host.empty() || host.size() >= sizeof text) return std::nullopt;
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = '\0';
  Address address;
  if (inet_pton(AF_INET, text, address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, text, address.bytes.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace

AddressKind address_kind(const Address& address) {
  const auto& b = address.bytes;
  if (!address.v6) return kind_of_v4(b.data());
  if (address.loopback()) return AddressKind::kLoopback;
  const auto begins = [&](std::initializer_list<uint8_t> prefix) {
    return std::equal(prefix.begin(), prefix.end(), b.begin());
  };
  if (begins({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}) || begins({0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}))
    return kind_of_v4(b.data() + 12);
  if (begins({0x20, 0x02})) return kind_of_v4(b.data() + 2);
  if (begins({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) return AddressKind::kLinkLocal;  // unspecified, and long out of use
  if (begins({0xfd, 0x00, 0x0e, 0xc2}) || begins({0xfd, 0x20, 0x00, 0xce}))
    return AddressKind::kLinkLocal;  // EC2's, GCE's
  if ((b[0] & 0xfe) == 0xfc) return AddressKind::kPrivate;
  if ((b[0] == 0xfe && (b[1] & 0x80) == 0x80) || b[0] == 0xff) return AddressKind::kLinkLocal;
  return AddressKind::kPublic;
}

AddressKind host_kind(std::string_view host) {
  if (const auto address = address_of(host)) return address_kind(*address);
  std::string_view last = host;
  if (last.ends_with('.')) last.remove_suffix(1);
  if (const size_t dot = last.rfind('.'); dot != std::string_view::npos) last.remove_prefix(dot + 1);
  const bool number = last.find_first_not_of("0123456789") == std::string_view::npos ||
                      (last.size() > 1 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X'));
  return number ? AddressKind::kLinkLocal : AddressKind::kPublic;
}

bool is_address(std::string_view host) { return address_of(host).has_value(); }

}  // namespace weir

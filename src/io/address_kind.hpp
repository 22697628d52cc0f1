// AddressKind: how far inside an address lies. Nobody is led from a place outside to one further inside by a name or a redirect: that is
// how a server makes a client read what only the client can reach (the metadata service with a role's keys, a neighbour's port).
#pragma once

#include <cstdint>
#include <string_view>

#include "port/net.hpp"

namespace weir {

/// In the order in which they lie further inside.
enum class AddressKind : uint8_t {
  kPublic,
  kPrivate,  ///< 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7
  kLoopback,
  kLinkLocal,  ///< 169.254/16, fe80::/10, and what else no file server has: metadata services, 0/8, multicast, broadcast
};

/// An IPv4 address inside of an IPv6 one (mapped, NAT64, 6to4) is what it is by itself.
AddressKind address_kind(const Address& address);

/// Of a host as it is written: of a literal its address' kind; of a name kPublic, since nothing is known; of a number that is no
/// literal in its usual form ("0x7f.1", "2852039166") kLinkLocal, since resolvers make addresses of those.
AddressKind host_kind(std::string_view host);

/// "10.0.0.1" or "fe80::1", and nothing else.
bool is_address(std::string_view host);

}  // namespace weir

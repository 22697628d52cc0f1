// Names to addresses by the hosts file and by name servers (c-ares). SystemNet::resolve is what others call.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "port/net.hpp"

namespace weir {

/// Addresses of a name in a file like /etc/hosts, in the file's order; their number. 0 where the file can't be read.
size_t addresses_in_hosts(const char* path, std::string_view host, std::span<Address> room);

/// Asks the name servers (`name_servers`, or null: those of /etc/resolv.conf) for A and AAAA; IPv4 first. Waits until `until` or for a
/// stop (kInterrupted). W4021: none, or no answer.
Result<size_t> ask_name_servers(std::string_view host, const char* name_servers, std::span<Address> room, Clock& clock,
                                Deadline until);

}  // namespace weir

#include "io/system_net.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "io/file.hpp"
#include "io/name_lookup.hpp"
#include "io/system_wakeup.hpp"

namespace weir {
namespace {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t write_address(const Address& address, SocketAddress& out) {
  out = {};
  if (!address.v6) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port);
    std::memcpy(&out.v4.sin_addr, address.bytes.data(), 4);
    return sizeof out.v4;
  }
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(address.port);
  std::memcpy(&out.v6.sin6_addr, address.bytes.data(), 16);
  return sizeof out.v6;
}

// A datagram socket finds its route when it is connected, and sends nothing.
bool routed(const Address& address) {
  const int file = socket(address.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return false;
  SocketAddress raw;
  const socklen_t size = write_address(address, raw);
  const bool found = connect(file, &raw.any, size) == 0;
  close(file);
  return found;
}

bool literal(std::string_view host, Address& address) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  char text[INET6_ADDRSTRLEN + 1];
  if (host.empty() || host.size() >= sizeof text) return false;
  std::memcpy(text, host.data(), host.size());
  text[host.size()] = 0;
  address = {};
  if (inet_pton(AF_INET, text, address.bytes.data()) == 1) return true;
  address.v6 = inet_pton(AF_INET6, text, address.bytes.data()) == 1;
  return address.v6;
}

bool local_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  constexpr std::string_view kName = "localhost";
  if (host.size() < kName.size()) return false;
  if (host.size() > kName.size() && host[host.size() - kName.size() - 1] != '.') return false;
  return std::ranges::equal(host.substr(host.size() - kName.size()), kName,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

Error no_connection(int number) { return system_error(Code::kNoConnection, number, ""); }

NetResult moved(ssize_t size) { return {NetStep::kDone, static_cast<size_t>(size), 0}; }

NetResult not_moved(int number) {
  if (number == EAGAIN || number == EWOULDBLOCK) return {};
  return {NetStep::kFailed, 0, number};
}

}  // namespace

Result<size_t> SystemNet::resolve(std::string_view host, uint16_t port, std::span<Address> room, Deadline until) {
  WEIR_ASSERT(!room.empty());
  size_t count = 0;
  if (literal(host, room[0])) {
    count = 1;
  } else if (local_name(host)) {
    room[0] = {};
    room[0].bytes = {127, 0, 0, 1};
    count = 1;
    if (room.size() > 1) {
      room[1] = {};
      room[1].v6 = true;
      room[1].bytes[15] = 1;
      count = 2;
    }
  } else {
    count = addresses_in_hosts(options_.hosts_file, host, room);
    if (count == 0) {
      auto asked = ask_name_servers(host, options_.name_servers, room, clock_, until);
      if (!asked) return fail(asked.error());
      count = *asked;
    }
  }
  const std::span<Address> found = room.first(count);
  for (Address& address : found) address.port = port;
  if (count > 1) {
    // In place and without a heap, as std::stable_partition is not: few addresses.
    for (size_t i = 0, unrouted = 0; i + unrouted < count;) {
      if (routed(found[i])) {
        ++i;
      } else {
        std::ranges::rotate(found.subspan(i), found.begin() + static_cast<ptrdiff_t>(i) + 1);
        ++unrouted;
      }
    }
  }
  return count;
}

Result<int> SystemNet::connect(const Address& address, SocketUse use) {
  const int file = socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (file < 0) return fail(no_connection(errno));
  const int on = 1;
  setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The kernel doubles what it is told, for its bookkeeping, and a size that was told is not raised by it.
  const auto receive_bytes = static_cast<int>(receive_bytes_max(use) / 2);
  const auto send_bytes = static_cast<int>(send_bytes_max(use) / 2);
  setsockopt(file, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  setsockopt(file, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
  SocketAddress raw;
  const socklen_t size = write_address(address, raw);
  // Interrupted, it goes on all the same.
  if (::connect(file, &raw.any, size) == 0 || errno == EINPROGRESS || errno == EINTR) return file;
  const Error error = no_connection(errno);
  ::close(file);
  return fail(error);
}

Result<bool> SystemNet::connected(int socket) {
  pollfd entry{socket, POLLOUT, 0};
  if (poll(&entry, 1, 0) == 0) return false;
  int number = 0;
  socklen_t size = sizeof number;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  if (number != 0) return fail(no_connection(number));
  return true;
}

NetResult SystemNet::receive(int socket, std::span<char> room) {
  WEIR_ASSERT(!room.empty());
  for (;;) {
    const ssize_t size = recv(socket, room.data(), room.size(), 0);
    if (size > 0) return moved(size);
    if (size == 0) return {NetStep::kClosed, 0, 0};
    if (errno != EINTR) return not_moved(errno);
  }
}

NetResult SystemNet::send(int socket, std::string_view bytes) {
  WEIR_ASSERT(!bytes.empty());
  for (;;) {
    const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size >= 0) return moved(size);
    if (errno != EINTR) return not_moved(errno);
  }
}

void SystemNet::close(int socket) noexcept {
  if (socket >= 0) ::close(socket);
}

void SystemNet::wait(std::span<const Interest> interests, uint64_t until_monotonic_ns) {
  WEIR_ASSERT(interests.size() <= kInterestsMax);
  pollfd entries[kInterestsMax];
  size_t count = 0;
  for (const Interest& interest : interests) {
    if (interest.socket < 0) continue;
    entries[count++] = {interest.socket,
                        static_cast<short>((interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0)), 0};
  }
  SystemWakeup::wait_for({entries, count}, clock_, until_monotonic_ns);
}

uint64_t SystemNet::random() {
  uint64_t bits = 0;
  size_t got = 0;
  while (got < sizeof bits) {
    const ssize_t size = getrandom(reinterpret_cast<char*>(&bits) + got, sizeof bits - got, 0);
    if (size > 0) {
      got += static_cast<size_t>(size);
    } else if (errno != EINTR) {
      break;
    }
  }
  // Kernels before 3.17 have no getrandom: no secret hangs on it.
  return got == sizeof bits ? bits : bits ^ clock_.monotonic_ns() * 0x9E3779B97F4A7C15u;
}

}  // namespace weir

// Net: the seam to the network: stream sockets that never wait, names turned into addresses, one place to wait, and random bits. A test
// can put a network below the same code that cuts, stalls, shortens and refuses on demand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace weir {

/// An IPv4 (the first 4 bytes) or IPv6 address and a port.
struct Address {
  bool v6 = false;
  uint16_t port = 0;
  std::array<uint8_t, 16> bytes{};

  bool operator==(const Address&) const = default;
  [[nodiscard]] bool loopback() const {
    if (!v6) return bytes[0] == 127;
    for (size_t i = 0; i < 15; ++i) {
      if (bytes[i] != 0) return false;
    }
    return bytes[15] == 1;
  }
};

enum class NetStep : uint8_t {
  kDone,  ///< `bytes` of them were moved, at least one
  kBlocked,  ///< nothing can be moved now: wait for the socket to be readable (receive) or writable (send)
  kClosed,  ///< receive: the peer sends no more
  kFailed,  ///< `system_error` says why; the connection is of no use any more
};

struct NetResult {
  NetStep step = NetStep::kBlocked;
  size_t bytes = 0;
  int system_error = 0;
};

/// What a wait is for.
struct Interest {
  int socket = -1;  ///< -1: time and signals alone
  bool read = false;
  bool write = false;
};

/// What a connection is mostly for: how much the kernel may hold for each direction.
enum class SocketUse : uint8_t { kBoth, kReads, kWrites };

class Net {
 public:
  virtual ~Net() = default;

  /// Addresses of a name or of a literal ("10.0.0.1", "[::1]"), in the order to be tried; their number, at most room.size().
  /// Waits until `until`. W4021: no such name, or no answer (the detail says which).
  virtual Result<size_t> resolve(std::string_view host, uint16_t port, std::span<Address> room, Deadline until) = 0;
  /// Begins to connect. The socket is writable when it is connected or has failed. W4022.
  virtual Result<int> connect(const Address& address, SocketUse use) = 0;
  /// True: it is connected; false: not yet; else W4022 with the reason.
  virtual Result<bool> connected(int socket) = 0;
  virtual NetResult receive(int socket, std::span<char> room) = 0;
  virtual NetResult send(int socket, std::string_view bytes) = 0;
  virtual void close(int socket) noexcept = 0;
  /// Waits until one of them is ready, a signal asked for a stop, or the time has come.
  virtual void wait(std::span<const Interest> interests, uint64_t until_monotonic_ns) = 0;
  /// Bits that nobody can foretell (jitter, names of invocations). No secret is made of them.
  virtual uint64_t random() = 0;
};

}  // namespace weir

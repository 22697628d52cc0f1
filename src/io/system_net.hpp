// The machine's network: TCP sockets that never wait, names by c-ares, bits from getrandom.
//
// A name is looked up in this order: a literal, "localhost" and what ends on ".localhost" (127.0.0.1, ::1), /etc/hosts, then the name servers of
// /etc/resolv.conf with its search domains, A and AAAA at once. Every look-up begins anew: a changed resolv.conf counts from the next one
// on, and nothing is held in between. Its memory is the TlsArena's: about 105 KiB for as long as it takes.
#pragma once

#include "port/net.hpp"

namespace weir {

struct SystemNetOptions {
  const char* hosts_file = "/etc/hosts";
  const char* name_servers = nullptr;  ///< "127.0.0.1:5353,[::1]:53" instead of those of /etc/resolv.conf
};

class SystemNet final : public Net {
 public:
  /// What the kernel may hold for one socket, its own bookkeeping included; lines of the memory plan.
  static constexpr size_t receive_bytes_max(SocketUse use) {
    return use == SocketUse::kWrites ? 128u << 10 : 512u << 10;
  }
  static constexpr size_t send_bytes_max(SocketUse use) { return use == SocketUse::kReads ? 64u << 10 : 256u << 10; }
  static constexpr size_t kInterestsMax = 64;  ///< of one wait

  explicit SystemNet(Clock& clock, const SystemNetOptions& options = {}) : clock_(clock), options_(options) {}

  /// IPv4 before IPv6, and those that no route leads to at the end. Where it must ask a name server, TlsArena::take() must have been called. Also
  /// W2101 (it was not) and kInterrupted (a stop was asked for).
  Result<size_t> resolve(std::string_view host, uint16_t port, std::span<Address> room, Deadline until) override;
  Result<int> connect(const Address& address, SocketUse use) override;
  Result<bool> connected(int socket) override;
  NetResult receive(int socket, std::span<char> room) override;
  NetResult send(int socket, std::string_view bytes) override;
  void close(int socket) noexcept override;
  void wait(std::span<const Interest> interests, uint64_t until_monotonic_ns) override;
  uint64_t random() override;

 private:
  Clock& clock_;
  SystemNetOptions options_;
};

}  // namespace weir

// SimNet: a network in memory. Every connection leads to one HTTP server in the same process; bytes come in pieces of chance, late, or not at all, and
// connections are refused, cut in mid-byte-stream or found closed. Everything is drawn from one seed; time is virtual.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "port/net.hpp"
#include "port/ports.hpp"
#include "testing/sim_rng.hpp"
#include "testing/virtual_time.hpp"

namespace weir::testing {

/// A request as the server read it.
struct SimRequest {
  std::string method;
  std::string target;  ///< path and query, encoded
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case
  std::string body;

  [[nodiscard]] std::string field(const std::string& name) const {
    for (const auto& [known, value] : fields) {
      if (known == name) return value;
    }
    return {};
  }
};

struct SimReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool chunked = false;
  bool until_close = false;  ///< no length at all: it ends with the connection
};

class SimServer {
 public:
  virtual ~SimServer() = default;
  virtual SimReply answer(const SimRequest& request) = 0;
};

/// What may go wrong, each by its chance of 1 in n; 0: never.
struct SimNetFaults {
  uint32_t refuse = 0;  ///< a connection is refused
  uint32_t no_answer = 0;  ///< a connection is never answered
  uint32_t cut_request = 0;  ///< reset before the server has the request
  uint32_t lose_reply = 0;  ///< the server has done it, and the reply never comes
  uint32_t cut_reply = 0;  ///< the reply ends after some of its bytes
  uint32_t stall = 0;  ///< the reply stops after some of its bytes, the connection stays
  uint32_t close_idle = 0;  ///< a kept connection is closed by the server
  uint32_t unavailable = 0;  ///< 503 SlowDown, nothing done
  uint32_t server_error = 0;  ///< 500 InternalError, done or not
  uint32_t retry_after = 0;  ///< a 503 that says when to come back
};

class SimNet final : public Net {
 public:
  SimNet(SimServer& server, VirtualClock& clock, uint64_t seed) : server_(server), clock_(clock), rng_(seed) {}

  SimNetFaults faults;
  bool small_pieces = false;  ///< bytes come one at a time
  std::map<std::string, Address, std::less<>> hosts;  ///< others are on this machine
  uint64_t cut_next_reply = ~uint64_t{0};  ///< the next reply ends behind so many of its bytes
  /// Called for every request before it is answered; true: nothing of it reaches the server, and the machine's end of it is dead.
  std::function<bool(const SimRequest&)> on_request;
  std::map<std::string, uint64_t> struck;  ///< faults that were, by name
  std::vector<std::string> log;  ///< "PUT /b/k?partNumber=1 200"
  uint64_t signal_at_ns = kNever;  ///< a signal asks for a stop, and ends the wait that it falls into
  uint64_t connections = 0;
  uint64_t requests = 0;
  uint64_t received_bytes = 0;  ///< by the client
  /// Time from a request to the first byte of its reply; kNever: it never comes. Null: none passes.
  std::function<uint64_t(const SimRequest&)> latency;
  /// Requests whose replies are still to come.
  [[nodiscard]] size_t unanswered() const;

  Result<size_t> resolve(std::string_view host, uint16_t port, std::span<Address> room, Deadline until) override;
  Result<int> connect(const Address& address, SocketUse use) override;
  Result<bool> connected(int socket) override;
  NetResult receive(int socket, std::span<char> room) override;
  NetResult send(int socket, std::string_view bytes) override;
  void close(int socket) noexcept override;
  void wait(std::span<const Interest> interests, uint64_t until_monotonic_ns) override;
  uint64_t random() override { return rng_.next(); }
  /// Sockets that were not closed.
  [[nodiscard]] size_t open() const { return sockets_.size(); }
  [[nodiscard]] bool passed(Deadline deadline) const {
    return deadline.at_ns != kNever && deadline.passed(clock_.monotonic_ns());
  }
  [[nodiscard]] bool signalled() const { return signal_at_ns != kNever && clock_.monotonic_ns() >= signal_at_ns; }

 private:
  struct Socket {
    std::string in;  ///< what the client sent and the server has not taken
    std::string out;  ///< what the client has not received, from `out_at` on
    size_t out_at = 0;
    bool dead = false;  ///< reset
    bool closing = false;  ///< the server closes once `out` is empty
    bool silent = false;  ///< nothing moves any more
    bool unanswered = false;  ///< connect never ends
    uint64_t ready_ns = 0;  ///< when `out` arrives
    uint64_t served = 0;
  };
  bool strikes(uint32_t one_in, const char* name);
  void serve(Socket& socket);
  bool take_request(std::string& in, SimRequest& request, bool& wants_continue);
  static std::string text_of(const SimReply& reply, const std::string& method);

  SimServer& server_;
  VirtualClock& clock_;
  SimRng rng_;
  int next_ = 1000;
  std::map<int, Socket> sockets_;
};

/// Waits by the network, as the system's wakeup does by the sockets.
class SimNetWakeup final : public Wakeup {
 public:
  explicit SimNetWakeup(SimNet& net) : net_(net) {}
  void wait(uint64_t until) override {
    also_.push_back(interest_);
    net_.wait(also_, std::min({until, until_, also_until_}));
    also_.clear();
    also_until_ = kNever;
  }
  void watch_also(std::span<const Interest> interests, uint64_t until) override {
    also_.assign(interests.begin(), interests.end());
    also_until_ = until;
  }
  void watch(const Interest& interest, uint64_t until) override {
    interest_ = interest;
    until_ = until;
  }
  bool passed(Deadline deadline) override { return net_.passed(deadline); }
  bool stop_requested() const override { return net_.signalled(); }

 private:
  SimNet& net_;
  Interest interest_;
  uint64_t until_ = kNever;
  std::vector<Interest> also_;
  uint64_t also_until_ = kNever;
};

}  // namespace weir::testing

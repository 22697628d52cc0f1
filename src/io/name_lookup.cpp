#include "io/name_lookup.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "io/file.hpp"
#include "io/system_wakeup.hpp"
#include "io/tls_arena.hpp"

namespace weir {
namespace {

constexpr size_t kNameBytesMax = 253;  ///< RFC 1035
constexpr size_t kAnswersMax = 32;  ///< of one kind; more are not looked at
constexpr int kTimeoutMs = 1000;  ///< of the first try at a server; c-ares doubles it with each round
constexpr int kTries = 4;
constexpr uint64_t kGraceNs = 500'000'000;  ///< for the other kind of address, when there are some of one

// ---- hosts file ------------------------------------------------------------------------------------------------------

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view next_word(std::string_view& line) {
  size_t from = 0;
  while (from < line.size() && blank(line[from])) ++from;
  size_t to = from;
  while (to < line.size() && !blank(line[to])) ++to;
  const std::string_view word = line.substr(from, to - from);
  line.remove_prefix(to);
  return word;
}

bool parse_address(std::string_view word, Address& address) {
  char text[INET6_ADDRSTRLEN + 1];
  if (word.empty() || word.size() >= sizeof text) return false;
  std::memcpy(text, word.data(), word.size());
  text[word.size()] = 0;
  address = {};
  if (inet_pton(AF_INET, text, address.bytes.data()) == 1) return true;
  address.v6 = true;
  return inet_pton(AF_INET6, text, address.bytes.data()) == 1;
}

bool names(std::string_view line, std::string_view host, Address& address) {
  line = line.substr(0, line.find('#'));
  if (!parse_address(next_word(line), address)) return false;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    if (same_name(word, host)) return true;
  }
  return false;
}

// ---- name servers ----------------------------------------------------------------------------------------------------

struct Answers {
  bool done = false;
  int status = ARES_SUCCESS;
  size_t count = 0;
  std::array<Address, kAnswersMax> addresses;
};

void on_a(void* to, int status, int, unsigned char* message, int size) {
  auto& answers = *static_cast<Answers*>(to);
  answers.done = true;
  answers.status = status;
  if (status != ARES_SUCCESS) return;
  ares_addrttl found[kAnswersMax];
  int count = kAnswersMax;
  answers.status = ares_parse_a_reply(message, size, nullptr, found, &count);
  if (answers.status != ARES_SUCCESS) return;
  for (int i = 0; i < count; ++i) {
    Address& address = answers.addresses[answers.count++];
    std::memcpy(address.bytes.data(), &found[i].ipaddr, 4);
  }
}

void on_aaaa(void* to, int status, int, unsigned char* message, int size) {
  auto& answers = *static_cast<Answers*>(to);
  answers.done = true;
  answers.status = status;
  if (status != ARES_SUCCESS) return;
  ares_addr6ttl found[kAnswersMax];
  int count = kAnswersMax;
  answers.status = ares_parse_aaaa_reply(message, size, nullptr, found, &count);
  if (answers.status != ARES_SUCCESS) return;
  for (int i = 0; i < count; ++i) {
    Address& address = answers.addresses[answers.count++];
    address.v6 = true;
    std::memcpy(address.bytes.data(), &found[i].ip6addr, 16);
  }
}

class Channel {
 public:
  Channel() = default;
  ~Channel() {
    if (channel_ != nullptr) ares_destroy(channel_);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  int open(const char* name_servers) {
    ares_options options{};
    options.timeout = kTimeoutMs;
    options.tries = kTries;
    const int status = ares_init_options(&channel_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS) return status;
    return name_servers != nullptr ? ares_set_servers_ports_csv(channel_, name_servers) : ARES_SUCCESS;
  }
  [[nodiscard]] ares_channel get() const { return channel_; }

  /// Waits for its sockets, its own time-outs and `until`, and goes on.
  void step(Clock& clock, uint64_t until_ns) {
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const auto mask = static_cast<unsigned>(ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM));
    pollfd entries[ARES_GETSOCK_MAXNUM];
    size_t count = 0;
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const bool read = ARES_GETSOCK_READABLE(mask, i) != 0;
      const bool write = ARES_GETSOCK_WRITABLE(mask, i) != 0;
      if (!read && !write) continue;
      entries[count++] = {sockets[i], static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0)), 0};
    }
    timeval room{};
    if (const timeval* left = ares_timeout(channel_, nullptr, &room); left != nullptr) {
      const uint64_t ns = static_cast<uint64_t>(left->tv_sec) * 1'000'000'000u + static_cast<uint64_t>(left->tv_usec) * 1000u;
      until_ns = std::min(until_ns, clock.monotonic_ns() + ns);
    }
    SystemWakeup::wait_for({entries, count}, clock, until_ns);
    for (size_t i = 0; i < count; ++i) {
      const short ready = entries[i].revents;
      ares_process_fd(channel_, (ready & (POLLIN | POLLERR | POLLHUP)) != 0 ? entries[i].fd : ARES_SOCKET_BAD,
                      (ready & POLLOUT) != 0 ? entries[i].fd : ARES_SOCKET_BAD);
    }
    if (count == 0) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }

 private:
  ares_channel channel_ = nullptr;
};

const char* reason_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND: return "no such name";
    case ARES_ENODATA: return "the name has no address";
    case ARES_ETIMEOUT: return "no answer from the name servers";
    case ARES_ECONNREFUSED: return "the name servers can't be reached";
    case ARES_ESERVFAIL: return "the name server failed";
    case ARES_EREFUSED: return "the name server refuses to answer";
    case ARES_ENOMEM: return "no memory for the look-up";
    case ARES_EBADNAME: return "not a name";
    case ARES_EBADRESP:
    case ARES_EFORMERR: return "the answer can't be understood";
    default: return "the look-up failed";
  }
}

Error no_host(std::string_view host, std::string_view reason) {
  Error error(Code::kNoHost);
  error.detail.append(host).append(": ").append(reason);
  return error;
}

}  // namespace

size_t addresses_in_hosts(const char* path, std::string_view host, std::span<Address> room) {
  auto file = open_to_read(path);
  if (!file) return 0;
  size_t count = 0;
  char bytes[4096];
  size_t held = 0;
  bool too_long = false;  // the rest of a line that did not fit is passed over
  while (count < room.size()) {
    auto size = read_some(*file, {bytes + held, sizeof bytes - held});
    if (!size) break;
    const bool last = *size == 0;
    held += *size;
    std::string_view left(bytes, held);
    for (size_t end = left.find('\n'); count < room.size(); end = left.find('\n')) {
      if (end == std::string_view::npos && !(last && !left.empty())) break;
      Address address;
      if (!too_long && names(left.substr(0, end), host, address)) room[count++] = address;
      too_long = false;
      left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    }
    if (last) break;
    held = left.size();
    if (held == sizeof bytes) {
      too_long = true;
      held = 0;
    }
    std::memmove(bytes, left.data(), held);
  }
  close(*file);
  return count;
}

Result<size_t> ask_name_servers(std::string_view host, const char* name_servers, std::span<Address> room, Clock& clock, Deadline until) {
  char name[kNameBytesMax + 1];
  if (host.empty() || host.size() > kNameBytesMax || host.find('\0') != std::string_view::npos)
    return fail(no_host(host, "not a name"));
  std::memcpy(name, host.data(), host.size());
  name[host.size()] = 0;
  WEIR_TRY(TlsArena::take());

  Answers v4;
  Answers v6;
  Channel channel;  // behind the answers: its end calls back
  if (const int status = channel.open(name_servers); status != ARES_SUCCESS) return fail(no_host(host, reason_of(status)));
  ares_search(channel.get(), name, ns_c_in, ns_t_a, on_a, &v4);
  ares_search(channel.get(), name, ns_c_in, ns_t_aaaa, on_aaaa, &v6);
  bool enough = false;
  while (!v4.done || !v6.done) {
    if (!enough && v4.count + v6.count != 0) {
      enough = true;
      until.at_ns = std::min(until.at_ns, clock.monotonic_ns() + kGraceNs);
    }
    if (until.passed(clock.monotonic_ns())) {
      if (enough) break;
      return fail(no_host(host, "no answer in time"));
    }
    channel.step(clock, until.at_ns);
  }
  size_t count = 0;
  for (const Answers* answers : {&v4, &v6}) {
    for (size_t i = 0; i < answers->count && count < room.size(); ++i) room[count++] = answers->addresses[i];
  }
  if (count != 0) return count;
  // "No such name" says less than a server that did not answer: it may be there.
  const bool v4_says_more = v4.status != ARES_ENODATA && v4.status != ARES_ENOTFOUND;
  const int status = v4_says_more || v6.status == ARES_ENODATA ? v4.status : v6.status;
  return fail(no_host(host, reason_of(status)));
}

}  // namespace weir

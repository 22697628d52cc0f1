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
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "io/file.hpp"
#include "io/system_wakeup.hpp"
#include "io/tls_arena.hpp"

namespace weir {
namespace {

constexpr size_t kNameBytesMax = 253;  ///< RFC 1035
constexpr size_t kLabelBytesMax = 63;
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

// ---- c-ares without getnameinfo --------------------------------------------------------------------------------------

}  // namespace
}  // namespace weir

// c-ares asks this of names whose query it composes, which it does not do here. Its own is in one object with ares_getnameinfo, and that names
// getservbyport_r, for which glibc would load shared libraries. (RFC 7686: such names are not for the DNS.)
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-reserved-identifier): c-ares' name
extern "C" int ares__is_onion_domain(const char* name) {
  const std::string_view text(name);
  return text.ends_with(".onion") || text.ends_with(".onion.") ? 1 : 0;
}

namespace weir {
namespace {

// ---- name servers ----------------------------------------------------------------------------------------------------

struct Answers {
  bool done = false;
  int status = ARES_SUCCESS;
  size_t count = 0;
  std::array<Address, kAnswersMax> addresses;
};

// Messages of DNS (RFC 1035, 4): only what is needed of them, since c-ares' own parsers and composers stand beside what names getservbyname and
// with it shared libraries.

/// One question, recursion asked for; its size, or 0 when `name` is none.
size_t write_question(std::string_view name, int type, uint16_t id, std::span<unsigned char, NS_PACKETSZ> out) {
  size_t size = 0;
  const auto put16 = [&](unsigned number) {
    out[size++] = static_cast<unsigned char>(number >> 8);
    out[size++] = static_cast<unsigned char>(number);
  };
  put16(id);
  put16(0x0100);
  put16(1);
  for (int i = 0; i < 3; ++i) put16(0);
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > kNameBytesMax) return 0;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > kLabelBytesMax) return 0;
    out[size++] = static_cast<unsigned char>(label.size());
    for (const char c : label) out[size++] = static_cast<unsigned char>(c);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out[size++] = 0;
  put16(static_cast<unsigned>(type));
  put16(ns_c_in);
  return size;
}

class Message {
 public:
  explicit Message(std::span<const unsigned char> bytes) : left_(bytes) {}

  unsigned take16() {
    const std::span<const unsigned char> two = take(2);
    return two.empty() ? 0 : static_cast<unsigned>(two[0]) << 8 | two[1];
  }
  std::span<const unsigned char> take(size_t size) {
    if (!good_ || left_.size() < size) {
      good_ = false;
      return {};
    }
    const std::span<const unsigned char> taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }
  void skip_name() {
    for (;;) {
      const std::span<const unsigned char> size = take(1);
      if (size.empty() || size[0] == 0) return;
      if ((size[0] & 0xc0u) == 0xc0u) {  // the rest stands elsewhere
        take(1);
        return;
      }
      take(size[0]);
    }
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::span<const unsigned char> left_;
  bool good_ = true;
};

// All addresses of the answer, whichever of the names in a chain of CNAMEs they belong to.
int read_answer(std::span<const unsigned char> bytes, Answers& answers) {
  Message message(bytes);
  message.take16();  // the identifier and the question are held against what was asked by c-ares
  const unsigned outcome = message.take16() & 0xfu;
  if (outcome != ns_r_noerror) {
    return outcome == ns_r_nxdomain ? ARES_ENOTFOUND : outcome == ns_r_refused ? ARES_EREFUSED : ARES_ESERVFAIL;
  }
  const unsigned questions = message.take16();
  const unsigned records = message.take16();
  message.take(4);
  for (unsigned i = 0; i < questions && message.good(); ++i) {
    message.skip_name();
    message.take(4);
  }
  for (unsigned i = 0; i < records && message.good(); ++i) {
    message.skip_name();
    const unsigned type = message.take16();
    const unsigned kind = message.take16();
    message.take(4);
    const std::span<const unsigned char> data = message.take(message.take16());
    if (!message.good()) break;
    const bool v6 = type == ns_t_aaaa && data.size() == 16;
    if (kind != ns_c_in || (!v6 && (type != ns_t_a || data.size() != 4)) || answers.count == kAnswersMax) continue;
    Address& address = answers.addresses[answers.count++];
    address.v6 = v6;
    std::ranges::copy(data, address.bytes.begin());
  }
  if (answers.count != 0) return ARES_SUCCESS;
  return message.good() ? ARES_ENODATA : ARES_EBADRESP;
}

void on_answer(void* to, int status, int, unsigned char* message, int size) {
  auto& answers = *static_cast<Answers*>(to);
  answers.done = true;
  answers.status = status == ARES_SUCCESS ? read_answer({message, static_cast<size_t>(size)}, answers) : status;
}

class Channel {
 public:
  Channel() = default;
  ~Channel() {
    ares_destroy_options(&saved_);
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
    int mask = 0;
    if (const int read = ares_save_options(channel_, &saved_, &mask); read != ARES_SUCCESS) return read;
    return name_servers != nullptr ? ares_set_servers_ports_csv(channel_, name_servers) : ARES_SUCCESS;
  }

  [[nodiscard]] int domains() const { return saved_.ndomains; }
  [[nodiscard]] std::string_view domain(int i) const { return saved_.domains[i]; }
  [[nodiscard]] int dots_min() const { return saved_.ndots; }

  /// False: not a name.
  bool ask(std::string_view name, int type, Answers& answers) {
    uint16_t id = 0;
    // Not foretold, as it should be, but where the kernel has no random bits.
    if (getrandom(&id, sizeof id, 0) != sizeof id) id = static_cast<uint16_t>(asked_);
    if (id == asked_) ++id;
    asked_ = id;
    unsigned char question[NS_PACKETSZ];
    const size_t size = write_question(name, type, id, question);
    if (size == 0) return false;
    ares_send(channel_, question, static_cast<int>(size), on_answer, &answers);
    return true;
  }

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
      const uint64_t ns =
          static_cast<uint64_t>(left->tv_sec) * 1'000'000'000u + static_cast<uint64_t>(left->tv_usec) * 1000u;
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
  ares_options saved_{};
  uint16_t asked_ = 0;
};

const char* reason_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "no such name";
    case ARES_ENODATA:
      return "the name has no address";
    case ARES_ETIMEOUT:
      return "no answer from the name servers";
    case ARES_ECONNREFUSED:
      return "the name servers fail or can't be reached";  // c-ares tells no more
    case ARES_ESERVFAIL:
      return "the name server failed";
    case ARES_EREFUSED:
      return "the name server refuses to answer";
    case ARES_ENOMEM:
      return "no memory for the look-up";
    case ARES_EBADNAME:
      return "not a name";
    case ARES_EBADRESP:
    case ARES_EFORMERR:
      return "the answer can't be understood";
    default:
      return "the look-up failed";
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

Result<size_t> ask_name_servers(std::string_view host, const char* name_servers, std::span<Address> room, Clock& clock,
                                Deadline until) {
  if (host.empty() || host.size() > kNameBytesMax || host.find('\0') != std::string_view::npos)
    return fail(no_host(host, "not a name"));
  WEIR_TRY(TlsArena::take());
  Answers v4;
  Answers v6;
  Channel channel;  // behind the answers: its end calls back
  const bool stopped_before = SystemWakeup::stop_signal() != 0;
  if (const int status = channel.open(name_servers); status != ARES_SUCCESS)
    return fail(no_host(host, reason_of(status)));

  // As the resolver of the C library: a name with few dots is looked for in the search domains first, one with many last, one
  // that ends on a dot nowhere else.
  const auto dots = static_cast<int>(std::ranges::count(host, '.'));
  const int domains = host.back() == '.' ? 0 : channel.domains();
  const bool itself_first = host.back() == '.' || dots >= channel.dots_min();
  int status = ARES_ENOTFOUND;
  for (int i = 0; i <= domains; ++i) {
    const bool itself = itself_first ? i == 0 : i == domains;
    const std::string_view domain = itself ? std::string_view() : channel.domain(itself_first ? i - 1 : i);
    char name[2 * kNameBytesMax + 2];
    if (domain.size() > kNameBytesMax) continue;
    size_t size = host.copy(name, host.size());
    if (!itself) {
      name[size++] = '.';
      size += domain.copy(name + size, domain.size());
    }
    v4 = {};
    v6 = {};
    if (!channel.ask({name, size}, ns_t_a, v4) || !channel.ask({name, size}, ns_t_aaaa, v6)) {
      if (itself) return fail(no_host(host, reason_of(ARES_EBADNAME)));
      continue;
    }
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
      if (!stopped_before && SystemWakeup::stop_signal() != 0)
        return fail(Code::kInterrupted, "while a name was looked up");
    }
    size_t count = 0;
    for (const Answers* answers : {&v4, &v6}) {
      for (size_t k = 0; k < answers->count && count < room.size(); ++k) room[count++] = answers->addresses[k];
    }
    if (count != 0) return count;
    // "No such name" says less than a server that did not answer: it may be there. And less than a name that is there without an address.
    for (const int said : {v4.status, v6.status}) {
      if (status == ARES_ENOTFOUND || (status == ARES_ENODATA && said != ARES_ENOTFOUND)) status = said;
    }
    if (status != ARES_ENOTFOUND && status != ARES_ENODATA && status != ARES_ESERVFAIL) break;
  }
  return fail(no_host(host, reason_of(status)));
}

}  // namespace weir

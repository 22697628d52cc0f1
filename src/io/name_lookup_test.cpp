// Names against a server of DNS in a process of its own, and a hosts file.
#include "io/name_lookup.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <ares.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/system_clock.hpp"
#include "io/system_net.hpp"
#include "io/tls_arena.hpp"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

// ---- the server ------------------------------------------------------------------------------------------------------

constexpr unsigned kA = 1;
constexpr unsigned kCname = 5;
constexpr unsigned kAaaa = 28;

std::string number16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }

std::string record(unsigned type, std::string_view data) {
  // The owner is the question's name.
  return std::string("\xc0\x0c", 2) + number16(type) + number16(1) + std::string("\0\0\0\x3c", 4) +
         number16(static_cast<unsigned>(data.size())) + std::string(data);
}

std::string name_of(std::string_view question) {
  std::string name;
  for (size_t at = 12; at < question.size() && question[at] != 0; at += static_cast<unsigned char>(question[at]) + 1u) {
    name += (name.empty() ? "" : ".") + std::string(question.substr(at + 1, static_cast<unsigned char>(question[at])));
  }
  return name;
}

/// The reply, or nothing where none is given.
std::string reply_to(const std::string& question, bool stream) {
  const std::string name = name_of(question);
  const size_t end = 12 + name.size() + 2;
  const unsigned type = static_cast<unsigned char>(question[end + 1]);
  std::vector<std::string> records;
  unsigned outcome = 0;
  bool truncated = false;
  const std::string v6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
  if (name == "silent.test" || (name == "half.test" && type == kAaaa)) return {};
  const std::string v4("\xc0\x00\x02\x01", 4);
  const bool is_v4 = type == kA;
  if (name == "a.test" || name == "half.test") {
    if (is_v4) records.push_back(record(kA, v4));
  } else if (name == "six.test") {
    if (!is_v4) records.push_back(record(kAaaa, v6));
  } else if (name == "both.test") {
    records.push_back(is_v4 ? record(kA, v4) : record(kAaaa, v6));
  } else if (name == "alias.test") {
    records.push_back(record(kCname, std::string("\x06target\xc0\x12", 9)));
    if (is_v4) records.push_back(record(kA, v4));
  } else if (name == "dangling.test") {
    records.push_back(record(kCname, std::string("\x06target\xc0\x15", 9)));
  } else if (name == "many.test") {
    for (int i = 1; is_v4 && i <= 25; ++i)
      records.push_back(record(kA, std::string("\xc0\x00\x02", 3) + static_cast<char>(i)));
  } else if (name == "long.test") {
    truncated = !stream;
    if (is_v4 && stream) records.push_back(record(kA, v4));
  } else if (name == "short.test") {
    records.push_back(record(is_v4 ? kA : kAaaa, is_v4 ? v4 : v6).substr(0, 13));
  } else if (name == "fail.test") {
    outcome = 2;
  } else if (name == "refuse.test") {
    outcome = 5;
  } else if (name != "nothing.test") {
    outcome = 3;
  }
  std::string reply = question.substr(0, 2) + static_cast<char>(truncated ? 0x87 : 0x85) +
                      static_cast<char>(0x80 | outcome) + number16(1) +
                      number16(static_cast<unsigned>(records.size())) + number16(0) + number16(0) +
                      question.substr(12, end + 4 - 12);
  for (const std::string& one : records) reply += one;
  return reply;
}

class NameServer {
 public:
  NameServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int datagrams = -1;
    int streams = -1;
    // The port of one kind may be taken for the other.
    do {
      close(datagrams);
      close(streams);
      datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      streams = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      address.sin_port = 0;
      if (bind(datagrams, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
      getsockname(datagrams, reinterpret_cast<sockaddr*>(&address), &size);
    } while (bind(streams, reinterpret_cast<sockaddr*>(&address), size) != 0);
    listen(streams, 8);
    name_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) serve(datagrams, streams);
    }
    close(datagrams);
    close(streams);
  }
  ~NameServer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  static void serve(int datagrams, int streams) {
    pollfd entries[] = {{datagrams, POLLIN, 0}, {streams, POLLIN, 0}};
    poll(entries, 2, -1);
    char room[2048];
    if (entries[0].revents != 0) {
      sockaddr_in from{};
      socklen_t from_size = sizeof from;
      const ssize_t size = recvfrom(datagrams, room, sizeof room, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
      const std::string reply = size > 0 ? reply_to(std::string(room, static_cast<size_t>(size)), false) : "";
      if (!reply.empty())
        (void)sendto(datagrams, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), from_size);
    }
    if (entries[1].revents != 0) {
      const int peer = accept(streams, nullptr, nullptr);
      size_t held = 0;
      for (ssize_t size = 1; size > 0; held += static_cast<size_t>(size)) {
        while (held >= 2) {
          const size_t question =
              static_cast<size_t>(static_cast<unsigned char>(room[0])) << 8 | static_cast<unsigned char>(room[1]);
          if (held < 2 + question) break;
          const std::string reply = reply_to(std::string(room + 2, question), true);
          const std::string framed = number16(static_cast<unsigned>(reply.size())) + reply;
          if (write(peer, framed.data(), framed.size()) < 0) break;
          held -= 2 + question;
          std::memmove(room, room + 2 + question, held);
        }
        size = read(peer, room + held, sizeof room - held);
      }
      close(peer);
    }
  }

  std::string name_;
  pid_t process_ = -1;
};

// ---- requests for memory that fail on demand -------------------------------------------------------------------------

uint64_t requests = 0;
uint64_t fail_at = 0;

bool refuses() { return ++requests == fail_at; }
void* counted_malloc(size_t bytes) { return refuses() ? nullptr : TlsArena::allocate(bytes); }
void* counted_realloc(void* block, size_t bytes) { return refuses() ? nullptr : TlsArena::reallocate(block, bytes); }

class NameLookup : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(TlsArena::take());
    fail_at = 0;
  }
  std::string look_up(std::string_view host, uint64_t within_ns = 60 * kSecondNs) {
    std::array<Address, 8> room;
    auto found = ask_name_servers(host, server_.name(), room, clock_, {clock_.monotonic_ns() + within_ns});
    if (!found)
      return (found.error().code == Code::kNoHost ? "W4021 " : "other ") + std::string(found.error().detail.view());
    std::string text;
    for (size_t i = 0; i < *found; ++i)
      text += (i == 0 ? "" : " ") + std::string(room[i].v6 ? "v6:" : "v4:") +
              std::to_string(room[i].bytes[room[i].v6 ? 15 : 3]);
    return text;
  }

  NameServer server_;
  SystemClock clock_;
};

TEST_F(NameLookup, finds_addresses_of_both_kinds_ipv4_first) {
  EXPECT_EQ(look_up("a.test"), "v4:1");
  EXPECT_EQ(look_up("six.test"), "v6:1");
  EXPECT_EQ(look_up("both.test"), "v4:1 v6:1");
  EXPECT_EQ(look_up("both.test."), "v4:1 v6:1");
}

TEST_F(NameLookup, follows_an_alias_and_takes_no_more_than_there_is_room_for) {
  EXPECT_EQ(look_up("alias.test"), "v4:1");
  EXPECT_EQ(look_up("dangling.test"), "W4021 dangling.test: the name has no address");
  EXPECT_EQ(look_up("many.test"), "v4:1 v4:2 v4:3 v4:4 v4:5 v4:6 v4:7 v4:8");
}

TEST_F(NameLookup, asks_again_over_a_stream_when_the_answer_was_cut) { EXPECT_EQ(look_up("long.test"), "v4:1"); }

TEST_F(NameLookup, says_why_there_is_no_address) {
  EXPECT_EQ(look_up("missing.test"), "W4021 missing.test: no such name");
  EXPECT_EQ(look_up("nothing.test"), "W4021 nothing.test: the name has no address");
  EXPECT_EQ(look_up("fail.test"), "W4021 fail.test: the name servers fail or can't be reached");
  EXPECT_EQ(look_up("short.test"), "W4021 short.test: the answer can't be understood");
  EXPECT_TRUE(look_up("refuse.test").starts_with("W4021 refuse.test: the name server"));
  EXPECT_EQ(look_up("a..test"), "W4021 a..test: not a name");
  EXPECT_EQ(look_up(""), "W4021 : not a name");
  EXPECT_TRUE(look_up(std::string(64, 'x') + ".test").ends_with("not a name"));
  EXPECT_TRUE(look_up(std::string(300, 'x')).starts_with("W4021 xxx"));
}

TEST_F(NameLookup, waits_no_longer_than_until) {
  EXPECT_EQ(look_up("silent.test", kSecondNs / 20), "W4021 silent.test: no answer in time");
  EXPECT_EQ(look_up("silent.test", 0), "W4021 silent.test: no answer in time");
}

TEST_F(NameLookup, one_kind_is_enough_when_the_other_does_not_come) { EXPECT_EQ(look_up("half.test"), "v4:1"); }

TEST_F(NameLookup, takes_no_more_memory_the_more_it_is_asked) {
  for (int i = 0; i < 3; ++i) look_up("both.test");
  const TlsArena::Figures before = TlsArena::figures();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(look_up("both.test"), "v4:1 v6:1");
    ASSERT_EQ(look_up("missing.test"), "W4021 missing.test: no such name");
  }
  EXPECT_EQ(TlsArena::figures().bytes_used, before.bytes_used);
  EXPECT_EQ(TlsArena::figures().bytes_live, before.bytes_live);
}

TEST_F(NameLookup, whichever_request_for_memory_fails_the_look_up_ends_in_order) {
  ASSERT_EQ(ares_library_init_mem(ARES_LIB_INIT_ALL, counted_malloc, TlsArena::release, counted_realloc), ARES_SUCCESS);
  const size_t live = TlsArena::figures().bytes_live;
  uint64_t n = 0;
  for (bool reached = true; reached;) {
    requests = 0;
    fail_at = ++n;
    const std::string said = look_up("both.test");
    reached = requests >= n;
    fail_at = 0;
    ASSERT_TRUE(said.starts_with("W4021 ") || said.starts_with("v4:1") || said == "v6:1") << n << ": " << said;
    ASSERT_EQ(TlsArena::figures().bytes_live, live) << n;
  }
  EXPECT_GT(n, 10);
  EXPECT_EQ(look_up("both.test"), "v4:1 v6:1");
}

TEST(HostsFile, has_addresses_of_names_in_any_case_with_comments_and_long_lines) {
  char path[] = "/tmp/weir_hosts_XXXXXX";
  const int file = mkstemp(path);
  const std::string text = "# 10.0.0.9 one\n10.0.0.1\tone  One.Example # two\r\n\n::1 six\r\n not an address one\n" +
                           std::string(6000, ' ') + "10.0.0.8 one\n10.0.0.2 " + std::string(4000, 'x') +
                           " one\n fe80::2 two\n10.0.0.3 two one";
  ASSERT_EQ(write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(file);
  const auto last_bytes = [&path](std::string_view host, size_t room_size = 8) {
    std::array<Address, 8> room;
    std::string found;
    const size_t count = addresses_in_hosts(path, host, std::span(room).first(room_size));
    for (size_t i = 0; i < count; ++i) found += std::to_string(room[i].bytes[room[i].v6 ? 15 : 3]) + " ";
    return found;
  };
  EXPECT_EQ(last_bytes("one"), "1 2 3 ");
  EXPECT_EQ(last_bytes("ONE", 2), "1 2 ");
  EXPECT_EQ(last_bytes("one.example"), "1 ");
  EXPECT_EQ(last_bytes("six"), "1 ");
  EXPECT_EQ(last_bytes("two"), "2 3 ");
  EXPECT_EQ(last_bytes("tw"), "");
  unlink(path);
  EXPECT_EQ(last_bytes("one"), "");
}

TEST(SystemNetResolve, literals_local_names_and_hosts_ask_nobody) {
  char path[] = "/tmp/weir_hosts_XXXXXX";
  const int file = mkstemp(path);
  constexpr std::string_view kText = "10.1.2.3 somewhere\n";
  ASSERT_EQ(write(file, kText.data(), kText.size()), static_cast<ssize_t>(kText.size()));
  close(file);
  SystemClock clock;
  SystemNet net(clock, {.hosts_file = path, .name_servers = "127.0.0.1:1"});
  std::array<Address, 4> room;
  const Deadline past{1};
  for (const char* host : {"10.1.2.3", "somewhere", "SomeWhere"}) {
    ASSERT_EQ(net.resolve(host, 443, room, past), 1u) << host;
    EXPECT_EQ(room[0], (Address{false, 443, {10, 1, 2, 3}}));
  }
  for (const char* host : {"::1", "[::1]"}) {
    ASSERT_EQ(net.resolve(host, 1, room, past), 1u) << host;
    EXPECT_TRUE(room[0].v6 && room[0].loopback());
  }
  for (const char* host : {"localhost", "LOCALHOST", "a.localhost", "localhost."}) {
    ASSERT_EQ(net.resolve(host, 8, room, past), 2u) << host;
    EXPECT_TRUE(room[0].loopback() && room[1].loopback());
    EXPECT_EQ(room[1].port, 8);
    ASSERT_EQ(net.resolve(host, 8, std::span(room).first(1), past), 1u) << host;
    EXPECT_EQ(room[0], (Address{false, 8, {127, 0, 0, 1}}));
  }
  ASSERT_TRUE(TlsArena::take());
  EXPECT_FALSE(net.resolve("notlocalhost", 8, room, past));
  unlink(path);
}

}  // namespace
}  // namespace weir

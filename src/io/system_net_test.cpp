// Sockets of SystemNet against a listener in this process.
#include "io/system_net.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/system_clock.hpp"
#include "io/system_wakeup.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

constexpr uint64_t kPatienceNs = 60'000'000'000;

class Sockets : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(listen(listener_, 8), 0);
    ASSERT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = {false, ntohs(address.sin_port), {127, 0, 0, 1}};
  }
  void TearDown() override {
    close(listener_);
    close(peer_);
    net_.close(socket_);
  }
  void wait_for(bool read, bool write) {
    const Interest interest{socket_, read, write};
    net_.wait({&interest, 1}, clock_.monotonic_ns() + kPatienceNs);
  }
  Status connect() {
    auto socket = net_.connect(address_, use_);
    if (!socket) return fail(socket.error());
    socket_ = *socket;
    wait_for(false, true);
    const auto connected = net_.connected(socket_);
    if (!connected) return fail(connected.error());
    return *connected ? Status() : fail(Code::kNoConnection, "not yet");
  }
  void connect_both() {
    ASSERT_TRUE(connect());
    peer_ = accept(listener_, nullptr, nullptr);
    ASSERT_GE(peer_, 0);
  }
  NetResult receive_soon(std::span<char> room) {
    for (;;) {
      const NetResult result = net_.receive(socket_, room);
      if (result.step != NetStep::kBlocked) return result;
      wait_for(true, false);
    }
  }
  int option(int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(socket_, level, name, &value, &size), 0);
    return value;
  }

  SystemClock clock_;
  SystemNet net_{clock_};
  Address address_;
  SocketUse use_ = SocketUse::kBoth;
  int listener_ = -1;
  int peer_ = -1;
  int socket_ = -1;
};

TEST_F(Sockets, never_wait_and_hold_no_more_in_the_kernel_than_planned) {
  for (const SocketUse use : {SocketUse::kBoth, SocketUse::kReads, SocketUse::kWrites}) {
    use_ = use;
    connect_both();
    std::array<char, 8> room{};
    EXPECT_EQ(net_.receive(socket_, room).step, NetStep::kBlocked);
    EXPECT_LE(option(SOL_SOCKET, SO_RCVBUF), static_cast<int>(SystemNet::receive_bytes_max(use)));
    EXPECT_LE(option(SOL_SOCKET, SO_SNDBUF), static_cast<int>(SystemNet::send_bytes_max(use)));
    EXPECT_NE(option(IPPROTO_TCP, TCP_NODELAY), 0);
    if (use == SocketUse::kWrites) break;
    close(peer_);
    net_.close(socket_);
  }
}

TEST_F(Sockets, send_in_parts_when_the_peer_does_not_read) {
  connect_both();
  std::string all(8u << 20, 0);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i * 2654435761u >> 11);
  std::string got;
  std::array<char, 70000> room;
  bool blocked = false;
  std::string_view left = all;
  while (got.size() < all.size()) {
    while (!left.empty()) {
      const NetResult result = net_.send(socket_, left);
      if (result.step == NetStep::kBlocked) {
        blocked = true;
        break;
      }
      ASSERT_EQ(result.step, NetStep::kDone);
      ASSERT_GT(result.bytes, 0u);
      left.remove_prefix(result.bytes);
    }
    const ssize_t size = read(peer_, room.data(), room.size());
    ASSERT_GT(size, 0);
    got.append(room.data(), static_cast<size_t>(size));
  }
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(got == all);
}

TEST_F(Sockets, tell_a_half_close_from_a_reset) {
  connect_both();
  std::array<char, 8> room{};
  ASSERT_EQ(write(peer_, "abc", 3), 3);
  ASSERT_EQ(shutdown(peer_, SHUT_WR), 0);
  size_t bytes = 0;
  while (bytes < 3) {
    const NetResult result = receive_soon(room);
    ASSERT_EQ(result.step, NetStep::kDone);
    bytes += result.bytes;
  }
  EXPECT_EQ(receive_soon(room).step, NetStep::kClosed);
  // It may still be told something.
  EXPECT_EQ(net_.send(socket_, "x").step, NetStep::kDone);
  EXPECT_EQ(read(peer_, room.data(), 1), 1);

  const linger now{1, 0};
  setsockopt(peer_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(peer_);
  peer_ = -1;
  // The reset is on its way, or has come.
  NetResult result;
  do {
    result = net_.send(socket_, "x");
  } while (result.step == NetStep::kDone);
  EXPECT_EQ(result.step, NetStep::kFailed);
  EXPECT_TRUE(result.system_error == ECONNRESET || result.system_error == EPIPE) << result.system_error;
}

TEST_F(Sockets, a_reset_is_a_failure_of_receive) {
  connect_both();
  const linger now{1, 0};
  setsockopt(peer_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(peer_);
  peer_ = -1;
  std::array<char, 8> room{};
  const NetResult result = receive_soon(room);
  EXPECT_EQ(result.step, NetStep::kFailed);
  EXPECT_EQ(result.system_error, ECONNRESET);
}

TEST_F(Sockets, a_refused_connection_says_so) {
  close(listener_);
  listener_ = -1;
  const Status connected = connect();
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Code::kNoConnection);
  EXPECT_EQ(connected.error().system_error, ECONNREFUSED);
}

TEST_F(Sockets, a_wait_ends_at_its_time_and_watches_several) {
  connect_both();
  const Interest interests[] = {{-1, true, true}, {socket_, true, false}};
  net_.wait(interests, 0);
  net_.wait({}, clock_.monotonic_ns() + 1000);
  ASSERT_EQ(write(peer_, "a", 1), 1);
  net_.wait(interests, kNever);
  std::array<char, 8> room{};
  EXPECT_EQ(net_.receive(socket_, room).bytes, 1u);
}

// In a process of its own: a stop stays. Its exit.
template <typename Body>
int exit_of(Body body) {
  const pid_t process = fork();
  if (process == 0) {
    SystemWakeup::handle_signals();
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Sockets, a_stop_ends_one_wait_and_no_more) {
  // What was begun is brought to its end, and that must not become a loop without waits.
  const int exit = exit_of([&] {
    raise(SIGTERM);
    net_.wait({}, kNever);  // whoever looked before the signal came
    const uint64_t until = clock_.monotonic_ns() + 1'000'000;
    net_.wait({}, until);
    if (SystemWakeup::stop_signal() != SIGTERM || clock_.monotonic_ns() < until) _exit(1);
  });
  EXPECT_EQ(exit, 0);
}

TEST(Signals, that_come_together_are_one_wish) {
  testing::VirtualClock clock;
  const SystemWakeup wakeup(clock);
  EXPECT_EQ(exit_of([&] {
              raise(SIGTERM);
              raise(SIGTERM);
            }),
            0);
  EXPECT_EQ(exit_of([&] {
              raise(SIGINT);
              if (!wakeup.stop_requested()) _exit(1);
              clock.advance(SystemWakeup::kOneWishNs - 1);
              if (!wakeup.stop_requested()) _exit(1);
              raise(SIGTERM);
              if (SystemWakeup::stop_signal() != SIGINT) _exit(1);
            }),
            0);
}

TEST(Signals, that_come_later_end_it_at_once) {
  testing::VirtualClock clock;
  const SystemWakeup wakeup(clock);
  EXPECT_EQ(exit_of([&] {
              raise(SIGINT);
              (void)wakeup.stop_requested();
              clock.advance(SystemWakeup::kOneWishNs);
              (void)wakeup.stop_requested();
              raise(SIGINT);
            }),
            128 + SIGINT);
  // Of a run that does not come to look: the third.
  EXPECT_EQ(exit_of([] {
              for (int i = 0; i < SystemWakeup::kSignalsMax; ++i) raise(SIGTERM);
            }),
            128 + SIGTERM);
}

TEST_F(Sockets, random_bits_differ) {
  const uint64_t first = net_.random();
  EXPECT_NE(first, net_.random());
}

}  // namespace
}  // namespace weir

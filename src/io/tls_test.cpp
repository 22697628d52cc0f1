// TLS over real sockets against a server in another process (tls_testing.hpp).
#include "io/tls.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "io/system_clock.hpp"
#include "io/system_net.hpp"
#include "io/tls_arena.hpp"
#include "io/tls_testing.hpp"

namespace weir {
namespace {

using testing::Certificate;
using testing::pattern;
using testing::TlsServer;

constexpr uint64_t kPatienceNs = 60'000'000'000;  ///< far more than anything here takes

double cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

// ---- allocations that fail on demand ---------------------------------------------------------------------------------

uint64_t requests = 0;
uint64_t fail_at = 0;  ///< 0: none
bool fail_behind = false;  ///< and all behind it

bool refuses() {
  ++requests;
  return fail_at != 0 && (fail_behind ? requests >= fail_at : requests == fail_at);
}
// More than there is, so that the arena counts the failure as one of its own.
void* refused() { return TlsArena::allocate(SIZE_MAX); }
void* counted_malloc(size_t bytes, const char*, int) { return refuses() ? refused() : TlsArena::allocate(bytes); }
void* counted_realloc(void* block, size_t bytes, const char*, int) {
  return refuses() ? refused() : TlsArena::reallocate(block, bytes);
}
void counted_free(void* block, const char*, int) { TlsArena::release(block); }

class Tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const bool once = [] {
      return TlsArena::take().has_value() &&
             CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1;
    }();
    ASSERT_TRUE(once);
  }
  void TearDown() override { fail_at = 0; }

  int connect(uint16_t port) {
    std::array<Address, 1> address;
    EXPECT_TRUE(net_.resolve("127.0.0.1", port, address, {}));
    auto socket = net_.connect(address[0], SocketUse::kBoth);
    if (!socket) return -1;
    const Interest interest{*socket, false, true};
    net_.wait({&interest, 1}, clock_.monotonic_ns() + kPatienceNs);
    EXPECT_TRUE(net_.connected(*socket).value_or(false));
    return *socket;
  }
  NetStep handshake(TlsStream& stream, Error& error) {
    for (;;) {
      Interest wants;
      const NetResult result = stream.handshake(wants, error);
      if (result.step != NetStep::kBlocked) return result.step;
      EXPECT_TRUE(wants.read || wants.write);
      net_.wait({&wants, 1}, clock_.monotonic_ns() + kPatienceNs);
    }
  }
  NetStep send_all(TlsStream& stream, std::string_view bytes, Error& error) {
    while (!bytes.empty()) {
      Interest wants;
      const NetResult result = stream.send(bytes, wants, error);
      if (result.step == NetStep::kDone) bytes.remove_prefix(result.bytes);
      if (result.step == NetStep::kFailed) return result.step;
      if (result.step == NetStep::kBlocked) net_.wait({&wants, 1}, clock_.monotonic_ns() + kPatienceNs);
    }
    return NetStep::kDone;
  }
  /// Receives pattern() until `size` bytes, the end or a failure.
  NetStep receive_pattern(TlsStream& stream, uint64_t size, uint64_t& got, Error& error, size_t room_bytes = 65536) {
    static std::array<char, 65536> room;
    got = 0;
    while (got < size) {
      Interest wants;
      const size_t take = std::min<uint64_t>(room_bytes, size - got);
      const NetResult result = stream.receive({room.data(), take}, wants, error);
      if (result.step == NetStep::kBlocked) {
        net_.wait({&wants, 1}, clock_.monotonic_ns() + kPatienceNs);
        continue;
      }
      if (result.step != NetStep::kDone) return result.step;
      if (check_) {
        for (size_t i = 0; i < result.bytes; ++i) {
          if (room[i] != pattern(got + i)) return NetStep::kFailed;
        }
      }
      got += result.bytes;
    }
    return NetStep::kDone;
  }
  /// Connects and shakes hands; the error where that failed.
  Error try_host(TlsContext& context, uint16_t port, std::string_view host) {
    TlsStream stream;
    const int socket = connect(port);
    Error error;
    if (auto opened = stream.open(context, net_, socket, host); !opened) {
      error = opened.error();
    } else {
      handshake(stream, error);
    }
    stream.close();
    net_.close(socket);
    return error;
  }

  SystemClock clock_;
  SystemNet net_{clock_};
  bool check_ = true;
};

std::unique_ptr<TlsContext> context_for(const TlsServer& server) {
  const std::string roots = server.roots();
  auto made = TlsContext::make({.ca_file = roots.c_str()});
  EXPECT_TRUE(made) << (made ? "" : std::string(made.error().detail.view()));
  return made ? std::move(*made) : nullptr;
}

TEST_F(Tls, moves_bytes_both_ways_in_versions_1_2_and_1_3) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const Certificate certificate : {Certificate::kGood, Certificate::kRsa}) {
      const TlsServer server({.certificate = certificate, .version = version});
      auto context = context_for(server);
      ASSERT_TRUE(context);
      TlsStream stream;
      const int socket = connect(server.port());
      ASSERT_TRUE(stream.open(*context, net_, socket, "server.test"));
      Error error;
      ASSERT_EQ(handshake(stream, error), NetStep::kDone) << error.detail.view();
      EXPECT_STREQ(stream.version(), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
      uint64_t got = 0;
      for (const size_t room : {size_t{1}, size_t{100}, size_t{65536}}) {
        const uint64_t size = room == 1 ? 5000 : 300'000;
        ASSERT_EQ(send_all(stream, "GET " + std::to_string(size) + "\n", error), NetStep::kDone);
        ASSERT_EQ(receive_pattern(stream, size, got, error, room), NetStep::kDone) << error.detail.view();
      }
      std::string body = "PUT 3000000\n";
      for (uint64_t i = 0; i < 3'000'000; ++i) body += pattern(i);
      ASSERT_EQ(send_all(stream, body, error), NetStep::kDone);
      std::array<char, 3> answer{};
      for (size_t at = 0; at < answer.size();) {
        Interest wants;
        const NetResult result = stream.receive(std::span(answer).subspan(at), wants, error);
        ASSERT_NE(result.step, NetStep::kFailed) << error.detail.view();
        if (result.step == NetStep::kBlocked) net_.wait({&wants, 1}, clock_.monotonic_ns() + kPatienceNs);
        at += result.bytes;
      }
      EXPECT_EQ(std::string_view(answer.data(), 3), "ok\n");
      stream.close();
      net_.close(socket);
    }
  }
}

TEST_F(Tls, a_certificate_that_is_not_to_be_trusted_says_why_and_is_never_tried_again) {
  const struct {
    Certificate certificate;
    const char* host;
    const char* reason;  ///< null: it is trusted
  } cases[] = {
      {Certificate::kGood, "server.test", nullptr},
      {Certificate::kGood, "SERVER.test", nullptr},
      {Certificate::kGood, "server.test.", nullptr},
      {Certificate::kGood, "a.wild.test", nullptr},
      {Certificate::kGood, "a.b.wild.test", "hostname mismatch"},
      {Certificate::kGood, "127.0.0.1", nullptr},
      {Certificate::kGood, "[::1]", nullptr},
      {Certificate::kGood, "127.0.0.9", "IP address mismatch"},
      {Certificate::kExpired, "server.test", "certificate has expired"},
      {Certificate::kNotYetValid, "server.test", "certificate is not yet valid"},
      {Certificate::kWrongHost, "server.test", "hostname mismatch"},
      {Certificate::kSelfSigned, "server.test", "self-signed certificate"},
      {Certificate::kUnknownRoot, "server.test", "unable to get local issuer certificate"},
      {Certificate::kNoIntermediate, "server.test", "unable to get local issuer certificate"},
      {Certificate::kWrongUse, "server.test", "unsuitable certificate purpose"},
      {Certificate::kWeakKey, "server.test", "EE certificate key too weak"},
      {Certificate::kNoName, "server.test", "hostname mismatch"},
      {Certificate::kNotCa, "server.test", "invalid CA certificate"},
  };
  for (const auto& c : cases) {
    const TlsServer server({.certificate = c.certificate});
    auto context = context_for(server);
    ASSERT_TRUE(context);
    const Error error = try_host(*context, server.port(), c.host);
    if (c.reason == nullptr) {
      EXPECT_TRUE(error.ok()) << c.host << ": " << error.detail.view();
    } else {
      EXPECT_EQ(error.code, Code::kBadCertificate) << c.host << ": " << error.detail.view();
      EXPECT_EQ(error.exit(), Exit::kAuth);
      EXPECT_TRUE(error.detail.view().find(c.reason) != std::string_view::npos)
          << c.reason << " / " << error.detail.view();
    }
  }
}

TEST_F(Tls, an_end_in_order_is_told_from_one_that_somebody_may_have_made) {
  const TlsServer server;
  auto context = context_for(server);
  ASSERT_TRUE(context);
  const struct {
    const char* word;
    NetStep step;
    int system_error;
  } cases[] = {{"END 50000\n", NetStep::kClosed, 0},
               {"CUT 50000\n", NetStep::kFailed, 0},
               {"RST 50000\n", NetStep::kFailed, ECONNRESET}};
  for (const auto& c : cases) {
    TlsStream stream;
    const int socket = connect(server.port());
    Error error;
    ASSERT_TRUE(stream.open(*context, net_, socket, "server.test"));
    ASSERT_EQ(handshake(stream, error), NetStep::kDone);
    ASSERT_EQ(send_all(stream, c.word, error), NetStep::kDone);
    uint64_t got = 0;
    EXPECT_EQ(receive_pattern(stream, 1'000'000, got, error), c.step) << c.word;
    // A reset may overtake what was sent before it.
    EXPECT_TRUE(c.system_error != 0 || got == 50'000) << got;
    if (c.step == NetStep::kFailed) {
      EXPECT_EQ(error.code, Code::kConnectionLost);
      EXPECT_EQ(error.system_error, c.system_error) << error.detail.view();
    }
    // It stays so.
    Error again;
    EXPECT_EQ(receive_pattern(stream, 1, got, again), c.step);
    EXPECT_EQ(again.code, error.code);
    stream.close();
    net_.close(socket);
  }
}

TEST_F(Tls, a_handshake_that_fails_says_why_and_may_be_tried_again) {
  const struct {
    testing::TlsServerOptions options;
    const char* reason;
  } cases[] = {{{.plain = true}, "does not speak TLS"}, {{.other_cipher = true}, "the server says: handshake failure"}};
  const TlsServer good;
  auto context = context_for(good);
  ASSERT_TRUE(context);
  for (const auto& c : cases) {
    const TlsServer server(c.options);
    const Error error = try_host(*context, server.port(), "server.test");
    EXPECT_EQ(error.code, Code::kNoConnection);
    EXPECT_TRUE(error.detail.view().find(c.reason) != std::string_view::npos)
        << c.reason << " / " << error.detail.view();
  }
  TlsStream stream;
  for (const std::string& host : {std::string(), std::string("a\0b", 3), std::string(300, 'a')}) {
    auto opened = stream.open(*context, net_, -1, host);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::kNoHost);
  }
}

TEST_F(Tls, roots_that_are_not_there_are_an_error_of_the_context) {
  auto missing = TlsContext::make({.ca_file = "/nonexistent/roots.pem"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNoInput);
  auto empty = TlsContext::make({.ca_file = "/dev/null"});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, Code::kBadCertificate);
}

std::string contents(const std::string& path) {
  std::string text;
  FILE* file = std::fopen(path.c_str(), "r");
  for (int c = 0; (c = std::fgetc(file)) != EOF;) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

TEST_F(Tls, finds_the_root_among_others_of_its_name_and_behind_more_than_the_index_holds) {
  const TlsServer server;
  const TlsServer other;  // its root has the same name and another key
  const std::string right = contents(server.roots());
  const std::string wrong = contents(other.roots());
  std::string many;
  for (int i = 0; i < 600; ++i) many += wrong;
  std::string crlf;
  for (const char c : right) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const struct {
    std::string text;
    bool trusted;
  } cases[] = {
      {right, true},
      {wrong, false},
      {wrong + right, true},
      {right + wrong, true},
      {"# a comment\n" + std::string(9000, 'x') + "\n" + wrong + "text\n" + crlf, true},
      {right.substr(0, right.size() - 1), true},  // the last line without its end
      {many + right, true},
      {many, false},
      {"-----BEGIN CERTIFICATE-----\n" + std::string(20000, 'A') + "\n-----END CERTIFICATE-----\n" + right, true},
      {right.substr(0, right.size() / 2) + "\n" + wrong, false},
  };
  for (const auto& c : cases) {
    char path[] = "/tmp/weir_roots_XXXXXX";
    const int file = mkstemp(path);
    ASSERT_EQ(write(file, c.text.data(), c.text.size()), static_cast<ssize_t>(c.text.size()));
    ::close(file);
    auto context = TlsContext::make({.ca_file = path});
    ASSERT_TRUE(context);
    for (int i = 0; i < 3; ++i) {
      const Error error = try_host(**context, server.port(), "server.test");
      EXPECT_EQ(error.code, c.trusted ? Code::kOk : Code::kBadCertificate) << &c - cases << ": " << error.detail.view();
    }
    unlink(path);
  }
}

TEST_F(Tls, finds_the_root_in_a_folder_with_names_by_hash) {
  const TlsServer server;
  const TlsServer other;
  char folder[] = "/tmp/weir_folder_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  FILE* file = std::fopen(server.roots().c_str(), "r");
  X509* root = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  char name[64];
  int ok = 0;
  std::snprintf(name, sizeof name, "%s/%08lx.", folder,
                X509_NAME_hash_ex(X509_get_subject_name(root), nullptr, nullptr, &ok));
  X509_free(root);
  auto context = TlsContext::make({.ca_folder = folder});
  ASSERT_TRUE(context);
  EXPECT_EQ(try_host(**context, server.port(), "server.test").code, Code::kBadCertificate);
  const std::string first = std::string(name) + "0";
  const std::string second = std::string(name) + "1";
  ASSERT_EQ(symlink(other.roots().c_str(), first.c_str()), 0);
  ASSERT_EQ(symlink(server.roots().c_str(), second.c_str()), 0);
  EXPECT_TRUE(try_host(**context, server.port(), "server.test").ok());
  EXPECT_TRUE(try_host(**context, other.port(), "server.test").ok());
  unlink(first.c_str());
  unlink(second.c_str());
  rmdir(folder);
}

TEST_F(Tls, memory_and_descriptors_stay_over_1000_connections) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsServer server({.version = version});
    auto context = context_for(server);
    ASSERT_TRUE(context);
    TlsArena::Figures first{};
    Error error;
    uint64_t got = 0;
    for (int i = 0; i < 500; ++i) {
      TlsStream stream;
      const int socket = connect(server.port());
      ASSERT_LT(socket, 64);
      ASSERT_TRUE(stream.open(*context, net_, socket, "server.test"));
      ASSERT_EQ(handshake(stream, error), NetStep::kDone) << error.detail.view();
      ASSERT_EQ(send_all(stream, "GET 20000\n", error), NetStep::kDone);
      ASSERT_EQ(receive_pattern(stream, 20'000, got, error), NetStep::kDone);
      stream.close();
      net_.close(socket);
      if (i == 10) first = TlsArena::figures();
    }
    EXPECT_EQ(TlsArena::figures().bytes_live, first.bytes_live);
    EXPECT_EQ(TlsArena::figures().bytes_used, first.bytes_used);
  }
}

TEST_F(Tls, memory_stays_over_200_megabytes) {
  const TlsServer server;
  auto context = context_for(server);
  ASSERT_TRUE(context);
  TlsStream stream;
  const int socket = connect(server.port());
  Error error;
  uint64_t got = 0;
  ASSERT_TRUE(stream.open(*context, net_, socket, "server.test"));
  ASSERT_EQ(handshake(stream, error), NetStep::kDone);
  ASSERT_EQ(send_all(stream, "GET 1000000\nGET 200000000\n", error), NetStep::kDone);
  ASSERT_EQ(receive_pattern(stream, 1'000'000, got, error), NetStep::kDone);
  const TlsArena::Figures before = TlsArena::figures();
  const uint64_t asked = requests;
  const double began = cpu_ms();
  check_ = false;
  ASSERT_EQ(receive_pattern(stream, 200'000'000, got, error), NetStep::kDone);
  std::printf("[tls] 200 MB: %.0f MB a second of CPU, %llu requests for memory\n", 200e3 / (cpu_ms() - began),
              static_cast<unsigned long long>(requests - asked));
  EXPECT_EQ(TlsArena::figures().bytes_used, before.bytes_used);
  EXPECT_EQ(TlsArena::figures().bytes_live, before.bytes_live);
  stream.close();
  net_.close(socket);
}

// What OpenSSL makes once a process has the whole arena to itself: there it is not tried.
TEST_F(Tls, whichever_request_for_memory_fails_the_context_is_refused) {
  const TlsServer server;
  const std::string roots = server.roots();
  ASSERT_TRUE(TlsContext::make({.ca_file = roots.c_str()}));
  uint64_t n = 0;
  for (bool reached = true; reached;) {
    requests = 0;
    fail_at = ++n;
    auto made = TlsContext::make({.ca_file = roots.c_str()});
    reached = requests >= n;
    fail_at = 0;
    ASSERT_EQ(made.has_value(), !reached) << "request " << n;
    ASSERT_TRUE(made || made.error().code == Code::kBudgetTooSmall) << "request " << n;
  }
  std::printf("[tls] requests for memory of a context: %llu\n", static_cast<unsigned long long>(n - 1));
}

TEST_F(Tls, whichever_request_for_memory_fails_only_that_connection_fails) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsServer server({.version = version});
    auto context = context_for(server);
    ASSERT_TRUE(context);
    (void)try_host(*context, server.port(), "server.test");
    std::string body = "PUT 40000\n";
    for (uint64_t i = 0; i < 40'000; ++i) body += pattern(i);
    // OpenSSL keeps the places of 16 errors, and their room for the next.
    const size_t live_max = TlsArena::figures().bytes_live + 8192;
    for (const bool behind : {false, true}) {
      uint64_t failed = 0;
      bool reached = true;
      for (uint64_t n = 1; reached; ++n) {
        TlsStream stream;
        const int socket = connect(server.port());
        Error error;
        uint64_t got = 0;
        requests = 0;
        fail_at = n;
        fail_behind = behind;
        if (auto opened = stream.open(*context, net_, socket, "server.test"); !opened) {
          error = opened.error();
        } else if (handshake(stream, error) == NetStep::kDone &&
                   send_all(stream, "GET 40000\n", error) == NetStep::kDone &&
                   receive_pattern(stream, 40'000, got, error) == NetStep::kDone) {
          (void)send_all(stream, body, error);
        }
        stream.close();
        reached = requests >= n;
        fail_at = 0;
        net_.close(socket);
        if (!error.ok()) {
          ++failed;
          ASSERT_EQ(error.code, Code::kConnectionLost) << "request " << n << ": " << error.detail.view();
        }
        ASSERT_LE(TlsArena::figures().bytes_live, live_max) << "request " << n << (behind ? " and on" : "");
      }
      EXPECT_GT(failed, 100);
    }
    EXPECT_TRUE(try_host(*context, server.port(), "server.test").ok());
  }
}

TEST_F(Tls, prints_what_a_connection_takes) {
  const TlsServer server;
  double before = cpu_ms();
  auto context = context_for(server);
  ASSERT_TRUE(context);
  std::printf("[tls] context: %.2f ms of CPU, arena %zu bytes used, %zu live\n", cpu_ms() - before,
              TlsArena::figures().bytes_used, TlsArena::figures().bytes_live);
  std::array<TlsStream, 3> streams;
  std::array<int, 3> sockets{};
  Error error;
  uint64_t got = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    sockets[i] = connect(server.port());
    before = cpu_ms();
    ASSERT_TRUE(streams[i].open(*context, net_, sockets[i], "server.test"));
    ASSERT_EQ(handshake(streams[i], error), NetStep::kDone) << error.detail.view();
    const double shaken = cpu_ms() - before;
    ASSERT_EQ(send_all(streams[i], "GET 1000000\n", error), NetStep::kDone);
    ASSERT_EQ(receive_pattern(streams[i], 1'000'000, got, error), NetStep::kDone);
    std::printf("[tls] connection %zu: %.2f ms of CPU, arena %zu bytes used, %zu live, %s %s\n", i + 1, shaken,
                TlsArena::figures().bytes_used, TlsArena::figures().bytes_live, streams[i].version(),
                streams[i].cipher());
  }
  for (size_t i = 0; i < streams.size(); ++i) {
    streams[i].close();
    net_.close(sockets[i]);
  }
}

}  // namespace
}  // namespace weir

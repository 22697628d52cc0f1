// HttpConnection: one HTTP/1.1 connection, plain or TLS, direct or through a proxy, used for one exchange after the other. It never waits: each
// step does what can be done now and says what to wait for. Memory is the caller's, fixed: memory_max().
//
// A kept connection that the server closed in the meantime is replaced without a word, once. Nothing else is repeated here: see
// io/http_call.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/step.hpp"
#include "io/address_kind.hpp"
#include "io/http_head.hpp"
#include "io/proxy.hpp"
#include "io/tls.hpp"
#include "io/url.hpp"
#include "port/net.hpp"
#include "port/ports.hpp"
#include "port/wait_limit.hpp"

namespace weir {

/// A request's body, which may be asked for again from its beginning.
class HttpBody {
 public:
  virtual ~HttpBody() = default;
  virtual uint64_t size() const = 0;
  /// Some bytes from `offset` < size() on, at least one; valid until the next call.
  virtual Result<std::string_view> from(uint64_t offset) = 0;
};

class TextBody final : public HttpBody {
 public:
  explicit TextBody(std::string_view text = {}) : text_(text) {}
  uint64_t size() const override { return text_.size(); }
  Result<std::string_view> from(uint64_t offset) override { return text_.substr(offset); }

 private:
  std::string_view text_;
};

struct HttpRequest {
  std::string_view method = "GET";
  Url url;  ///< path and query as they are sent
  std::span<const HttpField> fields;  ///< without Host, Content-Length, Connection, Expect
  HttpBody* body = nullptr;  ///< null: none, and no Content-Length
  bool expect_continue = false;  ///< send the body only when the server wants it, or does not say for a while
  AddressKind reach = AddressKind::kLinkLocal;  ///< addresses of a kind behind it are not connected to: W6006
};

struct HttpTimes {
  uint64_t connect_ns = 3'000'000'000;  ///< for the name, all addresses and the handshake of one attempt
  uint64_t stall_ns = 10'000'000'000;  ///< nothing was moved
  uint64_t reply_ns = 60'000'000'000;  ///< from the request's last byte to the reply's first: a server may have to work
  uint64_t continue_ns = 1'000'000'000;
};

/// What the machine gives all connections.
struct HttpContext {
  Net* net = nullptr;
  Clock* clock = nullptr;
  TlsContext* tls = nullptr;  ///< null: no https
  const ProxyRules* proxy = nullptr;
  WaitLimit* limit = nullptr;  ///< of the run; null: none
  HttpTimes times;

  /// When the run waits no longer, as far as it is known now.
  [[nodiscard]] uint64_t end_ns() const { return limit == nullptr ? kNever : limit->end_ns(clock->monotonic_ns()); }
};

/// What an exchange waits for.
struct HttpWait {
  Interest interest;
  uint64_t until_ns = kNever;
};

class HttpConnection {
 public:
  static constexpr size_t kRequestBytesMax = 16u << 10;  ///< a request's head: a session token takes up to 4 KiB of it
  static constexpr size_t kReceiveBytes = 16u << 10;
  static constexpr uint32_t kInterimHeadsMax = 32;
  static constexpr size_t memory_max() { return kRequestBytesMax + kHeadBytesMax + kReceiveBytes; }

  HttpConnection(const HttpContext& context, std::span<char> room, SocketUse use = SocketUse::kBoth);
  ~HttpConnection() { close(); }
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Begins an exchange; one that was not read to its end is given up with its connection. Everything that `request` names but the body is
  /// copied. W2028: the head is too large.
  Status begin(const HttpRequest& request);
  /// kHaveOutput: the reply's head is there; kBlocked: see waits(); kFailed.
  Step step(Error& error);
  [[nodiscard]] const HttpHead& head() const { return head_; }
  /// The next bytes of the reply's body into `room`; kFinished at its end (with 0 bytes).
  ReadResult read(std::span<char> room, Error& error);
  [[nodiscard]] const HttpWait& waits() const { return wait_; }
  /// The kind of the address that the connection is to, or was; behind a proxy, what the host's own text says.
  [[nodiscard]] AddressKind reached() const { return reached_; }
  /// The request was sent a second time: the server may have done it before.
  [[nodiscard]] bool sent_twice() const { return sent_twice_; }
  void close() noexcept;

 private:
  enum class State : uint8_t {
    kIdle,
    kConnecting,
    kProxyHead,
    kHandshake,
    kHead,
    kContinue,
    kBody,
    kReply,
    kReading,
    kDone
  };

  Status form(const HttpRequest& request, bool absolute);
  Status open();
  bool next_address(Error& error);
  Step connecting(Error& error);
  Step begin_tls(Error& error);
  Step proxy_head(Error& error);
  Step handshake(Error& error);
  Step send_head(Error& error);
  Step await_continue(Error& error);
  Step send_body(Error& error);
  Step receive_head(Error& error);
  bool take_reply(Error& error);
  void finish_reading();
  Step broke(Error& error, const Error& why);
  Step blocked(bool read, bool write, uint64_t limit_ns);
  Step blocked_tls(uint64_t limit_ns);
  NetResult receive(std::span<char> room, Error& error);
  NetResult send(std::string_view bytes, Error& error);
  void moved() { moved_ns_ = context_.clock->monotonic_ns(); }
  uint64_t now() { return context_.clock->monotonic_ns(); }
  bool late(uint64_t limit_ns) { return now() - moved_ns_ >= limit_ns; }
  Error stalled(std::string_view what) const;

  const HttpContext& context_;
  SocketUse use_;
  std::span<char> request_room_;
  std::span<char> received_;  ///< bytes [reply_begin_, reply_end_) are not used yet
  State state_ = State::kIdle;
  HttpWait wait_;

  // The connection.
  FixedText<kHostBytesMax> host_;  ///< that the connection is to
  uint16_t port_ = 0;
  bool tls_on_ = false;
  bool through_proxy_ = false;
  int socket_ = -1;
  TlsStream tls_;
  bool tunnel_asked_ = false;
  bool kept_ = false;  ///< it served an exchange before
  std::array<Address, 8> addresses_;
  size_t address_count_ = 0;
  size_t address_ = 0;
  AddressKind reached_ = AddressKind::kPublic;
  uint64_t moved_ns_ = 0;  ///< when bytes were moved last
  uint64_t opened_ns_ = 0;

  // The exchange.
  size_t request_bytes_ = 0;
  size_t sent_ = 0;
  HttpBody* body_ = nullptr;
  uint64_t body_sent_ = 0;
  bool expect_ = false;
  FixedText<16> method_;
  bool sent_twice_ = false;
  bool unsent_ = false;  ///< the reply came before the request was sent whole
  bool replied_ = false;  ///< a byte of the reply came
  HttpHead head_;
  uint32_t interim_heads_ = 0;  ///< of this exchange
  BodyFraming framing_ = BodyFraming::kNone;
  uint64_t left_ = 0;
  ChunkedDecoder chunks_;
  size_t reply_begin_ = 0;
  size_t reply_end_ = 0;
};

}  // namespace weir

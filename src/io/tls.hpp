// TLS 1.2 and 1.3 as a client, by OpenSSL over the sockets of a Net, in the TlsArena's memory.
//
// A job that needs it makes one TlsContext before the seal; jobs that do not never touch OpenSSL. A TlsStream never waits: it moves what the socket
// has or takes, and otherwise says what to wait for. Of what was received up to 32 KiB may be held inside, where no wait sees it: call receive
// until it says kBlocked before waiting.
//
// Errors: W6005 the server's certificate is not trusted, with the reason; trying again is of no use. W4022 the handshake failed, W4023 the
// connection broke or the arena is full; both may be tried again on a new connection.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/types.h>

#include "base/error.hpp"
#include "io/ca_roots.hpp"
#include "port/net.hpp"

namespace weir {

struct TlsOptions {
  /// PEM files and folders of roots that stand in the place of the machine's own (AWS_CA_BUNDLE or SSL_CERT_FILE, SSL_CERT_DIR); null: none. A
  /// folder's names are by hash, as `openssl rehash` makes them.
  const char* ca_file = nullptr;
  const char* ca_folder = nullptr;
};

/// What all connections of a job share: roots, versions, ciphers. For one thread at a time; it must outlive its streams.
class TlsContext {
 public:
  /// Takes the TlsArena and makes OpenSSL ready. Before the seal. W2101: no memory; W6005, W2014, W4003, W6001: the roots.
  static Result<std::unique_ptr<TlsContext>> make(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsStream;
  TlsContext() = default;
  Status open(const TlsOptions& options);

  CaRoots roots_;
  SSL_CTX* context_ = nullptr;
  BIO_METHOD* socket_method_ = nullptr;
};

/// A client's TLS over one connected socket of a Net, which stays the caller's to close. May be opened again after close().
class TlsStream {
 public:
  TlsStream() = default;
  ~TlsStream() { close(); }
  TlsStream(const TlsStream&) = delete;  // OpenSSL points here
  TlsStream& operator=(const TlsStream&) = delete;

  /// Nothing is sent yet. `host` is a name or a literal ("10.0.0.1", "[::1]") that the certificate must be for; a name is told to the server (SNI).
  /// W4023: the arena is full. W4021: the name is too long or has a zero.
  Status open(TlsContext& context, Net& net, int socket, std::string_view host);
  /// kDone: the handshake is complete and the certificate trusted. kBlocked: wait for `wants`, then call again. kFailed: see `error`.
  NetResult handshake(Interest& wants, Error& error);
  /// As Net::receive; fills `room` as far as bytes are there. kClosed: the server ended the stream in order; without that word it is kFailed,
  /// W4023, since somebody may have cut it.
  NetResult receive(std::span<char> room, Interest& wants, Error& error);
  /// As Net::send. After kBlocked the next call must begin with the same bytes, and have as many at least; they may lie elsewhere.
  NetResult send(std::string_view bytes, Interest& wants, Error& error);
  /// Tells the server (close_notify) where the socket takes it at once, and gives the memory back. Before the socket is closed.
  void close() noexcept;

  [[nodiscard]] bool is_open() const { return ssl_ != nullptr; }
  /// "TLSv1.3", "TLS_AES_128_GCM_SHA256": after the handshake, for people.
  [[nodiscard]] const char* version() const;
  [[nodiscard]] const char* cipher() const;

 private:
  friend class TlsContext;
  static int on_read(BIO* bio, char* room, size_t size, size_t* moved);
  static int on_write(BIO* bio, const char* bytes, size_t size, size_t* moved);
  static long on_control(BIO* bio, int command, long number, void* pointer);
  void begin();
  NetResult answer(int result, Interest& wants, Error& error);
  Error broken(int why);

  SSL* ssl_ = nullptr;
  Net* net_ = nullptr;
  int socket_ = -1;
  int system_error_ = 0;  ///< of the socket
  bool ended_ = false;  ///< the socket's peer sends no more
  bool ready_ = false;  ///< the handshake is complete
  bool failed_ = false;  ///< for the reason in `failure_`, and for good
  Error failure_;
  uint64_t failures_before_ = 0;  ///< of the arena
};

}  // namespace weir

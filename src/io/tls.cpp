#include "io/tls.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/assert.hpp"
#include "io/file.hpp"
#include "io/tls_arena.hpp"

namespace weir {
namespace {

/// What is read from the socket at once: two records of the largest size. The block that holds it is 40 KiB of the arena.
constexpr size_t kReadAheadBytes = 32u << 10;
/// Of a server's chain of certificates: usual ones have a tenth of it, a company's proxy may add some.
constexpr long kChainBytesMax = 48 << 10;
constexpr int kChainDepthMax = 10;
constexpr size_t kHostBytesMax = 255;

constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

constexpr int kAlertReasons = 1000;  ///< OpenSSL's reasons from here on are the peer's alerts

Error arena_full() { return Error(Code::kConnectionLost, "the memory of TLS is full"); }

// Reasons that tell someone what to do; OpenSSL is built without its texts.
const char* reason_text(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
      return "the server does not speak TLS here";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return "the server speaks neither TLS 1.2 nor 1.3";
    case SSL_R_WRONG_CIPHER_RETURNED:
    case SSL_R_UNKNOWN_CIPHER_RETURNED:
    case SSL_R_NO_CIPHERS_AVAILABLE:
      return "no cipher in common";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return "closed in the middle";
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_DATA_LENGTH_TOO_LONG:
      return "bytes were changed on the way";
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return "the server's chain of certificates is too long";
    default:
      return nullptr;
  }
}

bool literal_address(std::string_view host) {
  return host.find(':') != std::string_view::npos || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

// ---- context ---------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<TlsContext>> TlsContext::make(const TlsOptions& options) {
  WEIR_TRY(TlsArena::take());
  std::unique_ptr<TlsContext> context(new (std::nothrow) TlsContext);
  if (context == nullptr) return fail(Code::kSetupTooLarge);
  const uint64_t failures = TlsArena::figures().failures;
  WEIR_TRY(context->open(options));
  // OpenSSL goes on without a cipher or a group that it had no room for.
  if (TlsArena::figures().failures != failures) return fail(Code::kBudgetTooSmall, "the memory of TLS is full");
  return context;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  BIO_meth_free(socket_method_);
}

Status TlsContext::open(const TlsOptions& options) {
  const Error no_room(Code::kBudgetTooSmall, "the memory of TLS is full");
  constexpr uint64_t kInit = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_SSL_STRINGS |
                             OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS;
  if (OPENSSL_init_ssl(kInit, nullptr) != 1) return fail(no_room);
  // What the C library reads at first use (the time zone, for dates of certificates) is read before the seal.
  const time_t epoch = 0;
  tm broken_down{};
  gmtime_r(&epoch, &broken_down);
  // The states of random numbers, too: each is made at its first use.
  unsigned char bits[8];
  if (RAND_bytes(bits, sizeof bits) != 1 || RAND_priv_bytes(bits, sizeof bits) != 1) return fail(no_room);

  context_ = SSL_CTX_new(TLS_client_method());
  if (context_ == nullptr) return fail(no_room);
  SSL_CTX_set_options(context_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context_, 1);
  SSL_CTX_set_default_read_buffer_len(context_, kReadAheadBytes);
  SSL_CTX_set_max_cert_list(context_, kChainBytesMax);
  SSL_CTX_set_security_level(context_, 2);  // 112 bits: RSA from 2048 on, no SHA-1
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(context_, kChainDepthMax);
  if (SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context_, kCiphers12) != 1 || SSL_CTX_set_ciphersuites(context_, kCiphers13) != 1 ||
      SSL_CTX_set1_groups_list(context_, kGroups) != 1)
    return fail(no_room);

  socket_method_ = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir socket");
  if (socket_method_ == nullptr || BIO_meth_set_read_ex(socket_method_, TlsStream::on_read) != 1 ||
      BIO_meth_set_write_ex(socket_method_, TlsStream::on_write) != 1 ||
      BIO_meth_set_ctrl(socket_method_, TlsStream::on_control) != 1)
    return fail(no_room);

  if (options.ca_file != nullptr) WEIR_TRY(roots_.use_file(options.ca_file));
  if (options.ca_folder != nullptr) WEIR_TRY(roots_.use_folder(options.ca_folder));
  if (options.ca_file == nullptr && options.ca_folder == nullptr) WEIR_TRY(roots_.use_system());
  WEIR_TRY(roots_.install(SSL_CTX_get_cert_store(context_)));
  return {};
}

// ---- the socket below ------------------------------------------------------------------------------------------------

int TlsStream::on_read(BIO* bio, char* room, size_t size, size_t* moved) {
  auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *moved = 0;
  if (size == 0) return 0;
  const NetResult result = stream->net_->receive(stream->socket_, {room, size});
  *moved = result.bytes;
  switch (result.step) {
    case NetStep::kDone:
      return 1;
    case NetStep::kBlocked:
      BIO_set_retry_read(bio);
      return 0;
    case NetStep::kClosed:
      stream->ended_ = true;
      return 0;
    case NetStep::kFailed:
      stream->system_error_ = result.system_error;
      return 0;
  }
  return 0;
}

int TlsStream::on_write(BIO* bio, const char* bytes, size_t size, size_t* moved) {
  auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *moved = 0;
  if (size == 0) return 0;
  const NetResult result = stream->net_->send(stream->socket_, {bytes, size});
  *moved = result.bytes;
  if (result.step == NetStep::kDone) return 1;
  if (result.step == NetStep::kBlocked) BIO_set_retry_write(bio);
  if (result.step == NetStep::kFailed) stream->system_error_ = result.system_error;
  return 0;
}

long TlsStream::on_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;  // nothing is held here
  if (command == BIO_CTRL_EOF) return static_cast<TlsStream*>(BIO_get_data(bio))->ended_ ? 1 : 0;
  return 0;
}

// ---- stream ----------------------------------------------------------------------------------------------------------

Status TlsStream::open(TlsContext& context, Net& net, int socket, std::string_view host) {
  close();
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  char name[kHostBytesMax + 1];
  if (host.empty() || host.size() > kHostBytesMax || host.find('\0') != std::string_view::npos)
    return fail(Code::kNoHost, "not a name");
  std::memcpy(name, host.data(), host.size());
  name[host.size()] = 0;

  net_ = &net;
  socket_ = socket;
  system_error_ = 0;
  ended_ = false;
  ready_ = false;
  failed_ = false;
  begin();
  ssl_ = SSL_new(context.context_);
  BIO* bio = ssl_ != nullptr ? BIO_new(context.socket_method_) : nullptr;
  if (bio == nullptr) {
    close();
    return fail(arena_full());
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_connect_state(ssl_);
  bool named = false;
  if (literal_address(host)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), name) == 1;
  } else {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    named = SSL_set1_host(ssl_, name) == 1 && SSL_set_tlsext_host_name(ssl_, name) == 1;
  }
  if (!named) {
    const bool full = TlsArena::figures().failures != failures_before_;
    close();
    return full ? fail(arena_full()) : fail(Code::kNoHost, "not a name");
  }
  return {};
}

void TlsStream::begin() {
  ERR_clear_error();
  // During the handshake a request that was refused long ago may be what fails now; behind it each call stands for itself.
  if (ssl_ == nullptr || ready_) failures_before_ = TlsArena::figures().failures;
}

Error TlsStream::broken(int why) {
  const unsigned long number = ERR_peek_error();
  const int reason = ERR_GET_REASON(number);
  // First what would make all else misleading.
  if (TlsArena::figures().failures != failures_before_ || reason == ERR_R_MALLOC_FAILURE) return arena_full();
  const Code code = ready_ ? Code::kConnectionLost : Code::kNoConnection;
  if (system_error_ != 0) return weir::system_error(code, system_error_, "");
  if (!ready_) {
    const long verified = SSL_get_verify_result(ssl_);
    if (verified == X509_V_ERR_OUT_OF_MEM) return arena_full();
    if (verified != X509_V_OK) return Error(Code::kBadCertificate, X509_verify_cert_error_string(verified));
  }
  Error error(code, "TLS: ");
  if (why == SSL_ERROR_SYSCALL || number == 0) {
    error.detail.append(ended_ ? "closed in the middle" : "failed");
  } else if (ERR_GET_LIB(number) == ERR_LIB_SSL && reason >= kAlertReasons) {
    error.detail.append("the server says: ").append(SSL_alert_desc_string_long(reason - kAlertReasons));
  } else if (const char* text = ERR_GET_LIB(number) == ERR_LIB_SSL ? reason_text(reason) : nullptr; text != nullptr) {
    error.detail.append(text);
  } else {
    error.detail.append("error ").append_number(static_cast<uint64_t>(ERR_GET_LIB(number)));
    error.detail.append(".").append_number(static_cast<uint64_t>(reason)).append(" of OpenSSL");
  }
  return error;
}

NetResult TlsStream::answer(int result, Interest& wants, Error& error) {
  if (failed_) {
    error = failure_;
    return {NetStep::kFailed, 0, failure_.system_error};
  }
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    wants = {socket_, why == SSL_ERROR_WANT_READ, why == SSL_ERROR_WANT_WRITE};
    return {};
  }
  if (why == SSL_ERROR_ZERO_RETURN && ready_) return {NetStep::kClosed, 0, 0};
  failure_ = broken(why);
  failed_ = true;
  error = failure_;
  return {NetStep::kFailed, 0, failure_.system_error};
}

NetResult TlsStream::handshake(Interest& wants, Error& error) {
  WEIR_ASSERT(ssl_ != nullptr);
  if (failed_) return answer(0, wants, error);
  begin();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return answer(result, wants, error);
  if (TlsArena::figures().failures != failures_before_) {
    // Nothing that was left out on the way is to be trusted.
    failure_ = error = arena_full();
    failed_ = true;
    return {NetStep::kFailed, 0, 0};
  }
  ready_ = true;
  return {NetStep::kDone, 0, 0};
}

NetResult TlsStream::receive(std::span<char> room, Interest& wants, Error& error) {
  WEIR_ASSERT(ssl_ != nullptr && ready_ && !room.empty());
  if (failed_) return answer(0, wants, error);
  begin();
  size_t bytes = 0;
  // A call of OpenSSL gives one record at most.
  while (bytes < room.size()) {
    size_t moved = 0;
    const int result = SSL_read_ex(ssl_, room.data() + bytes, room.size() - bytes, &moved);
    if (result != 1) {
      const NetResult other = answer(result, wants, error);
      // What came before an end or a failure is handed out first; the next call finds them again.
      return bytes != 0 ? NetResult{NetStep::kDone, bytes, 0} : other;
    }
    bytes += moved;
  }
  return {NetStep::kDone, bytes, 0};
}

NetResult TlsStream::send(std::string_view bytes, Interest& wants, Error& error) {
  WEIR_ASSERT(ssl_ != nullptr && ready_ && !bytes.empty());
  if (failed_) return answer(0, wants, error);
  begin();
  size_t moved = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &moved);
  if (result != 1) return answer(result, wants, error);
  return {NetStep::kDone, moved, 0};
}

void TlsStream::close() noexcept {
  if (ssl_ == nullptr) return;
  if (ready_ && !failed_ && !ended_) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_);
  }
  SSL_free(ssl_);
  ERR_clear_error();
  ssl_ = nullptr;
  ready_ = false;
}

const char* TlsStream::version() const { return ssl_ != nullptr ? SSL_get_version(ssl_) : ""; }
const char* TlsStream::cipher() const { return ssl_ != nullptr ? SSL_get_cipher_name(ssl_) : ""; }

}  // namespace weir

// For tests: a TLS server in a process of its own, with certificates made for it, good and bad. It also speaks without TLS.
//
// It answers lines: "GET n" with n bytes of pattern(), "PUT n" and n bytes with "ok\n" when they were pattern()'s; "END n" as GET and a close in
// order, "CUT n" as GET and a close without a word, "RST n" as GET and a reset, "HALF n" as GET, reading to the client's end first.
#pragma once

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::testing {

enum class Certificate : uint8_t {
  kGood,
  kRsa,
  kExpired,
  kNotYetValid,
  kWrongHost,
  kSelfSigned,
  kUnknownRoot,
  kNoIntermediate,  ///< the chain has a hole
  kWrongUse,  ///< for clients only
  kWeakKey,  ///< RSA of 1,024 bits
  kNoName,  ///< the host stands in the subject alone
  kNotCa,  ///< issued by a certificate that may not issue
};

struct TlsServerOptions {
  Certificate certificate = Certificate::kGood;
  int version = 0;  ///< TLS1_2_VERSION, TLS1_3_VERSION; 0: both
  bool plain = false;  ///< no TLS: says so as HTTP does, and goes on in lines
  bool other_cipher = false;  ///< none in common
};

inline char pattern(uint64_t at) { return static_cast<char>(at * 2654435761u >> 13); }

namespace tls_server {

inline EVP_PKEY* make_key(int rsa_bits = 0) {
  return rsa_bits != 0 ? EVP_RSA_gen(static_cast<unsigned>(rsa_bits)) : EVP_EC_gen("P-256");
}

inline void extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) std::abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

struct Pair {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};

inline Pair make(const char* name, const char* alternative, const char* constraints, const char* use,
                 const Pair* issuer, long from_s = -3600, long until_s = 24L * 3600, int rsa_bits = 0) {
  static long serial = 1000;
  Pair made{X509_new(), make_key(rsa_bits)};
  X509_set_version(made.certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(made.certificate), until_s);
  X509_NAME* subject = X509_get_subject_name(made.certificate);
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("Weir Tests"), -1, -1,
                             0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(made.certificate,
                       X509_get_subject_name(issuer != nullptr ? issuer->certificate : made.certificate));
  X509_set_pubkey(made.certificate, made.key);
  X509* from = issuer != nullptr ? issuer->certificate : made.certificate;
  extend(made.certificate, from, NID_subject_key_identifier, "hash");
  extend(made.certificate, from, NID_authority_key_identifier, "keyid:always");
  extend(made.certificate, from, NID_basic_constraints, constraints);
  if (alternative != nullptr) extend(made.certificate, from, NID_subject_alt_name, alternative);
  if (use != nullptr) extend(made.certificate, from, NID_ext_key_usage, use);
  X509_sign(made.certificate, issuer != nullptr ? issuer->key : made.key, EVP_sha256());
  return made;
}

inline void append(const char* path, X509* certificate) {
  FILE* file = std::fopen(path, "a");
  PEM_write_X509(file, certificate);
  std::fclose(file);
}

struct Chain {
  Pair leaf;
  X509* between = nullptr;
};

inline Chain make_chain(const TlsServerOptions& options, const std::string& folder) {
  const Pair root = make("Root", nullptr, "critical,CA:TRUE", nullptr, nullptr);
  const Pair other_root = make("Other Root", nullptr, "critical,CA:TRUE", nullptr, nullptr);
  const bool may_issue = options.certificate != Certificate::kNotCa;
  const bool unknown = options.certificate == Certificate::kUnknownRoot;
  const Pair between = make("Intermediate", nullptr, may_issue ? "critical,CA:TRUE" : "critical,CA:FALSE", nullptr,
                            unknown ? &other_root : &root);
  append((folder + "/roots.pem").c_str(), root.certificate);
  const char* names = "DNS:server.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1";
  const char* use = "serverAuth";
  long from_s = -3600;
  long until_s = 24L * 3600;
  int rsa_bits = 0;
  const Pair* issuer = &between;
  switch (options.certificate) {
    case Certificate::kRsa:
      rsa_bits = 2048;
      break;
    case Certificate::kExpired:
      from_s = -7200, until_s = -60;
      break;
    case Certificate::kNotYetValid:
      from_s = 7200;
      break;
    case Certificate::kWrongHost:
      names = "DNS:other.test,IP:127.0.0.2";
      break;
    case Certificate::kSelfSigned:
      issuer = nullptr;
      break;
    case Certificate::kWrongUse:
      use = "clientAuth";
      break;
    case Certificate::kWeakKey:
      rsa_bits = 1024;
      break;
    case Certificate::kNoName:
      names = nullptr;
      break;
    default:
      break;
  }
  Chain chain;
  chain.leaf = make("server.test", names, "CA:FALSE", use, issuer, from_s, until_s, rsa_bits);
  if (issuer != nullptr && options.certificate != Certificate::kNoIntermediate) chain.between = between.certificate;
  return chain;
}

/// A connection on the server's side, with TLS or without.
class Peer {
 public:
  Peer(int socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}
  int read(char* room, size_t size) {
    return ssl_ != nullptr ? SSL_read(ssl_, room, static_cast<int>(size))
                           : static_cast<int>(::read(socket_, room, size));
  }
  bool write(const char* bytes, size_t size) {
    while (size != 0) {
      const int n = ssl_ != nullptr ? SSL_write(ssl_, bytes, static_cast<int>(size))
                                    : static_cast<int>(::write(socket_, bytes, size));
      if (n <= 0) return false;
      bytes += n;
      size -= static_cast<size_t>(n);
    }
    return true;
  }
  bool write_pattern(uint64_t size) {
    std::array<char, 16384> room;
    for (uint64_t at = 0; at < size;) {
      const size_t n = size - at < room.size() ? static_cast<size_t>(size - at) : room.size();
      for (size_t i = 0; i < n; ++i) room[i] = pattern(at + i);
      if (!write(room.data(), n)) return false;
      at += n;
    }
    return true;
  }
  bool read_pattern(uint64_t size) {
    std::array<char, 16384> room;
    bool right = true;
    for (uint64_t at = 0; at < size;) {
      const int n = read(room.data(), size - at < room.size() ? static_cast<size_t>(size - at) : room.size());
      if (n <= 0) return false;
      for (int i = 0; i < n; ++i)
        right = right && room[static_cast<size_t>(i)] == pattern(at + static_cast<uint64_t>(i));
      at += static_cast<uint64_t>(n);
    }
    return right;
  }
  void serve() {
    for (;;) {
      std::string line;
      for (char c = 0; c != '\n';) {
        if (read(&c, 1) != 1) return;
        line += c;
      }
      const std::string word = line.substr(0, line.find(' '));
      const uint64_t size = std::strtoull(line.c_str() + word.size(), nullptr, 10);
      if (word == "PUT") {
        if (!read_pattern(size) || !write("ok\n", 3)) return;
        continue;
      }
      if (word == "HALF") {
        char c = 0;
        while (read(&c, 1) == 1) {
        }
      }
      if (!write_pattern(size)) return;
      if (word == "GET") continue;
      if (word == "END" && ssl_ != nullptr) SSL_shutdown(ssl_);
      if (word == "RST") {
        const linger now{1, 0};
        setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      }
      return;
    }
  }

 private:
  int socket_;
  SSL* ssl_;
};

}  // namespace tls_server

/// Runs from construction to destruction. `folder()` has its roots.pem. Nothing of OpenSSL is used in the caller's process.
class TlsServer {
 public:
  explicit TlsServer(const TlsServerOptions& options = {}) {
    char name[] = "/tmp/weir_tls_XXXXXX";
    folder_ = mkdtemp(name);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 64) != 0) std::abort();
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    int ready[2];
    if (pipe(ready) != 0) std::abort();
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ready[0]);
      run(listener, options, ready[1]);
      _exit(0);
    }
    close(ready[1]);
    close(listener);
    char c = 0;
    if (read(ready[0], &c, 1) != 1) std::abort();
    close(ready[0]);
  }
  ~TlsServer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    unlink(roots().c_str());
    rmdir(folder_.c_str());
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string roots() const { return folder_ + "/roots.pem"; }

 private:
  void run(int listener, const TlsServerOptions& options, int ready) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    SSL_CTX* context = nullptr;
    if (!options.plain) {
      const tls_server::Chain chain = tls_server::make_chain(options, folder_);
      context = SSL_CTX_new(TLS_server_method());
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_use_certificate(context, chain.leaf.certificate);
      SSL_CTX_use_PrivateKey(context, chain.leaf.key);
      if (chain.between != nullptr) SSL_CTX_add1_chain_cert(context, chain.between);
      if (options.version != 0)
        SSL_CTX_set_min_proto_version(context, options.version),
            SSL_CTX_set_max_proto_version(context, options.version);
      if (options.other_cipher) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(context, "AES128-SHA");
      }
    }
    if (write(ready, "r", 1) != 1) return;
    close(ready);
    for (;;) {
      const int socket = accept(listener, nullptr, nullptr);
      if (socket < 0) continue;
      if (fork() != 0) {
        close(socket);
        continue;
      }
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(listener);
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      SSL* ssl = nullptr;
      if (context == nullptr) {
        // What a server of plain HTTP says to a client of TLS.
        char some[64];
        constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        if (read(socket, some, sizeof some) <= 0 || write(socket, kAnswer.data(), kAnswer.size()) <= 0) _exit(1);
      } else {
        ssl = SSL_new(context);
        set_socket(ssl, socket);
        if (SSL_accept(ssl) != 1) _exit(1);
      }
      tls_server::Peer(socket, ssl).serve();
      close(socket);
      _exit(0);
    }
  }
  // OpenSSL is built without sockets: a BIO of ours reads and writes the descriptor.
  static void set_socket(SSL* ssl, int socket) {
    static BIO_METHOD* method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test socket");
      BIO_meth_set_read(made, [](BIO* bio, char* room, int size) {
        return static_cast<int>(::read(descriptor(bio), room, static_cast<size_t>(size)));
      });
      BIO_meth_set_write(made, [](BIO* bio, const char* bytes, int size) {
        return static_cast<int>(::write(descriptor(bio), bytes, static_cast<size_t>(size)));
      });
      BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
      return made;
    }();
    BIO* bio = BIO_new(method);
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
  }
  static int descriptor(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

  std::string folder_;
  uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace weir::testing

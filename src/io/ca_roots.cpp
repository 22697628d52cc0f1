#include "io/ca_roots.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/file.hpp"

namespace weir {
namespace {

constexpr size_t kDerBytesMax =
    8192;  ///< of one root; larger ones are passed over (the largest in use has about 2,000)
constexpr int kKeptRoots = 16;  ///< in OpenSSL's store before it is emptied: a peer may name one root after the other
constexpr int kSameHashMax = 16;  ///< files of one hash in a folder

constexpr const char* kFolders[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};
constexpr const char* kBundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  // Amazon Linux, Fedora
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora
    "/etc/ssl/ca-bundle.pem",  // SUSE
    "/var/lib/ca-certificates/ca-bundle.pem",  // SUSE
    "/etc/ssl/cert.pem",  // Alpine, BSD
    "/usr/share/ssl/certs/ca-bundle.crt",
};

// ---- PEM -------------------------------------------------------------------------------------------------------------

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END";

constexpr auto kBase64 = [] {
  std::array<uint8_t, 256> values{};
  values.fill(255);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kDigits.size(); ++i) values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  return values;
}();

class DerRoom {
 public:
  void clear() {
    size_ = 0;
    bits_ = 0;
    bit_count_ = 0;
    overflow_ = false;
  }
  void decode(std::string_view line) {
    for (const char c : line) {
      const uint8_t value = kBase64[static_cast<uint8_t>(c)];
      if (value == 255) continue;
      bits_ = bits_ << 6 | value;
      bit_count_ += 6;
      if (bit_count_ < 8) continue;
      bit_count_ -= 8;
      if (size_ == sizeof bytes_) {
        overflow_ = true;
        return;
      }
      bytes_[size_++] = static_cast<unsigned char>(bits_ >> bit_count_);
    }
  }
  [[nodiscard]] std::span<const unsigned char> get() const { return {bytes_, overflow_ ? 0 : size_}; }

 private:
  unsigned char bytes_[kDerBytesMax];
  size_t size_ = 0;
  uint32_t bits_ = 0;
  unsigned bit_count_ = 0;
  bool overflow_ = false;
};

// ---- DER -------------------------------------------------------------------------------------------------------------

using Der = std::span<const unsigned char>;

struct Element {
  unsigned tag = 0;
  Der content;
  Der whole;
};

// Takes the first element off; false where there is none, or it does not fit.
bool next_element(Der& from, Element& out) {
  if (from.size() < 2) return false;
  size_t header = 2;
  size_t size = from[1];
  if ((size & 0x80u) != 0) {
    const size_t digits = size & 0x7fu;
    if (digits == 0 || digits > 3 || from.size() < 2 + digits) return false;
    size = 0;
    for (size_t i = 0; i < digits; ++i) size = size << 8 | from[2 + i];
    header += digits;
  }
  if (from.size() - header < size) return false;
  out = {from[0], from.subspan(header, size), from.first(header + size)};
  from = from.subspan(header + size);
  return true;
}

// A name's hash that is the same for all names that RFC 5280 calls equal (spelled in another string type, case or spacing), and
// for a few others.
uint32_t name_hash(Der name) {
  uint32_t hash = 2166136261u;
  const auto mix = [&hash](unsigned byte) { hash = (hash ^ byte) * 16777619u; };
  Element sequence;
  if (!next_element(name, sequence)) return hash;
  Element set;
  while (next_element(sequence.content, set)) {
    Element pair;
    while (next_element(set.content, pair)) {
      Element type;
      Element value;
      if (!next_element(pair.content, type) || !next_element(pair.content, value)) continue;
      for (const unsigned char byte : type.content) mix(byte);
      for (const unsigned char byte : value.content) {
        if (byte > 0x20 && byte < 0x7f) mix(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
      }
    }
  }
  return hash;
}

// The subject of a certificate (RFC 5280, 4.1), empty where it has none.
Der subject_of(Der certificate) {
  Element outer;
  Element tbs;
  Element part;
  if (!next_element(certificate, outer) || !next_element(outer.content, tbs)) return {};
  Der fields = tbs.content;
  if (!next_element(fields, part)) return {};
  if (part.tag == 0xa0 && !next_element(fields, part)) return {};  // version, then serial number
  for (int i = 0; i < 3; ++i) {  // algorithm, issuer, validity
    if (!next_element(fields, part)) return {};
  }
  return next_element(fields, part) ? part.whole : Der{};
}

Der der_of(const X509_NAME* name) {
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  return X509_NAME_get0_der(name, &bytes, &size) == 1 ? Der(bytes, size) : Der{};
}

// Puts the certificate into the store if it is the name's. It, which the store holds from here on, or null. (OpenSSL asks for a name only when
// the store has none of it, so the first one is never a second copy, which the store would not hold.)
X509* keep(X509_STORE* store, Der der, const X509_NAME* name) {
  const unsigned char* at = der.data();
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  if (certificate == nullptr) return nullptr;
  const bool right =
      X509_NAME_cmp(X509_get_subject_name(certificate), name) == 0 && X509_STORE_add_cert(store, certificate) == 1;
  X509_free(certificate);  // the store has its own
  return right ? certificate : nullptr;
}

bool hash_name(std::string_view name) {
  if (name.size() != 10 || name.substr(8) != ".0") return false;
  for (const char c : name.substr(0, 8)) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

Error no_certificate(const char* path) {
  Error error(Code::kBadCertificate, "no certificate in ");
  error.detail.append(path);
  return error;
}

}  // namespace

CaRoots::~CaRoots() {
  if (file_ >= 0) close(file_);
  X509_LOOKUP_meth_free(method_);
}

Status CaRoots::scan(int file, uint64_t offset, Visitor& visitor) {
  DerRoom der;
  char bytes[4096];
  size_t held = 0;
  bool inside = false;
  uint64_t began = 0;
  for (;;) {
    ssize_t size = 0;
    do {
      size = pread(file, bytes + held, sizeof bytes - held, static_cast<off_t>(offset + held));
    } while (size < 0 && errno == EINTR);
    if (size < 0) return fail(system_error(Code::kReadFailed, errno, "root certificates"));
    held += static_cast<size_t>(size);
    std::string_view left(bytes, held);
    while (!left.empty()) {
      size_t end = left.find('\n');
      // The file's last line may have no end; a line longer than the room is taken in pieces.
      if (end == std::string_view::npos && size != 0 && left.size() < sizeof bytes) break;
      if (end == std::string_view::npos) end = left.size() - 1;
      const std::string_view line = left.substr(0, end + 1);
      if (line.starts_with(kBegin)) {
        inside = true;
        began = offset + static_cast<size_t>(line.data() - bytes);
        der.clear();
      } else if (line.starts_with(kEnd)) {
        if (inside && !der.get().empty() && !visitor.visit(der.get(), began)) return {};
        inside = false;
      } else if (inside) {
        der.decode(line);
      }
      left.remove_prefix(end + 1);
    }
    if (size == 0) return {};
    offset += held - left.size();
    std::memmove(bytes, left.data(), left.size());
    held = left.size();
  }
}

bool CaRoots::hashed_folder(const char* path) {
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  // opendir would take 32 KiB from malloc for it.
  alignas(dirent64) char room[4096];
  bool found = false;
  for (;;) {
    const long size = syscall(SYS_getdents64, folder, room, sizeof room);
    if (size <= 0 || found) break;
    for (long at = 0; at < size && !found;) {
      const auto* entry = reinterpret_cast<const dirent64*>(room + at);
      found = hash_name(entry->d_name);
      at += entry->d_reclen;
    }
  }
  close(folder);
  return found;
}

Status CaRoots::use_file(const char* path) {
  auto opened = open_to_read(path);
  if (!opened) return fail(opened.error());
  if (file_ >= 0) close(file_);
  file_ = *opened;
  struct Indexer final : Visitor {
    explicit Indexer(CaRoots& owner) : roots(owner) {}
    bool visit(Der der, uint64_t offset) override {
      if (roots.count_ == kIndexMax || offset > UINT32_MAX) {
        roots.rest_ = offset;
        return false;
      }
      roots.index_[roots.count_++] = {name_hash(subject_of(der)), static_cast<uint32_t>(offset)};
      return true;
    }
    CaRoots& roots;
  };
  Indexer indexer(*this);
  WEIR_TRY(scan(file_, 0, indexer));
  if (count_ == 0) return fail(no_certificate(path));
  return {};
}

Status CaRoots::use_folder(const char* path) {
  const size_t size = std::strlen(path);
  if (size >= sizeof folder_) return fail(no_certificate(path));
  std::memcpy(folder_, path, size + 1);
  return {};
}

Status CaRoots::use_system() {
  for (const char* path : kFolders) {
    if (hashed_folder(path)) return use_folder(path);
  }
  for (const char* path : kBundles) {
    if (access(path, R_OK) == 0 && use_file(path)) return {};
  }
  return fail(Code::kBadCertificate, "no root certificates were found on this machine");
}

X509* CaRoots::find(X509_STORE* store, const X509_NAME* name) {
  auto* kept = X509_STORE_get0_objects(store);
  if (sk_X509_OBJECT_num(kept) >= kKeptRoots) {
    while (sk_X509_OBJECT_num(kept) > 0) X509_OBJECT_free(sk_X509_OBJECT_pop(kept));
  }

  // All that have the name: a root may have been made anew with another key, and the chain tells which of them it is.
  X509* found = nullptr;
  struct Keeper final : Visitor {
    Keeper(X509_STORE* to, const X509_NAME* wanted, bool one)
        : store(to), name(wanted), hash(name_hash(der_of(wanted))), first_only(one) {}
    bool visit(Der der, uint64_t) override {
      if (name_hash(subject_of(der)) == hash) {
        X509* certificate = keep(store, der, name);
        if (found == nullptr) found = certificate;
      }
      return !first_only;
    }
    X509_STORE* store;
    const X509_NAME* name;
    uint32_t hash;
    bool first_only;
    X509* found = nullptr;
  };
  if (folder_[0] != 0) {
    Keeper keeper(store, name, false);
    int ok = 0;
    const unsigned long hash = X509_NAME_hash_ex(name, nullptr, nullptr, &ok);
    char path[kPathBytesMax + 32];  // a hash of 16 digits, as the compiler sees it
    for (int i = 0; ok == 1 && i < kSameHashMax; ++i) {
      std::snprintf(path, sizeof path, "%s/%08lx.%d", folder_, hash, i);
      const int file = open(path, O_RDONLY | O_CLOEXEC);
      if (file < 0) break;
      (void)scan(file, 0, keeper);
      close(file);
    }
    found = keeper.found;
  }
  if (file_ < 0) return found;
  Keeper keeper(store, name, true);
  keeper.found = found;
  for (size_t i = 0; i < count_; ++i) {
    if (index_[i].name_hash == keeper.hash) (void)scan(file_, index_[i].offset, keeper);
  }
  keeper.first_only = false;
  if (rest_ != ~uint64_t{0}) (void)scan(file_, rest_, keeper);
  return keeper.found;
}

int CaRoots::on_subject(X509_LOOKUP* lookup, int type, const X509_NAME* name, X509_OBJECT* out) {
  if (type != X509_LU_X509) return 0;
  auto* roots = static_cast<CaRoots*>(X509_LOOKUP_get_method_data(lookup));
  X509* found = roots->find(X509_LOOKUP_get_store(lookup), name);
  if (found == nullptr) return 0;
  if (X509_OBJECT_set1_X509(out, found) != 1) return 0;
  X509_free(found);  // the caller takes one more than it gives back; the store holds it
  return 1;
}

Status CaRoots::install(X509_STORE* store) {
  const Error no_room(Code::kBudgetTooSmall, "the memory of TLS is full");
  method_ = X509_LOOKUP_meth_new("weir roots");
  if (method_ == nullptr || X509_LOOKUP_meth_set_get_by_subject(
                                method_, [](X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name,
                                            X509_OBJECT* out) { return on_subject(lookup, type, name, out); }) != 1)
    return fail(no_room);
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, method_);
  if (lookup == nullptr || X509_LOOKUP_set_method_data(lookup, this) != 1) return fail(no_room);
  return {};
}

}  // namespace weir

// CaRoots: finds the root certificates that a chain ends on, one at a time, without loading the others.
//
// A machine's bundle has about 150 roots; parsed at once they cost 17 ms of CPU and 0.9 MB. Here the bundle is read through once in pieces of
// 4 KiB, and of each root 8 bytes are kept: where it stands, and a hash of its subject. OpenSSL is given the one or two that a chain asks
// for. A folder with names by hash (`openssl rehash`) needs no reading through.
//
// The bundle stays open: what an update of the system puts in its place is seen by the next run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <openssl/types.h>

#include "base/error.hpp"

namespace weir {

class CaRoots {
 public:
  CaRoots() = default;
  ~CaRoots();
  CaRoots(const CaRoots&) = delete;
  CaRoots& operator=(const CaRoots&) = delete;

  /// The roots of one PEM file. W2014, W4003, W6001: it can't be read; W6005: there is no certificate in it.
  Status use_file(const char* path);
  /// A folder with names by hash; it is believed to be one.
  Status use_folder(const char* path);
  /// What the machine trusts: the first of the usual folders with names by hash, or of the usual bundles. W6005: there is none.
  Status use_system();
  /// Makes `store` ask here. It must not outlive this.
  Status install(X509_STORE* store);

  [[nodiscard]] size_t indexed() const { return count_; }

 private:
  struct Entry {
    uint32_t name_hash;
    uint32_t offset;  ///< of the certificate's first line
  };
  static constexpr size_t kIndexMax = 512;  ///< roots behind these are looked for in the file each time
  static constexpr size_t kPathBytesMax = 512;

  // What is called for each certificate of a file, in DER; false: enough.
  struct Visitor {
    virtual bool visit(std::span<const unsigned char> der, uint64_t offset) = 0;

   protected:
    ~Visitor() = default;
  };
  static Status scan(int file, uint64_t offset, Visitor& visitor);
  static bool hashed_folder(const char* path);
  static int on_subject(X509_LOOKUP* lookup, int type, const X509_NAME* name, X509_OBJECT* out);
  X509* find(X509_STORE* store, const X509_NAME* name);

  int file_ = -1;
  uint64_t rest_ = ~uint64_t{0};  ///< where the roots begin that are not in the index
  size_t count_ = 0;
  std::array<Entry, kIndexMax> index_;
  char folder_[kPathBytesMax] = {};
  X509_LOOKUP_METHOD* method_ = nullptr;
};

}  // namespace weir

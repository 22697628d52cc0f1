// HMAC-SHA256 (RFC 2104, RFC 4231's vectors in the test).
#pragma once

#include <string_view>

#include "hash/sha256.hpp"

namespace weir {

class HmacSha256 {
 public:
  /// A key of any length; more than 64 bytes are hashed first.
  explicit HmacSha256(std::string_view key);
  void update(std::string_view bytes) { inner_.update(bytes); }
  [[nodiscard]] Sha256::Digest digest() const;

 private:
  Sha256 inner_;
  Sha256 outer_;
};

/// Takes the same time wherever the two differ.
bool same_digest(const Sha256::Digest& a, const Sha256::Digest& b);

}  // namespace weir

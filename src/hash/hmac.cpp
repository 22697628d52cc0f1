#include "hash/hmac.hpp"

#include <cstring>

namespace weir {

HmacSha256::HmacSha256(std::string_view key) {
  constexpr size_t kBlock = 64;
  char block[kBlock] = {};
  if (key.size() > kBlock) {
    Sha256 hash;
    hash.update(key);
    const Sha256::Digest digest = hash.digest();
    std::memcpy(block, digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block, key.data(), key.size());
  }
  for (char& c : block) c = static_cast<char>(c ^ 0x36);
  inner_.update({block, kBlock});
  for (char& c : block) c = static_cast<char>(c ^ 0x36 ^ 0x5c);
  outer_.update({block, kBlock});
}

Sha256::Digest HmacSha256::digest() const {
  const Sha256::Digest inside = inner_.digest();
  Sha256 outer = outer_;
  outer.update({reinterpret_cast<const char*>(inside.data()), inside.size()});
  return outer.digest();
}

bool same_digest(const Sha256::Digest& a, const Sha256::Digest& b) {
  unsigned different = 0;
  for (size_t i = 0; i < a.size(); ++i) different |= static_cast<unsigned>(a[i] ^ b[i]);
  return different == 0;
}

}  // namespace weir

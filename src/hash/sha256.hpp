// SHA-256 (FIPS 180-4) with a state that can be saved in the middle and gone on with. Used for oversize records, job ids and what is signed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/state.hpp"

namespace weir {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;
  static constexpr size_t kStateBytesMax = 8 * 4 + 8 + 64;

  Sha256() { reset(); }
  void reset();
  void update(std::string_view bytes);
  /// The digest of everything so far; the state is unchanged, so more may follow.
  [[nodiscard]] Digest digest() const;

  void save(StateWriter& out) const;
  bool load(StateReader& in);

 private:
  uint32_t h_[8];
  uint64_t size_;
  uint8_t pending_[64];
};

/// Takes `blocks` blocks of 64 bytes into the eight words of the state: by the processor's instructions for it where it has them.
void sha256_compress(uint32_t* h, const uint8_t* at, size_t blocks);
/// The same without them.
void sha256_compress_scalar(uint32_t* h, const uint8_t* at, size_t blocks);

/// Writes 64 lowercase hex digits.
void to_hex(const Sha256::Digest& digest, char* out);

}  // namespace weir

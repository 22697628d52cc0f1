// SHA-256 (FIPS 180-4) with a state that can be saved in the middle and gone on with. Used for oversize records and job ids.
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
  void compress(const uint8_t* block);

  uint32_t h_[8];
  uint64_t size_;
  uint8_t pending_[64];
};

/// Writes 64 lowercase hex digits.
void to_hex(const Sha256::Digest& digest, char* out);

}  // namespace weir

// Credentials of AWS, as every step of the chain yields them and as requests are signed with.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/fixed_text.hpp"

namespace weir {

inline constexpr size_t kAccessKeyBytesMax = 128;  ///< IAM's own bound
inline constexpr size_t kSecretKeyBytesMax = 256;
inline constexpr size_t kSessionTokenBytesMax = 4096;  ///< STS states no bound; seen are up to about 2 KiB

struct Credentials {
  FixedText<kAccessKeyBytesMax> access_key;
  FixedText<kSecretKeyBytesMax> secret_key;
  FixedText<kSessionTokenBytesMax> session_token;  ///< empty for keys of long life
  uint64_t expires_wall_ns = kNever;

  /// False: there are none, and requests are sent unsigned.
  [[nodiscard]] bool present() const { return !access_key.empty(); }
};

}  // namespace weir

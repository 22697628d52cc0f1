// ObjectChecksum: what S3 says that an object's bytes add up to, and the sum of those that came.
//
// S3 keeps one checksum with an object: of the whole (FULL_OBJECT), or of its parts' checksums (COMPOSITE), which can't be told without knowing where the
// parts end. Only sums of the whole by CRC64NVME, CRC-32C or CRC-32 count here; others are as if there were none.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fixed_text.hpp"
#include "io/http_head.hpp"

namespace weir {

enum class ChecksumKind : uint8_t { kNone, kCrc64Nvme, kCrc32c, kCrc32 };

/// As the reply's fields say it (x-amz-checksum-...; asked for by x-amz-checksum-mode: ENABLED).
struct StoredChecksum {
  ChecksumKind kind = ChecksumKind::kNone;
  FixedText<16> text;  ///< base64 of the sum, its highest byte first
};
StoredChecksum stored_checksum(const HttpHead& head);

/// The sum of one kind over bytes that come in order.
class RunningChecksum {
 public:
  explicit RunningChecksum(ChecksumKind kind = ChecksumKind::kNone) : kind_(kind) {}
  void update(std::string_view bytes);
  /// Of bytes that add up to `stored`; true where there is nothing to compare with.
  [[nodiscard]] bool matches(const StoredChecksum& stored) const;

 private:
  ChecksumKind kind_;
  uint64_t value_ = 0;
};

}  // namespace weir

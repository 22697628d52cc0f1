#include "aws/object_checksum.hpp"

#include "base/base64.hpp"
#include "hash/crc32.hpp"
#include "hash/crc32c.hpp"
#include "hash/crc64nvme.hpp"

namespace weir {

StoredChecksum stored_checksum(const HttpHead& head) {
  struct Field {
    const char* name;
    ChecksumKind kind;
    size_t bytes;
  };
  constexpr Field kFields[] = {{"x-amz-checksum-crc64nvme", ChecksumKind::kCrc64Nvme, 8},
                               {"x-amz-checksum-crc32c", ChecksumKind::kCrc32c, 4},
                               {"x-amz-checksum-crc32", ChecksumKind::kCrc32, 4}};
  StoredChecksum stored;
  // Of parts' sums the text ends in "-" and their number, which makes it too long.
  if (head.value("x-amz-checksum-type") == "COMPOSITE") return stored;
  for (const Field& field : kFields) {
    const std::string_view text = head.value(field.name);
    if (text.size() != base64_bytes(field.bytes)) continue;
    stored.kind = field.kind;
    stored.text = FixedText<16>(text);
    break;
  }
  return stored;
}

void RunningChecksum::update(std::string_view bytes) {
  switch (kind_) {
    case ChecksumKind::kNone:
      break;
    case ChecksumKind::kCrc64Nvme:
      value_ = crc64nvme(value_, bytes);
      break;
    case ChecksumKind::kCrc32c:
      value_ = crc32c(static_cast<uint32_t>(value_), bytes);
      break;
    case ChecksumKind::kCrc32:
      value_ = crc32(static_cast<uint32_t>(value_), bytes);
      break;
  }
}

bool RunningChecksum::matches(const StoredChecksum& stored) const {
  if (stored.kind != kind_ || kind_ == ChecksumKind::kNone) return true;
  if (kind_ == ChecksumKind::kCrc64Nvme) return base64_of(value_).view() == stored.text.view();
  return base64_of(static_cast<uint32_t>(value_)).view() == stored.text.view();
}

}  // namespace weir

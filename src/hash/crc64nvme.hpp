// CRC-64/NVME (NVM Express command set specification, "64b CRC"): reflected polynomial 0x9A6C9329AC4BC9B5, initial value and final xor all
// ones. The checksum that S3 keeps of whole objects by default; as text it is big-endian Base64 (base64_of).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// The checksum of everything so far and `bytes`: crc64nvme(crc64nvme(0, a), b) == crc64nvme(0, ab). By carry-less
/// multiplication where the processor has it.
uint64_t crc64nvme(uint64_t crc, std::string_view bytes);

/// The scalar twin, for tests.
uint64_t crc64nvme_scalar(uint64_t crc, std::string_view bytes);

/// The checksum of two texts one behind the other, from the checksum of each and the second one's length.
uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_bytes);

/// The same as a value that bytes are given to.
class Crc64Nvme {
 public:
  Crc64Nvme() = default;
  /// Goes on behind bytes whose checksum is `value`.
  static Crc64Nvme resume(uint64_t value) {
    Crc64Nvme crc;
    crc.value_ = value;
    return crc;
  }
  void update(std::string_view bytes) { value_ = crc64nvme(value_, bytes); }
  /// The checksum so far; 0 of nothing.
  [[nodiscard]] uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

}  // namespace weir

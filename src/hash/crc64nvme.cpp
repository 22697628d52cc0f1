#include "hash/crc64nvme.hpp"

#include "hash/crc_fold.hpp"

namespace weir {
namespace {
using Nvme = crc::Reflected<uint64_t, 0x9A6C9329AC4BC9B5>;
}  // namespace

uint64_t crc64nvme(uint64_t crc, std::string_view bytes) { return ~Nvme::fastest(~crc, bytes); }

uint64_t crc64nvme_scalar(uint64_t crc, std::string_view bytes) {
  return ~Nvme::sliced(~crc, bytes.data(), bytes.size());
}

// The initial and the final xor cancel out: moving the first checksum on by the second one's length is all.
uint64_t crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_bytes) {
  return Nvme::times(first, Nvme::x_to_bytes(second_bytes)) ^ second;
}

}  // namespace weir

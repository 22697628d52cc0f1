#include "hash/crc32.hpp"

#include "hash/crc_fold.hpp"

namespace weir {
namespace {
using Zlib = crc::Reflected<uint32_t, 0xEDB88320>;
}  // namespace

uint32_t crc32(uint32_t crc, std::string_view bytes) { return ~Zlib::fastest(~crc, bytes); }

uint32_t crc32_scalar(uint32_t crc, std::string_view bytes) { return ~Zlib::sliced(~crc, bytes.data(), bytes.size()); }

uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  return Zlib::times(first, Zlib::x_to_bytes(second_bytes)) ^ second;
}

}  // namespace weir

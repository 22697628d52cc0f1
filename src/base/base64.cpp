#include "base/base64.hpp"

namespace weir {
namespace {

constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

template <size_t kTextBytes, typename Value>
FixedText<kTextBytes> big_endian(Value value) {
  static_assert(kTextBytes == base64_bytes(sizeof value));
  char bytes[sizeof value];
  for (size_t i = 0; i < sizeof value; ++i) bytes[i] = static_cast<char>(value >> (8 * (sizeof value - 1 - i)));
  char text[kTextBytes];
  base64_encode({bytes, sizeof bytes}, text);
  return FixedText<kTextBytes>(std::string_view(text, kTextBytes));
}

}  // namespace

void base64_encode(std::string_view bytes, char* out) {
  while (!bytes.empty()) {
    const size_t have = bytes.size() < 3 ? bytes.size() : 3;
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < have ? static_cast<unsigned char>(bytes[i]) : 0U);
    for (size_t i = 0; i < 4; ++i) *out++ = i <= have ? kLetters[bits >> (18 - 6 * i) & 63] : '=';
    bytes.remove_prefix(have);
  }
}

FixedText<8> base64_of(uint32_t value) { return big_endian<8>(value); }
FixedText<12> base64_of(uint64_t value) { return big_endian<12>(value); }

}  // namespace weir

#include <cstring>

#include "record/field.hpp"

namespace weir {
namespace {

/// Length of the valid sequence at `p` whose first byte is not ASCII; 0 when it is not valid (Unicode 15, table 3-7).
size_t sequence(const unsigned char* p, size_t left) {
  const unsigned char first = p[0];
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (left < size) return 0;
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if ((p[i] & 0xc0) != 0x80) return 0;
  }
  return size;
}

}  // namespace

size_t utf8_valid_prefix(std::string_view text) {
  const auto* const p = reinterpret_cast<const unsigned char*>(text.data());
  const size_t size = text.size();
  size_t i = 0;
  while (i < size) {
    while (size - i >= 32) {  // 32 bytes at once while they are ASCII
      uint64_t words[4];
      std::memcpy(words, p + i, sizeof words);
      if (((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) != 0) break;
      i += 32;
    }
    while (size - i >= 8) {
      uint64_t word;
      std::memcpy(&word, p + i, sizeof word);
      word &= 0x8080808080808080u;
      if (word != 0) {
        i += static_cast<size_t>(__builtin_ctzll(word)) / 8;
        break;
      }
      i += 8;
    }
    while (i < size && p[i] < 0x80) ++i;
    while (i < size && p[i] >= 0x80) {
      const size_t length = sequence(p + i, size - i);
      if (length == 0) return i;
      i += length;
    }
  }
  return size;
}

}  // namespace weir

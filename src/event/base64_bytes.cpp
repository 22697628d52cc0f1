#include "event/base64_bytes.hpp"

namespace weir {
namespace {

int letter_value(int c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

int Base64Bytes::next() {
  while (bit_count_ < 8) {
    if (ended_) return -1;
    int c = text_.next();
    if (const int value = letter_value(c); value >= 0) {
      bits_ = bits_ << 6 | static_cast<uint32_t>(value);
      bit_count_ += 6;
      letters_ = (letters_ + 1) % 4;
      continue;
    }
    ended_ = true;
    uint32_t padding = 0;
    for (; c == '='; c = text_.next()) ++padding;
    good_ = c < 0 && letters_ != 1 && (padding == 0 || (letters_ != 0 && padding == 4 - letters_));
    return -1;
  }
  bit_count_ -= 8;
  return static_cast<int>(bits_ >> bit_count_ & 0xFF);
}

}  // namespace weir

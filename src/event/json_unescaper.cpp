#include "event/json_unescaper.hpp"

namespace weir {
namespace {

uint16_t hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint16_t>(c - '0');
  return static_cast<uint16_t>(((c | 0x20) - 'a' + 10) & 15);
}

char short_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

void JsonUnescaper::put_point(uint32_t point) {
  const auto tail = [&](unsigned shift) { put(static_cast<char>(0x80 | (point >> shift & 0x3F))); };
  if (point < 0x80) {
    put(static_cast<char>(point));
  } else if (point < 0x800) {
    put(static_cast<char>(0xC0 | point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    put(static_cast<char>(0xE0 | point >> 12));
    tail(6);
    tail(0);
  } else {
    put(static_cast<char>(0xF0 | point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

void JsonUnescaper::flush_high() {
  if (high_ != 0) put_point(0xFFFD);
  high_ = 0;
}

void JsonUnescaper::put_unit(uint16_t unit) {
  if (unit >= 0xDC00 && unit <= 0xDFFF) {
    put_point(high_ != 0 ? 0x10000u + ((high_ - 0xD800u) << 10) + (unit - 0xDC00u) : 0xFFFDu);
    high_ = 0;
    return;
  }
  flush_high();
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_ = unit;
  } else {
    put_point(unit);
  }
}

void JsonUnescaper::feed(char byte) {
  size_ = 0;
  if (state_ == 0) {
    if (byte == '\\') {
      state_ = 1;
      return;
    }
    flush_high();
    put(byte);
  } else if (state_ == 1) {
    if (byte == 'u') {
      state_ = 5;
      unit_ = 0;
      return;
    }
    state_ = 0;
    flush_high();
    put(short_escape(byte));
  } else {
    unit_ = static_cast<uint16_t>(unit_ << 4 | hex_digit(byte));
    if (--state_ > 1) return;
    state_ = 0;
    put_unit(unit_);
  }
}

void JsonUnescaper::finish() {
  size_ = 0;
  state_ = 0;
  flush_high();
}

}  // namespace weir

// JsonUnescaper: the inside of a JSON string -> its text (UTF-8), a byte at a time, with no buffer but for one character.
//
// The string was validated before; of one that was not, something is made that is memory-safe and of bounded size. A surrogate without its
// partner becomes U+FFFD, as in decode_json_string of record/field.hpp.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

class JsonUnescaper {
 public:
  /// One raw byte, never the quote that closes. What it completes is in text() until the next call: 0 to 7 bytes.
  void feed(char byte);
  /// At the closing quote.
  void finish();
  /// The string may be closed here: the next byte is not behind a backslash.
  [[nodiscard]] bool plain() const { return state_ == 0; }
  [[nodiscard]] std::string_view text() const { return {bytes_, size_}; }

 private:
  void put(char c) { bytes_[size_++] = c; }
  void put_point(uint32_t point);
  void put_unit(uint16_t unit);
  void flush_high();

  uint8_t state_ = 0;  ///< 0: none, 1: behind a backslash, 2..5: hex digits to come + 1
  uint8_t size_ = 0;
  uint16_t unit_ = 0;
  uint16_t high_ = 0;  ///< a high surrogate that waits for its partner
  char bytes_[8] = {};
};

}  // namespace weir

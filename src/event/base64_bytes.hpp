// Base64Bytes: the bytes that a JSON string of base64 stands for (RFC 4648 section 4, padding may be missing), one at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "event/event_text.hpp"

namespace weir {

class Base64Bytes {
 public:
  Base64Bytes() = default;
  /// The string with its quotes.
  explicit Base64Bytes(std::string_view raw) : text_(EventText::of_string(raw)) {}

  /// The next byte, 0..255; -1 behind the last one, and where something stands that is no base64.
  int next();
  /// At the end: all of it was base64.
  [[nodiscard]] bool good() const { return good_; }

 private:
  EventText text_;
  uint32_t bits_ = 0;  ///< the last `bit_count_` of them are to be given
  uint32_t bit_count_ = 0;
  uint32_t letters_ = 0;  ///< of the group of four
  bool ended_ = false;
  bool good_ = true;
};

}  // namespace weir

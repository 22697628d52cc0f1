// Text as it stands inside a JSON string, piece by piece: for messages, logs and answers, of which the text may come from anywhere.
#pragma once

#include <string_view>

#include "record/field.hpp"

namespace weir {

/// Gives `emit` the pieces, without the quotes. Bytes that are no UTF-8 become U+FFFD; takes no memory.
template <typename Emit>
void json_text(std::string_view text, const Emit& emit) {
  constexpr char kHex[] = "0123456789abcdef";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    size_t size = 1;
    if (c == '"' || c == '\\') {
      emit(std::string_view("\\"));
      emit(text.substr(0, 1));
    } else if (c < 0x20 || c == 0x7f) {
      const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
      emit(std::string_view(escape, sizeof escape));
    } else if (c < 0x80) {
      emit(text.substr(0, 1));
    } else {
      // One sequence, if it is valid.
      while (size < 4 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) ++size;
      const bool valid = utf8_valid_prefix(text.substr(0, size)) == size;
      emit(valid ? text.substr(0, size) : std::string_view("\\ufffd"));
      if (!valid) size = 1;
    }
    text.remove_prefix(size);
  }
}

}  // namespace weir

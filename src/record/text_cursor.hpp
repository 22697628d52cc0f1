// TextCursor: the text of a field byte by byte, decoded on the fly. Copyable, so that a matcher may go back.
//
// For the few fields whose raw bytes are not their text (inner quotes, escapes) where a copy would need room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "record/batch.hpp"

namespace weir {

class TextCursor {
 public:
  /// `raw` is a kPlain or kCsv field, or a JSON string with its quotes (validated before).
  TextCursor(std::string_view raw, FieldEncoding encoding, char quote, char escape);

  /// Gives the next byte of the text; false at its end.
  bool next(char& c) {
    if (pending_count_ != 0) {
      c = pending_[--pending_count_];
      return true;
    }
    if (at_ == end_) return false;
    if (mode_ == Mode::kPlain) {
      c = *at_++;
      return true;
    }
    return mode_ == Mode::kCsv ? next_csv(c) : next_json(c);
  }

 private:
  enum class Mode : uint8_t { kPlain, kCsv, kJson };
  bool next_csv(char& c);
  bool next_json(char& c);

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  Mode mode_ = Mode::kPlain;
  char quote_ = 0;
  char escape_ = 0;
  uint8_t pending_count_ = 0;
  char pending_[4] = {};  ///< bytes of one escape sequence that are still to be given, last first
};

}  // namespace weir

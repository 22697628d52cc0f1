// EventText: the bytes of a text that stands inside the event as a JSON string, or as a string within such a string, read one at a time. A
// small value: a copy is a place to go back to.
//
// So an S3 notification inside an SNS envelope inside an SQS body is read where it is; nothing is unpacked into a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "event/json_unescaper.hpp"

namespace weir {

class EventText {
 public:
  static constexpr uint32_t kLevelsMax = 2;

  EventText() = default;
  /// The bytes as they are.
  explicit EventText(std::string_view raw) : at_(raw.data()), end_(raw.data() + raw.size()) {}
  /// The text of a string that is given with its quotes.
  static EventText of_string(std::string_view raw) {
    EventText text(raw.substr(1));
    text.enter_string();
    return text;
  }

  /// A string's opening quote was just read: what follows is its text up to the quote that closes it. False when that is one level too many.
  bool enter_string();
  /// The next byte, 0..255; -1 behind the last one.
  int next() { return next_of(levels_); }

 private:
  struct Level {
    JsonUnescaper unescaper;
    uint8_t taken = 0;  ///< of its text
    bool ended = false;
  };
  int next_of(uint32_t level);

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  uint32_t levels_ = 0;
  Level level_[kLevelsMax];
};

/// The whole text is one valid JSON object or array, of at most `depth_max` levels. Takes a copy: the caller's stays where it is.
bool is_json_container(EventText text, uint32_t depth_max);

}  // namespace weir

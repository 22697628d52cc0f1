// JsonNameMatcher: compares a member's name, as it stands between its quotes, with a wanted name, byte by byte, unescaping on
// the way. Nothing is buffered, so names have no bound, and it can stop and go on anywhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/state.hpp"

namespace weir {

/// How a name matches: `kFolded` when ASCII letters differ in case only.
enum class NameMatch : uint8_t { kNone, kFolded, kExact };

/// Case of ASCII letters aside. Both of the same size.
NameMatch match_name(std::string_view have, std::string_view want);

class JsonNameMatcher {
 public:
  /// `want` is unescaped UTF-8 and must stay where it is.
  void begin(std::string_view want);
  /// One raw byte of the name. Whether the name is valid JSON is not looked at here.
  void feed(char byte);
  /// At the closing quote. A surrogate without partner counts as U+FFFD.
  [[nodiscard]] NameMatch finish();

  static constexpr size_t kStateBytesMax = 4 + 1 + 1 + 2 + 2;
  void save(StateWriter& out) const;
  /// `want` is what begin() was given.
  bool load(StateReader& in, std::string_view want);

 private:
  void compare(uint8_t byte);
  void code_point(uint32_t point);
  void code_unit(uint16_t unit);
  void flush_high();

  std::string_view want_;
  uint32_t at_ = 0;
  NameMatch match_ = NameMatch::kNone;
  uint8_t escape_ = 0;  ///< 0: none, 1: behind a backslash, 2..5: hex digits to come + 1
  uint16_t unit_ = 0;
  uint16_t high_ = 0;  ///< a high surrogate that waits for its partner
};

}  // namespace weir

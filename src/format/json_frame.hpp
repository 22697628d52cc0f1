// JsonFrame: where one JSON value ends, told by brackets and quotes alone, resumable at any byte, in constant memory.
//
// It says nothing about the value being valid: that is JsonScanner's. Only a bracket that closes one of the other kind is damage; past
// kJsonDepthLimit levels kinds are no longer told apart.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/state.hpp"
#include "format/json_automaton.hpp"

namespace weir {

class JsonFrame {
 public:
  enum class Verdict : uint8_t {
    kMore,
    kDone,  ///< the value ends behind the used bytes
    kDamaged,  ///< the byte behind the used ones closes a bracket of the other kind
  };

  /// White space, or a byte that can't be the first of a value even of a bad one.
  static bool begins_value(char c) { return c != ',' && c != ':' && c != ']' && c != '}'; }

  /// `first` is the first byte that feed() will see.
  void begin(char first) {
    depth_ = 0;
    in_string_ = escaped_ = false;
    bare_ = first != '{' && first != '[' && first != '"';
  }
  Verdict feed(std::string_view bytes, size_t& used);
  /// Neither container nor string: such a value may end with the input.
  [[nodiscard]] bool bare() const { return bare_; }

  static constexpr size_t kStateBytesMax = 8 + 3 + kJsonDepthLimit / 8;
  void save(StateWriter& out) const;
  bool load(StateReader& in);

 private:
  [[nodiscard]] static bool ends_bare(char c);
  void open(bool object);
  bool close(bool object);

  uint64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool bare_ = false;
  uint64_t kinds_[kJsonDepthLimit / 64] = {};  ///< bit: the container at that level is an object
};

}  // namespace weir

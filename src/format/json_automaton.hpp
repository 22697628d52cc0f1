// JsonAutomaton: a strict RFC 8259 validator that takes one byte at a time and can stop and go on anywhere.
//
// It is the slow and clear reference: it says where and why a record is bad (JsonScanner only says that), walks what surrounds
// the records of a document, and holds the tests. A fault is reported at the byte with which no valid text can begin any
// more. White space is space, tab, line feed, carriage return; control characters in strings, leading zeros, overlong or
// surrogate UTF-8 and a byte order mark are faults; surrogate escapes (`\ud800`) need no partner.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/state.hpp"

namespace weir {

inline constexpr uint32_t kJsonDepthLimit = 1024;  ///< depth_max is at most this

class JsonAutomaton {
 public:
  enum class State : uint8_t {
    kValue,  ///< a value must begin
    kElementOrEnd,  ///< behind [
    kMemberOrEnd,  ///< behind {
    kMember,  ///< behind a comma in an object
    kColon,  ///< behind a member's name
    kAfter,  ///< behind a value in a container
    kDone,  ///< behind the outermost value
    kString,
    kEscape,
    kHex1,
    kHex2,
    kHex3,
    kHex4,
    kUtf8,  ///< within a sequence
    kMinus,
    kZero,
    kInteger,
    kDot,
    kFraction,
    kExponent,
    kExponentSign,
    kExponentDigits,
    kLiteral,
  };

  explicit JsonAutomaton(uint32_t depth_max = kJsonDepthLimit) : depth_max_(depth_max) { reset(); }
  void reset();

  /// kOk, kBadJson, kBadUtf8 or kJsonTooDeep. Not to be called again after a fault.
  Code step(char byte);
  /// True when the text may end here.
  [[nodiscard]] bool complete() const;

  [[nodiscard]] State state() const { return state_; }
  /// Open containers.
  [[nodiscard]] uint32_t depth() const { return depth_; }
  /// The innermost open container is an object. Only when depth() > 0.
  [[nodiscard]] bool in_object() const { return kind(depth_ - 1); }
  /// The string that is open is a member's name.
  [[nodiscard]] bool in_name() const { return name_; }
  /// Bytes of the UTF-8 sequence before this one; 0 when none is open.
  [[nodiscard]] uint32_t sequence_bytes() const { return state_ == State::kUtf8 ? sequence_bytes_ : 0; }
  /// As though the value that must begin here had been read.
  void skip_value();

  static constexpr size_t kStateBytesMax = 1 + 4 + 1 + 5 + kJsonDepthLimit / 8;
  void save(StateWriter& out) const;
  bool load(StateReader& in);

 private:
  Code begin_value(char byte);
  Code after_value(char byte);
  Code in_string(uint8_t byte);
  Code open(bool object);
  Code close(bool object);
  void end_value() { state_ = depth_ == 0 ? State::kDone : State::kAfter; }
  [[nodiscard]] bool kind(uint32_t level) const { return (kinds_[level / 64] >> (level % 64) & 1) != 0; }

  uint32_t depth_max_;
  State state_;
  uint32_t depth_;
  bool name_;
  uint8_t sequence_bytes_;  ///< read of the open UTF-8 sequence
  uint8_t sequence_left_;
  uint8_t next_min_;  ///< range of its next byte
  uint8_t next_max_;
  uint8_t literal_;  ///< index into the literals * 8 + bytes read
  uint64_t kinds_[kJsonDepthLimit / 64];  ///< bit: the container at that level is an object
};

/// Verdict on a record. `offset` is that of the byte at fault; of the first byte of a bad UTF-8 sequence; size() when it ends early.
struct JsonFault {
  Code code = Code::kOk;
  size_t offset = 0;
  [[nodiscard]] bool ok() const { return code == Code::kOk; }
};

/// Runs the automaton over a whole text. A byte that is not valid UTF-8 is kBadUtf8 wherever it stands.
JsonFault check_json(std::string_view text, uint32_t depth_max);

}  // namespace weir

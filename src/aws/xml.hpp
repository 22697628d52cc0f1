// A pull scanner over the XML of AWS' replies, fed in pieces, in constant memory. Elements, text, the five entities and numeric ones; comments and
// processing instructions are skipped, attributes too, prefixes of names dropped. No DOCTYPE, no CDATA, no other entity: nothing in a reply can make
// work or text grow.
//
// Text is given with the end of an element that has no elements inside, which is all that these replies need. A text of more than kTextBytesMax
// bytes is cut, and `text_cut` says so: an error's <CanonicalRequest> must not hide its <Code>.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"

namespace weir {

enum class XmlEvent : uint8_t {
  kNeedInput,  ///< all input was used
  kBegin,  ///< of the element that `name` says
  kEnd,  ///< of it, with its text
  kFinished,  ///< the root was closed, and the input ended
  kFailed,  ///< W4025; the scanner stays failed
};

class XmlScanner {
 public:
  static constexpr size_t kDepthMax = 16;
  static constexpr size_t kNameBytesMax = 64;
  static constexpr size_t kTextBytesMax = 3072;  ///< a key of 1,024 bytes, each of them as %XX

  /// More than `bytes_max` bytes of XML are refused.
  explicit XmlScanner(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// Goes on to the next event and takes from `input` what it used. `closed`: nothing follows `input`.
  XmlEvent next(std::string_view& input, bool closed, Error& error);

  // Of the element that the last event was about; valid until the next call.
  [[nodiscard]] size_t depth() const { return depth_; }  ///< 1: the root
  [[nodiscard]] std::string_view name() const { return name_at(depth_); }
  /// Name of the element at a depth of the path, from 1; empty outside of the path.
  [[nodiscard]] std::string_view name_at(size_t depth) const {
    return depth >= 1 && depth <= depth_ ? names_[depth - 1].view() : std::string_view{};
  }
  [[nodiscard]] bool leaf() const { return leaf_; }  ///< kEnd: there were no elements inside
  [[nodiscard]] std::string_view text() const { return leaf_ ? text_.view() : std::string_view{}; }
  [[nodiscard]] bool text_cut() const { return leaf_ && text_.truncated(); }

 private:
  enum class State : uint8_t {
    kText,
    kEntity,
    kOpen,  ///< behind '<'
    kName,  ///< of a begin
    kInTag,  ///< behind the name
    kQuoted,  ///< in an attribute's value
    kSlash,  ///< behind the '/' of an element without content
    kEndName,  ///< behind "</"
    kEndBlank,  ///< behind the name of an end
    kPi,  ///< in <? ... ?>
    kPiMark,  ///< behind a '?' in it
    kBang,  ///< behind "<!"
    kBangDash,  ///< behind "<!-"
    kComment,
    kCommentDash,
    kCommentDashes,
    kFailed,
  };
  enum class Pending : uint8_t { kNothing, kEnd, kPop };

  /// One byte; what is wrong with it, or null. `event` is set when one is complete.
  const char* take(char c, XmlEvent& event);
  const char* take_text(char c);
  const char* begin_element(XmlEvent& event);
  const char* end_element(XmlEvent& event);
  const char* take_entity();
  const char* add_to_name(char c);

  State state_ = State::kText;
  Pending pending_ = Pending::kNothing;  ///< what the next call does first
  char quote_ = 0;
  bool root_seen_ = false;
  bool leaf_ = false;
  uint8_t mark_bytes_ = 0;  ///< of a byte order mark at the very beginning
  size_t depth_ = 0;
  uint64_t bytes_ = 0;
  uint64_t bytes_max_;
  FixedText<kNameBytesMax> tag_;
  FixedText<10> entity_;
  std::array<FixedText<kNameBytesMax>, kDepthMax> names_;
  FixedText<kTextBytesMax> text_;
};

}  // namespace weir

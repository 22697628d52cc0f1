// JsonWalk: JSON pushed in pieces of any size, told value by value with the place where it stands, in constant memory. For services' replies: what is no JSON
// is refused, what is deeper or longer than anything that we look for is walked past.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/fixed_text.hpp"
#include "base/function_ref.hpp"

namespace weir {

class JsonWalk {
 public:
  static constexpr size_t kDepthMax = 80;  ///< deeper: refused. An item of DynamoDB comes back 69 deep
  static constexpr size_t kNamedDepthMax = 8;  ///< names and indexes are kept so deep
  static constexpr size_t kNameBytesMax = 255;  ///< of a name; a longer one is as if it were empty
  static constexpr size_t kTextBytesMax = 3072;  ///< of a value; a longer one is cut, and `cut` says so

  enum class Kind : uint8_t {
    kString,
    kNumber,
    kTrue,
    kFalse,
    kNull,
    kEnd
  };  ///< kEnd: a container is over, at its place

  void reset() { *this = JsonWalk(); }
  /// Goes on with the next bytes; `on_value` is called at the end of each value. False: this is no JSON, for good.
  bool feed(std::string_view bytes, FunctionRef<void()> on_value);
  /// Nothing follows: true where a whole document went by. Ends a number that stands at the end.
  bool finish(FunctionRef<void()> on_value);

  // Of the value, within `on_value`.
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::string_view text() const { return text_.view(); }  ///< unescaped; a number's spelling; "true"
  [[nodiscard]] bool cut() const { return text_.truncated(); }
  /// Containers around it; a value of the outermost object has 1.
  [[nodiscard]] size_t depth() const { return depth_; }
  /// Name of the member at a level, from 1; empty within an array, and behind kNamedDepthMax.
  [[nodiscard]] std::string_view name(size_t level) const {
    return level >= 1 && level <= depth_ && level <= kNamedDepthMax ? names_[level - 1].view() : std::string_view{};
  }
  [[nodiscard]] bool in_array(size_t level) const { return level >= 1 && level <= depth_ && array_[level - 1]; }
  /// Number of the element at a level, from 0, within an array.
  [[nodiscard]] uint64_t index(size_t level) const {
    return level >= 1 && level <= depth_ && level <= kNamedDepthMax ? indexes_[level - 1] : 0;
  }

 private:
  enum class State : uint8_t {
    kValue,
    kFirstElement,
    kFirstName,
    kName,
    kColon,
    kAfter,
    kString,
    kEscape,
    kHex,
    kScalar,
    kEnd,
    kBad
  };

  bool take(char c, FunctionRef<void()> on_value);
  bool begin_value(char c);
  bool close(char c, FunctionRef<void()> on_value);
  bool end_scalar(FunctionRef<void()> on_value);
  void value_done();
  void put(char c);
  void put_code_point(uint32_t point);
  void flush_surrogate();
  bool take_hex(char c);

  State state_ = State::kValue;
  size_t depth_ = 0;
  std::array<bool, kDepthMax> array_{};
  std::array<FixedText<kNameBytesMax>, kNamedDepthMax> names_;
  std::array<uint64_t, kNamedDepthMax> indexes_{};
  bool in_name_ = false;
  uint32_t hex_ = 0;
  unsigned hex_digits_ = 0;
  uint32_t high_ = 0;  ///< half of a pair that waits for the other
  Kind kind_ = Kind::kNull;
  FixedText<kTextBytesMax> text_;
};

}  // namespace weir

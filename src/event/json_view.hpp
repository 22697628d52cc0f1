// Walking JSON that lies in one piece and was validated: values are slices of it, with the quotes and brackets that they stand in. Of members
// of the same name the last one counts.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/fixed_text.hpp"
#include "event/event_text.hpp"

namespace weir {

/// Takes the value that `left` begins with, blanks before it skipped.
std::string_view take_json_value(std::string_view& left);

/// Member by member of an object; nothing when `object` is none.
class JsonMembersView {
 public:
  explicit JsonMembersView(std::string_view object);
  bool next();
  [[nodiscard]] std::string_view name() const { return name_; }  ///< with its quotes
  [[nodiscard]] std::string_view value() const { return value_; }

 private:
  std::string_view left_, name_, value_;
};

/// Element by element of an array; nothing when `array` is none.
class JsonElementsView {
 public:
  JsonElementsView() = default;
  explicit JsonElementsView(std::string_view array);
  bool next();
  [[nodiscard]] std::string_view value() const { return value_; }

 private:
  std::string_view left_, value_;
};

struct WantedMember {
  std::string_view name;
  std::string_view value = {};  ///< empty: there is none
};
/// One pass over the object's members.
void find_members(std::string_view object, std::span<WantedMember> wanted);
/// The member's value, or that of a member of a member; empty when there is none.
std::string_view find_member(std::string_view object, std::initializer_list<std::string_view> path);

inline bool is_json_string(std::string_view raw) { return raw.starts_with('"'); }
inline bool is_json_object(std::string_view raw) { return raw.starts_with('{'); }
inline bool is_json_array(std::string_view raw) { return raw.starts_with('['); }
/// The string `raw`, given with its quotes, is `text`.
bool json_string_is(std::string_view raw, std::string_view text);

/// The text of a string into `out`; false when `raw` is no string, or the text is longer than that.
template <size_t kBytesMax>
bool put_json_text(std::string_view raw, FixedText<kBytesMax>& out) {
  out.clear();
  if (!is_json_string(raw)) return false;
  EventText text = EventText::of_string(raw);
  for (int byte = text.next(); byte >= 0; byte = text.next()) {
    if (out.append(static_cast<char>(byte)).truncated()) return false;
  }
  return true;
}

}  // namespace weir

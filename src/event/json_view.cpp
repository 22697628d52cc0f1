#include "event/json_view.hpp"

#include "format/json_minify.hpp"

namespace weir {
namespace {

void skip_blanks(std::string_view& left) {
  while (!left.empty() && is_json_blank(left.front())) left.remove_prefix(1);
}

/// Bytes of the string that `text` begins with, quotes and all.
size_t string_bytes(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return text.size();
}

size_t value_bytes(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() == '"') return string_bytes(text);
  const bool nested = text.front() == '{' || text.front() == '[';
  size_t depth = 0;
  size_t i = 0;
  while (i < text.size()) {
    switch (text[i]) {
      case '"':
        i += string_bytes(text.substr(i));
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (!nested) return i;
        if (--depth == 0) return i + 1;
        break;
      case ',':
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        if (!nested) return i;
        break;
      default:
        break;
    }
    ++i;
  }
  return i;
}

/// What stands between the brackets, or nothing.
std::string_view inside(std::string_view text, char open) {
  text = trim_json(text);
  return text.size() >= 2 && text.front() == open ? text.substr(1, text.size() - 2) : std::string_view();
}

/// Skips to the next item; false when there is none.
bool skip_to_item(std::string_view& left) {
  skip_blanks(left);
  if (left.starts_with(',')) left.remove_prefix(1);
  skip_blanks(left);
  return !left.empty();
}

}  // namespace

std::string_view take_json_value(std::string_view& left) {
  skip_blanks(left);
  const std::string_view value = left.substr(0, value_bytes(left));
  left.remove_prefix(value.size());
  return value;
}

JsonMembersView::JsonMembersView(std::string_view object) : left_(inside(object, '{')) {}

bool JsonMembersView::next() {
  if (!skip_to_item(left_)) return false;
  name_ = take_json_value(left_);
  skip_blanks(left_);
  if (left_.starts_with(':')) left_.remove_prefix(1);
  value_ = take_json_value(left_);
  return true;
}

JsonElementsView::JsonElementsView(std::string_view array) : left_(inside(array, '[')) {}

bool JsonElementsView::next() {
  if (!skip_to_item(left_)) return false;
  value_ = take_json_value(left_);
  return true;
}

void find_members(std::string_view object, std::span<WantedMember> wanted) {
  JsonMembersView members(object);
  while (members.next()) {
    for (WantedMember& member : wanted) {
      if (json_string_is(members.name(), member.name)) member.value = members.value();
    }
  }
}

std::string_view find_member(std::string_view object, std::initializer_list<std::string_view> path) {
  for (const std::string_view name : path) {
    WantedMember wanted[] = {{name}};
    find_members(object, wanted);
    object = wanted[0].value;
  }
  return object;
}

bool json_string_is(std::string_view raw, std::string_view text) {
  if (!is_json_string(raw)) return false;
  const std::string_view inner = raw.substr(1, raw.size() - 2);
  if (inner == text) return true;
  if (inner.size() <= text.size() || inner.find('\\') == std::string_view::npos) return false;
  EventText decoded = EventText::of_string(raw);
  for (const char c : text) {
    if (decoded.next() != static_cast<unsigned char>(c)) return false;
  }
  return decoded.next() < 0;
}

}  // namespace weir

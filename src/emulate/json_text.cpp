#include "emulate/json_text.hpp"

#include <cstdio>

namespace weir::emulate {
namespace {

constexpr int kDepthMax = 512;

/// Walks over one text. Every method leaves `left` behind what it took, or answers false.
struct Walker {
  std::string_view left;

  void space() {
    while (!left.empty() && std::string_view(" \t\r\n").find(left.front()) != std::string_view::npos)
      left.remove_prefix(1);
  }
  bool take(char c) {
    if (left.empty() || left.front() != c) return false;
    left.remove_prefix(1);
    return true;
  }
  bool word(std::string_view expected) {
    if (!left.starts_with(expected)) return false;
    left.remove_prefix(expected.size());
    return true;
  }
  bool string() {
    if (!take('"')) return false;
    while (!left.empty()) {
      const char c = left.front();
      left.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') continue;
      if (left.empty()) return false;
      const char escaped = left.front();
      left.remove_prefix(1);
      if (escaped == 'u') {
        if (left.size() < 4) return false;
        if (left.substr(0, 4).find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return false;
        left.remove_prefix(4);
      } else if (std::string_view("\"\\/bfnrt").find(escaped) == std::string_view::npos) {
        return false;
      }
    }
    return false;
  }
  bool digits() {
    const size_t count = left.find_first_not_of("0123456789");
    const size_t taken = count == std::string_view::npos ? left.size() : count;
    left.remove_prefix(taken);
    return taken != 0;
  }
  bool number() {
    (void)take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) (void)take('-');
      return digits();
    }
    return true;
  }
  bool value(int depth) {
    space();
    if (left.empty() || depth > kDepthMax) return false;
    switch (left.front()) {
      case '{':
        return members(depth, [](std::string_view, std::string_view) {});
      case '[':
        take('[');
        space();
        if (take(']')) return true;
        do {
          if (!value(depth + 1)) return false;
          space();
        } while (take(','));
        return take(']');
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
  /// `each` is told the name without its quotes, and the value as written.
  template <typename Each>
  bool members(int depth, Each each) {
    if (!take('{')) return false;
    space();
    if (take('}')) return true;
    do {
      space();
      const std::string_view name = left;
      if (!string()) return false;
      const size_t name_bytes = name.size() - left.size();
      space();
      if (!take(':')) return false;
      space();
      const std::string_view begin = left;
      if (!value(depth + 1)) return false;
      each(name.substr(1, name_bytes - 2), begin.substr(0, begin.size() - left.size()));
      space();
    } while (take(','));
    return take('}');
  }
};

}  // namespace

bool is_json(std::string_view text) {
  Walker walker{text};
  if (!walker.value(0)) return false;
  walker.space();
  return walker.left.empty();
}

std::optional<std::string_view> json_member(std::string_view text, std::string_view name) {
  std::optional<std::string_view> found;
  Walker walker{text};
  walker.space();
  const bool sound = walker.members(0, [&](std::string_view member, std::string_view value) {
    if (member == name) found = value;
  });
  return sound ? found : std::nullopt;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace weir::emulate

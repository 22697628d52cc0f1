#include "format/json_frame.hpp"

#include <cstring>

namespace weir {

bool JsonFrame::ends_bare(char c) {
  switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ',':
    case ':':
    case '[':
    case ']':
    case '{':
    case '}':
    case '"':
      return true;
    default:
      return false;
  }
}

void JsonFrame::open(bool object) {
  if (depth_ < kJsonDepthLimit) {
    const uint64_t bit = uint64_t{1} << (depth_ % 64);
    uint64_t& word = kinds_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
  }
  ++depth_;
}

bool JsonFrame::close(bool object) {
  const uint64_t level = depth_ - 1;
  if (level < kJsonDepthLimit && (kinds_[level / 64] >> (level % 64) & 1) != (object ? 1 : 0)) return false;
  depth_ = level;
  return true;
}

JsonFrame::Verdict JsonFrame::feed(std::string_view bytes, size_t& used) {
  size_t i = 0;
  if (bare_) {
    while (i < bytes.size() && !ends_bare(bytes[i])) ++i;
    used = i;
    return i < bytes.size() ? Verdict::kDone : Verdict::kMore;
  }
  for (; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
        if (depth_ == 0) break;
      }
      continue;
    }
    switch (c) {
      case '"':
        in_string_ = true;
        break;
      case '{':
      case '[':
        open(c == '{');
        break;
      case '}':
      case ']':
        if (!close(c == '}')) {
          used = i;
          return Verdict::kDamaged;
        }
        break;
      default:
        break;
    }
    if (depth_ == 0 && !in_string_) break;
  }
  if (i == bytes.size()) {
    used = i;
    return Verdict::kMore;
  }
  used = i + 1;
  return Verdict::kDone;
}

void JsonFrame::save(StateWriter& out) const {
  out.put(depth_);
  out.put(static_cast<uint8_t>(in_string_));
  out.put(static_cast<uint8_t>(escaped_));
  out.put(static_cast<uint8_t>(bare_));
  out.bytes({reinterpret_cast<const char*>(kinds_), sizeof kinds_});
}

bool JsonFrame::load(StateReader& in) {
  depth_ = in.get<uint64_t>();
  in_string_ = in.get_flag();
  escaped_ = in.get_flag();
  bare_ = in.get_flag();
  const std::string_view kinds = in.bytes(sizeof kinds_);
  if (!in.ok()) return false;
  std::memcpy(kinds_, kinds.data(), sizeof kinds_);
  return true;
}

}  // namespace weir

#include "delivery/json_walk.hpp"

namespace weir {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 8259, 6.
bool is_number(std::string_view text) {
  const auto digits = [&] {
    const size_t before = text.size();
    while (!text.empty() && is_digit(text[0])) text.remove_prefix(1);
    return before != text.size();
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with('0')) {
    text.remove_prefix(1);
  } else if (!digits()) {
    return false;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty();
}

}  // namespace

bool JsonWalk::feed(std::string_view bytes, FunctionRef<void()> on_value) {
  for (const char c : bytes) {
    if (state_ == State::kBad || !take(c, on_value)) {
      state_ = State::kBad;
      return false;
    }
  }
  return state_ != State::kBad;
}

bool JsonWalk::finish(FunctionRef<void()> on_value) {
  if (state_ == State::kScalar && depth_ == 0 && !end_scalar(on_value)) state_ = State::kBad;
  return state_ == State::kEnd;
}

void JsonWalk::value_done() { state_ = depth_ == 0 ? State::kEnd : State::kAfter; }

bool JsonWalk::take(char c, FunctionRef<void()> on_value) {
  switch (state_) {
    case State::kString:
      if (c == '"') {
        flush_surrogate();
        if (in_name_) {
          if (depth_ <= kNamedDepthMax && names_[depth_ - 1].truncated()) names_[depth_ - 1].clear();
          state_ = State::kColon;
          return true;
        }
        on_value();
        value_done();
        return true;
      }
      if (c == '\\') {
        state_ = State::kEscape;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      flush_surrogate();
      put(c);
      return true;
    case State::kEscape: {
      state_ = State::kString;
      if (c == 'u') {
        hex_ = 0;
        hex_digits_ = 0;
        state_ = State::kHex;
        return true;
      }
      constexpr std::string_view kFrom = "\"\\/bfnrt";
      constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
      const size_t at = kFrom.find(c);
      if (at == std::string_view::npos) return false;
      flush_surrogate();
      put(kTo[at]);
      return true;
    }
    case State::kHex:
      return take_hex(c);
    case State::kScalar:
      if (is_digit(c) || (c >= 'a' && c <= 'z') || c == 'E' || c == '+' || c == '-' || c == '.') {
        if (text_.truncated()) return false;
        text_.append(c);
        return true;
      }
      if (!end_scalar(on_value)) return false;
      return take(c, on_value);
    default:
      break;
  }
  if (is_blank(c)) return true;
  switch (state_) {
    case State::kFirstElement:
      if (c == ']') return close(c, on_value);
      return begin_value(c);
    case State::kValue:
      return begin_value(c);
    case State::kFirstName:
      if (c == '}') return close(c, on_value);
      [[fallthrough]];
    case State::kName:
      if (c != '"') return false;
      in_name_ = true;
      if (depth_ <= kNamedDepthMax) names_[depth_ - 1].clear();
      state_ = State::kString;
      return true;
    case State::kColon:
      state_ = State::kValue;
      return c == ':';
    case State::kAfter:
      if (c != ',') return close(c, on_value);
      if (!array_[depth_ - 1]) {
        state_ = State::kName;
      } else {
        if (depth_ <= kNamedDepthMax) ++indexes_[depth_ - 1];
        state_ = State::kValue;
      }
      return true;
    default:
      return false;  // something behind the end
  }
}

bool JsonWalk::begin_value(char c) {
  if (c == '{' || c == '[') {
    if (depth_ == kDepthMax) return false;
    array_[depth_++] = c == '[';
    if (depth_ <= kNamedDepthMax) {
      names_[depth_ - 1].clear();
      indexes_[depth_ - 1] = 0;
    }
    state_ = c == '[' ? State::kFirstElement : State::kFirstName;
    return true;
  }
  text_.clear();
  in_name_ = false;
  if (c == '"') {
    kind_ = Kind::kString;
    state_ = State::kString;
    return true;
  }
  if (!is_digit(c) && c != '-' && c != 't' && c != 'f' && c != 'n') return false;
  text_.append(c);
  state_ = State::kScalar;
  return true;
}

bool JsonWalk::close(char c, FunctionRef<void()> on_value) {
  if (depth_ == 0 || c != (array_[depth_ - 1] ? ']' : '}')) return false;
  --depth_;
  kind_ = Kind::kEnd;
  text_.clear();
  on_value();
  value_done();
  return true;
}

bool JsonWalk::end_scalar(FunctionRef<void()> on_value) {
  const std::string_view text = text_.view();
  if (text == "true") {
    kind_ = Kind::kTrue;
  } else if (text == "false") {
    kind_ = Kind::kFalse;
  } else if (text == "null") {
    kind_ = Kind::kNull;
  } else if (is_number(text)) {
    kind_ = Kind::kNumber;
  } else {
    return false;
  }
  on_value();
  value_done();
  return true;
}

void JsonWalk::put(char c) {
  if (!in_name_) {
    text_.append(c);
  } else if (depth_ <= kNamedDepthMax) {
    names_[depth_ - 1].append(c);
  }
}

void JsonWalk::put_code_point(uint32_t point) {
  const auto byte = [&](uint32_t value) { put(static_cast<char>(value)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | point >> 6);
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3f));
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  }
}

// A half that stays alone is no character.
void JsonWalk::flush_surrogate() {
  if (high_ != 0) put_code_point(0xfffd);
  high_ = 0;
}

bool JsonWalk::take_hex(char c) {
  const uint32_t digit = is_digit(c)            ? static_cast<uint32_t>(c - '0')
                         : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                                : 16;
  if (digit == 16) return false;
  hex_ = hex_ << 4 | digit;
  if (++hex_digits_ < 4) return true;
  state_ = State::kString;
  const bool low = hex_ >= 0xdc00 && hex_ < 0xe000;
  if (low && high_ != 0) {
    put_code_point(0x10000 + ((high_ - 0xd800) << 10) + (hex_ - 0xdc00));
    high_ = 0;
    return true;
  }
  flush_surrogate();
  if (hex_ >= 0xd800 && hex_ < 0xdc00) {
    high_ = hex_;
  } else {
    put_code_point(low ? 0xfffd : hex_);
  }
  return true;
}

}  // namespace weir

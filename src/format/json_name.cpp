#include "format/json_name.hpp"

namespace weir {
namespace {

uint8_t fold(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

uint16_t hex_value(uint8_t c) {
  return static_cast<uint16_t>(c >= '0' && c <= '9' ? c - '0' : ((c | 0x20) - 'a' + 10) & 15);
}

}  // namespace

NameMatch match_name(std::string_view have, std::string_view want) {
  NameMatch match = NameMatch::kExact;
  for (size_t i = 0; i < have.size(); ++i) {
    const auto a = static_cast<uint8_t>(have[i]);
    const auto b = static_cast<uint8_t>(want[i]);
    if (a == b) continue;
    if (fold(a) != fold(b)) return NameMatch::kNone;
    match = NameMatch::kFolded;
  }
  return match;
}

void JsonNameMatcher::begin(std::string_view want) {
  *this = JsonNameMatcher();
  want_ = want;
  match_ = NameMatch::kExact;
}

void JsonNameMatcher::compare(uint8_t byte) {
  if (match_ == NameMatch::kNone) return;
  if (at_ >= want_.size()) {
    match_ = NameMatch::kNone;
    return;
  }
  const auto want = static_cast<uint8_t>(want_[at_++]);
  if (byte == want) return;
  match_ = fold(byte) == fold(want) ? NameMatch::kFolded : NameMatch::kNone;
}

void JsonNameMatcher::code_point(uint32_t point) {
  const auto tail = [&](int shift) { compare(static_cast<uint8_t>(0x80 | (point >> shift & 0x3f))); };
  if (point < 0x80) {
    compare(static_cast<uint8_t>(point));
  } else if (point < 0x800) {
    compare(static_cast<uint8_t>(0xc0 | point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    compare(static_cast<uint8_t>(0xe0 | point >> 12));
    tail(6);
    tail(0);
  } else {
    compare(static_cast<uint8_t>(0xf0 | point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

void JsonNameMatcher::flush_high() {
  if (high_ != 0) code_point(0xfffd);
  high_ = 0;
}

void JsonNameMatcher::code_unit(uint16_t unit) {
  const bool low = unit >= 0xdc00 && unit <= 0xdfff;
  if (low && high_ != 0) {
    code_point(0x10000 + ((high_ & 0x3ffu) << 10 | (unit & 0x3ffu)));
    high_ = 0;
    return;
  }
  flush_high();
  if (unit >= 0xd800 && unit <= 0xdbff) {
    high_ = unit;
  } else {
    code_point(low ? 0xfffd : unit);
  }
}

void JsonNameMatcher::feed(char byte) {
  const auto c = static_cast<uint8_t>(byte);
  if (escape_ == 0) {
    if (c == '\\') {
      escape_ = 1;
      return;
    }
    flush_high();
    compare(c);
    return;
  }
  if (escape_ == 1) {
    escape_ = 0;
    uint8_t plain = c;
    switch (c) {
      case 'u':
        escape_ = 5;
        unit_ = 0;
        return;
      case 'b':
        plain = '\b';
        break;
      case 'f':
        plain = '\f';
        break;
      case 'n':
        plain = '\n';
        break;
      case 'r':
        plain = '\r';
        break;
      case 't':
        plain = '\t';
        break;
      default:
        break;
    }
    flush_high();
    compare(plain);
    return;
  }
  unit_ = static_cast<uint16_t>(unit_ << 4 | hex_value(c));
  if (--escape_ == 1) {
    escape_ = 0;
    code_unit(unit_);
  }
}

NameMatch JsonNameMatcher::finish() {
  flush_high();
  return at_ == want_.size() ? match_ : NameMatch::kNone;
}

void JsonNameMatcher::save(StateWriter& out) const {
  out.put(at_);
  out.put(static_cast<uint8_t>(match_));
  out.put(escape_);
  out.put(unit_);
  out.put(high_);
}

bool JsonNameMatcher::load(StateReader& in, std::string_view want) {
  begin(want);
  at_ = in.get<uint32_t>();
  const auto match = in.get<uint8_t>();
  escape_ = in.get<uint8_t>();
  unit_ = in.get<uint16_t>();
  high_ = in.get<uint16_t>();
  if (!in.ok() || at_ > want.size() || match > 2 || escape_ > 5) return false;
  match_ = static_cast<NameMatch>(match);
  return true;
}

}  // namespace weir

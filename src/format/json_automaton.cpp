#include "format/json_automaton.hpp"

#include <cstring>

namespace weir {
namespace {

constexpr std::string_view kLiterals[] = {"true", "false", "null"};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

/// Bytes that follow the lead byte of a UTF-8 sequence (RFC 3629) and the range of the first of them; 0 for no lead byte.
uint8_t utf8_follow(uint8_t lead, uint8_t& min, uint8_t& max) {
  min = 0x80;
  max = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (lead == 0xe0) min = 0xa0;
    if (lead == 0xed) max = 0x9f;
    return 2;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (lead == 0xf0) min = 0x90;
    if (lead == 0xf4) max = 0x8f;
    return 3;
  }
  return 0;
}

}  // namespace

void JsonAutomaton::reset() {
  state_ = State::kValue;
  depth_ = 0;
  name_ = false;
  sequence_bytes_ = sequence_left_ = next_min_ = next_max_ = literal_ = 0;
  std::memset(kinds_, 0, sizeof kinds_);
}

bool JsonAutomaton::complete() const {
  switch (state_) {
    case State::kDone:
      return true;
    case State::kZero:
    case State::kInteger:
    case State::kFraction:
    case State::kExponentDigits:
      return depth_ == 0;
    default:
      return false;
  }
}

void JsonAutomaton::skip_value() { end_value(); }

Code JsonAutomaton::open(bool object) {
  if (depth_ >= depth_max_ || depth_ >= kJsonDepthLimit) return Code::kJsonTooDeep;
  const uint64_t bit = uint64_t{1} << (depth_ % 64);
  uint64_t& word = kinds_[depth_ / 64];
  word = object ? word | bit : word & ~bit;
  ++depth_;
  state_ = object ? State::kMemberOrEnd : State::kElementOrEnd;
  return Code::kOk;
}

Code JsonAutomaton::close(bool object) {
  if (depth_ == 0 || in_object() != object) return Code::kBadJson;
  --depth_;
  end_value();
  return Code::kOk;
}

Code JsonAutomaton::begin_value(char byte) {
  if (is_space(byte)) return Code::kOk;
  switch (byte) {
    case '{':
      return open(true);
    case '[':
      return open(false);
    case ']':
      return state_ == State::kElementOrEnd ? close(false) : Code::kBadJson;
    case '"':
      name_ = false;
      state_ = State::kString;
      return Code::kOk;
    case '-':
      state_ = State::kMinus;
      return Code::kOk;
    case '0':
      state_ = State::kZero;
      return Code::kOk;
    case 't':
      literal_ = 0 * 8 + 1;
      state_ = State::kLiteral;
      return Code::kOk;
    case 'f':
      literal_ = 1 * 8 + 1;
      state_ = State::kLiteral;
      return Code::kOk;
    case 'n':
      literal_ = 2 * 8 + 1;
      state_ = State::kLiteral;
      return Code::kOk;
    default:
      break;
  }
  if (!is_digit(byte)) return Code::kBadJson;
  state_ = State::kInteger;
  return Code::kOk;
}

Code JsonAutomaton::after_value(char byte) {
  if (is_space(byte)) return Code::kOk;
  if (state_ == State::kDone) return Code::kBadJson;
  switch (byte) {
    case ',':
      state_ = in_object() ? State::kMember : State::kValue;
      return Code::kOk;
    case '}':
      return close(true);
    case ']':
      return close(false);
    default:
      return Code::kBadJson;
  }
}

Code JsonAutomaton::in_string(uint8_t byte) {
  if (byte == '"') {
    if (name_) {
      state_ = State::kColon;
    } else {
      end_value();
    }
    return Code::kOk;
  }
  if (byte < 0x20) return Code::kBadJson;
  if (byte == '\\') {
    state_ = State::kEscape;
  } else if (byte >= 0x80) {
    sequence_left_ = utf8_follow(byte, next_min_, next_max_);
    if (sequence_left_ == 0) return Code::kBadUtf8;
    sequence_bytes_ = 1;
    state_ = State::kUtf8;
  }
  return Code::kOk;
}

Code JsonAutomaton::step(char byte) {
  const auto code = static_cast<uint8_t>(byte);
  // A number ends where something else begins.
  const auto number_over = [&] {
    end_value();
    return after_value(byte);
  };
  switch (state_) {
    case State::kValue:
    case State::kElementOrEnd:
      return begin_value(byte);
    case State::kMemberOrEnd:
    case State::kMember:
      if (is_space(byte)) return Code::kOk;
      if (byte == '}' && state_ == State::kMemberOrEnd) return close(true);
      if (byte != '"') return Code::kBadJson;
      name_ = true;
      state_ = State::kString;
      return Code::kOk;
    case State::kColon:
      if (is_space(byte)) return Code::kOk;
      if (byte != ':') return Code::kBadJson;
      state_ = State::kValue;
      return Code::kOk;
    case State::kAfter:
    case State::kDone:
      return after_value(byte);
    case State::kString:
      return in_string(code);
    case State::kEscape:
      if (byte == 'u') {
        state_ = State::kHex1;
        return Code::kOk;
      }
      if (byte == 0 || std::strchr("\"\\/bfnrt", byte) == nullptr) return Code::kBadJson;
      state_ = State::kString;
      return Code::kOk;
    case State::kHex1:
    case State::kHex2:
    case State::kHex3:
    case State::kHex4:
      if (!is_hex(byte)) return Code::kBadJson;
      state_ = state_ == State::kHex4 ? State::kString : static_cast<State>(static_cast<int>(state_) + 1);
      return Code::kOk;
    case State::kUtf8:
      if (code < next_min_ || code > next_max_) return Code::kBadUtf8;
      next_min_ = 0x80;
      next_max_ = 0xbf;
      ++sequence_bytes_;
      if (--sequence_left_ == 0) state_ = State::kString;
      return Code::kOk;
    case State::kMinus:
      if (!is_digit(byte)) return Code::kBadJson;
      state_ = byte == '0' ? State::kZero : State::kInteger;
      return Code::kOk;
    case State::kInteger:
      if (is_digit(byte)) return Code::kOk;
      [[fallthrough]];
    case State::kZero:
      if (byte == '.') return state_ = State::kDot, Code::kOk;
      if ((byte | 0x20) == 'e') return state_ = State::kExponent, Code::kOk;
      return number_over();
    case State::kDot:
      if (!is_digit(byte)) return Code::kBadJson;
      state_ = State::kFraction;
      return Code::kOk;
    case State::kFraction:
      if (is_digit(byte)) return Code::kOk;
      if ((byte | 0x20) == 'e') return state_ = State::kExponent, Code::kOk;
      return number_over();
    case State::kExponent:
      if (byte == '+' || byte == '-') return state_ = State::kExponentSign, Code::kOk;
      [[fallthrough]];
    case State::kExponentSign:
      if (!is_digit(byte)) return Code::kBadJson;
      state_ = State::kExponentDigits;
      return Code::kOk;
    case State::kExponentDigits:
      if (is_digit(byte)) return Code::kOk;
      return number_over();
    case State::kLiteral: {
      const std::string_view text = kLiterals[literal_ / 8];
      if (byte != text[literal_ % 8]) return Code::kBadJson;
      ++literal_;
      if (literal_ % 8 == text.size()) end_value();
      return Code::kOk;
    }
  }
  return Code::kBadJson;
}

void JsonAutomaton::save(StateWriter& out) const {
  out.put(static_cast<uint8_t>(state_));
  out.put(depth_);
  out.put(static_cast<uint8_t>(name_));
  for (const uint8_t byte : {sequence_bytes_, sequence_left_, next_min_, next_max_, literal_}) out.put(byte);
  out.bytes({reinterpret_cast<const char*>(kinds_), sizeof kinds_});
}

bool JsonAutomaton::load(StateReader& in) {
  const auto state = in.get<uint8_t>();
  depth_ = in.get<uint32_t>();
  name_ = in.get_flag();
  for (uint8_t* byte : {&sequence_bytes_, &sequence_left_, &next_min_, &next_max_, &literal_})
    *byte = in.get<uint8_t>();
  const std::string_view kinds = in.bytes(sizeof kinds_);
  if (!in.ok() || state > static_cast<uint8_t>(State::kLiteral) || depth_ > depth_max_ || depth_ > kJsonDepthLimit ||
      literal_ >= 3 * 8 || literal_ % 8 > 4) {
    return false;
  }
  state_ = static_cast<State>(state);
  std::memcpy(kinds_, kinds.data(), sizeof kinds_);
  return true;
}

JsonFault check_json(std::string_view text, uint32_t depth_max) {
  JsonAutomaton automaton(depth_max);
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t open = automaton.sequence_bytes();
    Code code = automaton.step(text[i]);
    if (code == Code::kOk) continue;
    if (code == Code::kBadUtf8) return {code, i - open};
    if (static_cast<uint8_t>(text[i]) >= 0x80) {
      uint8_t min = 0;
      uint8_t max = 0;
      const uint8_t follow = utf8_follow(static_cast<uint8_t>(text[i]), min, max);
      bool good = follow != 0 && follow < text.size() - i;
      for (uint8_t k = 1; good && k <= follow; ++k) {
        const auto c = static_cast<uint8_t>(text[i + k]);
        good = c >= (k == 1 ? min : 0x80) && c <= (k == 1 ? max : 0xbf);
      }
      if (!good) code = Code::kBadUtf8;
    }
    return {code, i};
  }
  if (automaton.complete()) return {};
  if (const uint32_t open = automaton.sequence_bytes()) return {Code::kBadUtf8, text.size() - open};
  return {Code::kBadJson, text.size()};
}

}  // namespace weir

#include "aws/credential_json.hpp"

#include "base/utc_time.hpp"

namespace weir {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <size_t kBytesMax>
void append_point(FixedText<kBytesMax>& out, uint32_t point) {
  if (point < 0x80) {
    out.append(static_cast<char>(point));
  } else if (point < 0x800) {
    out.append(static_cast<char>(0xC0 | point >> 6)).append(static_cast<char>(0x80 | (point & 0x3F)));
  } else if (point < 0x10000) {
    out.append(static_cast<char>(0xE0 | point >> 12)).append(static_cast<char>(0x80 | (point >> 6 & 0x3F)));
    out.append(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out.append(static_cast<char>(0xF0 | point >> 18)).append(static_cast<char>(0x80 | (point >> 12 & 0x3F)));
    out.append(static_cast<char>(0x80 | (point >> 6 & 0x3F))).append(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

/// For messages: nothing that a terminal would obey.
void append_said(Detail& out, std::string_view text) {
  for (const char c : text.substr(0, 100)) {
    const auto byte = static_cast<unsigned char>(c);
    out.append(byte < 0x20 || byte == 0x7F ? '?' : c);
  }
}

}  // namespace

JsonMembers::JsonMembers(std::string_view text) : left_(text) {
  if (text.size() > kCredentialJsonBytesMax) state_ = State::kBad;
}

bool JsonMembers::fail_here() {
  state_ = State::kBad;
  return false;
}

void JsonMembers::skip_blanks() {
  while (!left_.empty() && std::string_view(" \t\r\n").find(left_.front()) != std::string_view::npos) {
    left_.remove_prefix(1);
  }
}

bool JsonMembers::takes(char c) {
  if (left_.empty() || left_.front() != c) return false;
  left_.remove_prefix(1);
  return true;
}

bool JsonMembers::next() {
  if (state_ == State::kDone || state_ == State::kBad) return false;
  const bool first = state_ == State::kBegin;
  skip_blanks();
  if (first && !takes('{')) return fail_here();
  skip_blanks();
  if (takes('}')) {
    skip_blanks();
    if (!left_.empty()) return fail_here();
    state_ = State::kDone;
    return false;
  }
  if (!first && !takes(',')) return fail_here();
  skip_blanks();
  name_.clear();
  if (!take_string(&name_)) return fail_here();
  skip_blanks();
  if (!takes(':')) return fail_here();
  text_.clear();
  if (!take_value(1, true)) return fail_here();
  state_ = State::kInside;
  return true;
}

bool JsonMembers::take_value(size_t depth, bool keep) {
  skip_blanks();
  if (left_.empty()) return false;
  const auto set = [&](Kind kind) {
    if (keep) kind_ = kind;
    return true;
  };
  const char c = left_.front();
  if (c == '"') return take_string(keep ? &text_ : nullptr) && set(Kind::kString);
  if (c == '{' || c == '[') {
    if (depth >= kCredentialJsonDepthMax) return false;
    left_.remove_prefix(1);
    return take_nested(c == '{' ? '}' : ']', depth + 1) && set(Kind::kNested);
  }
  for (const std::string_view word : {std::string_view("true"), std::string_view("false"), std::string_view("null")}) {
    if (!left_.starts_with(word)) continue;
    left_.remove_prefix(word.size());
    return set(word == "null" ? Kind::kNull : Kind::kBool);
  }
  return take_number(keep) && set(Kind::kNumber);
}

/// What follows '{' or '['. Its depth is bounded, so the stack is.
bool JsonMembers::take_nested(char close, size_t depth) {
  skip_blanks();
  if (takes(close)) return true;
  while (true) {
    skip_blanks();
    if (close == '}') {
      if (!take_string<64>(nullptr)) return false;
      skip_blanks();
      if (!takes(':')) return false;
    }
    if (!take_value(depth, false)) return false;
    skip_blanks();
    if (takes(close)) return true;
    if (!takes(',')) return false;
  }
}

bool JsonMembers::take_number(bool keep) {
  const std::string_view begin = left_;
  const auto digits = [&] {
    size_t count = 0;
    for (; !left_.empty() && is_digit(left_.front()); ++count) left_.remove_prefix(1);
    return count;
  };
  takes('-');
  if (!takes('0') && digits() == 0) return false;
  if (takes('.') && digits() == 0) return false;
  if (takes('e') || takes('E')) {
    if (!takes('+')) takes('-');
    if (digits() == 0) return false;
  }
  if (keep) text_.append(begin.substr(0, begin.size() - left_.size()));
  return true;
}

bool JsonMembers::take_hex4(uint32_t& unit) {
  unit = 0;
  if (left_.size() < 4) return false;
  for (size_t i = 0; i < 4; ++i) {
    const char c = left_[i];
    uint32_t digit = 0;
    if (is_digit(c)) {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return false;
    }
    unit = unit * 16 + digit;
  }
  left_.remove_prefix(4);
  return true;
}

bool JsonMembers::take_unicode(uint32_t& point) {
  if (!take_hex4(point)) return false;
  if (point >= 0xDC00 && point <= 0xDFFF) return false;
  if (point < 0xD800 || point > 0xDBFF) return true;
  uint32_t low = 0;
  if (!left_.starts_with("\\u")) return false;
  left_.remove_prefix(2);
  if (!take_hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
  point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

template <size_t kBytesMax>
bool JsonMembers::take_string(FixedText<kBytesMax>* out) {
  if (!takes('"')) return false;
  while (!left_.empty()) {
    const char c = left_.front();
    left_.remove_prefix(1);
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\') {
      if (out != nullptr) out->append(c);
      continue;
    }
    if (left_.empty()) return false;
    const char escape = left_.front();
    left_.remove_prefix(1);
    uint32_t point = 0;
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (escape == 'u') {
      if (!take_unicode(point)) return false;
    } else {
      const size_t at = kEscapes.find(escape);
      if (at == std::string_view::npos) return false;
      point = static_cast<unsigned char>(kMeant[at]);
    }
    if (out != nullptr) append_point(*out, point);
  }
  return false;
}

Result<Credentials> parse_credential_json(std::string_view text, CredentialJson kind) {
  const auto bad = [](std::string_view reason) { return fail(Code::kNoCredentials, reason); };
  Credentials credentials;
  FixedText<64> code;
  FixedText<100> message;
  bool version_one = false;
  JsonMembers members(text);
  const auto set = [&](auto& field) {
    field.clear();
    return !members.text_cut() && !field.append(members.text()).truncated();
  };
  while (members.next()) {
    const std::string_view name = members.name();
    if (members.kind() == JsonMembers::Kind::kNumber && name == "Version") version_one = members.text() == "1";
    if (members.kind() != JsonMembers::Kind::kString) continue;
    bool fits = true;
    if (name == "AccessKeyId") fits = set(credentials.access_key);
    if (name == "SecretAccessKey") fits = set(credentials.secret_key);
    if (name == "Token" || name == "SessionToken") fits = set(credentials.session_token);
    if (name == "Code" || name == "code") set(code);
    if (name == "Message" || name == "message") set(message);
    if (name == "Expiration") {
      const auto time_ns = parse_iso_time(members.text());
      if (!time_ns) return bad("the reply's Expiration is no time");
      credentials.expires_wall_ns = *time_ns;
    }
    if (!fits) return bad("a key or token in the reply is too long");
  }
  if (!members.whole()) return bad("the reply is not a JSON object");
  if (kind == CredentialJson::kProcess && !version_one)
    return bad("the reply of credential_process has no \"Version\": 1");
  if (kind == CredentialJson::kEndpoint && !code.empty() && code.view() != "Success") {
    Error error(Code::kNoCredentials, "the endpoint answers ");
    append_said(error.detail, code.view());
    if (!message.empty()) error.detail.append(": ");
    append_said(error.detail, message.view());
    return fail(error);
  }
  if (credentials.access_key.empty() || credentials.secret_key.empty()) return bad("the reply has no keys");
  return credentials;
}

}  // namespace weir

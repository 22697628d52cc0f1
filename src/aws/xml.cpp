#include "aws/xml.hpp"

namespace weir {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Names are ASCII in everything that AWS sends; other bytes are taken as parts of a name, as XML has it.
bool is_name_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':' || byte >= 0x80;
}

bool is_name_start(char c) { return is_name_char(c) && c != '-' && c != '.' && (c < '0' || c > '9'); }

std::string_view local_part(std::string_view name) { return name.substr(name.find(':') + 1); }

template <size_t kBytesMax>
void append_utf8(FixedText<kBytesMax>& out, uint32_t point) {
  char bytes[4];
  size_t size = 0;
  if (point < 0x80) {
    bytes[size++] = static_cast<char>(point);
  } else {
    const unsigned more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    constexpr unsigned kLead[4] = {0, 0xC0, 0xE0, 0xF0};
    bytes[size++] = static_cast<char>(kLead[more] | point >> (6 * more));
    for (unsigned i = more; i-- > 0;) bytes[size++] = static_cast<char>(0x80 | (point >> (6 * i) & 0x3F));
  }
  out.append(std::string_view(bytes, size));
}

}  // namespace

XmlEvent XmlScanner::next(std::string_view& input, bool closed, Error& error) {
  const auto failed = [&](const char* reason) {
    error = Error(Code::kBadReply, reason);
    error.at_byte(bytes_);
    state_ = State::kFailed;
    return XmlEvent::kFailed;
  };
  if (state_ == State::kFailed) return failed("bad XML");
  if (pending_ == Pending::kEnd) {  // <a/> has begun; it ends without another byte
    pending_ = Pending::kPop;
    leaf_ = true;
    return XmlEvent::kEnd;
  }
  if (pending_ == Pending::kPop) {
    pending_ = Pending::kNothing;
    leaf_ = false;
    --depth_;
    text_.clear();
  }
  while (!input.empty()) {
    if (bytes_ == bytes_max_) return failed("more XML than a reply may have");
    const char c = input.front();
    input.remove_prefix(1);
    ++bytes_;
    XmlEvent event = XmlEvent::kNeedInput;
    if (const char* reason = take(c, event)) return failed(reason);
    if (event != XmlEvent::kNeedInput) return event;
  }
  if (!closed) return XmlEvent::kNeedInput;
  if (!root_seen_) return failed("XML without an element");
  if (depth_ != 0 || state_ != State::kText) return failed("the XML ends early");
  return XmlEvent::kFinished;
}

const char* XmlScanner::take(char c, XmlEvent& event) {
  if (c == '\0') return "a NUL in the XML";
  switch (state_) {
    case State::kText:
      return take_text(c);
    case State::kEntity:
      if (c == ';') {
        state_ = State::kText;
        return take_entity();
      }
      entity_.append(c);
      return entity_.truncated() || c == '<' || c == '&' ? "a bad entity in the XML" : nullptr;
    case State::kOpen:
      tag_.clear();
      if (c == '/') {
        state_ = State::kEndName;
      } else if (c == '?') {
        state_ = State::kPi;
      } else if (c == '!') {
        state_ = State::kBang;
      } else if (is_name_start(c)) {
        state_ = State::kName;
        return add_to_name(c);
      } else {
        return "a bad tag in the XML";
      }
      return nullptr;
    case State::kName:
      if (is_name_char(c)) return add_to_name(c);
      state_ = State::kInTag;
      [[fallthrough]];
    case State::kInTag:
      if (c == '>') return begin_element(event);
      if (c == '/') {
        state_ = State::kSlash;
      } else if (c == '"' || c == '\'') {
        quote_ = c;
        state_ = State::kQuoted;
      } else if (!is_blank(c) && !is_name_char(c) && c != '=') {
        return "a bad tag in the XML";
      }
      return nullptr;
    case State::kQuoted:
      if (c == quote_) state_ = State::kInTag;
      return c == '<' ? "a bad tag in the XML" : nullptr;
    case State::kSlash:
      if (c != '>') return "a bad tag in the XML";
      pending_ = Pending::kEnd;
      return begin_element(event);
    case State::kEndName:
      if (tag_.empty() ? is_name_start(c) : is_name_char(c)) return add_to_name(c);
      if (tag_.empty()) return "a bad tag in the XML";
      state_ = State::kEndBlank;
      [[fallthrough]];
    case State::kEndBlank:
      if (c == '>') return end_element(event);
      return is_blank(c) ? nullptr : "a bad tag in the XML";
    case State::kPi:
      if (c == '?') state_ = State::kPiMark;
      return nullptr;
    case State::kPiMark:
      if (c != '?') state_ = c == '>' ? State::kText : State::kPi;
      return nullptr;
    case State::kBang:
      if (c != '-') return "a DOCTYPE or CDATA in the XML";
      state_ = State::kBangDash;
      return nullptr;
    case State::kBangDash:
      if (c != '-') return "a bad tag in the XML";
      state_ = State::kComment;
      return nullptr;
    case State::kComment:
      if (c == '-') state_ = State::kCommentDash;
      return nullptr;
    case State::kCommentDash:
      state_ = c == '-' ? State::kCommentDashes : State::kComment;
      return nullptr;
    case State::kCommentDashes:
      if (c != '>') return "a bad comment in the XML";
      state_ = State::kText;
      return nullptr;
    case State::kFailed:
      break;
  }
  return "bad XML";
}

const char* XmlScanner::take_text(char c) {
  if (c == '<') {
    state_ = State::kOpen;
    return nullptr;
  }
  if (depth_ != 0) {
    if (c == '&') {
      entity_.clear();
      state_ = State::kEntity;
    } else {
      text_.append(c);
    }
    return nullptr;
  }
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (mark_bytes_ < kMark.size() && bytes_ == mark_bytes_ + 1U && c == kMark[mark_bytes_]) {
    ++mark_bytes_;
    return nullptr;
  }
  return is_blank(c) ? nullptr : "text outside of the XML's root";
}

const char* XmlScanner::add_to_name(char c) {
  tag_.append(c);
  return tag_.truncated() ? "a name in the XML is too long" : nullptr;
}

const char* XmlScanner::begin_element(XmlEvent& event) {
  if (depth_ == 0 && root_seen_) return "two roots in the XML";
  if (depth_ == kDepthMax) return "the XML is too deep";
  if (local_part(tag_.view()).empty()) return "a bad tag in the XML";  // "a:"
  root_seen_ = true;
  leaf_ = true;
  text_.clear();
  names_[depth_++] = FixedText<kNameBytesMax>(local_part(tag_.view()));
  state_ = State::kText;
  event = XmlEvent::kBegin;
  return nullptr;
}

const char* XmlScanner::end_element(XmlEvent& event) {
  if (depth_ == 0 || local_part(tag_.view()) != names_[depth_ - 1].view()) return "tags of the XML don't match";
  state_ = State::kText;
  pending_ = Pending::kPop;
  event = XmlEvent::kEnd;
  return nullptr;
}

const char* XmlScanner::take_entity() {
  constexpr const char* kBad = "a bad entity in the XML";
  std::string_view name = entity_.view();
  constexpr struct {
    std::string_view name;
    char c;
  } kNamed[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& row : kNamed) {
    if (name == row.name) {
      text_.append(row.c);
      return nullptr;
    }
  }
  if (!name.starts_with('#')) return kBad;
  name.remove_prefix(1);
  const bool hex = name.starts_with('x');
  if (hex) name.remove_prefix(1);
  if (name.empty()) return kBad;
  uint32_t point = 0;
  for (const char c : name) {
    uint32_t digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    if (hex && c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a' + 10);
    if (hex && c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A' + 10);
    if (digit == 16) return kBad;
    point = point * (hex ? 16 : 10) + digit;
    if (point > 0x10FFFF) return kBad;
  }
  if (point == 0 || (point >= 0xD800 && point <= 0xDFFF)) return kBad;
  append_utf8(text_, point);
  return nullptr;
}

}  // namespace weir

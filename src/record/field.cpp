#include "record/field.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

#include "record/number.hpp"
#include "record/text_cursor.hpp"

namespace weir {
namespace {

uint32_t hex4(const char* p) {
  uint32_t number = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = p[i];
    const uint32_t digit = c <= '9' ? static_cast<uint32_t>(c - '0') : static_cast<uint32_t>((c | 0x20) - 'a' + 10);
    number = number * 16 + (digit & 15);
  }
  return number;
}

constexpr uint32_t kReplacement = 0xfffd;

/// The code point of `\uXXXX` at p (behind the `u`), surrogate pairs joined; moves p behind it.
uint32_t unicode_escape(const char*& p, const char* end) {
  if (end - p < 4) {
    p = end;
    return kReplacement;
  }
  uint32_t code = hex4(p);
  p += 4;
  if (code < 0xd800 || code > 0xdfff) return code;
  if (code >= 0xdc00) return kReplacement;
  if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return kReplacement;
  const uint32_t low = hex4(p + 2);
  if (low < 0xdc00 || low > 0xdfff) return kReplacement;
  p += 6;
  return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

size_t encode_utf8(uint32_t code, char* out) {
  if (code < 0x80) {
    out[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<char>(0xc0 | (code >> 6));
    out[1] = static_cast<char>(0x80 | (code & 0x3f));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<char>(0xe0 | (code >> 12));
    out[1] = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out[2] = static_cast<char>(0x80 | (code & 0x3f));
    return 3;
  }
  out[0] = static_cast<char>(0xf0 | (code >> 18));
  out[1] = static_cast<char>(0x80 | ((code >> 12) & 0x3f));
  out[2] = static_cast<char>(0x80 | ((code >> 6) & 0x3f));
  out[3] = static_cast<char>(0x80 | (code & 0x3f));
  return 4;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

std::string_view json_inner(std::string_view raw) {
  return raw.size() < 2 ? std::string_view() : raw.substr(1, raw.size() - 2);
}

/// Decimal exponent's sign of a valid JSON number that from_chars found out of range: true when it is too large.
bool too_large(std::string_view raw) {
  // The first significant digit's place plus the written exponent.
  int64_t place = 0;
  int64_t exponent = 0;
  bool significant = false;
  bool fraction = false;
  bool negative = false;
  size_t i = 0;
  for (; i < raw.size() && raw[i] != 'e' && raw[i] != 'E'; ++i) {
    if (raw[i] == '.') {
      fraction = true;
    } else if (raw[i] >= '0' && raw[i] <= '9') {
      significant = significant || raw[i] != '0';
      if (!fraction && significant) ++place;
      if (fraction && !significant) --place;
    }
  }
  for (++i; i < raw.size(); ++i) {
    if (raw[i] == '-') negative = true;
    if (raw[i] >= '0' && raw[i] <= '9' && exponent < 1'000'000'000) exponent = exponent * 10 + (raw[i] - '0');
  }
  return place + (negative ? -exponent : exponent) > 0;
}

bool json_value(std::string_view raw, FieldScratch& scratch, Value& value, bool& overflow) {
  switch (raw.empty() ? 'n' : raw[0]) {
    case 'n':
      value = Value::null();
      return true;
    case 't':
      value = Value::of_bool(true);
      return true;
    case 'f':
      value = Value::of_bool(false);
      return true;
    case '{':
    case '[':
      value = Value::of_text(raw, Type::kJson);
      return true;
    case '"': {
      const std::string_view inner = json_inner(raw);
      if (inner.empty() || std::memchr(inner.data(), '\\', inner.size()) == nullptr) {
        value = Value::of_text(inner);
        return true;
      }
      if (scratch.room.size() - scratch.used < raw.size()) {
        value = Value::null();
        return false;
      }
      char* const out = scratch.room.data() + scratch.used;
      const size_t size = decode_json_string(raw, out);
      scratch.used += size;
      value = Value::of_text({out, size});
      return true;
    }
    default:
      break;
  }
  bool exact = true;
  if (parse_number(raw, value) != NumberError::kNone) {
    exact = false;
    double real = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), real);
    if (error == std::errc::result_out_of_range) {
      overflow = too_large(raw);
      real = 0;
    }
    value = Value::of_double(real);
  }
  value.has_lexeme = true;
  value.lexeme = raw.data();
  value.size = static_cast<uint32_t>(raw.size());
  return exact;
}

}  // namespace

bool field_is_plain(const Column& column, std::string_view raw, std::string_view& text) {
  text = raw;
  if (column.encoding == FieldEncoding::kCsv) {
    if (raw.empty() || raw[0] != column.quote || column.quote == 0) return true;
    const auto* const close = static_cast<const char*>(std::memchr(raw.data() + 1, column.quote, raw.size() - 1));
    if (close == nullptr || close + 1 != raw.data() + raw.size()) return false;
    text = raw.substr(1, raw.size() - 2);
    return column.escape == column.quote || column.escape == 0 || text.find(column.escape) == std::string_view::npos;
  }
  if (column.encoding == FieldEncoding::kJson) {
    if (raw.size() < 2 || raw[0] != '"') return false;
    text = json_inner(raw);
    return text.empty() || std::memchr(text.data(), '\\', text.size()) == nullptr;
  }
  return true;
}

TextCursor::TextCursor(std::string_view raw, FieldEncoding encoding, char quote, char escape)
    : at_(raw.data()), end_(raw.data() + raw.size()), quote_(quote), escape_(escape) {
  if (encoding == FieldEncoding::kCsv && !raw.empty() && quote != 0 && raw[0] == quote) {
    mode_ = Mode::kCsv;
    ++at_;
  } else if (encoding == FieldEncoding::kJson && raw.size() >= 2 && raw[0] == '"') {
    mode_ = Mode::kJson;
    ++at_;
    --end_;
  }
}

bool TextCursor::next_csv(char& c) {
  while (at_ != end_) {
    const char byte = *at_;
    if (byte == escape_ && escape_ != quote_ && escape_ != 0) {
      if (++at_ == end_) return false;  // as csv does: an escape at the end stands for nothing
      c = *at_++;
      return true;
    }
    if (byte != quote_) {
      c = *at_++;
      return true;
    }
    ++at_;
    if (escape_ == quote_ && at_ != end_ && *at_ == quote_) {
      c = *at_++;
      return true;
    }
    mode_ = Mode::kPlain;  // closed: the rest stands as it is
    if (at_ == end_) return false;
    c = *at_++;
    return true;
  }
  return false;
}

bool TextCursor::next_json(char& c) {
  c = *at_++;
  if (c != '\\') return true;
  if (at_ == end_) return false;
  const char kind = *at_++;
  if (kind != 'u') {
    c = simple_escape(kind);
    return true;
  }
  char bytes[4];
  const size_t size = encode_utf8(unicode_escape(at_, end_), bytes);
  c = bytes[0];
  for (size_t i = 1; i < size; ++i) pending_[size - 1 - i] = bytes[i];
  pending_count_ = static_cast<uint8_t>(size - 1);
  return true;
}

size_t decode_csv(std::string_view raw, char quote, char escape, char* out) {
  if (raw.empty() || quote == 0 || raw[0] != quote) {
    if (!raw.empty()) std::memcpy(out, raw.data(), raw.size());
    return raw.size();
  }
  const char* at = raw.data() + 1;
  const char* const end = raw.data() + raw.size();
  char* const start = out;
  const bool doubled = escape == quote;
  while (at != end) {
    if (!doubled && escape != 0 && *at == escape) {
      if (++at == end) break;
      *out++ = *at++;
    } else if (*at != quote) {
      *out++ = *at++;
    } else if (doubled && at + 1 != end && at[1] == quote) {
      *out++ = quote;
      at += 2;
    } else {
      ++at;
      std::memcpy(out, at, static_cast<size_t>(end - at));
      out += end - at;
      break;
    }
  }
  return static_cast<size_t>(out - start);
}

size_t decode_json_string(std::string_view raw, char* out) {
  const std::string_view inner = json_inner(raw);
  const char* at = inner.data();
  const char* const end = inner.data() + inner.size();
  char* const start = out;
  while (at != end) {
    const auto* const slash = static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    const size_t run = static_cast<size_t>((slash == nullptr ? end : slash) - at);
    std::memcpy(out, at, run);
    out += run;
    at += run;
    if (slash == nullptr || ++at == end) break;
    const char kind = *at++;
    if (kind == 'u') {
      out += encode_utf8(unicode_escape(at, end), out);
    } else {
      *out++ = simple_escape(kind);
    }
  }
  return static_cast<size_t>(out - start);
}

bool field_value(const Column& column, std::string_view raw, FieldScratch& scratch, Value& value, bool& overflow) {
  overflow = false;
  if (column.encoding == FieldEncoding::kJson) return json_value(raw, scratch, value, overflow);
  if (column.encoding == FieldEncoding::kBytes) {
    value = Value::of_text(raw, Type::kBytes);
    return true;
  }
  std::string_view text;
  if (field_is_plain(column, raw, text)) {
    value = Value::of_text(text);
    return true;
  }
  if (scratch.room.size() - scratch.used < raw.size()) {
    value = Value::null();
    return false;
  }
  char* const out = scratch.room.data() + scratch.used;
  const size_t size = decode_csv(raw, column.quote, column.escape, out);
  scratch.used += size;
  value = Value::of_text({out, size});
  return true;
}

}  // namespace weir

// The functions on text. Lengths and places are in code points; a byte that continues one belongs to the one before.
#include <cstring>

#include "record/field.hpp"
#include "record/number.hpp"
#include "sql/operators.hpp"

namespace weir::sql {
namespace {

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

/// Offset behind the code point at `at`.
size_t next_code_point(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && !starts_code_point(text[at])) ++at;
  return at;
}

size_t previous_code_point(std::string_view text, size_t end) {
  --end;
  while (end > 0 && !starts_code_point(text[end])) --end;
  return end;
}

bool among(std::string_view characters, std::string_view code_point) {
  for (size_t i = 0; i < characters.size();) {
    const size_t next = next_code_point(characters, i);
    if (characters.substr(i, next - i) == code_point) return true;
    i = next;
  }
  return false;
}

/// The number of an argument such as SUBSTRING's first place.
Code to_place(const Context& context, const Value& value, int64_t& out) {
  Value number;
  if (const Code code = to_number(context, value, number); code != Code::kOk) return code;
  if (number.type == Type::kDecimal) {
    const Int128 whole = number.mantissa / power_of_ten(number.scale);
    if (whole > INT32_MAX) {
      out = INT32_MAX;
    } else {
      out = whole < INT32_MIN ? INT32_MIN : static_cast<int64_t>(whole);
    }
    return Code::kOk;
  }
  if (number.type == Type::kDouble) {
    out = number.real > INT32_MAX ? INT32_MAX : number.real < INT32_MIN ? INT32_MIN : static_cast<int64_t>(number.real);
    return Code::kOk;
  }
  out = number.integer > INT32_MAX ? INT32_MAX : number.integer < INT32_MIN ? INT32_MIN : number.integer;
  return Code::kOk;
}

/// A pattern's elements, one after the other.
enum class PatternStep : uint8_t { kEnd, kByte, kOne, kAny };
struct PatternCursor {
  std::string_view pattern;
  char escape = 0;
  bool has_escape = false;
  size_t at = 0;

  PatternStep next(char& c) {
    if (at == pattern.size()) return PatternStep::kEnd;
    c = pattern[at++];
    if (has_escape && c == escape) {
      if (at < pattern.size()) c = pattern[at++];
      return PatternStep::kByte;
    }
    return c == '%' ? PatternStep::kAny : c == '_' ? PatternStep::kOne : PatternStep::kByte;
  }
};

/// Greedy with one point of return: after each %, the last one is all that needs to be gone back to.
template <typename Cursor>
bool like_match(Cursor text, PatternCursor pattern) {
  bool has_return = false;
  Cursor text_return = text;
  PatternCursor pattern_return = pattern;
  while (true) {
    char wanted = 0;
    const PatternStep step = pattern.next(wanted);
    if (step == PatternStep::kAny) {
      if (pattern.at == pattern.pattern.size()) return true;
      has_return = true;
      text_return = text;
      pattern_return = pattern;
      continue;
    }
    char c = 0;
    bool matches = false;
    if (step == PatternStep::kEnd) {
      if (!text.next(c)) return true;
    } else if (step == PatternStep::kByte) {
      if (!text.next(c)) return false;
      matches = c == wanted;
    } else {
      if (!text.next(c)) return false;
      Cursor ahead = text;  // the rest of the code point
      while (ahead.next(c) && !starts_code_point(c)) text = ahead;
      matches = true;
    }
    if (matches) continue;
    if (!has_return || !text_return.next(c)) return false;
    text = text_return;
    pattern = pattern_return;
  }
}

struct PlainCursor {
  const char* at;
  const char* end;
  bool next(char& c) {
    if (at == end) return false;
    c = *at++;
    return true;
  }
};

}  // namespace

Code change_case(Context& context, const Value& value, bool upper, Value& out) {
  Value text;
  if (const Code code = to_text(context, value, text); code != Code::kOk) return code;
  char* const room = context.take(text.size);
  if (room == nullptr) return Code::kValueTooLarge;
  const char first = upper ? 'a' : 'A';
  for (uint32_t i = 0; i < text.size; ++i) {
    const char c = text.text[i];
    room[i] = c >= first && c <= first + 25 ? static_cast<char>(c ^ 0x20) : c;
  }
  out = Value::of_text({room, text.size});
  return Code::kOk;
}

Code trim(Context& context, TrimMode mode, const Value& value, const Value* characters, Value& out) {
  Value text;
  if (const Code code = to_text(context, value, text); code != Code::kOk) return code;
  std::string_view set = " ";
  if (characters != nullptr) {
    Value decoded_set;
    if (const Code code = to_text(context, *characters, decoded_set); code != Code::kOk) return code;
    set = decoded_set.view();
  }
  std::string_view rest = text.view();
  while (mode != TrimMode::kTrailing && !rest.empty()) {
    const size_t next = next_code_point(rest, 0);
    if (!among(set, rest.substr(0, next))) break;
    rest.remove_prefix(next);
  }
  while (mode != TrimMode::kLeading && !rest.empty()) {
    const size_t last = previous_code_point(rest, rest.size());
    if (!among(set, rest.substr(last))) break;
    rest.remove_suffix(rest.size() - last);
  }
  out = Value::of_text(rest);
  return Code::kOk;
}

Code substring(Context& context, const Value& value, const Value& first, const Value* count, Value& out) {
  Value text;
  if (const Code code = to_text(context, value, text); code != Code::kOk) return code;
  int64_t begin = 0;
  int64_t length = int64_t{1} << 40;
  if (const Code code = to_place(context, first, begin); code != Code::kOk) return code;
  if (count != nullptr) {
    if (const Code code = to_place(context, *count, length); code != Code::kOk) return code;
    if (length < 0) return Code::kBadOperand;
  }
  int64_t end = begin + length;  // places before 1 count, but hold nothing
  if (begin < 1) begin = 1;
  if (end < begin) end = begin;
  const std::string_view whole = text.view();
  size_t at = 0;
  for (int64_t place = 1; place < begin && at < whole.size(); ++place) at = next_code_point(whole, at);
  const size_t start = at;
  for (int64_t place = begin; place < end && at < whole.size(); ++place) at = next_code_point(whole, at);
  out = Value::of_text(whole.substr(start, at - start));
  return Code::kOk;
}

Code char_length(const Context& context, const Value& value, Value& out) {
  int64_t length = 0;
  if (is_text(value)) {
    TextCursor cursor = cursor_of(value, context);
    for (char c; cursor.next(c);) length += starts_code_point(c);
  } else if (value.is_number()) {
    char digits[kNumberTextMax];
    length = value.has_lexeme ? value.size : static_cast<int64_t>(format_number(value, digits));
  } else if (value.type == Type::kBool) {
    length = value.boolean ? 4 : 5;
  } else if (value.type == Type::kBytes) {
    length = value.size;
  } else {
    return Code::kBadOperand;
  }
  out = Value::of_int(length);
  return Code::kOk;
}

Code concat(Context& context, const Value* const* args, uint32_t count, Value& out) {
  // Twice over the operands: first their sizes, then the one piece of room that holds all.
  size_t size = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const Value& arg = *args[i];
    if (is_text(arg) || (arg.is_number() && arg.has_lexeme)) {
      size += arg.size;  // of an encoded text: at least what it needs
    } else if (arg.is_number() || arg.type == Type::kBool) {
      size += kNumberTextMax;
    } else {
      return Code::kBadOperand;
    }
  }
  char* const room = context.take(size);
  if (room == nullptr) return Code::kValueTooLarge;
  char* p = room;
  for (uint32_t i = 0; i < count; ++i) {
    const Value& arg = *args[i];
    if (is_text(arg) && arg.encoded != 0) {
      TextCursor cursor = cursor_of(arg, context);
      for (char c; cursor.next(c);) *p++ = c;
    } else if (is_text(arg) || (arg.is_number() && arg.has_lexeme)) {
      if (arg.size != 0) std::memcpy(p, is_text(arg) ? arg.text : arg.lexeme, arg.size);
      p += arg.size;
    } else if (arg.type == Type::kBool) {
      const std::string_view word = arg.boolean ? "true" : "false";
      std::memcpy(p, word.data(), word.size());
      p += word.size();
    } else {
      p += format_number(arg, p);
    }
  }
  const auto made = static_cast<size_t>(p - room);
  context.give_back(size - made);
  out = Value::of_text({room, made});
  return Code::kOk;
}

bool valid_like_pattern(std::string_view pattern, std::string_view escape) {
  if (escape.empty()) return true;
  if (escape.size() != 1) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != escape[0]) continue;
    if (++i == pattern.size() || (pattern[i] != '%' && pattern[i] != '_' && pattern[i] != escape[0])) return false;
  }
  return true;
}

Code like(Context& context, const Value& value, const Value& pattern_value, const Value* escape_value, bool& out) {
  char digits[kNumberTextMax];
  Value text = value;
  if (value.is_number()) {
    text = value.has_lexeme ? Value::of_text({value.lexeme, value.size})
                            : Value::of_text({digits, format_number(value, digits)});
  } else if (value.type == Type::kBool) {
    text = Value::of_text(value.boolean ? "true" : "false");
  } else if (!is_text(value)) {
    return Code::kBadOperand;
  }
  Value pattern;
  Value escape;
  if (!is_text(pattern_value)) return Code::kBadOperand;
  if (const Code code = decoded(context, pattern_value, pattern); code != Code::kOk) return code;
  PatternCursor cursor{pattern.view()};
  if (escape_value != nullptr) {
    if (!is_text(*escape_value)) return Code::kBadOperand;
    if (const Code code = decoded(context, *escape_value, escape); code != Code::kOk) return code;
    if (escape.size != 1 || !valid_like_pattern(pattern.view(), escape.view())) return Code::kBadEscape;
    cursor.has_escape = true;
    cursor.escape = escape.text[0];
  }
  out = text.encoded == 0 ? like_match(PlainCursor{text.text, text.text + text.size}, cursor)
                          : like_match(cursor_of(text, context), cursor);
  return Code::kOk;
}

}  // namespace weir::sql

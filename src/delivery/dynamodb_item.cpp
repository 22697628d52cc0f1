#include "delivery/dynamodb_item.hpp"

#include <bit>
#include <cstring>

#include "format/json_automaton.hpp"

namespace weir {
namespace {

constexpr size_t kTextBytesMax = 16u << 20;  ///< a request has no more
constexpr size_t kNameBytesMax = 65535;
constexpr size_t kKeyBytesMax[DynamoDbKey::kColumnsMax] = {2048, 1024};
constexpr size_t kNoColumn = DynamoDbKey::kColumnsMax;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What follows works on text that is a valid JSON object: nothing runs past its last brace.

size_t behind_blanks(std::string_view text, size_t at) {
  while (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t') ++at;
  return at;
}

/// The closing quote of the string whose inside begins at `at`.
size_t string_end(std::string_view text, size_t at) {
  while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at;
}

std::string_view string_inside(std::string_view text, size_t at) { return text.substr(at, string_end(text, at) - at); }

size_t number_end(std::string_view text, size_t at) {
  while (is_digit(text[at]) || text[at] == '-' || text[at] == '+' || text[at] == '.' || text[at] == 'e' ||
         text[at] == 'E')
    ++at;
  return at;
}

size_t value_end(std::string_view text, size_t at) {
  size_t depth = 0;
  for (;; ++at) {
    const char c = text[at];
    if (c == '"') at = string_end(text, at + 1);
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return at;
    if (c == '}' || c == ']') --depth;
  }
}

/// The bytes that the inside of a JSON string means, one by one.
class StringBytes {
 public:
  explicit StringBytes(std::string_view inside) : left_(inside) {}

  bool next(char& byte) {
    if (size_ == 0 && !decode()) return false;
    byte = bytes_[0];
    std::memmove(bytes_, bytes_ + 1, --size_);
    return true;
  }
  /// Half of a surrogate pair was met, which is no character.
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  void put(uint32_t byte) { bytes_[size_++] = static_cast<char>(byte); }

  bool decode() {
    if (left_.empty()) return false;
    if (left_[0] != '\\') {
      put(static_cast<unsigned char>(left_[0]));
      left_.remove_prefix(1);
      return true;
    }
    constexpr std::string_view kFrom = "\"\\/bfnrt";
    constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (left_[1] != 'u') {
      put(static_cast<unsigned char>(kTo[kFrom.find(left_[1])]));
      left_.remove_prefix(2);
      return true;
    }
    uint32_t point = take_unit();
    if (point >= 0xd800 && point < 0xdc00 && left_.starts_with("\\u")) {
      const std::string_view before = left_;
      const uint32_t low = take_unit();
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      } else {
        left_ = before;
      }
    }
    if (point >= 0xd800 && point < 0xe000) {
      broken_ = true;
      point = 0xfffd;
    }
    put_point(point);
    return true;
  }

  uint32_t take_unit() {
    uint32_t unit = 0;
    for (size_t i = 2; i < 6; ++i) {
      const char c = left_[i];
      unit = unit << 4 | static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    left_.remove_prefix(6);
    return unit;
  }

  void put_point(uint32_t point) {
    if (point < 0x80) return put(point);
    if (point < 0x800) {
      put(0xc0 | point >> 6);
    } else {
      if (point < 0x10000) {
        put(0xe0 | point >> 12);
      } else {
        put(0xf0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3f));
      }
      put(0x80 | (point >> 6 & 0x3f));
    }
    put(0x80 | (point & 0x3f));
  }

  std::string_view left_;
  char bytes_[4] = {};
  size_t size_ = 0;
  bool broken_ = false;
};

bool is_plain(std::string_view inside) { return inside.find('\\') == std::string_view::npos; }

struct Measured {
  size_t bytes = 0;
  bool broken = false;
};
Measured measure(std::string_view inside) {
  if (is_plain(inside)) return {inside.size(), false};
  Measured measured;
  StringBytes bytes(inside);
  for (char byte = 0; bytes.next(byte);) ++measured.bytes;
  measured.broken = bytes.broken();
  return measured;
}

bool same_string(std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (is_plain(a) && is_plain(b)) return false;
  StringBytes left(a);
  StringBytes right(b);
  for (;;) {
    char x = 0;
    char y = 0;
    const bool more = left.next(x);
    if (more != right.next(y) || x != y) return false;
    if (!more) return true;
  }
}

/// Calls visit(where its object begins, where the inside of the name begins, that inside) for each member at any level.
template <typename Visit>
void for_each_name(std::string_view text, const Visit& visit) {
  std::array<uint32_t, DynamoDbItem::kLevelsMax> begins;
  size_t depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '{' || c == '[') begins[depth++] = static_cast<uint32_t>(at);
    if (c == '}' || c == ']') --depth;
    if (c != '"') continue;
    const size_t begin = at + 1;
    at = string_end(text, begin);
    if (text[behind_blanks(text, at + 1)] == ':')
      visit(begins[depth - 1], static_cast<uint32_t>(begin), text.substr(begin, at - begin));
  }
}

/// The members that one of the same name behind them, in the same object, takes the place of.
class Repeats {
 public:
  /// False: there are too many of them.
  bool find(std::string_view text) {
    // A member is at least `"":0,`; where so many find room there is no need to count them.
    uint64_t members = text.size() / 5 + 1;
    if (members > kPassMembers) {
      members = 0;
      for_each_name(text, [&](uint32_t, uint32_t, std::string_view) { ++members; });
    }
    const uint64_t passes = members / kPassMembers + 1;
    const size_t slots = passes > 1 ? kSlots : std::bit_ceil(static_cast<size_t>(2 * members + 1));
    for (uint64_t pass = 0; pass < passes; ++pass) {
      if (!find_some(text, pass, passes, slots)) return false;
    }
    return true;
  }
  [[nodiscard]] bool has(size_t name) const {
    for (size_t i = 0; i < count_; ++i) {
      if (names_[i] == name) return true;
    }
    return false;
  }

 private:
  static constexpr uint64_t kPassMembers = 511;
  static constexpr size_t kSlots = 1024;
  static constexpr size_t kRepeatsMax = 64;
  struct Slot {
    uint32_t object;
    uint32_t name;  ///< 0: free
  };

  static uint64_t hash(uint32_t object, std::string_view name) {
    uint64_t hash = 0xcbf29ce484222325u ^ object;
    const auto add = [&](char byte) { hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u; };
    if (is_plain(name)) {
      for (const char byte : name) add(byte);
    } else {
      StringBytes bytes(name);
      for (char byte = 0; bytes.next(byte);) add(byte);
    }
    return (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u;
  }

  // Those of the names whose hash is of this pass.
  bool find_some(std::string_view text, uint64_t pass, uint64_t passes, size_t slots) {
    for (size_t i = 0; i < slots; ++i) slots_[i] = {};
    size_t used = 0;
    bool good = true;
    for_each_name(text, [&](uint32_t object, uint32_t name, std::string_view inside) {
      const uint64_t hashed = hash(object, inside);
      if (!good || (hashed & 0xffffffffu) % passes != pass) return;
      for (size_t i = hashed >> 33;; ++i) {
        Slot& slot = slots_[i & (slots - 1)];
        if (slot.name == 0) {
          slot = {object, name};
          good = ++used < slots;
          return;
        }
        if (slot.object != object || !same_string(string_inside(text, slot.name), inside)) continue;
        good = count_ < kRepeatsMax;
        if (good) names_[count_++] = slot.name;
        slot.name = name;
        return;
      }
    });
    return good;
  }

  std::array<Slot, kSlots> slots_;
  std::array<uint32_t, kRepeatsMax> names_;
  size_t count_ = 0;
};

}  // namespace

DynamoDbNumber::Verdict DynamoDbNumber::read(std::string_view text) {
  digits.clear();
  magnitude = 0;
  negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t mantissa_bytes = text.find_first_of("eE");
  std::string_view exponent_text =
      mantissa_bytes == std::string_view::npos ? std::string_view{} : text.substr(mantissa_bytes + 1);
  text = text.substr(0, mantissa_bytes);

  bool any = false;
  bool dot = false;
  size_t zeros = 0;  // behind the last digit that counts
  for (const char c : text) {
    if (c == '.' && !dot) {
      dot = true;
      continue;
    }
    if (!is_digit(c)) return Verdict::kNoNumber;
    any = true;
    // Before the dot a digit raises the magnitude of the first, behind it zeros lower it until there is a first.
    if (digits.empty()) {
      magnitude -= dot;
      if (c != '0') digits.append(c);
      continue;
    }
    magnitude += !dot;
    if (c == '0') {
      ++zeros;
      continue;
    }
    for (; zeros != 0 && !digits.truncated(); --zeros) digits.append('0');
    digits.append(c);
  }
  if (!any) return Verdict::kNoNumber;

  int64_t exponent = 0;
  if (mantissa_bytes != std::string_view::npos) {
    const bool lower = exponent_text.starts_with('-');
    if (lower || exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
    if (exponent_text.empty()) return Verdict::kNoNumber;
    for (const char c : exponent_text) {
      if (!is_digit(c)) return Verdict::kNoNumber;
      if (exponent < 1'000'000'000) exponent = exponent * 10 + (c - '0');
    }
    if (lower) exponent = -exponent;
  }
  if (digits.empty()) {
    magnitude = 0;
    negative = false;
    return exponent < kMagnitudeMin || exponent > kMagnitudeMax ? Verdict::kOutOfRange : Verdict::kGood;
  }
  magnitude += exponent;
  if (digits.truncated()) return Verdict::kTooLong;
  return magnitude < kMagnitudeMin || magnitude > kMagnitudeMax ? Verdict::kOutOfRange : Verdict::kGood;
}

uint64_t hash_number(std::string_view text) {
  DynamoDbNumber number;
  if (number.read(text) != DynamoDbNumber::Verdict::kGood) return hash_key(text);
  FixedText<DynamoDbNumber::kDigitsMax + 8> one_spelling;
  if (number.negative) one_spelling.append('-');
  one_spelling.append(number.digits.view()).append('e');
  one_spelling.append_number(static_cast<uint64_t>(number.magnitude - DynamoDbNumber::kMagnitudeMin));
  return hash_key(one_spelling.view());
}

std::unexpected<Error> DynamoDbItem::refuse(std::string_view why) const {
  Error error(Code::kNotSendable, "dynamodb: `");
  error.detail.append(name_.substr(0, 60)).append("` ").append(why);
  return fail(error);
}

Status DynamoDbItem::write(std::string_view text) {
  if (text.size() > kTextBytesMax) return fail(Code::kMessageTooLarge);
  switch (check_json(text, kLevelsMax).code) {
    case Code::kOk:
      break;
    case Code::kJsonTooDeep:
      return fail(Code::kNotSendable, "dynamodb takes no value nested deeper than 32 levels");
    case Code::kBadUtf8:
      return fail(Code::kBadUtf8);
    default:
      return fail(Code::kNotSendable, "dynamodb takes items: this is no JSON object");
  }
  const size_t begin = behind_blanks(text, 0);
  if (text[begin] != '{') return fail(Code::kNotSendable, "dynamodb takes items: this is no JSON object");
  text_ = text.substr(begin);
  WEIR_TRY(write_members());
  for (size_t column = 0; column < key_.size(); ++column) {
    if (found_.has(column)) continue;
    name_ = key_[column];
    return refuse("is of the table's key, and not there");
  }
  return {};
}

Status DynamoDbItem::write_members() {
  Repeats repeats;
  if (!repeats.find(text_)) return fail(Code::kNotSendable, "dynamodb: too many members of the same name");
  out_.put('{');
  levels_[depth_++] = {};
  for (size_t at = 1; depth_ != 0;) {
    at = behind_blanks(text_, at);
    const char c = text_[at];
    if (c == ',' || c == '}' || c == ']') {
      if (c != ',') close();
      ++at;
      continue;
    }
    if (!levels_[depth_ - 1].array && repeats.has(at + 1)) {
      at = value_end(text_, behind_blanks(text_, string_end(text_, at + 1) + 1) + 1);
      continue;
    }
    if (!levels_[depth_ - 1].empty) out_.put(',');
    levels_[depth_ - 1].empty = false;
    counted_ += depth_ > 1;
    if (!levels_[depth_ - 1].array) WEIR_TRY(begin_member(at));
    WEIR_TRY(write_value(at));
  }
  return {};
}

// At a name's first quote; then at its value.
Status DynamoDbItem::begin_member(size_t& at) {
  name_ = string_inside(text_, at + 1);
  at += name_.size() + 2;
  const Measured measured = measure(name_);
  if (measured.bytes == 0) return fail(Code::kNotSendable, "dynamodb takes no attribute without a name");
  if (measured.bytes > kNameBytesMax) return refuse("is too long for a name");
  if (measured.broken) return refuse("holds half of a surrogate pair");
  counted_ += measured.bytes;
  out_.put('"').put(name_).put("\":");
  at = behind_blanks(text_, behind_blanks(text_, at) + 1);
  return {};
}

size_t DynamoDbItem::key_column() const {
  for (size_t column = 0; column < key_.size() && depth_ == 1; ++column) {
    const std::string& wanted = key_[column];
    const bool same = is_plain(name_) ? name_ == wanted : [&] {
      StringBytes bytes(name_);
      size_t size = 0;
      for (char byte = 0; bytes.next(byte); ++size) {
        if (size == wanted.size() || wanted[size] != byte) return false;
      }
      return size == wanted.size();
    }();
    if (same) return column;
  }
  return kNoColumn;
}

// At the value's first byte; then behind it.
Status DynamoDbItem::write_value(size_t& at) {
  const size_t column = key_column();
  const char c = text_[at];
  if (c == '"') return write_string(at, column);
  if (c == '-' || is_digit(c)) return write_number(at, column);
  if (column != kNoColumn) return refuse("is of the table's key, which is a text or a number");
  if (c == '{' || c == '[') {
    ++at;
    open(c == '[');
    return {};
  }
  ++counted_;
  out_.put(c == 'n' ? "{\"NULL\":true}" : c == 't' ? "{\"BOOL\":true}" : "{\"BOOL\":false}");
  at += c == 'f' ? 5 : 4;
  return {};
}

Status DynamoDbItem::write_string(size_t& at, size_t key_column) {
  const std::string_view inside = string_inside(text_, at + 1);
  at += inside.size() + 2;
  const Measured measured = measure(inside);
  if (measured.broken) return refuse("holds half of a surrogate pair");
  if (key_column != kNoColumn) {
    if (measured.bytes == 0) return refuse("is of the table's key, and empty");
    if (measured.bytes > kKeyBytesMax[key_column])
      return refuse(key_column == 0 ? "is the partition key, of 2,048 bytes at most"
                                    : "is the sort key, of 1,024 bytes at most");
    MessageKey value;
    StringBytes bytes(inside);
    for (char byte = 0; bytes.next(byte);) value.append(byte);
    found_.set(key_column, hash_key(value.view()));
  }
  counted_ += measured.bytes;
  out_.put("{\"S\":\"").put(inside).put("\"}");
  return {};
}

Status DynamoDbItem::write_number(size_t& at, size_t key_column) {
  const std::string_view spelling = text_.substr(at, number_end(text_, at) - at);
  at += spelling.size();
  DynamoDbNumber number;
  switch (number.read(spelling)) {
    case DynamoDbNumber::Verdict::kGood:
      break;
    case DynamoDbNumber::Verdict::kTooLong:
      return refuse("is a number of more than 38 digits; as text it can be sent: CAST(x AS TEXT)");
    default:
      return refuse("is a number outside of 1e-130 to 9.99e125; as text it can be sent: CAST(x AS TEXT)");
  }
  if (key_column != kNoColumn) found_.set(key_column, hash_number(spelling));
  counted_ += number.digits.view().size() / 2 + 2 + static_cast<uint64_t>(number.negative);
  out_.put("{\"N\":\"").put(spelling).put("\"}");
  return {};
}

void DynamoDbItem::open(bool array) {
  counted_ += 3;
  out_.put(array ? "{\"L\":[" : "{\"M\":{");
  levels_[depth_++] = {array, true};
}

void DynamoDbItem::close() {
  --depth_;
  out_.put(depth_ == 0 ? "}" : levels_[depth_].array ? "]}" : "}}");
}

}  // namespace weir

// Values, records and batches as the caller reads them.
#include <charconv>

#include "face/error_state.hpp"
#include "face/packed_record.hpp"
#include "format/json_escape.hpp"
#include "format/json_minify.hpp"
#include "format/simd16.hpp"
#include "record/field.hpp"

namespace weir::face {
namespace {

enum class Numeric : uint8_t { kGood, kNotANumber, kOutOfRange };

Numeric read_int(const Value& value, int64_t& out) {
  if (value.is_null()) return Numeric::kNotANumber;
  weir::Value number;
  const NumberError error = parse_number(value.text(), number);
  if (error == NumberError::kNotANumber) return Numeric::kNotANumber;
  if (error == NumberError::kOverflow) return Numeric::kOutOfRange;
  if (number.type == Type::kDecimal) {
    Int128 mantissa = number.mantissa;
    for (int i = 0; i < number.scale; ++i) {
      if (mantissa % 10 != 0) return Numeric::kNotANumber;  // not a whole number
      mantissa /= 10;
    }
    if (mantissa > INT64_MAX || mantissa < INT64_MIN) return Numeric::kOutOfRange;
    out = static_cast<int64_t>(mantissa);
    return Numeric::kGood;
  }
  out = number.integer;
  return Numeric::kGood;
}

Numeric read_double(const Value& value, double& out) {
  if (value.is_null()) return Numeric::kNotANumber;
  std::string_view text = value.text();
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  // Spellings of no number and of infinity are none here.
  if (text.empty() || text.find_first_not_of("+-.0123456789eE") != std::string_view::npos) return Numeric::kNotANumber;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::result_out_of_range) return Numeric::kOutOfRange;
  return error == std::errc() && end == text.data() + text.size() ? Numeric::kGood : Numeric::kNotANumber;
}

[[noreturn]] void throw_numeric(Numeric what, const Value& value, std::string_view wanted) {
  std::string detail(wanted);
  detail.append(value.is_null() ? " from NULL" : " from `");
  if (!value.is_null()) detail.append(value.text().substr(0, 60)).append("`");
  throw_error(what == Numeric::kOutOfRange ? Code::kOverflow : Code::kBadConversion, detail);
}

void append_text(std::string& out, std::string_view text) {
  const size_t begin = out.size();
  out.resize(begin + text.size() * kJsonEscapeFactor + 2 + 2 * kWideSlack);
  char* const end = put_json_string_checked(out.data() + begin, text.data(), text.size());
  if (end == nullptr) throw_error(Code::kBadUtf8);
  out.resize(static_cast<size_t>(end - out.data()));
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](size_t i) {
    return i < bytes.size() ? static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) : 0u;
  };
  out += '"';
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t word = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += kDigits[word >> 18];
    out += kDigits[(word >> 12) & 63];
    out += i + 1 < bytes.size() ? kDigits[(word >> 6) & 63] : '=';
    out += i + 2 < bytes.size() ? kDigits[word & 63] : '=';
  }
  out += '"';
}

void append_value(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
    case Kind::kInteger:
    case Kind::kDecimal:
    case Kind::kReal:
      out += value.text();
      return;
    case Kind::kText:
      return append_text(out, value.text());
    case Kind::kBytes:
      return append_base64(out, value.text());
    case Kind::kJson:
      break;
  }
  const size_t begin = out.size();
  out.resize(begin + value.text().size() + 2 * kWideSlack);
  MinifyState state;
  char* const end = minify_json(state, value.text(), out.data() + begin);
  out.resize(static_cast<size_t>(end - out.data()));
}

}  // namespace

int64_t Value::as_int() const {
  int64_t number = 0;
  if (const Numeric what = read_int(*this, number); what != Numeric::kGood) throw_numeric(what, *this, "an integer");
  return number;
}

double Value::as_double() const {
  double number = 0;
  if (const Numeric what = read_double(*this, number); what != Numeric::kGood) throw_numeric(what, *this, "a number");
  return number;
}

std::optional<int64_t> Value::try_int() const noexcept {
  int64_t number = 0;
  return read_int(*this, number) == Numeric::kGood ? std::optional(number) : std::nullopt;
}

std::optional<double> Value::try_double() const noexcept {
  double number = 0;
  return read_double(*this, number) == Numeric::kGood ? std::optional(number) : std::nullopt;
}

std::string_view Value::as_decimal() const {
  weir::Value number;
  const NumberError error = is_null() ? NumberError::kNotANumber : parse_number(text_, number);
  if (error != NumberError::kNone)
    throw_numeric(error == NumberError::kOverflow ? Numeric::kOutOfRange : Numeric::kNotANumber, *this,
                  "an exact number");
  return text_;
}

bool Value::as_bool() const {
  if (*this == "true") return true;
  if (*this == "false") return false;
  throw_numeric(Numeric::kNotANumber, *this, "true or false");
}

Field::Field(std::string_view name, double number) : name_(name), kind_(Kind::kReal) {
  if (!__builtin_isfinite(number)) throw_error(Code::kNotWritable, "a number that is not finite");
  static_assert(sizeof number_ >= 32);
  digits_ = static_cast<uint8_t>(std::to_chars(number_, number_ + sizeof number_, number).ptr - number_);
}

size_t Record::size() const noexcept { return packed_->fields; }

Value Record::operator[](size_t index) const {
  if (index >= packed_->fields)
    throw_error(Code::kUnknownColumn, "field " + std::to_string(index) + " of " + std::to_string(packed_->fields));
  return packed_->value(static_cast<uint32_t>(index));
}

std::optional<Value> Record::find(std::string_view name) const noexcept {
  for (uint32_t i = packed_->fields; i-- > 0;) {
    const std::string_view have = packed_->name(i);
    if (have.size() == name.size() && std::memcmp(have.data(), name.data(), name.size()) == 0) return packed_->value(i);
  }
  return std::nullopt;
}

Value Record::operator[](std::string_view name) const {
  if (const auto value = find(name)) return *value;
  if (packed_->own_names == 0) throw_error(Code::kUnknownColumn, name);
  return {};
}

std::string_view Record::name(size_t index) const {
  if (index >= packed_->fields)
    throw_error(Code::kUnknownColumn, "field " + std::to_string(index) + " of " + std::to_string(packed_->fields));
  return packed_->name(static_cast<uint32_t>(index));
}

Position Record::position() const noexcept {
  Position position;
  if (packed_->source < packed_->context->sources.size()) position.source = packed_->context->sources[packed_->source];
  position.byte = packed_->byte;
  position.record = packed_->record;
  return position;
}

void Record::append_json(std::string& out) const {
  const size_t begin = out.size();
  try {
    out += '{';
    for (uint32_t i = 0; i < packed_->fields; ++i) {
      if (i != 0) out += ',';
      append_text(out, packed_->name(i));
      out += ':';
      append_value(out, packed_->value(i));
    }
    out += '}';
  } catch (...) {
    out.resize(begin);
    throw;
  }
}

Batch::Iterator& Batch::Iterator::operator++() {
  at_ = reinterpret_cast<const PackedRecord*>(at_->base() + at_->bytes);
  return *this;
}

size_t Batch::bytes() const noexcept { return static_cast<size_t>(end_->base() - begin_->base()); }

void Batch::append_ndjson(std::string& out) const {
  for (const Record record : *this) {
    record.append_json(out);
    out += '\n';
  }
}

}  // namespace weir::face

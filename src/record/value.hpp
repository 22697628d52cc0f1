// Type and Value: what the evaluator computes with.
//
// A Value is 32 bytes, trivially copyable and owns nothing: text and json point into the record's window, into a
// literal of the program, or into the program's scratch, and are valid until the next step.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

enum class Type : uint8_t {
  kNull,
  kBool,
  kInt,      ///< int64
  kDecimal,  ///< 128-bit mantissa and a scale: mantissa / 10^scale; scale 0..38
  kDouble,
  kText,   ///< decoded bytes
  kJson,   ///< raw slice of a JSON object or array (scalars of JSON become the types above)
  kBytes,  ///< the data of blocks and files: raw in text formats, base64 in JSON
};

const char* type_name(Type type);

using Int128 = __int128;

struct Value {
  union {
    bool boolean;
    int64_t integer;
    Int128 mantissa;
    double real;
    const char* text;
  };
  uint32_t size = 0;   ///< bytes at `text`; for a number with a lexeme: bytes of the lexeme
  Type type = Type::kNull;
  uint8_t scale = 0;         ///< of a decimal
  bool has_lexeme = false;  ///< a number that is written as `lexeme` (its input spelling, valid JSON), not reformatted
  /// Of a text inside the evaluator that still stands as its field encodes it (FieldEncoding); 0 (kPlain) everywhere
  /// else: no Value that leaves the program carries it.
  uint8_t encoded = 0;
  const char* lexeme = nullptr;  ///< `size` bytes, when has_lexeme

  Value() : mantissa(0) {}

  static Value null() { return {}; }
  static Value of_bool(bool b) {
    Value v;
    v.boolean = b;
    v.type = Type::kBool;
    return v;
  }
  static Value of_int(int64_t i) {
    Value v;
    v.integer = i;
    v.type = Type::kInt;
    return v;
  }
  static Value of_decimal(Int128 mantissa, uint8_t scale) {
    Value v;
    v.mantissa = mantissa;
    v.scale = scale;
    v.type = Type::kDecimal;
    return v;
  }
  static Value of_double(double d) {
    Value v;
    v.real = d;
    v.type = Type::kDouble;
    return v;
  }
  static Value of_text(std::string_view t, Type type = Type::kText) {
    Value v;
    v.text = t.data();
    v.size = static_cast<uint32_t>(t.size());
    v.type = type;
    return v;
  }

  // The same in place: no copy of 32 bytes, where it counts.
  void set_null() { set_tag(Type::kNull, 0, 0); }
  void set_bool(bool b) {
    boolean = b;
    set_tag(Type::kBool, 0, 0);
  }
  void set_int(int64_t i) {
    integer = i;
    set_tag(Type::kInt, 0, 0);
  }
  void set_decimal(Int128 m, uint32_t s) {
    mantissa = m;
    set_tag(Type::kDecimal, 0, s);
  }
  void set_text(std::string_view t) {
    text = t.data();
    set_tag(Type::kText, static_cast<uint32_t>(t.size()), 0);
  }

  [[nodiscard]] bool is_null() const { return type == Type::kNull; }
  [[nodiscard]] bool is_number() const { return type == Type::kInt || type == Type::kDecimal || type == Type::kDouble; }
  [[nodiscard]] std::string_view view() const { return {text, size}; }

 private:
  void set_tag(Type t, uint32_t bytes, uint32_t s) {
    size = bytes;
    type = t;
    scale = static_cast<uint8_t>(s);
    has_lexeme = false;
    encoded = 0;
    lexeme = nullptr;
  }
};

static_assert(sizeof(Value) == 32);

}  // namespace weir

// From the bytes of a field to a Value and back: decoding, exact number parsing, formatting.
//
// Nothing here allocates. Decoders write into caller-owned room and never need more than the field's own size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "record/batch.hpp"
#include "record/value.hpp"

namespace weir {

// --- text of a field ---------------------------------------------------------------------------------------------

/// True when the field's raw bytes are its text (no quotes, no escapes): then field_text(raw) is just `raw`.
/// A quoted CSV field without inner quotes counts as plain too: `text` is set to the bytes between the quotes.
bool field_is_plain(const Column& column, std::string_view raw, std::string_view& text);

/// Decodes a CSV field as Python's csv module does: `"a ""b"""` is `a "b"`; what follows a closing quote is kept
/// as it stands. Writes at most raw.size() bytes to `out`; returns their number.
size_t decode_csv(std::string_view raw, char quote, char escape, char* out);

/// Decodes a JSON string given with its quotes (validated before). Writes at most raw.size() bytes; returns their number.
/// A lone surrogate escape becomes U+FFFD.
size_t decode_json_string(std::string_view raw, char* out);

/// The Value of a field by its encoding. kCsv and kPlain: text. kJson: null, bool, number (exact, keeps its lexeme),
/// text, or kJson for objects and arrays. Text that must be decoded is written to `scratch` (`used` moves on).
/// False when the scratch is too small, or a JSON number has no exact value (then `value.type` is kDouble or, past
/// its range, `overflow` is set).
struct FieldScratch {
  std::span<char> room;
  size_t used = 0;
};
bool field_value(const Column& column, std::string_view raw, FieldScratch& scratch, Value& value, bool& overflow);

// --- numbers -----------------------------------------------------------------------------------------------------

/// Why a text is not a number.
enum class NumberError : uint8_t { kNone, kNotANumber, kOverflow };

/// Reads a decimal literal exactly: [+-] digits [. digits] [e [+-] digits], blanks around it allowed. An integer that fits
/// int64 gives kInt; else, while the mantissa fits 38 digits and the scale 0..38, kDecimal; else kOverflow.
/// `1e3` is kInt 1000. Hex, NaN, Infinity and empty text are kNotANumber.
NumberError parse_number(std::string_view text, Value& value);

/// True for a text that is a number by JSON's grammar (no leading zeros, no leading plus, a digit on both sides of the dot).
bool is_json_number(std::string_view text);

inline constexpr size_t kNumberTextMax = 64;
/// Writes a number (kInt, kDecimal, kDouble) as JSON allows it; a decimal keeps its scale (1.10 stays 1.10), a double is
/// the shortest digits that read back the same, with an exponent only below 1e-6 and from 1e21 on. Returns the bytes
/// written. `out` holds kNumberTextMax bytes.
size_t format_number(const Value& value, char* out);

// --- UTF-8 -------------------------------------------------------------------------------------------------------

/// Offset of the first byte that is not valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF); size() when all is.
size_t utf8_valid_prefix(std::string_view text);

}  // namespace weir

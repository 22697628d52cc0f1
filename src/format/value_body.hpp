// A computed value as a Body, for all formats: what is the same in each of them.
#pragma once

#include <string_view>

#include "format/writer_core.hpp"
#include "record/value.hpp"

namespace weir {

/// Numbers and booleans as text in `body`; kNotWritable for a double that is no number. Other types are the format's
/// own matter.
inline Code scalar_body(const Value& value, Body& body) {
  switch (value.type) {
    case Type::kBool:
      body.runs = TextRuns(value.boolean ? std::string_view("true") : std::string_view("false"));
      return Code::kOk;
    case Type::kInt:
    case Type::kDecimal:
    case Type::kDouble: {
      if (value.has_lexeme) {
        body.runs = TextRuns(std::string_view(value.lexeme, value.size));
        return Code::kOk;
      }
      if (value.type == Type::kDouble && !__builtin_isfinite(value.real)) return Code::kNotWritable;
      const size_t size = format_number(value, body.number);
      body.runs = TextRuns(std::string_view(body.number, size));
      return Code::kOk;
    }
    default:
      return Code::kNotWritable;
  }
}

/// True for the raw text of a JSON object or array.
inline bool is_json_container(std::string_view raw) {
  return !raw.empty() && (raw.front() == '{' || raw.front() == '[');
}

}  // namespace weir

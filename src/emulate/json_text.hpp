// JSON as far as the emulator must understand it: whether a text is one value, a member of an object, and a text as a JSON string.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::emulate {

/// One JSON value (RFC 8259) with nothing but space around it. Nested deeper than 512 levels counts as no JSON.
bool is_json(std::string_view text);

/// The value, as written, of a member of the object that `text` is; the last one where the name stands twice. Names are compared as written: one
/// with an escape is never found. Nothing when there is none, or the text is no object.
std::optional<std::string_view> json_member(std::string_view text, std::string_view name);

/// With quotes around it. Bytes that are no UTF-8 are passed on.
std::string json_string(std::string_view text);

}  // namespace weir::emulate

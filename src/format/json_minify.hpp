// Valid JSON -> the same without the blanks between its tokens, so it holds no line feed. Streams: cut anywhere, the
// state goes on.
//
// The input was validated by its reader. Output is never longer than input; `out` holds size + kWideSlack bytes,
// because whole blocks of 64 are stored. Only [text, text + size) is read. SSE2, AVX2, NEON and a scalar twin give
// the same bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "format/json_escape.hpp"

namespace weir {

struct MinifyState {
  bool in_string = false;
  bool escaped = false;  ///< the next byte stands behind a backslash
};

/// Returns the end of what was written.
char* minify_json(MinifyState& state, std::string_view text, char* out);
/// By one kernel, of text_kernel_usable(); for tests.
char* minify_json_by(SimdLevel level, MinifyState& state, std::string_view text, char* out);

constexpr bool is_json_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Without the blanks at both ends.
constexpr std::string_view trim_json(std::string_view text) {
  while (!text.empty() && is_json_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace weir

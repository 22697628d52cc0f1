#include "format/csv_quote.hpp"

#include <cstring>

namespace weir {

bool csv_needs_quotes(std::string_view text, char delimiter) {
  size_t i = 0;
  for (; i + 16 <= text.size(); i += 16) {
    if (csv_attention(load16(text.data() + i), delimiter) != 0) return true;
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == delimiter || c == '"' || c == '\n' || c == '\r') return true;
  }
  return false;
}

bool csv_is_well_quoted(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return false;
  raw = raw.substr(1, raw.size() - 2);
  while (!raw.empty()) {
    const auto* quote = static_cast<const char*>(std::memchr(raw.data(), '"', raw.size()));
    if (quote == nullptr) return true;
    raw.remove_prefix(static_cast<size_t>(quote - raw.data()) + 1);
    if (raw.empty() || raw.front() != '"') return false;
    raw.remove_prefix(1);
  }
  return true;
}

char* put_csv_doubled(char* out, std::string_view text) {
  while (!text.empty()) {
    const auto* quote = static_cast<const char*>(std::memchr(text.data(), '"', text.size()));
    const size_t size = quote == nullptr ? text.size() : static_cast<size_t>(quote - text.data()) + 1;
    std::memcpy(out, text.data(), size);
    out += size;
    if (quote != nullptr) *out++ = '"';
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace weir

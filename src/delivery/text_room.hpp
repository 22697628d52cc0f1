// TextRoom: text put into a room of bounded size; what does not fit is told, and nothing is written behind the room's end. The last Destination::kSlack bytes
// are left to vector kernels.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/base64.hpp"
#include "delivery/destination.hpp"
#include "format/json_escape.hpp"
#include "io/url.hpp"
#include "record/field.hpp"

namespace weir {

class TextRoom {
 public:
  explicit TextRoom(std::span<char> room)
      : begin_(room.data()),
        out_(room.data()),
        end_(room.size() < Destination::kSlack ? room.data() : room.data() + room.size() - Destination::kSlack) {}

  /// Everything fitted so far. Once not, nothing more is written.
  [[nodiscard]] bool fits() const { return fits_; }
  /// Everything was UTF-8 where it had to be.
  [[nodiscard]] bool utf8() const { return utf8_; }
  [[nodiscard]] size_t bytes() const { return static_cast<size_t>(out_ - begin_); }
  [[nodiscard]] std::string_view view() const { return {begin_, bytes()}; }

  TextRoom& put(std::string_view text) {
    if (text.empty() || !take(text.size())) return *this;
    std::memcpy(out_, text.data(), text.size());
    out_ += text.size();
    return *this;
  }
  TextRoom& put(char c) { return put(std::string_view(&c, 1)); }
  TextRoom& put_number(uint64_t number) { return put(FixedText<20>().append_number(number).view()); }
  /// The inside of a JSON string. Of what is no UTF-8, `utf8` tells.
  TextRoom& put_json(std::string_view text) {
    size_t bytes = text.size();
    for (const char c : text) {
      const bool two = c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v');
      bytes += two ? 1 : static_cast<unsigned char>(c) < 0x20 ? 5 : 0;
    }
    if (!take(bytes)) return *this;
    const JsonEscaped escaped = escape_json(text, out_);
    if (escaped.high && utf8_valid_prefix(text) != text.size()) utf8_ = false;
    out_ = escaped.end;
    return *this;
  }
  /// Percent-encoded, as a value of a form.
  TextRoom& put_form(std::string_view text) {
    const auto bytes = fits_ ? encode_query(text, {out_, static_cast<size_t>(end_ - out_)}) : std::nullopt;
    fits_ = bytes.has_value();
    out_ += bytes.value_or(0);
    return *this;
  }
  TextRoom& put_base64(std::string_view bytes) {
    if (!take(base64_bytes(bytes.size()))) return *this;
    base64_encode(bytes, out_);
    out_ += base64_bytes(bytes.size());
    return *this;
  }

 private:
  bool take(size_t bytes) {
    fits_ = fits_ && bytes <= static_cast<size_t>(end_ - out_);
    return fits_;
  }

  char* begin_;
  char* out_;
  char* end_;
  bool fits_ = true;
  bool utf8_ = true;
};
static_assert(Destination::kSlack >= kWideSlack);

}  // namespace weir

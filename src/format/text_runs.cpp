#include "format/text_runs.hpp"

#include <cstring>

#include "base/assert.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes of the escape sequences at `at` that make one code point.
size_t escape_size(const char* at, const char* end) {
  const auto left = static_cast<size_t>(end - at);
  if (left < 2 || at[1] != 'u') return left < 2 ? left : 2;
  if (left < 6) return left;
  const bool high =
      (at[2] | 0x20) == 'd' && (at[3] == '8' || at[3] == '9' || (at[3] | 0x20) == 'a' || (at[3] | 0x20) == 'b');
  if (!high || left < 12 || at[6] != '\\' || at[7] != 'u') return 6;
  const bool low = (at[8] | 0x20) == 'd' && ((at[9] | 0x20) >= 'c' && (at[9] | 0x20) <= 'f');
  return low ? 12 : 6;
}

}  // namespace

TextRuns::TextRuns(Kind kind, std::string_view raw, char quote, char escape)
    : at_(raw.data()), end_(raw.data() + raw.size()), kind_(kind), quote_(quote), escape_(escape) {
  if (kind == Kind::kCsv) {
    WEIR_DEBUG_ASSERT(!raw.empty() && raw.front() == quote);
    ++at_;
  } else if (kind == Kind::kJsonString) {
    WEIR_DEBUG_ASSERT(raw.size() >= 2);
    ++at_;
    --end_;
  }
}

std::string_view TextRuns::next(size_t size_max) {
  if (at_ == end_) return {};
  switch (kind_) {
    case Kind::kPlain:
      return plain(size_max);
    case Kind::kCsv:
      return csv(size_max);
    case Kind::kJsonString:
      return json_string(size_max);
    case Kind::kMinify:
      return minified();
    case Kind::kBase64:
      return base64();
  }
  return {};
}

char* TextRuns::copy(char* out, size_t size_max) {
  if (kind_ == Kind::kMinify) {
    const std::string_view piece = plain(size_max);
    return minify_json(minify_, piece, out);
  }
  return copy_exact(out, next(size_max));
}

std::string_view TextRuns::plain(size_t size_max) {
  const auto left = static_cast<size_t>(end_ - at_);
  const size_t size = left < size_max ? left : size_max;
  at_ += size;
  return {at_ - size, size};
}

std::string_view TextRuns::csv(size_t size_max) {
  const bool doubled = escape_ == quote_;
  const char* from = at_;
  const char* search = at_;  // a byte before it is text whatever it is
  if (!doubled && escape_ != 0 && *at_ == escape_) {
    if (++at_ == end_) return {};
    from = at_;
    search = from + 1;
  } else if (*at_ == quote_) {
    if (doubled && end_ - at_ > 1 && at_[1] == quote_) {
      from = at_ + 1;
      search = from + 1;
    } else {
      ++at_;
      kind_ = Kind::kPlain;  // the field was closed: what follows is kept as it stands
      return at_ == end_ ? std::string_view() : plain(size_max);
    }
  }
  const char* limit = static_cast<size_t>(end_ - from) < size_max ? end_ : from + size_max;
  if (limit < search) limit = search;
  const auto* stop = static_cast<const char*>(std::memchr(search, quote_, static_cast<size_t>(limit - search)));
  if (stop == nullptr) stop = limit;
  if (!doubled && escape_ != 0) {
    const auto* slash = static_cast<const char*>(std::memchr(search, escape_, static_cast<size_t>(stop - search)));
    if (slash != nullptr) stop = slash;
  }
  at_ = stop;
  return {from, static_cast<size_t>(stop - from)};
}

std::string_view TextRuns::json_string(size_t size_max) {
  if (*at_ == '\\') {
    char quoted[14];
    const size_t size = escape_size(at_, end_);
    quoted[0] = quoted[size + 1] = '"';
    std::memcpy(quoted + 1, at_, size);
    at_ += size;
    return {made_, decode_json_string({quoted, size + 2}, made_)};
  }
  const auto left = static_cast<size_t>(end_ - at_);
  const size_t search = left < size_max ? left : size_max;
  const auto* slash = static_cast<const char*>(std::memchr(at_, '\\', search));
  const char* from = at_;
  at_ = slash == nullptr ? from + search : slash;
  return {from, static_cast<size_t>(at_ - from)};
}

std::string_view TextRuns::minified() {
  while (at_ != end_) {
    const auto left = static_cast<size_t>(end_ - at_);
    const size_t size = left < kMadeMax ? left : kMadeMax;
    const char* stop = minify_json(minify_, {at_, size}, made_);
    at_ += size;
    if (stop != made_) return {made_, static_cast<size_t>(stop - made_)};
  }
  return {};
}

std::string_view TextRuns::base64() {
  char* out = made_;
  while (at_ != end_ && out < made_ + kMadeMax) {
    const auto left = static_cast<size_t>(end_ - at_);
    const size_t size = left < 3 ? left : 3;
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < size ? static_cast<unsigned char>(at_[i]) : 0);
    at_ += size;
    for (size_t i = 0; i < 4; ++i) out[i] = i > size ? '=' : kBase64Digits[bits >> (18 - 6 * i) & 63];
    out += 4;
  }
  return {made_, static_cast<size_t>(out - made_)};
}

}  // namespace weir

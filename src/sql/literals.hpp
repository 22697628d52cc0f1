// Literals made ready for kernels: texts as words, numbers at every scale that a short field may have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/number.hpp"
#include "record/value.hpp"

namespace weir::sql {

/// For a field m / 10^s of at most 18 digits: it is larger than the literal when m > floor[s], at least as large when
/// m > below[s], equal when exact[s] and m == floor[s].
struct Threshold {
  static constexpr uint32_t kScales = 19;
  int64_t floor[kScales];
  int64_t below[kScales];
  bool exact[kScales];

  explicit Threshold(const Value& literal);  ///< kInt or kDecimal
};

struct TextLiteral {
  std::string bytes;
  uint64_t word = 0;  ///< the first eight bytes, zeros behind a shorter text
  uint64_t mask = 0;  ///< ones where `word` has bytes of the text

  explicit TextLiteral(std::string_view text);
};

/// Ones in the bytes that a text of `size` has among its first eight.
inline uint64_t text_mask(size_t size) { return size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (size * 8)) - 1; }

/// A field's short number, or false. Eight bytes are readable at any field: windows are padded.
inline bool short_number(const char* text, uint32_t size, int64_t& mantissa, uint32_t& scale) {
  return parse_short_decimal(text, size, mantissa, scale) || parse_plain_decimal(text, size, mantissa, scale);
}

/// The texts of an IN list, by open addressing.
class TextSet {
 public:
  void add(std::string_view text) { items_.emplace_back(text); }
  void build();
  /// `word`: the first eight bytes of the text, zeros behind a shorter one.
  [[nodiscard]] bool contains(const char* text, uint32_t size, uint64_t word) const;

 private:
  [[nodiscard]] size_t slot(uint64_t word, size_t size) const {
    return static_cast<size_t>(((word ^ size) * 0x9e3779b97f4a7c15u) >> 40) & (slots_.size() - 1);
  }
  std::vector<TextLiteral> items_;
  std::vector<int32_t> slots_;
};

}  // namespace weir::sql

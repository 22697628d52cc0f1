#include "sql/literals.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "record/number.hpp"

namespace weir::sql {
namespace {

int64_t clamped(Int128 n) {
  constexpr Int128 kMin = std::numeric_limits<int64_t>::min();
  constexpr Int128 kMax = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(n < kMin ? kMin : n > kMax ? kMax : n);
}

}  // namespace

Threshold::Threshold(const Value& literal) {
  const Int128 mantissa = literal.type == Type::kInt ? Int128{literal.integer} : literal.mantissa;
  const int scale = literal.type == Type::kInt ? 0 : literal.scale;
  for (int s = 0; s < static_cast<int>(kScales); ++s) {
    Int128 whole = 0;
    bool is_exact = true;
    if (s >= scale) {
      if (__builtin_mul_overflow(mantissa, power_of_ten(s - scale), &whole)) {
        whole =
            mantissa > 0 ? Int128{std::numeric_limits<int64_t>::max()} : Int128{std::numeric_limits<int64_t>::min()};
        is_exact = false;
      }
    } else {
      const Int128 unit = power_of_ten(scale - s);
      whole = mantissa / unit;
      is_exact = mantissa % unit == 0;
      if (!is_exact && mantissa < 0) --whole;
    }
    // What is clamped lies beyond 18 digits, so every short field is on its right side of it.
    floor[s] = clamped(whole);
    below[s] = clamped(is_exact ? whole - 1 : whole);
    exact[s] = is_exact;
  }
}

TextLiteral::TextLiteral(std::string_view text) : bytes(text), mask(text_mask(text.size())) {
  if (!text.empty()) std::memcpy(&word, text.data(), std::min<size_t>(8, text.size()));
}

void TextSet::build() {
  size_t slots = 4;
  while (slots < items_.size() * 2) slots *= 2;
  slots_.assign(slots, -1);
  for (size_t i = 0; i < items_.size(); ++i) {
    size_t at = slot(items_[i].word, items_[i].bytes.size());
    while (slots_[at] >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = static_cast<int32_t>(i);
  }
}

bool TextSet::contains(const char* text, uint32_t size, uint64_t word) const {
  for (size_t at = slot(word, size); slots_[at] >= 0; at = (at + 1) & (slots_.size() - 1)) {
    const TextLiteral& item = items_[static_cast<size_t>(slots_[at])];
    if (item.word == word && item.bytes.size() == size &&
        (size <= 8 || std::memcmp(item.bytes.data(), text, size) == 0))
      return true;
  }
  return false;
}

}  // namespace weir::sql

// Reading short plain decimals fast, and numbers byte by byte. record/field.hpp has the general parse_number().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "record/field.hpp"
#include "record/value.hpp"

namespace weir {

inline constexpr int kDigitsMax = 38;  ///< of a decimal's mantissa
inline constexpr int kScaleMax = 38;

namespace number_detail {
constexpr std::array<Int128, kDigitsMax + 1> make_powers() {
  std::array<Int128, kDigitsMax + 1> powers{};
  powers[0] = 1;
  for (size_t i = 1; i <= kDigitsMax; ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}
inline constexpr std::array<Int128, kDigitsMax + 1> kPowers = make_powers();
}  // namespace number_detail

/// 10^n, 0 <= n <= 38.
inline Int128 power_of_ten(int n) { return number_detail::kPowers[static_cast<size_t>(n)]; }
/// One more than the largest mantissa: 10^38.
inline bool mantissa_fits(Int128 mantissa) {
  constexpr Int128 kLimit = static_cast<Int128>(10'000'000'000'000'000'000ull) * 10'000'000'000'000'000'000ull;
  return mantissa < kLimit && mantissa > -kLimit;
}

namespace number_detail {
inline constexpr uint64_t kOnes = 0x0101010101010101u;

/// The number in `word`: eight bytes of text, the last one on top, anything in the `8 - size` lowest.
inline bool parse_word(uint64_t word, size_t size, int64_t& mantissa, uint32_t& scale) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  const uint64_t unused = (uint64_t{1} << (static_cast<unsigned>(8 - size) * 8)) - 1;
  word = (word & ~unused) | ((kOnes * '0') & unused);
  const uint64_t dots = word ^ (kOnes * '.');
  const uint64_t dot = (dots - kOnes) & ~dots & (kOnes * 0x80);
  scale = 0;
  if (dot != 0) {
    const unsigned at = static_cast<unsigned>(__builtin_ctzll(dot)) / 8;  // the first one; a second fails below
    if (at == 7) return false;                                            // `12.` and `.`: left to parse_number
    const uint64_t below = (uint64_t{1} << (at * 8)) - 1;
    word = (word & ~((below << 8) | 0xff)) | ((word & below) << 8) | '0';
    scale = 7 - at;
  }
  if (((word & (kOnes * 0xf0)) | (((word + kOnes * 6) & (kOnes * 0xf0)) >> 4)) != kOnes * 0x33) return false;
  word -= kOnes * '0';
  word = (word * 10) + (word >> 8);
  word = (((word & 0x000000ff000000ffu) * (100 + (1000000ull << 32))) +
          (((word >> 16) & 0x000000ff000000ffu) * (1 + (10000ull << 32)))) >>
         32;
  mantissa = static_cast<int64_t>(word & 0xffffffffu);
  return true;
}
}  // namespace number_detail

/// Reads 1 to 8 bytes `digits[.digits]` (or `.digits`), eight at once. Eight bytes must be readable at `text`. False:
/// some other spelling, which need not be an error.
inline bool parse_short_decimal(const char* text, size_t size, int64_t& mantissa, uint32_t& scale) {
  if (size - 1 >= 8) return false;
  uint64_t word;
  std::memcpy(&word, text, 8);
  return number_detail::parse_word(word << (static_cast<unsigned>(8 - size) * 8), size, mantissa, scale);
}

/// The same for 4 to 8 bytes, reading nothing past the end.
inline bool parse_short_decimal_within(const char* text, size_t size, int64_t& mantissa, uint32_t& scale) {
  if (size - 4 > 4) return false;
  uint32_t first;
  uint32_t last;
  std::memcpy(&first, text, 4);
  std::memcpy(&last, text + size - 4, 4);
  const auto low = static_cast<uint32_t>(uint64_t{first} << (static_cast<unsigned>(8 - size) * 8));
  return number_detail::parse_word((uint64_t{last} << 32) | low, size, mantissa, scale);
}

/// Reads `[-]digits[.digits]` of at most 18 digits. Reads nothing past the end. False: some other spelling.
inline bool parse_plain_decimal(const char* text, size_t size, int64_t& mantissa, uint32_t& scale) {
  const char* const end = text + size;
  const bool negative = size != 0 && *text == '-';
  if (negative) ++text;
  if (end - text > 19 || end == text) return false;
  uint64_t value = 0;
  const char* dot = nullptr;
  for (const char* p = text; p != end; ++p) {
    const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
    if (digit <= 9) {
      value = value * 10 + digit;
    } else if (*p == '.' && dot == nullptr) {
      dot = p;
    } else {
      return false;
    }
  }
  const ptrdiff_t digits = end - text - (dot != nullptr);
  if (digits == 0 || digits > 18) return false;
  mantissa = negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
  scale = dot == nullptr ? 0 : static_cast<uint32_t>(end - dot - 1);
  return true;
}

/// A number's reader that takes one byte at a time: what parse_number() falls back to, and for texts that are decoded
/// on the fly.
class NumberScanner {
 public:
  void push(char c);
  /// The number read, as parse_number() gives it. Call once.
  NumberError finish(Value& value);

 private:
  enum class State : uint8_t {
    kStart,
    kSign,
    kWhole,
    kFraction,
    kExponent,
    kExponentSign,
    kExponentDigits,
    kEnd,
    kBad
  };
  void digit(char c);

  State state_ = State::kStart;
  bool negative_ = false;
  bool exponent_negative_ = false;
  bool any_digit_ = false;
  bool inexact_ = false;  ///< a digit past the 38th was not zero
  int digits_ = 0;  ///< in mantissa_
  int64_t extra_ = 0;  ///< digits past the 38th
  int64_t fraction_ = 0;  ///< digits behind the dot
  int64_t exponent_ = 0;
  Int128 mantissa_ = 0;
};

}  // namespace weir

// The arithmetic that reflected CRCs of 64 bits and less share: powers of x, joining two checksums, slicing tables, and folding by carry-less
// multiplication (the method of Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009).
//
// A polynomial of degree < 64 is a word with the coefficient of x^0 in its highest bit. A CRC of 32 bits lives in the upper half of such a
// word, so that one set of formulas serves both widths. Registers here are without the initial and final xor.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__x86_64__)
#include <emmintrin.h>
#include <wmmintrin.h>
#endif

namespace weir::crc {

/// `Value` is uint32_t or uint64_t; `kPolynomial` the reflected polynomial without its highest term.
template <typename Value, Value kPolynomial>
struct Reflected {
  static constexpr int kBits = 8 * static_cast<int>(sizeof(Value));
  static constexpr Value kOne = Value{1} << (kBits - 1);  ///< x^0

  static constexpr Value times_x(Value a) {
    return static_cast<Value>(a >> 1) ^ ((a & 1) != 0 ? kPolynomial : Value{0});
  }

  /// a * b mod the polynomial.
  static constexpr Value times(Value a, Value b) {
    Value sum = 0;
    for (int bit = kBits - 1; bit >= 0; --bit) {
      if ((a >> bit & 1) != 0) sum ^= b;
      b = times_x(b);
    }
    return sum;
  }

  /// x^n mod the polynomial.
  static constexpr Value x_to(uint64_t n) {
    Value power = kOne;
    Value square = times_x(kOne);
    for (; n != 0; n >>= 1) {
      if ((n & 1) != 0) power = times(power, square);
      square = times(square, square);
    }
    return power;
  }

  /// x^(8 * bytes), for any number of bytes: 8 * bytes need not fit a word.
  static constexpr Value x_to_bytes(uint64_t bytes) {
    Value power = kOne;
    Value square = x_to(8);
    for (; bytes != 0; bytes >>= 1) {
      if ((bytes & 1) != 0) power = times(power, square);
      square = times(square, square);
    }
    return power;
  }

  /// kTables[k][b]: what byte b gives when k more bytes follow it.
  using Tables = std::array<std::array<Value, 256>, 8>;
  static constexpr Tables make_tables() {
    Tables tables{};
    for (unsigned byte = 0; byte < 256; ++byte) {
      Value crc = static_cast<Value>(byte);
      for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
      tables[0][byte] = crc;
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
      for (size_t k = 1; k < 8; ++k) {
        const Value before = tables[k - 1][byte];
        tables[k][byte] = static_cast<Value>(before >> 8) ^ tables[0][before & 0xFF];
      }
    }
    return tables;
  }
  static constexpr Tables kTables = make_tables();

  /// The register after `size` more bytes, eight at a time.
  static Value sliced(Value crc, const char* at, size_t size) {
    static_assert(std::endian::native == std::endian::little);
    for (; size >= 8; size -= 8, at += 8) {
      uint64_t word = 0;
      std::memcpy(&word, at, 8);
      word ^= crc;
      Value next = 0;
      for (unsigned i = 0; i < 8; ++i) next ^= kTables[7 - i][word >> (8 * i) & 0xFF];
      crc = next;
    }
    for (; size > 0; --size, ++at) {
      const Value low = (crc ^ static_cast<unsigned char>(*at)) & 0xFF;
      crc = static_cast<Value>(crc >> 8) ^ kTables[0][low];
    }
    return crc;
  }

#if defined(__x86_64__)
  static constexpr size_t kFoldBytesMin = 64;

  /// What moves 16 bytes on by `bits`. The product of two reflected words comes out one place too low, hence the - 1.
  static constexpr uint64_t low_factor(uint64_t bits) {
    return static_cast<uint64_t>(x_to(bits + 64 - 1)) << (64 - kBits);
  }
  static constexpr uint64_t high_factor(uint64_t bits) { return static_cast<uint64_t>(x_to(bits - 1)) << (64 - kBits); }

  __attribute__((target("pclmul,sse2"))) static __m128i moved(__m128i bytes, __m128i factors) {
    return _mm_xor_si128(_mm_clmulepi64_si128(bytes, factors, 0x00), _mm_clmulepi64_si128(bytes, factors, 0x11));
  }

  /// As `sliced`, for at least kFoldBytesMin bytes: four registers of 16 bytes are moved over the input and then joined; what they
  /// hold in the end is 16 bytes with the same remainder, which the tables finish.
  __attribute__((target("pclmul,sse2"))) static Value folded(Value crc, const char* at, size_t size) {
    constexpr uint64_t kFar[2] = {low_factor(512), high_factor(512)};
    constexpr uint64_t kNear[2] = {low_factor(128), high_factor(128)};
    const __m128i far = _mm_set_epi64x(static_cast<long long>(kFar[1]), static_cast<long long>(kFar[0]));
    const __m128i near = _mm_set_epi64x(static_cast<long long>(kNear[1]), static_cast<long long>(kNear[0]));
    const auto load = [](const char* p) __attribute__((target("pclmul,sse2"))) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    };
    __m128i lane[4];
    for (size_t i = 0; i < 4; ++i) lane[i] = load(at + 16 * i);
    lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, static_cast<long long>(static_cast<uint64_t>(crc))));
    at += 64, size -= 64;
    for (; size >= 64; size -= 64, at += 64) {
      for (size_t i = 0; i < 4; ++i) lane[i] = _mm_xor_si128(moved(lane[i], far), load(at + 16 * i));
    }
    for (size_t i = 1; i < 4; ++i) lane[i] = _mm_xor_si128(moved(lane[i - 1], near), lane[i]);
    __m128i last = lane[3];
    for (; size >= 16; size -= 16, at += 16) last = _mm_xor_si128(moved(last, near), load(at));
    char rest[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), last);
    return sliced(sliced(0, rest, sizeof rest), at, size);
  }
#endif

  /// The register after `bytes`, by the fastest way that this processor has.
  static Value fastest(Value crc, std::string_view bytes) {
#if defined(__x86_64__)
    if (bytes.size() >= kFoldBytesMin && __builtin_cpu_supports("pclmul")) {
      return folded(crc, bytes.data(), bytes.size());
    }
#endif
    return sliced(crc, bytes.data(), bytes.size());
  }
};

}  // namespace weir::crc

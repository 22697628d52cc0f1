// What no program on this machine can beat: bench_floor read|count|index FILE
//
//   read    read() in blocks of 128 KiB, nothing else: what the kernel takes
//   count   and count line ends outside of quotes (AVX2, carry-less multiply): the floor of J1
//   index   and write the place of each comma and line end outside of quotes: the floor of every job that needs fields
//
// Assumes RFC 4180: a quote inside of an unquoted field would be counted as one that opens. No product can.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>

namespace {

constexpr size_t kBlock = 128 << 10;
alignas(64) char g_block[kBlock + 64];
uint32_t g_index[kBlock + 64];

#define WEIR_FLOOR_TARGET __attribute__((target("avx2,pclmul,popcnt,bmi,bmi2")))

struct Half {
  __m256i low, high;
};

WEIR_FLOOR_TARGET inline uint64_t equal(Half block, char c) {
  const __m256i wanted = _mm256_set1_epi8(c);
  const auto low = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block.low, wanted)));
  const auto high = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block.high, wanted)));
  return low | static_cast<uint64_t>(high) << 32;
}

WEIR_FLOOR_TARGET inline uint64_t parity(uint64_t bits) {
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(bits)), _mm_set1_epi8(-1), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

template <bool kIndex>
WEIR_FLOOR_TARGET uint64_t scan(size_t size, uint64_t& inside) {
  for (size_t i = size; i < ((size + 63) & ~size_t{63}); ++i) g_block[i] = 0;
  uint64_t lines = 0;
  uint32_t count = 0;
  for (size_t at = 0; at < size; at += 64) {
    const char* p = g_block + at;
    const Half block = {_mm256_load_si256(reinterpret_cast<const __m256i*>(p)),
                        _mm256_load_si256(reinterpret_cast<const __m256i*>(p + 32))};
    const uint64_t quoted = parity(equal(block, '"')) ^ inside;
    inside = static_cast<uint64_t>(static_cast<int64_t>(quoted) >> 63);
    const uint64_t feeds = equal(block, '\n') & ~quoted;
    lines += static_cast<uint64_t>(__builtin_popcountll(feeds));
    if constexpr (kIndex) {
      uint64_t marks = feeds | (equal(block, ',') & ~quoted);
      const auto found = static_cast<uint32_t>(__builtin_popcountll(marks));
      for (uint32_t done = 0; done < found; done += 8) {  // eight at a time: what is too much is overwritten
#pragma GCC unroll 8
        for (uint32_t i = 0; i < 8; ++i, marks &= marks - 1) {
          g_index[count + done + i] = static_cast<uint32_t>(at) + static_cast<uint32_t>(_tzcnt_u64(marks));
        }
      }
      count += found;
    }
  }
  asm volatile("" ::"r"(g_index) : "memory");
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (mode != "read" && mode != "count" && mode != "index") {
    std::fputs("bench_floor read|count|index FILE\n", stderr);
    return 2;
  }
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("pclmul")) return 3;
  const int file = open(argv[2], O_RDONLY);
  if (file < 0) return std::perror(argv[2]), 1;
  uint64_t sum = 0;
  uint64_t inside = 0;
  for (;;) {
    size_t size = 0;  // whole blocks: the quote parity is carried from one multiple of 64 to the next
    for (ssize_t got = 1; size < kBlock && got > 0; size += static_cast<size_t>(got)) {
      got = read(file, g_block + size, kBlock - size);
      if (got < 0) return std::perror(argv[2]), 1;
    }
    if (size == 0) break;
    sum += mode == "read" ? size : mode == "count" ? scan<false>(size, inside) : scan<true>(size, inside);
    if (size < kBlock) break;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(mode == "read" ? sum : sum - 1));
  return 0;
}
#else
int main() { return 3; }  // TODO(port): NEON; ends when the aarch64 build measures
#endif

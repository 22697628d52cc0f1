#include "base/nearest_word.hpp"

#include <algorithm>
#include <cstdint>

namespace weir {

namespace {
constexpr size_t kWordMax = 64;
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
}  // namespace

unsigned word_distance(std::string_view a, std::string_view b) {
  if (a.size() > kWordMax || b.size() > kWordMax) return 99;
  uint8_t rows[3][kWordMax + 1] = {};
  uint8_t* before = rows[0];
  uint8_t* above = rows[1];
  uint8_t* row = rows[2];
  for (size_t j = 0; j <= b.size(); ++j) above[j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<uint8_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      int best = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        best = std::min(best, before[j - 2] + 1);
      }
      row[j] = static_cast<uint8_t>(best);
    }
    uint8_t* const oldest = before;
    before = above;
    above = row;
    row = oldest;
  }
  return above[b.size()];
}

bool is_nearer(std::string_view word, std::string_view candidate, unsigned& best) {
  const unsigned distance = word_distance(word, candidate);
  const auto near_enough = static_cast<unsigned>(std::max<size_t>(1, std::min(word.size(), candidate.size()) / 3));
  const bool nothing_in_common = distance >= std::max(word.size(), candidate.size());
  if (distance > near_enough || distance >= best || nothing_in_common) return false;
  best = distance;
  return true;
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> words) {
  std::string_view nearest;
  unsigned best = 99;
  for (const std::string_view candidate : words) {
    if (is_nearer(word, candidate, best)) nearest = candidate;
  }
  return nearest;
}

}  // namespace weir

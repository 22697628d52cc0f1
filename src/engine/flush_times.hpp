// FlushTimes: how long committing and saving took so far, from which the reserve before a deadline is learned. Constant memory, saved in
// the checkpoint: a short run profits from those before it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/state.hpp"

namespace weir {

class FlushTimes {
 public:
  void add(uint64_t ns) {
    uint32_t& count = counts_[bucket_of(ns)];
    if (count != ~uint32_t{0}) ++count;
  }
  /// The time that 99 of 100 flushes stayed within, rounded up by at most a quarter; 0 when there was none.
  [[nodiscard]] uint64_t p99_ns() const {
    uint64_t all = 0;
    for (const uint32_t count : counts_) all += count;
    if (all == 0) return 0;
    uint64_t above = all / 100;  // that may take longer
    for (size_t bucket = kBuckets; bucket-- > 0;) {
      if (counts_[bucket] > above) return upper_of(bucket);
      above -= counts_[bucket];
    }
    return 0;
  }

  static constexpr size_t kStateBytesMax = 4 * 128;
  void save(StateWriter& out) const {
    for (const uint32_t count : counts_) out.put(count);
  }
  bool load(StateReader& in) {
    for (uint32_t& count : counts_) count = in.get<uint32_t>();
    return in.ok();
  }

 private:
  // Four buckets for each power of two, from 16 us to an hour and more.
  static constexpr size_t kBuckets = 128;
  static constexpr unsigned kShift = 14;
  static size_t bucket_of(uint64_t ns) {
    const uint64_t scaled = std::max<uint64_t>(ns >> kShift, 4);
    const auto power = static_cast<size_t>(std::bit_width(scaled)) - 3;  // scaled >> power is 4..7
    return std::min(power * 4 + (scaled >> power) - 4, kBuckets - 1);
  }
  static uint64_t upper_of(size_t bucket) { return ((4 + bucket % 4 + 1) << (bucket / 4 + kShift)); }

  uint32_t counts_[kBuckets] = {};
};

}  // namespace weir

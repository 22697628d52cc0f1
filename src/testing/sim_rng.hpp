// SimRng: the one source of chance of a simulation. A seed gives the same numbers on every machine; fork() gives a
// stream of its own, so that what one part draws does not change what another one gets.
#pragma once

#include <cstdint>

namespace weir::testing {

class SimRng {
 public:
  explicit SimRng(uint64_t seed) {
    for (uint64_t& word : state_) word = splitmix(seed);
  }

  /// xoshiro256**
  uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// 0 .. end - 1; 0 for end 0.
  uint64_t below(uint64_t end) { return end == 0 ? 0 : next() % end; }
  /// first .. last
  uint64_t between(uint64_t first, uint64_t last) { return first + below(last - first + 1); }
  /// True in `share` of a hundred cases.
  bool percent(uint64_t share) { return below(100) < share; }
  SimRng fork() { return SimRng(next()); }

 private:
  static uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }
  static uint64_t splitmix(uint64_t& seed) {
    uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  uint64_t state_[4];
};

}  // namespace weir::testing

#include "io/system_clock.hpp"

#include <ctime>

namespace weir {
namespace {

uint64_t read_clock(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

uint64_t SystemClock::monotonic_ns() { return read_clock(CLOCK_BOOTTIME); }
uint64_t SystemClock::wall_ns() { return read_clock(CLOCK_REALTIME); }

}  // namespace weir

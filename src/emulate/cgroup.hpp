// A control group of its own for the function's processes: the wall around its memory, its share of a processor, and the freezer. Versions 1 and
// 2; groups that an emulator which was killed left behind are taken away when the next one starts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace weir::emulate {

class Cgroup {
 public:
  /// Nothing where there are no rights to have one that holds memory to `memory_bytes`; `why` says what was missing.
  static std::optional<Cgroup> make(uint64_t memory_bytes, std::string& why);

  Cgroup(Cgroup&& from) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;
  Cgroup(const Cgroup&) = delete;
  /// Nothing may run in it any more.
  ~Cgroup();

  /// Its share of one processor, in periods of 100 ms; above 1 of more than one. False where that can't be.
  bool limit_cpu(double share) const;
  [[nodiscard]] bool can_freeze() const { return !freezer_.empty(); }
  /// Where a process writes "0" to be in the group: from then on its memory counts.
  [[nodiscard]] std::vector<std::string> entries() const;
  [[nodiscard]] std::vector<pid_t> processes() const;
  /// How often a process was ended because the memory was full.
  [[nodiscard]] uint64_t memory_kills() const;
  /// False where it did not come to rest in reasonable time.
  bool freeze(bool on) const;

 private:
  Cgroup() = default;

  bool v2_ = false;
  std::string memory_;  ///< folder
  std::string cpu_;  ///< empty: none
  std::string freezer_;
};

}  // namespace weir::emulate

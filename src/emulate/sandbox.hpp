// Where the function's processes run: behind walls as those of Lambda, as far as this machine lets us build them. describe() says what stands.
//
//   memory   a cgroup; else RLIMIT_DATA at twice the size and the resident memory looked at again and again (sample)
//   CPU      memory / 1769 MB of one processor by the cgroup's quota, in periods of 100 ms, but a whole one during init, as Lambda gives it; else
//            no limit
//   freeze   the cgroup's freezer; else SIGSTOP to the process group
//   /tmp     see TmpFolder; at /tmp itself where mounts may be made and nothing that the function is given lies below /tmp
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/error.hpp"
#include "emulate/cgroup.hpp"
#include "emulate/tmp_folder.hpp"

namespace weir::emulate {

enum class WallKind : uint8_t { kAuto, kCgroup, kLimits };

struct SandboxOptions {
  uint32_t memory_mb = 128;  ///< MB of Lambda: MiB
  uint32_t tmp_mb = 512;
  WallKind walls = WallKind::kAuto;
  std::vector<std::string> words;  ///< program and arguments
  std::vector<std::string> environment;  ///< K=V; TMPDIR is added
  std::string folder;  ///< where it is started
};

class Sandbox {
 public:
  explicit Sandbox(const SandboxOptions& options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// W4010 where walls were demanded that can't be built.
  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] bool memory_by_cgroup() const { return cgroup_.has_value(); }
  /// Whether walls are held by looking at them: then call sample() every kSampleNs.
  static constexpr uint64_t kSampleNs = 20'000'000;
  [[nodiscard]] bool watched() const { return !cgroup_ || !tmp_.walled(); }

  /// Starts the program. Not while one runs. Nothing, or the errno of exec.
  int start();
  [[nodiscard]] bool running() const { return pid_ > 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The status of waitpid when the program ended; whatever it left running is ended, too.
  std::optional<int> take_exit();
  /// SIGKILL to all of it; take_exit() follows.
  void kill();
  void freeze(bool on);
  /// At least one processor, or the share of its size alone.
  void whole_cpu(bool on);

  enum class Breach : uint8_t { kNone, kMemory, kTmp };
  /// Looks at the walls that are watched, and at the peak.
  Breach sample();
  /// The most memory that its processes had resident, as far as seen. Of the present program and those before.
  [[nodiscard]] uint64_t peak_bytes() const { return peak_bytes_; }
  /// Whether the system ended a process for want of memory since the start.
  [[nodiscard]] bool out_of_memory() const;

 private:
  [[nodiscard]] std::vector<pid_t> processes() const;
  [[noreturn]] void become(int errno_pipe) const;

  SandboxOptions options_;
  Status status_;
  std::string why_no_cgroup_;
  TmpFolder tmp_;
  std::optional<Cgroup> cgroup_;
  bool at_tmp_ = false;
  // What the child needs after fork, when nothing may be allocated.
  std::vector<std::string> entries_;
  std::vector<char*> argument_list_;
  std::vector<char*> environment_list_;
  pid_t pid_ = -1;
  bool limits_cpu_ = false;
  bool frozen_ = false;
  bool stopped_for_memory_ = false;
  uint64_t peak_bytes_ = 0;
  uint64_t kills_before_ = 0;
  unsigned samples_ = 0;
};

}  // namespace weir::emulate

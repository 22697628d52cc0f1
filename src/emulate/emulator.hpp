// The emulator: events, the function behind its walls, the Invoke API and S3 out of folders, in one loop.
#pragma once

#include <string>
#include <vector>

#include "emulate/report_line.hpp"
#include "emulate/s3_folder.hpp"

namespace weir::emulate {

struct EmulatorOptions {
  std::vector<std::string> words;  ///< the bootstrap and its arguments; none: only folders are served
  std::vector<std::string> events;  ///< as make_event takes them
  std::vector<std::string> maps;  ///< s3://bucket=folder
  std::vector<std::string> environment;  ///< K=V of the user
  std::vector<uint32_t> memory_mb = {128};  ///< more than one: a sweep
  std::string name = "function";
  std::string region = "us-east-1";
  std::string task_root;  ///< empty: the bootstrap's folder
  std::string listen;  ///< host:port; empty: no clients but the function itself
  uint64_t timeout_ns = 3'000'000'000;
  uint64_t init_timeout_ns = 10'000'000'000;
  uint64_t kill_at_ns = ~uint64_t{0};
  uint64_t repeat = 1;
  unsigned continue_max = 0;
  uint32_t tmp_mb = 512;
  WallKind walls = WallKind::kAuto;
  Arch arch = Arch::kX86;
  bool async = false;
  bool duplicate = false;
  bool allow_loops = false;
  bool json = false;
};

inline constexpr unsigned kRetriesMax = 2;  ///< of an asynchronous invocation
inline constexpr unsigned kChainMax = 16;  ///< invocations of one trace, then the loop is cut
inline constexpr int kExitFailed = 1;

/// Runs to the end: 0 when all invocations succeeded, kExitFailed when not, 11 when a signal ended it before. `caller`: the environment whose AWS_
/// variables are handed on. Results go to stdout, all else to stderr.
Result<int> emulate(const EmulatorOptions& options, char** caller);

/// The environment that Lambda gives a custom runtime, with the caller's AWS_ variables and then the user's on top.
std::vector<std::string> function_environment(const EmulatorOptions& options, uint32_t memory_mb,
                                              const std::string& runtime_api, const std::string& public_url,
                                              const std::string& task_root, char** caller);

}  // namespace weir::emulate

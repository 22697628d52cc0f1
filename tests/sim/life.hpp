// Life: one job's runs on one machine, from its first to DONE, with what chance does to them.
//
// Phase one: some runs, each with one fault or more. Phase two: no more faults; the job must get to DONE in few runs.
// After every run and every crash the laws are looked at; at DONE the bytes, the rejects and the counters are held
// against what the workload expects, and the stored bytes against those of a run that nobody disturbed.
#pragma once

#include <array>
#include <string>

#include "workload.hpp"

namespace weir::sim {

enum class FaultKind : uint8_t {
#define X(name) k_##name,
#include "faults.def"
#undef X
  kCount,
};
inline constexpr size_t kFaultKinds = static_cast<size_t>(FaultKind::kCount);
const char* fault_name(FaultKind kind);

struct Tally {
  std::array<uint64_t, kFaultKinds> faults{};
  uint64_t runs = 0;
  uint64_t calls = 0;
  std::array<uint64_t, 256> exits{};
};

struct Verdict {
  std::string failure;  ///< empty: none
  std::string story;  ///< what happened, a line for each run
  uint64_t trace = 0;
};

Verdict live(uint64_t seed, Tally& tally);

}  // namespace weir::sim

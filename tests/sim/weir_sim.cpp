// weir_sim: lives of jobs on a simulated machine, one for each seed. docs/testing.md tells how to use it.
//
//   weir_sim --seeds N [--from N]   a campaign; fails when a life went wrong, or when a kind of fault never struck
//   weir_sim --seed N               one life, told
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "life.hpp"

namespace {

using namespace weir::sim;

uint64_t current_seed = 0;

[[noreturn]] void on_assert(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "weir_sim: assertion %s at %s:%d\n  replay: weir_sim --seed %" PRIu64 "\n", expression, file,
               line, current_seed);
  std::abort();
}

constexpr uint64_t kFailuresMax = 10;
constexpr uint64_t kTwiceEvery = 100;  ///< one seed in so many is lived twice, and must be lived the same

struct Report {
  Tally tally;
  uint64_t seeds = 0;
  uint64_t failures = 0;
};

bool live_one(uint64_t seed, Report& report, bool told) {
  current_seed = seed;
  Verdict verdict = live(seed, report.tally);
  ++report.seeds;
  if (verdict.failure.empty() && seed % kTwiceEvery == 0) {
    Tally ignored;
    if (live(seed, ignored).trace != verdict.trace) verdict.failure = "the same seed was lived in two ways";
  }
  if (told) std::printf("seed %" PRIu64 "\n%s", seed, verdict.story.c_str());
  if (verdict.failure.empty()) {
    if (told) std::printf("  good, trace %016" PRIx64 "\n", verdict.trace);
    return true;
  }
  ++report.failures;
  std::printf("FAILED: %s\n  replay: weir_sim --seed %" PRIu64 "\n", verdict.failure.c_str(), seed);
  std::fflush(stdout);
  return false;
}

// Seeds first, first + step, ... below end. Stops after some failures.
void live_many(uint64_t first, uint64_t end, uint64_t step, Report& report) {
  for (uint64_t seed = first; seed < end && report.failures < kFailuresMax; seed += step) live_one(seed, report, false);
}

void add(Report& sum, const Report& part) {
  sum.seeds += part.seeds;
  sum.failures += part.failures;
  sum.tally.runs += part.tally.runs;
  sum.tally.calls += part.tally.calls;
  for (size_t i = 0; i < part.tally.faults.size(); ++i) sum.tally.faults[i] += part.tally.faults[i];
  for (size_t i = 0; i < part.tally.exits.size(); ++i) sum.tally.exits[i] += part.tally.exits[i];
}

bool campaign(uint64_t from, uint64_t seeds, unsigned processes, Report& sum) {
  bool good = true;
  std::vector<int> pipes;
  for (unsigned i = 0; i < processes; ++i) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    if (fork() == 0) {
      close(ends[0]);
      Report report;
      live_many(from + i, from + seeds, processes, report);
      std::fflush(stdout);
      const auto* bytes = reinterpret_cast<const char*>(&report);
      for (size_t at = 0; at < sizeof report;) {
        const ssize_t size = write(ends[1], bytes + at, sizeof report - at);
        if (size <= 0) _exit(1);
        at += static_cast<size_t>(size);
      }
      _exit(0);
    }
    close(ends[1]);
    pipes.push_back(ends[0]);
  }
  for (const int end : pipes) {
    Report report;
    size_t at = 0;
    while (at < sizeof report) {
      const ssize_t size = read(end, reinterpret_cast<char*>(&report) + at, sizeof report - at);
      if (size <= 0) break;
      at += static_cast<size_t>(size);
    }
    close(end);
    if (at == sizeof report)
      add(sum, report);
    else
      good = false;
  }
  int status = 0;
  while (wait(&status) > 0) good = good && status == 0;
  return good && sum.failures == 0;
}

bool print(const Report& report, bool every_kind) {
  std::printf("%" PRIu64 " seeds, %" PRIu64 " runs, %" PRIu64 " calls of the disk, %" PRIu64 " failures\n",
              report.seeds, report.tally.runs, report.tally.calls, report.failures);
  std::printf("exits:");
  for (size_t i = 0; i < report.tally.exits.size(); ++i) {
    if (report.tally.exits[i] != 0) std::printf(" %zu x %" PRIu64, i, report.tally.exits[i]);
  }
  std::printf("\n");
  bool all = true;
  for (size_t i = 0; i < kFaultKinds; ++i) {
    const uint64_t times = report.tally.faults[i];
    std::printf("  %-30s %12" PRIu64 "%s\n", fault_name(static_cast<FaultKind>(i)), times,
                times == 0 && every_kind ? "  NEVER" : "");
    all = all && times != 0;
  }
  if (!all && every_kind) std::printf("FAILED: a kind of fault never struck\n");
  return all || !every_kind;
}

}  // namespace

int main(int count, char** words) {
  uint64_t from = 1;
  uint64_t seeds = 0;
  bool one = false;
  unsigned processes = 1;
  for (int i = 1; i < count; i += 2) {
    const char* value = i + 1 < count ? words[i + 1] : nullptr;
    char* end = nullptr;
    const uint64_t number = value != nullptr ? std::strtoull(value, &end, 10) : 0;
    const bool sound = value != nullptr && end != value && *end == 0;
    if (sound && std::strcmp(words[i], "--seed") == 0)
      one = true, from = number;
    else if (sound && std::strcmp(words[i], "--seeds") == 0)
      seeds = number;
    else if (sound && std::strcmp(words[i], "--from") == 0)
      from = number;
    else if (sound && number != 0 && std::strcmp(words[i], "--processes") == 0)
      processes = static_cast<unsigned>(number);
    else
      seeds = 0, one = false, count = 0;
  }
  if (seeds == 0 && !one) {
    std::fprintf(stderr, "usage: weir_sim --seed N | --seeds N [--from N] [--processes N]\n");
    return 2;
  }
  weir::set_assert_handler(on_assert);
  Report report;
  if (one) return live_one(from, report, true) ? 0 : 1;
  const bool good = campaign(from, seeds, processes, report);
  const bool fired = print(report, true);
  return good && fired ? 0 : 1;
}

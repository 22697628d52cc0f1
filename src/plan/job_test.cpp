#include "plan/job.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_wakeup.hpp"
#include "plan/spec.hpp"

namespace weir {
namespace {

// An empty gzip member: what is read needs a decoder, so spare memory has a use.
constexpr std::string_view kGzip("\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0", 20);

class JobPlan : public ::testing::Test {
 public:
  ~JobPlan() override { std::filesystem::remove_all(folder_); }

 protected:
  JobPlan() {
    char name[] = "/tmp/weir_job_XXXXXX";
    folder_ = mkdtemp(name);
    std::ofstream(folder_ + "/in.csv.gz", std::ios::binary) << kGzip;
  }

  Budget plan(uint64_t memory, Host host = Host::kLibrary) {
    Config config;
    config.input.from = {folder_ + "/in.csv.gz"};
    config.input.format = FormatChoice::kCsv;
    config.query = "SELECT * FROM input";
    config.output.to = folder_ + "/out.csv";
    config.memory = memory;
    Job job(clock_, wakeup_, disk_, host, nullptr);
    const Status prepared = job.prepare(std::move(config));
    EXPECT_TRUE(prepared) << prepared.error().detail.view();
    EXPECT_EQ(job.fits(), job.budget().needed() <= memory);
    return job.budget();
  }

  std::string folder_;
  SystemClock clock_;
  SystemWakeup wakeup_{clock_};
  SystemDisk disk_;
};

TEST_F(JobPlan, spare_memory_never_takes_the_plan_past_the_budget) {
  const uint64_t needed = plan(uint64_t{1} << 30).needed();
  bool spare = false;
  for (uint64_t memory = needed; memory < needed + (uint64_t{1} << 20); memory += 4096) {
    const Budget budget = plan(memory);
    EXPECT_EQ(budget.needed(), needed);
    EXPECT_LE(budget.total(), memory);
    spare = spare || budget.total() > needed;
  }
  EXPECT_TRUE(spare) << "no budget was large enough to see";
}

TEST_F(JobPlan, a_process_counts_what_is_there_before_the_work) {
  for (const std::string_view name : {"program image", "set-up", "libc", "stack", "page tables"}) {
    bool found = false;
    for (const BudgetLine& line : plan(48u << 20, Host::kProcess).lines()) {
      found = found || (line.name == name && line.kind == LineKind::kProcess && line.bytes >= 4096);
    }
    EXPECT_TRUE(found) << name;
  }
}

}  // namespace
}  // namespace weir

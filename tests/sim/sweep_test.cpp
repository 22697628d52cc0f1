// Every place once: a job is stopped at each look of the driver, crashes or meets a failure at each call of the disk,
// and goes on from there.
#include <cerrno>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "testing/sim_disk.hpp"
#include "testing/sim_time.hpp"

namespace weir::sim {
namespace {

using testing::DiskCall;
using testing::DiskFault;
using testing::DiskOp;
using testing::SimClock;
using testing::SimDisk;
using testing::SimRng;
using testing::SimWakeup;

using Files = std::map<std::string, std::string>;

struct Shape {
  std::string query = "SELECT * FROM input";
  Files inputs;
  bool folder = false;
  IfExists if_exists = IfExists::kFail;
};

struct Ran {
  Status status;
  uint64_t looks = 0;
  uint64_t calls = 0;
  DiskOp struck = DiskOp::kClose;  ///< the call with the fault
  bool already_done = false;
  bool already_there = false;
};

class World {
 public:
  World(const Shape& shape, uint64_t seed) : shape_(shape), disk_(clock_, SimRng(seed), 1'000'000) {
    for (const auto& [path, text] : shape.inputs) disk_.put(path, text);
  }

  Ran run(uint64_t stop_at = kNever, uint64_t fault_at = kNever, DiskFault fault = {}, bool restart = false) {
    Config config;
    config.memory = 64u << 20;
    for (const auto& [path, text] : shape_.inputs) config.input.from.push_back(path);
    config.input.format = FormatChoice::kCsv;
    config.input.record_max = 1024;
    config.input.window = 4096;
    config.input.columns_max = 8;
    config.input.header_bytes_max = 256;
    config.query = shape_.query;
    config.output.to = shape_.folder ? "out/{batch}.csv" : "out/all.csv";
    config.output.format = OutputFormat::kCsv;
    config.output.unit = 4096;
    config.batch.records = shape_.folder ? 40 : 0;
    config.output.if_exists = shape_.if_exists;
    config.rejects.to = "out/rejects";
    config.checkpoint.every_ns = 0;
    config.checkpoint.restart = restart;
    const int process = disk_.new_process();
    Ran ran;
    disk_.faults = [&](const DiskCall& call) {
      if (call.number != fault_at) return DiskFault{};
      ran.struck = call.op;
      return fault;
    };
    SimWakeup wakeup(clock_);
    wakeup.stop_at_look(stop_at);
    {
      Job job(clock_, wakeup, disk_, Host::kProcess, nullptr);
      ran.status = job.prepare(config);
      if (ran.status) ran.status = job.build();
      ran.already_done = job.skipped() == "already_done";
      ran.already_there = job.skipped() == "already_there";
      if (ran.status && job.skipped().empty()) {
        const Outcome outcome = job.run({}, nullptr);
        unseal();
        if (outcome.ending == Ending::kCheckpointed) ran.status = fail(Code::kCheckpointed);
        if (outcome.ending == Ending::kFailed) ran.status = fail(outcome.error);
        counters = job.counters();
      }
    }
    disk_.enter(process);
    ran.looks = wakeup.looks();
    ran.calls = disk_.calls();
    disk_.faults = nullptr;
    return ran;
  }

  void erase(const std::string& path) { disk_.erase(path); }
  void put(const std::string& path, std::string text) {
    clock_.pass(2'000'000'000);
    disk_.put(path, std::move(text));
  }

  [[nodiscard]] Files output() const {
    Files files;
    for (const std::string& name : disk_.names()) {
      const bool shown = name.ends_with(".csv") || name.ends_with("rejects");
      if (name.starts_with("out/") && shown) files[name] = *disk_.content(name);
    }
    return files;
  }

  Counters counters;

 private:
  Shape shape_;
  SimClock clock_;
  SimDisk disk_;
};

std::string records(uint64_t first, uint64_t count) {
  std::string text;
  for (uint64_t i = first; i < first + count; ++i) {
    text += std::to_string(i) + ",name of " + std::to_string(i) + (i % 37 == 0 ? "\n" : ",a note\n");
  }
  return text;
}

std::string oversize(uint64_t bytes) { return "0,large," + std::string(bytes, 'z') + "\n"; }

Shape several_inputs() {
  return {.inputs = {{"in/a", "id,name,note\n" + records(1, 300)},
                     {"in/b", "id,name,note\n"},
                     {"in/c", "id,name,note\n" + records(301, 250)}}};
}

// Longer than a unit's input: checkpoints stand within them and right behind them, also before anything is written.
Shape oversize_records() {
  const std::string first = oversize(60'000) + records(1, 100) + oversize(40'000) + oversize(20'000);
  return {
      .inputs = {{"in/a", "id,name,note\n" + first}, {"in/b", "id,name,note\n" + oversize(50'000) + records(101, 40)}}};
}

// Stopped at the n-th look, for every n, and once more soon after.
void stop_everywhere(const Shape& shape) {
  World undisturbed(shape, 0);
  const Ran usual = undisturbed.run();
  ASSERT_TRUE(usual.status) << usual.status.error().detail.view();
  const Files expected = undisturbed.output();
  for (uint64_t look = 0; look <= usual.looks; ++look) {
    for (const uint64_t again : {uint64_t{0}, uint64_t{1}, uint64_t{3}, kNever}) {
      World world(shape, look);
      for (const uint64_t stop_at : {look, again, kNever}) {
        const Ran ran = world.run(stop_at);
        const Code code = ran.status ? Code::kCheckpointed : ran.status.error().code;
        ASSERT_EQ(code, Code::kCheckpointed) << "look " << look << ", then " << again;
        if (!ran.status) continue;
        ASSERT_EQ(world.counters.read, undisturbed.counters.read) << "look " << look << ", then " << again;
        ASSERT_EQ(world.counters.rejected, undisturbed.counters.rejected) << "look " << look << ", then " << again;
        break;
      }
      ASSERT_EQ(world.output(), expected) << "look " << look << ", then " << again;
    }
  }
}

void crash_everywhere(const Shape& shape, DiskFault::Kind kind, bool power) {
  World undisturbed(shape, 0);
  const Ran usual = undisturbed.run();
  ASSERT_TRUE(usual.status) << usual.status.error().detail.view();
  const Files expected = undisturbed.output();
  DiskFault crash;
  crash.kind = kind;
  crash.power = power;
  for (uint64_t call = 0; call < usual.calls; ++call) {
    World world(shape, call);
    (void)world.run(kNever, call, crash);
    for (const auto& [name, text] : world.output())
      ASSERT_EQ(text, expected.at(name)) << "call " << call << ": " << name;
    const Ran done = world.run();
    ASSERT_TRUE(done.status) << "call " << call << ": " << done.status.error().detail.view();
    ASSERT_EQ(world.output(), expected) << "call " << call;
  }
}

void crash_everywhere(const Shape& shape) {
  using Kind = DiskFault::Kind;
  for (const Kind kind : {Kind::kBefore, Kind::kMidway, Kind::kAfter}) {
    for (const bool power : {false, true}) crash_everywhere(shape, kind, power);
  }
}

// The call of each number fails once, in a run that goes on where one was stopped half way.
void fail_everywhere(const Shape& shape) {
  World undisturbed(shape, 0);
  const Ran usual = undisturbed.run();
  const Files expected = undisturbed.output();
  World stopped(shape, 0);
  (void)stopped.run(usual.looks / 2);
  const uint64_t calls = stopped.run().calls;
  DiskFault failure;
  failure.kind = DiskFault::Kind::kError;
  failure.error = EIO;
  for (uint64_t call = 0; call < calls; ++call) {
    World world(shape, call);
    (void)world.run(usual.looks / 2);
    const Ran failed = world.run(kNever, call, failure);
    const Exit exit = failed.status ? Exit::kUnavailable : failed.status.error().exit();
    const Exit allowed = failed.struck == DiskOp::kReadable ? Exit::kAuth : Exit::kUnavailable;
    ASSERT_EQ(exit, allowed) << "call " << call << ", " << testing::disk_op_name(failed.struck) << ": "
                             << failed.status.error().detail.view();
    const Ran done = world.run();
    ASSERT_TRUE(done.status) << "call " << call << ", " << testing::disk_op_name(failed.struck) << ": "
                             << done.status.error().detail.view();
    ASSERT_EQ(world.output(), expected) << "call " << call;
  }
}

TEST(Sweep, a_stop_at_any_batch_of_several_inputs_is_gone_on_from) { stop_everywhere(several_inputs()); }

TEST(Sweep, a_stop_within_and_right_behind_oversize_records_gives_each_one_fate) {
  stop_everywhere(oversize_records());
}

TEST(Sweep, a_stop_of_aggregates_and_of_a_limit_is_gone_on_from) {
  Shape shape = several_inputs();
  shape.query = "SELECT COUNT(*) AS n, SUM(CAST(id AS INT)) AS total FROM input";
  stop_everywhere(shape);
  shape.query = "SELECT id FROM input LIMIT 333";
  stop_everywhere(shape);
}

TEST(Sweep, a_crash_at_any_call_of_a_file_output_is_gone_on_from) { crash_everywhere(several_inputs()); }

TEST(Sweep, a_crash_at_any_call_among_oversize_records_gives_each_one_fate) { crash_everywhere(oversize_records()); }

TEST(Sweep, a_crash_at_any_call_of_a_folder_output_is_gone_on_from) {
  Shape shape = several_inputs();
  shape.folder = true;
  crash_everywhere(shape);
}

// Begun anew where an earlier run was killed, and killed at any call of that. The next run needs not be told to begin anew once more: it goes on with
// whatever it finds.
void restart_everywhere(const Shape& shape, uint64_t first_cut) {
  World undisturbed(shape, 0);
  (void)undisturbed.run();
  const Files expected = undisturbed.output();
  DiskFault kill;
  kill.kind = DiskFault::Kind::kBefore;
  for (const bool power : {false, true}) {
    for (uint64_t call = 0;; ++call) {
      World world(shape, call);
      (void)world.run(kNever, first_cut, kill);
      DiskFault crash = kill;
      crash.power = power;
      const Ran restarted = world.run(kNever, call, crash, true);
      const Ran done = world.run();
      ASSERT_TRUE(done.status) << "cut at " << first_cut << ", begun anew and cut at " << call << ": "
                               << done.status.error().detail.view();
      ASSERT_EQ(world.output(), expected) << "cut at " << first_cut << ", begun anew and cut at " << call;
      if (restarted.calls <= call) break;
    }
  }
}

void restart_everywhere(const Shape& shape) {
  World undisturbed(shape, 0);
  const uint64_t calls = undisturbed.run().calls;
  // In the middle, and where all is done but for the showing or the saying so.
  for (const uint64_t cut : {calls / 2, calls - 16, calls - 12, calls - 8, calls - 6, calls - 4})
    restart_everywhere(shape, cut);
}

TEST(Sweep, a_restart_that_is_killed_at_any_call_knows_the_jobs_own_file) { restart_everywhere(several_inputs()); }

TEST(Sweep, a_restart_that_is_killed_at_any_call_knows_the_jobs_own_folder) {
  Shape shape = several_inputs();
  shape.folder = true;
  restart_everywhere(shape);
}

TEST(Sweep, an_output_of_which_the_last_file_was_taken_away_is_not_done_and_made_again) {
  Shape shape = several_inputs();
  for (const bool folder : {false, true}) {
    shape.folder = folder;
    World world(shape, 0);
    ASSERT_TRUE(world.run().status);
    const Files expected = world.output();
    ASSERT_TRUE(world.run().already_done);
    std::string last;
    for (const auto& [name, text] : expected) {
      if (name.ends_with(".csv")) last = name;
    }
    world.erase(last);
    const Ran again = world.run();
    ASSERT_TRUE(again.status) << again.status.error().detail.view();
    EXPECT_FALSE(again.already_done);
    EXPECT_EQ(world.output(), expected);
    ASSERT_TRUE(world.run().already_done);
  }
}

TEST(Sweep, a_job_that_was_done_and_is_begun_anew_for_another_input_can_be_stopped_anywhere) {
  Shape shape = several_inputs();
  shape.if_exists = IfExists::kReplace;
  Shape other = shape;
  other.inputs["in/a"] = "id,name,note\n" + records(5000, 200);
  World whole(other, 0);
  const Ran usual = whole.run();
  ASSERT_TRUE(usual.status);
  for (uint64_t look = 0; look <= usual.looks; ++look) {
    World world(shape, 0);
    ASSERT_TRUE(world.run().status);
    world.put("in/a", other.inputs["in/a"]);
    const Ran stopped = world.run(look);
    ASSERT_FALSE(stopped.already_done);
    const Ran done = world.run();
    ASSERT_TRUE(done.status) << "look " << look << ": " << done.status.error().detail.view();
    ASSERT_EQ(world.output(), whole.output()) << "look " << look;
    ASSERT_TRUE(world.run().already_done) << "look " << look;
  }
}

TEST(Sweep, a_folder_that_is_not_done_is_no_output_that_is_there_to_be_skipped) {
  Shape shape = several_inputs();
  shape.folder = true;
  shape.if_exists = IfExists::kSkip;
  crash_everywhere(shape, DiskFault::Kind::kBefore, false);
  crash_everywhere(shape, DiskFault::Kind::kAfter, true);
  World world(shape, 0);
  ASSERT_TRUE(world.run().status);
  EXPECT_TRUE(world.run().already_there);
  // Whatever was read meanwhile.
  world.put("in/a", "id,name,note\n");
  EXPECT_TRUE(world.run().already_there);
  world.erase("out/{batch}.csv.weir");
  EXPECT_TRUE(world.run().already_there);
}

TEST(Sweep, any_call_that_fails_once_leaves_a_job_that_goes_on) {
  fail_everywhere(several_inputs());
  fail_everywhere(oversize_records());
}

TEST(Sweep, any_call_of_a_folder_output_that_fails_once_leaves_a_job_that_goes_on) {
  Shape shape = several_inputs();
  shape.folder = true;
  fail_everywhere(shape);
}

}  // namespace
}  // namespace weir::sim

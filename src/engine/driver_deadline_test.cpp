// Stops in time: the deadline, its reserve and what is learned of it, on a clock that only the test moves.
#include <string>

#include <gtest/gtest.h>

#include "testing/job_testing.hpp"

namespace weir {
namespace {

using testing::TestJob;
using testing::TestRunner;
using testing::TestWorld;
using testing::VirtualClock;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;

std::string csv(size_t rows) {
  std::string text = "id,amount\n";
  for (size_t i = 0; i < rows; ++i)
    text += std::to_string(i) + (i % 9 == 4 ? ",bad\n" : "," + std::to_string(i * 7) + "\n");
  return text;
}

// Each read of the source takes time, and so does each commit.
struct Timed {
  uint64_t read_ns = 50 * kMs;
  uint64_t commit_ns = 10 * kMs;
  uint64_t begun_ns = 0;
  uint64_t commit_begun_ns = 0;  ///< the last one
  uint64_t commit_ended_ns = 0;

  Outcome run(const TestJob& job, TestWorld& world, VirtualClock& clock, uint64_t deadline_ns, TestRunner*& last) {
    runner = std::make_unique<TestRunner>(job, world, clock);
    last = runner.get();
    runner->source.cut = [&](size_t, size_t room) {
      clock.advance(read_ns);
      return std::min<size_t>(room, 4096);
    };
    runner->sink.on_commit = [&] {
      commit_begun_ns = clock.monotonic_ns();
      clock.advance(commit_ns);
      commit_ended_ns = clock.monotonic_ns();
    };
    begun_ns = clock.monotonic_ns();
    const auto begun = runner->begin();
    EXPECT_TRUE(begun);
    Deadline deadline;
    if (deadline_ns != 0) deadline.at_ns = begun_ns + deadline_ns;
    return runner->run(deadline);
  }
  std::unique_ptr<TestRunner> runner;
};

TestJob job_of(size_t rows) {
  TestJob job;
  job.inputs = {csv(rows)};
  job.query = "SELECT id, CAST(amount AS INT) AS amount FROM input";
  job.reader.window_bytes = 8192;
  job.reader.record_bytes_max = 1024;
  job.checkpoint.every_ns = 10 * kSecond;
  return job;
}

std::string whole_text(const TestJob& job) {
  TestWorld world;
  VirtualClock clock;
  TestRunner runner(job, world, clock);
  EXPECT_TRUE(runner.begin());
  EXPECT_EQ(runner.run().ending, Ending::kDone);
  return world.text();
}

TEST(Deadline, the_run_stops_before_the_deadline_by_its_reserve_and_has_committed_by_then) {
  const TestJob job = job_of(100'000);
  TestWorld world;
  VirtualClock clock;
  Timed timed;
  TestRunner* run = nullptr;
  const Outcome outcome = timed.run(job, world, clock, 15 * kSecond, run);
  EXPECT_EQ(outcome.ending, Ending::kCheckpointed);
  // 2 s is less than a fifth of 15 s, and 3 x 10 ms is less than both.
  EXPECT_GE(timed.commit_begun_ns - timed.begun_ns, 13 * kSecond);
  EXPECT_LE(timed.commit_begun_ns - timed.begun_ns, 13 * kSecond + timed.read_ns);
  EXPECT_LT(timed.commit_ended_ns, timed.begun_ns + 15 * kSecond);
  EXPECT_GT(run->counters.read, 0u);
  EXPECT_LT(run->counters.read, 100'000u);
}

TEST(Deadline, slow_commits_are_learned_within_a_run_and_by_the_next_one) {
  TestJob job = job_of(200'000);
  job.checkpoint.every_ns = kSecond;
  TestWorld world;
  VirtualClock clock;
  Timed timed;
  timed.read_ns = 500 * kMs;
  timed.commit_ns = 3 * kSecond;
  TestRunner* run = nullptr;
  EXPECT_EQ(timed.run(job, world, clock, 60 * kSecond, run).ending, Ending::kCheckpointed);
  const uint64_t p99 = run->checkpointer->flush_times().p99_ns();
  EXPECT_GE(p99, 3 * kSecond);
  EXPECT_LE(p99, 3 * kSecond * 5 / 4);
  EXPECT_EQ(run->checkpointer->reserve_ns(60 * kSecond), 3 * p99);
  EXPECT_GE(timed.commit_begun_ns - timed.begun_ns, 60 * kSecond - 3 * p99);
  EXPECT_LE(timed.commit_ended_ns, timed.begun_ns + 60 * kSecond);
  // The next one knows before it has committed anything.
  timed.commit_begun_ns = 0;
  job.checkpoint.every_ns = 100 * kSecond;
  EXPECT_EQ(timed.run(job, world, clock, 60 * kSecond, run).ending, Ending::kCheckpointed);
  EXPECT_GE(timed.commit_begun_ns - timed.begun_ns, 60 * kSecond - 3 * p99);
  EXPECT_LE(timed.commit_begun_ns - timed.begun_ns, 60 * kSecond - 3 * p99 + timed.read_ns);
  EXPECT_LE(timed.commit_ended_ns, timed.begun_ns + 60 * kSecond);
}

TEST(Deadline, the_reserve_has_a_floor_a_ceiling_and_leaves_half_of_the_time) {
  TestWorld world;
  VirtualClock clock;
  std::vector<char> room(4096);
  const auto reserve = [&](CheckpointOptions options, uint64_t flush_ns, uint64_t given_ns) {
    Checkpointer checkpointer(world.store, room, clock, options);
    if (flush_ns != 0) checkpointer.flush_times().add(flush_ns);
    return checkpointer.reserve_ns(given_ns);
  };
  EXPECT_EQ(reserve({}, 0, 900 * kSecond), 2 * kSecond);
  EXPECT_EQ(reserve({}, 0, 5 * kSecond), kSecond) << "a fifth, where that is less";
  EXPECT_EQ(reserve({.reserve_min_ns = 5 * kSecond}, 0, 900 * kSecond), 5 * kSecond);
  EXPECT_EQ(reserve({.reserve_min_ns = 5 * kSecond}, 0, 4 * kSecond), 2 * kSecond) << "never more than half";
  EXPECT_GE(reserve({}, 4 * kSecond, 900 * kSecond), 12 * kSecond);
  EXPECT_LE(reserve({}, 4 * kSecond, 900 * kSecond), 15 * kSecond);
  EXPECT_EQ(reserve({}, 4 * kSecond, 20 * kSecond), 10 * kSecond);
  EXPECT_EQ(reserve({}, 100 * kSecond, 900 * kSecond), 60 * kSecond) << "the ceiling";
  EXPECT_EQ(reserve({.reserve_max_ns = 7 * kSecond}, 100 * kSecond, 900 * kSecond), 7 * kSecond);
  EXPECT_EQ(reserve({}, 4 * kSecond, 0), 0u);
}

TEST(Deadline, p99_is_of_the_flushes_and_one_in_a_hundred_may_be_slower) {
  FlushTimes times;
  EXPECT_EQ(times.p99_ns(), 0u);
  for (int i = 0; i < 99; ++i) times.add(10 * kMs);
  EXPECT_GE(times.p99_ns(), 10 * kMs);
  EXPECT_LE(times.p99_ns(), 10 * kMs * 5 / 4);
  times.add(5 * kSecond);
  EXPECT_LE(times.p99_ns(), 10 * kMs * 5 / 4) << "one in a hundred";
  times.add(5 * kSecond);
  EXPECT_GE(times.p99_ns(), 5 * kSecond) << "two in a hundred and one";
  for (const uint64_t ns : {uint64_t{0}, uint64_t{1}, uint64_t{20'000}, kSecond, 3600 * kSecond}) {
    FlushTimes one;
    one.add(ns);
    EXPECT_GE(one.p99_ns(), ns);
    EXPECT_LE(one.p99_ns(), std::max<uint64_t>(ns * 5 / 4, 100'000));
  }
  FlushTimes longest;
  longest.add(~uint64_t{0});
  EXPECT_GT(longest.p99_ns(), 3600 * kSecond);
}

TEST(Deadline, two_seconds_with_slow_commits_get_there_in_the_end) {
  const TestJob job = job_of(20'000);
  const std::string expected = whole_text(job);
  TestWorld world;
  VirtualClock clock;
  Timed timed;
  timed.read_ns = 200 * kMs;
  timed.commit_ns = 900 * kMs;
  int runs = 0;
  uint64_t progress = 0;
  for (;; ++runs) {
    ASSERT_LT(runs, 100);
    TestRunner* run = nullptr;
    const Outcome outcome = timed.run(job, world, clock, 2 * kSecond, run);
    ASSERT_NE(outcome.ending, Ending::kFailed) << outcome.error.detail.view();
    if (outcome.ending == Ending::kDone) break;
    ASSERT_EQ(outcome.ending, Ending::kCheckpointed);
    CheckpointReader saved;
    ASSERT_TRUE(saved.parse(world.store.bytes, {}));
    EXPECT_GT(saved.head().progress, progress) << "run " << runs;
    progress = saved.head().progress;
    EXPECT_EQ(saved.head().idle_runs, 0u);
  }
  EXPECT_GT(runs, 3);
  EXPECT_EQ(world.text(), expected);
}

TEST(Deadline, one_that_has_passed_reads_nothing) {
  for (const bool resumable : {true, false}) {
    const TestJob job = job_of(1000);
    TestWorld world;
    VirtualClock clock;
    TestRunner runner(job, world, clock);
    ASSERT_TRUE(runner.begin());
    if (!resumable) runner.parts.checkpointer = nullptr;
    Deadline deadline;
    deadline.at_ns = clock.monotonic_ns();
    EXPECT_EQ(runner.run(deadline).ending, resumable ? Ending::kCheckpointed : Ending::kInterrupted);
    EXPECT_EQ(runner.source.reads, 0u);
    EXPECT_EQ(runner.counters.read, 0u);
  }
}

TEST(Deadline, somebody_setting_the_wall_clock_changes_nothing) {
  const TestJob job = job_of(40'000);
  const std::string expected = whole_text(job);
  for (const int64_t jump : {-86'400 * static_cast<int64_t>(kSecond), 86'400 * static_cast<int64_t>(kSecond)}) {
    TestWorld world;
    VirtualClock clock;
    Timed timed;
    for (int runs = 0;; ++runs) {
      ASSERT_LT(runs, 100);
      TestRunner* run = nullptr;
      clock.jump_wall(jump);
      world.store.on_save = [&] { clock.jump_wall(-jump / 3); };
      const Outcome outcome = timed.run(job, world, clock, 3 * kSecond, run);
      world.store.on_save = nullptr;
      ASSERT_NE(outcome.ending, Ending::kFailed) << outcome.error.detail.view();
      if (outcome.ending == Ending::kDone) break;
      EXPECT_GE(timed.commit_begun_ns - timed.begun_ns, 2 * kSecond);
      EXPECT_LT(timed.commit_ended_ns - timed.begun_ns, 3 * kSecond);
    }
    EXPECT_EQ(world.text(), expected);
  }
}

// Time passes only at the driver's own looks at the clock: the deadline meets every place at which one can be met.
TEST(Deadline, swept_over_every_look_at_the_clock_the_output_is_the_same) {
  for (const bool array : {false, true}) {
    TestJob job = job_of(3000);
    if (array) {
      job.inputs = {"{\"a\":[" + std::string("{\"id\":1},{\"id\":2,\"amount\":3}") + "]}"};
      job.inputs[0] = "{\"a\":[{\"id\":0}";
      for (int i = 1; i < 2000; ++i) job.inputs[0] += ",\n{\"id\":" + std::to_string(i) + (i % 50 == 0 ? ",x}" : "}");
      job.inputs[0] += "]}";
      job.reader.format = Format::kJson;
      job.reader.json.path = "a[*]";
      job.query = "SELECT id FROM input";
      job.codec = Codec::kGzip;
    }
    job.reader.window_bytes = 4096;
    const std::string expected = whole_text(job);
    uint64_t looks = 0;
    {
      TestWorld world;
      VirtualClock clock;
      clock.set_step(1);
      TestRunner runner(job, world, clock);
      ASSERT_TRUE(runner.begin());
      const uint64_t begun = clock.monotonic_ns();
      ASSERT_EQ(runner.run({begun + 1'000'000'000}).ending, Ending::kDone);
      looks = clock.monotonic_ns() - begun;
    }
    ASSERT_GT(looks, 100u);
    uint64_t stopped = 0;
    for (uint64_t at = 0; at < looks; ++at) {
      TestWorld world;
      VirtualClock clock;
      clock.set_step(1);
      Outcome outcome;
      for (int run = 0; run < 3; ++run) {
        TestRunner runner(job, world, clock);
        ASSERT_TRUE(runner.begin());
        // The first stop is swept; the second comes as much later; the third run is let alone.
        Deadline deadline;
        if (run < 2) deadline.at_ns = clock.monotonic_ns() + at;
        outcome = runner.run(deadline);
        ASSERT_TRUE(outcome.ending == Ending::kDone || outcome.ending == Ending::kCheckpointed);
        if (outcome.ending == Ending::kDone) break;
        ++stopped;
      }
      ASSERT_EQ(outcome.ending, Ending::kDone);
      ASSERT_EQ(world.text() == expected, true) << "a deadline " << at << " looks after the start";
    }
    EXPECT_GT(stopped, looks / 2);
    std::printf("%llu deadlines, %llu stops\n", static_cast<unsigned long long>(looks),
                static_cast<unsigned long long>(stopped));
  }
}

}  // namespace
}  // namespace weir

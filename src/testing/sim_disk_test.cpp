#include "testing/sim_disk.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "testing/sim_time.hpp"

namespace weir::testing {
namespace {

struct Machine {
  explicit Machine(uint64_t seed) : disk(clock, SimRng(seed), 1) { disk.new_process(); }
  int write(const char* path, std::string_view bytes) {
    const int file = *disk.open_to_write(path, true);
    EXPECT_TRUE(disk.append(file, bytes));
    return file;
  }
  SimClock clock;
  SimDisk disk;
};

TEST(SimDisk, keeps_what_was_synced_and_only_that_for_sure) {
  bool lost_bytes = false;
  bool torn_bytes = false;
  bool lost_name = false;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Machine machine(seed);
    const int safe = machine.write("safe", "durable");
    ASSERT_TRUE(machine.disk.sync(safe, "safe"));
    ASSERT_TRUE(machine.disk.sync_folder_of("safe"));
    const std::string more(5000, 'x');
    ASSERT_TRUE(machine.disk.append(safe, more));
    machine.write("new", "not synced");
    machine.disk.lose_power();
    const std::string found = *machine.disk.content("safe");
    ASSERT_TRUE(found.starts_with("durable"));
    lost_bytes = lost_bytes || found == "durable";
    torn_bytes = torn_bytes || (found.size() > 7 && found != "durable" + more);
    lost_name = lost_name || !machine.disk.content("new").has_value();
  }
  EXPECT_TRUE(lost_bytes && torn_bytes && lost_name);
}

TEST(SimDisk, a_kill_loses_descriptors_and_locks_and_nothing_else) {
  Machine machine(1);
  const int first = machine.disk.process();
  const int file = machine.write("a", "bytes");
  ASSERT_TRUE(*machine.disk.lock(file));
  machine.disk.new_process();
  const int other = *machine.disk.open_to_write("a", false);
  EXPECT_FALSE(*machine.disk.lock(other));
  machine.disk.kill(first);
  EXPECT_TRUE(*machine.disk.lock(other));
  EXPECT_EQ(machine.disk.content("a"), "bytes");
  machine.disk.enter(first);
  EXPECT_FALSE(machine.disk.append(file, "more"));
  EXPECT_EQ(machine.disk.content("a"), "bytes");
}

TEST(SimDisk, a_sync_that_failed_gives_the_bytes_up_for_good) {
  bool lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Machine machine(seed);
    const int file = machine.write("a", "bytes");
    ASSERT_TRUE(machine.disk.sync_folder_of("a"));
    machine.disk.faults = [](const DiskCall& call) {
      DiskFault fault;
      if (call.op == DiskOp::kSync) fault.kind = DiskFault::Kind::kError, fault.error = EIO;
      return fault;
    };
    ASSERT_FALSE(machine.disk.sync(file, "a"));
    machine.disk.lose_power();
    lost = lost || machine.disk.content("a") != "bytes";
  }
  EXPECT_TRUE(lost);
}

TEST(SimDisk, what_the_user_took_away_does_not_come_back) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Machine machine(seed);
    machine.write("a", "bytes");
    ASSERT_TRUE(*machine.disk.link("a", "b"));
    machine.disk.erase("b");
    machine.disk.lose_power();
    EXPECT_FALSE(machine.disk.content("b").has_value());
  }
}

TEST(SimDisk, a_seed_gives_the_same_losses) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::string found[2];
    for (std::string& one : found) {
      Machine machine(seed);
      const int file = machine.write("a", std::string(3000, 'a'));
      ASSERT_TRUE(machine.disk.sync_folder_of("a"));
      ASSERT_TRUE(machine.disk.truncate(file, 700));
      machine.disk.lose_power();
      one = *machine.disk.content("a");
    }
    EXPECT_EQ(found[0], found[1]);
  }
}

}  // namespace
}  // namespace weir::testing

// What the sinks, the source and the store promise on a disk that forgets and fails.
#include <cerrno>
#include <vector>

#include <gtest/gtest.h>

#include "connector/file_checkpoint_store.hpp"
#include "connector/file_sink.hpp"
#include "connector/file_source.hpp"
#include "connector/folder_sink.hpp"
#include "testing/sim_disk.hpp"
#include "testing/sim_time.hpp"

namespace weir {
namespace {

using testing::DiskCall;
using testing::DiskFault;
using testing::DiskOp;
using testing::SimClock;
using testing::SimDisk;
using testing::SimRng;
using testing::SimWakeup;

struct Machine {
  explicit Machine(uint64_t seed) : disk(clock, SimRng(seed), 1) { disk.new_process(); }
  void fail_at(DiskOp op, int error) {
    disk.faults = [op, error](const DiskCall& call) {
      DiskFault fault;
      if (call.op == op) fault.kind = DiskFault::Kind::kError, fault.error = error;
      return fault;
    };
  }
  void lose_power_before(uint64_t call_number) {
    disk.faults = [call_number](const DiskCall& call) {
      DiskFault fault;
      if (call.number == call_number) fault.kind = DiskFault::Kind::kBefore, fault.power = true;
      return fault;
    };
  }
  SimClock clock;
  SimDisk disk;
};

std::string state_of(const BatchSink& sink) {
  std::string bytes(sink.state_bytes_max(), '\0');
  StateWriter out({bytes.data(), bytes.size()});
  sink.save(out);
  bytes.resize(out.size());
  return bytes;
}

void load(BatchSink& sink, const std::string& state) {
  StateReader in(state);
  ASSERT_TRUE(sink.load(in));
}

TEST(Commit, a_file_is_never_without_a_name_while_it_is_published) {
  Error error;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    for (uint64_t cut = 0; cut < 40; ++cut) {
      Machine machine(seed);
      std::string state;
      {
        FileSink sink("out", false, true, machine.disk);
        ASSERT_TRUE(sink.start());
        ASSERT_EQ(sink.write("all of it", error), Accepted::kYes);
        ASSERT_TRUE(sink.commit());
        state = state_of(sink);
        machine.lose_power_before(machine.disk.calls() + cut % 10);
        (void)sink.finish();
      }
      machine.disk.faults = nullptr;
      // And again, cut at another place.
      for (const uint64_t again : {cut / 10 * 3, ~uint64_t{0}}) {
        machine.disk.new_process();
        machine.lose_power_before(again);
        FileSink sink("out", false, true, machine.disk);
        load(sink, state);
        const Status resumed = sink.resume(true);
        if (machine.disk.is_dead()) continue;
        ASSERT_TRUE(resumed) << "seed " << seed << " cut " << cut << ": " << resumed.error().detail.view();
        (void)sink.finish();
      }
      ASSERT_EQ(machine.disk.content("out"), "all of it");
      ASSERT_FALSE(machine.disk.content("out.part").has_value());
    }
  }
}

TEST(Commit, an_empty_file_that_was_taken_away_by_the_failed_run_is_published_all_the_same) {
  Machine machine(1);
  std::string state;
  {
    FileSink sink("out", false, true, machine.disk);
    ASSERT_TRUE(sink.start());
    ASSERT_TRUE(sink.commit());
    state = state_of(sink);
    machine.fail_at(DiskOp::kSync, EIO);
    ASSERT_FALSE(sink.finish());
    sink.cancel();
  }
  machine.disk.faults = nullptr;
  FileSink sink("out", false, true, machine.disk);
  load(sink, state);
  ASSERT_TRUE(sink.resume(true));
  ASSERT_TRUE(sink.finish());
  EXPECT_EQ(machine.disk.content("out"), "");
}

TEST(Commit, a_name_that_can_not_be_linked_for_now_is_not_taken_over) {
  Machine machine(1);
  Error error;
  FileSink sink("out", false, true, machine.disk);
  ASSERT_TRUE(sink.start());
  ASSERT_EQ(sink.write("ours", error), Accepted::kYes);
  machine.disk.put("out", "somebody else's");
  machine.fail_at(DiskOp::kLink, EIO);
  const Status finished = sink.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().exit(), Exit::kUnavailable);
  EXPECT_EQ(machine.disk.content("out"), "somebody else's");
}

TEST(Commit, a_part_that_can_not_be_taken_away_is_an_error_and_no_endless_try) {
  Machine machine(1);
  const int file = *machine.disk.open_to_write("out.part", true);
  ASSERT_TRUE(machine.disk.append(file, "shown"));
  machine.disk.close(file);
  ASSERT_TRUE(*machine.disk.link("out.part", "other"));
  machine.fail_at(DiskOp::kRemove, EIO);
  FileSink sink("out", false, true, machine.disk);
  const Status started = sink.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().exit(), Exit::kUnavailable);
  EXPECT_EQ(machine.disk.content("other"), "shown");
}

// A folder's file of which the run was killed behind a checkpoint within it: the state of that checkpoint. Not `durable`: it was killed
// before its name was.
std::string half_of_a_folders_file(Machine& machine, bool durable = true) {
  Error error;
  FolderSink sink("out-", ".txt", false, true, machine.disk);
  EXPECT_TRUE(sink.start());
  EXPECT_EQ(sink.open_object(ObjectInfo{}, error), Accepted::kYes);
  EXPECT_EQ(sink.write("first half", error), Accepted::kYes);
  EXPECT_TRUE(sink.commit());
  const std::string state = state_of(sink);
  EXPECT_EQ(sink.write(", second half", error), Accepted::kYes);
  if (!durable) {
    machine.disk.faults = [](const DiskCall& call) {
      DiskFault fault;
      if (call.op == DiskOp::kSyncFolder) fault.kind = DiskFault::Kind::kBefore;
      return fault;
    };
  }
  EXPECT_EQ(sink.close_object(error), durable ? Accepted::kYes : Accepted::kFailed);
  machine.disk.faults = nullptr;
  EXPECT_EQ(machine.disk.content("out-000000.txt"), "first half, second half");
  return state;
}

// The next run: true when it got to the end.
bool go_on_with_a_folders_file(Machine& machine, const std::string& state) {
  Error error;
  FolderSink sink("out-", ".txt", false, true, machine.disk);
  load(sink, state);
  const bool done = sink.resume(false) && sink.write(", second", error) == Accepted::kYes && sink.commit() &&
                    sink.write(" half", error) == Accepted::kYes && sink.close_object(error) == Accepted::kYes;
  sink.cancel();
  return done && !machine.disk.is_dead();
}

TEST(Commit, a_folders_file_that_is_shown_is_never_taken_away) {
  for (const bool power : {false, true}) {
    for (const auto kind : {DiskFault::Kind::kBefore, DiskFault::Kind::kMidway, DiskFault::Kind::kAfter}) {
      bool done = false;
      for (uint64_t cut = 0; !done; ++cut) {
        ASSERT_LT(cut, 100u);
        Machine machine(cut);
        const std::string state = half_of_a_folders_file(machine);
        machine.disk.new_process();
        machine.disk.faults = [&](const DiskCall& call) {
          EXPECT_EQ(machine.disk.content("out-000000.txt"), "first half, second half") << "before call " << call.number;
          DiskFault fault;
          if (call.number == cut) fault.kind = kind, fault.power = power;
          return fault;
        };
        done = go_on_with_a_folders_file(machine, state);
        machine.disk.faults = nullptr;
        if (done) machine.disk.lose_power();
        ASSERT_EQ(machine.disk.content("out-000000.txt"), "first half, second half") << "cut " << cut;
        machine.disk.new_process();
        ASSERT_TRUE(go_on_with_a_folders_file(machine, state)) << "cut " << cut;
        ASSERT_FALSE(machine.disk.content("out-000000.txt.part"));
      }
    }
  }
}

TEST(Commit, a_folders_file_that_a_killed_run_showed_is_durable_when_the_next_one_has_done_with_it) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Machine machine(seed);
    const std::string state = half_of_a_folders_file(machine, false);
    if (seed % 2 == 1) machine.disk.lose_power();  // under one name or the other
    machine.disk.new_process();
    ASSERT_TRUE(go_on_with_a_folders_file(machine, state)) << seed;
    machine.disk.lose_power();
    ASSERT_EQ(machine.disk.content("out-000000.txt"), "first half, second half") << seed;
    ASSERT_FALSE(machine.disk.content("out-000000.txt.part")) << seed;
  }
}

TEST(Commit, of_two_runs_that_both_believe_to_have_a_folder_the_late_one_takes_nothing_away) {
  for (uint64_t cut = 0; cut < 20; ++cut) {
    Machine machine(cut);
    const std::string state = half_of_a_folders_file(machine);
    const int first = machine.disk.new_process();
    FolderSink late("out-", ".txt", false, true, machine.disk);
    load(late, state);
    ASSERT_TRUE(late.resume(false));
    machine.disk.new_process();
    ASSERT_TRUE(go_on_with_a_folders_file(machine, state));
    machine.disk.enter(first);
    const uint64_t calls = machine.disk.calls();
    machine.disk.faults = [&](const DiskCall& call) {
      DiskFault fault;
      if (call.number == calls + cut) fault.kind = DiskFault::Kind::kBefore;
      return fault;
    };
    Error error;
    if (late.write(", second half", error) == Accepted::kYes) (void)late.close_object(error);
    ASSERT_EQ(machine.disk.content("out-000000.txt"), "first half, second half") << cut;
  }
}

TEST(Commit, a_folders_file_that_is_shown_is_not_touched_and_can_be_stopped_within_once_more) {
  Machine machine(1);
  Error error;
  const std::string state = half_of_a_folders_file(machine);
  const uint64_t changes = machine.disk.changes();
  std::string later;
  {
    FolderSink sink("out-", ".txt", false, true, machine.disk);
    load(sink, state);
    ASSERT_TRUE(sink.resume(false));
    ASSERT_TRUE(sink.commit());
    EXPECT_EQ(state_of(sink), state);
    ASSERT_EQ(sink.write(", sec", error), Accepted::kYes);
    ASSERT_TRUE(sink.commit());
    later = state_of(sink);
    EXPECT_NE(later, state);
    sink.cancel();
    EXPECT_EQ(sink.leftover(), "");
  }
  FolderSink sink("out-", ".txt", false, true, machine.disk);
  load(sink, later);
  ASSERT_TRUE(sink.resume(false));
  ASSERT_EQ(sink.write("ond half", error), Accepted::kYes);
  ASSERT_EQ(sink.close_object(error), Accepted::kYes);
  EXPECT_EQ(machine.disk.changes(), changes);
  EXPECT_EQ(machine.disk.open_files(machine.disk.process()), 0u);
  // The next one is a file of its own again.
  ASSERT_EQ(sink.open_object(ObjectInfo{.batch = 1}, error), Accepted::kYes);
  ASSERT_EQ(sink.write("next", error), Accepted::kYes);
  ASSERT_EQ(sink.close_object(error), Accepted::kYes);
  EXPECT_EQ(machine.disk.content("out-000001.txt"), "next");
}

TEST(Commit, a_folders_file_that_is_shown_and_is_not_what_comes_is_told_and_left) {
  struct Case {
    const char* shown;
    bool resumed;  ///< its first bytes are those of the checkpoint
    bool written;
  };
  for (const auto& [shown, resumed, written] :
       {Case{"First half, second half", false, false}, Case{"first", false, false}, Case{"", false, false},
        Case{"first half", true, false}, Case{"first half, second", true, false},
        Case{"first half, second_half", true, false}, Case{"first half, second half, third", true, true}}) {
    Machine machine(1);
    Error error;
    const std::string state = half_of_a_folders_file(machine);
    machine.disk.damage("out-000000.txt", [&](std::string& bytes) { bytes = shown; });
    FolderSink sink("out-", ".txt", false, true, machine.disk);
    load(sink, state);
    const Status status = sink.resume(false);
    ASSERT_EQ(status.has_value(), resumed) << shown;
    if (!status) error = status.error();
    if (resumed) {
      ASSERT_EQ(sink.write(", second half", error), written ? Accepted::kYes : Accepted::kFailed) << shown;
      if (written) {
        ASSERT_EQ(sink.close_object(error), Accepted::kFailed);
      }
    }
    EXPECT_EQ(error.code, Code::kOutputLost) << shown;
    EXPECT_NE(error.detail.view().find("out-000000.txt"), std::string_view::npos) << error.detail.view();
    sink.cancel();
    EXPECT_EQ(machine.disk.content("out-000000.txt"), shown);
  }
}

TEST(Commit, a_folders_file_of_which_nothing_was_written_yet_is_made_beside_what_is_shown) {
  Machine machine(1);
  Error error;
  machine.disk.put("out-000000.txt", "of another day");
  std::string state;
  {
    FolderSink sink("out-", ".txt", true, true, machine.disk);
    ASSERT_TRUE(sink.start());
    ASSERT_EQ(sink.open_object(ObjectInfo{}, error), Accepted::kYes);
    ASSERT_TRUE(sink.commit());
    state = state_of(sink);
    sink.cancel();
  }
  ASSERT_FALSE(machine.disk.content("out-000000.txt.part"));
  FolderSink sink("out-", ".txt", true, true, machine.disk);
  load(sink, state);
  ASSERT_TRUE(sink.resume(false));
  ASSERT_EQ(sink.write("of today", error), Accepted::kYes);
  EXPECT_EQ(machine.disk.content("out-000000.txt"), "of another day");
  ASSERT_EQ(sink.close_object(error), Accepted::kYes);
  EXPECT_EQ(machine.disk.content("out-000000.txt"), "of today");
}

TEST(Commit, of_two_runs_that_both_believe_to_have_the_job_one_is_fenced_at_each_save) {
  // Somebody takes the lock's file away at every call of a run, and another run saves there.
  for (uint64_t at = 0; at < 60; ++at) {
    Machine machine(at);
    const int first = machine.disk.process();
    unsigned saved_by_other = 0;
    unsigned fenced = 0;
    machine.disk.faults = [&](const DiskCall& call) {
      if (machine.disk.process() == first && call.number == at) {
        machine.disk.erase("job.weir.lock");
        machine.disk.new_process();
        FileCheckpointStore other("job.weir", true, machine.disk);
        char room[64];
        Status status = other.acquire();
        if (status && !other.load(room)) status = fail(Code::kReadFailed);
        if (status) status = other.save("other run's");
        if (status) ++saved_by_other;
        other.release();
        machine.disk.enter(first);
      }
      return DiskFault{};
    };
    {
      FileCheckpointStore store("job.weir", true, machine.disk);
      ASSERT_TRUE(store.acquire());
      char room[64];
      ASSERT_TRUE(store.load(room));
      for (const char* text : {"one", "two", "three"}) {
        const Status saved = store.save(text);
        if (saved) continue;
        ++fenced;
        ASSERT_EQ(saved.error().code, Code::kFenced) << at << ": " << saved.error().detail.view();
        break;
      }
    }
    const std::string left = *machine.disk.content("job.weir");
    ASSERT_TRUE(left == "three" || left == "other run's") << at << ": " << left;
    ASSERT_EQ(left, fenced != 0 ? "other run's" : left);
  }
}

TEST(Commit, another_runs_checkpoint_is_told_by_its_inode_and_by_its_size_and_time) {
  // Of the same size and time it is another file; where the inode's number is used again, size or time are others.
  const std::vector<std::string> others[] = {{"two"}, {"two", "longer"}};
  for (const auto& texts : others) {
    Machine machine(1);
    const int first = machine.disk.process();
    FileCheckpointStore store("job.weir", true, machine.disk);
    char room[64];
    ASSERT_TRUE(store.acquire());
    ASSERT_TRUE(store.load(room));
    ASSERT_TRUE(store.save("one"));
    machine.disk.erase("job.weir.lock");
    machine.disk.new_process();
    FileCheckpointStore other("job.weir", true, machine.disk);
    ASSERT_TRUE(other.acquire());
    ASSERT_TRUE(other.load(room));
    for (const std::string& text : texts) ASSERT_TRUE(other.save(text));
    other.release();
    machine.disk.enter(first);
    const Status saved = store.save("six");
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().code, Code::kFenced);
    EXPECT_EQ(machine.disk.content("job.weir"), texts.back());
  }
}

TEST(Commit, a_checkpoint_that_was_seen_or_taken_away_stays_so_when_the_power_is_lost) {
  char room[64];
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Machine machine(seed);
    {
      FileCheckpointStore store("job.weir", true, machine.disk);
      ASSERT_TRUE(store.acquire());
      ASSERT_TRUE(store.load(room));
      ASSERT_TRUE(store.save("one"));
      machine.disk.faults = [](const DiskCall& call) {
        DiskFault fault;
        if (call.op == DiskOp::kSyncFolder) fault.kind = DiskFault::Kind::kBefore;
        return fault;
      };
      ASSERT_FALSE(store.save("second")) << "killed before the name was durable";
    }
    machine.disk.faults = nullptr;
    machine.disk.new_process();
    {
      FileCheckpointStore store("job.weir", true, machine.disk);
      ASSERT_TRUE(store.acquire());
      const auto size = store.load(room);
      ASSERT_TRUE(size);
      ASSERT_EQ(std::string_view(room, *size), "second");
    }
    machine.disk.lose_power();
    ASSERT_EQ(machine.disk.content("job.weir"), "second") << seed;
    machine.disk.new_process();
    {
      FileCheckpointStore store("job.weir", true, machine.disk);
      ASSERT_TRUE(store.acquire());
      ASSERT_TRUE(store.load(room));
      ASSERT_TRUE(store.clear());
    }
    machine.disk.lose_power();
    ASSERT_FALSE(machine.disk.content("job.weir")) << seed;
  }
}

TEST(Commit, a_files_state_says_that_its_old_output_may_be_replaced_or_nothing) {
  Machine machine(1);
  FileSink sink("out", false, true, machine.disk);
  const std::string state = state_of(sink);
  for (const auto& [tail, sound] :
       {std::pair<std::string, bool>{"", true}, {"\1", true}, {"\2", false}, {"\1\1", false}}) {
    FileSink other("out", false, true, machine.disk);
    const std::string bytes = state + tail;
    StateReader in(bytes);
    EXPECT_EQ(other.load(in), sound) << tail.size();
    if (sound) {
      EXPECT_EQ(state_of(other), bytes);
    }
  }
}

TEST(Commit, an_empty_file_is_an_input_that_can_be_gone_on_with) {
  Machine machine(1);
  SimWakeup wakeup(machine.clock);
  machine.disk.put("empty", "");
  const std::vector<std::string> paths = {"empty"};
  FileSource source(paths, machine.disk, wakeup);
  ASSERT_TRUE(*source.resumable(0));
  ASSERT_TRUE(source.open(0));
  char room[16];
  Error error;
  EXPECT_EQ(source.read(room, error).step, Step::kFinished);
}

TEST(Commit, whether_an_input_can_be_gone_on_with_is_not_guessed_when_the_disk_does_not_tell) {
  Machine machine(1);
  SimWakeup wakeup(machine.clock);
  machine.disk.put("a", "1\n");
  const std::vector<std::string> paths = {"a"};
  FileSource source(paths, machine.disk, wakeup);
  machine.fail_at(DiskOp::kInfo, EIO);
  EXPECT_FALSE(source.resumable(0));
}

}  // namespace
}  // namespace weir

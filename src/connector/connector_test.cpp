#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connector/exec_sink.hpp"
#include "connector/file_sink.hpp"
#include "connector/file_source.hpp"
#include "connector/folder_sink.hpp"
#include "connector/stdout_sink.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_wakeup.hpp"
#include "testing/virtual_time.hpp"

extern char** environ;

namespace weir {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

bool there(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0;
}

class Connectors : public ::testing::Test {
 public:
  ~Connectors() override {
    const std::string command = "rm -rf " + folder_;
    EXPECT_EQ(std::system(command.c_str()), 0);
  }

 protected:
  Connectors() {
    char name[] = "/tmp/weir_connector_XXXXXX";
    folder_ = mkdtemp(name);
  }
  std::string in(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
  SystemClock clock_;
  SystemWakeup wakeup_{clock_};
  SystemDisk disk_;
};

std::string read_all(FileSource& source, size_t index, size_t room_bytes, Error* failure = nullptr) {
  std::string all;
  EXPECT_TRUE(source.open(index));
  std::vector<char> room(room_bytes);
  for (;;) {
    Error error;
    const ReadResult result = source.read(room, error);
    all.append(room.data(), result.bytes);
    if (result.step == Step::kFinished) return all;
    if (result.step == Step::kFailed) {
      if (failure != nullptr) *failure = error;
      return all;
    }
  }
}

TEST_F(Connectors, file_source_reads_several_files_whole) {
  put(in("a"), "hello");
  put(in("b"), "");
  put(in("c"), std::string(100'000, 'x'));
  const std::vector<std::string> paths = {in("a"), in("b"), in("c")};
  FileSource source(paths, disk_, wakeup_);
  EXPECT_EQ(source.count(), 3u);
  EXPECT_EQ(source.size(0), 5u);
  EXPECT_EQ(read_all(source, 0, 2), "hello");
  EXPECT_EQ(read_all(source, 1, 100), "");
  EXPECT_EQ(read_all(source, 2, 4096), std::string(100'000, 'x'));
  auto peeked = source.peek(0, {});
  ASSERT_TRUE(peeked);
  EXPECT_EQ(*peeked, "hello");
  EXPECT_EQ(read_all(source, 0, 100), "hello") << "a peek uses nothing up";
}

TEST_F(Connectors, file_source_does_not_read_what_was_appended_and_refuses_what_was_cut) {
  put(in("a"), "0123456789");
  const std::vector<std::string> paths = {in("a")};
  FileSource source(paths, disk_, wakeup_);
  ASSERT_TRUE(source.open(0));
  std::ofstream(in("a"), std::ios::app) << "more";
  char room[4];
  Error error;
  EXPECT_EQ(source.read(room, error).bytes, 4u);
  ASSERT_EQ(truncate(in("a").c_str(), 6), 0);
  EXPECT_EQ(source.read(room, error).bytes, 2u);
  EXPECT_EQ(source.read(room, error).step, Step::kFailed);
  EXPECT_EQ(error.code, Code::kSourceChanged);
}

TEST_F(Connectors, a_named_pipe_that_nobody_writes_to_is_waited_for_only_until_the_deadline) {
  ASSERT_EQ(mkfifo(in("pipe").c_str(), 0600), 0);
  const std::vector<std::string> paths = {in("pipe")};
  FileSource source(paths, disk_, wakeup_);
  auto peeked = source.peek(0, Deadline{1});
  ASSERT_FALSE(peeked);
  EXPECT_EQ(peeked.error().code, Code::kInterrupted);
  ASSERT_TRUE(source.open(0));
  char room[8];
  Error error;
  EXPECT_EQ(source.read(room, error).step, Step::kBlocked) << "no end before somebody wrote";
  auto writer = disk_.open_to_write(in("pipe").c_str(), false);
  ASSERT_TRUE(writer);
  EXPECT_EQ(source.read(room, error).step, Step::kBlocked);
  ASSERT_TRUE(disk_.append(*writer, "abc"));
  disk_.close(*writer);
  EXPECT_EQ(source.read(room, error).bytes, 3u);
  EXPECT_EQ(source.read(room, error).step, Step::kFinished);
}

TEST_F(Connectors, inputs_that_can_not_be_are_told_apart) {
  EXPECT_EQ(check_input(in("nothing"), disk_).error().code, Code::kNoInput);
  EXPECT_EQ(check_input(folder_, disk_).error().code, Code::kBadInputKind);
  ASSERT_EQ(symlink(in("loop").c_str(), in("loop").c_str()), 0);
  EXPECT_EQ(check_input(in("loop"), disk_).error().code, Code::kBadInputKind);
}

TEST_F(Connectors, file_sink_shows_nothing_until_it_is_complete) {
  Error error;
  {
    FileSink sink(in("new/folder/out"), false, true, disk_);
    ASSERT_TRUE(sink.start());
    ASSERT_EQ(sink.open_object({}, error), Accepted::kYes);
    ASSERT_EQ(sink.write("half", error), Accepted::kYes);
    EXPECT_FALSE(there(in("new/folder/out")));
    sink.cancel();
    EXPECT_EQ(sink.leftover(), in("new/folder/out.part"));
    EXPECT_EQ(slurp(in("new/folder/out.part")), "half");
  }
  FileSink sink(in("new/folder/out"), false, true, disk_);
  ASSERT_TRUE(sink.start());
  FileSink second(in("new/folder/out"), false, true, disk_);
  EXPECT_EQ(second.start().error().code, Code::kFenced) << "two runs, one output";
  ASSERT_EQ(sink.write("whole", error), Accepted::kYes);
  ASSERT_TRUE(sink.finish());
  EXPECT_EQ(slurp(in("new/folder/out")), "whole");
  EXPECT_FALSE(there(in("new/folder/out.part")));
  FileSink again(in("new/folder/out"), false, true, disk_);
  EXPECT_EQ(again.start().error().code, Code::kOutputExists);
  FileSink replacing(in("new/folder/out"), true, true, disk_);
  EXPECT_TRUE(replacing.start());
  EXPECT_EQ(slurp(in("new/folder/out")), "whole") << "the old one stays until the new one is complete";
}

TEST_F(Connectors, file_sink_does_not_take_a_name_that_somebody_else_took_meanwhile) {
  FileSink sink(in("out"), false, true, disk_);
  ASSERT_TRUE(sink.start());
  put(in("out"), "theirs");
  EXPECT_EQ(sink.finish().error().code, Code::kOutputExists);
  EXPECT_EQ(slurp(in("out")), "theirs");
}

TEST_F(Connectors, a_full_device_is_an_error_with_its_name) {
  FileSink sink("/dev/full", false, true, disk_);
  ASSERT_TRUE(sink.start());
  Error error;
  EXPECT_EQ(sink.write("x", error), Accepted::kFailed);
  EXPECT_EQ(error.code, Code::kWriteFailed);
  EXPECT_NE(error.detail.view().find("/dev/full"), std::string_view::npos);
}

TEST_F(Connectors, folder_sink_names_batches_in_sequence) {
  FolderSink sink(in("out/b-"), ".json", false, true, disk_);
  ASSERT_TRUE(sink.start());
  Error error;
  for (uint64_t batch = 0; batch < 3; ++batch) {
    ObjectInfo info;
    info.batch = batch * 1'000'000;
    ASSERT_EQ(sink.open_object(info, error), Accepted::kYes);
    ASSERT_EQ(sink.write(std::to_string(batch), error), Accepted::kYes);
    ASSERT_EQ(sink.close_object(error), Accepted::kYes);
  }
  EXPECT_EQ(slurp(in("out/b-000000.json")), "0");
  EXPECT_EQ(slurp(in("out/b-1000000.json")), "1");
  EXPECT_EQ(slurp(in("out/b-2000000.json")), "2");
  FolderSink again(in("out/b-"), ".json", false, true, disk_);
  EXPECT_EQ(again.start().error().code, Code::kOutputExists);
}

TEST_F(Connectors, exec_sink_hands_over_the_batch_and_its_names) {
  ExecOptions options;
  options.name = "orders";
  options.command = {"/bin/sh", "-c", "cat > " + in("$WEIR_BATCH_ID.$WEIR_ATTEMPT.$WEIR_BATCH_RECORDS")};
  testing::VirtualClock clock;
  testing::VirtualWakeup wakeup(clock);
  ExecSink sink(options, clock_, wakeup, environ);
  ASSERT_TRUE(sink.start());
  Error error;
  ObjectInfo info;
  info.batch = 7;
  info.records = 3;
  const std::string big(300'000, 'z');
  ASSERT_EQ(sink.open_object(info, error), Accepted::kYes);
  ASSERT_EQ(sink.write(big, error), Accepted::kYes);
  ASSERT_EQ(sink.close_object(error), Accepted::kYes);
  EXPECT_EQ(slurp(in("orders-000007.1.3")), big);
}

TEST_F(Connectors, exec_sink_asks_for_the_batch_again_and_gives_up_with_the_reason) {
  ExecOptions options;
  options.command = {"/bin/sh", "-c", "cat >/dev/null; exit 9"};
  options.retries = 2;
  // The clock that the backoff waits on is virtual: nothing waits in earnest.
  testing::VirtualClock clock;
  testing::VirtualWakeup wakeup(clock);
  ExecSink sink(options, clock, wakeup, environ);
  ASSERT_TRUE(sink.start());
  ObjectInfo info;
  Error error;
  Accepted accepted = Accepted::kRetry;
  while (accepted == Accepted::kRetry) {
    ASSERT_EQ(sink.open_object(info, error), Accepted::kYes);
    ASSERT_EQ(sink.write("batch", error), Accepted::kYes);
    accepted = sink.close_object(error);
    if (accepted == Accepted::kRetry) ++info.attempt;
  }
  EXPECT_EQ(accepted, Accepted::kFailed);
  EXPECT_EQ(info.attempt, 2u);
  EXPECT_EQ(error.code, Code::kCommandFailed);
  EXPECT_NE(error.detail.view().find("ended with 9"), std::string_view::npos) << error.detail.view();
  EXPECT_EQ(wakeup.waits(), 2u);
}

TEST_F(Connectors, a_leftover_of_two_names_is_not_written_over) {
  // As a run leaves it that was killed between showing its output and taking the temporary name away.
  put(in("out"), "whole");
  ASSERT_EQ(link(in("out").c_str(), in("out.part").c_str()), 0);
  FileSink sink(in("out"), true, true, disk_);
  ASSERT_TRUE(sink.start());
  EXPECT_EQ(slurp(in("out")), "whole");
  Error error;
  ASSERT_EQ(sink.write("new", error), Accepted::kYes);
  ASSERT_TRUE(sink.finish());
  EXPECT_EQ(slurp(in("out")), "new");
  EXPECT_FALSE(there(in("out.part")));
  sink.cancel();
  EXPECT_EQ(sink.leftover(), "") << "what was shown is no leftover";
}

TEST_F(Connectors, folder_sink_names_the_batch_that_could_not_be_shown) {
  ASSERT_EQ(mkdir(in("b-000000.json").c_str(), 0777), 0);
  FolderSink sink(in("b-"), ".json", true, true, disk_);
  ASSERT_TRUE(sink.start());
  Error error;
  ASSERT_EQ(sink.open_object({}, error), Accepted::kYes);
  ASSERT_EQ(sink.write("batch", error), Accepted::kYes);
  EXPECT_EQ(sink.close_object(error), Accepted::kFailed);
  EXPECT_EQ(error.code, Code::kRenameFailed);
  sink.cancel();
  EXPECT_EQ(sink.leftover(), in("b-000000.json.part"));
}

TEST_F(Connectors, exec_sink_that_gives_up_does_not_let_half_a_batch_pass_for_a_whole) {
  ExecOptions options;
  options.command = {"/bin/sh", "-c", "trap '' TERM; cat > " + in("got") + "; echo > " + in("whole")};
  ExecSink sink(options, clock_, wakeup_, environ);
  ASSERT_TRUE(sink.start());
  Error error;
  ASSERT_EQ(sink.open_object({}, error), Accepted::kYes);
  ASSERT_EQ(sink.write("half a ba", error), Accepted::kYes);
  while (slurp(in("got")).empty()) sched_yield();
  sink.cancel();
  EXPECT_FALSE(there(in("whole"))) << "the command read to the end of its input and took it for the batch's";
}

TEST_F(Connectors, exec_sink_refuses_a_command_that_is_not_there) {
  ExecOptions options;
  options.command = {"no-such-command-anywhere"};
  ExecSink sink(options, clock_, wakeup_, environ);
  EXPECT_EQ(sink.start().error().exit(), Exit::kBadConfig);
}

TEST_F(Connectors, stdout_sink_tells_a_reader_that_went_away) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  signal(SIGPIPE, SIG_IGN);
  StdoutSink sink(ends[1]);
  Error error;
  EXPECT_EQ(sink.write("x", error), Accepted::kYes);
  close(ends[0]);
  EXPECT_EQ(sink.write("x", error), Accepted::kClosed);
  close(ends[1]);
}

}  // namespace
}  // namespace weir

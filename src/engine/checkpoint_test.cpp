// What a checkpoint is worth: whole or refused, and every byte of it means something.
#include "engine/checkpoint.hpp"

#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "hash/crc32c.hpp"
#include "hash/hmac.hpp"
#include "testing/job_testing.hpp"

namespace weir {
namespace {

using testing::MemoryCheckpointStore;
using testing::TestJob;
using testing::TestRunner;
using testing::TestWorld;
using testing::VirtualClock;

constexpr size_t kHeadBegin = 17;
constexpr size_t kSectionsBegin = kHeadBegin + CheckpointHead::kBytes;
constexpr size_t kTrailer = 36;
constexpr std::string_view kKey = "a key of at least 16 bytes";

std::string with_crc(std::string bytes) {
  const uint32_t crc = crc32c(0, {bytes.data(), bytes.size() - 4});
  bytes.replace(bytes.size() - 4, 4, reinterpret_cast<const char*>(&crc), 4);
  return bytes;
}

std::string compressed(Codec codec, const std::string& text) {
  std::vector<char> room(encoder_memory_max(codec, -1) + kAlignment);
  const size_t shift = (kAlignment - reinterpret_cast<uintptr_t>(room.data()) % kAlignment) % kAlignment;
  Encoder* encoder = make_encoder(codec, -1, std::span<char>(room).subspan(shift));
  std::string out;
  std::vector<char> piece(65536);
  std::string_view in = text;
  for (;;) {
    Error error;
    const Transfer t = encoder->encode(in, Flush::kFinish, piece, error);
    in.remove_prefix(t.consumed);
    out.append(piece.data(), t.produced);
    if (t.step == Step::kFinished) return out;
  }
}

std::string csv(size_t rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text = "id,name,amount\n";
  for (size_t i = 0; i < rows; ++i) {
    const uint64_t kind = random() % 20;
    text += std::to_string(i) + (kind == 0   ? ",\"two\nlines\","
                                 : kind == 1 ? ""
                                             : ",name " + std::to_string(random() % 9999) + ",");
    text += kind == 2 ? "bad\n" : std::to_string(random() % 1000) + ".5\n";
  }
  return text;
}

std::string json_document(size_t rows) {
  std::string text = "{\"first\":[1,{\"a\":2}],\"Records\":[";
  for (size_t i = 0; i < rows; ++i)
    text += (i == 0 ? "{\"id\":" : " ,\n{\"id\":") + std::to_string(i) + ",\"more\":{\"x\":[1,2,3]}}";
  return text + "],\"last\":null}";
}

// Jobs whose checkpoints hold a state of every kind.
TestJob gzip_csv() {
  TestJob job;
  job.inputs = {csv(30, 1), compressed(Codec::kGzip, csv(6000, 2)), csv(100, 3)};
  job.query = "SELECT id, CAST(amount AS DECIMAL) AS amount FROM input WHERE id <> '7' LIMIT 5000";
  job.codec = Codec::kGzip;
  job.rejects_codec = Codec::kZstd;
  job.reader.window_bytes = 8192;
  job.reader.record_bytes_max = 4096;
  return job;
}
/// Stopped in the middle it is in the middle of a block.
TestJob gzip_block() {
  TestJob job;
  job.inputs = {compressed(Codec::kGzip, csv(130'000, 7))};
  job.query = "SELECT COUNT(*) AS n FROM input";
  job.unit_bytes = 64u << 10;
  job.reader.window_bytes = 65536;
  job.reader.record_bytes_max = 4096;
  return job;
}
TestJob zstd_aggregates() {
  TestJob job;
  job.inputs = {compressed(Codec::kZstd, csv(6000, 4)), csv(10, 5)};
  job.zstd = true;
  job.query =
      "SELECT COUNT(*) AS n, SUM(CAST(amount AS DECIMAL)) AS s, MIN(name) AS first, MAX(CAST(amount AS DOUBLE)) AS m, "
      "AVG(CAST(id AS INT)) AS a FROM input";
  job.codec = Codec::kZstd;
  job.reader.window_bytes = 8192;
  job.reader.record_bytes_max = 4096;
  return job;
}
TestJob json_array() {
  TestJob job;
  job.inputs = {json_document(3000)};
  job.reader.format = Format::kJson;
  job.reader.json.path = "Records[*]";
  job.reader.window_bytes = 8192;
  job.reader.record_bytes_max = 1024;
  job.writer.format = WriterFormat::kJson;
  job.traits.object_per_batch = true;
  job.writer.batch_records_max = 333;
  return job;
}
TestJob oversize_lines() {
  TestJob job;
  job.inputs = {"short\n" + std::string(300'000, 'x') + "\nlast\n"};
  job.reader.format = Format::kLines;
  job.query = "SELECT line FROM input";
  job.reader.window_bytes = 4096;
  job.reader.record_bytes_max = 1000;
  return job;
}
TestJob oversize_csv() {
  TestJob job;
  job.inputs = {"a,b\n1,2\n" + std::string(300'000, 'x') + ",2\n3,4\n"};
  job.reader.window_bytes = 4096;
  job.reader.record_bytes_max = 1000;
  return job;
}
TestJob oversize_behind_the_header() {
  TestJob job = oversize_csv();
  job.inputs = {"b,a\n" + std::string(300'000, 'x') + ",2\n3,4\n"};
  job.query = "SELECT a FROM input";
  return job;
}
TestJob oversize_json() {
  TestJob job;
  job.inputs = {"{\"Records\":[{\"a\":1},{\"a\":\"" + std::string(300'000, 'x') + "\"},{\"a\":2}]}"};
  job.reader.format = Format::kJson;
  job.reader.json.path = "Records[*]";
  job.reader.window_bytes = 4096;
  job.reader.record_bytes_max = 1000;
  return job;
}
TestJob whole_files() {
  TestJob job;
  job.inputs = {"one", std::string(300'000, 'y'), "three"};
  job.reader.format = Format::kFile;
  job.query = "SELECT data FROM input";
  job.reader.window_bytes = 4096;
  job.reader.record_bytes_max = 1000;
  return job;
}
TestJob whole_batches() {
  TestJob job;
  job.inputs = {csv(2000, 6)};
  job.traits = {.object_per_batch = true, .whole_batches = true};
  job.writer.batch_records_max = 100;
  job.writer.whole_records = true;
  job.codec = Codec::kGzip;
  return job;
}

struct NamedJob {
  const char* name;
  TestJob (*make)();
};
constexpr NamedJob kJobs[] = {{"gzip csv", gzip_csv},
                              {"gzip block", gzip_block},
                              {"zstd aggregates", zstd_aggregates},
                              {"json array", json_array},
                              {"oversize line", oversize_lines},
                              {"oversize csv", oversize_csv},
                              {"header, oversize", oversize_behind_the_header},
                              {"oversize json", oversize_json},
                              {"files", whole_files},
                              {"whole batches", whole_batches}};

/// Runs the job until it has saved so many checkpoints, and a little further: as if it had been killed.
bool stop_after(const TestJob& job, TestWorld& world, uint64_t saves) {
  VirtualClock clock;
  TestRunner runner(job, world, clock);
  uint64_t seen = 0;
  world.store.on_save = [&] {
    if (++seen > saves) runner.wakeup.request_stop();
  };
  EXPECT_TRUE(runner.begin());
  const Outcome outcome = runner.run();
  world.store.on_save = nullptr;
  EXPECT_NE(outcome.ending, Ending::kFailed) << outcome.error.detail.view();
  return outcome.ending == Ending::kCheckpointed;
}

uint64_t saves_of(const TestJob& job) {
  TestWorld world;
  EXPECT_FALSE(stop_after(job, world, 1'000'000));
  return world.store.saves;
}

TestWorld stopped_in_the_middle(const TestJob& job) {
  TestWorld world;
  EXPECT_TRUE(stop_after(job, world, saves_of(job) / 2));
  return world;
}

/// Loads these bytes into a run of the job and writes what it took from them anew, without having read any input. Empty: refused.
std::string written_anew(const TestJob& job, const TestWorld& before, std::string bytes) {
  TestWorld world = before;
  world.store.bytes = std::move(bytes);
  VirtualClock clock;
  TestRunner runner(job, world, clock);
  auto begun = runner.begin();
  if (!begun) {
    const Exit exit = begun.error().exit();
    EXPECT_TRUE(exit == Exit::kCheckpointInvalid || exit == Exit::kSourceChanged)
        << code_info(begun.error().code).message;
    return {};
  }
  runner.checkpointer->forget();
  runner.wakeup.request_stop();
  EXPECT_EQ(runner.run().ending, Ending::kCheckpointed);
  return world.store.bytes;
}

/// Empty when both hold the same sections; else where they part.
std::string difference(const std::string& a, const std::string& b) {
  CheckpointReader readers[2];
  EXPECT_TRUE(readers[0].parse(a, {}));
  EXPECT_TRUE(readers[1].parse(b, {}));
  for (size_t i = 1; i <= kCheckpointSections; ++i) {
    StateReader sections[] = {readers[0].section(static_cast<CheckpointSection>(i)),
                              readers[1].section(static_cast<CheckpointSection>(i))};
    const size_t sizes[] = {sections[0].left(), sections[1].left()};
    const std::string_view bytes[] = {sections[0].bytes(sizes[0]), sections[1].bytes(sizes[1])};
    if (bytes[0] == bytes[1]) continue;
    size_t at = 0;
    while (at < sizes[0] && at < sizes[1] && bytes[0][at] == bytes[1][at]) ++at;
    return "section " + std::to_string(i) + " of " + std::to_string(sizes[0]) + " and " + std::to_string(sizes[1]) +
           " bytes, at " + std::to_string(at);
  }
  return {};
}

// --- the frame -----------------------------------------------------------------------------------------------------------

Code code_of(std::string_view bytes, std::string_view key = {}) {
  CheckpointReader reader;
  const Status status = reader.parse(bytes, key);
  return status ? Code::kOk : status.error().code;
}

TEST(Checkpoint, cut_at_every_byte_is_refused) {
  const TestWorld world = stopped_in_the_middle(gzip_block());
  const std::string& whole = world.store.bytes;
  ASSERT_EQ(code_of(whole), Code::kOk);
  ASSERT_GT(whole.size(), 50'000u) << "a decoder's state belongs to it";
  ASSERT_LE(whole.size(), kCheckpointBytesMax);
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_EQ(code_of(std::string_view(whole).substr(0, size)), Code::kCheckpointInvalid) << size;
  }
  EXPECT_EQ(code_of(whole + '\0'), Code::kCheckpointInvalid);
}

// All bits of the first and last 4 KiB, and of every 101st byte between; of small ones all.
TEST(Checkpoint, any_bit_flipped_is_refused) {
  for (const NamedJob& named : kJobs) {
    const TestWorld world = stopped_in_the_middle(named.make());
    std::string bytes = world.store.bytes;
    ASSERT_EQ(code_of(bytes), Code::kOk) << named.name;
    for (size_t at = 0; at < bytes.size(); ++at) {
      if (at > 4096 && at + 4096 < bytes.size() && at % 101 != 0) continue;
      for (int bit = 0; bit < 8; ++bit) {
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
        const Code code = code_of(bytes);
        ASSERT_TRUE(code == Code::kCheckpointInvalid || code == Code::kCheckpointNewer) << named.name << " byte " << at;
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
      }
    }
  }
}

TEST(Checkpoint, another_version_is_named) {
  std::string bytes = stopped_in_the_middle(oversize_lines()).store.bytes;
  for (const auto& [version, code] : {std::pair{7, Code::kCheckpointNewer}, {0, Code::kCheckpointInvalid}}) {
    bytes[8] = static_cast<char>(version);
    CheckpointReader reader;
    const Status status = reader.parse(with_crc(bytes), {});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, code);
    EXPECT_NE(status.error().detail.view().find("version " + std::to_string(version)), std::string_view::npos);
  }
}

TEST(Checkpoint, what_is_signed_is_trusted_with_its_key_only) {
  TestJob job = oversize_lines();
  job.checkpoint.key = kKey;
  const TestWorld world = stopped_in_the_middle(job);
  std::string bytes = world.store.bytes;
  EXPECT_EQ(code_of(bytes, kKey), Code::kOk);
  EXPECT_EQ(code_of(bytes, "another key of 16 bytes"), Code::kCheckpointInvalid);
  // Somebody who knows the format, but not the key.
  for (size_t at = kHeadBegin; at < bytes.size() - kTrailer; ++at) {
    std::string tampered = bytes;
    tampered[at] = static_cast<char>(tampered[at] ^ 1);
    ASSERT_EQ(code_of(with_crc(tampered), kKey), Code::kCheckpointInvalid) << at;
  }
  std::string unsigned_now = bytes;
  unsigned_now[16] = 0;
  std::fill(unsigned_now.end() - kTrailer, unsigned_now.end() - 4, '\0');
  unsigned_now = with_crc(unsigned_now);
  EXPECT_EQ(code_of(unsigned_now), Code::kOk);
  EXPECT_EQ(code_of(unsigned_now, kKey), Code::kCheckpointInvalid) << "not signed, and a key is set";

  const auto begun = [&](std::string_view key, const std::string& stored) {
    TestWorld there = world;
    there.store.bytes = stored;
    TestJob with_key = job;
    with_key.checkpoint.key = key;
    VirtualClock clock;
    TestRunner runner(with_key, there, clock);
    const auto result = runner.begin();
    return result ? Code::kOk : result.error().code;
  };
  EXPECT_EQ(begun(kKey, bytes), Code::kOk);
  EXPECT_EQ(begun("another key of 16 bytes", bytes), Code::kCheckpointInvalid);
  EXPECT_EQ(begun({}, bytes), Code::kCheckpointInvalid) << "signed, and no key is set";
  EXPECT_EQ(begun(kKey, unsigned_now), Code::kCheckpointInvalid);
  EXPECT_EQ(begun({}, unsigned_now), Code::kOk);
}

TEST(Checkpoint, every_byte_of_its_head_is_read_back) {
  TestJob job = oversize_lines();
  const std::string bytes = stopped_in_the_middle(job).store.bytes;
  size_t refused = 0;
  for (size_t at = 16; at < kSectionsBegin; ++at) {
    for (const int change : {1, 0x80, 0xff}) {
      std::string other = bytes;
      other[at] = static_cast<char>(other[at] ^ change);
      other = with_crc(other);
      CheckpointReader reader;
      if (!reader.parse(other, {})) {
        ++refused;
        continue;
      }
      std::string again = other;
      if (at == 16) continue;  // "signed": seen by whoever has no key, and refused by Checkpointer::open
      reseal_checkpoint(again, reader.head(), {});
      ASSERT_EQ(again, other) << at;
    }
  }
  EXPECT_LT(refused, 80u) << "kinds and the version's padding";
}

// --- what stands in it ---------------------------------------------------------------------------------------------------

TEST(Checkpoint, what_was_loaded_is_saved_again_byte_for_byte) {
  for (const NamedJob& named : kJobs) {
    const TestJob job = named.make();
    const uint64_t all = saves_of(job);
    EXPECT_GE(all, 4u) << named.name << ": too few checkpoints to be a test";
    for (uint64_t saves = 0; saves < all; saves += 1 + all / 6) {
      TestWorld world;
      if (!stop_after(job, world, saves)) break;
      const std::string again = written_anew(job, world, world.store.bytes);
      EXPECT_EQ(difference(again, world.store.bytes), "") << named.name << " after " << saves;
    }
  }
}

// Whatever byte is changed by somebody who puts a good checksum on it: it is refused, or it was read and is written again as it is.
TEST(Checkpoint, no_byte_of_its_sections_is_passed_over) {
  for (const NamedJob& named : kJobs) {
    const TestJob job = named.make();
    const TestWorld world = stopped_in_the_middle(job);
    const std::string& bytes = world.store.bytes;
    size_t changed = 0, refused = 0;
    for (size_t at = kSectionsBegin; at < bytes.size() - kTrailer; ++at) {
      // Of a decoder's state one byte in 997, of a record's head that waits for its reject one in 11.
      const bool inside = at > 700 && at + 1300 < bytes.size();
      if (inside && at % (bytes.size() > 20'000 ? 997 : 11) != 0) continue;
      const int change = at % 3 == 0 ? 1 : at % 3 == 1 ? 0x80 : 0xff;
      std::string other = bytes;
      other[at] = static_cast<char>(other[at] ^ change);
      other = with_crc(other);
      const std::string again = written_anew(job, world, other);
      ++changed;
      if (again.empty()) {
        ++refused;
        continue;
      }
      EXPECT_EQ(difference(again, other), "") << named.name << ": byte " << at << " of " << bytes.size();
    }
    std::printf("%s: %zu bytes, %zu changed, %zu refused\n", named.name, bytes.size(), changed, refused);
  }
}

TEST(Checkpoint, a_run_that_is_stopped_at_any_checkpoint_gives_the_same_bytes) {
  for (const NamedJob& named : kJobs) {
    const TestJob job = named.make();
    TestWorld whole;
    ASSERT_FALSE(stop_after(job, whole, 1'000'000));
    ASSERT_TRUE(whole.output.finished);
    const uint64_t all = whole.store.saves;
    for (uint64_t saves = 0; saves < all; saves += 1 + all / 6) {
      TestWorld world;
      uint64_t next = saves;
      while (stop_after(job, world, next)) next = 1 + (next * 7 + 3) % 23;
      EXPECT_EQ(world.text() == whole.text(), true) << named.name << " stopped after " << saves;
      EXPECT_TRUE(world.output.finished);
      EXPECT_TRUE(world.rejects.finished);
    }
  }
}

TEST(Checkpoint, a_header_that_was_read_before_the_first_row_is_known_to_the_run_that_goes_on) {
  const TestJob job = oversize_behind_the_header();
  TestWorld whole;
  ASSERT_FALSE(stop_after(job, whole, 1'000'000));
  for (uint64_t saves = 0; saves < whole.store.saves; ++saves) {
    TestWorld world;
    if (!stop_after(job, world, saves)) continue;
    ASSERT_FALSE(stop_after(job, world, 1'000'000)) << saves;
    EXPECT_TRUE(world.text() == whole.text()) << saves;
  }
}

TEST(Checkpoint, begun_anew_what_could_be_gone_on_with_is_gone_at_once_and_a_tombstone_stays) {
  // A run with --restart that is killed before its first save must not leave the next one a state whose output it threw away.
  const TestJob job = gzip_csv();
  for (const bool done : {false, true}) {
    TestWorld world = stopped_in_the_middle(job);
    if (done) {
      ASSERT_FALSE(stop_after(job, world, 1'000'000));
    }
    const std::string before = world.store.bytes;
    VirtualClock clock;
    {
      TestRunner runner(job, world, clock);
      ASSERT_TRUE(runner.checkpointer->open());
      ASSERT_TRUE(runner.checkpointer->forget());
    }
    EXPECT_EQ(world.store.bytes == before, done);
    CheckpointReader left;
    ASSERT_TRUE(left.parse(world.store.bytes, {}));
    EXPECT_EQ(left.head().kind, done ? CheckpointKind::kDone : CheckpointKind::kAnew);
    // What is the job's own is still known.
    EXPECT_EQ(difference(world.store.bytes, before), "");
    if (done) continue;
    // Once more, and it stays; another job's is of no use to this one.
    const std::string anew = world.store.bytes;
    TestRunner again(job, world, clock);
    ASSERT_TRUE(again.checkpointer->open());
    ASSERT_TRUE(again.checkpointer->forget());
    EXPECT_FALSE(again.checkpointer->has_progress());
    EXPECT_EQ(world.store.bytes, anew);
    again.checkpointer->release();
    world.store.bytes = before;
    TestJob other = job;
    other.checkpoint.job_id[0] = 1;
    TestRunner others(other, world, clock);
    ASSERT_TRUE(others.checkpointer->open());
    ASSERT_TRUE(others.checkpointer->forget());
    EXPECT_EQ(world.store.bytes, "");
  }
}

TEST(Checkpoint, of_another_job_is_told_from_its_own_however_large_it_is) {
  const TestWorld large = stopped_in_the_middle(gzip_block());
  TestJob job = oversize_lines();
  job.checkpoint.job_id[0] = 1;
  for (const bool newer : {false, true}) {
    TestWorld world;
    world.store.bytes = large.store.bytes;
    if (newer) world.store.bytes[8] = 2;
    VirtualClock clock;
    std::vector<char> room(8192);
    CheckpointOptions options = job.checkpoint;
    Checkpointer checkpointer(world.store, room, clock, options);
    const auto there = checkpointer.open();
    if (newer) {
      ASSERT_FALSE(there);
      EXPECT_EQ(there.error().code, Code::kCheckpointNewer);
    } else {
      ASSERT_TRUE(there);
      EXPECT_TRUE(*there);
      EXPECT_FALSE(checkpointer.is_this_job());
    }
  }
  TestWorld world;
  world.store.bytes = large.store.bytes;
  VirtualClock clock;
  std::vector<char> room(8192);
  Checkpointer same_id(world.store, room, clock, CheckpointOptions{});
  const auto there = same_id.open();
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().code, Code::kCheckpointInvalid) << "this job's checkpoints are smaller";
}

TEST(Checkpoint, of_two_runs_at_once_one_is_fenced) {
  const TestJob job = oversize_lines();
  TestWorld world;
  VirtualClock clock;
  TestRunner one(job, world, clock);
  ASSERT_TRUE(one.begin());
  TestRunner other(job, world, clock);
  const auto begun = other.begin();
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::kFenced);
  EXPECT_EQ(one.run().ending, Ending::kDone);
}

TEST(Checkpoint, runs_and_saves_are_counted_over_all_runs_and_runs_from_one_when_begun_anew) {
  const TestJob job = oversize_lines();
  TestWorld world;
  CheckpointHead before;
  for (uint32_t run = 1; run <= 4; ++run) {
    ASSERT_TRUE(stop_after(job, world, 1));
    CheckpointReader reader;
    ASSERT_TRUE(reader.parse(world.store.bytes, {}));
    EXPECT_EQ(reader.head().epoch, run);
    EXPECT_EQ(reader.head().runs, run);
    EXPECT_GT(reader.head().sequence, before.sequence);
    before = reader.head();
  }
  EXPECT_EQ(before.sequence, world.store.saves);
  VirtualClock clock;
  TestRunner runner(job, world, clock);
  ASSERT_TRUE(runner.checkpointer->open());
  ASSERT_TRUE(runner.checkpointer->forget());
  runner.wakeup.request_stop();
  EXPECT_EQ(runner.run().ending, Ending::kCheckpointed);
  CheckpointReader reader;
  ASSERT_TRUE(reader.parse(world.store.bytes, {}));
  EXPECT_EQ(reader.head().runs, 1u);
  EXPECT_EQ(reader.head().idle_runs, 0u);
  EXPECT_EQ(reader.head().epoch, before.epoch + 1) << "what the other run held is not this one's";
}

TEST(Checkpoint, a_run_that_stops_reports_what_its_checkpoint_holds) {
  const TestJob job = gzip_csv();
  uint64_t read_further = 0;
  for (uint64_t saves = 0; saves < 12; ++saves) {
    TestWorld world;
    VirtualClock clock;
    TestRunner runner(job, world, clock);
    uint64_t seen = 0;
    uint64_t read_at_stop = 0;
    world.store.on_save = [&] {
      if (++seen > saves) runner.wakeup.request_stop();
      read_at_stop = std::max(read_at_stop, runner.counters.read);
    };
    ASSERT_TRUE(runner.begin());
    ASSERT_EQ(runner.run().ending, Ending::kCheckpointed);
    CheckpointReader reader;
    ASSERT_TRUE(reader.parse(world.store.bytes, {}));
    StateReader section = reader.section(CheckpointSection::kCounters);
    Counters saved;
    ASSERT_TRUE(saved.load(section));
    EXPECT_EQ(runner.counters.read, saved.read);
    EXPECT_EQ(runner.counters.written, saved.written);
    EXPECT_EQ(runner.counters.rejected, saved.rejected);
    EXPECT_EQ(runner.counters.output_bytes, saved.output_bytes);
    read_further += read_at_stop - saved.read;
  }
  EXPECT_GT(read_further, 0u) << "some had read behind the edge";
}

TEST(Checkpoint, is_due_again_so_long_after_the_last_one) {
  MemoryCheckpointStore store;
  VirtualClock clock;
  std::vector<char> room(8192);
  CheckpointOptions options;
  options.every_ns = 100;
  Checkpointer checkpointer(store, room, clock, options);
  ASSERT_FALSE(*checkpointer.open());
  for (int i = 0; i < 3; ++i) {
    checkpointer.capture(static_cast<uint64_t>(i), [](CheckpointWriter& out) {
      for (size_t section = 1; section <= kCheckpointSections; ++section)
        out.section(static_cast<CheckpointSection>(section), [](StateWriter&) {});
    });
    EXPECT_FALSE(checkpointer.due());
    clock.advance(99);
    EXPECT_FALSE(checkpointer.due());
    clock.advance(1);
    EXPECT_TRUE(checkpointer.due());
    Error error(Code::kTooManyRejects);
    error.source = 7;
    error.byte = 8;
    error.record = 9;
    ASSERT_TRUE(checkpointer.save(CheckpointKind::kRunning, &error));
  }
  CheckpointReader reader;
  ASSERT_TRUE(reader.parse(store.bytes, {}));
  EXPECT_EQ(reader.head().verdict, static_cast<uint16_t>(Code::kTooManyRejects));
  EXPECT_EQ(reader.head().verdict_source, 7u);
  EXPECT_EQ(reader.head().verdict_byte, 8u);
  EXPECT_EQ(reader.head().verdict_record, 9u);
}

TEST(Checkpoint, three_runs_that_get_nowhere_end_in_stuck_and_progress_starts_the_count_anew) {
  const TestJob job = oversize_lines();
  TestWorld world = stopped_in_the_middle(job);
  const auto idle = [&] {
    VirtualClock clock;
    TestRunner runner(job, world, clock);
    const auto begun = runner.begin();
    if (!begun) return begun.error().code;
    runner.wakeup.request_stop();
    EXPECT_EQ(runner.run().ending, Ending::kCheckpointed);
    return Code::kOk;
  };
  EXPECT_EQ(idle(), Code::kOk);
  EXPECT_EQ(idle(), Code::kOk);
  ASSERT_TRUE(stop_after(job, world, 2)) << "one that gets further";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(idle(), Code::kOk) << i;
  EXPECT_EQ(idle(), Code::kStuck);
  EXPECT_EQ(idle(), Code::kStuck) << "and stays so";
}

}  // namespace
}  // namespace weir

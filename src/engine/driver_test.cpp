#include "engine/driver.hpp"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/stream_output.hpp"
#include "memory/arena.hpp"
#include "testing/memory_ports.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::MemorySink;
using testing::MemorySource;
using testing::VirtualClock;
using testing::VirtualWakeup;

// Memory of test objects, aligned as the plan's is.
class Room {
 public:
  explicit Room(size_t bytes) : memory_(bytes + kAlignment), arena_(aligned(memory_)) {}
  std::span<char> take(size_t bytes) { return arena_.take(bytes); }

 private:
  static std::span<char> aligned(std::vector<char>& memory) {
    const size_t shift = (kAlignment - reinterpret_cast<uintptr_t>(memory.data()) % kAlignment) % kAlignment;
    return std::span<char>(memory).subspan(shift, memory.size() - shift);
  }
  std::vector<char> memory_;
  Arena arena_;
};

struct JobSetup {
  std::string query = "SELECT * FROM input";
  Codec encoding = Codec::kNone;
  size_t output_bytes = 128u << 10;
  bool rejects = true;
  RejectLimits limits;
  WriterOptions writer = {.format = WriterFormat::kNdjson};
  ReaderOptions reader;
  SinkTraits traits;
  uint64_t age_ns = 0;
  Deadline deadline;
};

// A whole pipeline over memory.
struct TestRun {
  explicit TestRun(JobSetup setup_in)
      : setup(std::move(setup_in)), room(24u << 20), sink(setup.traits), wakeup(clock) {}

  Outcome run() {
    QueryOptions query_options;
    query_options.record_max = setup.reader.record_bytes_max;
    auto compiled = compile_query(setup.query, query_options);
    EXPECT_TRUE(compiled) << compiled.error().detail.view();
    program = std::move(compiled->program);
    for (size_t i = 0; i < program->output().size(); ++i) {
      const OutputColumn& column = program->output()[i];
      columns.push_back({column.name, column.field, program->computed_index(i), column.star});
    }
    attach_program_memory(*program, room.take(program_memory_max(*program)));
    auto reader = make_reader(setup.reader, program->projection(),
                              room.take(reader_memory_max(setup.reader, program->projection())));
    EXPECT_TRUE(reader);
    DecoderLimits decoder_limits;
    RecordWriter* writer = make_writer(setup.writer, 200, 8192, room.take(writer_memory_max(setup.writer, 200, 8192)));
    Encoder* encoder = nullptr;
    if (setup.encoding != Codec::kNone)
      encoder = make_encoder(setup.encoding, -1, room.take(encoder_memory_max(setup.encoding, -1)));
    bytes =
        std::make_unique<ByteOutput>(sink, encoder, room.take(setup.output_bytes), room.take(32768), clock, counters);
    output = std::make_unique<StreamOutput>(*writer, *bytes, kUnitOutputBytes, setup.age_ns, clock, counters);
    reject_bytes =
        std::make_unique<ByteOutput>(rejects_sink, nullptr, room.take(8192), std::span<char>{}, clock, counters);
    rejects = std::make_unique<Rejects>(setup.rejects ? reject_bytes.get() : nullptr, setup.limits);
    parts.source = &source;
    parts.gzip =
        make_decoder(Codec::kGzip, decoder_limits, room.take(decoder_memory_max(Codec::kGzip, decoder_limits)));
    parts.stored = room.take(stored_bytes);
    parts.reader = *reader;
    parts.program = program.get();
    parts.columns = columns;
    parts.output = output.get();
    parts.rejects = rejects.get();
    parts.sink = &sink;
    parts.rejects_sink = setup.rejects ? &rejects_sink : nullptr;
    parts.clock = &clock;
    parts.wakeup = &wakeup;
    parts.scratch = room.take(Driver::scratch_bytes());
    Driver driver(parts, counters);
    return driver.run(setup.deadline);
  }
  std::string text() const {
    std::string all;
    for (const std::string& object : sink.objects) all += object;
    return all;
  }
  std::string reject_text() const { return rejects_sink.objects.empty() ? "" : rejects_sink.objects[0]; }

  JobSetup setup;
  Room room;
  MemorySource source;
  MemorySink sink;
  MemorySink rejects_sink;
  VirtualClock clock;
  VirtualWakeup wakeup;
  Counters counters;
  size_t stored_bytes = 65536;
  std::unique_ptr<Program> program;
  std::vector<WriteColumn> columns;
  std::unique_ptr<ByteOutput> bytes;
  std::unique_ptr<RecordOutput> output;
  std::unique_ptr<ByteOutput> reject_bytes;
  std::unique_ptr<Rejects> rejects;
  PipelineParts parts;
};

void expect_fates(const Counters& c, uint64_t written, uint64_t folded, uint64_t filtered, uint64_t rejected) {
  EXPECT_EQ(c.written, written);
  EXPECT_EQ(c.folded, folded);
  EXPECT_EQ(c.filtered, filtered);
  EXPECT_EQ(c.rejected, rejected);
  EXPECT_EQ(c.read, written + folded + filtered + rejected);
}

TEST(Driver, gives_every_record_one_fate) {
  JobSetup setup;
  setup.query = "SELECT a, CAST(b AS INT) + 1 AS c FROM input WHERE a <> 'skip'";
  TestRun run(setup);
  run.source.inputs = {"a,b\nx,1\nskip,2\ny,bad\nragged\nz,4\n"};
  const Outcome outcome = run.run();
  EXPECT_EQ(outcome.ending, Ending::kDone);
  EXPECT_EQ(run.text(), "{\"a\":\"x\",\"c\":2}\n{\"a\":\"z\",\"c\":5}\n");
  expect_fates(run.counters, 2, 0, 1, 2);
  const std::string rejects = run.reject_text();
  EXPECT_NE(rejects.find("\"code\":\"W2401\""), std::string::npos) << rejects;
  EXPECT_NE(rejects.find("\"byte\":15,\"record\":2,\"size\":5,\"head\":\"y,bad\""), std::string::npos) << rejects;
  EXPECT_NE(rejects.find("\"code\":\"W2202\""), std::string::npos) << rejects;
  EXPECT_NE(rejects.find("\"byte\":21,\"record\":3"), std::string::npos) << rejects;
  EXPECT_LT(rejects.find("W2401"), rejects.find("W2202")) << "in input order";
  EXPECT_TRUE(run.sink.finished);
  EXPECT_TRUE(run.rejects_sink.finished);
}

TEST(Driver, rejects_of_filter_and_projection_come_in_input_order) {
  JobSetup setup;
  setup.query = "SELECT CAST(b AS INT) AS b FROM input WHERE CAST(a AS INT) > 0";
  TestRun run(setup);
  std::string text = "a,b\n";
  for (int i = 0; i < 900; ++i) {
    text += i % 7 == 0 ? "no" : i % 5 == 0 ? "0" : "1";
    text += i % 11 == 0 ? ",no\n" : ",2\n";
  }
  run.source.inputs = {text};
  EXPECT_EQ(run.run().ending, Ending::kDone);
  uint64_t rejected = 0, filtered = 0;
  std::vector<int> expected;
  for (int i = 0; i < 900; ++i) {
    const bool bad_a = i % 7 == 0;
    if (!bad_a && i % 5 == 0)
      ++filtered;
    else if (bad_a || i % 11 == 0)
      expected.push_back(i), ++rejected;
  }
  expect_fates(run.counters, 900 - rejected - filtered, 0, filtered, rejected);
  std::vector<int> got;
  const std::string rejects = run.reject_text();
  for (size_t at = 0; (at = rejects.find("\"record\":", at)) != std::string::npos; at += 9)
    got.push_back(std::atoi(rejects.c_str() + at + 9));
  EXPECT_EQ(got, expected);
}

TEST(Driver, without_a_rejects_output_the_first_bad_record_stops_the_run) {
  JobSetup setup;
  setup.rejects = false;
  TestRun run(setup);
  run.source.inputs = {"a,b\n1,2\n3\n4,5\n"};
  const Outcome outcome = run.run();
  EXPECT_EQ(outcome.ending, Ending::kFailed);
  EXPECT_EQ(outcome.error.code, Code::kBadRecord);
  EXPECT_EQ(outcome.error.byte, 8u);
  EXPECT_EQ(outcome.error.record, 1u);
  EXPECT_TRUE(run.sink.cancelled);
  EXPECT_FALSE(run.sink.finished);
}

TEST(Driver, stops_past_the_rejects_limits) {
  JobSetup setup;
  setup.limits.count_max = 2;
  TestRun run(setup);
  run.source.inputs = {"a,b\n1\n2\n3\n4,5\n"};
  EXPECT_EQ(run.run().error.code, Code::kTooManyRejects);

  JobSetup share;
  share.limits.share_max = 0.5;
  TestRun at_end(share);
  at_end.source.inputs = {"a,b\n1\n2\n3\n4,5\n"};
  EXPECT_EQ(at_end.run().error.code, Code::kTooManyRejects) << "judged at the end";
  TestRun fine(share);
  fine.source.inputs = {"a,b\n1\n2\n4,5\n6,7\n"};
  EXPECT_EQ(fine.run().ending, Ending::kDone);
}

TEST(Driver, limit_leaves_the_rest_unread) {
  JobSetup setup;
  setup.query = "SELECT a FROM input WHERE a <> '2' LIMIT 3";
  TestRun run(setup);
  run.source.inputs = {"a\n1\n2\n3\n4\n5\n6\n"};
  const Outcome outcome = run.run();
  EXPECT_TRUE(outcome.limit_reached);
  expect_fates(run.counters, 3, 0, 1, 0);
  EXPECT_EQ(run.text(), "{\"a\":\"1\"}\n{\"a\":\"3\"}\n{\"a\":\"4\"}\n");
}

TEST(Driver, aggregates_fold_what_passes_and_reject_what_is_bad) {
  JobSetup setup;
  setup.query = "SELECT COUNT(*) AS n, SUM(CAST(b AS INT)) AS s FROM input WHERE a = 'x'";
  TestRun run(setup);
  run.source.inputs = {"a,b\nx,1\ny,2\nx,bad\nx,40\n", "a,b\nx,1\n"};
  EXPECT_EQ(run.run().ending, Ending::kDone);
  EXPECT_EQ(run.text(), "{\"n\":3,\"s\":42}\n");
  expect_fates(run.counters, 0, 3, 1, 1);
  TestRun empty(setup);
  empty.source.inputs = {""};
  EXPECT_EQ(empty.run().ending, Ending::kDone);
  EXPECT_EQ(empty.text(), "{\"n\":0,\"s\":null}\n");
}

TEST(Driver, a_later_input_with_another_header_stops_the_run) {
  TestRun run(JobSetup{});
  run.source.inputs = {"a,b\n1,2\n", "a,c\n1,2\n"};
  const Outcome outcome = run.run();
  EXPECT_EQ(outcome.error.code, Code::kHeaderDiffers);
  EXPECT_EQ(outcome.error.source, 1u);
}

std::string many_records(size_t bytes) {
  std::mt19937_64 random(5);
  std::string text = "id,name,amount\n";
  while (text.size() < bytes) {
    text += std::to_string(random() % 1000000) + (random() % 9 == 0 ? ",\"quoted, name\"," : ",plain name,") +
            (random() % 50 == 0 ? "bad" : std::to_string(random() % 500)) + "\n";
  }
  return text;
}

// The law that output depends on the input alone: read sizes, window, buffers and clock change no byte.
TEST(Driver, output_bytes_do_not_depend_on_read_sizes_window_or_buffers) {
  const std::string text = many_records(9u << 20);
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kZstd}) {
    JobSetup setup;
    setup.query = "SELECT id, name, CAST(amount AS INT) * 2 AS twice FROM input WHERE name <> 'x'";
    setup.encoding = codec;
    setup.writer.batch_records_max = 500;
    TestRun whole(setup);
    whole.source.inputs = {text};
    ASSERT_EQ(whole.run().ending, Ending::kDone);
    ASSERT_GT(whole.counters.units, 1u) << "the test must cross commit units";
    std::mt19937_64 random(77);
    for (int round = 0; round < 3; ++round) {
      JobSetup other = setup;
      other.reader.window_bytes = 1000 + static_cast<uint32_t>(random() % 100000);
      other.output_bytes = 4096 + random() % 100000;
      TestRun run(other);
      run.stored_bytes = 4096 + random() % 50000;
      run.clock.set_step(random() % 1000);
      run.source.inputs = {text};
      run.source.cut = [&](size_t, size_t) { return 1 + random() % 30000; };
      run.source.block_every = 7;
      ASSERT_EQ(run.run().ending, Ending::kDone);
      ASSERT_EQ(run.text(), whole.text()) << codec_name(codec) << " round " << round;
      ASSERT_EQ(run.reject_text(), whole.reject_text());
      ASSERT_EQ(run.counters.units, whole.counters.units);
      ASSERT_EQ(run.counters.batches, whole.counters.batches);
    }
  }
}

TEST(Driver, an_input_unit_ends_with_the_record_that_makes_it_16_MiB) {
  static_assert(kUnitInputFactor * kUnitOutputBytes == 16u << 20);
  for (const int more : {-1, 0, 1}) {  // bytes of the record at the edge
    JobSetup setup;
    setup.query = "SELECT a FROM input WHERE a = 'none'";  // nothing is written: no unit ends by its output
    TestRun run(setup);
    std::string& text = run.source.inputs.emplace_back("a\n");
    while (text.size() < (kUnitInputFactor * kUnitOutputBytes) - 1024) text.append(1023, 'x') += '\n';
    text.append((kUnitInputFactor * kUnitOutputBytes) - text.size() - 1 + static_cast<size_t>(more), 'y') += '\n';
    EXPECT_EQ(run.run().ending, Ending::kDone);
    EXPECT_EQ(run.counters.decoded_bytes, (kUnitInputFactor * kUnitOutputBytes) + static_cast<size_t>(more));
    EXPECT_EQ(run.counters.units, more < 0 ? 0u : 1u) << more;
  }
}

TEST(Driver, delivers_what_stands_before_damage) {
  const std::string text = "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  // gzip -n of the text, cut short: the first bytes decode.
  TestRun pack(JobSetup{.encoding = Codec::kGzip, .writer = {.format = WriterFormat::kLines}});
  pack.source.inputs = {text};
  ASSERT_EQ(pack.run().ending, Ending::kDone);
  const std::string packed = pack.text();
  JobSetup lines;
  lines.query = "SELECT _1 FROM input";
  lines.reader.csv.header = false;
  lines.writer.format = WriterFormat::kLines;
  for (size_t size = 12; size < packed.size(); ++size) {
    TestRun run(lines);
    run.source.inputs = {packed.substr(0, size)};
    const Outcome outcome = run.run();
    EXPECT_EQ(outcome.ending, Ending::kFailed);
    EXPECT_EQ(outcome.error.code, Code::kGzipTruncated) << size;
    EXPECT_TRUE(std::string("1\n2\n3\n4\n5\n6\n7\n8\n9\n").starts_with(run.text())) << run.text();
    EXPECT_FALSE(run.sink.finished);
  }
}

TEST(Driver, refuses_two_layers_of_compression) {
  JobSetup pack;
  pack.encoding = Codec::kGzip;
  pack.writer.format = WriterFormat::kLines;
  pack.query = "SELECT _1 FROM input";
  pack.reader.csv.header = false;
  TestRun inner(pack);
  inner.source.inputs = {"hello\n"};
  ASSERT_EQ(inner.run().ending, Ending::kDone);
  JobSetup raw = pack;
  raw.reader.format = Format::kBlocks;
  raw.writer.format = WriterFormat::kRaw;
  raw.query = "SELECT data FROM input";
  TestRun outer(raw);
  outer.parts.detect_codec = true;
  outer.source.inputs = {inner.text()};
  // Blocks of an undetected stream: keep the bytes as they are.
  outer.parts.detect_codec = false;
  ASSERT_EQ(outer.run().ending, Ending::kDone);
  TestRun twice(JobSetup{});
  twice.source.inputs = {outer.text()};
  EXPECT_EQ(twice.run().error.code, Code::kNestedCodec);
}

TEST(Driver, a_closed_stdout_ends_the_run_quietly) {
  JobSetup setup;
  setup.output_bytes = 4096;
  TestRun run(setup);
  run.sink.closed_at_write = 2;
  run.source.inputs = {many_records(1u << 20)};
  const Outcome outcome = run.run();
  EXPECT_EQ(outcome.ending, Ending::kReaderGone);
  EXPECT_LT(run.counters.read, 20000u) << "it stops, it does not read on for nobody";
}

TEST(Driver, a_failing_sink_or_source_stops_with_its_error_and_publishes_nothing) {
  JobSetup setup;
  setup.output_bytes = 4096;
  TestRun run(setup);
  run.sink.fail_at_write = 3;
  run.source.inputs = {many_records(1u << 20)};
  EXPECT_EQ(run.run().error.code, Code::kWriteFailed);
  EXPECT_TRUE(run.sink.cancelled && !run.sink.finished);
  EXPECT_TRUE(run.counters.balanced());
  TestRun broken(setup);
  broken.source.fail_at_read = 5;
  broken.source.cut = [](size_t, size_t) { return size_t{1000}; };
  broken.source.inputs = {many_records(1u << 20)};
  EXPECT_EQ(broken.run().error.code, Code::kReadFailed);
  EXPECT_TRUE(broken.sink.cancelled && !broken.sink.finished);
}

TEST(Driver, stops_at_the_deadline_between_batches) {
  JobSetup setup;
  setup.deadline.at_ns = 1'000'000'000 + 5'000'000;
  TestRun run(setup);
  run.clock.set_step(100'000);
  run.source.inputs = {many_records(8u << 20)};
  const Outcome outcome = run.run();
  EXPECT_EQ(outcome.ending, Ending::kInterrupted);
  EXPECT_TRUE(run.sink.cancelled);
  EXPECT_TRUE(run.counters.balanced());
}

TEST(Driver, a_batch_is_cut_by_age_while_the_source_is_silent) {
  JobSetup setup;
  setup.traits = {.object_per_batch = true, .whole_batches = true, .age_allowed = true};
  setup.age_ns = 1'000'000'000;
  setup.output_bytes = 1u << 20;
  TestRun run(setup);
  run.source.inputs = {"a\n1\n2\n3\n4\n"};
  run.source.cut = [](size_t, size_t) { return size_t{2}; };
  run.source.block_every = 2;
  EXPECT_EQ(run.run().ending, Ending::kDone);
  EXPECT_GT(run.sink.objects.size(), 1u);
  std::string all;
  for (const std::string& object : run.sink.objects) all += object;
  EXPECT_EQ(all, "{\"a\":\"1\"}\n{\"a\":\"2\"}\n{\"a\":\"3\"}\n{\"a\":\"4\"}\n");
}

TEST(Driver, whole_batches_are_sent_again_when_asked_for) {
  JobSetup setup;
  setup.traits = {.object_per_batch = true, .whole_batches = true};
  setup.writer.format = WriterFormat::kJson;
  setup.writer.batch_records_max = 2;
  setup.output_bytes = 1u << 20;
  setup.encoding = Codec::kNone;
  TestRun run(setup);
  run.sink.retries_wanted = 2;
  run.source.inputs = {"a\n1\n2\n3\n"};
  EXPECT_EQ(run.run().ending, Ending::kDone);
  ASSERT_EQ(run.sink.objects.size(), 2u);
  EXPECT_EQ(run.sink.objects[0], "[{\"a\":\"1\"},\n{\"a\":\"2\"}]\n");
  EXPECT_EQ(run.sink.objects[1], "[{\"a\":\"3\"}]\n");
  EXPECT_EQ(run.counters.retries, 4u);
  EXPECT_EQ(run.sink.infos[0].records, 2u);
  EXPECT_EQ(run.sink.infos[2].attempt, 2u);
}

}  // namespace
}  // namespace weir

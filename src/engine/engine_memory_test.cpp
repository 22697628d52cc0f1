// The driver's lists and the outputs' buffers in rooms of just what the plan gives them, between guard pages.
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/driver.hpp"
#include "engine/puller.hpp"
#include "engine/stream_output.hpp"
#include "testing/measured_room.hpp"
#include "testing/memory_ports.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::MeasuredRoom;
using testing::MemorySink;
using testing::MemorySource;
using testing::VirtualClock;
using testing::VirtualWakeup;

constexpr double kUsedLeast = 95;

struct Rooms {
  MeasuredRoom stored{64u << 10};
  MeasuredRoom scratch{Driver::scratch_bytes()};
  MeasuredRoom output;
  MeasuredRoom encoded{64u << 10};
  MeasuredRoom rejects{32u << 10};
};

/// A whole pipeline whose parts that are measured lie in `rooms`; the others lie about.
Outcome run(Rooms& rooms, const std::string& input, const std::string& query, SinkTraits traits, Codec codec,
            Counters& counters) {
  ReaderOptions reader_options;
  QueryOptions query_options;
  query_options.record_max = reader_options.record_bytes_max;
  auto compiled = compile_query(query, query_options);
  EXPECT_TRUE(compiled);
  Program& program = *compiled->program;
  std::vector<WriteColumn> columns;
  for (size_t i = 0; i < program.output().size(); ++i) {
    const OutputColumn& column = program.output()[i];
    columns.push_back({column.name, column.field, program.computed_index(i), column.star});
  }
  const MeasuredRoom program_room(program_memory_max(program));
  attach_program_memory(program, program_room.room());
  const MeasuredRoom reader_room(reader_memory_max(reader_options, program.projection()));
  const auto reader = make_reader(reader_options, program.projection(), reader_room.room());
  EXPECT_TRUE(reader);
  WriterOptions writer_options;
  writer_options.whole_records = traits.whole_batches;
  writer_options.batch_bytes_max = traits.whole_batches ? (1u << 20) : 0;
  const MeasuredRoom writer_room(writer_memory_max(writer_options, 10, 200));
  RecordWriter* const writer = make_writer(writer_options, 10, 200, writer_room.room());
  const MeasuredRoom encoder_room(encoder_memory_max(codec, -1));
  Encoder* const encoder = codec == Codec::kNone ? nullptr : make_encoder(codec, -1, encoder_room.room());
  const MeasuredRoom decoder_room(decoder_memory_max(Codec::kGzip, {}));

  MemorySource source;
  source.inputs = {input};
  MemorySink sink(traits);
  MemorySink rejects_sink;
  VirtualClock clock;
  VirtualWakeup wakeup(clock);
  ByteOutput bytes(sink, encoder, rooms.output.room(), encoder != nullptr ? rooms.encoded.room() : std::span<char>{},
                   clock, counters);
  StreamOutput output(*writer, bytes, kUnitOutputBytes, 0, clock, counters);
  ByteOutput reject_bytes(rejects_sink, nullptr, rooms.rejects.room(), {}, clock, counters);
  Rejects rejects(&reject_bytes, {});
  PipelineParts parts;
  parts.source = &source;
  parts.gzip = make_decoder(Codec::kGzip, {}, decoder_room.room());
  parts.stored = rooms.stored.room();
  parts.reader = *reader;
  parts.program = &program;
  parts.columns = columns;
  parts.output = &output;
  parts.rejects = &rejects;
  parts.sink = &sink;
  parts.rejects_sink = &rejects_sink;
  parts.clock = &clock;
  parts.wakeup = &wakeup;
  parts.scratch = rooms.scratch.room();
  Driver driver(parts, counters);
  Outcome outcome = driver.run({});
  for (const MeasuredRoom* room : {&program_room, &reader_room, &writer_room, &encoder_room, &decoder_room}) {
    EXPECT_TRUE(room->intact());
  }
  return outcome;
}

std::string gzip_of(std::string_view plain) {
  const MeasuredRoom room(encoder_memory_max(Codec::kGzip, 0));
  Encoder* const encoder = make_encoder(Codec::kGzip, 0, room.room());
  std::string out(plain.size() + (1u << 20), '\0');
  Error error;
  const Transfer transfer = encoder->encode(plain, Flush::kFinish, out, error);
  EXPECT_EQ(transfer.step, Step::kFinished);
  out.resize(transfer.produced);
  return out;
}

/// Lines of 20 random letters and digits: six bits each, which no codec makes less of.
std::string noise(size_t size) {
  std::mt19937 rng(3);
  std::string text;
  while (text.size() < size) {
    for (int i = 0; i < 20; ++i) text += "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[rng() % 64];
    text += '\n';
  }
  return text;
}

TEST(EngineMemory, the_drivers_lists_and_the_buffers_stay_in_their_rooms_and_use_them) {
  Rooms rooms{.output = MeasuredRoom(128u << 10)};
  Counters counters;
  // Records that fail in the filter, then records that fail in the projection: as many as a batch has, of 2,048 each.
  std::string failing = "a\n";
  for (int i = 0; i < 20'000; ++i) failing += "x\n";
  ASSERT_EQ(run(rooms, failing, "SELECT a FROM input WHERE CAST(a AS INT) = 1", {}, Codec::kNone, counters).ending,
            Ending::kDone);
  EXPECT_EQ(counters.rejected, 20'000u);
  counters = {};
  ASSERT_EQ(run(rooms, failing, "SELECT CAST(a AS INT) + 1 AS b FROM input", {}, Codec::kNone, counters).ending,
            Ending::kDone);
  EXPECT_EQ(counters.rejected, 20'000u);
  counters = {};
  // An aggregate's errors come from all rows of a batch at once.
  ASSERT_EQ(run(rooms, failing, "SELECT SUM(CAST(a AS INT) + 1) AS b FROM input", {}, Codec::kNone, counters).ending,
            Ending::kDone);
  counters = {};
  // What can't be compressed, both ways.
  ASSERT_EQ(
      run(rooms, gzip_of("a\n" + noise(8u << 20)), "SELECT a, a AS b FROM input", {}, Codec::kGzip, counters).ending,
      Ending::kDone);
  EXPECT_GT(counters.written, 300'000u);
  for (const auto& [name, room] : {std::pair{"row lists", &rooms.scratch},
                                   {"input buffer", &rooms.stored},
                                   {"output buffer", &rooms.output},
                                   {"compressed output", &rooms.encoded},
                                   {"rejects buffer", &rooms.rejects}}) {
    EXPECT_TRUE(room->intact()) << name;
    EXPECT_GE(room->report(name), kUsedLeast) << name;
  }
}

TEST(EngineMemory, a_whole_batch_stays_in_its_room_and_uses_it) {
  Rooms rooms{.output = MeasuredRoom((1u << 20) + (64u << 10))};
  Counters counters;
  const SinkTraits traits{.object_per_batch = true, .whole_batches = true};
  // Many small records, then one that is as large as a record may be.
  const std::string input = "a\n" + noise(3u << 20) + std::string((1u << 20) - 64, 'l') + "\n" + noise(100'000);
  ASSERT_EQ(run(rooms, input, "SELECT a FROM input", traits, Codec::kNone, counters).ending, Ending::kDone);
  EXPECT_EQ(counters.rejected, 0u);
  EXPECT_TRUE(rooms.output.intact());
  EXPECT_GE(rooms.output.report("batch"), 90);
}

}  // namespace
}  // namespace weir

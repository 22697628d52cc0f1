// A job over memory that can be stopped and gone on with: what outlives its runs, and a run. For the tests of checkpoints and deadlines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/driver.hpp"
#include "engine/stream_output.hpp"
#include "memory/arena.hpp"
#include "testing/memory_ports.hpp"
#include "testing/virtual_time.hpp"

namespace weir::testing {

struct TestJob {
  std::vector<std::string> inputs;
  std::string query = "SELECT * FROM input";
  ReaderOptions reader;
  WriterOptions writer = {.format = WriterFormat::kNdjson};
  bool zstd = false;  ///< of the input; gzip is always planned
  Codec codec = Codec::kNone;  ///< of the output
  Codec rejects_codec = Codec::kNone;
  SinkTraits traits;
  RejectLimits limits;
  uint64_t unit_bytes = 4096;
  size_t output_bytes = 64u << 10;
  CheckpointOptions checkpoint = {.every_ns = 0};
};

/// What is left when a run is over.
struct TestWorld {
  StoredOutput output;
  StoredOutput rejects;
  MemoryCheckpointStore store;

  [[nodiscard]] static std::string text(const StoredOutput& stored) {
    std::string all;
    for (const std::string& object : stored.objects) all += object + "\x1c";
    return all;
  }
  [[nodiscard]] std::string text() const { return text(output) + "\x1d" + text(rejects); }
};

/// One run of the job: wire(), then begin() and run(), as Job does.
class TestRunner {
 public:
  TestRunner(TestJob job, TestWorld& world, VirtualClock& time)
      : job_(std::move(job)),
        clock(time),
        wakeup(time),
        sink(world.output, job_.traits),
        rejects_sink(world.rejects),
        world_(world),
        memory_(std::make_unique_for_overwrite<char[]>(kMemoryBytes)) {
    wire();
  }
  ~TestRunner() { checkpointer->release(); }

  /// Takes the job and goes on with what is there, if anything is. False: nothing is left to do.
  Result<bool> begin() {
    auto there = checkpointer->open();
    if (!there) return fail(there.error());
    const bool goes_on = *there && checkpointer->loaded().head().kind != CheckpointKind::kDone;
    if (*there && !goes_on) return false;
    if (*there && !checkpointer->is_this_job()) return fail(Code::kCheckpointOtherJob);
    BatchSink* sinks[] = {&sink, &rejects_sink};
    constexpr CheckpointSection kSections[] = {CheckpointSection::kSink, CheckpointSection::kRejectsSink};
    for (size_t i = 0; i < 2; ++i) {
      if (!goes_on) {
        WEIR_TRY(sinks[i]->start());
        continue;
      }
      StateReader state = checkpointer->loaded().section(kSections[i]);
      if (!sinks[i]->load(state) || !state.at_end()) return fail(Code::kCheckpointInvalid, "sink");
      WEIR_TRY(sinks[i]->resume(finishing()));
    }
    if (!goes_on) return true;
    WEIR_TRY(finishing() ? driver->recall(checkpointer->loaded()) : driver->resume(checkpointer->loaded()));
    resumed_at = checkpointer->loaded().head().progress;
    finish_up_ = finishing();
    WEIR_TRY(checkpointer->claim());
    return true;
  }
  Outcome run(Deadline deadline = {}) { return finish_up_ ? driver->finish_up() : driver->run(deadline); }

  uint64_t resumed_at = kNoOffset;

 private:
  static constexpr size_t kMemoryBytes = 32u << 20;
  TestJob job_;

 public:
  VirtualClock& clock;
  VirtualWakeup wakeup;
  MemorySource source;
  ResumableSink sink;
  ResumableSink rejects_sink;
  Counters counters;
  PipelineParts parts;
  std::unique_ptr<Checkpointer> checkpointer;
  std::unique_ptr<Driver> driver;

 private:
  [[nodiscard]] bool finishing() const { return checkpointer->loaded().head().kind == CheckpointKind::kFinishing; }
  std::span<char> take(size_t bytes) {
    const auto begin = reinterpret_cast<uintptr_t>(memory_.get());
    used_ = (begin + used_ + kAlignment - 1) / kAlignment * kAlignment - begin + bytes;
    EXPECT_LE(used_, kMemoryBytes);
    return {memory_.get() + used_ - bytes, bytes};
  }
  Encoder* encoder_of(Codec codec) {
    return codec == Codec::kNone ? nullptr : make_encoder(codec, -1, take(encoder_memory_max(codec, -1)));
  }
  void wire() {
    QueryOptions query_options;
    query_options.record_max = job_.reader.record_bytes_max;
    auto compiled = compile_query(job_.query, query_options);
    EXPECT_TRUE(compiled);
    program_ = std::move(compiled->program);
    for (size_t i = 0; i < program_->output().size(); ++i) {
      const OutputColumn& column = program_->output()[i];
      columns_.push_back({column.name, column.field, program_->computed_index(i), column.star});
    }
    attach_program_memory(*program_, take(program_memory_max(*program_)));
    const size_t reader_bytes = reader_memory_max(job_.reader, program_->projection());
    auto reader = make_reader(job_.reader, program_->projection(), take(reader_bytes));
    EXPECT_TRUE(reader);
    RecordWriter* writer = make_writer(job_.writer, 200, 8192, take(writer_memory_max(job_.writer, 200, 8192)));
    bytes_ = std::make_unique<ByteOutput>(sink, encoder_of(job_.codec), take(job_.output_bytes), take(32768), clock,
                                          counters);
    output_ = std::make_unique<StreamOutput>(*writer, *bytes_, job_.unit_bytes, 0, clock, counters);
    Encoder* rejects_encoder = encoder_of(job_.rejects_codec);
    reject_bytes_ =
        std::make_unique<ByteOutput>(rejects_sink, rejects_encoder, take(8192), take(32768), clock, counters);
    rejects_ = std::make_unique<Rejects>(reject_bytes_.get(), job_.limits);
    source.inputs = job_.inputs;
    parts.source = &source;
    parts.gzip = make_decoder(Codec::kGzip, limits_, take(decoder_memory_max(Codec::kGzip, limits_)));
    if (job_.zstd) parts.zstd = make_decoder(Codec::kZstd, limits_, take(decoder_memory_max(Codec::kZstd, limits_)));
    parts.stored = take(65536);
    parts.reader = *reader;
    parts.program = program_.get();
    parts.columns = columns_;
    parts.output = output_.get();
    parts.rejects = rejects_.get();
    parts.sink = &sink;
    parts.rejects_sink = &rejects_sink;
    parts.clock = &clock;
    parts.wakeup = &wakeup;
    parts.scratch = take(Driver::scratch_bytes());
    parts.unit_bytes = job_.unit_bytes;
    parts.snapshots = take(ByteIntake::snapshots_bytes(parts));
    parts.reader_state = take((*reader)->state_bytes_max());
    const std::span<char> room = take(Driver::checkpoint_bytes_max(parts));
    checkpointer = std::make_unique<Checkpointer>(world_.store, room, clock, job_.checkpoint);
    parts.checkpointer = checkpointer.get();
    driver = std::make_unique<Driver>(parts, counters);
  }

  TestWorld& world_;
  DecoderLimits limits_;
  std::unique_ptr<char[]> memory_;  ///< touched only where it is used: runs are made by the thousand
  size_t used_ = 0;
  std::unique_ptr<Program> program_;
  std::vector<WriteColumn> columns_;
  std::unique_ptr<ByteOutput> bytes_;
  std::unique_ptr<RecordOutput> output_;
  std::unique_ptr<ByteOutput> reject_bytes_;
  std::unique_ptr<Rejects> rejects_;
  bool finish_up_ = false;
};

}  // namespace weir::testing

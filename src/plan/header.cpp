#include "plan/header.hpp"

#include <algorithm>

#include "engine/byte_intake.hpp"
#include "memory/arena.hpp"
#include "memory/process_memory.hpp"

namespace weir {
namespace {

constexpr size_t kStoredBytes = 16u << 10;
constexpr uint32_t kWindowBytes = 16u << 10;

using Names = std::optional<std::vector<std::string>>;

/// Runs the reader until it knows its columns.
Result<Names> read_names(PipelineParts& parts) {
  Counters counters;
  ByteIntake intake(parts, counters);
  WEIR_TRY(intake.open(0));
  for (;;) {
    RecordBatch batch;
    Error error;
    const Step step = parts.reader->read(batch, error);
    const Schema& schema = parts.reader->schema();
    if (schema.fixed && !schema.names.empty()) return Names(std::in_place, schema.names.begin(), schema.names.end());
    if (step != Step::kNeedInput) return Names();
    const Result<Step> filled = intake.fill();
    const bool unreadable = !filled && filled.error().exit() == Exit::kUnavailable;
    if (unreadable) return fail(filled.error());
    if (!filled || *filled == Step::kBlocked) return Names();  // damage is the run's to tell
  }
}

}  // namespace

Result<Names> read_column_names(ByteSource& source, const Detected& detected, const ReaderOptions& options,
                                const DecoderLimits& limits, uint64_t memory_max, Clock& clock) {
  if (detected.format != Format::kCsv || source.count() == 0) return Names();
  if (const uint64_t size = source.size(0); size == kNoOffset || size == 0) return Names();
  ReaderOptions small = options;
  small.window_bytes = std::min(options.window_bytes, kWindowBytes);
  small.record_bytes_max = std::min(options.record_bytes_max, std::max(options.csv.header_bytes_max, uint32_t{64}));
  small.raw_only = false;
  const Projection nothing;
  const bool gzip = detected.codec == Codec::kGzip;
  const bool zstd = detected.codec == Codec::kZstd;
  const size_t reader_bytes = Arena::aligned(reader_memory_max(small, nothing));
  const size_t decoder_bytes = gzip || zstd ? Arena::aligned(decoder_memory_max(detected.codec, limits)) : 0;
  const size_t bytes = kStoredBytes + reader_bytes + decoder_bytes;
  if (bytes > memory_max) return Names();
  const auto mapped = map_working_memory(bytes);
  if (!mapped) return Names();
  Arena arena(*mapped);
  PipelineParts parts;
  parts.source = &source;
  parts.stored = arena.take(kStoredBytes);
  if (gzip) parts.gzip = make_decoder(Codec::kGzip, limits, arena.take(decoder_bytes));
  if (zstd) parts.zstd = make_decoder(Codec::kZstd, limits, arena.take(decoder_bytes));
  parts.detect_codec = false;
  parts.codec = detected.codec;
  parts.clock = &clock;
  Result<Names> names;
  if (const auto reader = make_reader(small, nothing, arena.take(reader_bytes)); reader) {
    parts.reader = *reader;
    names = read_names(parts);
  }
  source.close();
  unmap_working_memory(*mapped);
  return names;
}

}  // namespace weir

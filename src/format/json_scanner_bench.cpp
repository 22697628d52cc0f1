// Bytes a second of JsonScanner and of the readers above it, on one core, over records of about 230 bytes with ten fields: an id, a
// time, names, free text with an escape or UTF-8 now and then, numbers, a flag.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "format/json_reader.hpp"
#include "format/json_scanner.hpp"
#include "format/json_test_corpus.hpp"
#include "format/lines_reader.hpp"
#include "format/ndjson_reader.hpp"
#include "format/reader_transcript.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

std::string record(uint32_t i) {
  char line[512];
  std::snprintf(
      line, sizeof line,
      R"({"id":%u,"created_at":"2024-%02u-%02uT12:%02u:00Z","customer":"c%07u","country":"%s","amount":%u.%02u,)"
      R"("currency":"EUR","status":"%s","items":%u,"express":%s,"note":"%s"})",
      i, 1 + i % 12, 1 + i % 28, i % 60, i * 7919 % 10000000, i % 3 != 0 ? "DE" : "FR", i % 9973, i % 100,
      i % 5 != 0 ? "shipped" : "returned", i % 17, i % 2 != 0 ? "true" : "false",
      i % 20 == 0   ? "he said \\\"leave it\\\" at the door"
      : i % 20 == 1 ? "caf\xc3\xa9 by the corner"
                    : "please leave it with the neighbours");
  return line;
}

const std::string& lines() {
  static const std::string& text = *[] {
    auto* all = new std::string();
    for (uint32_t i = 0; all->size() < (8u << 20); ++i) *all += record(i) + "\n";
    return all;
  }();
  return text;
}

const std::vector<std::string> kThree = {"id", "amount", "status"};

void scan(benchmark::State& state, SimdLevel kernel, const std::vector<std::string>& paths) {
  TestProjection projection(paths);
  if (paths.empty()) projection.all();
  const size_t bytes = Arena::aligned(JsonScanner::memory_max(projection));
  Arena arena({static_cast<char*>(std::aligned_alloc(kAlignment, bytes)), bytes});
  JsonScanner scanner;
  scanner.attach(projection, 64, arena);
  if (json_indexer(kernel) == nullptr) return state.SkipWithError("this CPU has no such kernel");
  scanner.use(json_indexer(kernel));
  const std::string text = lines() + std::string(64, ' ');
  std::vector<Slice> values(paths.size() + 1);
  for (auto _ : state) {
    size_t good = 0;
    for (size_t at = 0; at < lines().size();) {
      const char* const end = static_cast<const char*>(std::memchr(text.data() + at, '\n', text.size() - at));
      const size_t size = static_cast<size_t>(end - text.data()) - at;
      good += scanner.scan({text.data() + at, size}, 0, values.data(), 1).ok();
      at += size + 1;
    }
    benchmark::DoNotOptimize(good);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * lines().size()));
}
BENCHMARK_CAPTURE(scan, avx2_validate, SimdLevel::kAvx2, std::vector<std::string>{});
BENCHMARK_CAPTURE(scan, avx2_three_fields, SimdLevel::kAvx2, kThree);
BENCHMARK_CAPTURE(scan, sse2_three_fields, SimdLevel::kSse2, kThree);
BENCHMARK_CAPTURE(scan, scalar_three_fields, SimdLevel::kScalar, kThree);

void automaton(benchmark::State& state) {
  for (auto _ : state) {
    for (size_t at = 0; at < lines().size();) {
      const size_t end = lines().find('\n', at);
      benchmark::DoNotOptimize(check_json(std::string_view(lines()).substr(at, end - at), 64));
      at = end + 1;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * lines().size()));
}
BENCHMARK(automaton);

template <typename Reader>
void read(benchmark::State& state, const std::string& text, const std::vector<std::string>& paths) {
  TestProjection projection(paths);
  if (paths.empty()) projection.all();
  ReaderOptions options;
  options.json.path = "[*]";
  ReaderRoom<Reader> room(options, projection);
  uint64_t rows = 0;
  for (auto _ : state) {
    room->begin_source(0);
    size_t at = 0;
    for (bool going = true; going;) {
      RecordBatch batch;
      Error error;
      switch (room->read(batch, error)) {
        case Step::kHaveOutput:
          rows += batch.rows;
          break;
        case Step::kNeedInput: {
          const std::span<char> into = room->window().room();
          const size_t take = std::min(into.size(), text.size() - at);
          if (take == 0) {
            room->window().close();
            break;
          }
          std::memcpy(into.data(), text.data() + at, take);
          room->window().supply(take);
          at += take;
          break;
        }
        case Step::kFinished:
          going = false;
          break;
        default:
          return state.SkipWithError("failed");
      }
    }
  }
  if (rows == 0) state.SkipWithError("no rows");
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
void read_ndjson(benchmark::State& state) { read<NdjsonReader>(state, lines(), kThree); }
void read_lines(benchmark::State& state) { read<LinesReader>(state, lines(), {}); }
void read_json(benchmark::State& state) {
  std::string document = "[" + lines();
  for (char& c : document) c = c == '\n' ? ',' : c;
  document.back() = ']';
  read<JsonReader>(state, document, kThree);
}
BENCHMARK(read_ndjson);
BENCHMARK(read_json);
BENCHMARK(read_lines);

}  // namespace
}  // namespace weir

// Writers on records like those of the end-to-end benches: ten CSV columns, 111 bytes a record, 5 % of the fields
// quoted. Reported: time a record (items) and bytes of output a second. Reading is not in it.
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "format/json_minify.hpp"
#include "format/writer.hpp"

namespace weir {
namespace {

constexpr uint32_t kRows = 2000;
constexpr std::string_view kNames[] = {"order_id", "created_at", "customer_id", "customer_name", "country",
                                       "status",   "sku",        "quantity",    "amount",        "note"};

/// A window of records with the slices of a reader.
struct Records {
  std::string window;
  std::vector<Slice> slices[10];
  std::vector<Slice> records;
  Column columns[10];
  RecordBatch batch;
  std::vector<uint16_t> rows;

  explicit Records(FieldEncoding encoding) {
    std::mt19937 random(1);
    const auto below = [&](uint32_t n) { return random() % n; };
    static constexpr const char* kPeople[] = {
        "James Smith",  "\"Garcia, Maria\"",    "Wei Chen",     "Zo\xc3\xab M\xc3\xbcller",
        "Carlos Silva", "\"van Dijk, Hannah\"", "Aisha Okafor", "Tomasz Kowalski"};
    static constexpr const char* kStatus[] = {"shipped", "delivered", "pending", "cancelled"};
    static constexpr const char* kWords[] = {"please", "leave", "package", "at",     "the",
                                             "front",  "door",  "call",    "before", "delivery"};
    const bool json = encoding == FieldEncoding::kJson;
    for (uint32_t r = 0; r < kRows; ++r) {
      std::string note;
      if (below(100) < 60) {
        for (uint32_t n = 2 + below(9); n != 0; --n) note += std::string(kWords[below(10)]) + (n == 1 ? "" : " ");
        const uint32_t kind = below(60);
        if (kind < 13)
          note = "\"" + note + ", gift\"";
        else if (kind < 17)
          note = "\"" + note + "\nring bell\"";
        else if (kind < 24)
          note = "\"" + note + " \"\"urgent\"\" ok\"";
      }
      const std::string fields[] = {std::to_string(1000000 + r),
                                    "2023-05-0" + std::to_string(1 + below(9)) + "T12:34:56Z",
                                    std::to_string(1 + below(2000000)),
                                    kPeople[below(8)],
                                    "US",
                                    kStatus[below(4)],
                                    "SKU-AB-" + std::to_string(10000 + below(90000)),
                                    std::to_string(1 + below(20)),
                                    std::to_string(below(9000)) + "." + std::to_string(10 + below(90)),
                                    note};
      const auto begin = static_cast<uint32_t>(window.size());
      for (int c = 0; c < 10; ++c) {
        const bool number = c == 0 || c == 2 || c == 7 || c == 8;
        std::string text = fields[c];
        if (json) {
          if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
          for (size_t at = 0; (at = text.find("\"\"", at)) != std::string::npos; at += 2) text.replace(at, 2, "\\\"");
          for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\n");
          if (!number) text = "\"" + text + "\"";
          window += (c == 0 ? "{\"" : ",\"") + std::string(kNames[c]) + "\":";
        } else if (c != 0) {
          window += ',';
        }
        slices[c].push_back({static_cast<uint32_t>(window.size()), static_cast<uint32_t>(text.size())});
        window += text;
      }
      if (json) window += '}';
      records.push_back({begin, static_cast<uint32_t>(window.size()) - begin});
      window += '\n';
      rows.push_back(static_cast<uint16_t>(r));
    }
    window.append(64, '\0');
    for (int c = 0; c < 10; ++c) columns[c] = {slices[c].data(), encoding, '"', '"'};
    batch.base = window.data();
    batch.rows = kRows;
    batch.records = records.data();
    batch.columns = columns;
  }
};

void write_all(benchmark::State& state, const WriterOptions& options, const std::vector<WriteColumn>& columns,
               const Records& records, bool fixed, const std::vector<Value>& computed = {}) {
  const size_t memory = writer_memory_max(options, 16, 256);
  const std::unique_ptr<char[], void (*)(char*)> place(static_cast<char*>(::operator new(memory, std::align_val_t{64})),
                                                       [](char* p) { ::operator delete(p, std::align_val_t{64}); });
  RecordWriter* writer = make_writer(options, 16, 256, {place.get(), memory});
  if (!writer->begin({kNames, fixed}, columns)) std::abort();
  writer->open_object();
  std::vector<char> room(size_t{64} << 10);
  const WriteRows rows{&records.batch, records.rows, computed.data(), kRows};
  uint64_t bytes = 0;
  for (auto _ : state) {
    for (uint32_t next = 0;;) {
      const WriteResult result = writer->write(rows, next, ~uint64_t{0}, room);
      bytes += result.bytes;
      next = result.next;
      if (result.stop == WriteStop::kAllRows) break;
      if (result.stop == WriteStop::kBatchFull) bytes += writer->end_batch(room);
      if (result.stop == WriteStop::kRowFailed) std::abort();
    }
    benchmark::DoNotOptimize(room.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kRows);
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  // Seconds, which the reporter prints with their unit: each_record=41.5ns.
  state.counters["each_record"] = benchmark::Counter(static_cast<double>(state.iterations()) * kRows,
                                                     benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["B/record"] = static_cast<double>(bytes) / (static_cast<double>(state.iterations()) * kRows);
}

/// J7: all columns, arrays of 500.
void csv_star_to_json_batches(benchmark::State& state) {
  WriterOptions options;
  options.format = WriterFormat::kJson;
  options.batch_records_max = 500;
  write_all(state, options, {{.star = true}}, Records(FieldEncoding::kCsv), true);
}
BENCHMARK(csv_star_to_json_batches);

/// J4: four columns, one of them a number that keeps its spelling.
void csv_columns_to_ndjson(benchmark::State& state) {
  const Records records(FieldEncoding::kCsv);
  std::vector<Value> amounts;
  for (uint32_t r = 0; r < kRows; ++r) {
    const Slice slice = records.slices[8][r];
    Value value = Value::of_decimal(100, 2);
    value.has_lexeme = true;
    value.lexeme = records.window.data() + slice.offset;
    value.size = slice.size;
    amounts.push_back(value);
  }
  write_all(state, {},
            {{.name = "order_id", .field = 0},
             {.name = "customer_id", .field = 2},
             {.name = "customer_name", .field = 3},
             {.name = "amount", .computed = 0}},
            records, true, amounts);
}
BENCHMARK(csv_columns_to_ndjson);

void json_columns_to_ndjson(benchmark::State& state) {
  write_all(state, {},
            {{.name = "order_id", .field = 0},
             {.name = "customer_id", .field = 2},
             {.name = "customer_name", .field = 3},
             {.name = "amount", .field = 8}},
            Records(FieldEncoding::kJson), false);
}
BENCHMARK(json_columns_to_ndjson);

void json_star_to_ndjson(benchmark::State& state) {
  write_all(state, {}, {{.star = true}}, Records(FieldEncoding::kJson), false);
}
BENCHMARK(json_star_to_ndjson);

void json_star_and_a_column_to_ndjson(benchmark::State& state) {
  write_all(state, {}, {{.star = true}, {.name = "again", .field = 0}}, Records(FieldEncoding::kJson), false);
}
BENCHMARK(json_star_and_a_column_to_ndjson);

void csv_columns_to_csv(benchmark::State& state) {
  WriterOptions options;
  options.format = WriterFormat::kCsv;
  write_all(state, options,
            {{.name = "order_id", .field = 0}, {.name = "country", .field = 4}, {.name = "amount", .field = 8}},
            Records(FieldEncoding::kCsv), true);
}
BENCHMARK(csv_columns_to_csv);

void csv_star_to_csv(benchmark::State& state) {
  WriterOptions options;
  options.format = WriterFormat::kCsv;
  write_all(state, options, {{.star = true}}, Records(FieldEncoding::kCsv), true);
}
BENCHMARK(csv_star_to_csv);

void csv_raw_records(benchmark::State& state) {
  WriterOptions options;
  options.format = WriterFormat::kCsv;
  options.raw_records = true;
  write_all(state, options, {{.star = true}}, Records(FieldEncoding::kCsv), true);
}
BENCHMARK(csv_raw_records);

void escape_clean_text(benchmark::State& state) {
  const std::string text(4096, 'x');
  std::vector<char> out(text.size() * kJsonEscapeFactor + kWideSlack);
  for (auto _ : state) benchmark::DoNotOptimize(escape_json(text, out.data()).end);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(escape_clean_text);

void minify_spaced_json(benchmark::State& state) {
  std::string text;
  while (text.size() < 4096) text += "{\"order_id\": 1000001, \"status\": \"shipped today\", \"items\": [1, 2]}, ";
  std::vector<char> out(text.size() + kWideSlack);
  for (auto _ : state) {
    MinifyState minify;
    benchmark::DoNotOptimize(minify_json(minify, text, out.data()));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}
BENCHMARK(minify_spaced_json);

}  // namespace
}  // namespace weir

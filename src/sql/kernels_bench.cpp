// Nanoseconds a row for the conditions that matter: `items_per_second` is rows.
#include <benchmark/benchmark.h>

#include "sql/random_query.hpp"
#include "sql/test_batch.hpp"

namespace weir::sql {
namespace {

TestBatch orders() {
  RandomQuery random(7, false);
  TestBatch batch({"status", "amount", "country", "id"});
  for (uint32_t i = 0; i < kRowsMax; ++i) {
    const std::string amount = std::to_string(random.below(2000)) + "." + std::to_string(10 + random.below(90));
    batch.add({random.pick({"shipped", "pending", "delivered", "cancelled", "returned", "new"}), amount,
               random.pick({"DE", "FR", "US", "GB"}), std::to_string(random.below(1000000))});
  }
  return batch;
}

void run_filter(benchmark::State& state, const char* text) {
  TestProgram program = *compile_test(text);
  TestBatch input = orders();
  const RecordBatch& batch = input.make(program->projection());
  std::vector<uint16_t> selected(kRowsMax);
  std::vector<RowError> errors(kRowsMax);
  uint32_t count = 0;
  uint32_t error_count = 0;
  for (auto _ : state) {
    program->filter(batch, {0, batch.rows}, selected.data(), count, errors.data(), error_count);
    benchmark::DoNotOptimize(count);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * batch.rows);
}

void run_project(benchmark::State& state, const char* text) {
  TestProgram program = *compile_test(text);
  TestBatch input = orders();
  const RecordBatch& batch = input.make(program->projection());
  std::vector<uint16_t> rows(kRowsMax);
  std::vector<RowError> errors(kRowsMax);
  for (uint32_t i = 0; i < kRowsMax; ++i) rows[i] = static_cast<uint16_t>(i);
  uint32_t error_count = 0;
  for (auto _ : state) {
    if (program->has_aggregates()) {
      program->fold(batch, rows, errors.data(), error_count);
      continue;
    }
    for (size_t done = 0; done < rows.size();) {
      ComputedRows computed;
      done += program->project(batch, std::span(rows).subspan(done), computed, errors.data(), error_count);
      benchmark::DoNotOptimize(computed.values);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * batch.rows);
}

BENCHMARK_CAPTURE(run_filter, text_and_number, "SELECT * FROM input WHERE status = 'shipped' AND amount > 100");
BENCHMARK_CAPTURE(run_filter, text, "SELECT * FROM input WHERE status = 'shipped'");
BENCHMARK_CAPTURE(run_filter, long_text, "SELECT * FROM input WHERE status = 'delivered'");
BENCHMARK_CAPTURE(run_filter, number, "SELECT * FROM input WHERE amount > 100");
BENCHMARK_CAPTURE(run_filter, between, "SELECT * FROM input WHERE amount BETWEEN 100 AND 200.5");
BENCHMARK_CAPTURE(run_filter, in_texts, "SELECT * FROM input WHERE country IN ('DE', 'AT', 'CH')");
BENCHMARK_CAPTURE(run_filter, prefix, "SELECT * FROM input WHERE status LIKE 'ship%'");
BENCHMARK_CAPTURE(run_filter, contains, "SELECT * FROM input WHERE status LIKE '%ip%'");
BENCHMARK_CAPTURE(run_filter, any_of, "SELECT * FROM input WHERE status = 'shipped' OR amount > 1000");
BENCHMARK_CAPTURE(run_filter, computed, "SELECT * FROM input WHERE amount * 1.19 > 1000");
BENCHMARK_CAPTURE(run_project, arithmetic, "SELECT amount * 1.19 AS gross FROM input");
BENCHMARK_CAPTURE(run_project, upper, "SELECT UPPER(status) FROM input");
BENCHMARK_CAPTURE(run_project, choice, "SELECT CASE WHEN amount > 100 THEN 'big' ELSE 'small' END FROM input");
BENCHMARK_CAPTURE(run_project, aggregates, "SELECT COUNT(*), SUM(amount), AVG(amount) FROM input");

}  // namespace
}  // namespace weir::sql

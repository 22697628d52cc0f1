// For tests and fuzzing: the scalar evaluator's fates of the rows of a batch, to hold the program's against.
#pragma once

#include <string>
#include <vector>

#include "sql/query_program.hpp"
#include "sql/scalar_evaluator.hpp"
#include "sql/test_batch.hpp"

namespace weir::sql {

/// As fates(), by the oracle. `row` gets the row of the aggregates.
inline std::vector<std::string> scalar_fates(TestProgram& program, TestBatch& input,
                                             std::string* aggregate_row = nullptr) {
  const BoundQuery& query = static_cast<const QueryProgram&>(*program).query();
  const RecordBatch& batch = input.make(program->projection());
  std::vector<char> room(2 * size_t{query.record_max});
  ScalarEvaluator oracle(query, room);
  std::vector<Accumulator> accumulators;
  for (const BoundAggregate& aggregate : query.aggregates)
    accumulators.emplace_back(aggregate.kind, aggregate.arg >= 0);
  std::vector<std::string> fate(batch.rows, "-");
  std::vector<Value> values(query.computed_count + query.aggregates.size());
  for (uint32_t row = 0; row < batch.rows; ++row) {
    bool passes = false;
    Code code = oracle.filter(batch, row, passes);
    if (code == Code::kOk && !passes) continue;
    if (code == Code::kOk)
      code = query.aggregates.empty() ? oracle.project(batch, row, values.data())
                                      : oracle.arguments(batch, row, values.data());
    for (size_t i = 0; i < accumulators.size() && code == Code::kOk; ++i)
      code = accumulators[i].check(oracle.context(), values[i]);
    if (code != Code::kOk) {
      fate[row] = "!" + std::to_string(static_cast<int>(code));
      continue;
    }
    for (size_t i = 0; i < accumulators.size(); ++i) {
      if (query.aggregates[i].arg < 0) {
        accumulators[i].add_rows(1);
      } else {
        accumulators[i].add(oracle.context(), values[i]);
      }
    }
    if (!accumulators.empty()) {
      fate[row] = "folded";
      continue;
    }
    std::string text;
    for (size_t c = 0; c < query.columns.size(); ++c) {
      if (c != 0) text += '|';
      const BoundColumn& column = query.columns[c];
      if (column.star) {
        text += '*';
      } else if (column.field >= 0) {
        const Column& field = batch.columns[static_cast<size_t>(column.field)];
        text += field.slices[row].missing() ? "NULL" : std::string(batch.field(field, row));
      } else {
        text += shown(values[static_cast<size_t>(column.computed)]);
      }
    }
    fate[row] = text;
  }
  if (aggregate_row != nullptr) {
    aggregate_row->clear();
    for (const Accumulator& accumulator : accumulators) {
      Value value;
      const Code code = accumulator.result(value);
      *aggregate_row += (code == Code::kOk ? shown(value) : "!" + std::to_string(static_cast<int>(code))) + "|";
    }
  }
  return fate;
}

}  // namespace weir::sql

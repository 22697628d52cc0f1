#include "sql/query_program.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "record/column_names.hpp"
#include "sql/parser.hpp"

namespace weir::sql {

QueryProgram::QueryProgram(std::unique_ptr<BoundQuery> query) : query_(std::move(query)), evaluator_(*query_) {
  projection_ = {query_->paths, query_->all};
  for (const BoundColumn& column : query_->columns) {
    output_.push_back({column.name, column.field, column.star});
    if (column.expr >= 0) computed_.push_back(static_cast<uint32_t>(column.expr));
  }
  rows_alone_ = !query_->aggregates.empty();
  for (const BoundAggregate& aggregate : query_->aggregates) {
    const bool may_be_text = aggregate.arg >= 0;
    accumulators_.emplace_back(aggregate.kind, may_be_text);
    rows_alone_ = rows_alone_ && aggregate.arg < 0;
  }
  fold_kernel_ = FoldKernel(*query_);
  results_.resize(accumulators_.size());
  row_.resize(query_->computed_count);
  for (const uint32_t conjunct : query_->conjuncts) kernels_.push_back(make_kernel(*query_, conjunct));
  plan_memory();
}

void QueryProgram::plan_memory() {
  uint32_t registers = 0;
  uint32_t selections = 0;
  bool texts = false;
  const auto count = [&](uint32_t in_front, uint32_t expr) {
    const Need need = evaluator_.need_of(expr);
    registers = std::max(registers, in_front + need.registers);
    selections = std::max(selections, need.selections);
    texts = texts || evaluator_.makes_text(expr);
  };
  for (size_t i = 0; i < kernels_.size(); ++i) {
    if (!kernels_[i].fast()) count(0, query_->conjuncts[i]);
  }
  for (uint32_t i = 0; i < computed_.size(); ++i) {
    count(i, computed_[i]);
    texts = texts || query_->exprs[computed_[i]].may_be_text;
  }
  registers = std::max(registers, query_->computed_count);
  for (uint32_t i = 0; i < accumulators_.size(); ++i) {
    if (query_->aggregates[i].arg >= 0) count(i, static_cast<uint32_t>(query_->aggregates[i].arg));
  }
  registers = std::max(registers, static_cast<uint32_t>(accumulators_.size()));
  evaluator_.plan(registers, selections, texts);
}

void QueryProgram::report(const uint16_t* rows, uint32_t count, RowError* errors, uint32_t& error_count) {
  if (evaluator_.error_count() == 0) return;
  for (uint32_t i = 0; i < count; ++i) {
    if (evaluator_.error(i) != Code::kOk)
      errors[error_count++] = {rows[i], evaluator_.error(i), evaluator_.error_field(i)};
  }
}

// --- WHERE -----------------------------------------------------------------------------------------------------------

void QueryProgram::refine(const RecordBatch& batch, uint32_t expr, uint16_t* rows, uint32_t& count, RowError* errors,
                          uint32_t& error_count) {
  uint32_t kept = 0;
  uint32_t take = evaluator_.rows_max();
  for (uint32_t done = 0; done < count;) {
    const uint32_t chunk = std::min(take, count - done);
    const uint16_t* const chunk_rows = rows + done;
    evaluator_.begin(batch, chunk_rows, chunk);
    evaluator_.evaluate(expr, 0);
    if (evaluator_.full()) {
      take = std::max(1u, chunk / 2);
      continue;
    }
    const Value* const values = evaluator_.values(0);
    for (uint32_t i = 0; i < chunk; ++i) {
      if (evaluator_.error(i) != Code::kOk) continue;
      Value answer;
      const Code code = condition(evaluator_.context(), values[i], answer);
      if (code != Code::kOk) evaluator_.fail(i, code, query_->exprs[expr].field);
    }
    report(chunk_rows, chunk, errors, error_count);
    for (uint32_t i = 0; i < chunk; ++i) {
      Value answer;
      if (evaluator_.error(i) != Code::kOk || condition(evaluator_.context(), values[i], answer) != Code::kOk) continue;
      if (!answer.is_null() && answer.boolean) rows[kept++] = chunk_rows[i];
    }
    done += chunk;
    take = std::min(evaluator_.rows_max(), take * 2);
  }
  count = kept;
}

void QueryProgram::filter(const RecordBatch& batch, RowRange range, uint16_t* selected, uint32_t& selected_count,
                          RowError* errors, uint32_t& error_count) {
  WEIR_ASSERT(range.begin <= range.end && range.end <= kRowsMax);
  error_count = 0;
  uint32_t count = 0;
  bool first = true;
  for (size_t i = 0; i < kernels_.size(); ++i) {
    if (first && kernels_[i].fast()) {
      count = kernels_[i].run_range(batch, range, selected, errors, error_count);
    } else {
      if (first) {
        count = range.size();
        for (uint32_t row = 0; row < count; ++row) selected[row] = static_cast<uint16_t>(range.begin + row);
      }
      if (kernels_[i].fast()) {
        count = kernels_[i].run(batch, selected, count, selected, errors, error_count);
      } else {
        refine(batch, query_->conjuncts[i], selected, count, errors, error_count);
      }
    }
    first = false;
    if (count == 0) break;
  }
  if (first) {
    count = range.size();
    for (uint32_t row = 0; row < count; ++row) selected[row] = static_cast<uint16_t>(range.begin + row);
  }
  if (error_count > 1 && (kernels_.size() > 1 || query_->exprs[query_->conjuncts[0]].op == Op::kOr)) {
    std::sort(errors, errors + error_count, [](const RowError& a, const RowError& b) { return a.row < b.row; });
  }
  selected_count = count;
}

// --- SELECT ----------------------------------------------------------------------------------------------------------

bool QueryProgram::compute(const RecordBatch& batch, const uint16_t* rows, uint32_t count) {
  evaluator_.begin(batch, rows, count);
  for (uint32_t i = 0; i < computed_.size(); ++i) {
    evaluator_.evaluate(computed_[i], i);
    if (query_->exprs[computed_[i]].may_be_text) evaluator_.decode(i);
  }
  return !evaluator_.full();
}

uint32_t QueryProgram::project(const RecordBatch& batch, std::span<const uint16_t> rows, ComputedRows& computed,
                               RowError* errors, uint32_t& error_count) {
  error_count = 0;
  auto count = static_cast<uint32_t>(std::min<size_t>(rows.size(), evaluator_.rows_max()));
  while (!compute(batch, rows.data(), count)) count = std::max(1u, count / 2);
  report(rows.data(), count, errors, error_count);
  computed = {evaluator_.values(0), evaluator_.rows_max()};
  return count;
}

// --- aggregates ------------------------------------------------------------------------------------------------------

bool QueryProgram::fold_chunk(const RecordBatch& batch, const uint16_t* rows, uint32_t count, RowError* errors,
                              uint32_t& error_count) {
  evaluator_.begin(batch, rows, count);
  Context& context = evaluator_.context();
  for (uint32_t a = 0; a < accumulators_.size(); ++a) {
    const int64_t arg = query_->aggregates[a].arg;
    if (arg < 0) continue;
    evaluator_.evaluate(static_cast<uint32_t>(arg), a);
    if (evaluator_.full()) return false;
    if (!accumulators_[a].wants_number()) continue;
    Value* const values = evaluator_.values(a);
    for (uint32_t i = 0; i < count; ++i) {
      if (evaluator_.error(i) != Code::kOk || values[i].is_null()) continue;
      const Value value = values[i];
      const Code code = forgive(context, to_number(context, value, values[i]), values[i]);
      if (code != Code::kOk) evaluator_.fail(i, code, query_->exprs[static_cast<size_t>(arg)].field);
    }
  }
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t a = 0; a < accumulators_.size() && evaluator_.error(i) == Code::kOk; ++a) {
      if (query_->aggregates[a].arg < 0) continue;
      const Code code = accumulators_[a].check(context, evaluator_.values(a)[i]);
      if (code != Code::kOk)
        evaluator_.fail(i, code, query_->exprs[static_cast<size_t>(query_->aggregates[a].arg)].field);
    }
    if (evaluator_.error(i) != Code::kOk) continue;
    for (uint32_t a = 0; a < accumulators_.size(); ++a) {
      if (query_->aggregates[a].arg < 0) {
        accumulators_[a].add_rows(1);
      } else {
        accumulators_[a].add(context, evaluator_.values(a)[i]);
      }
    }
  }
  report(rows, count, errors, error_count);
  return true;
}

void QueryProgram::fold(const RecordBatch& batch, std::span<const uint16_t> rows, RowError* errors,
                        uint32_t& error_count) {
  error_count = 0;
  if (rows_alone_) {
    for (Accumulator& accumulator : accumulators_) accumulator.add_rows(rows.size());
    return;
  }
  if (!fold_kernel_.fast(batch)) return fold_rows(batch, rows, errors, error_count);
  for (size_t done = 0; done < rows.size();) {
    done += fold_kernel_.run(batch, rows.subspan(done), accumulators_.data());
    // The odd ones, up to the next row that the kernel can read: in the order of the records.
    const size_t odd = fold_kernel_.odd_rows(batch, rows.subspan(done));
    if (odd != 0) fold_rows(batch, rows.subspan(done, odd), errors, error_count);
    done += odd;
  }
}

void QueryProgram::fold_rows(const RecordBatch& batch, std::span<const uint16_t> rows, RowError* errors,
                             uint32_t& error_count) {
  const auto total = static_cast<uint32_t>(rows.size());
  uint32_t take = evaluator_.rows_max();
  for (uint32_t done = 0; done < total;) {
    const uint32_t chunk = std::min(take, total - done);
    if (!fold_chunk(batch, rows.data() + done, chunk, errors, error_count)) {
      take = std::max(1u, chunk / 2);
      continue;
    }
    done += chunk;
    take = std::min(evaluator_.rows_max(), take * 2);
  }
}

Status QueryProgram::aggregate_row(ComputedRows& computed) {
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    const Code code = accumulators_[i].result(results_[i]);
    if (code != Code::kOk) return fail(code, "in an aggregate over the whole input");
  }
  evaluator_.begin_single(results_.data());
  for (uint32_t i = 0; i < computed_.size(); ++i) evaluator_.evaluate(computed_[i], i);
  if (evaluator_.error(0) != Code::kOk) return fail(evaluator_.error(0), "in the row of the aggregates");
  for (uint32_t i = 0; i < computed_.size(); ++i) row_[i] = evaluator_.values(i)[0];
  computed = {row_.data(), 1};
  return {};
}

size_t QueryProgram::state_bytes_max() const {
  size_t bytes = 0;
  for (const Accumulator& accumulator : accumulators_) bytes += accumulator.state_bytes_max();
  return bytes;
}

void QueryProgram::save(StateWriter& out) const {
  for (const Accumulator& accumulator : accumulators_) accumulator.save(out);
}

bool QueryProgram::load(StateReader& in) {
  for (Accumulator& accumulator : accumulators_) {
    if (!accumulator.load(in)) return false;
  }
  return in.ok();
}

}  // namespace weir::sql

namespace weir {

Result<CompiledQuery> compile_query(std::string_view text, const QueryOptions& options) {
  Result<sql::ParsedQuery> parsed = sql::parse(text);
  if (!parsed) return fail(parsed.error());
  Result<std::unique_ptr<sql::BoundQuery>> bound = sql::bind(*parsed, text, options);
  if (!bound) return fail(bound.error());
  CompiledQuery compiled;
  compiled.source_name = parsed->source;
  compiled.program = std::make_unique<sql::QueryProgram>(std::move(*bound));
  return compiled;
}

std::vector<Error> query_mistakes(std::string_view text, const QueryOptions& options,
                                  const std::vector<std::string_view>* columns) {
  std::vector<Error> mistakes;
  const Result<sql::ParsedQuery> parsed = sql::parse(text, &mistakes);
  if (!parsed) {
    mistakes.push_back(parsed.error());
    return mistakes;
  }
  const Result<std::unique_ptr<sql::BoundQuery>> bound = sql::bind(*parsed, text, options, &mistakes);
  if (!bound) mistakes.push_back(bound.error());
  if (bound && columns != nullptr) {
    for (const FieldPath& path : (*bound)->paths) {
      if (const Result<uint32_t> found = find_column(path, *columns); !found) mistakes.push_back(found.error());
    }
  }
  std::stable_sort(mistakes.begin(), mistakes.end(), [](const Error& a, const Error& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return mistakes;
}

size_t program_memory_max(const Program& program) {
  return static_cast<const sql::QueryProgram&>(program).memory_max();
}

size_t program_text_bytes_max(const Program& program) {
  return static_cast<const sql::QueryProgram&>(program).text_bytes_max();
}

void attach_program_memory(Program& program, std::span<char> room) {
  static_cast<sql::QueryProgram&>(program).attach(room);
}

}  // namespace weir

// Program: a bound query, ready to run over batches of records.
//
// text -> parse() -> ParsedQuery -> bind() -> BoundQuery -> Program. All allocation happens in compile_query, before
// the seal; running a program allocates nothing.
//
// Semantics of errors (docs/query.md): per record, left to right, short-circuit. An operand's error counts only if
// evaluation reaches it. A record with an error is in `errors` and nowhere else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/state.hpp"
#include "record/batch.hpp"
#include "record/projection.hpp"
#include "record/schema.hpp"
#include "record/value.hpp"

namespace weir {

/// What the binder must know of the input besides the query.
struct TypeHint {
  std::string_view column;
  Type type = Type::kText;  ///< the column's text is read as this type (input.types)
};

struct QueryOptions {
  std::span<const TypeHint> types;
  bool errors_are_null = false;  ///< a failed conversion or an overflow gives NULL (conversion_errors: null)
  bool empty_is_null = false;  ///< an empty text field counts as NULL
  bool fields_are_text = true;  ///< CSV, lines: fields are text. false (JSON): fields bring their types
  bool ordinals = true;  ///< `_1` names the first column (CSV); false: `_1` is a member's name
  uint32_t record_max = 1u << 20;
};

/// One column of the output. The name is valid as long as the program.
struct OutputColumn {
  std::string_view name;
  /// Passes an input field through: index into the batch's columns. -1: computed (`values`).
  int32_t field = -1;
  bool star = false;  ///< stands for every field of the record (`*`); `field` is then -1
};

/// Computed columns of a run of rows; column-major: values[c * stride + i] is computed column c of the i-th row.
struct ComputedRows {
  const Value* values = nullptr;
  uint32_t stride = 0;
};

inline constexpr uint32_t kEvaluationRowsMax = 256;  ///< rows that project() computes at most in one call

class Program {
 public:
  virtual ~Program() = default;

  /// The fields the reader must deliver; constant.
  virtual const Projection& projection() const = 0;
  /// Output columns in order. With aggregates: one row at the end.
  virtual std::span<const OutputColumn> output() const = 0;
  /// Index of the computed column for output()[i], or -1 for passed-through ones.
  virtual int32_t computed_index(size_t output_index) const = 0;
  virtual bool has_filter() const = 0;
  virtual bool has_aggregates() const = 0;
  /// LIMIT, or kNoOffset.
  virtual uint64_t limit() const = 0;

  /// WHERE over `range`: writes the rows that pass to `selected` (room for kRowsMax) and the bad ones to `errors` (room
  /// for kRowsMax), both ascending. Rows in neither are filtered.
  virtual void filter(const RecordBatch& batch, RowRange range, uint16_t* selected, uint32_t& selected_count,
                      RowError* errors, uint32_t& error_count) = 0;

  /// Computes the computed columns for the first rows of `rows`: at least one, at most kEvaluationRowsMax, as many as
  /// the scratch holds. Returns how many rows were taken. Rows with an error are in `errors` (room for
  /// kEvaluationRowsMax) and their values are undefined. Text points into the scratch: valid until the next call of
  /// filter, project or fold.
  virtual uint32_t project(const RecordBatch& batch, std::span<const uint16_t> rows, ComputedRows& computed,
                           RowError* errors, uint32_t& error_count) = 0;

  /// Aggregates: folds `rows` (all of them; ascending). Rows with an error are in `errors` (room for kRowsMax) and are
  /// not folded at all.
  virtual void fold(const RecordBatch& batch, std::span<const uint16_t> rows, RowError* errors,
                    uint32_t& error_count) = 0;
  /// The one row of a query with aggregates: as computed columns, stride 1. May fail (AVG or SUM out of range).
  virtual Status aggregate_row(ComputedRows& computed) = 0;

  /// Accumulators (a checkpoint's part); the limit's rest is the engine's.
  virtual size_t state_bytes_max() const = 0;
  virtual void save(StateWriter& out) const = 0;
  virtual bool load(StateReader& in) = 0;
};

/// Parses and binds. Errors carry line and column in `text` (Code::kBadQuery, kUnknownFunction, kQueryType), and the
/// detail says what was expected. Empty text is `SELECT * FROM input`.
///
/// `FROM "file name"` or `FROM 'file'` is reported by `source_name` (empty for input, stdin, S3Object).
struct CompiledQuery {
  std::unique_ptr<Program> program;
  std::string source_name;
};
Result<CompiledQuery> compile_query(std::string_view text, const QueryOptions& options);

/// Every mistake of a query that can be told without another being mended first, in its order: each unknown function, the
/// first other mistake of each column and of WHERE, and where the names of the input's columns are known (`columns` not
/// null) each unknown one. Empty: compile_query takes it.
std::vector<Error> query_mistakes(std::string_view text, const QueryOptions& options,
                                  const std::vector<std::string_view>* columns);

/// Worst-case memory of a program's run-time parts beyond what compile_query allocated before the seal; handed over by
/// attach_program_memory before the first batch (no alignment needed). With R registers (deepest expression plus
/// columns side by side), S position lists and chunks of N rows (256; fewer, at least 16, when R > 16):
///
/// 64 + 32*R*N + 2*(S+1)*N + 4*N   (each rounded up to 64)   + 2*record_max when the query makes text
///
/// A query makes text by || UPPER LOWER TRIM SUBSTRING, CAST AS TEXT, a LIKE pattern that is not a literal, or a
/// computed column that may hand on a text of the input (CASE, COALESCE, NULLIF). Comparing, converting and matching
/// decode quoted fields on the fly and need no room. The texts of one record take at most 2*record_max, else it is
/// kValueTooLarge, whatever stands beside it: a chunk that does not fit is done again with half its rows.
size_t program_memory_max(const Program& program);
/// The texts' share of it.
size_t program_text_bytes_max(const Program& program);
void attach_program_memory(Program& program, std::span<char> room);

/// The slow clear evaluator: the same answers record by record by walking the tree. The oracle of tests and fuzzing.
/// Returns kOk and the output values, or the record's error. `passes` is the WHERE result.
class ScalarEvaluator;

}  // namespace weir

// Evaluator: computes expressions for up to kEvaluationRowsMax rows at once, one node after the other over all rows.
//
// A register holds one Value per position of the chunk. Rows that failed keep their code in `errors` and take no
// further part: each loop passes them by, so the first error in evaluation order is the record's. Short-circuit nodes
// narrow the positions they hand on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "record/batch.hpp"
#include "sql/bound.hpp"
#include "sql/operators.hpp"
#include "sql/program.hpp"

namespace weir::sql {

/// What one expression takes beyond its own register.
struct Need {
  uint32_t registers = 1;  ///< its own included
  uint32_t selections = 0;  ///< lists of positions that are alive at once
};

class Evaluator {
 public:
  explicit Evaluator(const BoundQuery& query);

  // --- memory ---
  /// Rows a chunk has, and the bytes that chunks of that size take: registers, positions, errors; and the room for
  /// texts.
  void plan(uint32_t registers, uint32_t selections, bool texts);
  [[nodiscard]] size_t memory_max() const;
  [[nodiscard]] size_t text_bytes_max() const { return text_bytes_; }
  void attach(std::span<char> room);
  [[nodiscard]] Need need_of(uint32_t expr) const;
  /// Whether evaluating `expr` may need room for texts.
  [[nodiscard]] bool makes_text(uint32_t expr) const;

  // --- a chunk ---
  [[nodiscard]] uint32_t rows_max() const { return rows_max_; }
  void begin(const RecordBatch& batch, const uint16_t* rows, uint32_t count);
  /// Without records: one position, for the row of the aggregates.
  void begin_single(const Value* aggregates);
  /// Computes `expr` into register `target` for every position without an error; registers above it are overwritten.
  void evaluate(uint32_t expr, uint32_t target);
  /// Decodes the texts of a register that still stand as in the input.
  void decode(uint32_t target);
  /// The texts did not fit: begin again with fewer rows. Never with one row.
  [[nodiscard]] bool full() const { return full_; }

  [[nodiscard]] Value* values(uint32_t target) { return registers_ + size_t{target} * rows_max_; }
  [[nodiscard]] Code error(uint32_t position) const { return errors_[position]; }
  [[nodiscard]] uint16_t error_field(uint32_t position) const { return error_fields_[position]; }
  [[nodiscard]] uint32_t error_count() const { return error_count_; }
  void fail(uint32_t position, Code code, int32_t field = -1);
  Context& context() { return context_; }

 private:
  struct Positions {
    const uint16_t* list;
    uint32_t count;
  };
  void run(const BoundExpr& expr, Positions at, uint32_t target);
  void run(uint32_t index, Positions at, uint32_t target) { run(query_.exprs[index], at, target); }
  void run_logic(const BoundExpr& expr, Positions at, uint32_t target);
  void run_case(const BoundExpr& expr, Positions at, uint32_t target);
  void run_in(const BoundExpr& expr, Positions at, uint32_t target);
  void run_between(const BoundExpr& expr, Positions at, uint32_t target);
  void run_coalesce(const BoundExpr& expr, Positions at, uint32_t target);
  void run_missing(const BoundExpr& expr, Positions at, uint32_t target);
  void run_operator(const BoundExpr& expr, Positions at, uint32_t target);
  void run_field(const BoundExpr& expr, Positions at, uint32_t target);
  void run_binary(const BoundExpr& expr, Positions at, uint32_t target);
  /// Keeps a code of position `at`; the chunk is given up when it is for want of room.
  void check(uint32_t position, Code code, const BoundExpr& expr);
  uint16_t* take_selection() { return selections_ + size_t{selections_used_++} * rows_max_; }
  void give_back_selection() { --selections_used_; }
  [[nodiscard]] bool dead(uint32_t position) const { return errors_[position] != Code::kOk; }

  const BoundQuery& query_;
  Context context_;
  const RecordBatch* batch_ = nullptr;
  const uint16_t* rows_ = nullptr;
  const Value* aggregates_ = nullptr;
  uint32_t count_ = 0;
  uint32_t rows_max_ = kEvaluationRowsMax;
  uint32_t registers_needed_ = 0;
  uint32_t selections_needed_ = 0;
  size_t text_bytes_ = 0;
  Value* registers_ = nullptr;
  uint16_t* selections_ = nullptr;
  uint16_t* every_ = nullptr;  ///< 0, 1, 2, ...
  Code* errors_ = nullptr;
  uint16_t* error_fields_ = nullptr;
  uint32_t selections_used_ = 0;
  uint32_t error_count_ = 0;
  bool full_ = false;
  std::vector<const Value*> args_;  ///< of the node that is applied now; sized once
};

}  // namespace weir::sql

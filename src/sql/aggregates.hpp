// Accumulators of the whole-input aggregates. Fixed size; exact for integers and decimals, in record order for doubles.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "base/state.hpp"
#include "record/value.hpp"
#include "sql/bound.hpp"
#include "sql/operators.hpp"

namespace weir::sql {

inline constexpr uint32_t kExtremeTextMax =
    4096;  ///< MIN and MAX of text: longer ones are the record's error (kValueTooLarge)

class Accumulator {
 public:
  /// `may_be_text`: room for a text is taken now.
  Accumulator(AggregateKind kind, bool may_be_text);

  /// Whether the value can be folded, given what was folded before; SUM and AVG take numbers only (after to_number).
  [[nodiscard]] Code check(const Context& context, const Value& value) const;
  /// Folds a value that check() found good. NULL counts for nothing.
  void add(const Context& context, const Value& value);
  void add_rows(uint64_t rows) { count_ += rows; }
  /// The same as add() for SUM and AVG with the number mantissa / 10^scale, scale at most 18.
  void add_short(int64_t mantissa, uint32_t scale, bool decimal) {
    ++count_;
    any_decimal_ |= decimal;
    if (scale == scale_) {
      overflow_ = overflow_ || __builtin_add_overflow(sum_, Int128{mantissa}, &sum_);
    } else {
      add_scaled(mantissa, static_cast<uint8_t>(scale));
    }
  }
  /// The aggregate so far; text points into the accumulator.
  Code result(Value& out) const;

  [[nodiscard]] AggregateKind kind() const { return kind_; }
  [[nodiscard]] bool wants_number() const { return kind_ == AggregateKind::kSum || kind_ == AggregateKind::kAvg; }
  [[nodiscard]] size_t state_bytes_max() const;
  void save(StateWriter& out) const;
  bool load(StateReader& in);

 private:
  void add_number(const Value& number);
  void add_scaled(Int128 mantissa, uint8_t scale);
  void keep(const Context& context, const Value& value);

  AggregateKind kind_;
  bool overflow_ = false;
  bool any_double_ = false;
  bool any_decimal_ = false;
  uint64_t count_ = 0;
  uint8_t scale_ = 0;
  Int128 sum_ = 0;  ///< of integers and decimals, at scale_
  double real_ = 0;  ///< of doubles
  Value best_;  ///< of MIN and MAX
  std::unique_ptr<char[]> text_;
};

}  // namespace weir::sql

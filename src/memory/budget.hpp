// Budget: the sum of everything the process can take, one named line a consumer.
//
// The plan adds the lines up before any record is read. A line that belongs to working memory is later handed out as a
// Reservation of exactly that size; the others (image, stack, kernel) are counted but not ours to hand out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.hpp"
#include "base/fixed_text.hpp"
#include "memory/arena.hpp"

namespace weir {

enum class LineKind : uint8_t {
  kProcess,  ///< image, stack, page tables, set-up: there before the work starts
  kWork,     ///< handed out from the one working mapping
  kSpare,    ///< extra memory that only buys speed
};

struct BudgetLine {
  const char* name = "";
  uint64_t bytes = 0;
  LineKind kind = LineKind::kWork;
  const char* knob = "";  ///< the setting that changes it; empty: none
  const char* why = "";   ///< one sentence for `weir plan --explain`
  FixedText<120> formula; ///< what the bytes are made of, in numbers; empty where the line is a constant
};

class Budget {
 public:
  static constexpr size_t kLinesMax = 48;

  void add(const BudgetLine& line) {
    if (line.bytes == 0) return;
    WEIR_ASSERT(count_ < kLinesMax);
    lines_[count_] = line;
    if (line.kind != LineKind::kProcess) lines_[count_].bytes = Arena::aligned(line.bytes);
    ++count_;
  }
  [[nodiscard]] std::span<const BudgetLine> lines() const { return {lines_, count_}; }
  [[nodiscard]] uint64_t total() const {
    uint64_t sum = 0;
    for (const BudgetLine& line : lines()) sum += line.bytes;
    return sum;
  }
  /// Without the spare lines: what the job can't do without.
  [[nodiscard]] uint64_t needed() const {
    uint64_t sum = 0;
    for (const BudgetLine& line : lines()) sum += line.kind == LineKind::kSpare ? 0 : line.bytes;
    return sum;
  }
  [[nodiscard]] uint64_t work_bytes() const {
    uint64_t sum = 0;
    for (const BudgetLine& line : lines()) sum += line.kind == LineKind::kProcess ? 0 : line.bytes;
    return sum;
  }

 private:
  BudgetLine lines_[kLinesMax];
  size_t count_ = 0;
};

}  // namespace weir

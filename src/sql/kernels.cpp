#include "sql/kernels.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "record/number.hpp"
#include "sql/literals.hpp"
#include "sql/operators.hpp"
#include "sql/scalar_evaluator.hpp"

namespace weir::sql {

enum class Shape : uint8_t {
  kTextEqual,  ///< = and <>
  kTextOrder,  ///< < <= > >=
  kTextBetween,
  kTextIn,
  kPrefix,    ///< LIKE 'abc%'
  kContains,  ///< LIKE '%abc%'
  kLike,    ///< any other pattern
  kNumberEqual,
  kNumberOrder,
  kNumberBetween,
  kNumberIn,
  kIsNull,
  kIsMissing,
};

struct KernelData {
  const BoundQuery* query = nullptr;
  uint32_t conjunct = 0;  ///< the whole condition, for the slow way
  Shape shape = Shape::kTextEqual;
  Op op = Op::kEqual;  ///< with the field on the left
  bool negated = false;
  bool whole_numbers = false;  ///< the field is read as an integer
  bool json_safe = true;       ///< the texts stand within a JSON string as they are
  uint32_t field = 0;
  std::vector<TextLiteral> texts;
  std::vector<TextLiteral> json_texts;  ///< with the quotes around
  TextSet set;
  TextSet json_set;
  std::vector<Threshold> thresholds;
  const Value* pattern = nullptr;
  const Value* escape = nullptr;
  std::vector<Kernel> any;  ///< of an OR: what it joins; all else is unused then
};

namespace {

enum Answer : uint8_t { kNo = 0, kYes = 1, kSlow = 2 };
Answer answer_of(bool yes) { return yes ? kYes : kNo; }

struct RangeRows {
  uint32_t begin;
  uint32_t operator[](uint32_t i) const { return begin + i; }
};
struct ListRows {
  const uint16_t* list;
  uint32_t operator[](uint32_t i) const { return list[i]; }
};

uint64_t load8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

int order_of(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  return order != 0 ? order : a.size() < b.size() ? -1 : a.size() > b.size();
}

/// A JSON number that might be beyond a double: then even asking for NULL is an overflow.
bool maybe_huge(std::string_view raw) {
  constexpr size_t kPlainDigits = 300;
  if (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) return false;
  return raw.size() > kPlainDigits || raw.find_first_of("eE") != std::string_view::npos;
}

/// One kernel over one batch.
struct Run {
  const KernelData& kernel;
  const RecordBatch& batch;
  const Column& column;
  const char* const base;
  const bool empty_is_null;
  const int quote;  ///< first byte of a field that goes the slow way; -1: none
  uint16_t* const out;
  RowError* const errors;
  uint32_t& error_count;

  bool slow(uint32_t row);

  template <typename Rows, typename Test>
  uint32_t each(Rows rows, uint32_t count, Test test) {
    const Slice* const slices = column.slices;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = rows[i];
      const Answer answer = test(slices[row]);
      out[kept] = static_cast<uint16_t>(row);
      if (answer == kSlow) [[unlikely]] {
        kept += slow(row);
      } else {
        kept += answer;
      }
    }
    return kept;
  }

  template <typename Rows>
  uint32_t plain_texts(Rows rows, uint32_t count);
  template <typename Rows>
  uint32_t json_texts(Rows rows, uint32_t count);
  template <typename Rows>
  uint32_t numbers(Rows rows, uint32_t count);
  template <typename Rows>
  uint32_t nulls(Rows rows, uint32_t count);
  template <typename Rows>
  uint32_t all_slow(Rows rows, uint32_t count) {
    return each(rows, count, [](Slice) { return kSlow; });
  }
  template <typename Rows>
  uint32_t run(Rows rows, uint32_t count);
};

bool Run::slow(uint32_t row) {
  ScalarEvaluator evaluator(*kernel.query, {});
  Value value;
  Value answer;
  Code code = evaluator.evaluate(batch, row, kernel.conjunct, value);
  if (code == Code::kOk) code = condition(evaluator.context(), value, answer);
  if (code == Code::kOk) return !answer.is_null() && answer.boolean;
  errors[error_count++] = {static_cast<uint16_t>(row), code, static_cast<uint16_t>(kernel.field + 1)};
  return false;
}

template <typename Rows>
uint32_t Run::plain_texts(Rows rows, uint32_t count) {
  const bool negated = kernel.negated;
  // Missing, quoted, and empty fields apart; then what the literal says.
  const auto with_text = [&](auto&& test) {
    return each(rows, count, [&](Slice slice) {
      if (slice.missing()) return kNo;
      const char* const text = base + slice.offset;
      if (slice.size == 0) {
        if (empty_is_null) return kNo;
      } else if (static_cast<unsigned char>(*text) == quote) {
        return kSlow;
      }
      return answer_of(test(text, slice.size));
    });
  };
  switch (kernel.shape) {
    case Shape::kTextEqual: {
      const TextLiteral& literal = kernel.texts[0];
      const auto size = static_cast<uint32_t>(literal.bytes.size());
      const char* const rest = literal.bytes.data();
      if (size == 0 || size > 8) {
        return with_text(
            [&](const char* text, uint32_t n) { return (n == size && std::memcmp(text, rest, size) == 0) != negated; });
      }
      // No branch on what the field holds: the next field's bytes can be fetched meanwhile.
      return each(rows, count, [&](Slice slice) {
        const char* const text = base + (slice.missing() ? 0 : slice.offset);
        const uint64_t word = load8(text);
        const bool equal = (slice.size == size) & ((word & literal.mask) == literal.word);
        const bool quoted = (slice.size != 0) & (static_cast<int>(word & 0xff) == quote);
        const bool null = slice.missing() | (empty_is_null & (slice.size == 0));
        if (quoted) [[unlikely]]
          return kSlow;
        return answer_of((equal != negated) & !null);
      });
    }
    case Shape::kTextOrder: {
      const std::string_view literal = kernel.texts[0].bytes;
      return with_text([&](const char* text, uint32_t n) { return holds(kernel.op, order_of({text, n}, literal)); });
    }
    case Shape::kTextBetween: {
      const std::string_view low = kernel.texts[0].bytes;
      const std::string_view high = kernel.texts[1].bytes;
      return with_text([&](const char* text, uint32_t n) {
        return (order_of({text, n}, low) >= 0 && order_of({text, n}, high) <= 0) != negated;
      });
    }
    case Shape::kTextIn:
      return with_text([&](const char* text, uint32_t n) {
        return kernel.set.contains(text, n, n == 0 ? 0 : load8(text) & text_mask(n)) != negated;
      });
    case Shape::kPrefix: {
      const std::string_view prefix = kernel.texts[0].bytes;
      return with_text([&](const char* text, uint32_t n) {
        return (n >= prefix.size() && std::memcmp(text, prefix.data(), prefix.size()) == 0) != negated;
      });
    }
    case Shape::kContains: {
      const std::string_view needle = kernel.texts[0].bytes;
      return with_text([&](const char* text, uint32_t n) {
        return (std::string_view(text, n).find(needle) != std::string_view::npos) != negated;
      });
    }
    default: {
      Context context;
      return with_text([&](const char* text, uint32_t n) {
        bool matches = false;
        (void)like(context, Value::of_text({text, n}), *kernel.pattern, kernel.escape, matches);
        return matches != negated;
      });
    }
  }
}

template <typename Rows>
uint32_t Run::json_texts(Rows rows, uint32_t count) {
  if (!kernel.json_safe || (kernel.shape != Shape::kTextEqual && kernel.shape != Shape::kTextIn))
    return all_slow(rows, count);
  const bool negated = kernel.negated;
  const TextLiteral* const literal = kernel.shape == Shape::kTextEqual ? &kernel.json_texts[0] : nullptr;
  return each(rows, count, [&](Slice slice) {
    if (slice.missing()) return kNo;
    const char* const text = base + slice.offset;
    if (*text == 'n') return kNo;
    if (*text != '"') return kSlow;
    const uint64_t word = load8(text) & text_mask(slice.size);
    bool equal = false;
    if (literal != nullptr) {
      equal = slice.size == literal->bytes.size() && word == literal->word &&
              (slice.size <= 8 || std::memcmp(text, literal->bytes.data(), slice.size) == 0);
    } else {
      equal = kernel.json_set.contains(text, slice.size, word);
    }
    // Only an escaped spelling of a text is not found: the literals need none.
    if (!equal && std::memchr(text, '\\', slice.size) != nullptr) return kSlow;
    return answer_of(equal != negated);
  });
}

template <typename Rows>
uint32_t Run::numbers(Rows rows, uint32_t count) {
  const uint32_t scale_max = kernel.whole_numbers ? 0 : Threshold::kScales - 1;
  const auto with_number = [&](auto&& test) {
    return each(rows, count, [&](Slice slice) {
      if (slice.missing()) return kNo;
      int64_t mantissa = 0;
      uint32_t scale = 0;
      if (!short_number(base + slice.offset, slice.size, mantissa, scale) || scale > scale_max) return kSlow;
      return answer_of(test(mantissa, scale));
    });
  };
  const bool negated = kernel.negated;
  const Threshold& first = kernel.thresholds[0];
  switch (kernel.shape) {
    case Shape::kNumberEqual:
      return with_number([&](int64_t m, uint32_t s) { return (first.exact[s] && m == first.floor[s]) != negated; });
    case Shape::kNumberOrder: {
      // > and <= part at the floor, >= and < just below the literal.
      const int64_t* const bounds =
          kernel.op == Op::kGreater || kernel.op == Op::kLessEqual ? first.floor : first.below;
      const bool less = kernel.op == Op::kLess || kernel.op == Op::kLessEqual;
      return with_number([&](int64_t m, uint32_t s) { return (m > bounds[s]) != less; });
    }
    case Shape::kNumberBetween: {
      const Threshold& last = kernel.thresholds[1];
      return with_number([&](int64_t m, uint32_t s) { return (m > first.below[s] && m <= last.floor[s]) != negated; });
    }
    default:
      return with_number([&](int64_t m, uint32_t s) {
        bool found = false;
        for (const Threshold& item : kernel.thresholds) found = found || (item.exact[s] && m == item.floor[s]);
        return found != negated;
      });
  }
}

template <typename Rows>
uint32_t Run::nulls(Rows rows, uint32_t count) {
  const bool negated = kernel.negated;
  if (kernel.shape == Shape::kIsMissing) {
    return each(rows, count, [&](Slice slice) { return answer_of(slice.missing() != negated); });
  }
  if (column.encoding == FieldEncoding::kJson) {
    return each(rows, count, [&](Slice slice) {
      const bool null = slice.missing() || base[slice.offset] == 'n';
      if (!null && maybe_huge({base + slice.offset, slice.size})) return kSlow;
      return answer_of(null != negated);
    });
  }
  return each(rows, count, [&](Slice slice) {
    if (empty_is_null && !slice.missing() && slice.size >= 2 && static_cast<unsigned char>(base[slice.offset]) == quote)
      return kSlow;
    return answer_of((slice.missing() || (empty_is_null && slice.size == 0)) != negated);
  });
}

template <typename Rows>
uint32_t Run::run(Rows rows, uint32_t count) {
  switch (kernel.shape) {
    case Shape::kIsNull:
    case Shape::kIsMissing:
      return nulls(rows, count);
    case Shape::kNumberEqual:
    case Shape::kNumberOrder:
    case Shape::kNumberBetween:
    case Shape::kNumberIn:
      if (column.encoding == FieldEncoding::kBytes) return all_slow(rows, count);
      return numbers(rows, count);
    default:
      if (column.encoding == FieldEncoding::kBytes) return all_slow(rows, count);
      return column.encoding == FieldEncoding::kJson ? json_texts(rows, count) : plain_texts(rows, count);
  }
}

/// OR: each condition sees the rows for which those before it were not true. Rows keep their order by a mark.
template <typename Rows>
uint32_t run_any(const KernelData& kernel, const RecordBatch& batch, Rows rows, uint32_t count, uint16_t* out,
                 RowError* errors, uint32_t& error_count) {
  uint16_t open[kRowsMax];
  uint16_t hits[kRowsMax];
  uint8_t closed[kRowsMax] = {};  // by row; 1: true, 2: an error
  for (uint32_t i = 0; i < count; ++i) open[i] = static_cast<uint16_t>(rows[i]);
  uint32_t left = count;
  for (const Kernel& condition : kernel.any) {
    const uint32_t errors_before = error_count;
    const uint32_t found = condition.run(batch, open, left, hits, errors, error_count);
    for (uint32_t i = 0; i < found; ++i) closed[hits[i]] = 1;
    for (uint32_t i = errors_before; i < error_count; ++i) closed[errors[i].row] = 2;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < left; ++i) {
      const uint16_t row = open[i];
      open[kept] = row;
      kept += closed[row] == 0;
    }
    left = kept;
  }
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const auto row = static_cast<uint16_t>(rows[i]);
    out[kept] = row;
    kept += closed[row] == 1;
  }
  return kept;
}

template <typename Rows>
uint32_t run_kernel(const KernelData& kernel, const RecordBatch& batch, Rows rows, uint32_t count, uint16_t* out,
                    RowError* errors, uint32_t& error_count) {
  if (!kernel.any.empty()) return run_any(kernel, batch, rows, count, out, errors, error_count);
  const Column& column = batch.columns[kernel.field];
  const bool quotes = column.encoding == FieldEncoding::kCsv && column.quote != 0;
  Run run{kernel,
          batch,
          column,
          batch.base,
          kernel.query->empty_is_null,
          quotes ? static_cast<unsigned char>(column.quote) : -1,
          out,
          errors,
          error_count};
  return run.run(rows, count);
}

// --- making one ------------------------------------------------------------------------------------------------------

bool needs_json_escape(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_exact_number(const Value& value) { return value.type == Type::kInt || value.type == Type::kDecimal; }

Op flipped(Op op) {
  switch (op) {
    case Op::kLess:
      return Op::kGreater;
    case Op::kLessEqual:
      return Op::kGreaterEqual;
    case Op::kGreater:
      return Op::kLess;
    case Op::kGreaterEqual:
      return Op::kLessEqual;
    default:
      return op;
  }
}

/// Takes the literals over; false when they are not all texts, or all exact numbers.
bool take_literals(KernelData& data, std::span<const Value* const> literals, bool& numbers) {
  const Type hint = data.query->fields[data.field].hint;
  numbers = is_exact_number(*literals[0]);
  if (numbers ? hint != Type::kText && hint != Type::kInt && hint != Type::kDecimal : hint != Type::kText) return false;
  data.whole_numbers = hint == Type::kInt;
  for (const Value* literal : literals) {
    if (numbers) {
      if (!is_exact_number(*literal)) return false;
      data.thresholds.emplace_back(*literal);
      continue;
    }
    if (literal->type != Type::kText) return false;
    const std::string quoted = '"' + std::string(literal->view()) + '"';
    data.json_safe = data.json_safe && !needs_json_escape(literal->view());
    data.texts.emplace_back(literal->view());
    data.json_texts.emplace_back(quoted);
    data.set.add(literal->view());
    data.json_set.add(quoted);
  }
  data.set.build();
  data.json_set.build();
  return true;
}

/// A pattern without _ or an escape whose only % is at its end.
bool is_prefix(std::string_view pattern) {
  return !pattern.empty() && pattern.find('%') == pattern.size() - 1 && pattern.find('_') == std::string_view::npos;
}

/// The same with another % at its front, and something between the two.
bool is_contained(std::string_view pattern) {
  return pattern.size() > 2 && pattern[0] == '%' && is_prefix(pattern.substr(1));
}

constexpr size_t kNumberInMax = 16;  ///< a longer list of numbers goes to the Evaluator

bool shape_kernel(KernelData& data, const BoundExpr& expr, std::span<const Value* const> literals) {
  bool numbers = false;
  switch (expr.op) {
    case Op::kEqual:
    case Op::kNotEqual:
      if (!take_literals(data, literals, numbers)) return false;
      data.shape = numbers ? Shape::kNumberEqual : Shape::kTextEqual;
      data.negated = expr.op == Op::kNotEqual;
      return true;
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      if (!take_literals(data, literals, numbers)) return false;
      data.shape = numbers ? Shape::kNumberOrder : Shape::kTextOrder;
      return true;
    case Op::kBetween:
      if (!take_literals(data, literals, numbers)) return false;
      data.shape = numbers ? Shape::kNumberBetween : Shape::kTextBetween;
      return true;
    case Op::kIn:
      if (!take_literals(data, literals, numbers) || (numbers && literals.size() > kNumberInMax)) return false;
      data.shape = numbers ? Shape::kNumberIn : Shape::kTextIn;
      return true;
    case Op::kLike:
      if (literals[0]->type != Type::kText || data.query->fields[data.field].hint != Type::kText) return false;
      data.pattern = literals[0];
      data.escape = literals.size() > 1 ? literals[1] : nullptr;
      if (data.escape != nullptr && (data.escape->type != Type::kText || data.escape->size != 1 ||
                                     !valid_like_pattern(data.pattern->view(), data.escape->view()))) {
        return false;
      }
      data.shape = Shape::kLike;
      if (data.escape == nullptr && is_prefix(data.pattern->view())) {
        data.shape = Shape::kPrefix;
        data.texts.emplace_back(data.pattern->view().substr(0, data.pattern->size - 1));
      } else if (data.escape == nullptr && is_contained(data.pattern->view())) {
        data.shape = Shape::kContains;
        data.texts.emplace_back(data.pattern->view().substr(1, data.pattern->size - 2));
      }
      return true;
    case Op::kIsNull:
      data.shape = Shape::kIsNull;
      return data.query->fields[data.field].hint == Type::kText;
    case Op::kIsMissing:
      data.shape = Shape::kIsMissing;
      return true;
    default:
      return false;
  }
}

}  // namespace

Kernel make_kernel(const BoundQuery& query, uint32_t conjunct) {
  const BoundExpr& expr = query.exprs[conjunct];
  if (expr.arg_count == 0) return {};
  auto data = std::make_unique<KernelData>();
  if (expr.op == Op::kOr) {
    for (const uint32_t arg : query.args_of(expr)) {
      data->any.push_back(make_kernel(query, arg));
      if (!data->any.back().fast() || query.exprs[arg].op == Op::kOr)
        return {};  // not deeper: the lists stand on the stack
    }
    return Kernel(std::move(data));
  }
  data->query = &query;
  data->conjunct = conjunct;
  data->op = expr.op;
  data->negated = expr.negated;
  const bool comparison = expr.op >= Op::kEqual && expr.op <= Op::kGreaterEqual;
  const bool turned = comparison && query.arg(expr, 0).op == Op::kLiteral;  // 100 < amount
  if (turned) data->op = flipped(expr.op);
  std::vector<const Value*> literals;
  for (uint32_t i = 0; i < expr.arg_count; ++i) {
    const BoundExpr& arg = query.arg(expr, i);
    if (i == (turned ? 1u : 0u)) {
      if (arg.op != Op::kField) return {};
      data->field = static_cast<uint32_t>(arg.field);
    } else if (arg.op == Op::kLiteral) {
      literals.push_back(&arg.literal);
    } else {
      return {};
    }
  }
  if (!shape_kernel(*data, expr, literals)) return {};
  return Kernel(std::move(data));
}

Kernel::Kernel() = default;
Kernel::Kernel(std::unique_ptr<KernelData> data) : data_(std::move(data)) {}
Kernel::Kernel(Kernel&&) noexcept = default;
Kernel& Kernel::operator=(Kernel&&) noexcept = default;
Kernel::~Kernel() = default;

uint32_t Kernel::run_range(const RecordBatch& batch, RowRange range, uint16_t* out, RowError* errors,
                           uint32_t& error_count) const {
  return run_kernel(*data_, batch, RangeRows{range.begin}, range.size(), out, errors, error_count);
}

uint32_t Kernel::run(const RecordBatch& batch, const uint16_t* rows, uint32_t count, uint16_t* out, RowError* errors,
                     uint32_t& error_count) const {
  return run_kernel(*data_, batch, ListRows{rows}, count, out, errors, error_count);
}

}  // namespace weir::sql

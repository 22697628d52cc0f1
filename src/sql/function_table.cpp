#include "sql/function_table.hpp"

#include "sql/lexer.hpp"

namespace weir::sql {
namespace {

constexpr uint8_t mode_of(AggregateKind kind) { return static_cast<uint8_t>(kind); }

constexpr FunctionInfo kFunctions[] = {
    {"COUNT", Op::kAggregate, mode_of(AggregateKind::kCount), 1, 1, "COUNT(*) or COUNT(x)"},
    {"SUM", Op::kAggregate, mode_of(AggregateKind::kSum), 1, 1, "SUM(x)"},
    {"AVG", Op::kAggregate, mode_of(AggregateKind::kAvg), 1, 1, "AVG(x)"},
    {"MIN", Op::kAggregate, mode_of(AggregateKind::kMin), 1, 1, "MIN(x)"},
    {"MAX", Op::kAggregate, mode_of(AggregateKind::kMax), 1, 1, "MAX(x)"},
    {"COALESCE", Op::kCoalesce, 0, 1, 1024, "COALESCE(x, y, ...)"},
    {"NULLIF", Op::kNullIf, 0, 2, 2, "NULLIF(x, y)"},
    {"UPPER", Op::kUpper, 0, 1, 1, "UPPER(x)"},
    {"LOWER", Op::kLower, 0, 1, 1, "LOWER(x)"},
    {"TRIM", Op::kTrim, 0, 1, 1, "TRIM([LEADING | TRAILING | BOTH] [characters] FROM x)"},
    {"SUBSTRING", Op::kSubstring, 0, 2, 3, "SUBSTRING(x, first [, count])"},
    {"CHAR_LENGTH", Op::kCharLength, 0, 1, 1, "CHAR_LENGTH(x)"},
    {"CHARACTER_LENGTH", Op::kCharLength, 0, 1, 1, "CHARACTER_LENGTH(x)"},
    {"LENGTH", Op::kCharLength, 0, 1, 1, "LENGTH(x)"},
    {"CAST", Op::kCast, 0, 1, 1, "CAST(x AS type)"},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

/// Edits from one name to the other (insert, remove, replace), regardless of case.
size_t distance(std::string_view a, std::string_view b) {
  constexpr size_t kNameMax = 32;
  if (a.size() > kNameMax || b.size() > kNameMax) return kNameMax;
  size_t row[kNameMax + 1];
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (upper(a[i - 1]) != upper(b[j - 1]));
      diagonal = row[j];
      size_t best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = replaced < best ? replaced : best;
    }
  }
  return row[b.size()];
}

struct Synonym {
  std::string_view foreign;
  std::string_view ours;
};
/// Names of other dialects for what we have.
constexpr Synonym kSynonyms[] = {
    {"IFNULL", "COALESCE"}, {"NVL", "COALESCE"}, {"ISNULL", "COALESCE"}, {"SUBSTR", "SUBSTRING"}, {"LEN", "LENGTH"},
    {"MEAN", "AVG"},        {"AVERAGE", "AVG"},  {"UCASE", "UPPER"},     {"LCASE", "LOWER"},      {"TO_NUMBER", "CAST"},
    {"CONVERT", "CAST"},    {"LTRIM", "TRIM"},   {"RTRIM", "TRIM"},      {"TRY_CAST", "CAST"}};

}  // namespace

const FunctionInfo* find_function(std::string_view name) {
  for (const FunctionInfo& info : kFunctions) {
    if (equal_ignoring_case(info.name, name)) return &info;
  }
  return nullptr;
}

std::string_view nearest_function(std::string_view name) {
  for (const Synonym& synonym : kSynonyms) {
    if (equal_ignoring_case(synonym.foreign, name)) return synonym.ours;
  }
  std::string_view best;
  size_t least = name.size() / 3 + 2;  // farther than that is no likeness
  for (const FunctionInfo& info : kFunctions) {
    const size_t edits = distance(name, info.name);
    if (edits < least) {
      least = edits;
      best = info.name;
    }
  }
  return best;
}

}  // namespace weir::sql

// ParsedQuery: what the parser understood, nothing looked up yet. Nodes live in one vector and refer to each other by
// index.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "record/value.hpp"

namespace weir::sql {

/// Kinds of expressions, parsed and bound alike.
enum class Op : uint8_t {
  kLiteral,
  kField,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kConcat,  ///< two or more
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,  ///< two or more
  kOr,  ///< two or more
  kNot,
  kBetween,  ///< x, low, high
  kIn,  ///< x, items...
  kLike,  ///< x, pattern [, escape]
  kIsNull,  ///< x
  kIsMissing,  ///< x
  kCase,  ///< when, then, ..., else
  kCaseOf,  ///< x, when, then, ..., else
  kCast,  ///< x; `type`
  kCoalesce,  ///< one or more
  kNullIf,  ///< x, y
  kUpper,  ///< x
  kLower,  ///< x
  kTrim,  ///< x [, characters]; `mode`
  kSubstring,  ///< x, first [, count]
  kCharLength,  ///< x
  kAggregate,  ///< x, or none for COUNT(*); `mode`
};

enum class TrimMode : uint8_t { kBoth, kLeading, kTrailing };
inline constexpr uint8_t kModeUnknown = 255;  ///< of kCoalesce: a function that there is not, in lint
enum class AggregateKind : uint8_t { kCountRows, kCount, kSum, kAvg, kMin, kMax };

inline constexpr uint32_t kNestingMax = 64;  ///< parentheses, CASE, function calls, signs within each other
inline constexpr uint32_t kTreeDepthMax = 256;  ///< also counts chains such as a + b + c
inline constexpr uint32_t kNodesMax = 4096;
inline constexpr uint32_t kInListMax = 1024;
inline constexpr uint32_t kColumnsMax = 1024;  ///< of a SELECT list
inline constexpr uint32_t kPathStepsMax = 32;

struct ParsedStep {
  std::string name;
  int32_t index = -1;  ///< an element, `[3]`; the name is empty then
  bool quoted = false;
};

struct Expr {
  Op op = Op::kLiteral;
  bool negated = false;  ///< NOT BETWEEN, NOT IN, NOT LIKE, IS NOT
  Type type = Type::kNull;  ///< of kCast
  uint8_t mode = 0;  ///< TrimMode or AggregateKind
  uint16_t depth = 1;
  uint32_t offset = 0;  ///< in the text, for errors
  Value literal;  ///< of kLiteral; a text's bytes are in `text`
  std::string text;  ///< of a text literal
  std::vector<ParsedStep> path;  ///< of kField
  std::vector<uint32_t> args;
};

struct SelectItem {
  bool star = false;
  uint32_t expr = 0;
  std::string alias;  ///< empty: none
  uint32_t offset = 0;
  std::string star_of;  ///< `s.*`: s
};

struct ParsedQuery {
  std::vector<Expr> exprs;
  std::vector<SelectItem> items;
  std::string source;  ///< quoted file name; empty for input, stdin and S3Object
  std::string source_word = "input";
  std::string alias;
  int64_t where = -1;  ///< index of an expression
  uint64_t limit = ~uint64_t{0};
};

}  // namespace weir::sql

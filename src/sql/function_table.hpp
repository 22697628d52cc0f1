// The functions of the language: one table. To add one: a row here, an Op, its evaluation in functions.cpp, a row in
// docs/query.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "sql/ast.hpp"

namespace weir::sql {

struct FunctionInfo {
  std::string_view name;  ///< in capitals
  Op op;
  uint8_t mode;
  uint8_t args_min;
  uint16_t args_max;
  std::string_view usage;
};

/// Null when there is none of that name (compared regardless of case).
const FunctionInfo* find_function(std::string_view name);
/// The known name that is nearest to `name`, or empty when none is near.
std::string_view nearest_function(std::string_view name);

}  // namespace weir::sql

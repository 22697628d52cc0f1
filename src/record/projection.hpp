// Projection: the fields of the input that a program names. The binder yields it, the reader fills just those columns.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weir {

/// One step of a path: a member's name, or an element's index.
struct PathStep {
  std::string_view name;  ///< unescaped; used when index < 0
  int32_t index = -1;
};

/// A field of a record. CSV: one step, a column's name (or `ordinal`). JSON: any number of steps.
struct FieldPath {
  std::span<const PathStep> steps;
  int32_t ordinal = -1;         ///< `_1` is 0; -1 when named. JSON members named `_1` are looked up by name
  bool case_sensitive =
      false;  ///< "quoted" identifiers match exactly, others regardless of ASCII case (exact match first)
  uint32_t line = 0;            ///< where it stands in the query, from 1; 0: nowhere
  uint32_t column = 0;
};

struct Projection {
  std::span<const FieldPath> paths;
  bool all = false;  ///< `SELECT *`: every field of the record, in its order, behind those of `paths`
};

}  // namespace weir

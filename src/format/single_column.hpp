// The projection of formats with one column: each path and `all` are views of the whole record.
#pragma once

#include "base/error.hpp"
#include "format/json_name.hpp"
#include "record/projection.hpp"

namespace weir {

inline uint32_t single_column_views(const Projection& projection) {
  return static_cast<uint32_t>(projection.paths.size()) + (projection.all ? 1 : 0);
}

/// kUnknownColumn when a path names anything else than the column or `_1`.
inline Status check_single_column(const Projection& projection, std::string_view name) {
  for (const FieldPath& path : projection.paths) {
    if (path.ordinal == 0) continue;
    const std::string_view want = path.steps.empty() ? std::string_view() : path.steps[0].name;
    bool good = path.ordinal < 0 && path.steps.size() == 1 && path.steps[0].index < 0 && want.size() == name.size();
    if (good) {
      const NameMatch match = match_name(want, name);
      good = match == NameMatch::kExact || (match == NameMatch::kFolded && !path.case_sensitive);
    }
    if (good) continue;
    Error error(Code::kUnknownColumn);
    error.detail.append('`').append(want.substr(0, 100)).append("`; the input has one column, ").append(name);
    return fail(error.at_line(path.line, path.column));
  }
  return {};
}

}  // namespace weir

// find_column: the column of a table that a name in the query means. One rule, for the reader that fills the column and for lint.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "record/projection.hpp"

namespace weir {

/// Index of the column that `path` names: by its number, else the one of exactly this spelling, else (unless the path is
/// case_sensitive) the one that differs in capitals only. W2011 with the nearest name where there is none, W2024 where several
/// are meant; both at the path's place in the query.
Result<uint32_t> find_column(const FieldPath& path, std::span<const std::string_view> names);

}  // namespace weir

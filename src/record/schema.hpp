// Schema: the names of an input's fields, known when its header was read (CSV) or from the start (lines, blocks).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weir {

struct Schema {
  std::span<const std::string_view> names;  ///< decoded; `_1`, `_2` ... where there is no header
  bool fixed = false;                       ///< false: records bring their own names (JSON)
};

}  // namespace weir

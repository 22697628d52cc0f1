// Where the records of a JSON document sit, as `input.path` says it: `Records[*]`, `[*]`, `a.b[*]`, `a[0].b[*]`.
//
// A leading `$` or `$.` is allowed, `[*]` at the end may be left out, and a name that holds dots or brackets is written in double
// quotes ("a.b"[*]; no escapes in there). Names match exactly. The empty path is the document itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "record/projection.hpp"

namespace weir {

struct JsonPath {
  static constexpr uint32_t kStepsMax = 32;
  PathStep steps[kStepsMax];
  uint32_t size = 0;
  bool document = false;  ///< the empty path: an array's elements, or anything else as one record
};

/// Names point into `text`. kOutOfRange with the reason when it can't be understood.
Result<JsonPath> parse_json_path(std::string_view text);

}  // namespace weir

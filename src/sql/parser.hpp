// Parser: the text of a query -> ParsedQuery. Recursive descent with a nesting bound; the grammar stands in
// docs/query.md.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "sql/ast.hpp"

namespace weir::sql {

/// Errors have line, column and "expected X, found Y". Blank text is `SELECT * FROM input`.
Result<ParsedQuery> parse(std::string_view text);

}  // namespace weir::sql

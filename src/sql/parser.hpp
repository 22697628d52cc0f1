// Parser: the text of a query -> ParsedQuery. Recursive descent with a nesting bound; the grammar stands in
// docs/query.md.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sql/ast.hpp"

namespace weir::sql {

/// Errors have line, column and "expected X, found Y". Blank text is `SELECT * FROM input`.
/// With `mistakes` an unknown function is put there, and its call is parsed as one of any arguments and any type.
Result<ParsedQuery> parse(std::string_view text, std::vector<Error>* mistakes = nullptr);

}  // namespace weir::sql

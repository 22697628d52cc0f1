// Where the sources are: for tests that read files of the project (docs, oracles), whatever folder they are run in.
#pragma once

#include <string>
#include <string_view>

namespace weir::testing {

/// The path of a file of the project, given from its top: source_file("docs/query.md").
std::string source_file(std::string_view name);

}  // namespace weir::testing

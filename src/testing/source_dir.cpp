#include "testing/source_dir.hpp"

namespace weir::testing {

// The folder comes from the build, in this one file: __FILE__ is relative where prefixes are mapped or a compiler cache has
// a base folder, and a definition for every test would make each of them another compilation in each checkout.
std::string source_file(std::string_view name) { return std::string(WEIR_SOURCE_DIR "/").append(name); }

}  // namespace weir::testing

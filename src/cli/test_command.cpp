#include "cli/commands.hpp"

namespace weir {

int test_command(Words, char**) { return usage_error("test", "not yet"); }

}  // namespace weir

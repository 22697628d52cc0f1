#include "base/assert.hpp"

#include <cstdlib>

namespace weir {
namespace {
AssertHandler handler_in_use = nullptr;
}

void set_assert_handler(AssertHandler handler) { handler_in_use = handler; }

void assert_failed(const char* expression, const char* file, int line) {
  if (handler_in_use != nullptr) handler_in_use(expression, file, line);
  std::abort();
}

}  // namespace weir

// Assertions that stay on in production. User input is never asserted on.
//
// WEIR_ASSERT        once a batch or rarer, always on
// WEIR_DEBUG_ASSERT  once a record, on in builds with WEIR_DEBUG
//
// A broken assertion calls the process' handler: the CLI writes one message and leaves with exit 70 (INTERNAL), a
// host of the library may install its own. The default handler aborts.
#pragma once

namespace weir {

using AssertHandler = void (*)(const char* expression, const char* file, int line);

/// Installs the process' handler; it must not return. Null restores the default (abort).
void set_assert_handler(AssertHandler handler);

[[noreturn]] void assert_failed(const char* expression, const char* file, int line);

}  // namespace weir

#define WEIR_ASSERT(expression)                               \
  do {                                                        \
    if (!(expression)) [[unlikely]]                           \
      ::weir::assert_failed(#expression, __FILE__, __LINE__); \
  } while (false)

#ifndef WEIR_DEBUG
#define WEIR_DEBUG_ASSERT(expression) \
  do {                                \
  } while (false)
#else
#define WEIR_DEBUG_ASSERT(expression) WEIR_ASSERT(expression)
#endif

// TlsArena: the memory of OpenSSL and c-ares: one fixed region, cut by size, and nothing from the system.
//
// Both libraries know one allocator a process, so the arena is one a process. It is mapped by take(), before the seal, in jobs that use the network;
// others never map it. When it is full the library is told that there is no memory: that connection or look-up fails as one that may be
// tried again (W4023, W4021), the process does not. Any thread may use it.
//
// kBytes is twice what three connections at once and a look-up were measured to take; docs/dependencies.md has the figures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.hpp"

namespace weir {

class TlsArena {
 public:
  /// Of the region, and the line of the plan.
  static constexpr size_t kBytes = 1280u << 10;
  /// For each connection more than three.
  static constexpr size_t kConnectionBytes = 176u << 10;
  static constexpr size_t bytes_for(size_t more_connections) { return kBytes + more_connections * kConnectionBytes; }

  struct Figures {
    size_t bytes_used = 0;  ///< high-water, in bytes from the front: what was touched
    size_t bytes_live = 0;  ///< in blocks that are out now
    uint64_t failures = 0;  ///< requests that found no room
  };

  /// Maps the region and points OpenSSL and c-ares to it; again: does nothing. W2101: the system has not got it, the process is sealed
  /// already, or somebody has used OpenSSL before.
  static Status take(size_t bytes = kBytes);
  static Figures figures();

  // What the libraries call.
  static void* allocate(size_t bytes) noexcept;
  static void* reallocate(void* block, size_t bytes) noexcept;
  static void release(void* block) noexcept;
};

}  // namespace weir

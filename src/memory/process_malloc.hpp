// Switches the reporting of the binary's own malloc on; see process_malloc.cpp.
#pragma once

#include <cstddef>

namespace weir {

inline constexpr size_t kSetupArenaBytes = 1u << 20;
inline constexpr size_t kRuntimeArenaBytes = 64u << 10;

/// Refers to the replacement, so that the linker takes it, and lets allocator_figures() read it.
void use_process_malloc();

/// From here on malloc takes from the system as much as it is asked for: for a command that holds to no budget and is never sealed. What
/// was taken before stays where it is.
void unbound_process_malloc();

}  // namespace weir

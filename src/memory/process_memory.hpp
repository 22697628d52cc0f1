// The process' own memory: the one working mapping, the seal, and what the kernel says of us.
//
// After seal() nothing takes memory from the system. Calls of the C allocator that still happen are served from a small fixed
// arena in the weir binary (process_malloc.cpp) and counted; in hosts that link the library they are the host's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"

namespace weir {

/// Maps `bytes` of zeroed memory from the system, once, before the seal. Fails with W2101.
Result<std::span<char>> map_working_memory(size_t bytes);
/// The same, and what a child process writes into it is seen here.
Result<std::span<char>> map_shared_memory(size_t bytes);
void unmap_working_memory(std::span<char> memory) noexcept;

/// From here on no memory may come from the system.
void seal();
[[nodiscard]] bool sealed();
/// For tests and hosts that run several pipelines in turn; allows OpenSSL again.
void unseal();
/// Takes the pages that openssl_image_bytes() counts out of the process' reach, for a job that speaks no TLS: not even the kernel, which maps large
/// folios whole, brings one in. Whoever touched one would be ended by a signal.
void forbid_openssl();

struct AllocatorFigures {
  uint64_t setup_bytes_max = 0;  ///< size of the set-up arena; 0 when the process uses the system's allocator
  uint64_t setup_bytes_used = 0;  ///< its high-water
  uint64_t calls_after_seal = 0;  ///< allocator calls served from the runtime arena
  uint64_t runtime_bytes_used = 0;  ///< its high-water
  uint64_t system_pages_after_seal = 0;  ///< pages that the kernel says were mapped since: 0, or the law is broken
};
/// Hooks of the binary's allocator; null when the system's allocator is in use.
using AllocatorFiguresHook = AllocatorFigures (*)();
using SetupLimitHook = void (*)(uint64_t bytes);
void set_allocator_hooks(AllocatorFiguresHook figures, SetupLimitHook limit);
AllocatorFigures allocator_figures();
/// From here on the set-up arena gives out no more than its first `bytes`, however large it is: what lies behind stays
/// untouched. More than there is: no limit.
void limit_setup(uint64_t bytes);

/// What the kernel says of this process; 0 where it can't be read.
struct ProcessFigures {
  uint64_t peak_bytes = 0;  ///< VmHWM
  uint64_t resident_bytes = 0;  ///< VmRSS
  uint64_t table_bytes = 0;  ///< VmPTE: page tables
  uint64_t anonymous_bytes = 0;  ///< RssAnon
  uint64_t file_bytes = 0;  ///< RssFile
};
/// Reads /proc/self/status into a stack buffer; takes no memory.
ProcessFigures process_figures();

/// Bytes that stand on the main thread's stack before main: words, environment and what the kernel says to the program; 0 where
/// it can't be told.
uint64_t argument_bytes();

/// Page tables of a process that has `image_bytes` mapped as its image and `work_bytes` as its one working mapping, every page
/// of both touched.
uint64_t page_table_bytes_max(uint64_t image_bytes, uint64_t work_bytes);

/// Bytes of the loadable segments of this program (from the linker), rounded up to pages.
uint64_t image_bytes();
/// Of them, those of OpenSSL, which stand together: a job that speaks no TLS touches none of it. Without the blocks around it, which the kernel maps
/// with their neighbours. 0 where the binary was linked otherwise.
uint64_t openssl_image_bytes();

}  // namespace weir

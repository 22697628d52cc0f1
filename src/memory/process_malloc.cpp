// The weir binary's own malloc, so that every library linked into it is caught too.
//
// Before the seal memory comes from the set-up arena (1 MiB of zero pages of the image, touched only as far as used), after
// it from the runtime arena (64 KiB) for libc's own needs. Neither asks the system for anything. A full set-up arena makes
// malloc answer NULL, which operator new turns into exit 21. Linked into the binary only, never into the library.
//
// The set-up arena is given out front to back and its end never moves back: what lies behind `used` was never touched. So the
// plan counts no more than what it holds the arena to (limit_setup) once the set-up proper is done.
//
// Blocks have four sizes a doubling from 32 bytes on (16 of them are the header), so less than a fifth of one is lost to
// rounding. They are kept in free lists by size; nothing is split or joined.
// One thread: Weir has one, and the exec sink's child only execs.
#include "memory/process_malloc.hpp"

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include <unistd.h>

#include "memory/process_memory.hpp"

namespace weir {
namespace {

constexpr size_t kHeaderBytes = 16;
constexpr unsigned kClasses = 2 + 4 * 28;  // up to more than 2 GiB

struct Header {
  uint32_t size_class;  ///< the block holds size_of(size_class) bytes, header included
  uint32_t offset;  ///< from the block's start to the user's bytes (aligned allocations)
  Header* next_free;
};
static_assert(sizeof(Header) == kHeaderBytes);

struct Region {
  char* bytes;
  size_t size;
  size_t used;
  Header* free[kClasses];
};

alignas(64) char setup_bytes[kSetupArenaBytes];
alignas(64) char runtime_bytes[kRuntimeArenaBytes];
constinit Region setup_region = {setup_bytes, sizeof setup_bytes, 0, {}};
constinit Region runtime_region = {runtime_bytes, sizeof runtime_bytes, 0, {}};
constinit uint64_t calls_after_seal = 0;
constinit bool main_began = false;

// Before main only libstdc++ asks for this much: 72 KiB from which it could throw when malloc has nothing left. Here a full arena
// ends the process before anything is thrown (operator new's handler), so it goes without.
constexpr size_t kBeforeMainMax = 64u << 10;

// 32, 48, then 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 ...
size_t size_of(unsigned size_class) {
  if (size_class < 2) return 32 + 16 * size_class;
  const unsigned step = size_class - 2;
  return size_t{4 + step % 4} << (4 + step / 4);
}

unsigned class_of(size_t bytes) {
  if (bytes <= 48) return bytes <= 32 ? 0 : 1;
  const size_t last = bytes - 1;
  const auto width = static_cast<unsigned>(std::bit_width(last));
  if (width < 7) return 2;
  return 2 + 4 * (width - 7) + static_cast<unsigned>(last >> (width - 3)) - 3;
}

void* take(size_t bytes) {
  if (bytes > (size_t{1} << 31) || (!main_began && bytes > kBeforeMainMax)) return nullptr;
  Region& region = sealed() ? runtime_region : setup_region;
  if (sealed()) ++calls_after_seal;
  const unsigned size_class = class_of(bytes + kHeaderBytes);
  Header* block = region.free[size_class];
  if (block != nullptr) {
    region.free[size_class] = block->next_free;
  } else {
    const size_t size = size_of(size_class);
    if (size > region.size - region.used) return nullptr;
    block = reinterpret_cast<Header*>(region.bytes + region.used);
    region.used += size;
    block->size_class = static_cast<uint32_t>(size_class);
  }
  block->offset = kHeaderBytes;
  return reinterpret_cast<char*>(block) + kHeaderBytes;
}

Header* header_of(void* user) {
  Header* near = reinterpret_cast<Header*>(static_cast<char*>(user) - kHeaderBytes);
  return reinterpret_cast<Header*>(static_cast<char*>(user) - near->offset);
}

void give_back(void* user) {
  if (user == nullptr) return;
  Header* block = header_of(user);
  auto* at = reinterpret_cast<char*>(block);
  Region& region = at >= runtime_bytes && at < runtime_bytes + sizeof runtime_bytes ? runtime_region : setup_region;
  block->next_free = region.free[block->size_class];
  region.free[block->size_class] = block;
}

size_t usable(void* user) {
  Header* block = header_of(user);
  return size_of(block->size_class) - static_cast<size_t>(static_cast<char*>(user) - reinterpret_cast<char*>(block));
}

void* take_aligned(size_t alignment, size_t bytes) {
  if (alignment <= kHeaderBytes) return take(bytes);
  auto* user = static_cast<char*>(take(bytes + alignment));
  if (user == nullptr) return nullptr;
  const auto address = reinterpret_cast<uintptr_t>(user);
  const uintptr_t wanted = (address + alignment - 1) / alignment * alignment;
  if (wanted == address) return user;
  Header* near = reinterpret_cast<Header*>(wanted - kHeaderBytes);
  near->offset = static_cast<uint32_t>(wanted - address + kHeaderBytes);
  return reinterpret_cast<void*>(wanted);
}

void limit_setup_region(uint64_t bytes) {
  setup_region.size = bytes < setup_region.used    ? setup_region.used
                      : bytes < sizeof setup_bytes ? static_cast<size_t>(bytes)
                                                   : sizeof setup_bytes;
}

AllocatorFigures figures() {
  AllocatorFigures f;
  f.setup_bytes_max = setup_region.size;
  f.setup_bytes_used = setup_region.used;
  f.calls_after_seal = calls_after_seal;
  f.runtime_bytes_used = runtime_region.used;
  return f;
}

}  // namespace

void use_process_malloc() {
  main_began = true;
  set_allocator_hooks(figures, limit_setup_region);
}

}  // namespace weir

extern "C" {

void* malloc(size_t bytes) {
  void* user = weir::take(bytes);
  if (user == nullptr) errno = ENOMEM;
  return user;
}
void free(void* user) { weir::give_back(user); }
void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* user = malloc(bytes);
  if (user != nullptr) memset(user, 0, bytes);
  return user;
}
void* realloc(void* user, size_t bytes) {
  if (user == nullptr) return malloc(bytes);
  if (bytes == 0) {
    free(user);
    return nullptr;
  }
  const size_t have = weir::usable(user);
  if (bytes <= have) return user;
  void* fresh = malloc(bytes);
  if (fresh == nullptr) return nullptr;
  memcpy(fresh, user, have);
  free(user);
  return fresh;
}
void* memalign(size_t alignment, size_t bytes) { return weir::take_aligned(alignment, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) { return weir::take_aligned(alignment, bytes); }
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  *out = weir::take_aligned(alignment, bytes);
  return *out != nullptr ? 0 : ENOMEM;
}
void* valloc(size_t bytes) { return weir::take_aligned(4096, bytes); }
size_t malloc_usable_size(void* user) { return user == nullptr ? 0 : weir::usable(user); }

}  // extern "C"

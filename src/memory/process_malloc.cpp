// The weir binary's own malloc, so that every library linked into it is caught too.
//
// Before the seal memory comes from the set-up arena (1 MiB of zero pages of the image, touched only as far as used), after
// it from the runtime arena (64 KiB) for libc's own needs. Neither asks the system for anything. A full set-up arena makes
// malloc answer NULL, which operator new turns into exit 21. Linked into the binary only, never into the library.
//
// The set-up arena is given out front to back and its end never moves back: what lies behind `used` was never touched. So the
// plan counts no more than what it holds the arena to (limit_setup) once the set-up proper is done.
//
// The blocks are those of SizeClassPool.
// One thread: Weir has one, and the exec sink's child only execs.
#include "memory/process_malloc.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

#include "memory/process_memory.hpp"
#include "memory/size_class_pool.hpp"

namespace weir {
namespace {

alignas(64) char setup_bytes[kSetupArenaBytes];
alignas(64) char runtime_bytes[kRuntimeArenaBytes];
constinit SizeClassPool setup_pool(setup_bytes, sizeof setup_bytes);
constinit SizeClassPool runtime_pool(runtime_bytes, sizeof runtime_bytes);
constinit SizeClassPool unbound_pool;  // empty but for a command that holds to no budget
constinit bool unbound = false;
constinit uint64_t calls_after_seal = 0;
constinit bool main_began = false;

// Before main only libstdc++ asks for this much: 72 KiB from which it could throw when malloc has nothing left. Here a full arena
// ends the process before anything is thrown (operator new's handler), so it goes without.
constexpr size_t kBeforeMainMax = 64u << 10;

bool refused(size_t bytes) { return !main_began && bytes > kBeforeMainMax; }

SizeClassPool& pool() {
  if (unbound) return unbound_pool;
  if (!sealed()) return setup_pool;
  ++calls_after_seal;
  return runtime_pool;
}

void* take(size_t bytes) { return refused(bytes) ? nullptr : pool().take(bytes); }
void* take_aligned(size_t alignment, size_t bytes) {
  return refused(bytes) ? nullptr : pool().take_aligned(alignment, bytes);
}

void give_back(void* user) {
  if (user == nullptr) return;
  SizeClassPool& owner = unbound_pool.owns(user) ? unbound_pool : runtime_pool.owns(user) ? runtime_pool : setup_pool;
  owner.give_back(user);
}

void limit_setup_pool(uint64_t bytes) {
  setup_pool.limit(bytes < sizeof setup_bytes ? static_cast<size_t>(bytes) : sizeof setup_bytes);
}

AllocatorFigures figures() {
  AllocatorFigures f;
  f.setup_bytes_max = setup_pool.size();
  f.setup_bytes_used = setup_pool.used();
  f.calls_after_seal = calls_after_seal;
  f.runtime_bytes_used = runtime_pool.used();
  return f;
}

}  // namespace

void use_process_malloc() {
  main_began = true;
  set_allocator_hooks(figures, limit_setup_pool);
}

void unbound_process_malloc() {
  // Address space alone: a page counts when it is touched.
  for (size_t bytes = size_t{1} << 36; bytes >= size_t{1} << 28; bytes /= 4) {
    void* region = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) continue;
    unbound_pool = SizeClassPool(static_cast<char*>(region), bytes);
    unbound = true;
    return;
  }
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
  const size_t have = weir::SizeClassPool::usable(user);
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
size_t malloc_usable_size(void* user) { return user == nullptr ? 0 : weir::SizeClassPool::usable(user); }

}  // extern "C"

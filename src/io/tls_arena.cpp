#include "io/tls_arena.hpp"

#include <atomic>
#include <cstring>

#include <ares.h>
#include <openssl/crypto.h>

#include "memory/process_memory.hpp"
#include "memory/size_class_pool.hpp"

namespace weir {
namespace {

constinit SizeClassPool pool;
constinit uint64_t failures = 0;
constinit bool taken = false;
constinit std::atomic_flag busy = ATOMIC_FLAG_INIT;

class Lock {
 public:
  Lock() {
    while (busy.test_and_set(std::memory_order_acquire)) {
    }
  }
  ~Lock() { busy.clear(std::memory_order_release); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

void* crypto_malloc(size_t bytes, const char*, int) { return TlsArena::allocate(bytes); }
void* crypto_realloc(void* block, size_t bytes, const char*, int) { return TlsArena::reallocate(block, bytes); }
void crypto_free(void* block, const char*, int) { TlsArena::release(block); }

}  // namespace

Status TlsArena::take(size_t bytes) {
  const Lock lock;
  if (taken) return {};
  if (sealed()) return fail(Code::kBudgetTooSmall, "the memory of TLS was not taken before the seal");
  auto region = map_working_memory(bytes);
  if (!region) return fail(region.error());
  pool = SizeClassPool(region->data(), region->size());
  if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1) {
    unmap_working_memory(*region);
    pool = {};
    return fail(Code::kBudgetTooSmall, "OpenSSL has memory of its own already");
  }
  if (ares_library_init_mem(ARES_LIB_INIT_ALL, allocate, release, reallocate) != ARES_SUCCESS)
    return fail(Code::kBudgetTooSmall, "c-ares did not start");
  taken = true;
  return {};
}

TlsArena::Figures TlsArena::figures() {
  const Lock lock;
  return {pool.used(), pool.live(), failures};
}

void* TlsArena::allocate(size_t bytes) noexcept {
  const Lock lock;
  void* block = pool.take(bytes);
  if (block == nullptr) ++failures;
  return block;
}

void* TlsArena::reallocate(void* block, size_t bytes) noexcept {
  if (block == nullptr) return allocate(bytes);
  if (bytes == 0) {
    release(block);
    return nullptr;
  }
  const size_t have = SizeClassPool::usable(block);
  if (bytes <= have) return block;
  void* fresh = allocate(bytes);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, block, have);
  release(block);
  return fresh;
}

void TlsArena::release(void* block) noexcept {
  if (block == nullptr) return;
  const Lock lock;
  pool.give_back(block);
}

}  // namespace weir

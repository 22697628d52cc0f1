// Deliberately bad: raises the wall, then does what is forbidden, by the name of the first argument. `nothing` and
// `command` are the good ones: they must live.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wall.hpp"

namespace {

constexpr size_t kPage = 4096;
void* old_page = nullptr;
void* volatile kept = nullptr;
constexpr size_t kLarge = 8u << 20;
constexpr size_t kSmall = 100;

void touch(void* memory, size_t size) {
  kept = memory;
  std::memset(memory, 1, size);
}

void* map_page() { return mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

/// A command in the exec sink's way. It takes memory, and may.
int run_command(char** words) {
  const pid_t child = vfork();
  if (child == 0) {
    execv(words[0], words);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return 96;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void* thread(void* argument) { return argument; }

struct Deed {
  std::string_view name;
  void (*act)();
};

const Deed kDeeds[] = {
    {"nothing", [] {}},
    {"mmap", [] { map_page(); }},
    {"mmap_raw", [] { syscall(SYS_mmap, nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
    {"brk", [] { syscall(SYS_brk, nullptr); }},
    {"sbrk", [] { (void)sbrk(kPage); }},
    {"mremap", [] { mremap(old_page, kPage, 2 * kPage, MREMAP_MAYMOVE); }},
    {"malloc_large", [] { touch(std::malloc(kLarge), kLarge); }},
    {"malloc_small",
     [] {
       for (int i = 0; i < 10'000; ++i) touch(std::malloc(kSmall), kSmall);
     }},
    {"shmget", [] { shmget(IPC_PRIVATE, kPage, 0600); }},
    {"memfd", [] { syscall(SYS_memfd_create, "x", 0); }},
    {"fork",
     [] {
       if (fork() == 0) _exit(0);
     }},
    {"thread",
     [] {
       pthread_t t;
       pthread_create(&t, nullptr, thread, nullptr);
       pthread_join(t, nullptr);
     }},
#ifdef SYS_io_uring_setup
    {"io_uring", [] { syscall(SYS_io_uring_setup, 8, nullptr); }},
#endif
};

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    for (const Deed& deed : kDeeds)
      dprintf(STDOUT_FILENO, "%.*s\n", static_cast<int>(deed.name.size()), deed.name.data());
    return 0;
  }
  old_page = map_page();
  weir::testing::raise_wall();
  if (std::string_view(words[1]) == "command") return run_command(words + 2);
  for (const Deed& deed : kDeeds) {
    if (deed.name != words[1]) continue;
    deed.act();
    return 0;
  }
  return 95;
}

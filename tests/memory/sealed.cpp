// What makes weir_sealed of weir: the linker puts these two in the place of seal() and main() (-Wl,--wrap), so that
// the program under test is the user's to the byte and the program that users get has no way in for tests.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "memory/process_memory.hpp"
#include "wall.hpp"

namespace {

bool is_wall_up = false;

// Deliberately bad programs, for the tests of the tests: WEIR_WALL_CANARY=page takes a page behind the wall; hog takes
// 24 MiB of memory that no plan knows of, leak a page every few MiB of input, both mapped before the seal.
constexpr size_t kPage = 4096;
constexpr size_t kHogBytes = 24u << 20;
constexpr size_t kLeakBytes = 64u << 20;
constexpr unsigned kReadsToALeak = 16;
char* leak = nullptr;
size_t leaked = 0;
unsigned reads = 0;

char* take(size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory != MAP_FAILED ? static_cast<char*>(memory) : nullptr;
}

// Behind the run, when all else has ended.
struct LastWord {
  ~LastWord() {
    if (is_wall_up && weir::allocator_figures().system_pages_after_seal != 0) {
      dprintf(STDERR_FILENO, "memory was taken from the system after the seal\n");
      _exit(98);
    }
  }
} last_word;

}  // namespace

extern "C" {

// NOLINTBEGIN(readability-identifier-naming): the linker gives these names (--wrap)
void __real__ZN4weir4sealEv();
/// weir::seal(): the real one, then the wall.
void __wrap__ZN4weir4sealEv() {
  const char* const name = std::getenv("WEIR_WALL_CANARY");
  const std::string_view canary = name != nullptr ? name : "";
  if (canary == "hog") std::memset(take(kHogBytes), 1, kHogBytes);
  if (canary == "leak") leak = take(kLeakBytes);
  __real__ZN4weir4sealEv();
  weir::testing::raise_wall();
  is_wall_up = true;
  if (canary == "page") std::memset(take(kPage), 1, kPage);
}

ssize_t __real_read(int file, void* room, size_t size);
ssize_t __wrap_read(int file, void* room, size_t size) {
  if (leak != nullptr && ++reads % kReadsToALeak == 0 && leaked < kLeakBytes) {
    leak[leaked] = 1;
    leaked += kPage;
  }
  return __real_read(file, room, size);
}

int __real_main(int count, char** words, char** environment);
/// `weir run` by way of a program named in WEIR_RUN_THROUGH, which sees the command line and starts the run as it
/// likes: so every case of `weir test` can be held to more than the case itself says.
int __wrap_main(int count, char** words, char** environment) {
  const char* const through = std::getenv("WEIR_RUN_THROUGH");
  if (through == nullptr || count < 2 || std::string_view(words[1]) != "run")
    return __real_main(count, words, environment);
  constexpr int kWordsMax = 256;
  char itself[4096];
  const ssize_t size = readlink("/proc/self/exe", itself, sizeof itself - 1);
  if (size < 0 || count + 2 > kWordsMax) _exit(97);
  itself[size] = 0;
  char* passed[kWordsMax] = {const_cast<char*>(through), itself};
  for (int i = 1; i < count; ++i) passed[i + 1] = words[i];
  passed[count + 1] = nullptr;
  unsetenv("WEIR_RUN_THROUGH");
  execv(through, passed);
  dprintf(STDERR_FILENO, "can't run %s\n", through);
  _exit(97);
}
}
// NOLINTEND(readability-identifier-naming)

// What makes weir_sealed of weir: the linker puts these two in the place of seal() and main() (-Wl,--wrap), so that the program
// under test is the user's to the byte and the program that users get has no way in for tests.
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

void __real__ZN4weir4sealEv();
/// weir::seal(): the real one, then the wall. WEIR_WALL_CANARY is the deliberately bad program: it takes a page behind the wall.
void __wrap__ZN4weir4sealEv() {
  __real__ZN4weir4sealEv();
  if (std::getenv("WEIR_WALL_OFF") == nullptr) {
    weir::testing::raise_wall();
    is_wall_up = true;
  }
  if (std::getenv("WEIR_WALL_CANARY") == nullptr) return;
  constexpr size_t kPage = 4096;
  void* const page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) std::memset(page, 1, kPage);
}

int __real_main(int count, char** words, char** environment);
/// `weir run` by way of a program named in WEIR_RUN_THROUGH, which sees the command line and starts the run as it likes:
/// so every case of `weir test` can be held to more than the case itself says.
int __wrap_main(int count, char** words, char** environment) {
  const char* const through = std::getenv("WEIR_RUN_THROUGH");
  if (through == nullptr || count < 2 || std::string_view(words[1]) != "run") return __real_main(count, words, environment);
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

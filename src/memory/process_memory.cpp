#include "memory/process_memory.hpp"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string_view>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace weir {
namespace {

bool is_sealed = false;
AllocatorFiguresHook figures_hook = nullptr;

uint64_t kilobytes_of(std::string_view status, std::string_view key) {
  const size_t at = status.find(key);
  if (at == std::string_view::npos) return 0;
  uint64_t number = 0;
  for (size_t i = at + key.size(); i < status.size() && status[i] != '\n'; ++i) {
    if (status[i] >= '0' && status[i] <= '9') number = number * 10 + static_cast<uint64_t>(status[i] - '0');
  }
  return number * 1024;
}

}  // namespace

Result<std::span<char>> map_working_memory(size_t bytes) {
  // Huge pages would round what is touched up to 2 MiB a piece, past the plan.
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    Error error(Code::kBudgetTooSmall, "the system refused the working memory");
    return fail(error.with_errno(errno));
  }
  return std::span<char>(static_cast<char*>(memory), bytes);
}

void unmap_working_memory(std::span<char> memory) noexcept {
  if (!memory.empty()) munmap(memory.data(), memory.size());
}

void seal() { is_sealed = true; }
void unseal() { is_sealed = false; }
bool sealed() { return is_sealed; }

void set_allocator_figures_hook(AllocatorFiguresHook hook) { figures_hook = hook; }
AllocatorFigures allocator_figures() { return figures_hook != nullptr ? figures_hook() : AllocatorFigures{}; }

ProcessFigures process_figures() {
  ProcessFigures figures;
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return figures;
  char buffer[4096];
  const ssize_t size = read(file, buffer, sizeof buffer);
  close(file);
  if (size <= 0) return figures;
  const std::string_view status(buffer, static_cast<size_t>(size));
  figures.peak_bytes = kilobytes_of(status, "VmHWM:");
  figures.resident_bytes = kilobytes_of(status, "VmRSS:");
  figures.table_bytes = kilobytes_of(status, "VmPTE:");
  figures.anonymous_bytes = kilobytes_of(status, "RssAnon:");
  figures.file_bytes = kilobytes_of(status, "RssFile:");
  return figures;
}

uint64_t image_bytes() {
  const auto* header = reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR));
  const size_t count = getauxval(AT_PHNUM);
  uint64_t bytes = 0;
  for (size_t i = 0; header != nullptr && i < count; ++i) {
    if (header[i].p_type != PT_LOAD) continue;
    const uint64_t first = header[i].p_vaddr / 4096 * 4096;
    const uint64_t last = (header[i].p_vaddr + header[i].p_memsz + 4095) / 4096 * 4096;
    bytes += last - first;
  }
  return bytes;
}

}  // namespace weir

#include "memory/process_memory.hpp"

#include <algorithm>
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

/// The size of the address space without the stack, which may grow within its line of the plan.
struct Mapped {
  uint64_t bytes = 0;
  uint64_t bytes_peak = 0;
};
Mapped mapped_at_seal;

uint64_t kilobytes_of(std::string_view status, std::string_view key) {
  const size_t at = status.find(key);
  if (at == std::string_view::npos) return 0;
  uint64_t number = 0;
  for (size_t i = at + key.size(); i < status.size() && status[i] != '\n'; ++i) {
    if (status[i] >= '0' && status[i] <= '9') number = number * 10 + static_cast<uint64_t>(status[i] - '0');
  }
  return number * 1024;
}

std::string_view read_status(std::span<char> room) {
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t size = read(file, room.data(), room.size());
  close(file);
  return {room.data(), size > 0 ? static_cast<size_t>(size) : 0};
}

Mapped mapped_now() {
  char room[4096];
  const std::string_view status = read_status(room);
  const uint64_t stack = kilobytes_of(status, "VmStk:");
  return {kilobytes_of(status, "VmSize:") - stack, kilobytes_of(status, "VmPeak:") - stack};
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

void seal() {
  mapped_at_seal = mapped_now();
  is_sealed = true;
}
void unseal() { is_sealed = false; }
bool sealed() { return is_sealed; }

void set_allocator_figures_hook(AllocatorFiguresHook hook) { figures_hook = hook; }
AllocatorFigures allocator_figures() {
  AllocatorFigures figures = figures_hook != nullptr ? figures_hook() : AllocatorFigures{};
  if (!is_sealed) return figures;
  // The peak tells of what was mapped and given back in between. Where the kernel's word can't be had nothing is said.
  const Mapped now = mapped_now();
  if (mapped_at_seal.bytes == 0 || now.bytes == 0) return figures;
  const auto growth = [](uint64_t from, uint64_t to) { return to > from ? to - from : 0; };
  const uint64_t bytes = std::max(growth(mapped_at_seal.bytes, now.bytes), growth(mapped_at_seal.bytes_peak, now.bytes_peak));
  figures.system_pages_after_seal = bytes / 4096;
  return figures;
}

ProcessFigures process_figures() {
  ProcessFigures figures;
  char room[4096];
  const std::string_view status = read_status(room);
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

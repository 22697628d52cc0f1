#include "memory/process_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

// Where OpenSSL lies in the image; cmake/openssl_range.c.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
[[gnu::weak]] extern const char weir_openssl_constants_begin[64];
[[gnu::weak]] extern const char weir_openssl_constants_end[64];
[[gnu::weak]] void weir_openssl_code_begin();
[[gnu::weak]] void weir_openssl_code_end();
}
// NOLINTEND(readability-identifier-naming)

namespace weir {
namespace {

bool is_sealed = false;
AllocatorFiguresHook figures_hook = nullptr;
SetupLimitHook setup_limit_hook = nullptr;

// x86-64: a table page holds 512 entries, so one of the lowest level spans 2 MiB, of the next 1 GiB, then 512 GiB.
constexpr uint64_t kPage = 4096;
constexpr uint64_t kLowestSpan = uint64_t{2} << 20;
constexpr uint64_t kMiddleSpan = uint64_t{1} << 30;

/// Tables of one level that `bytes` in one piece need, wherever the piece begins.
constexpr uint64_t tables(uint64_t bytes, uint64_t span) { return (bytes + span - 1) / span + 1; }

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

Result<std::span<char>> map_shared_memory(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    Error error(Code::kBudgetTooSmall, "the system refused shared memory");
    return fail(error.with_errno(errno));
  }
  return std::span<char>(static_cast<char*>(memory), bytes);
}

void unmap_working_memory(std::span<char> memory) noexcept {
  if (!memory.empty()) munmap(memory.data(), memory.size());
}

namespace {

// Code and constants that only the set-up needed are given back; what the work needs is mapped again as it is touched, from the page cache. Written
// pages hold what is nowhere else, and stay.
void drop_image_pages() {
  const auto* header = reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR));
  const size_t count = getauxval(AT_PHNUM);
  // A program that is not where it was linked to be has its headers elsewhere than they say.
  const auto at = reinterpret_cast<uintptr_t>(header);
  bool in_place = false;
  for (size_t i = 0; header != nullptr && i < count; ++i) {
    const ElfW(Phdr)& part = header[i];
    in_place = in_place || (part.p_type == PT_LOAD && at >= part.p_vaddr && at < part.p_vaddr + part.p_memsz);
  }
  for (size_t i = 0; in_place && i < count; ++i) {
    if (header[i].p_type != PT_LOAD || (header[i].p_flags & PF_W) != 0) continue;
    const uint64_t first = (header[i].p_vaddr + 4095) / 4096 * 4096;
    const uint64_t last = (header[i].p_vaddr + header[i].p_memsz) / 4096 * 4096;
    if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
}

}  // namespace

void seal() {
  drop_image_pages();
  mapped_at_seal = mapped_now();
  is_sealed = true;
}
bool sealed() { return is_sealed; }

AllocatorFigures allocator_figures() {
  AllocatorFigures figures = figures_hook != nullptr ? figures_hook() : AllocatorFigures{};
  if (!is_sealed) return figures;
  // The peak tells of what was mapped and given back in between. Where the kernel's word can't be had nothing is said.
  const Mapped now = mapped_now();
  if (mapped_at_seal.bytes == 0 || now.bytes == 0) return figures;
  const auto growth = [](uint64_t from, uint64_t to) { return to > from ? to - from : 0; };
  const uint64_t bytes =
      std::max(growth(mapped_at_seal.bytes, now.bytes), growth(mapped_at_seal.bytes_peak, now.bytes_peak));
  figures.system_pages_after_seal = bytes / 4096;
  return figures;
}

void set_allocator_hooks(AllocatorFiguresHook figures, SetupLimitHook limit) {
  figures_hook = figures;
  setup_limit_hook = limit;
}
void limit_setup(uint64_t bytes) {
  if (setup_limit_hook != nullptr) setup_limit_hook(bytes);
}

uint64_t argument_bytes() {
  // The kernel lays it down from the top: the program's name as it was started, the strings, then the vectors that point at
  // them. Where those begin is the 28th word of `stat`; the second is the program's name in brackets.
  constexpr int kStackStart = 28;
  const int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char buffer[1024];
  const ssize_t size = read(file, buffer, sizeof buffer);
  close(file);
  std::string_view words(buffer, size > 0 ? static_cast<size_t>(size) : 0);
  words.remove_prefix(std::min(words.rfind(')'), words.size()));
  for (int i = 2; i < kStackStart && !words.empty(); ++i) {
    words.remove_prefix(std::min(words.find(' '), words.size() - 1) + 1);
  }
  uint64_t lowest = 0;
  for (size_t i = 0; i < words.size() && words[i] >= '0' && words[i] <= '9'; ++i) {
    lowest = lowest * 10 + static_cast<uint64_t>(words[i] - '0');
  }
  const auto* const name = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  const auto top = reinterpret_cast<uint64_t>(name);
  return name == nullptr || lowest == 0 || lowest > top ? 0 : top + std::strlen(name) + 1 - lowest;
}

uint64_t page_table_bytes_max(uint64_t image, uint64_t work) {
  // Lowest level: the image, the working mapping, the stack (2), the kernel's own pages for the clock (2), libc's heap of one
  // page (1). The next: those pieces again, the last three close to each other or not. Above: the low and the high half, with
  // one more where a piece lies across an edge, and the top, of which there may be two (page-table isolation).
  const uint64_t lowest = tables(image, kLowestSpan) + tables(work, kLowestSpan) + 5;
  const uint64_t middle = tables(image, kMiddleSpan) + tables(work, kMiddleSpan) + 3;
  constexpr uint64_t kAbove = 3 + 2;
  return (lowest + middle + kAbove) * kPage;
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

namespace {

struct Range {
  uintptr_t first = 0;
  uintptr_t last = 0;
};

// Without the blocks that the kernel maps at once around a page that was touched: at the edges they are the neighbours'.
Range inner(const void* begin, const void* end) {
  constexpr uintptr_t kBlock = 64u << 10;
  const Range range{reinterpret_cast<uintptr_t>(begin) / kBlock * kBlock + 2 * kBlock,
                    reinterpret_cast<uintptr_t>(end) / kBlock * kBlock - kBlock};
  return begin == nullptr || end == nullptr || range.last <= range.first ? Range{} : range;
}
Range openssl_constants() { return inner(weir_openssl_constants_begin, weir_openssl_constants_end); }
Range openssl_code() {
  return inner(reinterpret_cast<const void*>(&weir_openssl_code_begin),
               reinterpret_cast<const void*>(&weir_openssl_code_end));
}
bool openssl_forbidden = false;

void protect(const Range& range, int rights) {
  if (range.last != 0) mprotect(reinterpret_cast<void*>(range.first), range.last - range.first, rights);
}

}  // namespace

uint64_t openssl_image_bytes() {
  const Range constants = openssl_constants();
  const Range code = openssl_code();
  return constants.last - constants.first + code.last - code.first;
}

void forbid_openssl() {
  protect(openssl_constants(), PROT_NONE);
  protect(openssl_code(), PROT_NONE);
  openssl_forbidden = true;
}

void unseal() {
  is_sealed = false;
  if (!openssl_forbidden) return;
  protect(openssl_constants(), PROT_READ);
  protect(openssl_code(), PROT_READ | PROT_EXEC);
  openssl_forbidden = false;
}

}  // namespace weir

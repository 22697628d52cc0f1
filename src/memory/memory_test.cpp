#include <cstdio>
#include <cstring>

#include <gtest/gtest.h>
#include <unistd.h>

#include "memory/arena.hpp"
#include "memory/budget.hpp"
#include "memory/process_memory.hpp"

namespace weir {
namespace {

TEST(Arena, gives_aligned_pieces_of_exactly_what_was_planned) {
  alignas(kAlignment) char memory[1024];
  Arena arena(memory);
  const auto first = arena.take(1);
  const auto second = arena.take_array<uint64_t>(9);
  EXPECT_EQ(first.size(), 1u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(second.data()) % kAlignment, 0u);
  EXPECT_EQ(arena.used(), Arena::aligned(1) + Arena::array_bytes<uint64_t>(9));
  EXPECT_EQ(arena.left(), 1024u - 64 - 128);
  arena.take(arena.left());
  EXPECT_EQ(arena.left(), 0u);
  EXPECT_DEATH(arena.take(1), "");
}

TEST(Budget, sums_its_lines_and_tells_spare_from_need) {
  Budget budget;
  budget.add({"image", 1000, LineKind::kProcess});
  budget.add({"window", 100, LineKind::kWork});
  budget.add({"nothing", 0, LineKind::kWork});
  budget.add({"read-ahead", 64, LineKind::kSpare});
  EXPECT_EQ(budget.lines().size(), 3u);
  EXPECT_EQ(budget.total(), 1000u + 128 + 64);
  EXPECT_EQ(budget.needed(), 1000u + 128);
  EXPECT_EQ(budget.work_bytes(), 128u + 64);
}

TEST(ProcessMemory, maps_zeroed_memory_and_reads_the_kernels_figures) {
  auto memory = map_working_memory(1u << 20);
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)[12345], 0);
  std::memset(memory->data(), 1, memory->size());
  const ProcessFigures figures = process_figures();
  EXPECT_GE(figures.peak_bytes, figures.resident_bytes);
  EXPECT_GE(figures.anonymous_bytes, memory->size());
  EXPECT_GT(figures.table_bytes, 0u);
  EXPECT_GT(image_bytes(), 100'000u);
  unmap_working_memory(*memory);
}

TEST(ProcessMemory, knows_what_stood_on_the_stack_before_main) {
  uint64_t strings = 0;
  for (char** entry = environ; *entry != nullptr; ++entry) strings += std::strlen(*entry) + 1 + sizeof(char*);
  EXPECT_GE(argument_bytes(), strings);
  EXPECT_LE(argument_bytes(), strings + (32u << 10));  // this program's words and the auxiliary vector
}

TEST(ProcessMemory, page_tables_stay_within_their_formula_and_it_is_not_lavish) {
  const ProcessFigures before = process_figures();
  const uint64_t rest = before.table_bytes;
  for (const uint64_t size : {uint64_t{4} << 10, uint64_t{1} << 20, uint64_t{30} << 20, uint64_t{300} << 20}) {
    auto memory = map_working_memory(size);
    ASSERT_TRUE(memory);
    for (uint64_t i = 0; i < size; i += 2u << 20) (*memory)[i] = 1;  // a page of each table is enough
    (*memory)[size - 1] = 1;
    const uint64_t now = process_figures().table_bytes;
    // This program has its own mappings besides: of the formula only what a mapping adds is held against the kernel.
    const uint64_t planned = page_table_bytes_max(0, size) - page_table_bytes_max(0, 0);
    const uint64_t edges = 3 * 4096;
    EXPECT_LE(now - rest, planned + edges) << size;
    EXPECT_GE(now - rest + edges, planned) << size;
    std::printf("[page tables for %llu KiB: planned %llu, the kernel has %llu more than before]\n",
                static_cast<unsigned long long>(size >> 10), static_cast<unsigned long long>(planned),
                static_cast<unsigned long long>(now - rest));
    unmap_working_memory(*memory);
  }
}

TEST(ProcessMemory, notices_pages_taken_after_the_seal_also_when_they_were_given_back) {
  auto before = map_working_memory(64u << 10);
  ASSERT_TRUE(before);
  seal();
  EXPECT_EQ(allocator_figures().system_pages_after_seal, 0u);
  constexpr size_t kTaken = 1u << 30;  // more than any test before had: what was given back is told by the peak
  auto after = map_working_memory(kTaken);
  ASSERT_TRUE(after);
  EXPECT_EQ(allocator_figures().system_pages_after_seal, kTaken / 4096);
  unmap_working_memory(*after);
  EXPECT_GT(allocator_figures().system_pages_after_seal, 0u);
  unseal();
  EXPECT_EQ(allocator_figures().system_pages_after_seal, 0u);
  unmap_working_memory(*before);
}

TEST(ProcessMemory, refuses_what_the_system_refuses) {
  auto memory = map_working_memory(size_t{1} << 60);
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, Code::kBudgetTooSmall);
}

}  // namespace
}  // namespace weir

#include "format/csv_scan.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

struct Scanned {
  std::vector<uint32_t> entries;
  std::vector<uint32_t> ends;
  CsvScanState state = CsvScanState::kRecordStart;
  bool operator==(const Scanned&) const = default;
};

// Scans `text` in supplies that end at the `cuts`, with a small index that must be emptied again and again.
Scanned scan_all(CsvScan scan, const std::string& text, const std::vector<size_t>& cuts, uint32_t room,
                 bool feeds_only = false) {
  std::string padded = text + std::string(64, '"');
  Scanned all;
  std::vector<uint32_t> entries(room + 64);
  std::vector<uint32_t> ends(room + 64);
  CsvDialect dialect;
  size_t at = 0;
  uint32_t counted = 0;
  const auto run_to = [&](size_t to, bool last) {
    for (;;) {
      CsvIndex index{entries.data(), room, 0, ends.data(), room, 0};
      index.feeds_only = feeds_only;
      const size_t next = scan(padded.data(), at, to, last, dialect, all.state, index);
      for (uint32_t i = 0; i < index.end_count; ++i) all.ends.push_back(counted + index.ends[i]);
      counted += index.count;
      const uint32_t listed = feeds_only ? index.end_count : index.count;
      all.entries.insert(all.entries.end(), entries.begin(), entries.begin() + listed);
      const bool stuck = next == at;
      at = next;
      if (stuck || at == to) return;
    }
  };
  for (const size_t cut : cuts) run_to(cut, false);
  run_to(text.size(), true);
  // Without comments the two are the same to every kernel.
  if (all.state == CsvScanState::kRecordStart) all.state = CsvScanState::kFieldStart;
  return all;
}

// Delimiters and quotes far denser than in life, and now and then a calm stretch that fills whole blocks.
std::string dirty_csv(std::mt19937_64& random, size_t size) {
  static constexpr char kBytes[] = {',', '"', '\n', 'a', '\r', 'b', '"', ',', ' ', 'c', 0, '\\'};
  std::string text;
  while (text.size() < size) {
    if (random() % 8 == 0) text.append(random() % 150, 'x');
    if (random() % 8 == 0) text += "\"a \"\"quoted\"\" field, with\nall\"";
    text += kBytes[random() % sizeof kBytes];
  }
  return text;
}

TEST(CsvScan, every_kernel_finds_what_the_scalar_scan_finds) {
  CsvScanKernel kernels[8];
  const size_t count = csv_scan_kernels(kernels, 8);
  ASSERT_GE(count, 2u) << "no vector kernel on this processor";
  std::mt19937_64 random(20260401);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = dirty_csv(random, random() % 700);
    const Scanned expected = scan_all(csv_scan_scalar, text, {}, 4096);
    std::vector<size_t> cuts;
    for (size_t cut = random() % 100; cut < text.size(); cut += 1 + random() % 200) cuts.push_back(cut);
    for (size_t k = 0; k < count; ++k) {
      ASSERT_EQ(scan_all(kernels[k].scan, text, {}, 4096), expected) << kernels[k].name << " round " << round;
      ASSERT_EQ(scan_all(kernels[k].scan, text, cuts, 64 + random() % 64), expected)
          << kernels[k].name << " in pieces, round " << round;
    }
  }
}

TEST(CsvScan, feeds_only_lists_the_record_ends_and_counts_the_rest) {
  CsvScanKernel kernels[8];
  const size_t count = csv_scan_kernels(kernels, 8);
  std::mt19937_64 random(20260402);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = dirty_csv(random, random() % 700);
    Scanned expected = scan_all(csv_scan_scalar, text, {}, 4096);
    std::vector<uint32_t> feeds;
    for (const uint32_t end : expected.ends) feeds.push_back(expected.entries[end]);
    expected.entries = feeds;
    std::vector<size_t> cuts;
    for (size_t cut = random() % 100; cut < text.size(); cut += 1 + random() % 200) cuts.push_back(cut);
    for (size_t k = 0; k < count; ++k) {
      ASSERT_EQ(scan_all(kernels[k].scan, text, {}, 4096, true), expected) << kernels[k].name << " round " << round;
      ASSERT_EQ(scan_all(kernels[k].scan, text, cuts, 64 + random() % 64, true), expected)
          << kernels[k].name << " in pieces, round " << round;
    }
  }
}

TEST(CsvScan, dense_structure_fills_whole_blocks) {
  CsvScanKernel kernels[8];
  const size_t count = csv_scan_kernels(kernels, 8);
  const std::string text =
      std::string(1000, ',') + std::string(1000, '\n') + std::string(999, '"') + std::string(500, ',');
  const Scanned expected = scan_all(csv_scan_scalar, text, {}, 8192);
  EXPECT_EQ(expected.ends.size(), 1000u);
  for (size_t k = 0; k < count; ++k) EXPECT_EQ(scan_all(kernels[k].scan, text, {}, 8192), expected) << kernels[k].name;
}

}  // namespace
}  // namespace weir

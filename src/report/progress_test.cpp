#include "report/progress.hpp"

#include <algorithm>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "testing/virtual_time.hpp"

namespace weir {
namespace {

constexpr uint64_t kMs = 1'000'000;

// What is said of 100 looks, one each 50 ms, at an input that is half read after them.
std::string said(ProgressStyle style, bool cleared) {
  int ends[2];
  EXPECT_EQ(pipe2(ends, O_NONBLOCK), 0);
  testing::VirtualClock clock;
  Progress progress(ends[1], clock, style);
  Counters counters;
  counters.input_size = 100'000'000;
  for (int i = 1; i <= 100; ++i) {
    clock.advance(50 * kMs);
    counters.stored_bytes = counters.decoded_bytes = 500'000u * static_cast<uint64_t>(i);
    counters.read = 1000u * static_cast<uint64_t>(i);
    counters.rejected = 7;
    progress.on_progress(counters);
  }
  if (cleared) progress.clear();
  close(ends[1]);
  std::string text(1 << 16, 0);
  const ssize_t size = read(ends[0], text.data(), text.size());
  close(ends[0]);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

size_t count(const std::string& text, char c) { return static_cast<size_t>(std::ranges::count(text, c)); }

TEST(Progress, nothing_where_it_is_not_asked_for) { EXPECT_EQ(said(ProgressStyle::kNone, true), ""); }

TEST(Progress, on_a_terminal_one_line_that_changes_and_goes) {
  const std::string text = said(ProgressStyle::kTerminal, true);
  EXPECT_EQ(count(text, '\n'), 0u);
  EXPECT_EQ(count(text, '\r'), 24u);  // after half a second, then each 200 ms; and the end
  EXPECT_TRUE(text.starts_with("\r5.2 MiB   6 %  9 s left  11 MB/s  11,000 records  7 rejected\x1b[K")) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
}

TEST(Progress, elsewhere_plain_lines_that_stay) {
  const std::string text = said(ProgressStyle::kLines, true);
  EXPECT_EQ(count(text, '\n'), 5u);  // after half a second, then each second
  EXPECT_EQ(count(text, '\r') + count(text, '\x1b'), 0u);
  EXPECT_TRUE(text.starts_with("5.2 MiB   6 %  9 s left  11 MB/s  11,000 records  7 rejected\n")) << text;
  EXPECT_TRUE(text.ends_with(" rejected\n")) << text;
  EXPECT_EQ(text, said(ProgressStyle::kLines, false));
}

}  // namespace
}  // namespace weir

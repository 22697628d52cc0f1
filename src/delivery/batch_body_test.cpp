#include "delivery/batch_body.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

struct Laid {
  std::string room;
  std::vector<OutboxEntry> entries;
};

/// Messages behind each other with the separator between them, as the outbox lays them; some shrank where they lie.
Laid lay(std::mt19937& rng, size_t count, std::string_view separator) {
  Laid laid;
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) laid.room += separator;
    OutboxEntry entry;
    entry.offset = static_cast<uint32_t>(laid.room.size());
    entry.size = 1 + rng() % 9;
    laid.room += std::string(entry.size, static_cast<char>('a' + i % 26));
    if (rng() % 8 == 0 && entry.size > 1) --entry.size;
    entry.state = rng() % 3 == 0 ? OutboxEntry::State::kTaken : OutboxEntry::State::kSent;
    laid.entries.push_back(entry);
  }
  return laid;
}

TEST(BatchBody, holds_what_is_sent_with_the_separator_between_wherever_it_is_read) {
  std::mt19937 rng(7);
  for (int round = 0; round < 500; ++round) {
    const std::string separator = rng() % 4 == 0 ? "" : rng() % 2 == 0 ? "," : "\r\n";
    const std::string begin = rng() % 3 == 0 ? "" : "{[";
    const std::string end = rng() % 3 == 0 ? "" : "]}";
    const Laid laid = lay(rng, rng() % 12, separator);
    std::string expected = begin;
    bool first = true;
    for (const OutboxEntry& entry : laid.entries) {
      if (entry.state != OutboxEntry::State::kSent) continue;
      if (!first) expected += separator;
      first = false;
      expected += laid.room.substr(entry.offset, entry.size);
    }
    expected += end;
    BatchBody body;
    body.set(begin, separator, end, laid.entries, laid.room);
    ASSERT_EQ(body.size(), expected.size());
    std::string read;
    while (read.size() < body.size()) {
      const auto piece = body.from(read.size());
      ASSERT_TRUE(piece);
      ASSERT_FALSE(piece->empty());
      read += *piece;
    }
    EXPECT_EQ(read, expected);
    // From any byte on, as a connection does that took a part of a piece, and from the front again.
    for (int i = 0; i < 20 && !expected.empty(); ++i) {
      const size_t at = rng() % expected.size();
      const auto piece = body.from(at);
      ASSERT_TRUE(piece);
      ASSERT_FALSE(piece->empty());
      EXPECT_EQ(*piece, expected.substr(at, piece->size()));
    }
  }
}

TEST(BatchBody, messages_that_lie_behind_each_other_are_one_piece) {
  std::mt19937 rng(1);
  Laid laid = lay(rng, 5, ",");
  uint32_t at = 0;
  for (OutboxEntry& entry : laid.entries) {
    entry.offset = at;
    entry.size = 3;
    entry.state = OutboxEntry::State::kSent;
    at += 4;
  }
  laid.room = "aaa,bbb,ccc,ddd,eee";
  BatchBody body;
  body.set("[", ",", "]", laid.entries, laid.room);
  EXPECT_EQ(body.from(1)->size(), 19u);
  laid.entries[2].state = OutboxEntry::State::kTaken;
  body.set("[", ",", "]", laid.entries, laid.room);
  EXPECT_EQ(*body.from(1), "aaa,bbb");
  EXPECT_EQ(*body.from(8), ",ddd,eee");
}

}  // namespace
}  // namespace weir

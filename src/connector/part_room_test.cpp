#include "connector/part_room.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/system_disk.hpp"
#include "testing/sim_disk.hpp"
#include "testing/sim_rng.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

std::string bytes_of(HttpBody& body) {
  std::string all;
  while (all.size() < body.size()) {
    const auto piece = body.from(all.size());
    EXPECT_TRUE(piece) << piece.error().detail.view();
    if (!piece) break;
    all += *piece;
  }
  return all;
}

// Both against a string, by random steps.
TEST(PartRoom, InMemoryAndOnTheDiskItIsAQueue) {
  constexpr size_t kCapacity = 300'000;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    testing::SimRng rng(seed);
    SystemDisk disk;
    std::vector<char> memory(kCapacity);
    std::vector<char> buffer(DiskRoom::kBufferBytes);
    MemoryRoom in_memory(memory);
    DiskRoom on_disk(disk, ::testing::TempDir(), kCapacity, buffer);
    for (PartRoom* room : {static_cast<PartRoom*>(&in_memory), static_cast<PartRoom*>(&on_disk)}) {
      ASSERT_TRUE(room->open());
      ASSERT_TRUE(room->open());
      std::string expected;
      for (int step = 0; step < 60; ++step) {
        if (rng.below(3) != 0) {
          const std::string piece(rng.below(kCapacity - expected.size() + 1) / (1 + rng.below(4)),
                                  static_cast<char>('a' + step % 26));
          ASSERT_TRUE(room->append(piece));
          expected += piece;
        } else {
          const size_t gone = rng.below(expected.size() + 1);
          EXPECT_EQ(bytes_of(room->first(gone)), expected.substr(0, gone));
          ASSERT_TRUE(room->drop(gone));
          expected.erase(0, gone);
        }
        ASSERT_EQ(room->used(), expected.size());
        ASSERT_TRUE(bytes_of(room->first(expected.size())) == expected) << "seed " << seed << " step " << step;
      }
    }
  }
}

TEST(PartRoom, AFullDiskIsSaidWithItsName) {
  testing::VirtualClock clock;
  testing::SimDisk disk(clock, testing::SimRng(1), 1);
  disk.put("spool/other", "");
  disk.new_process();
  std::vector<char> buffer(DiskRoom::kBufferBytes);
  DiskRoom room(disk, "spool", 1000, buffer);
  ASSERT_TRUE(room.open());
  disk.faults = [](const testing::DiskCall&) {
    testing::DiskFault fault;
    fault.kind = testing::DiskFault::Kind::kError;
    fault.error = ENOSPC;
    return fault;
  };
  const Status full = room.append("a");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().system_error, ENOSPC);
  EXPECT_NE(full.error().detail.view().find("output.spool: spool"), std::string_view::npos)
      << full.error().detail.view();
  DiskRoom nowhere(disk, "nowhere", 1000, buffer);
  EXPECT_FALSE(nowhere.open());
}

}  // namespace
}  // namespace weir

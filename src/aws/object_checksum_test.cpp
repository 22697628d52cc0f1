#include "aws/object_checksum.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

StoredChecksum of(const std::string& fields) {
  std::array<char, 2048> room;
  HttpHead head(room);
  Error error;
  const Transfer parsed = head.parse("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" + fields + "\r\n", error);
  EXPECT_EQ(parsed.step, Step::kFinished) << error.detail.view();
  return stored_checksum(head);
}

bool holds(const StoredChecksum& stored, std::string_view bytes) {
  RunningChecksum sum(stored.kind);
  for (const char byte : bytes) sum.update({&byte, 1});
  return sum.matches(stored);
}

// The check values of the catalogue of CRC algorithms.
TEST(ObjectChecksum, EachKindTellsTheBytes) {
  for (const char* field : {"x-amz-checksum-crc64nvme: rosUhgp5mIg=\r\n", "x-amz-checksum-crc32c: 4waSgw==\r\n",
                            "X-Amz-Checksum-Crc32: y/Q5Jg==\r\nx-amz-checksum-type: FULL_OBJECT\r\n"}) {
    const StoredChecksum stored = of(field);
    EXPECT_NE(stored.kind, ChecksumKind::kNone) << field;
    EXPECT_TRUE(holds(stored, "123456789")) << field;
    EXPECT_FALSE(holds(stored, "123456788")) << field;
    EXPECT_FALSE(holds(stored, "12345678")) << field;
  }
}

TEST(ObjectChecksum, WhatIsNoSumOfTheWholeIsAsNone) {
  for (const char* field : {"", "x-amz-checksum-crc32: y/Q5Jg==-3\r\n",
                            "x-amz-checksum-crc32: y/Q5Jg==\r\nx-amz-checksum-type: COMPOSITE\r\n",
                            "x-amz-checksum-sha256: abc=\r\n", "x-amz-checksum-crc64nvme: y/Q5Jg==\r\n"}) {
    EXPECT_EQ(of(field).kind, ChecksumKind::kNone) << field;
    EXPECT_TRUE(holds(of(field), "anything"));
  }
}

}  // namespace
}  // namespace weir

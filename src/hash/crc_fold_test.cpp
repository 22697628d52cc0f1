#include <string>

#include <gtest/gtest.h>

#include "hash/crc32.hpp"
#include "hash/crc64nvme.hpp"

namespace weir {
namespace {

std::string some_bytes(size_t size) {
  std::string text;
  uint32_t state = 1;
  for (size_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>(state >> 24);
  }
  return text;
}

/// A bit at a time, by nothing but the definition.
uint64_t by_definition(uint64_t polynomial, uint64_t ones, std::string_view bytes) {
  uint64_t crc = ones;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
  }
  return crc ^ ones;
}

// The check values of the CRC catalogue, and those that S3 gives for 66,560 times "a".
TEST(Crc64Nvme, gives_the_published_values) {
  EXPECT_EQ(crc64nvme(0, ""), 0u);
  EXPECT_EQ(crc64nvme(0, "123456789"), 0xae8b14860a799888u);
  EXPECT_EQ(crc64nvme(0, std::string(66560, 'a')), 0xa517fe7a6ae72fe0u);
}

TEST(Crc32, gives_the_published_values) {
  EXPECT_EQ(crc32(0, ""), 0u);
  EXPECT_EQ(crc32(0, "123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32(0, std::string(66560, 'a')), 0xb0ae18ecu);
}

TEST(CrcFold, every_kernel_agrees_with_the_definition_at_every_length) {
  const std::string text = some_bytes(420);
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string_view part = std::string_view(text).substr(size % 5, size);
    const uint64_t long_one = by_definition(0x9A6C9329AC4BC9B5, ~uint64_t{0}, part);
    ASSERT_EQ(crc64nvme(0, part), long_one) << size;
    ASSERT_EQ(crc64nvme_scalar(0, part), long_one) << size;
    const uint64_t short_one = by_definition(0xEDB88320, 0xFFFFFFFF, part);
    ASSERT_EQ(crc32(0, part), short_one) << size;
    ASSERT_EQ(crc32_scalar(0, part), short_one) << size;
  }
}

TEST(CrcFold, goes_on_at_any_split) {
  const std::string text = some_bytes(700);
  const uint64_t whole = crc64nvme(0, text);
  const uint32_t whole_short = crc32(0, text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view first(text.data(), cut);
    const std::string_view second(text.data() + cut, text.size() - cut);
    ASSERT_EQ(crc64nvme(crc64nvme(0, first), second), whole) << cut;
    ASSERT_EQ(crc32(crc32(0, first), second), whole_short) << cut;
    Crc64Nvme crc = Crc64Nvme::resume(crc64nvme(0, first));
    crc.update(second);
    ASSERT_EQ(crc.value(), whole) << cut;
  }
}

TEST(CrcFold, joins_the_checksums_of_two_parts) {
  const std::string text = some_bytes(300);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view first(text.data(), cut);
    const std::string_view second(text.data() + cut, text.size() - cut);
    ASSERT_EQ(crc64nvme_combine(crc64nvme(0, first), crc64nvme(0, second), second.size()), crc64nvme(0, text)) << cut;
    ASSERT_EQ(crc32_combine(crc32(0, first), crc32(0, second), second.size()), crc32(0, text)) << cut;
  }
}

// No machine can check 2^62 bytes; that moving on is additive can be.
TEST(CrcFold, joins_over_any_length) {
  const uint64_t crc = crc64nvme(0, "x");
  const uint64_t half = crc64nvme_combine(crc, 0, uint64_t{1} << 62);
  EXPECT_EQ(crc64nvme_combine(half, 0, uint64_t{1} << 62), crc64nvme_combine(crc, 0, uint64_t{1} << 63));
  EXPECT_EQ(crc64nvme_combine(crc, 0, 8'388'608), [&] {
    uint64_t moved = crc;
    for (int i = 0; i < 8; ++i) moved = crc64nvme_combine(moved, 0, 1'048'576);
    return moved;
  }());
}

}  // namespace
}  // namespace weir

// The oracle of whole archives are Python's zipfile and unzip, in tests/hard/package_test.py; here is what they don't look at.
#include "codec/zip_archive.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/codec_testing.hpp"

namespace weir {
namespace {

using namespace codec_testing;

std::string zip(std::span<const ZipFile> files) {
  const OwnedEncoder encoder(Codec::kGzip, 3);
  // Behind the bound stands what must not be touched.
  const size_t most = zip_bytes_max(files);
  std::string room(most + 64, '#');
  const size_t size = write_zip(files, *encoder, {room.data(), most});
  EXPECT_LE(size, most);
  EXPECT_EQ(room.substr(most), std::string(64, '#'));
  return room.substr(0, size);
}

TEST(ZipArchive, every_byte_of_a_small_one) {
  const ZipFile file{"a", 0755, "abc"};
  const std::string expected(
      "PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\xc2\x41\x24\x35\x03\0\0\0\x03\0\0\0\x01\0\0\0"  // stored, 1980-01-01
      "a"
      "abc"
      "PK\x01\x02\x1e\x03\x14\0\0\0\0\0\0\0\x21\0\xc2\x41\x24\x35\x03\0\0\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\xed\x81"
      "\0\0\0\0"
      "a"
      "PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x22\0\0\0\0\0",
      34 + 47 + 22);
  EXPECT_EQ(zip({&file, 1}), expected);
}

TEST(ZipArchive, what_deflate_does_not_make_smaller_is_stored) {
  std::string noise;
  uint32_t state = 1;
  for (size_t i = 0; i < 200'000; ++i) {
    state = state * 1664525 + 1013904223;
    noise.push_back(static_cast<char>(state >> 24));
  }
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65'536}, noise.size()}) {
    const ZipFile file{"noise", 0644, std::string_view(noise).substr(0, size)};
    const std::string stored = zip({&file, 1});
    EXPECT_EQ(stored[8], 0) << size;
    EXPECT_EQ(stored.substr(35, size), noise.substr(0, size));
  }
}

TEST(ZipArchive, files_do_not_depend_on_their_neighbours) {
  const std::string text = make_text(7, 300'000);
  const ZipFile both[] = {{"first", 0755, text}, {"second", 0644, text}};
  const std::string archive = zip(both);
  EXPECT_EQ(archive, zip(both));
  const std::string one = zip({both, 1});
  EXPECT_EQ(archive[8], 8);  // deflated
  const size_t packed = one.size() - 30 - 5 - 46 - 5 - 22;
  EXPECT_LT(packed, text.size());
  EXPECT_TRUE(archive.substr(35, packed) == archive.substr(35 + packed + 36, packed));
}

}  // namespace
}  // namespace weir

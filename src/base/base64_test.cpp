#include "base/base64.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string encoded(std::string_view bytes) {
  std::string out(base64_bytes(bytes.size()), '?');
  base64_encode(bytes, out.data());
  return out;
}

// RFC 4648, section 10.
TEST(Base64, gives_the_published_values) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
}

TEST(Base64, uses_all_64_letters) {
  EXPECT_EQ(encoded(std::string("\x00\x10\x83\xff\xef\xbe\xfb", 7)),
            "ABCD/+++"
            "+w==");
}

// The values of S3's documentation for "123456789".
TEST(Base64, writes_checksums_big_endian) {
  EXPECT_EQ(base64_of(uint32_t{0xcbf43926}).view(), "y/Q5Jg==");
  EXPECT_EQ(base64_of(uint32_t{0xe3069283}).view(), "4waSgw==");
  EXPECT_EQ(base64_of(uint64_t{0xae8b14860a799888}).view(), "rosUhgp5mIg=");
}

}  // namespace
}  // namespace weir

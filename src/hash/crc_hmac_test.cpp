#include <string>

#include <gtest/gtest.h>

#include "hash/crc32c.hpp"
#include "hash/hmac.hpp"

namespace weir {
namespace {

std::string hex(const Sha256::Digest& digest) {
  char out[64];
  to_hex(digest, out);
  return {out, 64};
}

// RFC 3720, appendix B.4.
TEST(Crc32c, gives_the_published_values) {
  EXPECT_EQ(crc32c(0, "123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(0, std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff')), 0x62A8AB43u);
}

TEST(Crc32c, goes_on_at_any_split_and_agrees_with_its_twin) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7 + i / 13);
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string_view part(text.data(), size);
    const uint32_t whole = crc32c(0, part);
    EXPECT_EQ(whole, crc32c_scalar(0, part));
    for (const size_t cut : {size_t{0}, size / 3, size / 2, size}) {
      EXPECT_EQ(crc32c(crc32c(0, part.substr(0, cut)), part.substr(cut)), whole);
    }
  }
}

// RFC 4231, cases 1, 2 and 6.
TEST(Hmac, gives_the_published_values) {
  HmacSha256 first(std::string(20, '\x0b'));
  first.update("Hi There");
  EXPECT_EQ(hex(first.digest()), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  HmacSha256 second("Jefe");
  second.update("what do ya want ");
  second.update("for nothing?");
  EXPECT_EQ(hex(second.digest()), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  HmacSha256 sixth(std::string(131, '\xaa'));
  sixth.update("Test Using Larger Than Block-Size Key - Hash Key First");
  EXPECT_EQ(hex(sixth.digest()), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_TRUE(same_digest(first.digest(), first.digest()));
  EXPECT_FALSE(same_digest(first.digest(), second.digest()));
}

}  // namespace
}  // namespace weir

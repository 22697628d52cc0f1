#include "hash/sha256.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string hex_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  char hex[64];
  to_hex(hash.digest(), hex);
  return {hex, 64};
}

TEST(Sha256, gives_the_published_digests) {
  EXPECT_EQ(hex_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex_of(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, the_processors_own_instructions_say_the_same) {
  uint32_t random = 1;
  for (size_t blocks = 0; blocks < 40; ++blocks) {
    std::string text(64 * blocks, '\0');
    for (char& c : text) c = static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
    uint32_t state[8], scalar[8];
    for (int i = 0; i < 8; ++i) state[i] = scalar[i] = random = random * 1664525 + 1013904223;
    const auto* at = reinterpret_cast<const uint8_t*>(text.data());
    sha256_compress(state, at, blocks);
    sha256_compress_scalar(scalar, at, blocks);
    for (int i = 0; i < 8; ++i) ASSERT_EQ(state[i], scalar[i]) << blocks;
  }
}

TEST(Sha256, goes_on_from_a_saved_state_at_every_split) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  const std::string whole = hex_of(text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 first;
    first.update(std::string_view(text).substr(0, cut));
    char room[Sha256::kStateBytesMax];
    StateWriter out(room);
    first.save(out);
    ASSERT_TRUE(out.ok());
    Sha256 second;
    StateReader in({room, out.size()});
    ASSERT_TRUE(second.load(in));
    second.update(std::string_view(text).substr(cut));
    char hex[64];
    to_hex(second.digest(), hex);
    ASSERT_EQ(std::string(hex, 64), whole) << cut;
  }
}

}  // namespace
}  // namespace weir

#include "codec/codec.hpp"

#include <string>

#include <gtest/gtest.h>

#include "codec/amplification.hpp"
#include "codec/codec_testing.hpp"

namespace weir {
namespace {

using namespace codec_testing;

TEST(Codec, is_told_by_the_first_bytes) {
  EXPECT_EQ(detect_codec("\x1f\x8b"), Codec::kGzip);
  EXPECT_EQ(detect_codec("\x1f"), Codec::kGzip);  // a file of this one byte was cut
  EXPECT_EQ(detect_codec("\x1f,"), Codec::kNone);
  EXPECT_EQ(detect_codec("\x28\xb5\x2f\xfd rest"), Codec::kZstd);
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(detect_codec(static_cast<char>(0x50 + i) + std::string("\x2a\x4d\x18")), Codec::kZstd);
  EXPECT_EQ(detect_codec("\x60\x2a\x4d\x18"), Codec::kNone);
  EXPECT_EQ(detect_codec("id,name\n"), Codec::kNone);
  for (const std::string_view head : {"", "(", "\x50\x2a\x4d"}) EXPECT_EQ(detect_codec(head), Codec::kNone);
  // What is left of a frame that was cut within its magic number; one byte of it is a text unless the name says otherwise.
  for (const std::string_view head : {"\x28\xb5", "\x28\xb5\x2f"}) EXPECT_EQ(detect_codec(head), Codec::kZstd);
  for (const std::string_view head : {"(", "\x28\xb5", "P", "\x5f\x2a", "\x50\x2a\x4d"}) {
    EXPECT_EQ(detect_codec(head, "a/b.csv.ZST"), Codec::kZstd) << head;
  }
  for (const std::string_view head : {"", "(a", "P\n", "\x50\x2a\x4e"})
    EXPECT_EQ(detect_codec(head, "b.zst"), Codec::kNone);
  EXPECT_EQ(detect_codec("(", "b.csv"), Codec::kNone);
}

TEST(Codec, has_names) {
  EXPECT_STREQ(codec_name(Codec::kNone), "none");
  EXPECT_STREQ(codec_name(Codec::kGzip), "gzip");
  EXPECT_STREQ(codec_name(Codec::kZstd), "zstd");
}

// The figures that the header gives, so that a change of them is a decision.
TEST(Codec, memory_is_what_the_header_says) {
  const DecoderLimits limits;
  const auto kib = [](size_t bytes) { return (bytes + 1023) / 1024; };
  EXPECT_EQ(kib(decoder_memory_max(Codec::kGzip, limits)), 139u);
  EXPECT_NEAR(static_cast<double>(kib(decoder_memory_max(Codec::kZstd, limits))), 8671, 60);
  EXPECT_EQ(kib(encoder_memory_max(Codec::kGzip, 0)), 161u);
  EXPECT_EQ(kib(encoder_memory_max(Codec::kGzip, -1)), 309u);
  EXPECT_EQ(kib(encoder_memory_max(Codec::kGzip, 3)), 373u);
  EXPECT_NEAR(static_cast<double>(kib(encoder_memory_max(Codec::kZstd, -1))), 2122, 60);
  EXPECT_NEAR(static_cast<double>(kib(encoder_memory_max(Codec::kZstd, 9))), 7498, 200);
  EXPECT_LT(decoder_memory_max(Codec::kNone, limits), 100u);
}

// Every other test runs in rooms of exactly memory_max bytes, which a sanitizer guards. Without one: a byte behind the
// room is never touched, and the last kilobytes of it are, so the figure is not lavish.
TEST(Codec, takes_its_room_and_nothing_behind_it) {
  const std::string plain = make_text(31, 9 << 20);
  for (const Codec codec : {Codec::kGzip, Codec::kZstd}) {
    const size_t encoder_bytes = encoder_memory_max(codec, -1);
    const size_t decoder_bytes = decoder_memory_max(codec, {});
    const Room encoder_room(encoder_bytes + 4096);
    const Room decoder_room(decoder_bytes + 4096);
    Encoder* encoder = make_encoder(codec, -1, encoder_room.span());
    const std::string stored = encode(*encoder, plain, Flush::kFinish);
    Decoder* decoder = make_decoder(codec, {}, decoder_room.span());
    EXPECT_TRUE(decode_all(*decoder, stored, always(1 << 18), always(1 << 18)).bytes == plain);
    const auto untouched = [](const Room& room) {
      size_t n = 0;
      while (room.span()[room.span().size() - 1 - n] == '\xa5') ++n;
      return n;
    };
    EXPECT_GE(untouched(encoder_room), 4096u) << codec_name(codec);
    EXPECT_GE(untouched(decoder_room), 4096u) << codec_name(codec);
    EXPECT_LT(untouched(encoder_room), 4096u + encoder_bytes / 20) << codec_name(codec);
    if (codec == Codec::kGzip) {
      EXPECT_LT(untouched(decoder_room), 4096u + decoder_bytes / 3);  // the copy is whole only in long streams
    }
  }
}

TEST(Codec, a_level_outside_of_the_scale_is_the_nearest) {
  EXPECT_EQ(encoder_memory_max(Codec::kGzip, 9), encoder_memory_max(Codec::kGzip, 3));
  EXPECT_EQ(encoder_memory_max(Codec::kZstd, 22), encoder_memory_max(Codec::kZstd, 9));
  EXPECT_EQ(encoder_memory_max(Codec::kZstd, 0), encoder_memory_max(Codec::kZstd, 1));
}

TEST(Codec, calls_without_room_or_input_change_nothing) {
  const std::string plain = make_text(32, 300'000);
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kZstd}) {
    const OwnedEncoder encoder(codec);
    const std::string stored = encode(*encoder, plain, Flush::kFinish);
    const OwnedDecoder decoder(codec);
    Error error;
    std::string bytes;
    std::string_view left = stored;
    char out[5000];
    Transfer t;
    while (t.step != Step::kFinished && t.step != Step::kFailed) {
      for (int i = 0; i < 40; ++i) {
        const Transfer none = decoder->decode({}, false, {}, error);
        ASSERT_NE(none.step, Step::kFailed) << codec_name(codec) << ' ' << error.detail.view();
        t = decoder->decode(left, true, {}, error);
        ASSERT_NE(t.step, Step::kFailed) << codec_name(codec) << ' ' << error.detail.view();
        left.remove_prefix(t.consumed);
      }
      t = decoder->decode(left, true, out, error);
      bytes.append(out, t.produced);
      left.remove_prefix(t.consumed);
    }
    EXPECT_EQ(t.step, Step::kFinished) << codec_name(codec) << ' ' << error.detail.view();
    EXPECT_TRUE(bytes == plain) << codec_name(codec);
  }
}

TEST(Identity, passes_bytes_through_and_goes_on_from_its_state) {
  const OwnedDecoder decoder(Codec::kNone);
  EXPECT_EQ(decode_all(*decoder, "some bytes", always(3), always(2)).bytes, "some bytes");
  const OwnedDecoder other(Codec::kNone);
  ASSERT_TRUE(loaded(*other, saved(*decoder)));
  EXPECT_EQ(other->position().stored_byte, 10u);
  EXPECT_FALSE(loaded(*other, "no state"));
  EXPECT_EQ(other->position().decoded_byte, 0u);
}

TEST(Amplification, up_to_the_ratio_is_allowed_and_a_byte_more_is_not) {
  DecoderLimits limits;
  limits.amplification_free = 0;
  limits.amplification_max = 100;
  EXPECT_FALSE(is_amplified(limits, 1000, 10));
  EXPECT_TRUE(is_amplified(limits, 1001, 10));
  EXPECT_TRUE(is_amplified(limits, 1, 0));
  limits.amplification_free = 1001;
  EXPECT_FALSE(is_amplified(limits, 1001, 10));
  EXPECT_TRUE(is_amplified(limits, 1002, 10));
}

}  // namespace
}  // namespace weir

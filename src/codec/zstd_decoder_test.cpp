#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "codec/codec.hpp"
#include "codec/codec_testing.hpp"

namespace weir {
namespace {

using namespace codec_testing;

/// A frame as libzstd's own one-shot call writes it, with its content's size, in one segment where that is shorter.
std::string frame_of(std::string_view plain) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string stored(ZSTD_compressBound(plain.size()), '\0');
  stored.resize(ZSTD_compress2(context, stored.data(), stored.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  return stored;
}

/// A frame of unknown size with this window, without a checksum.
std::string stream_of(std::string_view plain, int window_log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string stored(ZSTD_compressBound(plain.size()) + 100, '\0');
  ZSTD_inBuffer in{plain.data(), plain.size() / 2, 0};
  ZSTD_outBuffer out{stored.data(), stored.size(), 0};
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
  in.size = plain.size();
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  stored.resize(out.pos);
  return stored;
}

std::string skippable(size_t size) {
  std::string frame = "\x53\x2a\x4d\x18";
  for (int i = 0; i < 4; ++i) frame += static_cast<char>(size >> (8 * i));
  return frame + std::string(size, 's');
}

const std::string& small_plain() {
  static const std::string plain = make_text(21, 900);
  return plain;
}

/// Frames of two kinds with skippable ones around them.
std::string small_stream() {
  return skippable(3) + frame_of(small_plain().substr(0, 400)) + skippable(0) + frame_of("") +
         stream_of(small_plain().substr(400), 10);
}

TEST(ZstdDecoder, decodes_frames_and_skips_skippable_ones) {
  const Outcome o = decode_all(Codec::kZstd, small_stream());
  EXPECT_EQ(o.step, Step::kFinished);
  EXPECT_EQ(o.bytes, small_plain());
  EXPECT_EQ(decode_all(Codec::kZstd, "").step, Step::kFinished);
  EXPECT_EQ(decode_all(Codec::kZstd, skippable(70'000)).step, Step::kFinished);
}

TEST(ZstdDecoder, is_the_same_for_every_split_and_byte_by_byte) {
  const std::string stored = small_stream();
  const OwnedDecoder decoder(Codec::kZstd);
  for (size_t cut = 1; cut < stored.size(); ++cut) {
    decoder->reset();
    bool first = true;
    const auto sizes = [&] { return std::exchange(first, false) ? cut : stored.size(); };
    const Outcome o = decode_all(*decoder, stored, sizes, always(1 << 17));
    ASSERT_EQ(o.step, Step::kFinished) << cut;
    ASSERT_TRUE(o.bytes == small_plain()) << cut;
  }
  for (const size_t in : {1, 5, 1000}) {
    for (const size_t out : {1, 3, 1000}) {
      decoder->reset();
      const Outcome o = decode_all(*decoder, stored, always(in), always(out));
      EXPECT_EQ(o.step, Step::kFinished) << in << ' ' << out;
      EXPECT_TRUE(o.bytes == small_plain()) << in << ' ' << out;
    }
  }
}

TEST(ZstdDecoder, is_the_same_for_random_splits_of_a_large_stream) {
  const std::string plain = make_text(22, 3'000'000);
  const std::string stored = frame_of(plain) + stream_of(plain, 20);
  const OwnedDecoder decoder(Codec::kZstd);
  for (uint32_t seed = 0; seed < 6; ++seed) {
    decoder->reset();
    const Outcome o = decode_all(*decoder, stored, random_sizes(seed, 300'000), random_sizes(seed + 9, 300'000));
    ASSERT_EQ(o.step, Step::kFinished) << o.error.detail.view();
    ASSERT_TRUE(o.bytes == plain + plain);
  }
}

TEST(ZstdDecoder, tells_a_truncation_at_any_byte) {
  const std::string stored = small_stream();
  std::vector<size_t> ends = {11};
  ends.push_back(ends.back() + frame_of(small_plain().substr(0, 400)).size());
  ends.push_back(ends.back() + 8);
  ends.push_back(ends.back() + frame_of("").size());
  const OwnedDecoder decoder(Codec::kZstd);
  for (size_t size = 1; size < stored.size(); ++size) {
    const std::string_view prefix = std::string_view(stored).substr(0, size);
    decoder->reset();
    const Outcome whole = decode_all(*decoder, prefix, always(1 << 17), always(1 << 17));
    ASSERT_TRUE(small_plain().starts_with(whole.bytes)) << size;
    if (std::ranges::find(ends, size) != ends.end()) {
      ASSERT_EQ(whole.step, Step::kFinished) << size;
    } else {
      ASSERT_EQ(whole.error.code, Code::kZstdTruncated) << size;
      ASSERT_EQ(whole.error.byte, size);
    }
    decoder->reset();
    ASSERT_TRUE(decode_all(*decoder, prefix, always(1), always(1)) == whole) << size;
  }
}

TEST(ZstdDecoder, no_flipped_bit_goes_unseen) {
  const std::string stored = frame_of(small_plain());
  const OwnedDecoder decoder(Codec::kZstd);
  for (size_t bit = 0; bit < stored.size() * 8; ++bit) {
    std::string damaged = stored;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    decoder->reset();
    const Outcome o = decode_all(*decoder, damaged, always(1 << 17), always(1 << 17));
    // A window or content size that is larger than need be changes nothing.
    ASSERT_TRUE(o.step == Step::kFailed || o.bytes == small_plain()) << bit;
    ASSERT_TRUE(o.step == Step::kFinished || o.error.byte <= damaged.size()) << bit;
  }
}

TEST(ZstdDecoder, refuses_a_window_above_the_limit_and_names_what_it_needs) {
  const std::string stored = stream_of(make_text(23, 3 << 20), 24);
  const Outcome o = decode_all(Codec::kZstd, stored);
  EXPECT_EQ(o.error.code, Code::kZstdWindow);
  EXPECT_EQ(o.error.detail.view(), "frame 1: needs 16 MiB, planned 8 MiB");
  EXPECT_TRUE(o.bytes.empty());
  DecoderLimits wide;
  wide.zstd_window_max = 16 << 20;
  EXPECT_EQ(decode_all(Codec::kZstd, stored, wide).step, Step::kFinished);
}

TEST(ZstdDecoder, refuses_a_frame_that_needs_a_dictionary_and_names_it) {
  // RFC 8878, 3.1.1: magic, descriptor (single segment, 4 bytes of dictionary id, 1 byte of content size).
  const std::string stored("\x28\xb5\x2f\xfd\x23\x39\x30\0\0\x05", 10);
  const Outcome o = decode_all(Codec::kZstd, stored);
  EXPECT_EQ(o.error.code, Code::kZstdDictionary);
  EXPECT_EQ(o.error.detail.view(), "frame 1: dictionary 12345");
}

TEST(ZstdDecoder, refuses_what_is_no_frame_at_its_first_byte) {
  const std::string frame = frame_of(small_plain());
  const OwnedDecoder decoder(Codec::kZstd);
  for (const std::string& garbage :
       {std::string("plain text"), std::string("\x28\xb5\x2f\xfe rest"), std::string(3, '\0')}) {
    decoder->reset();
    const Outcome whole = decode_all(*decoder, frame + garbage, always(1 << 17), always(1 << 17));
    EXPECT_EQ(whole.error.code, Code::kZstdBadData) << garbage;
    EXPECT_EQ(whole.error.byte, frame.size());
    EXPECT_EQ(whole.bytes, small_plain());
    EXPECT_TRUE(whole.error.detail.view().starts_with("frame 2"));
    decoder->reset();
    EXPECT_TRUE(decode_all(*decoder, frame + garbage, always(1), always(1 << 20)) == whole);
  }
}

TEST(ZstdDecoder, tells_a_wrong_checksum) {
  std::string stored = frame_of(small_plain());
  stored.back() = static_cast<char>(stored.back() ^ 1);
  const Outcome o = decode_all(Codec::kZstd, stored);
  EXPECT_EQ(o.error.code, Code::kZstdBadData);
  EXPECT_EQ(o.error.detail.view(), "frame 1: checksum");
}

TEST(ZstdDecoder, stops_a_bomb) {
  const std::string stored = frame_of(std::string(8 << 20, 'x'));
  DecoderLimits limits;
  limits.amplification_free = 1 << 20;
  const OwnedDecoder decoder(Codec::kZstd, limits);
  const Outcome o = decode_all(*decoder, stored, always(1 << 20), always(100'000));
  EXPECT_EQ(o.error.code, Code::kAmplification);
  EXPECT_LT(o.bytes.size(), size_t{2} << 20);
  limits.amplification_guard = false;
  EXPECT_EQ(decode_all(Codec::kZstd, stored, limits).step, Step::kFinished);
}

TEST(ZstdDecoder, goes_on_from_the_start_of_the_frame_it_was_in) {
  const std::string plain = make_text(24, 200'000);
  const std::string stored = frame_of(plain.substr(0, 90'000)) + skippable(10) + frame_of(plain.substr(90'000));
  const OwnedDecoder decoder(Codec::kZstd);
  const OwnedDecoder other(Codec::kZstd);
  std::string before;
  std::string_view left = stored;
  std::vector<char> out(5000);
  Error error;
  while (true) {
    const Transfer t = decoder->decode(left.substr(0, 3000), left.size() <= 3000, out, error);
    before.append(out.data(), t.produced);
    left.remove_prefix(t.consumed);
    if (t.step == Step::kFinished) break;
    ASSERT_TRUE(loaded(*other, saved(*decoder)));
    const DecoderPosition at = other->position();
    ASSERT_LE(at.stored_byte, stored.size() - left.size());
    ASSERT_LE(at.decoded_byte, before.size());
    const Outcome rest = decode_all(*other, stored, always(50'000), always(50'000), at.stored_byte);
    ASSERT_EQ(rest.step, Step::kFinished);
    ASSERT_TRUE(before.substr(0, at.decoded_byte) + rest.bytes == plain);
  }
  EXPECT_EQ(decoder->position().stored_byte, stored.size());
  EXPECT_EQ(decoder->position().decoded_byte, plain.size());
}

TEST(ZstdDecoder, stays_failed_until_reset) {
  const OwnedDecoder decoder(Codec::kZstd);
  EXPECT_EQ(decode_all(*decoder, "plain text", always(4), always(4)).step, Step::kFailed);
  EXPECT_EQ(decode_all(*decoder, frame_of("x"), always(4), always(4)).step, Step::kFailed);
  decoder->reset();
  EXPECT_EQ(decode_all(*decoder, frame_of("x"), always(4), always(4)).bytes, "x");
}

}  // namespace
}  // namespace weir

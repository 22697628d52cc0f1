// Every decoder and encoder in a room of just memory_max bytes between guard pages: driven to its worst case it stays inside, and little
// of the room is left untouched.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zstd.h>

#include "codec/codec.hpp"
#include "codec/codec_testing.hpp"
#include "testing/measured_room.hpp"

namespace weir {
namespace {

using testing::MeasuredRoom;

// Of a third party's state some tables are for what no stream does at once; ours must be used whole.
constexpr double kUsedLeast = 75;

/// Text, runs, repetitions up to the window's whole length, and what can't be compressed.
std::string hard_text(size_t size, size_t far) {
  std::string text = codec_testing::make_text(5, size / 2);
  if (text.size() > far) text += text.substr(text.size() - far, far);
  text += codec_testing::make_text(6, size - text.size());
  return text;
}

/// As many short matches as a block can hold: libzstd keeps 11 bytes for each.
std::string short_words(size_t size) {
  std::mt19937 rng(7);
  std::vector<std::string> words(200);
  for (std::string& word : words) {
    for (int i = 0; i < 7; ++i) word += static_cast<char>(rng());
  }
  std::string text;
  while (text.size() < size) text += words[rng() % words.size()];
  return text;
}

std::string zstd_frame(std::string_view plain, int level, int window_log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string stored(ZSTD_compressBound(plain.size()) + 1000, '\0');
  ZSTD_inBuffer in{plain.data(), plain.size() / 2, 0};
  ZSTD_outBuffer out{stored.data(), stored.size(), 0};
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);  // so that the frame does not say its size
  in.size = plain.size();
  ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  stored.resize(out.pos);
  return stored;
}

TEST(CodecMemory, the_gzip_decoder_stays_in_its_room_and_uses_it) {
  const std::string plain = hard_text(1 << 20, 30'000);
  const MeasuredRoom memory(decoder_memory_max(Codec::kGzip, {}));
  for (const int level : {0, 1, 3}) {
    codec_testing::OwnedEncoder encoder(Codec::kGzip, level);
    const std::string stored = codec_testing::encode(*encoder, plain, Flush::kFinish);
    for (const size_t step : {1, 100, 65536}) {
      Decoder* const decoder = make_decoder(Codec::kGzip, {}, memory.room());
      const auto outcome = codec_testing::decode_all(*decoder, stored, codec_testing::always(step),
                                                     codec_testing::always(step == 1 ? 3000 : step));
      EXPECT_TRUE(outcome.bytes == plain) << level << " " << step;
    }
    // Damage takes the way back through the copy of the state.
    std::string damaged = stored;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    Decoder* const decoder = make_decoder(Codec::kGzip, {}, memory.room());
    (void)codec_testing::decode_all(*decoder, damaged, codec_testing::always(5000), codec_testing::always(5000));
  }
  EXPECT_TRUE(memory.intact());
  EXPECT_GE(memory.report("gzip decoder"), kUsedLeast);
}

TEST(CodecMemory, the_zstd_decoder_stays_in_its_room_and_uses_it) {
  for (const int window_log : {17, 20, 23}) {
    DecoderLimits limits;
    limits.zstd_window_max = 1u << window_log;
    const size_t window = limits.zstd_window_max;
    const std::string plain = hard_text(3 * window + (1 << 20), window - 1000);
    const MeasuredRoom memory(decoder_memory_max(Codec::kZstd, limits));
    for (const int level : {1, 12}) {
      const std::string stored = zstd_frame(plain, level, window_log);
      for (const size_t step : {1000, 1 << 20}) {
        Decoder* const decoder = make_decoder(Codec::kZstd, limits, memory.room());
        const auto outcome =
            codec_testing::decode_all(*decoder, stored, codec_testing::always(step), codec_testing::always(step));
        EXPECT_TRUE(outcome.bytes == plain) << window_log << " " << level << " " << step;
      }
    }
    EXPECT_TRUE(memory.intact());
    EXPECT_GE(memory.report(("zstd decoder, window of " + std::to_string(window >> 10) + " KiB").c_str()), kUsedLeast);
  }
}

TEST(CodecMemory, every_encoder_stays_in_its_room_and_uses_it) {
  const std::string plain = hard_text(6 << 20, 400'000) + short_words(1 << 20);
  const auto hold = [&](Codec codec, int level) {
    const MeasuredRoom memory(encoder_memory_max(codec, level));
    for (const size_t step : {7777, 1 << 20}) {
      Encoder* const encoder = make_encoder(codec, level, memory.room());
      std::string stored = codec_testing::encode(*encoder, plain, Flush::kUnit, codec_testing::always(step),
                                                 codec_testing::always(step));
      stored += codec_testing::encode(*encoder, std::string_view(plain).substr(0, 100'000), Flush::kFinish,
                                      codec_testing::always(step), codec_testing::always(step));
      EXPECT_TRUE(codec_testing::decode_all(codec, stored).bytes == plain + plain.substr(0, 100'000));
    }
    EXPECT_TRUE(memory.intact());
    EXPECT_GE(memory.report((std::string(codec_name(codec)) + " encoder, level " + std::to_string(level)).c_str()),
              kUsedLeast);
  };
  for (int level = 0; level <= 3; ++level) hold(Codec::kGzip, level);
  for (int level = 1; level <= 9; ++level) hold(Codec::kZstd, level);
}

TEST(CodecMemory, a_byte_less_than_the_room_is_refused) {
  for (const Codec codec : {Codec::kGzip, Codec::kZstd}) {
    const MeasuredRoom in(decoder_memory_max(codec, {}));
    EXPECT_DEATH((void)make_decoder(codec, {}, in.room().first(in.size() - 1)), "");
    const MeasuredRoom out(encoder_memory_max(codec, -1));
    EXPECT_DEATH((void)make_encoder(codec, -1, out.room().first(out.size() - 1)), "");
  }
}

}  // namespace
}  // namespace weir

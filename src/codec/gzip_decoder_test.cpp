#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/codec.hpp"
#include "codec/codec_testing.hpp"
#include "codec/gzip_fixtures.hpp"
#include "testing/source_dir.hpp"

namespace weir {
namespace {

using namespace codec_testing;

struct Sample {
  const char* name;
  std::string stored;
  std::string plain;
};

/// Small streams, with what the reference makes of them.
const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = [] {
    std::vector<Sample> s;
    const auto add = [&s](const char* name, std::string stored) {
      std::string plain;
      EXPECT_EQ(reference_gunzip(stored, plain), Verdict::kGood) << name;
      s.push_back({name, std::move(stored), std::move(plain)});
    };
    add("dynamic", from_base64(fixtures::kTextDynamic));
    add("fixed", from_base64(fixtures::kTextFixed));
    add("stored", from_base64(fixtures::kStored));
    add("skewed", from_base64(fixtures::kHuffmanOnlySkewed));
    add("run", from_base64(fixtures::kLongRun));
    add("members", from_base64(fixtures::kTwoMembersOneEmpty));
    for (int level = 0; level <= 3; ++level) {
      const OwnedEncoder encoder(Codec::kGzip, level);
      add("own", encode(*encoder, make_text(static_cast<uint32_t>(level), 700), Flush::kFinish));
    }
    return s;
  }();
  return all;
}

/// A stream of about a megabyte: several units, blocks of all kinds.
const Sample& large_sample() {
  static const Sample sample = [] {
    Sample s{"large", "", make_text(99, 1'300'000)};
    for (int level = 0; level <= 3; ++level) {
      const OwnedEncoder encoder(Codec::kGzip, level);
      const size_t quarter = s.plain.size() / 4;
      const std::string_view part = std::string_view(s.plain).substr(static_cast<size_t>(level) * quarter, quarter);
      s.stored += encode(*encoder, part.substr(0, 150'000), Flush::kUnit);
      s.stored += encode(*encoder, part.substr(150'000), Flush::kFinish);
    }
    return s;
  }();
  return sample;
}

std::string header_with(uint8_t flags, std::string_view fields) {
  std::string h{'\x1f', '\x8b', 8, static_cast<char>(flags), 0, 0, 0, 0, 0, 3};
  h += fields;
  return h;
}
std::string body_of_empty() { return std::string("\3\0\0\0\0\0\0\0\0\0", 10); }

void expect_code(const Outcome& o, Code code, uint64_t byte) {
  EXPECT_EQ(o.step, Step::kFailed);
  EXPECT_EQ(o.error.code, code) << o.error.detail.view();
  EXPECT_EQ(o.error.byte, byte);
}

TEST(GzipDecoder, decodes_what_zlib_and_isal_wrote) {
  for (const Sample& s : samples()) {
    const Outcome o = decode_all(Codec::kGzip, s.stored);
    EXPECT_EQ(o.step, Step::kFinished) << s.name;
    EXPECT_EQ(o.bytes, s.plain) << s.name;
  }
  EXPECT_EQ(decode_all(Codec::kGzip, large_sample().stored).bytes, large_sample().plain);
}

TEST(GzipDecoder, is_the_same_byte_by_byte_in_and_out) {
  for (const Sample& s : samples()) {
    const OwnedDecoder decoder(Codec::kGzip);
    for (const size_t in : {1, 2, 7, 9, 1000000}) {
      for (const size_t out : {1, 3, 1000000}) {
        decoder->reset();
        const Outcome o = decode_all(*decoder, s.stored, always(in), always(out));
        EXPECT_EQ(o.step, Step::kFinished) << s.name << ' ' << in << ' ' << out;
        EXPECT_TRUE(o.bytes == s.plain) << s.name << ' ' << in << ' ' << out;
      }
    }
  }
}

TEST(GzipDecoder, is_the_same_for_every_split_in_two) {
  for (const Sample& s : samples()) {
    const OwnedDecoder decoder(Codec::kGzip);
    for (size_t cut = 1; cut < s.stored.size(); ++cut) {
      decoder->reset();
      bool first = true;
      const auto sizes = [&] { return std::exchange(first, false) ? cut : s.stored.size(); };
      const Outcome o = decode_all(*decoder, s.stored, sizes, always(1 << 17));
      ASSERT_EQ(o.step, Step::kFinished) << s.name << ' ' << cut;
      ASSERT_TRUE(o.bytes == s.plain) << s.name << ' ' << cut;
    }
  }
}

TEST(GzipDecoder, is_the_same_for_random_splits_of_a_large_stream) {
  const OwnedDecoder decoder(Codec::kGzip);
  for (uint32_t seed = 0; seed < 12; ++seed) {
    decoder->reset();
    const Outcome o =
        decode_all(*decoder, large_sample().stored, random_sizes(seed, 300'000), random_sizes(seed + 1000, 300'000));
    ASSERT_EQ(o.step, Step::kFinished) << seed;
    ASSERT_TRUE(o.bytes == large_sample().plain) << seed;
  }
}

TEST(GzipDecoder, delivers_everything_before_a_truncation_at_any_byte) {
  for (const Sample& s : samples()) {
    const OwnedDecoder decoder(Codec::kGzip);
    for (size_t size = 1; size < s.stored.size(); ++size) {
      const std::string_view prefix = std::string_view(s.stored).substr(0, size);
      std::string expected;
      const Verdict verdict = reference_gunzip(prefix, expected);
      decoder->reset();
      const Outcome whole = decode_all(*decoder, prefix, always(1 << 17), always(1 << 17));
      ASSERT_TRUE(whole.bytes == expected)
          << s.name << ' ' << size << ": " << whole.bytes.size() << " of " << expected.size();
      if (verdict == Verdict::kGood) {  // ends between members
        ASSERT_EQ(whole.step, Step::kFinished) << s.name << ' ' << size;
      } else {
        expect_code(whole, Code::kGzipTruncated, size);
      }
      decoder->reset();
      const Outcome bytewise = decode_all(*decoder, prefix, always(1), always(5));
      ASSERT_TRUE(bytewise == whole) << s.name << ' ' << size;
    }
  }
}

TEST(GzipDecoder, a_truncated_large_stream_is_the_same_for_all_splits) {
  std::mt19937 rng(6);  // none of its cuts is the end of a member
  const OwnedDecoder decoder(Codec::kGzip);
  const std::string_view stored = large_sample().stored;
  for (uint32_t i = 0; i < 60; ++i) {
    const std::string_view prefix = stored.substr(0, 1 + rng() % (stored.size() - 1));
    decoder->reset();
    const Outcome whole = decode_all(*decoder, prefix, always(1 << 20), always(1 << 21));
    decoder->reset();
    const Outcome split = decode_all(*decoder, prefix, random_sizes(i, 70'000), random_sizes(i + 77, 70'000));
    if (whole.step == Step::kFinished) {  // cut between two members: a good stream
      ASSERT_EQ(whole.bytes.size() % (large_sample().plain.size() / 4), 0u) << i;
    } else {
      ASSERT_EQ(whole.error.code, Code::kGzipTruncated) << i;
    }
    ASSERT_TRUE(split == whole) << i << ": " << split.bytes.size() << ' ' << whole.bytes.size();
  }
}

TEST(GzipDecoder, no_flipped_bit_goes_unseen_or_delivers_what_is_not_there) {
  int compared = 0;
  int refused_early = 0;
  for (const Sample& s : samples()) {
    if (s.stored.size() > 700) continue;
    const OwnedDecoder decoder(Codec::kGzip);
    for (size_t bit = 0; bit < s.stored.size() * 8; ++bit) {
      std::string damaged = s.stored;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      decoder->reset();
      const Outcome whole = decode_all(*decoder, damaged, always(1 << 17), always(1 << 17));
      decoder->reset();
      const Outcome bytewise = decode_all(*decoder, damaged, always(1), always(3));
      ASSERT_TRUE(bytewise == whole) << s.name << " bit " << bit << ": " << whole.error.detail.view() << ' '
                                     << whole.error.byte << ' ' << bytewise.error.byte << ' ' << whole.bytes.size()
                                     << ' ' << bytewise.bytes.size();
      if (whole.step == Step::kFinished) {
        // Time, extra flags and OS of a header say nothing about the content.
        ASSERT_TRUE(whole.bytes == s.plain) << s.name << " bit " << bit;
        continue;
      }
      ASSERT_LE(whole.error.byte, damaged.size());
      if (damaged.starts_with(std::string_view("\x1f\x8b\x08\0", 4))) {
        std::string expected;
        reference_gunzip(damaged, expected);
        // isa-l refuses some codes of a dynamic block that the reference goes on with until a symbol has none.
        ASSERT_TRUE(expected.starts_with(whole.bytes)) << s.name << " bit " << bit;
        refused_early += whole.bytes.size() != expected.size() ? 1 : 0;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 3000);
  EXPECT_LT(refused_early, compared / 20) << compared;
}

TEST(GzipDecoder, a_damaged_large_stream_is_the_same_for_all_splits) {
  std::mt19937 rng(6);
  const OwnedDecoder decoder(Codec::kGzip);
  for (uint32_t i = 0; i < 80; ++i) {
    std::string damaged = large_sample().stored;
    damaged[rng() % damaged.size()] ^= static_cast<char>(1 << rng() % 8);
    decoder->reset();
    const Outcome whole = decode_all(*decoder, damaged, always(1 << 20), always(1 << 21));
    decoder->reset();
    const Outcome split = decode_all(*decoder, damaged, random_sizes(i, 70'000), random_sizes(i + 77, 70'000));
    ASSERT_TRUE(split == whole) << i << ' ' << whole.bytes.size() << ' ' << split.bytes.size() << ' '
                                << whole.error.byte << ' ' << split.error.byte;
    ASSERT_TRUE(whole.step == Step::kFailed || whole.bytes == large_sample().plain);
  }
}

TEST(GzipDecoder, takes_an_empty_stream_and_an_empty_member_as_empty) {
  EXPECT_EQ(decode_all(Codec::kGzip, "").step, Step::kFinished);
  const Outcome o = decode_all(Codec::kGzip, header_with(0, "") + body_of_empty());
  EXPECT_EQ(o.step, Step::kFinished);
  EXPECT_TRUE(o.bytes.empty());
}

TEST(GzipDecoder, skips_optional_header_fields_and_verifies_the_header_checksum) {
  const std::string stored = from_base64(fixtures::kAllFields);
  const Outcome o = decode_all(Codec::kGzip, stored);
  EXPECT_EQ(o.step, Step::kFinished);
  EXPECT_EQ(o.bytes, "with all fields\nwith all fields\nwith all fields\n");
  std::string damaged = stored;
  damaged[20] = static_cast<char>(damaged[20] ^ 1);  // inside the name
  const OwnedDecoder decoder(Codec::kGzip);
  const Outcome whole = decode_all(*decoder, damaged, always(1 << 20), always(100));
  EXPECT_EQ(whole.error.code, Code::kGzipBadHeader);
  decoder->reset();
  EXPECT_TRUE(decode_all(*decoder, damaged, always(1), always(100)) == whole);
}

TEST(GzipDecoder, caps_the_optional_header_fields_at_64_KiB_together) {
  const std::string longest = header_with(0x08, std::string(65535, 'n') + '\0') + body_of_empty();
  EXPECT_EQ(decode_all(Codec::kGzip, longest).step, Step::kFinished);
  expect_code(decode_all(Codec::kGzip, header_with(0x08, std::string(65537, 'n'))), Code::kGzipBadHeader, 10 + 65536);
  const std::string both = header_with(0x18, std::string(40000, 'n') + '\0' + std::string(40000, 'c') + '\0');
  const OwnedDecoder decoder(Codec::kGzip);
  const Outcome whole = decode_all(*decoder, both, always(1 << 20), always(1));
  expect_code(whole, Code::kGzipBadHeader, 10 + 65536);
  decoder->reset();
  EXPECT_TRUE(decode_all(*decoder, both, always(1), always(1)) == whole);
}

TEST(GzipDecoder, refuses_a_bad_header_at_its_byte) {
  expect_code(decode_all(Codec::kGzip, "plain text"), Code::kGzipBadHeader, 0);
  expect_code(decode_all(Codec::kGzip, "\x1f plain"), Code::kGzipBadHeader, 1);
  expect_code(decode_all(Codec::kGzip, "\x1f\x8b\x07..."), Code::kGzipBadHeader, 2);
  expect_code(decode_all(Codec::kGzip, "\x1f\x8b\x08\x20..."), Code::kGzipBadHeader, 3);
}

TEST(GzipDecoder, ignores_zeros_behind_and_between_members) {
  const Sample& s = samples()[0];
  const std::string zeros(1000, '\0');
  EXPECT_EQ(decode_all(Codec::kGzip, s.stored + zeros).step, Step::kFinished);
  const Outcome o = decode_all(Codec::kGzip, s.stored + zeros + s.stored);
  EXPECT_EQ(o.step, Step::kFinished);
  EXPECT_EQ(o.bytes, s.plain + s.plain);
  EXPECT_EQ(decode_all(Codec::kGzip, zeros).error.code, Code::kGzipBadHeader);
}

TEST(GzipDecoder, refuses_garbage_behind_the_last_member_unless_told_to_ignore_it) {
  const Sample& s = samples()[0];
  for (const std::string& garbage : {std::string("garbage"), std::string("\0\0x", 3), std::string("\x1f\x8c")}) {
    const Outcome o = decode_all(Codec::kGzip, s.stored + garbage);
    expect_code(o, Code::kGzipTrailing, s.stored.size() + std::min(garbage.find_first_not_of('\0'), garbage.size()));
    EXPECT_EQ(o.bytes, s.plain);
    DecoderLimits lax;
    lax.trailing_garbage_ignored = true;
    const Outcome ignored = decode_all(Codec::kGzip, s.stored + garbage, lax);
    EXPECT_EQ(ignored.step, Step::kFinished);
    EXPECT_EQ(ignored.bytes, s.plain);
  }
}

TEST(GzipDecoder, tells_a_wrong_checksum_and_a_wrong_length_and_the_member) {
  const Sample& s = samples()[0];
  for (const size_t back : {8, 4}) {
    std::string second = s.stored;
    second[second.size() - back] ^= 0x10;
    const Outcome o = decode_all(Codec::kGzip, s.stored + second);
    expect_code(o, Code::kGzipChecksum, s.stored.size() * 2 - back);
    EXPECT_EQ(o.bytes, s.plain + s.plain);
    EXPECT_TRUE(o.error.detail.view().starts_with("member 2")) << o.error.detail.view();
  }
}

TEST(GzipDecoder, stays_failed_until_reset) {
  const OwnedDecoder decoder(Codec::kGzip);
  Error error;
  char out[8];
  EXPECT_EQ(decoder->decode("plain", false, out, error).step, Step::kFailed);
  error = {};
  const Transfer again = decoder->decode(samples()[0].stored, true, out, error);
  EXPECT_EQ(again.step, Step::kFailed);
  EXPECT_EQ(again.consumed, 0u);
  EXPECT_EQ(error.code, Code::kGzipBadHeader);
  decoder->reset();
  EXPECT_EQ(decode_all(*decoder, samples()[0].stored, always(100), always(100)).step, Step::kFinished);
}

TEST(GzipDecoder, stops_a_bomb_and_lets_it_pass_without_the_guard) {
  const OwnedEncoder encoder(Codec::kGzip);
  const std::string stored = encode(*encoder, std::string(8 << 20, 'x'), Flush::kFinish);
  DecoderLimits limits;
  limits.amplification_free = 1 << 20;
  limits.amplification_max = 100;
  const Outcome o = decode_all(Codec::kGzip, stored, limits);
  EXPECT_EQ(o.error.code, Code::kAmplification);
  EXPECT_LT(o.bytes.size(), size_t{4} << 20);
  limits.amplification_free = 8 << 20;  // not more than what is free
  EXPECT_EQ(decode_all(Codec::kGzip, stored, limits).step, Step::kFinished);
  limits.amplification_free = 1 << 20;
  limits.amplification_guard = false;
  EXPECT_EQ(decode_all(Codec::kGzip, stored, limits).step, Step::kFinished);
}

TEST(GzipDecoder, goes_on_from_a_state_saved_after_any_byte) {
  for (const Sample& s : samples()) {
    for (const size_t room : {1, 200, 100'000}) {
      const OwnedDecoder decoder(Codec::kGzip);
      const OwnedDecoder other(Codec::kGzip);
      std::string before;
      std::string_view left = s.stored;
      std::vector<char> out(room);
      Error error;
      size_t step_bytes = room == 1 && s.plain.size() > 10'000 ? 40'000 : 1;  // of output between two saves
      while (true) {
        const Transfer t = decoder->decode(left.substr(0, 1), left.size() <= 1, out, error);
        before.append(out.data(), t.produced);
        left.remove_prefix(t.consumed);
        if (t.step == Step::kFinished) break;
        ASSERT_NE(t.step, Step::kFailed);
        if (before.size() % step_bytes != 0) continue;
        const std::string state = saved(*decoder);
        ASSERT_LE(state.size(), size_t{90} * 1000);
        ASSERT_TRUE(loaded(*other, state));
        ASSERT_EQ(other->position().stored_byte, s.stored.size() - left.size());
        ASSERT_EQ(other->position().decoded_byte, before.size());
        const Outcome rest = decode_all(*other, s.stored, always(64), always(4096), s.stored.size() - left.size());
        ASSERT_EQ(rest.step, Step::kFinished) << s.name << ' ' << left.size();
        ASSERT_TRUE(before + rest.bytes == s.plain) << s.name << ' ' << left.size();
      }
      EXPECT_TRUE(before == s.plain);
    }
  }
}

TEST(GzipDecoder, goes_on_from_states_saved_in_a_large_stream) {
  const Sample& s = large_sample();
  const OwnedDecoder decoder(Codec::kGzip);
  const OwnedDecoder other(Codec::kGzip);
  auto in_size = random_sizes(3, 30'000);
  auto out_size = random_sizes(4, 80'000);
  std::string before;
  size_t at = 0;
  int saves = 0;
  size_t largest = 0;
  Error error;
  while (true) {
    const size_t n = std::min(in_size(), s.stored.size() - at);
    std::vector<char> out(out_size());
    const Transfer t = decoder->decode(std::string_view(s.stored).substr(at, n), at + n == s.stored.size(), out, error);
    before.append(out.data(), t.produced);
    at += t.consumed;
    if (t.step == Step::kFinished) break;
    ASSERT_NE(t.step, Step::kFailed);
    const std::string state = saved(*decoder);
    largest = std::max(largest, state.size());
    if (++saves % 4 != 0) continue;
    ASSERT_TRUE(loaded(*other, state));
    const Outcome rest = decode_all(*other, s.stored, always(50'000), always(70'000), at);
    ASSERT_EQ(rest.step, Step::kFinished);
    ASSERT_TRUE(before + rest.bytes == s.plain) << at;
  }
  EXPECT_GT(saves, 40);
  EXPECT_LE(largest, decoder->state_bytes_max());
  EXPECT_LE(decoder->state_bytes_max(), size_t{90'000});
}

TEST(GzipDecoder, a_wrong_checksum_is_still_seen_after_going_on) {
  std::string stored = samples()[0].stored;
  stored[stored.size() - 8] ^= 1;
  const OwnedDecoder decoder(Codec::kGzip);
  Error error;
  char out[64];
  const Transfer t = decoder->decode(std::string_view(stored).substr(0, 200), false, out, error);
  const OwnedDecoder other(Codec::kGzip);
  ASSERT_TRUE(loaded(*other, saved(*decoder)));
  EXPECT_EQ(decode_all(*other, stored, always(100), always(100), t.consumed).error.code, Code::kGzipChecksum);
}

TEST(GzipDecoder, keeps_a_fault_that_it_met_ahead_of_what_it_delivered_in_its_state) {
  std::string damaged = large_sample().stored.substr(0, 60'000);
  damaged[20'000] ^= 0x55;
  damaged[20'001] ^= 0x55;
  damaged[20'002] ^= 0x55;
  const OwnedDecoder decoder(Codec::kGzip);
  const Outcome whole = decode_all(*decoder, damaged, always(1 << 20), always(1 << 20));
  ASSERT_EQ(whole.step, Step::kFailed);
  decoder->reset();
  const OwnedDecoder other(Codec::kGzip);
  std::string before;
  std::string_view left = damaged;
  char out[1000];
  Error error;
  int resumes = 0;
  for (Transfer t; (t = decoder->decode(left, true, out, error)).step != Step::kFailed; ++resumes) {
    before.append(out, t.produced);
    left.remove_prefix(t.consumed);
    ASSERT_TRUE(loaded(*other, saved(*decoder)));
    Outcome rest = decode_all(*other, damaged, always(1 << 20), always(1 << 20), damaged.size() - left.size());
    rest.bytes = before + rest.bytes;
    ASSERT_TRUE(rest == whole);
  }
  EXPECT_GT(resumes, 10);
}

TEST(GzipDecoder, refuses_a_state_that_is_not_its_own_or_was_cut) {
  const OwnedDecoder decoder(Codec::kGzip);
  Error error;
  char out[64];
  decoder->decode(std::string_view(samples()[0].stored).substr(0, 250), false, out, error);
  const std::string state = saved(*decoder);
  for (size_t size = 0; size < state.size(); size += 1 + state.size() / 500) {
    EXPECT_FALSE(loaded(*decoder, std::string_view(state).substr(0, size)));
  }
  for (const size_t at : {0, 3, 4, 5, 7}) {  // version, codec, layout, library
    std::string other = state;
    other[at] = static_cast<char>(other[at] ^ 0x40);
    EXPECT_FALSE(loaded(*decoder, other)) << at;
  }
  EXPECT_EQ(decode_all(*decoder, samples()[0].stored, always(1000), always(1000)).bytes, samples()[0].plain);
}

// A checkpoint that was saved on one architecture is gone on with on the other: the states of both are the same bytes.
TEST(GzipDecoder, its_states_are_the_same_bytes_on_every_architecture) {
  std::ifstream file(weir::testing::source_file("tests/checkpoints/v1/gzip_csv/in.csv.gz"), std::ios::binary);
  const std::string stored{std::istreambuf_iterator<char>(file), {}};
  ASSERT_EQ(stored.size(), 269837u);
  const OwnedDecoder decoder(Codec::kGzip);
  uint64_t digest = 0xcbf29ce484222325;  // FNV-1a
  std::string_view left = stored;
  std::vector<char> out(3001);
  Error error;
  int states = 0;
  for (Step step = Step::kNeedInput; step != Step::kFinished; ++states) {
    const std::string_view piece = left.substr(0, 1009);
    const Transfer t = decoder->decode(piece, piece.size() == left.size(), out, error);
    step = t.step;
    ASSERT_NE(step, Step::kFailed);
    left.remove_prefix(t.consumed);
    for (const char c : saved(*decoder)) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  EXPECT_GT(states, 300);
  EXPECT_EQ(digest, 4685022169829746136u);
}

// What a damaged state does beyond being refused is anyone's guess, but it stays within its memory (sanitizers tell)
// and comes to an end.
TEST(GzipDecoder, a_damaged_state_stays_within_its_memory) {
  std::mt19937 rng(8);
  const Sample& s = large_sample();
  const OwnedDecoder decoder(Codec::kGzip);
  const OwnedDecoder other(Codec::kGzip);
  Error error;
  int taken = 0;
  for (uint32_t i = 0; i < 400; ++i) {
    decoder->reset();
    const size_t size = 20 + rng() % 200'000;
    std::vector<char> out(1 + rng() % 700'000);
    const Transfer t = decoder->decode(std::string_view(s.stored).substr(0, size), false, out, error);
    std::string state = saved(*decoder);
    const size_t top = i % 2 == 0 ? std::min<size_t>(150, state.size()) : state.size();
    for (uint32_t flips = 1 + rng() % 3; flips > 0; --flips)
      state[8 + rng() % (top - 8)] ^= static_cast<char>(1 << rng() % 8);
    if (!loaded(*other, state)) continue;
    ++taken;
    decode_all(*other, s.stored, random_sizes(i, 100'000), random_sizes(i, 100'000),
               std::min(t.consumed, s.stored.size()));
  }
  EXPECT_GT(taken, 50);
}

TEST(GzipDecoder, the_length_in_the_trailer_is_the_length_modulo_4_GiB) {
  // A member of 4 GiB and 5 bytes: the encoder makes it from one chunk over and over, the decoder's output is dropped.
  const OwnedEncoder encoder(Codec::kGzip, 0);
  const OwnedDecoder decoder(Codec::kGzip, {.amplification_guard = false});
  const std::string chunk(1 << 20, 'z');
  std::vector<char> stored(1 << 20);
  std::vector<char> plain(1 << 20);
  Error error;
  uint64_t in_bytes = 0;
  uint64_t out_bytes = 0;
  const uint64_t size = (uint64_t{4} << 30) + 5;
  while (true) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(chunk.size(), size - in_bytes));
    const Transfer t = encoder->encode(std::string_view(chunk).substr(0, n),
                                       in_bytes + n == size ? Flush::kFinish : Flush::kNone, stored, error);
    in_bytes += t.consumed;
    std::string_view window(stored.data(), t.produced);
    while (true) {
      const Transfer d = decoder->decode(window, t.step == Step::kFinished, plain, error);
      ASSERT_NE(d.step, Step::kFailed);
      out_bytes += d.produced;
      window.remove_prefix(d.consumed);
      if (d.step != Step::kHaveOutput) break;
    }
    if (t.step == Step::kFinished) break;
  }
  EXPECT_EQ(out_bytes, size);
}

}  // namespace
}  // namespace weir

// The readers that cut their input by line ends or sizes: ndjson, lines, blocks, file.
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/blocks_reader.hpp"
#include "format/json_scanner.hpp"
#include "format/json_test_corpus.hpp"
#include "format/lines_reader.hpp"
#include "format/ndjson_reader.hpp"
#include "format/reader_transcript.hpp"

namespace weir {
namespace {

using namespace std::string_literals;

ReaderOptions small_options(uint32_t record_bytes_max = 40) {
  ReaderOptions options;
  options.window_bytes = 64;
  options.record_bytes_max = record_bytes_max;
  options.block_bytes = 7;
  return options;
}

/// Whole, byte by byte, at every split, with saves at every batch, and with a large window: all must say the same.
template <typename Reader>
std::string says(const ReaderOptions& options, const Projection& projection, const std::string& text) {
  const std::string want = transcript_of<Reader>(options, projection, text);
  EXPECT_EQ(transcript_of<Reader>(options, projection, text, pieces_of(1)), want) << text;
  for (size_t cut = 1; cut < text.size() && cut < 400; ++cut) {
    EXPECT_EQ(transcript_of<Reader>(options, projection, text, cut_at(cut)), want) << cut << " of " << text;
  }
  for (const size_t pieces : {0, 1, 5}) {
    EXPECT_EQ(transcript_with_resumes<Reader>(options, projection, text, pieces_of(pieces)), want) << text;
  }
  ReaderOptions large = options;
  large.window_bytes = 1 << 16;
  EXPECT_EQ(transcript_of<Reader>(large, projection, text), want) << text;
  return want;
}

std::string first_words(const std::string& transcript) {
  std::string out;
  for (size_t at = 0; at < transcript.size();) {
    const size_t end = transcript.find('\n', at);
    const std::string line = transcript.substr(at, end - at);
    const size_t words = line.starts_with("reject") ? line.find(" hash") : line.size();
    out += line.substr(0, words) + "\n";
    at = end + 1;
  }
  return out;
}

TEST(NdjsonReader, cuts_lines_and_finds_columns) {
  TestProjection projection({"a", "b.c"});
  EXPECT_EQ(says<NdjsonReader>(small_options(), projection, "{\"a\":1}\n{\"b\":{\"c\":[2]}}\r\n\n \t\r\n{\"A\":\"x\"}"),
            "record 0 at 0 next 8 {\"a\":1} | 1 | -\n"
            "record 1 at 8 next 25 {\"b\":{\"c\":[2]}} | - | [2]\n"
            "record 2 at 30 next 39 {\"A\":\"x\"} | \"x\" | -\n"
            "end\n");
  EXPECT_EQ(says<NdjsonReader>(small_options(), projection, ""), "end\n");
  EXPECT_EQ(says<NdjsonReader>(small_options(), projection, "\n\r\n  "), "end\n");
  EXPECT_EQ(
      says<NdjsonReader>(small_options(), projection, "\xef\xbb\xbf{}\n\xef\xbb\xbf{}"),
      "record 0 at 3 next 6 {} | - | -\n"
      "reject 1 W2204 at 6 size 5 detail 0 0 hash 0 0000000000000000000000000000000000000000000000000000000000000000 "
      "\xef\xbb\xbf{}\nend\n");
  EXPECT_EQ(says<NdjsonReader>(small_options(), projection, "\xef\xbb"),
            "reject 0 W2206 at 0 size 2 detail 0 0 hash 0 "
            "0000000000000000000000000000000000000000000000000000000000000000 \xef\xbb\n"
            "end\n");
  EXPECT_EQ(says<NdjsonReader>(small_options(), projection, "\xff\xfe{\0}\0"s), "failed W2020 source 0 byte 0\n");
  EXPECT_EQ(says<NdjsonReader>(small_options(), projection, "\xfe\xff"), "failed W2020 source 0 byte 0\n");
  EXPECT_EQ(first_words(says<NdjsonReader>(small_options(), projection, "\xff")),
            "reject 0 W2206 at 0 size 1 detail 0 0\nend\n");
}

TEST(NdjsonReader, rejects_bad_lines_and_goes_on) {
  TestProjection projection({"a"});
  EXPECT_EQ(first_words(
                says<NdjsonReader>(small_options(), projection,
                                   "{\"a\":1\n{\"a\":\"\xff\"}\r\n[1]\n{\"a\":\0}\n{\"a\":2}\nnull\n{\"a\":\"\\u00"s)),
            "reject 0 W2204 at 0 size 7 detail 6 0\n"
            "reject 1 W2206 at 7 size 11 detail 6 0\n"
            "reject 2 W2205 at 18 size 4 detail 0 0\n"
            "reject 3 W2204 at 22 size 8 detail 5 0\n"
            "record 4 at 30 next 38 {\"a\":2} | 2\n"
            "reject 5 W2205 at 38 size 5 detail 0 0\n"
            "reject 6 W2204 at 43 size 10 detail 10 0\n"
            "end\n");
  ReaderOptions shallow = small_options();
  shallow.json.depth_max = 2;
  EXPECT_EQ(first_words(says<NdjsonReader>(shallow, projection, "{\"a\":[[]]}\n")),
            "reject 0 W2207 at 0 size 11 detail 6 0\nend\n");
}

/// What each line alone is read as: by the scanner, with no record before it that it could be compared with.
std::string line_by_line(const Projection& projection, const std::string& text, uint32_t record_bytes_max) {
  std::vector<char> memory(JsonScanner::memory_max(projection) + kAlignment);
  const size_t shift = kAlignment - reinterpret_cast<uintptr_t>(memory.data()) % kAlignment;
  Arena arena(std::span<char>(memory).subspan(shift % kAlignment));
  JsonScanner scanner;
  scanner.attach(projection, 64, arena);
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t feed = text.find('\n', at);
    std::string line = text.substr(at, feed - at);
    at = feed + 1;
    if (line.ends_with('\r')) line.pop_back();
    std::string padded = line + std::string(64, '7');
    std::vector<Slice> values(projection.paths.size());
    if (line.size() > record_bytes_max || !scanner.scan({padded.data(), line.size()}, 0, values.data(), 1).ok()) {
      out += "reject\n";
      continue;
    }
    out += line;
    for (const Slice& value : values) out += value.missing() ? " | -" : " | " + padded.substr(value.offset, value.size);
    out += '\n';
  }
  return out + "end\n";
}

TEST(NdjsonReader, reads_records_of_a_few_kinds_as_each_by_itself) {
  const TestProjection projection({"id", "NAME", "o.x", "list.1", "!name"});
  const auto value = [](std::mt19937_64& random) {
    static const char* const kValues[] = {"1",
                                          "-2.50",
                                          "0",
                                          "1e5",
                                          "true",
                                          "null",
                                          "\"\"",
                                          "\"text\"",
                                          "\"Zo\xc3\xab\"",
                                          "\"a \\\"quoted\\\" word and more than thirty-two bytes\"",
                                          "01",
                                          "\"\x01\"",
                                          "tru",
                                          "{}",
                                          "[1,2]",
                                          "\"\xff\""};
    return std::string(kValues[random() % (random() % 8 == 0 ? 16 : 10)]);
  };
  for (const uint32_t kinds : {1u, 3u, 7u}) {
    std::mt19937_64 random(kinds);
    std::string text;
    for (int i = 0; i < 3000; ++i) {
      const uint64_t kind = random() % kinds;
      std::string line = "{\"id\":" + value(random);
      if (kind % 2 == 0) line += ", \"name\" : " + value(random);
      if (kind % 3 == 0) line += ",\"o\":{\"x\":" + value(random) + "}";
      if (kind % 4 == 0) line += ",\"list\":[" + value(random) + "," + value(random) + "]";
      if (kind > 4) line += ",\"Name\":" + value(random);
      text += line + (random() % 50 == 0 ? "}\r\n" : "}\n");
    }
    const std::string want = line_by_line(projection, text, 90);
    for (const uint32_t window : {64u, 1000u, 1u << 18}) {
      ReaderOptions options = small_options(90);
      options.window_bytes = window;
      std::string got;
      std::istringstream said(transcript_of<NdjsonReader>(options, projection, text));
      for (std::string line; std::getline(said, line);) {
        if (line.empty()) continue;  // a reject's head ends with its line feed
        const size_t record = line.find(" next ");
        if (line.starts_with("reject")) line = "reject";
        if (line.starts_with("record")) line = line.substr(line.find(' ', record + 6) + 1);
        got += line + "\n";
      }
      EXPECT_EQ(got, want) << kinds << " kinds, window " << window;
    }
  }
}

TEST(NdjsonReader, takes_objects_only_when_whole_records_are_asked_for) {
  TestProjection projection;
  projection.all();
  EXPECT_EQ(first_words(says<NdjsonReader>(small_options(), projection, "1\n[2]\n\"x\"\n")),
            "reject 0 W2205 at 0 size 2 detail 0 0\nreject 1 W2205 at 2 size 4 detail 0 0\n"
            "reject 2 W2205 at 6 size 4 detail 0 0\nend\n");
}

TEST(NdjsonReader, passes_over_oversize_lines_with_their_hash) {
  TestProjection projection({"a"});
  // The same record in the window whole and not, at the limit and one past it, with every terminator.
  for (const size_t size : {38u, 39u, 40u, 41u, 42u, 43u, 100u, 300u}) {
    for (const std::string& end : {"\n"s, "\r\n"s, ""s}) {
      const std::string line = "{\"a\":\"" + std::string(size - 8, 'x') + "\"}";
      const std::string text = "{}\n" + line + end + (end.empty() ? "" : "{}\n");
      const std::string said = first_words(says<NdjsonReader>(small_options(), projection, text));
      const std::string number = std::to_string(line.size() + end.size());
      const std::string verdict = size <= 40 ? "record 1 at 3 next " + std::to_string(3 + line.size() + end.size()) +
                                                   " " + line + " | " + line.substr(5, line.size() - 6)
                                             : "reject 1 W2201 at 3 size " + number + " detail 0 0";
      ASSERT_NE(said.find(verdict + "\n"), std::string::npos) << said << verdict;
    }
  }
  // The digest of "x" * 99 + "\n", by sha256sum.
  const std::string said = says<NdjsonReader>(small_options(), projection, std::string(99, 'x') + "\n");
  Sha256 hash;
  hash.update(std::string(99, 'x') + "\n");
  uint64_t words[4];
  std::memcpy(words, hash.digest().data(), sizeof words);
  char hex[80];
  std::snprintf(hex, sizeof hex, "hash 1 %016lx%016lx%016lx%016lx ", words[0], words[1], words[2], words[3]);
  EXPECT_NE(said.find(hex + std::string(99, 'x')), std::string::npos) << said;
}

TEST(NdjsonReader, keeps_the_head_of_each_oversize_line) {
  TestProjection projection({"a"});
  std::string text;
  for (int i = 0; i < 20; ++i) text += std::string(30 + 37 * (i % 7), static_cast<char>('a' + i)) + "\n{}\n";
  const std::string said = says<NdjsonReader>(small_options(), projection, text);
  for (int i = 0; i < 20; ++i)
    EXPECT_NE(said.find(" " + std::string(30, static_cast<char>('a' + i))), std::string::npos) << i;
  ReaderOptions options = small_options(5000);
  const std::string long_line(100'000, 'y');
  const std::string large = transcript_of<NdjsonReader>(options, projection, long_line);
  EXPECT_NE(large.find(" " + long_line.substr(0, kRejectHeadMax) + "\nend"), std::string::npos);
}

template <typename Reader>
void expect_random_cuts_agree(const ReaderOptions& options, const Projection& projection, const std::string& text) {
  const std::string want = transcript_of<Reader>(options, projection, text);
  EXPECT_EQ(want.find("BROKEN"), std::string::npos);
  EXPECT_GT(want.size(), text.size() / 2);
  for (uint64_t seed = 0; seed < 6; ++seed) {
    std::mt19937_64 random(seed);
    const Pieces pieces = [&](size_t) { return 1 + random() % (seed % 2 == 0 ? 17 : 3000); };
    EXPECT_TRUE(transcript_of<Reader>(options, projection, text, pieces) == want) << seed;
    EXPECT_TRUE(transcript_with_resumes<Reader>(options, projection, text, pieces) == want) << seed;
    ReaderOptions other = options;
    other.window_bytes = static_cast<uint32_t>(64 + random() % 5000);
    EXPECT_TRUE(transcript_of<Reader>(other, projection, text, pieces) == want) << seed;
  }
}

TEST(LineReaders, say_the_same_of_a_large_input_however_it_arrives) {
  TestProjection paths({"a", "name", "b.a", "id.0"});
  TestProjection line({"line"});
  line.all();
  TestProjection data({"data"});
  JsonMaker maker(7, 2);
  std::string text = "\xef\xbb\xbf";
  for (int i = 0; i < 6000; ++i) {
    text += maker.object() + (i % 7 == 0 ? "\r\n" : "\n");
    if (i % 97 == 0) text += std::string(maker.below(900), 'z') + "\n\n";
  }
  expect_random_cuts_agree<NdjsonReader>(small_options(300), paths, text);
  ReaderOptions touched = small_options(300);
  touched.json.touched = true;
  expect_random_cuts_agree<NdjsonReader>(touched, TestProjection({"a"}), text);
  expect_random_cuts_agree<NdjsonReader>(touched, TestProjection(), text);
  ReaderOptions strict = small_options(300);
  strict.reject_nul = strict.reject_invalid_utf8 = true;
  expect_random_cuts_agree<LinesReader>(strict, line, text);
  expect_random_cuts_agree<LinesReader>(small_options(50), line, text);
  expect_random_cuts_agree<BlocksReader>(small_options(300), data, text);
}

TEST(NdjsonReader, delivers_all_rows_of_wide_and_narrow_batches) {
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("c" + std::to_string(i));
  TestProjection wide(names);
  TestProjection narrow({"c7"});
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"c7\":" + std::to_string(i) + "}\n";
  ReaderOptions options;
  for (const Projection* projection : {&*wide, &*narrow}) {
    ReaderRoom<NdjsonReader> room(options, *projection);
    const std::string said = transcript_of(*room.get(), text, pieces_of(0), 3);
    EXPECT_NE(said.find("record 4999 "), std::string::npos);
    EXPECT_EQ(said.find("BROKEN"), std::string::npos);
    EXPECT_EQ(transcript_of(*room.get(), text, pieces_of(77), 4), said) << "a second input begins anew";
  }
}

TEST(NdjsonReader, reads_a_record_of_ten_megabytes) {
  TestProjection projection({"z"});
  ReaderOptions options;
  options.record_bytes_max = 10'000'000;
  const std::string big = "{\"a\":\"" + std::string(9'999'000, 'x') + "\",\"z\":1}";
  const std::string said = transcript_of<NdjsonReader>(options, projection, big + "\n{\"z\":2}\n", pieces_of(4096));
  EXPECT_TRUE(said.starts_with("record 0 at 0 next " + std::to_string(big.size() + 1) + " "));
  EXPECT_NE(said.find("} | 1\nrecord 1 at"), std::string::npos);
  options.record_bytes_max = 9'000'000;
  const std::string passed =
      first_words(transcript_of<NdjsonReader>(options, projection, big + "\n{\"z\":2}\n", pieces_of(4096)));
  EXPECT_TRUE(passed.starts_with("reject 0 W2201 at 0 size " + std::to_string(big.size() + 1) + " "));
  EXPECT_NE(passed.find("{\"z\":2} | 2\nend\n"), std::string::npos);
}

TEST(NdjsonReader, refuses_a_damaged_state) {
  TestProjection projection({"a"});
  ReaderRoom<NdjsonReader> room(small_options(), projection);
  const std::string text(200, 'x');
  RecordBatch batch;
  Error error;
  for (size_t at = 0; at < text.size(); at += 50) {
    ASSERT_EQ(room->read(batch, error), Step::kNeedInput);
    std::memcpy(room->window().room().data(), text.data(), 50);
    room->window().supply(50);
  }
  ASSERT_EQ(room->read(batch, error), Step::kNeedInput);
  std::vector<char> state(room->state_bytes_max());
  StateWriter writer(state);
  room->save(writer);
  ASSERT_TRUE(writer.ok());
  ASSERT_GT(writer.size(), 200u) << "in the middle of an oversize line";
  for (size_t size = 0; size < writer.size(); ++size) {
    ReaderRoom<NdjsonReader> other(small_options(), projection);
    StateReader reader({state.data(), size});
    EXPECT_FALSE(other->load(reader)) << size;
  }
}

TEST(LinesReader, keeps_every_line_as_it_stands) {
  TestProjection projection({"line", "!line"});
  projection.all();
  EXPECT_EQ(says<LinesReader>(small_options(), projection, "a\n\n\r\nb\rc\r\n\r\r\nd\r"),
            "record 0 at 0 next 2 a | a | a | a\n"
            "record 1 at 2 next 3  |  |  | \n"
            "record 2 at 3 next 5  |  |  | \n"
            "record 3 at 5 next 10 b\rc | b\rc | b\rc | b\rc\n"
            "record 4 at 10 next 13 \r | \r | \r | \r\n"
            "record 5 at 13 next 15 d\r | d\r | d\r | d\r\n"
            "end\n");
  EXPECT_EQ(says<LinesReader>(small_options(), projection, ""), "end\n");
}

TEST(LinesReader, rejects_nul_and_bad_utf8_where_asked) {
  TestProjection projection;
  ReaderOptions options = small_options();
  const std::string text = "a\0b\nc\xff\nd\xff\0\ne\0\xff\nf"s;
  EXPECT_EQ(first_words(says<LinesReader>(options, projection, text)),
            "record 0 at 0 next 4 a\0b\nrecord 1 at 4 next 7 c\xff\nrecord 2 at 7 next 11 d\xff\0\n"
            "record 3 at 11 next 15 e\0\xff\nrecord 4 at 15 next 16 f\nend\n"s);
  options.reject_nul = true;
  EXPECT_EQ(first_words(says<LinesReader>(options, projection, text)),
            "reject 0 W2209 at 0 size 4 detail 1 0\nrecord 1 at 4 next 7 c\xff\nreject 2 W2209 at 7 size 4 detail 2 0\n"
            "reject 3 W2209 at 11 size 4 detail 1 0\nrecord 4 at 15 next 16 f\nend\n");
  options.reject_invalid_utf8 = true;
  EXPECT_EQ(first_words(says<LinesReader>(options, projection, text)),
            "reject 0 W2209 at 0 size 4 detail 1 0\nreject 1 W2206 at 4 size 3 detail 1 0\nreject 2 W2206 at 7 size 4 "
            "detail 1 0\n"
            "reject 3 W2209 at 11 size 4 detail 1 0\nrecord 4 at 15 next 16 f\nend\n");
}

TEST(LinesReader, knows_its_one_column) {
  ReaderRoom<LinesReader> room(small_options(), TestProjection({"LINE"}));
  ASSERT_NE(room.get(), nullptr);
  ASSERT_EQ(room->schema().names.size(), 1u);
  EXPECT_EQ(room->schema().names[0], "line");
  EXPECT_TRUE(room->schema().fixed);
  for (const char* path : {"!LINE", "lines", "line.a", "other"}) {
    EXPECT_EQ(transcript_of<LinesReader>(small_options(), TestProjection({path}), "x"), "not made: W2011\n") << path;
  }
  EXPECT_EQ(transcript_of<BlocksReader>(small_options(), TestProjection({"line"}), "x"), "not made: W2011\n");
}

TEST(BlocksReader, cuts_by_size) {
  TestProjection projection({"data"});
  EXPECT_EQ(says<BlocksReader>(small_options(), projection, "abcdefg\nijklmn\0p"s),
            "record 0 at 0 next 7 abcdefg | abcdefg\nrecord 1 at 7 next 14 \nijklmn | \nijklmn\n"
            "record 2 at 14 next 16 \0p | \0p\nend\n"s);
  EXPECT_EQ(says<BlocksReader>(small_options(), projection, "abcdefg"),
            "record 0 at 0 next 7 abcdefg | abcdefg\nend\n");
  EXPECT_EQ(says<BlocksReader>(small_options(), projection, ""), "end\n");
  ReaderOptions options = small_options();
  options.block_bytes = 0;
  EXPECT_EQ(transcript_of<BlocksReader>(options, projection, "x"), "not made: W2003\n");
  options.block_bytes = 41;
  EXPECT_EQ(transcript_of<BlocksReader>(options, projection, "x"), "not made: W2005\n");
  options.block_bytes = 40;
  EXPECT_NE(says<BlocksReader>(options, projection, std::string(90, 'b')).find("record 2 at 80 next 90"),
            std::string::npos);
}

TEST(FileReader, takes_the_input_as_one_record) {
  TestProjection projection({"data"});
  EXPECT_EQ(says<FileReader>(small_options(), projection, "a\nb\r\n\xff"),
            "record 0 at 0 next 6 a\nb\r\n\xff | a\nb\r\n\xff\nend\n");
  EXPECT_EQ(says<FileReader>(small_options(), projection, ""), "end\n");
  EXPECT_EQ(says<FileReader>(small_options(), projection, std::string(40, 'x')).find("W2201"), std::string::npos);
  EXPECT_EQ(first_words(says<FileReader>(small_options(), projection, std::string(41, 'x'))),
            "reject 0 W2201 at 0 size 41 detail 0 0\nend\n");
  EXPECT_EQ(first_words(says<FileReader>(small_options(), projection, std::string(390, 'x'))),
            "reject 0 W2201 at 0 size 390 detail 0 0\nend\n");
}

}  // namespace
}  // namespace weir

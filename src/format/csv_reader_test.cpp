#include "format/csv_reader.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "record/field.hpp"

namespace weir {
namespace {

// Everything a reader says of an input, in a form that two runs can be compared by.
struct Read {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> names;
  std::vector<std::string> raw;
  std::vector<std::string> rejects;  ///< "code@byte+size#number"
  std::string error;
  bool operator==(const Read&) const = default;
};

struct Feed {
  std::vector<size_t> cuts;     ///< supplies end here; empty: as much as fits
  CsvScan scan = nullptr;
};

std::string decoded(const Column& column, std::string_view raw) {
  std::string_view plain;
  if (column.encoding == FieldEncoding::kPlain) return std::string(raw);
  if (field_is_plain(column, raw, plain)) return std::string(plain);
  std::string out(raw.size(), 0);
  out.resize(decode_csv(raw, column.quote, column.escape, out.data()));
  return out;
}

Read read_csv(const std::string& text, ReaderOptions options = {}, const Feed& feed = {}) {
  Projection projection;
  projection.all = true;
  std::vector<char> memory(CsvReader::memory_max(options, projection) + kAlignment);
  const size_t shift = kAlignment - reinterpret_cast<uintptr_t>(memory.data()) % kAlignment;
  auto made = CsvReader::make(options, projection, std::span<char>(memory).subspan(shift % kAlignment));
  EXPECT_TRUE(made);
  auto* reader = static_cast<CsvReader*>(*made);
  if (feed.scan != nullptr) reader->use_scan(feed.scan);
  reader->begin_source(0);
  Read result;
  size_t at = 0;
  size_t next_cut = 0;
  uint64_t numbered = 0;
  for (;;) {
    RecordBatch batch;
    Error error;
    const Step step = reader->read(batch, error);
    if (step == Step::kFinished) break;
    if (step == Step::kFailed) {
      result.error = std::to_string(static_cast<int>(error.code)) + "@" + std::to_string(error.byte) + "#" +
                     std::to_string(error.record);
      return result;
    }
    if (step == Step::kNeedInput) {
      while (next_cut < feed.cuts.size() && feed.cuts[next_cut] <= at) ++next_cut;
      size_t to = next_cut < feed.cuts.size() ? std::min(feed.cuts[next_cut], text.size()) : text.size();
      const auto room = reader->window().room();
      EXPECT_FALSE(room.empty());
      to = std::min(to, at + room.size());
      std::copy(text.begin() + static_cast<ptrdiff_t>(at), text.begin() + static_cast<ptrdiff_t>(to), room.begin());
      if (to > at) reader->window().supply(to - at);
      at = to;
      if (at == text.size()) reader->window().close();
      continue;
    }
    EXPECT_EQ(batch.first_record, numbered);
    numbered += batch.rows + batch.rejects.size();
    EXPECT_TRUE(batch.rows + batch.rejects.size() > 0);
    size_t reject = 0;
    for (uint32_t row = 0; row <= batch.rows; ++row) {
      for (; reject < batch.rejects.size() && batch.rejects[reject].rows_before == row; ++reject) {
        const ReaderReject& r = batch.rejects[reject];
        result.rejects.push_back(std::to_string(static_cast<int>(r.code)) + "@" + std::to_string(r.decoded_byte) + "+" +
                                 std::to_string(r.size) + "#" + std::to_string(batch.first_record + row + reject) +
                                 (r.hashed ? "h" : ""));
      }
      if (row == batch.rows) break;
      std::vector<std::string> fields;
      for (size_t c = batch.all_first; c < batch.columns.size(); ++c) {
        const Slice slice = batch.columns[c].slices[row];
        fields.push_back(slice.missing() ? "<missing>" : decoded(batch.columns[c], batch.bytes(slice)));
      }
      result.rows.push_back(std::move(fields));
      result.raw.emplace_back(batch.record(row));
    }
    EXPECT_EQ(reject, batch.rejects.size());
  }
  for (const std::string_view name : reader->schema().names) result.names.emplace_back(name);
  return result;
}

using Rows = std::vector<std::vector<std::string>>;

TEST(CsvReader, reads_the_ordinary_and_its_relatives) {
  struct Case {
    const char* claim;
    std::string text;
    Rows rows;
  };
  const Case cases[] = {
      {"plain", "a,b\n1,2\n", {{"1", "2"}}},
      {"no last line feed", "a,b\n1,2", {{"1", "2"}}},
      {"CRLF", "a,b\r\n1,2\r\n3,4\r\n", {{"1", "2"}, {"3", "4"}}},
      {"mixed line ends", "a,b\r\n1,2\n3,4\r\n", {{"1", "2"}, {"3", "4"}}},
      {"BOM",
       "\xef\xbb\xbf"
       "a,b\n1,2\n",
       {{"1", "2"}}},
      {"BOM and a quoted name", "\xef\xbb\xbf\"a\",b\n1,2\n", {{"1", "2"}}},
      {"quoted comma, quote, newline", "a,b\n\"x,y\",\"he said \"\"hi\"\"\nbye\"\n", {{"x,y", "he said \"hi\"\nbye"}}},
      {"quote inside an unquoted field", "a,b\n5\" nail,2\n", {{"5\" nail", "2"}}},
      {"text behind a closing quote", "a,b\n\"x\"y,2\n", {{"xy", "2"}}},
      {"empty fields", "a,b\n,\n", {{"", ""}}},
      {"empty lines are no records", "a,b\n\n1,2\n\r\n\n3,4\n\n", {{"1", "2"}, {"3", "4"}}},
      {"lone CR is data", "a,b\n1\r2,3\n", {{"1\r2", "3"}}},
      {"NUL is data", std::string("a,b\n1\0x,2\n", 10), {{std::string("1\0x", 3), "2"}}},
      {"quoted empty", "a\n\"\"\n", {{""}}},
      {"header only", "a,b\n", {}},
      {"nothing", "", {}},
  };
  for (const Case& c : cases) {
    const Read read = read_csv(c.text);
    EXPECT_EQ(read.rows, c.rows) << c.claim;
    EXPECT_EQ(read.error, "") << c.claim;
    EXPECT_TRUE(read.rejects.empty()) << c.claim;
  }
}

TEST(CsvReader, names_columns_by_header_given_names_or_number) {
  EXPECT_EQ(read_csv("a,,\"c,d\"\n1,2,3\n").names, (std::vector<std::string>{"a", "_2", "c,d"}));
  ReaderOptions options;
  options.csv.header = false;
  EXPECT_EQ(read_csv("1,2\n", options).names, (std::vector<std::string>{"_1", "_2"}));
  EXPECT_EQ(read_csv("1,2\n", options).rows, (Rows{{"1", "2"}}));
  const std::string_view names[] = {"x", "y"};
  options.csv.columns = names;
  EXPECT_EQ(read_csv("1,2\n", options).names, (std::vector<std::string>{"x", "y"}));
  options.csv.header = true;
  EXPECT_EQ(read_csv("a,b\n1,2\n", options).rows, (Rows{{"1", "2"}}));
}

TEST(CsvReader, ragged_rows_go_by_policy) {
  const std::string text = "a,b\n1\n1,2\n1,2,3\n4,5\n";
  Read read = read_csv(text);
  EXPECT_EQ(read.rows, (Rows{{"1", "2"}, {"4", "5"}}));
  EXPECT_EQ(read.rejects, (std::vector<std::string>{"2202@4+2#0", "2202@10+6#2"}));
  ReaderOptions options;
  options.csv.ragged = CsvOptions::Ragged::kPad;
  read = read_csv(text, options);
  EXPECT_EQ(read.rows, (Rows{{"1", "<missing>"}, {"1", "2"}, {"4", "5"}}));
  EXPECT_EQ(read.rejects, (std::vector<std::string>{"2202@10+6#2"}));
  options.csv.ragged = CsvOptions::Ragged::kError;
  EXPECT_EQ(read_csv(text, options).error, "3016@4#0");
}

TEST(CsvReader, an_oversize_record_is_passed_over_the_same_way_whatever_the_window) {
  for (const uint32_t window : {64u, 100u, 4096u, 65536u}) {
    ReaderOptions options;
    options.record_bytes_max = 50;
    options.window_bytes = window;
    const std::string big(3000, 'x');
    const Read read = read_csv(
        "a,b\n1,2\n" + big + ",y\n3,4\n" + std::string(48, 'z') + ",1\n" + std::string(49, 'z') + ",1\n", options);
    EXPECT_EQ(read.rows, (Rows{{"1", "2"}, {"3", "4"}, {std::string(48, 'z'), "1"}})) << window;
    EXPECT_EQ(read.rejects, (std::vector<std::string>{"2201@8+3003#1h", "2201@3066+52#4h"})) << window;
    EXPECT_EQ(read.error, "") << window;
  }
}

TEST(CsvReader, a_record_of_just_the_largest_size_waits_for_its_line_feed) {
  ReaderOptions options;
  options.record_bytes_max = 100;
  for (const size_t size : {99u, 100u, 101u}) {
    const std::string record(size, 'x');
    const std::string text = "a\n" + record + "\n1\n";
    const Read expected = size > 100 ? Read{{{"1"}}, {"a"}, {"1"}, {"2201@2+102#0"}, ""}
                                     : Read{{{record}, {"1"}}, {"a"}, {record, "1"}, {}, ""};
    Read got = read_csv(text, options, {{2 + size}});
    for (std::string& reject : got.rejects) reject = reject.substr(0, reject.find('h'));
    EXPECT_EQ(got, expected) << size;
  }
}

TEST(CsvReader, an_unclosed_quote_stops_at_the_quote_or_is_resynced) {
  for (const uint32_t window : {64u, 4096u}) {
    ReaderOptions options;
    options.record_bytes_max = 60;
    options.window_bytes = window;
    std::string text = "a,b\n1,2\nx,\"open\n";
    for (int i = 0; i < 40; ++i) text += std::to_string(i) + ",row\n";
    EXPECT_EQ(read_csv(text, options).error, "3009@10#1") << window;
    options.csv.resync = true;
    const Read read = read_csv(text, options);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.rejects, (std::vector<std::string>{"2208@8+8#1h"})) << window;
    EXPECT_EQ(read.rows.size(), 41u) << window;
  }
  EXPECT_EQ(read_csv("a,b\n1,\"2\n").error, "3009@6#0") << "the input ends inside the quotes";
}

TEST(CsvReader, too_many_columns_is_one_reject) {
  ReaderOptions options;
  options.csv.columns_max = 4;
  for (const size_t commas : {4u, 100u, 100000u}) {
    const Read read = read_csv("a,b\n" + std::string(commas, ',') + "\n1,2\n", options);
    EXPECT_EQ(read.rows, (Rows{{"1", "2"}})) << commas;
    EXPECT_EQ(read.rejects, (std::vector<std::string>{"2203@4+" + std::to_string(commas + 1) + "#0h"})) << commas;
  }
}

TEST(CsvReader, comments_and_escapes) {
  ReaderOptions options;
  options.csv.comment = "#";
  EXPECT_EQ(read_csv("# a \"comment\na,b\n#x,y,z\n1,2\n\"#\",3\n", options).rows, (Rows{{"1", "2"}, {"#", "3"}}));
  ReaderOptions escaped;
  escaped.csv.escape = '\\';
  EXPECT_EQ(read_csv("a,b\n\"x\\\"y\",2\n", escaped).rows, (Rows{{"x\"y", "2"}}));
}

TEST(CsvReader, refuses_utf16_and_a_header_too_large) {
  EXPECT_EQ(read_csv(std::string("\xff\xfe"
                                 "a\0,\0",
                                 6))
                .error,
            "2020@0#0");
  ReaderOptions options;
  options.csv.header_bytes_max = 10;
  EXPECT_EQ(read_csv("abcdefghijklmnop,b\n1,2\n", options).error, "3013@0#0");
}

std::string dirty(std::mt19937_64& random, size_t records) {
  std::string text = "a,b,c\n";
  for (size_t i = 0; i < records; ++i) {
    const size_t fields = random() % 12 == 0 ? 1 + random() % 5 : 3;
    for (size_t f = 0; f < fields; ++f) {
      if (f != 0) text += ',';
      const size_t kind = random() % 6;
      std::string body;
      const size_t length = random() % 4 == 0 ? random() % 90 : random() % 9;
      for (size_t k = 0; k < length; ++k) body += "abc xyz0123456789\xc3\xa9"[random() % 19];
      if (kind == 0) {
        text += '"';
        for (const char c : body)
          text += c == 'x'   ? std::string("\"\"")
                  : c == 'y' ? std::string(",")
                  : c == 'z' ? std::string("\n")
                             : std::string(1, c);
        text += '"';
        if (random() % 10 == 0) text += "tail";
      } else if (kind == 1 && !body.empty()) {
        body[body.size() / 2] = '"';
        text += body[0] == '"' ? "q" + body : body;
      } else {
        text += body;
      }
    }
    text += random() % 5 == 0 ? "\r\n" : "\n";
    if (random() % 20 == 0) text += "\n";
  }
  return text;
}

TEST(CsvReader, says_the_same_fed_a_byte_at_a_time_and_at_every_split) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 8; ++round) {
    const std::string text = "\xef\xbb\xbf" + dirty(random, 12);
    ReaderOptions options;
    options.record_bytes_max = 80;
    const Read whole = read_csv(text, options);
    Feed bytes;
    for (size_t i = 1; i < text.size(); ++i) bytes.cuts.push_back(i);
    EXPECT_EQ(read_csv(text, options, bytes), whole);
    for (size_t cut = 1; cut < text.size(); ++cut) {
      Feed one;
      one.cuts = {cut};
      ASSERT_EQ(read_csv(text, options, one), whole) << "split at " << cut;
    }
  }
}

TEST(CsvReader, says_the_same_for_random_splits_windows_and_kernels) {
  std::mt19937_64 random(99);
  CsvScanKernel kernels[8];
  const size_t count = csv_scan_kernels(kernels, 8);
  for (int round = 0; round < 30; ++round) {
    const std::string text = dirty(random, 2000);
    ReaderOptions options;
    options.record_bytes_max = 200;
    const Read whole = read_csv(text, options);
    for (size_t k = 0; k < count; ++k) {
      Feed feed;
      feed.scan = kernels[k].scan;
      for (size_t cut = 1; cut < text.size(); cut += 1 + random() % 3000) feed.cuts.push_back(cut);
      ReaderOptions small = options;
      small.window_bytes = 64 + static_cast<uint32_t>(random() % 5000);
      ASSERT_EQ(read_csv(text, small, feed), whole) << kernels[k].name << " round " << round;
    }
  }
}

TEST(CsvReader, says_the_same_of_records_and_rejects_when_no_field_is_named) {
  std::mt19937_64 random(101);
  CsvScanKernel kernels[8];
  const size_t count = csv_scan_kernels(kernels, 8);
  for (int round = 0; round < 40; ++round) {
    // Some records too large, some of too many fields, some lines of delimiters alone, and an end without a line feed.
    std::string text = dirty(random, 500);
    text += std::string(random() % 40, ',') + "\n" + dirty(random, 500) + std::string(random() % 600, ',');
    ReaderOptions options;
    options.record_bytes_max = 200;
    options.csv.columns_max = 20;
    Read whole = read_csv(text, options);
    whole.rows.assign(whole.rows.size(), {});
    options.raw_only = true;
    ASSERT_EQ(read_csv(text, options), whole) << "round " << round;
    for (size_t k = 0; k < count; ++k) {
      Feed feed;
      feed.scan = kernels[k].scan;
      for (size_t cut = 1; cut < text.size(); cut += 1 + random() % 3000) feed.cuts.push_back(cut);
      options.window_bytes = 64 + static_cast<uint32_t>(random() % 5000);
      ASSERT_EQ(read_csv(text, options, feed), whole) << kernels[k].name << " round " << round;
    }
  }
}

// The independent oracle: Python's csv module reads the same bytes.
TEST(CsvReader, reads_dirty_data_as_pythons_csv_module_does) {
  std::mt19937_64 random(4711);
  const std::string folder = testing::TempDir();
  for (int round = 0; round < 3; ++round) {
    std::string text = dirty(random, 3000);
    const std::string path = folder + "/weir_csv_oracle.csv";
    {
      std::ofstream file(path, std::ios::binary);
      file << text;
    }
    const std::string command =
        "python3 -c \"import csv,sys\n"
        "out=sys.stdout.buffer\n"
        "for r in csv.reader(open('" +
        path +
        "',newline='',encoding='latin-1')):\n"
        "  if r: out.write(('%d:' % len(r) + ''.join('%d,%s' % (len(f),f) for f in r)).encode('latin-1'))\"";
    FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string expected;
    char buffer[65536];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) != 0;) expected.append(buffer, n);
    ASSERT_EQ(pclose(pipe), 0) << "python3 is needed for this test";
    ReaderOptions options;
    options.csv.ragged = CsvOptions::Ragged::kPad;
    options.csv.header = false;
    const std::string_view columns[] = {"1", "2", "3", "4", "5", "6"};
    options.csv.columns = columns;
    const Read read = read_csv(text, options);
    ASSERT_EQ(read.error, "");
    ASSERT_TRUE(read.rejects.empty());
    std::string ours;
    for (const auto& row : read.rows) {
      size_t fields = 0;
      std::string body;
      for (const auto& field : row) {
        if (field == "<missing>") continue;
        ++fields;
        body += std::to_string(field.size()) + "," + field;
      }
      ours += std::to_string(fields) + ":" + body;
    }
    ASSERT_EQ(ours, expected);
  }
}

}  // namespace
}  // namespace weir

// Every reader and writer in a room of just memory_max bytes between guard pages: driven to its worst case it stays inside, and little
// of the room is left untouched.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/reader.hpp"
#include "format/writer.hpp"
#include "format/writer_test_support.hpp"
#include "testing/measured_room.hpp"

namespace weir {
namespace {

using testing::MeasuredRoom;

constexpr double kUsedLeast = 95;

/// Feeds the reader as much as its window takes each time, and looks at every byte that a batch shows.
struct Fed {
  uint64_t rows = 0;
  uint64_t rejects = 0;
  Code code = Code::kOk;
};
Fed feed(RecordReader& reader, std::string_view text) {
  Fed fed;
  reader.begin_source(0);
  size_t at = 0;
  for (;;) {
    RecordBatch batch;
    Error error;
    switch (reader.read(batch, error)) {
      case Step::kHaveOutput:
        fed.rows += batch.rows;
        fed.rejects += batch.rejects.size();
        break;
      case Step::kNeedInput: {
        if (at == text.size()) {
          reader.window().close();
          break;
        }
        const std::span<char> room = reader.window().room();
        const size_t take = std::min(room.size(), text.size() - at);
        text.copy(room.data(), take, at);
        reader.window().supply(take);
        at += take;
        break;
      }
      case Step::kFinished:
        return fed;
      default:
        fed.code = error.code;
        return fed;
    }
  }
}

// Paths a0, a1, ...; every one of `steps` steps.
struct Paths {
  explicit Paths(uint32_t count, uint32_t depth = 1) {
    for (uint32_t i = 0; i < count; ++i) names.push_back("a" + std::to_string(i));
    for (uint32_t i = 0; i < count; ++i) {
      std::vector<PathStep> path;
      for (uint32_t s = 0; s < depth; ++s) path.push_back({names[i], -1});
      steps.push_back(std::move(path));
    }
    for (const auto& path : steps) paths.push_back({.steps = path});
  }
  std::vector<std::string> names;
  std::vector<std::vector<PathStep>> steps;
  std::vector<FieldPath> paths;
};

void expect_used(const MeasuredRoom& memory, const std::string& name, double least = kUsedLeast) {
  constexpr size_t kNoMatter = 2048;  // the writers' cursor is as large as the worst of them needs
  EXPECT_TRUE(memory.intact()) << name;
  const double share = memory.report(name.c_str());
  if (memory.size() - memory.touched() > kNoMatter) {
    EXPECT_GE(share, least) << name;
  }
}

/// Runs all the texts through readers made in one room, one after the other.
void hold_reader(const std::string& name, const ReaderOptions& options, const Projection& projection,
                 const std::vector<std::string>& texts, double least = kUsedLeast) {
  const MeasuredRoom memory(reader_memory_max(options, projection));
  for (const std::string& text : texts) {
    const auto reader = make_reader(options, projection, memory.room());
    ASSERT_TRUE(reader) << name;
    const Fed fed = feed(**reader, text);
    EXPECT_TRUE(fed.rows + fed.rejects > 0 && fed.code == Code::kOk) << name << " W" << static_cast<int>(fed.code);
  }
  expect_used(memory, name, least);
}

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// Lines behind `head`: many small ones, the largest record there may be, one that is too large, many that are bad. The largest
/// begins `shift` bytes behind where a supply begins, so that all of it but its end is there before the last supply.
std::string lines_of(const ReaderOptions& options, std::string head, std::string_view small, const std::string& bad,
                     const std::function<std::string(size_t)>& large, size_t shift = 0) {
  const std::string end = "\n";
  head += repeated(small, 6000);
  const size_t pad = options.window_bytes - (head.size() + 4096) % options.window_bytes + 4096 + shift;
  head += large(pad - 1) + end;
  EXPECT_EQ(head.size() % options.window_bytes, shift);
  return head + large(options.record_bytes_max) + end + repeated(small, 300'000 / small.size()) +
         large(options.record_bytes_max + 100'000) + end + repeated(bad, 300) + repeated(small, 3000);
}

TEST(FormatMemory, the_csv_reader_stays_in_its_room_and_uses_it) {
  ReaderOptions options;
  options.format = Format::kCsv;
  const auto field = [](size_t size) { return std::string(size, 'x'); };
  const std::string header_of_many = [&] {  // one long name, the others made up
    return std::string(options.csv.header_bytes_max - options.csv.columns_max + 1, 'n') +
           std::string(options.csv.columns_max - 1, ',') + "\n";
  }();
  const std::string widest = std::string(options.csv.columns_max - 1, ',') + "\n";
  for (const uint32_t count : {0u, 1u, 3u, 16u, 40u, 400u}) {
    const Paths paths(count);
    for (const bool all : {false, true}) {
      for (const bool raw_only : {false, true}) {
        if ((raw_only && !all) || (!all && count == 0)) continue;
        options.raw_only = raw_only;
        const Projection projection{paths.paths, all};
        std::string header = "a0";
        std::string row = "1";
        for (uint32_t i = 1; i < count; ++i) {
          header += ",a" + std::to_string(i);
          row += ",";
        }
        std::vector<std::string> texts;
        texts.push_back(lines_of(options, header + "\n", row + "\n", "b" + repeated(",", 500) + "\n",
                                 [&](size_t size) { return field(size - (row.size() - 1)) + row.substr(1); }));
        // Many columns, found by place so that their names may be made up.
        std::vector<FieldPath> places;
        for (uint32_t i = 0; i < count; ++i) places.push_back({.ordinal = static_cast<int32_t>(i)});
        const Projection by_place{places, all};
        const MeasuredRoom memory(reader_memory_max(options, projection));
        ASSERT_EQ(reader_memory_max(options, by_place), memory.size());
        for (const std::string& text :
             {texts[0], header_of_many + repeated(widest, 200) + std::string(100'000, ',') + "\n"}) {
          const auto reader = make_reader(options, text == texts[0] ? projection : by_place, memory.room());
          ASSERT_TRUE(reader);
          const Fed fed = feed(**reader, text);
          EXPECT_EQ(fed.code, Code::kOk);
          EXPECT_GT(fed.rows, 100u);
          EXPECT_GT(fed.rejects, 0u);
        }
        expect_used(memory,
                    "csv reader, " + std::to_string(count) + " columns" + (all ? raw_only ? ", raw" : ", *" : ""));
      }
    }
  }
}

TEST(FormatMemory, the_csv_reader_stays_in_its_room_with_small_bounds) {
  for (const uint32_t columns_max : {1u, 2u, 65u, 65'536u}) {
    for (const uint32_t record_max : {1u, 64u, 300'000u}) {
      for (const uint32_t window : {64u, 4096u}) {
        ReaderOptions options;
        options.csv.columns_max = columns_max;
        options.record_bytes_max = record_max;
        options.window_bytes = window;
        options.csv.header = false;
        const Projection projection{{}, true};
        const MeasuredRoom memory(reader_memory_max(options, projection));
        const std::string wide = std::string(columns_max - 1, ',') + "\n";
        for (const std::string& text : {repeated("x\n", 5000), repeated(wide, 20), std::string(200'000, ',') + "\n1\n",
                                        std::string(500'000, 'x') + "\n2\n", "\"" + std::string(400'000, 'q') + "\n"}) {
          const auto reader = make_reader(options, projection, memory.room());
          ASSERT_TRUE(reader);
          (void)feed(**reader, text);
        }
        EXPECT_TRUE(memory.intact()) << columns_max << " " << record_max << " " << window;
      }
    }
  }
}

TEST(FormatMemory, the_json_readers_stay_in_their_rooms_and_use_them) {
  for (const Format format : {Format::kNdjson, Format::kJson}) {
    ReaderOptions options;
    options.format = format;
    for (const uint32_t count : {0u, 1u, 5u, 16u, 100u}) {
      for (const uint32_t steps : {1u, 8u}) {
        const Paths paths(count, steps);
        const Projection projection{paths.paths, count == 0};
        // Every member that is asked for, as deep as it is.
        std::string small = "{";
        for (uint32_t i = 0; i < count; ++i) {
          std::string member = "1";
          for (uint32_t s = 0; s < steps; ++s) {
            member = "\"" + paths.names[i] + "\":" + member;
            if (s + 1 < steps) member = "{" + member + "}";
          }
          small += (i != 0 ? "," : "") + member;
        }
        small += "}";
        const auto large = [&](size_t size) { return "{\"x\":\"" + std::string(size - 8, 'y') + "\"}"; };
        std::string text = lines_of(options, format == Format::kJson ? "[" : "", small + "\n", "{\"a\":tru}\n", large,
                                    format == Format::kJson ? 1 : 0) +
                           repeated("{}\n", 6000);
        if (format == Format::kJson) {
          for (char& c : text) c = c == '\n' ? ',' : c;
          text += small + "]";
        }
        hold_reader(std::string(format_name(format)) + " reader, " + std::to_string(count) + " paths of " +
                        std::to_string(steps),
                    options, projection, {text});
      }
    }
  }
}

TEST(FormatMemory, the_readers_of_one_column_stay_in_their_rooms_and_use_them) {
  ReaderOptions options;
  const Projection projection{{}, true};
  options.reject_nul = true;
  options.format = Format::kLines;
  hold_reader(
      "lines reader", options, projection,
      {lines_of(options, "", "l\n", std::string("b\0d\n", 4), [](size_t size) { return std::string(size, 'x'); })});
  options.format = Format::kBlocks;
  options.block_bytes = 64;
  const std::string blocks = std::string(3 << 20, 'b');
  hold_reader("blocks reader, small blocks", options, projection, {blocks});
  options.block_bytes = 3 * options.window_bytes + 1;  // a byte more than three supplies
  hold_reader("blocks reader, large blocks", options, projection, {blocks});
  options.format = Format::kFile;
  hold_reader("file reader", options, projection,
              {std::string(options.record_bytes_max, 'f'), std::string(options.record_bytes_max + 300'000, 'f')});
}

// ---- writers ------------------------------------------------------------------------------------------------------------

void hold_writer(const std::string& name, const WriterOptions& options, const std::vector<std::string_view>& names,
                 const std::vector<WriteColumn>& columns, size_t columns_max, size_t names_bytes_max,
                 test::TestBatch& rows, double least = kUsedLeast) {
  const MeasuredRoom memory(writer_memory_max(options, columns_max, names_bytes_max));
  RecordWriter* const writer = make_writer(options, columns_max, names_bytes_max, memory.room());
  const Schema schema{names, options.format == WriterFormat::kCsv || !names.empty()};
  const Status begun = writer->begin(schema, columns);
  ASSERT_TRUE(begun) << name << " " << begun.error().detail.view();
  writer->open_object();
  const RecordBatch& batch = rows.batch();
  std::vector<uint16_t> selected;
  for (uint32_t row = 0; row < batch.rows; ++row) selected.push_back(static_cast<uint16_t>(row));
  const WriteRows write{&batch, selected, nullptr, 0};
  uint32_t next = 0;
  std::vector<char> room(4096);  // so small that large records go by the cursor
  for (WriteResult result; next < selected.size();) {
    result = writer->write(write, next, ~uint64_t{0}, room);
    next = result.stop == WriteStop::kRowFailed ? result.next + 1 : result.next;
  }
  while (writer->close_object(room) != 0) {
  }
  expect_used(memory, name, least);
}

TEST(FormatMemory, the_writers_stay_in_their_rooms_and_use_them) {
  using Kind = test::TestBatch::Kind;
  // Names that come out as long as they can: quotes that are doubled, control characters that take six bytes.
  struct Case {
    const char* name;
    WriterFormat format;
    char worst;
    double least;
  };
  for (const Case& c :
       {Case{"csv writer", WriterFormat::kCsv, '"', 95}, Case{"ndjson writer", WriterFormat::kNdjson, '\x01', 95},
        Case{"json writer", WriterFormat::kJson, '\x01', 95}}) {
    for (const size_t count : {size_t{1}, size_t{20}, size_t{4096}}) {
      const size_t names_bytes = count == 4096 ? 64u << 10 : 40 * count;
      WriterOptions options;
      options.format = c.format;
      const std::vector<std::string> texts(count, std::string(names_bytes / count, c.worst));
      std::vector<std::string_view> names(texts.begin(), texts.end());
      test::TestBatch rows(std::vector<Kind>(count, Kind{FieldEncoding::kPlain}));
      for (const size_t size : {1, 5, 20'000}) {
        test::Fields fields(count, std::string(count > 100 ? size % 20 : size, c.worst));
        rows.add(fields, "{}");
      }
      hold_writer(std::string(c.name) + ", * of " + std::to_string(count) + " columns", options, names,
                  {{.star = true}}, count, names_bytes, rows, c.least);
      std::vector<WriteColumn> columns;
      for (size_t i = 0; i < count; ++i) columns.push_back({names[i], static_cast<int32_t>(i)});
      hold_writer(std::string(c.name) + ", " + std::to_string(count) + " columns named", options, names, columns, count,
                  names_bytes, rows, c.least);
    }
  }
  // Records copied as they came: the header is all there is.
  WriterOptions raw;
  raw.format = WriterFormat::kCsv;
  raw.raw_records = true;
  const std::vector<std::string> texts(4096, std::string(16, '"'));
  test::TestBatch rows({Kind{FieldEncoding::kCsv}});
  rows.add({"1"}, std::string(20'000, 'r'));
  hold_writer("csv writer, raw records", raw, {texts.begin(), texts.end()}, {{.star = true}}, 4096, 64u << 10, rows);
  for (const WriterFormat format : {WriterFormat::kLines, WriterFormat::kRaw}) {
    WriterOptions options;
    options.format = format;
    test::TestBatch lines({Kind{FieldEncoding::kPlain}});
    lines.add({std::string(20'000, 'l')});
    hold_writer(format == WriterFormat::kLines ? "lines writer" : "raw writer", options, {"line"}, {{"line", 0}}, 1, 8,
                lines, 85);
  }
}

TEST(FormatMemory, a_writer_refuses_more_than_was_planned) {
  WriterOptions options;
  options.format = WriterFormat::kCsv;
  const std::vector<std::string_view> names = {"aa", "bb", "cc"};
  const WriteColumn star[] = {{.star = true}};
  for (const bool raw : {false, true}) {
    options.raw_records = raw;
    const MeasuredRoom memory(writer_memory_max(options, 3, 5));
    EXPECT_FALSE(make_writer(options, 3, 5, memory.room())->begin({names, true}, star)) << "names longer than planned";
    const MeasuredRoom enough(writer_memory_max(options, 3, 6));
    EXPECT_TRUE(make_writer(options, 3, 6, enough.room())->begin({names, true}, star));
    EXPECT_TRUE(memory.intact() && enough.intact());
    const MeasuredRoom few(writer_memory_max(options, 2, 6));
    EXPECT_FALSE(make_writer(options, 2, 6, few.room())->begin({names, true}, star)) << "more columns than planned";
  }
}

}  // namespace
}  // namespace weir

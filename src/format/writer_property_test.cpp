// The writers against Python's json and csv, and against themselves in rooms of any size.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "format/writer_test_support.hpp"
#include "testing/source_dir.hpp"

namespace weir::test {
namespace {

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    hex += "0123456789abcdef"[c & 15];
  }
  return hex;
}

/// What a field means, for the oracle.
std::string meant(std::string_view kind, std::string_view text) {
  return "[\"" + std::string(kind) + "\",\"" + hex_of(text) + "\"]";
}
const std::string kMeantNull = "[\"null\"]";

struct Random {
  std::mt19937 engine;
  uint32_t below(uint32_t n) { return n == 0 ? 0 : engine() % n; }
  bool one_in(uint32_t n) { return below(n) == 0; }
  std::string_view pick(std::initializer_list<std::string_view> list) {
    return list.begin()[below(static_cast<uint32_t>(list.size()))];
  }
};

/// Valid UTF-8; now and then of many bytes, or of all that must be escaped.
std::string random_text(Random& random, bool csv) {
  uint32_t parts = random.one_in(3) ? random.below(3) : random.below(20);
  if (random.one_in(60)) parts = 200 + random.below(3000);
  const bool dirty = random.one_in(3);
  std::string text;
  for (; parts != 0; --parts) {
    if (dirty) {
      // Python's csv gives NUL back, but not to every version's liking.
      text += random.pick({"\"", "\\", ",", ";", "\t", "\n", "\r", "\x01", "\x1f", "\x7f", "a", " ", "\xc3\xa9",
                           "\xf0\x9f\x98\x80", "'"});
    } else {
      text += random.pick({"a", "word ", "x", " ", "Zo\xc3\xab", "0", "-", "some more text "});
    }
  }
  if (csv && random.one_in(4) && !text.empty()) text = text.substr(0, 1);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
  return text;
}

std::string quoted_csv(std::string_view text, char quote, char escape) {
  std::string raw(1, quote);
  for (const char c : text) {
    if (c == quote || c == escape) raw += escape;
    raw += c;
  }
  return raw + quote;
}

std::string quoted_json(Random& random, std::string_view text) {
  std::string raw = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      raw += '\\';
      raw += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || (c == 'a' && random.one_in(3))) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(c));
      raw += escape;
    } else {
      raw += c;
    }
  }
  return raw + '"';
}

std::string random_json(Random& random, int depth) {
  const auto blank = [&] { return std::string(random.one_in(3) ? random.below(4) : 0, " \t\n\r"[random.below(4)]); };
  const uint32_t kind = random.below(depth == 0 ? 4 : 6);
  if (kind == 0) return std::string(random.pick({"null", "true", "false"}));
  if (kind == 1) return std::string(random.pick({"0", "-1.50", "1e3", "12345678901234567890.1", "7"}));
  if (kind <= 3) return quoted_json(random, random_text(random, false));
  std::string raw = (kind == 4 ? "[" : "{") + blank();
  for (uint32_t i = 0, n = random.below(4); i < n; ++i) {
    if (i != 0) raw += "," + blank();
    if (kind == 5) raw += quoted_json(random, random_text(random, true)) + blank() + ":" + blank();
    raw += random_json(random, depth - 1) + blank();
  }
  return raw + (kind == 4 ? "]" : "}");
}

/// A job with random rows, and what it means.
struct Case {
  Job job;
  std::unique_ptr<TestBatch> batch;
  std::vector<std::string> names;
  std::vector<std::unique_ptr<std::string>> texts;  ///< of the values
  std::vector<std::vector<std::string>> rows;       ///< meanings
  bool bad = false;                                 ///< some rows can't be written
};

std::optional<std::string> random_field(Random& random, const TestBatch::Kind& kind, std::string& meaning) {
  meaning = kMeantNull;
  if (random.one_in(10)) return std::nullopt;
  if (kind.encoding == FieldEncoding::kJson) {
    const std::string raw = random_json(random, 2);
    meaning = meant("json", raw);
    return raw;
  }
  const std::string text = random_text(random, true);
  meaning = meant("text", text);
  if (kind.encoding == FieldEncoding::kPlain || kind.quote == 0) return text;
  const bool must = !text.empty() && text[0] == kind.quote;
  return must || random.one_in(2) ? quoted_csv(text, kind.quote, kind.escape) : text;
}

Value random_value(Random& random, Case& made, std::string& meaning) {
  const auto keep = [&](std::string text) {
    return std::string_view(*made.texts.emplace_back(std::make_unique<std::string>(std::move(text))));
  };
  switch (random.below(6)) {
    case 0:
      meaning = kMeantNull;
      return Value::null();
    case 1: {
      const bool b = random.one_in(2);
      meaning = meant("json", b ? "true" : "false");
      return Value::of_bool(b);
    }
    case 2: {
      const int64_t i = static_cast<int32_t>(random.engine());
      meaning = meant("number", std::to_string(i));
      return Value::of_int(i);
    }
    case 3: {
      Value value = Value::of_double(1.5);
      const std::string_view lexeme = keep("1.50e0");
      value.has_lexeme = true;
      value.lexeme = lexeme.data();
      value.size = static_cast<uint32_t>(lexeme.size());
      meaning = meant("number", lexeme);
      return value;
    }
    case 4: {
      const std::string_view text = keep(random_text(random, true));
      meaning = meant("text", text);
      return Value::of_text(text);
    }
    default: {
      const std::string_view json = keep("[" + random_json(random, 2) + " ]");
      meaning = meant("json", json);
      return Value::of_text(json, Type::kJson);
    }
  }
}

Case random_case(uint32_t seed, bool may_fail) {
  Random random{std::mt19937(seed)};
  Case made;
  WriterOptions& options = made.job.options;
  options.format = std::initializer_list<WriterFormat>{WriterFormat::kCsv, WriterFormat::kNdjson, WriterFormat::kJson}
                       .begin()[random.below(3)];
  options.delimiter = ",;\t"[random.below(3)];
  options.header = !random.one_in(3);
  if (random.one_in(2)) options.batch_records_max = 1 + random.below(6);
  if (random.one_in(2)) options.batch_bytes_max = 1 + random.below(3000);
  if (random.one_in(2)) made.job.unit_bytes = 1 + random.below(5000);

  std::vector<TestBatch::Kind> kinds;
  for (uint32_t n = 1 + random.below(4); n != 0; --n) {
    switch (random.below(5)) {
      case 0:
        kinds.push_back({FieldEncoding::kPlain});
        break;
      case 1:
        kinds.push_back({FieldEncoding::kJson});
        break;
      case 2:
        kinds.push_back({FieldEncoding::kCsv, random.one_in(2) ? '"' : '\'', '\\'});
        break;
      default:
        kinds.push_back({FieldEncoding::kCsv});
    }
  }
  made.batch = std::make_unique<TestBatch>(kinds);
  const uint32_t computed = random.below(3);
  made.job.computed.resize(computed);
  const uint32_t columns = static_cast<uint32_t>(kinds.size()) + computed;
  for (uint32_t c = 0; c < columns; ++c)
    made.names.push_back(std::to_string(c) + random_text(random, true).substr(0, 300));
  for (std::string& name : made.names) {
    while (name.size() > 1 && (static_cast<unsigned char>(name.back()) >= 0x80)) name.pop_back();
  }
  for (uint32_t c = 0; c < columns; ++c) {
    WriteColumn column{.name = made.names[c]};
    (c < kinds.size() ? column.field : column.computed) = static_cast<int32_t>(c < kinds.size() ? c : c - kinds.size());
    made.job.columns.push_back(column);
  }
  const bool json = options.format != WriterFormat::kCsv;
  for (uint32_t rows = random.below(12), r = 0; r < rows; ++r) {
    std::vector<std::string> meanings(columns);
    Fields fields;
    for (uint32_t c = 0; c < kinds.size(); ++c) fields.push_back(random_field(random, kinds[c], meanings[c]));
    for (uint32_t c = 0; c < computed; ++c)
      made.job.computed[c].push_back(random_value(random, made, meanings[kinds.size() + c]));
    bool bad = false;
    if (may_fail && json && kinds.back().encoding != FieldEncoding::kJson && random.one_in(4)) {
      fields.back() = std::string(random.below(600), 'x') + "\xc3";
      bad = made.bad = true;
    }
    made.batch->add(fields);
    if (random.one_in(6)) continue;  // filtered
    made.job.selected.push_back(static_cast<uint16_t>(r));
    if (!bad) made.rows.push_back(meanings);
  }
  return made;
}

std::string oracle_line(const Case& made, std::string_view output) {
  static constexpr const char* kFormats[] = {"csv", "ndjson", "json"};
  const WriterOptions& options = made.job.options;
  std::string line = std::string("{\"format\":\"") + kFormats[static_cast<int>(options.format)] +
                     "\",\"delimiter\":\"" + (options.delimiter == '\t' ? "\\t" : std::string(1, options.delimiter)) +
                     "\",\"header\":" + (options.header ? "true" : "false") + ",\"output\":\"" + hex_of(output) +
                     "\",\"names\":[";
  for (size_t i = 0; i < made.names.size(); ++i) line += (i == 0 ? "\"" : ",\"") + hex_of(made.names[i]) + "\"";
  line += "],\"rows\":[";
  for (size_t r = 0; r < made.rows.size(); ++r) {
    line += r == 0 ? "[" : ",[";
    for (size_t c = 0; c < made.rows[r].size(); ++c) line += (c == 0 ? "" : ",") + made.rows[r][c];
    line += "]";
  }
  return line + "]}\n";
}

TEST(WriterProperty, python_reads_what_was_meant) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) FAIL() << "python3 is needed for this test";
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("weir_writer_" + std::to_string(::getpid()));
  std::FILE* out = std::fopen(file.c_str(), "w");
  ASSERT_NE(out, nullptr);
  for (uint32_t seed = 1; seed <= 800; ++seed) {
    Case made = random_case(seed, true);
    if (made.batch->rows() == 0) continue;
    if (made.rows.empty()) continue;
    const Written written = run_job(made.job, *made.batch);
    const std::string line = oracle_line(made, written.bytes);
    ASSERT_EQ(std::fwrite(line.data(), 1, line.size(), out), line.size());
  }
  ASSERT_EQ(std::fclose(out), 0);
  const std::string script = testing::source_file("src/format/writer_oracle.py");
  EXPECT_EQ(std::system(("python3 '" + script + "' '" + file.string() + "'").c_str()), 0);
  std::filesystem::remove(file);
}

TEST(WriterProperty, rooms_change_no_byte_no_batch_and_no_unit) {
  uint32_t failed = 0;
  for (uint32_t seed = 1; seed <= 500; ++seed) {
    Case made = random_case(seed, true);
    if (made.batch->rows() == 0) continue;
    const Written whole = run_job(made.job, *made.batch);
    failed += whole.failed.empty() ? 0 : 1;
    for (const RoomSizes& sizes : {rooms_of(64), rooms_of(4096), random_rooms(seed, 64, 400),
                                   random_rooms(seed, 64, 9000), random_rooms(seed, 1, 80)}) {
      ASSERT_EQ(run_job(made.job, *made.batch, sizes), whole) << seed;
    }
  }
  EXPECT_GT(failed, 20u);
}

TEST(WriterProperty, no_batch_is_larger_than_its_limits) {
  for (uint32_t seed = 1; seed <= 800; ++seed) {
    Case made = random_case(seed, false);
    if (made.batch->rows() == 0) continue;
    const WriterOptions& options = made.job.options;
    const Written written = run_job(made.job, *made.batch);
    size_t begin = 0;
    for (size_t b = 0; b < written.batch_ends.size(); ++b) {
      if (options.batch_bytes_max != 0 && written.batch_records[b] > 1) {
        EXPECT_LE(written.batch_ends[b] - begin, options.batch_bytes_max) << seed;
      }
      if (options.batch_records_max != 0) {
        EXPECT_LE(written.batch_records[b], options.batch_records_max);
      }
      begin = written.batch_ends[b];
    }
    EXPECT_EQ(begin, written.batch_ends.empty() ? 0 : written.bytes.size()) << seed;
  }
}

TEST(WriterProperty, batches_are_as_large_as_the_byte_limit_lets_them) {
  // Records of 12 bytes with their line feed; arrays: 1 + 11, then 2 + 11 each, and 2 at the end.
  for (const WriterFormat format : {WriterFormat::kNdjson, WriterFormat::kJson}) {
    TestBatch batch({{FieldEncoding::kPlain}});
    for (int i = 0; i < 20; ++i) batch.add({"abc"});
    for (uint64_t limit = 1; limit < 80; ++limit) {
      for (const size_t room : {size_t{64}, size_t{1000}}) {
        Job job;
        job.options.format = format;
        job.options.batch_bytes_max = limit;
        job.columns = {{.name = "n", .field = 0}};
        const Written written = run_job(job, batch, rooms_of(room));
        const bool json = format == WriterFormat::kJson;
        const uint64_t expected = json ? (limit < 14 ? 1 : 1 + (limit - 14) / 13) : (limit < 12 ? 1 : limit / 12);
        ASSERT_EQ(written.batch_records[0], std::min<uint64_t>(expected, 20)) << limit << " " << room;
      }
    }
  }
}

TEST(WriterProperty, units_end_behind_the_record_that_reaches_them) {
  TestBatch batch({{FieldEncoding::kPlain}});
  for (int i = 0; i < 6; ++i) batch.add({"abc"});  // 12 bytes each
  for (const size_t room : {5, 64, 1000}) {
    Job job;
    job.columns = {{.name = "n", .field = 0}};
    job.unit_bytes = 24;
    EXPECT_EQ(run_job(job, batch, rooms_of(room)).unit_ends, (std::vector<size_t>{24, 48, 72})) << room;
    job.unit_bytes = 25;
    EXPECT_EQ(run_job(job, batch, rooms_of(room)).unit_ends, (std::vector<size_t>{36, 72})) << room;
    job.unit_bytes = 23;
    EXPECT_EQ(run_job(job, batch, rooms_of(room)).unit_ends, (std::vector<size_t>{24, 48, 72})) << room;
  }
}

TEST(WriterProperty, a_full_batch_is_told_at_once_and_only_after_a_full_unit) {
  TestBatch batch({{FieldEncoding::kPlain}});
  for (int i = 0; i < 2; ++i) batch.add({"abc"});
  WriterOptions options;
  options.batch_records_max = 2;
  const WriteColumn columns[] = {{.name = "n", .field = 0}};
  const uint16_t rows[] = {0, 1};
  for (const uint64_t unit : {uint64_t{24}, uint64_t{1000}}) {
    WriterBox writer(options);
    ASSERT_TRUE(writer->begin({}, columns));
    writer->open_object();
    char room[512];
    WriteResult result = writer->write({&batch.batch(), rows, nullptr, 0}, 0, unit, room);
    if (unit == 24) {
      EXPECT_EQ(result.stop, WriteStop::kUnitFull);
      result = writer->write({&batch.batch(), rows, nullptr, 0}, result.next, unit, room);
      EXPECT_EQ(result.bytes, 0u);
    }
    EXPECT_EQ(result.stop, WriteStop::kBatchFull);
    EXPECT_EQ(result.next, 2u);
    EXPECT_EQ(writer->batch_records(), 2u);
    EXPECT_EQ(writer->batch_bytes(), 24u);
    EXPECT_EQ(writer->end_batch(room), 0u);
    EXPECT_EQ(writer->batch_records(), 0u);
    EXPECT_EQ(writer->batch_bytes(), 0u);
  }
}

TEST(WriterProperty, whole_records_are_never_cut_and_leave_room_for_the_end_of_the_batch) {
  TestBatch batch({{FieldEncoding::kPlain}});
  const std::string longest(3000, '\x02');  // bound and size are the same: 6 bytes each
  batch.add({"abc"});
  batch.add({longest});
  for (size_t size = 18000; size < 18200; ++size) {
    WriterOptions options;
    options.format = WriterFormat::kJson;
    options.whole_records = true;
    WriterBox writer(options);
    const WriteColumn columns[] = {{.name = "n", .field = 0}};
    ASSERT_TRUE(writer->begin({}, columns));
    writer->open_object();
    const uint16_t rows[] = {0, 1};
    std::string room(size, '?');
    const WriteResult result = writer->write({&batch.batch(), rows, nullptr, 0}, 0, ~0ull, room);
    const size_t both = 1 + 11 + 2 + (3000 * 6 + 8);
    if (size >= both + 2) {
      EXPECT_EQ(result.stop, WriteStop::kAllRows);
      EXPECT_EQ(result.bytes, both);
    } else {
      EXPECT_EQ(result.stop, WriteStop::kRoomFull) << size;
      EXPECT_EQ(result.bytes, 12u);
      const WriteResult again =
          writer->write({&batch.batch(), rows, nullptr, 0}, 1, ~0ull, std::span(room).subspan(12));
      EXPECT_EQ(again.stop, WriteStop::kRoomFull);
      EXPECT_EQ(again.bytes, 0u);
    }
    EXPECT_EQ(writer->end_batch(std::span(room).subspan(result.bytes)), 2u);
  }
}

TEST(WriterProperty, a_record_that_does_not_fit_behind_others_is_held_and_cut_only_when_it_fits_no_room) {
  TestBatch batch({{FieldEncoding::kPlain}});
  for (int i = 0; i < 20; ++i) batch.add({"abc"});
  WriterBox writer({});
  const WriteColumn columns[] = {{.name = "n", .field = 0}};
  ASSERT_TRUE(writer->begin({}, columns));
  writer->open_object();
  std::vector<uint16_t> rows(20);
  for (uint16_t i = 0; i < 20; ++i) rows[i] = i;
  char room[100];
  const WriteRows all{&batch.batch(), rows, nullptr, 0};
  WriteResult result = writer->write(all, 0, ~0ull, room);
  EXPECT_EQ(result.stop, WriteStop::kRoomFull);
  EXPECT_EQ(result.next, 8u);
  EXPECT_EQ(result.bytes, 96u);  // not 100
  result = writer->write(all, 8, ~0ull, std::span(room, 7));
  EXPECT_EQ(result.next, 8u);
  EXPECT_EQ(result.bytes, 7u);
  result = writer->write(all, 8, ~0ull, std::span(room, 5));
  EXPECT_EQ(result.stop, WriteStop::kRoomFull);
  EXPECT_EQ(result.next, 9u);
  EXPECT_EQ(result.bytes, 5u);
}

TEST(WriterProperty, a_writer_saved_at_the_edges_of_an_object_owes_what_it_owed) {
  TestBatch batch({{FieldEncoding::kPlain}});
  batch.add({"abc"});
  for (const bool empty : {true, false}) {
    for (const WriterFormat format : {WriterFormat::kCsv, WriterFormat::kJson}) {
      Job job;
      job.options.format = format;
      job.columns = {{.name = "n", .field = 0}};
      Written written;
      std::string state(256, '\0');
      {
        WriterBox first(job.options);
        ASSERT_TRUE(first->begin({}, job.columns));
        first->open_object();
        uint64_t unit = 0;
        const uint16_t row[] = {0};
        if (!empty) drive_rows(*first, {&batch.batch(), row, nullptr, 0}, written, huge_rooms(), ~0ull, unit);
        drive_end_batch(*first, written, huge_rooms());
        StateWriter out(state);
        first->save(out);
        ASSERT_TRUE(out.ok());
        state.resize(out.size());
      }
      WriterBox second(job.options);
      ASSERT_TRUE(second->begin({}, job.columns));
      StateReader in(state);
      ASSERT_TRUE(second->load(in));
      with_room(written, 4096, [&](std::span<char> room) { return second->close_object(room); });
      const bool json = format == WriterFormat::kJson;
      EXPECT_EQ(written.bytes, empty ? (json ? "[]\n" : "n\n") : (json ? "[{\"n\":\"abc\"}]\n" : "n\nabc\n"));
    }
  }
}

TEST(WriterProperty, a_saved_writer_goes_on_at_every_record) {
  TestBatch batch({{FieldEncoding::kCsv}});
  for (int i = 0; i < 9; ++i) batch.add({"\"a,b\""});
  for (const WriterFormat format :
       {WriterFormat::kCsv, WriterFormat::kNdjson, WriterFormat::kJson, WriterFormat::kLines}) {
    Job job;
    job.options.format = format;
    job.options.batch_records_max = 4;
    job.columns = {{.name = "n", .field = 0}};
    const Written whole = run_job(job, batch);
    for (uint16_t cut = 0; cut <= 9; ++cut) {
      Written written;
      std::string state(256, '\0');
      uint64_t unit = 0;
      std::vector<uint16_t> rows(cut);
      for (uint16_t i = 0; i < cut; ++i) rows[i] = i;
      {
        WriterBox first(job.options);
        ASSERT_TRUE(first->begin({}, job.columns));
        first->open_object();
        drive_rows(*first, {&batch.batch(), rows, nullptr, 0}, written, huge_rooms(), ~0ull, unit);
        StateWriter out(state);
        first->save(out);
        ASSERT_TRUE(out.ok());
        ASSERT_EQ(out.size(), first->state_bytes_max());
        state.resize(out.size());
      }
      rows.clear();
      for (uint16_t i = cut; i < 9; ++i) rows.push_back(i);
      WriterBox second(job.options);
      StateReader in(state);
      if (cut % 2 == 0) {
        ASSERT_TRUE(second->load(in));
      }
      ASSERT_TRUE(second->begin({}, job.columns));
      if (cut % 2 != 0) {
        ASSERT_TRUE(second->load(in));
      }
      drive_rows(*second, {&batch.batch(), rows, nullptr, 0}, written, huge_rooms(), ~0ull, unit);
      drive_end_batch(*second, written, huge_rooms());
      with_room(written, 4096, [&](std::span<char> room) { return second->close_object(room); });
      EXPECT_EQ(written.bytes, whole.bytes) << cut;
      EXPECT_EQ(written.batch_ends, whole.batch_ends) << cut;
    }
    StateReader cut_short(std::string_view("abc"));
    EXPECT_FALSE(WriterBox(job.options)->load(cut_short));
  }
}

}  // namespace
}  // namespace weir::test

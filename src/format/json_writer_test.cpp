#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "format/writer_test_support.hpp"

namespace weir::test {
namespace {

constexpr std::string_view kNames[] = {"a", "b"};

WriteColumn field_column(std::string_view name, int32_t field) { return {.name = name, .field = field}; }
WriteColumn computed_column(std::string_view name, int32_t computed) { return {.name = name, .computed = computed}; }
WriteColumn star() { return {.star = true}; }

/// The one value of an NDJSON record `{"v":...}`; or the code's message when the record can't be written.
std::string json_of(TestBatch::Kind kind, const std::optional<std::string>& raw) {
  TestBatch batch({kind});
  batch.add({raw});
  Job job;
  job.columns = {field_column("v", 0)};
  std::string small;
  for (const RoomSizes& sizes : {huge_rooms(), rooms_of(64)}) {
    const Written written = run_job(job, batch, sizes);
    if (!written.failed.empty()) return code_info(written.failed[0].second).message;
    EXPECT_TRUE(written.bytes.starts_with("{\"v\":") && written.bytes.ends_with("}\n")) << written.bytes;
    if (!small.empty()) {
      EXPECT_EQ(small, written.bytes);
    }
    small = written.bytes;
  }
  return small.substr(5, small.size() - 7);
}

std::string json_of(const Value& value) {
  TestBatch batch({});
  batch.add({});
  Job job;
  job.columns = {computed_column("v", 0)};
  job.computed = {{value}};
  std::string small;
  for (const RoomSizes& sizes : {huge_rooms(), rooms_of(64)}) {
    const Written written = run_job(job, batch, sizes);
    if (!written.failed.empty()) return code_info(written.failed[0].second).message;
    if (!small.empty()) {
      EXPECT_EQ(small, written.bytes);
    }
    small = written.bytes;
  }
  return small.substr(5, small.size() - 7);
}

constexpr TestBatch::Kind kPlain{FieldEncoding::kPlain};
constexpr TestBatch::Kind kCsv{FieldEncoding::kCsv};
constexpr TestBatch::Kind kJson{FieldEncoding::kJson};
constexpr TestBatch::Kind kBytes{FieldEncoding::kBytes};

TEST(JsonWriter, fields_by_their_encoding) {
  EXPECT_EQ(json_of(kPlain, "x"), "\"x\"");
  EXPECT_EQ(json_of(kPlain, ""), "\"\"");
  EXPECT_EQ(json_of(kPlain, std::nullopt), "null");
  EXPECT_EQ(json_of(kPlain, "\"x\""), "\"\\\"x\\\"\"");
  EXPECT_EQ(json_of(kPlain, "tab\tand\nline"), "\"tab\\tand\\nline\"");
  EXPECT_EQ(json_of(kCsv, "x"), "\"x\"");
  EXPECT_EQ(json_of(kCsv, "\"\""), "\"\"");
  EXPECT_EQ(json_of(kCsv, "\""), "\"\"");
  EXPECT_EQ(json_of(kCsv, "\"a, b\""), "\"a, b\"");
  EXPECT_EQ(json_of(kCsv, "\"a \"\"b\"\" \\ c\""), "\"a \\\"b\\\" \\\\ c\"");
  EXPECT_EQ(json_of(kCsv, "\"Zo\xc3\xab\""), "\"Zo\xc3\xab\"");
  EXPECT_EQ(json_of(kCsv, "\"a\"b\""), "\"ab\\\"\"");
  EXPECT_EQ(json_of(kCsv, "a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(json_of({FieldEncoding::kCsv, '\'', '\\'}, "'it\\'s'"), "\"it's\"");
  EXPECT_EQ(json_of({FieldEncoding::kCsv, '\'', '\''}, "'it''s'"), "\"it's\"");
  EXPECT_EQ(json_of({FieldEncoding::kCsv, '"', '\\'}, "\"a\\\"b\""), "\"a\\\"b\"");
  EXPECT_EQ(json_of({FieldEncoding::kCsv, 0, 0}, "\"a\""), "\"\\\"a\\\"\"");
  EXPECT_EQ(json_of(kJson, "1.50"), "1.50");
  EXPECT_EQ(json_of(kJson, "null"), "null");
  EXPECT_EQ(json_of(kJson, "\"a  \\u00e9 b\""), "\"a  \\u00e9 b\"");
  EXPECT_EQ(json_of(kJson, "{ \"x\" : [ 1,\n 2 ] }"), "{\"x\":[1,2]}");
  EXPECT_EQ(json_of(kJson, "[ ]"), "[]");
  EXPECT_EQ(json_of(kBytes, std::string("\x00\xff\x10", 3)), "\"AP8Q\"");
  EXPECT_EQ(json_of(kBytes, ""), "\"\"");
  EXPECT_EQ(json_of(kBytes, "f"), "\"Zg==\"");
}

TEST(JsonWriter, computed_values_by_their_type) {
  EXPECT_EQ(json_of(Value::null()), "null");
  EXPECT_EQ(json_of(Value::of_bool(true)), "true");
  EXPECT_EQ(json_of(Value::of_bool(false)), "false");
  EXPECT_EQ(json_of(Value::of_int(-42)), "-42");
  EXPECT_EQ(json_of(Value::of_int(std::numeric_limits<int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(json_of(Value::of_decimal(11120, 2)), "111.20");
  EXPECT_EQ(json_of(Value::of_double(0.1)), "0.1");
  EXPECT_EQ(json_of(Value::of_double(std::nan(""))), code_info(Code::kNotWritable).message);
  EXPECT_EQ(json_of(Value::of_double(-INFINITY)), code_info(Code::kNotWritable).message);
  EXPECT_EQ(json_of(Value::of_text("a\"b")), "\"a\\\"b\"");
  EXPECT_EQ(json_of(Value::of_text("")), "\"\"");
  EXPECT_EQ(json_of(Value::of_text("\xff")), code_info(Code::kBadUtf8).message);
  EXPECT_EQ(json_of(Value::of_text("{ \"a\" : 1 }", Type::kJson)), "{\"a\":1}");
  EXPECT_EQ(json_of(Value::of_text("foobar", Type::kBytes)), "\"Zm9vYmFy\"");
  Value number = Value::of_int(1000);
  number.has_lexeme = true;
  number.lexeme = "1.0e3";
  number.size = 5;
  EXPECT_EQ(json_of(number), "1.0e3");
}

TEST(JsonWriter, text_that_is_not_utf8_fails_its_row_and_leaves_nothing) {
  for (const std::string& bad : {std::string("\xff"), std::string(40, 'x') + "\xc3", std::string("\"a\xe2\x82\""),
                                 std::string(5000, 'y') + "\x80"}) {
    for (const auto kind : {kPlain, kCsv}) {
      TestBatch batch({kPlain, kind});
      batch.add({"1", "ok"});
      batch.add({"2", bad});
      batch.add({"3", "ok"});
      Job job;
      job.columns = {field_column("n", 0), field_column("v", 1)};
      for (const RoomSizes& sizes : {huge_rooms(), rooms_of(64)}) {
        const Written written = run_job(job, batch, sizes);
        EXPECT_EQ(written.bytes, "{\"n\":\"1\",\"v\":\"ok\"}\n{\"n\":\"3\",\"v\":\"ok\"}\n");
        ASSERT_EQ(written.failed.size(), 1u);
        EXPECT_EQ(written.failed[0], std::make_pair(uint32_t{1}, Code::kBadUtf8));
      }
    }
  }
}

TEST(JsonWriter, star_over_columns_takes_every_field_and_may_stand_among_others) {
  TestBatch batch({kCsv, kCsv, kCsv});
  batch.add({"p", "1", "\"2,\""});
  Job job;
  job.schema = {kNames, true};
  batch.batch();
  job.columns = {computed_column("x", 0), star(), field_column("y", 0)};
  job.computed = {{Value::of_int(7)}};
  WriterBox writer(job.options);
  ASSERT_TRUE(writer->begin(job.schema, job.columns));
  RecordBatch moved = batch.batch();
  moved.all_first = 1;  // behind the field of a path
  const uint16_t rows[] = {0};
  writer->open_object();
  char room[256];
  const WriteResult result = writer->write({&moved, rows, job.computed[0].data(), 1}, 0, ~0ull, room);
  EXPECT_EQ(std::string_view(room, result.bytes), "{\"x\":7,\"a\":\"1\",\"b\":\"2,\",\"y\":\"p\"}\n");
}

std::string star_of(std::string_view record, bool before, bool behind, std::string* failed = nullptr) {
  TestBatch batch({});
  batch.add({}, record);
  Job job;
  if (before) job.columns.push_back(computed_column("x", 0));
  job.columns.push_back(star());
  if (behind) job.columns.push_back(computed_column("y", 1));
  job.computed = {{Value::of_int(7)}, {Value::of_text("8")}};
  std::string last;
  for (const RoomSizes& sizes : {huge_rooms(), rooms_of(64)}) {
    const Written written = run_job(job, batch, sizes);
    if (failed != nullptr && !written.failed.empty()) *failed = code_info(written.failed[0].second).message;
    if (!last.empty()) {
      EXPECT_EQ(last, written.bytes);
    }
    last = written.bytes;
  }
  return last;
}

TEST(JsonWriter, star_over_json_is_the_record_itself) {
  EXPECT_EQ(star_of(" { \"a\" : 1, \"b c\":\" d \" } ", false, false), "{\"a\":1,\"b c\":\" d \"}\n");
  EXPECT_EQ(star_of("{}", false, false), "{}\n");
  EXPECT_EQ(star_of("[1, 2]", false, false), "[1,2]\n");
  EXPECT_EQ(star_of("\"a  b\"", false, false), "\"a  b\"\n");
  EXPECT_EQ(star_of("{\"a\":\n1}", false, false), "{\"a\":1}\n");
}

TEST(JsonWriter, star_over_json_among_others_splices_its_members) {
  EXPECT_EQ(star_of("{\"a\": 1}", true, true), "{\"x\":7,\"a\":1,\"y\":\"8\"}\n");
  EXPECT_EQ(star_of("{ \"a\": 1 }", false, true), "{\"a\":1,\"y\":\"8\"}\n");
  EXPECT_EQ(star_of(" {\"a\":1} ", true, false), "{\"x\":7,\"a\":1}\n");
  for (const char* empty : {"{}", "{ }", " {\t} "}) {
    EXPECT_EQ(star_of(empty, true, true), "{\"x\":7,\"y\":\"8\"}\n");
    EXPECT_EQ(star_of(empty, false, true), "{\"y\":\"8\"}\n");
    EXPECT_EQ(star_of(empty, true, false), "{\"x\":7}\n");
  }
  for (const char* other : {"[1]", "1", "null", "\"{}\"", ""}) {
    std::string failed;
    EXPECT_EQ(star_of(other, true, false, &failed), "");
    EXPECT_EQ(failed, code_info(Code::kNotWritable).message);
  }
}

TEST(JsonWriter, star_twice_over_json_is_its_members_twice) {
  for (const auto& [record, expected] : {std::pair{"{\"a\":1}", "{\"a\":1,\"a\":1}\n"}, std::pair{"{}", "{}\n"}}) {
    TestBatch batch({});
    batch.add({}, record);
    Job job;
    job.columns = {star(), star()};
    EXPECT_EQ(run_job(job, batch).bytes, expected);
    EXPECT_EQ(run_job(job, batch, rooms_of(3)).bytes, expected);
  }
}

TEST(JsonWriter, names_are_escaped_once_and_checked) {
  TestBatch batch({kPlain, kPlain});
  batch.add({"1", "2"});
  Job job;
  job.columns = {field_column("a \"b\"\n", 0),
                 field_column(std::string_view("Zo\xc3\xab and a name of more than thirty-two bytes, \x01"), 1)};
  EXPECT_EQ(run_job(job, batch).bytes,
            "{\"a \\\"b\\\"\\n\":\"1\",\"Zo\xc3\xab and a name of more than thirty-two bytes, \\u0001\":\"2\"}\n");
  WriterBox writer(job.options);
  const WriteColumn bad[] = {field_column("\xff", 0)};
  const Status status = writer->begin({}, bad);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kBadHeader);
}

TEST(JsonWriter, the_worst_escapes_fit_the_memory_and_the_bound) {
  const std::string worst(200, '\x01');
  TestBatch batch({kPlain, kCsv});
  batch.add({worst, worst});
  Job job;
  job.columns = {field_column(worst, 0), field_column(worst, 1)};
  std::string escaped;
  for (int i = 0; i < 200; ++i) escaped += "\\u0001";
  const std::string expected = "{\"" + escaped + "\":\"" + escaped + "\",\"" + escaped + "\":\"" + escaped + "\"}\n";
  WriterBox writer(job.options, 2, 400);  // memory of just the planned size
  ASSERT_TRUE(writer->begin({}, job.columns));
  // Rooms around the size of the record: the fast way, the measured one and pieces.
  for (size_t room = expected.size() - 2; room < expected.size() + 200; ++room) {
    ASSERT_EQ(run_job(job, batch, rooms_of(room)).bytes, expected) << room;
  }
}

TEST(JsonWriter, arrays_frame_their_records) {
  TestBatch batch({kPlain});
  for (const char* text : {"1", "2", "3"}) batch.add({text});
  Job job;
  job.options.format = WriterFormat::kJson;
  job.columns = {field_column("n", 0)};
  EXPECT_EQ(run_job(job, batch).bytes, "[{\"n\":\"1\"},\n{\"n\":\"2\"},\n{\"n\":\"3\"}]\n");
  job.options.batch_records_max = 2;
  const Written written = run_job(job, batch);
  EXPECT_EQ(written.bytes, "[{\"n\":\"1\"},\n{\"n\":\"2\"}]\n[{\"n\":\"3\"}]\n");
  EXPECT_EQ(written.batch_records, (std::vector<uint64_t>{2, 1}));
}

TEST(JsonWriter, without_records_an_array_is_empty_whatever_the_batches_limits) {
  TestBatch batch({kPlain});
  Job job;
  job.columns = {field_column("n", 0)};
  EXPECT_EQ(run_job(job, batch).bytes, "");
  job.options.format = WriterFormat::kJson;
  EXPECT_EQ(run_job(job, batch).bytes, "[]\n");
  EXPECT_EQ(run_job(job, batch, rooms_of(1)).bytes, "[]\n");
  job.options.batch_records_max = 10;
  job.options.batch_bytes_max = 4 << 20;
  EXPECT_EQ(run_job(job, batch).bytes, "[]\n");
}

TEST(JsonWriter, no_column_more_columns_or_longer_names_than_planned_are_refused) {
  const WriteColumn two[] = {field_column("abc", 0), field_column("def", 1)};
  EXPECT_EQ(WriterBox({})->begin({}, {}).error().code, Code::kContradiction);
  WriterBox few({}, 1, 100);
  EXPECT_EQ(few->begin({}, two).error().code, Code::kOutOfRange);
  WriterBox narrow({}, 2, 5);
  EXPECT_EQ(narrow->begin({}, two).error().code, Code::kOutOfRange);
  WriterBox enough({}, 2, 6);
  EXPECT_TRUE(enough->begin({}, two));
}

}  // namespace
}  // namespace weir::test

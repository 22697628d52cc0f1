#include <cmath>

#include <gtest/gtest.h>

#include "format/writer_test_support.hpp"

namespace weir::test {
namespace {

constexpr std::string_view kNames[] = {"a", "b, c", "say \"d\""};
constexpr TestBatch::Kind kPlain{FieldEncoding::kPlain};
constexpr TestBatch::Kind kCsv{FieldEncoding::kCsv};
constexpr TestBatch::Kind kJson{FieldEncoding::kJson};
constexpr TestBatch::Kind kBytes{FieldEncoding::kBytes};

WriteColumn field_column(std::string_view name, int32_t field) { return {.name = name, .field = field}; }
WriteColumn computed_column(std::string_view name, int32_t computed) { return {.name = name, .computed = computed}; }

Job csv_job(char delimiter = ',') {
  Job job;
  job.options.format = WriterFormat::kCsv;
  job.options.delimiter = delimiter;
  return job;
}

/// `raw` as the second field of a record `x,...,y`.
std::string csv_of(TestBatch::Kind kind, const std::optional<std::string>& raw, char delimiter = ',') {
  TestBatch batch({kPlain, kind, kPlain});
  batch.add({"x", raw, "y"});
  Job job = csv_job(delimiter);
  job.options.header = false;
  job.columns = {field_column("a", 0), field_column("b", 1), field_column("c", 2)};
  const std::string bytes = run_job(job, batch).bytes;
  EXPECT_EQ(run_job(job, batch, rooms_of(64)).bytes, bytes);
  EXPECT_TRUE(bytes.starts_with(std::string("x") + delimiter) && bytes.ends_with(std::string(1, delimiter) + "y\n"))
      << bytes;
  return bytes.substr(2, bytes.size() - 5);
}

std::string csv_of(const Value& value) {
  TestBatch batch({kPlain});
  batch.add({"x"});
  Job job = csv_job();
  job.options.header = false;
  job.columns = {field_column("a", 0), computed_column("b", 0)};
  job.computed = {{value}};
  const Written written = run_job(job, batch);
  EXPECT_EQ(run_job(job, batch, rooms_of(64)), written);
  if (!written.failed.empty()) return code_info(written.failed[0].second).message;
  return written.bytes.substr(2, written.bytes.size() - 3);
}

TEST(CsvWriter, quotes_only_what_needs_it) {
  EXPECT_EQ(csv_of(kPlain, "x"), "x");
  EXPECT_EQ(csv_of(kPlain, ""), "");
  EXPECT_EQ(csv_of(kPlain, std::nullopt), "");
  EXPECT_EQ(csv_of(kPlain, " a b "), " a b ");
  EXPECT_EQ(csv_of(kPlain, "a,b"), "\"a,b\"");
  EXPECT_EQ(csv_of(kPlain, "a;b"), "a;b");
  EXPECT_EQ(csv_of(kPlain, "a;b", ';'), "\"a;b\"");
  EXPECT_EQ(csv_of(kPlain, "a\tb", '\t'), "\"a\tb\"");
  EXPECT_EQ(csv_of(kPlain, "a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_of(kPlain, "a\rb"), "\"a\rb\"");
  EXPECT_EQ(csv_of(kPlain, "say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_of(kPlain, "\xff"), "\xff");
  EXPECT_EQ(csv_of(kBytes, std::string("\0,\xff", 3)), std::string("\"\0,\xff\"", 5));
}

TEST(CsvWriter, csv_fields_pass_as_they_stand_when_they_are_well_formed) {
  EXPECT_EQ(csv_of(kCsv, "\"needless\""), "\"needless\"");
  EXPECT_EQ(csv_of(kCsv, "\"a,b\""), "\"a,b\"");
  EXPECT_EQ(csv_of(kCsv, "\"a \"\"b\"\"\""), "\"a \"\"b\"\"\"");
  EXPECT_EQ(csv_of(kCsv, "a \"b\""), "\"a \"\"b\"\"\"");   // a quote inside of an unquoted field
  EXPECT_EQ(csv_of(kCsv, "\"a\"b,\""), "\"ab,\"\"\"");     // bytes behind the closing quote
  EXPECT_EQ(csv_of(kCsv, "\"ab\"c"), "abc");
  EXPECT_EQ(csv_of({FieldEncoding::kCsv, '"', '\\'}, "\"a\\\"b\""), "\"a\"\"b\"");
  EXPECT_EQ(csv_of({FieldEncoding::kCsv, '"', '\\'}, "\"ab\""), "ab");
  EXPECT_EQ(csv_of({FieldEncoding::kCsv, '\'', '\''}, "'ab'"), "ab");
  EXPECT_EQ(csv_of({FieldEncoding::kCsv, '\'', '\''}, "'a,''b'"), "\"a,'b\"");
  EXPECT_EQ(csv_of({FieldEncoding::kCsv, 0, 0}, "\"a\""), "\"\"\"a\"\"\"");
}

TEST(CsvWriter, json_fields_are_decoded) {
  EXPECT_EQ(csv_of(kJson, "null"), "");
  EXPECT_EQ(csv_of(kJson, "true"), "true");
  EXPECT_EQ(csv_of(kJson, "1.50"), "1.50");
  EXPECT_EQ(csv_of(kJson, "\"\""), "");
  EXPECT_EQ(csv_of(kJson, "\"a b\""), "a b");
  EXPECT_EQ(csv_of(kJson, "\"a,b\""), "\"a,b\"");
  EXPECT_EQ(csv_of(kJson, "\"say \\\"hi\\\"\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_of(kJson, "\"\\u002c\\u00e9\""), "\",\xc3\xa9\"");
  EXPECT_EQ(csv_of(kJson, "\"\\u00e9\""), "\xc3\xa9");
  EXPECT_EQ(csv_of(kJson, "[ ]"), "[]");
  EXPECT_EQ(csv_of(kJson, "[ 1 ]"), "[1]");
  EXPECT_EQ(csv_of(kJson, "[1, 2]"), "\"[1,2]\"");
  EXPECT_EQ(csv_of(kJson, "[1,\t2]", '\t'), "[1,2]");
  EXPECT_EQ(csv_of(kJson, "{ \"a\" : \"b\" }"), "\"{\"\"a\"\":\"\"b\"\"}\"");
}

TEST(CsvWriter, computed_values_by_their_type) {
  EXPECT_EQ(csv_of(Value::null()), "");
  EXPECT_EQ(csv_of(Value::of_bool(true)), "true");
  EXPECT_EQ(csv_of(Value::of_bool(false)), "false");
  EXPECT_EQ(csv_of(Value::of_int(-5)), "-5");
  EXPECT_EQ(csv_of(Value::of_decimal(110, 2)), "1.10");
  EXPECT_EQ(csv_of(Value::of_double(1.5)), "1.5");
  EXPECT_EQ(csv_of(Value::of_double(NAN)), code_info(Code::kNotWritable).message);
  EXPECT_EQ(csv_of(Value::of_text("a,b")), "\"a,b\"");
  EXPECT_EQ(csv_of(Value::of_text("")), "");
  EXPECT_EQ(csv_of(Value::of_text("{ \"a\":1 }", Type::kJson)), "\"{\"\"a\"\":1}\"");
  EXPECT_EQ(csv_of(Value::of_text(std::string_view("\0\"", 2), Type::kBytes)), std::string("\"\0\"\"\"", 5));
}

TEST(CsvWriter, header_is_written_once_an_object_even_without_records) {
  TestBatch batch({kCsv, kCsv, kCsv});
  Job job = csv_job();
  job.schema = {kNames, true};
  job.columns = {{.star = true}};
  const std::string header = "a,\"b, c\",\"say \"\"d\"\"\"\n";
  for (const size_t room : {1, 5, 64, 1000}) {
    EXPECT_EQ(run_job(job, batch, rooms_of(room)).bytes, header);
  }
  batch.add({"1", "2", "3"});
  batch.add({"4", "5", "6"});
  job.options.batch_records_max = 1;
  for (const size_t room : {1, 5, 64, 1000}) {
    EXPECT_EQ(run_job(job, batch, rooms_of(room)).bytes, header + "1,2,3\n4,5,6\n");
  }
  job.options.header = false;
  EXPECT_EQ(run_job(job, batch).bytes, "1,2,3\n4,5,6\n");
  job.options.delimiter = '\t';
  EXPECT_EQ(run_job(job, batch).bytes, "1\t2\t3\n4\t5\t6\n");
}

TEST(CsvWriter, a_header_that_must_be_quoted_everywhere_fits_its_memory) {
  const std::string name(50, '"');
  const WriteColumn columns[] = {field_column(name, 0), field_column(name, 1)};
  WriterBox writer(csv_job().options, 2, 100);
  ASSERT_TRUE(writer->begin({}, columns));
  writer->open_object();
  Written written;
  with_room(written, 1000, [&](std::span<char> room) { return writer->close_object(room); });
  EXPECT_EQ(written.bytes, "\"" + std::string(100, '"') + "\",\"" + std::string(100, '"') + "\"\n");
}

TEST(CsvWriter, a_lone_empty_field_is_quoted) {
  for (const auto& [kind, raw] : std::vector<std::pair<TestBatch::Kind, std::optional<std::string>>>{
           {kPlain, ""}, {kPlain, std::nullopt}, {kCsv, ""}, {kCsv, "\"\""}, {kJson, "null"}, {kJson, "\"\""}}) {
    TestBatch batch({kind});
    batch.add({raw});
    Job job = csv_job();
    job.columns = {field_column("", 0)};
    EXPECT_EQ(run_job(job, batch).bytes, "\"\"\n\"\"\n");
    EXPECT_EQ(run_job(job, batch, rooms_of(1)).bytes, "\"\"\n\"\"\n");
  }
}

TEST(CsvWriter, raw_records_are_copied_as_they_came) {
  TestBatch batch({kCsv, kCsv, kCsv});
  const std::string long_record = "\"" + std::string(9000, 'x') + "\",2,3";
  batch.add({"1", "\"2\"", "3"}, "1,\"2\",3");
  batch.add({"1", "2", "3"}, long_record);
  Job job = csv_job();
  job.options.raw_records = true;
  job.schema = {kNames, true};
  job.columns = {{.star = true}};
  const std::string header = "a,\"b, c\",\"say \"\"d\"\"\"\n";
  for (const size_t room : {64, 5000, 100000}) {
    EXPECT_EQ(run_job(job, batch, rooms_of(room)).bytes, header + "1,\"2\",3\n" + long_record + "\n");
  }
  job.columns.push_back(computed_column("n", 0));  // no longer alone: the writer has room for one column
  job.computed = {{Value::of_int(1), Value::of_int(2)}};
  EXPECT_FALSE(WriterBox(job.options)->begin(job.schema, job.columns));
  job.options.raw_records = false;
  EXPECT_TRUE(run_job(job, batch).bytes.ends_with("\n1,\"2\",3,1\n1,2,3,2\n"));
}

TEST(CsvWriter, star_over_json_is_refused) {
  const WriteColumn columns[] = {{.star = true}};
  const Status status = WriterBox(csv_job().options)->begin({}, columns);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kContradiction);
  EXPECT_NE(status.error().detail.view().find("name the columns"), std::string_view::npos);
}

TEST(LinesWriter, writes_the_decoded_text_of_one_column) {
  for (const bool lines : {true, false}) {
    const std::string end = lines ? "\n" : "";
    const auto of = [&](TestBatch::Kind kind, const std::optional<std::string>& raw) {
      TestBatch batch({kind});
      batch.add({raw});
      Job job;
      job.options.format = lines ? WriterFormat::kLines : WriterFormat::kRaw;
      job.columns = {field_column("x", 0)};
      const std::string bytes = run_job(job, batch).bytes;
      EXPECT_EQ(run_job(job, batch, rooms_of(3)).bytes, bytes);
      return bytes;
    };
    EXPECT_EQ(of(kPlain, "a line"), "a line" + end);
    EXPECT_EQ(of(kPlain, ""), end);
    EXPECT_EQ(of(kPlain, std::nullopt), end);
    EXPECT_EQ(of(kCsv, "\"a \"\"b\"\"\""), "a \"b\"" + end);
    EXPECT_EQ(of(kJson, "\"\\u00e9\\n\""), "\xc3\xa9\n" + end);
    EXPECT_EQ(of(kJson, "[1, 2]"), "[1,2]" + end);
    EXPECT_EQ(of(kJson, "null"), end);
    EXPECT_EQ(of(kJson, "17"), "17" + end);
    EXPECT_EQ(of(kBytes, std::string("\0\xff", 2)), std::string("\0\xff", 2) + end);
  }
}

TEST(LinesWriter, takes_exactly_one_column) {
  WriterOptions options;
  options.format = WriterFormat::kLines;
  const WriteColumn star[] = {{.star = true}};
  const WriteColumn two[] = {field_column("a", 0), field_column("b", 1)};
  const std::string_view line[] = {"line"};
  EXPECT_EQ(WriterBox(options)->begin({}, two).error().code, Code::kContradiction);
  EXPECT_EQ(WriterBox(options)->begin({}, star).error().code, Code::kContradiction);
  EXPECT_EQ(WriterBox(options)->begin({kNames, true}, star).error().code, Code::kContradiction);
  EXPECT_TRUE(WriterBox(options)->begin({line, true}, star));
}

}  // namespace
}  // namespace weir::test

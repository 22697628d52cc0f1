// What a Program promises besides values: memory, rows a call, errors in order, aggregates and their state.
#include "sql/program.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sql/test_batch.hpp"

namespace weir::sql {
namespace {

using Fates = std::vector<std::string>;

TestProgram program_of(std::string_view text, const QueryOptions& options = {}) {
  Result<TestProgram> program = compile_test(text, options);
  EXPECT_TRUE(program) << text;
  return std::move(*program);
}

std::string row_of(TestProgram& program) {
  ComputedRows computed;
  const Status status = program->aggregate_row(computed);
  if (!status) return "!" + std::to_string(static_cast<int>(status.error().code));
  std::string text;
  for (size_t i = 0; i < program->output().size(); ++i) text += (i != 0 ? "|" : "") + shown(computed.values[i]);
  return text;
}

TestBatch column_of(const std::vector<std::string>& fields, FieldEncoding encoding = FieldEncoding::kCsv) {
  TestBatch batch({"a"}, encoding);
  for (const std::string& field : fields) batch.add({field});
  return batch;
}

QueryOptions json_options() {
  QueryOptions options;
  options.fields_are_text = false;
  options.ordinals = false;
  return options;
}

TEST(Program, filters_the_range_it_is_given) {
  TestProgram program = program_of("SELECT a FROM input WHERE a > 10 AND a < 1000");
  TestBatch input = column_of({"5", "50", "x", "500", "5000", "60"});
  const RecordBatch& batch = input.make(program->projection());
  uint16_t selected[kRowsMax];
  RowError errors[kRowsMax];
  uint32_t count = 0;
  uint32_t error_count = 0;
  program->filter(batch, {1, 5}, selected, count, errors, error_count);
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(selected[0], 1);
  EXPECT_EQ(selected[1], 3);
  ASSERT_EQ(error_count, 1u);
  EXPECT_EQ(errors[0].row, 2);
  EXPECT_EQ(errors[0].code, Code::kBadConversion);
  EXPECT_EQ(errors[0].column, 1);
  program->filter(batch, {3, 3}, selected, count, errors, error_count);
  EXPECT_EQ(count + error_count, 0u);
}

TEST(Program, errors_of_all_conditions_come_in_row_order) {
  TestProgram program =
      program_of("SELECT a FROM input WHERE a <> 'q' AND CAST(a AS DECIMAL) * 2 < 1000 AND a / 0 = 1");
  TestBatch input = column_of({"1", "x", "2", "y", "q", "999999", "3"});
  const RecordBatch& batch = input.make(program->projection());
  uint16_t selected[kRowsMax];
  RowError errors[kRowsMax];
  uint32_t count = 0;
  uint32_t error_count = 0;
  program->filter(batch, {0, batch.rows}, selected, count, errors, error_count);
  EXPECT_EQ(count, 0u);
  ASSERT_EQ(error_count, 5u);
  const std::pair<int, Code> expected[] = {{0, Code::kDivisionByZero},
                                           {1, Code::kBadConversion},
                                           {2, Code::kDivisionByZero},
                                           {3, Code::kBadConversion},
                                           {6, Code::kDivisionByZero}};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(errors[i].row, expected[i].first);
    EXPECT_EQ(errors[i].code, expected[i].second);
  }
}

TEST(Program, where_stops_at_what_is_not_true) {
  TestProgram program = program_of("SELECT a FROM input WHERE missing = 'x' AND a > 5");
  TestBatch input = column_of({"x"});
  EXPECT_EQ(fates(program, input), Fates{"-"});
  TestProgram inner = program_of("SELECT a FROM input WHERE (missing = 'x' AND a > 5) OR a = 'z'");
  EXPECT_EQ(fates(inner, input), Fates{"!2401"});  // inside, AND goes on after NULL: it may still become false
}

TEST(Program, queries_that_make_no_text_need_no_room_for_it) {
  QueryOptions options;
  options.record_max = 1u << 20;
  for (const char* text : {"SELECT * FROM input WHERE status = 'x' AND amount > 100",
                           "SELECT a, amount * 1.19 FROM input WHERE b LIKE '%x%' OR c = d",
                           "SELECT COUNT(*), SUM(a), MIN(b) FROM input WHERE LENGTH(a) > 3",
                           "SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END FROM input"}) {
    EXPECT_LT(program_memory_max(*program_of(text, options)), 160u << 10) << text;
  }
  for (const char* text :
       {"SELECT UPPER(a) FROM input", "SELECT a || b FROM input", "SELECT COALESCE(a, 'x') FROM input"}) {
    const size_t bytes = program_memory_max(*program_of(text, options));
    EXPECT_GT(bytes, 2u << 20) << text;
    EXPECT_LT(bytes, (2u << 20) + (160u << 10)) << text;
  }
}

TEST(Program, many_columns_get_fewer_rows_rather_than_more_memory) {
  std::string text = "SELECT a + 0 AS x";
  for (int i = 1; i < 1000; ++i) text += ", a + " + std::to_string(i);
  TestProgram program = program_of(text + " FROM input");
  EXPECT_LT(program_memory_max(*program), 600u << 10);
  TestBatch input = column_of(Fates(40, "1"));
  const RecordBatch& batch = input.make(program->projection());
  uint16_t rows[40];
  for (uint16_t i = 0; i < 40; ++i) rows[i] = i;
  ComputedRows computed;
  RowError errors[kEvaluationRowsMax];
  uint32_t error_count = 0;
  EXPECT_EQ(program->project(batch, rows, computed, errors, error_count), 16u);
  EXPECT_EQ(computed.values[999 * computed.stride + 15].integer, 1000);
}

TEST(Program, texts_of_a_record_are_bounded_by_twice_record_max_whatever_stands_beside_it) {
  QueryOptions options;
  options.record_max = 100;
  TestProgram program = program_of("SELECT a || a AS b, UPPER(a) AS c FROM input", options);
  TestBatch alone = column_of({std::string(66, 'x')});
  const std::string whole = std::string(66, 'x');
  EXPECT_EQ(fates(program, alone)[0], "'" + whole + whole + "'|'" + std::string(66, 'X') + "'");
  TestBatch over = column_of({std::string(67, 'x')});
  EXPECT_EQ(fates(program, over)[0], "!2404");
  Fates fields;
  for (int i = 0; i < 300; ++i) fields.push_back(std::string(static_cast<size_t>(i % 71), 'x'));
  TestBatch many = column_of(fields);
  const Fates found = fates(program, many);
  for (size_t i = 0; i < 300; ++i) {
    TestBatch one = column_of({fields[i]});
    EXPECT_EQ(found[i], fates(program, one)[0]);
    EXPECT_EQ(found[i] == "!2404", fields[i].size() > 66);
  }
}

TEST(Program, conversion_errors_may_be_null) {
  QueryOptions options;
  options.errors_are_null = true;
  TestProgram program = program_of(
      "SELECT a + 1, CAST(a AS INT) IS NULL, a = 5, 9223372036854775807 + 1, a IN (1, 'x') FROM input", options);
  TestBatch input = column_of({"x", "5"});
  EXPECT_EQ(fates(program, input), (Fates{"NULL|true|NULL|NULL|true", "6|false|true|NULL|false"}));
  TestProgram division = program_of("SELECT 1 / CAST(a AS INT) FROM input", options);
  TestBatch zero = column_of({"0"});
  EXPECT_EQ(fates(division, zero), Fates{"!2403"});
}

TEST(Program, typed_columns_are_read_as_their_type) {
  const TypeHint hints[] = {{"i", Type::kInt}, {"d", Type::kDecimal}, {"f", Type::kDouble}, {"b", Type::kBool}};
  QueryOptions options;
  options.types = hints;
  TestProgram program = program_of("SELECT i, d, f, b FROM input WHERE i > 0", options);
  TestBatch input({"i", "d", "f", "b"});
  input.add({"007", "1.20", "0.5", "true"});
  input.add({"7", "01.20", "1e3", "0"});
  input.add({"1.5", "1", "1", "1"});
  input.add({"1", "x", "1", "1"});
  input.add({"1", kNoField, "1", "maybe"});
  EXPECT_EQ(fates(program, input), (Fates{"7|1.20|0.5|true", "7|1.20|1e3|false", "!2401", "!2401", "!2401"}));
}

TEST(Program, bytes_columns_can_be_passed_measured_and_tested_only) {
  TestBatch input = column_of({"\x01\x02"}, FieldEncoding::kBytes);
  TestProgram good = program_of("SELECT a, LENGTH(a), a IS NULL FROM input");
  EXPECT_EQ(fates(good, input), Fates{"\x01\x02|2|false"});
  for (const char* text : {"SELECT a FROM input WHERE a = 'x'", "SELECT a FROM input WHERE a > 5",
                           "SELECT UPPER(a) FROM input", "SELECT MIN(a) FROM input"}) {
    TestProgram bad = program_of(text);
    EXPECT_EQ(fates(bad, input), Fates{"!2405"}) << text;
  }
}

// --- aggregates ------------------------------------------------------------------------------------------------------

TEST(Aggregates, of_nothing) {
  TestProgram program = program_of(
      "SELECT COUNT(*), COUNT(a), SUM(a), AVG(a), MIN(a), MAX(a), SUM(a) / COUNT(*) FROM input WHERE a = 'none'");
  TestBatch input = column_of({"1"});
  fates(program, input);
  EXPECT_EQ(row_of(program), "0|0|NULL|NULL|NULL|NULL|NULL");
}

TEST(Aggregates, sums_are_exact_and_keep_the_largest_scale) {
  TestProgram program =
      program_of("SELECT SUM(a), AVG(a), MIN(a), MAX(a), MIN(CAST(a AS DECIMAL)), COUNT(a), COUNT(*) FROM input");
  TestBatch input = column_of({"0.1", "0.20", "9223372036854775807", "1", kNoField, "-5"});
  fates(program, input);
  EXPECT_EQ(row_of(program), "9223372036854775803.30|1844674407370955160.66|'-5'|'9223372036854775807'|-5|5|6");
}

TEST(Aggregates, integer_sums_grow_into_decimals) {
  TestProgram program = program_of("SELECT SUM(CAST(a AS INT)), AVG(CAST(a AS INT)) FROM input");
  TestBatch input = column_of({"9223372036854775807", "9223372036854775807"});
  fates(program, input);
  EXPECT_EQ(row_of(program), "18446744073709551614|9223372036854775807");
}

TEST(Aggregates, past_38_digits_the_row_fails) {
  TestProgram program = program_of("SELECT SUM(a) FROM input");
  TestBatch input = column_of({"99999999999999999999999999999999999999", "1"});
  fates(program, input);
  EXPECT_EQ(row_of(program), "!2402");
}

TEST(Aggregates, a_record_with_an_error_is_in_none) {
  TestProgram program = program_of("SELECT COUNT(*), COUNT(a), SUM(a) FROM input");
  TestBatch input = column_of({"1", "x", "2"});
  EXPECT_EQ(fates(program, input), (Fates{"folded", "!2401", "folded"}));
  EXPECT_EQ(row_of(program), "2|2|3");
}

TEST(Aggregates, extremes_keep_to_one_kind_and_a_bounded_text) {
  TestProgram program = program_of("SELECT MIN(a), MAX(a) FROM input", json_options());
  TestBatch input = column_of({"5", "\"x\"", "2.5", "true", "null", "1e300", "{}"}, FieldEncoding::kJson);
  EXPECT_EQ(fates(program, input), (Fates{"folded", "!2405", "folded", "!2405", "folded", "folded", "!2405"}));
  EXPECT_EQ(row_of(program), "2.5|1e+300");
  TestProgram texts = program_of("SELECT MIN(a), MAX(a) FROM input");
  TestBatch long_texts = column_of({std::string(4096, 'b'), std::string(4097, 'a'), "\"c\"\"d\""});
  EXPECT_EQ(fates(texts, long_texts), (Fates{"folded", "!2404", "folded"}));
  EXPECT_EQ(row_of(texts), "'" + std::string(4096, 'b') + "'|'c\"d'");
}

TEST(Aggregates, state_goes_round_at_every_cut) {
  const char* const text =
      "SELECT COUNT(*), COUNT(a), SUM(a), AVG(a), MIN(a), MAX(a), SUM(CAST(a AS DOUBLE)), MAX(CAST(a AS DECIMAL)), "
      "MIN(a = '3'), MIN(CAST(a AS DOUBLE)), "
      "MAX(CAST(a AS INT) * 2) FROM input";
  const Fates fields = {"3", "0.10", "2", kNoField, "77777777777777777777", "-1.5", "4"};
  QueryOptions options;
  options.errors_are_null = true;
  TestProgram whole = program_of(text, options);
  TestBatch all = column_of(fields);
  fates(whole, all);
  const std::string expected = row_of(whole);
  for (size_t cut = 0; cut <= fields.size(); ++cut) {
    TestProgram first = program_of(text, options);
    TestBatch head = column_of(Fates(fields.begin(), fields.begin() + static_cast<ptrdiff_t>(cut)));
    if (cut != 0) fates(first, head);
    std::vector<char> room(first->state_bytes_max());
    StateWriter out(room);
    first->save(out);
    ASSERT_TRUE(out.ok());
    TestProgram second = program_of(text, options);
    StateReader in({room.data(), out.size()});
    ASSERT_TRUE(second->load(in));
    EXPECT_TRUE(in.at_end());
    TestBatch tail = column_of(Fates(fields.begin() + static_cast<ptrdiff_t>(cut), fields.end()));
    if (cut != fields.size()) fates(second, tail);
    EXPECT_EQ(row_of(second), expected) << cut;
    for (size_t size = 0; size < out.size(); size += 7) {
      TestProgram damaged = program_of(text, options);
      StateReader part({room.data(), size});
      EXPECT_FALSE(damaged->load(part));
    }
  }
}

std::string mistakes_of(std::string_view text, std::vector<std::string_view> columns, bool known = true) {
  std::string out;
  for (const Error& error : query_mistakes(text, QueryOptions(), known ? &columns : nullptr)) {
    out += std::to_string(error.line) + ":" + std::to_string(error.column) + " W" +
           std::to_string(static_cast<unsigned>(error.code)) + " " + std::string(error.detail.view()) + "\n";
  }
  return out;
}

TEST(QueryMistakes, are_told_all_at_once) {
  const std::vector<std::string_view> columns = {"id", "amount", "Country"};
  EXPECT_EQ(mistakes_of("SELECT id, amount FROM input WHERE country = 'DE' AND _3 = 'x'", columns), "");
  EXPECT_EQ(mistakes_of("SELECT UPER(id), amuont,\n FOO(), TRUE + 1\nFROM input WHERE LOWR(contry) = 'x'", columns),
            "1:8 W2012 UPER; did you mean UPPER?\n"
            "1:18 W2011 `amuont`; did you mean `amount`? The input has id, amount, Country\n"
            "2:2 W2012 FOO\n"
            "2:9 W2013 expected a number, found a bool\n"
            "3:18 W2012 LOWR; did you mean LOWER?\n"
            "3:23 W2011 `contry`; did you mean `Country`? The input has id, amount, Country\n");
  EXPECT_EQ(mistakes_of("SELECT _4, \"ID\", FOO(1 = 1) + 1 FROM input", columns),
            "1:8 W2011 _4, the input has 3 columns\n"
            "1:12 W2011 `ID`; did you mean `id`? The input has id, amount, Country\n"
            "1:18 W2012 FOO\n");
  EXPECT_EQ(mistakes_of("SELECT a.b, COUNT(*) FROM input WHERE SUM(x) = 1", columns, false),
            "1:8 W2010 columns of this input have no members; expected a column's name, found a path behind a\n"
            "1:39 W2010 aggregates can't be used in WHERE\n");
  EXPECT_EQ(mistakes_of("SELECT FOO(x) FROM input WHERE", columns),
            "1:8 W2012 FOO\n1:31 W2010 expected an expression, found the end of the query\n");
  EXPECT_EQ(mistakes_of("SELECT id FROM input", {"id", "ID", "id"}),
            "1:8 W2024 the column `id` stands there more than once; name it by its number, _1\n");
  EXPECT_EQ(mistakes_of("SELECT *, COUNT(*) FROM input", columns),
            "1:8 W2010 * stands beside an aggregate: GROUP BY is not supported\n");
}

}  // namespace
}  // namespace weir::sql

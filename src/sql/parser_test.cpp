#include "sql/parser.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sql/test_batch.hpp"

namespace weir::sql {
namespace {

struct BadQuery {
  const char* text;
  Code code;
  uint32_t line;
  uint32_t column;
  const char* detail;
};

constexpr Code kBad = Code::kBadQuery;

const BadQuery kBadQueries[] = {
    // structure
    {"SELEC a FROM input", kBad, 1, 1, "expected SELECT, found SELEC"},
    {"SELECT", kBad, 1, 7, "expected an expression, found the end of the query"},
    {"SELECT a", kBad, 1, 9, "expected FROM, found the end of the query"},
    {"SELECT a,\nFROM input", kBad, 2, 1,
     "expected an expression, found FROM (a column of that name is written in double quotes)"},
    {"SELECT a FROM", kBad, 1, 14, "expected input or a file name in quotes, found the end of the query"},
    {"SELECT a FROM orders", kBad, 1, 15, "expected input (a file's name is written in quotes), found orders"},
    {"SELECT a FROM ''", kBad, 1, 15, "expected a file name, found ''"},
    {"SELECT a FROM input WHERE", kBad, 1, 26, "expected an expression, found the end of the query"},
    {"SELECT a FROM input x y", kBad, 1, 23, "expected WHERE, LIMIT or the end of the query, found y"},
    {"SELECT a FROM input WHERE a = 1 b", kBad, 1, 33, "expected an operator, LIMIT or the end of the query, found b"},
    {"SELECT a FROM input LIMIT", kBad, 1, 26, "expected a whole number, found the end of the query"},
    {"SELECT a FROM input LIMIT 1.5", kBad, 1, 27, "expected a whole number, found 1.5"},
    {"SELECT a FROM input LIMIT -1", kBad, 1, 27, "expected a whole number, found -"},
    {"SELECT a FROM input LIMIT 1 2", kBad, 1, 29, "expected the end of the query, found 2"},
    {"SELECT a FROM input LIMIT 1 WHERE a = 1", kBad, 1, 29, "expected the end of the query, found WHERE"},
    {"SELECT a AS FROM input", kBad, 1, 13, "expected a name, found FROM"},
    {"SELECT a FROM input; SELECT b", kBad, 1, 22, "expected WHERE, LIMIT or the end of the query, found SELECT"},
    {"SELECT a FROM input[1]", kBad, 1, 21, "expected *, found 1"},
    {"SELECT a FROM S3Object[*].x", kBad, 1, 26, "a path within the document is given by input.path"},
    // what is left out
    {"SELECT a FROM input GROUP BY a", kBad, 1, 21, "GROUP BY is not supported: aggregates are over the whole input"},
    {"SELECT a FROM input ORDER BY a", kBad, 1, 21, "ORDER BY is not supported: records keep the order of the input"},
    {"SELECT a FROM input WHERE a = 1 ORDER BY a", kBad, 1, 33,
     "ORDER BY is not supported: records keep the order of the input"},
    {"SELECT a FROM input LIMIT 1 OFFSET 2", kBad, 1, 29, "OFFSET is not supported"},
    {"SELECT a FROM input JOIN x ON 1", kBad, 1, 21, "JOIN is not supported: a query reads one input"},
    {"SELECT a FROM input LEFT JOIN x ON 1", kBad, 1, 21, "JOIN is not supported: a query reads one input"},
    {"SELECT a FROM input, b", kBad, 1, 20, "JOIN is not supported: a query reads one input"},
    {"SELECT a FROM (SELECT b FROM input)", kBad, 1, 15, "subqueries are not supported"},
    {"SELECT (SELECT 1) FROM input", kBad, 1, 9, "subqueries are not supported"},
    {"SELECT a FROM input WHERE a IN (SELECT 1)", kBad, 1, 33, "subqueries are not supported"},
    {"SELECT DISTINCT a FROM input", kBad, 1, 8, "DISTINCT is not supported"},
    {"SELECT COUNT(DISTINCT a) FROM input", kBad, 1, 14, "DISTINCT is not supported"},
    {"SELECT SUM(a) OVER () FROM input", kBad, 1, 15, "window functions are not supported"},
    {"SELECT a FROM input UNION SELECT a FROM input", kBad, 1, 21, "UNION is not supported"},
    {"WITH x AS (SELECT 1) SELECT a FROM x", kBad, 1, 1, "WITH is not supported"},
    {"SELECT a FROM input HAVING a = 1", kBad, 1, 21, "HAVING is not supported"},
    // expressions
    {"SELECT a FROM input WHERE (a = 1", kBad, 1, 33, "expected ), found the end of the query"},
    {"SELECT a FROM input WHERE a == 1", kBad, 1, 29, "expected =, found =="},
    {"SELECT a FROM input WHERE a = = 1", kBad, 1, 29, "expected =, found =="},
    {"SELECT a FROM input WHERE a NOT 1", kBad, 1, 33, "expected BETWEEN, IN or LIKE, found 1"},
    {"SELECT a FROM input WHERE a BETWEEN 1 OR 2", kBad, 1, 39, "expected AND, found OR"},
    {"SELECT a FROM input WHERE a IN 1", kBad, 1, 32, "expected (, found 1"},
    {"SELECT a FROM input WHERE a IN ()", kBad, 1, 33, "expected an expression, found )"},
    {"SELECT a FROM input WHERE a IN (1 2)", kBad, 1, 35, "expected , or ), found 2"},
    {"SELECT a FROM input WHERE a IS 1", kBad, 1, 32, "expected NULL, MISSING or NOT, found 1"},
    {"SELECT a FROM input WHERE a IS NOT 1", kBad, 1, 36, "expected NULL or MISSING, found 1"},
    {"SELECT CASE a END FROM input", kBad, 1, 15, "expected WHEN, found END"},
    {"SELECT CASE WHEN a THEN 1 FROM input", kBad, 1, 27, "expected WHEN, ELSE or END, found FROM"},
    {"SELECT CAST(a AS BLOB) FROM input", kBad, 1, 18,
     "expected a type (INT, DECIMAL, DOUBLE, TEXT or BOOL), found BLOB"},
    {"SELECT CAST(a AS DECIMAL(10,2)) FROM input", kBad, 1, 25,
     "expected ), found ( (types have no length or scale here)"},
    {"SELECT CAST(a, INT) FROM input", kBad, 1, 14, "expected AS, found ,"},
    {"SELECT UPPER() FROM input", kBad, 1, 14, "expected the arguments of UPPER(x), found )"},
    {"SELECT UPPER(a, b) FROM input", kBad, 1, 17, "expected the arguments of UPPER(x), found b"},
    {"SELECT SUBSTRING(a) FROM input", kBad, 1, 19, "expected the arguments of SUBSTRING(x, first [, count]), found )"},
    {"SELECT TRIM(BOTH 'x') FROM input", kBad, 1, 21, "expected FROM, found )"},
    {"SELECT a.1 FROM input", kBad, 1, 9, "expected FROM, found .1"},
    {"SELECT a[ FROM input", kBad, 1, 11, "expected an element's number or a 'name', found FROM"},
    {"SELECT a[1.5] FROM input", kBad, 1, 10, "expected an element's number or a 'name', found 1.5"},
    {"SELECT (1, 2) FROM input", kBad, 1, 10, "expected ), found , (lists are only for IN)"},
    // tokens
    {"SELECT 'abc FROM input", kBad, 1, 8, "expected ' to close this text, found the end of the query"},
    {"SELECT \"abc FROM input", kBad, 1, 8, "expected \" to close this name, found the end of the query"},
    {"SELECT \"\" FROM input", kBad, 1, 8, "expected a name between the quotes, found nothing"},
    {"SELECT a /* b FROM input", kBad, 1, 10, "expected */ to close this comment, found the end of the query"},
    {"SELECT `a` FROM input", kBad, 1, 8, "names are quoted with \", found `"},
    {"SELECT a FROM input WHERE a = 1 & 2", kBad, 1, 33, "expected an expression or a keyword, found &"},
    {"SELECT 12abc FROM input", kBad, 1, 8, "expected a number, found 12abc"},
    {"SELECT 123456789012345678901234567890123456789 FROM input", kBad, 1, 8, "the number has more than 38 digits"},
    {"SELECT a\n  , b c d\nFROM input", kBad, 2, 9, "expected FROM, found d"},
    // functions
    {"SELECT UPER(a) FROM input", Code::kUnknownFunction, 1, 8, "UPER; did you mean UPPER?"},
    {"SELECT substr(a, 1) FROM input", Code::kUnknownFunction, 1, 8, "substr; did you mean SUBSTRING?"},
    {"SELECT ifnull(a, 1) FROM input", Code::kUnknownFunction, 1, 8, "ifnull; did you mean COALESCE?"},
    {"SELECT quaternion(a) FROM input", Code::kUnknownFunction, 1, 8, "quaternion"},
    // binding
    {"SELECT a, COUNT(*) FROM input", kBad, 1, 8, "a column stands beside an aggregate: GROUP BY is not supported"},
    {"SELECT *, COUNT(*) FROM input", kBad, 1, 8, "* stands beside an aggregate: GROUP BY is not supported"},
    {"SELECT SUM(a) + b FROM input", kBad, 1, 17, "a column stands beside an aggregate: GROUP BY is not supported"},
    {"SELECT SUM(MAX(a)) FROM input", kBad, 1, 12, "an aggregate stands within another one"},
    {"SELECT a FROM input WHERE COUNT(*) > 1", kBad, 1, 27, "aggregates can't be used in WHERE"},
    {"SELECT *, * FROM input", kBad, 1, 11, "* stands twice in the SELECT list"},
    {"SELECT x.* FROM input s", kBad, 1, 8, "expected the input's name in front of .*, found x"},
    {"SELECT s.a.b FROM input s", kBad, 1, 8,
     "columns of this input have no members; expected a column's name, found a path behind a"},
    {"SELECT a FROM input WHERE a LIKE 'x!y' ESCAPE '!'", kBad, 1, 34,
     "expected %, _ or the escape character behind the escape character"},
    {"SELECT a FROM input WHERE a LIKE 'xy' ESCAPE '!!'", kBad, 1, 46, "expected one ASCII character behind ESCAPE"},
    {"SELECT TRUE + 1 FROM input", Code::kQueryType, 1, 8, "expected a number, found a bool"},
    {"SELECT -(a = 1) FROM input", Code::kQueryType, 1, 12, "expected a number, found a bool"},
    {"SELECT a FROM input WHERE 5", Code::kQueryType, 1, 27, "expected a bool, found a number"},
    {"SELECT a FROM input WHERE a = 1 AND a + 1", Code::kQueryType, 1, 39, "expected a bool, found a number"},
    {"SELECT a FROM input WHERE 1 = TRUE", Code::kQueryType, 1, 31, "expected a number, found a bool"},
    {"SELECT SUM(a = 1) FROM input", Code::kQueryType, 1, 14, "expected a number, found a bool"},
    {"SELECT a FROM input WHERE a LIKE 5", Code::kQueryType, 1, 34, "expected a text, found a number"},
};

TEST(Parser, says_what_was_expected_and_where) {
  for (const BadQuery& bad : kBadQueries) {
    const Result<CompiledQuery> compiled = compile_query(bad.text, {});
    ASSERT_FALSE(compiled) << bad.text;
    EXPECT_EQ(compiled.error().code, bad.code) << bad.text;
    EXPECT_EQ(compiled.error().line, bad.line) << bad.text;
    EXPECT_EQ(compiled.error().column, bad.column) << bad.text;
    EXPECT_EQ(compiled.error().detail.view(), bad.detail) << bad.text;
  }
}

TEST(Parser, takes_what_the_language_has) {
  for (const char* text : {"",
                           "  \n-- nothing\n",
                           "select * from input",
                           "SELECT * FROM stdin;",
                           "SELECT * FROM S3Object s WHERE s.a = 1",
                           "SELECT s.* FROM s3object AS s",
                           "SELECT * FROM \"my file.csv\" f",
                           "SELECT f.a FROM 's3://b/k.csv.gz' AS f",
                           "SELECT * FROM S3Object[*] s",
                           "SELECT * FROM input[*] LIMIT 0",
                           "SELECT *, a + 1 AS b FROM input",
                           "SELECT a b, \"c d\" \"e f\" FROM input",
                           "SELECT _1, _2 FROM input WHERE _3 = 'x'",
                           "SELECT a FROM input WHERE NOT a = 1 AND b <> 2 OR c != 3",
                           "SELECT a /* b */ , -- c\n d FROM input",
                           "SELECT 'it''s' FROM input",
                           "SELECT 1e3, .5, 5., 1.5e-3, -9223372036854775808 FROM input",
                           "SELECT a FROM input WHERE a NOT IN (1, 'x', NULL)",
                           "SELECT a FROM input WHERE a NOT LIKE '5!%%' ESCAPE '!'",
                           "SELECT TRIM(a), TRIM(LEADING FROM a), TRIM('x' FROM a), TRIM(BOTH 'x' FROM a) FROM input",
                           "SELECT SUBSTRING(a FROM 2 FOR 3), SUBSTRING(a FROM 2), SUBSTRING(a, 2, 3) FROM input",
                           "SELECT CAST(a AS double precision) FROM input",
                           "SELECT CASE a WHEN 1 THEN 2 END, CASE WHEN a = 1 THEN 2 ELSE 3 END FROM input",
                           "SELECT SUM(a) / COUNT(*) AS mean, MAX(LENGTH(b)) FROM input",
                           "SELECT - - +a FROM input",
                           "SELECT a = 1 FROM input",
                           "SELECT count FROM input",
                           "SELECT a IS NOT MISSING, a IS NULL FROM input",
                           "SELECT ALL a FROM input",
                           "SELECT NULL, MISSING, TRUE FROM input"}) {
    const Result<CompiledQuery> compiled = compile_query(text, {});
    EXPECT_TRUE(compiled) << text << "\n" << (compiled ? "" : compiled.error().detail.view());
  }
}

TEST(Parser, bounds_hold_everywhere) {
  const auto repeated = [](const std::string& piece, size_t times) {
    std::string text;
    for (size_t i = 0; i < times; ++i) text += piece;
    return text;
  };
  const auto detail = [](const std::string& text) {
    const Result<CompiledQuery> compiled = compile_query(text, {});
    return compiled ? std::string("ok") : std::string(compiled.error().detail.view());
  };
  EXPECT_EQ(detail("SELECT " + repeated("(", 63) + "a" + repeated(")", 63) + " FROM input"), "ok");
  for (const char* open : {"(", "- ", "NOT ", "UPPER(", "CASE WHEN "}) {
    EXPECT_EQ(detail("SELECT " + repeated(open, 70) + "a"), "expressions are nested deeper than 64") << open;
    EXPECT_NE(detail("SELECT " + repeated(open, 100000) + "a"), "ok");
  }
  EXPECT_EQ(detail("SELECT a" + repeated(" + a", 200) + " FROM input"), "ok");
  EXPECT_EQ(detail("SELECT a" + repeated(" + a", 300) + " FROM input"),
            "the expression is a chain of more than 256 operators; use parentheses to balance it");
  EXPECT_EQ(detail("SELECT a" + repeated(" || a", 2000) + " FROM input"), "ok");
  EXPECT_EQ(detail("SELECT a FROM input WHERE a = 1" + repeated(" OR a = 1", 1000)), "ok");
  EXPECT_EQ(detail("SELECT a FROM input WHERE a = 1" + repeated(" OR a = 1", 2000)),
            "the query has more than 4096 expressions");
  EXPECT_EQ(detail("SELECT a FROM input WHERE a IN (1" + repeated(",1", 1023) + ")"), "ok");
  EXPECT_EQ(detail("SELECT a FROM input WHERE a IN (1" + repeated(",1", 1024) + ")"),
            "the list of IN has more than 1024 items");
  EXPECT_EQ(detail("SELECT a" + repeated(", a", 1023) + " FROM input"), "ok");
  EXPECT_EQ(detail("SELECT a" + repeated(", a", 1024) + " FROM input"), "SELECT has more than 1024 columns");
  EXPECT_EQ(detail(std::string(300000, ' ')), "the query is longer than 256 KiB");
  EXPECT_EQ(detail("SELECT a" + repeated(".b", 40) + " FROM input"), "the path has more than 32 steps");
}

TEST(Binder, names_columns_and_projects_only_what_is_named) {
  QueryOptions json;
  json.fields_are_text = false;
  json.ordinals = false;
  Result<CompiledQuery> compiled = compile_query(
      "SELECT s.user.id, s.user.id AS uid, tags[0], x + 1, UPPER(y), S.z FROM 'in.json' AS s WHERE s.w = 1", json);
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->source_name, "in.json");
  const Program& program = *compiled->program;
  std::string names;
  for (const OutputColumn& column : program.output())
    names += std::string(column.name) + (column.field >= 0 ? "=" + std::to_string(column.field) : "") + " ";
  EXPECT_EQ(names, "id=0 uid=0 _3=1 _4 _5 z=4 ");
  ASSERT_EQ(program.projection().paths.size(), 6u);  // user.id tags[0] x y z w
  EXPECT_FALSE(program.projection().all);
  EXPECT_EQ(program.projection().paths[0].steps.size(), 2u);
  EXPECT_EQ(program.projection().paths[0].steps[1].name, "id");
  EXPECT_EQ(program.projection().paths[1].steps[1].index, 0);
  EXPECT_EQ(program.computed_index(0), -1);
  EXPECT_EQ(program.computed_index(3), 0);
  EXPECT_EQ(program.computed_index(4), 1);
}

TEST(Binder, star_stands_for_all_fields) {
  Result<CompiledQuery> star = compile_query("", {});
  ASSERT_TRUE(star);
  EXPECT_TRUE(star->program->projection().all);
  EXPECT_TRUE(star->program->projection().paths.empty());
  EXPECT_FALSE(star->program->has_filter());
  EXPECT_EQ(star->program->limit(), kNoOffset);
  Result<CompiledQuery> more = compile_query("SELECT *, a + 1 AS b FROM input LIMIT 5", {});
  ASSERT_TRUE(more);
  EXPECT_TRUE(more->program->output()[0].star);
  EXPECT_EQ(more->program->output()[1].name, "b");
  EXPECT_EQ(more->program->projection().paths.size(), 1u);
  EXPECT_EQ(more->program->limit(), 5u);
}

TEST(Binder, ordinals_and_quoted_names) {
  Result<CompiledQuery> compiled = compile_query("SELECT _2, \"_2\", \"A\", A, a, _0 FROM input", {});
  ASSERT_TRUE(compiled);
  const std::span<const FieldPath> paths = compiled->program->projection().paths;
  ASSERT_EQ(paths.size(), 6u);
  EXPECT_EQ(paths[0].ordinal, 1);
  EXPECT_EQ(paths[1].ordinal, -1);
  EXPECT_TRUE(paths[2].case_sensitive);
  EXPECT_FALSE(paths[3].case_sensitive);
  EXPECT_EQ(paths[5].ordinal, -1);
}

TEST(Binder, typed_columns_are_computed) {
  const TypeHint hints[] = {{"amount", Type::kDecimal}};
  QueryOptions options;
  options.types = hints;
  Result<CompiledQuery> compiled = compile_query("SELECT Amount, b FROM input", options);
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->program->computed_index(0), 0);
  EXPECT_EQ(compiled->program->output()[1].field, 1);
}

}  // namespace
}  // namespace weir::sql

// SQLite as an oracle, for queries whose operands are explicitly CAST: random expressions over one table, run by the
// sqlite3 shell and here.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "sql/random_query.hpp"
#include "sql/test_batch.hpp"

namespace weir::sql {
namespace {

constexpr uint32_t kQueries = 800;
constexpr uint32_t kRows = 30;

/// Expressions that mean the same in both dialects, by type. Divisors are never zero; numbers stay small.
class TypedQuery {
 public:
  explicit TypedQuery(RandomQuery& random) : random_(random) {}

  std::string integer(uint32_t depth) {
    if (depth == 0)
      return random_.pick(
          {"CAST(n AS INT)", "CAST(m AS INT)", "7", "-3", "0", "100", "NULL", "CAST(n AS INT) * CAST(m AS INT)"});
    switch (random_.below(10)) {
      case 0:
        return "(" + integer(depth - 1) + " + " + integer(depth - 1) + ")";
      case 1:
        return "(" + integer(depth - 1) + " - " + integer(depth - 1) + ")";
      case 2:
        return "(" + integer(depth - 1) + " / NULLIF(" + integer(depth - 1) + ", 0))";
      case 3:
        return "(" + integer(depth - 1) + " % NULLIF(" + integer(depth - 1) + ", 0))";
      case 4:
        return "LENGTH(" + text(depth - 1) + ")";
      case 5:
        return "CASE WHEN " + condition(depth - 1) + " THEN " + integer(depth - 1) + " ELSE " + integer(depth - 1) +
               " END";
      case 6:
        return "CASE " + text(depth - 1) + " WHEN " + text(depth - 1) + " THEN " + integer(depth - 1) + " END";
      case 7:
        return "COALESCE(" + integer(depth - 1) + ", " + integer(depth - 1) + ")";
      case 8:
        return "CAST(" + real(depth - 1) + " AS INT)";
      default:
        return "-(" + integer(depth - 1) + ")";
    }
  }
  std::string real(uint32_t depth) {
    if (depth == 0)
      return random_.pick({"CAST(n AS REAL)", "CAST(m AS REAL)", "CAST('0.1' AS REAL)", "CAST('2.5' AS REAL)"});
    switch (random_.below(4)) {
      case 0:
        return "(" + real(depth - 1) + " + " + integer(depth - 1) + ")";
      case 1:
        return "(" + integer(depth - 1) + " * " + real(0) + ")";
      case 2:
        return "(" + real(depth - 1) + " / NULLIF(" + real(depth - 1) + ", 0))";
      default:
        return "COALESCE(" + real(depth - 1) + ", " + real(depth - 1) + ")";
    }
  }
  std::string text(uint32_t depth) {
    if (depth == 0) return random_.pick({"a", "b", "'DE'", "'it''s'", "''", "NULL", "a", "b", "'\xc3\xa4'"});
    switch (random_.below(8)) {
      case 0:
        return "(" + text(depth - 1) + " || " + text(depth - 1) + ")";
      case 1:
        return "UPPER(" + text(depth - 1) + ")";
      case 2:
        return "LOWER(" + text(depth - 1) + ")";
      case 3:
        return "TRIM(" + text(depth - 1) + ")";
      case 4:
        return "SUBSTRING(" + text(depth - 1) + ", " + random_.pick({"1", "2", "5"}) +
               random_.pick({"", ", 0", ", 2", ", 9"}) + ")";
      case 5:
        return "NULLIF(" + text(depth - 1) + ", " + text(depth - 1) + ")";
      case 6:
        return "CAST(" + integer(depth - 1) + " AS TEXT)";
      default:
        return "COALESCE(" + text(depth - 1) + ", " + text(depth - 1) + ")";
    }
  }
  std::string condition(uint32_t depth) {
    const uint32_t d = depth == 0 ? 0 : depth - 1;
    switch (random_.below(depth == 0 ? 5 : 9)) {
      case 0:
        return "(" + integer(d) + random_.comparison() + integer(d) + ")";
      case 1:
        return "(" + text(d) + random_.comparison() + text(d) + ")";
      case 2:
        return "(" + text(d) + random_.pick({" LIKE ", " NOT LIKE "}) +
               random_.pick({"'%e%'", "'D_'", "'sh%'", "'%'", "'a!%' ESCAPE '!'", "'_\xc3\xa4%'"}) + ")";
      case 3:
        return "(" + text(d) + random_.pick({" IS NULL", " IS NOT NULL"}) + ")";
      case 4:
        return "(" + real(d) + random_.comparison() + integer(d) + ")";
      case 5:
        return "(" + condition(d) + " AND " + condition(d) + ")";
      case 6:
        return "(" + condition(d) + " OR " + condition(d) + ")";
      case 7:
        return "(" + integer(d) + random_.pick({" IN ", " NOT IN "}) + "(" + integer(d) + ", " + integer(d) + "))";
      default:
        return "(NOT (" + integer(d) + random_.pick({" BETWEEN ", " NOT BETWEEN "}) + integer(d) + " AND " +
               integer(d) + "))";
    }
  }
  std::string any(uint32_t depth) {
    switch (random_.below(4)) {
      case 0:
        return integer(depth);
      case 1:
        return real(depth);
      case 2:
        return text(depth);
      default:
        return condition(depth);
    }
  }

 private:
  RandomQuery& random_;
};

std::string quoted(const std::string& text) {
  if (text == kNoField) return "NULL";
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') out += c;
  }
  return out + "'";
}

/// As SQLite prints it: bools are 1 and 0, texts have no quotes.
std::string as_sqlite(std::string value) {
  if (value == "true") return "1";
  if (value == "false") return "0";
  if (value.size() >= 2 && value[0] == '\'') return value.substr(1, value.size() - 2);
  return value;
}

bool same(const std::string& found, const std::string& expected) {
  if (found == expected) return true;
  char* end = nullptr;
  const double a = std::strtod(found.c_str(), &end);
  if (*end != '\0' || found.empty()) return false;
  const double b = std::strtod(expected.c_str(), &end);
  if (*end != '\0' || expected.empty()) return false;
  return std::fabs(a - b) <= 1e-14 * std::fabs(a) + 1e-300;  // the shell prints 15 digits
}

struct Query {
  std::string columns;
  std::string where;
};

/// Rows of each query as the shell prints them, by the first column.
std::vector<std::map<std::string, std::string>> run_sqlite(const std::string& script) {
  std::vector<std::map<std::string, std::string>> results;
  char path[] = "/tmp/weir_sqlite_XXXXXX";
  const int file = mkstemp(path);
  EXPECT_GE(file, 0);
  EXPECT_EQ(write(file, script.data(), script.size()), static_cast<ssize_t>(script.size()));
  close(file);
  FILE* const shell = popen((std::string("sqlite3 -batch :memory: < ") + path + " 2>&1").c_str(), "r");
  char line[4096];
  while (shell != nullptr && std::fgets(line, sizeof line, shell) != nullptr) {
    std::string text(line);
    if (text.ends_with('\n')) text.pop_back();
    if (text == "===") {
      results.emplace_back();
    } else if (!results.empty()) {
      const size_t bar = text.find('|');
      results.back()[text.substr(0, bar)] = bar == std::string::npos ? "" : text.substr(bar + 1);
    } else {
      ADD_FAILURE() << "sqlite3 said: " << text;  // also when it is not installed
    }
  }
  if (shell != nullptr) pclose(shell);
  unlink(path);
  return results;
}

TEST(Sqlite, agrees_on_queries_whose_operands_are_cast) {
  RandomQuery random(11, false);
  TypedQuery typed(random);
  const std::vector<std::string> texts = {"DE",       "FR",  "shipped",    "it's", "", "\xc3\xa4\xc3\xb6",
                                          " padded ", "100", "D\xc3\xa4x", "a%"};
  const std::vector<std::string> numbers = {"0", "1", "-7", "42", "1000", "3", "-1000", "17"};
  TestBatch batch({"rid", "a", "b", "n", "m"});
  std::string script =
      "PRAGMA case_sensitive_like = ON;\n.mode list\n.nullvalue NULL\nCREATE TABLE input (rid TEXT, a TEXT, b TEXT, n "
      "TEXT, m TEXT);\n";
  for (uint32_t i = 0; i < kRows; ++i) {
    const auto pick = [&](const std::vector<std::string>& from) {
      return random.below(8) == 0 ? kNoField : from[random.below(static_cast<uint32_t>(from.size()))];
    };
    const std::vector<std::string> row = {std::to_string(i), pick(texts), pick(texts), pick(numbers), pick(numbers)};
    batch.add(row);
    script += "INSERT INTO input VALUES (";
    for (size_t c = 0; c < row.size(); ++c) script += (c != 0 ? ", " : "") + quoted(row[c]);
    script += ");\n";
  }
  std::vector<Query> queries;
  for (uint32_t i = 0; i < kQueries; ++i) {
    Query query;
    for (uint32_t c = 0, n = 1 + random.below(3); c < n; ++c) query.columns += (c != 0 ? ", " : "") + typed.any(3);
    if (random.below(2) == 0) query.where = " WHERE " + typed.condition(2);
    queries.push_back(query);
    script += ".print ===\nSELECT rid, " + query.columns + " FROM input" + query.where + ";\n";
  }
  const auto results = run_sqlite(script);
  ASSERT_EQ(results.size(), kQueries) << "sqlite3 is needed for this test";
  uint32_t rows = 0;
  for (uint32_t i = 0; i < kQueries; ++i) {
    const std::string text = "SELECT rid, " + queries[i].columns + " FROM input" + queries[i].where;
    Result<TestProgram> program = compile_test(text);
    ASSERT_TRUE(program) << text << "\n" << program.error().detail.view();
    const std::vector<std::string> found = fates(*program, batch);
    for (uint32_t row = 0; row < kRows; ++row) {
      const auto expected = results[i].find(std::to_string(row));
      if (expected == results[i].end()) {
        ASSERT_EQ(found[row], "-") << text << "\n" << batch.shown_row(row);
        continue;
      }
      ++rows;
      // Column by column; no text here has a bar in it.
      std::string ours = found[row].substr(found[row].find('|') + 1) + "|";
      std::string theirs = expected->second + "|";
      while (!ours.empty() && !theirs.empty()) {
        ASSERT_TRUE(same(as_sqlite(ours.substr(0, ours.find('|'))), theirs.substr(0, theirs.find('|'))))
            << text << "\n"
            << batch.shown_row(row) << "\nweir " << ours << "\nsqlite " << theirs;
        ours.erase(0, ours.find('|') + 1);
        theirs.erase(0, theirs.find('|') + 1);
      }
    }
  }
  EXPECT_GT(rows, kQueries * 5);
}

TEST(Sqlite, agrees_on_aggregates) {
  RandomQuery random(12, false);
  TypedQuery typed(random);
  TestBatch batch({"a", "b", "n", "m"});
  std::string script =
      "PRAGMA case_sensitive_like = ON;\n.mode list\n.nullvalue NULL\nCREATE TABLE input (a TEXT, b TEXT, n TEXT, m "
      "TEXT);\n";
  for (uint32_t i = 0; i < 200; ++i) {
    const std::vector<std::string> row = {random.pick({"DE", "FR", "", "zz"}), random.pick({"x", "it's", "\xc3\xa4"}),
                                          std::to_string(random.below(2000)),
                                          random.below(5) == 0 ? kNoField : std::to_string(random.below(100))};
    batch.add(row);
    script += "INSERT INTO input VALUES (" + quoted(row[0]) + ", " + quoted(row[1]) + ", " + quoted(row[2]) + ", " +
              quoted(row[3]) + ");\n";
  }
  std::vector<std::string> queries;
  for (uint32_t i = 0; i < 200; ++i) {
    std::string text = "SELECT COUNT(*)";
    text += ", SUM(" + typed.integer(2) + "), COUNT(" + typed.any(1) + "), MIN(" + typed.text(1) + "), MAX(" +
            typed.integer(2) + "), SUM(" + typed.real(1) + "), AVG(" + typed.real(1) + ")";
    text += " FROM input";
    if (random.below(2) == 0) text += " WHERE " + typed.condition(2);
    queries.push_back(text);
    script += ".print ===\nSELECT 'row', " + text.substr(7) + ";\n";
  }
  const auto results = run_sqlite(script);
  ASSERT_EQ(results.size(), queries.size()) << "sqlite3 is needed for this test";
  for (size_t i = 0; i < queries.size(); ++i) {
    Result<TestProgram> program = compile_test(queries[i]);
    ASSERT_TRUE(program) << queries[i];
    fates(*program, batch);
    ComputedRows computed;
    ASSERT_TRUE((*program)->aggregate_row(computed)) << queries[i];
    std::string theirs = results[i].at("row") + "|";
    for (size_t c = 0; c < (*program)->output().size(); ++c) {
      ASSERT_TRUE(same(as_sqlite(shown(computed.values[c])), theirs.substr(0, theirs.find('|'))))
          << queries[i] << "\ncolumn " << c << " weir " << shown(computed.values[c]) << "\nsqlite " << theirs;
      theirs.erase(0, theirs.find('|') + 1);
    }
  }
}

}  // namespace
}  // namespace weir::sql

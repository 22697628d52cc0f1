// Runs every example of docs/query.md: `expression => result`, over the records that stand there.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sql/differential.hpp"
#include "sql/test_batch.hpp"
#include "testing/source_dir.hpp"

namespace weir::sql {
namespace {

struct DocCase {
  std::string expression;
  std::string result;
  size_t line;
};

std::vector<DocCase> doc_cases() {
  std::vector<DocCase> cases;
  std::ifstream file(testing::source_file("docs/query.md"));
  std::string line;
  bool inside = false;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (line.starts_with("```")) {
      inside = line == "```cases";
      continue;
    }
    const size_t arrow = line.rfind(" => ");
    if (!inside) continue;
    if (arrow == std::string::npos) ADD_FAILURE() << "line " << number << ": no =>";
    if (arrow != std::string::npos) cases.push_back({line.substr(0, arrow), line.substr(arrow + 4), number});
  }
  return cases;
}

std::string unquoted_doubles(const std::string& text) {
  if (text.size() < 2 || text[0] != '\'') return text;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\'' && i != 0 && i + 2 < text.size() && text[i + 1] == '\'') ++i;
  }
  return out;
}

std::string run(const std::string& expression, std::vector<std::string>& problems) {
  const bool json = expression.find("j.") != std::string::npos;
  QueryOptions options;
  options.fields_are_text = !json;
  options.ordinals = !json;
  Result<TestProgram> compiled = compile_test("SELECT COALESCE(" + expression + ") AS x FROM input", options);
  if (!compiled) return "query error: " + std::string(compiled.error().detail.view());
  TestProgram program = std::move(*compiled);
  TestBatch batch =
      json ? TestBatch({"j.n", "j.i", "j.t", "j.b", "j.z", "j.list", "j.list[1]", "j.huge"}, FieldEncoding::kJson)
           : TestBatch({"name", "amount", "qty", "zip", "empty", "odd"});
  if (json) {
    batch.add({"1.50", "7", "\"Zo\\u00eb\"", "true", "null", "[1, 2]", "2", "1e300"});
  } else {
    batch.add({"Ada", "111.20", "3", "01234", "", "\"say \"\"hi\"\"\""});
  }
  const std::string found = fates(program, batch)[0];
  if (found != scalar_fates(program, batch)[0]) problems.push_back(expression);
  return found[0] == '!' ? "error W" + found.substr(1) : found;
}

TEST(QueryDoc, every_example_gives_what_it_says) {
  const std::vector<DocCase> cases = doc_cases();
  ASSERT_GT(cases.size(), 120u);
  std::vector<std::string> problems;
  for (const DocCase& c : cases) {
    EXPECT_EQ(run(c.expression, problems), unquoted_doubles(c.result))
        << "docs/query.md:" << c.line << ": " << c.expression;
  }
  EXPECT_TRUE(problems.empty());
}

}  // namespace
}  // namespace weir::sql

// docs/messages.md holds every exit; its table of messages is held by plan/messages_doc_test.cpp.
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "testing/source_dir.hpp"

namespace weir {
namespace {

std::vector<std::string> doc_rows(const std::string& prefix) {
  std::ifstream file(testing::source_file("docs/messages.md"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(prefix)) rows.push_back(line);
  }
  return rows;
}

TEST(MessagesDoc, every_exit_has_its_row) {
  // Whatever a number is an exit for, its name is not that of an unknown one.
  std::set<std::string> expected;
  for (int number = 0; number < 255; ++number) {
    const std::string name = exit_name(static_cast<Exit>(number));
    if (name == "INTERNAL" && number != static_cast<int>(Exit::kInternal)) continue;
    expected.insert("| " + std::to_string(number) + " | " + name + " |");
  }
  EXPECT_EQ(expected.size(), 17u);
  std::set<std::string> found;
  for (const std::string& row : doc_rows("| ")) {
    if (row[2] < '0' || row[2] > '9') continue;
    const size_t name = row.find('|', 2) + 1;
    found.insert(row.substr(0, row.find('|', name) + 1));
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace weir

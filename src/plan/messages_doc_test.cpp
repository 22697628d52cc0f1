// docs/messages.md holds the table of all messages as error_codes.def has it.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "testing/source_dir.hpp"

namespace weir {
namespace {

constexpr std::string_view kHead = "| code | exit | message | hint |\n|---|---|---|---|\n";

std::string read_text(const char* path) {
  std::string text;
  if (FILE* file = std::fopen(path, "rb")) {
    char room[4096];
    for (size_t n; (n = std::fread(room, 1, sizeof room, file)) > 0;) text.append(room, n);
    std::fclose(file);
  }
  return text;
}

std::string row(const CodeInfo& info) {
  char number[16];
  std::snprintf(number, sizeof number, "W%04u", static_cast<unsigned>(info.code));
  const std::string exit = info.exit == Exit::kNone ? "record" : std::to_string(static_cast<unsigned>(info.exit));
  return std::string("| ") + number + " | " + exit + " | " + info.message + " | " + info.hint + " |\n";
}

TEST(Messages, the_docs_hold_the_table_of_messages) {
  const std::string path = testing::source_file("docs/messages.md");
  std::string text = read_text(path.c_str());
  ASSERT_FALSE(text.empty()) << path;
  std::string expected;
#define X(name, number, exit, message, hint) expected += row(code_info(Code::k##name));
#include "base/error_codes.def"
#undef X
  const size_t begin = text.find(kHead) + kHead.size();
  ASSERT_GE(begin, kHead.size());
  size_t end = begin;
  while (text.compare(end, 3, "| W") == 0) end = text.find('\n', end) + 1;
  if (std::getenv("WEIR_UPDATE_DOCS") != nullptr) {
    text.replace(begin, end - begin, expected);
    FILE* file = std::fopen(path.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    return;
  }
  EXPECT_EQ(text.substr(begin, end - begin), expected) << "run `make docs`";
}

}  // namespace
}  // namespace weir

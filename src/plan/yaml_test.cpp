#include "plan/yaml.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string place_of(const YamlNode& node) { return std::to_string(node.line()) + ":" + std::to_string(node.column()); }

TEST(Yaml, maps_lists_and_scalars_keep_their_places) {
  const std::string text =
      "a: 1\n"
      "list:\n"
      "  - x\n"
      "  - 'y z'\n"
      "map: {k: v, \"quoted\\tkey\": [1, 2]}\n"
      "nothing:\n";
  const auto document = parse_yaml(text);
  ASSERT_TRUE(document) << document.error().detail.view();
  const YamlNode root = document->root();
  ASSERT_TRUE(root.is_map());
  EXPECT_EQ(root.size(), 4u);
  EXPECT_EQ(root["a"].text(), "1");
  EXPECT_EQ(place_of(root["a"]), "1:4");
  EXPECT_EQ(root["list"].size(), 2u);
  EXPECT_EQ(place_of(*root["list"].begin()), "3:5");
  YamlNode last;
  for (const YamlNode item : root["list"]) last = item;
  EXPECT_EQ(last.text(), "y z");
  EXPECT_EQ(last.style(), YamlStyle::kSingleQuoted);
  EXPECT_EQ(place_of(last), "4:5");
  EXPECT_EQ(last.text_column(), 6u);
  EXPECT_EQ(root["map"]["quoted\tkey"].size(), 2u);
  EXPECT_EQ(root["map"]["k"].key_column(), 7u);
  EXPECT_TRUE(root["nothing"].is_nothing());
  EXPECT_EQ(root["no"]["such"]["key"].text(), "");
  EXPECT_EQ(root["no"].kind(), YamlKind::kNone);
}

TEST(Yaml, columns_are_bytes_behind_letters_of_many_bytes) {
  const auto document = parse_yaml("\xEF\xBB\xBFk: [\xC3\xA4\xE2\x82\xAC, b]\n\xC3\xB6: c\n");
  ASSERT_TRUE(document);
  YamlNode last;
  for (const YamlNode item : document->root()["k"]) last = item;
  EXPECT_EQ(place_of(last), "1:12");
  EXPECT_EQ(place_of(document->root()["\xC3\xB6"]), "2:5");
}

TEST(Yaml, a_literal_block_says_where_its_first_character_stands) {
  const auto document = parse_yaml(
      "in:\n  query: |  # why\n\n      SELECT a\n        FROM input\n  other: >-\n    folded\n    text\n  end: |2\n    "
      " x\n");
  ASSERT_TRUE(document) << document.error().detail.view();
  const YamlNode query = document->root()["in"]["query"];
  EXPECT_EQ(query.text(), "\nSELECT a\n  FROM input\n");
  EXPECT_EQ(query.line(), 2u);
  EXPECT_EQ(query.text_line(), 3u);
  EXPECT_EQ(query.text_column(), 7u);
  EXPECT_EQ(document->root()["in"]["other"].text(), "folded text");
  EXPECT_EQ(document->root()["in"]["other"].text_line(), 7u);
  EXPECT_EQ(document->root()["in"]["end"].text(), " x\n");
  EXPECT_EQ(document->root()["in"]["end"].text_column(), 5u);
}

TEST(Yaml, an_empty_file_has_no_root) {
  EXPECT_TRUE(parse_yaml(std::string_view()));
  for (const char* text : {"", "\n", "# only a comment\n", "---\n...\n"}) {
    const auto document = parse_yaml(text);
    ASSERT_TRUE(document) << text;
    EXPECT_TRUE(document->root().is_nothing()) << text;
  }
}

TEST(Yaml, each_mistake_has_a_place_and_plain_words) {
  const struct {
    const char* text;
    Code code;
    uint32_t line;
    uint32_t column;
    const char* words;
  } cases[] = {
      {"a: b: c\n", Code::kBadYaml, 1, 5, "a `key:` is not allowed here"},
      {"a: 1\n b: 2\n", Code::kBadYaml, 2, 3, "a `key:` is not allowed here"},
      {"a:\n\tb: 1\n", Code::kBadYaml, 2, 1, "indent with spaces, not tabs"},
      {"a: [1, 2\nb: 3\n", Code::kBadYaml, 2, 2, "a list in brackets is not closed (it begins in line 1)"},
      {"a: 'x\n", Code::kBadYaml, 2, 1, "the file ends inside a quoted text (it begins in line 1)"},
      {"a: \"\\q\"\n", Code::kBadYaml, 1, 5, "unknown escape"},
      {"a: 1\na: 2\n", Code::kBadYaml, 2, 1, "the key `a` is given twice, first in line 1"},
      {"a: {b: 1, b: 2}\n", Code::kBadYaml, 1, 11, "the key `b` is given twice"},
      {"a: 1\n---\nb: 2\n", Code::kBadYaml, 2, 1, "a second document begins here"},
      {"? [a]\n: 1\n", Code::kBadYaml, 1, 3, "a key must be a text"},
      {"a: *x\n", Code::kConfigTooLarge, 1, 4, "quote a value that begins with `*`"},
      {"from: *.csv\n", Code::kBadYaml, 1, 8, "a value that begins with `*` or `&` must be quoted"},
      {"a: &x 1\n", Code::kConfigTooLarge, 1, 4, "an anchor"},
      {"a: !!int 1\n", Code::kConfigTooLarge, 1, 4, "a tag"},
      {"a: @x\n", Code::kBadYaml, 1, 4, "can't begin a value"},
      {"%TAG ! tag:x,2000:\n---\na: 1\n", Code::kConfigTooLarge, 1, 1, "a %TAG directive"},
      {"ok: 1\na: \xFF\n", Code::kBadYaml, 2, 4, "invalid UTF-8"},
      {"a: \x01\n", Code::kBadYaml, 1, 4, "a control character"},
      {"\xFF\xFE"
       "a",
       Code::kBadYaml, 1, 1, "UTF-16"},
  };
  for (const auto& c : cases) {
    const auto document = parse_yaml(c.text);
    ASSERT_FALSE(document) << c.text;
    EXPECT_EQ(document.error().code, c.code) << c.text << document.error().detail.view();
    EXPECT_EQ(document.error().line, c.line) << c.text;
    EXPECT_EQ(document.error().column, c.column) << c.text;
    EXPECT_NE(document.error().detail.view().find(c.words), std::string_view::npos) << document.error().detail.view();
  }
}

TEST(Yaml, limits_hold) {
  EXPECT_EQ(parse_yaml(std::string((256 << 10) + 1, ' ')).error().detail.view(),
            "it has 262145 bytes, at most 262144 are read");
  EXPECT_TRUE(parse_yaml(std::string(256 << 10, ' ')));
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_yaml(nested(32)));
  const auto deep = parse_yaml(nested(33));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, Code::kConfigTooLarge);
  EXPECT_EQ(deep.error().column, 33u);
  EXPECT_FALSE(parse_yaml(nested(100'000)));
  std::string many = "[";
  for (int i = 0; i < 4095; ++i) many += "a,";
  EXPECT_TRUE(parse_yaml(many + "]"));
  const auto more = parse_yaml(many + "a]");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().detail.view(), "more than 4096 values");
}

}  // namespace
}  // namespace weir

#include "plan/name_template.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string render(std::string_view text, std::string_view input, uint64_t batch = 0, bool trusted = true) {
  const auto parsed = NameTemplate::parse(text);
  if (!parsed) return "parse: " + std::string(parsed.error().detail.view());
  char room[NameTemplate::kBytesMax];
  const auto name = parsed->render({input, batch, trusted}, room);
  return name ? std::string(*name) : "render: " + std::string(name.error().detail.view());
}

TEST(NameTemplate, placeholders_are_replaced) {
  const struct {
    const char* text;
    const char* input;
    const char* name;
  } cases[] = {
      {"out.csv", "", "out.csv"},
      {"out/{input.stem}.ndjson", "raw/orders.csv.gz", "out/orders.ndjson"},
      {"out/{input.dir}/x", "raw/a/orders.csv.gz", "out/raw/a/x"},
      {"out/{input.dir}/x", "orders.csv", "out/./x"},
      {"out/{input.key}.done", "raw/orders.csv", "out/raw/orders.csv.done"},
      {"b-{batch}.json", "", "b-000042.json"},
      {"{{{batch}}}", "", "{000042}"},
      {"a{{b}}c}d", "", "a{b}c}d"},
      {"{input.stem}", "2026-11-22.csv.zst", "2026-11-22"},
      {"{input.stem}", ".hidden", ".hidden"},
      {"{input.stem}", "x.gz", "x"},
      {"{input.stem}", ".gz", ".gz"},
  };
  for (const auto& c : cases) EXPECT_EQ(render(c.text, c.input, 42), c.name) << c.text;
  EXPECT_EQ(render("{batch}", "", 12345678), "12345678");
}

TEST(NameTemplate, an_inputs_name_never_leads_out_of_the_folder) {
  EXPECT_EQ(render("out/{input.dir}/x", "/etc/passwd"), "out/etc/x");
  EXPECT_EQ(render("out/{input.dir}/x", "../../etc/passwd"), "out/__/__/etc/x");
  EXPECT_EQ(render("out/{input.dir}/x", "/passwd"), "out/./x");
  EXPECT_EQ(render("out/{input.key}", "a//b/./../c\nd"), "out/a/b/__/c_d");
  EXPECT_EQ(render("out/{input.stem}", ".."), "out/_");
  EXPECT_EQ(render("out/.{input.stem}/x", "..csv"), "out/._/x");
  EXPECT_EQ(render("out/.{input.dir}/x", "a"), "out/._/x");
  EXPECT_EQ(render("out/{input.dir}{input.dir}/x", "a"), "out/__/x");
  EXPECT_EQ(render("out/{input.stem}", "/"), "out/_");
  const std::string nul("a\0b/c\0d.csv", 11);
  EXPECT_EQ(render("out/{input.key}", nul), "render: an input's name holds a NUL byte");
  EXPECT_EQ(render("out/{input.key}", nul, 0, false), "out/a_b/c_d.csv");
}

TEST(NameTemplate, a_name_that_begins_with_the_inputs_folder_stays_in_it) {
  EXPECT_EQ(render("{input.dir}/{input.stem}.out", "/data/in/a.csv"), "/data/in/a.out");
  EXPECT_EQ(render("{input.dir}/{input.stem}.out", "../a.csv"), "../a.out");
  EXPECT_EQ(render("{input.key}.out", "/data/a.csv"), "/data/a.csv.out");
  EXPECT_EQ(render("{input.dir}/x", "a.csv"), "./x");
  EXPECT_EQ(render("{input.dir}/x", "/a.csv"), "//x");
  EXPECT_EQ(render("{input.dir}/{input.stem}.out", "/data/in/a.csv", 0, false), "data/in/a.out");
  EXPECT_EQ(render("{input.key}", "../../a", 0, false), "__/__/a");
}

TEST(NameTemplate, an_objects_name_is_its_key) {
  for (const bool trusted : {true, false}) {
    EXPECT_EQ(render("s3://out/{input.dir}/{input.stem}.x", "s3://raw/2026/11/a.csv.gz", 0, trusted),
              "s3://out/2026/11/a.x");
    EXPECT_EQ(render("s3://out/{input.key}", "s3://raw/2026/a.csv", 0, trusted), "s3://out/2026/a.csv");
    EXPECT_EQ(render("out/{input.dir}/x", "s3://raw/a.csv", 0, trusted), "out/./x");
  }
  EXPECT_EQ(render("{input.dir}/{input.stem}.out", "s3://raw/2026/a.csv"), "s3://raw/2026/a.out");
}

TEST(NameTemplate, mistakes_name_the_placeholder_and_the_place) {
  const struct {
    const char* text;
    Code code;
    uint32_t column;
    const char* detail;
  } cases[] = {
      {"out/{input.stm}", Code::kBadTemplate, 5, "unknown placeholder {input.stm}; did you mean {input.stem}?"},
      {"{btach}", Code::kBadTemplate, 1, "unknown placeholder {btach}; did you mean {batch}?"},
      {"{}", Code::kBadTemplate, 1, "unknown placeholder {}; there are"},
      {"x{batch", Code::kBadTemplate, 2, "a placeholder is not closed; write {{ for a brace"},
      {"a{part}-{batch}", Code::kBadTemplate, 9, "{batch} and {part} can't both be there"},
      {"{date:%Y}", Code::kNotYet, 1, "the placeholder {date:%Y}"},
      {"{input.etag8}", Code::kNotYet, 1, "the placeholder {input.etag8}"},
  };
  for (const auto& c : cases) {
    const auto parsed = NameTemplate::parse(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().code, c.code) << c.text;
    EXPECT_EQ(parsed.error().column, c.column) << c.text;
    EXPECT_TRUE(parsed.error().detail.view().starts_with(c.detail)) << parsed.error().detail.view();
  }
  EXPECT_FALSE(NameTemplate::parse(std::string(4097, 'a')));
  EXPECT_FALSE(NameTemplate::parse(std::string("a\0b", 3)));
  std::string many;
  for (int i = 0; i < 25; ++i) many += "{batch}";
  EXPECT_FALSE(NameTemplate::parse(many));
}

TEST(NameTemplate, what_does_not_fit_the_room_is_refused) {
  const auto parsed = NameTemplate::parse("out/{input.stem}-{batch}");
  ASSERT_TRUE(parsed);
  const std::string whole = "out/abc-000007";
  for (size_t size = 0; size <= whole.size(); ++size) {
    std::string room(size, '!');
    const auto name = parsed->render({"abc.csv", 7}, room);
    EXPECT_EQ(name.has_value(), size == whole.size()) << size;
  }
  char room[64];
  EXPECT_EQ(parsed->render({"", 7}, room).error().code, Code::kBadTemplate);
}

}  // namespace
}  // namespace weir

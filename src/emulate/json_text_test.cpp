#include "emulate/json_text.hpp"

#include <gtest/gtest.h>

namespace weir::emulate {
namespace {

TEST(JsonText, knows_json_from_what_is_none) {
  for (const char* good :
       {"{}", " [1, -2.5e+3 ,\"a\\u00e9\\n\", true,false , null]\n", "0", "\"x\"", "{\"a\":{\"b\":[[]]}}"})
    EXPECT_TRUE(is_json(good)) << good;
  for (const char* bad : {"", " ", "{", "{\"a\"}", "{\"a\":1,}", "[1 2]", "01", "+1", "1.", "\"\\x\"", "\"\n\"",
                          "\"\\u12g4\"", "tru", "{} {}", "'a'"})
    EXPECT_FALSE(is_json(bad)) << bad;
  EXPECT_TRUE(is_json(std::string(500, '[') + std::string(500, ']')));
  EXPECT_FALSE(is_json(std::string(600, '[') + std::string(600, ']')));
}

TEST(JsonText, finds_a_member_of_the_outermost_object) {
  const std::string_view text =
      " {\"inner\":{\"done\":true}, \"done\" : false,\"cursor\":{\"at\":[1,2]},\"s\":\"x\\\"y\"}";
  EXPECT_EQ(json_member(text, "done"), "false");
  EXPECT_EQ(json_member(text, "cursor"), "{\"at\":[1,2]}");
  EXPECT_EQ(json_member(text, "s"), "\"x\\\"y\"");
  EXPECT_EQ(json_member(text, "at"), std::nullopt);
  EXPECT_EQ(json_member("[{\"done\":1}]", "done"), std::nullopt);
  EXPECT_EQ(json_member("{\"done\":1", "done"), std::nullopt);
}

TEST(JsonText, a_string_is_escaped) {
  EXPECT_EQ(json_string("a\"b\\c\nd\x01"), "\"a\\\"b\\\\c\\nd\\u0001\"");
  EXPECT_TRUE(is_json(json_string(std::string("\0\x1f\t\r", 4))));
}

}  // namespace
}  // namespace weir::emulate

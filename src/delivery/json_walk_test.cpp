#include "delivery/json_walk.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// What the walk tells: "path=text" a line; `#` for the end of a container.
std::string walked(std::string_view text, size_t step) {
  std::string out;
  JsonWalk walk;
  const auto on_value = [&] {
    for (size_t level = 1; level <= walk.depth(); ++level) {
      if (level > JsonWalk::kNamedDepthMax) {
        out += "/..";
      } else {
        out += "/" + (walk.in_array(level) ? std::to_string(walk.index(level)) : std::string(walk.name(level)));
      }
    }
    out += walk.kind() == JsonWalk::Kind::kEnd ? "#" : "=" + std::string(walk.text()) + (walk.cut() ? "..." : "");
    out += "\n";
  };
  for (size_t at = 0; at < text.size(); at += step) {
    if (!walk.feed(text.substr(at, step), on_value)) return out + "bad";
  }
  return out + (walk.finish(on_value) ? "whole" : "bad");
}

TEST(JsonWalk, TellsEachValueWithItsPlace) {
  const std::string text = R"( {"Failed":[{"Id":"0","n":[1, -2.5e3]},{"Id":"1","ok":true}],"x":{},"y":null} )";
  const std::string expected =
      "/Failed/0/Id=0\n/Failed/0/n/0=1\n/Failed/0/n/1=-2.5e3\n/Failed/0/n#\n/Failed/0#\n/Failed/1/Id=1\n"
      "/Failed/1/ok=true\n/Failed/1#\n/Failed#\n/x#\n/y=null\n#\nwhole";
  for (const size_t step : {1, 2, 3, 7, 100}) EXPECT_EQ(walked(text, step), expected);
}

TEST(JsonWalk, TextIsUnescaped) {
  EXPECT_EQ(walked(R"(["a\"\\\/\b\f\n\r\t","\u00e9\u20ac\ud83d\ude00","\ud83dx\ude00"])", 1),
            "/0=a\"\\/\b\f\n\r\t\n/1=é€😀\n/2=\xef\xbf\xbdx\xef\xbf\xbd\n#\nwhole");
}

TEST(JsonWalk, LongTextIsCutAndSaysSo) {
  const std::string out = walked("[\"" + std::string(5000, 'x') + "\",1]", 100);
  EXPECT_NE(out.find("x...\n/1=1\n"), std::string::npos);
}

TEST(JsonWalk, WhatIsNoJsonIsRefused) {
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", "tru", "[1 2]", "{} x", "\"\n\"",
                           "\"\\x\"", "]", "[}", "nul", "-"}) {
    for (const size_t step : {1, 100}) EXPECT_TRUE(walked(text, step).ends_with("bad")) << text;
  }
  for (const char* text : {"1", "-0.5", " null ", "\"\"", "[]", "{}"})
    EXPECT_TRUE(walked(text, 1).ends_with("whole")) << text;
}

TEST(JsonWalk, DepthIsBounded) {
  EXPECT_TRUE(walked(std::string(80, '[') + std::string(80, ']'), 1).ends_with("whole"));
  EXPECT_TRUE(walked(std::string(81, '[') + std::string(81, ']'), 1).ends_with("bad"));
}

}  // namespace
}  // namespace weir

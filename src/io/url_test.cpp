#include "io/url.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string path_of(std::string_view text) {
  std::string room(3 * text.size(), '?');
  room.resize(encode_path(text, room).value());
  return room;
}
std::string query_of(std::string_view text) {
  std::string room(3 * text.size(), '?');
  room.resize(encode_query(text, room).value());
  return room;
}
std::optional<std::string> decoded(std::string_view text, Plus plus = Plus::kIsPlus) {
  std::string room(text.size(), '?');
  const auto size = percent_decode(text, room, plus);
  if (!size) return std::nullopt;
  room.resize(*size);
  return room;
}

TEST(Url, is_taken_apart) {
  const Url url = parse_url("https://Example.com:8443/a//b/../c?x=1&y=/?").value();
  EXPECT_TRUE(url.tls);
  EXPECT_FALSE(url.v6);
  EXPECT_EQ(url.host, "Example.com");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.path_and_query, "/a//b/../c?x=1&y=/?");
  EXPECT_EQ(url.path(), "/a//b/../c");
  EXPECT_EQ(url.query(), "x=1&y=/?");
  EXPECT_EQ(host_field(url).view(), "Example.com:8443");
}

TEST(Url, has_the_defaults_of_its_scheme) {
  const Url plain = parse_url("HTTP://h").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.path_and_query, "/");
  EXPECT_EQ(plain.query(), "");
  EXPECT_EQ(host_field(plain).view(), "h");
  EXPECT_EQ(parse_url("https://h/").value().port, 443);
  EXPECT_EQ(host_field(parse_url("https://h:443/").value()).view(), "h");
  EXPECT_EQ(host_field(parse_url("http://h:443/").value()).view(), "h:443");
}

TEST(Url, takes_ipv6_in_brackets) {
  for (const char* host : {"::", "::1", "fd00:ec2::23", "1:2:3:4:5:6:7:8", "1::", "::ffff:10.0.0.1",
                           "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7::"}) {
    const std::string text = "http://[" + std::string(host) + "]:8080/x";
    const auto url = parse_url(text);
    ASSERT_TRUE(url) << host << ": " << url.error().detail.view();
    EXPECT_TRUE(url->v6);
    EXPECT_EQ(url->host, host);
    EXPECT_EQ(url->port, 8080);
    EXPECT_EQ(host_field(*url).view(), "[" + std::string(host) + "]:8080");
  }
  for (const char* host : {"", ":", "1", ":::", "1:2:3:4:5:6:7:8:9", "1::2::3",
                           "12345::", "g::", "1:2:3:4:5:6:7:", "fe80::1%eth0", "fe80::1%25eth0", "1.2.3.4", "::1.2.3",
                           "::1.2.3.256", "::1.2.3.4:5", "::1.2.3.4.5", "1:2:3:4:5:6:7:1.2.3.4", ":1::2"}) {
    const std::string text = "http://[" + std::string(host) + "]/";
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << host;
    EXPECT_EQ(url.error().code, Code::kBadUrl);
  }
}

TEST(Url, refuses_what_could_be_read_in_two_ways) {
  const std::vector<std::string> bad = {"",
                                        "h/x",
                                        "ftp://h/",
                                        "file:///etc/passwd",
                                        "https:/h",
                                        "https://",
                                        "https:///x",
                                        "https://:80/",
                                        "https://a@h/",
                                        "https://a:b@h/",
                                        "https://h@evil/",
                                        "https://h:/",
                                        "https://h:0/",
                                        "https://h:65536/",
                                        "https://h:99999999999/",
                                        "https://h:8o/",
                                        "https://h:-1/",
                                        "https://h:80:80/",
                                        "https://h?x",
                                        "https://h/#x",
                                        "https://h#/x",
                                        "https://h/a b",
                                        "https://h/a\r\nX: y",
                                        "https://h/\xc3\xa4",
                                        std::string("https://h/\0", 11),
                                        "https://h\\@evil/",
                                        "https://.h/",
                                        "https://-h/",
                                        "https://a..b/",
                                        "https://h%2e/",
                                        "https://[::1/",
                                        "https://[::1]x/",
                                        "https://[::1]80/",
                                        "https://" + std::string(254, 'a') + "/",
                                        "https://h/" + std::string(kUrlBytesMax, 'a')};
  for (const std::string& text : bad) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, Code::kBadUrl) << text;
    EXPECT_FALSE(url.error().detail.empty()) << text;
  }
  EXPECT_TRUE(parse_url("https://h/" + std::string(kUrlBytesMax - 10, 'a')));
  EXPECT_TRUE(parse_url("https://" + std::string(253, 'a') + "/"));
  EXPECT_TRUE(parse_url("https://my_bucket.s3.amazonaws.com/a@b:c"));
}

TEST(Url, an_error_has_no_text_of_the_address) {
  for (const char* text :
       {"https://user:canary@h/", "https://h:canary/", "https://h/ canary", "canary://h/", "https://[canary]/"}) {
    EXPECT_EQ(parse_url(text).error().detail.view().find("canary"), std::string_view::npos) << text;
  }
}

TEST(PercentEncoding, of_a_path_keeps_slashes_and_normalizes_nothing) {
  EXPECT_EQ(path_of(""), "");
  EXPECT_EQ(path_of("/a//b/./../c"), "/a//b/./../c");
  EXPECT_EQ(path_of("AZaz09-_.~"), "AZaz09-_.~");
  EXPECT_EQ(path_of("a b+c%20*!'()$&=:@,;?#[]"), "a%20b%2Bc%2520%2A%21%27%28%29%24%26%3D%3A%40%2C%3B%3F%23%5B%5D");
  EXPECT_EQ(path_of("\xc3\xa4\x7f\x01"), "%C3%A4%7F%01");
  EXPECT_EQ(path_of(std::string_view("\0", 1)), "%00");
  EXPECT_EQ(query_of("a/b c=d&e"), "a%2Fb%20c%3Dd%26e");
}

TEST(PercentEncoding, is_undone_by_decoding_for_all_bytes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(decoded(path_of(all)), all);
  EXPECT_EQ(decoded(query_of(all), Plus::kIsSpace), all);
}

TEST(PercentEncoding, says_when_the_room_is_too_small) {
  char room[5];
  EXPECT_EQ(encode_path("a b/", std::span(room, 5)), std::nullopt);
  EXPECT_EQ(encode_path("a b", std::span(room, 5)), 5u);
  EXPECT_EQ(encode_path("a b", std::span(room, 4)), std::nullopt);
  EXPECT_EQ(percent_decode("abc", std::span(room, 2)), std::nullopt);
  FixedText<4> small;
  EXPECT_TRUE(append_encoded(small, " ", true));
  EXPECT_FALSE(append_encoded(small, " ", true));
}

TEST(PercentEncoding, decodes_a_plus_as_asked_and_refuses_broken_escapes) {
  EXPECT_EQ(decoded("a+b%2B"), "a+b+");
  EXPECT_EQ(decoded("a+b%2B", Plus::kIsSpace), "a b+");
  EXPECT_EQ(decoded("%c3%A4"), "\xc3\xa4");
  for (const char* bad : {"%", "%1", "%g0", "%0g", "abc%", "%%20"}) EXPECT_EQ(decoded(bad), std::nullopt) << bad;
  std::string in_place = "a%20b%20c";
  in_place.resize(percent_decode(in_place, in_place).value());
  EXPECT_EQ(in_place, "a b c");
}

}  // namespace
}  // namespace weir

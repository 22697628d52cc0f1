#include "aws/credential_json.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

std::string reason(std::string_view text, CredentialJson kind = CredentialJson::kEndpoint) {
  const auto credentials = parse_credential_json(text, kind);
  if (credentials) return "taken";
  EXPECT_EQ(credentials.error().code, Code::kNoCredentials);
  return std::string(credentials.error().detail.view());
}

/// Every member as name=text.
std::string members_of(std::string_view text) {
  JsonMembers members(text);
  std::string said;
  while (members.next())
    said += std::string(members.name()) + "=" + std::string(members.text()) + (members.text_cut() ? "cut" : "") + ";";
  return said + (members.whole() ? "whole" : "bad");
}

TEST(CredentialJson, of_a_container_and_the_metadata_service_is_read) {
  const auto container = parse_credential_json(
      "{\"RoleArn\":\"arn\",\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s\\/"
      "k+\",\"Token\":\"t==\",\"Expiration\":\"2012-04-27T16:02:25Z\"}",
      CredentialJson::kEndpoint);
  ASSERT_TRUE(container);
  EXPECT_EQ(container->access_key.view(), "ASIA1");
  EXPECT_EQ(container->secret_key.view(), "s/k+");
  EXPECT_EQ(container->session_token.view(), "t==");
  EXPECT_EQ(container->expires_wall_ns, 1'335'542'545 * kSecondNs);
  const auto imds = parse_credential_json(
      "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2012-04-26T16:39:16Z\",\n  \"Type\" : \"AWS-HMAC\",\n  "
      "\"AccessKeyId\" : \"ASIA2\",\n  \"SecretAccessKey\" : \"sk\",\n"
      "  \"Token\" : \"token\",\n  \"Expiration\" : \"2017-05-17T15:09:54Z\"\n}\n",
      CredentialJson::kEndpoint);
  ASSERT_TRUE(imds);
  EXPECT_EQ(imds->access_key.view(), "ASIA2");
}

TEST(CredentialJson, of_a_process_is_read) {
  const auto with = parse_credential_json(
      "{\"Version\": 1, \"AccessKeyId\": \"a\", \"SecretAccessKey\": \"s\", \"SessionToken\": \"t\", \"Expiration\": "
      "\"2012-04-27T18:02:25+02:00\"}",
      CredentialJson::kProcess);
  ASSERT_TRUE(with);
  EXPECT_EQ(with->session_token.view(), "t");
  EXPECT_EQ(with->expires_wall_ns, 1'335'542'545 * kSecondNs);
  const auto without = parse_credential_json("{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}",
                                             CredentialJson::kProcess);
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->session_token.empty());
  EXPECT_EQ(without->expires_wall_ns, kNever);
  const std::string no_version = "the reply of credential_process has no \"Version\": 1";
  EXPECT_EQ(reason("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}", CredentialJson::kProcess), no_version);
  EXPECT_EQ(reason("{\"Version\":2,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}", CredentialJson::kProcess),
            no_version);
  EXPECT_EQ(reason("{\"Version\":\"1\",\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}", CredentialJson::kProcess),
            no_version);
}

TEST(CredentialJson, a_failure_says_what_the_endpoint_says_and_nothing_else) {
  EXPECT_EQ(reason("{\"Code\":\"Failed\",\"Message\":\"no \\u001b[31mrole\\n\"}"),
            "the endpoint answers Failed: no ?[31mrole?");
  EXPECT_EQ(reason("{\"code\":\"AssumeRoleUnauthorizedAccess\",\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"canary\"}"),
            "the endpoint answers AssumeRoleUnauthorizedAccess");
  EXPECT_EQ(reason("{\"AccessKeyId\":\"canary\"}"), "the reply has no keys");
  EXPECT_EQ(reason("{\"SecretAccessKey\":\"canary\"}"), "the reply has no keys");
  EXPECT_EQ(reason("{\"AccessKeyId\":1,\"SecretAccessKey\":\"canary\"}"), "the reply has no keys");
  EXPECT_EQ(reason("<html>canary"), "the reply is not a JSON object");
  EXPECT_EQ(reason("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"canary\""), "the reply is not a JSON object");
  EXPECT_EQ(reason("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"canary\",\"Expiration\":\"soon\"}"),
            "the reply's Expiration is no time");
  EXPECT_EQ(reason("{\"AccessKeyId\":\"" + std::string(129, 'a') + "\",\"SecretAccessKey\":\"s\"}"),
            "a key or token in the reply is too long");
  EXPECT_EQ(reason("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Token\":\"" + std::string(4097, 't') + "\"}"),
            "a key or token in the reply is too long");
  EXPECT_EQ(reason("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Token\":\"" + std::string(4096, 't') + "\"}"),
            "taken");
}

TEST(JsonMembers, reads_one_level_and_skips_the_rest) {
  EXPECT_EQ(members_of("{}"), "whole");
  EXPECT_EQ(members_of(" { \"a\" : \"b\" , \"c\" : -1.5e+3 ,\"d\":true,\"e\":null,\"f\":false } \n"),
            "a=b;c=-1.5e+3;d=;e=;f=;whole");
  EXPECT_EQ(members_of("{\"a\":{\"a\":[1,{\"b\":\"]}\"},[]],\"c\":{}},\"d\":\"e\"}"), "a=;d=e;whole");
  EXPECT_EQ(members_of("{\"\\u0061\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\u20AC\\ud83d\\ude00\"}"),
            "a=\"\\/\b\f\n\r\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80;whole");
}

TEST(JsonMembers, refuses_what_is_not_json) {
  for (const char* bad : {"",
                          " ",
                          "[]",
                          "\"a\"",
                          "{",
                          "{\"a\"",
                          "{\"a\":",
                          "{\"a\":1",
                          "{\"a\":1,",
                          "{\"a\":1,}",
                          "{,}",
                          "{\"a\" 1}",
                          "{a:1}",
                          "{\"a\":01}",
                          "{\"a\":1.}",
                          "{\"a\":.5}",
                          "{\"a\":-}",
                          "{\"a\":1e}",
                          "{\"a\":+1}",
                          "{\"a\":tru}",
                          "{\"a\":\"\\x\"}",
                          "{\"a\":\"\\u12\"}",
                          "{\"a\":\"\\u12g4\"}",
                          "{\"a\":\"\\ud800\"}",
                          "{\"a\":\"\\ud800\\u0041\"}",
                          "{\"a\":\"\\udc00\"}",
                          "{\"a\":\"\n\"}",
                          "{\"a\":\"b}",
                          "{\"a\":[1,]}",
                          "{\"a\":[1 2]}",
                          "{\"a\":{\"b\"}}",
                          "{\"a\":{1:2}}",
                          "{\"a\":[}",
                          "{} x",
                          "{}{}",
                          "{\"a\":1 \"b\":2}",
                          "{\"a\":nan}"}) {
    const std::string said = members_of(bad);
    EXPECT_TRUE(said.ends_with("bad")) << bad << ": " << said;
  }
}

TEST(JsonMembers, holds_its_bounds) {
  const auto nested = [](size_t depth) { return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}"; };
  EXPECT_EQ(members_of(nested(kCredentialJsonDepthMax - 1)), "a=;whole");
  EXPECT_EQ(members_of(nested(kCredentialJsonDepthMax)), "bad");
  EXPECT_EQ(members_of("{\"" + std::string(100, 'n') + "\":1}"), std::string(64, 'n') + "=1;whole");
  const std::string frame = "{\"a\":\"\"}";
  EXPECT_TRUE(members_of("{\"a\":\"" + std::string(kCredentialJsonBytesMax - frame.size(), 'x') + "\"}")
                  .ends_with("cut;whole"));
  EXPECT_EQ(members_of("{\"a\":\"" + std::string(kCredentialJsonBytesMax - frame.size() + 1, 'x') + "\"}"), "bad");
}

}  // namespace
}  // namespace weir

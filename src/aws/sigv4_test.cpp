#include "aws/sigv4.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "io/url.hpp"

namespace weir {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

Credentials credentials_of(std::string_view access, std::string_view secret, std::string_view token = {}) {
  Credentials credentials;
  credentials.access_key.append(access);
  credentials.secret_key.append(secret);
  credentials.session_token.append(token);
  return credentials;
}

std::string signature_of(const Result<Signature>& signature) {
  if (!signature) return std::string(signature.error().detail.view());
  const std::string_view text = signature->authorization.view();
  return std::string(text.substr(text.find("Signature=") + 10));
}

// ---- AWS' suite of version 4 (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4; Apache-2.0): values alone ----------------------------

const Credentials kSuite = credentials_of("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
constexpr uint64_t kSuiteNs = 1'440'938'160 * kSecondNs;  // 2015-08-30T12:36:00Z

struct SuiteCase {
  const char* name;
  const char* path;
  const char* query;
  std::vector<HttpField> more;
  const char* signature;
};

TEST(Sigv4, gives_the_signatures_of_the_published_suite) {
  const std::vector<SuiteCase> cases = {
      {"get-vanilla", "/", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-header-key-duplicate",
       "/",
       "",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "/",
       "",
       {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "/",
       "",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"get-relative-relative-normalized",
       "/example1/example2/../..",
       "",
       {},
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-slash-pointless-dot-normalized",
       "/./example",
       "",
       {},
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-slashes-normalized",
       "//example//",
       "",
       {},
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-space-normalized",
       "/example space/",
       "",
       {},
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-utf8", "/\xe1\x88\xb4", "", {}, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-vanilla-empty-query-key",
       "/",
       "Param1=value1",
       {},
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-key-case",
       "/",
       "Param2=value2&Param1=value1",
       {},
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-order-encoded",
       "/",
       "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
       {},
       "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
      {"get-vanilla-utf8-query",
       "/",
       "%E1%88%B4=bar",
       {},
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
  };
  const SigningScope scope{"us-east-1", "service", kSuiteNs, false};
  for (const SuiteCase& c : cases) {
    std::vector<HttpField> fields = {{"Host", "example.amazonaws.com"}};
    fields.insert(fields.end(), c.more.begin(), c.more.end());
    EXPECT_EQ(signature_of(sign(kSuite, scope, "GET", c.path, c.query, fields, kEmptyPayloadHash)), c.signature)
        << c.name;
  }
  const Credentials token = credentials_of("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                           "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267");
  const std::vector<HttpField> host = {{"Host", "example.amazonaws.com"}};
  const auto signature = sign(token, scope, "GET", "/", "", host, kEmptyPayloadHash);
  EXPECT_EQ(signature->authorization.view(),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date;x-amz-security-token, "
            "Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
  EXPECT_EQ(signature->amz_date.view(), "20150830T123600Z");
  // post-x-www-form-urlencoded
  const std::vector<HttpField> form = {
      {"Content-Type", "application/x-www-form-urlencoded"},
      {"Host", "example.amazonaws.com"},
      {"Content-Length", "13"},
      {"x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"}};
  EXPECT_EQ(signature_of(sign(kSuite, scope, "POST", "/", "", form, form[3].value)),
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

// ---- Amazon S3's examples ("Examples: Signature Calculations in AWS Signature Version 4") -----------------------------------------------

const Credentials kS3 = credentials_of("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
constexpr SigningScope kS3Scope{"us-east-1", "s3", 1'369'353'600 * kSecondNs, true};
constexpr HttpField kS3Host{"Host", "examplebucket.s3.amazonaws.com"};

TEST(Sigv4, gives_the_signatures_of_the_examples_of_s3) {
  const std::vector<HttpField> get = {kS3Host, {"Range", "bytes=0-9"}};
  EXPECT_EQ(signature_of(sign(kS3, kS3Scope, "GET", "/test.txt", "", get, kEmptyPayloadHash)),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const std::vector<HttpField> host = {kS3Host};
  EXPECT_EQ(signature_of(sign(kS3, kS3Scope, "GET", "/", "lifecycle", host, kEmptyPayloadHash)),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature_of(sign(kS3, kS3Scope, "GET", "/", "prefix=J&max-keys=2", host, kEmptyPayloadHash)),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  Sha256 body;
  body.update("Welcome to Amazon S3.");
  char hash[64];
  to_hex(body.digest(), hash);
  const std::vector<HttpField> put = {
      kS3Host, {"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  char path[64];
  const size_t path_size = encode_path("/test$file.text", path).value();
  EXPECT_EQ(signature_of(sign(kS3, kS3Scope, "PUT", {path, path_size}, "", put, {hash, 64})),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(Sigv4, signs_the_seed_of_a_chunked_upload) {
  const std::vector<HttpField> fields = {{"Host", "s3.amazonaws.com"},
                                         {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                         {"Content-Encoding", "aws-chunked"},
                                         {"x-amz-decoded-content-length", "66560"},
                                         {"Content-Length", "66824"}};
  EXPECT_EQ(signature_of(sign(kS3, kS3Scope, "PUT", "/examplebucket/chunkObject.txt", "", fields,
                              "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")),
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
}

// ---- botocore --------------------------------------------------------------------------------------------------------------------------

struct BotocoreCase {
  std::string_view region, service;
  uint64_t wall_s;
  bool s3;
  std::string_view access, secret, token, method, path, query;
  std::vector<HttpField> fields;
  std::string_view payload_hash, authorization;
};

const std::vector<BotocoreCase>& botocore_cases() {
  static const std::vector<BotocoreCase> kCases = {
#include "aws/sigv4_cases.inc"
  };
  return kCases;
}

TEST(Sigv4, signs_as_botocore_does) {
  ASSERT_GE(botocore_cases().size(), 100u);
  Signer signer;
  for (const BotocoreCase& c : botocore_cases()) {
    const SigningScope scope{c.region, c.service, c.wall_s * kSecondNs, c.s3};
    const auto signature = signer.sign(credentials_of(c.access, c.secret, c.token), scope, c.method, c.path, c.query,
                                       c.fields, c.payload_hash);
    ASSERT_TRUE(signature) << signature.error().detail.view();
    EXPECT_EQ(signature->authorization.view(), c.authorization) << c.method << ' ' << c.path << '?' << c.query;
  }
}

// ---- our own ---------------------------------------------------------------------------------------------------------------------------

TEST(Sigv4, a_remembered_key_is_used_only_where_it_belongs) {
  const std::vector<HttpField> host = {kS3Host};
  Signer signer;
  const Credentials other_secret = credentials_of("AKIAIOSFODNN7EXAMPLE", "another");
  const std::vector<std::pair<const Credentials*, SigningScope>> turns = {
      {&kS3, kS3Scope},
      {&kS3, kS3Scope},
      {&other_secret, kS3Scope},
      {&kS3, kS3Scope},
      {&kS3, {"eu-west-1", "s3", kS3Scope.wall_ns, true}},
      {&kS3, {"us-east-1", "sts", kS3Scope.wall_ns, true}},
      {&kS3, {"us-east-1", "s3", kS3Scope.wall_ns - 1, true}},
      {&kS3, kS3Scope}};
  std::string before;
  for (const auto& [credentials, scope] : turns) {
    const std::string expected = signature_of(sign(*credentials, scope, "GET", "/", "", host, kEmptyPayloadHash));
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(signature_of(signer.sign(*credentials, scope, "GET", "/", "", host, kEmptyPayloadHash)), expected);
  }
}

TEST(Sigv4, leaves_out_what_is_changed_on_the_way) {
  const std::vector<HttpField> plain = {kS3Host, {"x-amz-meta-a", "b"}};
  std::vector<HttpField> more = plain;
  for (const char* name :
       {"Connection", "Expect", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "User-Agent", "X-Amzn-Trace-Id", "Authorization"}) {
    more.push_back({name, "x"});
  }
  EXPECT_EQ(sign(kS3, kS3Scope, "GET", "/", "", more, kEmptyPayloadHash)->authorization.view(),
            sign(kS3, kS3Scope, "GET", "/", "", plain, kEmptyPayloadHash)->authorization.view());
  more.push_back({"Tex", "x"});
  EXPECT_NE(sign(kS3, kS3Scope, "GET", "/", "", more, kEmptyPayloadHash)->authorization.view(),
            sign(kS3, kS3Scope, "GET", "/", "", plain, kEmptyPayloadHash)->authorization.view());
}

TEST(Sigv4, lists_the_fields_to_send) {
  const Credentials token = credentials_of("AK", "SK", "TOKEN");
  const std::vector<HttpField> host = {kS3Host};
  const auto signature = sign(token, kS3Scope, "GET", "/", "", host, kUnsignedPayload).value();
  std::array<HttpField, 4> room;
  ASSERT_EQ(signature.fields(token, kS3Scope, kUnsignedPayload, room), 4u);
  EXPECT_EQ(room[0].value, "20130524T000000Z");
  EXPECT_EQ(room[1].value, "TOKEN");
  EXPECT_EQ(room[2].value, "UNSIGNED-PAYLOAD");
  EXPECT_EQ(room[3].name, "Authorization");
  EXPECT_EQ(room[3].value, signature.authorization.view());
  EXPECT_NE(room[3].value.find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
            std::string_view::npos);
  EXPECT_EQ(signature.fields(kS3, {"r", "sts", 0, false}, kEmptyPayloadHash, room), 2u);
}

TEST(Sigv4, says_what_is_beyond_its_bounds) {
  const std::vector<HttpField> host = {kS3Host};
  const auto code = [](const Result<Signature>& signature) { return signature ? Code::kOk : signature.error().code; };
  std::string query;
  for (size_t i = 0; i < kSignedQueryMax; ++i) query += "a&";
  EXPECT_EQ(code(sign(kS3, kS3Scope, "GET", "/", query, host, kEmptyPayloadHash)), Code::kOk);
  EXPECT_EQ(code(sign(kS3, kS3Scope, "GET", "/", query + "a", host, kEmptyPayloadHash)), Code::kInternal);
  std::string path;
  for (size_t i = 0; i < kSignedSegmentsMax; ++i) path += "/a";
  const SigningScope other{"us-east-1", "sts", 0, false};
  EXPECT_EQ(code(sign(kS3, other, "GET", path, "", host, kEmptyPayloadHash)), Code::kOk);
  EXPECT_EQ(code(sign(kS3, other, "GET", path + "/a", "", host, kEmptyPayloadHash)), Code::kInternal);
  EXPECT_EQ(code(sign(kS3, kS3Scope, "GET", path + "/a", "", host, kEmptyPayloadHash)), Code::kOk);
  std::vector<HttpField> fields(kSignedFieldsMax - 2, HttpField{"a", "b"});
  EXPECT_EQ(code(sign(kS3, kS3Scope, "GET", "/", "", fields, kEmptyPayloadHash)), Code::kOk);
  fields.push_back({"a", "b"});
  EXPECT_EQ(code(sign(kS3, kS3Scope, "GET", "/", "", fields, kEmptyPayloadHash)), Code::kInternal);
  const std::string long_name(1500, 'a');
  const std::vector<HttpField> named = {{long_name, "b"}};
  EXPECT_EQ(code(sign(kS3, kS3Scope, "GET", "/", "", named, kEmptyPayloadHash)), Code::kInternal);
  const std::string long_region(65, 'r');
  EXPECT_EQ(code(sign(kS3, {long_region, "s3", 0, true}, "GET", "/", "", host, kEmptyPayloadHash)), Code::kInternal);
}

}  // namespace
}  // namespace weir

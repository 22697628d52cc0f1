#include "delivery/http_endpoint.hpp"

#include "testing/destination_testing.hpp"

namespace weir {
namespace {

class HttpEndpoint : public testing::DestinationTest {
 protected:
  static BatchInfo batch() {
    BatchInfo info;
    info.id = "b-1-2";
    return info;
  }
};

TEST_F(HttpEndpoint, LinesAsAWholeRequest) {
  ASSERT_EQ(make("https://api.example/in/put?x=1"), Code::kOk);
  EXPECT_EQ(destination->name(), "https");
  const std::string text = whole({R"({"a":1})", R"({"b":2})"}, batch());
  EXPECT_EQ(text, "{\"a\":1}\n{\"b\":2}\n");
  const HttpRequest sent = made(text, batch());
  EXPECT_EQ(sent.method, "POST");
  EXPECT_TRUE(sent.url.tls);
  EXPECT_EQ(sent.url.host, "api.example");
  EXPECT_EQ(sent.url.path_and_query, "/in/put?x=1");
  EXPECT_EQ(field(sent, "Content-Type"), "application/x-ndjson");
  EXPECT_EQ(field(sent, "Idempotency-Key"), "b-1-2");
  EXPECT_EQ(field(sent, "Authorization"), "none");
  EXPECT_EQ(field(sent, "User-Agent"), "weir/" WEIR_VERSION);
  EXPECT_EQ(sent.body, &body);
}

TEST_F(HttpEndpoint, AnArrayAsAWholeRequest) {
  options.array = true;
  ASSERT_EQ(make("http://127.0.0.1:8080/"), Code::kOk);
  EXPECT_EQ(destination->name(), "http");
  EXPECT_EQ(whole({R"({"a":1})", R"({"b":2})"}), R"([{"a":1},{"b":2}])");
  EXPECT_EQ(whole({"{}"}), "[{}]");
  EXPECT_EQ(field(made("[]"), "Content-Type"), "application/json");
  options.json = false;
  EXPECT_EQ(make("http://127.0.0.1:8080/"), Code::kContradiction);
}

TEST_F(HttpEndpoint, TextThatIsNoJson) {
  options.json = false;
  ASSERT_EQ(make("http://h/"), Code::kOk);
  EXPECT_EQ(whole({"a,b", "ä,2"}), "a,b\nä,2\n");
  EXPECT_EQ(field(made(""), "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(encode("\xff"), "");
  EXPECT_EQ(error.code, Code::kBadUtf8);
}

TEST_F(HttpEndpoint, LimitsAndWhatDoesNotFit) {
  ASSERT_EQ(make("http://h/"), Code::kOk);
  EXPECT_EQ(destination->limits().messages_max, 1'000'000u);
  EXPECT_EQ(destination->limits().request_bytes_max, 1u << 30);
  EXPECT_FALSE(destination->tells_of_each());
  EXPECT_EQ(encode("{}", 0, "i", 2 + Destination::kSlack), "{}");
  EXPECT_EQ(encoded.counted, 3u);
  for (const size_t room : {1 + Destination::kSlack, size_t{2}, size_t{0}}) EXPECT_EQ(encode("{}", 0, "i", room), "");
  EXPECT_TRUE(error.ok());
}

TEST_F(HttpEndpoint, HeadersAreSentAndOursGiveWay) {
  options.headers = {"X-Api-Key: abcd1234", "content-type:application/vnd.x+json ", "X-Empty:", "X-A: 1", "X-A: 2"};
  ASSERT_EQ(make("https://h/"), Code::kOk);
  const HttpRequest sent = made("", batch());
  EXPECT_EQ(field(sent, "X-Api-Key"), "abcd1234");
  EXPECT_EQ(field(sent, "content-type"), "application/vnd.x+json");
  EXPECT_EQ(field(sent, "Content-Type"), "none");
  EXPECT_EQ(field(sent, "X-A"), "1|2");
  EXPECT_EQ(field(sent, "Idempotency-Key"), "b-1-2");
  // The most that there may be, with name and password.
  options.headers.assign(16, "X: y");
  ASSERT_EQ(make("https://u:p@h/"), Code::kOk);
  EXPECT_EQ(made("").fields.size(), 22u);
}

TEST_F(HttpEndpoint, HeadersThatCantBeSentAreRefusedWithoutTheirValues) {
  const struct {
    const char* header;
    Code code;
    const char* words;
  } cases[] = {
      {"s3cret", Code::kWrongType, "http.headers, number 2: it is no \"Name: value\""},
      {": s3cret", Code::kWrongType, "http.headers, number 2: it is no \"Name: value\""},
      {"s3cret s3cret: x", Code::kWrongType, "http.headers, number 2: it is no \"Name: value\""},
      {"X-Key : s3cret", Code::kWrongType, "http.headers, number 2: it is no \"Name: value\""},
      {"X-Key: s3cret\r\nHost: evil", Code::kWrongType,
       "http.headers, number 2, X-Key: its value has a control character"},
      {"X-Key: s3cret\x01", Code::kWrongType, "http.headers, number 2, X-Key: its value has a control character"},
      {"host: s3cret", Code::kContradiction, "http.headers, number 2, host: weir writes this one itself"},
      {"Content-Length: 1", Code::kContradiction,
       "http.headers, number 2, Content-Length: weir writes this one itself"},
      {"TRANSFER-ENCODING: chunked", Code::kContradiction,
       "http.headers, number 2, TRANSFER-ENCODING: weir writes this one itself"},
      {"Connection: close", Code::kContradiction, "http.headers, number 2, Connection: weir writes this one itself"},
      {"Expect: 100-continue", Code::kContradiction, "http.headers, number 2, Expect: weir writes this one itself"},
      {"Idempotency-Key: 1", Code::kContradiction,
       "http.headers, number 2, Idempotency-Key: weir writes this one itself"},
      {"authorization: Bearer s3cret", Code::kContradiction,
       "http.headers, number 2, authorization: the address has a name and password, too"},
  };
  for (const auto& c : cases) {
    options.headers = {"X-Fine: yes", c.header};
    EXPECT_EQ(make("https://u:p@h/"), c.code) << c.header;
    EXPECT_EQ(words(), c.words);
  }
  options.headers.assign(17, "X: y");
  EXPECT_EQ(make("https://h/"), Code::kOutOfRange);
  options.headers.assign(2, "X: " + std::string(2100, 'y'));
  EXPECT_EQ(make("https://h/"), Code::kOutOfRange);
}

TEST_F(HttpEndpoint, NameAndPasswordBecomeAHeader) {
  ASSERT_EQ(make("https://me:pa%3Ass@h:8443/in"), Code::kOk);
  const HttpRequest sent = made("");
  EXPECT_EQ(field(sent, "Authorization"), "Basic bWU6cGE6c3M=");  // me:pa:ss
  EXPECT_EQ(sent.url.host, "h");
  EXPECT_EQ(sent.url.port, 8443);
  for (const char* bad :
       {"http://u:secret@/x", "http://u:%zz@h/x", "https://u:secret@h:99999/x", "https://h/x?secret#f"}) {
    EXPECT_EQ(make(bad), Code::kBadUrl) << bad;
    EXPECT_EQ(words().find("secret"), std::string::npos) << words();
  }
}

TEST_F(HttpEndpoint, ANameIsNotFollowedToLinkLocalAddresses) {
  ASSERT_EQ(make("http://name.example/"), Code::kOk);
  EXPECT_EQ(made("").reach, AddressKind::kLoopback);
  ASSERT_EQ(make("http://169.254.1.1/"), Code::kOk);
  EXPECT_EQ(made("").reach, AddressKind::kLinkLocal);
}

TEST_F(HttpEndpoint, WhatStatusesMean) {
  ASSERT_EQ(make("https://h/"), Code::kOk);
  const struct {
    unsigned status;
    FailureClass failure;
    Code code;
    bool refused;
  } cases[] = {
      {200, FailureClass::kNone, Code::kOk, false},
      {201, FailureClass::kNone, Code::kOk, false},
      {202, FailureClass::kNone, Code::kOk, false},
      {204, FailureClass::kNone, Code::kOk, false},
      {299, FailureClass::kNone, Code::kOk, false},
      {304, FailureClass::kFatal, Code::kRequestRefused, false},
      {400, FailureClass::kFatal, Code::kMessageRefused, true},
      {401, FailureClass::kFatal, Code::kAccessDenied, false},
      {403, FailureClass::kFatal, Code::kAccessDenied, false},
      {404, FailureClass::kFatal, Code::kNoDestination, false},
      {405, FailureClass::kFatal, Code::kNoDestination, false},
      {407, FailureClass::kFatal, Code::kAccessDenied, false},
      {408, FailureClass::kTransient, Code::kServerError, false},
      {409, FailureClass::kFatal, Code::kRequestRefused, false},
      {410, FailureClass::kFatal, Code::kNoDestination, false},
      {411, FailureClass::kFatal, Code::kRequestRefused, false},
      {413, FailureClass::kFatal, Code::kMessageRefused, true},
      {415, FailureClass::kFatal, Code::kRequestRefused, false},
      {422, FailureClass::kFatal, Code::kMessageRefused, true},
      {425, FailureClass::kTransient, Code::kServerError, false},
      {429, FailureClass::kThrottling, Code::kThrottled, false},
      {500, FailureClass::kTransient, Code::kServerError, false},
      {501, FailureClass::kFatal, Code::kRequestRefused, false},
      {502, FailureClass::kTransient, Code::kServerError, false},
      {503, FailureClass::kTransient, Code::kServerError, false},
      {504, FailureClass::kTransient, Code::kServerError, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(judge(c.status, ""), c.failure) << c.status;
    EXPECT_EQ(error.code, c.code) << c.status;
    EXPECT_EQ(request->refused(), c.refused) << c.status;
    if (c.code != Code::kOk) {
      EXPECT_TRUE(words().starts_with("https: status " + std::to_string(c.status))) << words();
    }
  }
  EXPECT_EQ(request->throttled(), 1u);
}

TEST_F(HttpEndpoint, ARefusalIsToldInTheServersWords) {
  ASSERT_EQ(make("https://h/"), Code::kOk);
  (void)judge(422, "{\"field\":\"country\"}" + std::string(1000, ' '));
  EXPECT_TRUE(words().starts_with("https: status 422: {\"field\":\"country\"}"));
  (void)judge(401, "what a server says here is not told");
  EXPECT_EQ(words(), "https: status 401");
}

TEST_F(HttpEndpoint, SecretsAreNotTold) {
  options.headers = {"X-Key: k3y-secret", "X-Token: Token t0ken-secret"};
  ASSERT_EQ(make("https://me:pa%3Ass-secret@h/in?sig=query-secret"), Code::kOk);
  for (const char* secret :
       {"k3y-secret", "t0ken-secret", "bWU6cGE6c3Mtc2VjcmV0", "pa:ss-secret", "pa%3Ass-secret", "sig=query-secret"}) {
    for (const unsigned status : {400, 401, 403, 404, 413, 422, 429, 500, 418}) {
      (void)judge(status, std::string("you sent ") + secret + " here");
      EXPECT_EQ(words().find("secret"), std::string::npos) << words();
      EXPECT_EQ(words().find("bWU6"), std::string::npos) << words();
      // The cut is behind the look for secrets.
      (void)judge(status, std::string(155, 'x') + secret);
      EXPECT_EQ(words().find('x'), std::string::npos) << words();
    }
    (void)judge("HTTP/1.1 307 Go\r\nLocation: https://other.example/" + std::string(secret) + "\r\n", "");
    EXPECT_EQ(words().find("secret"), std::string::npos) << words();
  }
}

TEST_F(HttpEndpoint, RedirectsAreToldAndNotFollowed) {
  ASSERT_EQ(make("https://h/in?sig=abcd"), Code::kOk);
  const struct {
    const char* location;
    const char* words;
  } cases[] = {
      {"https://other.example:8443/x?y=1", "it leads to https://other.example:8443/x; "},
      {"/in/?sig=abcd", "it leads to /in/; "},
      {"http://u:p@h/", "it leads elsewhere; "},
      {"//evil/x", "it leads elsewhere; "},
      {"", "it leads elsewhere; "},
  };
  for (const unsigned status : {301u, 302u, 303u, 307u, 308u}) {
    for (const auto& c : cases) {
      EXPECT_EQ(judge("HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + c.location + "\r\n", ""),
                FailureClass::kFatal);
      EXPECT_EQ(error.code, Code::kRequestRefused);
      EXPECT_FALSE(request->refused());
      EXPECT_EQ(words(),
                "https: status " + std::to_string(status) + ", " + c.words + "name that place itself in output.to");
    }
  }
}

TEST_F(HttpEndpoint, OverAConnectionItIsOneRequest) {
  options.headers = {"X-Key: abcd"};
  ASSERT_EQ(make("http://u:p@127.0.0.1:9/in?a=b"), Code::kOk);
  body = TextBody("{}\n");
  request->begin(body, batch());
  std::vector<char> room(HttpCall::memory_max());
  HttpCall call(session, room);
  server.replies = {{503, {}, ""}, {204, {}, ""}};
  call.begin(*request, false);
  ASSERT_TRUE(call.run());
  ASSERT_EQ(server.requests.size(), 2u);
  for (const auto& got : server.requests) {
    EXPECT_EQ(got.method, "POST");
    EXPECT_EQ(got.target, "/in?a=b");
    EXPECT_EQ(got.body, "{}\n");
    EXPECT_EQ(got.field("idempotency-key"), "b-1-2");
    EXPECT_EQ(got.field("x-key"), "abcd");
    EXPECT_EQ(got.field("authorization"), "Basic dTpw");
  }
}

}  // namespace
}  // namespace weir

// http:// inputs over a simulated network and server: what is cut goes on at the next byte, two bodies are never mixed, secrets go nowhere but where they
// were given for.
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "connector/http_source.hpp"
#include "testing/sim_http.hpp"
#include "testing/sim_net.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::SimHttp;
using testing::SimNet;
using testing::SimNetWakeup;
using testing::SimReply;
using testing::SimRequest;
using testing::VirtualClock;

std::string numbered(size_t bytes) {
  std::string text;
  text.reserve(bytes + 16);
  for (uint64_t i = 0; text.size() < bytes; ++i) text += std::to_string(i) + "\n";
  text.resize(bytes);
  return text;
}

/// A server whose replies somebody changes.
struct Changed final : testing::SimServer {
  explicit Changed(SimHttp& server_in) : server(server_in) {}
  SimReply answer(const SimRequest& request) override {
    SimReply reply = server.answer(request);
    if (change) change(request, reply);
    return reply;
  }
  SimHttp& server;
  std::function<void(const SimRequest&, SimReply&)> change;
};

Address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  Address address;
  address.bytes = {a, b, c, d};
  return address;
}

/// One process that reads the addresses.
struct Reading {
  Reading(testing::SimServer& server, std::vector<std::string> texts, uint64_t seed = 1)
      : net(server, clock, seed), wakeup(net), room(HttpGet::memory_max()) {
    session.http.net = &net;
    session.http.clock = &clock;
    session.http.proxy = &proxy;
    session.redirects_max = HttpGet::kRedirectsMax;
    for (const std::string& text : texts) {
      auto address = parse_http_address(text);
      EXPECT_TRUE(address) << text;
      names.push_back(address->shown);
      addresses.push_back(std::move(*address));
    }
    get = std::make_unique<HttpGet>(session, room);
    source = std::make_unique<HttpSource>(names, addresses, *get, wakeup);
  }
  /// From `from` to the end, or to a failure.
  std::string read(size_t room_bytes = 4096, size_t index = 0, uint64_t from = 0) {
    error = Error();
    if (const Status opened = source->open(index); !opened) {
      error = opened.error();
      return {};
    }
    if (from != 0) {
      if (const Status sought = source->seek(from); !sought) {
        error = sought.error();
        return {};
      }
    }
    std::string all;
    std::vector<char> bytes(room_bytes);
    for (;;) {
      const ReadResult got = source->read(bytes, error);
      all.append(bytes.data(), got.bytes);
      if (got.step == Step::kFinished || got.step == Step::kFailed) return all;
      if (got.step == Step::kBlocked) wakeup.wait(kNever);
    }
  }
  [[nodiscard]] std::string words() const { return std::string(error.detail.view()); }

  VirtualClock clock;
  SimNet net;
  SimNetWakeup wakeup;
  ProxyRules proxy;
  HttpSession session;
  std::vector<char> room;
  std::vector<std::string> names;
  std::vector<HttpAddress> addresses;
  std::unique_ptr<HttpGet> get;
  std::unique_ptr<HttpSource> source;
  Error error;
};

// --- addresses ---------------------------------------------------------------------------------------------------------

TEST(HttpAddress, what_is_shown_has_no_secret) {
  const auto address = parse_http_address("HTTPS://me%40here:pa%3Ass@Host.example:8443/a/b.csv.gz?X-Amz-Signature=abc");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->url, "HTTPS://Host.example:8443/a/b.csv.gz?X-Amz-Signature=abc");
  EXPECT_EQ(address->authorization, "Basic bWVAaGVyZTpwYTpzcw==");  // me@here:pa:ss
  EXPECT_EQ(address->shown, "https://Host.example:8443/a/b.csv.gz");
  EXPECT_EQ(parse_http_address("http://token@h/x")->authorization, "Basic dG9rZW46");
  EXPECT_EQ(parse_http_address("http://h/x?mail=a@b")->authorization, "");
  for (const char* bad : {"http://u:secret@/x", "http://u:%zz@h/x", "https://u:secret@h:99999/x", "http://h/a b?secret",
                          "https://h/x?secret#f"}) {
    const auto refused = parse_http_address(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, Code::kBadUrl);
    EXPECT_EQ(refused.error().detail.view().find("secret"), std::string_view::npos);
    EXPECT_EQ(shown_address(bad).find("secret"), std::string::npos) << shown_address(bad);
  }
}

TEST(AddressKind, metadata_and_link_local_are_the_innermost) {
  const auto kind = [](std::string_view host) { return host_kind(host); };
  for (const char* host :
       {"169.254.169.254", "169.254.170.2", "100.100.100.200", "0.0.0.0", "255.255.255.255", "fe80::1", "fd00:ec2::254",
        "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "::", "ff02::1",
        "2852039166", "0xA9FEA9FE", "169.254.43518", "0251.0376.1"})
    EXPECT_EQ(kind(host), AddressKind::kLinkLocal) << host;
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_EQ(kind(host), AddressKind::kLoopback) << host;
  for (const char* host :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"})
    EXPECT_EQ(kind(host), AddressKind::kPrivate) << host;
  for (const char* host : {"8.8.8.8", "172.32.0.1", "192.169.0.1", "2001:db8::1", "example.org", "a.b1"})
    EXPECT_EQ(kind(host), AddressKind::kPublic) << host;
}

// --- reading -------------------------------------------------------------------------------------------------------------

TEST(HttpSource, reads_a_file_by_one_request_with_its_query) {
  SimHttp server;
  server.put("/dir/in.csv", numbered(300'000));
  Reading reading(server, {"http://files/dir/in.csv?sig=SECRET&x=1"});
  EXPECT_EQ(reading.read(), numbered(300'000));
  EXPECT_TRUE(reading.error.ok()) << reading.words();
  EXPECT_EQ(reading.net.log, std::vector<std::string>{"GET /dir/in.csv?sig=SECRET&x=1 206"});
  EXPECT_EQ(reading.source->size(0), 300'000u);
  EXPECT_EQ(reading.source->name(0), "http://files/dir/in.csv");
  EXPECT_TRUE(*reading.source->resumable(0));
  EXPECT_EQ(reading.source->identity(0)->view(), "size=300000 etag=\"v1\"");
  EXPECT_EQ(reading.net.requests, 1u);
}

TEST(HttpSource, goes_on_at_the_next_byte_wherever_it_is_cut) {
  const std::string body = numbered(2000);
  for (const bool ranges : {true, false}) {
    for (const bool chunked : {false, true}) {
      for (uint64_t cut = 0; cut < 2400; cut += cut % 7 + 1) {
        SimHttp server;
        server.put("/f", body);
        server.ranges = ranges;
        server.files["/f"].chunked = chunked;
        Reading reading(server, {"http://h/f"}, cut + 1);
        reading.net.cut_next_reply = cut;
        EXPECT_EQ(reading.read(128), body) << "cut at " << cut;
        EXPECT_TRUE(reading.error.ok()) << "cut at " << cut << ": " << reading.words();
        EXPECT_LE(reading.net.open(), 1u);
      }
    }
  }
}

TEST(HttpSource, a_bad_network_changes_no_byte) {
  const std::string body = numbered(3000);
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SimHttp server;
    server.put("/f", body);
    server.ranges = seed % 5 != 0;
    if (seed % 3 == 0) server.files["/f"].etag = seed % 2 == 0 ? "" : "W/\"weak\"";
    server.files["/f"].chunked = seed % 4 == 0;
    server.range_max = seed % 7 == 0 ? 900 : ~uint64_t{0};
    server.redirects["/start"] = {302, "/f"};
    Reading reading(server, {seed % 2 == 0 ? "http://h/f" : "http://h/start"}, seed);
    reading.session.proven = true;  // how often a first contact is tried is another test's
    reading.net.faults.cut_reply = 4;
    reading.net.faults.stall = 8;
    reading.net.faults.refuse = 6;
    reading.net.faults.no_answer = 9;
    reading.net.faults.cut_request = 7;
    reading.net.faults.unavailable = 7;
    reading.net.faults.server_error = 9;
    reading.net.faults.retry_after = 11;
    EXPECT_EQ(reading.read(128), body) << "seed " << seed;
    EXPECT_TRUE(reading.error.ok()) << "seed " << seed << ": " << reading.words();
  }
}

TEST(HttpSource, never_mixes_two_versions) {
  const std::string body = numbered(100'000);
  // 412, 200 with another ETag, 206 with another: as servers know conditions or do not.
  for (const bool conditions : {true, false}) {
    for (const bool ranges : {true, false}) {
      for (const bool dates : {false, true}) {
        SimHttp server;
        server.put("/f", body);
        if (dates) server.files["/f"].etag.clear();
        server.conditions = conditions;
        server.ranges = ranges;
        Reading reading(server, {"http://h/f"});
        reading.net.cut_next_reply = 50'000;
        uint64_t gets = 0;
        reading.net.on_request = [&](const SimRequest&) {
          if (++gets == 2) {
            server.put("/f", std::string(100'000, 'x'));
            server.files["/f"].modified = "Fri, 27 Nov 2026 11:00:00 GMT";
            if (dates) server.files["/f"].etag.clear();
          }
          return false;
        };
        const std::string read = reading.read();
        EXPECT_EQ(reading.error.code, Code::kSourceChanged) << reading.words();
        EXPECT_EQ(read, body.substr(0, read.size()));
        EXPECT_GT(read.size(), 40'000u);
      }
    }
  }
}

TEST(HttpSource, a_server_that_ignores_conditions_and_keeps_no_promise_is_found_out) {
  SimHttp server;
  server.put("/f", numbered(100'000));
  server.conditions = false;
  Changed changed(server);
  uint64_t gets = 0;
  changed.change = [&](const SimRequest& request, SimReply& reply) {
    if (++gets == 1) return;
    EXPECT_EQ(request.field("if-match"), "\"v1\"");
    EXPECT_EQ(request.field("if-range"), "\"v1\"");
    for (auto& [name, value] : reply.fields) {
      if (name == "ETag") value = "\"v2\"";
    }
  };
  Reading reading(changed, {"http://h/f"});
  reading.net.cut_next_reply = 50'000;
  reading.read();
  EXPECT_EQ(reading.error.code, Code::kSourceChanged) << reading.words();
  EXPECT_EQ(gets, 2u);
}

TEST(HttpSource, what_was_deleted_or_cut_short_is_another) {
  for (const bool deleted : {true, false}) {
    SimHttp server;
    server.put("/f", numbered(100'000));
    server.conditions = false;
    Reading reading(server, {"http://h/f"});
    reading.net.cut_next_reply = 50'000;
    uint64_t gets = 0;
    reading.net.on_request = [&](const SimRequest&) {
      if (++gets == 2 && deleted) server.files.clear();
      if (gets == 2 && !deleted) server.files["/f"].body.resize(10'000);
      return false;
    };
    reading.read();
    EXPECT_EQ(reading.error.code, Code::kSourceChanged) << reading.words();
  }
}

TEST(HttpSource, all_of_it_for_a_part_is_passed_over_when_it_is_the_same) {
  const std::string body = numbered(100'000);
  SimHttp server;
  server.put("/f", body);
  Reading reading(server, {"http://h/f"});
  reading.net.cut_next_reply = 60'000;
  reading.net.on_request = [&](const SimRequest&) {
    server.ranges = reading.net.requests == 1;
    return false;
  };
  EXPECT_EQ(reading.read(1000), body);
  EXPECT_TRUE(reading.error.ok()) << reading.words();
  EXPECT_EQ(reading.net.log, (std::vector<std::string>{"GET /f 206", "GET /f 200"}));
}

TEST(HttpSource, wrong_ranges_are_asked_for_again_three_times) {
  const std::string body = numbered(100'000);
  const std::vector<std::function<void(SimReply&)>> wrongs = {
      [](SimReply& reply) { std::erase_if(reply.fields, [](const auto& f) { return f.first == "Content-Range"; }); },
      [](SimReply& reply) {
        for (auto& [name, value] : reply.fields) {
          if (name == "Content-Range") value = "bytes 7-" + std::to_string(6 + reply.body.size()) + "/100000";
        }
      },
      [](SimReply& reply) { reply.body += "more"; },
      [](SimReply& reply) { std::erase_if(reply.fields, [](const auto& f) { return f.first == "ETag"; }); },
  };
  for (size_t i = 0; i < wrongs.size(); ++i) {
    for (const bool for_good : {false, true}) {
      SimHttp server;
      server.put("/f", body);
      Changed changed(server);
      uint64_t gets = 0;
      changed.change = [&](const SimRequest&, SimReply& reply) {
        if (++gets > 1 && (for_good || gets < 5)) wrongs[i](reply);
      };
      Reading reading(changed, {"http://h/f"});
      reading.session.proven = true;
      reading.net.cut_next_reply = 60'000;
      const std::string read = reading.read();
      EXPECT_EQ(read, body.substr(0, read.size()));
      if (for_good) {
        EXPECT_EQ(reading.error.code, Code::kBadReply) << i << reading.words();
        EXPECT_EQ(gets, 1 + 1 + HttpGet::kBadRepliesMax);
      } else {
        EXPECT_TRUE(reading.error.ok()) << i << reading.words();
        EXPECT_EQ(read, body);
      }
    }
  }
}

TEST(HttpSource, a_server_that_sends_less_than_was_asked_for_is_asked_for_the_rest) {
  SimHttp server;
  server.put("/f", numbered(10'000));
  server.range_max = 3000;
  Reading reading(server, {"http://h/f"});
  EXPECT_EQ(reading.read(), numbered(10'000));
  EXPECT_TRUE(reading.error.ok()) << reading.words();
  EXPECT_EQ(reading.net.requests, 4u);
}

TEST(HttpSource, a_body_without_a_length_ends_where_its_chunks_end) {
  SimHttp server;
  server.put("/f", numbered(50'000));
  server.files["/f"].chunked = true;
  server.ranges = false;
  Reading reading(server, {"http://h/f"});
  EXPECT_EQ(reading.read(), numbered(50'000));
  EXPECT_TRUE(reading.error.ok()) << reading.words();
  EXPECT_EQ(reading.source->size(0), kNoOffset);
  EXPECT_EQ(reading.source->identity(0)->view(), "size=unknown etag=\"v1\"");
}

TEST(HttpSource, without_tls_an_end_that_may_be_a_cut_is_refused) {
  SimHttp server;
  server.put("/f", numbered(50'000));
  server.ranges = false;
  Changed changed(server);
  changed.change = [](const SimRequest&, SimReply& reply) { reply.until_close = true; };
  Reading reading(changed, {"http://h/f"});
  EXPECT_EQ(reading.read(), "");
  EXPECT_EQ(reading.error.code, Code::kRequestRefused);
  EXPECT_NE(reading.words().find("save it as a file first"), std::string::npos) << reading.words();
}

TEST(HttpSource, empty_and_tiny_bodies) {
  for (const bool ranges : {true, false}) {
    for (const bool chunked : {true, false}) {
      for (const char* body : {"", "x"}) {
        SimHttp server;
        server.put("/f", body);
        server.ranges = ranges;
        server.files["/f"].chunked = chunked;
        Reading reading(server, {"http://h/f"});
        EXPECT_EQ(reading.read(), body);
        EXPECT_TRUE(reading.error.ok()) << reading.words();
        EXPECT_TRUE(reading.source->resumable(0)) << reading.words();
      }
    }
  }
}

TEST(HttpSource, what_can_be_gone_on_with) {
  struct Case {
    const char* etag;
    const char* modified;
    bool ranges;
    bool resumable;
    const char* why;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"\"a\"", "", true, true, ""},
           {"\"a\"", "", false, false, "sends no parts"},
           {"W/\"a\"", "", true, false, "neither a strong ETag nor"},
           {"W/\"a\"", "Thu, 26 Nov 2026 08:00:00 GMT", true, true, ""},
           {"", "Thu, 26 Nov 2026 08:00:00 GMT", true, true, ""},
           {"", "Fri, 27 Nov 2026 12:00:00 GMT", true, false, "neither"},  // in the very second of the reply
           {"", "", true, false, "neither"},
           {"", "yesterday", true, false, "neither"}}) {
    SimHttp server;
    server.put("/f", numbered(50'000));
    server.files["/f"].etag = c.etag;
    server.files["/f"].modified = c.modified;
    server.ranges = c.ranges;
    Reading reading(server, {"http://h/f"});
    const auto resumable = reading.source->resumable(0);
    ASSERT_TRUE(resumable);
    EXPECT_EQ(*resumable, c.resumable) << c.etag << c.modified;
    if (!c.resumable) {
      EXPECT_NE(reading.source->why_not(0).find(c.why), std::string_view::npos);
      continue;
    }
    EXPECT_EQ(reading.read(4096, 0, 12'345), numbered(50'000).substr(12'345)) << reading.words();
    EXPECT_EQ(reading.net.requests, 2u);
  }
}

TEST(HttpSource, what_has_no_validator_is_read_once_and_what_was_peeked_is_held_against_it) {
  for (const int changed_before : {0, 1, 2}) {
    const std::string body = numbered(50'000);
    SimHttp server;
    server.put("/f", body);
    server.files["/f"].etag.clear();
    server.files["/f"].modified.clear();
    Reading reading(server, {"http://h/f", "http://h/g"});
    ASSERT_TRUE(reading.source->peek(0, {}));
    reading.source->close();
    if (changed_before == 1) server.files["/f"].body[17] = 'x';
    if (changed_before == 2) reading.net.cut_next_reply = 20'000;
    const std::string read = reading.read();
    if (changed_before == 0) {
      EXPECT_EQ(read, body) << reading.words();
    } else if (changed_before == 1) {
      EXPECT_EQ(reading.error.code, Code::kSourceChanged) << reading.words();
    } else {
      EXPECT_EQ(reading.error.code, Code::kConnectionLost);
      EXPECT_NE(reading.words().find("can't be gone on with: its server gives neither"), std::string::npos)
          << reading.words();
    }
  }
}

TEST(HttpSource, another_input_in_between_changes_nothing) {
  SimHttp server;
  server.put("/a", numbered(50'000));
  server.put("/b", numbered(30'000));
  Reading reading(server, {"http://h/a", "http://h/b"});
  ASSERT_TRUE(reading.source->peek(0, {}));
  EXPECT_TRUE(*reading.source->resumable(0));
  EXPECT_TRUE(*reading.source->resumable(1));
  EXPECT_EQ(reading.source->identity(0)->view(), "size=50000 etag=\"v1\"");
  EXPECT_EQ(reading.read(), numbered(50'000));
  EXPECT_EQ(reading.read(4096, 1), numbered(30'000));
  EXPECT_EQ(reading.net.log.size(), 4u);
  // What was peeked is pinned, too.
  Reading other(server, {"http://h/a", "http://h/b"});
  ASSERT_TRUE(other.source->peek(0, {}));
  EXPECT_TRUE(*other.source->resumable(1));
  server.put("/a", numbered(50'000));
  other.read();
  EXPECT_EQ(other.error.code, Code::kSourceChanged);
}

TEST(HttpSource, content_encoding_is_the_bodys) {
  SimHttp server;
  server.put("/f", "\x1f\x8b whatever");
  server.files["/f"].encoding = "gzip";
  Reading reading(server, {"http://h/f"});
  reading.net.on_request = [](const SimRequest& request) {
    EXPECT_EQ(request.field("accept-encoding"), "identity");
    return false;
  };
  EXPECT_EQ(reading.read(), "\x1f\x8b whatever");
}

// --- refusals ------------------------------------------------------------------------------------------------------------

TEST(HttpSource, refusals_say_what_and_a_way_out) {
  struct Case {
    int status;
    const char* address;
    Code code;
    const char* says;
    uint64_t requests;
  };
  for (const Case& c : std::initializer_list<Case>{
           {400, "http://h/f", Code::kRequestRefused, "status 400", 1},
           {401, "http://h/f", Code::kAccessDenied, "name:password@host", 1},
           {401, "http://u:PASS@h/f", Code::kAccessDenied, "are refused", 1},
           {403, "http://h/f", Code::kAccessDenied, "status 403", 1},
           {403, "http://h/f?sig=SECRET", Code::kAccessDenied, "fresh one", 1},
           {404, "http://h/f?sig=SECRET", Code::kNoInput, "status 404", 1},
           {407, "http://h/f", Code::kAccessDenied, "proxy", 1},
           {410, "http://h/f", Code::kNoInput, "gone", 1},
           {412, "http://h/f", Code::kRequestRefused, "412", 1},
           {429, "http://h/f", Code::kThrottled, "429", HttpSession::kFirstAttemptsMax},
           {500, "http://h/f", Code::kServerError, "500", HttpSession::kFirstAttemptsMax},
           {501, "http://h/f", Code::kRequestRefused, "501", 1},
           {503, "http://u:PASS@h/f?sig=SECRET", Code::kServerError, "503", HttpSession::kFirstAttemptsMax},
           {304, "http://h/f", Code::kRequestRefused, "304", 1},
           {204, "http://h/f", Code::kRequestRefused, "204", 1}}) {
    SimHttp server;
    Changed changed(server);
    changed.change = [&](const SimRequest&, SimReply& reply) { reply = {c.status, {}, "<html>SECRET"}; };
    Reading reading(changed, {c.address});
    reading.read();
    EXPECT_EQ(reading.error.code, c.code) << c.status << reading.words();
    EXPECT_NE(reading.words().find(c.says), std::string::npos) << reading.words();
    EXPECT_NE(reading.words().find("http://h/f"), std::string::npos) << reading.words();
    for (const char* secret : {"SECRET", "PASS"}) EXPECT_EQ(reading.words().find(secret), std::string::npos);
    EXPECT_EQ(reading.net.requests, c.requests) << c.status;
  }
}

TEST(HttpSource, an_input_that_is_gone_when_others_were_read_is_damage) {
  SimHttp server;
  server.put("/a", "1");
  Reading reading(server, {"http://h/a", "http://h/b"});
  EXPECT_EQ(reading.read(), "1");
  reading.read(4096, 1);
  EXPECT_EQ(reading.error.code, Code::kInputVanished);
}

// --- redirects -----------------------------------------------------------------------------------------------------------

TEST(HttpSource, redirects_of_every_kind_are_followed) {
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const char* location : {"/dir/f", "f", "//h/dir/f", "http://h/dir/f", "http://H:80/dir/f",
                                 "http://other/dir/f#part", "HTTP://h/dir/f", "?again"}) {
      SimHttp server;
      server.put("/dir/f", "body");
      Changed changed(server);
      changed.change = [&](const SimRequest& request, SimReply& reply) {
        if (request.target == "/dir/start?q=1") reply = {status, {{"Location", location}}, "elsewhere"};
        if (request.target == "/dir/start?again") reply = {200, {}, "body"};
      };
      Reading reading(changed, {"http://h/dir/start?q=1"});
      EXPECT_EQ(reading.read(), "body") << location << reading.words();
      EXPECT_EQ(reading.net.requests, 2u);
      // Our query went nowhere else.
      EXPECT_EQ(reading.net.log[1].find("q=1"), std::string::npos) << reading.net.log[1];
    }
  }
}

TEST(HttpSource, a_loop_of_redirects_ends) {
  SimHttp server;
  server.redirects["/a"] = {302, "/b?sig=SECRET"};
  server.redirects["/b"] = {302, "/a?sig=SECRET"};
  Reading reading(server, {"http://h/a"});
  reading.read();
  EXPECT_EQ(reading.error.code, Code::kMisled);
  EXPECT_NE(reading.words().find("more than 5 redirects, the last to http://h/a"), std::string::npos)
      << reading.words();
  EXPECT_EQ(reading.words().find("SECRET"), std::string::npos);
  EXPECT_EQ(reading.net.requests, 1 + HttpGet::kRedirectsMax);
}

TEST(HttpSource, bad_redirects_are_refused) {
  for (const char* location :
       {"", "ftp://h/f", "file:///etc/passwd", "http://u:p@h/f", "http://", "https://h/f", "http://h:0/f"}) {
    SimHttp server;
    server.redirects["/a"] = {302, location};
    Reading reading(server, {"http://h/a"});
    reading.read();
    EXPECT_FALSE(reading.error.ok()) << location;
    EXPECT_EQ(reading.net.requests, 1u) << location << reading.words();
  }
}

TEST(HttpSource, name_and_password_go_to_their_own_host_alone) {
  for (const char* location : {"http://other/f", "http://h:81/f", "/f"}) {
    SimHttp server;
    server.put("/f", "body");
    server.redirects["/a"] = {302, location};
    server.wanted["/a"] = "Basic bWU6UEFTUw==";
    Reading reading(server, {"http://me:PASS@h/a"});
    std::vector<std::string> sent;
    reading.net.on_request = [&](const SimRequest& request) {
      sent.push_back(request.field("host") + " " + request.field("authorization"));
      return false;
    };
    EXPECT_EQ(reading.read(), "body") << reading.words();
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[0], "h Basic bWU6UEFTUw==");
    if (std::string_view(location) == "/f")
      EXPECT_EQ(sent[1], sent[0]);
    else
      EXPECT_EQ(sent[1].find("Basic"), std::string::npos);
  }
}

TEST(HttpSource, nobody_is_led_further_inside) {
  struct Case {
    const char* first;
    const char* location;
    bool allowed;
  };
  for (const Case& c :
       std::initializer_list<Case>{{"http://outside/a", "http://outside2/f", true},
                                   {"http://outside/a", "http://inside/f", false},
                                   {"http://outside/a", "http://here/f", false},
                                   {"http://outside/a", "http://metadata/f", false},
                                   {"http://outside/a", "http://169.254.169.254/f", false},
                                   {"http://inside/a", "http://inside/f", true},
                                   {"http://inside/a", "http://outside/f", true},
                                   {"http://inside/a", "http://here/f", false},
                                   {"http://here/a", "http://here:81/f", true},
                                   {"http://here/a", "http://inside/f", true},
                                   {"http://here/a", "http://metadata/f", false},
                                   {"http://metadata/f", "", false},  // a name is not the user's own word
                                   {"http://169.254.169.254/f", "", true},
                                   {"http://169.254.169.254/a", "http://169.254.169.254:81/f", false}}) {
    SimHttp server;
    server.put("/f", "body");
    server.redirects["/a"] = {302, c.location};
    Reading reading(server, {c.first});
    reading.net.hosts = {{"outside", v4(93, 184, 216, 34)},    {"outside2", v4(93, 184, 216, 35)},
                         {"inside", v4(10, 0, 0, 7)},          {"here", v4(127, 0, 0, 1)},
                         {"metadata", v4(169, 254, 169, 254)}, {"169.254.169.254", v4(169, 254, 169, 254)}};
    const std::string read = reading.read();
    if (c.allowed) {
      EXPECT_EQ(read, "body") << c.first << " to " << c.location << ": " << reading.words();
    } else {
      EXPECT_EQ(reading.error.code, Code::kMisled) << c.first << " to " << c.location << ": " << reading.words();
      EXPECT_EQ(read, "");
    }
  }
}

TEST(HttpSource, a_break_begins_again_at_the_address_that_was_given) {
  SimHttp server;
  server.put("/f", numbered(50'000));
  server.redirects["/a"] = {302, "/f?expires=soon"};
  Reading reading(server, {"http://h/a"});
  uint64_t gets = 0;
  reading.net.on_request = [&](const SimRequest&) {
    if (++gets == 2) reading.net.cut_next_reply = 20'000;
    return false;
  };
  EXPECT_EQ(reading.read(), numbered(50'000));
  EXPECT_EQ(reading.net.log, (std::vector<std::string>{"GET /a 302", "GET /f?expires=soon 206", "GET /a 302",
                                                       "GET /f?expires=soon 206"}));
}

TEST(HttpSource, plain_requests_go_through_the_proxy_with_its_name_and_password) {
  SimHttp server;
  server.put("http://far.example/f", "body");  // a proxy is given the whole address
  Reading reading(server, {"http://me:mine@far.example/f"});
  reading.proxy = *ProxyRules::make("", "http://us:ours@10.0.0.1:3128", "");
  reading.net.on_request = [](const SimRequest& request) {
    EXPECT_EQ(request.field("proxy-authorization"), "Basic dXM6b3Vycw==");
    EXPECT_EQ(request.field("authorization"), "Basic bWU6bWluZQ==");
    return false;
  };
  EXPECT_EQ(reading.read(), "body") << reading.words();
  EXPECT_EQ(reading.net.log, std::vector<std::string>{"GET http://far.example/f 206"});
}

TEST(HttpSource, a_proxy_leads_nobody_further_inside_either) {
  for (const char* location :
       {"http://10.0.0.8/f", "http://0x0a000008/f", "http://2852039166/f", "http://near.example/f"}) {
    SimHttp server;
    server.put("http://near.example/f", "body");
    server.redirects["http://far.example/a"] = {302, location};
    Reading reading(server, {"http://far.example/a"});
    reading.proxy = *ProxyRules::make("", "http://10.0.0.1:3128", "");
    const bool allowed = std::string_view(location).find("near") != std::string_view::npos;
    EXPECT_EQ(reading.read(), allowed ? "body" : "") << location;
    EXPECT_EQ(reading.error.code, allowed ? Code::kOk : Code::kMisled) << location << reading.words();
    EXPECT_EQ(reading.net.requests, allowed ? 2u : 1u);
  }
}

}  // namespace
}  // namespace weir

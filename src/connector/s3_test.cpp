// S3's connectors over a simulated network and store: what is cut goes on at the next byte, what is lost is looked up, what is somebody else's stays.
#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "connector/s3_checkpoint_store.hpp"
#include "connector/s3_sink.hpp"
#include "connector/s3_source.hpp"
#include "testing/sim_net.hpp"
#include "testing/sim_s3.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::SimNet;
using testing::SimNetWakeup;
using testing::SimRequest;
using testing::SimS3;
using testing::VirtualClock;

constexpr uint64_t kPart = 5u << 20;

class FixedCredentials final : public CredentialProvider {
 public:
  FixedCredentials() {
    credentials_.access_key.append("TESTKEY");
    credentials_.secret_key.append("TESTSECRET");
  }
  Result<const Credentials*> get(uint64_t) override { return &credentials_; }
  bool renew() override { return false; }

 private:
  Credentials credentials_;
};

/// One process: its network's end, its session and clients.
struct Process {
  explicit Process(testing::SimServer& store, uint64_t seed = 1) : net(store, clock, seed), wakeup(net) {
    session.http.net = &net;
    session.http.clock = &clock;
    session.credentials = &credentials;
    session.aws.endpoint.region = "eu-central-1";
    session.aws.endpoint.endpoint_url = "http://127.0.0.1:9000";
  }
  S3Client& client() {
    clients.push_back(std::make_unique<std::vector<char>>(S3Client::memory_max()));
    made.push_back(std::make_unique<S3Client>(session, *clients.back()));
    return *made.back();
  }
  VirtualClock clock;
  SimNet net;
  SimNetWakeup wakeup;
  FixedCredentials credentials;
  AwsSession session;
  std::vector<std::unique_ptr<std::vector<char>>> clients;
  std::vector<std::unique_ptr<S3Client>> made;
};

/// A store whose replies somebody changes.
struct Changed final : testing::SimServer {
  explicit Changed(SimS3& store_in) : store(store_in) {}
  testing::SimReply answer(const SimRequest& request) override {
    testing::SimReply reply = store.answer(request);
    if (change) change(request, reply);
    return reply;
  }
  SimS3& store;
  std::function<void(const SimRequest&, testing::SimReply&)> change;
};

std::string numbered(size_t bytes) {
  std::string text;
  text.reserve(bytes + 16);
  for (uint64_t i = 0; text.size() < bytes; ++i) text += std::to_string(i) + "\n";
  text.resize(bytes);
  return text;
}

/// Reads an open source to its end.
std::string read_all(S3Source& source, Process& process, size_t room_bytes, Error& error) {
  std::string all;
  std::vector<char> room(room_bytes);
  for (;;) {
    const ReadResult got = source.read(room, error);
    all.append(room.data(), got.bytes);
    if (got.step == Step::kFinished || got.step == Step::kFailed) return all;
    if (got.step == Step::kBlocked) process.wakeup.wait(kNever);
  }
}

TEST(S3Source, ReadsAnObjectByOneRequest) {
  SimS3 store;
  store.put("bkt/dir/in put+%.csv", numbered(300'000));
  Process process(store);
  const std::vector<std::string> urls{"s3://bkt/dir/in put+%.csv"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  Error error;
  EXPECT_EQ(read_all(source, process, 4096, error), numbered(300'000));
  EXPECT_TRUE(error.ok()) << error.detail.view();
  EXPECT_EQ(process.net.log, std::vector<std::string>{"GET /bkt/dir/in%20put%2B%25.csv 200"});
  EXPECT_EQ(source.size(0), 300'000u);
}

TEST(S3Source, GoesOnAtTheNextByteWhereverItIsCut) {
  const std::string body = numbered(3000);
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SimS3 store;
    store.put("bkt/k", body);
    Process process(store, seed);
    process.session.proven = true;  // how often a first contact is tried is another test's
    process.net.faults.cut_reply = 2;
    process.net.faults.stall = 8;
    process.net.faults.refuse = 6;
    process.net.faults.no_answer = 9;
    process.net.faults.cut_request = 7;
    process.net.faults.unavailable = 7;
    process.net.faults.server_error = 9;
    process.net.faults.retry_after = 11;
    const std::vector<std::string> urls{"s3://bkt/k"};
    S3Source source(urls, process.client(), process.wakeup);
    ASSERT_TRUE(source.open(0));
    Error error;
    EXPECT_EQ(read_all(source, process, 128, error), body) << "seed " << seed;
    EXPECT_TRUE(error.ok()) << "seed " << seed << ": " << error.detail.view();
    source.close();
    EXPECT_LE(process.net.open(), 1u);
  }
}

TEST(S3Source, WhatWasLookedAtStaysPinnedWhileAnotherIsAskedFor) {
  SimS3 store;
  store.put("bkt/a", numbered(100'000));
  store.put("bkt/b", numbered(500));
  Process process(store);
  const std::vector<std::string> urls{"s3://bkt/a", "s3://bkt/b"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.peek(0, {}));
  const auto b = source.identity(1);
  ASSERT_TRUE(b);
  store.put("bkt/a", std::string(100'000, 'x'));
  ASSERT_TRUE(source.open(0));
  Error error;
  read_all(source, process, 4096, error);
  EXPECT_EQ(error.code, Code::kSourceChanged) << error.detail.view();
  // So does what was asked for, until it is read.
  EXPECT_EQ(source.identity(1)->view(), b->view());
  store.put("bkt/b", numbered(501));
  ASSERT_TRUE(source.open(1));
  error = Error();
  read_all(source, process, 4096, error);
  EXPECT_EQ(error.code, Code::kSourceChanged) << error.detail.view();
}

// N7.
TEST(S3Source, AReplyOfAnotherRangeIsAskedForThreeTimesMore) {
  SimS3 store;
  store.put("bkt/k", numbered(100'000));
  Changed changed(store);
  Process process(changed);
  int bad = 0;
  changed.change = [&](const SimRequest& request, testing::SimReply& reply) {
    if (request.field("range").empty()) return;
    ++bad;
    reply = {200, {{"ETag", store.objects["bkt/k"].etag}}, numbered(100'000)};
  };
  process.net.cut_next_reply = 50'000;
  const std::vector<std::string> urls{"s3://bkt/k"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  Error error;
  const std::string got = read_all(source, process, 4096, error);
  EXPECT_EQ(error.code, Code::kBadReply) << error.detail.view();
  EXPECT_EQ(bad, 4);
  EXPECT_TRUE(got.size() < 50'000 && numbered(100'000).starts_with(got));
}

TEST(S3Source, NeverMixesTwoVersions) {
  const std::string body = numbered(100'000);
  for (size_t cut = 0; cut < body.size(); cut += 9973) {
    SimS3 store;
    store.put("bkt/k", body);
    Process process(store);
    const std::vector<std::string> urls{"s3://bkt/k"};
    S3Source source(urls, process.client(), process.wakeup);
    auto identity = source.identity(0);
    ASSERT_TRUE(identity);
    ASSERT_TRUE(source.open(0));
    ASSERT_TRUE(source.seek(cut));
    store.put("bkt/k", numbered(100'000));
    Error error;
    EXPECT_EQ(read_all(source, process, 4096, error), "");
    EXPECT_EQ(error.code, Code::kSourceChanged);
  }
}

TEST(S3Source, BytesBehindTheObjectsEndNeverGetIntoIt) {
  const std::string body = numbered(10'000);
  SimS3 store;
  store.put("bkt/k", body);
  Changed changed(store);
  changed.change = [](const SimRequest&, testing::SimReply& reply) {
    reply.fields.emplace_back("Content-Range", "bytes 0-9999/10000");
    reply.body += "xyz";
  };
  Process process(changed);
  const std::vector<std::string> urls{"s3://bkt/k"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  Error error;
  EXPECT_EQ(read_all(source, process, 4096, error), body);
}

TEST(S3Source, WhatIsGoneOnWithIsPinned) {
  SimS3 store;
  store.put("bkt/k", numbered(100'000));
  Process process(store);
  const std::vector<std::string> urls{"s3://bkt/k"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  process.net.faults.cut_reply = 1;
  uint64_t gets = 0;
  process.net.on_request = [&](const SimRequest& request) {
    if (++gets == 1) return false;
    process.net.faults.cut_reply = 0;
    EXPECT_FALSE(request.field("if-match").empty());
    store.objects.clear();  // deleted meanwhile
    return false;
  };
  Error error;
  read_all(source, process, 1000, error);
  EXPECT_EQ(error.code, Code::kSourceChanged) << error.detail.view();
}

TEST(S3Source, WhatIsNotImplementedIsAskedForOnce) {
  SimS3 store;
  Changed changed(store);
  changed.change = [](const SimRequest&, testing::SimReply& reply) { reply = {501, {}, {}}; };
  Process process(changed);
  const std::vector<std::string> urls{"s3://bkt/k"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  Error error;
  read_all(source, process, 64, error);
  EXPECT_EQ(error.code, Code::kRequestRefused);
  EXPECT_EQ(process.net.requests, 1u);
}

TEST(S3Source, HoldsWhatItReadAgainstTheObjectsChecksum) {
  for (const bool wrong : {false, true}) {
    SimS3 store;
    store.put("bkt/k", numbered(20'000));
    if (wrong) store.objects["bkt/k"].checksum = "AAAAAAAAAAA=";
    const std::vector<std::string> urls{"s3://bkt/k"};
    // Cut in the middle, which changes nothing, and begun in the middle, where nothing can be told.
    for (const uint64_t from : {uint64_t{0}, uint64_t{5000}}) {
      Process process(store);
      process.session.proven = true;
      process.net.faults.cut_reply = 4;
      S3Source source(urls, process.client(), process.wakeup);
      ASSERT_TRUE(source.open(0));
      ASSERT_TRUE(source.seek(from));
      Error error;
      const std::string got = read_all(source, process, 4096, error);
      EXPECT_EQ(error.code, wrong && from == 0 ? Code::kObjectChecksum : Code::kOk) << error.detail.view();
      const std::string& body = store.objects["bkt/k"].body;
      EXPECT_EQ(error.ok(), got == body.substr(from));
      EXPECT_TRUE(body.substr(from).starts_with(got));
    }
  }
}

TEST(S3Client, AListingOfWhatWasNotAskedForIsRefused) {
  SimS3 store;
  store.put("bkt/in/a", "1");
  store.put("bkt/secret", "2");
  Changed changed(store);
  changed.change = [](const SimRequest&, testing::SimReply& reply) {
    reply.body.replace(reply.body.find("in/a"), 4, "secret");
  };
  Process process(changed);
  const Status listed = process.client().list("bkt", "in/", [](const ListedObject&) { return Status(); });
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, Code::kBadReply);
}

TEST(S3Source, SaysWhatIsMissing) {
  SimS3 store;
  Process process(store);
  const std::vector<std::string> urls{"s3://bkt/none"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  Error error;
  read_all(source, process, 64, error);
  EXPECT_EQ(error.code, Code::kNoInput);
  EXPECT_NE(error.detail.view().find("s3://bkt/none"), std::string_view::npos);
}

TEST(S3Source, GivesUpWhenTheServerIsDownForGood) {
  SimS3 store;
  store.put("bkt/k", "x");
  Process process(store);
  process.net.faults.unavailable = 1;
  const std::vector<std::string> urls{"s3://bkt/k"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  Error error;
  read_all(source, process, 64, error);
  EXPECT_EQ(error.exit(), Exit::kUnavailable);
  EXPECT_EQ(process.net.requests, HttpSession::kFirstAttemptsMax);
}

TEST(S3Source, OutlivesAnOutageOnceTheServerIsProven) {
  SimS3 store;
  store.put("bkt/k", numbered(100'000));
  Process process(store);
  const std::vector<std::string> urls{"s3://bkt/k"};
  S3Source source(urls, process.client(), process.wakeup);
  ASSERT_TRUE(source.open(0));
  std::vector<char> room(1000);
  Error error;
  ReadResult got;
  do {
    got = source.read(room, error);
    if (got.step == Step::kBlocked) process.wakeup.wait(kNever);
  } while (got.step == Step::kBlocked);
  ASSERT_EQ(got.step, Step::kHaveOutput);
  // The rest is asked for again, in vain for a while.
  source.close();
  uint32_t refused = 0;
  process.net.on_request = [&](const SimRequest&) { return ++refused <= 20; };
  read_all(source, process, 1000, error);
  EXPECT_TRUE(error.ok()) << error.detail.view();
  EXPECT_GT(refused, 20u);
}

// --- the sink -----------------------------------------------------------------------------------------------------------

struct Upload {
  explicit Upload(Process& process, uint64_t unit = 1u << 20, bool replace = false)
      : memory(S3Sink::room_bytes(kPart, unit)),
        table(S3Sink::table_bytes()),
        room(memory),
        sink({.url = "s3://bkt/out",
              .name = {"bkt", "out"},
              .tail = {"bkt", "out.weir"},
              .part_bytes = kPart,
              .replace = replace,
              .signed_payload = true},
             process.client(), room, table) {}
  Status write(std::string_view bytes) {
    Error error;
    return sink.write(bytes, error) == Accepted::kYes ? Status() : fail(error);
  }
  std::string save() {
    std::string state(sink.state_bytes_max(), '\0');
    StateWriter out(state);
    sink.save(out);
    EXPECT_TRUE(out.ok());
    state.resize(out.size());
    return state;
  }
  std::vector<char> memory;
  std::vector<char> table;
  MemoryRoom room;
  S3Sink sink;
};

TEST(S3Sink, ASmallObjectIsOnePut) {
  SimS3 store;
  Process process(store);
  Upload upload(process);
  ASSERT_TRUE(upload.sink.start());
  ASSERT_TRUE(upload.write("hello"));
  ASSERT_TRUE(upload.sink.finish());
  EXPECT_EQ(store.objects["bkt/out"].body, "hello");
  EXPECT_EQ(store.objects.size(), 1u);
  EXPECT_EQ(process.net.log, (std::vector<std::string>{"HEAD /bkt/out 404", "PUT /bkt/out 200"}));
}

TEST(S3Sink, NothingIsOverwritten) {
  SimS3 store;
  store.put("bkt/out", "theirs");
  Process process(store);
  Upload first(process);
  const Status refused = first.sink.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kOutputExists);
  store.objects.clear();
  Upload second(process);
  ASSERT_TRUE(second.sink.start());
  ASSERT_TRUE(second.write("ours"));
  store.put("bkt/out", "theirs");  // in the meantime
  const Status late = second.sink.finish();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kOutputExists);
  EXPECT_EQ(store.objects["bkt/out"].body, "theirs");
}

TEST(S3Sink, PartsAreOfOneSizeWhereverTheUnitsEnd) {
  const std::string body = numbered(17'000'000);
  SimS3 store;
  Process process(store);
  Upload upload(process);
  ASSERT_TRUE(upload.sink.start());
  for (size_t at = 0; at < body.size(); at += 70'001) {
    ASSERT_TRUE(upload.write(std::string_view(body).substr(at, 70'001)));
    if (at / 70'001 % 10 == 9) upload.save();
  }
  upload.save();
  ASSERT_TRUE(upload.sink.commit());
  ASSERT_TRUE(upload.sink.finish());
  EXPECT_EQ(store.objects["bkt/out"].body, body);
  EXPECT_EQ(store.objects.size(), 1u) << "tails are left";
  EXPECT_TRUE(store.uploads.empty());
}

TEST(S3Sink, APartWithoutAnEtagIsSentAgain) {
  const std::string body = numbered(7'000'000);
  SimS3 store;
  Changed changed(store);
  uint64_t parts = 0;
  changed.change = [&](const SimRequest& request, testing::SimReply& reply) {
    if (request.target.find("partNumber=") != std::string::npos && ++parts == 1) reply.fields.clear();
  };
  Process process(changed);
  Upload upload(process);
  ASSERT_TRUE(upload.sink.start());
  ASSERT_TRUE(upload.write(body));
  ASSERT_TRUE(upload.sink.finish());
  EXPECT_EQ(store.objects["bkt/out"].body, body);
  EXPECT_EQ(parts, 3u);
}

TEST(S3Sink, EtagsThatWereToldWrongAreAskedForOnce) {
  const std::string body = numbered(7'000'000);
  for (const bool listed_wrong : {false, true}) {
    SimS3 store;
    Changed changed(store);
    uint64_t completes = 0;
    changed.change = [&](const SimRequest& request, testing::SimReply& reply) {
      if (request.method == "POST" && request.target.find("uploadId=") != std::string::npos) ++completes;
      if (request.target.find("partNumber=") != std::string::npos)
        reply.fields = {{"ETag", "\"00000000000000000000000000000000\""}};
      const size_t tag = request.method == "GET" ? reply.body.find("<ETag>&quot;") : std::string::npos;
      if (listed_wrong && tag != std::string::npos) reply.body.replace(tag + 12, 32, 32, 'f');
    };
    Process process(changed);
    Upload upload(process);
    ASSERT_TRUE(upload.sink.start());
    ASSERT_TRUE(upload.write(body));
    const Status done = upload.sink.finish();
    EXPECT_EQ(completes, 2u);
    EXPECT_EQ(done.has_value(), !listed_wrong);
    EXPECT_EQ(store.objects["bkt/out"].body, listed_wrong ? "" : body);
    if (!done) {
      EXPECT_EQ(done.error().exit(), Exit::kUnavailable) << done.error().detail.view();
    }
  }
}

TEST(S3Sink, APartWhoseChecksumIsAnotherIsSentAgainAFewTimes) {
  const std::string body = numbered(7'000'000);
  for (const uint64_t wrong : {uint64_t{2}, ~uint64_t{0}}) {
    SimS3 store;
    Changed changed(store);
    uint64_t parts = 0;
    changed.change = [&](const SimRequest& request, testing::SimReply& reply) {
      if (request.target.find("partNumber=") == std::string::npos) return;
      const bool changed_sum = ++parts <= wrong;
      reply.fields.emplace_back("x-amz-checksum-crc64nvme",
                                changed_sum ? "AAAAAAAAAAA=" : request.field("x-amz-checksum-crc64nvme"));
    };
    Process process(changed);
    Upload upload(process);
    ASSERT_TRUE(upload.sink.start());
    const Status written = upload.write(body);
    const Status done = written ? upload.sink.finish() : written;
    EXPECT_EQ(done.has_value(), wrong == 2);
    EXPECT_EQ(parts, wrong == 2 ? 4u : 3u);
    EXPECT_EQ(store.objects["bkt/out"].body, wrong == 2 ? body : "");
  }
}

// The time is up while a request of a write is tried again: what a commit promises after it is put all the same.
TEST(S3Sink, WhatTheTimeDidNotAllowIsPutByTheCommit) {
  SimS3 store;
  Process process(store);
  Upload upload(process);
  ASSERT_TRUE(upload.sink.start());
  ASSERT_TRUE(upload.write(numbered(1'000'000)));
  const std::string state = upload.save();
  // Done, and nobody hears of it.
  bool lost = true;
  process.net.on_request = [&](const SimRequest& request) {
    process.net.faults.lose_reply = lost && request.target.ends_with("?uploads=") ? 1 : 0;
    return lost && request.target.find(".tail-") != std::string::npos;
  };
  const std::string more = numbered(6'000'000);
  for (int attempt = 0; attempt < 2; ++attempt) {
    process.session.stop_at_ns = process.clock.monotonic_ns() + 10'000'000'000;
    const Status late = upload.write(attempt == 0 ? std::string_view(more).substr(0, 5'000'000) : more);
    ASSERT_FALSE(late) << attempt;
    EXPECT_EQ(late.error().code, Code::kInterrupted) << late.error().detail.view();
  }
  EXPECT_GT(store.uploads.size(), 1u);
  process.session.stop_at_ns = kNever;
  lost = false;
  ASSERT_TRUE(upload.sink.commit());
  EXPECT_EQ(store.objects["bkt/out.weir.tail-1"].body, numbered(1'000'000));

  Process next(store, 2);
  Upload again(next);
  again.sink.drop_orphans();
  StateReader in(state);
  ASSERT_TRUE(again.sink.load(in) && in.at_end());
  ASSERT_TRUE(again.sink.resume(false));
  ASSERT_TRUE(again.sink.finish());
  EXPECT_EQ(store.objects["bkt/out"].body, numbered(1'000'000));
  EXPECT_TRUE(store.uploads.empty());
}

TEST(S3Sink, AnUploadThatWasBegunUnheardIsDropped) {
  const std::string body = numbered(6'000'000);
  SimS3 store;
  Process process(store);
  Upload upload(process);
  ASSERT_TRUE(upload.sink.start());
  process.net.on_request = [&](const SimRequest& request) {
    process.net.faults.lose_reply = request.target.ends_with("?uploads=") ? 1 : 0;
    return false;
  };
  process.session.stop_at_ns = process.clock.monotonic_ns() + 1'000'000'000;
  ASSERT_FALSE(upload.write(body));
  EXPECT_FALSE(store.uploads.empty());
  process.session.stop_at_ns = kNever;
  process.net.on_request = nullptr;
  process.net.faults.lose_reply = 0;
  upload.save();
  ASSERT_TRUE(upload.sink.commit());
  EXPECT_EQ(store.uploads.size(), 1u);
  ASSERT_TRUE(upload.sink.finish());
  EXPECT_EQ(store.objects["bkt/out"].body, body);
}

TEST(S3Sink, AnUploadThatIsNoMoreIsSaidToBeLost) {
  for (const bool theirs : {false, true}) {
    SimS3 store;
    Process process(store);
    Upload upload(process);
    ASSERT_TRUE(upload.sink.start());
    ASSERT_TRUE(upload.write(numbered(6'000'000)));
    upload.save();
    ASSERT_TRUE(upload.sink.commit());
    store.uploads.clear();  // by a lifecycle rule
    if (theirs) store.put("bkt/out", "theirs");
    const Status late = upload.sink.finish();
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, theirs ? Code::kOutputExists : Code::kOutputLost);
    EXPECT_EQ(store.objects["bkt/out"].body, theirs ? "theirs" : "");
  }
}

TEST(S3Sink, AllTailsGo) {
  SimS3 store;
  for (int i = 1; i <= 40; ++i) store.put("bkt/out.weir.tail-" + std::to_string(100 + i), "left by a dead run");
  store.put("bkt/out.weir.tail-x", "somebody's");
  Process process(store);
  Upload upload(process);
  ASSERT_TRUE(upload.sink.start());
  ASSERT_TRUE(upload.write("hello"));
  upload.save();
  ASSERT_TRUE(upload.sink.commit());
  ASSERT_TRUE(upload.sink.finish());
  EXPECT_EQ(store.objects.size(), 2u);
}

// A machine that dies at one request after the other, a store that loses replies: whoever goes on makes the same object.
TEST(S3Sink, GoesOnAfterADeathAtAnyRequest) {
  const std::string body = numbered(12'500'000);
  constexpr size_t kStep = 300'007;
  for (uint64_t death = 1; death <= 24; ++death) {
    SimS3 store;
    std::string state;  // the checkpoint: what the last save made durable
    size_t state_at = 0;
    bool finishing = false;
    bool done = false;
    for (int life = 0; life < 3 && !done; ++life) {
      Process process(store, death * 10 + static_cast<uint64_t>(life));
      process.net.faults.lose_reply = life == 0 ? 5 : 0;
      uint64_t seen = 0;
      bool dead = false;
      process.net.on_request = [&](const SimRequest&) { return dead = dead || (life == 0 && ++seen == death); };
      Upload upload(process);
      const auto alive = [&](const Status& status) {
        if (!status) {
          EXPECT_EQ(status.error().exit(), Exit::kUnavailable) << status.error().detail.view();
        }
        return status.has_value();
      };
      size_t at = 0;
      if (state.empty()) {
        if (!alive(upload.sink.start())) continue;
      } else {
        StateReader in(state);
        ASSERT_TRUE(upload.sink.load(in) && in.at_end());
        ASSERT_TRUE(alive(upload.sink.resume(finishing)));
        at = state_at;
      }
      bool cut = false;
      while (at < body.size() && !cut) {
        cut = !alive(upload.write(std::string_view(body).substr(at, kStep)));
        at = std::min(body.size(), at + kStep);
        if (cut) break;
        const std::string saved = upload.save();
        if (at / kStep % 7 != 0 && at != body.size()) continue;
        cut = !alive(upload.sink.commit());
        if (cut) break;
        state = saved;
        state_at = at;
        finishing = at == body.size();
      }
      if (cut) continue;
      done = alive(upload.sink.finish()) && !dead;
    }
    ASSERT_TRUE(done) << "death " << death;
    EXPECT_EQ(store.objects["bkt/out"].body, body) << "death " << death;
    EXPECT_EQ(store.objects.size(), 1u) << "death " << death << ": tails are left";
    EXPECT_EQ(store.completes, 1u);
  }
}

// --- the checkpoint -------------------------------------------------------------------------------------------------------

TEST(S3CheckpointStore, OfTwoRunsOneIsFenced) {
  SimS3 store;
  Process a(store, 1);
  Process b(store, 2);
  const S3CheckpointStore::Options options{"s3://bkt/state", {"bkt", "state"}, true};
  S3CheckpointStore first(options, a.client(), a.clock);
  S3CheckpointStore second(options, b.client(), b.clock);
  std::array<char, 100> room;
  ASSERT_TRUE(first.acquire());
  const Status held = second.acquire();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Code::kFenced);
  ASSERT_TRUE(first.load(room));
  ASSERT_TRUE(first.save("one"));
  // The first one is taken for dead when its lease is over.
  b.clock.advance(S3CheckpointStore::kLeaseNs + 1'000'000'000);
  ASSERT_TRUE(second.acquire());
  auto size = second.load(room);
  ASSERT_TRUE(size);
  EXPECT_EQ(std::string_view(room.data(), *size), "one");
  ASSERT_TRUE(second.save("two"));
  const Status late = first.save("one again");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kFenced);
  EXPECT_EQ(store.objects["bkt/state"].body, "two");
  second.release();
  EXPECT_FALSE(store.objects.contains("bkt/state.lease"));
}

TEST(S3CheckpointStore, ALostReplyIsNoFence) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SimS3 store;
    Process process(store, seed);
    process.net.faults.lose_reply = 3;
    process.net.faults.server_error = 4;
    S3CheckpointStore checkpoint({"s3://bkt/state", {"bkt", "state"}, true}, process.client(), process.clock);
    std::array<char, 100> room;
    const Status acquired = checkpoint.acquire();
    if (!acquired && !process.session.proven) continue;  // it never came to an answer
    ASSERT_TRUE(acquired) << "seed " << seed << ": " << acquired.error().detail.view()
                          << ::testing::PrintToString(process.net.log);
    ASSERT_TRUE(checkpoint.load(room));
    for (const std::string_view text : {"one", "two", "three"}) {
      const Status saved = checkpoint.save(text);
      ASSERT_TRUE(saved) << "seed " << seed << ": " << saved.error().detail.view();
      EXPECT_EQ(store.objects["bkt/state"].body, text);
    }
  }
}

}  // namespace
}  // namespace weir

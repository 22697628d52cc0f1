// Whole jobs from S3 to S3 over a simulated network and store: a machine that dies at any request, and the runs after it.
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "io/system_disk.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"
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

std::string orders(size_t records) {
  std::string text = "id,customer,amount\n";
  for (size_t i = 0; i < records; ++i) {
    text += std::to_string(i) + ",customer " + std::to_string(i % 97) + "," +
            (i % 50 == 7 ? "bad" : std::to_string(i * 7919 % 1000)) + "\n";
  }
  return text;
}

char* environment_words[] = {
    const_cast<char*>("AWS_ACCESS_KEY_ID=TESTKEY"), const_cast<char*>("AWS_SECRET_ACCESS_KEY=TESTSECRET"),
    const_cast<char*>("AWS_REGION=eu-central-1"), const_cast<char*>("AWS_ENDPOINT_URL=http://127.0.0.1:9000"), nullptr};

struct Ran {
  Outcome outcome;
  Error error;  ///< of what came before the run
  std::string skipped;
  bool built = false;
  Counters counters;
  S3Requests asked;
  Job::S3Expectation expected;

  [[nodiscard]] bool done() const { return built && error.ok() && outcome.ending == Ending::kDone; }
  [[nodiscard]] std::string words() const {
    const Error& why = error.ok() ? outcome.error : error;
    return std::string(code_info(why.code).message) + ": " + std::string(why.detail.view());
  }
};

class S3Job : public ::testing::Test {
 protected:
  S3Job() {
    config_.input.from = {"s3://bucket/in/"};
    config_.query = "SELECT id, customer, amount * 2 AS twice FROM input WHERE amount > 500";
    config_.output.to = "s3://bucket/out/result.csv";
    config_.output.unit = 16u << 10;
    config_.output.part = 40'000;
    config_.rejects.to = "s3://bucket/out/rejects.ndjson";
    config_.checkpoint.every_ns = 0;
    for (const auto& [name, records] : {std::pair("bucket/in/a.csv", size_t{9000}), {"bucket/in/b.csv", size_t{3000}}})
      inputs_.put(name, orders(records));
    inputs_.part_min = 1;
  }

  /// One run in a process of its own that dies at request `death` (0: lives): before the store has done it, or behind.
  Ran run(SimS3& store, uint64_t seed, uint64_t life, uint64_t death = 0, bool done_before = false,
          const testing::SimNetFaults& faults = {}) {
    Ran ran;
    VirtualClock clock;
    clock.advance(life == 0 ? 0 : over_ns_ + 120'000'000'000);  // a lease of the life before is over
    SimNet net(store, clock, seed);
    net.faults = faults;
    bool dead = false;
    uint64_t seen = 0;
    Deadline deadline;
    if (deadline_ns_ != 0) deadline.at_ns = clock.monotonic_ns() + deadline_ns_;
    if (signal_ns_ != 0) net.signal_at_ns = clock.monotonic_ns() + signal_ns_;
    net.on_request = [&](const SimRequest& request) {
      clock.advance(request_ns_);
      if (look_) look_(request, net, clock.wall_ns());
      if (net.signalled() && faults_behind_signal_ != nullptr) net.faults = *faults_behind_signal_;
      if (!dead && ++seen == death) {
        dead = true;
        if (done_before) store.answer(request);
      }
      return dead;
    };
    SimNetWakeup wakeup(net);
    SystemDisk disk;
    {
      Job job(clock, wakeup, disk, Host::kProcess, environment_words);
      job.set_net(&net);
      const auto failed = [&](const Error& error) {
        ran.error = error;
        over_ns_ = clock.monotonic_ns();
        return ran;
      };
      if (const Status prepared = job.prepare(config_, deadline); !prepared) return failed(prepared.error());
      EXPECT_TRUE(job.fits());
      if (const Status built = job.build(); !built) return failed(built.error());
      ran.built = true;
      ran.skipped = job.skipped();
      if (ran.skipped.empty()) ran.outcome = job.run(deadline, nullptr);
      ran.counters = job.counters();
      ran.asked = *job.s3_requests();
      // Not what gives the lease back, which comes behind.
      if (death == 0 && faults.refuse == 0 && faults_behind_signal_ == nullptr) {
        EXPECT_EQ(ran.asked.gets + ran.asked.puts + ran.asked.lists + ran.asked.deletes, net.requests);
      }
      ran.expected = job.s3_expectation();
      unseal();
    }
    over_ns_ = clock.monotonic_ns();
    const uint64_t end_ns = std::min(deadline.at_ns, net.signal_at_ns);
    late_ns_ = over_ns_ > end_ns ? over_ns_ - end_ns : 0;
    requests_ = net.requests;
    log_ += "--- life " + std::to_string(life) + " " + ran.words() + " " + ran.skipped + "\n";
    for (const std::string& line : net.log) log_ += line + "\n";
    return ran;
  }

  /// What `weir gc` says, a line each.
  std::string garbage(SimS3& store, bool take_away, std::optional<uint64_t> older_than_ns = {}) {
    VirtualClock clock;
    clock.advance(over_ns_ + 120'000'000'000);
    SimNet net(store, clock, 99);
    SimNetWakeup wakeup(net);
    SystemDisk disk;
    std::string said;
    Job job(clock, wakeup, disk, Host::kProcess, environment_words);
    job.set_net(&net);
    const Status prepared = job.prepare(config_);
    EXPECT_TRUE(prepared) << prepared.error().detail.view();
    const uint64_t older = older_than_ns.value_or(job.young_ns());
    const Status done = job.collect_garbage(take_away, older, [&](const Job::Garbage& found) {
      said += std::string(found.kind) + " " + found.url + (found.upload_id.empty() ? "" : " " + found.upload_id) +
              (found.young ? " young\n" : "\n");
    });
    EXPECT_TRUE(done) << done.error().detail.view();
    over_ns_ = clock.monotonic_ns();
    return said;
  }

  /// What the store holds behind the inputs: names and contents, of those that are for people.
  static std::string outputs(const SimS3& store) {
    std::string text;
    for (const auto& [name, object] : store.objects) {
      if (name.starts_with("bucket/out/")) text += name + (name.ends_with(".weir") ? "\n" : ":\n" + object.body + "\n");
    }
    return text;
  }

  static std::string names(const SimS3& store) {
    std::string text;
    for (const auto& [name, object] : store.objects) text += name + " " + std::to_string(object.body.size()) + "\n";
    return text;
  }

  /// How the output is cut: one object, one for each batch (a PUT), or pieces larger than a part.
  /// The last with its parts on the disk.
  enum class Shape : uint8_t { kOne, kBatches, kPieces, kSpooled };
  void shape(Shape shape) {
    config_.output.spool = shape == Shape::kSpooled ? ::testing::TempDir() : "";
    config_.output.to = shape == Shape::kOne || shape == Shape::kSpooled ? "s3://bucket/out/result.csv"
                        : shape == Shape::kBatches                       ? "s3://bucket/out/result-{batch}.csv"
                                                                         : "s3://bucket/out/result-{part}.csv";
    config_.batch.bytes = shape == Shape::kBatches ? 30'000 : 4u << 20;
    config_.output.roll_bytes = shape == Shape::kPieces ? 90'000 : 0;
  }
  /// One run that dies at each request in turn, and the runs after it: the outputs are those of a whole run, and no upload is left.
  void die_at_every_request();

  Config config_;
  std::string log_;  ///< requests of all runs
  SimS3 inputs_;
  uint64_t requests_ = 0;
  uint64_t over_ns_ = 0;  ///< when the last life ended
  uint64_t deadline_ns_ = 0;  ///< of the next life, from its start; 0: none
  uint64_t request_ns_ = 0;  ///< that pass at each request
  uint64_t signal_ns_ = 0;  ///< when a signal asks the next life to stop, from its start; 0: none
  const testing::SimNetFaults* faults_behind_signal_ = nullptr;
  std::function<void(const SimRequest&, SimNet&, uint64_t wall_ns)> look_;  ///< called for each request
  uint64_t late_ns_ = 0;  ///< how long the last life went on behind its deadline or signal
};

TEST_F(S3Job, runs_and_is_not_done_twice) {
  SimS3 store = inputs_;
  const Ran first = run(store, 1, 0);
  ASSERT_TRUE(first.done()) << first.words();
  EXPECT_EQ(first.counters.read, 12'000u);
  EXPECT_EQ(first.counters.rejected, 240u);
  EXPECT_TRUE(store.uploads.empty());
  EXPECT_EQ(store.objects.size(), inputs_.objects.size() + 3) << outputs(store);
  const Ran second = run(store, 2, 1);
  EXPECT_EQ(second.skipped, "already_done") << second.words();
}

void S3Job::die_at_every_request() {
  SimS3 whole = inputs_;
  ASSERT_TRUE(run(whole, 1, 0).done());
  const uint64_t requests = requests_;
  const std::string expected = outputs(whole);
  ASSERT_GT(requests, 40u);
  for (uint64_t death = 1; death <= requests; ++death) {
    for (const bool done_before : {false, true}) {
      SimS3 store = inputs_;
      log_.clear();
      const Ran cut = run(store, death, 0, death, done_before);
      EXPECT_TRUE(!cut.done() || death == requests);  // the last one gives the lease back
      Ran ran;
      for (uint64_t life = 1; life <= 3 && !ran.done(); ++life) ran = run(store, death + life, life);
      ASSERT_TRUE(ran.done()) << "death at " << death << (done_before ? ", done" : "") << ": " << ran.words();
      EXPECT_TRUE(outputs(store) == expected)
          << names(store) << log_ << "death at " << death << (done_before ? ", done" : "");
      EXPECT_TRUE(store.uploads.empty()) << names(store) << log_ << "death at " << death
                                         << (done_before ? ", done" : "");
    }
  }
}

TEST_F(S3Job, a_death_at_any_request_changes_no_byte) { die_at_every_request(); }

TEST_F(S3Job, of_many_small_objects_a_death_changes_no_byte) {
  shape(Shape::kBatches);
  die_at_every_request();
}

TEST_F(S3Job, of_many_uploads_a_death_changes_no_byte) {
  shape(Shape::kPieces);
  die_at_every_request();
}

TEST_F(S3Job, with_parts_on_the_disk_a_death_changes_no_byte) {
  SimS3 whole = inputs_;
  ASSERT_TRUE(run(whole, 1, 0).done());
  shape(Shape::kSpooled);
  SimS3 spooled = inputs_;
  ASSERT_TRUE(run(spooled, 1, 0).done());
  EXPECT_TRUE(outputs(whole) == outputs(spooled));
  die_at_every_request();
}

TEST_F(S3Job, where_parts_wait_may_change_between_two_runs) {
  SimS3 whole = inputs_;
  ASSERT_TRUE(run(whole, 1, 0).done());
  SimS3 store = inputs_;
  EXPECT_FALSE(run(store, 1, 0, 30).done());
  shape(Shape::kSpooled);
  ASSERT_TRUE(run(store, 2, 1).done());
  EXPECT_TRUE(outputs(whole) == outputs(store));
}

TEST_F(S3Job, a_spool_that_is_not_there_is_said) {
  shape(Shape::kSpooled);
  config_.output.spool = "/nowhere/at all";
  SimS3 store = inputs_;
  const Ran ran = run(store, 1, 0);
  EXPECT_EQ(ran.error.exit(), Exit::kBadConfig) << ran.words();
  EXPECT_NE(ran.words().find("/nowhere/at all is not there"), std::string::npos) << ran.words();
  EXPECT_EQ(requests_, 0u) << log_;
  EXPECT_EQ(names(store), names(inputs_)) << log_;
}

TEST_F(S3Job, the_lease_stands_as_long_as_the_run) {
  config_.checkpoint.every_ns = 3'600'000'000'000;
  config_.output.unit = 1u << 20;
  // With an end that is known, far off, as without one.
  for (const uint64_t deadline_ns : {uint64_t{0}, uint64_t{3'600'000'000'000}}) {
    deadline_ns_ = deadline_ns;
    SimS3 store = inputs_;
    bool leased = false;
    uint64_t stalls = 0;
    look_ = [&](const SimRequest& request, SimNet& net, uint64_t wall_ns) {
      const auto lease = store.objects.find("bucket/out/result.csv.weir.lease");
      if (lease != store.objects.end()) {
        leased = true;
        const std::string& text = lease->second.body;
        const uint64_t until = std::strtoull(text.substr(text.rfind(' ') + 1).c_str(), nullptr, 10);
        EXPECT_GT(until, wall_ns) << request.method << " " << request.target;
        EXPECT_LE(until, wall_ns + 120'000'000'000) << request.method << " " << request.target;
      }
      // The input comes in pieces, with pauses of 10 s in between.
      const bool input = request.method == "GET" && request.target.find("/in/") != std::string::npos;
      net.faults.stall = leased && input && stalls < 30 ? 1 : 0;
      stalls += net.faults.stall;
    };
    ASSERT_TRUE(run(store, 1, 0).done());
    EXPECT_GT(stalls, 20u);
  }
}

TEST_F(S3Job, objects_are_those_of_the_batches_and_pieces) {
  shape(Shape::kBatches);
  SimS3 store = inputs_;
  ASSERT_TRUE(run(store, 1, 0).done());
  ASSERT_TRUE(store.objects.contains("bucket/out/result-000004.csv")) << names(store);
  const std::string& first = store.objects["bucket/out/result-000000.csv"].body;
  EXPECT_TRUE(first.starts_with("id,customer,twice\n"));
  EXPECT_LE(first.size(), config_.batch.bytes);
  EXPECT_GT(first.size() + 100, config_.batch.bytes);
  shape(Shape::kPieces);
  store = inputs_;
  ASSERT_TRUE(run(store, 1, 0).done());
  EXPECT_GT(store.objects["bucket/out/result-000000.csv"].body.size(), 2 * config_.output.part) << names(store);
  EXPECT_TRUE(store.objects.contains("bucket/out/result-000001.csv"));
  const Ran again = run(store, 2, 1);
  EXPECT_EQ(again.skipped, "already_done") << again.words();
  // Whoever takes the last object away gets all of them again.
  const std::string expected = outputs(store);
  store.objects.erase("bucket/out/result-000001.csv");
  const Ran anew = run(store, 3, 2);
  EXPECT_TRUE(anew.done()) << anew.words();
  EXPECT_TRUE(outputs(store) == expected) << names(store);
}

TEST_F(S3Job, anothers_object_among_many_stays) {
  shape(Shape::kBatches);
  SimS3 store = inputs_;
  store.put("bucket/out/result-000002.csv", "another's");
  const Ran ran = run(store, 1, 0);
  EXPECT_EQ(ran.outcome.error.exit(), Exit::kSinkConflict) << ran.words();
  EXPECT_EQ(store.objects["bucket/out/result-000002.csv"].body, "another's");
  EXPECT_TRUE(store.uploads.empty());
  config_.output.if_exists = IfExists::kReplace;
  ASSERT_TRUE(run(store, 2, 1).done());
  EXPECT_TRUE(store.objects["bucket/out/result-000002.csv"].body.starts_with("id,customer,twice\n"));
}

TEST_F(S3Job, an_object_of_this_run_that_was_changed_is_noticed) {
  shape(Shape::kBatches);
  config_.checkpoint.every_ns = 3'600'000'000'000;  // all objects come after the checkpoint
  SimS3 store = inputs_;
  ASSERT_FALSE(run(store, 1, 0, 20).done());
  ASSERT_TRUE(store.objects.contains("bucket/out/result-000001.csv")) << log_;
  log_.clear();
  store.objects["bucket/out/result-000001.csv"].body += "more";
  const Ran ran = run(store, 2, 1);
  EXPECT_EQ(ran.outcome.error.code, Code::kOutputLost) << ran.words() << log_;
}

TEST_F(S3Job, a_bad_network_changes_no_byte) {
  std::vector<std::pair<Config, std::string>> shapes;
  for (const Shape of : {Shape::kOne, Shape::kBatches, Shape::kPieces, Shape::kSpooled}) {
    shape(of);
    SimS3 whole = inputs_;
    ASSERT_TRUE(run(whole, 1, 0).done());
    shapes.emplace_back(config_, outputs(whole));
  }
  // WEIR_SEEDS=100000 is the campaign.
  const char* more = std::getenv("WEIR_SEEDS");
  const uint64_t seeds = more == nullptr ? 60 : std::strtoull(more, nullptr, 10);
  uint64_t finished = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto& [config, expected] = shapes[seed % shapes.size()];
    config_ = config;
    SimS3 store = inputs_;
    store.page = 1 + seed % 3;
    log_.clear();
    testing::SimNetFaults faults;
    faults.lose_reply = 12;
    faults.cut_reply = 9;
    faults.cut_request = 14;
    faults.stall = 40;
    faults.refuse = 15;
    faults.no_answer = 40;
    faults.close_idle = 10;
    faults.unavailable = 15;
    faults.server_error = 15;
    faults.retry_after = 30;
    Ran ran;
    for (uint64_t life = 0; life <= 8 && !ran.done(); ++life) {
      ran = run(store, seed * 100 + life, life, 0, false, faults);
      if (!ran.done()) {
        const Error& why = ran.error.ok() ? ran.outcome.error : ran.error;
        EXPECT_EQ(why.exit(), Exit::kUnavailable) << "seed " << seed << ": " << ran.words() << "\n" << log_;
      }
    }
    if (!ran.done()) continue;
    ++finished;
    // A run that was done and did not hear of it leaves its last tails; what is there for that takes them away.
    if (names(store).find(".tail-") != std::string::npos) (void)garbage(store, true);
    // One that could not give its lease back leaves it to its time.
    std::erase_if(store.objects, [](const auto& object) { return object.first.ends_with(".lease"); });
    EXPECT_TRUE(outputs(store) == expected) << names(store) << log_ << "seed " << seed;
    EXPECT_TRUE(store.uploads.empty()) << names(store) << log_ << "seed " << seed;
  }
  EXPECT_GE(finished, seeds * 9 / 10);
}

TEST_F(S3Job, what_dead_runs_left_is_found_and_taken_away) {
  for (const Shape of : {Shape::kOne, Shape::kPieces}) {
    shape(of);
    // A run that died in the middle, and what others of its kind could have left.
    SimS3 store = inputs_;
    EXPECT_FALSE(run(store, 1, 0, of == Shape::kOne ? 40 : 35).done());
    ASSERT_EQ(store.uploads.size(), 1u) << log_;
    const std::string key = of == Shape::kOne ? "bucket/out/result.csv" : "bucket/out/result-000007.csv";
    const std::string state = of == Shape::kOne ? "bucket/out/result.csv.weir" : "bucket/out/result-batch.csv.weir";
    store.uploads["orphan"] = {key, {}, {}};
    store.uploads["another's"] = {"bucket/out/result.csvx", {}, {}};
    store.put(state + ".tail-1", "old");
    store.put(state + ".tail-x", "another's");
    store.objects.erase(state + ".lease");
    const std::string before = names(store);
    const std::string said = garbage(store, false);
    EXPECT_NE(said.find("upload s3://" + key + " orphan\n"), std::string::npos) << said;
    EXPECT_NE(said.find("tail s3://" + state + ".tail-1\n"), std::string::npos) << said;
    EXPECT_EQ(said.find("another's"), std::string::npos) << said;
    EXPECT_EQ(names(store), before);
    EXPECT_EQ(store.uploads.size(), 3u);
    EXPECT_EQ(garbage(store, true), said);
    EXPECT_EQ(garbage(store, true), "");
    EXPECT_EQ(store.uploads.size(), 2u);
    EXPECT_TRUE(store.uploads.contains("another's"));
    EXPECT_TRUE(store.objects.contains(state + ".tail-x"));
    // What the checkpoint names is there still: the run goes on.
    SimS3 whole = inputs_;
    ASSERT_TRUE(run(whole, 2, 0).done());
    ASSERT_TRUE(run(store, 3, 1).done());
    store.uploads.erase("another's");
    store.objects.erase(state + ".tail-x");
    EXPECT_TRUE(outputs(store) == outputs(whole)) << names(store);
  }
}

// Nothing says of a job without a checkpoint whether a run is at work.
TEST_F(S3Job, an_upload_of_a_job_without_a_checkpoint_stays_while_it_is_young) {
  config_.checkpoint.to = "none";
  SimS3 store = inputs_;
  store.uploads["orphan"] = {"bucket/out/result.csv", {}, {}};
  store.initiated = "2023-11-14T22:00:00.000Z";  // the clock says 22:13 and some minutes
  const std::string it = "upload s3://bucket/out/result.csv orphan";
  EXPECT_EQ(garbage(store, true), it + " young\n");
  EXPECT_EQ(store.uploads.size(), 1u);
  EXPECT_EQ(garbage(store, true, 3'600'000'000'000), it + " young\n");
  store.initiated = "2023-11-13T22:00:00.000Z";
  EXPECT_EQ(garbage(store, false), it + "\n");
  EXPECT_EQ(garbage(store, true), it + "\n");
  EXPECT_TRUE(store.uploads.empty());
  store.uploads["live"] = {"bucket/out/result.csv", {}, {}};
  store.initiated = "2026-11-27T00:00:00.000Z";
  EXPECT_EQ(garbage(store, true, 0), "upload s3://bucket/out/result.csv live\n");
  EXPECT_TRUE(store.uploads.empty());
}

// D1, D4: in whatever request it falls, asked once or over and over.
class S3JobDeadline : public S3Job, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Shapes, S3JobDeadline, ::testing::Range(0, 6));

TEST_P(S3JobDeadline, ends_it_in_order_at_any_request) {
  shape(static_cast<Shape>(GetParam() % 3));
  config_.checkpoint.every_ns = GetParam() < 3 ? 0 : 3'600'000'000'000;  // or nothing is saved but by the stop
  SimS3 whole = inputs_;
  request_ns_ = 20'000'000;
  ASSERT_TRUE(run(whole, 1, 0).done());
  const std::string expected = outputs(whole);
  const uint64_t took_ns = over_ns_;
  testing::SimNetFaults faults[3];
  faults[1].stall = 25;
  faults[2].unavailable = 12;
  faults[2].retry_after = 25;
  uint64_t checkpointed = 0;
  for (const testing::SimNetFaults& fault : faults) {
    for (uint64_t at = 7'000'000; at < 2 * took_ns; at += took_ns / 41) {
      SCOPED_TRACE("faults " + std::to_string(&fault - faults) + ", at " + std::to_string(at));
      SimS3 store = inputs_;
      log_.clear();
      deadline_ns_ = at;
      const Ran cut = run(store, at, 0, 0, false, fault);
      const Code why = cut.error.ok() ? cut.outcome.error.code : cut.error.code;
      const bool in_order =
          cut.built ? cut.outcome.ending != Ending::kFailed : why == Code::kInterrupted || why == Code::kCheckpointed;
      EXPECT_TRUE(in_order) << cut.words() << log_;
      // No wait reaches behind it; what is given back then is asked for and not waited for.
      EXPECT_LE(late_ns_, 5 * request_ns_) << log_;
      const bool goes_on = cut.built && cut.outcome.ending == Ending::kCheckpointed;
      checkpointed += goes_on ? 1 : 0;
      if (goes_on) {
        EXPECT_TRUE(outputs(store).find(".weir\n") != std::string::npos) << log_;
      }
      deadline_ns_ = 0;
      const Ran rest = run(store, at + 1, 1);
      ASSERT_TRUE(rest.done() || rest.skipped == "already_done") << rest.words() << log_;
      // All was shown, and no time was left to try again to take a tail away.
      if (cut.done())
        std::erase_if(store.objects,
                      [](const auto& object) { return object.first.find(".tail-") != std::string::npos; });
      EXPECT_TRUE(outputs(store) == expected) << names(store) << log_;
      // What no checkpoint is known to speak of, of a run that could not hear or say more, is for a lifecycle rule: an upload whose id never came,
      // one that is named by the first checkpoint, which may be there or not.
      if (goes_on || cut.done() || &fault == faults) {
        EXPECT_TRUE(store.uploads.empty()) << names(store) << log_;
      }
      if (rest.skipped.empty()) {
        EXPECT_EQ(rest.counters.read, 12'000u);
      }
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(checkpointed, 40u);
}

// D4: whatever the network does from then on. Half of the reserve is for what was begun, all of it for the checkpoint.
TEST_P(S3JobDeadline, a_signal_ends_it_within_the_reserve_at_any_request) {
  shape(static_cast<Shape>(GetParam() % 3));
  config_.checkpoint.every_ns = GetParam() < 3 ? 0 : 3'600'000'000'000;
  SimS3 whole = inputs_;
  request_ns_ = 20'000'000;
  ASSERT_TRUE(run(whole, 1, 0).done());
  const std::string expected = outputs(whole);
  const uint64_t took_ns = over_ns_;
  testing::SimNetFaults faults[5];
  faults[1].stall = 1;
  faults[2].unavailable = 1;
  faults[3].retry_after = 1;
  faults[4].lose_reply = 1;
  uint64_t checkpointed = 0;
  for (const testing::SimNetFaults& fault : faults) {
    for (uint64_t at = 7'000'000; at < took_ns; at += took_ns / 41) {
      SCOPED_TRACE("faults " + std::to_string(&fault - faults) + ", at " + std::to_string(at));
      SimS3 store = inputs_;
      log_.clear();
      signal_ns_ = at;
      faults_behind_signal_ = &fault;
      const Ran cut = run(store, at, 0);
      const Code why = cut.error.ok() ? cut.outcome.error.code : cut.error.code;
      // A store that never answered is told of after a few attempts.
      const bool in_order = cut.built ? cut.outcome.ending != Ending::kFailed
                                      : why == Code::kInterrupted || why == Code::kCheckpointed ||
                                            (why == Code::kConnectionLost && &fault == faults + 4);
      EXPECT_TRUE(in_order) << cut.words() << log_;
      EXPECT_LE(late_ns_, WaitLimit::kGraceNs + 5 * request_ns_) << log_;
      const bool goes_on = cut.built && cut.outcome.ending == Ending::kCheckpointed;
      checkpointed += goes_on ? 1 : 0;
      signal_ns_ = 0;
      faults_behind_signal_ = nullptr;
      const Ran rest = run(store, at + 1, 1);
      ASSERT_TRUE(rest.done() || rest.skipped == "already_done") << rest.words() << log_;
      // As behind a deadline: what a run could not hear or say more.
      if (cut.done() || !rest.skipped.empty())
        std::erase_if(store.objects,
                      [](const auto& object) { return object.first.find(".tail-") != std::string::npos; });
      EXPECT_TRUE(outputs(store) == expected) << names(store) << log_;
      if (goes_on || cut.done() || &fault == faults) {
        EXPECT_TRUE(store.uploads.empty()) << names(store) << log_;
      }
      if (::testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(checkpointed, 20u);
}

// Also what was shown already: it is known for the job's own. And the upload that is not gone on with goes.
TEST_F(S3Job, a_restart_makes_the_same_wherever_the_run_before_was_stopped) {
  SimS3 whole = inputs_;
  request_ns_ = 20'000'000;
  ASSERT_TRUE(run(whole, 1, 0).done());
  const std::string expected = outputs(whole);
  const uint64_t took_ns = over_ns_;
  for (uint64_t at = took_ns / 2; at < took_ns; at += request_ns_) {
    SimS3 store = inputs_;
    log_.clear();
    deadline_ns_ = at;
    config_.checkpoint.restart = false;
    run(store, at, 0);
    deadline_ns_ = 0;
    config_.checkpoint.restart = true;
    const Ran again = run(store, at + 1, 0);
    ASSERT_TRUE(again.done()) << again.words() << log_;
    EXPECT_EQ(again.counters.read, 12'000u);
    EXPECT_TRUE(outputs(store) == expected) << names(store) << log_;
    EXPECT_TRUE(store.uploads.empty()) << names(store) << log_;
  }
}

TEST_F(S3Job, objects_of_a_job_begun_anew_are_replaced_by_it_and_by_those_that_go_on) {
  for (const Shape of : {Shape::kBatches, Shape::kPieces}) {
    shape(of);
    SimS3 done = inputs_;
    ASSERT_TRUE(run(done, 1, 0).done());
    done.put("bucket/in/a.csv", orders(9500));
    SimS3 expected_store = inputs_;
    expected_store.put("bucket/in/a.csv", orders(9500));
    ASSERT_TRUE(run(expected_store, 2, 1).done());
    const std::string expected = outputs(expected_store);
    for (uint64_t death = 0; death <= 60; death += 3) {
      SimS3 store = done;
      log_.clear();
      config_.checkpoint.restart = true;
      Ran ran = run(store, 10 + death, 2, death);
      config_.checkpoint.restart = false;
      for (uint64_t life = 3; life < 6 && !ran.done(); ++life) ran = run(store, 100 + death + life, life);
      ASSERT_TRUE(ran.done() || ran.error.exit() == Exit::kSourceChanged) << ran.words() << log_ << "death " << death;
      if (ran.done()) {
        EXPECT_TRUE(outputs(store) == expected) << names(store) << log_ << "death " << death;
      }
      EXPECT_TRUE(store.uploads.empty()) << names(store) << log_ << "death " << death;
      EXPECT_TRUE(death != 0 || ran.done()) << ran.words();
    }
  }
}

TEST_F(S3Job, an_object_with_the_wrong_checksum_stays_refused) {
  SimS3 store = inputs_;
  store.objects["bucket/in/b.csv"].checksum = "AAAAAAAAAAA=";
  for (uint64_t life = 0; life < 3; ++life) {
    const Ran ran = run(store, life + 1, life);
    EXPECT_EQ((ran.error.ok() ? ran.outcome.error : ran.error).code, Code::kObjectChecksum) << ran.words();
    EXPECT_FALSE(store.objects.contains("bucket/out/result.csv"));
  }
  store.objects["bucket/in/b.csv"].checksum.clear();
  config_.checkpoint.restart = true;
  EXPECT_TRUE(run(store, 9, 4).done());
}

TEST_F(S3Job, it_asks_what_the_plan_says) {
  config_.checkpoint.every_ns = 3'600'000'000'000;
  config_.output.part = 8u << 20;
  SimS3 store = inputs_;
  const Ran ran = run(store, 1, 0);
  ASSERT_TRUE(ran.done());
  EXPECT_EQ(ran.asked.gets, ran.expected.gets) << log_;
  EXPECT_EQ(ran.asked.puts, ran.expected.puts) << log_;
  EXPECT_EQ(ran.expected.puts_per_gib, 128u);
  EXPECT_NEAR(
      ran.asked.dollars(),
      static_cast<double>(ran.asked.gets) * 0.4e-6 + static_cast<double>(ran.asked.puts + ran.asked.lists) * 5e-6,
      1e-12);
}

TEST_F(S3Job, an_input_that_was_replaced_ends_it) {
  SimS3 store = inputs_;
  EXPECT_FALSE(run(store, 1, 0, 20).done());
  store.put("bucket/in/a.csv", orders(9000) + "x");
  const Ran ran = run(store, 2, 1);
  const Error& why = ran.error.ok() ? ran.outcome.error : ran.error;
  EXPECT_EQ(why.exit(), Exit::kSourceChanged) << ran.words();
  EXPECT_EQ(outputs(store).find("result.csv:"), std::string::npos);
}

}  // namespace
}  // namespace weir

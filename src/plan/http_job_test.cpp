// Whole jobs from http:// to files over a simulated network and server: a machine that dies at any request, and the runs after it.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "plan/policy.hpp"
#include "testing/sim_disk.hpp"
#include "testing/sim_http.hpp"
#include "testing/sim_net.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::SimDisk;
using testing::SimHttp;
using testing::SimNet;
using testing::SimNetWakeup;
using testing::SimRequest;
using testing::VirtualClock;

std::string orders(size_t records) {
  std::string text = "id,customer,amount\n";
  for (size_t i = 0; i < records; ++i) {
    text += std::to_string(i) + ",customer " + std::to_string(i % 97) + "," +
            (i % 50 == 7 ? "bad" : std::to_string(i * 7919 % 1000)) + "\n";
  }
  return text;
}

struct Ran {
  Outcome outcome;
  Error error;  ///< of what came before the run
  std::string skipped;
  bool built = false;
  Counters counters;
  uint64_t resumed_at = kNoOffset;
  std::string checkpoint;

  [[nodiscard]] bool done() const { return built && error.ok() && outcome.ending == Ending::kDone; }
  [[nodiscard]] const Error& why() const { return error.ok() ? outcome.error : error; }
  [[nodiscard]] std::string words() const {
    return std::string(code_info(why().code).message) + ": " + std::string(why().detail.view());
  }
};

class HttpJob : public ::testing::Test {
 protected:
  HttpJob() {
    forget();
    server_.put("/in/a.csv", orders(4000));
    server_.put("/b", orders(1500));
    server_.redirects["/in/b.csv"] = {302, "/b?signed=SECRET-THERE"};
    server_.wanted["/in/a.csv"] = "Basic bWU6U0VDUkVULVBBU1M=";
    server_.range_max = 9000;  // a request for each
    config_.input.from = {"http://me:SECRET-PASS@files.example/in/a.csv?sig=SECRET-1",
                          "http://files.example/in/b.csv?sig=SECRET-2"};
    config_.query = "SELECT id, customer, amount * 2 AS twice FROM input WHERE amount > 500";
    config_.output.to = "out.csv";
    config_.output.unit = 8u << 10;
    config_.rejects.to = "rejects.ndjson";
    config_.checkpoint.every_ns = 0;
  }

  /// One run in a process of its own that dies at request `death` (0: lives).
  Ran run(uint64_t seed, uint64_t death = 0) {
    Ran ran;
    VirtualClock clock;
    SimNet net(server_, clock, seed);
    bool dead = false;
    uint64_t seen = 0;
    const int process = disk_->new_process();
    net.on_request = [&](const SimRequest&) {
      if (!dead && ++seen == death) {
        dead = true;
        disk_->kill(process);
      }
      return dead;
    };
    SimNetWakeup wakeup(net);
    char* environment[] = {nullptr};
    Job job(clock, wakeup, *disk_, Host::kProcess, environment);
    job.set_net(&net);
    const auto prepare = [&]() -> Status {
      WEIR_TRY(job.prepare(config_));
      table_.clear();
      for (const BudgetLine& line : job.budget().lines()) table_ += std::string(line.name) + "\n";
      ran.checkpoint = job.checkpoint_name();
      EXPECT_TRUE(job.fits());
      WEIR_TRY(job.build());
      return {};
    };
    if (const Status prepared = prepare(); !prepared) {
      ran.error = prepared.error();
      return ran;
    }
    ran.built = true;
    ran.skipped = job.skipped();
    ran.resumed_at = job.resumed_at();
    if (ran.skipped.empty()) ran.outcome = job.run({}, nullptr);
    ran.counters = job.counters();
    unseal();
    requests_ = net.requests;
    return ran;
  }

  void forget() { disk_.emplace(disk_clock_, testing::SimRng(1), 1); }
  std::string text(const std::string& name) const { return disk_->content(name).value_or(""); }
  std::string outputs() const { return text("out.csv") + "\x1d" + text("rejects.ndjson"); }
  void expect_no_secret(const Ran& ran) const {
    EXPECT_EQ(ran.words().find("SECRET"), std::string::npos) << ran.words();
    for (const std::string& name : disk_->names()) EXPECT_EQ(text(name).find("SECRET"), std::string::npos) << name;
  }

  VirtualClock disk_clock_;
  std::optional<SimDisk> disk_;
  Config config_;
  SimHttp server_;
  uint64_t requests_ = 0;
  std::string table_;
};

TEST_F(HttpJob, runs_and_is_not_done_twice) {
  const Ran first = run(2);
  ASSERT_TRUE(first.done()) << first.words();
  EXPECT_EQ(first.counters.read, 5'500u);
  EXPECT_EQ(first.counters.rejected, 110u);
  expect_no_secret(first);
  EXPECT_EQ(run(3).skipped, "already_done");
  for (const char* line : {"requests", "TLS and names", "sockets", "OpenSSL's image"})
    EXPECT_NE(table_.find(line), std::string::npos) << line << " in " << table_;
}

TEST_F(HttpJob, a_death_at_any_request_changes_no_byte) {
  ASSERT_TRUE(run(1).done());
  const uint64_t requests = requests_;
  const std::string expected = outputs();
  ASSERT_GT(requests, 15u);
  uint64_t resumed = 0;
  for (uint64_t death = 1; death <= requests; ++death) {
    forget();
    const Ran cut = run(death, death);
    EXPECT_FALSE(cut.done()) << "death at " << death;
    expect_no_secret(cut);
    // A signature that has expired is another address of the same input.
    config_.input.from[0] = "http://me:SECRET-PASS@files.example/in/a.csv?sig=SECRET-" + std::to_string(death);
    // Killed again on its way.
    const Ran again = run(death + 1, 4);
    resumed += again.resumed_at != kNoOffset ? 1 : 0;
    Ran ran;
    for (uint64_t life = 1; life <= 3 && !ran.done() && ran.skipped.empty(); ++life) ran = run(death + life);
    ASSERT_TRUE(ran.done() || again.done()) << "death at " << death << ": " << ran.words();
    EXPECT_TRUE(outputs() == expected) << "death at " << death;
  }
  EXPECT_GT(resumed, requests / 3);
}

TEST_F(HttpJob, an_input_that_was_replaced_ends_it) {
  EXPECT_FALSE(run(1, 12).done());
  server_.put("/in/a.csv", orders(4000));
  EXPECT_EQ(run(2).why().exit(), Exit::kSourceChanged);
  EXPECT_FALSE(disk_->content("out.csv"));
}

TEST_F(HttpJob, without_a_validator_there_is_no_checkpoint_and_a_reason_where_one_was_asked_for) {
  server_.range_max = ~uint64_t{0};
  server_.files["/b"].etag = "W/\"1\"";
  server_.files["/b"].modified.clear();
  const Ran ran = run(1);
  ASSERT_TRUE(ran.done()) << ran.words();
  EXPECT_EQ(ran.checkpoint, "");
  forget();
  config_.checkpoint.to = "state.weir";
  const Ran refused = run(2);
  EXPECT_EQ(refused.why().code, Code::kContradiction);
  EXPECT_NE(refused.words().find(
                "http://files.example/in/b.csv can't be read again from the middle: its server gives neither"),
            std::string::npos)
      << refused.words();
}

TEST_F(HttpJob, an_address_that_can_not_be_used_is_told_without_its_secrets) {
  for (const char* bad :
       {"http://me:SECRET@/x", "https://h/SECRET x", "ftp://me:SECRET@h/x", "http://me:SECRET@h:0/x?SECRET"}) {
    config_.input.from = {bad};
    const Ran ran = run(1);
    EXPECT_EQ(ran.why().exit(), Exit::kBadConfig) << bad << ran.words();
    EXPECT_EQ(ran.words().find("SECRET"), std::string::npos) << ran.words();
  }
}

TEST_F(HttpJob, needs_no_permission_in_aws_and_no_region) {
  EXPECT_EQ(policy_of(config_), "");
  config_.output.to = "s3://bucket/out.csv";
  EXPECT_EQ(policy_of(config_).find("files.example"), std::string::npos);
}

}  // namespace
}  // namespace weir

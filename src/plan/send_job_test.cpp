// The conformance table of the sinks: whole jobs from S3 to each service over a simulated network, and what every one of them must keep. A sink is a row of
// kSinks, a claim is a test; both are few lines. A machine may die at any request, and is followed by others.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "io/system_disk.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "testing/sim_net.hpp"
#include "testing/sim_rng.hpp"
#include "testing/sim_s3.hpp"
#include "testing/sim_services.hpp"
#include "testing/virtual_time.hpp"

namespace weir {
namespace {

using testing::SimNet;
using testing::SimNetFaults;
using testing::SimNetWakeup;
using testing::SimReply;
using testing::SimRequest;
using testing::SimRng;
using testing::SimS3;
using testing::SimServices;
using testing::VirtualClock;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

/// A service as its documentation has it, and what sending to it promises.
struct Sink {
  const char* name;
  const char* to;
  std::vector<std::string> key = {};
  OutputFormat format = OutputFormat::kAuto;
  bool tells_of_each = true;  ///< replies tell of each message; else a batch is taken or refused as a whole
  bool in_order = false;  ///< within a key, messages come in the input's order
  bool once = false;  ///< it remembers ids: in spite of repeats everything is there once
  bool overwrites = false;  ///< messages are items, and replace others of their key
  bool has_ids = true;  ///< the wire has a place for ids
  bool refuses_whole = false;  ///< a message that is not taken is told of by refusing its request
  uint64_t messages_max = 0;  ///< of a request; 0: no limit
  uint64_t message_bytes_max = 0;  ///< 0: batch.bytes
  uint64_t request_bytes_max = 0;
};

const Sink kSinks[] = {
    {.name = "sqs",
     .to = "sqs://queue",
     .messages_max = 10,
     .message_bytes_max = 1u << 20,
     .request_bytes_max = 1u << 20},
    {.name = "sqs_fifo",
     .to = "sqs://queue.fifo",
     .key = {"customer"},
     .in_order = true,
     .once = true,
     .messages_max = 10,
     .message_bytes_max = 1u << 20,
     .request_bytes_max = 1u << 20},
    {.name = "sns",
     .to = "sns://topic",
     .messages_max = 10,
     .message_bytes_max = 256u << 10,
     .request_bytes_max = 256u << 10},
    {.name = "sns_fifo",
     .to = "sns://topic.fifo",
     .key = {"customer"},
     .in_order = true,
     .once = true,
     .messages_max = 10,
     .message_bytes_max = 256u << 10,
     .request_bytes_max = 256u << 10},
    {.name = "events",
     .to = "events://bus",
     .messages_max = 10,
     .message_bytes_max = 256u << 10,
     .request_bytes_max = 256u << 10},
    {.name = "kinesis",
     .to = "kinesis://stream",
     .messages_max = 500,
     .message_bytes_max = 10u << 20,
     .request_bytes_max = 10u << 20},
    {.name = "kinesis_by_key",
     .to = "kinesis://stream",
     .key = {"customer"},
     .has_ids = false,
     .messages_max = 500,
     .message_bytes_max = 10u << 20,
     .request_bytes_max = 10u << 20},
    {.name = "firehose",
     .to = "firehose://stream",
     .has_ids = false,
     .messages_max = 500,
     .message_bytes_max = 1000u << 10,
     .request_bytes_max = 4u << 20},
    {.name = "dynamodb",
     .to = "dynamodb://table",
     .key = {"n"},
     .overwrites = true,
     .has_ids = false,
     .refuses_whole = true,
     .messages_max = 25,
     .message_bytes_max = 400u << 10,
     .request_bytes_max = 16u << 20},
    {.name = "dynamodb_updates",
     .to = "dynamodb://table",
     .key = {"customer"},
     .overwrites = true,
     .has_ids = false,
     .refuses_whole = true,
     .messages_max = 25,
     .message_bytes_max = 400u << 10,
     .request_bytes_max = 16u << 20},
    {.name = "lambda",
     .to = "lambda://function",
     .tells_of_each = false,
     .once = true,
     .refuses_whole = true,
     .message_bytes_max = 6'291'456,
     .request_bytes_max = 6'291'456},
    {.name = "http",
     .to = "http://user:PASSWORDSECRET@127.0.0.1:9000/hook?token=QUERYSECRET",
     .tells_of_each = false,
     .once = true,
     .refuses_whole = true},
    {.name = "http_array",
     .to = "http://127.0.0.1:9000/hook",
     .format = OutputFormat::kJson,
     .tells_of_each = false,
     .once = true,
     .refuses_whole = true},
};

char* environment_words[] = {const_cast<char*>("AWS_ACCESS_KEY_ID=TESTKEY"),
                             const_cast<char*>("AWS_SECRET_ACCESS_KEY=KEYSECRET"),
                             const_cast<char*>("AWS_SESSION_TOKEN=TOKENSECRET"),
                             const_cast<char*>("AWS_REGION=eu-central-1"),
                             const_cast<char*>("AWS_ENDPOINT_URL=http://127.0.0.1:9000"),
                             const_cast<char*>("SSL_CERT_FILE=/nowhere"),  // not read for each of many jobs
                             nullptr};
const char* const kSecrets[] = {"KEYSECRET",   "TOKENSECRET",  "PASSWORDSECRET",
                                "QUERYSECRET", "HEADERSECRET", "dXNlcjpQQVNTV09SRFNFQ1JFVA=="};

/// All that outlives a run: the store with inputs, rejects and checkpoint, and the services.
struct World final : testing::SimServer {
  explicit World(const SimS3& store, const Sink& sink, uint64_t seed = 1) : s3(store), services(seed) {
    services.key = sink.key;
  }
  SimReply answer(const SimRequest& request) override {
    return SimServices::is_for_service(request) ? services.answer(request) : s3.answer(request);
  }
  [[nodiscard]] std::string rejects() const {
    const auto found = s3.objects.find("bucket/rejects.ndjson");
    return found == s3.objects.end() ? "" : found->second.body;
  }
  SimS3 s3;
  SimServices services;
};

/// How one run fares.
struct Life {
  uint64_t seed = 1;
  uint64_t death = 0;  ///< it dies at this request; 0: it lives
  bool done_before = false;  ///< which the server has done, or not
  SimNetFaults faults = {};
  uint64_t deadline_ns = 0;  ///< from its start; 0: none
  uint64_t signal_ns = 0;
  std::function<uint64_t(const SimRequest&)> latency = {};
  std::function<void(const SimRequest&, SimNet&, VirtualClock&)> look = {};  ///< at each request
};

struct Ran {
  Outcome outcome;
  Error error;  ///< of what came before the run
  std::string skipped;
  bool built = false;
  Counters counters;
  SendFigures figures;
  uint64_t requests = 0;
  uint64_t received_bytes = 0;
  uint64_t late_ns = 0;  ///< how long it went on behind its deadline or signal

  [[nodiscard]] bool done() const {
    return !skipped.empty() || (built && error.ok() && outcome.ending == Ending::kDone);
  }
  [[nodiscard]] const Error& why() const { return error.ok() ? outcome.error : error; }
  [[nodiscard]] std::string words() const {
    return "W" + std::to_string(static_cast<unsigned>(why().code)) + " " + std::string(code_info(why().code).message) +
           ": " + std::string(why().detail.view());
  }
};

uint64_t number_of(const std::string& record) {
  const size_t at = record.find("\"n\":");
  return at == std::string::npos ? ~uint64_t{0} : std::strtoull(record.c_str() + at + 4, nullptr, 10);
}

/// A line of the input, and what is to become of it.
struct Line {
  enum class Kind : uint8_t { kGood, kPoison, kBroken, kTooLarge };
  Kind kind = Kind::kGood;
  uint64_t number = 0;
  std::string source;
  uint64_t byte = 0, record = 0;
  std::string text;
};

struct Input {
  std::string name;
  std::vector<Line> lines;
  std::string text;

  void add(Line::Kind kind, uint64_t number, size_t bytes = 0) {
    Line line{kind, number, "s3://" + name, text.size(), lines.size(), {}};
    line.text = "{\"n\":" + std::to_string(number);
    if (kind != Line::Kind::kBroken) {
      line.text += ",\"customer\":\"c" + std::to_string(number % 7) + "\",\"pad\":\"";
      if (kind == Line::Kind::kPoison) line.text += "poison ";
      const size_t so_far = line.text.size() + 2;
      line.text.append(bytes > so_far ? bytes - so_far : number * 37 % 50, 'x');
      line.text += "\"}";
    }
    lines.push_back(line);
    text += line.text + "\n";
  }
};

struct Rejected {
  std::string code, source, detail;
  uint64_t byte = 0, record = 0;
};

std::string member_of(const std::string& line, const std::string& name) {
  const size_t at = line.find("\"" + name + "\":");
  if (at == std::string::npos) return {};
  size_t from = at + name.size() + 3;
  if (line[from] != '"') return line.substr(from, line.find_first_of(",}", from) - from);
  ++from;
  return line.substr(from, line.find('"', from) - from);
}

std::vector<Rejected> parse_rejects(const std::string& text) {
  std::vector<Rejected> all;
  for (size_t at = 0; at < text.size();) {
    const size_t stop = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, stop - at);
    at = stop + 1;
    all.push_back({member_of(line, "code"), member_of(line, "source"), member_of(line, "detail"),
                   std::strtoull(member_of(line, "byte").c_str(), nullptr, 10),
                   std::strtoull(member_of(line, "record").c_str(), nullptr, 10)});
  }
  return all;
}

class SendJob : public ::testing::TestWithParam<Sink> {
 protected:
  SendJob() { configure(GetParam()); }

  void configure(const Sink& sink) {
    sink_ = sink;
    config_ = Config();
    config_.input.from = {"s3://bucket/in/"};
    config_.input.window = 16u << 10;
    config_.output.to = sink.to;
    config_.output.key = sink.key;
    config_.output.format = sink.format;
    config_.output.unit = 8u << 10;
    config_.output.part = 40'000;
    config_.batch.records = kBatch;
    config_.batch.bytes = 64u << 10;
    config_.batch.bytes_given = true;
    config_.rejects.to = "s3://bucket/rejects.ndjson";
    config_.checkpoint.to = "s3://bucket/state.weir";
    config_.checkpoint.every_ns = 0;
    if (std::string(sink.name) == "http_array") config_.http.headers = {"X-Api-Key: HEADERSECRET"};
    inputs_ = SimS3();
    inputs_.part_min = 1;
    lines_.clear();
    filters_ = false;
  }
  /// A third of the records is not asked for.
  void filter() {
    filters_ = true;
    config_.query = "SELECT * FROM input WHERE n % 3 <> 1 AND 10 / (n % 21) > -100";
  }
  /// The query can't be told for it.
  [[nodiscard]] bool is_unfit(const Line& line) const {
    return filters_ && line.kind != Line::Kind::kBroken && line.number % 21 == 0;
  }
  [[nodiscard]] bool is_filtered(const Line& line) const {
    return filters_ && line.kind != Line::Kind::kBroken && line.number % 3 == 1;
  }

  /// So many lines in two objects; every `broken`th is no JSON, every `poison`th one that no service takes. 0: none.
  void make_inputs(uint64_t count, uint64_t broken = 0, uint64_t poison = 0) {
    lines_.clear();
    Input a{"bucket/in/a.ndjson", {}, {}};
    Input b{"bucket/in/b.ndjson", {}, {}};
    for (uint64_t i = 0; i < count; ++i) {
      Input& input = i < count * 2 / 3 ? a : b;
      const bool is_broken = broken != 0 && i % broken == broken / 2;
      const bool is_poison = poison != 0 && i % poison == poison / 3;
      input.add(is_broken ? Line::Kind::kBroken : is_poison ? Line::Kind::kPoison : Line::Kind::kGood, i);
    }
    put(a);
    put(b);
  }
  void put(const Input& input) {
    inputs_.put(input.name, input.text);
    lines_.insert(lines_.end(), input.lines.begin(), input.lines.end());
  }

  Ran run(World& world, const Life& life = {}) {
    Ran ran;
    VirtualClock clock;
    clock.advance(over_ns_ == 0 ? 0 : over_ns_ + 121 * kSecond);  // a lease of the life before is over
    const uint64_t began_ns = clock.monotonic_ns();
    SimNet net(world, clock, life.seed);
    net.faults = life.faults;
    net.latency = life.latency;
    world.services.now = [&] { return clock.monotonic_ns(); };
    bool dead = false;
    Deadline deadline;
    if (life.deadline_ns != 0) deadline.at_ns = began_ns + life.deadline_ns;
    if (life.signal_ns != 0) net.signal_at_ns = began_ns + life.signal_ns;
    net.on_request = [&](const SimRequest& request) {
      ++ran.requests;
      if (life.look) life.look(request, net, clock);
      if (!dead && ran.requests == life.death) {
        dead = true;
        if (life.done_before) world.answer(request);
      }
      return dead;
    };
    SimNetWakeup wakeup(net);
    SystemDisk disk;
    {
      Job job(clock, wakeup, disk, Host::kProcess, environment_words);
      job.set_net(&net);
      if (const Status prepared = job.prepare(config_, deadline); !prepared) {
        ran.error = prepared.error();
      } else if (!job.fits()) {
        ran.error = job.refusal();
      } else if (const Status built = job.build(); !built) {
        ran.error = built.error();
      } else {
        ran.built = true;
        ran.skipped = job.skipped();
        if (ran.skipped.empty()) ran.outcome = job.run(deadline, nullptr);
        ran.counters = job.counters();
        if (job.send_figures() != nullptr) ran.figures = *job.send_figures();
        unseal();
      }
    }
    EXPECT_EQ(net.open(), 0u);
    over_ns_ = clock.monotonic_ns();
    ran.received_bytes = net.received_bytes;
    const uint64_t end_ns = std::min(deadline.at_ns, net.signal_at_ns);
    ran.late_ns = over_ns_ > end_ns ? over_ns_ - end_ns : 0;
    world.services.now = nullptr;
    log_ += "--- " + ran.words() + " " + ran.skipped + "\n";
    for (const std::string& line : net.log) log_ += line + "\n";
    return ran;
  }

  /// Whole runs with nothing in their way, until it is done.
  Ran heal(World& world, uint64_t seed = 77) {
    world.services.faults = {};
    world.services.overloaded = nullptr;
    Ran ran;
    for (uint64_t i = 0; i < 3 && !ran.done(); ++i) ran = run(world, {.seed = seed + i});
    return ran;
  }

  struct Tally {
    std::map<uint64_t, uint64_t> taken;  ///< how often, by the record's number
    uint64_t repeats = 0;
  };
  static Tally tally(const World& world) {
    Tally tally;
    for (const SimServices::Taken& message : world.services.taken)
      tally.repeats += ++tally.taken[number_of(message.text)] > 1 ? 1 : 0;
    return tally;
  }

  /// The laws at a job's end: every record is taken or rejected, for its own reason and at its own place; what a sink promises holds; no limit was broken.
  void check(World& world, const Ran& last) {
    EXPECT_TRUE(last.done()) << last.words();
    EXPECT_EQ(world.services.limits_broken, 0u) << world.services.broken;
    const Tally got = tally(world);
    std::map<std::pair<std::string, uint64_t>, const Line*> places;
    for (const Line& line : lines_) places[{line.source, line.record}] = &line;
    std::map<uint64_t, std::string> rejected;
    for (const Rejected& reject : parse_rejects(world.rejects())) {
      const auto found = places.find({reject.source, reject.record});
      if (found == places.end()) {
        ADD_FAILURE() << "a reject of no record: " << reject.source << " " << reject.record;
        continue;
      }
      const Line& line = *found->second;
      EXPECT_EQ(reject.byte, line.byte) << line.number;
      EXPECT_TRUE(rejected.emplace(line.number, reject.code).second) << line.number << " twice in the rejects";
    }
    uint64_t written = 0;
    for (const Line& line : lines_) {
      const auto reject = rejected.find(line.number);
      const std::string code = reject == rejected.end() ? "" : reject->second;
      const bool taken = got.taken.contains(line.number);
      const char* expected = line.kind == Line::Kind::kBroken     ? "W2204"
                             : is_unfit(line)                     ? "W2403"
                             : line.kind == Line::Kind::kPoison   ? "W2411"
                             : line.kind == Line::Kind::kTooLarge ? "W2410"
                                                                  : "";
      // What is taken as a whole is refused as a whole.
      if (!sink_.tells_of_each && line.kind == Line::Kind::kGood && !is_unfit(line) && code == "W2411")
        expected = "W2411";
      if (is_filtered(line)) {
        EXPECT_TRUE(code.empty() && !taken) << "record " << line.number;
        continue;
      }
      EXPECT_EQ(code, expected) << "record " << line.number;
      EXPECT_EQ(taken, code.empty()) << "record " << line.number;
      written += code.empty() ? 1 : 0;
    }
    if (last.skipped.empty()) {
      EXPECT_EQ(last.counters.read, lines_.size());
      EXPECT_EQ(last.counters.written, written);
      EXPECT_EQ(last.counters.rejected, rejected.size());
    }
    std::map<uint64_t, uint64_t> delivered;
    std::map<std::string, uint64_t> last_of_key;
    for (const SimServices::Taken& message : world.services.taken) {
      const uint64_t number = number_of(message.text);
      if (sink_.once && message.repeat) continue;
      const bool first = ++delivered[number] == 1;
      if (sink_.once) {
        EXPECT_TRUE(first) << number << " comes twice";
      }
      if (!sink_.in_order || !first) continue;
      const auto [before, is_new] = last_of_key.emplace(message.key, number);
      if (!is_new) {
        EXPECT_LT(before->second, number) << "of " << message.key;
      }
      before->second = number;
    }
    if (sink_.overwrites) {
      std::map<std::string, std::string> expected;
      for (const Line& line : lines_) {
        if (line.kind != Line::Kind::kGood || is_filtered(line) || is_unfit(line)) continue;
        expected[(sink_.key[0] == "n" ? std::to_string(line.number) : "\"c" + std::to_string(line.number % 7) + "\"") +
                 "|"] = line.text;
      }
      EXPECT_TRUE(world.services.table == expected);
    }
  }

  /// Messages that may be on their way, or behind the checkpoint in the store: batches that were sent since the image that is in the store was made, those
  /// since the next one, and those on their way.
  [[nodiscard]] uint64_t repeats_max() const {
    const uint64_t in_flight = sink_.in_order ? 1 : config_.output.in_flight;
    return (2 * in_flight + 1) * kBatch;
  }

  static constexpr uint64_t kBatch = 8;
  Sink sink_;
  Config config_;
  SimS3 inputs_;
  std::vector<Line> lines_;
  bool filters_ = false;
  std::string log_;  ///< requests of all runs
  uint64_t over_ns_ = 0;  ///< when the last run ended
};

std::vector<Sink> sinks_with_ids() {
  std::vector<Sink> sinks;
  std::copy_if(std::begin(kSinks), std::end(kSinks), std::back_inserter(sinks),
               [](const Sink& sink) { return sink.has_ids; });
  return sinks;
}

INSTANTIATE_TEST_SUITE_P(Sinks, SendJob, ::testing::ValuesIn(kSinks),
                         [](const auto& param) { return std::string(param.param.name); });

/// A time for each request, by chance: answers come in any order.
std::function<uint64_t(const SimRequest&)> any_time(uint64_t seed, uint64_t most_ns) {
  auto rng = std::make_shared<SimRng>(seed);
  return [=](const SimRequest& request) {
    return SimServices::carries_messages(request) ? rng->below(most_ns) : uint64_t{kMs};
  };
}

TEST_P(SendJob, Every_record_has_its_fate_and_a_job_that_is_done_is_not_done_twice) {
  make_inputs(300, 23);
  World world(inputs_, sink_);
  const Ran ran = run(world);
  check(world, ran);
  EXPECT_EQ(tally(world).repeats, 0u);
  EXPECT_EQ(ran.figures.retries, 0u);
  const size_t taken = world.services.taken.size();
  const Ran again = run(world, {.seed = 2});
  EXPECT_EQ(again.skipped, "already_done") << again.words();
  EXPECT_EQ(world.services.taken.size(), taken);
}

// --- limits --------------------------------------------------------------------------------------------------------

TEST_P(SendJob, A_record_that_is_too_large_goes_to_the_rejects_and_the_rest_is_sent) {
  const uint64_t most = sink_.message_bytes_max != 0 ? sink_.message_bytes_max : 200u << 10;
  config_.memory = 256u << 20;
  config_.input.record_max = 16u << 20;
  config_.output.in_flight = 1;
  config_.batch.bytes = sink_.message_bytes_max != 0 ? 24u << 20 : most;
  Input input{"bucket/in/a.ndjson", {}, {}};
  uint64_t number = 0;
  for (const uint64_t bytes : {most + 300, uint64_t{100}, most + 5000, most / 2, most - 9000, most + 300, uint64_t{60}})
    input.add(bytes > most ? Line::Kind::kTooLarge : Line::Kind::kGood, number++, bytes);
  put(input);
  World world(inputs_, sink_);
  check(world, run(world));
  size_t too_large = 0;
  for (const Rejected& reject : parse_rejects(world.rejects())) {
    EXPECT_NE(reject.detail.find("bytes"), std::string::npos) << reject.detail;
    ++too_large;
  }
  EXPECT_EQ(too_large, 3u);
}

TEST_P(SendJob, No_request_is_over_a_limit_and_requests_are_filled) {
  const uint64_t most = sink_.request_bytes_max != 0 ? sink_.request_bytes_max : 200u << 10;
  const uint64_t message_most = sink_.message_bytes_max != 0 ? sink_.message_bytes_max : most;
  config_.memory = 512u << 20;
  config_.input.record_max = 16u << 20;
  config_.output.in_flight = 1;
  config_.batch.records = 0;
  config_.batch.bytes = sink_.request_bytes_max != 0 ? 40u << 20 : most;
  config_.output.unit = 64u << 20;  // else its edges cut batches
  Input input{"bucket/in/a.ndjson", {}, {}};
  uint64_t number = 0;
  const auto add = [&](uint64_t bytes) {
    input.add(bytes > message_most ? Line::Kind::kTooLarge : Line::Kind::kGood, number++, bytes);
  };
  // More small ones than a request takes; then many of every share of a request; then some around the limit, of which those in between may go either way.
  for (uint64_t i = 0; i < 1100; ++i) add(70);
  SimRng rng(5);
  const uint64_t shares[] = {2, 3, 9, 10, 11, 25, 40};
  for (const uint64_t share : shares) {
    for (uint64_t i = 0, bytes = 0; i < 2 * share && bytes < 2 * most; ++i) {
      const uint64_t size = std::min(message_most - 600, most / share - 60 + rng.below(120));
      add(size);
      bytes += size;
    }
  }
  const size_t clear = input.lines.size();
  for (uint64_t under = 0; under < 130; under += most > 4u << 20 ? 65 : 13) add(message_most - under);
  put(input);
  World world(inputs_, sink_);
  const Ran ran = run(world);
  ASSERT_TRUE(ran.done()) << ran.words();
  EXPECT_EQ(world.services.limits_broken, 0u) << world.services.broken;
  uint64_t messages_max = 0;
  uint64_t counted_max = 0;
  for (const SimServices::Request& request : world.services.requests) {
    messages_max = std::max(messages_max, request.messages);
    counted_max = std::max(counted_max, request.counted);
  }
  // Of items of one key, as of messages of one group, there is one in a request; so is it with what their customers share here.
  const bool one_of_a_key = sink_.in_order || std::string(sink_.name) == "dynamodb_updates";
  if (sink_.messages_max != 0 && !one_of_a_key) {
    EXPECT_EQ(messages_max, sink_.messages_max);
  }
  if (sink_.messages_max == 0) {
    EXPECT_GE(messages_max, 1000u);
  }
  // 25 items of 400 KB are less than what a request takes.
  const uint64_t filled = std::min(most, sink_.messages_max == 0 ? most : sink_.messages_max * message_most);
  if (!one_of_a_key) {
    EXPECT_GE(counted_max, filled * 95 / 100);
  }
  const Tally got = tally(world);
  std::set<uint64_t> rejected;
  for (const Rejected& reject : parse_rejects(world.rejects())) {
    EXPECT_EQ(reject.code, "W2410") << reject.detail;
    rejected.insert(reject.record);
  }
  for (size_t i = 0; i < input.lines.size(); ++i) {
    EXPECT_NE(got.taken.contains(i), rejected.contains(i)) << "record " << i;
    if (i < clear) {
      EXPECT_FALSE(rejected.contains(i)) << "record " << i << " of " << input.lines[i].text.size() << " bytes";
    }
  }
}

// --- partial failure -----------------------------------------------------------------------------------------------

TEST_P(SendJob, Only_what_failed_is_sent_again) {
  make_inputs(400, 37);
  World world(inputs_, sink_);
  if (sink_.tells_of_each) {
    world.services.faults.throttled_entry = 7;
    world.services.faults.failed_entry = 6;
  } else {
    world.services.faults.throttled_request = 4;
  }
  const Ran ran = run(world);
  check(world, ran);
  EXPECT_EQ(tally(world).repeats, 0u);
  EXPECT_GT(ran.figures.retries, 0u);
  uint64_t again = 0;
  for (const auto& [text, times] : world.services.sent) {
    const auto failed = world.services.failed.find(text);
    EXPECT_EQ(times, 1 + (failed == world.services.failed.end() ? 0 : failed->second)) << text;
    again += times - 1;
  }
  EXPECT_GT(again, 20u);
}

TEST_P(SendJob, Poison_ends_in_the_rejects_after_its_tries_and_the_rest_is_sent) {
  for (const bool whole : {sink_.refuses_whole, true}) {
    for (const uint32_t tries : {1u, 3u, 5u}) {
      make_inputs(300, 41, 29);
      config_.output.tries = tries;
      World world(inputs_, sink_);
      world.services.refuses_requests = whole;
      const Ran ran = run(world);
      check(world, ran);
      EXPECT_EQ(tally(world).repeats, 0u);
      for (const Line& line : lines_) {
        if (line.kind != Line::Kind::kPoison) continue;
        const uint64_t sent = world.services.sent[line.text];
        if (whole && sink_.tells_of_each) {
          // In halves until it is alone.
          EXPECT_GE(sent, tries) << line.number;
          EXPECT_LE(sent, tries + 4) << line.number;
        } else {
          EXPECT_EQ(sent, tries) << line.number;
        }
      }
      uint64_t refused = 0;
      for (const Rejected& reject : parse_rejects(world.rejects())) {
        if (reject.code != "W2411") continue;
        ++refused;
        EXPECT_NE(reject.detail.find("it is a poison"), std::string::npos) << reject.detail;
      }
      // Of what goes as a whole, all that were with it.
      const uint64_t poisons = 11;
      EXPECT_GE(refused, poisons - 1);
      EXPECT_LE(refused, sink_.tells_of_each ? poisons : poisons * kBatch);
    }
  }
}

TEST_P(SendJob, Without_rejects_a_poison_stops_the_run) {
  make_inputs(100, 0, 60);
  config_.rejects.to = "";
  World world(inputs_, sink_);
  const Ran ran = run(world);
  EXPECT_EQ(ran.why().exit(), Exit::kInputCorrupt) << ran.words();
  EXPECT_EQ(ran.why().record, sink_.tells_of_each ? 20u : 20 / kBatch * kBatch);
  EXPECT_NE(ran.words().find("it is a poison"), std::string::npos) << ran.words();
  EXPECT_TRUE(ran.counters.balanced());
  // Whoever mends the service finds all of it delivered; what was on its way comes again.
  world.services.poison = "no such thing";
  const Ran rest = heal(world);
  ASSERT_TRUE(rest.done()) << rest.words();
  const Tally got = tally(world);
  EXPECT_EQ(got.taken.size(), 100u);
  EXPECT_LE(got.repeats, repeats_max());
}

// --- slow and fast -------------------------------------------------------------------------------------------------

TEST_P(SendJob, Throttling_halves_what_is_on_its_way_and_nothing_is_lost) {
  make_inputs(600);
  World world(inputs_, sink_);
  SimNet* net_now = nullptr;
  VirtualClock* clock_now = nullptr;
  std::vector<size_t> busy;  // requests besides, at each that was throttled
  size_t free_busy_max = 0;
  size_t late_busy_max = 0;
  const auto in_trouble = [&] { return clock_now->monotonic_ns() > 400 * kSecond && busy.size() < 24; };
  world.services.overloaded = [&] {
    const size_t others = net_now->unanswered();
    if (!in_trouble()) {
      (busy.empty() ? free_busy_max : late_busy_max) = std::max(busy.empty() ? free_busy_max : late_busy_max, others);
      return false;
    }
    busy.push_back(others);
    return true;
  };
  Life life;
  life.latency = [](const SimRequest& request) {
    return SimServices::carries_messages(request) ? 30 * kSecond : uint64_t{0};
  };
  life.look = [&](const SimRequest&, SimNet& net, VirtualClock& clock) { net_now = &net, clock_now = &clock; };
  const Ran ran = run(world, life);
  check(world, ran);
  EXPECT_EQ(tally(world).repeats, 0u);
  ASSERT_EQ(busy.size(), 24u);
  EXPECT_GT(ran.figures.throttled, 3u);
  if (sink_.in_order || std::string(sink_.name) == "dynamodb_updates") return;  // one at a time anyway
  EXPECT_EQ(free_busy_max, 3u);
  for (size_t i = 12; i < busy.size(); ++i) EXPECT_EQ(busy[i], 0u) << i;
  EXPECT_EQ(late_busy_max, 3u);  // and grows again
}

TEST_P(SendJob, With_no_progress_it_ends_with_40_and_the_next_run_goes_on_before_it) {
  make_inputs(400, 31);
  config_.checkpoint.every_ns = 3600 * kSecond;  // by the stop alone
  World world(inputs_, sink_);
  uint64_t taken_then = 0;
  world.services.overloaded = [&] {
    const bool over = world.services.requests.size() > 20;
    if (!over) taken_then = world.services.requests.size();
    return over;
  };
  const Ran ran = run(world);
  EXPECT_EQ(ran.why().exit(), Exit::kUnavailable) << ran.words();
  EXPECT_TRUE(ran.counters.balanced());
  EXPECT_LT(world.services.requests.size(), 200u);  // it is given up in the end
  EXPECT_TRUE(world.s3.objects.contains("bucket/state.weir"));
  EXPECT_GT(taken_then, 0u);
  // However often it is tried while the service is down: that is no job that can't get on.
  for (int again = 0; again < 5; ++again) EXPECT_EQ(run(world).why().exit(), Exit::kUnavailable);
  const uint64_t before = world.services.taken.size();
  const Ran rest = heal(world);
  check(world, rest);
  EXPECT_GT(before, 2 * kBatch);
  EXPECT_LE(tally(world).repeats, config_.output.in_flight * kBatch);
}

TEST_P(SendJob, A_service_that_never_answers_stops_the_reading) {
  make_inputs(30'000);
  const size_t input_bytes = inputs_.objects.begin()->second.body.size();
  ASSERT_GT(input_bytes, 1'000'000u);
  World world(inputs_, sink_);
  Life life;
  life.latency = [&](const SimRequest& request) {
    return SimServices::carries_messages(request) && world.services.requests.size() > 3 ? kNever : uint64_t{0};
  };
  const Ran ran = run(world, life);
  EXPECT_EQ(ran.why().exit(), Exit::kUnavailable) << ran.words();
  EXPECT_LT(ran.received_bytes, 300'000u);
  EXPECT_GT(ran.counters.times.send_ns, 60 * kSecond);
  EXPECT_EQ(world.services.limits_broken, 0u) << world.services.broken;
}

TEST_P(SendJob, The_rate_is_kept) {
  make_inputs(400);
  config_.output.rate = 40;
  World world(inputs_, sink_);
  if (sink_.tells_of_each) world.services.faults.failed_entry = 10;
  const Ran ran = run(world);
  check(world, ran);
  const auto& requests = world.services.requests;
  for (size_t i = 0; i + 1 < requests.size(); ++i) {
    uint64_t messages = 0;
    for (size_t j = i; j + 1 < requests.size(); ++j) {
      messages += requests[j].messages;
      const uint64_t took_ns = requests[j + 1].at_ns - requests[i].at_ns;
      EXPECT_GE(took_ns + 1000, messages * kSecond / 40) << i << " " << j;
      if (j > i + 20) break;
    }
  }
  // And used.
  const uint64_t took_ns = requests.back().at_ns - requests.front().at_ns;
  if (!sink_.tells_of_each) {
    EXPECT_LE(took_ns, 10 * kSecond + kSecond / 2);
  }
}

// --- deadline, signal, death ---------------------------------------------------------------------------------------

TEST_P(SendJob, A_death_at_any_request_loses_nothing_and_repeats_little) {
  make_inputs(170, 23, 29);
  World whole(inputs_, sink_);
  const Ran undisturbed = run(whole, {.latency = any_time(3, 2 * kSecond)});
  check(whole, undisturbed);
  const uint64_t requests = undisturbed.requests;
  ASSERT_GT(requests, 30u);
  uint64_t most = 0;
  for (uint64_t death = 1; death <= requests; ++death) {
    for (const bool done_before : {false, true}) {
      SCOPED_TRACE("death at " + std::to_string(death) + (done_before ? ", done" : ""));
      World world(inputs_, sink_, death);
      over_ns_ = 0;
      const Ran cut =
          run(world, {.seed = death, .death = death, .done_before = done_before, .latency = any_time(3, 2 * kSecond)});
      // How many requests there are depends a little on when answers come: it may be done before it dies.
      EXPECT_TRUE(!cut.done() || death + 10 > requests) << cut.words();
      const Ran rest = heal(world, death + 1000);
      check(world, rest);
      EXPECT_TRUE(world.rejects() == whole.rejects());
      const uint64_t repeats = tally(world).repeats;
      EXPECT_LE(repeats, repeats_max());
      most = std::max(most, repeats);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(most, 0u);
}

// Their units end at the same places, whenever the answers come.
TEST_P(SendJob, Compressed_rejects_are_the_same_bytes_after_a_death) {
  make_inputs(170, 13, 29);
  filter();
  config_.output.unit = 256;
  config_.rejects.to = "s3://bucket/rejects.ndjson.gz";
  const auto rejects = [](World& world) { return world.s3.objects["bucket/rejects.ndjson.gz"].body; };
  World whole(inputs_, sink_);
  const Ran undisturbed = run(whole);
  ASSERT_TRUE(undisturbed.done()) << undisturbed.words();
  ASSERT_GT(rejects(whole).size(), 300u);
  for (uint64_t death = 4; death <= undisturbed.requests; death += 5) {
    World world(inputs_, sink_, death);
    over_ns_ = 0;
    (void)run(world, {.seed = death, .death = death, .latency = any_time(death, 2 * kSecond)});
    ASSERT_TRUE(heal(world, death).done());
    EXPECT_TRUE(rejects(world) == rejects(whole)) << "death at " << death;
  }
}

TEST_P(SendJob, Short_deadlines_run_after_run_deliver_everything) {
  config_.checkpoint.reserve_min_ns = 1'200 * kMs;
  config_.output.in_flight = 2;  // the second may have to wait for the first
  for (const bool poisoned : {false, true}) {
    make_inputs(300, 31, poisoned ? 43 : 0);
    World whole(inputs_, sink_);
    check(whole, run(whole));
    for (const uint64_t given_ns : {2 * kSecond, 3'300 * kMs, 7 * kSecond}) {
      SCOPED_TRACE("deadline " + std::to_string(given_ns));
      World world(inputs_, sink_);
      Ran ran;
      uint64_t checkpointed = 0;
      for (uint64_t runs = 0; runs < 100; ++runs) {
        ran = run(
            world,
            {.seed = runs, .deadline_ns = poisoned ? 3 * given_ns : given_ns, .latency = [](const SimRequest& request) {
               return SimServices::carries_messages(request) ? 200 * kMs : kMs;
             }});
        EXPECT_EQ(ran.late_ns, 0u);
        if (ran.done()) break;
        EXPECT_TRUE(ran.built && ran.outcome.ending == Ending::kCheckpointed) << ran.words();
        ++checkpointed;
        if (HasFailure()) return;
      }
      check(world, ran);
      EXPECT_TRUE(world.rejects() == whole.rejects());
      // What was on its way had its answer within the reserve, but where a poison was tried again. There is no edge behind the last batch.
      if (!poisoned) {
        EXPECT_LE(tally(world).repeats, kBatch);
      }
      EXPECT_LE(tally(world).repeats, checkpointed * config_.output.in_flight * kBatch);
      if (given_ns == 2 * kSecond && !poisoned) {
        EXPECT_GT(checkpointed, 0u);
      }
    }
  }
}

TEST_P(SendJob, What_was_done_is_saved_at_the_deadline_though_something_has_no_answer) {
  make_inputs(400, 31);
  config_.checkpoint.every_ns = 3600 * kSecond;  // by the stop alone
  World world(inputs_, sink_);
  Ran ran;
  uint64_t runs = 0;
  for (; runs < 60 && !ran.done(); ++runs) {
    uint64_t asked = 0;
    ran = run(world, {.seed = runs, .deadline_ns = 10 * kSecond, .latency = [&](const SimRequest& request) {
                        if (!SimServices::carries_messages(request)) return kMs;
                        return ++asked > 12 ? kNever : 100 * kMs;
                      }});
    EXPECT_EQ(ran.late_ns, 0u);
    EXPECT_TRUE(ran.done() || (ran.built && ran.outcome.ending == Ending::kCheckpointed)) << ran.words();
    if (HasFailure()) return;
  }
  check(world, ran);
  EXPECT_GT(runs, 2u);
  EXPECT_LE(tally(world).repeats, runs * config_.output.in_flight * kBatch);
}

TEST_P(SendJob, What_has_no_answer_at_the_deadline_is_left_to_the_next_run) {
  make_inputs(120, 31);
  for (uint64_t deadline_ns = 3 * kSecond; deadline_ns < 23 * kSecond; deadline_ns += 2'300 * kMs) {
    World world(inputs_, sink_);
    over_ns_ = 0;
    // Answers need longer than the reserve.
    const Ran cut = run(world, {.deadline_ns = deadline_ns, .latency = any_time(deadline_ns, 9 * kSecond)});
    EXPECT_EQ(cut.late_ns, 0u);
    EXPECT_TRUE(cut.done() || (cut.built && cut.outcome.ending == Ending::kCheckpointed)) << cut.words();
    const Ran rest = heal(world);
    check(world, rest);
    EXPECT_LE(tally(world).repeats, repeats_max());
  }
}

TEST_P(SendJob, A_signal_ends_it_within_the_reserve_and_the_next_run_goes_on) {
  make_inputs(200, 31);
  config_.output.in_flight = 2;  // the second may have to wait for the first
  World whole(inputs_, sink_);
  const auto latency = [](const SimRequest& request) {
    return SimServices::carries_messages(request) ? 300 * kMs : 10 * kMs;
  };
  check(whole, run(whole, {.latency = latency}));
  const uint64_t took_ns = over_ns_ - kSecond;
  for (uint64_t at = 5 * kMs; at < took_ns; at += took_ns / 23) {
    SCOPED_TRACE("signal at " + std::to_string(at));
    World world(inputs_, sink_);
    over_ns_ = 0;
    const Ran cut = run(world, {.seed = at, .signal_ns = at, .latency = latency});
    const bool in_order = cut.built ? cut.done() || cut.outcome.ending == Ending::kCheckpointed ||
                                          cut.outcome.ending == Ending::kInterrupted
                                    : cut.why().exit() == Exit::kInterrupted;
    EXPECT_TRUE(in_order) << cut.words();
    EXPECT_LE(cut.late_ns, WaitLimit::kGraceNs + 50 * kMs);
    const Ran rest = heal(world, at);
    check(world, rest);
    EXPECT_TRUE(world.rejects() == whole.rejects());
    // There is no edge behind the last batch.
    for (const auto& [number, times] : tally(world).taken) {
      if (number + kBatch < lines_.size()) {
        EXPECT_EQ(times, 1u) << number;
      }
    }
    if (HasFailure()) return;
  }
}

TEST_P(SendJob, With_inputs_rejects_and_checkpoint_in_files_a_death_loses_nothing) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / ("send_job_" + std::string(sink_.name));
  fs::remove_all(folder);
  fs::create_directories(folder);
  Input input{(folder / "in.ndjson").string(), {}, {}};
  for (uint64_t i = 0; i < 120; ++i) input.add(i % 19 == 3 ? Line::Kind::kBroken : Line::Kind::kGood, i);
  for (Line& line : input.lines) line.source = input.name;
  lines_ = input.lines;
  std::ofstream(input.name) << input.text;
  config_.input.from = {input.name};
  config_.rejects.to = (folder / "rejects.ndjson").string();
  config_.checkpoint.to = (folder / "state.weir").string();
  const auto rejects = [&] {
    std::ifstream in(config_.rejects.to);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const auto clear = [&] {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path() != input.name) fs::remove(entry.path());
    }
  };
  World whole(inputs_, sink_);
  const Ran undisturbed = run(whole);
  ASSERT_TRUE(undisturbed.done()) << undisturbed.words();
  const std::string expected = rejects();
  for (uint64_t death = 1; death <= undisturbed.requests; death += 3) {
    clear();
    World world(inputs_, sink_, death);
    (void)run(world, {.seed = death, .death = death, .done_before = death % 2 == 0});
    const Ran rest = heal(world, death);
    world.s3.put("bucket/rejects.ndjson", rejects());
    check(world, rest);
    EXPECT_TRUE(rejects() == expected);
    EXPECT_LE(tally(world).repeats, repeats_max());
    if (HasFailure()) return;
  }
  fs::remove_all(folder);
}

// --- secrets and ids -----------------------------------------------------------------------------------------------

TEST_P(SendJob, Secrets_are_in_nothing_of_ours) {
  std::string all;
  const auto collect = [&](const World& world, const Ran& ran) {
    all += ran.words();
    for (const auto& [name, object] : world.s3.objects) all += name + object.body;
  };
  for (const uint64_t kind : {0, 1, 2, 3}) {
    make_inputs(60, 17, 13);
    World world(inputs_, sink_);
    world.services.repeats_secrets = true;
    if (kind == 1) config_.rejects.to = "";
    if (kind == 2) world.services.overloaded = [] { return true; };
    Life life;
    if (kind == 3) life.look = [](const SimRequest&, SimNet& net, VirtualClock&) { net.faults.lose_reply = 1; };
    collect(world, run(world, life));
    config_.rejects.to = "s3://bucket/rejects.ndjson";
  }
  for (const char* secret : kSecrets) EXPECT_EQ(all.find(secret), std::string::npos) << secret;
}

/// Sinks whose wire has a place for ids.
class SendIds : public SendJob {};
INSTANTIATE_TEST_SUITE_P(Sinks, SendIds, ::testing::ValuesIn(sinks_with_ids()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(SendIds, Ids_are_the_same_in_every_run_and_others_for_other_inputs_and_queries) {
  ASSERT_TRUE(sink_.has_ids);
  make_inputs(150, 23);
  const auto ids = [&](const World& world) {
    std::map<std::string, std::string> found;
    for (const SimServices::Taken& message : world.services.taken) {
      const std::string& id = message.id.empty() ? message.key : message.id;
      EXPECT_FALSE(id.empty());
      const auto [there, is_new] = found.emplace(message.text, id);
      if (!is_new) {
        EXPECT_EQ(there->second, id) << "sent again under another id";
      }
    }
    return found;
  };
  World whole(inputs_, sink_);
  check(whole, run(whole));
  const auto expected = ids(whole);
  EXPECT_EQ(expected.size(), 143u);
  if (sink_.tells_of_each) {
    std::set<std::string> different;
    for (const auto& [text, id] : expected) different.insert(id);
    EXPECT_EQ(different.size(), expected.size());
  }
  // A restart, a resumption, and a checkpoint that there is none of.
  World again(inputs_, sink_);
  check(again, run(again, {.seed = 9}));
  EXPECT_TRUE(ids(again) == expected);
  World resumed(inputs_, sink_);
  EXPECT_FALSE(run(resumed, {.death = 30}).done());
  check(resumed, heal(resumed));
  EXPECT_TRUE(ids(resumed) == expected);
  World without(inputs_, sink_);
  config_.checkpoint.to = "none";
  check(without, run(without));
  EXPECT_TRUE(ids(without) == expected);
  config_.checkpoint.to = "s3://bucket/state.weir";
  // The same bytes under other ETags, and another query.
  const auto differ = [&](World& world) {
    const auto others = ids(world);
    EXPECT_EQ(others.size(), expected.size());
    for (const auto& [text, id] : others) {
      const auto before = expected.find(text);
      if (before != expected.end()) {
        EXPECT_NE(before->second, id);
      }
    }
  };
  for (const char* name : {"bucket/in/a.ndjson", "bucket/in/b.ndjson"})
    inputs_.put(name, std::string(inputs_.objects[name].body));
  World replaced(inputs_, sink_);
  check(replaced, run(replaced));
  differ(replaced);
  make_inputs(150, 23);
  inputs_ = whole.s3;
  std::erase_if(inputs_.objects, [](const auto& object) { return !object.first.starts_with("bucket/in/"); });
  config_.query = "SELECT * FROM input WHERE n >= 0";
  World queried(inputs_, sink_);
  check(queried, run(queried));
  differ(queried);
}

// --- the campaign --------------------------------------------------------------------------------------------------

class SendCampaign : public SendJob {};
INSTANTIATE_TEST_SUITE_P(Seeds, SendCampaign, ::testing::Values(kSinks[0]), [](const auto&) { return "all"; });

TEST_P(SendCampaign, Whatever_happens_nothing_is_lost) {
  // WEIR_SEEDS=20000 is the campaign; WEIR_SEED=7 is one of it.
  const char* more = std::getenv("WEIR_SEEDS");
  const char* one = std::getenv("WEIR_SEED");
  const uint64_t seeds = more == nullptr ? 260 : std::strtoull(more, nullptr, 10);
  const uint64_t first = one == nullptr ? 1 : std::strtoull(one, nullptr, 10);
  uint64_t failures = 0;
  // And those that found something.
  constexpr uint64_t kFound[] = {395, 9270, 16017};
  const uint64_t count = one == nullptr ? seeds + std::size(kFound) : 1;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t seed = one == nullptr && i < std::size(kFound) ? kFound[i]
                          : one == nullptr                        ? i - std::size(kFound) + 1
                                                                  : first;
    SimRng rng(seed);
    configure(kSinks[rng.below(std::size(kSinks))]);
    config_.batch.records = rng.between(1, 2 * kBatch);
    config_.output.in_flight = static_cast<uint32_t>(rng.between(1, 6));
    config_.output.tries = static_cast<uint32_t>(rng.between(1, 4));
    config_.output.unit = rng.below(2) == 0 ? 1u << 10 : 64u << 10;
    config_.output.rate = rng.below(5) == 0 ? 500 : 0;
    if (rng.below(4) == 0) config_.batch.bytes = rng.between(1200, 4000);
    config_.checkpoint.every_ns = rng.below(3) == 0 ? rng.below(20 * kSecond) : 0;
    make_inputs(rng.between(20, 160), rng.below(3) == 0 ? 0 : rng.between(5, 40),
                rng.below(3) == 0 ? 0 : rng.between(5, 60));
    if (rng.below(3) == 0) filter();
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + sink_.name);
    World whole(inputs_, sink_, seed);
    World world(inputs_, sink_, seed);
    whole.services.refuses_requests = world.services.refuses_requests = rng.below(2) == 0;
    log_.clear();
    over_ns_ = 0;
    check(whole, run(whole, {.seed = seed}));
    const uint64_t requests = log_.empty() ? 0 : static_cast<uint64_t>(std::count(log_.begin(), log_.end(), '\n'));
    log_.clear();
    over_ns_ = 0;
    Ran ran;
    const auto chance = [&](uint32_t one_in) {
      return rng.below(2) == 0 ? 0 : one_in + static_cast<uint32_t>(rng.below(4 * one_in));
    };
    for (uint64_t life = 0; life < 3 && !ran.done(); ++life) {
      auto& service = world.services.faults;
      service.throttled_request = chance(8);
      service.throttled_entry = chance(6);
      service.failed_entry = chance(6);
      // A reply of 200 is all that those wait for.
      service.nothing_said = sink_.tells_of_each ? chance(12) : 0;
      Life how;
      how.seed = rng.next();
      auto& faults = how.faults;
      faults.lose_reply = chance(12);
      faults.cut_reply = chance(12);
      faults.cut_request = chance(12);
      faults.stall = chance(30);
      faults.refuse = chance(15);
      faults.no_answer = chance(40);
      faults.close_idle = chance(10);
      faults.unavailable = chance(15);
      faults.server_error = chance(15);
      faults.retry_after = chance(30);
      if (rng.below(2) == 0) how.latency = any_time(rng.next(), rng.below(2) == 0 ? 50 * kMs : 4 * kSecond);
      switch (rng.below(4)) {
        case 0:
          how.death = rng.between(1, requests + 10);
          how.done_before = rng.below(2) == 0;
          break;
        case 1:
          how.deadline_ns = rng.between(100 * kMs, 40 * kSecond);
          break;
        case 2:
          how.signal_ns = rng.between(kMs, 20 * kSecond);
          break;
        default:
          break;
      }
      ran = run(world, how);
      EXPECT_TRUE(ran.counters.balanced());
      const Exit exit = ran.why().exit();
      EXPECT_TRUE(ran.done() || exit == Exit::kUnavailable || exit == Exit::kCheckpointed ||
                  exit == Exit::kInterrupted || ran.outcome.ending == Ending::kCheckpointed ||
                  ran.outcome.ending == Ending::kInterrupted)
          << ran.words();
    }
    if (!ran.done()) ran = heal(world, seed);
    check(world, ran);
    EXPECT_EQ(world.rejects(), whole.rejects());
    if (HasFailure() && ++failures == 1) std::fprintf(stderr, "first failure: seed %lu\n%s", seed, log_.c_str());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir

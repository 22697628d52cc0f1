#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include "weir/weir.hpp"

namespace {

static_assert(std::ranges::input_range<weir::Records> && std::ranges::view<weir::Records>);
static_assert(std::ranges::input_range<weir::Batches> && std::ranges::view<weir::Batches>);
static_assert(std::ranges::forward_range<weir::Batch>);
static_assert(std::is_same_v<std::ranges::range_reference_t<weir::Batches>, weir::Batch&>);
static_assert(std::is_trivially_copyable_v<weir::Record> && std::is_trivially_copyable_v<weir::Value>);
static_assert(!std::is_copy_constructible_v<weir::Stream> && std::is_nothrow_move_constructible_v<weir::Stream>);

class Face : public ::testing::Test {
 public:
  ~Face() override { std::filesystem::remove_all(folder_); }

 protected:
  Face() {
    char name[] = "/tmp/weir_face_XXXXXX";
    folder_ = mkdtemp(name);
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string file(const std::string& name, const std::string& text) const {
    std::FILE* out = std::fopen(path(name).c_str(), "wb");
    std::fwrite(text.data(), 1, text.size(), out);
    std::fclose(out);
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::FILE* in = std::fopen(path(name).c_str(), "rb");
    if (in == nullptr) return "<missing>";
    std::string text(1 << 20, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), in));
    std::fclose(in);
    return text;
  }
  static std::string numbers(int count) {
    std::string text = "id,name,amount\n";
    for (int i = 0; i < count; ++i)
      text += std::to_string(i) + ",name " + std::to_string(i) + "," + std::to_string(i % 100) + ".50\n";
    return text;
  }
  static void expect_law(const weir::Counts& counts) {
    EXPECT_EQ(counts.read, counts.delivered + counts.folded + counts.filtered + counts.rejected);
  }

  std::string folder_;
};

template <typename F>
weir::Error error_of(F&& call) {
  try {
    call();
  } catch (const weir::Error& error) {
    return error;
  }
  throw std::logic_error("no error was thrown");
}

size_t drain(weir::Records records) {
  size_t count = 0;
  for ([[maybe_unused]] auto record : records) ++count;
  return count;
}

TEST_F(Face, records_have_names_values_and_positions) {
  const std::string input = file("a.csv", "id,name,amount\n1,\"x \"\"y\"\", z\",2.50\n2,,-7\n");
  auto stream = weir::open(input);
  auto records = stream.records();
  EXPECT_EQ(stream.names(), (std::vector<std::string>{"id", "name", "amount"}));
  auto it = records.begin();
  const weir::Record first = *it;
  EXPECT_EQ(first.size(), 3u);
  EXPECT_EQ(first["id"].as_int(), 1);
  EXPECT_EQ(first["name"].text(), "x \"y\", z");
  EXPECT_EQ(first["amount"].as_double(), 2.5);
  EXPECT_EQ(first["amount"].as_decimal(), "2.50");
  EXPECT_EQ(first.text(2), "2.50");
  EXPECT_TRUE(first["amount"] == "2.50");
  EXPECT_EQ(first["amount"].kind(), weir::Kind::kText);
  EXPECT_EQ(first.position().source, input);
  EXPECT_EQ(first.position().byte, 15u);
  EXPECT_EQ(first.position().record, 0u);
  EXPECT_FALSE(first.contains("nope"));
  EXPECT_EQ(error_of([&] { (void)first["nope"]; }).code(), "W2011");
  EXPECT_EQ(error_of([&] { (void)first[3]; }).code(), "W2011");
  std::vector<std::string> names;
  for (const std::string_view name : first.names()) names.emplace_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"id", "name", "amount"}));
  ++it;
  const weir::Record second = *it;
  EXPECT_FALSE(second.is_null(1));
  EXPECT_EQ(second["name"].text(), "");
  EXPECT_EQ(error_of([&] { (void)second["name"].as_int(); }).code(), "W2401");
  EXPECT_FALSE(second["name"].try_int());
  EXPECT_EQ(second.position().record, 1u);
  ++it;
  EXPECT_TRUE(it == std::default_sentinel);
  EXPECT_EQ(stream.counts().delivered, 2u);
  expect_law(stream.counts());
}

TEST_F(Face, numbers_are_read_exactly_or_not_at_all) {
  const auto value = [](std::string_view text) { return weir::Value(weir::Kind::kText, text); };
  EXPECT_EQ(value("9223372036854775807").as_int(), INT64_MAX);
  EXPECT_EQ(value("12.00").as_int(), 12);
  EXPECT_EQ(value("1e3").as_int(), 1000);
  EXPECT_EQ(error_of([&] { (void)value("12.5").as_int(); }).code(), "W2401");
  EXPECT_EQ(error_of([&] { (void)value("9223372036854775808").as_int(); }).code(), "W2402");
  EXPECT_EQ(error_of([&] { (void)value("").as_double(); }).code(), "W2401");
  EXPECT_EQ(error_of([&] { (void)value("nan").as_double(); }).code(), "W2401");
  EXPECT_EQ(error_of([&] { (void)value("1e999").as_double(); }).code(), "W2402");
  EXPECT_EQ(error_of([&] { (void)weir::Value().as_double(); }).code(), "W2401");
  EXPECT_EQ(value(" +1.5 ").as_double(), 1.5);
  EXPECT_EQ(value("99999999999999999999.99").as_decimal(), "99999999999999999999.99");
  EXPECT_TRUE(value("true").as_bool());
  EXPECT_EQ(error_of([&] { (void)value("yes").as_bool(); }).code(), "W2401");
  EXPECT_FALSE(weir::Value() == "");
}

TEST_F(Face, batches_have_exactly_the_size_asked_for) {
  const std::string input = file("a.csv", numbers(2345));
  auto stream = weir::open(input);
  std::vector<size_t> sizes;
  uint64_t next = 0;
  for (auto& batch : stream.batches({.records = 500})) {
    EXPECT_EQ(batch.number(), sizes.size());
    EXPECT_EQ(batch.first().record, next);
    size_t count = 0;
    for (const auto record : batch) {
      EXPECT_EQ(record["id"].as_int(), static_cast<int64_t>(next++));
      ++count;
    }
    EXPECT_EQ(count, batch.size());
    sizes.push_back(batch.size());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{500, 500, 500, 500, 345}));
  EXPECT_EQ(stream.counts().batches, 5u);
  EXPECT_EQ(stream.counts().emitted, 2345u);
}

TEST_F(Face, batches_are_cut_by_bytes_too) {
  const std::string input = file("a.csv", numbers(2000));
  size_t records = 0, batches = 0;
  for (auto& batch : weir::open(input).batches({.records = 0, .bytes = 4096})) {
    EXPECT_LE(batch.bytes(), 4096u);
    records += batch.size();
    ++batches;
  }
  EXPECT_EQ(records, 2000u);
  EXPECT_GT(batches, 40u);
}

TEST_F(Face, every_batch_lives_in_the_same_memory) {
  const std::string input = file("a.csv", numbers(3000));
  const char* first = nullptr;
  for (auto& batch : weir::open(input).batches({.records = 100})) {
    const char* const at = (*batch.begin())["id"].text().data();
    if (first == nullptr) first = at;
    EXPECT_EQ(at, first);
  }
}

TEST_F(Face, a_range_keeps_its_stream_alive) {
  const std::string input = file("a.csv", numbers(10));
  auto batches = [&] { return weir::open(input).batches({.records = 3}); }();
  size_t records = 0;
  for (auto& batch : batches) records += batch.size();
  EXPECT_EQ(records, 10u);
}

TEST_F(Face, only_what_is_asked_for_is_read) {
  const std::string input = file("big.csv", numbers(400'000));
  auto stream = weir::open(input);
  auto records = stream.records();
  EXPECT_EQ(stream.counts().stored_bytes, 0u) << "nothing is read before a record is asked for";
  int seen = 0;
  for ([[maybe_unused]] auto record : records | std::views::take(10)) ++seen;
  EXPECT_EQ(seen, 10);
  EXPECT_EQ(stream.counts().read, 10u);
  EXPECT_EQ(stream.counts().delivered, 10u);
  EXPECT_LE(stream.counts().stored_bytes, 512u << 10) << "of " << std::filesystem::file_size(input);
  // What is left can still be read.
  EXPECT_EQ((*records.begin())["id"].as_int(), 10);
}

TEST_F(Face, a_million_records_take_no_memory_more_than_a_thousand) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += std::to_string(i) + ",text of record " + std::to_string(i * 7) + "\n";
  const std::string input = file("million.csv", text);
  std::string().swap(text);
  malloc_trim(0);
  const auto resident = [] {
    long pages = 0, total = 0;
    std::FILE* in = std::fopen("/proc/self/statm", "r");
    EXPECT_EQ(std::fscanf(in, "%ld %ld", &total, &pages), 2);
    std::fclose(in);
    return pages * sysconf(_SC_PAGESIZE);
  };
  weir::Options options{.memory = 3 << 20, .set = {"input.header=false"}};
  auto stream = weir::open(input, options);
  uint64_t records = 0, batches = 0;
  long early = 0;
  size_t heap = 0;
  for (auto& batch : stream.batches({.records = 500, .bytes = 64 << 10})) {
    for (const auto record : batch) records += !record[1].text().empty();
    if (++batches == 100) early = resident(), heap = mallinfo2().uordblks;
  }
  EXPECT_EQ(records, 1'000'000u);
  EXPECT_LE(resident() - early, 256 << 10);
#ifndef WEIR_SANITIZED
  EXPECT_LE(mallinfo2().uordblks, heap + 4096);
#endif
  EXPECT_LE(stream.memory(), 3u << 20);
}

TEST_F(Face, the_query_filters_computes_and_limits) {
  const std::string input = file("a.csv", numbers(1000));
  auto stream = weir::open(
      input,
      {.query = "SELECT id, CAST(id AS INT) * 2 AS twice, amount FROM input WHERE CAST(id AS INT) >= 990 LIMIT 5"});
  int64_t id = 990;
  for (auto record : stream.records()) {
    EXPECT_EQ(record["twice"].kind(), weir::Kind::kInteger);
    EXPECT_EQ(record["twice"].as_int(), 2 * id++);
  }
  EXPECT_EQ(id, 995);
  EXPECT_EQ(stream.counts().filtered, 990u);
  EXPECT_EQ(stream.counts().read, 995u);
  expect_law(stream.counts());

  auto sum =
      weir::open(input, {.query = "SELECT COUNT(*) AS n, SUM(CAST(id AS INT)) AS s FROM input WHERE amount = '1.50'"});
  size_t rows = 0;
  for (auto record : sum.records()) {
    EXPECT_EQ(record["n"].as_int(), 10);
    EXPECT_EQ(record["s"].as_int(), 10 + 450 * 10);
    ++rows;
  }
  EXPECT_EQ(rows, 1u);
  EXPECT_EQ(sum.counts().folded, 10u);
  expect_law(sum.counts());
}

TEST_F(Face, json_brings_its_own_names_and_kinds) {
  const std::string input = file("a.ndjson",
                                 "{\"id\": 1, \"name\": \"a\\n\\u00e9\", \"in\": {\"x\": [1, {\"}\": \"]\\\"\"}], "
                                 "\"y\": null}, \"ok\": true, \"d\": 1.10}\n"
                                 "{\"n\\\"m\":null,\"big\":1e400,\"id\":2,\"id\":3}\n{}\n");
  auto stream = weir::open(input);
  auto records = stream.records();
  auto it = records.begin();
  {
    const weir::Record record = *it;
    EXPECT_EQ(record.size(), 5u);
    EXPECT_EQ(record["id"].kind(), weir::Kind::kInteger);
    EXPECT_EQ(record["name"].text(), "a\n\u00e9");
    EXPECT_EQ(record["in"].kind(), weir::Kind::kJson);
    EXPECT_EQ(record["in"].text(), "{\"x\": [1, {\"}\": \"]\\\"\"}], \"y\": null}");
    EXPECT_TRUE(record["ok"].as_bool());
    EXPECT_EQ(record["d"].kind(), weir::Kind::kDecimal);
    EXPECT_EQ(record["d"].text(), "1.10");
    EXPECT_TRUE(record["nothing"].is_null());
    std::string json;
    record.append_json(json);
    EXPECT_EQ(
        json,
        "{\"id\":1,\"name\":\"a\\n\u00e9\",\"in\":{\"x\":[1,{\"}\":\"]\\\"\"}],\"y\":null},\"ok\":true,\"d\":1.10}");
  }
  ++it;
  {
    const weir::Record record = *it;
    EXPECT_EQ(record.name(0), "n\"m");
    EXPECT_TRUE(record.is_null(0));
    EXPECT_EQ(record["big"].kind(), weir::Kind::kReal);
    EXPECT_EQ(record["id"].as_int(), 3) << "of duplicates the last";
  }
  ++it;
  EXPECT_EQ((*it).size(), 0u);
  EXPECT_TRUE(stream.names().empty());
}

TEST_F(Face, a_query_reaches_into_nested_json) {
  const std::string input = file("a.json", "[{\"a\":{\"b\":[10,20]},\"c\":\"x\"},{\"a\":7,\"c\":\"y\"}]");
  auto stream = weir::open(input, {.query = "SELECT a.b[1] AS second, c, * FROM input"});
  auto records = stream.records();
  auto it = records.begin();
  EXPECT_EQ((*it)["second"].as_int(), 20);
  EXPECT_EQ((*it)["a"].text(), "{\"b\":[10,20]}");
  ++it;
  EXPECT_TRUE((*it)["second"].is_null());
  EXPECT_EQ((*it)["c"].text(), "y");
}

TEST_F(Face, compressed_inputs_and_patterns_are_read_like_plain_ones) {
  file("part1.csv", "a\n1\n2\n");
  file("part2.csv", "a\n3\n");
  ASSERT_EQ(std::system(("cd " + folder_ + " && gzip part1.csv part2.csv").c_str()), 0);
  std::string all;
  auto stream = weir::open(path("part*.csv.gz"));
  for (auto record : stream.records())
    all += record["a"].str() + "@" + std::string(record.position().source.substr(folder_.size() + 1)) + " ";
  EXPECT_EQ(all, "1@part1.csv.gz 2@part1.csv.gz 3@part2.csv.gz ");
  EXPECT_GT(stream.counts().decoded_bytes, 0u);
}

TEST_F(Face, damage_comes_behind_the_good_records) {
  file("cut.csv", numbers(50'000));
  ASSERT_EQ(std::system(("cd " + folder_ + " && gzip cut.csv && head -c 100000 cut.csv.gz > damaged.csv.gz").c_str()),
            0);
  auto stream = weir::open(path("damaged.csv.gz"));
  auto batches = stream.batches({.records = 1000});
  uint64_t handed_out = 0;
  const weir::Error error = error_of([&] {
    for (auto& batch : batches) handed_out += batch.size();
  });
  EXPECT_EQ(error.code(), "W3001");
  EXPECT_EQ(error.exit(), 30);
  EXPECT_EQ(error.source(), path("damaged.csv.gz"));
  EXPECT_GT(handed_out, 1000u);
  EXPECT_EQ(handed_out, stream.counts().delivered);
  EXPECT_NE(handed_out % 1000, 0u) << "a batch that was begun is handed out";
  expect_law(stream.counts());
  EXPECT_TRUE(batches.begin() == std::default_sentinel) << "closed";
}

TEST_F(Face, blocks_and_lines_are_records_of_one_field) {
  const std::string input = file("x.bin", std::string(1000, '\0') + "end");
  std::vector<size_t> sizes;
  for (auto record : weir::open(input, {.format = "blocks", .set = {"input.block=512"}}).records())
    sizes.push_back(record["data"].text().size());
  EXPECT_EQ(sizes, (std::vector<size_t>{512, 491}));
  std::string lines;
  for (auto record : weir::open(file("x.log", "one\ntwo\n")).records()) lines += record.text(0) == "one" ? "1" : "2";
  EXPECT_EQ(lines, "12");
  std::string json;
  for (auto record : weir::open(file("y.bin", "\xff\x00\x01"), {.format = "blocks"}).records())
    record.append_json(json);
  EXPECT_EQ(json.substr(0, 13), "{\"data\":\"/w==");
}

TEST_F(Face, mistakes_are_errors_before_anything_is_read) {
  const std::string input = file("a.csv", numbers(3));
  const auto open_error = [&](const weir::Options& options) {
    return error_of([&] { (void)weir::open(input, options); });
  };
  EXPECT_EQ(error_of([&] { (void)weir::open(path("missing.csv")); }).exit(), 20);
  EXPECT_EQ(open_error({.query = "SELECT FROM"}).code(), "W2010");
  EXPECT_EQ(open_error({.query = "SELECT FROM"}).line(), 1u);
  EXPECT_EQ(open_error({.format = "excel"}).exit(), 20);
  EXPECT_EQ(open_error({.set = {"input.nonsense=1"}}).code(), "W2001");
  const weir::Error small = open_error({.memory = 100'000});
  EXPECT_EQ(small.exit(), 21);
  EXPECT_EQ(small.code(), "W2101");
  EXPECT_NE(std::string(small.what()).find("the budget is"), std::string::npos) << small.what();
  // The arena counts too.
  auto stream = weir::open(input, {.memory = 4 << 20});
  EXPECT_EQ(error_of([&] { (void)stream.batches({.bytes = 4 << 20}); }).exit(), 21);
  size_t records = 0;
  for (auto& batch : stream.batches({.bytes = 64 << 10})) records += batch.size();
  EXPECT_EQ(records, 3u);
  // A column that is not there: a file's header is looked at.
  const weir::Error unknown = open_error({.query = "SELECT nmae FROM input"});
  EXPECT_EQ(unknown.code(), "W2011");
  EXPECT_EQ(unknown.line(), 1u);
  EXPECT_NE(std::string(unknown.what()).find("did you mean `name`?"), std::string::npos) << unknown.what();
}

TEST_F(Face, a_record_larger_than_the_arena_is_an_error_with_its_place) {
  const std::string input = file("a.csv", "a\nshort\n" + std::string(5000, 'x') + "\nshort\n");
  auto stream = weir::open(input);
  auto batches = stream.batches({.records = 10, .bytes = 2048});
  size_t records = 0;
  const weir::Error error = error_of([&] {
    for (auto& batch : batches) records += batch.size();
  });
  EXPECT_EQ(records, 1u);
  EXPECT_EQ(error.code(), "W2404");
  EXPECT_EQ(error.byte(), 8u);
  EXPECT_EQ(error.record(), 1u);
  expect_law(stream.counts());
}

TEST_F(Face, bad_records_go_to_the_rejects_or_stop_the_stream) {
  const std::string input = file("a.csv", "a,b\n1,2\n3\n4,5\n6,x\n");
  const std::string query = "SELECT a, CAST(b AS INT) AS b FROM input";
  auto strict = weir::open(input, {.query = query});
  const weir::Error error = error_of([&] { drain(strict.records()); });
  EXPECT_EQ(error.code(), "W3012");
  EXPECT_EQ(error.byte(), 8u);
  EXPECT_EQ(error.record(), 1u);
  EXPECT_EQ(error.source(), input);

  auto stream = weir::open(input, {.query = query, .rejects = path("rejects.ndjson")});
  EXPECT_EQ(drain(stream.records()), 2u);
  EXPECT_EQ(stream.counts().rejected, 2u);
  expect_law(stream.counts());
  EXPECT_NE(read("rejects.ndjson").find("\"code\":\"W2202\""), std::string::npos);
  EXPECT_NE(read("rejects.ndjson").find("\"code\":\"W2401\""), std::string::npos);

  auto limited = weir::open(input, {.query = query, .rejects = path("r2.ndjson"), .set = {"rejects.max=1"}});
  EXPECT_EQ(error_of([&] { drain(limited.records()); }).exit(), 32);
  EXPECT_EQ(read("r2.ndjson"), "<missing>") << "not shown as complete";
}

TEST_F(Face, leaving_early_leaves_the_rest_unread_and_close_publishes_the_rejects) {
  const std::string input = file("a.csv", "a,b\n1\n2,2\n3,3\n4\n");
  auto stream = weir::open(input, {.rejects = path("r.ndjson")});
  for (auto record : stream.records()) {
    EXPECT_EQ(record["a"].text(), "2");
    break;
  }
  stream.close();
  stream.close();
  EXPECT_EQ(stream.counts().read, 2u);
  const std::string rejects = read("r.ndjson");
  EXPECT_EQ(std::count(rejects.begin(), rejects.end(), '\n'), 1);
  EXPECT_EQ(error_of([&] { stream.filter([](const weir::Record&) { return true; }); }).code(), "W2005");
}

TEST_F(Face, filters_and_transforms_run_once_a_record_in_order) {
  const std::string input = file("a.csv", numbers(1000));
  int filtered = 0, transformed = 0;
  auto stream =
      weir::open(input)
          .filter([&](const weir::Record& record) { return ++filtered, record["id"].as_int() % 2 == 0; })
          .transform([&](const weir::Record& record, weir::Emitter& out) {
            ++transformed;
            const int64_t id = record["id"].as_int();
            if (id % 10 == 0) return;  // nothing: filtered
            out.emit(record);
            out.emit(record, {{"id", id + 1}, {"more", true}});
            out.emit({{"id", id}, {"half", 0.5}, {"none", nullptr}, {"name", record["name"]}, {"text", "t"}});
          })
          .filter([](const weir::Record& record) { return !record.contains("half") || record["id"].as_int() == 2; });
  std::vector<std::string> first;
  size_t records = 0;
  for (auto& batch : stream.batches({.records = 7, .bytes = 2048})) {
    EXPECT_LE(batch.size(), 7u);
    for (const auto record : batch) {
      if (++records <= 4) record.append_json(first.emplace_back());
    }
  }
  EXPECT_EQ(first, (std::vector<std::string>{
                       "{\"id\":\"2\",\"name\":\"name 2\",\"amount\":\"2.50\"}",
                       "{\"id\":3,\"name\":\"name 2\",\"amount\":\"2.50\",\"more\":true}",
                       "{\"id\":2,\"half\":0.5,\"none\":null,\"name\":\"name 2\",\"text\":\"t\"}",
                       "{\"id\":\"4\",\"name\":\"name 4\",\"amount\":\"4.50\"}",
                   }));
  EXPECT_EQ(filtered, 1000);
  EXPECT_EQ(transformed, 500);
  EXPECT_EQ(records, 400u * 2 + 1);
  EXPECT_EQ(stream.counts().delivered, 400u);
  EXPECT_EQ(stream.counts().filtered, 600u);
  EXPECT_EQ(stream.counts().emitted, records);
  expect_law(stream.counts());
}

TEST_F(Face, what_one_record_becomes_may_fill_several_batches) {
  const std::string input = file("a.csv", "n\n20\n3\n");
  auto stream = weir::open(input).transform([](const weir::Record& record, weir::Emitter& out) {
    for (int64_t i = 0; i < record["n"].as_int(); ++i) out.emit({{"i", i}});
  });
  std::vector<size_t> sizes;
  for (auto& batch : stream.batches({.records = 8, .bytes = 4096})) sizes.push_back(batch.size());
  EXPECT_EQ(sizes, (std::vector<size_t>{8, 8, 7}));
  auto too_many = weir::open(input).transform([](const weir::Record&, weir::Emitter& out) {
    for (;;) out.emit({{"i", 1}});
  });
  EXPECT_EQ(error_of([&] { drain(too_many.records(4096)); }).code(), "W2404");
}

TEST_F(Face, what_a_user_function_throws_passes_through_and_closes_the_stream) {
  struct Mine {
    int number;
  };
  const std::string input = file("a.csv", numbers(100));
  auto stream = weir::open(input).filter([](const weir::Record& record) {
    if (record["id"].as_int() == 42) throw Mine{42};
    return true;
  });
  auto batches = stream.batches({.records = 30});
  size_t records = 0;
  try {
    for (auto& batch : batches) records += batch.size();
    FAIL() << "nothing was thrown";
  } catch (const Mine& mine) {
    EXPECT_EQ(mine.number, 42);
  }
  EXPECT_EQ(records, 42u) << "what came before is handed out first";
  EXPECT_EQ(stream.counts().read, 42u);
  expect_law(stream.counts());
  EXPECT_TRUE(batches.begin() == std::default_sentinel);
}

TEST_F(Face, a_transform_may_reject) {
  const std::string input = file("a.csv", numbers(5));
  auto stream =
      weir::open(input, {.rejects = path("r.ndjson")}).transform([](const weir::Record& record, weir::Emitter& out) {
        out.emit(record);
        if (record["id"] == "3") out.reject();
      });
  EXPECT_EQ(drain(stream.records()), 4u);
  EXPECT_EQ(stream.counts().rejected, 1u);
  expect_law(stream.counts());
  EXPECT_NE(read("r.ndjson").find("\"code\":\"W2408\""), std::string::npos);
}

TEST_F(Face, records_go_through_std_views) {
  const std::string input = file("a.csv", numbers(1000));
  auto cheap = weir::open(input).records() |
               std::views::filter([](const weir::Record& r) { return r["amount"].as_double() < 2; }) |
               std::views::transform([](const weir::Record& r) { return r["id"].as_int(); });
  std::vector<int64_t> ids;
  for (const int64_t id : cheap | std::views::take(4)) ids.push_back(id);
  EXPECT_EQ(ids, (std::vector<int64_t>{0, 1, 100, 101}));
}

TEST_F(Face, a_deadline_ends_the_stream) {
  const std::string input = file("a.csv", numbers(200'000));
  auto stream = weir::open(input, {.deadline = std::chrono::nanoseconds(1)});
  const weir::Error error = error_of([&] { drain(stream.records()); });
  EXPECT_EQ(error.exit(), 11);
  EXPECT_EQ(error.code(), "W1101");
}

TEST_F(Face, an_empty_input_is_an_empty_range) {
  auto stream = weir::open(file("a.csv", "a,b\n"));
  auto records = stream.records();
  EXPECT_EQ(stream.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(drain(records), 0u);
  size_t batches = 0;
  for ([[maybe_unused]] auto& batch : weir::open(file("b.ndjson", "")).batches()) ++batches;
  EXPECT_EQ(batches, 0u);
}

TEST_F(Face, streams_do_not_disturb_each_other_nor_the_host) {
  struct sigaction before{}, after{};
  sigaction(SIGPIPE, nullptr, &before);
  const std::string input = file("a.csv", numbers(5000));
  auto one = weir::open(input);
  auto two = weir::open(input, {.query = "SELECT id FROM input"});
  auto a = one.records();
  auto b = two.records();
  auto at_a = a.begin();
  auto at_b = b.begin();
  for (int i = 0; i < 5000; ++i, ++at_a, ++at_b) ASSERT_TRUE((*at_a)["id"] == (*at_b)["id"].text());
  sigaction(SIGPIPE, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  std::vector<char> host_memory(1 << 20);  // a host may go on taking memory
  EXPECT_EQ(host_memory[17], 0);
}

TEST_F(Face, run_runs_a_pipeline_file) {
  const std::string input = file("a.csv", numbers(1000));
  const std::string pipeline =
      "memory: 8MiB\ninput:\n  from: " + input +
      "\nquery: SELECT id FROM input WHERE amount = '7.50'\noutput:\n  to: " + path("out.ndjson") + "\n";
  const weir::Summary summary = weir::run(pipeline);
  EXPECT_EQ(summary.status, "done");
  EXPECT_EQ(summary.counts.delivered, 10u);
  EXPECT_EQ(summary.counts.filtered, 990u);
  EXPECT_EQ(read("out.ndjson").substr(0, 11), "{\"id\":\"7\"}\n");
  EXPECT_EQ(error_of([&] { weir::run(pipeline); }).exit(), 41) << "the output is there";
  const std::string saved = file("p.yaml", pipeline);
  EXPECT_EQ(weir::run(saved, {"output.if_exists=replace", "query=SELECT id FROM input LIMIT 3"}).status,
            "limit_reached");
  EXPECT_EQ(weir::run(saved, {"output.if_exists=skip"}).status, "already_there");
  const weir::Error bad = error_of([&] { weir::run("memory: 8MiB\ninptu:\n  from: x\nbatch:\n  records: many\n"); });
  EXPECT_EQ(bad.exit(), 20);
  EXPECT_EQ(bad.line(), 2u);
  EXPECT_NE(std::string(bad.what()).find("batch.records"), std::string::npos) << bad.what();
  EXPECT_EQ(error_of([&] { weir::run(path("missing.yaml")); }).code(), "W4003");
}

TEST_F(Face, text_that_is_not_utf8_is_no_json) {
  auto stream = weir::open(file("a.csv", "a\nna\xefve\n"));
  for (auto record : stream.records()) {
    std::string out = "before";
    EXPECT_EQ(record["a"].text(), "na\xefve");
    EXPECT_EQ(error_of([&] { record.append_json(out); }).code(), "W2206");
    EXPECT_EQ(out, "before");
  }
}

TEST_F(Face, the_plan_says_where_the_memory_goes) {
  auto stream = weir::open(file("a.csv", numbers(5)));
  (void)stream.batches({.bytes = 1 << 20});
  EXPECT_NE(stream.plan().find("batch: 1."), std::string::npos) << stream.plan();
  EXPECT_GT(stream.memory(), 1u << 20);
}

}  // namespace

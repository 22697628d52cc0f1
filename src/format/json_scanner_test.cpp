#include "format/json_scanner.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include "format/json_kernel.hpp"
#include "format/json_test_corpus.hpp"

namespace weir {
namespace {

/// A scanner with its memory, and text with the padding that scanning may read.
class Scan {
 public:
  explicit Scan(const Projection& projection, uint32_t depth_max = 64, bool touched = false)
      : paths_(projection.paths.size()) {
    const size_t bytes = JsonScanner::memory_max(projection);
    memory_.reset(static_cast<char*>(std::aligned_alloc(kAlignment, Arena::aligned(bytes))));
    Arena arena({memory_.get(), bytes});
    scanner_.attach(projection, depth_max, arena, touched);
  }
  JsonFault operator()(std::string_view text) {
    text_.assign(text);
    text_.append(64, '7');  // what stands behind a record must not matter: digits would go on a number
    slices_.assign(paths_ + 1, Slice{1, 1});
    return scanner_.scan({text_.data(), text.size()}, 0, slices_.data(), 1);
  }
  size_t prefix(std::string_view text) {
    text_.assign(text);
    text_.append(64, '7');
    slices_.assign(paths_ + 1, Slice{1, 1});
    return scanner_.scan_prefix({text_.data(), text.size()}, 0, slices_.data(), 1);
  }
  std::string value(size_t path) const {
    const Slice s = slices_[path];
    return s.missing() ? "-" : text_.substr(s.offset, s.size);
  }
  std::string values() const {
    std::string out;
    for (size_t p = 0; p < paths_; ++p) out += (p != 0 ? " | " : "") + value(p);
    return out;
  }
  size_t looked_at() const { return scanner_.looked_at(); }
  void use(SimdLevel kernel) { scanner_.use(json_indexer(kernel)); }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  size_t paths_;
  std::unique_ptr<char, Free> memory_;
  JsonScanner scanner_;
  std::string text_;
  std::vector<Slice> slices_;
};

struct FaultCase {
  std::string text;
  Code code;
  size_t offset;
};

TEST(JsonScanner, says_what_is_wrong_and_where) {
  using namespace std::string_literals;
  const FaultCase cases[] = {
      {"{}", Code::kOk, 0},
      {" {\"a\" : [ 1 , -0.5e+3 , true , false , null , \"x\" ] } \r", Code::kOk, 0},
      {"{\"a\":\"\\u0041\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud800\"}", Code::kOk, 0},
      {"{\"\":{},\"b\":[]}", Code::kOk, 0},
      {"{\"a\":\"\x7f\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}", Code::kOk, 0},
      {"", Code::kBadJson, 0},
      {"   ", Code::kBadJson, 3},
      {"{", Code::kBadJson, 1},
      {"{\"a\"", Code::kBadJson, 4},
      {"{\"a\":1", Code::kBadJson, 6},
      {"{\"a\":1}}", Code::kBadJson, 7},
      {"{\"a\":1} x", Code::kBadJson, 8},
      {"{\"a\":1,}", Code::kBadJson, 7},
      {"{,\"a\":1}", Code::kBadJson, 1},
      {"{\"a\" 1}", Code::kBadJson, 5},
      {"{\"a\":1 \"b\":2}", Code::kBadJson, 7},
      {"{a:1}", Code::kBadJson, 1},
      {"{1:1}", Code::kBadJson, 1},
      {"{\"a\":1]", Code::kBadJson, 6},
      {"{\"a\":[1}", Code::kBadJson, 7},
      {"{\"a\":[1,]}", Code::kBadJson, 8},
      {"{\"a\":[,1]}", Code::kBadJson, 6},
      {"{\"a\":01}", Code::kBadJson, 6},
      {"{\"a\":-}", Code::kBadJson, 6},
      {"{\"a\":1.}", Code::kBadJson, 7},
      {"{\"a\":.5}", Code::kBadJson, 5},
      {"{\"a\":1e}", Code::kBadJson, 7},
      {"{\"a\":1e+}", Code::kBadJson, 8},
      {"{\"a\":+1}", Code::kBadJson, 5},
      {"{\"a\":1a}", Code::kBadJson, 6},
      {"{\"a\":1\"b\"}", Code::kBadJson, 6},
      {"{\"a\":\"b\"1}", Code::kBadJson, 8},
      {"{\"a\":tru}", Code::kBadJson, 8},
      {"{\"a\":truex}", Code::kBadJson, 9},
      {"{\"a\":nul\"\"}", Code::kBadJson, 8},
      {"{\"a\":NaN}", Code::kBadJson, 5},
      {"{\"a\":'b'}", Code::kBadJson, 5},
      {"{\"a\":\"\\x\"}", Code::kBadJson, 7},
      {"{\"a\":\"\\u12g4\"}", Code::kBadJson, 10},
      {"{\"a\":\"\\u12\"}", Code::kBadJson, 10},
      {"{\"a\":\"\\", Code::kBadJson, 7},
      {"{\"a\":\\\"b\"}", Code::kBadJson, 5},
      {"{\"a\":\"b\nc\"}", Code::kBadJson, 7},
      {"{\"a\":\"b\0c\"}"s, Code::kBadJson, 7},
      {"{\"a\":\f1}", Code::kBadJson, 5},
      {"{\"a\"\x1a"
       "1}",
       Code::kBadJson, 4},
      {"{\"a\":1\x0c\"b\":2}", Code::kBadJson, 6},
      {"\xef\xbb\xbf{}", Code::kBadJson, 0},
      {"{\"a\":\xc3\xa9}", Code::kBadJson, 5},
      {"{\"a\":\"\x80\"}", Code::kBadUtf8, 6},
      {"{\"a\":\"x\xc0\xaf\"}", Code::kBadUtf8, 7},
      {"{\"a\":\"x\xe2\x82\"}", Code::kBadUtf8, 7},
      {"{\"a\":\"\xed\xa0\x80\"}", Code::kBadUtf8, 6},
      {"{\"a\":\"\xf4\x90\x80\x80\"}", Code::kBadUtf8, 6},
      {"{\"a\":\"\xff\"}", Code::kBadUtf8, 6},
      {"{\"a\":\"\xf0\x9f\x98", Code::kBadUtf8, 6},
      {"{\xff}", Code::kBadUtf8, 1},
      {"{\"a\":\"\xff\", oops", Code::kBadUtf8, 6},
      {"{oops \"\xff\"", Code::kBadJson, 1},
      {"[1]", Code::kNotAnObject, 0},
      {" \t12", Code::kNotAnObject, 2},
      {"\"a\"", Code::kNotAnObject, 0},
      {"null", Code::kNotAnObject, 0},
      {"nul", Code::kBadJson, 3},
      {"1 2", Code::kBadJson, 2},
      {"[1", Code::kBadJson, 2},
      {"\"a", Code::kBadJson, 2},
  };
  TestProjection projection({"a"});
  for (const SimdLevel kernel : kSimdLevels) {
    if (json_indexer(kernel) == nullptr) continue;
    Scan scan(projection);
    scan.use(kernel);
    for (const FaultCase& c : cases) {
      const JsonFault fault = scan(c.text);
      EXPECT_EQ(fault.code, c.code) << c.text;
      EXPECT_EQ(fault.offset, c.offset) << c.text;
    }
  }
}

TEST(JsonScanner, finds_a_fault_at_every_place_of_a_block) {
  TestProjection projection({"a"});
  Scan scan(projection);
  for (size_t pad = 0; pad < 200; ++pad) {
    const std::string head = "{\"a\":\"" + std::string(pad, 'x');
    EXPECT_EQ(scan(head + "\\n\"}").code, Code::kOk) << pad;
    EXPECT_EQ(scan.value(0), head.substr(5) + "\\n\"");
    EXPECT_EQ(scan(head + "\\q\"}").offset, head.size() + 1) << pad;
    EXPECT_EQ(scan(head + "\\\\\"}").code, Code::kOk) << pad;
    EXPECT_EQ(scan(head + "\\\\\\\"\"}").code, Code::kOk) << pad;
    EXPECT_EQ(scan(head + "\\\"}").code, Code::kBadJson) << pad;
    EXPECT_EQ(scan(head + "\t\"}").offset, head.size()) << pad;
    EXPECT_EQ(scan(head + "\xe9\"}").code, Code::kBadUtf8) << pad;
    EXPECT_EQ(scan(head + "\\u00e9\xc3\xa9\"}").code, Code::kOk) << pad;
    EXPECT_EQ(scan(head + "\\u00e").offset, head.size() + 5) << pad;
    EXPECT_EQ(scan(head + "\"").offset, head.size() + 1) << pad;
    EXPECT_EQ(scan(head + "\"}x").offset, head.size() + 2) << pad;
  }
}

TEST(JsonScanner, bounds_depth_and_survives_a_hundred_thousand_brackets) {
  TestProjection projection({"a"});
  for (const uint32_t depth : {1u, 2u, 63u, 64u, 65u, 128u, kJsonDepthLimit}) {
    Scan scan(projection, depth);
    const auto nested = [](size_t n) { return "{\"a\":" + std::string(n - 1, '[') + std::string(n - 1, ']') + "}"; };
    if (depth > 1) {
      EXPECT_TRUE(scan(nested(depth)).ok()) << depth;
    }
    const JsonFault fault = scan(nested(depth + 1));
    EXPECT_EQ(fault.code, Code::kJsonTooDeep);
    EXPECT_EQ(fault.offset, depth + 4);
    EXPECT_EQ(scan(nested(100000)).code, Code::kJsonTooDeep);
    EXPECT_EQ(scan(std::string(100000, '[')).offset, depth);
  }
  Scan scan(projection, kJsonDepthLimit);
  std::string mixed;
  for (int i = 0; i < 512; ++i) mixed += "{\"a\":[";
  mixed += "1";
  for (int i = 0; i < 512; ++i) mixed += "]}";
  EXPECT_TRUE(scan(mixed).ok());
  EXPECT_EQ(scan.value(0).size(), mixed.size() - 6);
  mixed[mixed.size() / 2 + 3] = mixed[mixed.size() / 2 + 3] == ']' ? '}' : ']';
  EXPECT_EQ(scan(mixed).code, Code::kBadJson);
}

struct PathCase {
  const char* paths;
  const char* text;
  const char* values;
};

TEST(JsonScanner, finds_the_values_of_paths) {
  const PathCase cases[] = {
      {"a,b", R"({"b":2,"a":1})", "1 | 2"},
      {"a", R"({"b":2})", "-"},
      {"a,a", R"({"a":2})", "2 | 2"},
      {"a", R"({"a" : "x\"y" })", R"("x\"y")"},
      {"a", R"({"a":[1, {"b":2}] ,"c":3})", R"([1, {"b":2}])"},
      {"a", R"({"a":{}})", "{}"},
      {"a.b,a", R"({"a":{"b":1}})", R"(1 | {"b":1})"},
      {"a.b.c", R"({"a":{"b":{"d":0,"c":null}}})", "null"},
      {"a.b", R"({"a":1})", "-"},
      {"a.b", R"({"a":[{"b":1}]})", "-"},
      {"b", R"({"a":{"b":1}})", "-"},
      {"a.0,a.2,a.1", R"({"a":[10,20]})", "10 | - | 20"},
      {"a.1.b", R"({"a":[{"b":1},{"b":2},{"b":3}]})", "2"},
      {"a.1.b", R"({"a":[[{"b":9}],{"c":{"b":8},"b":2}]})", "2"},
      {"a.0", R"({"a":{"0":1}})", "-"},
      {"a.0.0", R"({"a":[[7,8],[9]]})", "7"},
      // Of duplicates the last one counts, whole.
      {"a", R"({"a":1,"a":2})", "2"},
      {"a.b", R"({"a":{"b":1},"a":{"c":2}})", "-"},
      {"a.b", R"({"a":{"b":1},"a":3})", "-"},
      {"a.b,a", R"({"a":3,"a":{"b":1,"b":2}})", R"(2 | {"b":1,"b":2})"},
      {"a.0", R"({"a":[1],"a":[]})", "-"},
      // Case: an exact match comes first.
      {"name", R"({"NAME":1})", "1"},
      {"name", R"({"NAME":1,"name":2,"Name":3})", "2"},
      {"name", R"({"NAME":1,"Name":3})", "3"},
      {"!name", R"({"NAME":1})", "-"},
      {"!Name,name", R"({"NAME":1,"Name":2,"name":3})", "2 | 3"},
      {"!Name,name", R"({"Name":2})", "2 | 2"},
      {"a.b", R"({"A":{"b":1},"a":{"c":2}})", "-"},
      {"a.b", R"({"a":{"c":2},"A":{"b":1}})", "-"},
      {"a.b", R"({"A":{"B":1}})", "1"},
      {"longer_than_eight", R"({"Longer_Than_Eight":1,"longer_than_eighT":2,"longer_than_eight_":3})", "2"},
      {"a@b", R"({"a`b":1})", "-"},  // differ by 0x20 only, and are no letters
      {"é", R"({"É":1,"é":2})", "2"},
      // Escapes in names.
      {"a", R"({"\u0061":1})", "1"},
      {"a", R"({"\u0041":1})", "1"},
      {"!a", R"({"\u0041":1})", "-"},
      {"a/b", R"({"a\/b":1})", "1"},
      {"😀", R"({"\ud83d\ude00":1})", "1"},
      {"é", R"({"\u00e9":1})", "1"},
      {"a", R"({"\u0061b":1,"\\a":2})", "-"},
      {"a", R"({"\n":1,"a":"\n"})", R"("\n")"},
      // All kinds of values, white space around them not included.
      {"a,b,c,d,e", R"({"a": true ,"b":false,"c":null,"d":-1.5e3 ,"e":""})", R"(true | false | null | -1.5e3 | "")"},
  };
  for (const PathCase& c : cases) {
    std::vector<std::string> paths;
    for (std::string_view left = c.paths; !left.empty();) {
      const size_t comma = left.find(',');
      paths.emplace_back(left.substr(0, comma));
      left = comma == std::string_view::npos ? std::string_view() : left.substr(comma + 1);
    }
    TestProjection projection(paths);
    Scan scan(projection);
    EXPECT_TRUE(scan(c.text).ok()) << c.text;
    EXPECT_EQ(scan.values(), c.values) << c.paths << " of " << c.text;
    EXPECT_EQ(scan.prefix(std::string(c.text) + ",{\"a"), std::string_view(c.text).size());
    EXPECT_EQ(scan.values(), c.values) << c.paths << " of " << c.text;
  }
}

TEST(JsonScanner, finds_the_paths_of_many_members_and_long_names) {
  TestProjection projection({"m5000", "m0", "m9999", std::string(70000, 'n')});
  Scan scan(projection);
  std::string text = "{";
  for (int i = 0; i < 10000; ++i) text += "\"m" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += "\"" + std::string(70000, 'n') + "\":true}";
  ASSERT_TRUE(scan(text).ok());
  EXPECT_EQ(scan.values(), "5000 | 0 | 9999 | true");
}

TEST(JsonScanner, a_record_is_an_object_whatever_is_asked_of_it) {
  TestProjection everything;
  everything.all();
  TestProjection nothing;
  TestProjection both({"a"});
  both.all();
  for (const char* text : {"1", "[1]", "\"x\"", " null "}) {
    EXPECT_EQ(Scan(everything)(text).code, Code::kNotAnObject) << text;
    EXPECT_EQ(Scan(nothing)(text).code, Code::kNotAnObject) << text;
    EXPECT_EQ(Scan(both)(text).code, Code::kNotAnObject) << text;
  }
  EXPECT_EQ(Scan(everything)("[1").code, Code::kBadJson);
}

TEST(JsonKernel, kernels_agree_on_random_bytes) {
  std::mt19937_64 random(1);
  const std::string_view likely = "\"\"\\\\{}[]:, \t\n\r01ae\x01\x0c\x1a\x7f\x80\xff";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const size_t size = 1 + random() % 300;
    for (size_t i = 0; i < size; ++i)
      text += random() % 4 != 0 ? likely[random() % likely.size()] : static_cast<char>(random());
    const std::string padded = text + std::string(64, '"');
    uint32_t want[512];
    JsonCarry want_carry;
    const size_t count = json_indexer(SimdLevel::kScalar)(padded.data(), size, 7, want_carry, want);
    for (const SimdLevel kernel : kSimdLevels) {
      if (json_indexer(kernel) == nullptr) continue;
      uint32_t got[512];
      JsonCarry carry;
      ASSERT_EQ(json_indexer(kernel)(padded.data(), size, 7, carry, got), count) << static_cast<int>(kernel);
      ASSERT_EQ(std::memcmp(got, want, count * sizeof *got), 0) << static_cast<int>(kernel);
      ASSERT_EQ(carry.in_string, want_carry.in_string);
      ASSERT_EQ(carry.in_scalar, want_carry.in_scalar);
      ASSERT_EQ(carry.bad != 0, want_carry.bad != 0);
      ASSERT_EQ(carry.high != 0, want_carry.high != 0);
      ASSERT_EQ(carry.backslash, want_carry.backslash);
    }
  }
}

/// An exponent of three digits or more.
bool large_exponent(std::string_view text) {
  for (size_t at = 0; at + 1 < text.size(); ++at) {
    if ((text[at] | 0x20) != 'e') continue;
    const size_t from = at + 1 + (text[at + 1] == '+' || text[at + 1] == '-');
    size_t to = from;
    while (to < text.size() && text[to] >= '0' && text[to] <= '9') ++to;
    if (to - from >= 3) return true;
  }
  return false;
}

TEST(JsonScanner, agrees_with_the_automaton_and_simdjson_on_dirty_records) {
  TestProjection everything;
  everything.all();
  Scan scan(everything);
  Scan scalar(everything);
  scalar.use(SimdLevel::kScalar);
  simdjson::dom::parser parser;
  int good = 0;
  int bad = 0;
  for (uint64_t seed = 0; seed < 60000; ++seed) {
    JsonMaker maker(seed, seed % 3 == 0 ? 0 : 4);
    std::string text = maker.object();
    if (seed % 5 == 0) text.resize(text.size() - maker.below(static_cast<uint32_t>(text.size())));
    const JsonFault want = check_json(text, 64);
    const JsonFault got = scan(text);
    ASSERT_EQ(got.code, want.code) << text;
    ASSERT_EQ(got.offset, want.offset) << text;
    ASSERT_EQ(scalar(text).code, want.code) << text;
    want.ok() ? ++good : ++bad;
    // Limits of its own: numbers past double and int64, and surrogates without partner.
    const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
    if (large_exponent(text) || has("1234567890123") || has("\\ud8")) continue;
    simdjson::padded_string padded(text);
    ASSERT_EQ(parser.parse(padded).error() == simdjson::SUCCESS, want.ok()) << text;
  }
  EXPECT_GT(good, 10000);
  EXPECT_GT(bad, 10000);
}

struct TouchedCase {
  std::string text;
  size_t looked_at;  ///< 0: refused
  std::string values;
};

TEST(JsonScanner, with_touched_looks_no_farther_than_the_last_field_that_is_named) {
  const TouchedCase cases[] = {
      {R"({"a":1,"b":{"c":"x"},"d":2})", 19, R"(1 | "x")"},
      {R"({"a":1,"b":{"c":"x"}, anything "\q \)", 19, R"(1 | "x")"},
      {R"({"b":{"c":[1,{}]},"z":0,"a":-1.5e3, "q)", 34, "-1.5e3 | [1,{}]"},
      {"{\"b\":{\"c\":1},\"a\":\"Zo\xc3\xab\",\xff\x01", 23, "\"Zo\xc3\xab\" | 1"},
      // What is behind is not seen, also a member of the same name; without it the last one counts.
      {R"({"a":1,"b":{"c":2},"a":3})", 17, "1 | 2"},
      {R"({"a":1,"a":3,"b":{"c":2},"b":{"c":4}})", 23, "3 | 2"},
      {R"({"a":1,"b":{"d":2},"b":{"c":4}})", 29, "1 | 4"},
      // A name that is spelled otherwise, or a field that is missing: another member could be the one that is meant.
      {R"({"A":1,"b":{"c":2},"a":3,"x"})", 24, "3 | 2"},
      {R"({"A":1,"b":{"c":2}})", 19, "1 | 2"},
      {R"({"a":1,"b":{"d":2}})", 19, "1 | -"},
      {R"({"A":1,"b":{"c":2},"x":01})", 0, ""},
      {R"({"a":1,"b":2,"x":"\q"})", 0, ""},
      // Up to there all is validated.
      {R"({"x":01,"a":1,"b":{"c":2}})", 0, ""},
      {R"({"x":"\q","a":1,"b":{"c":2}})", 0, ""},
      {R"({"x" 1,"a":1,"b":{"c":2}})", 0, ""},
      {R"({"x":{]},"a":1,"b":{"c":2}})", 0, ""},
      {"{\"x\":\"\xff\",\"a\":1,\"b\":{\"c\":2}}", 0, ""},
      {"{\"x\":\"\x01\",\"a\":1,\"b\":{\"c\":2}}", 0, ""},
      {R"({"a":1,"b":{"c":tru}})", 0, ""},
      {R"({"a":1,"b":{"c":2x}})", 0, ""},
      // One byte must be behind that may follow a value: it says that a number is at its end.
      {R"({"a":1,"b":{"c":"x"x)", 0, ""},
      {R"({"a":1,"b":{"c":1"x)", 0, ""},
      {R"({"a":1,"b":{"c":2)", 0, ""},
      {R"({"a":1,"b":{"c":"x")", 0, ""},
      {R"({"a":1,"b":{"c":"x" )", 19, R"(1 | "x")"},
      {R"(["a",1])", 0, ""},
      {R"("a")", 0, ""},
      {"", 0, ""},
  };
  TestProjection projection({"a", "b.c"});
  Scan scan(projection, 64, true);
  for (const TouchedCase& c : cases) {
    const JsonFault fault = scan(c.text);
    EXPECT_EQ(fault.ok(), c.looked_at != 0) << c.text;
    if (!fault.ok()) continue;
    EXPECT_EQ(scan.looked_at(), c.looked_at) << c.text;
    EXPECT_EQ(scan.values(), c.values) << c.text;
  }
  TestProjection nothing;
  Scan count(nothing, 64, true);
  EXPECT_TRUE(count(" {x").ok());
  EXPECT_FALSE(count(" {").ok());
  EXPECT_FALSE(count("[]").ok());
  TestProjection everything({"a"});
  everything.all();
  EXPECT_FALSE(Scan(everything, 64, true)(R"({"a":1,)").ok());
}

/// The prefix of a valid record, with its open containers closed.
std::string closed(std::string_view prefix) {
  JsonAutomaton automaton;
  for (const char c : prefix) EXPECT_EQ(automaton.step(c), Code::kOk) << prefix;
  std::string out(prefix);
  while (!automaton.complete()) {
    const char bracket = automaton.in_object() ? '}' : ']';
    if (automaton.step(bracket) != Code::kOk) return "";
    out += bracket;
  }
  return out;
}

TEST(JsonScanner, with_touched_says_of_dirty_records_what_it_says_of_their_beginnings_as_a_whole) {
  TestProjection two({"a", "name"});
  TestProjection inner({"b.0"});
  TestProjection outer({"a", "a.a"});
  for (const TestProjection* paths : {&two, &inner, &outer}) {
    Scan whole(*paths);
    Scan touched(*paths, 64, true);
    int early = 0;
    int refused = 0;
    for (uint64_t seed = 0; seed < 40000; ++seed) {
      JsonMaker maker(seed, seed % 3 == 0 ? 0 : 6);
      std::string text = maker.object();
      if (seed % 5 == 0) text.resize(text.size() - maker.below(static_cast<uint32_t>(text.size())));
      const JsonFault want = whole(text);
      const JsonFault got = touched(text);
      if (!got.ok()) {  // as whole, also what is said of it
        ++refused;
        ASSERT_EQ(got.code, want.code) << text;
        ASSERT_EQ(got.offset, want.offset) << text;
        continue;
      }
      const size_t end = touched.looked_at();
      const std::string values = touched.values();
      if (end == text.size()) {
        ASSERT_TRUE(want.ok()) << text;
        ASSERT_EQ(values, whole.values()) << text;
        continue;
      }
      ++early;
      const std::string begun = closed(std::string_view(text).substr(0, end));
      ASSERT_TRUE(whole(begun).ok()) << text;
      ASSERT_EQ(whole.values(), values) << text;
      const size_t prefix = touched.prefix(text);
      if (want.ok()) {
        ASSERT_EQ(prefix, text.find_last_of('}') + 1) << text;
        ASSERT_EQ(touched.values(), values) << text;
      }
    }
    EXPECT_GT(early, 100);
    EXPECT_GT(refused, 1000);
  }
}

TEST(JsonScanner, refuses_every_record_cut_short) {
  TestProjection projection({"a", "name", "id"});
  Scan scan(projection);
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = JsonMaker(seed, 0).object();
    ASSERT_TRUE(scan(text).ok()) << text;
    const std::string values = scan.values();
    ASSERT_EQ(scan.prefix(text + ",{"), text.size());
    ASSERT_EQ(scan.values(), values);
    for (size_t size = 0; size < text.size(); ++size) {
      ASSERT_FALSE(scan(text.substr(0, size)).ok()) << text;
      ASSERT_EQ(scan.prefix(text.substr(0, size)), 0u) << text;
    }
  }
}

TEST(JsonScanner, reads_a_record_of_ten_megabytes) {
  TestProjection projection({"a", "z"});
  Scan scan(projection);
  std::string text = "{\"a\":\"" + std::string(5'000'000, 'x') + "\",\"b\":[";
  for (int i = 0; i < 500'000; ++i) text += "[1,\"\xc3\xa9\"],";
  text += "0],\"z\":1}";
  ASSERT_TRUE(scan(text).ok());
  EXPECT_EQ(scan.value(0).size(), 5'000'002u);
  EXPECT_EQ(scan.value(1), "1");
  text[9'000'000] = '\x01';
  EXPECT_EQ(scan(text).offset, 9'000'000u);
}

// The judge reads records and our verdicts and values; it prints how many are good, how many bad, and each difference.
constexpr const char* kJudge = R"py(
import json, sys
PATHS = [["a"], ["name"], ["b", "a"], ["a", "a", "b"], ["a", 0], ["id", 1], ["amount", "id"]]
class Pairs(list): pass
def refuse(x): raise ValueError(x)
def member(pairs, name):
    fold = lambda s: "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in s)
    exact = [v for k, v in pairs if k == name]
    same = [v for k, v in pairs if fold(k) == fold(name)]
    return (exact or same or [None])[-1], bool(same)
def find(value, path):
    for step in path:
        if isinstance(step, int):
            if isinstance(value, Pairs) or not isinstance(value, list) or step >= len(value): return None, False
            value = value[step]
        else:
            if not isinstance(value, Pairs): return None, False
            value, there = member(value, step)
            if not there: return None, False
    return value, True
load = lambda b: json.loads(b.decode("utf-8"), object_pairs_hook=Pairs, parse_constant=refuse, parse_float=str, parse_int=str)
data = open(sys.argv[1], "rb").read()
at, good, bad = 0, 0, 0
def take():
    global at
    end = data.index(b"\n", at); size = int(data[at:end]); at = end + 1 + max(size, 0)
    return None if size < 0 else data[end + 1:at]
while at < len(data):
    text, verdict = take(), take() == b"1"
    values = [take() for _ in PATHS]
    try: value, valid = load(text), True
    except (ValueError, UnicodeDecodeError): valid = False
    if valid and not isinstance(value, Pairs): valid = False
    if valid: good += 1
    else: bad += 1
    if valid != verdict: print("verdict", valid, text)
    if valid and verdict:
        for path, raw in zip(PATHS, values):
            want, there = find(value, path)
            if there != (raw is not None) or (there and load(raw) != want): print("value", path, raw, text)
print(good, bad)
)py";

TEST(JsonScanner, agrees_with_python_on_validity_and_values) {
  if (std::system("python3 -c '' >/dev/null 2>&1") != 0) FAIL() << "python3 is needed for this test";
  TestProjection projection({"a", "name", "b.a", "a.a.b", "a.0", "id.1", "amount.id"});
  Scan scan(projection);
  char folder[] = "/tmp/weir_json_XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string data = std::string(folder) + "/data";
  const std::string judge = std::string(folder) + "/judge.py";
  FILE* file = std::fopen(data.c_str(), "wb");
  const auto put = [&](const std::string& text) {
    std::fprintf(file, "%zu\n", text.size());
    std::fwrite(text.data(), 1, text.size(), file);
  };
  int good = 0;
  int bad = 0;
  for (uint64_t seed = 0; seed < 12000; ++seed) {
    JsonMaker maker(seed + 1'000'000, seed % 2 == 0 ? 0 : 3);
    const std::string text = seed % 50 == 0 ? maker.value(1) : maker.object();
    const bool ok = scan(text).ok();
    ok ? ++good : ++bad;
    put(text);
    put(ok ? "1" : "0");
    for (size_t p = 0; p < 7; ++p) {
      if (!ok || scan.value(p) == "-") {
        std::fputs("-1\n", file);
      } else {
        put(scan.value(p));
      }
    }
  }
  std::fclose(file);
  file = std::fopen(judge.c_str(), "wb");
  std::fputs(kJudge, file);
  std::fclose(file);
  FILE* run = popen(("python3 " + judge + " " + data + " 2>&1").c_str(), "r");
  std::string said;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, run)) said.append(buffer, n);
  pclose(run);
  EXPECT_EQ(said, std::to_string(good) + " " + std::to_string(bad) + "\n");
  EXPECT_GT(good, 4000);
  EXPECT_GT(bad, 1000);
  unlink(data.c_str());
  unlink(judge.c_str());
  rmdir(folder);
}

}  // namespace
}  // namespace weir

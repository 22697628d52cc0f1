#include "format/json_layout.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "format/json_scanner.hpp"
#include "format/json_test_corpus.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

/// A layout beside the scanner that is its oracle. Text stands in exactly the memory that may be read.
class Pair {
 public:
  Pair(const Projection& projection, SimdLevel kernel, bool touched) : paths_(projection.paths.size()) {
    const size_t bytes = Arena::aligned(JsonScanner::memory_max(projection));
    memory_.reset(static_cast<char*>(std::aligned_alloc(kAlignment, bytes)));
    Arena arena({memory_.get(), bytes});
    scanner_.attach(projection, 64, arena, touched);
    here_ = layout_.use(kernel);
  }
  bool here() const { return here_; }

  bool learn(std::string_view record) {
    const std::vector<char> text = padded(record, '7');
    std::vector<Slice> values(paths_ + 1);
    EXPECT_TRUE(scanner_.scan({text.data(), record.size()}, 100, values.data(), 1).ok()) << record;
    return layout_.learn({text.data(), record.size()}, scanner_.looked_at(), 100, values.data(), 1,
                         static_cast<uint32_t>(paths_));
  }

  /// The size that match() gives for the record with `terminator` behind it. Whatever it takes the scanner must take,
  /// with the same values; and it takes nothing of which the end is not in sight.
  size_t match(std::string_view record, std::string_view terminator = "\n") {
    const std::string line = std::string(record) + std::string(terminator);
    const std::vector<char> text = padded(line, line.empty() ? 'x' : line[line.size() / 2]);
    const char* const begin = text.data();
    std::vector<Slice> got(paths_ + 1, Slice{1, 1});
    const size_t size = layout_.match(begin, begin + line.size(), 7, got.data(), 1);
    if (size == 0) return 0;
    EXPECT_LT(size, line.size());
    EXPECT_EQ(std::memchr(begin, '\n', size), nullptr) << record;
    const std::string_view behind = std::string_view(line).substr(size);
    EXPECT_TRUE(behind.starts_with("\n") || behind.starts_with("\r\n")) << record;
    std::vector<Slice> want(paths_ + 1, Slice{1, 1});
    EXPECT_TRUE(scanner_.scan({begin, size}, 7, want.data(), 1).ok()) << record;
    for (size_t p = 0; p < paths_; ++p) {
      EXPECT_EQ(got[p].offset, want[p].offset) << record << " path " << p;
      EXPECT_EQ(got[p].size, want[p].size) << record << " path " << p;
    }
    return size;
  }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  static std::vector<char> padded(std::string_view text, char with) {
    std::vector<char> out(text.begin(), text.end());
    out.insert(out.end(), 64, with);
    return out;
  }

  size_t paths_;
  std::unique_ptr<char, Free> memory_;
  JsonScanner scanner_;
  JsonLayout layout_;
  bool here_ = false;
};

template <typename Body>
void with_each_kernel(const Projection& projection, const Body& body, bool touched = false) {
  for (const SimdLevel kernel : kSimdLevels) {
    SCOPED_TRACE(static_cast<int>(kernel));
    Pair pair(projection, kernel, touched);
    if (pair.here()) body(pair);
  }
}

TEST(JsonLayout, takes_what_is_built_alike) {
  const TestProjection projection({"id", "NAME", "o.x", "o", "list.1", "none", "!name", "last"});
  with_each_kernel(*projection, [](Pair& pair) {
    ASSERT_TRUE(pair.learn(R"({"id": 1, "name": "a", "o": {"x": null, "y": []}, "list": [1, "b"], "last": {}})"));
    for (
        const std::string_view alike : {
            R"({"id": 1, "name": "a", "o": {"x": null, "y": []}, "list": [1, "b"], "last": {}})",
            R"({"id": -12.50, "name": "", "o": {"x": true, "y": []}, "list": ["", false], "last": {}})",
            R"({"id": 1e999, "name": "\"\\\/\b\u00e9 \ud83d", "o": {"x": 0, "y": []}, "list": [0.1, -0], "last": {}})",
            R"({"id": 123456789012345, "name": "Zoë € 😀", "o": {"x": "x", "y": []}, "list": [1E+5, -2.5e-7], "last": {}})",
            R"({"id": 1234567890.1234567890, "name": null, "o": {"x": 5, "y": []}, "list": [1, 2], "last": {}})",
            R"({"id": "a text of more than thirty-two bytes, and with \n in it, é", "name": 1, "o": {"x": 5, "y": []},)"
            R"( "list": ["thirty-one bytes of text in here", 2], "last": {}})",
        }) {
      EXPECT_EQ(pair.match(alike), alike.size()) << alike;
      EXPECT_EQ(pair.match(alike, "\r\n"), alike.size()) << alike;
      EXPECT_EQ(pair.match(alike, "\n{\"id\": 2"), alike.size()) << alike;
      EXPECT_EQ(pair.match(alike, ""), 0u) << alike;
      EXPECT_EQ(pair.match(alike, "\r"), 0u) << alike;
      EXPECT_EQ(pair.match(alike, "\r\r\n"), 0u) << alike;
      EXPECT_EQ(pair.match(alike, " \n"), 0u) << alike;
    }
  });
}

TEST(JsonLayout, takes_of_short_strings_only_valid_utf8) {
  const TestProjection projection({"s"});
  const auto each_kernel = [](Pair& pair) {
    ASSERT_TRUE(pair.learn(R"({"s":"x"})"));
    const auto hold = [&](std::string_view bytes) {
      for (const char* const around : {"", "a"}) {
        const std::string text = around + std::string(bytes) + around;
        const std::string record = R"({"s":")" + text + R"("})";
        ASSERT_EQ(pair.match(record), utf8_valid_prefix(text) == text.size() ? record.size() : 0u) << record;
      }
    };
    for (uint32_t first = 0x80; first < 0x100; ++first) {
      for (uint32_t second = 0x7f; second < 0x100; ++second) {
        const std::string two = {static_cast<char>(first), static_cast<char>(second)};
        hold(two);
        for (const char* const behind : {"\x80", "\xbf", "a", "\xc3\xa9", "\xe2\x82\xac", "\x80\x80", "\xbf\xc3"}) {
          hold(two + behind);
        }
      }
    }
  };
  with_each_kernel(*projection, each_kernel);
}

TEST(JsonLayout, takes_nothing_else) {
  const TestProjection projection({"a", "b"});
  with_each_kernel(*projection, [](Pair& pair) {
    ASSERT_TRUE(pair.learn(R"({"a":1,"b":"x"})"));
    using namespace std::string_literals;
    for (const std::string& other : {
             R"({"a":1,"c":"x"})"s,
             R"({"a":1,"b":"x","c":1})"s,
             R"({"a":1})"s,
             R"({"a": 1,"b":"x"})"s,
             R"({"A":1,"b":"x"})"s,
             R"({"a":{},"b":"x"})"s,
             R"({"a":[1],"b":"x"})"s,
             R"({"a":01,"b":"x"})"s,
             R"({"a":-,"b":"x"})"s,
             R"({"a":1.,"b":"x"})"s,
             R"({"a":.1,"b":"x"})"s,
             R"({"a":1.2.3,"b":"x"})"s,
             R"({"a":1e,"b":"x"})"s,
             R"({"a":1e5e5,"b":"x"})"s,
             R"({"a":"1"e5,"b":"x"})"s,
             R"({"a":truee5,"b":"x"})"s,
             R"({"a":00.1,"b":"x"})"s,
             R"({"a":+1,"b":"x"})"s,
             R"({"a":12345678901234567.,"b":"x"})"s,
             R"({"a":1-2,"b":"x"})"s,
             R"({"a":tru,"b":"x"})"s,
             R"({"a":nulll,"b":"x"})"s,
             R"({"a":,"b":"x"})"s,
             R"({"a":1,"b":"\x"})"s,
             R"({"a":1,"b":"\u12g4"})"s,
             R"({"a":1,"b":"\"})"s,
             "{\"a\":1,\"b\":\"\n\"}"s,
             "{\"a\":1,\"b\":\"\x1f\"}"s,
             "{\"a\":1,\"b\":\"\0\"}"s,
             "{\"a\":1,\"b\":\"\xc0\xaf\"}"s,
             "{\"a\":1,\"b\":\"\xe2\x82\"}"s,
             "{\"a\":1,\"b\":\"a text of more than thirty-two bytes with \xff in it\"}"s,
             R"({"a":1,"b":"x)"s,
             ""s,
             "{"s,
         }) {
      EXPECT_EQ(pair.match(other), 0u) << other;
    }
  });
}

TEST(JsonLayout, takes_no_record_whose_end_is_not_in_sight) {
  const TestProjection projection({"a", "b.c"});
  with_each_kernel(*projection, [](Pair& pair) {
    const std::string record = R"({"a":"some text that is longer than one step","b":{"c":-12.5,)"
                               R"("a name of more than thirty-two bytes, all fixed":[true]}})";
    ASSERT_TRUE(pair.learn(record));
    ASSERT_EQ(pair.match(record), record.size());
    for (size_t size = 0; size < record.size(); ++size) EXPECT_EQ(pair.match(record.substr(0, size), ""), 0u) << size;
  });
}

TEST(JsonLayout, refuses_to_learn_what_it_has_no_room_for) {
  const TestProjection projection({"a"});
  with_each_kernel(*projection, [](Pair& pair) {
    std::string many = "{\"a\":[0";
    for (uint32_t i = 1; i < JsonLayout::kSlotsMax; ++i) many += ",0";
    EXPECT_TRUE(pair.learn(many + "]}"));
    EXPECT_EQ(pair.match(many + "]}"), many.size() + 2);
    EXPECT_FALSE(pair.learn(many + ",0]}"));
    EXPECT_FALSE(pair.learn("{\"" + std::string(32 * JsonLayout::kPiecesMax, 'n') + "\":1}"));
    EXPECT_FALSE(pair.learn("{}"));
    EXPECT_TRUE(pair.learn("{\"" + std::string(31 * JsonLayout::kPiecesMax, 'n') + "\":1}"));
  });
}

/// Another record of the same or nearly the same structure: slots are drawn anew, now and then a byte is changed.
std::string relative_of(const std::string& record, JsonMaker& maker, std::mt19937_64& random) {
  std::string out;
  for (size_t at = 0; at < record.size();) {
    const char c = record[at];
    size_t stop = at + 1;
    if (c == '"') {
      while (record[stop] != '"') stop += record[stop] == '\\' ? 2 : 1;
      ++stop;
      size_t next = stop;
      while (next < record.size() && std::strchr(" \t\r", record[next]) != nullptr) ++next;
      if (next < record.size() && record[next] == ':') {
        out += record.substr(at, stop - at);
        at = stop;
        continue;
      }
    } else if (std::strchr("-0123456789tfn", c) != nullptr) {
      while (stop < record.size() && std::strchr(" \t\r,]}", record[stop]) == nullptr) ++stop;
    } else {
      out += c;
      ++at;
      continue;
    }
    out += random() % 4 == 0 ? record.substr(at, stop - at) : maker.value(5);
    at = stop;
  }
  if (random() % 4 == 0 && !out.empty()) out[random() % out.size()] = static_cast<char>(random());
  return out;
}

void hold_against_the_scanner(const Projection& projection, bool touched) {
  const auto body = [](Pair& pair) {
    std::mt19937_64 random(11);
    JsonMaker good(12, 0);
    JsonMaker damaged(13, 8);
    size_t taken = 0;
    for (int i = 0; i < 1500; ++i) {
      std::string record = good.object();
      if (record.find('\n') != std::string::npos || !pair.learn(record)) continue;
      EXPECT_EQ(pair.match(record), record.size()) << record;
      for (int k = 0; k < 12; ++k) taken += pair.match(relative_of(record, k % 3 == 0 ? damaged : good, random)) != 0;
    }
    EXPECT_GT(taken, 2000u);
  };
  with_each_kernel(projection, body, touched);
}

TEST(JsonLayout, finds_what_the_scanner_finds_in_random_records) {
  const TestProjection projection({"a", "b", "!A", "id", "name", "!name", "a.a", "a.0", "a.1.b", "amount"});
  hold_against_the_scanner(*projection, false);
}

TEST(JsonLayout, finds_what_the_scanner_finds_in_what_it_touches_of_random_records) {
  for (const char* const path : {"a", "b", "name", "id"}) hold_against_the_scanner(*TestProjection({path}), true);
}

TEST(JsonLayout, looks_no_farther_than_what_was_touched) {
  const TestProjection projection({"id", "name"});
  const auto body = [](Pair& pair) {
    ASSERT_TRUE(pair.learn(R"({"id": 1, "name": "a", "rest": [1, 2]})"));
    for (const std::string_view alike : {R"({"id": 27, "name": "b\n", "other": "things")",
                                         R"({"id": -1.5e3, "name": null,)", "{\"id\": \"\", \"name\": 0,\"\xff\x01 "}) {
      EXPECT_EQ(pair.match(alike), alike.size()) << alike;
      EXPECT_EQ(pair.match(alike, "\r\n"), alike.size()) << alike;
      EXPECT_EQ(pair.match(alike, "\n{"), alike.size()) << alike;
      EXPECT_EQ(pair.match(alike, ""), 0u) << alike;
    }
    for (const std::string_view other :
         {R"({"id": 27, "name": "b")", R"({"id": 27, "name": 1e})", R"({"id": 01, "name": 1,)",
          R"({"id": 27, "name": "b"})", R"({"id": 27, "nama": "b",)"}) {
      EXPECT_EQ(pair.match(other), 0u) << other;
    }
    ASSERT_TRUE(pair.learn("{\"id\": 1, \"name\": \"a\"\r"));
    EXPECT_EQ(pair.match("{\"id\": 2, \"name\": \"b\"", "\r\n"), 0u);  // the record has no byte behind its value
    EXPECT_NE(pair.match("{\"id\": 2, \"name\": \"b\"\r", "\r\n"), 0u);
  };
  with_each_kernel(*projection, body, true);
}

}  // namespace
}  // namespace weir

#include "format/json_reader.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "format/json_test_corpus.hpp"
#include "format/ndjson_reader.hpp"
#include "format/reader_transcript.hpp"

namespace weir {
namespace {

using namespace std::string_literals;

ReaderOptions options_for(std::string_view path, uint32_t record_bytes_max = 40) {
  ReaderOptions options;
  options.window_bytes = 64;
  options.record_bytes_max = record_bytes_max;
  options.json.path = path;
  return options;
}

/// Whole, byte by byte, at every split, with saves at every batch, and with a large window: all must say the same.
std::string says(const ReaderOptions& options, const Projection& projection, const std::string& text) {
  const std::string want = transcript_of<JsonReader>(options, projection, text);
  EXPECT_EQ(want.find("BROKEN"), std::string::npos) << want;
  EXPECT_EQ(transcript_of<JsonReader>(options, projection, text, pieces_of(1)), want) << text;
  for (size_t cut = 1; cut < text.size() && cut < 400; ++cut) {
    EXPECT_EQ(transcript_of<JsonReader>(options, projection, text, cut_at(cut)), want) << cut << " of " << text;
  }
  for (const size_t pieces : {0, 1, 5}) {
    EXPECT_EQ(transcript_with_resumes<JsonReader>(options, projection, text, pieces_of(pieces)), want) << text;
  }
  ReaderOptions large = options;
  large.window_bytes = 1 << 16;
  EXPECT_EQ(transcript_of<JsonReader>(large, projection, text), want) << text;
  return want;
}

/// The records, a blank between them, and how it ended. An element that is no object is shown as it is too, though it is a reject
/// (an_element_that_is_no_object_is_rejected): most tests are about where elements are found, and `1` is the shortest one.
std::string brief(const std::string& transcript) {
  std::string out;
  for (size_t at = 0; at < transcript.size();) {
    const size_t end = transcript.find('\n', at);
    const std::string line = transcript.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("record")) {
      size_t word = 0;
      for (int i = 0; i < 6; ++i) word = line.find(' ', word) + 1;
      out += line.substr(word) + " ";
    } else if (line.starts_with("reject") && line.find(" W2205 ") != std::string::npos) {
      size_t word = 0;
      for (int i = 0; i < 13; ++i) word = line.find(' ', word) + 1;
      out += line.substr(word) + " ";
    } else if (line.starts_with("reject")) {
      out += line.substr(line.find('W'), 5) + " ";
    } else if (line.starts_with("failed")) {
      out += line.substr(7, 5) + "@" + line.substr(line.find("byte ") + 5);
    } else {
      out += line;
    }
  }
  return out;
}

std::string brief_of(std::string_view path, const std::string& text) {
  TestProjection projection;
  projection.all();
  return brief(says(options_for(path), projection, text));
}

TEST(JsonReader, finds_the_array_at_its_path) {
  EXPECT_EQ(brief_of("Records[*]", R"({"Records":[{"a":1},{"b":2}]})"), R"({"a":1} {"b":2} end)");
  EXPECT_EQ(brief_of("Records", R"({"x":[1,{"Records":[9]}],"records":[8],"Records" : [ 1 , 2 ] , "y":[7]})"),
            "1 2 end");
  EXPECT_EQ(brief_of("$.a.b[*]", R"({"b":[0],"a":{"a":[1],"b":[2,3],"c":[4]},"d":{"b":[5]}})"), "2 3 end");
  EXPECT_EQ(brief_of("a[1].b[*]", R"({"a":[{"b":[0]},{"c":[9],"b":[1]},{"b":[2]}]})"), "1 end");
  EXPECT_EQ(brief_of("a[0].b[*]", R"({"a":[{"b":[0]},{"b":[1]}]})"), "0 end");
  EXPECT_EQ(brief_of("a[1]", R"({"a":[1,2],"a":[5,[3]]})"), "3 end") << "elements are counted anew";
  EXPECT_EQ(brief_of("[2][*]", R"([[1],"a,b",[2,3],[4]])"), "2 3 end");
  EXPECT_EQ(brief_of("[1][0]", R"([[1],[[2,3],[5]],[4]])"), "2 3 end");
  EXPECT_EQ(brief_of("[*]", "\xef\xbb\xbf [ 1,[2],\"3\" ] "), R"(1 [2] "3" end)");
  EXPECT_EQ(brief_of("$[*]", "[1]"), "1 end");
  EXPECT_EQ(brief_of("\"a.b\"[*]", R"({"a":{"b":[1]},"a.b":[2]})"), "2 end");
  EXPECT_EQ(brief_of("aé[*]", "{\"a\\u00e9\":[1]}"), "1 end");
  EXPECT_EQ(brief_of("a", "{\"\\u0061\":[1]}"), "1 end");
  EXPECT_EQ(brief_of("a", "{\"a\\n\":[1],\"aa\":[2],\"\":[3],\"a\":[]}"), "end");
  EXPECT_EQ(brief_of("a", R"({"a":1,"a":{"a":[1]},"a":[2]})"), "2 end") << "the first array counts";
  EXPECT_EQ(brief_of("", "[{},{}]"), "{} {} end");
  EXPECT_EQ(brief_of("", "[]"), "end");
  EXPECT_EQ(brief_of("", " {\"a\":[1,2]} \n"), "{\"a\":[1,2]} end");
  EXPECT_EQ(brief_of("", "12"), "12 end");
  EXPECT_EQ(brief_of("", " \"x\" "), "\"x\" end");
  EXPECT_EQ(brief_of("", " 1x "), "W2204 end");
}

TEST(JsonReader, an_element_that_is_no_object_is_rejected_whatever_is_asked_for) {
  TestProjection everything;
  everything.all();
  TestProjection some({"a"});
  TestProjection nothing;
  for (const TestProjection* projection : {&everything, &some, &nothing}) {
    const std::string said = says(options_for("r"), *projection, R"({"r":[1,[2],"x", null ,{},true]})");
    std::string codes;
    for (size_t at = 0; at < said.size(); at = said.find('\n', at) + 1) {
      const std::string_view word = std::string_view(said).substr(at, 6);
      codes += word == "record" ? "record " : word == "reject" ? said.substr(said.find('W', at), 5) + " " : "end";
    }
    EXPECT_EQ(codes, "W2205 W2205 W2205 W2205 record W2205 end") << said;
  }
}

TEST(JsonReader, says_that_the_path_leads_to_no_array) {
  for (const char* text : {R"({})", R"({"a":1})", R"({"a":{"b":{}}})", R"({"a":{"b":"[1]"}})", R"([{"a":{"b":[1]}}])",
                           R"(7)", R"({"A":{"b":[1]}})", R"({"a":[{"b":[1]}]})", R"({"a":{"c":[1]},"b":[2]})"}) {
    EXPECT_EQ(brief_of("a.b[*]", text), "W3011@" + std::to_string(std::string_view(text).size())) << text;
  }
  EXPECT_EQ(brief_of("[*]", "{\"a\":[1]}"), "W3011@9");
  EXPECT_EQ(brief_of("[3][*]", "[[1],[2],[3]]"), "W3011@13");
}

TEST(JsonReader, refuses_paths_it_can_not_understand) {
  TestProjection projection;
  for (const char* path : {"a.", ".a", "a..b", "a[", "a[x]", "a[]", "a[*].b", "a[*][*]", "a]", "\"a", "$a", "$.",
                           "a[1]b", "a[1234567890]", "$.[1]"}) {
    EXPECT_EQ(transcript_of<JsonReader>(options_for(path), projection, "x"), "not made: W2003\n") << path;
  }
  std::string deep = "a";
  for (int i = 0; i < 31; ++i) deep += ".a";
  EXPECT_TRUE(parse_json_path(deep).has_value());
  EXPECT_FALSE(parse_json_path(deep + ".a").has_value());
  for (const uint32_t depth : {0u, kJsonDepthLimit + 1}) {
    ReaderOptions options = options_for("a");
    options.json.depth_max = depth;
    EXPECT_EQ(transcript_of<JsonReader>(options, projection, "x"), "not made: W2003\n");
    EXPECT_EQ(transcript_of<NdjsonReader>(options, projection, "x"), "not made: W2003\n");
  }
}

TEST(JsonReader, tells_damage_of_the_document_from_bad_elements) {
  // Well delimited, bad within: rejects.
  EXPECT_EQ(brief_of("a", "{\"a\":[{\"x\":01},{},{\"x\" 1},tru,1 , {\"b\":\"\xff\"},\"\\q\",[,]]}"),
            "W2204 {} W2204 W2204 1 W2206 W2204 W2204 end");
  EXPECT_EQ(brief_of("a", "{\"a\":[{\"x\":\"\t\"},\xff,nul\\]}"), "W2204 W2206 W2204 end");
  // Brackets and separators of the document.
  EXPECT_EQ(brief_of("a", "{\"a\":[1,]}"), "1 W3010@8");
  EXPECT_EQ(brief_of("a", "{\"a\":[,1]}"), "W3010@6");
  EXPECT_EQ(brief_of("a", "{\"a\":[1 2]}"), "1 W3010@8");
  EXPECT_EQ(brief_of("a", "{\"a\":[{}{}]}"), "{} W3010@8");
  EXPECT_EQ(brief_of("a", "{\"a\":[1:2]}"), "1 W3010@7");
  EXPECT_EQ(brief_of("a", "{\"a\":[1}}"), "1 W3010@7");
  EXPECT_EQ(brief_of("a", "{\"a\":[1,{\"x\":[2},3]}"), "1 W3010@15");
  EXPECT_EQ(brief_of("a", "{\"a\":[1,[2},3]}"), "1 W3010@10");
  EXPECT_EQ(brief_of("a", "{\"a\":[1]]"), "1 W3010@8");
  EXPECT_EQ(brief_of("a", "{\"a\":[1],}"), "1 W3010@9");
  EXPECT_EQ(brief_of("a", "{\"a\":[1]}x"), "1 W3010@9");
  EXPECT_EQ(brief_of("a", "{\"a\":[1]} {\"a\":[2]}"), "1 W3010@10");
  EXPECT_EQ(brief_of("a", "{\"a\":[1],\"b\":tru}"), "1 W3010@16");
  EXPECT_EQ(brief_of("a", "{\"a\":[1],\"b\":\"\xff\"}"), "1 W3010@14");
  EXPECT_EQ(brief_of("a", "{\"b\":\"\n\",\"a\":[1]}"), "W3010@6");
  EXPECT_EQ(brief_of("a", "{\"a\":[1],\"a\":2,\"a\":[3]}"), "1 W3010@19");
  EXPECT_EQ(brief_of("a", "}"), "W3010@0");
  EXPECT_EQ(brief_of("", ","), "W3010@0");
  EXPECT_EQ(brief_of("", "{} {}"), "{} W3010@3");
  EXPECT_EQ(brief_of("", "1,2"), "1 W3010@1");
  EXPECT_EQ(brief_of("", "{\"a\":[}"), "W3010@6");
  EXPECT_EQ(brief_of("a", "\xff\xfe{"), "W2020@0");
}

TEST(JsonReader, says_that_a_document_ends_early_wherever_it_does) {
  TestProjection projection;
  projection.all();
  const std::string text = "{\"x\":[1,\"\\u00e9\xc3\xa9\"],\"a\":[{\"b\":\"1\"},2,[3],\"4\"],\"y\":{\"z\":-1.5e3}}";
  EXPECT_EQ(brief(transcript_of<JsonReader>(options_for("a"), projection, text)), "{\"b\":\"1\"} 2 [3] \"4\" end");
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string said = brief_of("a", text.substr(0, size));
    EXPECT_TRUE(said.ends_with("W3015@" + std::to_string(size))) << said << " at " << size;
  }
  EXPECT_EQ(brief_of("", ""), "W3015@0");
  EXPECT_EQ(brief_of("", "{\"a\":\""), "W3015@6");
  EXPECT_EQ(brief_of("", "\"a"), "W3015@2");
}

TEST(JsonReader, passes_over_oversize_elements_with_their_hash) {
  for (const size_t size : {39u, 40u, 41u, 42u, 100u, 350u}) {
    const std::string fill(size - 8, 'x');
    for (const std::string& element : {"{\"a\":\"" + fill + "\"}", "\"\\\"" + fill + "[[{}\"",
                                       "[" + std::string(size - 2, ' ') + "]", "1" + std::string(size - 1, '2')}) {
      const std::string said = brief_of("r", "{\"r\":[1," + element + ",{\"b\":2}],\"z\":0}");
      EXPECT_EQ(said, element.size() <= 40 ? "1 " + element + " {\"b\":2} end" : "1 W2201 {\"b\":2} end");
    }
    EXPECT_EQ(brief_of("r", "{\"r\":[1,[\"" + fill + "\"}]}"), "1 W3010@" + std::to_string(11 + fill.size()));
    EXPECT_EQ(brief_of("r", "{\"r\":[1,[\"" + fill), "1 W3015@" + std::to_string(10 + fill.size()));
  }
  EXPECT_EQ(brief_of("", "{\"a\":\"" + std::string(100, 'x') + "\"} "), "W2201 end");
  EXPECT_EQ(brief_of("", std::string(100, '1')), "W2201 end");
  TestProjection projection;
  const std::string element = "{\"a\":\"" + std::string(200, 'x') + "\"}";
  Sha256 hash;
  hash.update(element);
  uint64_t words[4];
  std::memcpy(words, hash.digest().data(), sizeof words);
  char want[200];
  std::snprintf(want, sizeof want, "reject 0 W2201 at 1 size %zu detail 0 0 hash 1 %016lx%016lx%016lx%016lx ",
                element.size(), words[0], words[1], words[2], words[3]);
  EXPECT_EQ(says(options_for("[*]"), projection, "[" + element + "]"), want + element + "\nend\n");
}

TEST(JsonReader, bounds_depth_around_and_inside_of_records) {
  TestProjection projection;
  projection.all();
  ReaderOptions options = options_for("a", 300'000);
  options.json.depth_max = 3;
  EXPECT_EQ(brief(says(options, projection, "{\"a\":[[[[]]],[[[[]]]]]}")), "[[[]]] W2207 end");
  EXPECT_EQ(brief(says(options, projection, "{\"b\":[[1]],\"c\":[[[1]]]}")), "W3010@17");
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(brief(transcript_of<JsonReader>(options, projection, "{\"a\":[" + deep + ",1]}", pieces_of(1000))),
            "W2207 1 end");
  EXPECT_EQ(brief(transcript_of<JsonReader>(options, projection, deep, pieces_of(1000))), "W3010@3");
  EXPECT_EQ(brief(transcript_of<JsonReader>(options_for("a"), projection, "{\"a\":[" + deep + ",1]}", pieces_of(1000))),
            "W2201 1 end");
}

TEST(JsonReader, says_the_same_of_a_large_document_however_it_arrives) {
  TestProjection projection({"a", "name", "b.a", "id.0"});
  JsonMaker good(1, 0);
  JsonMaker dirty(2, 1);
  std::string text = "{\"meta\":" + good.object() + ",\"Records\":[";
  int count = 0;
  for (int i = 0; i < 8000; ++i) {
    std::string element = dirty.object();
    // Only damage that leaves brackets and quotes whole.
    JsonFrame frame;
    frame.begin('{');
    size_t used = 0;
    if (frame.feed(element, used) != JsonFrame::Verdict::kDone || used != element.size()) element = good.object();
    if (i % 300 == 0) element = "\"" + std::string(500, 'x') + "\"";
    text += (i != 0 ? "," : "") + element;
    ++count;
  }
  text += "],\"after\":" + good.object() + "}";
  const ReaderOptions options = options_for("Records[*]", 400);
  const std::string want = transcript_of<JsonReader>(options, projection, text);
  EXPECT_TRUE(want.ends_with("\nend\n")) << want.substr(want.size() - 300);
  EXPECT_NE(want.find(" " + std::to_string(count - 1) + " "), std::string::npos);
  EXPECT_NE(want.find("W2204"), std::string::npos);
  EXPECT_NE(want.find("W2201"), std::string::npos);
  for (uint64_t seed = 0; seed < 6; ++seed) {
    std::mt19937_64 random(seed);
    const Pieces pieces = [&](size_t) { return 1 + random() % (seed % 2 == 0 ? 17 : 3000); };
    EXPECT_TRUE(transcript_of<JsonReader>(options, projection, text, pieces) == want) << seed;
    EXPECT_TRUE(transcript_with_resumes<JsonReader>(options, projection, text, pieces) == want) << seed;
    ReaderOptions other = options;
    other.window_bytes = static_cast<uint32_t>(64 + random() % 5000);
    EXPECT_TRUE(transcript_of<JsonReader>(other, projection, text, pieces) == want) << seed;
  }
}

TEST(JsonReader, goes_on_from_a_state_saved_behind_every_byte) {
  // Between reads at any supply the window's begin is a place to go on from: in names, escapes, literals, skipped elements.
  TestProjection projection({"b"});
  const std::string text =
      "\xef\xbb\xbf {\"\\u0061x\":[tru"
      "e,\"\\\\\xc3\xa9\"],\"n\\u00e9\\ud83d\\ude00\":{\"a\":[{\"b\":1}, {\"b\":\"" +
      std::string(120, 'y') + "\\\"\"},{\"b\":2}]},\"z\":-1.5E+3}";
  const ReaderOptions options = options_for("né😀.a[*]");
  const std::string want = transcript_of<JsonReader>(options, projection, text);
  ASSERT_EQ(brief(want), "{\"b\":1} | 1 W2201 {\"b\":2} | 2 end");
  for (size_t cut = 1; cut < text.size(); ++cut) {
    std::string out;
    std::string broken;
    uint64_t next_record = 0;
    ReaderRoom<JsonReader> first(options, projection);
    RecordBatch batch;
    Error error;
    for (size_t at = 0;;) {
      const Step step = first->read(batch, error);
      if (step == Step::kHaveOutput) {
        transcript::add_batch(batch, out, next_record, broken);
      } else if (at == cut) {
        break;
      } else {
        const size_t take = std::min(cut - at, first->window().room().size());
        std::memcpy(first->window().room().data(), text.data() + at, take);
        first->window().supply(take);
        at += take;
      }
    }
    std::vector<char> state(first->state_bytes_max());
    StateWriter writer(state);
    first->save(writer);
    ASSERT_TRUE(writer.ok());
    ReaderRoom<JsonReader> second(options, projection);
    StateReader reader({state.data(), writer.size()});
    ASSERT_TRUE(second->load(reader) && reader.at_end());
    const size_t at = first->window().base_decoded_byte() + first->window().begin();
    transcript::drive(*second.get(), text, at, pieces_of(0), ~size_t{0}, out, next_record, broken);
    EXPECT_EQ(out + broken, want) << cut;
    for (size_t size = 0; size < writer.size(); size += 7) {
      ReaderRoom<JsonReader> third(options, projection);
      StateReader cut_short({state.data(), size});
      EXPECT_FALSE(third->load(cut_short)) << size;
    }
  }
}

void say_the_same_of_elements_and_lines(const Projection& projection, bool touched) {
  JsonMaker maker(5, 0);
  ReaderOptions options;
  options.json.touched = touched;
  std::string lines;
  std::string document = "[";
  for (int i = 0; i < 3000; ++i) {
    const std::string object = maker.object();
    lines += object + "\n";
    document += (i != 0 ? ",\n" : "") + object;
  }
  const std::string a = brief(transcript_of<NdjsonReader>(options, projection, lines));
  const std::string b = brief(transcript_of<JsonReader>(options, projection, document + "]"));
  EXPECT_TRUE(a == b);
  EXPECT_TRUE(a.ends_with("end") && a.size() > lines.size());
}

TEST(JsonReader, says_of_elements_what_ndjson_says_of_lines) {
  say_the_same_of_elements_and_lines(TestProjection({"a", "name", "b.a", "id.0"}), false);
  say_the_same_of_elements_and_lines(TestProjection({"a", "name"}), true);
  say_the_same_of_elements_and_lines(TestProjection({"b"}), true);
}

TEST(JsonReader, with_touched_still_finds_where_elements_end_and_stops_on_damage_of_it) {
  const auto said = [](const std::string& text) {
    ReaderOptions options = options_for("[*]", 400);
    options.json.touched = true;
    const TestProjection projection({"a"});
    const std::string want = transcript_of<JsonReader>(options, projection, text);
    EXPECT_EQ(transcript_of<JsonReader>(options, projection, text, pieces_of(1)), want);
    return want;
  };
  // Behind the field: an escape, a number, UTF-8, a comma, a control byte, and what is no JSON at all.
  const std::string odd =
      "[{\"a\":1,\"b\":\"\\q\"},{\"a\":2,\"b\":01},{\"a\":3,\"b\":\"\xff\"},{\"a\":4 \"b\" 1},{\"a\":5,\"\x01\":{]";
  EXPECT_NE(said(odd).find("W3"), std::string::npos);
  const std::string fine = said(odd.substr(0, odd.rfind(",{")) + ",{\"a\":6,\"\x01\":{\\}}]");
  EXPECT_EQ(fine.find("reject"), std::string::npos) << fine;
  EXPECT_TRUE(fine.ends_with("\nend\n")) << fine;
  // Before it, and where it is missing, all is validated.
  const std::string bad = said("[{\"b\":01,\"a\":1},{\"b\":01},{\"b\":1}]");
  EXPECT_NE(bad.find("reject"), std::string::npos) << bad;
  EXPECT_NE(bad.find("reject", bad.find("reject") + 1), std::string::npos) << bad;
}

TEST(JsonReader, forgets_what_it_indexed_when_the_window_moves) {
  // The second supply lies where the first one lay, and its element where a comma was: an index of the first would pass over
  // everything up to the second chunk.
  TestProjection projection({"a"});
  ReaderOptions options = options_for("[*]", 2000);
  options.window_bytes = 2000;
  std::string first = "{},";
  first.resize(1500, ' ');
  std::string second = "  {";
  second.resize(1000, '!');
  second.resize(1200, ' ');
  second += "\"a\":1}";
  second.resize(1500, ' ');
  const std::string text = "[" + first + second + "]";
  const Pieces pieces = [](size_t done) { return done == 0 ? size_t{1} : size_t{1500}; };
  EXPECT_EQ(brief(transcript_of<JsonReader>(options, projection, text, pieces)), "{} | - W2204 end");
}

TEST(JsonReader, reads_a_record_of_ten_megabytes) {
  TestProjection projection({"z"});
  ReaderOptions options = options_for("[*]", 10'000'000);
  std::string big = "{\"a\":[0";
  for (int i = 0; i < 1'200'000; ++i) big += ",\"[x]\"";
  big += "],\"z\":1}";
  const std::string document = "[" + big + ",{\"z\":2}]";
  EXPECT_TRUE(brief(transcript_of<JsonReader>(options, projection, document, pieces_of(5000)))
                  .ends_with("} | 1 {\"z\":2} | 2 end"));
  options.record_bytes_max = 5'000'000;
  EXPECT_EQ(brief(transcript_of<JsonReader>(options, projection, document, pieces_of(5000))),
            "W2201 {\"z\":2} | 2 end");
}

}  // namespace
}  // namespace weir

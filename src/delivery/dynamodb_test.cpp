#include "delivery/dynamodb.hpp"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "delivery/delivery_testing.hpp"
#include "delivery/dynamodb_item.hpp"
#include "format/json_automaton.hpp"

namespace weir {
namespace {

using testing::feed;
using testing::RecordingFates;
using Verdict = DynamoDbNumber::Verdict;

class DynamoDb : public ::testing::Test {
 protected:
  DynamoDb() {
    options_.address = "dynamodb://orders";
    options_.key = {"id"};
    options_.environment = [](std::string_view) { return std::string_view{}; };
    options_.aws = &session_;
    make();
  }
  void make() {
    auto made = destination_kind(options_.address)->make(options_);
    ASSERT_TRUE(made) << made.error().detail.view();
    table_ = std::move(*made);
  }
  Result<EncodedMessage> encode(std::string_view text, size_t room = 1 << 21) {
    room_.assign(room, '#');
    return table_->encode({.text = text, .id = "0123abcd-7", .source = {}, .place = {}, .size = 0}, 3, room_);
  }
  /// The item, or why there is none.
  std::string item(std::string_view text) {
    const auto made = encode(text);
    if (!made)
      return std::string(code_info(made.error().code).message) + ": " + std::string(made.error().detail.view());
    std::string_view whole(room_.data(), made->bytes);
    constexpr std::string_view kBefore = R"({"PutRequest":{"Item":)";
    EXPECT_TRUE(whole.starts_with(kBefore) && whole.ends_with("}}"));
    return std::string(whole.substr(kBefore.size(), whole.size() - kBefore.size() - 2));
  }
  uint64_t key(std::string_view text) { return encode(text)->key; }
  uint64_t counted(std::string_view text) { return encode(text)->counted; }

  DestinationOptions options_;
  AwsSession session_;
  std::unique_ptr<Destination> table_;
  std::vector<char> room_;
};

TEST_F(DynamoDb, EachKindOfValueHasItsType) {
  EXPECT_EQ(
      item(
          R"({"id":"a","n":-1.50e3,"t":true,"f":false,"z":null,"m":{"x":{},"y":[]},"l":[1,"b",[null],{"c":""}],"e":""})"),
      R"({"id":{"S":"a"},"n":{"N":"-1.50e3"},"t":{"BOOL":true},"f":{"BOOL":false},"z":{"NULL":true},)"
      R"("m":{"M":{"x":{"M":{}},"y":{"L":[]}}},"l":{"L":[{"N":"1"},{"S":"b"},{"L":[{"NULL":true}]},{"M":{"c":{"S":""}}}]},"e":{"S":""}})");
  EXPECT_EQ(item(" { \"id\" :\t1 , \"a\" : [ 1 , true ] ,\n\"b\":{ \"c\" : null } } "),
            R"({"id":{"N":"1"},"a":{"L":[{"N":"1"},{"BOOL":true}]},"b":{"M":{"c":{"NULL":true}}}})");
}

TEST_F(DynamoDb, TheFrameNamesTheTable) {
  char room[Destination::kFrameBytesMax];
  EXPECT_EQ(table_->begin({}, room), R"({"RequestItems":{"orders":[)");
  EXPECT_EQ(table_->end({}, room), "]}}");
  const size_t bytes = encode(R"({"id":1})")->bytes;
  EXPECT_EQ(std::string_view(room_.data(), bytes), R"({"PutRequest":{"Item":{"id":{"N":"1"}}}})");
}

TEST_F(DynamoDb, TextsKeepTheirEscapes) {
  EXPECT_EQ(item(R"({"id":"\"\\\/\n\u0000\u00e9\ud83d\ude00é😀","a\"}":1})"),
            R"({"id":{"S":"\"\\\/\n\u0000\u00e9\ud83d\ude00é😀"},"a\"}":{"N":"1"}})");
}

TEST_F(DynamoDb, WhatIsNoItemIsRefusedWithTheReason) {
  for (const char* text :
       {"", " ", "text", "[]", "1", "null", "\"id\"", "{\"id\":1", "{\"id\":NaN}", "{\"id\":Infinity}", "{\"id\":-}",
        "{\"id\":01}", "{\"id\":1}x", "{\"id\":1,}", "{\"id\":\"\n\"}"}) {
    EXPECT_EQ(item(text), "the record can't be sent to this service: dynamodb takes items: this is no JSON object")
        << text;
  }
  EXPECT_EQ(encode("{\"id\":\"\xff\"}").error().code, Code::kBadUtf8);
  const auto refused = [&](const char* text, const char* reason) {
    const auto made = encode(text);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, Code::kNotSendable);
    EXPECT_EQ(made.error().detail.view(), reason);
  };
  refused("{}", "dynamodb: `id` is of the table's key, and not there");
  refused(R"({"a":{"id":1}})", "dynamodb: `id` is of the table's key, and not there");
  refused(R"({"id":null})", "dynamodb: `id` is of the table's key, which is a text or a number");
  refused(R"({"id":true})", "dynamodb: `id` is of the table's key, which is a text or a number");
  refused(R"({"id":[1]})", "dynamodb: `id` is of the table's key, which is a text or a number");
  refused(R"({"id":{}})", "dynamodb: `id` is of the table's key, which is a text or a number");
  refused(R"({"id":""})", "dynamodb: `id` is of the table's key, and empty");
  refused(R"({"id":1,"":2})", "dynamodb takes no attribute without a name");
  refused(R"({"id":1,"a":{"":2}})", "dynamodb takes no attribute without a name");
  refused(R"({"id":1,"a":"\ud800"})", "dynamodb: `a` holds half of a surrogate pair");
  refused(R"({"id":1,"a":"\ud800\ud83d\ude00"})", "dynamodb: `a` holds half of a surrogate pair");
  refused(R"({"id":1,"\udc00":2})", "dynamodb: `\\udc00` holds half of a surrogate pair");
  refused(R"({"id":1,"a":[1e126]})",
          "dynamodb: `a` is a number outside of 1e-130 to 9.99e125; as text it can be sent: CAST(x AS TEXT)");
  refused(R"({"id":1,"a":123456789012345678901234567890123456789})",
          "dynamodb: `a` is a number of more than 38 digits; as text it can be sent: CAST(x AS TEXT)");
}

TEST_F(DynamoDb, KeysHaveBoundsOfTheirOwn) {
  options_.key = {"id", "at"};
  make();
  const auto text = [](size_t id, size_t at) {
    return "{\"id\":\"" + std::string(id, 'x') + "\",\"at\":\"" + std::string(at, 'y') + "\"}";
  };
  EXPECT_TRUE(encode(text(2048, 1024)));
  EXPECT_FALSE(encode(text(2049, 1024)));
  EXPECT_FALSE(encode(text(2048, 1025)));
  EXPECT_FALSE(encode(R"({"id":1})"));
  EXPECT_FALSE(encode(R"({"at":1})"));
}

TEST_F(DynamoDb, TheKeyIsTheValueNotItsSpelling) {
  const uint64_t one = key(R"({"id":1})");
  for (const char* spelling : {"1.0", "1e0", "10e-1", "0.1E+1", "1.00000000000000000000000000000000000000000000000000"})
    EXPECT_EQ(key("{\"id\":" + std::string(spelling) + "}"), one) << spelling;
  for (const char* other : {"-1", "10", "0", "1.1", "0.1"})
    EXPECT_NE(key("{\"id\":" + std::string(other) + "}"), one) << other;
  EXPECT_EQ(key(R"({"id":0})"), key(R"({"id":-0.0e5})"));
  EXPECT_EQ(key(R"({"id":"é/"})"), key(R"({"a":2,"\u0069d":"\u00e9\/"})"));
  EXPECT_NE(key(R"({"id":"a"})"), key(R"({"id":"b"})"));
  options_.key = {"id", "at"};
  make();
  EXPECT_EQ(key(R"({"id":"a","at":1})"), key(R"({"at":1.0,"id":"a"})"));
  EXPECT_NE(key(R"({"id":"a","at":"b"})"), key(R"({"id":"b","at":"a"})"));
  EXPECT_NE(key(R"({"id":"a|b","at":"c"})"), key(R"({"id":"a","at":"b|c"})"));
}

TEST_F(DynamoDb, OfMembersOfOneNameTheLastCountsAtEachLevel) {
  EXPECT_EQ(item(R"({"id":1,"a":[{"b":1}],"id":2,"a":3})"), R"({"id":{"N":"2"},"a":{"N":"3"}})");
  EXPECT_EQ(item(R"({"a":1,"a":{"id":3},"id":2,"a":"x"})"), R"({"id":{"N":"2"},"a":{"S":"x"}})");
  EXPECT_EQ(item(R"({"id":1,"m":{"x":{"y":1},"z":2,"x":[{"z":1,"z":2}]},"x":4})"),
            R"({"id":{"N":"1"},"m":{"M":{"z":{"N":"2"},"x":{"L":[{"M":{"z":{"N":"2"}}}]}}},"x":{"N":"4"}})");
  EXPECT_EQ(item(R"({"\u0069d":"}","id":2,"a/":1,"a\/":2})"), R"({"id":{"N":"2"},"a\/":{"N":"2"}})");
  // What is taken the place of is not judged.
  EXPECT_EQ(item(R"({"id":null,"a":1e999,"a":1,"id":2})"), R"({"a":{"N":"1"},"id":{"N":"2"}})");
  EXPECT_FALSE(encode(R"({"id":1,"id":null})"));
  EXPECT_EQ(counted(R"({"id":1,"id":2})"), counted(R"({"id":2})"));
  std::string many = "{\"id\":1";
  for (size_t i = 0; i < 64; ++i) many += ",\"a\":1";
  EXPECT_EQ(item(many + ",\"a\":2}"), R"({"id":{"N":"1"},"a":{"N":"2"}})");
  EXPECT_FALSE(encode(many + ",\"a\":2,\"a\":3}"));
}

TEST_F(DynamoDb, ManyMembersAreToldApart) {
  for (const size_t members : {400, 511, 512, 5000, 30000}) {
    std::string text = "{\"id\":1";
    std::string expected = "{\"id\":{\"N\":\"1\"}";
    text += ",\"7\":\"no\"";
    for (size_t i = 0; i < members; ++i) {
      text += ",\"" + std::to_string(i) + "\":0";
      expected += ",\"" + std::to_string(i) + "\":{\"N\":\"0\"}";
    }
    text += ",\"again\":0}";
    expected += ",\"again\":{\"N\":\"0\"}}";
    EXPECT_EQ(item(text), expected);
  }
}

TEST_F(DynamoDb, DepthIsThatOfTheService) {
  // An attribute's value is at level 1, the deepest that is taken at 32.
  const auto nested = [](size_t levels, const char* open, const char* close) {
    std::string text = "{\"id\":1,\"d\":";
    for (size_t i = 1; i < levels; ++i) text += open;
    text += "0";
    for (size_t i = 1; i < levels; ++i) text += close;
    return text + "}";
  };
  EXPECT_TRUE(encode(nested(32, "[", "]")));
  EXPECT_TRUE(encode(nested(32, "{\"n\":", "}")));
  for (const size_t levels : {33, 34, 64, 1000, 100'000}) {
    EXPECT_EQ(encode(nested(levels, "[", "]")).error().detail.view(),
              "dynamodb takes no value nested deeper than 32 levels");
    EXPECT_FALSE(encode(nested(levels, "{\"n\":", "}")));
  }
}

TEST_F(DynamoDb, ItemsAreCountedAsTheServiceCounts) {
  EXPECT_EQ(counted(R"({"id":"abc"})"), 2u + 3u);
  EXPECT_EQ(counted(R"({"id":"\u00e9é"})"), 2u + 4u);
  EXPECT_EQ(counted(R"({"id":"\ud83d\ude00\n"})"), 2u + 5u);
  EXPECT_EQ(counted(R"({"id":12345})"), 2u + 4u);
  EXPECT_EQ(counted(R"({"id":-12345})"), 2u + 5u);
  EXPECT_EQ(counted(R"({"id":1000000})"), 2u + 2u);
  EXPECT_EQ(counted(R"({"id":1,"a":true,"b":null})"), 4u + 2u + 2u);
  EXPECT_EQ(counted(R"({"id":1,"é":[]})"), 4u + 2u + 3u);
  EXPECT_EQ(counted(R"({"id":1,"m":{"ab":"c","d":[true]}})"), 4u + 1u + 3u + (1u + 2u + 1u) + (1u + 1u + 3u + 1u + 1u));
  EXPECT_EQ(table_->limits().messages_max, 25u);
  EXPECT_EQ(table_->limits().message_bytes_max, 409'600u);
  EXPECT_EQ(table_->limits().request_bytes_max, 16'777'216u);
  EXPECT_EQ(table_->key_rule(), KeyRule::kOnce);
}

TEST_F(DynamoDb, WhatDoesNotFitIsToldAtEachSizeOfTheRoom) {
  const std::string text = R"({"id":"x","m":{"a":[1,null,"\n"],"b":false}})";
  const auto whole = encode(text);
  for (size_t room = 0; room < whole->bytes + Destination::kSlack + 2; ++room) {
    const auto made = encode(text, room);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->counted, whole->counted);
    EXPECT_EQ(made->key, whole->key);
    EXPECT_EQ(made->bytes, room < whole->bytes + Destination::kSlack ? 0 : whole->bytes) << room;
    // Nor does the verdict depend on the room.
    EXPECT_FALSE(encode(R"({"id":"x","a":1e999})", room));
  }
  EXPECT_EQ(encode("{\"id\":\"" + std::string(16u << 20, 'x') + "\"}", 1).error().code, Code::kMessageTooLarge);
}

TEST_F(DynamoDb, NumbersHaveTheServicesBounds) {
  const auto read = [](std::string_view text) {
    DynamoDbNumber number;
    return number.read(text);
  };
  const std::string nines(38, '9');
  for (const std::string& text :
       {std::string("0"), std::string("-0"), std::string("0e125"), nines, "-" + nines, "0." + nines, nines + "e88",
        nines + "000", std::string("1e-130"), std::string("1e125"), std::string("1E+125"),
        "0." + std::string(129, '0') + "1", "1" + std::string(125, '0'), "1." + std::string(500, '0'),
        std::string("0.1e126"), std::string("10e-131")}) {
    EXPECT_EQ(read(text), Verdict::kGood) << text;
  }
  for (const std::string& text : {nines + "9", "1" + std::string(37, '0') + "1", "1." + std::string(37, '0') + "1",
                                  "1" + std::string(9999, '0') + "1"})
    EXPECT_EQ(read(text), Verdict::kTooLong) << text;
  for (const std::string& text :
       {std::string("1e126"), std::string("-1e126"), std::string("9.99e-131"), "1" + std::string(126, '0'),
        nines + "e89", std::string("0e999999999999999999999"), std::string("1e-99999999999999999999")}) {
    EXPECT_EQ(read(text), Verdict::kOutOfRange) << text;
  }
  for (const char* text : {"", "-", ".", "e1", "1e", "1e+", "1x", "1.2.3", "NaN", "--1"})
    EXPECT_EQ(read(text), Verdict::kNoNumber) << text;
  DynamoDbNumber number;
  number.read("-0.00120300e7");
  EXPECT_EQ(number.digits.view(), "1203");
  EXPECT_EQ(number.magnitude, 4);
  EXPECT_TRUE(number.negative);
}

TEST_F(DynamoDb, AddressesAndKeysThatCanNotBeAreRefused) {
  const auto refused = [&] {
    const auto made = DynamoDbDestination::make(options_);
    return made ? Code::kOk : made.error().code;
  };
  for (const std::string& address :
       {std::string("dynamodb://"), std::string("dynamodb://ab"), std::string("dynamodb://a/bc"),
        "dynamodb://" + std::string(256, 'a'), std::string("dynamodb://arn:aws:dynamodb:r:1:table/a")}) {
    options_.address = address;
    EXPECT_EQ(refused(), Code::kBadUrl) << address;
  }
  options_.address = "dynamodb://abc";
  EXPECT_EQ(refused(), Code::kOk);
  for (const std::vector<std::string>& columns :
       {std::vector<std::string>{}, {"a", "b", "c"}, {"a", "a"}, {""}, {std::string(256, 'a')}}) {
    options_.key = columns;
    EXPECT_EQ(refused(), Code::kContradiction);
  }
  options_.key = {"a"};
  options_.json = false;
  EXPECT_EQ(refused(), Code::kContradiction);
}

TEST_F(DynamoDb, WhatWasNotProcessedIsToldByItsKey) {
  const RecordingFates::Failed none = {RecordingFates::By::kKey, 0, MessageFailure::kThrottled, "UnprocessedItems", ""};
  const auto failed = [&](uint64_t of) {
    RecordingFates::Failed one = none;
    one.which = of;
    return one;
  };
  const std::string reply =
      R"({"UnprocessedItems":{"orders":[{"PutRequest":{"Item":{"a":{"M":{"id":{"S":"no"}}},"id":{"S":"a\u00e9"}}}},)"
      R"({"PutRequest":{"Item":{"id":{"N":"150"},"l":{"L":[{"S":"x"}]}}}}]},"ConsumedCapacity":[{"TableName":"orders"}]})";
  for (const size_t step : {1, 3, 1000}) {
    RecordingFates fates;
    ASSERT_TRUE(feed(*table_, reply, fates, step));
    EXPECT_EQ(fates.all, (std::vector{failed(key(R"({"id":"aé"})")), failed(key(R"({"id":1.5e2})"))}));
  }
  options_.key = {"id", "at"};
  make();
  const uint64_t of = key(R"({"id":"x","at":7.0})");
  for (const char* entry : {R"({"at":{"N":"7"},"id":{"S":"x"}})", R"({"id":{"S":"x"},"b":{"N":"1"},"at":{"N":"7"}})"}) {
    RecordingFates fates;
    ASSERT_TRUE(feed(*table_, R"({"UnprocessedItems":{"orders":[{"PutRequest":{"Item":)" + std::string(entry) + "}}]}}",
                     fates));
    EXPECT_EQ(fates.all, std::vector{failed(of)});
  }
  // Of an entry that does not say which it is, all may be.
  for (const char* entry : {"{}", "7", R"({"PutRequest":{"Item":{"id":{"S":"x"}}}})",
                            R"({"DeleteRequest":{"Key":{"id":{"S":"x"},"at":{"S":"x"}}}})",
                            R"({"PutRequest":{"Item":{"id":{"S":1},"at":{"S":"x"}}}})"}) {
    RecordingFates fates;
    ASSERT_TRUE(feed(*table_, R"({"UnprocessedItems":{"orders":[)" + std::string(entry) + "]}}", fates));
    EXPECT_EQ(fates.all, std::vector{none}) << entry;
  }
  RecordingFates both;
  ASSERT_TRUE(feed(*table_,
                   R"({"UnprocessedItems":{"orders":[{"PutRequest":{"Item":{"id":{"S":"x"},"at":{"N":"7"}}}},{}]}})",
                   both));
  EXPECT_EQ(both.all, (std::vector{failed(of), none}));
  RecordingFates fates;
  ASSERT_TRUE(feed(*table_, R"({"UnprocessedItems":{}})", fates));
  EXPECT_TRUE(fates.all.empty());
}

/// Random JSON, made together with the item that it must become.
class Twin {
 public:
  explicit Twin(uint32_t seed) : random_(seed) {}

  std::string json;
  std::string item;

  void object(size_t levels) {
    std::vector<std::pair<std::string, std::string>> members;
    json += "{" + blank();
    const uint32_t count = below(6);
    for (uint32_t i = 0; i < count + (levels == 0); ++i) {
      const std::string name = levels == 0 && i == count ? "id" : std::string(1, static_cast<char>('a' + below(12)));
      json += (i != 0 ? "," + blank() : "") + "\"" + name + "\"" + blank() + ":" + blank();
      const std::string before = std::exchange(item, {});
      if (levels == 0 && i == count) {
        json += "\"k\"";
        item = "{\"S\":\"k\"}";
      } else {
        value(levels + 1);
      }
      std::erase_if(members, [&](const auto& member) { return member.first == name; });
      members.emplace_back(name, std::exchange(item, before));
      json += blank();
    }
    json += "}";
    item += "{";
    for (size_t i = 0; i < members.size(); ++i)
      item += (i != 0 ? ",\"" : "\"") + members[i].first + "\":" + members[i].second;
    item += "}";
  }

 private:
  uint32_t below(uint32_t bound) { return random_() % bound; }
  std::string blank() { return below(8) == 0 ? " \n" : ""; }
  void both(const std::string& text, const char* before, const char* behind) {
    json += text;
    item += before + text + behind;
  }
  void value(size_t level) {
    static const char* const kTexts[] = {
        "", "x", "\\\"", "\\\\", "}{][,:", "\\u00e9", "😀", "\\ud83d\\ude00", "long long long text"};
    static const char* const kNumbers[] = {"0",    "-1",      "3.25",
                                           "1e10", "-2.5E-7", "99999999999999999999999999999999999999"};
    switch (below(level < 6 ? 7 : 4)) {
      case 0:
        return both(std::string("\"") + kTexts[below(9)] + "\"", "{\"S\":", "}");
      case 1:
        return both(kNumbers[below(6)], "{\"N\":\"", "\"}");
      case 2:
        return both(below(2) == 0 ? "true" : "false", "{\"BOOL\":", "}");
      case 3:
        json += "null";
        item += "{\"NULL\":true}";
        return;
      case 4: {
        json += "[" + blank();
        item += "{\"L\":[";
        const uint32_t count = below(4);
        for (uint32_t i = 0; i < count; ++i) {
          json += i != 0 ? "," + blank() : "";
          item += i != 0 ? "," : "";
          value(level + 1);
          json += blank();
        }
        json += "]";
        item += "]}";
        return;
      }
      default:
        item += "{\"M\":";
        object(level);
        item += "}";
    }
  }

  std::mt19937 random_;
};

TEST_F(DynamoDb, RandomObjectsBecomeTheirItems) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    Twin twin(seed);
    twin.object(0);
    ASSERT_EQ(item(twin.json), twin.item) << seed << " " << twin.json;
    ASSERT_TRUE(check_json(twin.item, 128).ok());
  }
}

}  // namespace
}  // namespace weir

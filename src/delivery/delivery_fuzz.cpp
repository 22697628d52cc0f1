// Any text as a message, and any text as a reply. The first two bytes choose the room, the third what is asked for.
//
// A message: nothing is written behind the room (the sanitizer sees it), the verdict does not depend on the room, what was written is JSON in its frame.
// A reply: fates are given in any number, and nothing else happens.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/delivery_testing.hpp"
#include "delivery/destinations.hpp"
#include "delivery/json_walk.hpp"
#include "format/json_automaton.hpp"

using namespace weir;

namespace {

constexpr size_t kRoomMax = 4096;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Told {
  Code code = Code::kOk;
  EncodedMessage encoded;
  std::string text;
};

Told encode(const Destination& destination, std::string_view text, size_t room_bytes) {
  // A block of its own of just this size.
  std::vector<char> room(room_bytes);
  const Message message = {.text = text, .id = "0123456789abcdef-42", .source = "in", .place = {}, .size = text.size()};
  const auto made = destination.encode(message, 7, room);
  Told told;
  if (!made) {
    told.code = made.error().code;
    require(code_info(told.code).exit == Exit::kNone);
    return told;
  }
  told.encoded = *made;
  require(made->bytes + Destination::kSlack <= room_bytes || made->bytes == 0);
  told.text.assign(room.data(), made->bytes);
  return told;
}

void check_message(const Destination& destination, std::string_view text, size_t room_bytes, bool json) {
  const Told whole = encode(destination, text, 1024 + 64 * text.size());
  const Told small = encode(destination, text, room_bytes);
  if (whole.code != Code::kOk) {
    // Of text that is no UTF-8 some notice only as they write it.
    require(small.code == whole.code ||
            (whole.code == Code::kBadUtf8 && small.code == Code::kOk && small.encoded.bytes == 0));
    return;
  }
  require(small.code == Code::kOk && (whole.encoded.bytes != 0 || whole.encoded.nothing));
  require(small.encoded.counted == whole.encoded.counted && small.encoded.key == whole.encoded.key);
  // An escape may be taken for longer than it is: what fits just so may be said not to.
  require(small.text.empty() || small.text == whole.text);
  require(!small.text.empty() || whole.encoded.nothing ||
          whole.encoded.bytes + 5 * text.size() + Destination::kSlack > room_bytes);

  char begin[Destination::kFrameBytesMax];
  char end[Destination::kFrameBytesMax];
  const BatchInfo batch;
  std::string framed(destination.begin(batch, begin));
  framed.append(whole.text).append(destination.separator()).append(whole.text).append(destination.end(batch, end));
  if (!json) return;
  require(check_json(framed, 128).ok());
  JsonWalk walk;
  const auto on_value = [] {};
  require((walk.feed(framed, on_value) && walk.finish(on_value)) == check_json(framed, JsonWalk::kDepthMax).ok());
}

void check_reply(const Destination& destination, std::string_view reply) {
  testing::RecordingFates fates;
  const bool json = testing::feed(destination, reply, fates, 1);
  testing::RecordingFates again;
  require(testing::feed(destination, reply, again, 13) == json && again.all == fates.all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t room_bytes = (data[0] | static_cast<size_t>(data[1]) << 8) % (kRoomMax + 1);
  const bool keyed = (data[2] & 1) != 0;
  const std::string text(reinterpret_cast<const char*>(data) + 3, size - 3);

  AwsSession session;
  session.aws.endpoint.region = "eu-central-1";
  const auto nothing = [](std::string_view) { return std::string_view{}; };
  HttpSession web;
  struct Case {
    std::string_view address;
    bool framed_json = true;  ///< a request's body is JSON
    bool text = false;  ///< messages are any text, not JSON
    bool array = false;
  };
  constexpr Case kCases[] = {{"sqs://queue"},
                             {"sqs://queue.fifo"},
                             {"kinesis://stream"},
                             {"firehose://stream"},
                             {"dynamodb://table"},
                             {"events://bus"},
                             {"sns://123456789012/topic", false},
                             {"sns://123456789012/topic.fifo", false},
                             {"lambda://function", true, true},
                             {"https://host/path", false},
                             {"https://host/path", false, true}};
  for (const Case& c : kCases) {
    const std::string_view address = c.address;
    DestinationOptions options;
    options.address = address;
    options.json = !c.text;
    options.array = c.array;
    options.aws = &session;
    options.web = &web;
    options.environment = nothing;
    const DestinationKind* kind = destination_kind(address);
    if (kind->needs_key ||
        (kind->takes_key && keyed && address != "sqs://queue" && address != "sns://123456789012/topic"))
      options.key = {"id"};
    if (kind->needs_key && keyed) options.key.emplace_back("at");
    const auto made = kind->make(options);
    require(made.has_value());
    check_message(**made, text, room_bytes, c.framed_json);
    check_reply(**made, text);
  }
  return 0;
}

// Any bytes as an event: what is said of it does not depend on the rooms it is written to, every record is one line of JSON, and names and
// sizes keep their bounds. The first byte chooses the room.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "event/batch_response.hpp"
#include "event/event.hpp"
#include "event/event_objects.hpp"
#include "event/event_records.hpp"
#include "format/json_automaton.hpp"
#include "record/field.hpp"

using namespace weir;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

struct Room {
  explicit Room(size_t bytes)
      : size(Arena::aligned(bytes + 1)), data(static_cast<char*>(std::aligned_alloc(kAlignment, size))) {}
  ~Room() { std::free(data); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  size_t size;
  char* data;
};

std::string records(const Event& event, size_t room_bytes, bool& failed) {
  const Room memory(EventRecords::memory_max(event.kind()));
  Arena arena({memory.data, memory.size});
  EventRecords records(event, arena);
  std::string out;
  std::vector<char> room(room_bytes);
  while (out.size() < (4u << 20)) {  // of what unpacks to more, the beginning
    size_t produced = 0;
    Error error;
    const Step step = records.step(room, produced, error);
    out.append(room.data(), produced);
    failed = step == Step::kFailed;
    require(!failed || (out.empty() && error.code == Code::kBadEvent));
    if (step != Step::kHaveOutput) return out;
    require(produced == room.size());
  }
  return out;
}

std::string response(const Event& event, size_t room_bytes, uint8_t seed) {
  std::vector<uint8_t> failures(event.entries());
  for (size_t i = 0; i < failures.size(); ++i) failures[i] = seed >> (i % 8) & 1;
  BatchResponse response(event, failures);
  std::string out;
  std::vector<char> room(room_bytes);
  while (true) {
    size_t produced = 0;
    const Step step = response.step(room, produced);
    out.append(room.data(), produced);
    if (step == Step::kFinished) break;
    require(produced == room.size());
  }
  require(check_json(out, 8).ok());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t room_bytes = 1 + data[0];
  const Result<Event> event = Event::read(text);
  require(!event || check_json(text, kEventDepthMax).ok());
  if (!event) {
    require(event.error().code == Code::kBadEvent || event.error().code == Code::kEventNotTaken);
    return 0;
  }
  for (const char c : event->id()) require(c > ' ' && c < 0x7F && c != '/');
  require(!event->id().starts_with('.'));

  bool failed = false;
  bool failed_again = false;
  const std::string whole = records(*event, 1 << 16, failed);
  if (whole.size() < (1u << 20)) {
    require(records(*event, room_bytes, failed_again) == whole && failed == failed_again);
    uint64_t lines = 0;
    for (size_t at = 0; at < whole.size(); ++lines) {
      const size_t end = whole.find('\n', at);
      require(end != std::string::npos &&
              check_json(std::string_view(whole).substr(at, end - at), kEventDepthMax + 2).ok());
      at = end + 1;
    }
    require(failed || event->kind() == EventKind::kLogs || lines == event->entries());
  }

  for (const std::string_view bucket : {std::string_view(), std::string_view("default")}) {
    EventObjects objects(*event, bucket);
    EventObject object;
    Error error;
    uint64_t entry = 0;
    uint64_t named = 0;
    while (true) {
      const EventObjects::Next next = objects.next(object, error);
      if (next == EventObjects::Next::kEnd) break;
      const uint64_t here = next == EventObjects::Next::kObject ? object.entry : error.record;
      require(here >= entry && here < event->entries());
      entry = here;
      if (next == EventObjects::Next::kBadEntry) continue;
      ++named;
      const std::string_view key = object.key.view();
      require(!key.empty() && utf8_valid_prefix(key) == key.size() && key.find('\0') == std::string_view::npos);
      require(!object.bucket.empty() && object.bucket.view().find('/') == std::string_view::npos);
    }
    require(named == 0 || event->names_objects(bucket) != NamesObjects::kNone);
  }

  if (BatchResponse::applies(event->kind()))
    require(response(*event, 1 << 16, data[0]) == response(*event, room_bytes, data[0]));
  return 0;
}

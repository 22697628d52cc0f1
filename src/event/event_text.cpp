#include "event/event_text.hpp"

#include "format/json_automaton.hpp"
#include "format/json_minify.hpp"

namespace weir {

bool EventText::enter_string() {
  if (levels_ == kLevelsMax) return false;
  level_[levels_++] = {};
  return true;
}

int EventText::next_of(uint32_t level) {
  if (level == 0) return at_ == end_ ? -1 : static_cast<unsigned char>(*at_++);
  Level& own = level_[level - 1];
  while (true) {
    const std::string_view text = own.unescaper.text();
    if (own.taken < text.size()) return static_cast<unsigned char>(text[own.taken++]);
    if (own.ended) return -1;
    own.taken = 0;
    const int byte = next_of(level - 1);
    if (byte < 0 || (byte == '"' && own.unescaper.plain())) {
      own.ended = true;
      own.unescaper.finish();
    } else {
      own.unescaper.feed(static_cast<char>(byte));
    }
  }
}

bool is_json_container(EventText text, uint32_t depth_max) {
  int byte = text.next();
  while (byte >= 0 && is_json_blank(static_cast<char>(byte))) byte = text.next();
  if (byte != '{' && byte != '[') return false;
  JsonAutomaton automaton(depth_max);
  for (; byte >= 0; byte = text.next()) {
    if (automaton.step(static_cast<char>(byte)) != Code::kOk) return false;
  }
  return automaton.complete();
}

}  // namespace weir

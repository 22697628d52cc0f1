#include "format/json_document.hpp"

#include "format/json_frame.hpp"

namespace weir {
namespace {

using State = JsonAutomaton::State;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

void JsonDocument::begin(const JsonPath& path, uint32_t depth_max) {
  *this = JsonDocument();
  path_ = &path;
  automaton_ = JsonAutomaton(depth_max);
}

/// The value that begins in the container of this depth lies on the path.
bool JsonDocument::value_matches(uint32_t depth) const {
  if (depth == 0) return true;
  if (on_path_ != depth || depth > path_->size) return false;
  const PathStep& step = path_->steps[depth - 1];
  if (automaton_.in_object()) return step.index < 0 && name_matched_;
  return step.index >= 0 && static_cast<uint32_t>(step.index) == elements_[depth];
}

void JsonDocument::follow_name(State before, uint32_t depth, char byte) {
  if (following_) {
    if (automaton_.state() != State::kColon) {
      name_.feed(byte);
      return;
    }
    name_matched_ = name_.finish() == NameMatch::kExact;
    following_ = false;
  } else if ((before == State::kMember || before == State::kMemberOrEnd) && automaton_.state() == State::kString) {
    name_matched_ = false;
    following_ = on_path_ == depth && depth <= path_->size && path_->steps[depth - 1].index < 0;
    if (following_) name_.begin(path_->steps[depth - 1].name);
  }
}

JsonDocument::Event JsonDocument::step(char byte) {
  const State before = automaton_.state();
  const uint32_t depth = automaton_.depth();
  const bool value_begins =
      (before == State::kValue || before == State::kElementOrEnd) && !is_space(byte) && byte != ']';
  const bool matches = value_begins && value_matches(depth);
  if (matches && depth == 0 && path_->document && byte != '[' && JsonFrame::begins_value(byte)) {
    found_ = true;
    return Event::kRecord;
  }
  const bool target = matches && depth == path_->size && byte == '[';
  if (target && found_) return Event::kTwice;
  const Code code = automaton_.step(byte);
  if (code != Code::kOk) return code == Code::kJsonTooDeep ? Event::kTooDeep : Event::kFault;
  const uint32_t now = automaton_.depth();
  if (now > depth && matches) {
    on_path_ = now;
    if (now <= JsonPath::kStepsMax) elements_[now] = 0;
    if (target) {
      found_ = true;
      return Event::kArray;
    }
  } else if (now < depth) {
    if (on_path_ > now) on_path_ = now;
  } else if (now == depth && automaton_.state() == State::kValue && byte == ',' && before != State::kString &&
             depth == on_path_ && depth <= JsonPath::kStepsMax) {
    ++elements_[depth];
  }
  follow_name(before, depth, byte);
  return Event::kNone;
}

void JsonDocument::leave_array() {
  automaton_.step(']');
  if (on_path_ > automaton_.depth()) on_path_ = automaton_.depth();
}

void JsonDocument::save(StateWriter& out) const {
  automaton_.save(out);
  out.put(on_path_);
  for (const bool flag : {found_, following_, name_matched_}) out.put(static_cast<uint8_t>(flag));
  for (const uint32_t element : elements_) out.put(element);
  if (following_) name_.save(out);
}

bool JsonDocument::load(StateReader& in) {
  if (!automaton_.load(in)) return false;
  on_path_ = in.get<uint32_t>();
  for (bool* flag : {&found_, &following_, &name_matched_}) *flag = in.get_flag();
  for (uint32_t& element : elements_) element = in.get<uint32_t>();
  if (!in.ok() || on_path_ > automaton_.depth() || on_path_ > path_->size + 1) return false;
  if (!following_) return true;
  if (on_path_ == 0 || on_path_ > path_->size) return false;
  return name_.load(in, path_->steps[on_path_ - 1].name);
}

}  // namespace weir

#include "event/attribute_runs.hpp"

#include "record/field.hpp"

namespace weir {
namespace {

/// Of an object of one member: name and value. False when it is anything else.
bool single_member(std::string_view object, std::string_view& name, std::string_view& value) {
  JsonMembersView members(object);
  if (!is_json_object(object) || !members.next()) return false;
  name = members.name();
  value = members.value();
  return !members.next();
}

}  // namespace

void AttributeRuns::begin(std::string_view raw) {
  depth_ = 0;
  run_ = run_count_ = 0;
  raw_ = {};
  if (is_json_object(raw)) {
    push(raw, Type::kMap);
  } else {
    put_raw(raw);
  }
}

void AttributeRuns::push(std::string_view container, Type type) {
  put(type == Type::kMap ? "{" : "[");
  frames_[depth_++] = {container.substr(1, container.size() - 2), type};
}

void AttributeRuns::put_number(std::string_view value) {
  const std::string_view number = is_json_string(value) ? value.substr(1, value.size() - 2) : std::string_view();
  put(is_json_number(number) ? number : value);
}

void AttributeRuns::put_raw(std::string_view value) {
  raw_ = value;
  minify_ = {};
}

void AttributeRuns::put_value(std::string_view value) {
  std::string_view type;
  std::string_view inner;
  if (!single_member(value, type, inner)) return put_raw(value);
  const auto is = [&](std::string_view name) { return json_string_is(type, name); };
  if ((is("S") || is("B")) && is_json_string(inner)) return put(inner);
  if (is("N") && is_json_string(inner)) return put_number(inner);
  if (is("BOOL") && (inner == "true" || inner == "false")) return put(inner);
  if (is("NULL") && inner == "true") return put("null");
  if (depth_ == kEventDepthMax) return put_raw(value);  // the event isn't that deep
  if (is("M") && is_json_object(inner)) return push(inner, Type::kMap);
  if (!is_json_array(inner)) return put_raw(value);
  if (is("L")) return push(inner, Type::kList);
  if (is("SS") || is("BS")) return push(inner, Type::kTexts);
  if (is("NS")) return push(inner, Type::kNumbers);
  put_raw(value);
}

/// What comes behind the runs that were given.
void AttributeRuns::advance() {
  run_ = run_count_ = 0;
  Frame& top = frames_[depth_ - 1];
  const std::string_view mark = take_json_value(top.left);  // a comma is no value: it stays
  std::string_view first = mark;
  if (first.empty() && top.left.starts_with(',')) {
    top.left.remove_prefix(1);
    first = take_json_value(top.left);
  }
  if (first.empty()) {
    put(top.type == Type::kMap ? "}" : "]");
    --depth_;
    return;
  }
  if (!top.first) put(",");
  top.first = false;
  switch (top.type) {
    case Type::kMap: {
      put(first);
      put(":");
      while (!top.left.empty() && (top.left.front() == ':' || is_json_blank(top.left.front())))
        top.left.remove_prefix(1);
      const std::string_view value = take_json_value(top.left);
      return put_value(value);
    }
    case Type::kList:
      return put_value(first);
    case Type::kTexts:
      return put_raw(first);
    case Type::kNumbers:
      return is_json_string(first) ? put_number(first) : put_raw(first);
  }
}

std::string_view AttributeRuns::next(char* stage) {
  while (true) {
    if (run_ < run_count_) return runs_[run_++];
    while (!raw_.empty()) {
      const std::string_view piece = raw_.substr(0, kStageBytes);
      raw_.remove_prefix(piece.size());
      const char* end = minify_json(minify_, piece, stage);
      if (end != stage) return {stage, static_cast<size_t>(end - stage)};
    }
    if (depth_ == 0) return {};
    advance();
  }
}

}  // namespace weir

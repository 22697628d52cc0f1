#include "format/json_path.hpp"

namespace weir {

Result<JsonPath> parse_json_path(std::string_view text) {
  JsonPath path;
  path.document = text.empty();
  const auto bad = [](std::string_view why) {
    Error error(Code::kOutOfRange, "input.path: ");
    error.detail.append(why);
    return fail(error);
  };
  size_t i = 0;
  if (text.starts_with("$.")) {
    i = 2;
  } else if (text.starts_with('$')) {
    i = 1;
  }
  bool name_next = i != 1;  // a name may follow; an index always may
  bool name_must = i == 2;
  while (i < text.size()) {
    PathStep step;
    if (text[i] == '[' && !name_must) {
      const size_t close = text.find(']', i);
      if (close == std::string_view::npos) return bad("] is missing");
      const std::string_view inside = text.substr(i + 1, close - i - 1);
      i = close + 1;
      if (inside == "*") {
        if (i != text.size()) return bad("[*] stands at the end");
        return path;
      }
      if (inside.empty() || inside.size() > 9) return bad("between [ and ] stands an index or *");
      step.index = 0;
      for (const char c : inside) {
        if (c < '0' || c > '9') return bad("between [ and ] stands an index or *");
        step.index = step.index * 10 + (c - '0');
      }
    } else if (!name_next) {
      return bad("a name follows a dot");
    } else if (text[i] == '"') {
      const size_t close = text.find('"', i + 1);
      if (close == std::string_view::npos) return bad("a closing quote is missing");
      step.name = text.substr(i + 1, close - i - 1);
      i = close + 1;
    } else {
      const size_t stop = text.find_first_of(".[]\"", i);
      step.name = text.substr(i, stop == std::string_view::npos ? stop : stop - i);
      if (step.name.empty()) return bad("a name is missing");
      i += step.name.size();
    }
    if (path.size == JsonPath::kStepsMax) return bad("at most 32 steps");
    path.steps[path.size++] = step;
    name_next = name_must = i < text.size() && text[i] == '.';
    if (name_must) ++i;
  }
  if (name_must) return bad("a name is missing");
  return path;
}

}  // namespace weir

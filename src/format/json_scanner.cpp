#include "format/json_scanner.hpp"

#include <bit>
#include <cstring>

#include "base/assert.hpp"
#include "format/json_name.hpp"
#include "format/json_scalar.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

constexpr uint64_t kFold = 0x2020202020202020;

struct Sizes {
  size_t nodes = 1;
  size_t levels = 2;
};

Sizes sizes_of(const Projection& projection) {
  Sizes sizes;
  for (const FieldPath& path : projection.paths) {
    sizes.nodes += path.steps.size();
    if (path.steps.size() + 2 > sizes.levels) sizes.levels = path.steps.size() + 2;
  }
  return sizes;
}

/// The first eight bytes, zero where the name is shorter. Reads eight bytes always.
uint64_t load_name(const char* name, size_t size) {
  uint64_t word;
  std::memcpy(&word, name, 8);
  return size >= 8 ? word : word & ((uint64_t{1} << (8 * size)) - 1);
}
/// One of 64 bits, the same for names that differ in case only. `name` may be empty: then its first byte is the quote
/// behind it.
uint64_t name_bit(char first, size_t size) {
  return uint64_t{1} << ((static_cast<uint8_t>(first | 0x20) * 5 + size) % 64);
}
uint64_t fold_mask(size_t size) { return size >= 8 ? kFold : kFold & ((uint64_t{1} << (8 * size)) - 1); }

enum : uint8_t { kEnd = 1, kDigit = 2 };
struct CharTable {
  uint8_t of[256] = {};
};
constexpr CharTable make_chars() {
  CharTable table;
  for (const char c : {' ', '\t', '\n', '\r', '{', '}', '[', ']', ':', ',', '"'})
    table.of[static_cast<uint8_t>(c)] = kEnd;
  for (char c = '0'; c <= '9'; ++c) table.of[static_cast<uint8_t>(c)] = kDigit;
  return table;
}
constexpr CharTable kChars = make_chars();

constexpr auto kExactRank = static_cast<uint8_t>(NameMatch::kExact);

/// What may stand behind a number or literal; what may really is the walker's to say.
bool ends_scalar(char c) { return kChars.of[static_cast<uint8_t>(c)] == kEnd; }

/// What may stand behind a value in a container.
bool follows_value(char c) {
  return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// A valid text could go on behind these bytes.
bool begins_valid(std::string_view text, uint32_t depth_max) {
  JsonAutomaton automaton(depth_max);
  for (const char c : text) {
    if (automaton.step(c) != Code::kOk) return false;
  }
  return true;
}

}  // namespace

size_t JsonScanner::memory_max(const Projection& projection) {
  const Sizes sizes = sizes_of(projection);
  return Arena::array_bytes<Node>(sizes.nodes) + Arena::array_bytes<Slice>(sizes.nodes) +
         Arena::array_bytes<uint8_t>(sizes.nodes) + Arena::array_bytes<uint32_t>(sizes.nodes) +
         Arena::array_bytes<uint32_t>(projection.paths.size()) + Arena::array_bytes<Level>(sizes.levels);
}

void JsonScanner::attach(const Projection& projection, uint32_t depth_max, Arena& arena, bool touched) {
  WEIR_ASSERT(depth_max >= 1 && depth_max <= kJsonDepthLimit);
  const Sizes sizes = sizes_of(projection);
  nodes_ = arena.take_array<Node>(sizes.nodes);
  values_ = arena.take_array<Slice>(sizes.nodes);
  ranks_ = arena.take_array<uint8_t>(sizes.nodes);
  active_ = arena.take_array<uint32_t>(sizes.nodes);
  path_nodes_ = arena.take_array<uint32_t>(projection.paths.size());
  levels_ = arena.take_array<Level>(sizes.levels);
  indexer_ = best_json_indexer();
  depth_max_ = depth_max;
  touched_ = touched && !projection.all;
  nodes_[0] = Node();
  nodes_used_ = 1;
  for (size_t p = 0; p < projection.paths.size(); ++p) {
    uint32_t node = 0;
    for (const PathStep& step : projection.paths[p].steps) node = child(node, step, projection.paths[p].case_sensitive);
    path_nodes_[p] = node;
  }
  WEIR_ASSERT(nodes_used_ <= nodes_.size());
}

uint32_t JsonScanner::child(uint32_t parent, const PathStep& step, bool case_sensitive) {
  const bool by_name = step.index < 0;
  for (uint32_t c = nodes_[parent].first_child; c != kNone; c = nodes_[c].next_sibling) {
    const Node& node = nodes_[c];
    if (node.index != step.index && !(by_name && node.index < 0)) continue;
    if (!by_name || (node.name == step.name && node.case_sensitive == case_sensitive)) return c;
  }
  const uint32_t id = nodes_used_++;
  Node node;
  node.index = by_name ? -1 : step.index;
  node.parent = parent;
  node.next_sibling = nodes_[parent].first_child;
  if (by_name) {
    node.name = step.name;
    node.case_sensitive = case_sensitive;
    char head[8] = {};
    if (!step.name.empty()) std::memcpy(head, step.name.data(), step.name.size() < 8 ? step.name.size() : 8);
    node.head = load_name(head, step.name.size());
    node.folded = node.head | fold_mask(step.name.size());
    nodes_[parent].names |= name_bit(step.name.empty() ? '"' : step.name[0], step.name.size());
  } else {
    nodes_[parent].has_indexes = true;
  }
  nodes_[parent].first_child = id;
  nodes_[id] = node;
  return id;
}

void JsonScanner::clear_below(uint32_t top) {
  uint32_t node = nodes_[top].first_child;
  while (node != kNone) {
    values_[node] = Slice();
    ranks_[node] = 0;
    if (nodes_[node].first_child != kNone) {
      node = nodes_[node].first_child;
      continue;
    }
    while (nodes_[node].next_sibling == kNone) {
      node = nodes_[node].parent;
      if (node == top) return;
    }
    node = nodes_[node].next_sibling;
  }
}

/// The value that follows belongs to `node`, unless a better match was met in this container.
bool JsonScanner::take(uint32_t node, uint8_t rank, uint32_t top) {
  if (rank < ranks_[node]) return false;
  ranks_[node] = rank;
  values_[node] = Slice();
  if (nodes_[node].first_child != kNone) clear_below(node);
  active_[top] = node;
  return true;
}

/// Puts the nodes that a member's name leads to at active_[top ...]; returns how many.
uint32_t JsonScanner::match_member(const Level& level, const char* name, uint32_t size, bool escaped, uint32_t top) {
  uint32_t found = 0;
  const uint64_t head = load_name(name, size);
  const uint64_t folded = head | fold_mask(size);
  for (uint32_t a = level.active_begin; a < level.active_end; ++a) {
    const Node& node = nodes_[active_[a]];
    for (uint32_t c = node.first_child; c != kNone; c = nodes_[c].next_sibling) {
      const Node& want = nodes_[c];
      NameMatch match;
      if (want.index >= 0) continue;
      if (escaped) [[unlikely]] {
        JsonNameMatcher matcher;
        matcher.begin(want.name);
        for (uint32_t i = 0; i < size; ++i) matcher.feed(name[i]);
        match = matcher.finish();
      } else {
        if (want.name.size() != size || want.folded != folded) continue;
        match = size <= 8 && want.head == head ? NameMatch::kExact : match_name({name, size}, want.name);
      }
      if (match == NameMatch::kNone || (match == NameMatch::kFolded && want.case_sensitive)) continue;
      found += take(c, static_cast<uint8_t>(match), top + found);
    }
  }
  return found;
}

uint32_t JsonScanner::match_element(const Level& level, uint32_t top) {
  uint32_t found = 0;
  for (uint32_t a = level.active_begin; a < level.active_end; ++a) {
    const Node& node = nodes_[active_[a]];
    if (!node.has_indexes) continue;
    for (uint32_t c = node.first_child; c != kNone; c = nodes_[c].next_sibling) {
      if (nodes_[c].index < 0 || static_cast<uint32_t>(nodes_[c].index) != level.element) continue;
      found += take(c, kExactRank, top + found);
    }
  }
  return found;
}

/// Every path leads to a value, and every name on the way was met as it is spelled: no other member could be a better match.
bool JsonScanner::all_found() const {
  for (const uint32_t path : path_nodes_) {
    if (values_[path].missing()) return false;
    for (uint32_t node = path; node != 0; node = nodes_[node].parent) {
      if (ranks_[node] != kExactRank) return false;
    }
  }
  return true;
}

bool JsonScanner::refill() {
  const size_t left = index_.text.size() - index_.indexed;
  if (left == 0) return false;
  const size_t take = left < kChunk ? left : kChunk;
  index_.carry.high = index_.carry.backslash = index_.carry.bad = 0;
  index_.count = indexer_(index_.text.data() + index_.indexed, take, static_cast<uint32_t>(index_.indexed),
                          index_.carry, index_.positions);
  index_.indexed += take;
  return true;
}

size_t JsonScanner::walk(uint32_t base, bool prefix, char& first) {
  const char* const begin = index_.text.data();
  const char* const end = begin + index_.text.size();
  const uint32_t* cursor = index_.positions + index_.next;
  const uint32_t* last = index_.positions + index_.count;
  // Of the chunks that the value touches; the text behind it may share them.
  uint64_t bad = index_.carry.bad;
  uint64_t high = index_.carry.high;
  uint64_t backslash = index_.carry.backslash;
  uint32_t at = 0;  // of the token
  // To the next token; false at the end of the text.
  const auto next = [&]() __attribute__((always_inline)) {
    while (cursor == last) [[unlikely]] {
      if (!refill()) return false;
      cursor = index_.positions;
      last = cursor + index_.count;
      bad |= index_.carry.bad;
      high |= index_.carry.high;
      backslash |= index_.carry.backslash;
    }
    at = *cursor++;
    return true;
  };
  uint64_t kinds[kJsonDepthLimit / 64 + 1];  // bit d: the container that encloses the one of depth d is an object
  uint32_t depth = 0;
  uint32_t live = 0;  // containers of depth 1..live have active nodes
  uint32_t pending = 0;  // nodes that want the value to come, at active_[top ...]
  uint32_t top = 0;
  bool object = false;
  bool touched = false;
  size_t found_end = 0;

  for (uint32_t n = 0; n < nodes_used_; ++n) {
    values_[n] = Slice();
    ranks_[n] = 0;
  }
  const auto assign = [&](uint32_t from, uint32_t count, uint32_t start, uint32_t stop) {
    for (uint32_t i = 0; i < count; ++i) values_[active_[from + i]] = {base + start, stop - start};
  };

  if (!next()) return 0;
  first = begin[at];
  const uint32_t value_begin = at;
  if (first != '{' && first != '[') return 0;
  active_[0] = 0;
  pending = 1;
  touched = touched_ && first == '{';

open:  // at is a bracket
  if (depth >= depth_max_) return 0;
  ++depth;
  {
    const uint64_t bit = uint64_t{1} << (depth % 64);
    uint64_t& word = kinds[depth / 64];
    word = object ? word | bit : word & ~bit;
  }
  object = begin[at] == '{';
  if (pending != 0) {
    live = depth;
    Level& level = levels_[live];
    level = {top, top + pending, at, 0, 0};
    for (uint32_t i = 0; i < pending; ++i) level.names |= nodes_[active_[top + i]].names;
    top += pending;
    pending = 0;
  }
  if (touched && path_nodes_.empty()) {
    found_end = at + 1;
    goto found;
  }
  if (!next()) return 0;
  if (object) {
    if (begin[at] == '}') goto close;
    goto member;
  }
  if (begin[at] == ']') goto close;
  if (live == depth) pending = match_element(levels_[live], top);
  goto value;

member: {
  if (begin[at] != '"') return 0;
  const uint32_t name = at + 1;
  if (!next()) return 0;
  if (live == depth) {
    const uint32_t size = at - name;
    const bool escaped = backslash != 0 && size != 0 && std::memchr(begin + name, '\\', size) != nullptr;
    if (escaped || (levels_[live].names & name_bit(begin[name], size)) != 0) {
      pending = match_member(levels_[live], begin + name, size, escaped, top);
    }
  }
  if (!next() || begin[at] != ':') return 0;
  if (!next()) return 0;
}

value: {
  const uint32_t start = at;
  const char c = begin[start];
  if (c == '"') {
    if (!next()) return 0;
    if (pending != 0) {
      assign(top, pending, start, at + 1);
      found_end = at + 1;
    }
  } else if (c == '{' || c == '[') {
    goto open;
  } else {
    const char* stop =
        json_is_digit(c) || c == '-' ? json_number_end(begin + start, end) : json_literal_end(begin + start);
    if (stop == nullptr || stop > end || !ends_scalar(*stop)) return 0;
    if (pending != 0) {
      assign(top, pending, start, static_cast<uint32_t>(stop - begin));
      found_end = static_cast<size_t>(stop - begin);
    }
  }
  if (pending != 0 && touched && all_found()) goto found;
  pending = 0;
}

after:
  if (!next()) return 0;
  switch (begin[at]) {
    case ',':
      if (!next()) return 0;
      if (object) goto member;
      if (live == depth) {
        ++levels_[live].element;
        pending = match_element(levels_[live], top);
      }
      goto value;
    case '}':
      if (!object) return 0;
      break;
    case ']':
      if (object) return 0;
      break;
    default:
      return 0;
  }

close:
  if (live == depth) {
    const Level& level = levels_[live];
    assign(level.active_begin, level.active_end - level.active_begin, level.start, at + 1);
    top = level.active_begin;
    --live;
  }
  object = (kinds[depth / 64] >> (depth % 64) & 1) != 0;
  if (--depth != 0) {
    if (!touched || !all_found()) goto after;
    found_end = at + 1;
    goto found;
  }

  {
    const size_t stop = at + 1;
    if (!prefix && next()) return 0;  // something stands behind the value
    if (bad != 0) return 0;  // of a prefix: maybe behind the value, then the caller takes the long way
    if (high != 0) {
      const std::string_view value = prefix ? index_.text.substr(value_begin, stop - value_begin) : index_.text;
      if (utf8_valid_prefix(value) != value.size()) return 0;
    }
    index_.next = static_cast<size_t>(cursor - index_.positions);
    looked_at_ = index_.text.size();
    return stop;
  }

found:  // the verdict depends on nothing behind found_end; of a prefix the end is still to be found, and odd ones go the long way
  if (found_end >= index_.text.size() || (!path_nodes_.empty() && !follows_value(begin[found_end]))) return 0;
  if (bad != 0 && (prefix || !begins_valid(index_.text.substr(0, found_end), depth_max_))) return 0;
  if (high != 0) {
    const std::string_view value = index_.text.substr(value_begin, found_end - value_begin);
    if (utf8_valid_prefix(value) != value.size()) return 0;
  }
  looked_at_ = found_end;
  if (!prefix) return found_end;
  while (next()) {
    const char c = begin[at];
    switch (c) {
      case ',':
      case ':':
        break;
      case '"':
        if (!next()) return 0;
        break;
      case '{':
      case '[': {
        if (depth >= depth_max_) return 0;
        ++depth;
        const uint64_t bit = uint64_t{1} << (depth % 64);
        uint64_t& word = kinds[depth / 64];
        word = object ? word | bit : word & ~bit;
        object = c == '{';
        break;
      }
      case '}':
      case ']':
        if (object != (c == '}')) return 0;
        object = (kinds[depth / 64] >> (depth % 64) & 1) != 0;
        if (--depth != 0) break;
        index_.next = static_cast<size_t>(cursor - index_.positions);
        return at + 1;
      default: {
        const char* stop =
            json_is_digit(c) || c == '-' ? json_number_end(begin + at, end) : json_literal_end(begin + at);
        if (stop == nullptr || stop > end || !ends_scalar(*stop)) return 0;
      }
    }
  }
  return 0;
}

void JsonScanner::emit(Slice* out, size_t stride) const {
  for (size_t p = 0; p < path_nodes_.size(); ++p) out[p * stride] = values_[path_nodes_[p]];
}

JsonFault JsonScanner::scan(std::string_view text, uint32_t base, Slice* out, size_t stride) {
  char first = 0;
  if (touched_ && path_nodes_.empty()) {  // what walk() finds, without an index
    const size_t brace = text.find_first_not_of(" \t\n\r");
    if (brace != std::string_view::npos && text[brace] == '{' && brace + 1 < text.size()) {
      looked_at_ = brace + 1;
      return {};
    }
  }
  index_.text = text;
  index_.indexed = index_.next = index_.count = 0;
  index_.carry = JsonCarry();
  const bool good = walk(base, false, first) != 0;
  restart();
  if (good && first == '{') {
    emit(out, stride);
    return {};
  }
  if (!good) {
    const JsonFault fault = check_json(text, depth_max_);
    if (!fault.ok()) return fault;
    const bool scalar = first != '{' && first != '[';
    if (!scalar) return {Code::kBadJson, 0};  // the two readings disagree: the fuzz targets look for it
  }
  size_t offset = 0;
  while (text[offset] == ' ' || text[offset] == '\t' || text[offset] == '\n' || text[offset] == '\r') ++offset;
  return {Code::kNotAnObject, offset};
}

size_t JsonScanner::scan_prefix(std::string_view text, uint32_t base, Slice* out, size_t stride) {
  char first = 0;
  const char* const begin = index_.text.data();
  bool follows = begin != nullptr && text.data() >= begin && text.data() + text.size() == begin + index_.text.size();
  if (follows) {  // pass the comma
    const auto offset = static_cast<size_t>(text.data() - begin);
    while (index_.next < index_.count && index_.positions[index_.next] < offset) ++index_.next;
    follows = index_.next < index_.count && index_.positions[index_.next] == offset;
  }
  if (!follows) {
    index_.text = text;
    index_.indexed = index_.next = index_.count = 0;
    index_.carry = JsonCarry();
  }
  const auto offset = static_cast<uint32_t>(text.data() - index_.text.data());
  const size_t stop = walk(base - offset, true, first);
  if (stop == 0 || first != '{') {
    restart();
    return 0;
  }
  emit(out, stride);
  return stop - offset;
}

}  // namespace weir

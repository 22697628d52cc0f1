#include "delivery/message_key.hpp"

#include "delivery/json_walk.hpp"
#include "hash/hex.hpp"

namespace weir {
namespace {

constexpr size_t kGroupBytesMax = 128;

bool is_group(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return !text.empty() && text.size() <= kGroupBytesMax;
}

std::unexpected<Error> no_key(std::string_view column, std::string_view why) {
  Error error(Code::kNotSendable, "the key's column `");
  error.detail.append(column.substr(0, 60)).append("` ").append(why);
  return fail(error);
}

}  // namespace

Status find_message_key(std::string_view text, std::span<const std::string> columns, MessageKey& key) {
  key.clear();
  for (const std::string& column : columns) {
    // Of members of one name the last one counts, as for most readers.
    const size_t before = key.view().size();
    MessageKey value;
    bool found = false;
    bool scalar = false;
    JsonWalk walk;
    const auto on_value = [&] {
      if (walk.name(1) != column || walk.in_array(1)) return;
      found = true;
      scalar = walk.depth() == 1 && walk.kind() != JsonWalk::Kind::kNull && walk.kind() != JsonWalk::Kind::kEnd &&
               !walk.cut();
      value = MessageKey(walk.text());
    };
    if (!walk.feed(text, on_value) || !walk.finish(on_value))
      return no_key(column, "is not found: this is no JSON object");
    if (!found) return no_key(column, "is not there");
    if (!scalar) return no_key(column, "is null or no single value");
    if (before != 0) key.append('|');
    key.append(value.view());
    if (key.truncated() || value.truncated()) return no_key(column, "is too long");
  }
  return {};
}

Status find_message_group(std::string_view text, std::span<const std::string> columns, MessageKey& group,
                          uint64_t& key) {
  group = MessageKey(columns.empty() ? std::string_view("weir") : std::string_view{});
  if (!columns.empty()) WEIR_TRY(find_message_key(text, columns, group));
  key = hash_key(group.view());
  if (!is_group(group.view())) group = MessageKey(sha256_hex(group.view()).view());
  return {};
}

uint64_t hash_key(std::string_view key) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash == 0 ? 1 : hash;
}

}  // namespace weir

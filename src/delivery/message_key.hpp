// The values of output.key: what names a message's group, partition or item, taken out of its JSON.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"

namespace weir {

inline constexpr size_t kMessageKeyBytesMax = 2048;
using MessageKey = FixedText<kMessageKeyBytesMax>;

/// The values of `columns` in the JSON object `text`, joined by `|`: texts as they are, numbers and true and false as they are spelled. W2409: one of them is not
/// there, is null, no scalar, or all together are too long.
Status find_message_key(std::string_view text, std::span<const std::string> columns, MessageKey& key);

/// The group of a message to a FIFO queue or topic: the values of `columns`, or one for all where there are none. At most 128 of ASCII's letters, digits and
/// punctuation; any other text goes by its SHA-256. `key`: for EncodedMessage::key. W2409 as find_message_key.
Status find_message_group(std::string_view text, std::span<const std::string> columns, MessageKey& group,
                          uint64_t& key);

/// FNV-1a, for EncodedMessage::key: never 0.
uint64_t hash_key(std::string_view key);

}  // namespace weir

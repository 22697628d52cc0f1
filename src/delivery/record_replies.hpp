// What services that answer record by record have in common: the names they take, and replies that have a list with an entry for each record, in their order.
#pragma once

#include <cstddef>
#include <string_view>

#include "delivery/destination.hpp"

namespace weir {

/// Letters, digits, `_`, `.` and `-`, so many.
inline bool is_resource_name(std::string_view name, size_t bytes_min, size_t bytes_max) {
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '_' && c != '.' && c != '-') return false;
  }
  return name.size() >= bytes_min && name.size() <= bytes_max;
}

/// `{"<list>":[{"ErrorCode":"...","ErrorMessage":"..."}]}`: an entry with a code that is text failed.
inline void read_record_reply(std::string_view list, const JsonWalk& at, Fates& fates) {
  if (at.name(1) != list || !at.in_array(2)) return;
  if (at.depth() == 3) {
    if (at.kind() != JsonWalk::Kind::kString) return;
    if (at.name(3) == "ErrorCode") fates.note.code = FixedText<64>(at.text());
    if (at.name(3) == "ErrorMessage") fates.note.text = FixedText<160>(at.text());
    return;
  }
  if (at.depth() != 2) return;
  ++fates.answers;
  const std::string_view code = fates.note.code.view();
  if (!code.empty()) fates.failed(at.index(2), classify_message(code, false), code, fates.note.text.view());
  fates.note = {};
}

}  // namespace weir

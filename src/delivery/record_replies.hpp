// Replies of services that answer record by record: a list with an entry for each, in their order.
#pragma once

#include <string_view>

#include "delivery/destination.hpp"

namespace weir {

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

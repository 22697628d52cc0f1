#include "delivery/batch_body.hpp"

namespace weir {

void BatchBody::set(std::string_view begin, std::string_view separator, std::string_view end,
                    std::span<const OutboxEntry> entries, std::string_view room) {
  begin_ = begin;
  separator_ = separator;
  end_ = end;
  entries_ = entries;
  room_ = room;
  size_ = begin.size() + end.size();
  uint64_t messages = 0;
  for (const OutboxEntry& entry : entries) {
    if (entry.state != OutboxEntry::State::kSent) continue;
    size_ += entry.size;
    ++messages;
  }
  if (messages > 1) size_ += (messages - 1) * separator.size();
  rewind();
}

void BatchBody::rewind() {
  part_ = Part::kBegin;
  piece_ = begin_;
  piece_begin_ = 0;
  next_entry_ = 0;
  any_ = false;
}

// The next run of messages that lie behind each other, with the separators between them; behind the last one, the end.
void BatchBody::next() {
  piece_begin_ += piece_.size();
  const auto sent = [&](size_t at) { return entries_[at].state == OutboxEntry::State::kSent; };
  while (next_entry_ < entries_.size() && !sent(next_entry_)) ++next_entry_;
  if (part_ == Part::kEnd || next_entry_ == entries_.size()) {
    part_ = Part::kEnd;
    piece_ = end_;
    return;
  }
  part_ = Part::kMessages;
  const OutboxEntry* last = &entries_[next_entry_];
  // The first of a request stands without the separator that lies before it.
  const size_t from = last->offset - (any_ ? separator_.size() : 0);
  for (++next_entry_; next_entry_ < entries_.size() && sent(next_entry_); ++next_entry_) {
    if (entries_[next_entry_].offset != last->offset + last->size + separator_.size()) break;
    last = &entries_[next_entry_];
  }
  any_ = true;
  piece_ = room_.substr(from, last->offset + last->size - from);
}

Result<std::string_view> BatchBody::from(uint64_t offset) {
  if (offset < piece_begin_) rewind();
  while (offset >= piece_begin_ + piece_.size()) next();
  return piece_.substr(offset - piece_begin_);
}

}  // namespace weir

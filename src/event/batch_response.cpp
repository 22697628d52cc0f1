#include "event/batch_response.hpp"

#include <cstring>

#include "base/assert.hpp"

namespace weir {
namespace {

/// A FIFO batch has 10 messages at most (CreateEventSourceMapping, BatchSize).
constexpr uint64_t kGroupedEntriesMax = 64;

std::string_view group_of(std::string_view entry) { return find_member(entry, {"attributes", "MessageGroupId"}); }

}  // namespace

BatchResponse::BatchResponse(const Event& event, std::span<const uint8_t> failed)
    : event_(&event), failed_(failed), entries_(event) {
  WEIR_ASSERT(applies(event.kind()) && failed.size() == event.entries());
}

/// The guide has a FIFO function list everything behind the first failure. The queue keeps order within a message group only, so what succeeded
/// in another group need not come again: it is left out. Where the groups aren't all told, or the batch is larger than any FIFO batch, the
/// guide's own rule holds.
bool BatchResponse::is_listed(std::string_view entry, uint64_t index) const {
  if (failed_[index] != 0) return true;
  if (!event_->is_fifo() || failures_seen_ == 0) return false;
  const std::string_view group = group_of(entry);
  if (event_->entries() > kGroupedEntriesMax || !is_json_string(group)) return true;
  EventEntries before(*event_);
  while (before.next() && before.index() < index) {
    if (failed_[before.index()] == 0) continue;
    const std::string_view failed_group = group_of(before.value());
    if (!is_json_string(failed_group) || failed_group == group) return true;
  }
  return false;
}

bool BatchResponse::next_piece() {
  piece_ = piece_count_ = 0;
  const auto add = [&](std::string_view text) { pieces_[piece_count_++] = text; };
  if (phase_ == Phase::kBegin) {
    phase_ = Phase::kEntries;
    add("{\"batchItemFailures\":[");
    return true;
  }
  const bool stream = event_->kind() != EventKind::kSqs;
  while (phase_ == Phase::kEntries && !(stream && listed_ != 0) && entries_.next()) {
    const std::string_view entry = entries_.value();
    const uint64_t index = entries_.index();
    const bool listed = is_listed(entry, index);
    if (failed_[index] != 0) ++failures_seen_;
    if (!listed) continue;
    add(listed_ == 0 ? "{\"itemIdentifier\":" : ",{\"itemIdentifier\":");
    ++listed_;
    // As it stands in the event, which validated it: the same string, escapes and all.
    if (!stream) {
      add(find_member(entry, {"messageId"}));
    } else if (event_->kind() == EventKind::kKinesis) {
      add(find_member(entry, {"kinesis", "sequenceNumber"}));
    } else {
      add(find_member(entry, {"dynamodb", "SequenceNumber"}));
    }
    add("}");
    return true;
  }
  if (phase_ == Phase::kDone) return false;
  phase_ = Phase::kDone;
  add("]}");
  return true;
}

Step BatchResponse::step(std::span<char> room, size_t& produced) {
  produced = 0;
  while (true) {
    if (piece_ == piece_count_ && !next_piece()) return Step::kFinished;
    if (produced == room.size()) return Step::kHaveOutput;
    std::string_view& piece = pieces_[piece_];
    const size_t left = room.size() - produced;
    const size_t take = piece.size() < left ? piece.size() : left;
    std::memcpy(room.data() + produced, piece.data(), take);
    produced += take;
    piece.remove_prefix(take);
    if (piece.empty()) ++piece_;
  }
}

}  // namespace weir

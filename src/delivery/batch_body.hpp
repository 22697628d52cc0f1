// BatchBody: a request's body for some messages of a batch, in as few pieces as they lie behind each other: what stands before, messages with the separator
// between them, what stands behind.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/fixed_text.hpp"
#include "io/http_connection.hpp"
#include "record/position.hpp"

namespace weir {

/// A message in a batch's room.
struct OutboxEntry {
  enum class State : uint8_t {
    kPending,  ///< to be sent
    kSent,  ///< in a request that is on its way; taken, unless the reply says otherwise
    kThrottled,  ///< as the reply says
    kTransient,
    kRefused,
    kTaken,
    kUndelivered,
  };
  uint32_t offset = 0;  ///< in the room, behind the separator
  uint32_t size = 0;
  State state = State::kPending;
  uint8_t tries = 0;  ///< that were refused
  uint8_t reason = 0;  ///< of the batch's reasons
  uint32_t source_index = 0;
  std::string_view source;
  uint64_t byte = 0;
  uint64_t record = 0;
  uint64_t record_size = 0;
  uint64_t key = 0;
  FixedText<60> head;  ///< of the message's text
};

class BatchBody final : public HttpBody {
 public:
  /// Those of `entries` that are kSent. All live as long as it is read.
  void set(std::string_view begin, std::string_view separator, std::string_view end,
           std::span<const OutboxEntry> entries, std::string_view room);
  uint64_t size() const override { return size_; }
  Result<std::string_view> from(uint64_t offset) override;

 private:
  void rewind();
  void next();

  std::string_view begin_;
  std::string_view separator_;
  std::string_view end_;
  std::span<const OutboxEntry> entries_;
  std::string_view room_;
  uint64_t size_ = 0;

  // The piece at hand.
  enum class Part : uint8_t { kBegin, kMessages, kEnd } part_ = Part::kBegin;
  std::string_view piece_;
  uint64_t piece_begin_ = 0;
  size_t next_entry_ = 0;
  bool any_ = false;  ///< a message stands before what comes next
};

}  // namespace weir

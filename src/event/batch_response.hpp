// BatchResponse: the partial batch response of an SQS, Kinesis or DynamoDB mapping: which entries come again. For a mapping that has
// FunctionResponseTypes ReportBatchItemFailures; others ignore it. (AWS Lambda guide, with-sqs and with-kinesis.)
//
//   SQS                the messageId of each entry that failed
//   SQS FIFO           of each message group, those from its first failure on, so that its order is kept
//   Kinesis, DynamoDB  the sequence number of the first failure: everything from there on comes again
//
// Sans-I/O: 10,000 ids are some 600 KiB, written in pieces of any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/step.hpp"
#include "event/event.hpp"

namespace weir {

class BatchResponse {
 public:
  /// What the entries of an event of this kind are answered with; false: there is no such response to it.
  static bool applies(EventKind kind) {
    return kind == EventKind::kSqs || kind == EventKind::kKinesis || kind == EventKind::kDynamoDb;
  }
  /// `failed` has a byte an entry, nonzero: it must come again. Both must outlive this. Only where it applies.
  BatchResponse(const Event& event, std::span<const uint8_t> failed);

  /// Writes what comes next into `room` of 1 byte or more: kHaveOutput while there is more, else kFinished.
  Step step(std::span<char> room, size_t& produced);
  /// Entries listed so far.
  [[nodiscard]] uint64_t listed() const { return listed_; }

 private:
  enum class Phase : uint8_t { kBegin, kEntries, kEnd, kDone };
  bool next_piece();
  [[nodiscard]] bool is_listed(std::string_view entry, uint64_t index) const;

  const Event* event_;
  std::span<const uint8_t> failed_;
  EventEntries entries_;
  uint64_t failures_seen_ = 0;
  uint64_t listed_ = 0;
  Phase phase_ = Phase::kBegin;
  uint8_t piece_count_ = 0;
  uint8_t piece_ = 0;
  std::string_view pieces_[3];
};

}  // namespace weir

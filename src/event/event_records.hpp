// EventRecords: the entries of an event as NDJSON, for a pipeline whose input is the event. One record an entry, in order: record i is entry i
// (of CloudWatch Logs: the log events, which Event doesn't count).
//
//   direct       the JSON that the function was called with; of an array, or of {"Items":[..]}, each element
//   S3           the notification                            EventBridge  the event
//   SQS          messageId, body, attributes, messageAttributes, eventSourceARN
//   SNS          messageId, topicArn, subject, timestamp, message, messageAttributes
//   Kinesis      eventID, partitionKey, sequenceNumber, approximateArrivalTimestamp, data, eventSourceARN
//   DynamoDB     eventID, eventName, sequenceNumber, approximateCreationDateTime, keys, newImage, oldImage, eventSourceARN
//   Logs         logGroup, logStream, owner, id, timestamp, message, extractedFields
//
// Members that the entry does not have are left out. A body, message or data that as a whole is a valid JSON object or array stands in the
// record as that; else it is a string. Data is unpacked from base64; what is then no UTF-8 is `dataBase64`, as it came. DynamoDB's attribute
// values are plain JSON (AttributeRuns).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/step.hpp"
#include "event/attribute_runs.hpp"
#include "event/base64_bytes.hpp"
#include "event/event.hpp"
#include "event/log_records.hpp"
#include "memory/arena.hpp"

namespace weir {

class EventRecords {
 public:
  /// Bytes that it takes from its arena: two gzip decoders, about 290 KiB, for CloudWatch Logs, else none.
  static size_t memory_max(EventKind kind);
  /// The same of any event.
  static size_t memory_max() { return memory_max(EventKind::kLogs); }

  /// `event`, its text and what was taken from the arena must outlive this.
  EventRecords(const Event& event, Arena& arena);

  /// Writes what comes next into `room` of 1 byte or more; the bytes don't depend on the rooms. kHaveOutput: the room is full. kFinished: that
  /// was all. kFailed: W3501, the data of CloudWatch Logs is damaged; nothing was written then.
  Step step(std::span<char> room, size_t& produced, Error& error);
  /// Behind the first step: CloudWatch Logs sent a control message, which has no records.
  [[nodiscard]] bool is_control() const { return logs_ != nullptr && logs_->is_control(); }

 private:
  enum class PieceKind : uint8_t {
    kText,  ///< as it is
    kJson,  ///< without blanks between its tokens
    kInner,  ///< a string whose text is JSON: as that JSON
    kDataJson,  ///< a string of base64 of JSON: as that JSON
    kDataText,  ///< a string of base64: as a string, without its quotes
    kAttributes,
  };
  struct Piece {
    PieceKind kind = PieceKind::kText;
    std::string_view text;
  };
  static constexpr size_t kPiecesMax = 32;
  static constexpr size_t kStageBytes = 1024;
  static_assert(kStageBytes >= LogRecords::kStageBytes && kStageBytes >= AttributeRuns::kStageBytes);

  void add(PieceKind kind, std::string_view text) { pieces_[piece_count_++] = {kind, text}; }
  void add_member(std::string_view name, std::string_view raw, PieceKind kind = PieceKind::kJson);
  void add_payload(std::string_view name, std::string_view raw);
  void add_data(std::string_view raw);
  void open_entry(std::string_view entry);
  void open_piece();
  std::string_view next_run(Error& error);
  std::string_view next_of_piece();

  const Event* event_;
  EventEntries entries_;
  LogRecords* logs_ = nullptr;
  std::string_view run_;  ///< bytes that are yet to be given
  bool failed_ = false;
  bool first_member_ = true;
  bool piece_open_ = false;
  uint8_t piece_ = 0;
  uint8_t piece_count_ = 0;
  Piece pieces_[kPiecesMax];
  // Of the piece that is open.
  bool nested_ = false;  ///< an object or array
  EventText inner_;
  Base64Bytes data_;
  MinifyState minify_;
  AttributeRuns attributes_;
  char stage_[kStageBytes + kWideSlack];
};

}  // namespace weir

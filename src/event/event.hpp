// Event: what AWS Lambda hands to a function, told by its shape. Sans-I/O, no heap.
//
// The event's text (up to 6 MiB + 100 bytes) stays in one piece in the caller's buffer for as long as the Event, and whatever is made of it,
// lives; nothing of its size is copied. Shapes: github.com/aws/aws-lambda-go, events/, and the services' guides.
//
// An event is a list of entries: the records of a batch, the elements of an array, or the event itself as its only one. What an entry means
// is told by two readers: EventObjects, where entries name S3 objects that are to be read, and EventRecords, where entries are the records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "event/json_view.hpp"

namespace weir {

inline constexpr uint32_t kEventDepthMax = 64;  ///< levels of JSON in an event, and in each text inside it

enum class EventKind : uint8_t {
  kDirect,  ///< an invocation with any JSON, Step Functions too
  kS3,  ///< a notification
  kS3Test,  ///< {"Service":"Amazon S3","Event":"s3:TestEvent"}: sent when a notification is set up, to be acknowledged
  kSns,
  kEventBridge,
  kSqs,
  kKinesis,
  kDynamoDb,
  kLogs,  ///< a CloudWatch Logs subscription, of data or a control message: which, EventRecords tells
};

/// Whether the entries of an event name S3 objects.
enum class NamesObjects : uint8_t { kNone, kSome, kAll };

class Event {
 public:
  static constexpr size_t kIdBytesMax = 128;
  static constexpr size_t kArnBytesMax = 512;

  /// Validates the whole text as JSON and tells its kind. W3501: no JSON (with the byte), nested deeper than kEventDepthMax, or a known shape
  /// that lacks what it must have (with the entry in `record`). W3502: a known event that Weir does not take: Kafka, Firehose, S3 Batch
  /// Operations, a tumbling window.
  static Result<Event> read(std::string_view text);

  [[nodiscard]] EventKind kind() const { return kind_; }
  /// The event's JSON without blanks around it.
  [[nodiscard]] std::string_view text() const { return text_; }
  /// Records of the batch. Of a direct invocation: elements of the array or of {"Items":[..]}, which may be 0, else 1. Of CloudWatch Logs 1, whatever
  /// is inside.
  [[nodiscard]] uint64_t entries() const { return entries_; }
  /// eventSourceARN of the first entry (SQS, Kinesis, DynamoDB); else empty.
  [[nodiscard]] std::string_view source_arn() const { return source_arn_.view(); }
  /// An SQS queue that keeps order.
  [[nodiscard]] bool is_fifo() const { return kind_ == EventKind::kSqs && source_arn().ends_with(".fifo"); }
  /// The delivery's name, the same at each attempt, made of [A-Za-z0-9._-], with no dot in front (what else there is becomes -): first messageId (SQS), eventID (Kinesis,
  /// DynamoDB), MessageId (SNS), id (EventBridge), x-amz-request-id and sequencer (S3), a hash of the data (CloudWatch Logs). Empty for direct
  /// invocations, and for S3 where there is neither. A batch that is retried in other company has another first entry, and another id.
  [[nodiscard]] std::string_view id() const { return id_.view(); }
  /// The first entry's own time, nanoseconds since 1970; 0: it has none (direct, CloudWatch Logs).
  [[nodiscard]] uint64_t time_ns() const { return time_ns_; }

  /// Whether entries are notifications of S3: directly, or in the body of an SQS message, in an SNS message, an SNS envelope inside SQS, an
  /// EventBridge event, also inside SQS and SNS; or name an object as a direct invocation may (see EventObjects, also for `default_bucket`).
  /// An entry may name none and still be one: test messages, deleted objects. kNone when there is no entry.
  [[nodiscard]] NamesObjects names_objects(std::string_view default_bucket = {}) const;

 private:
  friend class EventEntries;
  friend class EventObjects;
  Status read_root();
  Status read_records();
  Status read_entry(std::string_view entry, uint64_t index);
  bool set_id(std::string_view first, std::string_view second = {});

  std::string_view text_;
  std::string_view list_;  ///< the array that the entries stand in; empty: the text is the only entry
  std::string_view batch_bucket_;  ///< BatchInput.bucket, with its quotes
  EventKind kind_ = EventKind::kDirect;
  uint64_t entries_ = 1;
  uint64_t time_ns_ = 0;
  FixedText<kArnBytesMax> source_arn_;
  FixedText<kIdBytesMax> id_;
};

/// The entries, one by one, as raw JSON.
class EventEntries {
 public:
  EventEntries() = default;
  explicit EventEntries(const Event& event);
  bool next();
  [[nodiscard]] std::string_view value() const { return value_; }
  /// Of value(), from 0.
  [[nodiscard]] uint64_t index() const { return count_ - 1; }

 private:
  JsonElementsView elements_;
  std::string_view single_;
  std::string_view value_;
  uint64_t count_ = 0;
};

}  // namespace weir

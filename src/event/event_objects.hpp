// EventObjects: the S3 objects that an event's entries name, one by one.
//
// An entry is a notification of S3 as it comes, or as the text of an SQS body, of an SNS message, of an SNS envelope in an SQS body; an
// "Object Created" of EventBridge, also in those; or, of a direct invocation, one of
//   {"bucket": "b", "key": "k"} with or without "version"          {"url": "s3://b/k"}
//   {"Key": "k", "Size": 1, "Etag": ".."} as Distributed Map lists objects, the bucket from the BatchInput beside the Items, or the default
// Keys are form-urlencoded in notifications (+ is a blank) and literal everywhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "event/event.hpp"
#include "event/json_pull.hpp"

namespace weir {

/// What there is of an object in its event; what is missing is empty.
struct EventObject {
  static constexpr size_t kKeyBytesMax = 1024;
  static constexpr size_t kBucketBytesMax = 255;
  FixedText<kBucketBytesMax> bucket;
  FixedText<kKeyBytesMax> key;  ///< decoded; UTF-8 without NUL
  FixedText<1024> version;
  FixedText<128> etag;  ///< without quotes
  FixedText<64> event_name;  ///< "ObjectCreated:Put", of EventBridge its detail's reason
  FixedText<64> sequencer;
  uint64_t size = kNoOffset;  ///< bytes; kNoOffset: not told
  uint64_t entry = 0;  ///< that named it
};

class EventObjects {
 public:
  enum class Next : uint8_t {
    kObject,
    kBadEntry,  ///< `error` says what of the entry error.record is wrong; other objects of the entry may come yet
    kEnd,
  };

  /// `event` and its text must outlive this.
  explicit EventObjects(const Event& event, std::string_view default_bucket = {});

  /// W3503 for an entry, or an object of it, that can't be read: no S3 notification, no bucket or key, a key that is badly encoded or longer than
  /// S3 allows.
  Next next(EventObject& object, Error& error);
  /// Objects so far that are told of and not to be read: deleted ones and whatever else is no ObjectCreated, and folders' markers (empty,
  /// their key ends in /).
  [[nodiscard]] uint64_t skipped() const { return skipped_; }

 private:
  friend bool entry_names_objects(const Event&, std::string_view, std::string_view);
  enum class Form : uint8_t {
    kNone,  ///< not about S3
    kTest,
    kRecords,  ///< notifications, in an array
    kRecord,  ///< one notification
    kBridge,  ///< EventBridge
    kItem,  ///< of a direct invocation
  };
  using Pull = JsonPull<EventText>;
  struct Document {
    Form form = Form::kNone;
    Pull at;  ///< before the array, the notification, the event
  };

  static Document document_of(const Event& event, std::string_view entry, std::string_view default_bucket);
  static Document document_of_text(EventText text, uint32_t envelopes);
  bool read_notification(EventObject& object, std::string_view& fault);
  bool read_bridge(EventObject& object, std::string_view& fault);
  bool read_item(std::string_view item, EventObject& object, std::string_view& fault) const;

  const Event* event_;
  std::string_view default_bucket_;
  EventEntries entries_;
  Form form_ = Form::kNone;  ///< of the entry that is open
  bool open_ = false;  ///< an entry is
  Pull at_;
  uint64_t skipped_ = 0;
};

/// Whether one entry does: what Event::names_objects() asks of all.
bool entry_names_objects(const Event& event, std::string_view entry, std::string_view default_bucket);

}  // namespace weir

#include "event/event.hpp"

#include "base/utc_time.hpp"
#include "event/event_objects.hpp"
#include "format/json_automaton.hpp"
#include "format/json_minify.hpp"
#include "hash/hex.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

struct SourceRow {
  std::string_view name;
  EventKind kind;
};
constexpr SourceRow kSources[] = {
    {"aws:s3", EventKind::kS3},           {"aws:sqs", EventKind::kSqs},
    {"aws:kinesis", EventKind::kKinesis}, {"aws:dynamodb", EventKind::kDynamoDb},
    {"aws:sns", EventKind::kSns},
};

/// What `eventSource`, or SNS' `EventSource`, of an entry says; kDirect when it says nothing that is known.
EventKind kind_of_entry(std::string_view entry) {
  WantedMember wanted[] = {{"eventSource"}, {"EventSource"}};
  find_members(entry, wanted);
  for (const SourceRow& source : kSources) {
    if (json_string_is(wanted[source.kind == EventKind::kSns ? 1 : 0].value, source.name)) return source.kind;
  }
  return EventKind::kDirect;
}

std::unexpected<Error> bad_entry(uint64_t index, std::string_view what) {
  Error error(Code::kBadEvent, what);
  error.record = index;
  return fail(error);
}

bool is_filled_string(std::string_view raw) { return is_json_string(raw) && raw.size() > 2; }

uint64_t iso_time_ns(std::string_view raw) {
  FixedText<64> text;
  return put_json_text(raw, text) ? parse_iso_time(text.view()).value_or(0) : 0;
}

/// A number, or a string that is one, of seconds or milliseconds; 0 when it can't be.
uint64_t number_ns(std::string_view raw, uint64_t unit_ns) {
  FixedText<64> text;
  if (!put_json_text(raw, text)) text.append(raw);
  Value value;
  if (text.empty() || text.truncated() || parse_number(text.view(), value) != NumberError::kNone) return 0;
  Int128 mantissa = value.type == Type::kInt ? Int128{value.integer} : value.mantissa;
  constexpr Int128 kMantissaMax = Int128{1} << 90;
  if (mantissa < 0 || mantissa > kMantissaMax) return 0;
  mantissa *= unit_ns;  // below 2^120
  for (uint8_t i = 0; value.type == Type::kDecimal && i < value.scale; ++i) mantissa /= 10;
  return mantissa > Int128{INT64_MAX} ? 0 : static_cast<uint64_t>(mantissa);
}

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMillisecondNs = 1'000'000;

}  // namespace

Result<Event> Event::read(std::string_view text) {
  // TODO(perf): the kernels of JsonScanner, if 10 ms a megabyte (a byte at a time) are ever seen in what an invocation costs.
  const JsonFault fault = check_json(text, kEventDepthMax);
  if (!fault.ok()) {
    Error error(Code::kBadEvent, code_info(fault.code).message);
    if (fault.code == Code::kJsonTooDeep) {
      error.detail.clear();
      error.detail.append("nested deeper than ").append_number(kEventDepthMax).append(" levels");
    }
    return fail(error.at_byte(fault.offset));
  }
  Event event;
  event.text_ = trim_json(text);
  WEIR_TRY(event.read_root());
  return event;
}

Status Event::read_root() {
  if (is_json_array(text_)) {
    list_ = text_;
    return read_records();
  }
  enum : uint8_t { kRecords, kLogs, kDetailType, kSource, kEvent, kService, kItems, kBatchInput, kTime, kId };
  WantedMember root[] = {{"Records"},
                         {"awslogs"},
                         {"detail-type"},
                         {"source"},
                         {"Event"},
                         {"Service"},
                         {"Items"},
                         {"BatchInput"},
                         {"time"},
                         {"id"},
                         {"deliveryStreamArn"},
                         {"invocationSchemaVersion"},
                         {"eventSource"},
                         {"isFinalInvokeForWindow"}};
  constexpr size_t kFirehose = kId + 1;
  constexpr size_t kBatchOperations = kId + 2;
  constexpr size_t kKafka = kId + 3;
  constexpr size_t kWindow = kId + 4;
  find_members(text_, root);
  const auto at = [&](size_t member) { return root[member].value; };

  if (is_json_array(at(kRecords))) {
    JsonElementsView records(at(kRecords));
    if (records.next()) kind_ = kind_of_entry(records.value());
    if (kind_ == EventKind::kDirect) return {};
    if (!at(kWindow).empty()) return fail(Code::kEventNotTaken, "a tumbling window");
    list_ = at(kRecords);
    return read_records();
  }
  if (json_string_is(at(kKafka), "aws:kafka") || json_string_is(at(kKafka), "SelfManagedKafka"))
    return fail(Code::kEventNotTaken, "Kafka");
  if (is_json_string(at(kFirehose))) return fail(Code::kEventNotTaken, "a transformation for Firehose");
  if (is_json_string(at(kBatchOperations))) return fail(Code::kEventNotTaken, "S3 Batch Operations");
  if (is_json_object(at(kLogs))) {
    kind_ = EventKind::kLogs;
    const std::string_view data = find_member(at(kLogs), {"data"});
    if (!is_filled_string(data)) return fail(Code::kBadEvent, "awslogs has no data");
    id_.append(sha256_hex(data).view().substr(0, 32));
    return {};
  }
  if (is_json_string(at(kDetailType)) && is_json_string(at(kSource))) {
    kind_ = EventKind::kEventBridge;
    time_ns_ = iso_time_ns(at(kTime));
    if (!set_id(at(kId))) return fail(Code::kBadEvent, "its id is longer than an id of EventBridge");
    return {};
  }
  if (json_string_is(at(kEvent), "s3:TestEvent") && json_string_is(at(kService), "Amazon S3")) {
    kind_ = EventKind::kS3Test;
    time_ns_ = iso_time_ns(find_member(text_, {"Time"}));
    return {};
  }
  batch_bucket_ = find_member(at(kBatchInput), {"bucket"});
  if (is_json_array(at(kItems))) {
    list_ = at(kItems);
    return read_records();
  }
  return {};
}

Status Event::read_records() {
  entries_ = 0;
  JsonElementsView records(list_);
  while (records.next()) {
    if (kind_ != EventKind::kDirect) WEIR_TRY(read_entry(records.value(), entries_));
    ++entries_;
  }
  return {};
}

/// Holds an entry to what its kind must have; the first one gives the event's own facts.
Status Event::read_entry(std::string_view entry, uint64_t index) {
  if (!is_json_object(entry) || kind_of_entry(entry) != kind_)
    return bad_entry(index, "it is of another source than the first entry");
  const bool first = index == 0;
  FixedText<kArnBytesMax> arn;
  bool id_fits = true;
  switch (kind_) {
    case EventKind::kSqs: {
      WantedMember sqs[] = {{"messageId"}, {"body"}, {"eventSourceARN"}, {"attributes"}};
      find_members(entry, sqs);
      if (!is_filled_string(sqs[0].value)) return bad_entry(index, "it has no messageId");
      if (!is_json_string(sqs[1].value)) return bad_entry(index, "it has no body");
      if (!first) return {};
      put_json_text(sqs[2].value, arn);
      id_fits = set_id(sqs[0].value);
      time_ns_ = number_ns(find_member(sqs[3].value, {"SentTimestamp"}), kMillisecondNs);
      break;
    }
    case EventKind::kKinesis: {
      WantedMember record[] = {{"kinesis"}, {"eventID"}, {"eventSourceARN"}};
      find_members(entry, record);
      WantedMember kinesis[] = {{"sequenceNumber"}, {"data"}, {"approximateArrivalTimestamp"}};
      find_members(record[0].value, kinesis);
      if (!is_filled_string(kinesis[0].value)) return bad_entry(index, "it has no sequenceNumber");
      if (!is_json_string(kinesis[1].value)) return bad_entry(index, "it has no data");
      if (!first) return {};
      put_json_text(record[2].value, arn);
      id_fits = set_id(record[1].value);
      time_ns_ = number_ns(kinesis[2].value, kSecondNs);
      break;
    }
    case EventKind::kDynamoDb: {
      WantedMember record[] = {{"dynamodb"}, {"eventID"}, {"eventSourceARN"}};
      find_members(entry, record);
      WantedMember change[] = {{"SequenceNumber"}, {"ApproximateCreationDateTime"}};
      find_members(record[0].value, change);
      if (!is_filled_string(change[0].value)) return bad_entry(index, "it has no SequenceNumber");
      if (!first) return {};
      put_json_text(record[2].value, arn);
      id_fits = set_id(record[1].value);
      time_ns_ = number_ns(change[1].value, kSecondNs);
      break;
    }
    case EventKind::kSns: {
      const std::string_view sns = find_member(entry, {"Sns"});
      WantedMember message[] = {{"Message"}, {"MessageId"}, {"Timestamp"}};
      find_members(sns, message);
      if (!is_json_string(message[0].value)) return bad_entry(index, "it has no Message");
      if (!first) return {};
      id_fits = set_id(message[1].value);
      time_ns_ = iso_time_ns(message[2].value);
      break;
    }
    case EventKind::kS3: {
      if (!first) return {};
      time_ns_ = iso_time_ns(find_member(entry, {"eventTime"}));
      id_fits = set_id(find_member(entry, {"responseElements", "x-amz-request-id"}),
                       find_member(entry, {"s3", "object", "sequencer"}));
      break;
    }
    default:
      break;
  }
  if (arn.truncated()) return bad_entry(index, "its eventSourceARN is too long");
  if (!id_fits) return bad_entry(index, "its id is too long");
  source_arn_ = arn;
  return {};
}

/// Of raw strings, where they are any; false when they are longer than any id of AWS.
bool Event::set_id(std::string_view first, std::string_view second) {
  for (const std::string_view part : {first, second}) {
    FixedText<kIdBytesMax> text;
    if (is_json_string(part) && !put_json_text(part, text)) return false;
    if (text.empty()) continue;
    if (!id_.empty()) id_.append('-');
    for (const char c : text.view()) {
      const bool kept = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                        c == '-' || (c == '.' && !id_.empty());
      id_.append(kept ? c : '-');
    }
  }
  return !id_.truncated();
}

EventEntries::EventEntries(const Event& event) {
  if (event.list_.empty()) {
    single_ = event.text_;
  } else {
    elements_ = JsonElementsView(event.list_);
  }
}

bool EventEntries::next() {
  if (!single_.empty()) {
    value_ = single_;
    single_ = {};
  } else if (elements_.next()) {
    value_ = elements_.value();
  } else {
    return false;
  }
  ++count_;
  return true;
}

NamesObjects Event::names_objects(std::string_view default_bucket) const {
  uint64_t named = 0;
  uint64_t count = 0;
  for (EventEntries entries(*this); entries.next(); ++count) {
    if (entry_names_objects(*this, entries.value(), default_bucket)) ++named;
  }
  if (named == 0) return NamesObjects::kNone;
  return named == count ? NamesObjects::kAll : NamesObjects::kSome;
}

}  // namespace weir

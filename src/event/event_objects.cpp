#include "event/event_objects.hpp"

#include "format/json_minify.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

using Pull = JsonPull<EventText>;

int hex_value(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// A key as application/x-www-form-urlencoded; false when an escape is broken, or the key does not fit.
bool read_encoded_key(Pull& at, decltype(EventObject::key)& key) {
  key.clear();
  if (!at.begin_string()) {
    at.skip_value();
    return true;  // no key at all, which is told as that
  }
  bool good = true;
  for (int byte = at.string_next(); byte >= 0; byte = at.string_next()) {
    if (byte == '%') {
      const int high = hex_value(at.string_next());
      const int low = hex_value(at.string_next());
      good = good && high >= 0 && low >= 0;
      byte = (high * 16 + low) & 0xFF;
    } else if (byte == '+') {
      byte = ' ';
    }
    key.append(static_cast<char>(byte));
  }
  return good;
}

uint64_t size_of(std::string_view text) {
  Value value;
  if (text.empty() || parse_number(text, value) != NumberError::kNone || value.type != Type::kInt || value.integer < 0)
    return kNoOffset;
  return static_cast<uint64_t>(value.integer);
}

bool is_bucket(std::string_view name) {
  for (const char c : name) {
    const bool good =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
    if (!good) return false;
  }
  return !name.empty();
}

/// What is wrong with the object that was read; empty: nothing.
std::string_view fault_of(const EventObject& object) {
  if (object.bucket.truncated() || (!object.bucket.empty() && !is_bucket(object.bucket.view())))
    return "its bucket's name is none";
  if (object.bucket.empty()) return "it names no bucket";
  if (object.key.empty()) return "it names no key";
  if (object.key.truncated()) return "its key is longer than 1024 bytes";
  const std::string_view key = object.key.view();
  if (utf8_valid_prefix(key) != key.size() || key.find('\0') != std::string_view::npos) return "its key is not UTF-8";
  if (object.version.truncated() || object.etag.truncated() || object.event_name.truncated() ||
      object.sequencer.truncated()) {
    return "its version, ETag, name or sequencer is longer than any of S3's";
  }
  return {};
}

bool is_marker(const EventObject& object) { return object.size == 0 && object.key.view().ends_with('/'); }

/// `"abc"` with or without its quotes.
void unquote(decltype(EventObject::etag)& etag) {
  const std::string_view text = etag.view();
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return;
  const FixedText<128> inner(text.substr(1, text.size() - 2));
  etag = inner;
}

}  // namespace

EventObjects::EventObjects(const Event& event, std::string_view default_bucket)
    : event_(&event), default_bucket_(default_bucket), entries_(event) {}

/// What a text inside an entry is. It came from a stranger: it is held to JSON before anything else is asked of it.
EventObjects::Document EventObjects::document_of_text(EventText text, uint32_t envelopes) {
  if (!is_json_container(text, kEventDepthMax)) return {};
  const Pull root(text);
  Pull at = root;
  if (!at.enter('{')) return {};
  Pull records;
  Pull message;
  bool has_records = false;
  bool has_message = false;
  bool has_detail = false;
  FixedText<64> event;
  FixedText<64> type;
  FixedText<64> source;
  for (Pull::Name name; at.next_member(name);) {
    const std::string_view member = name.view();
    if (member == "Records") {
      has_records = at.kind() == '[';
      records = at;
    } else if (member == "Message") {
      has_message = at.kind() == '"';
      message = at;
    } else if (member == "Event") {
      at.read_string(event);
      continue;
    } else if (member == "Type") {
      at.read_string(type);
      continue;
    } else if (member == "source") {
      at.read_string(source);
      continue;
    } else if (member == "detail") {
      has_detail = at.kind() == '{';
    }
    at.skip_value();
  }
  if (has_records) {
    // Every element must be a notification: {"Records":[]} and strangers' arrays are not.
    Pull element = records;
    uint64_t count = 0;
    for (element.enter('['); element.next_element(); ++count) {
      FixedText<64> said;
      Pull inside = element;
      if (!inside.enter('{')) return {};
      for (Pull::Name name; inside.next_member(name);) {
        if (name.view() == "eventSource") {
          inside.read_string(said);
        } else {
          inside.skip_value();
        }
      }
      if (said.view() != "aws:s3") return {};
      element.skip_value();
    }
    if (count == 0) return {};
    return {Form::kRecords, records};
  }
  if (event.view() == "s3:TestEvent") return {Form::kTest, root};
  if (has_detail && source.view() == "aws.s3") return {Form::kBridge, root};
  if (has_message && type.view() == "Notification" && envelopes > 0) {
    EventText inner = message.source();
    if (inner.enter_string()) return document_of_text(inner, envelopes - 1);
  }
  return {};
}

EventObjects::Document EventObjects::document_of(const Event& event, std::string_view entry,
                                                 std::string_view default_bucket) {
  const auto pull = [&] { return Pull(EventText(entry)); };
  switch (event.kind()) {
    case EventKind::kS3:
      return {Form::kRecord, pull()};
    case EventKind::kS3Test:
      return {Form::kTest, pull()};
    case EventKind::kEventBridge:
      return document_of_text(EventText(entry), 0);
    case EventKind::kSqs:
      return document_of_text(EventText::of_string(find_member(entry, {"body"})), 1);
    case EventKind::kSns:
      return document_of_text(EventText::of_string(find_member(entry, {"Sns", "Message"})), 0);
    case EventKind::kDirect: {
      WantedMember item[] = {{"bucket"}, {"key"}, {"Key"}, {"url"}};
      find_members(entry, item);
      const auto is_string = [&](size_t member) { return is_json_string(item[member].value); };
      const bool has_bucket = is_json_string(event.batch_bucket_) || !default_bucket.empty();
      FixedText<5> scheme;
      if (is_string(3)) put_json_text(item[3].value, scheme);  // cut: the scheme is all that is asked for
      const bool names =
          (is_string(0) && is_string(1)) || (is_string(2) && (has_bucket || is_string(0))) || scheme.view() == "s3://";
      return {names ? Form::kItem : Form::kNone, {}};
    }
    default:
      return {};
  }
}

bool entry_names_objects(const Event& event, std::string_view entry, std::string_view default_bucket) {
  return EventObjects::document_of(event, entry, default_bucket).form != EventObjects::Form::kNone;
}

/// False: it is not to be read. Otherwise `fault` is empty or says what is wrong with it.
bool EventObjects::read_notification(EventObject& object, std::string_view& fault) {
  bool good_key = true;
  FixedText<32> size;
  Pull::Name name;
  Pull::Name inner;
  if (!at_.enter('{')) {
    at_.skip_value();
    fault = "it is no notification";
    return true;
  }
  while (at_.next_member(name)) {
    if (name.view() == "eventName") {
      at_.read_string(object.event_name);
    } else if (name.view() == "s3" && at_.enter('{')) {
      while (at_.next_member(name)) {
        if (name.view() == "bucket" && at_.enter('{')) {
          while (at_.next_member(inner)) {
            if (inner.view() == "name") {
              at_.read_string(object.bucket);
            } else {
              at_.skip_value();
            }
          }
        } else if (name.view() == "object" && at_.enter('{')) {
          while (at_.next_member(inner)) {
            if (inner.view() == "key") {
              good_key = read_encoded_key(at_, object.key);
            } else if (inner.view() == "size") {
              at_.read_scalar(size);
            } else if (inner.view() == "eTag") {
              at_.read_string(object.etag);
            } else if (inner.view() == "versionId") {
              at_.read_string(object.version);
            } else if (inner.view() == "sequencer") {
              at_.read_string(object.sequencer);
            } else {
              at_.skip_value();
            }
          }
        } else {
          at_.skip_value();
        }
      }
    } else {
      at_.skip_value();
    }
  }
  object.size = size_of(size.view());
  // Notifications have no prefix; what S3 shows where they are set up has one.
  std::string_view event = object.event_name.view();
  if (event.starts_with("s3:")) event.remove_prefix(3);
  if (!event.empty() && !event.starts_with("ObjectCreated:")) return false;
  if (event.empty()) {
    fault = "it has no eventName";
  } else {
    fault = good_key ? fault_of(object) : "its key has a broken %-escape";
  }
  return !fault.empty() || !is_marker(object);
}

bool EventObjects::read_bridge(EventObject& object, std::string_view& fault) {
  FixedText<64> detail_type;
  FixedText<32> size;
  Pull::Name name;
  Pull::Name inner;
  at_.enter('{');
  while (at_.next_member(name)) {
    if (name.view() == "detail-type") {
      at_.read_string(detail_type);
    } else if (name.view() == "detail" && at_.enter('{')) {
      while (at_.next_member(name)) {
        if (name.view() == "reason") {
          at_.read_string(object.event_name);
        } else if (name.view() == "bucket" && at_.enter('{')) {
          while (at_.next_member(inner)) {
            if (inner.view() == "name") {
              at_.read_string(object.bucket);
            } else {
              at_.skip_value();
            }
          }
        } else if (name.view() == "object" && at_.enter('{')) {
          while (at_.next_member(inner)) {
            if (inner.view() == "key") {
              at_.read_string(object.key);
            } else if (inner.view() == "size") {
              at_.read_scalar(size);
            } else if (inner.view() == "etag") {
              at_.read_string(object.etag);
            } else if (inner.view() == "version-id") {
              at_.read_string(object.version);
            } else if (inner.view() == "sequencer") {
              at_.read_string(object.sequencer);
            } else {
              at_.skip_value();
            }
          }
        } else {
          at_.skip_value();
        }
      }
    } else {
      at_.skip_value();
    }
  }
  object.size = size_of(size.view());
  if (detail_type.view() != "Object Created") return false;
  fault = fault_of(object);
  return !fault.empty() || !is_marker(object);
}

bool EventObjects::read_item(std::string_view item, EventObject& object, std::string_view& fault) const {
  enum : uint8_t { kBucket, kKey, kVersion, kMapKey, kSize, kMapEtag, kUrl, kSizeHere, kEtagHere };
  WantedMember wanted[] = {{"bucket"}, {"key"}, {"version"}, {"Key"}, {"Size"}, {"Etag"}, {"url"}, {"size"}, {"etag"}};
  find_members(item, wanted);
  const auto take = [&](auto& field, size_t member) { put_json_text(wanted[member].value, field); };
  take(object.bucket, kBucket);
  take(object.key, kKey);
  take(object.version, kVersion);
  take(object.etag, kEtagHere);
  FixedText<32> size(wanted[kSizeHere].value);
  if (object.key.empty() && is_json_string(wanted[kMapKey].value)) {
    take(object.key, kMapKey);
    take(object.etag, kMapEtag);
    size = FixedText<32>(wanted[kSize].value);
    if (object.bucket.empty()) put_json_text(event_->batch_bucket_, object.bucket);
    if (object.bucket.empty()) object.bucket.append(default_bucket_);
  } else if (object.key.empty() && is_json_string(wanted[kUrl].value)) {
    FixedText<EventObject::kBucketBytesMax + EventObject::kKeyBytesMax + 6> url;
    take(url, kUrl);
    if (url.truncated()) {
      fault = "its url is too long";
      return true;
    }
    const std::string_view address = url.view().substr(5);
    const size_t slash = address.find('/');
    object.bucket.clear();
    object.bucket.append(address.substr(0, slash));
    if (slash != std::string_view::npos) object.key.append(address.substr(slash + 1));
  }
  unquote(object.etag);
  object.size = size_of(size.view());
  fault = fault_of(object);
  return !fault.empty() || !is_marker(object);
}

EventObjects::Next EventObjects::next(EventObject& object, Error& error) {
  while (true) {
    if (!open_) {
      if (!entries_.next()) return Next::kEnd;
      const Document document = document_of(*event_, entries_.value(), default_bucket_);
      form_ = document.form;
      at_ = document.at;
      open_ = true;
      if (form_ == Form::kRecords) at_.enter('[');
    }
    object = {};
    object.entry = entries_.index();
    std::string_view fault;
    bool wanted = false;
    switch (form_) {
      case Form::kNone:
        open_ = false;
        fault = "it names no S3 object";
        wanted = true;
        break;
      case Form::kTest:
        open_ = false;
        continue;
      case Form::kRecords:
        if (!at_.next_element()) {
          open_ = false;
          continue;
        }
        wanted = read_notification(object, fault);
        break;
      case Form::kRecord:
        open_ = false;
        wanted = read_notification(object, fault);
        break;
      case Form::kBridge:
        open_ = false;
        wanted = read_bridge(object, fault);
        break;
      case Form::kItem:
        open_ = false;
        wanted = read_item(entries_.value(), object, fault);
        break;
    }
    if (!wanted) {
      ++skipped_;
      continue;
    }
    if (fault.empty()) return Next::kObject;
    error = Error(Code::kBadEntry, fault);
    error.record = object.entry;
    return Next::kBadEntry;
  }
}

}  // namespace weir

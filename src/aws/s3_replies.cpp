#include "aws/s3_replies.hpp"

#include "base/utc_time.hpp"
#include "io/http_head.hpp"
#include "io/url.hpp"

namespace weir {
namespace {

/// False when it did not fit.
template <size_t kBytesMax>
bool set(FixedText<kBytesMax>& field, std::string_view text) {
  field.clear();
  return !field.append(text).truncated();
}

/// For messages: cut, and nothing that a terminal would obey.
template <size_t kBytesMax>
void set_said(FixedText<kBytesMax>& field, std::string_view text) {
  field.clear();
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    field.append(byte < 0x20 || byte == 0x7F ? '?' : c);
    if (field.truncated()) break;
  }
}

}  // namespace

void FailureReader::take(const XmlScanner& scanner) {
  if (!scanner.leaf()) return;
  const std::string_view name = scanner.name();
  const std::string_view parent = scanner.name_at(scanner.depth() - 1);
  const std::string_view text = scanner.text();
  if (parent == "Error") {
    if (name == "Code") set_said(failure_.code, text);
    if (name == "Message") set_said(failure_.message, text);
    if (name == "Region") set_said(failure_.region, text);
    if (name == "Endpoint") set_said(failure_.endpoint, text);
  }
  // Beside <Error> in a reply of STS, inside of it in one of S3.
  if ((parent == "Error" || parent == "ErrorResponse") && (name == "RequestId" || name == "RequestID")) {
    set_said(failure_.request_id, text);
  }
}

template <typename Taker>
Transfer ReplyReader::drive(std::string_view input, bool closed, Error& error, Taker&& take) {
  Transfer transfer;
  std::string_view left = input;
  while (true) {
    const XmlEvent event = scanner_.next(left, closed, error);
    transfer.consumed = input.size() - left.size();
    transfer.step = event == XmlEvent::kNeedInput  ? Step::kNeedInput
                    : event == XmlEvent::kFinished ? Step::kFinished
                                                   : Step::kFailed;
    if (event != XmlEvent::kBegin && event != XmlEvent::kEnd) return transfer;
    if (event == XmlEvent::kEnd) failures_.take(scanner_);
    switch (take(event == XmlEvent::kBegin)) {
      case Take::kGoOn:
        continue;
      case Take::kItem:
        transfer.step = Step::kHaveOutput;
        return transfer;
      case Take::kTooLong:
        error = Error(Code::kBadReply, "a value in the reply is too long: <");
        break;
      case Take::kBad:
        error = Error(Code::kBadReply, "a value in the reply can't be understood: <");
        break;
    }
    error.detail.append(scanner_.name()).append('>');
    transfer.step = Step::kFailed;
    return transfer;
  }
}

Transfer ErrorReplyReader::read(std::string_view body, bool closed, Error& error) {
  return drive(body, closed, error, [](bool) { return Take::kGoOn; });
}

// ---- listings ----------------------------------------------------------------------------------------------------------

Transfer ListObjectsReader::read(std::string_view body, bool closed, Error& error) {
  Transfer transfer = drive(body, closed, error, [this](bool begin) { return take(begin); });
  // A server that does not know encoding-type gives raw keys: where that makes a difference, the keys that were handed out are wrong.
  if (transfer.step == Step::kFinished && encoded_ && !said_encoded_ && escapes_seen_) {
    error = Error(Code::kBadReply, "the server does not say whether keys are percent-encoded");
    transfer.step = Step::kFailed;
  }
  return transfer;
}

ReplyReader::Take ListObjectsReader::take_key(std::string_view text) {
  if (scanner_.text_cut()) return Take::kTooLong;
  if (!encoded_) return set(item_.key, text) ? Take::kGoOn : Take::kTooLong;
  escapes_seen_ = escapes_seen_ || text.find_first_of("%+") != std::string_view::npos;
  char key[kKeyBytesMax + 1];
  const auto size = percent_decode(text, key, Plus::kIsSpace);
  if (!size) return text.size() > kKeyBytesMax ? Take::kTooLong : Take::kBad;
  return set(item_.key, {key, *size}) ? Take::kGoOn : Take::kTooLong;
}

ReplyReader::Take ListObjectsReader::take(bool begin) {
  if (scanner_.name_at(1) != "ListBucketResult") return Take::kGoOn;
  if (begin) {
    if (scanner_.depth() == 2) item_ = ListedObject();
    return Take::kGoOn;
  }
  const std::string_view name = scanner_.name();
  const std::string_view text = scanner_.text();
  if (scanner_.depth() == 2) {
    if (name == "IsTruncated") truncated_ = text == "true";
    if (name == "EncodingType") said_encoded_ = text == "url";
    if (name == "NextContinuationToken") return set(next_token_, text) ? Take::kGoOn : Take::kTooLong;
    if (name == "Contents" || name == "CommonPrefixes") {
      item_.prefix = name == "CommonPrefixes";
      return item_.key.empty() ? Take::kBad : Take::kItem;
    }
    return Take::kGoOn;
  }
  if (scanner_.depth() != 3) return Take::kGoOn;
  const std::string_view entry = scanner_.name_at(2);
  if (entry == "CommonPrefixes" && name == "Prefix") return take_key(text);
  if (entry != "Contents") return Take::kGoOn;
  if (name == "Key") return take_key(text);
  if (name == "ETag") return set(item_.etag, text) ? Take::kGoOn : Take::kTooLong;
  if (name == "StorageClass") return set(item_.storage_class, text) ? Take::kGoOn : Take::kTooLong;
  if (name == "Size") {
    const auto size = parse_length(text);
    item_.size = size.value_or(0);
    return size ? Take::kGoOn : Take::kBad;
  }
  if (name == "LastModified") {
    const auto time_ns = parse_iso_time(text);
    item_.modified_wall_ns = time_ns.value_or(0);
    return time_ns ? Take::kGoOn : Take::kBad;
  }
  return Take::kGoOn;
}

Transfer ListPartsReader::read(std::string_view body, bool closed, Error& error) {
  return drive(body, closed, error, [this](bool begin) { return take(begin); });
}

ReplyReader::Take ListPartsReader::take(bool begin) {
  constexpr uint64_t kPartNumberMax = 10'000;
  // The second name is what other stores say.
  if (scanner_.name_at(1) != "ListPartsResult" && scanner_.name_at(1) != "ListPartsResponse") return Take::kGoOn;
  if (begin) {
    if (scanner_.depth() == 2) item_ = ListedPart();
    return Take::kGoOn;
  }
  const std::string_view name = scanner_.name();
  const std::string_view text = scanner_.text();
  if (scanner_.depth() == 2) {
    if (name == "IsTruncated") truncated_ = text == "true";
    if (name == "NextPartNumberMarker" && !text.empty()) {
      const auto number = parse_length(text);
      if (!number || *number > kPartNumberMax) return Take::kBad;
      next_marker_ = static_cast<uint32_t>(*number);
    }
    if (name != "Part") return Take::kGoOn;
    return item_.number == 0 ? Take::kBad : Take::kItem;
  }
  if (scanner_.depth() != 3 || scanner_.name_at(2) != "Part") return Take::kGoOn;
  if (name == "PartNumber") {
    const auto number = parse_length(text);
    if (!number || *number == 0 || *number > kPartNumberMax) return Take::kBad;
    item_.number = static_cast<uint32_t>(*number);
  }
  if (name == "ETag") return set(item_.etag, text) ? Take::kGoOn : Take::kTooLong;
  if (name == "ChecksumCRC64NVME") return set(item_.crc64nvme, text) ? Take::kGoOn : Take::kTooLong;
  if (name == "Size") {
    const auto size = parse_length(text);
    item_.size = size.value_or(0);
    return size ? Take::kGoOn : Take::kBad;
  }
  if (name == "LastModified") item_.modified_wall_ns = parse_iso_time(text).value_or(0);
  return Take::kGoOn;
}

Transfer ListUploadsReader::read(std::string_view body, bool closed, Error& error) {
  return drive(body, closed, error, [this](bool begin) { return take(begin); });
}

ReplyReader::Take ListUploadsReader::take(bool begin) {
  if (scanner_.name_at(1) != "ListMultipartUploadsResult") return Take::kGoOn;
  if (begin) {
    if (scanner_.depth() == 2) item_ = ListedUpload();
    return Take::kGoOn;
  }
  const std::string_view name = scanner_.name();
  const std::string_view text = scanner_.text();
  const auto fits = [](bool whole) { return whole ? Take::kGoOn : Take::kTooLong; };
  if (scanner_.depth() == 2) {
    if (name == "IsTruncated") truncated_ = text == "true";
    if (name == "NextKeyMarker") return fits(set(next_key_, text));
    if (name == "NextUploadIdMarker") return fits(set(next_upload_, text));
    if (name != "Upload") return Take::kGoOn;
    return item_.key.empty() || item_.upload_id.empty() ? Take::kBad : Take::kItem;
  }
  if (scanner_.depth() != 3 || scanner_.name_at(2) != "Upload") return Take::kGoOn;
  if (name == "Key") return fits(set(item_.key, text));
  if (name == "UploadId") return fits(set(item_.upload_id, text));
  if (name == "Initiated") {
    const auto time_ns = parse_iso_time(text);
    item_.initiated_wall_ns = time_ns.value_or(0);
    return time_ns ? Take::kGoOn : Take::kBad;
  }
  return Take::kGoOn;
}

// ---- single results ----------------------------------------------------------------------------------------------------

Transfer WriteReplyReader::read(std::string_view body, bool closed, Error& error) {
  Transfer transfer = drive(body, closed, error, [this](bool begin) { return take(begin); });
  if (transfer.step == Step::kFinished && !known_ && !failure().present()) {
    error = Error(Code::kBadReply, "a reply of another kind than was asked for");
    transfer.step = Step::kFailed;
  }
  return transfer;
}

ReplyReader::Take WriteReplyReader::take(bool begin) {
  if (begin) return Take::kGoOn;
  const std::string_view root = scanner_.name_at(1);
  const std::string_view name = scanner_.name();
  const bool known = root == "InitiateMultipartUploadResult" || root == "CompleteMultipartUploadResult" ||
                     root == "CopyPartResult" || root == "CopyObjectResult";
  known_ = known_ || known;
  if (!known || scanner_.depth() != 2) return Take::kGoOn;
  const auto fits = [](bool whole) { return whole ? Take::kGoOn : Take::kTooLong; };
  if (name == "UploadId") return fits(set(upload_id_, scanner_.text()));
  if (name == "ETag") return fits(set(etag_, scanner_.text()));
  if (name == "ChecksumCRC64NVME") return fits(set(crc64nvme_, scanner_.text()));
  return Take::kGoOn;
}

Transfer StsReader::read(std::string_view body, bool closed, Error& error) {
  Transfer transfer = drive(body, closed, error, [this](bool begin) { return take(begin); });
  const bool whole =
      credentials_.present() && !credentials_.secret_key.empty() && !credentials_.session_token.empty() && expiry_seen_;
  if (transfer.step == Step::kFinished && !whole && !failure().present()) {
    error = Error(Code::kBadReply, "the reply has no credentials");
    transfer.step = Step::kFailed;
  }
  return transfer;
}

ReplyReader::Take StsReader::take(bool begin) {
  if (begin) return Take::kGoOn;
  if (scanner_.name_at(scanner_.depth() - 1) != "Credentials") return Take::kGoOn;
  if (scanner_.name_at(1) != "AssumeRoleResponse" && scanner_.name_at(1) != "AssumeRoleWithWebIdentityResponse") {
    return Take::kGoOn;
  }
  const std::string_view name = scanner_.name();
  const std::string_view text = scanner_.text();
  const auto fits = [&](bool whole) { return whole && !scanner_.text_cut() ? Take::kGoOn : Take::kTooLong; };
  if (name == "AccessKeyId") return fits(set(credentials_.access_key, text));
  if (name == "SecretAccessKey") return fits(set(credentials_.secret_key, text));
  if (name == "SessionToken") return fits(set(credentials_.session_token, text));
  if (name == "Expiration") {
    const auto time_ns = parse_iso_time(text);
    credentials_.expires_wall_ns = time_ns.value_or(0);
    expiry_seen_ = time_ns.has_value();
    return time_ns ? Take::kGoOn : Take::kBad;
  }
  return Take::kGoOn;
}

}  // namespace weir

// Readers of the XML replies of S3 and STS, sans-I/O and in constant memory (sizes below; a listing's entries are handed out one by one).
//
// Every reader takes the body in pieces: kNeedInput: all was used; kHaveOutput: `item` has an entry, call again with what is left; kFinished: the reply
// is whole; kFailed: W4025. Any reply may be an <Error>, also with status 200 and behind blanks that keep the connection busy (Complete,
// UploadPartCopy): look at `failure().present()` when it is finished. A body that is cut is kFailed.
// Sources: S3's API reference (2006-03-01), STS' (2011-06-15), as botocore's service-2.json models them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "aws/credentials.hpp"
#include "aws/xml.hpp"
#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "base/step.hpp"

namespace weir {

inline constexpr size_t kKeyBytesMax = 1024;  ///< S3's bound, in UTF-8
inline constexpr size_t kEtagBytesMax = 128;  ///< seen are up to 36 with quotes; others than AWS use more
inline constexpr size_t kUploadIdBytesMax = 1024;  ///< no bound is stated; seen are 128, others than AWS about 300
inline constexpr size_t kMarkerBytesMax = 3072;  ///< of a continuation token: no bound is stated

/// What a service says of a failure. Texts are cut at their bounds, and control characters are '?': they go into messages.
struct AwsFailure {
  FixedText<64> code;
  FixedText<200> message;
  FixedText<64> region;  ///< where the bucket is, for AuthorizationHeaderMalformed and PermanentRedirect
  FixedText<256> endpoint;  ///< PermanentRedirect, TemporaryRedirect
  FixedText<64> request_id;  ///< what AWS' support asks for

  [[nodiscard]] bool present() const { return !code.empty(); }
};

/// Takes what an element <Error> has, at any depth of the reply.
class FailureReader {
 public:
  /// At each end of an element.
  void take(const XmlScanner& scanner);
  [[nodiscard]] const AwsFailure& failure() const { return failure_; }

 private:
  AwsFailure failure_;
};

/// The base of the readers: `failure` and the loop. Not for use through a pointer.
class ReplyReader {
 public:
  static constexpr uint64_t kErrorBytesMax = 64 * 1024;
  static constexpr uint64_t kListBytesMax =
      8 * 1024 * 1024;  ///< 1,000 entries with keys of 3 KiB as %XX take half of it

  [[nodiscard]] const AwsFailure& failure() const { return failures_.failure(); }

 protected:
  enum class Take : uint8_t { kGoOn, kItem, kTooLong, kBad };
  explicit ReplyReader(uint64_t bytes_max) : scanner_(bytes_max) {}
  ~ReplyReader() = default;

  template <typename Taker>
  Transfer drive(std::string_view input, bool closed, Error& error, Taker&& take);

  XmlScanner scanner_;
  FailureReader failures_;
};

/// A body that is only looked at for <Error>: of a failed request.
class ErrorReplyReader : public ReplyReader {
 public:
  ErrorReplyReader() : ReplyReader(kErrorBytesMax) {}
  Transfer read(std::string_view body, bool closed, Error& error);
};

struct ListedObject {
  bool prefix = false;  ///< a common prefix: only `key` is set
  FixedText<kKeyBytesMax> key;
  FixedText<kEtagBytesMax> etag;  ///< with its quotes
  FixedText<32> storage_class;
  uint64_t size = 0;
  uint64_t modified_wall_ns = 0;
};

/// ListObjectsV2.
class ListObjectsReader : public ReplyReader {
 public:
  /// `encoded`: asked for with encoding-type=url, so keys are percent-encoded, with '+' for a space.
  explicit ListObjectsReader(bool encoded) : ReplyReader(kListBytesMax), encoded_(encoded) {}
  Transfer read(std::string_view body, bool closed, Error& error);
  /// Valid until the next read.
  [[nodiscard]] const ListedObject& item() const { return item_; }
  [[nodiscard]] bool truncated() const { return truncated_; }  ///< of a finished reply: ask again with `next_token`
  [[nodiscard]] std::string_view next_token() const { return next_token_.view(); }

 private:
  Take take(bool begin);
  Take take_key(std::string_view text);

  bool encoded_;
  bool said_encoded_ = false;
  bool escapes_seen_ = false;
  bool truncated_ = false;
  FixedText<kMarkerBytesMax> next_token_;
  ListedObject item_;
};

struct ListedPart {
  uint32_t number = 0;
  uint64_t size = 0;
  FixedText<kEtagBytesMax> etag;  ///< with its quotes
  FixedText<16> crc64nvme;  ///< Base64; empty where the server keeps none
  uint64_t modified_wall_ns = 0;
};

/// ListParts.
class ListPartsReader : public ReplyReader {
 public:
  ListPartsReader() : ReplyReader(kListBytesMax) {}
  Transfer read(std::string_view body, bool closed, Error& error);
  [[nodiscard]] const ListedPart& item() const { return item_; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] uint32_t next_marker() const { return next_marker_; }

 private:
  Take take(bool begin);

  bool truncated_ = false;
  uint32_t next_marker_ = 0;
  ListedPart item_;
};

struct ListedUpload {
  FixedText<kKeyBytesMax> key;
  FixedText<kUploadIdBytesMax> upload_id;
  uint64_t initiated_wall_ns = 0;
};

/// ListMultipartUploads, asked for without encoding-type.
class ListUploadsReader : public ReplyReader {
 public:
  ListUploadsReader() : ReplyReader(kListBytesMax) {}
  Transfer read(std::string_view body, bool closed, Error& error);
  [[nodiscard]] const ListedUpload& item() const { return item_; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] std::string_view next_key_marker() const { return next_key_.view(); }
  [[nodiscard]] std::string_view next_upload_marker() const { return next_upload_.view(); }

 private:
  Take take(bool begin);

  bool truncated_ = false;
  FixedText<kMarkerBytesMax> next_key_;
  FixedText<kUploadIdBytesMax> next_upload_;
  ListedUpload item_;
};

/// InitiateMultipartUploadResult, CompleteMultipartUploadResult, CopyPartResult and CopyObjectResult: what was asked for is set.
class WriteReplyReader : public ReplyReader {
 public:
  WriteReplyReader() : ReplyReader(kErrorBytesMax) {}
  /// kFailed also for a whole reply that is none of the four and no <Error>.
  Transfer read(std::string_view body, bool closed, Error& error);
  [[nodiscard]] std::string_view upload_id() const { return upload_id_.view(); }
  [[nodiscard]] std::string_view etag() const { return etag_.view(); }
  [[nodiscard]] std::string_view crc64nvme() const { return crc64nvme_.view(); }

 private:
  Take take(bool begin);

  bool known_ = false;
  FixedText<kUploadIdBytesMax> upload_id_;
  FixedText<kEtagBytesMax> etag_;
  FixedText<16> crc64nvme_;
};

/// AssumeRole and AssumeRoleWithWebIdentity.
class StsReader : public ReplyReader {
 public:
  StsReader() : ReplyReader(kErrorBytesMax) {}
  /// kFailed also for a whole reply that has neither credentials nor an <Error>.
  Transfer read(std::string_view body, bool closed, Error& error);
  [[nodiscard]] const Credentials& credentials() const { return credentials_; }

 private:
  Take take(bool begin);

  bool expiry_seen_ = false;
  Credentials credentials_;
};

}  // namespace weir

// S3Client: the requests of S3 that Weir makes, one at a time over one kept connection. Each is signed anew at every attempt, follows the bucket to
// its region, learns the server's clock, renews credentials once, and is tried again by the standard rules (io/http_call.hpp).
//
// Memory: memory_max(), fixed; nothing else. Replies that can be long (listings) are read in a stream and told entry by entry.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "aws/aws_session.hpp"
#include "aws/object_checksum.hpp"
#include "aws/s3_replies.hpp"
#include "aws/s3_request.hpp"
#include "base/function_ref.hpp"
#include "io/http_call.hpp"

namespace weir {

/// An object's place.
struct S3Name {
  std::string bucket;
  std::string key;
};

/// What a HEAD or GET says of an object.
struct S3ObjectInfo {
  uint64_t size = 0;  ///< of the whole object
  FixedText<80> etag;  ///< with its quotes
  FixedText<128> version;  ///< empty: the bucket keeps no versions
  FixedText<80> weir_id;  ///< x-amz-meta-weir-id
  StoredChecksum checksum;
};

/// Which object may stand at the key before.
struct S3Condition {
  std::string_view if_match;  ///< an ETag; empty: any
  bool if_none = false;  ///< no object
};

/// Sums over a body.
struct S3Sums {
  uint64_t crc64nvme = 0;
  std::string_view sha256;  ///< hex; empty: unsigned payload, for https only
};

class S3Client {
 public:
  static constexpr size_t memory_max() { return HttpCall::memory_max(); }
  static constexpr uint32_t kBadRepliesMax = 3;  ///< of another range than was asked for; then W4025

  S3Client(AwsSession& session, std::span<char> room, SocketUse use = SocketUse::kBoth);

  /// Begins to read from `from` on. kHaveOutput from step(): info() is there, and read() goes on. The object must be the one of `pinned`,
  /// if that has an ETag: W3101 otherwise.
  void begin_get(const S3Name& name, const S3ObjectInfo& pinned, uint64_t from);
  Step step(Error& error);
  ReadResult read(std::span<char> room, Error& error) { return call_.read(room, error); }
  /// The body broke off: begins again at `from`, if there may be another attempt; else `error` stays. See HttpCall::again.
  bool get_again(uint64_t from, bool progressed, Error& error);
  /// Twelve letters and digits that no other run has.
  FixedText<16> new_id();
  [[nodiscard]] const HttpWait& waits() const { return call_.waits(); }
  [[nodiscard]] const HttpWait& read_waits() const { return call_.read_waits(); }
  [[nodiscard]] const S3ObjectInfo& info() const { return info_; }
  void close() noexcept { call_.close(); }

  /// W2014: there is none (or it may not be seen).
  Result<S3ObjectInfo> head(const S3Name& name, std::string_view version = {});
  /// The object into `room`; its size, of which what does not fit is not read. 0 and no ETag: there is none.
  Result<uint64_t> get_small(const S3Name& name, std::span<char> room);
  /// The same piece by piece, with each one's offset; 0 again: from the beginning, once more. False: no more is wanted.
  Result<uint64_t> get_small(const S3Name& name, FunctionRef<Result<bool>(uint64_t, std::string_view)> take);
  /// W4101: the condition does not hold.
  Status put(const S3Name& name, HttpBody& body, const S3Sums& sums, const S3Condition& condition,
             std::string_view weir_id);
  Status remove(const S3Name& name);

  using UploadId = FixedText<512>;
  /// The last request was sent more than once: what it made may be there twice.
  [[nodiscard]] bool sent_twice() const { return call_.sent_twice(); }
  Result<UploadId> create_upload(const S3Name& name, std::string_view weir_id);
  /// The part's ETag is part_etag() afterwards.
  void begin_part(const S3Name& name, std::string_view upload_id, uint32_t number, HttpBody& body, const S3Sums& sums);
  Status end_part();
  [[nodiscard]] std::string_view part_etag() const { return info_.etag.view(); }
  /// The reply gives the part's checksum as it was sent, or none.
  [[nodiscard]] bool part_sum_holds() const;
  /// Every part that is there, in order.
  Status list_parts(const S3Name& name, std::string_view upload_id, FunctionRef<Status(const ListedPart&)> each);
  /// `parts`: the XML of all parts. W4101: the condition does not hold. W4023 and the like: whether it was done is not known.
  Status complete(const S3Name& name, std::string_view upload_id, HttpBody& parts, const S3Condition& condition,
                  uint64_t crc64nvme, uint64_t size);
  /// Of a complete() that failed: a part is not there by the ETag that was named.
  [[nodiscard]] bool names_no_part() const { return request_.refusal() == "InvalidPart"; }
  Status abort(const S3Name& name, std::string_view upload_id);

  /// Keys that begin with `prefix`, in order.
  Status list(std::string_view bucket, std::string_view prefix, FunctionRef<Status(const ListedObject&)> each);
  Status list_uploads(std::string_view bucket, std::string_view prefix, FunctionRef<Status(const ListedUpload&)> each);

  /// Steps what was begun to its end.
  Status run() { return call_.run(); }
  Status wait(const HttpWait& wait) { return call_.wait(wait); }

 private:
  /// A body larger than this waits for the server to want it.
  static constexpr uint64_t kExpectBytes = 64u << 10;

  bool take_info();
  void add_encryption();
  void add_checksum(uint64_t crc64nvme);
  void add_condition(const S3Condition& condition);
  template <typename Reader, typename Each>
  Status read_page(Reader& reader, Each each);

  AwsSession& session_;
  HttpCall call_;
  S3Request request_;
  S3ObjectInfo info_;
  S3ObjectInfo pinned_;  ///< of the GET that goes on
  uint64_t asked_from_ = 0;
  bool got_ = false;  ///< the head was looked at
  uint32_t bad_replies_ = 0;  ///< since bytes came
  FixedText<16> checksum_;
};

}  // namespace weir

#include "aws/s3_client.hpp"

#include <algorithm>
#include <cstring>

#include "aws/s3_replies.hpp"
#include "base/base64.hpp"

namespace weir {
namespace {

constexpr std::string_view kNoSize = "it does not say how long the object is";

constexpr std::string_view kIdField = "x-amz-meta-weir-id";
constexpr std::string_view kChecksumMode = "x-amz-checksum-mode";

}  // namespace

S3Client::S3Client(AwsSession& session, std::span<char> room, SocketUse use)
    : session_(session), call_(session, room, use), request_(session) {}

FixedText<16> S3Client::new_id() {
  constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuv";
  FixedText<16> id;
  uint64_t bits = session_.http.net->random();
  for (int i = 0; i < 12; ++i, bits >>= 5) id.append(kDigits[bits & 31]);
  return id;
}

// False: it does not say how long the object is, as S3 always does; what stands between may have taken that away. Nothing is as good as an
// object of 0 bytes then.
bool S3Client::take_info() {
  const HttpHead& head = call_.head();
  info_ = S3ObjectInfo{};
  const auto range = parse_content_range(head.value("Content-Range"));
  const bool sized = head.content_length() || (range && range->total);
  info_.size = head.content_length().value_or(0);
  if (range && range->total) info_.size = *range->total;
  info_.etag = FixedText<80>(head.value("ETag"));
  info_.version = FixedText<128>(head.value("x-amz-version-id"));
  if (info_.version.view() == "null") info_.version.clear();
  info_.weir_id = FixedText<80>(head.value(kIdField));
  info_.checksum = stored_checksum(head);
  return sized;
}

// --- reading -------------------------------------------------------------------------------------------------------------

void S3Client::begin_get(const S3Name& name, const S3ObjectInfo& pinned, uint64_t from) {
  pinned_ = pinned;
  request_.reset("GET", name.bucket, name.key);
  if (!pinned_.version.empty()) request_.query("versionId", pinned_.version.view());
  if (!pinned_.etag.empty()) request_.field("If-Match", pinned_.etag.view());
  request_.from(from);
  request_.field(kChecksumMode, "ENABLED");
  asked_from_ = from;
  got_ = false;
  bad_replies_ = 0;
  info_ = S3ObjectInfo{};
  call_.begin(request_, false);
}

bool S3Client::get_again(uint64_t from, bool progressed, Error& error) {
  request_.from(from);
  // What was begun unpinned goes on with the object that was found.
  if (pinned_.etag.empty() && !info_.etag.empty()) {
    pinned_ = info_;
    request_.field("If-Match", pinned_.etag.view());
  }
  asked_from_ = from;
  got_ = false;
  if (progressed) bad_replies_ = 0;
  return call_.again(FailureClass::kTransient, progressed, error);
}

Step S3Client::step(Error& error) {
  for (;;) {
    const Step step = call_.step(error);
    if (step == Step::kFailed) {
      const bool changed = request_.status() == 412 || (request_.status() == 404 && !pinned_.etag.empty());
      if (changed) error = Error(Code::kSourceChanged, request_.status() == 412 ? "it was replaced" : "it was deleted");
      return step;
    }
    if (step != Step::kHaveOutput || got_) return step;
    // Is it what was asked for? A server, or what stands before it, that answers something else may do better the next time.
    const bool sized = take_info();
    const HttpHead& head = call_.head();
    const auto range = parse_content_range(head.value("Content-Range"));
    const bool fine = asked_from_ == 0 ? head.status() == 200 || (range && range->first == 0)
                                       : head.status() == 206 && range && range->first == asked_from_ && range->total &&
                                             range->last + 1 == *range->total;
    if (fine && sized) {
      got_ = true;
      return step;
    }
    error = Error(Code::kBadReply, fine ? kNoSize : "not the range that was asked for");
    if (++bad_replies_ > kBadRepliesMax) {
      call_.close();
      return Step::kFailed;
    }
    if (!call_.again(FailureClass::kTransient, false, error)) return Step::kFailed;
  }
}

Result<S3ObjectInfo> S3Client::head(const S3Name& name, std::string_view version) {
  request_.reset("HEAD", name.bucket, name.key);
  if (!version.empty()) request_.query("versionId", version);
  request_.field(kChecksumMode, "ENABLED");
  call_.begin(request_, false);
  WEIR_TRY(call_.run());
  if (!take_info()) return fail(Code::kBadReply, kNoSize);
  return info_;
}

Result<uint64_t> S3Client::get_small(const S3Name& name, FunctionRef<Result<bool>(uint64_t, std::string_view)> take) {
  for (bool again = false;; again = true) {
    request_.reset("GET", name.bucket, name.key);
    call_.begin(request_, false);
    if (const Status got = call_.run(); !got) {
      info_ = S3ObjectInfo{};
      return got.error().code == Code::kNoInput ? Result<uint64_t>(0) : fail(got.error());
    }
    if (!take_info()) {
      call_.close();
      return fail(Code::kBadReply, kNoSize);
    }
    char piece[8192];
    Error error;
    for (uint64_t at = 0;;) {
      const ReadResult got = call_.read(piece, error);
      if (got.bytes != 0) {
        auto more = take(at, {piece, got.bytes});
        if (!more || !*more) call_.close();
        if (!more) return fail(more.error());
        if (!*more) return info_.size;
        at += got.bytes;
      }
      if (got.step == Step::kFinished) return at;
      if (got.step == Step::kBlocked) WEIR_TRY(call_.wait(call_.read_waits()));
      if (got.step == Step::kFailed) break;
    }
    if (again || error.exit() != Exit::kUnavailable) return fail(error);
    // Once more from the start: it is small.
  }
}

Result<uint64_t> S3Client::get_small(const S3Name& name, std::span<char> room) {
  return get_small(name, [&](uint64_t at, std::string_view piece) -> Result<bool> {
    const size_t take = std::min<size_t>(piece.size(), room.size() - at);
    std::memcpy(room.data() + at, piece.data(), take);
    return take == piece.size();
  });
}

// --- writing -------------------------------------------------------------------------------------------------------------

void S3Client::add_encryption() {
  if (!session_.aws.sse.empty()) request_.field("x-amz-server-side-encryption", session_.aws.sse);
  if (!session_.aws.sse_kms_key_id.empty())
    request_.field("x-amz-server-side-encryption-aws-kms-key-id", session_.aws.sse_kms_key_id);
}

void S3Client::add_checksum(uint64_t crc64nvme) {
  checksum_ = FixedText<16>(base64_of(crc64nvme).view());
  request_.field("x-amz-checksum-crc64nvme", checksum_.view());
}

void S3Client::add_condition(const S3Condition& condition) {
  if (condition.if_none) request_.field("If-None-Match", "*");
  // Without its quotes: S3 takes it either way, and other stores compare it with what they hold, which has none.
  std::string_view tag = condition.if_match;
  if (tag.size() > 1 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  if (!tag.empty()) request_.field("If-Match", tag);
}

Status S3Client::put(const S3Name& name, HttpBody& body, const S3Sums& sums, const S3Condition& condition,
                     std::string_view weir_id) {
  request_.reset("PUT", name.bucket, name.key);
  request_.body(&body, sums.sha256);
  request_.field("Content-Type", "application/octet-stream");
  if (!weir_id.empty()) request_.field(kIdField, weir_id);
  add_checksum(sums.crc64nvme);
  add_condition(condition);
  add_encryption();
  if (body.size() > kExpectBytes) request_.expect_continue();
  call_.begin(request_, true);
  const Status done = call_.run();
  if (done) {
    take_info();
    return {};
  }
  // An answer that was lost makes the next attempt find its own object.
  if (done.error().code == Code::kOutputExists && call_.sent_twice() && !weir_id.empty()) {
    FixedText<80> id(weir_id);
    const uint64_t size = body.size();
    auto there = head(name);
    if (there && there->weir_id.view() == id.view() && there->size == size) return {};
    // Whose it is could not be learned: that is no refusal.
    if (!there && there.error().code != Code::kNoInput) return fail(there.error());
  }
  return done;
}

Status S3Client::remove(const S3Name& name) {
  request_.reset("DELETE", name.bucket, name.key);
  call_.begin(request_, true, true);
  const Status done = call_.run();
  return !done && done.error().code == Code::kNoInput ? Status() : done;
}

Result<S3Client::UploadId> S3Client::create_upload(const S3Name& name, std::string_view weir_id) {
  request_.reset("POST", name.bucket, name.key);
  request_.query("uploads", {});
  request_.field("Content-Type", "application/octet-stream");
  request_.field(kIdField, weir_id);
  request_.field("x-amz-checksum-algorithm", "CRC64NVME");
  request_.field("x-amz-checksum-type", "FULL_OBJECT");
  add_encryption();
  static TextBody nothing;
  request_.body(&nothing, kEmptyPayloadHash);
  call_.begin(request_, true);
  WEIR_TRY(call_.run());
  WriteReplyReader reader;
  Error error;
  const Transfer read = reader.read(call_.text(), true, error);
  if (read.step == Step::kFailed) return fail(error);
  UploadId id(reader.upload_id());
  if (id.empty() || id.truncated()) return fail(Code::kBadReply, "no upload id in the reply");
  return id;
}

void S3Client::begin_part(const S3Name& name, std::string_view upload_id, uint32_t number, HttpBody& body,
                          const S3Sums& sums) {
  request_.reset("PUT", name.bucket, name.key);
  request_.query_number("partNumber", number);
  request_.query("uploadId", upload_id);
  request_.body(&body, sums.sha256);
  add_checksum(sums.crc64nvme);
  request_.expect_continue();
  call_.begin(request_, true);
}

Status S3Client::end_part() {
  WEIR_TRY(call_.run());
  take_info();
  return {};
}

bool S3Client::part_sum_holds() const {
  const std::string_view sum = call_.head().value("x-amz-checksum-crc64nvme");
  return sum.empty() || sum == checksum_.view();
}

Status S3Client::complete(const S3Name& name, std::string_view upload_id, HttpBody& parts, const S3Condition& condition,
                          uint64_t crc64nvme, uint64_t size) {
  request_.reset("POST", name.bucket, name.key);
  request_.query("uploadId", upload_id);
  // Signed payloads hash the whole list first.
  Sha256 hash;
  for (uint64_t at = 0; at < parts.size();) {
    auto piece = parts.from(at);
    if (!piece) return fail(piece.error());
    hash.update(*piece);
    at += piece->size();
  }
  char digits[64];
  to_hex(hash.digest(), digits);
  request_.body(&parts, {digits, sizeof digits});
  request_.field("Content-Type", "application/xml");
  add_checksum(crc64nvme);
  request_.field("x-amz-checksum-type", "FULL_OBJECT");
  FixedText<24> bytes;
  bytes.append_number(size);
  request_.field("x-amz-mp-object-size", bytes.view());
  add_condition(condition);
  request_.error_in_success();
  call_.begin(request_, true);
  WEIR_TRY(call_.run());
  return {};
}

Status S3Client::abort(const S3Name& name, std::string_view upload_id) {
  request_.reset("DELETE", name.bucket, name.key);
  request_.query("uploadId", upload_id);
  call_.begin(request_, true, true);
  const Status done = call_.run();
  return !done && done.error().code == Code::kNoInput ? Status() : done;
}

// --- listings ------------------------------------------------------------------------------------------------------------

// One page of a listing, entry by entry as they come. A reply that breaks off is asked for again, and what was told of it is passed over.
template <typename Reader, typename Each>
Status S3Client::read_page(Reader& result, Each each) {
  call_.begin(request_, false);
  WEIR_TRY(call_.run());
  for (size_t told = 0;;) {
    Error error;
    Reader reader = result;
    size_t seen = 0;
    const auto once = [&]() -> Result<bool> {
      char piece[4096];
      for (bool closed = false; !closed;) {
        const ReadResult got = call_.read(piece, error);
        if (got.step == Step::kFailed) return false;
        if (got.step == Step::kBlocked) {
          WEIR_TRY(call_.wait(call_.read_waits()));
          continue;
        }
        closed = got.step == Step::kFinished;
        for (std::string_view left(piece, got.bytes);;) {
          const Transfer read = reader.read(left, closed, error);
          left.remove_prefix(read.consumed);
          if (read.step == Step::kFailed) return false;
          if (read.step == Step::kFinished) return true;
          if (read.step != Step::kHaveOutput) break;
          if (++seen <= told) continue;
          ++told;
          WEIR_TRY(each(reader.item()));
        }
      }
      error = Error(Code::kBadReply, "the listing is cut");
      return false;
    };
    auto whole = once();
    if (!whole) return fail(whole.error());
    if (*whole && !reader.failure().present()) {
      result = reader;
      return {};
    }
    if (*whole) error = Error(Code::kServerError, reader.failure().code.view());
    if (!call_.again(FailureClass::kTransient, false, error)) return fail(error);
    WEIR_TRY(call_.run());
  }
}

Status S3Client::list_parts(const S3Name& name, std::string_view upload_id,
                            FunctionRef<Status(const ListedPart&)> each) {
  for (uint32_t after = 0;;) {
    request_.reset("GET", name.bucket, name.key);
    request_.query("uploadId", upload_id);
    if (after != 0) request_.query_number("part-number-marker", after);
    ListPartsReader reader;
    WEIR_TRY(read_page(reader, each));
    if (!reader.truncated()) return {};
    if (reader.next_marker() <= after) return fail(Code::kBadReply, "a listing that does not go on");
    after = reader.next_marker();
  }
}

Status S3Client::list(std::string_view bucket, std::string_view prefix, FunctionRef<Status(const ListedObject&)> each) {
  FixedText<kMarkerBytesMax> token;
  for (;;) {
    request_.reset("GET", bucket, {});
    request_.query("list-type", "2");
    request_.query("encoding-type", "url");
    if (!prefix.empty()) request_.query("prefix", prefix);
    if (!token.empty()) request_.query("continuation-token", token.view());
    ListObjectsReader reader(true);
    WEIR_TRY(read_page(reader, [&](const ListedObject& object) -> Status {
      // What was not asked for is not looked at: nobody is led outside of the prefix by a reply.
      if (!object.key.view().starts_with(prefix)) return fail(Code::kBadReply, "a listing of what was not asked for");
      return each(object);
    }));
    if (!reader.truncated()) return {};
    if (reader.next_token().empty() || reader.next_token() == token.view())
      return fail(Code::kBadReply, "a listing that does not go on");
    token = FixedText<kMarkerBytesMax>(reader.next_token());
  }
}

Status S3Client::list_uploads(std::string_view bucket, std::string_view prefix,
                              FunctionRef<Status(const ListedUpload&)> each) {
  FixedText<kMarkerBytesMax> key;
  FixedText<kUploadIdBytesMax> id;
  for (;;) {
    request_.reset("GET", bucket, {});
    request_.query("uploads", {});
    if (!prefix.empty()) request_.query("prefix", prefix);
    if (!key.empty()) {
      request_.query("key-marker", key.view());
      request_.query("upload-id-marker", id.view());
    }
    ListUploadsReader reader;
    WEIR_TRY(read_page(reader, each));
    if (!reader.truncated()) return {};
    if (reader.next_key_marker().empty()) return fail(Code::kBadReply, "a listing that does not go on");
    key = FixedText<kMarkerBytesMax>(reader.next_key_marker());
    id = FixedText<kUploadIdBytesMax>(reader.next_upload_marker());
  }
}

}  // namespace weir

#include "connector/s3_sink.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "hash/crc32c.hpp"
#include "hash/hex.hpp"

namespace weir {
namespace {

constexpr int kPartAttemptsMax = 3;  // of a part whose reply has no usable ETag

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

}  // namespace

// --- the list of parts that Complete sends, made while it is sent ------------------------------------------------------

class S3Sink::PartsBody final : public HttpBody {
 public:
  explicit PartsBody(const S3Sink& sink) : sink_(sink) {
    uint64_t digits = 0;
    for (uint32_t first = 1; first <= sink.parts_; first *= 10) digits += sink.parts_ - first + 1;
    size_ = kHead.size() + kFoot.size() + digits + sink.parts_ * kFixedBytes;
  }
  [[nodiscard]] uint64_t size() const override { return size_; }
  // In order of the parts; a later attempt begins at 0 again, which is always the first piece.
  Result<std::string_view> from(uint64_t offset) override {
    if (offset < kHead.size()) {
      piece_ = 0;
      piece_begin_ = kHead.size();
      return kHead.substr(offset);
    }
    for (;;) {
      if (piece_ != 0 && offset < piece_begin_ + text_.view().size()) return text_.view().substr(offset - piece_begin_);
      if (piece_ != 0) piece_begin_ += text_.view().size();
      if (piece_ == sink_.parts_) break;
      form(++piece_);
    }
    text_ = FixedText<128>();
    return kFoot.substr(offset - piece_begin_);
  }

 private:
  static constexpr std::string_view kHead =
      "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  static constexpr std::string_view kFoot = "</CompleteMultipartUpload>";
  static constexpr std::string_view kBegin = "<Part><PartNumber>";
  static constexpr std::string_view kMiddle = "</PartNumber><ETag>\"";
  static constexpr std::string_view kEnd = "\"</ETag></Part>";
  static constexpr uint64_t kFixedBytes = kBegin.size() + kMiddle.size() + 32 + kEnd.size();

  void form(uint32_t number) {
    text_ = FixedText<128>();
    text_.append(kBegin).append_number(number).append(kMiddle);
    for (const char byte : sink_.tags_[number - 1].bytes) {
      const auto value = static_cast<uint8_t>(byte);
      text_.append("0123456789abcdef"[value >> 4]).append("0123456789abcdef"[value & 15]);
    }
    text_.append(kEnd);
  }

  const S3Sink& sink_;
  uint64_t size_ = 0;
  uint32_t piece_ = 0;  ///< the part whose text is there; 0: none
  uint64_t piece_begin_ = 0;
  FixedText<128> text_;
};

// --- writing -------------------------------------------------------------------------------------------------------------

S3Sink::S3Sink(S3SinkOptions options, S3Client& client, PartRoom& room, std::span<char> table)
    : options_(std::move(options)), client_(client), room_(room) {
  tags_ = {reinterpret_cast<PartTag*>(table.data()), kPartsMax};
  tail_name_.bucket = options_.tail.bucket;
  tail_name_.key = options_.tail.key;
  tail_name_.key.reserve(options_.tail.key.size() + 32);
  WEIR_ASSERT(room.capacity() >= options_.part_bytes && table.size() >= table_bytes());
}

Status S3Sink::start() {
  id_ = ObjectId(client_.new_id().view());
  if (!upload_.empty()) WEIR_TRY(client_.abort(options_.name, upload_.view()));  // of the run that is not gone on with
  upload_ = S3Client::UploadId();
  WEIR_TRY(room_.open());
  WEIR_TRY(abort_orphans());
  if (options_.replace) return {};
  auto there = client_.head(options_.name);
  if (there) return fail(Code::kOutputExists, options_.url);
  return there.error().code == Code::kNoInput ? Status() : fail(there.error());
}

Status S3Sink::abort_orphans() {
  if (!drop_orphans_) return {};
  std::array<S3Client::UploadId, 8> found;
  // As many lists as there are uploads in an outage, and not for ever where what was aborted is still listed.
  for (int list = 0; list < kOrphanListsMax; ++list) {
    size_t count = 0;
    WEIR_TRY(client_.list_uploads(options_.name.bucket, options_.name.key, [&](const ListedUpload& listed) -> Status {
      if (listed.key.view() != options_.name.key || listed.upload_id.view() == upload_.view()) return {};
      if (count < found.size()) found[count++] = S3Client::UploadId(listed.upload_id.view());
      return {};
    }));
    for (size_t i = 0; i < count; ++i) WEIR_TRY(client_.abort(options_.name, found[i].view()));
    if (count < found.size()) break;
  }
  return {};
}

Accepted S3Sink::open_object(const ObjectInfo&, Error&) { return Accepted::kYes; }

void S3Sink::set_key(std::string_view key) {
  WEIR_ASSERT(key.size() <= options_.name.key.capacity());
  options_.name.key.assign(key);
  options_.url.assign("s3://").append(options_.name.bucket).append("/").append(key);
}

Status S3Sink::next_object(std::string_view key, std::string_view id, bool replace) {
  set_key(key);
  options_.replace = replace;
  id_ = ObjectId(id);
  upload_ = S3Client::UploadId();
  crc_ = Crc64Nvme();
  WEIR_TRY(room_.drop(room_.used()));
  parts_ = 0;
  published_ = comparing_ = closing_ = drop_orphans_ = false;
  // No state names this object yet.
  edge_ = 0;
  edge_open_ = upload_saved_ = upload_committed_ = false;
  return {};
}

void S3Sink::compare() {
  comparing_ = true;
  compared_ = 0;
  upload_ = S3Client::UploadId();
}

Accepted S3Sink::write(std::string_view bytes, Error& error) {
  if (comparing_) {
    crc_.update(bytes);
    compared_ += bytes.size();
    return Accepted::kYes;
  }
  if (const Status done = append(bytes); !done) {
    error = done.error();
    return Accepted::kFailed;
  }
  return Accepted::kYes;
}

Status S3Sink::append(std::string_view bytes) {
  crc_.update(bytes);
  while (!bytes.empty()) {
    if (room_.used() == room_.capacity()) WEIR_TRY(make_room());
    const uint64_t behind_part = written() % options_.part_bytes;
    const size_t take = std::min(
        {bytes.size(), room_.capacity() - room_.used(), static_cast<size_t>(options_.part_bytes - behind_part)});
    since_part_ = crc32c(behind_part == 0 ? 0 : since_part_, bytes.substr(0, take));
    WEIR_TRY(room_.append(bytes.substr(0, take)));
    bytes.remove_prefix(take);
  }
  // The state of an edge behind a whole part names the upload.
  if (room_.used() >= options_.part_bytes) WEIR_TRY(begin_upload());
  // Behind the edge nothing will be asked for again.
  while (room_.used() >= options_.part_bytes && edge_ >= in_parts() + options_.part_bytes)
    WEIR_TRY(send_part(options_.part_bytes));
  return {};
}

Result<S3Sums> S3Sink::sums_of(HttpBody& body) {
  S3Sums sums;
  Sha256 hash;
  for (uint64_t at = 0; at < body.size();) {
    auto piece = body.from(at);
    if (!piece) return fail(piece.error());
    sums.crc64nvme = crc64nvme(sums.crc64nvme, *piece);
    if (options_.signed_payload) hash.update(*piece);
    at += piece->size();
  }
  if (!options_.signed_payload) return sums;
  char digits[64];
  to_hex(hash.digest(), digits);
  hash_ = FixedText<64>({digits, sizeof digits});
  sums.sha256 = hash_.view();
  return sums;
}

// The buffer is full. Where the newest edge lies within the part, what it needs of the part is put aside first.
Status S3Sink::make_room() {
  if (edge_open_ && edge_ > in_parts() && edge_ < in_parts() + options_.part_bytes) WEIR_TRY(put_tail());
  return send_part(options_.part_bytes);
}

Status S3Sink::begin_upload() {
  if (!upload_.view().empty()) return {};
  auto begun = client_.create_upload(options_.name, id_.view());
  if (!begun) {
    unanswered_upload_ = true;
    return fail(begun.error());
  }
  upload_ = *begun;
  // Of an answer that was lost another upload stands there, of this job as it holds the key.
  drop_orphans_ = (unanswered_upload_ || client_.sent_twice()) && !options_.tail.bucket.empty();
  unanswered_upload_ = false;
  return abort_orphans();
}

Status S3Sink::send_part(size_t bytes) {
  WEIR_ASSERT(bytes <= room_.used() && bytes != 0);
  if (parts_ == kPartsMax) {
    Error error(Code::kWriteFailed,
                "an object has at most 10,000 parts: raise output.part, or set output.roll_bytes (");
    error.detail.append(options_.url).append(")");
    return fail(error);
  }
  WEIR_TRY(begin_upload());
  HttpBody& body = room_.first(bytes);
  const auto sums = sums_of(body);
  if (!sums) return fail(sums.error());
  // A reply without a usable ETag says nothing of the part: it is sent again.
  Status noted;
  for (int attempt = 0; attempt < kPartAttemptsMax; ++attempt) {
    client_.begin_part(options_.name, upload_.view(), parts_ + 1, body, *sums);
    const Status sent = client_.end_part();
    if (!sent && sent.error().code == Code::kNoInput) return upload_gone();
    WEIR_TRY(sent);
    noted = client_.part_sum_holds() ? note_tag(parts_ + 1, client_.part_etag())
                                     : fail(Code::kBadReply, "a part's checksum is not that of its bytes");
    if (noted) break;
  }
  WEIR_TRY(noted);
  WEIR_TRY(room_.drop(bytes));
  ++parts_;
  return {};
}

Status S3Sink::upload_gone() const {
  Error lost(Code::kOutputLost, "the upload to ");
  lost.detail.append(options_.url).append(" is gone: a lifecycle rule may have aborted it");
  return fail(lost);
}

Status S3Sink::note_tag(uint32_t number, std::string_view etag) {
  const std::string_view digits = without_quotes(etag);
  PartTag tag{};
  bool fine = digits.size() == 2 * tag.bytes.size();
  for (size_t i = 0; fine && i < tag.bytes.size(); ++i) {
    const int high = hex_digit(digits[2 * i]);
    const int low = hex_digit(digits[2 * i + 1]);
    fine = high >= 0 && low >= 0;
    tag.bytes[i] = static_cast<char>(high * 16 + low);
  }
  if (!fine) return fail(Code::kBadReply, "a part's ETag is no 32 hexadecimal digits");
  tags_[number - 1] = tag;
  return {};
}

Accepted S3Sink::close_object(Error&) { return Accepted::kYes; }

// --- commit ----------------------------------------------------------------------------------------------------------------

void S3Sink::name_tail(uint64_t number) {
  tail_name_.key.resize(options_.tail.key.size());
  FixedText<32> text(kTail);
  text.append_number(number);
  tail_name_.key.append(text.view());
}

// What lies between the last whole part and the edge.
Status S3Sink::put_tail() {
  WEIR_ASSERT(edge_ >= in_parts() && edge_ - in_parts() <= room_.used());
  const auto bytes = static_cast<size_t>(edge_ - in_parts());
  if (bytes == 0) {
    edge_open_ = false;
    return {};
  }
  // One that no checkpoint came to name.
  if (tail_put_ != committed_ && tail_put_ != before_) {
    name_tail(tail_put_);
    WEIR_TRY(client_.remove(tail_name_));
  }
  name_tail(tail_wanted_);
  HttpBody& body = room_.first(bytes);
  const auto sums = sums_of(body);
  if (!sums) return fail(sums.error());
  WEIR_TRY(client_.put(tail_name_, body, *sums, {}, id_.view()));
  tail_put_ = tail_wanted_;
  edge_open_ = false;
  return {};
}

Status S3Sink::commit() {
  if (options_.tail.bucket.empty()) return {};
  if (closing_) return fail(Code::kInterrupted, "the object was about to be shown");
  if (edge_open_) {
    while (edge_ >= in_parts() + options_.part_bytes) WEIR_TRY(send_part(options_.part_bytes));
    WEIR_TRY(put_tail());
  }
  if (tail_wanted_ == committed_) return {};
  // The one before is still named by the checkpoint that stands; what came before that by none.
  if (before_ != 0) {
    name_tail(before_);
    WEIR_TRY(client_.remove(tail_name_));
  }
  upload_committed_ = upload_saved_;
  before_ = committed_;
  committed_ = tail_wanted_;
  return {};
}

void S3Sink::drop_tails(bool another_life) noexcept {
  if (options_.tail.bucket.empty() || (tail_wanted_ == 0 && !another_life)) return;
  std::array<uint64_t, 16> numbers{};
  for (size_t count = numbers.size(); count == numbers.size();) {
    count = 0;
    tail_name_.key.resize(options_.tail.key.size());
    tail_name_.key.append(kTail);
    const size_t prefix = tail_name_.key.size();
    const Status listed = client_.list(tail_name_.bucket, tail_name_.key, [&](const ListedObject& object) {
      uint64_t number = 0;
      const std::string_view digits = object.key.view().substr(prefix);
      const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      const bool whole = parsed.ptr == digits.data() + digits.size() && number != 0;
      if (whole && count < numbers.size()) numbers[count++] = number;
      return Status();
    });
    if (!listed) return;
    for (size_t i = 0; i < count; ++i) {
      name_tail(numbers[i]);
      if (!client_.remove(tail_name_)) return;
    }
  }
}

// --- the end ---------------------------------------------------------------------------------------------------------------

// Whose object stands at the key.
Result<S3Sink::AtKey> S3Sink::at_key() {
  auto there = client_.head(options_.name);
  if (!there) return there.error().code == Code::kNoInput ? Result<AtKey>(AtKey::kNothing) : fail(there.error());
  return there->weir_id.view() == id_.view() && there->size == loaded_.bytes ? AtKey::kOurs : AtKey::kTheirs;
}

Status S3Sink::put_whole() {
  HttpBody& body = room_.first(room_.used());
  const auto sums = sums_of(body);
  if (!sums) return fail(sums.error());
  return client_.put(options_.name, body, *sums, {.if_match = {}, .if_none = !options_.replace}, id_.view());
}

Status S3Sink::complete() {
  if (room_.used() != 0) WEIR_TRY(send_part(room_.used()));
  PartsBody parts(*this);
  const auto ask = [&] {
    return client_.complete(options_.name, upload_.view(), parts, {.if_match = {}, .if_none = !options_.replace},
                            crc_.value(), loaded_.bytes);
  };
  Status done = ask();
  // An ETag was told wrong. The service is asked for all of them; what the parts hold is in the sum of the whole.
  if (!done && client_.names_no_part() && list_tags()) done = ask();
  return !done && done.error().code == Code::kNoInput ? upload_gone() : done;
}

Status S3Sink::finish() {
  WEIR_TRY(publish());
  drop_tails();
  return {};
}

// The bytes that came are those that stand there?
Status S3Sink::end_comparison() {
  auto there = client_.head(options_.name);
  if (!there && there.error().code != Code::kNoInput) return fail(there.error());
  const bool same = there && there->weir_id.view() == id_.view() && there->size == compared_ &&
                    (there->checksum.kind != ChecksumKind::kCrc64Nvme ||
                     there->checksum.text.view() == base64_of(crc_.value()).view());
  if (same) return {};
  Error lost(Code::kOutputLost, options_.url);
  lost.detail.append(" is not what this job wrote there");
  return fail(lost);
}

Status S3Sink::publish() {
  if (published_) return {};
  if (comparing_) {
    WEIR_TRY(end_comparison());
    published_ = true;
    return {};
  }
  loaded_.bytes = written();
  closing_ = true;
  const Status done = upload_.view().empty() ? put_whole() : complete();
  if (!done) {
    // Refused because an object is there, or the upload is no more, or a lost answer: perhaps it is there already.
    const auto there = at_key();
    // What is there could not be learned: then nothing is said of it, and the next run asks again.
    if (!there) return fail(done.error().exit() == Exit::kUnavailable ? done.error() : there.error());
    const bool gone = done.error().code == Code::kOutputLost;
    const bool refused = *there == AtKey::kTheirs && (gone || done.error().exit() == Exit::kSinkConflict);
    if (refused) {
      // This upload will never be an object.
      if (!gone && !upload_.empty()) (void)client_.abort(options_.name, upload_.view());
      upload_ = S3Client::UploadId();
      return fail(Code::kOutputExists, options_.url);
    }
    if (*there != AtKey::kOurs) return fail(done.error());
  }
  published_ = true;
  closing_ = false;
  return {};
}

// --- state -----------------------------------------------------------------------------------------------------------------

void S3Sink::cancel() noexcept {
  if (published_ || upload_.view().empty()) return;
  // Nothing that is saved names it: it can't be gone on with.
  if (options_.tail.bucket.empty() || !upload_committed_) {
    (void)client_.abort(options_.name, upload_.view());
    return;
  }
  leftover_ = FixedText<400>();
  leftover_.append("an unfinished upload to ").append(options_.url);
}

// The newest edge is here: commit() will put what the state names, whole parts as parts and the rest as the tail.
void S3Sink::save(StateWriter& out) const {
  const uint64_t at = written();
  const uint64_t tail = at % options_.part_bytes;
  // The same place again: the same tail.
  if (at != edge_ || tail_wanted_ == 0) {
    edge_ = at;
    ++tail_wanted_;
    upload_saved_ = !upload_.empty();
    edge_open_ = !comparing_;
    tail_crc_ = tail == 0 || comparing_ ? 0 : since_part_;
  }
  out.put(at);
  out.put(options_.part_bytes);
  out.put(crc_.value());
  out.put(tail_wanted_);
  out.put(tail_crc_);
  out.put(static_cast<uint8_t>(options_.replace));
  out.put(static_cast<uint16_t>(id_.view().size()));
  out.bytes(id_.view());
  out.put(static_cast<uint16_t>(upload_.view().size()));
  out.bytes(upload_.view());
}

bool S3Sink::saved(StateReader& in, Saved& saved) {
  saved.bytes = in.get<uint64_t>();
  saved.part_bytes = in.get<uint64_t>();
  saved.crc64nvme = in.get<uint64_t>();
  saved.tail = in.get<uint64_t>();
  saved.tail_crc = in.get<uint32_t>();
  saved.replaces = in.get_flag();
  const auto id_bytes = in.get<uint16_t>();
  if (!in.ok() || id_bytes < 12 || id_bytes > 40) return false;
  saved.id = ObjectId(in.bytes(id_bytes));
  const auto upload_bytes = in.get<uint16_t>();
  if (!in.ok() || upload_bytes > 512) return false;
  saved.upload = S3Client::UploadId(in.bytes(upload_bytes));
  return in.ok();
}

bool S3Sink::load(StateReader& in) {
  if (!saved(in, loaded_) || loaded_.part_bytes != options_.part_bytes || loaded_.tail == 0) return false;
  const uint64_t parts = loaded_.bytes / options_.part_bytes;
  if (parts > kPartsMax) return false;
  parts_ = static_cast<uint32_t>(parts);
  options_.replace = options_.replace || loaded_.replaces;
  id_ = loaded_.id;
  upload_ = loaded_.upload;
  upload_saved_ = upload_committed_ = !upload_.empty();  // also when going on fails: it stays for the next run
  return true;
}

Status S3Sink::replace_shown(StateReader& in, bool shown) {
  const bool asked = options_.replace;
  if (!load(in)) {
    upload_ = S3Client::UploadId();
  } else if (shown) {
    auto there = at_key();
    if (!there) return fail(there.error());
    options_.replace = asked || *there == AtKey::kOurs;
  }
  parts_ = 0;
  upload_saved_ = upload_committed_ = false;
  return {};
}

// The parts as the service has them: those that the state counts must be there, whole.
Status S3Sink::list_tags() {
  uint32_t found = 0;
  const Status listed = client_.list_parts(options_.name, upload_.view(), [&](const ListedPart& part) -> Status {
    if (part.number != found + 1 || part.number > parts_) return {};
    const uint64_t begin = uint64_t{found} * options_.part_bytes;  // the last one may be short
    if (part.size != std::min(options_.part_bytes, loaded_.bytes - begin)) return {};
    ++found;
    return note_tag(part.number, part.etag.view());
  });
  WEIR_TRY(listed);
  if (found == parts_) return {};
  Error lost(Code::kOutputLost, "part ");
  lost.detail.append_number(found + 1).append(" of the upload to ").append(options_.url).append(" is not there");
  return fail(lost);
}

Status S3Sink::fetch_tail() {
  const uint64_t bytes = loaded_.bytes - in_parts();
  name_tail(loaded_.tail);
  uint32_t crc = 0;
  const auto got = client_.get_small(tail_name_, [&](uint64_t at, std::string_view piece) -> Result<bool> {
    if (at == 0) {
      WEIR_TRY(room_.drop(room_.used()));
      crc = 0;
    }
    crc = crc32c(crc, piece);
    if (piece.size() > bytes - at) return false;
    WEIR_TRY(room_.append(piece));
    return true;
  });
  if (!got) return fail(got.error());
  if (*got == bytes && room_.used() == bytes && crc == loaded_.tail_crc) return {};
  Error lost(Code::kOutputLost, "the tail object ");
  lost.detail.append(tail_name_.key).append(" is not what it was");
  return fail(lost);
}

Status S3Sink::resume(bool finishing) {
  WEIR_TRY(room_.open());
  WEIR_TRY(abort_orphans());
  if (finishing) {
    const auto there = at_key();
    if (!there) return fail(there.error());
    if (*there == AtKey::kOurs) {
      published_ = true;
      tail_wanted_ = loaded_.tail;
      drop_tails();
      return {};
    }
  }
  if (parts_ != 0) {
    // Saved while the object was there already, and now it is not.
    if (upload_.empty()) return upload_gone();
    const Status listed = list_tags();
    if (!listed && listed.error().code == Code::kNoInput) return upload_gone();
    WEIR_TRY(listed);
  }
  if (loaded_.bytes != in_parts()) WEIR_TRY(fetch_tail());
  go_on();
  return {};
}

void S3Sink::go_on() {
  crc_ = Crc64Nvme::resume(loaded_.crc64nvme);
  edge_ = loaded_.bytes;
  tail_wanted_ = tail_put_ = committed_ = loaded_.tail;
  tail_crc_ = since_part_ = loaded_.tail_crc;
  edge_open_ = false;
}

Status S3Sink::resume_object() {
  auto there = client_.head(options_.name);
  if (!there && there.error().code != Code::kNoInput) return fail(there.error());
  if (!there || there->weir_id.view() != id_.view()) return resume(false);
  go_on();
  compare();
  compared_ = loaded_.bytes;
  return {};
}

}  // namespace weir

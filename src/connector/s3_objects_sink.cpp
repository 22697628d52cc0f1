#include "connector/s3_objects_sink.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"

namespace weir {
namespace {

S3SinkOptions reserved(S3SinkOptions options) {
  options.name.key.reserve(S3ObjectsSink::kKeyBytesMax);
  options.url.reserve(S3ObjectsSink::kKeyBytesMax + 80);
  return options;
}

}  // namespace

S3ObjectsSink::S3ObjectsSink(S3SinkOptions options, std::string prefix, std::string suffix, S3Client& client,
                             PartRoom& room, std::span<char> table)
    : prefix_(std::move(prefix)),
      suffix_(std::move(suffix)),
      replace_(options.replace),
      client_(client),
      object_(reserved(std::move(options)), client, room, table) {
  WEIR_ASSERT(prefix_.size() + suffix_.size() + 20 <= kKeyBytesMax);
  name_.bucket = object_.bucket();
  name_.key.reserve(kKeyBytesMax);
}

void S3ObjectsSink::name_object(uint64_t batch) {
  FixedText<20> digits;
  digits.append_number(batch);
  name_.key.assign(prefix_);
  for (size_t i = digits.view().size(); i < kNumberDigits; ++i) name_.key += '0';
  name_.key.append(digits.view());
  name_.key.append(suffix_);
}

S3Sink::ObjectId S3ObjectsSink::id_of(uint64_t batch) const {
  S3Sink::ObjectId id(job_id_.view());
  id.append("-").append_number(begun_anew_).append("-").append_number(batch);
  return id;
}

Status S3ObjectsSink::start() {
  WEIR_TRY(object_.open_room());
  if (job_id_.empty()) job_id_ = FixedText<12>(client_.new_id().view());
  return abort_orphans();
}

std::string_view S3ObjectsSink::number_of(std::string_view key, std::string_view prefix, std::string_view suffix) {
  if (key.size() < prefix.size() + suffix.size() || !key.starts_with(prefix) || !key.ends_with(suffix)) return {};
  const std::string_view number = key.substr(prefix.size(), key.size() - prefix.size() - suffix.size());
  const bool fine = number.size() >= kNumberDigits && number.size() <= 20 &&
                    std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  return fine ? number : std::string_view{};
}

// Page by page, as an upload that is aborted is not listed any more.
Status S3ObjectsSink::abort_orphans() {
  if (!drop_orphans_) return {};
  struct Orphan {
    FixedText<24> number;
    S3Client::UploadId upload;
  };
  std::array<Orphan, 4> found;
  // Not for ever where what was aborted is still listed.
  size_t count = found.size();
  for (int list = 0; list < S3Sink::kOrphanListsMax && count == found.size(); ++list) {
    count = 0;
    WEIR_TRY(client_.list_uploads(name_.bucket, prefix_, [&](const ListedUpload& listed) -> Status {
      const std::string_view key = listed.key.view();
      if (count == found.size() || listed.upload_id.view() == object_.upload_id()) return {};
      const std::string_view number = number_of(key, prefix_, suffix_);
      if (!number.empty()) found[count++] = {FixedText<24>(number), S3Client::UploadId(listed.upload_id.view())};
      return {};
    }));
    for (size_t i = 0; i < count; ++i) {
      name_.key.assign(prefix_).append(found[i].number.view()).append(suffix_);
      WEIR_TRY(client_.abort(name_, found[i].upload.view()));
    }
  }
  return {};
}

Result<S3ObjectsSink::Whose> S3ObjectsSink::at_key(uint64_t batch) {
  auto there = client_.head(name_);
  if (!there) return there.error().code == Code::kNoInput ? Result<Whose>(Whose::kNobodys) : fail(there.error());
  const std::string_view id = there->weir_id.view();
  if (id == id_of(batch).view()) return Whose::kOurs;
  const bool before =
      id.size() > job_id_.view().size() && id.starts_with(job_id_.view()) && id[job_id_.view().size()] == '-';
  return before ? Whose::kOursBefore : Whose::kAnothers;
}

Accepted S3ObjectsSink::open_object(const ObjectInfo& info, Error& error) {
  opened_ = info.batch + 1;
  name_object(info.batch);
  open_ = true;
  if (const Status begun = object_.next_object(name_.key, id_of(info.batch).view(), replace_); !begun) {
    error = begun.error();
    return Accepted::kFailed;
  }
  if (replace_ && !resumed_) return Accepted::kYes;
  const auto whose = at_key(info.batch);
  if (!whose) {
    error = whose.error();
    return Accepted::kFailed;
  }
  switch (*whose) {
    case Whose::kNobodys:
      break;
    case Whose::kOurs:
      object_.compare();
      break;
    case Whose::kOursBefore:
      object_.set_replace(true);
      break;
    case Whose::kAnothers:
      if (replace_) break;
      error = Error(Code::kOutputExists);
      error.detail.append("s3://").append(name_.bucket).append("/").append(name_.key);
      return Accepted::kFailed;
  }
  return Accepted::kYes;
}

Accepted S3ObjectsSink::close_object(Error& error) {
  if (const Status shown = object_.publish(); !shown) {
    error = shown.error();
    return Accepted::kFailed;
  }
  open_ = false;
  return Accepted::kYes;
}

Status S3ObjectsSink::finish() {
  object_.drop_tails(resumed_);
  return {};
}

void S3ObjectsSink::cancel() noexcept {
  if (open_) object_.cancel();
}

void S3ObjectsSink::save(StateWriter& out) const {
  out.put(static_cast<uint8_t>(open_));
  out.put(opened_);
  out.bytes(job_id_.view());
  out.put(begun_anew_);
  if (open_) object_.save(out);
}

bool S3ObjectsSink::load_head(StateReader& in) {
  open_ = in.get_flag();
  opened_ = in.get<uint64_t>();
  job_id_ = FixedText<12>(in.bytes(12));
  begun_anew_ = in.get<uint16_t>();
  return in.ok() && opened_ >= (open_ ? 1 : 0);
}

bool S3ObjectsSink::load(StateReader& in) { return load_head(in) && (!open_ || object_.load(in)); }

// Every object of the runs before is known by the job's id, which stays. Not that of another sink's state, nor for ever.
Status S3ObjectsSink::replace_shown(StateReader& in, bool) {
  const bool whole = load_head(in) && begun_anew_ != UINT16_MAX;
  open_ = false;
  opened_ = 0;
  if (whole)
    ++begun_anew_;
  else
    job_id_.clear();
  return {};
}

std::optional<uint64_t> S3ObjectsSink::opened(StateReader& in) {
  in.get_flag();
  const auto opened = in.get<uint64_t>();
  return in.ok() ? std::optional(opened) : std::nullopt;
}

bool S3ObjectsSink::saved(StateReader& in, S3Sink::Saved& saved) {
  const bool open = in.get_flag();
  in.get<uint64_t>();
  in.bytes(12);
  in.get<uint16_t>();
  return in.ok() && (!open || S3Sink::saved(in, saved));
}

Status S3ObjectsSink::resume(bool) {
  resumed_ = true;
  WEIR_TRY(object_.open_room());
  if (!open_) return abort_orphans();
  name_object(opened_ - 1);
  object_.set_key(name_.key);
  // Before the open one is looked at, which may be an upload still.
  WEIR_TRY(abort_orphans());
  name_object(opened_ - 1);
  const auto whose = at_key(opened_ - 1);
  if (!whose) return fail(whose.error());
  object_.set_replace(replace_ || *whose == Whose::kOursBefore);
  return object_.resume_object();
}

}  // namespace weir

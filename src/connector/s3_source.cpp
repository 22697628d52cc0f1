#include "connector/s3_source.hpp"

#include <algorithm>
#include <cstring>

#include "aws/endpoint.hpp"

namespace weir {

S3Source::S3Source(std::span<const std::string> urls, S3Client& client, Wakeup& wakeup)
    : urls_(urls), sizes_(urls.size(), kNoOffset), client_(client), wakeup_(wakeup) {
  name_.bucket.reserve(64);
  name_.key.reserve(1024);
}

Error S3Source::named(Error error, size_t index) const {
  if (error.detail.view().find(urls_[index]) == std::string_view::npos)
    error.detail.append(error.detail.view().empty() ? "" : ": ").append(urls_[index]);
  return error;
}

Status S3Source::name_it(size_t index) {
  auto place = parse_s3_address(urls_[index]);
  if (!place) return fail(place.error());
  name_.bucket.assign(place->bucket);
  name_.key.assign(place->key);
  return {};
}

Status S3Source::open(size_t index) {
  if (state_ != State::kClosed && index != index_) close();
  index_ = index;
  WEIR_TRY(name_it(index));
  if (pinned_index_ != index) {
    const bool asked = asked_index_ == index;
    pinned_ = asked ? asked_ : S3ObjectInfo{};
    pinned_index_ = asked ? index : ~size_t{0};
  }
  at_ = 0;
  return {};
}

Result<SourceIdentity> S3Source::identity(size_t index) {
  if (pinned_index_ != index && asked_index_ != index) {
    close();  // the connection is one
    WEIR_TRY(name_it(index));
    auto info = client_.head(name_);
    if (index != index_) WEIR_TRY(name_it(index_));
    if (!info) return fail(named(info.error(), index));
    asked_ = *info;
    asked_index_ = index;
    sizes_[index] = info->size;
  }
  // The one that is open is not read as another.
  if (index == index_ && pinned_index_ != index) {
    pinned_ = asked_;
    pinned_index_ = index;
  }
  const S3ObjectInfo& info = pinned_index_ == index ? pinned_ : asked_;
  SourceIdentity identity;
  identity.append("size=").append_number(info.size).append(" etag=").append(info.etag.view());
  if (!info.version.view().empty()) identity.append(" version=").append(info.version.view().substr(0, 64));
  return identity;
}

Status S3Source::seek(uint64_t stored_byte) {
  if (pinned_index_ == index_ && stored_byte > pinned_.size)
    return fail(Code::kSourceChanged, urls_[index_] + " is shorter than it was");
  at_ = stored_byte;
  return {};
}

void S3Source::close() noexcept {
  // The rest of a reply is not worth reading: its connection goes.
  if (state_ != State::kClosed) client_.close();
  state_ = State::kClosed;
  wakeup_.watch({}, kNever);
}

ReadResult S3Source::blocked(const HttpWait& wait) {
  wakeup_.watch(wait.interest, wait.until_ns);
  return {Step::kBlocked, 0};
}

// The reply's head is there: is it of the object that this run began with, and does it begin where it was asked to?
Status S3Source::take_info() {
  const S3ObjectInfo& info = client_.info();
  if (info.etag.view().empty()) return fail(Code::kBadReply, "an object without an ETag");
  if (pinned_index_ != index_) {
    pinned_ = info;
    pinned_index_ = index_;
    sizes_[index_] = info.size;
  } else if (info.etag.view() != pinned_.etag.view() || info.size != pinned_.size) {
    Error error(Code::kSourceChanged);
    error.detail.append("it was ").append(pinned_.etag.view()).append(", it is ").append(info.etag.view());
    return fail(error);
  }
  return {};
}

// The stream broke off. True: another GET was begun behind the last byte.
bool S3Source::go_on(Error& error) {
  const bool progressed = stream_at_ > progress_at_;
  progress_at_ = stream_at_;
  state_ = State::kAsking;
  if (client_.get_again(stream_at_, progressed, error)) return true;
  state_ = State::kClosed;
  return false;
}

void S3Source::add_up(std::string_view bytes) {
  if (at_ == 0) {
    sum_ = RunningChecksum(pinned_.checksum.kind);
    summed_ = 0;
  }
  if (at_ != summed_) return;  // the run began in the middle, or went back
  sum_.update(bytes);
  summed_ += bytes.size();
}

ReadResult S3Source::read(std::span<char> room, Error& error) {
  if (peeked_index_ == index_ && at_ < peeked_size_) {
    const size_t take = std::min<size_t>(room.size(), peeked_size_ - at_);
    std::memcpy(room.data(), peeked_.data() + at_, take);
    at_ += take;
    return {pinned_index_ == index_ && at_ == pinned_.size ? Step::kFinished : Step::kHaveOutput, take};
  }
  for (;;) {
    if (pinned_index_ == index_ && at_ >= pinned_.size) return {Step::kFinished, 0};
    if (state_ != State::kClosed && stream_at_ != at_) close();
    if (state_ == State::kClosed) {
      stream_at_ = progress_at_ = at_;
      client_.begin_get(name_, pinned_index_ == index_ ? pinned_ : S3ObjectInfo{}, at_);
      state_ = State::kAsking;
    }
    if (state_ == State::kAsking) {
      const Step step = client_.step(error);
      if (step == Step::kBlocked) return blocked(client_.waits());
      if (step == Step::kFailed) {
        state_ = State::kClosed;
        error = named(error);
        return {Step::kFailed, 0};
      }
      if (const Status taken = take_info(); !taken) {
        error = named(taken.error());
        close();
        return {Step::kFailed, 0};
      }
      state_ = State::kReading;
      continue;
    }
    if (room.size() > pinned_.size - at_) room = room.first(static_cast<size_t>(pinned_.size - at_));
    const ReadResult got = client_.read(room, error);
    switch (got.step) {
      case Step::kHaveOutput:
        add_up({room.data(), got.bytes});
        at_ += got.bytes;
        stream_at_ = at_;
        if (at_ == pinned_.size) {
          // Nothing should be left on the way, so that the connection can serve the next request. What is there all the same is not the
          // object's: it must not get into the room, where the last bytes stand.
          Error none;
          char beyond = 0;
          if (client_.read({&beyond, 1}, none).step != Step::kFinished) client_.close();
          state_ = State::kClosed;
          if (summed_ == at_ && !sum_.matches(pinned_.checksum)) {
            error = named(Error(Code::kObjectChecksum));
            return {Step::kFailed, 0};
          }
        }
        return {at_ == pinned_.size ? Step::kFinished : Step::kHaveOutput, got.bytes};
      case Step::kBlocked:
        return blocked(client_.read_waits());
      case Step::kFinished:
        error = Error(Code::kConnectionLost, "the reply ended before the object did");
        [[fallthrough]];
      default:
        if (error.exit() != Exit::kUnavailable || !go_on(error)) {
          state_ = State::kClosed;
          error = named(error);
          return {Step::kFailed, 0};
        }
        error = Error();
    }
  }
}

Result<std::string_view> S3Source::peek(size_t index, Deadline deadline) {
  if (peeked_index_ == index) return std::string_view(peeked_.data(), peeked_size_);
  peeked_index_ = ~size_t{0};
  peeked_size_ = 0;
  WEIR_TRY(open(index));
  while (peeked_size_ < kPeekBytes) {
    Error error;
    const ReadResult got = read({peeked_.data() + peeked_size_, kPeekBytes - peeked_size_}, error);
    if (got.step == Step::kFailed) return fail(error);
    peeked_size_ += got.bytes;
    if (got.step == Step::kFinished) break;
    if (got.step != Step::kBlocked) continue;
    wakeup_.wait(deadline.at_ns);
    if (wakeup_.stop_requested() || wakeup_.passed(deadline)) return fail(Code::kInterrupted);
  }
  peeked_index_ = index;
  return std::string_view(peeked_.data(), peeked_size_);
}

}  // namespace weir

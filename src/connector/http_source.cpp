#include "connector/http_source.hpp"

#include <algorithm>
#include <cstring>

namespace weir {

HttpSource::HttpSource(std::span<const std::string> names, std::span<const HttpAddress> addresses, HttpGet& get,
                       Wakeup& wakeup)
    : names_(names),
      addresses_(addresses),
      sizes_(names.size(), kNoOffset),
      going_(names.size(), Going::kUnknown),
      get_(get),
      wakeup_(wakeup) {}

Error HttpSource::named(Error error) const {
  if (error.detail.view().find(names_[index_]) == std::string_view::npos)
    error.detail.append(error.detail.view().empty() ? "" : ": ").append(names_[index_]);
  return error;
}

Status HttpSource::open(size_t index) {
  if (index != index_ || state_ == State::kAsking) close();
  index_ = index;
  at_ = 0;
  if (pinned()) return {};
  const bool known = peeked_index_ == index;
  pinned_ = known ? peeked_info_ : HttpObjectInfo{};
  end_ = known ? peeked_end_ : kNoOffset;
  pinned_index_ = known ? index : kNone;
  return {};
}

Result<bool> HttpSource::resumable(size_t index) {
  if (going_[index] == Going::kUnknown) {
    auto known = identity(index);
    if (!known) return fail(known.error());
  }
  return going_[index] == Going::kOn;
}

std::string_view HttpSource::why_not(size_t index) const {
  return going_[index] == Going::kNoRanges
             ? "its server sends no parts (Range)"
             : "its server gives neither a strong ETag nor a Last-Modified that is older than the reply";
}

Result<SourceIdentity> HttpSource::identity(size_t index) {
  if (pinned_index_ != index) {
    WEIR_TRY(open(index));
    if (!pinned()) {
      begin();
      if (const Status asked = get_.run(); !asked) {
        close();
        return fail(named(asked.error()));
      }
      take_info();
    }
  }
  SourceIdentity identity("size=");
  if (pinned_.size == kNoOffset)
    identity.append("unknown");
  else
    identity.append_number(pinned_.size);
  if (pinned_.etag_strong())
    identity.append(" etag=").append(pinned_.etag.view());
  else
    identity.append(" modified=").append(pinned_.modified.view());
  return identity;
}

Status HttpSource::seek(uint64_t stored_byte) {
  if (pinned() && end_ != kNoOffset && stored_byte > end_)
    return fail(named(Error(Code::kSourceChanged, "it is shorter than it was")));
  at_ = stored_byte;
  if (stream_at_ != at_) close();
  return {};
}

void HttpSource::close() noexcept {
  // The rest of a reply is not worth reading: its connection goes.
  if (state_ != State::kClosed) get_.close();
  state_ = State::kClosed;
  wakeup_.watch({}, kNever);
}

ReadResult HttpSource::blocked(const HttpWait& wait) {
  wakeup_.watch(wait.interest, wait.until_ns);
  return {Step::kBlocked, 0};
}

// What nothing but its place tells is read from the start, and held against what is there of it.
uint64_t HttpSource::ask_from() const { return pinned() && pinned_.strong() ? at_ : 0; }

void HttpSource::begin() {
  progress_at_ = at_;
  get_.begin(addresses_[index_], pinned() ? pinned_ : HttpObjectInfo{}, ask_from());
  state_ = State::kAsking;
}

// The reply's head is there, and it is of the body that this run began with.
void HttpSource::take_info() {
  const HttpObjectInfo& info = get_.info();
  stream_at_ = get_.first_byte();
  if (!pinned()) {
    pinned_ = info;
    pinned_index_ = index_;
    sizes_[index_] = info.size;
    going_[index_] = !info.strong() ? Going::kNoValidator : !info.ranges ? Going::kNoRanges : Going::kOn;
  }
  if (end_ == kNoOffset) end_ = info.size;
  state_ = State::kReading;
}

// The stream broke off. True: another GET was begun behind the last byte.
bool HttpSource::go_on(Error& error) {
  Error why = error;
  const bool can = at_ == 0 || (pinned() && pinned_.strong()) || (peeked_index_ == index_ && at_ <= peeked_size_);
  const bool progressed = at_ > progress_at_;
  progress_at_ = at_;
  if (can) {
    state_ = State::kAsking;
    if (get_.again(ask_from(), progressed, error)) return true;
    if (error.code == Code::kInterrupted) return false;
  } else {
    why.detail.append(why.detail.empty() ? "" : "; ").append("it can't be gone on with: ").append(why_not(index_));
  }
  error = why;
  return false;
}

ReadResult HttpSource::failed(Error& error) {
  if (error.code == Code::kNoInput && index_ > 0 && !peeking_) error.code = Code::kInputVanished;
  error = named(error);
  close();
  return {Step::kFailed, 0};
}

// A reply that begins before the place that is read at. What was peeked of it is held against it.
ReadResult HttpSource::pass_over(std::span<char> room, Error& error) {
  const ReadResult got =
      get_.read(room.first(static_cast<size_t>(std::min<uint64_t>(room.size(), at_ - stream_at_))), error);
  if (got.step != Step::kHaveOutput) return got;
  if (peeked_index_ == index_ && stream_at_ < peeked_size_) {
    const size_t known = std::min<size_t>(got.bytes, peeked_size_ - static_cast<size_t>(stream_at_));
    if (std::memcmp(room.data(), peeked_.data() + stream_at_, known) != 0) {
      error = Error(Code::kSourceChanged, "it begins with other bytes than before");
      return {Step::kFailed, 0};
    }
  }
  stream_at_ += got.bytes;
  return got;
}

ReadResult HttpSource::next(std::span<char> room, Error& error) {
  if (end_ != kNoOffset && room.size() > end_ - at_) room = room.first(static_cast<size_t>(end_ - at_));
  const ReadResult got = get_.read(room, error);
  if (got.step == Step::kHaveOutput) {
    at_ += got.bytes;
    stream_at_ = at_;
    if (at_ != end_) return got;
    // Nothing should be left on the way, so that the connection can serve the next request. What is there all the same is not the body's:
    // it must not get into the room, where the last bytes stand.
    Error none;
    char beyond = 0;
    if (get_.read({&beyond, 1}, none).step != Step::kFinished) get_.close();
    state_ = State::kClosed;
    return {Step::kFinished, got.bytes};
  }
  if (got.step != Step::kFinished) return got;
  if (end_ == kNoOffset && !get_.partial()) {
    end_ = at_;
    state_ = State::kClosed;
    return got;
  }
  error = Error(Code::kConnectionLost, "the reply ended before the body did");
  return {Step::kFailed, 0};
}

ReadResult HttpSource::read(std::span<char> room, Error& error) {
  if (peeked_index_ == index_ && at_ < peeked_size_) {
    const size_t take = std::min<size_t>(room.size(), peeked_size_ - at_);
    std::memcpy(room.data(), peeked_.data() + at_, take);
    at_ += take;
    return {pinned() && at_ == end_ ? Step::kFinished : Step::kHaveOutput, take};
  }
  for (;;) {
    if (pinned() && end_ != kNoOffset && at_ >= end_) return {Step::kFinished, 0};
    if (state_ == State::kReading && stream_at_ > at_) close();
    if (state_ == State::kClosed) begin();
    if (state_ == State::kAsking) {
      const Step step = get_.step(error);
      if (step == Step::kBlocked) return blocked(get_.waits());
      if (step == Step::kFailed) return failed(error);
      take_info();
      continue;
    }
    const bool before = stream_at_ < at_;
    const ReadResult got = before ? pass_over(room, error) : next(room, error);
    if (got.step == Step::kBlocked) return blocked(get_.read_waits());
    if (got.step == Step::kHaveOutput && before) return blocked({{}, 0});  // whoever waits may want to stop
    if (got.step == Step::kHaveOutput || (got.step == Step::kFinished && !before)) return got;
    if (got.step == Step::kFinished) error = Error(Code::kSourceChanged, "it is shorter than it was");
    if (error.exit() != Exit::kUnavailable || !go_on(error)) return failed(error);
    error = Error();
  }
}

Result<std::string_view> HttpSource::peek(size_t index, Deadline deadline) {
  if (peeked_index_ == index) return std::string_view(peeked_.data(), peeked_size_);
  WEIR_TRY(open(index));
  // From here on what is read of it is known, should it have to be read again.
  peeked_index_ = index;
  peeked_size_ = 0;
  peeking_ = true;
  Status status;
  while (status && peeked_size_ < kPeekBytes) {
    Error error;
    const ReadResult got = read({peeked_.data() + peeked_size_, kPeekBytes - peeked_size_}, error);
    if (got.step == Step::kFailed) status = fail(error);
    peeked_size_ += got.bytes;
    if (got.step == Step::kFinished) break;
    if (got.step != Step::kBlocked) continue;
    wakeup_.wait(deadline.at_ns);
    if (wakeup_.stop_requested() || wakeup_.passed(deadline)) status = fail(Code::kInterrupted);
  }
  peeking_ = false;
  if (!status) {
    peeked_index_ = kNone;
    return fail(status.error());
  }
  peeked_info_ = pinned_;
  peeked_end_ = end_;
  return std::string_view(peeked_.data(), peeked_size_);
}

}  // namespace weir

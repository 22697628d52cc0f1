#include "connector/file_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash/crc32c.hpp"
#include "io/file.hpp"

namespace weir {
namespace {

constexpr std::string_view kStdin = "stdin";

}  // namespace

Status check_input(const std::string& path, Disk& disk) {
  FileInfo info;
  if (path == kStdin) {
    // A closed stdin was opened for writing alone when the process began.
    struct stat raw{};
    if (fstat(STDIN_FILENO, &raw) != 0 || (fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY)
      return fail(Code::kBadInputKind, "stdin is closed");
    info.kind = S_ISDIR(raw.st_mode) ? FileKind::kFolder : FileKind::kOther;
  } else {
    auto found = disk.info(path.c_str());
    if (!found) return fail(found.error());
    info = *found;
    if (info.kind == FileKind::kNone) return fail(system_error(Code::kNoInput, ENOENT, path));
    if (!disk.readable(path.c_str())) return fail(system_error(Code::kAccessDenied, EACCES, path));
  }
  if (info.kind == FileKind::kFolder)
    return fail(Code::kBadInputKind,
                std::string(path) + " is a folder; name its files, for example " + path + "/*.csv");
  return {};
}

uint64_t FileSource::size(size_t index) const {
  if (paths_[index] == kStdin) {
    struct stat raw{};
    return fstat(STDIN_FILENO, &raw) == 0 && S_ISREG(raw.st_mode) ? static_cast<uint64_t>(raw.st_size) : kNoOffset;
  }
  const auto info = disk_.info(paths_[index].c_str());
  return info && info->kind == FileKind::kRegular ? info->size : kNoOffset;
}

Status FileSource::open_stdin() {
  file_ = STDIN_FILENO;
  struct stat raw{};
  if (fstat(file_, &raw) != 0) return fail(system_error(Code::kOpenFailed, errno, kStdin));
  if (S_ISDIR(raw.st_mode)) return fail(Code::kBadInputKind, kStdin);
  regular_ = S_ISREG(raw.st_mode) && raw.st_size != 0;
  end_ = static_cast<uint64_t>(raw.st_size);
  at_ = 0;
  if (regular_) {
    // The shell's position is where the input begins, also after a peek.
    posix_fadvise(file_, 0, 0, POSIX_FADV_RANDOM);
    asked_ = 0;
    if (stdin_begin_ < 0) stdin_begin_ = lseek(file_, 0, SEEK_CUR);
    if (stdin_begin_ > 0) at_ = std::min(end_, static_cast<uint64_t>(stdin_begin_));
  }
  return {};
}

Status FileSource::open(size_t index) {
  if (index == peeked_index_ && index == index_ && file_ >= 0) return {};  // goes on behind what was peeked
  close();
  index_ = index;
  if (paths_[index] == kStdin) {
    WEIR_TRY(open_stdin());
  } else {
    auto opened = disk_.open_to_read(paths_[index].c_str());
    if (!opened) {
      Error error = opened.error();
      if (error.code == Code::kNoInput && index > 0) error.code = Code::kInputVanished;
      return fail(error);
    }
    file_ = *opened;
    auto info = disk_.info(file_);
    if (!info) return fail(info.error());
    if (info->kind == FileKind::kFolder) return fail(Code::kBadInputKind, paths_[index]);
    regular_ = info->kind == FileKind::kRegular;
    at_ = asked_ = 0;
    // Files of /proc and the like say 0 and have content: they end where they end.
    end_ = info->size != 0 ? info->size : kNoOffset;
  }
  wakeup_.watch({.socket = regular_ ? -1 : file_, .read = true}, kNever);
  return {};
}

Result<bool> FileSource::resumable(size_t index) {
  if (paths_[index] == kStdin) return false;
  const auto info = disk_.info(paths_[index].c_str());
  if (!info) return fail(info.error());
  return info->kind == FileKind::kRegular;
}

Result<SourceIdentity> FileSource::identity(size_t index) {
  const char* path = paths_[index].c_str();
  auto opened = disk_.open_to_read(path);
  if (!opened) return fail(opened.error());
  constexpr size_t kEnds = 4096;
  char ends[2 * kEnds];
  size_t used = 0;
  Status status;
  auto info = disk_.info(*opened);
  if (!info) status = fail(info.error());
  for (const bool tail : {false, true}) {
    if (!status) break;
    const uint64_t from = tail ? std::max<uint64_t>(kEnds, info->size > kEnds ? info->size - kEnds : 0) : 0;
    const uint64_t to = tail ? info->size : std::min<uint64_t>(kEnds, info->size);
    for (uint64_t at = from; status && at < to;) {
      auto got = disk_.read_at(*opened, at, {ends + used, static_cast<size_t>(to - at)});
      if (!got) status = fail(got.error());
      if (!got || *got == 0) break;
      used += *got;
      at += *got;
    }
  }
  disk_.close(*opened);
  if (!status) return fail(status.error());
  SourceIdentity identity;
  identity.append("size=").append_number(info->size);
  identity.append(" modified=").append_number(static_cast<uint64_t>(info->modified_ns)).append(" ends=");
  const uint32_t crc = crc32c(0, {ends, used});
  for (int shift = 28; shift >= 0; shift -= 4) identity.append("0123456789abcdef"[crc >> shift & 15]);
  return identity;
}

Status FileSource::seek(uint64_t stored_byte) {
  if ((!regular_ || end_ == kNoOffset) && stored_byte != 0)
    return fail(Code::kSourceChanged, paths_[index_] + " can't be read from the middle");
  if (regular_ && stored_byte > end_) return fail(Code::kSourceChanged, paths_[index_] + " is shorter than it was");
  at_ = asked_ = stored_byte;
  return {};
}

Result<std::string_view> FileSource::peek(size_t index, Deadline deadline) {
  if (peeked_index_ == index) return std::string_view(peeked_, peeked_size_);
  peeked_index_ = ~size_t{0};  // what was peeked of another one is gone
  peeked_end_ = false;
  WEIR_TRY(open(index));
  peeked_size_ = 0;
  while (peeked_size_ < kPeekBytes) {
    Error error;
    const ReadResult result = read({peeked_ + peeked_size_, kPeekBytes - peeked_size_}, error);
    if (result.step == Step::kFailed) return fail(error);
    peeked_size_ += result.bytes;
    if (result.step == Step::kFinished) {
      peeked_end_ = true;
      break;
    }
    if (result.step != Step::kBlocked) continue;
    // The first line tells the format, whatever pieces it comes in.
    const std::string_view head(peeked_, peeked_size_);
    const size_t begin = std::min(head.find_first_not_of(" \t\r\n"), head.size());
    if (head.find('\n', begin) != std::string_view::npos) break;
    wakeup_.wait(deadline.at_ns);
    if (wakeup_.stop_requested() || wakeup_.passed(deadline)) return fail(Code::kInterrupted);
  }
  // A regular file is simply read again, stdin stands where it stood; what came out of a pipe is kept for read().
  if (regular_) {
    at_ = file_ == STDIN_FILENO && stdin_begin_ > 0 ? static_cast<uint64_t>(stdin_begin_) : 0;
  } else {
    peeked_index_ = index;
    peeked_used_ = 0;
  }
  return std::string_view(peeked_, peeked_size_);
}

ReadResult FileSource::read(std::span<char> room, Error& error) {
  if (peeked_index_ == index_ && peeked_used_ < peeked_size_) {
    const size_t take = std::min(room.size(), peeked_size_ - peeked_used_);
    std::memcpy(room.data(), peeked_ + peeked_used_, take);
    peeked_used_ += take;
    return {Step::kHaveOutput, take};
  }
  if (peeked_index_ == index_ && peeked_end_) return {Step::kFinished, 0};
  if (regular_) {
    if (at_ >= end_) return {Step::kFinished, 0};
    if (room.size() > end_ - at_) room = room.first(end_ - at_);
    auto size = disk_.read_at(file_, at_, room);
    if (!size) {
      error = size.error();
      error.detail.append(" (").append(paths_[index_]).append(")");
      return {Step::kFailed, 0};
    }
    if (*size == 0 && end_ == kNoOffset) return {Step::kFinished, 0};
    if (*size == 0) {
      error = Error(Code::kSourceChanged);
      error.detail.append(paths_[index_]).append(" became shorter while it was read");
      return {Step::kFailed, 0};
    }
    at_ += *size;
    if (asked_ < at_) asked_ = at_;
    if (asked_ - at_ < kAheadBytes / 2 && asked_ < end_) {
      disk_.will_need(file_, asked_, kAheadBytes);
      asked_ += kAheadBytes;
    }
    return {at_ == end_ ? Step::kFinished : Step::kHaveOutput, *size};
  }
  pollfd entry{file_, POLLIN, 0};
  const int ready = poll(&entry, 1, 0);
  if (ready == 0 || (ready < 0 && errno == EINTR)) return {Step::kBlocked, 0};
  auto size = read_some(file_, room);
  if (!size) {
    error = size.error();
    if (error.system_error == EAGAIN || error.system_error == EWOULDBLOCK) return {Step::kBlocked, 0};
    error.detail.append(" (").append(paths_[index_]).append(")");
    return {Step::kFailed, 0};
  }
  return {*size == 0 ? Step::kFinished : Step::kHaveOutput, *size};
}

void FileSource::close() noexcept {
  if (file_ >= 0 && paths_[index_] != kStdin) disk_.close(file_);
  // Whoever reads stdin after us goes on behind what we read.
  if (file_ >= 0 && paths_[index_] == kStdin && regular_) lseek(file_, static_cast<off_t>(at_), SEEK_SET);
  file_ = -1;
  wakeup_.watch({}, kNever);
}

}  // namespace weir

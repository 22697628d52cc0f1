#include "connector/file_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.hpp"

namespace weir {
namespace {

constexpr std::string_view kStdin = "stdin";

}  // namespace

Status check_input(const std::string& path) {
  struct stat info {};
  if (path == kStdin) {
    // A closed stdin was opened for writing alone when the process began.
    if (fstat(STDIN_FILENO, &info) != 0 || (fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE) == O_WRONLY) return fail(Code::kBadInputKind, "stdin is closed");
  } else {
    if (stat(path.c_str(), &info) != 0) {
      const Code code = errno == EACCES ? Code::kAccessDenied : errno == ELOOP ? Code::kBadInputKind : Code::kNoInput;
      return fail(system_error(code, errno, path));
    }
    if (access(path.c_str(), R_OK) != 0) return fail(system_error(Code::kAccessDenied, errno, path));
  }
  if (S_ISDIR(info.st_mode)) return fail(Code::kBadInputKind, std::string(path) + " is a folder; name its files, for example " + path + "/*.csv");
  return {};
}

uint64_t FileSource::size(size_t index) const {
  struct stat info {};
  const bool known = paths_[index] == kStdin ? fstat(STDIN_FILENO, &info) == 0 : stat(paths_[index].c_str(), &info) == 0;
  return known && S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) : kNoOffset;
}

Status FileSource::open(size_t index) {
  if (index == peeked_index_ && index == index_ && file_ >= 0) return {};  // goes on behind what was peeked
  close();
  index_ = index;
  if (paths_[index] == kStdin) {
    file_ = STDIN_FILENO;
  } else {
    auto opened = open_to_read(paths_[index].c_str());
    if (!opened) {
      Error error = opened.error();
      if (error.code == Code::kNoInput && index > 0) error.code = Code::kInputVanished;
      return fail(error);
    }
    file_ = *opened;
  }
  struct stat info {};
  if (fstat(file_, &info) != 0) return fail(system_error(Code::kOpenFailed, errno, paths_[index]));
  if (S_ISDIR(info.st_mode)) return fail(Code::kBadInputKind, paths_[index]);
  regular_ = S_ISREG(info.st_mode);
  left_ = 0;
  if (regular_) {
    if (paths_[index] == kStdin) {
      // The shell's position is where the input begins, also after a peek.
      if (stdin_begin_ < 0) stdin_begin_ = lseek(file_, 0, SEEK_CUR);
      if (stdin_begin_ >= 0) lseek(file_, stdin_begin_, SEEK_SET);
    }
    const uint64_t begin = paths_[index] == kStdin && stdin_begin_ > 0 ? static_cast<uint64_t>(stdin_begin_) : 0;
    const auto size = static_cast<uint64_t>(info.st_size);
    left_ = size > begin ? size - begin : 0;
    // Files of /proc and the like say 0 and have content: read them as streams.
    if (info.st_size == 0) regular_ = false;
    posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  wakeup_.watch(regular_ ? -1 : file_);
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
  // A regular file is simply opened again, stdin stands where it stood; what came out of a pipe is kept for read().
  if (regular_ && file_ == STDIN_FILENO && stdin_begin_ >= 0) lseek(file_, stdin_begin_, SEEK_SET);
  if (!regular_) {
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
    if (left_ == 0) return {Step::kFinished, 0};
    if (room.size() > left_) room = room.first(left_);
  } else {
    pollfd entry{file_, POLLIN, 0};
    const int ready = poll(&entry, 1, 0);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return {Step::kBlocked, 0};
  }
  auto size = read_some(file_, room);
  if (!size) {
    error = size.error();
    if (error.system_error == EAGAIN || error.system_error == EWOULDBLOCK) return {Step::kBlocked, 0};
    error.detail.append(" (").append(paths_[index_]).append(")");
    return {Step::kFailed, 0};
  }
  if (regular_) {
    left_ -= *size;
    if (*size == 0) {
      error = Error(Code::kSourceChanged);
      error.detail.append(paths_[index_]).append(" became shorter while it was read");
      return {Step::kFailed, 0};
    }
    return {left_ == 0 ? Step::kFinished : Step::kHaveOutput, *size};
  }
  return {*size == 0 ? Step::kFinished : Step::kHaveOutput, *size};
}

void FileSource::close() noexcept {
  if (file_ > STDIN_FILENO) ::close(file_);
  file_ = -1;
  wakeup_.watch(-1);
}

}  // namespace weir

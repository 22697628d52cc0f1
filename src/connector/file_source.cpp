#include "connector/file_source.hpp"

#include <cerrno>
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
    if (fstat(STDIN_FILENO, &info) != 0) return fail(Code::kBadInputKind, "stdin is closed");
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
    const off_t at = paths_[index] == kStdin ? lseek(file_, 0, SEEK_CUR) : 0;
    const uint64_t begin = at > 0 ? static_cast<uint64_t>(at) : 0;
    const auto size = static_cast<uint64_t>(info.st_size);
    left_ = size > begin ? size - begin : 0;
    // Files of /proc and the like say 0 and have content: read them as streams.
    if (info.st_size == 0) regular_ = false;
    posix_fadvise(file_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  wakeup_.watch(regular_ ? -1 : file_);
  return {};
}

ReadResult FileSource::read(std::span<char> room, Error& error) {
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

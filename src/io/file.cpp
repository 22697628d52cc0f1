#include "io/file.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_wakeup.hpp"

namespace weir {
namespace {

constexpr int kStopWaitMs = 500;       ///< how long a reader that does not read holds up a stop
constexpr size_t kNeverBlocks = 4096;  ///< PIPE_BUF: what a pipe takes at once when it is ready to be written to

}  // namespace

Error system_error(Code code, int number, std::string_view what) {
  if (number == EMFILE || number == ENFILE) code = Code::kProcessLimit;
  Error error(code);
  error.system_error = number;
  error.detail.append(what);
  if (number != 0) {
    const char* text = strerrordesc_np(number);
    error.detail.append(what.empty() ? "" : ": ").append(text != nullptr ? text : "unknown error");
  }
  return error;
}

Result<int> open_to_read(const char* path, bool at_once) {
  for (;;) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | (at_once ? O_NONBLOCK : 0));
    if (file >= 0) return file;
    if (errno == EINTR && SystemWakeup::stop_signal() != 0)
      return fail(Error(Code::kInterrupted));  // a pipe nobody writes to
    if (errno == EINTR) continue;
    const Code code = errno == ENOENT || errno == ENOTDIR ? Code::kNoInput
                      : errno == EACCES || errno == EPERM ? Code::kAccessDenied
                                                          : Code::kOpenFailed;
    return fail(system_error(code, errno, path));
  }
}

Result<size_t> read_some(int file, std::span<char> room) {
  for (;;) {
    const ssize_t size = read(file, room.data(), room.size());
    if (size >= 0) return static_cast<size_t>(size);
    if (errno != EINTR) return fail(system_error(Code::kReadFailed, errno, ""));
  }
}

Status write_all(int file, std::string_view bytes, bool* closed) {
  while (!bytes.empty()) {
    size_t take = bytes.size();
    if (closed != nullptr && SystemWakeup::stop_signal() != 0) {
      pollfd entry{file, POLLOUT, 0};
      if (poll(&entry, 1, kStopWaitMs) == 0) return fail(Error(Code::kInterrupted));
      take = std::min(take, kNeverBlocks);
    }
    const ssize_t size = write(file, bytes.data(), take);
    if (size >= 0) {
      bytes.remove_prefix(static_cast<size_t>(size));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      // The descriptor was handed to us as non-blocking: wait all the same.
      pollfd entry{file, POLLOUT, 0};
      poll(&entry, 1, -1);
      continue;
    }
    if (errno == EPIPE && closed != nullptr) {
      *closed = true;
      return {};
    }
    return fail(system_error(Code::kWriteFailed, errno, ""));
  }
  return {};
}

Status sync_file(int file, std::string_view name) {
  while (fsync(file) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == EROFS) return {};  // a device or pipe: nothing to make durable
    return fail(system_error(Code::kSyncFailed, errno, name));
  }
  return {};
}

namespace {

// The folder part of `path` in `room`; "." where there is none.
const char* folder_of(const char* path, char (&room)[PATH_MAX]) {
  const char* slash = std::strrchr(path, '/');
  if (slash == nullptr) return ".";
  const size_t size = slash == path ? 1 : static_cast<size_t>(slash - path);
  if (size >= sizeof room) return ".";
  std::memcpy(room, path, size);
  room[size] = 0;
  return room;
}

}  // namespace

Status sync_folder_of(const char* path) {
  char room[PATH_MAX];
  const char* folder = folder_of(path, room);
  int file = -1;
  do {
    file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (file < 0 && errno == EINTR);
  if (file < 0) return fail(system_error(Code::kSyncFailed, errno, folder));
  Status synced = sync_file(file, folder);
  close(file);
  return synced;
}

Status make_folders_of(const char* path) {
  char room[PATH_MAX];
  const char* folder = folder_of(path, room);
  if (folder != room) return {};
  for (char* at = room + 1;; ++at) {
    if (*at != '/' && *at != 0) continue;
    const char kept = *at;
    *at = 0;
    const bool made = mkdir(room, 0777) == 0;
    if (!made && errno != EEXIST) return fail(system_error(Code::kOpenFailed, errno, room));
    if (made) WEIR_TRY(sync_folder_of(room));
    *at = kept;
    if (kept == 0) return {};
  }
}

}  // namespace weir

#include "io/system_disk.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.hpp"
#include "io/system_wakeup.hpp"

namespace weir {
namespace {

FileInfo info_of(const struct stat& raw) {
  FileInfo info;
  info.kind = S_ISREG(raw.st_mode) ? FileKind::kRegular : S_ISDIR(raw.st_mode) ? FileKind::kFolder : FileKind::kOther;
  info.size = static_cast<uint64_t>(raw.st_size);
  info.modified_ns = static_cast<int64_t>(raw.st_mtim.tv_sec) * 1'000'000'000 + raw.st_mtim.tv_nsec;
  info.device = raw.st_dev;
  info.inode = raw.st_ino;
  info.links = raw.st_nlink;
  return info;
}

bool denied(int number) { return number == EACCES || number == EPERM || number == EROFS; }

}  // namespace

Result<FileInfo> SystemDisk::info(const char* path) {
  struct stat raw{};
  if (stat(path, &raw) == 0) return info_of(raw);
  if (errno == ENOENT || errno == ENOTDIR) return FileInfo{};
  const Code code = errno == EACCES ? Code::kAccessDenied : errno == ELOOP ? Code::kBadInputKind : Code::kOpenFailed;
  return fail(system_error(code, errno, path));
}

Result<FileInfo> SystemDisk::info(int file) {
  struct stat raw{};
  if (fstat(file, &raw) == 0) return info_of(raw);
  return fail(system_error(Code::kOpenFailed, errno, ""));
}

bool SystemDisk::readable(const char* path) {
  // Where it can't be told, the open tells.
  return access(path, R_OK) == 0 || !denied(errno);
}

Result<int> SystemDisk::open_to_read(const char* path) {
  // A named pipe that nobody writes to must not hold the run past its deadline: it is waited for where all waiting is done.
  auto opened = weir::open_to_read(path, true);
  // Some systems read 16 MiB ahead, and in a control group with less room a process is ended for pages that are still on their way.
  if (opened) posix_fadvise(*opened, 0, 0, POSIX_FADV_RANDOM);
  return opened;
}

Result<int> SystemDisk::open_to_write(const char* path, bool create) {
  int file = -1;
  do {
    file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
  } while (file < 0 && errno == EINTR && SystemWakeup::stop_signal() == 0);
  if (file >= 0) return file;
  if (errno == EINTR) return fail(Error(Code::kInterrupted));  // a pipe nobody reads from
  return fail(system_error(denied(errno) ? Code::kAccessDenied : Code::kOpenFailed, errno, path));
}

Result<int> SystemDisk::open_scratch(const char* folder) {
  constexpr int kHow = O_RDWR | O_APPEND | O_CLOEXEC;
  int file = -1;
  do {
    file = open(folder, kHow | O_TMPFILE, 0600);
  } while (file < 0 && errno == EINTR);
  if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    // A file system that knows no files without a name: one that loses its name at once.
    char path[PATH_MAX];
    const int size = std::snprintf(path, sizeof path, "%s/weir-XXXXXX", folder);
    if (size > 0 && static_cast<size_t>(size) < sizeof path) file = mkostemp(path, kHow & ~O_RDWR);
    if (file >= 0) ::unlink(path);
  }
  if (file >= 0) return file;
  return fail(system_error(denied(errno) ? Code::kAccessDenied : Code::kOpenFailed, errno, folder));
}

void SystemDisk::close(int file) noexcept {
  if (file >= 0) ::close(file);
}

Result<size_t> SystemDisk::read_at(int file, uint64_t offset, std::span<char> room) {
  for (;;) {
    const ssize_t size = pread(file, room.data(), room.size(), static_cast<off_t>(offset));
    if (size >= 0) return static_cast<size_t>(size);
    if (errno != EINTR) return fail(system_error(Code::kReadFailed, errno, ""));
  }
}

void SystemDisk::will_need(int file, uint64_t offset, uint64_t bytes) noexcept {
  posix_fadvise(file, static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
}

Status SystemDisk::append(int file, std::string_view bytes) { return write_all(file, bytes); }

Status SystemDisk::truncate(int file, uint64_t size) {
  while (ftruncate(file, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return fail(system_error(Code::kWriteFailed, errno, ""));
  }
  return {};
}

Status SystemDisk::sync(int file, std::string_view name) { return sync_file(file, name); }

Status SystemDisk::sync_folder_of(const char* path) { return weir::sync_folder_of(path); }

Result<bool> SystemDisk::lock(int file) {
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return fail(system_error(Code::kOpenFailed, errno, ""));
  }
  return true;
}

Status SystemDisk::rename(const char* from, const char* to) {
  if (::rename(from, to) == 0) return {};
  return fail(system_error(Code::kRenameFailed, errno, to));
}

Result<bool> SystemDisk::link(const char* from, const char* to) {
  if (::link(from, to) == 0) return true;
  if (errno == EEXIST) return false;
  return fail(system_error(Code::kRenameFailed, errno, to));
}

void SystemDisk::remove(const char* path) noexcept { ::unlink(path); }

Status SystemDisk::make_folders_of(const char* path) { return weir::make_folders_of(path); }

}  // namespace weir

#include "connector/file_sink.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.hpp"
#include "io/system_wakeup.hpp"

namespace weir {

FileSink::FileSink(std::string path, bool replace, bool create_folders)
    : path_(std::move(path)), part_(path_ + ".part"), replace_(replace), create_folders_(create_folders) {}

FileSink::~FileSink() {
  if (file_ >= 0) close(file_);
}

Status FileSink::start() {
  struct stat info {};
  if (stat(path_.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return fail(Code::kOutputExists, path_ + " is a folder; end the name with / to write a file for each batch");
    direct_ = !S_ISREG(info.st_mode);
    if (!direct_ && !replace_) return fail(Code::kOutputExists, path_);
  } else if (create_folders_) {
    WEIR_TRY(make_folders_of(path_.c_str()));
  }
  const char* name = direct_ ? path_.c_str() : part_.c_str();
  for (;;) {
    do {
      file_ = open(name, O_WRONLY | O_CLOEXEC | (direct_ ? 0 : O_CREAT), 0666);
    } while (file_ < 0 && errno == EINTR && SystemWakeup::stop_signal() == 0);
    if (file_ < 0 && errno == EINTR) return fail(Error(Code::kInterrupted));  // a pipe nobody reads from
    if (file_ < 0) {
      return fail(system_error(errno == EACCES || errno == EPERM || errno == EROFS ? Code::kAccessDenied : Code::kOpenFailed, errno, name));
    }
    if (direct_) return {};
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) return fail(Code::kFenced, part_ + " is being written by another run");
    // Between open and lock another run may have published this very file: it is then no longer ours to touch.
    struct stat held {}, named {};
    if (fstat(file_, &held) == 0 && stat(name, &named) == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino) break;
    close(file_);
    file_ = -1;
  }
  if (!replace_ && stat(path_.c_str(), &info) == 0) {
    unlink(name);
    return fail(Code::kOutputExists, path_);
  }
  if (ftruncate(file_, 0) != 0) return fail(system_error(Code::kOpenFailed, errno, name));
  return {};
}

Accepted FileSink::open_object(const ObjectInfo&, Error&) { return Accepted::kYes; }

Accepted FileSink::write(std::string_view bytes, Error& error) {
  bool closed = false;
  if (Status status = write_all(file_, bytes, direct_ ? &closed : nullptr); !status) {
    error = status.error();
    error.detail.append(" (").append(direct_ ? path_ : part_).append(")");
    return Accepted::kFailed;
  }
  if (closed) return Accepted::kClosed;
  written_ += bytes.size();
  return Accepted::kYes;
}

Accepted FileSink::close_object(Error&) { return Accepted::kYes; }

Status FileSink::commit() { return direct_ ? Status{} : sync_file(file_, part_); }

Status FileSink::finish() {
  if (direct_) return {};
  WEIR_TRY(sync_file(file_, part_));
  if (!replace_) {
    // The name was free at the start; link() keeps it from being taken over in between.
    if (link(part_.c_str(), path_.c_str()) == 0) {
      unlink(part_.c_str());
      return sync_folder_of(path_.c_str());
    }
    if (errno == EEXIST) return fail(Code::kOutputExists, path_ + " was made by somebody else meanwhile");
  }
  if (rename(part_.c_str(), path_.c_str()) != 0) return fail(system_error(Code::kRenameFailed, errno, path_));
  return sync_folder_of(path_.c_str());
}

void FileSink::cancel() noexcept {
  if (file_ < 0) return;
  if (!direct_) {
    if (written_ == 0) {
      unlink(part_.c_str());
    } else {
      leftover_ = part_;
    }
  }
  close(file_);
  file_ = -1;
}

bool FileSink::load(StateReader& in) {
  written_ = in.get<uint64_t>();
  return in.ok();
}

}  // namespace weir

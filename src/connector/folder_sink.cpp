#include "connector/folder_sink.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fixed_text.hpp"
#include "io/file.hpp"

namespace weir {

FolderSink::FolderSink(std::string prefix, std::string suffix, bool replace, bool create_folders)
    : prefix_(std::move(prefix)), suffix_(std::move(suffix)), replace_(replace), create_folders_(create_folders) {
  name_.reserve(prefix_.size() + 20 + suffix_.size());
  part_.reserve(name_.capacity() + 5);
}

FolderSink::~FolderSink() {
  if (file_ >= 0) close(file_);
}

void FolderSink::name_batch(uint64_t batch) {
  FixedText<20> digits;
  digits.append_number(batch);
  name_.assign(prefix_);
  for (size_t i = digits.view().size(); i < kNumberDigits; ++i) name_ += '0';
  name_.append(digits.view());
  name_.append(suffix_);
  part_.assign(name_);
  part_.append(".part");
}

Status FolderSink::start() {
  name_batch(0);
  if (create_folders_) WEIR_TRY(make_folders_of(name_.c_str()));
  struct stat info {};
  if (!replace_ && stat(name_.c_str(), &info) == 0) return fail(Code::kOutputExists, name_);
  return {};
}

Accepted FolderSink::open_object(const ObjectInfo& info, Error& error) {
  name_batch(info.batch);
  struct stat there {};
  if (!replace_ && stat(name_.c_str(), &there) == 0) {
    error = Error(Code::kOutputExists, name_);
    return Accepted::kFailed;
  }
  do {
    file_ = open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  } while (file_ < 0 && errno == EINTR);
  if (file_ >= 0) return Accepted::kYes;
  error = system_error(errno == EACCES ? Code::kAccessDenied : Code::kOpenFailed, errno, part_);
  return Accepted::kFailed;
}

Accepted FolderSink::write(std::string_view bytes, Error& error) {
  if (Status status = write_all(file_, bytes); !status) {
    error = status.error();
    error.detail.append(" (").append(part_).append(")");
    return Accepted::kFailed;
  }
  return Accepted::kYes;
}

Accepted FolderSink::close_object(Error& error) {
  Status status = sync_file(file_, part_);
  close(file_);
  file_ = -1;
  if (status && rename(part_.c_str(), name_.c_str()) != 0) status = fail(system_error(Code::kRenameFailed, errno, name_));
  if (status) status = sync_folder_of(name_.c_str());
  if (status) return Accepted::kYes;
  error = status.error();
  return Accepted::kFailed;
}

void FolderSink::cancel() noexcept {
  if (file_ < 0) return;
  close(file_);
  file_ = -1;
  leftover_ = part_;
}

}  // namespace weir

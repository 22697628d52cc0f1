#include "connector/file_checkpoint_store.hpp"

#include <algorithm>

namespace weir {

FileCheckpointStore::FileCheckpointStore(std::string path, bool create_folders, Disk& disk)
    : path_(std::move(path)), new_path_(path_ + ".new"), lock_path_(path_ + ".lock"), create_folders_(create_folders), disk_(disk) {}

Status FileCheckpointStore::acquire() {
  if (create_folders_) WEIR_TRY(disk_.make_folders_of(path_.c_str()));
  for (;;) {
    auto opened = disk_.open_to_write(lock_path_.c_str(), true);
    if (!opened) return fail(opened.error());
    auto locked = disk_.lock(*opened);
    if (!locked || !*locked) {
      disk_.close(*opened);
      return locked ? fail(Code::kFenced, path_) : fail(locked.error());
    }
    // The run before us may have taken the file away between our open and our lock.
    const auto held = disk_.info(*opened);
    const auto named = disk_.info(lock_path_.c_str());
    if (held && named && named->kind != FileKind::kNone && held->inode == named->inode && held->device == named->device) {
      lock_ = *opened;
      return {};
    }
    disk_.close(*opened);
    if (!held) return fail(held.error());
    if (!named) return fail(named.error());
  }
}

Result<size_t> FileCheckpointStore::load(std::span<char> room) {
  auto info = disk_.info(path_.c_str());
  if (!info) return fail(info.error());
  seen_ = *info;
  if (info->kind == FileKind::kNone) return 0;
  if (info->kind != FileKind::kRegular || info->size > room.size() || info->size == 0) {
    return fail(Code::kCheckpointInvalid, path_ + (info->size == 0 ? " is empty" : " is no checkpoint of this job: wrong size"));
  }
  auto opened = disk_.open_to_read(path_.c_str());
  if (!opened) return fail(opened.error());
  size_t used = 0;
  Status status;
  while (used < info->size) {
    auto got = disk_.read_at(*opened, used, room.subspan(used, info->size - used));
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    used += *got;
  }
  disk_.close(*opened);
  if (!status) return fail(status.error());
  return used;
}

Status FileCheckpointStore::save(std::string_view bytes) {
  auto there = disk_.info(path_.c_str());
  if (!there) return fail(there.error());
  const bool ours = there->kind == seen_.kind &&
                    (there->kind == FileKind::kNone || (there->inode == seen_.inode && there->device == seen_.device &&
                                                        there->size == seen_.size && there->modified_ns == seen_.modified_ns));
  if (!ours) {
    Error error(Code::kFenced, path_);
    error.detail.append(" was replaced by another run");
    return fail(error);
  }
  auto opened = disk_.open_to_write(new_path_.c_str(), true);
  if (!opened) return fail(opened.error());
  Status status = disk_.truncate(*opened, 0);
  if (status) status = disk_.append(*opened, bytes);
  if (status) status = disk_.sync(*opened, new_path_);
  if (status) status = disk_.rename(new_path_.c_str(), path_.c_str());
  if (status) status = disk_.sync_folder_of(path_.c_str());
  if (status) {
    auto info = disk_.info(*opened);
    if (info) seen_ = *info;
    else status = fail(info.error());
  }
  disk_.close(*opened);
  return status;
}

Status FileCheckpointStore::clear() {
  disk_.remove(path_.c_str());
  auto there = disk_.info(path_.c_str());
  if (!there) return fail(there.error());
  if (there->kind != FileKind::kNone) return fail(Code::kRenameFailed, path_ + " can't be removed");
  seen_ = FileInfo{};
  return disk_.sync_folder_of(path_.c_str());
}

void FileCheckpointStore::release() noexcept {
  if (lock_ < 0) return;
  disk_.remove(lock_path_.c_str());
  disk_.close(lock_);
  lock_ = -1;
}

}  // namespace weir

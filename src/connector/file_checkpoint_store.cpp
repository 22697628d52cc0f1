#include "connector/file_checkpoint_store.hpp"

#include <algorithm>

#include "connector/held_file.hpp"

namespace weir {

FileCheckpointStore::FileCheckpointStore(std::string path, bool create_folders, Disk& disk)
    : path_(std::move(path)),
      new_path_(path_ + ".new"),
      lock_path_(path_ + ".lock"),
      create_folders_(create_folders),
      disk_(disk) {}

Status FileCheckpointStore::acquire() {
  if (create_folders_) WEIR_TRY(disk_.make_folders_of(path_.c_str()));
  bool made = false;
  auto held = hold_file(disk_, lock_path_.c_str(), made);
  if (!held) return fail(held.error());
  lock_ = *held;
  return {};
}

Result<size_t> FileCheckpointStore::load(std::span<char> room) {
  auto info = disk_.info(path_.c_str());
  if (!info) return fail(info.error());
  seen_ = *info;
  if (info->kind == FileKind::kNone) return 0;
  if (info->kind != FileKind::kRegular || info->size == 0) {
    return fail(Code::kCheckpointInvalid, path_ + (info->size == 0 ? " is empty" : " is no regular file"));
  }
  const size_t wanted = std::min<uint64_t>(info->size, room.size());
  auto opened = disk_.open_to_read(path_.c_str());
  if (!opened) return fail(opened.error());
  size_t used = 0;
  Status status;
  while (used < wanted) {
    auto got = disk_.read_at(*opened, used, room.subspan(used, wanted - used));
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    used += *got;
  }
  disk_.close(*opened);
  // The run that wrote it may have been killed before its name was durable; what a run does because of it must not outlive it.
  if (status) status = disk_.sync_folder_of(path_.c_str());
  if (!status) return fail(status.error());
  return used < wanted ? used : info->size;
}

// Somebody may have taken the lock's file away, and another run with it. So what is saved is locked, too, and compared under this lock.
Status FileCheckpointStore::save(std::string_view bytes) {
  bool made = false;
  auto held = hold_file(disk_, new_path_.c_str(), made);
  if (!held) {
    if (made) disk_.remove(new_path_.c_str());
    return fail(held.error());
  }
  Status status = replace(*held, bytes);
  if (!status) disk_.remove(new_path_.c_str());
  if (status) status = disk_.sync_folder_of(path_.c_str());
  if (status) {
    auto info = disk_.info(*held);
    if (info)
      seen_ = *info;
    else
      status = fail(info.error());
  }
  disk_.close(*held);
  return status;
}

Status FileCheckpointStore::replace(int file, std::string_view bytes) {
  auto there = disk_.info(path_.c_str());
  if (!there) return fail(there.error());
  const bool ours = there->kind == seen_.kind &&
                    (there->kind == FileKind::kNone ||
                     (there->same_file(seen_) && there->size == seen_.size && there->modified_ns == seen_.modified_ns));
  if (!ours) {
    Error error(Code::kFenced, path_);
    error.detail.append(" was replaced by another run");
    return fail(error);
  }
  WEIR_TRY(disk_.truncate(file, 0));
  WEIR_TRY(disk_.append(file, bytes));
  WEIR_TRY(disk_.sync(file, new_path_));
  return disk_.rename(new_path_.c_str(), path_.c_str());
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

#include "connector/part_file.hpp"

#include <algorithm>

#include "connector/held_file.hpp"
#include "hash/crc32c.hpp"

namespace weir {

Status PartFile::hold(const char* path) {
  bool made = false;
  auto held = hold_file(disk_, path, made);
  touched_ = touched_ || made;
  if (!held && held.error().code == Code::kFenced) touched_ = false;
  if (!held) return fail(held.error());
  file_ = *held;
  return {};
}

Status PartFile::create(const char* path) {
  for (;;) {
    WEIR_TRY(hold(path));
    const auto info = disk_.info(file_);
    if (!info) return fail(info.error());
    if (info->links <= 1) break;
    // A run that was killed while it published left the output under both names: what is shown is not to be touched.
    disk_.remove(path);
    close();
    const auto still = disk_.info(path);
    if (!still) return fail(still.error());
    if (still->kind != FileKind::kNone && still->same_file(*info)) {
      Error error(Code::kOpenFailed, path);
      error.detail.append(" is another name of a file that is shown, and can't be taken away");
      return fail(error);
    }
  }
  clear();
  name_is_durable_ = false;
  return disk_.truncate(file_, 0);
}

Result<int> PartFile::open_verified(const char* path, bool longer_is_fine) {
  constexpr int kOther = -1;
  auto info = disk_.info(path);
  if (!info) return fail(info.error());
  if (info->kind != FileKind::kRegular || info->size < written_ || (!longer_is_fine && info->size != written_))
    return kOther;
  auto opened = disk_.open_to_read(path);
  if (!opened && opened.error().code == Code::kNoInput) return kOther;
  if (!opened) return fail(opened.error());
  uint32_t crc = 0;
  uint64_t at = written_ - written_ % kSegmentBytes;
  if (at == written_ && written_ != 0) at -= kSegmentBytes;
  Status status;
  char room[4096];
  while (status && at < written_) {
    auto got = disk_.read_at(*opened, at, {room, static_cast<size_t>(std::min<uint64_t>(sizeof room, written_ - at))});
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    crc = crc32c(crc, {room, *got});
    at += *got;
  }
  if (status && at == written_ && crc == segment_crc_) return *opened;
  disk_.close(*opened);
  if (!status) return fail(status.error());
  return kOther;
}

Result<bool> PartFile::verify(const char* path, bool longer_is_fine) {
  const auto opened = open_verified(path, longer_is_fine);
  if (!opened) return fail(opened.error());
  disk_.close(*opened);
  return *opened >= 0;
}

Status PartFile::reopen(const char* path) {
  if (written_ == 0) return create(path);
  name_is_durable_ = true;
  // Held first, so that it is ours what is looked at.
  WEIR_TRY(hold(path));
  auto good = verify(path, true);
  if (!good) return fail(good.error());
  if (!*good) {
    const auto info = disk_.info(file_);
    if (info && info->size == 0) disk_.remove(path);
    close();
    return fail(other_bytes(path));
  }
  return disk_.truncate(file_, written_);
}

Error PartFile::other_bytes(const char* path) const {
  Error error(Code::kOutputLost, path);
  error.detail.append(": its first ").append_number(written_).append(" bytes are not those that were written");
  return error;
}

Result<bool> PartFile::is_complete_at(const char* path) { return verify(path, false); }

Status PartFile::follow(const char* path) {
  const auto opened = open_verified(path, true);
  if (!opened) return fail(opened.error());
  if (*opened < 0) {
    const auto there = disk_.info(path);
    if (there && there->kind == FileKind::kNone) return fail(Code::kOutputLost, path);
    return fail(other_bytes(path));
  }
  file_ = *opened;
  follows_ = true;
  return {};
}

Status PartFile::compare(std::string_view bytes) {
  char room[4096];
  for (uint64_t at = written_; !bytes.empty();) {
    const auto got = disk_.read_at(file_, at, {room, std::min(sizeof room, bytes.size())});
    if (!got) return fail(got.error());
    if (*got == 0 || std::string_view(room, *got) != bytes.substr(0, *got)) {
      Error error(Code::kOutputLost, "other bytes are shown than were to be written, from byte ");
      error.detail.append_number(at).append(" on");
      return fail(error);
    }
    at += *got;
    bytes.remove_prefix(*got);
  }
  return {};
}

Status PartFile::end_followed(const char* path) {
  const auto info = disk_.info(file_);
  if (!info) return fail(info.error());
  if (info->size == written_) return {};
  Error error(Code::kOutputLost, path);
  error.detail.append(" is longer than the ").append_number(written_).append(" bytes that were to be written");
  return fail(error);
}

Status PartFile::append(std::string_view bytes) {
  WEIR_TRY(follows_ ? compare(bytes) : disk_.append(file_, bytes));
  crc_ = crc32c(crc_, bytes);
  while (!bytes.empty()) {
    // A segment that is full stays until the next byte comes: its checksum is what a resumed run verifies.
    const uint64_t used = written_ % kSegmentBytes;
    if (used == 0) segment_crc_ = 0;
    const auto take = static_cast<size_t>(std::min<uint64_t>(bytes.size(), kSegmentBytes - used));
    segment_crc_ = crc32c(segment_crc_, bytes.substr(0, take));
    written_ += take;
    bytes.remove_prefix(take);
  }
  return {};
}

Status PartFile::sync(const char* path) {
  if (follows_) return {};  // it was durable before it was shown
  WEIR_TRY(disk_.sync(file_, path));
  if (name_is_durable_) return {};
  WEIR_TRY(disk_.sync_folder_of(path));
  name_is_durable_ = true;
  return {};
}

void PartFile::close() noexcept {
  if (file_ >= 0) disk_.close(file_);
  file_ = -1;
  follows_ = false;
}

bool PartFile::abandon(const char* path) noexcept {
  if (!touched_) {
    close();
    return false;
  }
  touched_ = false;
  if (is_open() && written_ == 0) disk_.remove(path);
  const auto there = disk_.info(path);
  bool stays = !there || there->kind != FileKind::kNone;
  if (stays && is_open() && there) {
    // Where it was shown already, the name may be another run's by now.
    const auto ours = disk_.info(file_);
    stays = !ours || ours->same_file(*there);
  }
  close();
  return stays;
}

void PartFile::save(StateWriter& out) const {
  out.put(written_);
  out.put(crc_);
  out.put(segment_crc_);
}

bool PartFile::load(StateReader& in) {
  written_ = in.get<uint64_t>();
  crc_ = in.get<uint32_t>();
  segment_crc_ = in.get<uint32_t>();
  return in.ok();
}

}  // namespace weir

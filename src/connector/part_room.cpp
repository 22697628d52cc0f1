#include "connector/part_room.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"

namespace weir {

// --- in memory -------------------------------------------------------------------------------------------------------------

Status MemoryRoom::append(std::string_view bytes) {
  WEIR_ASSERT(bytes.size() <= room_.size() - used_);
  if (!bytes.empty()) std::memcpy(room_.data() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
  return {};
}

HttpBody& MemoryRoom::first(size_t bytes) {
  WEIR_ASSERT(bytes <= used_);
  body_ = TextBody({room_.data(), bytes});
  return body_;
}

Status MemoryRoom::drop(size_t bytes) {
  WEIR_ASSERT(bytes <= used_);
  used_ -= bytes;
  if (used_ != 0) std::memmove(room_.data(), room_.data() + bytes, used_);
  return {};
}

// --- in files ----------------------------------------------------------------------------------------------------------------

DiskRoom::~DiskRoom() {
  for (const int file : files_) {
    if (file >= 0) disk_.close(file);
  }
}

Error DiskRoom::named(Error error) const {
  error.detail.append(" (output.spool: ").append(folder_).append(")");
  return error;
}

Status DiskRoom::open() {
  for (int& file : files_) {
    if (file >= 0) continue;
    auto opened = disk_.open_scratch(folder_.c_str());
    if (!opened) return fail(named(opened.error()));
    file = *opened;
  }
  return {};
}

Status DiskRoom::append(std::string_view bytes) {
  WEIR_ASSERT(bytes.size() <= capacity_ - used_);
  if (Status done = disk_.append(files_[0], bytes); !done) return fail(named(done.error()));
  used_ += bytes.size();
  return {};
}

Result<std::string_view> DiskRoom::read(size_t offset, size_t bytes_max) {
  const size_t want = std::min(bytes_max, buffer_.size());
  size_t have = 0;
  while (have < want) {
    auto got = disk_.read_at(files_[0], offset + have, buffer_.subspan(have, want - have));
    if (!got) return fail(named(got.error()));
    if (*got == 0) return fail(named(Error(Code::kReadFailed, "what was put aside is not there any more")));
    have += *got;
  }
  return std::string_view(buffer_.data(), have);
}

Result<std::string_view> DiskRoom::Body::from(uint64_t offset) {
  return room_.read(static_cast<size_t>(offset), static_cast<size_t>(size_ - offset));
}

HttpBody& DiskRoom::first(size_t bytes) {
  WEIR_ASSERT(bytes <= used_);
  body_.set_size(bytes);
  return body_;
}

Status DiskRoom::drop(size_t bytes) {
  WEIR_ASSERT(bytes <= used_);
  for (size_t at = bytes; at < used_;) {
    auto piece = read(at, used_ - at);
    if (!piece) return fail(piece.error());
    if (Status done = disk_.append(files_[1], *piece); !done) return fail(named(done.error()));
    at += piece->size();
  }
  if (Status done = disk_.truncate(files_[0], 0); !done) return fail(named(done.error()));
  std::swap(files_[0], files_[1]);
  used_ -= bytes;
  return {};
}

}  // namespace weir

#include "connector/folder_sink.hpp"

#include "base/fixed_text.hpp"

namespace weir {

FolderSink::FolderSink(std::string prefix, std::string suffix, bool replace, bool create_folders, Disk& disk)
    : prefix_(std::move(prefix)),
      suffix_(std::move(suffix)),
      replace_(replace),
      create_folders_(create_folders),
      disk_(disk),
      part_(disk) {
  name_.reserve(prefix_.size() + 20 + suffix_.size());
  part_path_.reserve(name_.capacity() + 5);
}

void FolderSink::name_batch(uint64_t batch) {
  FixedText<20> digits;
  digits.append_number(batch);
  name_.assign(prefix_);
  for (size_t i = digits.view().size(); i < kNumberDigits; ++i) name_ += '0';
  name_.append(digits.view());
  name_.append(suffix_);
  part_path_.assign(name_);
  part_path_.append(".part");
}

Status FolderSink::may_start() {
  name_batch(0);
  if (replace_) return {};
  auto there = disk_.info(name_.c_str());
  if (!there) return fail(there.error());
  return there->kind == FileKind::kNone ? Status{} : fail(Code::kOutputExists, name_);
}

Status FolderSink::start() {
  name_batch(0);
  if (create_folders_) WEIR_TRY(disk_.make_folders_of(name_.c_str()));
  return may_start();
}

// Its files are known by their numbers alone.
Status FolderSink::replace_shown(StateReader& in, bool) {
  replaces_own_ = load(in) && in.at_end();
  replace_ = replace_ || replaces_own_;
  object_open_ = false;
  return {};
}

Status FolderSink::resume(bool) {
  resumed_ = true;
  replace_ = replace_ || replaces_own_;
  if (!object_open_) return {};
  name_batch(batch_);
  if (part_.written() != 0) {
    // It may have been completed and shown since: then it stays as it is, for the same bytes come again.
    auto there = disk_.info(part_path_.c_str());
    if (!there) return fail(there.error());
    if (there->kind == FileKind::kNone) return part_.follow(name_.c_str());
  }
  return part_.reopen(part_path_.c_str());
}

Accepted FolderSink::open_object(const ObjectInfo& info, Error& error) {
  batch_ = info.batch;
  name_batch(info.batch);
  Status status;
  if (!replace_) {
    auto there = disk_.info(name_.c_str());
    if (!there) {
      status = fail(there.error());
    } else if (there->kind == FileKind::kRegular && resumed_) {
      // The run before may have shown it behind the checkpoint: then the same bytes come again, and it stays as it is.
      part_.clear();
      status = part_.follow(name_.c_str());
    } else if (there->kind != FileKind::kNone) {
      status = fail(Error(Code::kOutputExists, name_));
    }
  }
  if (status && !part_.follows()) status = part_.create(part_path_.c_str());
  if (status) {
    object_open_ = begun_here_ = true;
    return Accepted::kYes;
  }
  error = status.error();
  return Accepted::kFailed;
}

Accepted FolderSink::write(std::string_view bytes, Error& error) {
  const Status status = part_.append(bytes);
  if (status) return Accepted::kYes;
  error = status.error();
  if (anothers(error)) return Accepted::kFailed;
  error.detail.append(" (").append(part_.follows() ? name_ : part_path_).append(")");
  return Accepted::kFailed;
}

Accepted FolderSink::close_object(Error& error) {
  Status status;
  if (part_.follows()) {
    status = part_.end_followed(name_.c_str());
  } else {
    status = part_.sync(part_path_.c_str());
    if (status) status = disk_.rename(part_path_.c_str(), name_.c_str());
  }
  // Also of what the run before had shown: it may have ended before the name was durable.
  if (status) status = disk_.sync_folder_of(name_.c_str());
  if (status) {
    part_.close();
    object_open_ = false;
    return Accepted::kYes;
  }
  error = status.error();
  (void)anothers(error);
  return Accepted::kFailed;
}

// A file that no checkpoint names, and that holds other bytes than this job writes, is somebody else's.
bool FolderSink::anothers(Error& error) const {
  if (!part_.follows() || !begun_here_ || error.code != Code::kOutputLost) return false;
  error = Error(Code::kOutputExists, name_);
  error.detail.append(": it holds other bytes than this job writes");
  return true;
}

Status FolderSink::commit() { return object_open_ ? part_.sync(part_path_.c_str()) : Status{}; }

void FolderSink::cancel() noexcept {
  if (part_.abandon(part_path_.c_str())) leftover_ = part_path_;
}

void FolderSink::save(StateWriter& out) const {
  out.put(static_cast<uint8_t>((object_open_ ? 1 : 0) | (replaces_own_ ? 2 : 0)));
  out.put(batch_);
  if (object_open_) part_.save(out);
}

bool FolderSink::load(StateReader& in) {
  const auto flags = in.get<uint8_t>();
  batch_ = in.get<uint64_t>();
  object_open_ = (flags & 1) != 0;
  replaces_own_ = (flags & 2) != 0;
  return in.ok() && flags <= 3 && (!object_open_ || part_.load(in));
}

}  // namespace weir

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

Status FolderSink::start() {
  name_batch(0);
  if (create_folders_) WEIR_TRY(disk_.make_folders_of(name_.c_str()));
  if (replace_) return {};
  auto there = disk_.info(name_.c_str());
  if (!there) return fail(there.error());
  return there->kind == FileKind::kNone ? Status{} : fail(Code::kOutputExists, name_);
}

// Its files are known by their numbers alone.
Status FolderSink::replace_shown(StateReader& in, bool) {
  replace_ = replace_ || (load(in) && in.at_end());
  object_open_ = false;
  return {};
}

Status FolderSink::resume(bool) {
  replace_ = true;  // what came after the checkpoint is ours, and is written again
  if (!object_open_) return {};
  name_batch(batch_);
  // It may have been completed and shown since: then it is made again, from its first byte if it must be.
  auto there = disk_.info(part_path_.c_str());
  if (!there) return fail(there.error());
  if (there->kind == FileKind::kNone) {
    auto shown = disk_.info(name_.c_str());
    if (!shown) return fail(shown.error());
    if (shown->kind != FileKind::kRegular) return fail(Code::kOutputLost, part_path_);
    auto good = part_.is_begun_at(name_.c_str());
    if (!good) return fail(good.error());
    if (!*good) return fail(Code::kOutputLost, name_);
    // Not touched before the job is this run's: where the lock's file was taken away, the run that showed it may be at work still.
    shown_ = true;
    return {};
  }
  return part_.reopen(part_path_.c_str());
}

Status FolderSink::hide_shown() {
  if (!shown_) return {};
  WEIR_TRY(disk_.rename(name_.c_str(), part_path_.c_str()));
  // Before it is cut: a file that lost its end must not come back under the name that shows it.
  WEIR_TRY(disk_.sync_folder_of(name_.c_str()));
  WEIR_TRY(part_.reopen(part_path_.c_str()));
  shown_ = false;
  return {};
}

Accepted FolderSink::open_object(const ObjectInfo& info, Error& error) {
  batch_ = info.batch;
  name_batch(info.batch);
  Status status;
  if (!replace_) {
    auto there = disk_.info(name_.c_str());
    if (!there)
      status = fail(there.error());
    else if (there->kind != FileKind::kNone)
      status = fail(Error(Code::kOutputExists, name_));
  }
  if (status) status = part_.create(part_path_.c_str());
  if (status) {
    object_open_ = true;
    return Accepted::kYes;
  }
  error = status.error();
  return Accepted::kFailed;
}

Accepted FolderSink::write(std::string_view bytes, Error& error) {
  Status status = hide_shown();
  if (status) status = part_.append(bytes);
  if (!status) {
    error = status.error();
    error.detail.append(" (").append(part_path_).append(")");
    return Accepted::kFailed;
  }
  return Accepted::kYes;
}

Accepted FolderSink::close_object(Error& error) {
  Status status = hide_shown();
  if (status) status = part_.sync(part_path_.c_str());
  if (status) status = disk_.rename(part_path_.c_str(), name_.c_str());
  if (status) status = disk_.sync_folder_of(name_.c_str());
  if (status) {
    part_.close();
    object_open_ = false;
    return Accepted::kYes;
  }
  error = status.error();
  return Accepted::kFailed;
}

Status FolderSink::commit() { return object_open_ && !shown_ ? part_.sync(part_path_.c_str()) : Status{}; }

void FolderSink::cancel() noexcept {
  if (part_.abandon(part_path_.c_str())) leftover_ = part_path_;
}

void FolderSink::save(StateWriter& out) const {
  out.put(static_cast<uint8_t>(object_open_));
  out.put(batch_);
  if (object_open_) part_.save(out);
}

bool FolderSink::load(StateReader& in) {
  const auto open = in.get<uint8_t>();
  batch_ = in.get<uint64_t>();
  object_open_ = open == 1;
  return in.ok() && open <= 1 && (!object_open_ || part_.load(in));
}

}  // namespace weir

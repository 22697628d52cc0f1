#include "connector/file_sink.hpp"

#include <cerrno>

#include "io/file.hpp"

namespace weir {

FileSink::FileSink(std::string path, bool replace, bool create_folders, Disk& disk)
    : path_(std::move(path)),
      part_path_(path_ + ".part"),
      replace_(replace),
      create_folders_(create_folders),
      disk_(disk),
      part_(disk) {}

FileSink::~FileSink() { disk_.close(direct_); }

Status FileSink::may_start() {
  if (replace_) return {};
  auto info = disk_.info(path_.c_str());
  if (!info) return fail(info.error());
  return info->kind == FileKind::kRegular ? fail(Code::kOutputExists, path_) : Status{};
}

Status FileSink::start() {
  auto info = disk_.info(path_.c_str());
  if (!info) return fail(info.error());
  if (info->kind == FileKind::kFolder)
    return fail(Code::kOutputExists, path_ + " is a folder; end the name with / to write a file for each batch");
  if (info->kind == FileKind::kOther) {
    auto opened = disk_.open_to_write(path_.c_str(), false);
    if (!opened) return fail(opened.error());
    direct_ = *opened;
    return {};
  }
  if (info->kind == FileKind::kRegular && !replace_) return fail(Code::kOutputExists, path_);
  if (info->kind == FileKind::kNone && create_folders_) WEIR_TRY(disk_.make_folders_of(path_.c_str()));
  WEIR_TRY(part_.create(part_path_.c_str()));
  if (replace_) return {};
  info = disk_.info(path_.c_str());
  if (!info || info->kind == FileKind::kNone) return {};
  disk_.remove(part_path_.c_str());
  part_.close();
  return fail(Code::kOutputExists, path_);
}

Status FileSink::resume(bool finishing) {
  if (finishing) {
    auto there = disk_.info(part_path_.c_str());
    if (!there) return fail(there.error());
    if (there->kind == FileKind::kNone) {
      auto complete = part_.is_complete_at(path_.c_str());
      if (!complete) return fail(complete.error());
      published_ = *complete;
      if (published_) return {};
      // An empty one was taken away by a run that failed to show it: it is made again.
      if (part_.written() != 0) return fail(Code::kOutputLost, part_path_ + " and " + path_);
    } else {
      auto shown = disk_.info(path_.c_str());
      if (!shown) return fail(shown.error());
      published_ = shown->kind == FileKind::kRegular && shown->same_file(*there);
      if (published_) {
        WEIR_TRY(disk_.sync_folder_of(path_.c_str()));  // as in finish(): the new name before the old one goes
        disk_.remove(part_path_.c_str());
        return {};
      }
    }
  }
  return part_.reopen(part_path_.c_str());
}

void FileSink::save(StateWriter& out) const {
  part_.save(out);
  if (replaces_own_) out.put(uint8_t{1});
}

bool FileSink::load(StateReader& in) {
  if (!part_.load(in)) return false;
  if (in.at_end()) return true;
  if (in.get<uint8_t>() != 1 || !in.at_end()) return false;
  replace_ = replaces_own_ = true;
  return true;
}

Status FileSink::replace_shown(StateReader& in, bool shown) {
  if (!part_.load(in)) return {};
  if (!shown) {
    // That run, begun anew itself, had looked at what stands there.
    replaces_own_ = !in.at_end() && in.get<uint8_t>() == 1;
  } else {
    auto own = part_.is_complete_at(path_.c_str());
    if (!own) return fail(own.error());
    replaces_own_ = *own;
  }
  replace_ = replace_ || replaces_own_;
  return {};
}

Accepted FileSink::open_object(const ObjectInfo&, Error&) { return Accepted::kYes; }

Accepted FileSink::write(std::string_view bytes, Error& error) {
  bool closed = false;
  const Status status = direct_ >= 0 ? write_all(direct_, bytes, &closed) : part_.append(bytes);
  if (!status) {
    error = status.error();
    error.detail.append(" (").append(direct_ >= 0 ? path_ : part_path_).append(")");
    return Accepted::kFailed;
  }
  return closed ? Accepted::kClosed : Accepted::kYes;
}

Accepted FileSink::close_object(Error&) { return Accepted::kYes; }

Status FileSink::commit() { return direct_ >= 0 || published_ ? Status{} : part_.sync(part_path_.c_str()); }

Status FileSink::finish() {
  if (direct_ >= 0) return {};
  // Again also when it is there already: the run before may have ended before the name was durable.
  if (published_) return disk_.sync_folder_of(path_.c_str());
  WEIR_TRY(part_.sync(part_path_.c_str()));
  if (!replace_) {
    // The name was free at the start; link() keeps it from being taken over in between.
    const auto linked = disk_.link(part_path_.c_str(), path_.c_str());
    if (linked && !*linked) {
      // A run before this one may have ended between the two names.
      const auto ours = disk_.info(part_.file());
      const auto there = disk_.info(path_.c_str());
      if (!ours) return fail(ours.error());
      if (!there) return fail(there.error());
      if (!ours->same_file(*there)) {
        return fail(Code::kOutputExists, path_ + " was made by somebody else meanwhile");
      }
    }
    if (linked) {
      // The new name first: of two changes to a folder a power cut may leave the later one alone, and then the file had no name.
      WEIR_TRY(disk_.sync_folder_of(path_.c_str()));
      disk_.remove(part_path_.c_str());
      return {};
    }
    // A file system without second names: then as well as can be.
    const int number = linked.error().system_error;
    if (number != EPERM && number != EOPNOTSUPP && number != ENOSYS && number != EMLINK) return fail(linked.error());
  }
  WEIR_TRY(disk_.rename(part_path_.c_str(), path_.c_str()));
  return disk_.sync_folder_of(path_.c_str());
}

void FileSink::cancel() noexcept {
  disk_.close(direct_);
  direct_ = -1;
  if (part_.abandon(part_path_.c_str())) leftover_ = part_path_;
}

}  // namespace weir

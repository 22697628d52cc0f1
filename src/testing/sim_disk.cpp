#include "testing/sim_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.hpp"
#include "io/file.hpp"

namespace weir::testing {
namespace {

Error dead(Code code) { return system_error(code, EIO, "the process is dead"); }

}  // namespace

const char* disk_op_name(DiskOp op) {
  constexpr const char* kNames[] = {"info", "readable", "open to read", "open to write", "close",
                                    "read", "append",   "truncate",     "sync",          "sync folder",
                                    "lock", "rename",   "link",         "remove",        "make folders"};
  return kNames[static_cast<size_t>(op)];
}

// --- what a test sees and does ---------------------------------------------------------------------------------------

void SimDisk::put(const std::string& path, std::string content, bool replaced) {
  for (std::string folder = folder_of(path); folder != "."; folder = folder_of(folder)) folders_.insert(folder);
  InodePtr inode = names_.contains(path) && !replaced ? names_[path] : new_inode();
  inode->seen = inode->durable = std::move(content);
  inode->changes.clear();
  inode->modified_ns = now();
  forget_changes_of(path);
  names_[path] = durable_names_[path] = inode;
}

void SimDisk::erase(const std::string& path) {
  forget_changes_of(path);
  names_.erase(path);
  durable_names_.erase(path);
}

// What the user did is durable and the last word: a change that is still on its way must not come after it.
void SimDisk::forget_changes_of(const std::string& path) {
  for (NamesChange& change : names_changes_) {
    std::erase_if(change.set, [&](const auto& entry) { return entry.first == path; });
  }
}

std::shared_ptr<void> SimDisk::hold(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : std::make_shared<Held>(found->second, *found->second);
}

void SimDisk::restore(const std::string& path, const std::shared_ptr<void>& held) {
  const auto& [inode, was] = *static_cast<const Held*>(held.get());
  *inode = was;
  forget_changes_of(path);
  names_[path] = durable_names_[path] = inode;
}

std::optional<std::string> SimDisk::content(const std::string& path) const {
  const auto found = names_.find(path);
  if (found == names_.end()) return std::nullopt;
  return found->second->seen;
}

std::vector<std::string> SimDisk::names() const {
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) names.push_back(name);
  return names;
}

bool SimDisk::is_locked(const std::string& path) const {
  const auto found = names_.find(path);
  return found != names_.end() && found->second->locked_by >= 0;
}

void SimDisk::damage(const std::string& path, const std::function<void(std::string&)>& change) {
  const auto found = names_.find(path);
  if (found == names_.end()) return;
  change(found->second->seen);
  found->second->durable = found->second->seen;
  found->second->changes.clear();
}

int SimDisk::new_process() { return process_ = ++last_process_; }

size_t SimDisk::open_files(int process) const {
  return static_cast<size_t>(
      std::count_if(open_.begin(), open_.end(), [&](const auto& entry) { return entry.second.process == process; }));
}

void SimDisk::kill(int process) {
  dead_.insert(process);
  for (auto at = open_.begin(); at != open_.end();) {
    if (at->second.process != process) {
      ++at;
      continue;
    }
    if (at->second.inode->locked_by == at->first) at->second.inode->locked_by = -1;
    at = open_.erase(at);
  }
}

// Of each change since the last sync: kept, lost, or torn.
void SimDisk::keep_some(Inode& inode) {
  for (const Change& change : inode.changes) {
    const uint64_t chance = rng_.below(10);
    if (chance < 4) {
      ++losses_.writes_lost;
      continue;
    }
    if (change.truncates) {
      ++losses_.writes_kept;
      inode.durable.resize(change.at, '\0');
      continue;
    }
    const bool torn = chance < 7;
    ++(torn ? losses_.writes_torn : losses_.writes_kept);
    const uint64_t end = change.at + change.bytes.size();
    // The size may have reached the disk before the bytes did: what is between holds zeros, or what stood there before.
    if (torn && rng_.percent(30) && inode.durable.size() < end)
      inode.durable.resize(end, rng_.percent(70) ? '\0' : '\xa5');
    for (uint64_t from = change.at; from < end;) {
      const uint64_t to = std::min(end, (from / kSectorBytes + 1) * kSectorBytes);
      if (!torn || rng_.percent(50)) {
        if (inode.durable.size() < to) inode.durable.resize(to, '\0');
        inode.durable.replace(from, to - from, change.bytes, from - change.at, to - from);
      }
      from = to;
    }
  }
  inode.changes.clear();
}

void SimDisk::lose_power() {
  for (int process = 1; process <= last_process_; ++process) kill(process);
  std::set<Inode*> inodes;
  const auto collect = [&](const Names& names) {
    for (const auto& [name, inode] : names) inodes.insert(inode.get());
  };
  for (const NamesChange& change : names_changes_) {
    if (rng_.percent(50)) {
      ++losses_.names_kept;
      apply(durable_names_, change);
    } else {
      ++losses_.names_lost;
    }
  }
  names_changes_.clear();
  names_ = durable_names_;
  collect(names_);
  // In the order of names, so that a seed gives the same losses whatever the addresses.
  std::set<uint64_t> numbers;
  for (const auto& [name, inode] : names_) {
    if (inodes.erase(inode.get()) == 0) continue;
    keep_some(*inode);
    inode->seen = inode->durable;
    inode->locked_by = -1;
    while (!numbers.insert(inode->number).second) ++inode->number;
  }
}

// --- calls -----------------------------------------------------------------------------------------------------------

void SimDisk::note(uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3u; }

DiskFault SimDisk::before(DiskOp op, std::string_view path) {
  if (is_dead()) return {};
  const uint64_t number = calls_[process_]++;
  note(static_cast<uint64_t>(op));
  for (const char c : path) note(static_cast<unsigned char>(c));
  DiskFault fault;
  if (faults) fault = faults({op, number, path});
  note(static_cast<uint64_t>(fault.kind));
  if (fault.kind == DiskFault::Kind::kBefore || (fault.kind == DiskFault::Kind::kMidway && op != DiskOp::kAppend)) {
    crash(fault.power);
  }
  return fault;
}

void SimDisk::crash(bool power) {
  if (power) {
    lose_power();
  } else {
    kill(process_);
  }
}

bool SimDisk::crash_after(const DiskFault& fault) {
  if (fault.kind != DiskFault::Kind::kAfter) return false;
  crash(fault.power);
  return true;
}

SimDisk::Open& SimDisk::open_of(int file) {
  const auto found = open_.find(file);
  WEIR_ASSERT(found != open_.end() && found->second.process == process_);
  return found->second;
}

std::string SimDisk::folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

int64_t SimDisk::now() { return static_cast<int64_t>(clock_.wall_ns()) / grain_ns_ * grain_ns_; }

SimDisk::InodePtr SimDisk::new_inode() {
  // The lowest number that is free: as on a real disk, one that was just given up.
  std::set<uint64_t> taken;
  for (const auto& [name, inode] : names_) taken.insert(inode->number);
  for (const auto& [file, open] : open_) taken.insert(open.inode->number);
  auto inode = std::make_shared<Inode>();
  inode->number = 11;
  while (taken.contains(inode->number)) ++inode->number;
  inode->modified_ns = now();
  return inode;
}

int SimDisk::add_open(InodePtr inode, std::string path, bool writes) {
  const int file = next_file_++;
  open_[file] = {std::move(inode), std::move(path), process_, writes};
  return file;
}

void SimDisk::apply(Names& names, const NamesChange& change) const {
  for (const auto& [name, inode] : change.set) {
    if (inode == nullptr) {
      names.erase(name);
    } else {
      names[name] = inode;
    }
  }
}

void SimDisk::change_names(std::vector<std::pair<std::string, InodePtr>> set) {
  ++changes_;
  names_changes_.push_back({std::move(set)});
  apply(names_, names_changes_.back());
}

FileInfo SimDisk::info_of(const Inode& inode) const {
  uint64_t links = 0;
  for (const auto& [name, named] : names_) links += named.get() == &inode ? 1 : 0;
  return {FileKind::kRegular, inode.seen.size(), inode.modified_ns, 7, inode.number, links};
}

Result<FileInfo> SimDisk::info(const char* path) {
  const DiskFault fault = before(DiskOp::kInfo, path);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, path));
  FileInfo result;
  if (const auto found = names_.find(path); found != names_.end()) {
    result = info_of(*found->second);
  } else if (folders_.contains(path) || std::strcmp(path, ".") == 0) {
    result.kind = FileKind::kFolder;
  }
  note(result.size);
  note(static_cast<uint64_t>(result.modified_ns));
  note(result.inode);
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  return result;
}

Result<FileInfo> SimDisk::info(int file) {
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  const DiskFault fault = before(DiskOp::kInfo, open_of(file).path);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, ""));
  const FileInfo result = info_of(*open_of(file).inode);
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  return result;
}

bool SimDisk::readable(const char* path) {
  const DiskFault fault = before(DiskOp::kReadable, path);
  if (is_dead() || fault.kind == DiskFault::Kind::kError) return false;
  return !crash_after(fault) && names_.contains(path);
}

Result<int> SimDisk::open_to_read(const char* path) {
  const DiskFault fault = before(DiskOp::kOpenToRead, path);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, path));
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  const auto found = names_.find(path);
  if (found == names_.end()) return fail(system_error(Code::kNoInput, ENOENT, path));
  return add_open(found->second, path, false);
}

Result<int> SimDisk::open_to_write(const char* path, bool create) {
  const DiskFault fault = before(DiskOp::kOpenToWrite, path);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, path));
  InodePtr inode;
  if (const auto found = names_.find(path); found != names_.end()) {
    inode = found->second;
  } else {
    if (!create || (folder_of(path) != "." && !folders_.contains(folder_of(path))) || folders_.contains(path)) {
      return fail(system_error(Code::kOpenFailed, ENOENT, path));
    }
    inode = new_inode();
    change_names({{path, inode}});
  }
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  return add_open(inode, path, true);
}

Result<int> SimDisk::open_scratch(const char* folder) {
  const DiskFault fault = before(DiskOp::kOpenToWrite, folder);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, folder));
  if (std::strcmp(folder, ".") != 0 && !folders_.contains(folder))
    return fail(system_error(Code::kOpenFailed, ENOENT, folder));
  const InodePtr inode = new_inode();
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  return add_open(inode, folder, true);
}

void SimDisk::close(int file) noexcept {
  if (file < 0 || is_dead()) return;
  const DiskFault fault = before(DiskOp::kClose, open_of(file).path);
  if (is_dead()) return;
  Open& open = open_of(file);
  if (open.inode->locked_by == file) open.inode->locked_by = -1;
  open_.erase(file);
  crash_after(fault);
}

Result<size_t> SimDisk::read_at(int file, uint64_t offset, std::span<char> room) {
  if (is_dead()) return fail(dead(Code::kReadFailed));
  const DiskFault fault = before(DiskOp::kRead, open_of(file).path);
  if (is_dead()) return fail(dead(Code::kReadFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kReadFailed, fault.error, ""));
  const std::string& bytes = open_of(file).inode->seen;
  size_t size = offset >= bytes.size() ? 0 : std::min(room.size(), bytes.size() - static_cast<size_t>(offset));
  if (size != 0 && cut_read) size = std::min(size, std::max<size_t>(1, cut_read(size)));
  if (size != 0) std::memcpy(room.data(), bytes.data() + offset, size);
  note(offset);
  note(size);
  if (crash_after(fault)) return fail(dead(Code::kReadFailed));
  return size;
}

Status SimDisk::append(int file, std::string_view bytes) {
  if (is_dead()) return fail(dead(Code::kWriteFailed));
  const DiskFault fault = before(DiskOp::kAppend, open_of(file).path);
  if (is_dead()) return fail(dead(Code::kWriteFailed));
  Open& open = open_of(file);
  WEIR_ASSERT(open.writes);
  const bool partly = fault.kind == DiskFault::Kind::kError || fault.kind == DiskFault::Kind::kMidway;
  if (partly) bytes = bytes.substr(0, rng_.below(bytes.size() + 1));
  if (!bytes.empty()) {
    Inode& inode = *open.inode;
    inode.changes.push_back({inode.seen.size(), std::string(bytes), false});
    inode.seen += bytes;
    inode.modified_ns = now();
    ++changes_;
  }
  note(bytes.size());
  for (size_t i = 0; i < bytes.size(); i += 61) note(static_cast<unsigned char>(bytes[i]));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kWriteFailed, fault.error, ""));
  if (fault.kind == DiskFault::Kind::kMidway) crash(fault.power);
  if (is_dead() || crash_after(fault)) return fail(dead(Code::kWriteFailed));
  return {};
}

Status SimDisk::truncate(int file, uint64_t size) {
  if (is_dead()) return fail(dead(Code::kWriteFailed));
  const DiskFault fault = before(DiskOp::kTruncate, open_of(file).path);
  if (is_dead()) return fail(dead(Code::kWriteFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kWriteFailed, fault.error, ""));
  Inode& inode = *open_of(file).inode;
  WEIR_ASSERT(open_of(file).writes);
  if (size != inode.seen.size()) {
    inode.changes.push_back({size, {}, true});
    inode.seen.resize(size, '\0');
    ++changes_;
  }
  inode.modified_ns = now();
  note(size);
  if (crash_after(fault)) return fail(dead(Code::kWriteFailed));
  return {};
}

Status SimDisk::sync(int file, std::string_view name) {
  if (is_dead()) return fail(dead(Code::kSyncFailed));
  const DiskFault fault = before(DiskOp::kSync, open_of(file).path);
  if (is_dead()) return fail(dead(Code::kSyncFailed));
  Inode& inode = *open_of(file).inode;
  if (fault.kind == DiskFault::Kind::kError) {
    keep_some(inode);
    // The system counts those bytes as written now. Whether they can still be read is a matter of its memory.
    if (rng_.percent(50)) inode.seen = inode.durable;
    return fail(system_error(Code::kSyncFailed, fault.error, name));
  }
  inode.durable = inode.seen;
  inode.changes.clear();
  if (crash_after(fault)) return fail(dead(Code::kSyncFailed));
  return {};
}

Status SimDisk::sync_folder_of(const char* path) {
  const DiskFault fault = before(DiskOp::kSyncFolder, path);
  if (is_dead()) return fail(dead(Code::kSyncFailed));
  const std::string folder = folder_of(path);
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kSyncFailed, fault.error, folder));
  std::vector<NamesChange> left;
  for (NamesChange& change : names_changes_) {
    const bool here = std::any_of(change.set.begin(), change.set.end(),
                                  [&](const auto& entry) { return folder_of(entry.first) == folder; });
    if (here) {
      apply(durable_names_, change);
    } else {
      left.push_back(std::move(change));
    }
  }
  names_changes_ = std::move(left);
  if (crash_after(fault)) return fail(dead(Code::kSyncFailed));
  return {};
}

Result<bool> SimDisk::lock(int file) {
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  const DiskFault fault = before(DiskOp::kLock, open_of(file).path);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, ""));
  Inode& inode = *open_of(file).inode;
  if (inode.locked_by >= 0 && inode.locked_by != file) return false;
  inode.locked_by = file;
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  return true;
}

Status SimDisk::rename(const char* from, const char* to) {
  const DiskFault fault = before(DiskOp::kRename, to);
  if (is_dead()) return fail(dead(Code::kRenameFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kRenameFailed, fault.error, to));
  const auto found = names_.find(from);
  if (found == names_.end()) return fail(system_error(Code::kRenameFailed, ENOENT, to));
  // Two names of one file: the system does nothing, and says that it went well.
  const auto there = names_.find(to);
  if (there == names_.end() || there->second != found->second) change_names({{from, nullptr}, {to, found->second}});
  if (crash_after(fault)) return fail(dead(Code::kRenameFailed));
  return {};
}

Result<bool> SimDisk::link(const char* from, const char* to) {
  const DiskFault fault = before(DiskOp::kLink, to);
  if (is_dead()) return fail(dead(Code::kRenameFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kRenameFailed, fault.error, to));
  const auto found = names_.find(from);
  if (found == names_.end()) return fail(system_error(Code::kRenameFailed, ENOENT, to));
  if (names_.contains(to)) return false;
  change_names({{to, found->second}});
  if (crash_after(fault)) return fail(dead(Code::kRenameFailed));
  return true;
}

void SimDisk::remove(const char* path) noexcept {
  const DiskFault fault = before(DiskOp::kRemove, path);
  if (is_dead() || fault.kind == DiskFault::Kind::kError) return;
  if (names_.contains(path)) change_names({{path, nullptr}});
  crash_after(fault);
}

Status SimDisk::make_folders_of(const char* path) {
  const DiskFault fault = before(DiskOp::kMakeFolders, path);
  if (is_dead()) return fail(dead(Code::kOpenFailed));
  if (fault.kind == DiskFault::Kind::kError) return fail(system_error(Code::kOpenFailed, fault.error, path));
  for (std::string folder = folder_of(path); folder != "."; folder = folder_of(folder)) folders_.insert(folder);
  if (crash_after(fault)) return fail(dead(Code::kOpenFailed));
  return {};
}

}  // namespace weir::testing

// SimDisk: a disk in memory that forgets what was not made durable, and fails where it is told.
//
// What a call wrote is seen at once by every process, and is durable only after sync() of the file and, for its name,
// sync_folder_of() of its folder. lose_power() keeps of the rest what chance says: every append and truncation that was
// not synced is kept, lost or torn by pieces of 512 bytes, and of the names' changes any subset survives, in their
// order. A sync that fails gives up what it should have made durable: no later sync brings it back, though reads may
// still show it. A process that is killed loses its descriptors and locks and nothing else. Inode numbers are used
// again as soon as they are free; times of modification have the grain of a real clock.
//
// Processes: every call is made by the current one (enter()). Once it is dead - killed, or the power was lost - its
// calls fail and change nothing, so that the code above simply runs out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "port/disk.hpp"
#include "testing/sim_rng.hpp"

namespace weir::testing {

enum class DiskOp : uint8_t {
  kInfo,
  kReadable,
  kOpenToRead,
  kOpenToWrite,
  kClose,
  kRead,
  kAppend,
  kTruncate,
  kSync,
  kSyncFolder,
  kLock,
  kRename,
  kLink,
  kRemove,
  kMakeFolders,
};
const char* disk_op_name(DiskOp op);

struct DiskCall {
  DiskOp op = DiskOp::kInfo;
  uint64_t number = 0;  ///< of this process' calls, from 0
  std::string_view path;
};

/// What is to become of a call.
struct DiskFault {
  enum class Kind : uint8_t {
    kNone,
    kError,  ///< it fails with `error`, and did nothing; an append may have written a part
    kBefore,  ///< the crash comes before it
    kMidway,  ///< of an append: a part was written when the crash came; else as kBefore
    kAfter,  ///< it is done, but nobody heard of it
  };
  Kind kind = Kind::kNone;
  int error = 0;
  bool power = false;  ///< the crash takes the power, not only the process
};

class SimDisk final : public Disk {
 public:
  static constexpr size_t kSectorBytes = 512;

  /// `clock` gives times of modification, in grains of `grain_ns`; it outlives the disk.
  SimDisk(Clock& clock, SimRng rng, int64_t grain_ns) : clock_(clock), rng_(rng), grain_ns_(grain_ns) {}

  // --- what a test sees and does ---
  /// Asked at each call, before anything else; may run other processes meanwhile.
  std::function<DiskFault(const DiskCall&)> faults;
  /// Bytes of the next read, of at most `room`; default: all of them.
  std::function<size_t(size_t room)> cut_read;

  /// A file of the user's: durable, with a new inode when it is `replaced`, else changed in place.
  void put(const std::string& path, std::string content, bool replaced = true);
  void erase(const std::string& path);
  /// What stands at `path`, to be put back by restore() as it was, inode and time of modification too.
  [[nodiscard]] std::shared_ptr<void> hold(const std::string& path) const;
  void restore(const std::string& path, const std::shared_ptr<void>& held);
  [[nodiscard]] std::optional<std::string> content(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool is_locked(const std::string& path) const;
  /// Changes bytes of a file behind everybody's back.
  void damage(const std::string& path, const std::function<void(std::string&)>& change);

  /// A process that was not there before; it becomes the current one.
  int new_process();
  void enter(int process) { process_ = process; }
  [[nodiscard]] int process() const { return process_; }
  [[nodiscard]] bool is_dead() const { return dead_.contains(process_); }
  [[nodiscard]] uint64_t calls() const { return calls_.contains(process_) ? calls_.at(process_) : 0; }
  [[nodiscard]] size_t open_files(int process) const;
  /// Names that were made, changed or taken away, and bytes written, so far: for whoever must not change any.
  [[nodiscard]] uint64_t changes() const { return changes_; }
  void kill(int process);
  void lose_power();
  /// Over all calls and their results.
  [[nodiscard]] uint64_t trace() const { return trace_; }

  // --- Disk ---
  Result<FileInfo> info(const char* path) override;
  Result<FileInfo> info(int file) override;
  bool readable(const char* path) override;
  Result<int> open_to_read(const char* path) override;
  Result<int> open_to_write(const char* path, bool create) override;
  Result<int> open_scratch(const char* folder) override;
  void close(int file) noexcept override;
  Result<size_t> read_at(int file, uint64_t offset, std::span<char> room) override;
  void will_need(int, uint64_t, uint64_t) noexcept override {}
  Status append(int file, std::string_view bytes) override;
  Status truncate(int file, uint64_t size) override;
  Status sync(int file, std::string_view name) override;
  Status sync_folder_of(const char* path) override;
  Result<bool> lock(int file) override;
  Status rename(const char* from, const char* to) override;
  Result<bool> link(const char* from, const char* to) override;
  void remove(const char* path) noexcept override;
  Status make_folders_of(const char* path) override;

  // --- how often chance had its way ---
  struct Losses {
    uint64_t writes_kept = 0, writes_lost = 0, writes_torn = 0, names_kept = 0, names_lost = 0;
  };
  [[nodiscard]] const Losses& losses() const { return losses_; }

 private:
  /// Bytes at an offset, or - without bytes - a new size.
  struct Change {
    uint64_t at = 0;
    std::string bytes;
    bool truncates = false;
  };
  struct Inode {
    uint64_t number = 0;
    std::string seen;
    std::string durable;
    std::vector<Change> changes;  ///< of `durable`, in order
    int64_t modified_ns = 0;
    int locked_by = -1;  ///< a descriptor
  };
  using InodePtr = std::shared_ptr<Inode>;
  using Held = std::pair<InodePtr, Inode>;
  using Names = std::map<std::string, InodePtr>;
  /// One call's change of names, kept or lost as a whole. Null: taken away.
  struct NamesChange {
    std::vector<std::pair<std::string, InodePtr>> set;
  };
  struct Open {
    InodePtr inode;
    std::string path;
    int process = 0;
    bool writes = false;
  };

  DiskFault before(DiskOp op, std::string_view path);
  /// Carries out what comes after the call's effect. True: the caller is dead.
  bool crash_after(const DiskFault& fault);
  void crash(bool power);
  void note(uint64_t value);
  Open& open_of(int file);
  InodePtr new_inode();
  int add_open(InodePtr inode, std::string path, bool writes);
  void change_names(std::vector<std::pair<std::string, InodePtr>> set);
  void apply(Names& names, const NamesChange& change) const;
  void keep_some(Inode& inode);
  void forget_changes_of(const std::string& path);
  int64_t now();
  static std::string folder_of(const std::string& path);
  FileInfo info_of(const Inode& inode) const;

  Clock& clock_;
  SimRng rng_;
  int64_t grain_ns_;
  Names names_;
  Names durable_names_;
  std::set<std::string> folders_;
  std::vector<NamesChange> names_changes_;
  std::map<int, Open> open_;
  std::set<int> dead_;
  std::map<int, uint64_t> calls_;
  int next_file_ = 1000;
  int last_process_ = 0;
  int process_ = 0;
  uint64_t changes_ = 0;
  uint64_t trace_ = 0xcbf29ce484222325u;
  Losses losses_;
};

}  // namespace weir::testing

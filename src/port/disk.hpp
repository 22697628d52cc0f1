// Disk: the seam to the file system. Everything that a run reads from regular files, writes, makes durable and publishes goes
// through it, so that tests can put a disk below the same code that fails and forgets on demand.
//
// Calls repeat themselves when interrupted. A failure names the system's error number in Error::system_error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace weir {

enum class FileKind : uint8_t { kNone, kRegular, kFolder, kOther };

/// What stands at a path. Times in nanoseconds since 1970.
struct FileInfo {
  FileKind kind = FileKind::kNone;
  uint64_t size = 0;
  int64_t modified_ns = 0;
  uint64_t device = 0;
  uint64_t inode = 0;

  /// Two names, or a name and an open file, stand for one file.
  [[nodiscard]] bool same_file(const FileInfo& other) const { return device == other.device && inode == other.inode; }
  uint64_t links = 1;  ///< names that the file has
};

class Disk {
 public:
  virtual ~Disk() = default;

  /// What `path` names (links are followed). kNone: nothing. Fails where that can't be told.
  virtual Result<FileInfo> info(const char* path) = 0;
  virtual Result<FileInfo> info(int file) = 0;
  virtual bool readable(const char* path) = 0;
  /// Fails with W2014 where there is nothing, W6001 where access is denied, else W4003; W1101 when a stop was asked for
  /// while waiting for a pipe's other end.
  virtual Result<int> open_to_read(const char* path) = 0;
  /// Makes a regular file where there is none (`create`), and keeps what is in it.
  virtual Result<int> open_to_write(const char* path, bool create) = 0;
  /// A file in `folder` that has no name and is gone when it is closed, for reading and writing. W6001 where access is denied, else W4003.
  virtual Result<int> open_scratch(const char* folder) = 0;
  virtual void close(int file) noexcept = 0;
  /// Any number of bytes up to room.size(); 0 at the end.
  virtual Result<size_t> read_at(int file, uint64_t offset, std::span<char> room) = 0;
  /// These bytes will be read soon; no other is fetched ahead. What is on its way can't be taken back from a small memory, so it is the
  /// reader that says how much that is.
  virtual void will_need(int file, uint64_t offset, uint64_t bytes) noexcept = 0;
  /// All of them, at the end of the file.
  virtual Status append(int file, std::string_view bytes) = 0;
  /// Shortens the file; what follows is appended there.
  virtual Status truncate(int file, uint64_t size) = 0;
  /// What was appended so far is durable when this returns. A failure must never be repeated as if it had not happened.
  virtual Status sync(int file, std::string_view name) = 0;
  /// The names in the folder that `path` is in are durable when this returns.
  virtual Status sync_folder_of(const char* path) = 0;
  /// Held until the file is closed. False: somebody else holds it.
  virtual Result<bool> lock(int file) = 0;
  virtual Status rename(const char* from, const char* to) = 0;
  /// A second name for a file. False: the name is taken.
  virtual Result<bool> link(const char* from, const char* to) = 0;
  /// Best effort.
  virtual void remove(const char* path) noexcept = 0;
  /// Makes the folders above `path` that are missing; they are durable when this returns.
  virtual Status make_folders_of(const char* path) = 0;
};

}  // namespace weir

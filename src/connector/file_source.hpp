// FileSource: files and stdin, one after the other.
//
// A regular file is pinned when it is opened: what is appended later is not read, and a file that became shorter is W3101. Pipes and terminals are
// read as they come; while nothing is there, read() answers kBlocked and the wakeup watches the descriptor.
#pragma once

#include <span>
#include <string>

#include "port/disk.hpp"
#include "port/ports.hpp"

namespace weir {

class FileSource final : public ByteSource {
 public:
  /// `paths` outlives the source; "stdin" is the standard input.
  FileSource(std::span<const std::string> paths, Disk& disk, Wakeup& wakeup)
      : paths_(paths), disk_(disk), wakeup_(wakeup) {}
  ~FileSource() override { close(); }

  size_t count() const override { return paths_.size(); }
  std::string_view name(size_t index) const override { return paths_[index]; }
  uint64_t size(size_t index) const override;
  Status open(size_t index) override;
  /// It is a regular file that is named.
  Result<bool> resumable(size_t index) override;
  /// "size=8123 modified=1764209871123456789 ends=0f9d3c21": `ends` is the CRC-32C of the first and last 4 KiB. A copy that
  /// kept its time is the same.
  Result<SourceIdentity> identity(size_t index) override;
  bool same(std::string_view before, std::string_view now) const override { return before == now; }
  Status seek(uint64_t stored_byte) override;
  ReadResult read(std::span<char> room, Error& error) override;
  void close() noexcept override;

  /// What was read of a pipe is kept for read(), of the last one that was peeked.
  Result<std::string_view> peek(size_t index, Deadline deadline) override;
  /// What is asked of the disk ahead of the reads: enough to keep it at work, and little beside the smallest budget.
  static constexpr uint64_t kAheadBytes = 512u << 10;

 private:
  Status open_stdin();

  std::span<const std::string> paths_;
  Disk& disk_;
  Wakeup& wakeup_;
  int file_ = -1;
  size_t index_ = 0;
  bool regular_ = false;
  uint64_t at_ = 0;  ///< of a regular file: offset of the next read
  uint64_t asked_ = 0;  ///< of a regular file: what was asked for ahead
  uint64_t end_ = 0;  ///< of a regular file: its size when it was opened; kNoOffset: none was told
  char peeked_[kPeekBytes];  ///< what was peeked of a pipe: read() gives it first
  size_t peeked_size_ = 0;
  size_t peeked_used_ = 0;
  size_t peeked_index_ = ~size_t{0};
  bool peeked_end_ = false;
  int64_t stdin_begin_ = -1;
};

/// What stands at `path` before a run: W2014, W2015 (a folder), W6001, or fine.
Status check_input(const std::string& path, Disk& disk);

}  // namespace weir

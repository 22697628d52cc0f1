// PartFile: a file that is being written and is not shown yet. It only grows, and knows the checksums of what it holds, so that a later
// run can make sure of the durable part, cut off what came behind it, and go on.
//
// State: bytes written, CRC-32C of all of them, CRC-32C of those since the last multiple of kSegmentBytes. Verifying reads the last
// segment only, at most kSegmentBytes, however long the file is.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/state.hpp"
#include "port/disk.hpp"

namespace weir {

class PartFile {
 public:
  static constexpr uint64_t kSegmentBytes = 1u << 20;
  static constexpr size_t kStateBytesMax = 8 + 4 + 4;

  explicit PartFile(Disk& disk) : disk_(disk) {}
  ~PartFile() { close(); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  [[nodiscard]] bool is_open() const { return file_ >= 0; }
  [[nodiscard]] int file() const { return file_; }
  [[nodiscard]] uint64_t written() const { return written_; }
  [[nodiscard]] uint32_t crc() const { return crc_; }

  /// Makes the file or empties it, and holds it for this run: W5101 when another run has it.
  Status create(const char* path);
  /// Goes on behind the loaded state. W5003 when the file is gone, shorter, or not what it was.
  Status reopen(const char* path);
  /// As reopen, for a look only: does `path` hold the loaded state's bytes and no more?
  Result<bool> is_complete_at(const char* path);
  /// Goes on behind the loaded state in a file that is shown already, and is not to be touched: what is appended from here on is compared
  /// with what stands there. W5003 as of reopen, and from append() where it differs.
  Status follow(const char* path);
  [[nodiscard]] bool follows() const { return follows_; }
  /// Of a file that is followed: all of it was appended. W5003 where more stands there.
  Status end_followed(const char* path);
  Status append(std::string_view bytes);
  /// Durable, name and all.
  Status sync(const char* path);
  void close() noexcept;
  /// Closes for good, and takes an empty file away. True when something of ours stays behind at `path`.
  bool abandon(const char* path) noexcept;
  /// Forget what was written: the next file.
  void clear() { written_ = crc_ = segment_crc_ = 0; }

  void save(StateWriter& out) const;
  bool load(StateReader& in);

 private:
  Status hold(const char* path);
  [[nodiscard]] Error other_bytes(const char* path) const;
  Status compare(std::string_view bytes);
  /// Open to read, or -1: it is not what was written.
  Result<int> open_verified(const char* path, bool longer_is_fine);
  Result<bool> verify(const char* path, bool longer_is_fine);

  Disk& disk_;
  int file_ = -1;
  bool name_is_durable_ = false;
  bool follows_ = false;
  bool touched_ = false;  ///< opened for writing, perhaps made, and not another run's
  uint64_t written_ = 0;
  uint32_t crc_ = 0;
  uint32_t segment_crc_ = 0;
};

}  // namespace weir

// The function's /tmp: a folder of its own that survives its processes and goes away with the environment. Where there are rights it is a file
// system of its own in an image on the disk, which is full when it is full; else a folder whose size is looked at from time to time. No tmpfs: its
// files would count as the function's memory, which they don't on Lambda.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace weir::emulate {

class TmpFolder {
 public:
  explicit TmpFolder(uint64_t bytes_max);
  ~TmpFolder();
  TmpFolder(const TmpFolder&) = delete;
  TmpFolder& operator=(const TmpFolder&) = delete;

  [[nodiscard]] const Status& status() const { return status_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// The file system holds to bytes_max. Else look with full().
  [[nodiscard]] bool walled() const { return walled_; }
  [[nodiscard]] bool full() const;

 private:
  bool mount_image();

  uint64_t bytes_max_;
  std::string path_;
  bool walled_ = false;
  Status status_;
};

/// Whether mounts of this process are its own (then a child may put its folder at /tmp); asks for that the first time.
bool own_mounts();

}  // namespace weir::emulate

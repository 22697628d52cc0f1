// The machine's file system.
#pragma once

#include "port/disk.hpp"

namespace weir {

class SystemDisk final : public Disk {
 public:
  Result<FileInfo> info(const char* path) override;
  Result<FileInfo> info(int file) override;
  bool readable(const char* path) override;
  Result<int> open_to_read(const char* path) override;
  Result<int> open_to_write(const char* path, bool create) override;
  Result<int> open_scratch(const char* folder) override;
  void close(int file) noexcept override;
  Result<size_t> read_at(int file, uint64_t offset, std::span<char> room) override;
  void will_need(int file, uint64_t offset, uint64_t bytes) noexcept override;
  Status append(int file, std::string_view bytes) override;
  Status truncate(int file, uint64_t size) override;
  Status sync(int file, std::string_view name) override;
  Status sync_folder_of(const char* path) override;
  Result<bool> lock(int file) override;
  Status rename(const char* from, const char* to) override;
  Result<bool> link(const char* from, const char* to) override;
  void remove(const char* path) noexcept override;
  Status make_folders_of(const char* path) override;
};

}  // namespace weir

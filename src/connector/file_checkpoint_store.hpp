// FileCheckpointStore: a checkpoint in a file. `<path>.lock` is held for the run's life; a save goes to `<path>.new`, is made durable and renamed.
#pragma once

#include <string>

#include "port/disk.hpp"
#include "port/ports.hpp"

namespace weir {

class FileCheckpointStore final : public CheckpointStore {
 public:
  FileCheckpointStore(std::string path, bool create_folders, Disk& disk);
  ~FileCheckpointStore() override { release(); }

  std::string_view name() const override { return path_; }
  Status acquire() override;
  Result<size_t> load(std::span<char> room) override;
  Status save(std::string_view bytes) override;
  Status clear() override;
  void release() noexcept override;

 private:
  Status replace(int file, std::string_view bytes);

  std::string path_;
  std::string new_path_;
  std::string lock_path_;
  bool create_folders_;
  Disk& disk_;
  int lock_ = -1;
  FileInfo seen_;  ///< the file that load() read or save() wrote
};

}  // namespace weir

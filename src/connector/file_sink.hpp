// FileSink: one file, invisible until it is complete.
//
// Bytes go to `<path>.part`, held by a lock for the run's life; commit() makes them durable, finish() renames and makes the name durable. What is not a
// regular file (/dev/null, a named pipe) is written as it stands.
#pragma once

#include <string>

#include "connector/part_file.hpp"
#include "port/ports.hpp"

namespace weir {

class FileSink final : public BatchSink {
 public:
  FileSink(std::string path, bool replace, bool create_folders, Disk& disk);
  ~FileSink() override;

  SinkTraits traits() const override { return {}; }
  Status may_start() override;
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error& error) override;
  Status commit() override;
  Status finish() override;
  void cancel() noexcept override;
  std::string_view leftover() const override { return leftover_; }
  bool resumable() const override { return true; }
  size_t state_bytes_max() const override { return PartFile::kStateBytesMax + 1; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;
  Status replace_shown(StateReader& in, bool shown) override;
  Status resume(bool finishing) override;

 private:
  std::string path_;
  std::string part_path_;
  std::string_view leftover_;
  bool replace_;
  bool replaces_own_ = false;  ///< what is shown is the job's own, of a run before it was begun anew
  bool create_folders_;
  Disk& disk_;
  PartFile part_;
  int direct_ = -1;  ///< a device or pipe
  bool published_ = false;  ///< by the run before this one
};

}  // namespace weir

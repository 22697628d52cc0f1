// FolderSink: a file for each batch, named by the batch's number. Each appears when it is complete and durable; the same run writes the same files,
// and a run that goes on where another stopped writes those again that came after the checkpoint. What is shown is never taken away: it is replaced
// by a whole file with the same bytes, or, where the checkpoint stands within it, compared with what the run would write.
#pragma once

#include <string>

#include "connector/part_file.hpp"
#include "port/ports.hpp"

namespace weir {

class FolderSink final : public BatchSink {
 public:
  static constexpr size_t kNumberDigits = 6;  ///< at least; more when there are more batches

  /// Files are named prefix + number + suffix, for example "out/orders-" and ".ndjson.gz".
  FolderSink(std::string prefix, std::string suffix, bool replace, bool create_folders, Disk& disk);

  SinkTraits traits() const override { return {.object_per_batch = true}; }
  Status may_start() override;
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error& error) override;
  Status commit() override;
  Status finish() override { return {}; }
  void cancel() noexcept override;
  std::string_view leftover() const override { return leftover_; }
  bool resumable() const override { return true; }
  size_t state_bytes_max() const override { return 1 + 8 + PartFile::kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;
  Status replace_shown(StateReader& in, bool shown) override;
  Status resume(bool finishing) override;

 private:
  void name_batch(uint64_t batch);
  /// Says so of an error, where it is.
  bool anothers(Error& error) const;

  std::string prefix_;
  std::string suffix_;
  std::string name_;  ///< of the open file; reserved in the constructor, so that naming takes no memory
  std::string part_path_;
  std::string_view leftover_;
  bool replace_;
  bool create_folders_;
  Disk& disk_;
  PartFile part_;
  bool object_open_ = false;
  bool replaces_own_ = false;  ///< begun anew: also the runs that go on may replace what the job has shown before
  bool resumed_ = false;
  bool begun_here_ = false;  ///< the open file, by this run
  uint64_t batch_ = 0;
};

}  // namespace weir

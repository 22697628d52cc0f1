// FolderSink: a file for each batch, named by the batch's number. Each appears when it is complete and durable; the same run writes the same files.
#pragma once

#include <string>

#include "port/ports.hpp"

namespace weir {

class FolderSink final : public BatchSink {
 public:
  static constexpr size_t kNumberDigits = 6;  ///< at least; more when there are more batches

  /// Files are named prefix + number + suffix, for example "out/orders-" and ".ndjson.gz".
  FolderSink(std::string prefix, std::string suffix, bool replace, bool create_folders);
  ~FolderSink() override;

  SinkTraits traits() const override { return {.object_per_batch = true}; }
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error& error) override;
  Status commit() override { return {}; }
  Status finish() override { return {}; }
  void cancel() noexcept override;
  std::string_view leftover() const override { return leftover_; }
  size_t state_bytes_max() const override { return 8; }
  void save(StateWriter&) const override {}
  bool load(StateReader&) override { return true; }

 private:
  void name_batch(uint64_t batch);

  std::string prefix_;
  std::string suffix_;
  std::string name_;  ///< of the open file; reserved in the constructor, so that naming takes no memory
  std::string part_;
  std::string_view leftover_;
  bool replace_;
  bool create_folders_;
  int file_ = -1;
};

}  // namespace weir

// FileSink: one file, invisible until it is complete.
//
// Bytes go to `<path>.part`, held by a lock for the run's life; finish() makes them durable, renames and makes the name durable. What is not a regular
// file (/dev/null, a named pipe) is written as it stands.
#pragma once

#include <string>

#include "port/ports.hpp"

namespace weir {

class FileSink final : public BatchSink {
 public:
  FileSink(std::string path, bool replace, bool create_folders);
  ~FileSink() override;

  SinkTraits traits() const override { return {}; }
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error& error) override;
  Status commit() override;
  Status finish() override;
  void cancel() noexcept override;
  std::string_view leftover() const override { return leftover_; }
  size_t state_bytes_max() const override { return 16; }
  void save(StateWriter& out) const override { out.put(written_); }
  bool load(StateReader& in) override;

 private:
  std::string path_;
  std::string part_;
  std::string_view leftover_;
  bool replace_;
  bool create_folders_;
  bool direct_ = false;  ///< a device or pipe
  int file_ = -1;
  uint64_t written_ = 0;
};

}  // namespace weir

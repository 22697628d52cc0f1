// StdoutSink: the standard output. A reader that goes away ends the run quietly.
#pragma once

#include "port/ports.hpp"

namespace weir {

class StdoutSink final : public BatchSink {
 public:
  explicit StdoutSink(int file = 1) : file_(file) {}
  SinkTraits traits() const override { return {.age_allowed = true}; }
  Status start() override { return {}; }
  Accepted open_object(const ObjectInfo&, Error&) override { return Accepted::kYes; }
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error&) override { return Accepted::kYes; }
  Status commit() override { return {}; }
  Status finish() override { return {}; }
  void cancel() noexcept override {}
  std::string_view leftover() const override { return {}; }
  bool resumable() const override { return false; }
  size_t state_bytes_max() const override { return 0; }
  void save(StateWriter&) const override {}
  bool load(StateReader&) override { return true; }
  Status resume(bool) override { return {}; }

 private:
  int file_;
};

}  // namespace weir

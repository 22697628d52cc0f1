// EventSource: the records of an event as a job's one input, decoded as they are read (event/event_records.hpp). The event is nowhere but in this
// invocation, so a job can't go on in it later.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "event/event_records.hpp"
#include "port/ports.hpp"

namespace weir {

class EventSource final : public ByteSource {
 public:
  /// `event` and its text outlive it. `name`: "event/ID".
  EventSource(const Event& event, std::string name) : event_(event), name_(std::move(name)) {}

  size_t count() const override { return 1; }
  std::string_view name(size_t) const override { return name_; }
  uint64_t size(size_t) const override { return kNoOffset; }
  Status open(size_t) override;
  Result<bool> resumable(size_t) override { return false; }
  bool known_by_name(size_t) const override { return true; }
  Result<SourceIdentity> identity(size_t) override { return SourceIdentity(name_); }
  bool same(std::string_view before, std::string_view now) const override { return before == now; }
  Status seek(uint64_t) override { return fail(Code::kInternal, "an event is read from its beginning"); }
  Result<std::string_view> peek(size_t, Deadline) override;
  ReadResult read(std::span<char> room, Error& error) override;
  void close() noexcept override {}

 private:
  const Event& event_;
  std::string name_;
  struct alignas(64) Block {
    char bytes[64];
  };
  std::vector<Block> memory_;  ///< of the decoder, taken at the first open()
  std::vector<char> peeked_;
  std::unique_ptr<EventRecords> records_;
};

}  // namespace weir

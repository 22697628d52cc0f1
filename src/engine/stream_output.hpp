// StreamOutput: rows -> writer -> ByteOutput, cut into batches, objects and commit units.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/byte_output.hpp"
#include "engine/counters.hpp"
#include "engine/record_output.hpp"
#include "format/writer.hpp"

namespace weir {

class StreamOutput final : public RecordOutput {
 public:
  StreamOutput(RecordWriter& writer, ByteOutput& bytes, uint64_t unit_bytes, uint64_t age_ns, Clock& clock,
               Counters& counters)
      : writer_(writer), bytes_(bytes), unit_bytes_(unit_bytes), age_ns_(age_ns), clock_(clock), counters_(counters) {}

  Status begin(const Schema& schema, std::span<const WriteColumn> columns) override;
  [[nodiscard]] bool begun() const override { return begun_; }
  Result<Written> write(const WriteRows& rows, uint32_t from, const Position& first) override;
  Status end_unit() override;
  Status end_batch() override;
  Status push() override { return bytes_.object_open() && !bytes_.traits().whole_batches ? bytes_.drain() : Status{}; }
  Status finish() override;

  [[nodiscard]] bool shows_batches() const override {
    return bytes_.traits().object_per_batch && !bytes_.traits().whole_batches;
  }
  [[nodiscard]] bool can_show_part() const override { return !bytes_.traits().object_per_batch; }
  [[nodiscard]] bool keeps_batches() const override { return bytes_.traits().whole_batches; }
  [[nodiscard]] bool closed_by_reader() const override { return bytes_.closed_by_reader(); }

  [[nodiscard]] bool settled() const override {
    return bytes_.settled() && !(bytes_.traits().whole_batches && bytes_.object_open());
  }
  size_t state_bytes_max() const override { return 8 + writer_.state_bytes_max() + bytes_.state_bytes_max(); }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;
  Status begin_again(const Schema& schema, std::span<const WriteColumn> columns) override;
  [[nodiscard]] uint64_t batch_due_ns() const override;

 private:
  Status open_if_needed(const Position& position);
  Status drain();

  RecordWriter& writer_;
  ByteOutput& bytes_;
  uint64_t unit_bytes_;
  uint64_t age_ns_;
  Clock& clock_;
  Counters& counters_;
  uint64_t unit_written_ = 0;
  uint64_t batch_opened_ns_ = kNever;
  bool begun_ = false;
};

}  // namespace weir

// What a run counts. The law of fates: read == written + folded + filtered + rejected, at every commit edge and at the end.
#pragma once

#include <cstdint>

#include "base/state.hpp"

namespace weir {

struct StageTimes {
  uint64_t read_ns = 0;  ///< waiting for and copying input
  uint64_t decode_ns = 0;  ///< decompression
  uint64_t parse_ns = 0;  ///< bytes to records
  uint64_t evaluate_ns = 0;  ///< filter, projection, aggregates
  uint64_t write_ns = 0;  ///< records to bytes
  uint64_t encode_ns = 0;  ///< compression
  uint64_t send_ns = 0;  ///< waiting for the sinks
};

struct Counters {
  uint64_t read = 0;
  uint64_t written = 0;
  uint64_t folded = 0;
  uint64_t filtered = 0;
  uint64_t rejected = 0;

  uint64_t stored_bytes = 0;  ///< read from the inputs
  uint64_t decoded_bytes = 0;  ///< after decompression
  uint64_t output_bytes = 0;  ///< as written, before compression
  uint64_t sent_bytes = 0;  ///< handed to the sink
  uint64_t batches = 0;
  uint64_t units = 0;  ///< commit units
  uint64_t retries = 0;
  uint64_t inputs_done = 0;
  uint64_t inputs = 0;
  uint64_t input_size = 0;  ///< stored bytes of all inputs, where known; else 0
  StageTimes times;

  // A checkpoint's part: what goes on over the runs of a job.
  static constexpr size_t kStateBytes = 13 * 8;
  void save(StateWriter& out) const {
    for (const auto counter : kSaved) out.put(this->*counter);
  }
  bool load(StateReader& in) {
    for (const auto counter : kSaved) this->*counter = in.get<uint64_t>();
    return in.ok();
  }

  [[nodiscard]] bool balanced() const { return read == written + folded + filtered + rejected; }

 private:
  static constexpr uint64_t Counters::* kSaved[] = {
      &Counters::read,       &Counters::written,      &Counters::folded,        &Counters::filtered,
      &Counters::rejected,   &Counters::stored_bytes, &Counters::decoded_bytes, &Counters::output_bytes,
      &Counters::sent_bytes, &Counters::batches,      &Counters::units,         &Counters::retries,
      &Counters::inputs_done};
  static_assert(sizeof kSaved / sizeof kSaved[0] * 8 == kStateBytes);
};

}  // namespace weir

// ByteIntake: the way of an input's bytes from the source through its decoder into the reader's window.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/pipeline.hpp"

namespace weir {

class ByteIntake {
 public:
  /// `pipeline` and `counters` outlive it.
  ByteIntake(const PipelineParts& pipeline, Counters& counters) : pipeline_(pipeline), counters_(counters) {}

  /// Opens input `index` at its start and makes the reader ready for it.
  Status open(uint32_t index);
  /// Supplies the reader's window with at least one byte (kHaveOutput) or closes it (kFinished). kBlocked: nothing is
  /// there now; wait and call again. An error in compressed data comes after all bytes before it were supplied.
  Result<Step> fill();

 private:
  Result<Step> read_stored();
  uint64_t now() { return pipeline_.clock->monotonic_ns(); }

  const PipelineParts& pipeline_;
  Counters& counters_;
  uint32_t input_ = 0;
  Decoder* decoder_ = nullptr;  ///< of the open input; null: stored bytes are the stream
  bool codec_known_ = false;
  bool decoded_checked_ = false;  ///< the first decoded bytes were looked at for a second layer
  std::string_view stored_left_;  ///< read and not yet decoded
  bool stored_end_ = false;
  Error decode_error_;  ///< met behind good bytes; delivered when those are used up
};

}  // namespace weir

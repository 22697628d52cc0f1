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

  /// Where in both streams the state that save() would write begins.
  [[nodiscard]] DecoderPosition place(uint64_t decoded_byte) const;
  /// Which decoder state stands for `decoded_byte` or a place before it, and where; see Decoder::save.
  void save(StateWriter& out, uint64_t decoded_byte) const;
  /// In place of open(): goes on in input `index` so that the next byte in the reader's window, which is empty and begins there, is the one
  /// at the window's offset. False (W5001): not a state of this decoder.
  Status resume(uint32_t index, StateReader& in);
  /// What save() writes besides the decoder's state.
  static constexpr size_t kStateBytes = 1 + 8 + 8;
  /// Room for the states that wait until the reader has come past them: PipelineParts::snapshots. 0 where no decoder is planned.
  static size_t snapshots_bytes(const PipelineParts& pipeline);

 private:
  /// A decoder's state at one place. Two of them: the newest that lies before everything undelivered, and the one to come after it.
  struct Snapshot {
    DecoderPosition at;
    std::span<char> room;
    size_t bytes = 0;  ///< 0: none
  };

  [[nodiscard]] const Snapshot* snapshot_for(uint64_t decoded_byte) const;
  void take_snapshot();
  void save_snapshot(Snapshot& slot);
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
  Snapshot behind_;  ///< not after the window's begin
  Snapshot ahead_;
  uint64_t discard_ = 0;  ///< decoded bytes to come that a resumed run does not want
  Error decode_error_;  ///< met behind good bytes; delivered when those are used up
};

}  // namespace weir

// ByteOutput: the way of bytes from a buffer through an encoder to a sink.
//
// Owns the objects' life (open, write, close), the commit units' flushes and the sending again that some sinks ask for. The buffer is
// the only place where output waits; with SinkTraits::whole_batches it holds the whole object until the sink has accepted it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/codec.hpp"
#include "engine/counters.hpp"
#include "port/ports.hpp"

namespace weir {

class ByteOutput {
 public:
  /// `buffer` at least 4 KiB. `encoder` may be null; then `encoded` is not used. With one, `encoded` holds at least 4 KiB.
  ByteOutput(BatchSink& sink, Encoder* encoder, std::span<char> buffer, std::span<char> encoded, Clock& clock,
             Counters& counters)
      : sink_(sink),
        encoder_(encoder),
        buffer_(buffer),
        encoded_(encoded),
        clock_(clock),
        counters_(counters),
        traits_(sink.traits()) {}

  [[nodiscard]] const SinkTraits& traits() const { return traits_; }
  [[nodiscard]] bool object_open() const { return open_; }
  /// Nobody reads any more (a closed stdout). Everything after is dropped.
  [[nodiscard]] bool closed_by_reader() const { return closed_; }
  [[nodiscard]] bool empty() const { return used_ == 0; }

  std::span<char> room() { return buffer_.subspan(used_); }
  void advance(size_t bytes) { used_ += bytes; }
  /// Appends small text; drains as needed.
  Status append(std::string_view text);

  Status open_object(const ObjectInfo& info);
  /// Sends what is in the buffer. Not with whole_batches: there the buffer must hold it all.
  Status drain();
  /// Ends a commit unit: everything so far goes to the sink, and nothing after refers back to it.
  Status end_unit();
  /// At the end of a commit unit: nothing waits in the buffer and the encoder can be saved.
  [[nodiscard]] bool settled() const { return used_ == 0; }
  size_t state_bytes_max() const {
    return 1 + 8 + 4 + 8 + 8 + 8 + (encoder_ == nullptr ? 0 : encoder_->state_bytes_max());
  }
  /// Only when settled().
  void save(StateWriter& out) const;
  /// In place of open_object() for the object that was open; the sink resumes by itself.
  bool load(StateReader& in);
  /// `records`: of the object, told to sinks that keep whole batches.
  Status close_object(uint64_t records = 0);

 private:
  Status send(std::string_view bytes, Flush flush);
  Accepted send_once(std::string_view bytes, Flush flush, Error& error);
  Accepted pass(std::string_view bytes, Error& error);
  Status judge(Accepted accepted, const Error& error);

  BatchSink& sink_;
  Encoder* encoder_;
  std::span<char> buffer_;
  std::span<char> encoded_;
  Clock& clock_;
  Counters& counters_;
  SinkTraits traits_;
  size_t used_ = 0;
  ObjectInfo info_;
  bool open_ = false;
  bool closed_ = false;
};

}  // namespace weir

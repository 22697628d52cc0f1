// MessageSink: the seam to services that take records as messages, many of which are on their way at once: queues, streams, functions, endpoints.
//
// Messages are added to the open batch, batches are sent one behind the other and answered in any order; the observer is told of them in the order in which they
// were sent, each once, when every message of it has its end. Nothing here waits but wait().
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "port/net.hpp"
#include "port/ports.hpp"
#include "record/position.hpp"

namespace weir {

/// A record on its way. Views are copied by add(), but for `source`, which lives as long as the run.
struct Message {
  std::string_view text;  ///< the record as the writer made it, without the line's end
  std::string_view
      id;  ///< at most kMessageIdBytesMax of [0-9a-z-]; the same in every run over the same input with the same query
  std::string_view source;  ///< name of the input, as it may be shown
  Position place;  ///< `record` is kNoOffset where it is none of the input's (a row of aggregates)
  uint64_t size = 0;  ///< bytes of the record in the input
};
inline constexpr size_t kMessageIdBytesMax = 40;

/// A message that the service will not take.
struct Undelivered {
  Code code = Code::kOk;
  std::string_view detail;  ///< the service's own words
  std::string_view head;  ///< its first bytes, as they were to be sent
  std::string_view source;
  Position place;
  uint64_t size = 0;
};

class MessageObserver {
 public:
  virtual ~MessageObserver() = default;
  /// The next batch is done: so many of its messages are of records, and of these so many were not delivered, which are told of next.
  virtual void on_done(uint64_t records, uint64_t undelivered) = 0;
  virtual Status on_undelivered(const Undelivered& message) = 0;
  /// All of the batch was told.
  virtual Status on_told() = 0;
};

enum class Added : uint8_t {
  kYes,
  kBatchFull,  ///< it belongs to the next batch: send() this one first
  kRefused,  ///< it can't be sent: `error` says why, nothing of it was added
};

/// What a sink did so far.
struct SendFigures {
  uint64_t requests = 0;
  uint64_t retries = 0;  ///< requests that were made again, or for what was left of a batch
  uint64_t bytes = 0;  ///< of the requests' bodies
  uint64_t throttled = 0;  ///< answers that asked for less
};

class MessageSink : public Sink {
 public:
  /// Most descriptors that waits() names.
  static constexpr size_t kInFlightMax = 64;

  virtual Added add(const Message& message, Error& error) = 0;
  /// In the open batch.
  [[nodiscard]] virtual uint64_t open_messages() const = 0;
  /// The open batch takes no more, by number: it should be sent.
  [[nodiscard]] virtual bool batch_full() const = 0;
  /// Messages have nothing to do with the batch that they come in: it may end anywhere.
  [[nodiscard]] virtual bool cut_anywhere() const = 0;
  /// Sends the open batch, which is not empty. False: as many are on their way as may be; step(), wait(), again.
  virtual bool send() = 0;
  /// Moves on what is on its way, without waiting, and tells of batches that are done. Fails as the first batch that is not done does: W1101 where the time is up.
  virtual Status step(MessageObserver& observer) = 0;
  /// Batches that were sent and not told of.
  [[nodiscard]] virtual size_t in_flight() const = 0;
  /// What there is to wait for: fills the front of `room` (kInFlightMax), gives the number, and lowers `until_ns`.
  virtual size_t waits(std::span<Interest> room, uint64_t& until_ns) const = 0;
  /// Waits until step() has something to do, a stop was asked for, or the time has come.
  virtual void wait(uint64_t until_monotonic_ns) = 0;
  [[nodiscard]] virtual const SendFigures& figures() const = 0;
};

}  // namespace weir

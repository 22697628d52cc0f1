// HttpSource: bodies of http(s):// addresses, one after the other, each read by one long GET that is pinned to the body that it began with.
//
// As S3Source: read under TCP's backpressure, a connection that breaks goes on at the next byte, a body that was replaced meanwhile is W3101. What differs
// is that servers need not be able to do it. One that gives no strong validator (io/http_get.hpp) can be read once, and a connection that
// breaks ends the run. One that gives a validator but sends no parts is read again from the start, and what was read is passed over;
// such an input is not gone on with by another run.
//
// Memory: the HttpGet's, and kPeekBytes.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "io/http_get.hpp"
#include "port/ports.hpp"

namespace weir {

class HttpSource final : public ByteSource {
 public:
  /// `names` are what may be shown, `addresses` what is asked for; those of other inputs are empty. All else outlives it, too.
  HttpSource(std::span<const std::string> names, std::span<const HttpAddress> addresses, HttpGet& get, Wakeup& wakeup);
  ~HttpSource() override { close(); }

  size_t count() const override { return names_.size(); }
  std::string_view name(size_t index) const override { return names_[index]; }
  /// Of an address that was looked at before, if its server told.
  uint64_t size(size_t index) const override { return sizes_[index]; }
  Status open(size_t index) override;
  /// Asks the server, where that was not done before.
  Result<bool> resumable(size_t index) override;
  /// Why an input is not resumable.
  [[nodiscard]] std::string_view why_not(size_t index) const;
  /// "size=8123 etag="0f9d3c21"", "size=8123 modified=Fri, 27 Nov 2026 04:30:00 GMT"
  Result<SourceIdentity> identity(size_t index) override;
  bool same(std::string_view before, std::string_view now) const override { return before == now; }
  Status seek(uint64_t stored_byte) override;
  ReadResult read(std::span<char> room, Error& error) override;
  void close() noexcept override;
  Result<std::string_view> peek(size_t index, Deadline deadline) override;

 private:
  enum class State : uint8_t { kClosed, kAsking, kReading };
  enum class Going : uint8_t { kUnknown, kOn, kNoRanges, kNoValidator };
  static constexpr size_t kNone = ~size_t{0};

  [[nodiscard]] bool pinned() const { return pinned_index_ == index_; }
  void begin();
  uint64_t ask_from() const;
  void take_info();
  ReadResult blocked(const HttpWait& wait);
  ReadResult pass_over(std::span<char> room, Error& error);
  ReadResult next(std::span<char> room, Error& error);
  ReadResult failed(Error& error);
  bool go_on(Error& error);
  Error named(Error error) const;

  std::span<const std::string> names_;
  std::span<const HttpAddress> addresses_;
  std::vector<uint64_t> sizes_;
  std::vector<Going> going_;
  HttpGet& get_;
  Wakeup& wakeup_;
  size_t index_ = 0;
  State state_ = State::kClosed;
  HttpObjectInfo pinned_;  ///< what the input pinned_index_ is
  size_t pinned_index_ = kNone;
  uint64_t end_ = kNoOffset;  ///< of the open input, as soon as it is known
  uint64_t at_ = 0;  ///< offset of the next read
  uint64_t stream_at_ = 0;  ///< offset of the GET's next byte; less than at_: what lies between is passed over
  uint64_t progress_at_ = 0;  ///< where the last attempt began
  std::array<char, kPeekBytes> peeked_;
  size_t peeked_size_ = 0;
  size_t peeked_index_ = kNone;
  bool peeking_ = false;
  HttpObjectInfo peeked_info_;
  uint64_t peeked_end_ = kNoOffset;
};

}  // namespace weir

// S3Source: objects, one after the other, each read by one long GET that is pinned to the object that it began with.
//
// The GET is read under TCP's backpressure: what the reader does not take, the server keeps. A connection that breaks goes on at the next byte, by a
// GET with Range and If-Match; an object that was replaced meanwhile is W3101. Nothing is read ahead and nothing is kept but the first
// kPeekBytes of one object, from which format and codec are told.
//
// Where S3 keeps a checksum of the whole object, and one run reads it from its beginning to its end, the two are compared at the end: W3017.
//
// Memory: the client's, and kPeekBytes.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "aws/s3_client.hpp"
#include "port/ports.hpp"

namespace weir {

class S3Source final : public ByteSource {
 public:
  /// `urls` ("s3://bucket/key") and all else outlive it.
  S3Source(std::span<const std::string> urls, S3Client& client, Wakeup& wakeup);
  ~S3Source() override { close(); }

  size_t count() const override { return urls_.size(); }
  std::string_view name(size_t index) const override { return urls_[index]; }
  /// Of an object that was looked at before; kNoOffset: not known yet.
  uint64_t size(size_t index) const override { return sizes_[index]; }
  Status open(size_t index) override;
  Result<bool> resumable(size_t) override { return true; }
  /// "size=8123 etag="0f9d3c21" version=..."
  Result<SourceIdentity> identity(size_t index) override;
  bool same(std::string_view before, std::string_view now) const override { return before == now; }
  Status seek(uint64_t stored_byte) override;
  ReadResult read(std::span<char> room, Error& error) override;
  void close() noexcept override;
  Result<std::string_view> peek(size_t index, Deadline deadline) override;

 private:
  enum class State : uint8_t { kClosed, kAsking, kReading };
  Status name_it(size_t index);
  Status take_info();
  ReadResult blocked(const HttpWait& wait);
  bool go_on(Error& error);
  void add_up(std::string_view bytes);
  Error named(Error error, size_t index) const;
  Error named(Error error) const { return named(error, index_); }

  std::span<const std::string> urls_;
  std::vector<uint64_t> sizes_;
  S3Client& client_;
  Wakeup& wakeup_;
  size_t index_ = 0;
  S3Name name_;  ///< of the open object; reserved, so that naming takes no memory
  State state_ = State::kClosed;
  S3ObjectInfo pinned_;  ///< which object is read
  size_t pinned_index_ = ~size_t{0};
  S3ObjectInfo asked_;  ///< of the last input that was asked for without being read
  size_t asked_index_ = ~size_t{0};
  uint64_t at_ = 0;  ///< offset of the next read
  uint64_t stream_at_ = 0;  ///< offset of the GET's next byte
  uint64_t progress_at_ = 0;  ///< where the last attempt began
  RunningChecksum sum_;  ///< of the object's first bytes
  uint64_t summed_ = 0;  ///< how many
  std::array<char, kPeekBytes> peeked_;
  size_t peeked_size_ = 0;
  size_t peeked_index_ = ~size_t{0};
};

}  // namespace weir

// PartRoom: where an upload's bytes wait until S3 has them. In memory, or in a file (output.spool), for a plan that has no room for a part.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "io/http_connection.hpp"
#include "port/disk.hpp"

namespace weir {

/// A queue of bytes: appended at its end, sent and dropped from its beginning.
class PartRoom {
 public:
  virtual ~PartRoom() = default;
  /// Before anything else; again, it does nothing.
  virtual Status open() = 0;
  [[nodiscard]] virtual size_t capacity() const = 0;
  [[nodiscard]] size_t used() const { return used_; }
  /// At most capacity() - used() of them.
  virtual Status append(std::string_view bytes) = 0;
  /// The first `bytes` of those that wait, at most used(), as a request's body; valid until the next call.
  virtual HttpBody& first(size_t bytes) = 0;
  /// The first `bytes` are done with.
  virtual Status drop(size_t bytes) = 0;

 protected:
  size_t used_ = 0;
};

class MemoryRoom final : public PartRoom {
 public:
  /// `room` outlives it.
  explicit MemoryRoom(std::span<char> room) : room_(room) {}
  Status open() override { return {}; }
  [[nodiscard]] size_t capacity() const override { return room_.size(); }
  Status append(std::string_view bytes) override;
  HttpBody& first(size_t bytes) override;
  Status drop(size_t bytes) override;

 private:
  std::span<char> room_;
  TextBody body_;
};

/// Two files without names: what is left behind a part goes over to the other one. They are gone with the process, however it ends.
class DiskRoom final : public PartRoom {
 public:
  static constexpr size_t kBufferBytes = 64u << 10;

  /// `buffer`: kBufferBytes; it and `disk` outlive it. `capacity` in bytes, of each of the two files.
  DiskRoom(Disk& disk, std::string folder, size_t capacity, std::span<char> buffer)
      : disk_(disk), folder_(std::move(folder)), capacity_(capacity), buffer_(buffer), body_(*this) {}
  ~DiskRoom() override;
  DiskRoom(const DiskRoom&) = delete;
  DiskRoom& operator=(const DiskRoom&) = delete;

  /// W4003 where the folder can't hold files.
  Status open() override;
  [[nodiscard]] size_t capacity() const override { return capacity_; }
  Status append(std::string_view bytes) override;
  HttpBody& first(size_t bytes) override;
  Status drop(size_t bytes) override;

 private:
  class Body final : public HttpBody {
   public:
    explicit Body(DiskRoom& room) : room_(room) {}
    uint64_t size() const override { return size_; }
    Result<std::string_view> from(uint64_t offset) override;
    void set_size(uint64_t bytes) { size_ = bytes; }

   private:
    DiskRoom& room_;
    uint64_t size_ = 0;
  };
  Result<std::string_view> read(size_t offset, size_t bytes_max);
  Error named(Error error) const;

  Disk& disk_;
  std::string folder_;
  size_t capacity_;
  std::span<char> buffer_;
  Body body_;
  int files_[2] = {-1, -1};  ///< the first one holds what waits
};

}  // namespace weir

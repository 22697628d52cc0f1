// Window: the one linear buffer of a reader. Bytes come in at the end, records are consumed from the front; the unfinished
// tail moves to the front when no batch is alive, so a record is always contiguous.
//
// Room: window_bytes + record_bytes_max + kPadding. While records are small only the first window_bytes (and a tail) are ever
// touched; the rest is there for the largest record. Reading up to kPadding bytes past any byte of the window is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/assert.hpp"

namespace weir {

class Window {
 public:
  static constexpr size_t kPadding = 64;

  static constexpr size_t memory_max(size_t window_bytes, size_t record_bytes_max) {
    return window_bytes + record_bytes_max + kPadding;
  }

  /// `room` holds memory_max(window_bytes, record_bytes_max) bytes.
  void attach(std::span<char> room, size_t window_bytes) {
    WEIR_ASSERT(room.size() > window_bytes + kPadding);
    base_ = room.data();
    capacity_ = room.size() - kPadding;
    window_bytes_ = window_bytes;
    reset();
  }
  /// Empty, not closed; the next byte is the decoded stream's at this offset.
  void reset(uint64_t decoded_byte = 0) {
    begin_ = end_ = 0;
    base_decoded_byte_ = decoded_byte;
    closed_ = false;
  }

  /// Where the next bytes go: at most window_bytes. Empty when the window is full: then compact() or consume first.
  [[nodiscard]] std::span<char> room() {
    const size_t free = capacity_ - end_;
    return {base_ + end_, free < window_bytes_ ? free : window_bytes_};
  }
  void supply(size_t bytes) {
    WEIR_ASSERT(!closed_ && bytes <= capacity_ - end_);
    end_ += bytes;
  }
  /// No more bytes will come.
  void close() { closed_ = true; }

  void consume_to(size_t offset) {
    WEIR_ASSERT(offset >= begin_ && offset <= end_);
    begin_ = offset;
  }
  /// Moves the unconsumed bytes to the front; returns by how much offsets shrank. Only while no batch is alive.
  size_t compact() {
    const size_t shift = begin_;
    if (shift == 0) return 0;
    if (end_ > begin_) std::memmove(base_, base_ + begin_, end_ - begin_);
    begin_ = 0;
    end_ -= shift;
    base_decoded_byte_ += shift;
    return shift;
  }

  [[nodiscard]] const char* base() const { return base_; }
  [[nodiscard]] size_t begin() const { return begin_; }
  [[nodiscard]] size_t end() const { return end_; }
  [[nodiscard]] size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::string_view bytes() const { return {base_ + begin_, end_ - begin_}; }
  /// Offset of `base()` in the decoded stream.
  [[nodiscard]] uint64_t base_decoded_byte() const { return base_decoded_byte_; }

 private:
  char* base_ = nullptr;
  size_t capacity_ = 0;
  size_t window_bytes_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t base_decoded_byte_ = 0;
  bool closed_ = false;
};

}  // namespace weir

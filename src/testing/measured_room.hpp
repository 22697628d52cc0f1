// MeasuredRoom: a room of exactly the planned bytes between two guard pages, that can tell how much of it was ever touched.
//
// For tests that drive a component to its worst case: it is safe when nothing outside was touched (a guard page kills the test
// where it happens; the bytes up to the page's edge are a canary that intact() looks at), and not lavish when little is left untouched.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

#include <sys/mman.h>

#include "memory/arena.hpp"

namespace weir::testing {

class MeasuredRoom {
 public:
  explicit MeasuredRoom(size_t bytes) : bytes_(bytes) {
    const size_t pages = (Arena::aligned(bytes) + kPage - 1) / kPage * kPage;
    mapped_ = pages + 2 * kPage;
    void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    map_ = static_cast<char*>(memory);
    mprotect(map_, kPage, PROT_NONE);
    mprotect(map_ + kPage + pages, kPage, PROT_NONE);
    inside_ = {map_ + kPage, pages};
    // As close to the guard page behind as the alignment allows.
    begin_ = pages - Arena::aligned(bytes);
    for (size_t i = 0; i < inside_.size(); ++i) inside_[i] = mark(i);
  }
  ~MeasuredRoom() { munmap(map_, mapped_); }
  MeasuredRoom(const MeasuredRoom&) = delete;
  MeasuredRoom& operator=(const MeasuredRoom&) = delete;

  [[nodiscard]] std::span<char> room() const { return inside_.subspan(begin_, bytes_); }
  [[nodiscard]] size_t size() const { return bytes_; }

  /// Nothing between the guard pages but the room was written to.
  [[nodiscard]] bool intact() const {
    for (size_t i = 0; i < inside_.size(); ++i) {
      if ((i < begin_ || i >= begin_ + bytes_) && inside_[i] != mark(i)) return false;
    }
    return true;
  }
  /// Bytes of the room in pieces of 64 of which any byte was written to.
  [[nodiscard]] size_t touched() const {
    size_t touched = 0;
    for (size_t at = begin_; at < begin_ + bytes_; at += kAlignment) {
      const size_t end = at + kAlignment < begin_ + bytes_ ? at + kAlignment : begin_ + bytes_;
      bool any = false;
      for (size_t i = at; i < end && !any; ++i) any = inside_[i] != mark(i);
      if (any) touched += end - at;
    }
    return touched;
  }
  /// Prints the unused share, and gives the touched one in percent.
  [[nodiscard]] double report(const char* name) const {
    const size_t touched = this->touched();
    const double share = bytes_ == 0 ? 100 : static_cast<double>(touched) * 100 / static_cast<double>(bytes_);
    std::printf("[memory] %-46s planned %9zu  touched %9zu  unused %5.1f %%\n", name, bytes_, touched, 100 - share);
    return share;
  }

 private:
  static constexpr size_t kPage = 4096;
  /// A byte that depends on its place, so that what a component writes is hardly ever the same.
  static char mark(size_t at) { return static_cast<char>((at * 0x9e3779b97f4a7c15u) >> 56 | 1); }

  size_t bytes_;
  size_t mapped_ = 0;
  char* map_ = nullptr;
  std::span<char> inside_;
  size_t begin_ = 0;
};

}  // namespace weir::testing

// Arena: hands out pieces of one region that was reserved beforehand, front to back, and never takes any back.
//
// Asking for more than is there is a broken plan, not a condition to handle: it is asserted. Sizes come from the components'
// memory_max formulas, which count `Arena::aligned` sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "base/assert.hpp"

namespace weir {

inline constexpr size_t kAlignment = 64;  ///< of every piece: a cache line, and the widest vector

class Arena {
 public:
  Arena() = default;
  /// `region` must be aligned to kAlignment.
  explicit Arena(std::span<char> region) : region_(region) {
    WEIR_ASSERT(reinterpret_cast<uintptr_t>(region.data()) % kAlignment == 0);
  }

  /// What a piece of `bytes` takes.
  static constexpr size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  template <typename T>
  static constexpr size_t array_bytes(size_t count) {
    return aligned(count * sizeof(T));  // NOLINT(bugprone-sizeof-expression): pointers, too
  }

  std::span<char> take(size_t bytes) {
    const size_t size = aligned(bytes);
    WEIR_ASSERT(size <= region_.size() - used_);
    used_ += size;
    return {region_.data() + used_ - size, bytes};
  }
  /// Uninitialised array of trivial T.
  template <typename T>
  std::span<T> take_array(size_t count) {
    const std::span<char> bytes = take(count * sizeof(T));  // NOLINT(bugprone-sizeof-expression)
    return {reinterpret_cast<T*>(bytes.data()), count};
  }
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    return new (take(sizeof(T)).data()) T(std::forward<Args>(args)...);
  }
  [[nodiscard]] size_t used() const { return used_; }
  [[nodiscard]] size_t left() const { return region_.size() - used_; }

 private:
  std::span<char> region_;
  size_t used_ = 0;
};

}  // namespace weir

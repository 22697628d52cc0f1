// SizeClassPool: malloc and free inside of one region that never grows: what libraries that ask for memory on their own are given.
//
// Blocks have four sizes a doubling from 32 bytes on (16 of them are the header), so less than a fifth of one is lost to
// rounding. They are kept in free lists by size; nothing is split or joined. New blocks are cut front to back and the end never moves back: what
// lies behind used() was never touched. So a program that does the same again and again needs what it needed at first.
// For one thread at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir {

class SizeClassPool {
 public:
  static constexpr size_t kHeaderBytes = 16;
  static constexpr size_t kBytesMax = size_t{1} << 31;  ///< of one block

  constexpr SizeClassPool() = default;
  /// `bytes` must be aligned to 16.
  constexpr SizeClassPool(char* bytes, size_t size) : bytes_(bytes), size_(size) {}

  /// At least `bytes` bytes aligned to 16, or null when the region has none left.
  void* take(size_t bytes) {
    if (bytes > kBytesMax) return nullptr;
    const unsigned size_class = class_of(bytes + kHeaderBytes);
    Header* block = free_[size_class];
    if (block != nullptr) {
      free_[size_class] = block->next_free;
    } else {
      const size_t size = size_of(size_class);
      if (size > size_ - used_) return nullptr;
      block = reinterpret_cast<Header*>(bytes_ + used_);
      used_ += size;
      block->size_class = static_cast<uint32_t>(size_class);
    }
    live_ += size_of(size_class);
    block->offset = kHeaderBytes;
    return reinterpret_cast<char*>(block) + kHeaderBytes;
  }
  void* take_aligned(size_t alignment, size_t bytes) {
    if (alignment <= kHeaderBytes) return take(bytes);
    if (bytes > kBytesMax || alignment > kBytesMax) return nullptr;
    auto* user = static_cast<char*>(take(bytes + alignment));
    if (user == nullptr) return nullptr;
    const auto address = reinterpret_cast<uintptr_t>(user);
    const uintptr_t wanted = (address + alignment - 1) / alignment * alignment;
    if (wanted == address) return user;
    auto* near = reinterpret_cast<Header*>(wanted - kHeaderBytes);
    near->offset = static_cast<uint32_t>(wanted - address + kHeaderBytes);
    return reinterpret_cast<void*>(wanted);
  }
  void give_back(void* user) {
    Header* block = header_of(user);
    live_ -= size_of(block->size_class);
    block->next_free = free_[block->size_class];
    free_[block->size_class] = block;
  }

  /// Bytes that a block has room for.
  static size_t usable(void* user) {
    Header* block = header_of(user);
    return size_of(block->size_class) - static_cast<size_t>(static_cast<char*>(user) - reinterpret_cast<char*>(block));
  }
  [[nodiscard]] bool owns(const void* user) const {
    const auto* at = static_cast<const char*>(user);
    return at >= bytes_ && at < bytes_ + used_;
  }
  /// From here on no more than the first `bytes` of the region are given out; what is already used stays.
  void limit(size_t bytes) { size_ = bytes < used_ ? used_ : bytes; }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t used() const { return used_; }  ///< high-water, in bytes from the front
  [[nodiscard]] size_t live() const { return live_; }  ///< bytes of the blocks that are out now

 private:
  static constexpr unsigned kClasses = 2 + 4 * 28;  // up to more than 2 GiB

  struct Header {
    uint32_t size_class;  ///< the block holds size_of(size_class) bytes, header included
    uint32_t offset;  ///< from the block's start to the user's bytes (aligned allocations)
    Header* next_free;
  };
  static_assert(sizeof(Header) == kHeaderBytes);

  // 32, 48, then 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 ...
  static size_t size_of(unsigned size_class) {
    if (size_class < 2) return 32 + 16 * size_class;
    const unsigned step = size_class - 2;
    return size_t{4 + step % 4} << (4 + step / 4);
  }
  static unsigned class_of(size_t bytes) {
    if (bytes <= 48) return bytes <= 32 ? 0 : 1;
    const size_t last = bytes - 1;
    const auto width = static_cast<unsigned>(std::bit_width(last));
    if (width < 7) return 2;
    return 2 + 4 * (width - 7) + static_cast<unsigned>(last >> (width - 3)) - 3;
  }
  static Header* header_of(void* user) {
    auto* near = reinterpret_cast<Header*>(static_cast<char*>(user) - kHeaderBytes);
    return reinterpret_cast<Header*>(static_cast<char*>(user) - near->offset);
  }

  char* bytes_ = nullptr;
  size_t size_ = 0;
  size_t used_ = 0;
  size_t live_ = 0;
  Header* free_[kClasses] = {};
};

}  // namespace weir

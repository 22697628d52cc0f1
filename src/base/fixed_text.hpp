// FixedText: a text of bounded size that never allocates. What does not fit is cut, and `truncated` says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir {

template <size_t kBytesMax>
class FixedText {
 public:
  FixedText() = default;
  explicit FixedText(std::string_view text) { append(text); }

  FixedText& append(std::string_view text) {
    const size_t room = kBytesMax - size_;
    const size_t take = text.size() < room ? text.size() : room;
    if (take != 0) std::memcpy(bytes_ + size_, text.data(), take);
    size_ = static_cast<uint16_t>(size_ + take);
    truncated_ = truncated_ || take < text.size();
    return *this;
  }
  FixedText& append(char c) { return append(std::string_view(&c, 1)); }
  FixedText& append_number(uint64_t number) {
    char digits[20];
    size_t n = sizeof digits;
    do {
      digits[--n] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return append(std::string_view(digits + n, sizeof digits - n));
  }
  void clear() {
    size_ = 0;
    truncated_ = false;
  }

  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] static constexpr size_t bytes_max() { return kBytesMax; }

 private:
  static_assert(kBytesMax < 65536);
  uint16_t size_ = 0;
  bool truncated_ = false;
  char bytes_[kBytesMax];
};

}  // namespace weir

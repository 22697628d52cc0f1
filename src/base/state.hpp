// StateWriter and StateReader: how a component's state becomes bytes of a checkpoint and comes back.
//
// Little-endian, fixed width, no padding, no pointers. A writer that runs out of room and a reader that runs out of
// bytes stay failed; ask `ok()` once at the end. Each component states `state_bytes_max()`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace weir {

class StateWriter {
 public:
  explicit StateWriter(std::span<char> room) : room_(room) {}

  template <typename T>
    requires std::is_integral_v<T>
  void put(T value) {
    bytes({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void bytes(std::string_view data) {
    if (data.size() > room_.size() - used_) {
      ok_ = false;
      return;
    }
    if (!data.empty()) std::memcpy(room_.data() + used_, data.data(), data.size());
    used_ += data.size();
  }
  /// A length (4 bytes) and the bytes.
  void text(std::string_view data) {
    put(static_cast<uint32_t>(data.size()));
    bytes(data);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t size() const { return used_; }

 private:
  std::span<char> room_;
  size_t used_ = 0;
  bool ok_ = true;
};

class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
    requires std::is_integral_v<T>
  T get() {
    T value{};
    const std::string_view raw = bytes(sizeof value);
    if (raw.size() == sizeof value) std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }
  std::string_view bytes(size_t size) {
    if (size > bytes_.size() - used_) {
      ok_ = false;
      return {};
    }
    used_ += size;
    return bytes_.substr(used_ - size, size);
  }
  std::string_view text() { return bytes(get<uint32_t>()); }
  /// 0 or 1; any other byte is a failure.
  bool get_flag() {
    const auto byte = get<uint8_t>();
    ok_ = ok_ && byte <= 1;
    return byte == 1;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t left() const { return bytes_.size() - used_; }
  /// Everything was read, and nothing failed.
  [[nodiscard]] bool at_end() const { return ok_ && used_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  size_t used_ = 0;
  bool ok_ = true;
};

}  // namespace weir

// Oversize: a record larger than record_bytes_max, which is hashed and counted while it passes and never held.
//
// Its reject says the same whether the record stood in the window whole or passed in pieces: size, SHA-256 of all its bytes (those
// that `size` counts, terminator included) and the first kRejectHeadMax of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/state.hpp"
#include "hash/sha256.hpp"
#include "record/batch.hpp"

namespace weir {

class Oversize {
 public:
  void clear() { active_ = false; }
  /// The record whose first byte stands at `decoded_byte` is larger than allowed.
  void begin(uint64_t decoded_byte) {
    active_ = true;
    start_ = decoded_byte;
    size_ = 0;
    head_size_ = 0;
    hash_.reset();
  }
  void add(std::string_view bytes) {
    if (head_size_ < kRejectHeadMax) {
      const size_t left = kRejectHeadMax - head_size_;
      const size_t take = bytes.size() < left ? bytes.size() : left;
      if (take != 0) std::memcpy(head_ + head_size_, bytes.data(), take);
      head_size_ += static_cast<uint32_t>(take);
    }
    hash_.update(bytes);
    size_ += bytes.size();
  }
  /// The record is over. The reject's head points into this object: valid until the next begin().
  void finish(ReaderReject& reject) {
    reject.code = Code::kRecordTooLarge;
    reject.decoded_byte = start_;
    reject.size = size_;
    reject.head = {head_, head_size_};
    set_hash(hash_, reject);
    active_ = false;
  }
  /// The same for a record that stands in the window whole.
  static void whole(std::string_view bytes, uint64_t decoded_byte, ReaderReject& reject) {
    reject.code = Code::kRecordTooLarge;
    reject.decoded_byte = decoded_byte;
    reject.size = bytes.size();
    reject.head = bytes.substr(0, kRejectHeadMax);
    Sha256 hash;
    hash.update(bytes);
    set_hash(hash, reject);
  }
  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] uint64_t size() const { return size_; }

  static constexpr size_t kStateBytesMax = 1 + 8 + 8 + 4 + kRejectHeadMax + Sha256::kStateBytesMax;
  void save(StateWriter& out) const {
    out.put(static_cast<uint8_t>(active_));
    if (!active_) return;
    out.put(start_);
    out.put(size_);
    out.text({head_, head_size_});
    hash_.save(out);
  }
  bool load(StateReader& in) {
    active_ = in.get_flag();
    if (!active_) return in.ok();
    start_ = in.get<uint64_t>();
    size_ = in.get<uint64_t>();
    const std::string_view head = in.text();
    if (!in.ok() || head.size() > kRejectHeadMax) return false;
    head_size_ = static_cast<uint32_t>(head.size());
    if (!head.empty()) std::memcpy(head_, head.data(), head.size());
    return hash_.load(in);
  }

 private:
  static void set_hash(const Sha256& hash, ReaderReject& reject) {
    const Sha256::Digest digest = hash.digest();
    static_assert(sizeof reject.sha256_words == sizeof digest);
    std::memcpy(reject.sha256_words, digest.data(), sizeof digest);
    reject.hashed = true;
  }

  bool active_ = false;
  uint64_t start_ = 0;
  uint64_t size_ = 0;
  uint32_t head_size_ = 0;
  Sha256 hash_;
  char head_[kRejectHeadMax];
};

}  // namespace weir

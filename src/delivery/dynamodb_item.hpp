// DynamoDbItem: a JSON object as the item of a put: texts become S, numbers N, as they are spelled, true and false BOOL, null NULL, objects M, arrays L.
//
// What DynamoDB does not take is told before it is sent (ServiceQuotas and HowItWorks.NamingRulesDataTypes of its developer guide). Constant memory, 10 KiB of
// stack; text of n bytes with m members is walked 3 + m / 512 times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "delivery/message_key.hpp"
#include "delivery/text_room.hpp"

namespace weir {

/// Decimal digits of a number and where they stand: `digits` d1 d2 ... without zeros at either end, times 10^magnitude as d1.d2...
struct DynamoDbNumber {
  static constexpr size_t kDigitsMax = 38;
  static constexpr int64_t kMagnitudeMin = -130;
  static constexpr int64_t kMagnitudeMax = 125;

  FixedText<kDigitsMax> digits;  ///< empty: zero
  int64_t magnitude = 0;
  bool negative = false;

  enum class Verdict : uint8_t { kGood, kNoNumber, kTooLong, kOutOfRange };
  Verdict read(std::string_view text);
};

/// Of a number's value, however it is spelled; of the text where it is none. Never 0.
uint64_t hash_number(std::string_view text);

/// The values of a table's key, by their hashes.
class DynamoDbKey {
 public:
  static constexpr size_t kColumnsMax = 2;

  void set(size_t column, uint64_t hash) {
    if (column < kColumnsMax) hashes_[column] = hash;
  }
  [[nodiscard]] bool whole(size_t columns) const { return hashes_[0] != 0 && (columns < 2 || hashes_[1] != 0); }
  [[nodiscard]] bool has(size_t column) const { return hashes_[column] != 0; }
  [[nodiscard]] uint64_t hash(size_t columns) const {
    if (columns < 2) return hashes_[0];
    return hash_key({reinterpret_cast<const char*>(hashes_.data()), sizeof hashes_});
  }

 private:
  std::array<uint64_t, kColumnsMax> hashes_{};  ///< 0: not there
};

class DynamoDbItem {
 public:
  /// A value of an attribute is at level 1, what is in it at 2, and so on.
  static constexpr uint32_t kLevelsMax = 32;

  /// `key`: the columns of the partition key and of the sort key, one or two. Both live as long as this.
  DynamoDbItem(std::span<const std::string> key, TextRoom& out) : key_(key), out_(out) {}

  /// Once. What does not fit is out's to tell; the verdict and counted() don't depend on it. W2409, W2206; W2410: larger than any request.
  Status write(std::string_view text);
  /// Bytes as DynamoDB counts an item, rounded up: names and texts in UTF-8, numbers a byte for two digits and two more, containers three and
  /// one for each element.
  [[nodiscard]] uint64_t counted() const { return counted_; }
  [[nodiscard]] uint64_t key() const { return found_.hash(key_.size()); }

 private:
  struct Level {
    bool array = false;
    bool empty = true;
  };

  Status write_members();
  Status begin_member(size_t& at);
  Status write_value(size_t& at);
  Status write_string(size_t& at, size_t key_column);
  Status write_number(size_t& at, size_t key_column);
  void open(bool array);
  void close();
  [[nodiscard]] size_t key_column() const;
  [[nodiscard]] std::unexpected<Error> refuse(std::string_view why) const;

  std::span<const std::string> key_;
  TextRoom& out_;
  std::string_view text_;
  std::string_view name_;  ///< of the member that was met last, as it stands in the text
  uint64_t counted_ = 0;
  DynamoDbKey found_;
  size_t depth_ = 0;
  std::array<Level, kLevelsMax> levels_;
};

}  // namespace weir

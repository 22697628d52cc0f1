// YamlDocument: the small part of YAML that pipeline and case files use, as a tree with the place of every value.
//
// Scalars, lists and maps in block and flow style. Not YAML here: anchors, aliases, tags (W2007), several documents, a key
// given twice, keys that are no text (W2006). Limits (W2007): bytes, depth and number of values, so that a hostile file costs at
// most about twice `bytes_max`. The first mistake ends the reading. Lines and columns count from 1; columns are bytes.
// Scalars are not typed here: `5` is the text "5", and style() tells a plain scalar from a quoted one.
// Source: https://yaml.org/spec/1.1/, read by libyaml's events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace weir {

struct YamlLimits {
  size_t bytes_max = 256u << 10;
  uint32_t depth_max = 32;
  uint32_t values_max = 4096;
};

enum class YamlKind : uint8_t { kNone, kScalar, kList, kMap };
enum class YamlStyle : uint8_t { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral, kFolded };

/// A value of the document; a handle that is valid as long as the document and its text. A default-made one is kNone: every question
/// about it has an answer, so lookups chain: `root["input"]["from"].text()`.
class YamlNode {
 public:
  struct Record;
  class Iterator;

  YamlNode() = default;
  explicit YamlNode(const Record* record) : record_(record) {}

  explicit operator bool() const { return record_ != nullptr; }
  [[nodiscard]] YamlKind kind() const;
  [[nodiscard]] bool is_scalar() const { return kind() == YamlKind::kScalar; }
  [[nodiscard]] bool is_list() const { return kind() == YamlKind::kList; }
  [[nodiscard]] bool is_map() const { return kind() == YamlKind::kMap; }
  /// `key:` with nothing behind it, or a plain `~` or `null`, as YAML has it. "null" in quotes is a text.
  [[nodiscard]] bool is_nothing() const;

  /// A scalar's text, escapes and folding resolved; empty for lists and maps.
  [[nodiscard]] std::string_view text() const;
  [[nodiscard]] YamlStyle style() const;
  [[nodiscard]] bool is_plain() const { return style() == YamlStyle::kPlain; }

  /// Where the value begins.
  [[nodiscard]] uint32_t line() const;
  [[nodiscard]] uint32_t column() const;
  /// Where the first character of text() stands: behind the quote, or on the first line of a block scalar. In a literal block
  /// (`|`) line n of the text is line text_line() + n - 1 of the file, and its column c is text_column() + c - 1.
  [[nodiscard]] uint32_t text_line() const;
  [[nodiscard]] uint32_t text_column() const;

  /// A map's value: its key and the key's place.
  [[nodiscard]] std::string_view key() const;
  [[nodiscard]] uint32_t key_line() const;
  [[nodiscard]] uint32_t key_column() const;

  /// Number of items of a list, or values of a map.
  [[nodiscard]] uint32_t size() const;
  /// The value of `key` in a map, or kNone.
  YamlNode operator[](std::string_view key) const;
  /// Items of a list or values of a map, in the file's order.
  [[nodiscard]] Iterator begin() const;
  [[nodiscard]] Iterator end() const;

 private:
  const Record* record_ = nullptr;
};

struct YamlNode::Record {
  const char* text = nullptr;
  const char* key = nullptr;
  Record* first = nullptr;
  Record* last = nullptr;
  Record* next = nullptr;
  uint32_t text_size = 0;
  uint32_t key_size = 0;
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t text_line = 0;
  uint32_t text_column = 0;
  uint32_t key_line = 0;
  uint32_t key_column = 0;
  uint32_t size = 0;
  YamlKind kind = YamlKind::kNone;
  YamlStyle style = YamlStyle::kPlain;
};

class YamlNode::Iterator {
 public:
  explicit Iterator(const Record* record) : record_(record) {}
  YamlNode operator*() const { return YamlNode(record_); }
  Iterator& operator++() {
    record_ = record_->next;
    return *this;
  }
  bool operator==(const Iterator&) const = default;

 private:
  const Record* record_;
};

class YamlDocument {
 public:
  YamlDocument() = default;
  YamlDocument(YamlDocument&&) = default;
  YamlDocument& operator=(YamlDocument&&) = default;

  /// kNone when the text holds nothing but space and comments.
  [[nodiscard]] YamlNode root() const { return YamlNode(root_); }
  [[nodiscard]] uint32_t values() const { return values_; }

 private:
  friend class YamlBuilder;
  static constexpr size_t kChunkRecords = 80;
  std::vector<std::unique_ptr<YamlNode::Record[]>> chunks_;
  std::vector<std::unique_ptr<char[]>> texts_;  ///< scalars that differ from their spelling in the file
  YamlNode::Record* root_ = nullptr;
  uint32_t values_ = 0;
};

/// `text` must outlive the document. Errors carry line and column: W2006, W2007, W2102 (no memory left).
Result<YamlDocument> parse_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace weir

// NameTemplate: names of outputs and rejects with placeholders, `out/{input.stem}-{batch}.ndjson`.
//
//   {input.stem}  the input's file name without its compression and format endings: `orders` of raw/orders.csv.gz
//   {input.dir}   the input's folder: `raw`
//   {input.key}   the input's whole name: `raw/orders.csv.gz`
//   {batch}       the batch's number from 0, at least six digits: `000042`
//   {part}        the same where the output is cut by output.roll_bytes or roll_records: the piece's number
//   {{  }}        a brace
//
// What comes from an input's name can't lead out of the folder that the template's own text names: no value holds a NUL, a
// control character, an empty part or a part of dots alone, and none begins with `/`. One exception: where the template *begins* with
// {input.dir} or {input.key} and `NameValues.input_folder_is_trusted`, the folder is the input's own, as it was given.
// Parsing and rendering allocate nothing; the template's text must outlive it. Errors: W2019, and W2021 for placeholders to come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace weir {

struct NameValues {
  std::string_view input;  ///< the input's path as it was opened; empty for stdin
  uint64_t batch = 0;
  bool input_folder_is_trusted = true;  ///< false where the name comes from somebody else: an event
};

/// `orders` of `raw/orders.csv.gz`: the last part without .gz, .gzip, .zst, .zstd and one more ending. Not sanitised.
std::string_view input_stem(std::string_view path);

class NameTemplate {
 public:
  static constexpr size_t kPartsMax = 24;
  static constexpr size_t kBytesMax = 4096;  ///< of a template, and of a rendered name

  NameTemplate() = default;
  /// The error's column is the place in `text`, from 1.
  static Result<NameTemplate> parse(std::string_view text);

  /// {batch} or {part}: the output is many files.
  [[nodiscard]] bool uses_batch() const { return uses_batch_ || uses_part_; }
  [[nodiscard]] bool uses_part() const { return uses_part_; }
  [[nodiscard]] bool uses_input() const { return uses_input_; }
  /// No placeholder: the name is always the same.
  [[nodiscard]] bool is_constant() const { return !uses_batch() && !uses_input_; }

  /// The name, in `room` and without a closing NUL. W2019 when it does not fit or an input's value is needed and there is none.
  Result<std::string_view> render(const NameValues& values, std::span<char> room) const;

 private:
  enum class Kind : uint8_t { kText, kStem, kDir, kKey, kBatch, kPart };
  struct Part {
    std::string_view text;
    Kind kind = Kind::kText;
  };
  static Error unknown_placeholder(std::string_view name, size_t at);
  Status add(Kind kind, std::string_view text, size_t at);

  Part parts_[kPartsMax];
  uint8_t parts_count_ = 0;
  bool uses_batch_ = false;
  bool uses_part_ = false;
  bool uses_input_ = false;
};

}  // namespace weir

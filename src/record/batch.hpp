// RecordBatch: up to `kRowsMax` records as columns of slices into the reader's window. Nothing is copied or unescaped.
//
// A batch is valid until the reader's next step. Slices are offsets from `base`; a field's bytes are as they stand in
// the input, and the column says how they are encoded (record/field.hpp decodes them).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "record/position.hpp"

namespace weir {

inline constexpr uint32_t kRowsMax = 2048;
inline constexpr uint32_t kMissing = ~uint32_t{0};

/// Bytes [offset, offset + size) from the batch's base. A field that the record lacks has offset kMissing: NULL.
struct Slice {
  uint32_t offset = kMissing;
  uint32_t size = 0;
  [[nodiscard]] bool missing() const { return offset == kMissing; }
};

enum class FieldEncoding : uint8_t {
  kPlain,  ///< the bytes are the text
  kCsv,    ///< as kPlain, unless the first byte is the quote: then quoted, with `escape` or doubled quotes inside
  kJson,   ///< the raw JSON value: the first byte tells its type
  kBytes,  ///< raw bytes of `blocks` and `file`
};

struct Column {
  const Slice* slices = nullptr;  ///< one per row
  FieldEncoding encoding = FieldEncoding::kPlain;
  char quote = '"';   ///< kCsv: 0 for none
  char escape = '"';  ///< kCsv: equal to `quote` when quotes are doubled; 0 for none
};

/// A record that the reader found bad. It has a record number but no row.
struct ReaderReject {
  Code code = Code::kOk;
  uint32_t rows_before = 0;   ///< rows of this batch that stand before it in the input
  uint64_t decoded_byte = 0;  ///< offset of its first byte in the decoded stream
  uint64_t size = 0;          ///< its bytes, terminator included
  std::string_view head;      ///< its first bytes (at most kRejectHeadMax); valid as long as the batch
  uint64_t sha256_words[4] = {};  ///< hash of the whole record when `hashed` (oversize records)
  bool hashed = false;
  uint32_t detail_a = 0;  ///< kRaggedRow: fields found; JSON errors: offset within the record
  uint32_t detail_b = 0;  ///< kRaggedRow: fields expected
};

inline constexpr uint32_t kRejectHeadMax = 4096;
inline constexpr uint32_t kReaderRejectsMax = 64;  ///< a batch ends when this many were met

struct RecordBatch {
  const char* base = nullptr;      ///< start of the window; slices count from here
  uint64_t base_decoded_byte = 0;  ///< offset of `base` in the decoded stream
  uint32_t source = 0;
  uint64_t first_record = 0;  ///< number of the first record (row or reject) of this batch in its source
  uint32_t rows = 0;
  const Slice* records = nullptr;  ///< whole raw record per row, without its terminator
  /// Offset from `base` behind each record's terminator: where the next one may start. Non-decreasing.
  const uint32_t* record_ends = nullptr;
  std::span<const Column> columns;  ///< those of the projection's paths, then - with `all` - every field
  uint32_t all_first = 0;           ///< index in `columns` of the first field of `all`
  std::span<const ReaderReject> rejects;
  uint64_t end_decoded_byte =
      0;  ///< where the next record starts; everything before has its fate in this batch or earlier

  [[nodiscard]] std::string_view bytes(Slice slice) const { return {base + slice.offset, slice.size}; }
  [[nodiscard]] std::string_view record(uint32_t row) const { return bytes(records[row]); }
  [[nodiscard]] std::string_view field(const Column& column, uint32_t row) const { return bytes(column.slices[row]); }
};

/// Rows of a batch, ascending.
struct Selection {
  std::span<const uint16_t> rows;
};

/// A half-open range of rows.
struct RowRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  [[nodiscard]] uint32_t size() const { return end - begin; }
};

/// A record that evaluation found bad: it gets no output, and `code` says why.
struct RowError {
  uint16_t row = 0;
  Code code = Code::kOk;
  uint16_t column = 0;  ///< index of the output column or of the operand's field + 1; 0 unknown
};

}  // namespace weir

// WriterCore: what all writers share - the plan of columns, the batches' frame and limits, and records written in
// pieces.
//
// Two ways lead to the same bytes:
//  fast    the record's upper bound (6 x its raw bytes, and the keys) fits the room: the format's fast_record writes it
//          without looking at the room again. Too large for the open batch: it is not counted, and the room is as if it
//          was never written.
//  pieces  the bound does not fit: a PieceCursor makes the record in pieces of at most 1.5 KiB. It runs once to measure
//          (and to find a value that can't be written, before anything of the record is), once to write. A record that
//          fits is written whole; behind others it is held for the next room; else what a room can't take waits in the
//          cursor, with the field's slices: the batch must stay alive until the record's end.
//
// Memory, all taken in make_writer: the writer with its cursor (about 2.2 KiB), columns_max x sizeof(PlanColumn) (at
// most 64 bytes each), and the texts of keys or header as text_bytes_max says.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.hpp"
#include "format/text_runs.hpp"
#include "format/writer.hpp"
#include "record/field.hpp"

namespace weir {

/// How the bytes of a column's value are found; set anew for every call of write().
enum class ColumnOp : uint8_t {
  kText,  ///< a field, the bytes are the text
  kCsv,  ///< a field, maybe quoted
  kJson,  ///< a field, raw JSON
  kBytes,  ///< a field, raw bytes
  kValue,  ///< a computed value
  kRecord,  ///< the raw JSON record (`*`)
  kRawRecord,  ///< the raw record, copied as it came (`*`, WriterOptions::raw_records)
};

struct PlanColumn {
  enum class From : uint8_t { kField, kAll, kComputed, kRecord, kRawRecord };

  std::string_view key;  ///< begin(): the name; from compile() on: what is written before the value
  const Slice* slices = nullptr;  ///< one per row, unless kValue
  const Value* values = nullptr;  ///< kValue: one per selected row
  uint32_t source = 0;  ///< index of the field, of the field behind all_first, or of the computed column
  From from = From::kField;
  ColumnOp op = ColumnOp::kText;
  uint8_t factor = 1;  ///< bytes written per byte of the value, at most
  char quote = 0;
  char escape = 0;
};
static_assert(sizeof(PlanColumn) <= 64);

enum class Encoder : uint8_t {
  kCopy,
  kJson,  ///< escaped for a JSON string
  kCsv,  ///< quotes doubled
};

/// A value, ready to be written.
struct Body {
  TextRuns runs;
  Encoder encoder = Encoder::kCopy;
  bool quoted = false;  ///< between double quotes
  bool nothing = false;  ///< not even its key: the members of an empty object
  char number[kNumberTextMax];
};

/// Writes the next part of a body, from about `size_max` bytes of the value. Maybe nothing before body.runs.ended().
char* encode_next(Body& body, char* out, size_t size_max);
/// The whole of it.
char* encode_body(Body& body, char* out);

/// A record on its way out in pieces.
struct PieceCursor {
  static constexpr size_t kPieceIn = 256;
  static constexpr size_t kPieceOut = kJsonEscapeFactor * kPieceIn;

  enum class Phase : uint8_t { kFrame, kKey, kOpen, kBody, kEnd, kDone };

  bool active = false;  ///< a call returned in the middle of a record
  Phase phase = Phase::kFrame;
  bool any = false;  ///< a column was written
  uint32_t index = 0;  ///< in rows.rows
  uint32_t row = 0;
  uint32_t column = 0;
  size_t key_done = 0;
  uint64_t written = 0;  ///< bytes of the record in rooms so far
  uint32_t carry_begin = 0;
  uint32_t carry_end = 0;
  Body body;
  char carry[kPieceOut + kWideSlack];
};

class WriterCore : public RecordWriter {
 public:
  Status begin(const Schema& schema, std::span<const WriteColumn> columns) final;
  void open_object() final;
  size_t end_batch(std::span<char> room) final;
  size_t close_object(std::span<char> room) final;
  [[nodiscard]] uint64_t batch_records() const final { return batch_records_; }
  [[nodiscard]] uint64_t batch_bytes() const final { return batch_bytes_; }

  static constexpr size_t kStateBytes = 3 * sizeof(uint64_t) + 3;
  size_t state_bytes_max() const final { return kStateBytes; }
  void save(StateWriter& out) const final;
  bool load(StateReader& in) final;

 protected:
  WriterCore(const WriterOptions& options, std::span<PlanColumn> columns, size_t names_bytes_max,
             std::span<char> texts);

  /// Turns the names of columns() into keys, and sets header_, end_ and the frame.
  virtual Status compile(const Schema& schema) = 0;
  virtual uint8_t factor(ColumnOp op) const = 0;
  /// A value as runs; kOk, or why it can't be written. `index` is the row's index among the selected.
  virtual Code resolve(const PlanColumn& column, uint32_t row, uint32_t index, Body& body) = 0;

  std::span<PlanColumn> columns() { return columns_.first(columns_used_); }
  [[nodiscard]] std::string_view raw(const PlanColumn& column, uint32_t row) const {
    return batch_->bytes(column.slices[row]);
  }
  [[nodiscard]] std::string_view frame() const { return batch_records_ == 0 ? batch_open_ : batch_between_; }

  // Texts of keys and header: appended to the room that make_writer gave.
  char* text_at() { return texts_.data() + texts_used_; }
  std::string_view text_to(char* end);

  /// The loop over rows. Self::fast_record(row, index, char*& out) writes one record, frame and all, and gives kOk or
  /// why it can't.
  template <typename Self>
  WriteResult write_rows(Self& self, const WriteRows& rows, uint32_t from, uint64_t unit_bytes_left,
                         std::span<char> room);

  /// Writes a record by the cursor into room for all of it.
  Code write_by_pieces(uint32_t row, uint32_t index, char*& out);

  const WriterOptions options_;
  const RecordBatch* batch_ = nullptr;  ///< of the running call
  std::string_view header_;
  std::string_view end_;  ///< behind each record
  std::string_view batch_open_;  ///< before the first record of a batch
  std::string_view batch_between_;  ///< before the others
  std::string_view batch_close_;  ///< behind the last
  bool patched_ = false;  ///< the first byte of a key is `{` or `,` as it comes (JSON, `*` among others)

 private:
  struct Measured {
    Code code = Code::kOk;
    uint64_t size = 0;
  };

  void bind(const WriteRows& rows);
  [[nodiscard]] uint64_t bound(uint32_t row, uint32_t index) const;
  void start_piece(uint32_t row, uint32_t index);
  size_t produce(char* out, Code& code);
  Measured measure(uint32_t row, uint32_t index);
  bool pump(char*& out, const char* end);
  WriteStop write_slowly(uint32_t row, uint32_t index, const char* begin, char*& out, const char* end, Code& code);
  char* put_owed(char* out, const char* end);
  [[nodiscard]] bool owes() const { return header_owed_ || !batch_tail_.empty(); }
  void close_batch();
  [[nodiscard]] bool is_json() const {
    return options_.format == WriterFormat::kNdjson || options_.format == WriterFormat::kJson;
  }
  [[nodiscard]] bool is_nothing(const Schema& schema, std::span<const WriteColumn> columns) const;
  Status add_column(PlanColumn::From from, uint32_t source, std::string_view name);

  [[nodiscard]] bool too_large_for_batch(uint64_t size) const {
    return batch_records_ != 0 && batch_bytes_ + size + batch_close_.size() > bytes_max_;
  }
  void count_record(uint64_t size) {
    ++batch_records_;
    batch_bytes_ += size;
    object_used_ = true;
  }

  std::span<PlanColumn> columns_;
  size_t columns_used_ = 0;
  std::span<char> texts_;
  size_t texts_used_ = 0;
  size_t names_bytes_max_;
  size_t names_bytes_ = 0;
  uint64_t fixed_bytes_ = 0;  ///< of a record's bound: keys, frame, numbers
  uint64_t records_max_;
  uint64_t bytes_max_;
  uint64_t batch_records_ = 0;
  uint64_t batch_bytes_ = 0;
  uint64_t header_at_ = 0;  ///< bytes of the header written
  std::string_view batch_tail_;  ///< rest of an ended batch
  bool header_owed_ = false;
  bool object_open_ = false;
  bool object_used_ = false;  ///< has records
  bool begun_ = false;
  PieceCursor cursor_;
};

template <typename Self>
WriteResult WriterCore::write_rows(Self& self, const WriteRows& rows, uint32_t from, uint64_t unit_bytes_left,
                                   std::span<char> room) {
  WEIR_ASSERT(begun_ && from <= rows.rows.size());
  bind(rows);
  char* const begin = room.data();
  char* const end = begin + room.size();
  char* out = begin;
  const auto count = static_cast<uint32_t>(rows.rows.size());
  uint32_t next = from;
  const auto stop = [&](WriteStop why, Code code = Code::kOk) {
    return WriteResult{why, next, static_cast<size_t>(out - begin), code};
  };

  out = put_owed(out, end);
  if (owes()) return stop(WriteStop::kRoomFull);
  if (cursor_.active) {
    WEIR_ASSERT(next < count && next == cursor_.index && rows.rows[next] == cursor_.row);
    if (!pump(out, end)) return stop(WriteStop::kRoomFull);
    count_record(cursor_.written);
    ++next;
    if (static_cast<uint64_t>(out - begin) >= unit_bytes_left) return stop(WriteStop::kUnitFull);
  }
  for (;;) {
    if (batch_records_ >= records_max_) return stop(WriteStop::kBatchFull);
    if (next == count) return stop(WriteStop::kAllRows);
    const uint32_t row = rows.rows[next];
    char* const record = out;
    if (bound(row, next) <= static_cast<uint64_t>(end - out)) [[likely]] {
      char* written = out;
      const Code code = self.fast_record(row, next, written);
      if (code != Code::kOk) [[unlikely]]
        return stop(WriteStop::kRowFailed, code);
      if (too_large_for_batch(static_cast<uint64_t>(written - record))) return stop(WriteStop::kBatchFull);
      out = written;
      count_record(static_cast<uint64_t>(out - record));
    } else {
      Code code = Code::kOk;
      const WriteStop why = write_slowly(row, next, begin, out, end, code);
      if (why != WriteStop::kAllRows) return stop(why, code);
      count_record(static_cast<uint64_t>(out - record));
    }
    ++next;
    if (static_cast<uint64_t>(out - begin) >= unit_bytes_left) return stop(WriteStop::kUnitFull);
  }
}

/// What make_writer takes for the texts: keys (JSON), the header (CSV).
size_t text_bytes_max(WriterFormat format, size_t columns_max, size_t names_bytes_max);

}  // namespace weir

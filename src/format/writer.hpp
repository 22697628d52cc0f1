// RecordWriter: rows of a RecordBatch -> bytes, sans-I/O. One file a format.
//
// The writer does the framing of batches (a JSON array's brackets and commas) and cuts them by records and bytes as it
// was told; the caller owns the room. A record larger than the room is written in pieces over several calls, so the
// room may be small.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/state.hpp"
#include "record/batch.hpp"
#include "record/schema.hpp"
#include "record/value.hpp"

namespace weir {

enum class WriterFormat : uint8_t {
  kCsv,  ///< also TSV, by the delimiter. One header line an object
  kNdjson,  ///< one JSON object a line
  kJson,  ///< a JSON array a batch: `[{...},\n{...}]\n`
  kLines,  ///< the one column, and a line feed
  kRaw,  ///< the one column's bytes, nothing else
};

struct WriterOptions {
  WriterFormat format = WriterFormat::kNdjson;
  char delimiter = ',';
  bool header = true;
  uint64_t batch_records_max = 0;  ///< 0: no limit
  uint64_t batch_bytes_max = 0;  ///< 0: no limit. A batch is larger only when its first record alone is
  /// kCsv, only when `*` is the only column: records are copied as the bytes they came in. Set it when the input's
  /// delimiter, quote and escape are the output's.
  bool raw_records = false;
  /// A record is never written in pieces: one that is larger than the room gives kRoomFull, and nothing of it is
  /// written. For sinks that keep whole batches (SinkTraits::whole_batches); room for the end of the batch is kept free
  /// then.
  bool whole_records = false;
};

/// What one output column is made of.
struct WriteColumn {
  std::string_view name;
  int32_t field = -1;  ///< index into batch.columns, passed through as encoded; -1 with
  int32_t computed = -1;  ///< index of the computed column
  bool star = false;  ///< every field of the record: batch.columns from batch.all_first on, or the raw JSON record
};

struct WriteRows {
  const RecordBatch* batch = nullptr;
  std::span<const uint16_t> rows;  ///< rows of the batch, ascending
  const Value* computed = nullptr;  ///< computed[c * stride + i] is computed column c of rows[i]
  uint32_t stride = 0;
};

enum class WriteStop : uint8_t {
  kAllRows,  ///< every row was written
  kRoomFull,  ///< call again with more room
  kBatchFull,  ///< the batch's limit: the next row, if there is one, belongs to the next batch. Call end_batch()
  kUnitFull,  ///< `unit_bytes_max` was reached or passed by the last record
  kRowFailed,  ///< rows[next] can't be written (`code`); nothing of it was written. Go on behind it
};

struct WriteResult {
  WriteStop stop = WriteStop::kAllRows;
  uint32_t next = 0;  ///< index in `rows` of the first row not (wholly) written
  size_t bytes = 0;  ///< written to the room by this call
  Code code = Code::kOk;
};

class RecordWriter {
 public:
  virtual ~RecordWriter() = default;
  /// Once, before the first record: the input's fields (for `*`) and the output's columns. Fails when they can't be
  /// written in this format.
  virtual Status begin(const Schema& schema, std::span<const WriteColumn> columns) = 0;
  /// Opens an object; its header line, if any, is written with the first room.
  virtual void open_object() = 0;
  /// Writes rows[from...]. Stops after a record as soon as `unit_bytes_left` bytes or more were written by this call.
  virtual WriteResult write(const WriteRows& rows, uint32_t from, uint64_t unit_bytes_left, std::span<char> room) = 0;
  /// Bytes that are still owed: the header of an object without records, the end of a batch (`end_batch`). Returns
  /// those written; call until 0 or room is left.
  virtual size_t end_batch(std::span<char> room) = 0;
  /// Ends the batch, if one is open, then the object. kJson: an object without records is `[]`, whatever the limits are.
  virtual size_t close_object(std::span<char> room) = 0;

  [[nodiscard]] virtual uint64_t batch_records() const = 0;  ///< in the open batch
  [[nodiscard]] virtual uint64_t batch_bytes() const = 0;

  virtual size_t state_bytes_max() const = 0;
  virtual void save(StateWriter& out) const = 0;
  virtual bool load(StateReader& in) = 0;
};

/// What save() of any writer writes at most.
size_t writer_state_max();

/// Worst case: the writer, a PlanColumn for each column (with raw_records: one), and the header or the keys as they are written.
/// `columns_max` output columns, those that `*` stands for counted, with names of `names_bytes_max` bytes together.
size_t writer_memory_max(const WriterOptions& options, size_t columns_max, size_t names_bytes_max);
RecordWriter* make_writer(const WriterOptions& options, size_t columns_max, size_t names_bytes_max,
                          std::span<char> room);

}  // namespace weir

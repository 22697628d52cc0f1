// For tests of the writers: batches made by hand, and a driver that feeds a writer rooms of any size and keeps what
// came of it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "format/writer.hpp"
#include "record/value.hpp"

namespace weir::test {

/// A broken promise of the writer that no test may go on from.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "the writer broke its promise: %s\n", promise);
  std::abort();
}

using Fields = std::vector<std::optional<std::string>>;

/// A RecordBatch of raw fields; its window has just the padding that readers promise.
class TestBatch {
 public:
  struct Kind {
    FieldEncoding encoding = FieldEncoding::kPlain;
    char quote = '"';
    char escape = '"';
  };

  explicit TestBatch(std::vector<Kind> kinds) : kinds_(std::move(kinds)) {}

  void add(const Fields& fields, std::string_view record = {}) {
    std::vector<Slice> slices(kinds_.size());
    for (size_t c = 0; c < fields.size(); ++c) {
      if (fields[c]) slices[c] = append(*fields[c]);
    }
    fields_.push_back(slices);
    records_.push_back(append(record));
  }
  /// Valid until the next add() or batch().
  const RecordBatch& batch() {
    window_ = std::make_unique<char[]>(bytes_.size() + 64);
    std::memcpy(window_.get(), bytes_.data(), bytes_.size());
    std::memset(window_.get() + bytes_.size(), '"', 64);
    slices_.assign(kinds_.size(), {});
    columns_.clear();
    for (size_t c = 0; c < kinds_.size(); ++c) {
      for (const auto& row : fields_) slices_[c].push_back(row[c]);
      columns_.push_back({slices_[c].data(), kinds_[c].encoding, kinds_[c].quote, kinds_[c].escape});
    }
    batch_ = {};
    batch_.base = window_.get();
    batch_.rows = static_cast<uint32_t>(records_.size());
    batch_.records = records_.data();
    batch_.columns = columns_;
    return batch_;
  }
  [[nodiscard]] uint32_t rows() const { return static_cast<uint32_t>(records_.size()); }

 private:
  Slice append(std::string_view text) {
    const Slice slice{static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size())};
    bytes_ += text;
    return slice;
  }

  std::vector<Kind> kinds_;
  std::string bytes_;
  std::unique_ptr<char[]> window_;
  std::vector<std::vector<Slice>> fields_;
  std::vector<std::vector<Slice>> slices_;
  std::vector<Slice> records_;
  std::vector<Column> columns_;
  RecordBatch batch_;
};

/// A writer in memory of just its size.
class WriterBox {
 public:
  explicit WriterBox(const WriterOptions& options, size_t columns_max = 64, size_t names_bytes_max = 1024) {
    const size_t bytes = writer_memory_max(options, columns_max, names_bytes_max);
    room_.reset(static_cast<char*>(::operator new(bytes, std::align_val_t{64})));
    writer_ = make_writer(options, columns_max, names_bytes_max, {room_.get(), bytes});
  }
  RecordWriter& operator*() { return *writer_; }
  RecordWriter* operator->() { return writer_; }

 private:
  struct Free {
    void operator()(char* p) const { ::operator delete(p, std::align_val_t{64}); }
  };
  std::unique_ptr<char, Free> room_;
  RecordWriter* writer_ = nullptr;
};

/// What was written, and where it was cut.
struct Written {
  std::string bytes;
  std::vector<size_t> batch_ends;  ///< sizes of `bytes` when a batch was ended
  std::vector<size_t> unit_ends;  ///< and when a unit was full
  std::vector<std::pair<uint32_t, Code>> failed;
  std::vector<uint64_t> batch_records;
  bool operator==(const Written&) const = default;
};

/// Calls `use` with a room of `size` bytes; what stands behind it must stay.
inline size_t with_room(Written& written, size_t size, const std::function<size_t(std::span<char>)>& use) {
  const auto room = std::make_unique<char[]>(size + 64);
  std::memset(room.get(), 0x5a, size + 64);
  const size_t bytes = use({room.get(), size});
  require(bytes <= size, "no more bytes than the room has");
  for (size_t i = size; i < size + 64; ++i) require(room[i] == 0x5a, "nothing is written behind the room");
  written.bytes.append(room.get(), bytes);
  return bytes;
}

using RoomSizes = std::function<size_t()>;

inline RoomSizes huge_rooms() {
  return [] { return size_t{1} << 18; };
}
inline RoomSizes rooms_of(size_t size) {
  return [size] { return size; };
}
inline RoomSizes random_rooms(uint32_t seed, size_t least, size_t most) {
  auto random = std::make_shared<std::mt19937>(seed);
  return [=] { return std::uniform_int_distribution<size_t>(least, most)(*random); };
}

inline void drive_end_batch(RecordWriter& writer, Written& written, const RoomSizes& sizes) {
  if (writer.batch_records() == 0) return;
  written.batch_records.push_back(writer.batch_records());
  for (;;) {
    const size_t size = sizes();
    const size_t bytes = with_room(written, size, [&](std::span<char> room) { return writer.end_batch(room); });
    if (bytes < size) break;
  }
  require(writer.batch_records() == 0, "an ended batch has no records");
  written.batch_ends.push_back(written.bytes.size());
}

/// One batch's rows, as the engine writes them.
inline void drive_rows(RecordWriter& writer, const WriteRows& rows, Written& written, const RoomSizes& sizes,
                       uint64_t unit_bytes, uint64_t& unit_written) {
  uint32_t next = 0;
  for (int stuck = 0; stuck < 4;) {
    const uint64_t left = unit_bytes > unit_written ? unit_bytes - unit_written : 1;
    WriteResult result;
    with_room(written, sizes(), [&](std::span<char> room) {
      result = writer.write(rows, next, left, room);
      return result.bytes;
    });
    stuck = result.bytes == 0 && result.next == next && result.stop == WriteStop::kRoomFull ? stuck + 1 : 0;
    unit_written += result.bytes;
    next = result.next;
    switch (result.stop) {
      case WriteStop::kAllRows:
        require(next == rows.rows.size(), "all rows are all");
        return;
      case WriteStop::kRoomFull:
        break;
      case WriteStop::kBatchFull:
        drive_end_batch(writer, written, sizes);
        break;
      case WriteStop::kUnitFull:
        written.unit_ends.push_back(written.bytes.size());
        unit_written = 0;
        break;
      case WriteStop::kRowFailed:
        written.failed.emplace_back(next++, result.code);
        break;
    }
  }
  require(false, "it goes on");
}

struct Job {
  WriterOptions options;
  Schema schema;
  std::vector<WriteColumn> columns;
  std::vector<std::vector<Value>> computed;  ///< by column, one value a row
  std::vector<uint16_t> selected;  ///< empty: every row
  uint64_t unit_bytes = ~uint64_t{0};
};

/// The whole life of an object with one batch of rows.
inline Written run_job(const Job& job, TestBatch& batch, const RoomSizes& sizes = huge_rooms()) {
  Written written;
  WriterBox writer(job.options);
  const Status status = writer->begin(job.schema, job.columns);
  require(status.has_value(), "a job's columns can be written");
  writer->open_object();
  std::vector<uint16_t> selected = job.selected;
  for (uint16_t i = 0; job.selected.empty() && i < batch.rows(); ++i) selected.push_back(i);
  std::vector<Value> values;
  for (const auto& column : job.computed) {
    for (const uint16_t row : selected) values.push_back(column[row]);
  }
  WriteRows rows;
  rows.batch = &batch.batch();
  rows.rows = selected;
  rows.computed = values.data();
  rows.stride = static_cast<uint32_t>(selected.size());
  uint64_t unit_written = 0;
  drive_rows(*writer, rows, written, sizes, job.unit_bytes, unit_written);
  drive_end_batch(*writer, written, sizes);
  for (size_t bytes = 1; bytes != 0;) {
    bytes = with_room(written, sizes(), [&](std::span<char> room) { return writer->close_object(room); });
  }
  return written;
}

}  // namespace weir::test

#include "format/writer_core.hpp"

#include <cstring>

#include "format/csv_quote.hpp"

namespace weir {
namespace {

/// Of a record's bound, per column: a formatted number for a computed value; quotes or `null` for a field.
constexpr uint64_t kValueBytes = kNumberTextMax + 8;
constexpr uint64_t kFieldBytes = 8;
/// Frame and record end, and the room that is kept for a batch's end.
constexpr uint64_t kFrameBytes = 8;

}  // namespace

size_t text_bytes_max(WriterFormat format, size_t columns_max, size_t names_bytes_max) {
  // A key is `,"name":` with each byte escaped at worst; a header's name is quoted, with a delimiter, its quotes
  // doubled.
  const bool json = format == WriterFormat::kNdjson || format == WriterFormat::kJson;
  return (json ? kJsonEscapeFactor * names_bytes_max + 4 * columns_max : 2 * names_bytes_max + 3 * columns_max + 2) +
         kWideSlack;
}

char* encode_next(Body& body, char* out, size_t size_max) {
  switch (body.encoder) {
    case Encoder::kCopy:
      return body.runs.copy(out, size_max);
    case Encoder::kJson:
      return escape_json(body.runs.next(size_max), out).end;
    case Encoder::kCsv:
      return put_csv_doubled(out, body.runs.next(size_max));
  }
  return out;
}

char* encode_body(Body& body, char* out) {
  if (body.quoted) *out++ = '"';
  while (!body.runs.ended()) out = encode_next(body, out, ~uint32_t{0});
  if (body.quoted) *out++ = '"';
  return out;
}

WriterCore::WriterCore(const WriterOptions& options, std::span<PlanColumn> columns, size_t names_bytes_max,
                       std::span<char> texts)
    : options_(options),
      columns_(columns),
      texts_(texts),
      names_bytes_max_(names_bytes_max),
      records_max_(options.batch_records_max == 0 ? ~uint64_t{0} : options.batch_records_max),
      bytes_max_(options.batch_bytes_max == 0 ? ~uint64_t{0} : options.batch_bytes_max) {}

// --- the plan ----------------------------------------------------------------------------------------------------

std::string_view WriterCore::text_to(char* end) {
  char* const start = text_at();
  const auto size = static_cast<size_t>(end - start);
  WEIR_ASSERT(size <= texts_.size() - kWideSlack - texts_used_);
  texts_used_ += size;
  return {start, size};
}

Status WriterCore::add_column(PlanColumn::From from, uint32_t source, std::string_view name) {
  if (columns_used_ == columns_.size()) return fail(Code::kOutOfRange, "more output columns than planned");
  if (name.size() > names_bytes_max_ - names_bytes_) return fail(Code::kOutOfRange, "longer column names than planned");
  names_bytes_ += name.size();
  PlanColumn& column = columns_[columns_used_++];
  column = PlanColumn();
  column.from = from;
  column.source = source;
  column.key = name;
  return {};
}

/// `*` of an empty input, which has no columns: no header is written, and no record follows.
bool WriterCore::is_nothing(const Schema& schema, std::span<const WriteColumn> columns) const {
  if (!schema.fixed || !schema.names.empty() || columns.empty() || is_json()) return false;
  for (const WriteColumn& column : columns) {
    if (!column.star) return false;
  }
  return true;
}

Status WriterCore::begin(const Schema& schema, std::span<const WriteColumn> columns) {
  WEIR_ASSERT(!begun_);
  const bool raw = options_.raw_records && options_.format == WriterFormat::kCsv && schema.fixed &&
                   columns.size() == 1 && columns[0].star;
  columns_used_ = texts_used_ = names_bytes_ = 0;
  if (is_nothing(schema, columns)) {
    header_ = end_ = {};
    fixed_bytes_ = kFrameBytes + kWideSlack;
    begun_ = true;
    return {};
  }
  for (const WriteColumn& column : columns) {
    if (!column.star) {
      const bool computed = column.computed >= 0;
      WEIR_ASSERT(computed || column.field >= 0);
      WEIR_TRY(add_column(computed ? PlanColumn::From::kComputed : PlanColumn::From::kField,
                          static_cast<uint32_t>(computed ? column.computed : column.field), column.name));
    } else if (!schema.fixed || (schema.names.empty() && is_json())) {
      WEIR_TRY(add_column(PlanColumn::From::kRecord, 0, {}));
    } else if (raw) {
      for (const std::string_view name : schema.names) names_bytes_ += name.size();
      if (names_bytes_ > names_bytes_max_) return fail(Code::kOutOfRange, "longer column names than planned");
      if (text_bytes_max(options_.format, schema.names.size(), names_bytes_) > texts_.size()) {
        return fail(Code::kOutOfRange, "more output columns than planned");
      }
      WEIR_TRY(add_column(PlanColumn::From::kRawRecord, 0, {}));
    } else {
      for (uint32_t i = 0; i < schema.names.size(); ++i)
        WEIR_TRY(add_column(PlanColumn::From::kAll, i, schema.names[i]));
    }
  }
  if (columns_used_ == 0 || (raw && schema.names.empty())) {
    return fail(Code::kContradiction, "there is no column to write");
  }
  WEIR_TRY(compile(schema));
  fixed_bytes_ = kFrameBytes + kWideSlack;
  for (const PlanColumn& column : this->columns()) {
    fixed_bytes_ += column.key.size() + (column.from == PlanColumn::From::kComputed ? kValueBytes : kFieldBytes);
  }
  begun_ = true;
  return {};
}

void WriterCore::bind(const WriteRows& rows) {
  batch_ = rows.batch;
  WEIR_ASSERT(batch_ != nullptr || rows.rows.empty());
  if (rows.rows.empty()) return;
  for (PlanColumn& column : columns()) {
    switch (column.from) {
      case PlanColumn::From::kComputed:
        column.op = ColumnOp::kValue;
        column.values = rows.computed + size_t{column.source} * rows.stride;
        break;
      case PlanColumn::From::kRecord:
      case PlanColumn::From::kRawRecord:
        column.op = column.from == PlanColumn::From::kRecord ? ColumnOp::kRecord : ColumnOp::kRawRecord;
        column.slices = batch_->records;
        break;
      case PlanColumn::From::kField:
      case PlanColumn::From::kAll: {
        const uint32_t at = column.source + (column.from == PlanColumn::From::kAll ? batch_->all_first : 0);
        WEIR_ASSERT(at < batch_->columns.size());
        const Column& field = batch_->columns[at];
        switch (field.encoding) {
          case FieldEncoding::kPlain:
            column.op = ColumnOp::kText;
            break;
          case FieldEncoding::kCsv:
            column.op = field.quote == 0 ? ColumnOp::kText : ColumnOp::kCsv;
            break;
          case FieldEncoding::kJson:
            column.op = ColumnOp::kJson;
            break;
          case FieldEncoding::kBytes:
            column.op = ColumnOp::kBytes;
            break;
        }
        column.slices = field.slices;
        column.quote = field.quote;
        column.escape = field.escape;
        break;
      }
    }
    column.factor = factor(column.op);
  }
}

/// Bytes that the record can't pass, with the slack that wide stores need and the end of the batch.
uint64_t WriterCore::bound(uint32_t row, uint32_t index) const {
  uint64_t bytes = fixed_bytes_;
  for (const PlanColumn& column : columns_.first(columns_used_)) {
    const uint32_t size = column.op == ColumnOp::kValue ? column.values[index].size : column.slices[row].size;
    bytes += uint64_t{size} * column.factor;
  }
  return bytes;
}

// --- frame -------------------------------------------------------------------------------------------------------

void WriterCore::open_object() {
  WEIR_ASSERT(!cursor_.active && batch_records_ == 0);
  object_open_ = true;
  object_used_ = false;
  header_owed_ = options_.format == WriterFormat::kCsv && options_.header;
  header_at_ = 0;
  batch_bytes_ = 0;
}

/// Writes what stands before the next record: the rest of an ended batch, the header.
char* WriterCore::put_owed(char* out, const char* end) {
  if (!batch_tail_.empty()) {
    const auto left = static_cast<size_t>(end - out);
    const std::string_view piece = batch_tail_.substr(0, left);
    out = copy_exact(out, piece);
    batch_tail_.remove_prefix(piece.size());
  }
  if (header_owed_ && begun_) {
    const std::string_view piece = header_.substr(header_at_, static_cast<size_t>(end - out));
    out = copy_exact(out, piece);
    header_at_ += piece.size();
    batch_bytes_ += piece.size();
    header_owed_ = header_at_ != header_.size();
  }
  return out;
}

void WriterCore::close_batch() {
  WEIR_ASSERT(!cursor_.active);
  if (batch_records_ == 0) return;
  WEIR_ASSERT(batch_tail_.empty());
  batch_tail_ = batch_close_;
  batch_records_ = batch_bytes_ = 0;
}

size_t WriterCore::end_batch(std::span<char> room) {
  close_batch();
  const std::string_view piece = batch_tail_.substr(0, room.size());
  copy_exact(room.data(), piece);
  batch_tail_.remove_prefix(piece.size());
  return piece.size();
}

size_t WriterCore::close_object(std::span<char> room) {
  close_batch();
  if (object_open_ && !object_used_ && options_.format == WriterFormat::kJson) batch_tail_ = "[]\n";
  object_open_ = false;
  return static_cast<size_t>(put_owed(room.data(), room.data() + room.size()) - room.data());
}

void WriterCore::save(StateWriter& out) const {
  WEIR_ASSERT(!cursor_.active);
  out.put(batch_records_);
  out.put(batch_bytes_);
  out.put(header_at_);
  out.put(static_cast<uint8_t>(batch_tail_.size()));
  out.put(static_cast<uint8_t>(header_owed_));
  out.put(static_cast<uint8_t>((object_open_ ? 1 : 0) | (object_used_ ? 2 : 0)));
}

bool WriterCore::load(StateReader& in) {
  static constexpr std::string_view kTail = "[]\n";  // every batch end is the end of this
  batch_records_ = in.get<uint64_t>();
  batch_bytes_ = in.get<uint64_t>();
  header_at_ = in.get<uint64_t>();
  const auto tail = in.get<uint8_t>();
  const auto owed = in.get<uint8_t>();
  const auto flags = in.get<uint8_t>();
  if (!in.ok() || tail > kTail.size() || owed > 1 || flags > 3 || (begun_ && header_at_ > header_.size())) return false;
  batch_tail_ = kTail.substr(kTail.size() - tail);
  header_owed_ = owed != 0;
  object_open_ = (flags & 1) != 0;
  object_used_ = (flags & 2) != 0;
  return true;
}

// --- pieces ------------------------------------------------------------------------------------------------------

void WriterCore::start_piece(uint32_t row, uint32_t index) {
  PieceCursor& cursor = cursor_;
  cursor.active = false;
  cursor.phase = PieceCursor::Phase::kFrame;
  cursor.any = false;
  cursor.index = index;
  cursor.row = row;
  cursor.column = 0;
  cursor.key_done = 0;
  cursor.written = 0;
  cursor.carry_begin = cursor.carry_end = 0;
}

/// Makes the next piece of the record at `out`, where kPieceOut + kWideSlack bytes are. 0 at the end, or with `code`.
size_t WriterCore::produce(char* out, Code& code) {
  PieceCursor& cursor = cursor_;
  using Phase = PieceCursor::Phase;
  for (;;) {
    switch (cursor.phase) {
      case Phase::kFrame:
        cursor.phase = Phase::kKey;
        if (!frame().empty()) return static_cast<size_t>(copy_exact(out, frame()) - out);
        break;
      case Phase::kKey: {
        if (cursor.column == columns_used_) {
          cursor.phase = Phase::kEnd;
          break;
        }
        const PlanColumn& column = columns_[cursor.column];
        if (cursor.key_done == 0) {
          code = resolve(column, cursor.row, cursor.index, cursor.body);
          if (code != Code::kOk) return 0;
          if (cursor.body.nothing) {
            ++cursor.column;
            break;
          }
        }
        const std::string_view piece = column.key.substr(cursor.key_done, PieceCursor::kPieceOut);
        copy_exact(out, piece);
        if (patched_ && cursor.key_done == 0) out[0] = cursor.any ? ',' : '{';
        cursor.key_done += piece.size();
        if (cursor.key_done == column.key.size()) cursor.phase = Phase::kOpen;
        if (!piece.empty()) return piece.size();
        break;
      }
      case Phase::kOpen:
        cursor.any = true;
        cursor.phase = Phase::kBody;
        if (cursor.body.quoted) {
          *out = '"';
          return 1;
        }
        break;
      case Phase::kBody: {
        if (!cursor.body.runs.ended()) {
          const auto size = static_cast<size_t>(encode_next(cursor.body, out, PieceCursor::kPieceIn) - out);
          if (size != 0) return size;
          break;
        }
        cursor.phase = Phase::kKey;
        cursor.key_done = 0;
        ++cursor.column;
        if (cursor.body.quoted) {
          *out = '"';
          return 1;
        }
        break;
      }
      case Phase::kEnd: {
        cursor.phase = Phase::kDone;
        char* const start = out;
        if (patched_ && !cursor.any) *out++ = '{';
        out = copy_exact(out, end_);
        if (out != start) return static_cast<size_t>(out - start);
        break;
      }
      case Phase::kDone:
        return 0;
    }
  }
}

WriterCore::Measured WriterCore::measure(uint32_t row, uint32_t index) {
  Measured measured;
  start_piece(row, index);
  while (const size_t size = produce(cursor_.carry, measured.code)) measured.size += size;
  return measured;
}

Code WriterCore::write_by_pieces(uint32_t row, uint32_t index, char*& out) {
  Code code = Code::kOk;
  start_piece(row, index);
  while (const size_t size = produce(out, code)) out += size;
  return code;
}

/// Goes on with the started record; false when the room is full before its end.
bool WriterCore::pump(char*& out, const char* end) {
  PieceCursor& cursor = cursor_;
  const char* const start = out;
  Code code = Code::kOk;
  cursor.active = true;
  for (;;) {
    if (cursor.carry_begin != cursor.carry_end) {
      const auto left = static_cast<size_t>(end - out);
      const size_t size = cursor.carry_end - cursor.carry_begin;
      const size_t take = size < left ? size : left;
      out = copy_exact(out, {cursor.carry + cursor.carry_begin, take});
      cursor.carry_begin += static_cast<uint32_t>(take);
      if (take < size) break;
    }
    if (static_cast<size_t>(end - out) >= sizeof cursor.carry) {
      const size_t size = produce(out, code);
      cursor.active = size != 0;
      out += size;
    } else {
      cursor.carry_begin = 0;
      cursor.carry_end = static_cast<uint32_t>(produce(cursor.carry, code));
      cursor.active = cursor.carry_end != 0;
    }
    if (!cursor.active) break;
  }
  WEIR_ASSERT(code == Code::kOk);  // the measuring pass went through
  cursor.written += static_cast<uint64_t>(out - start);
  return !cursor.active;
}

/// A record whose bound does not fit. kAllRows: it was written.
WriteStop WriterCore::write_slowly(uint32_t row, uint32_t index, const char* begin, char*& out, const char* end,
                                   Code& code) {
  const Measured measured = measure(row, index);
  code = measured.code;
  if (code != Code::kOk) return WriteStop::kRowFailed;
  if (too_large_for_batch(measured.size)) return WriteStop::kBatchFull;
  const auto left = static_cast<uint64_t>(end - out);
  if (measured.size + (options_.whole_records ? batch_close_.size() : 0) > left &&
      (options_.whole_records || out != begin)) {
    return WriteStop::kRoomFull;
  }
  start_piece(row, index);
  return pump(out, end) ? WriteStop::kAllRows : WriteStop::kRoomFull;
}

}  // namespace weir

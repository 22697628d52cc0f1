#include "format/csv_reader.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.hpp"
#include "format/reader_room.hpp"
#include "record/column_names.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

constexpr size_t kGeneratedNameBytes = 6;  // `_65536`

}  // namespace

uint32_t CsvReader::entries_max(const ReaderOptions& options) {
  return std::max(kEntriesMax, options.csv.columns_max + 256);
}

uint32_t CsvReader::slices_max(const ReaderOptions& options, const Projection& projection) {
  const auto paths = static_cast<uint32_t>(projection.paths.size());
  const uint32_t columns = paths + (projection.all && !options.raw_only ? options.csv.columns_max : 0);
  return std::max(columns, static_cast<uint32_t>(std::min<uint64_t>(uint64_t{kRowsMax} * columns, kSlicesMax)));
}

size_t CsvReader::memory_max(const ReaderOptions& options, const Projection& projection) {
  const bool all = projection.all && !options.raw_only;
  const size_t columns = projection.paths.size() + (all ? options.csv.columns_max : 0);
  const size_t names_text = options.csv.header_bytes_max + kGeneratedNameBytes * options.csv.columns_max;
  return Arena::aligned(sizeof(CsvReader)) +
         Arena::aligned(Window::memory_max(options.window_bytes, options.record_bytes_max)) +
         Arena::array_bytes<uint32_t>(entries_max(options)) + Arena::array_bytes<uint32_t>(kRowsMax + 64) +
         Arena::array_bytes<std::string_view>(options.csv.columns_max) + Arena::aligned(names_text) +
         Arena::array_bytes<int32_t>(columns) + Arena::array_bytes<Column>(columns) +
         Arena::array_bytes<Slice>(slices_max(options, projection)) + Arena::array_bytes<Slice>(kRowsMax) +
         3 * Arena::array_bytes<uint32_t>(kRowsMax) + Arena::aligned(kRejectHeadMax);
}

Result<RecordReader*> CsvReader::make(const ReaderOptions& options, const Projection& projection,
                                      std::span<char> room) {
  for (const FieldPath& path : projection.paths) {
    if (path.steps.size() > 1) return fail(Code::kUnknownColumn, "CSV has no nested fields");
  }
  Arena arena(room);
  RecordReader* reader = new (arena.take(sizeof(CsvReader)).data()) CsvReader(options, projection, arena);
  return reader;
}

CsvReader::CsvReader(const ReaderOptions& options, const Projection& projection, Arena& arena)
    : options_(options), projection_(projection) {
  const CsvOptions& csv = options.csv;
  dialect_ = {csv.delimiter, csv.quote, csv.escape == csv.quote ? '\0' : csv.escape, csv.comment};
  scan_ = choose_csv_scan(dialect_);
  const bool all = projection.all && !options.raw_only;
  const size_t columns = projection.paths.size() + (all ? csv.columns_max : 0);
  window_.attach(arena.take(Window::memory_max(options.window_bytes, options.record_bytes_max)), options.window_bytes);
  index_.entries_max = entries_max(options);
  index_.entries = arena.take_array<uint32_t>(index_.entries_max).data();
  index_.ends_max = kRowsMax + 64;
  index_.ends = arena.take_array<uint32_t>(index_.ends_max).data();
  names_ = arena.take_array<std::string_view>(csv.columns_max);
  names_text_ = arena.take(csv.header_bytes_max + kGeneratedNameBytes * csv.columns_max);
  projected_ = arena.take_array<int32_t>(columns);
  columns_ = arena.take_array<Column>(columns);
  slices_ = arena.take_array<Slice>(slices_max(options, projection));
  records_ = arena.take_array<Slice>(kRowsMax);
  record_ends_ = arena.take_array<uint32_t>(kRowsMax);
  row_first_ = arena.take_array<uint32_t>(kRowsMax);
  row_fields_ = arena.take_array<uint32_t>(kRowsMax);
  skip_head_ = arena.take(kRejectHeadMax);
  begin_source(0);
}

void CsvReader::begin_source(uint32_t source) {
  source_ = source;
  window_.reset();
  restart_scan(0, CsvScanState::kRecordStart);
  last_closed_ = bom_done_ = header_done_ = failed_ = false;
  record_number_ = 0;
  skip_ = Skip::kNone;
  reject_count_ = 0;
}

void CsvReader::restart_scan(size_t at, CsvScanState state) {
  index_.count = index_.end_count = 0;
  index_.feeds_only = false;
  next_end_ = next_entry_ = 0;
  scanned_ = record_begin_ = at;
  scan_state_ = state;
}

Error CsvReader::at(Code code, uint64_t decoded_byte) const {
  Error error(code);
  error.source = source_;
  error.byte = decoded_byte;
  error.record = record_number_;
  return error;
}

// Indexes further bytes. Delivered entries are dropped first. False when nothing more can be indexed now.
bool CsvReader::scan_more() {
  if (next_entry_ != 0) {
    const uint32_t left = index_.count - next_entry_;
    if (!index_.feeds_only) std::memmove(index_.entries, index_.entries + next_entry_, left * sizeof(uint32_t));
    index_.count = left;
    next_entry_ = 0;
  }
  index_.end_count = next_end_ = 0;
  index_.feeds_only = header_done_ && columns_.empty();  // what is left over counts, and is not looked at any more
  const size_t before = scanned_;
  // Scans to the last byte, so that no record waits for bytes behind it. A comment's prefix must be whole to be told.
  const bool to_the_end = window_.closed() || dialect_.comment.empty();
  scanned_ = scan_(window_.base(), scanned_, window_.end(), to_the_end, dialect_, scan_state_, index_);
  return scanned_ != before;
}

Code CsvReader::check_bytes(std::string_view record) const {
  if (options_.reject_nul && std::memchr(record.data(), 0, record.size()) != nullptr) return Code::kNulByte;
  if (options_.reject_invalid_utf8 && utf8_valid_prefix(record) != record.size()) return Code::kBadUtf8;
  return Code::kOk;
}

void CsvReader::add_reject(Code code, uint32_t begin, uint32_t end_with_terminator, uint32_t a, uint32_t b) {
  ReaderReject& reject = rejects_[reject_count_++];
  reject = ReaderReject{};
  reject.code = code;
  reject.decoded_byte = window_.base_decoded_byte() + begin;
  reject.size = end_with_terminator - begin;
  reject.head = {window_.base() + begin, std::min<size_t>(reject.size, kRejectHeadMax)};
  reject.detail_a = a;
  reject.detail_b = b;
}

Step CsvReader::read(RecordBatch& batch, Error& error) {
  WEIR_ASSERT(!failed_);
  reject_count_ = 0;
  const auto failed = [&](const Error& e) {
    error = e;
    if (error.source == ~uint32_t{0}) error.source = source_;
    failed_ = true;
    return Step::kFailed;
  };

  if (!bom_done_) {
    const std::string_view head = window_.bytes();
    if (head.size() < 3 && !window_.closed()) return Step::kNeedInput;
    if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) return failed(at(Code::kUtf16, 0));
    if (head.starts_with("\xef\xbb\xbf")) {
      window_.consume_to(window_.begin() + 3);
      restart_scan(window_.begin(), CsvScanState::kRecordStart);
    }
    bom_done_ = true;
    if (!schema_known_ && !options_.csv.columns.empty()) {
      Status named = name_columns(0, 0, 0, 0);
      schema_known_ = true;
      if (named) named = resolve_projection();
      if (!named) return failed(named.error());
    }
  }

  for (;;) {
    if (skip_ != Skip::kNone) {
      bool has_failed = false;
      if (skip_on(error, has_failed)) {
        add_skip_reject();
        return deliver(batch, 0, record_begin_);
      }
      if (has_failed) {
        failed_ = true;
        return Step::kFailed;
      }
      window_.compact();
      restart_scan(window_.begin(), scan_state_);
      return Step::kNeedInput;
    }
    if (next_end_ < index_.end_count) {
      const Step step = fill(batch, error);
      if (step == Step::kFailed) failed_ = true;
      if (step != Step::kNeedInput) return step;
      continue;
    }
    // No whole record is indexed.
    if (scan_more()) {
      if (index_.end_count != 0) continue;
      if (scanned_ < window_.end() && (index_.feeds_only || index_.count + 64 <= index_.entries_max)) continue;
    }
    const uint32_t pending = index_.count - next_entry_;
    // A record this large, or of this many fields, can't be a good one: pass over it.
    const bool many = pending > options_.csv.columns_max;
    const bool large = scanned_ - record_begin_ > options_.record_bytes_max;
    // Whether a quote is open at the cap is told from the first record_bytes_max bytes: with too many columns, wait
    // for those.
    if (large || (many && (window_.closed() || window_.end() - record_begin_ > options_.record_bytes_max))) {
      const Code reason = many ? Code::kTooManyColumns : Code::kRecordTooLarge;
      if (Status started = start_skip(record_begin_, reason); !started) return failed(started.error());
      continue;
    }
    if (!window_.closed()) {
      window_.consume_to(record_begin_);
      const size_t shift = window_.compact();
      record_begin_ -= shift;
      scanned_ -= shift;
      for (uint32_t i = next_entry_; i < index_.count && !index_.feeds_only; ++i)
        index_.entries[i] -= static_cast<uint32_t>(shift);
      return Step::kNeedInput;
    }
    if (scanned_ < window_.end()) continue;
    if (record_begin_ == window_.end()) {
      window_.consume_to(window_.end());
      if (!schema_known_) schema_ = {{}, true};  // an empty input has no columns
      return Step::kFinished;
    }
    if (scan_state_ == CsvScanState::kQuoted || scan_state_ == CsvScanState::kEscapedQuoted) {
      // The input ends inside quotes.
      if (!options_.csv.resync) {
        return failed(at(Code::kUnclosedQuote, window_.base_decoded_byte() + open_quote(record_begin_, window_.end())));
      }
      if (Status started = start_skip(record_begin_, Code::kUnclosedQuoteSkipped); !started)
        return failed(started.error());
      continue;
    }
    // The last record has no terminator: its end is the input's end.
    WEIR_ASSERT(!last_closed_);
    last_closed_ = true;
    index_.entries[index_.feeds_only ? index_.end_count : index_.count] = static_cast<uint32_t>(window_.end());
    index_.ends[index_.end_count++] = index_.count++;
    scan_state_ = CsvScanState::kRecordStart;
  }
}

// Rows of the records that follow, up to one that wants a look: whole, not empty, and of the right number of fields,
// which is why row_fields_ isn't written. With kFeedsOnly no column is gathered, and row_first_ isn't either.
// Not inlined, and members are held in registers, since what is stored could be any of them.
template <bool kFeedsOnly>
[[gnu::noinline]] uint32_t CsvReader::fill_plain(uint32_t rows, uint32_t rows_max) {
  const char* const base = window_.base();
  const uint32_t* const ends = index_.ends + next_end_;
  // Where the record's line feed stands, by its number or by its entry's.
  const uint32_t* const feeds = index_.entries + (kFeedsOnly ? next_end_ : 0);
  const uint32_t record_bytes_max = options_.record_bytes_max;
  const uint32_t delimiters = std::min(fields_, options_.csv.columns_max) - 1;
  // A last record that no line feed ends is not for here.
  const uint32_t rows_here = std::min(index_.end_count - next_end_ - last_closed_, rows_max - rows);
  Slice* const records = records_.data() + rows;
  uint32_t* const record_ends = record_ends_.data() + rows;
  uint32_t* const row_first = row_first_.data() + rows;
  uint32_t first = next_entry_;
  auto begin = static_cast<uint32_t>(record_begin_);
  uint32_t i = 0;
  for (; i < rows_here; ++i) {
    const uint32_t last = ends[i];
    const uint32_t feed = feeds[kFeedsOnly ? i : last];
    const uint32_t size = feed - begin;
    // One comparison for "empty" and "too large".
    if (last - first != delimiters || size - 1 >= record_bytes_max) [[unlikely]]
      break;
    const uint32_t content = size - (base[feed - 1] == '\r');
    if (content == 0) [[unlikely]]
      break;
    records[i] = {begin, content};
    if constexpr (!kFeedsOnly) row_first[i] = first;
    first = last + 1;
    begin = feed + 1;
    record_ends[i] = begin;
  }
  next_end_ += i;
  next_entry_ = first;
  record_begin_ = begin;
  return rows + i;
}

// Turns indexed records into a batch. kNeedInput: nothing came of it (blank lines, a header), go on.
Step CsvReader::fill(RecordBatch& batch, Error& error) {
  const char* base = window_.base();
  const uint32_t* entries = index_.entries;
  uint32_t rows = 0;
  uint32_t rows_max = kRowsMax;
  bool padded = false;
  const bool checks = options_.reject_nul || options_.reject_invalid_utf8;

  const bool plain = header_done_ && !checks && dialect_.comment.empty();

  if (columns_resolved_ && !columns_.empty()) {
    const auto columns =
        static_cast<uint32_t>(projection_.paths.size() + (projection_.all && !options_.raw_only ? fields_ : 0));
    if (columns != 0) rows_max = std::clamp<uint32_t>(static_cast<uint32_t>(slices_.size()) / columns, 1, kRowsMax);
  }

  while (next_end_ < index_.end_count && rows < rows_max && reject_count_ < kReaderRejectsMax) {
    if (plain) {
      const uint32_t before = rows;
      rows = index_.feeds_only ? fill_plain<true>(rows, rows_max) : fill_plain<false>(rows, rows_max);
      if (padded) std::fill(row_fields_.data() + before, row_fields_.data() + rows, fields_);
    }
    if (next_end_ == index_.end_count || rows == rows_max) break;
    const uint32_t first = next_entry_;
    const uint32_t last = index_.ends[next_end_];
    const auto begin = static_cast<uint32_t>(record_begin_);
    const uint32_t feed = entries[index_.feeds_only ? next_end_ : last];
    const bool terminated = feed < window_.end();
    const uint32_t next = terminated ? feed + 1 : feed;
    uint32_t end = feed;
    if (end > begin && base[end - 1] == '\r') --end;
    const uint32_t fields = last - first + 1;

    const auto advance = [&] {
      ++next_end_;
      next_entry_ = last + 1;
      record_begin_ = next;
    };

    if (feed - begin > options_.record_bytes_max || fields > options_.csv.columns_max) [[unlikely]] {
      // Deliver what stands before it first: passing over it restarts the index.
      if (rows != 0 || reject_count_ != 0) break;
      const Code reason = fields > options_.csv.columns_max ? Code::kTooManyColumns : Code::kRecordTooLarge;
      if (Status started = start_skip(begin, reason); !started) {
        error = started.error();
        return Step::kFailed;
      }
      return Step::kNeedInput;
    }
    if (end == begin && fields == 1) {  // an empty line
      advance();
      continue;
    }
    if (!dialect_.comment.empty() && fields == 1 &&
        std::string_view(base + begin, end - begin).starts_with(dialect_.comment)) {
      advance();
      continue;
    }
    if (!header_done_) [[unlikely]] {
      const uint32_t next_entry_before = next_entry_;
      if (Status taken = take_header(first, last, begin, end); !taken) {
        error = taken.error();
        if (error.source == ~uint32_t{0}) error.source = source_;
        return Step::kFailed;
      }
      WEIR_ASSERT(next_entry_before == next_entry_);
      if (options_.csv.header) {
        advance();
        return Step::kNeedInput;
      }
      return Step::kNeedInput;  // rows_max is known now
    }
    if (fields != fields_) [[unlikely]] {
      if (options_.csv.ragged == CsvOptions::Ragged::kPad && fields < fields_) {
        if (!padded) std::fill_n(row_fields_.data(), rows, fields_);  // those before it
        padded = true;
      } else if (options_.csv.ragged == CsvOptions::Ragged::kError) {
        if (rows != 0 || reject_count_ != 0) break;
        error = at(Code::kRaggedStop, window_.base_decoded_byte() + begin);
        error.detail.append("found ").append_number(fields).append(", expected ").append_number(fields_);
        return Step::kFailed;
      } else {
        add_reject(Code::kRaggedRow, begin, next, fields, fields_);
        rejects_[reject_count_ - 1].rows_before = rows;
        advance();
        continue;
      }
    }
    if (checks) {
      const Code code = check_bytes({base + begin, end - begin});
      if (code != Code::kOk) {
        add_reject(code, begin, next, 0, 0);
        rejects_[reject_count_ - 1].rows_before = rows;
        advance();
        continue;
      }
    }
    records_[rows] = {begin, end - begin};
    record_ends_[rows] = next;
    row_first_[rows] = first;
    row_fields_[rows] = fields;
    ++rows;
    advance();
  }
  if (rows == 0 && reject_count_ == 0) return Step::kNeedInput;
  gather(rows, padded);
  return deliver(batch, rows, record_begin_);
}

// Fills the columns' slices of `rows` rows from the index.
void CsvReader::gather(uint32_t rows, bool padded) {
  const uint32_t* entries = index_.entries;
  const auto paths = static_cast<uint32_t>(projection_.paths.size());
  const uint32_t columns = paths + (projection_.all && !options_.raw_only ? fields_ : 0);
  const auto stride = columns == 0 ? 0 : std::min<uint32_t>(kRowsMax, static_cast<uint32_t>(slices_.size()) / columns);
  for (uint32_t c = 0; c < columns; ++c) {
    Slice* out = slices_.data() + static_cast<size_t>(c) * stride;
    const uint32_t field = c < paths ? static_cast<uint32_t>(projected_[c]) : c - paths;
    columns_[c].slices = out;
    const bool is_first = field == 0;
    const bool is_last = field + 1 == fields_;
    if (padded) {
      for (uint32_t r = 0; r < rows; ++r) {
        if (field >= row_fields_[r]) {
          out[r] = Slice{};
          continue;
        }
        const uint32_t begin = is_first ? records_[r].offset : entries[row_first_[r] + field - 1] + 1;
        const uint32_t end =
            field + 1 == row_fields_[r] ? records_[r].offset + records_[r].size : entries[row_first_[r] + field];
        out[r] = {begin, end - begin};
      }
    } else if (is_first && is_last) {
      for (uint32_t r = 0; r < rows; ++r) out[r] = records_[r];
    } else if (is_first) {
      for (uint32_t r = 0; r < rows; ++r) out[r] = {records_[r].offset, entries[row_first_[r]] - records_[r].offset};
    } else if (is_last) {
      for (uint32_t r = 0; r < rows; ++r) {
        const uint32_t begin = entries[row_first_[r] + field - 1] + 1;
        out[r] = {begin, records_[r].offset + records_[r].size - begin};
      }
    } else {
      for (uint32_t r = 0; r < rows; ++r) {
        const uint32_t* at = entries + row_first_[r] + field;
        out[r] = {at[-1] + 1, at[0] - at[-1] - 1};
      }
    }
  }
}

Step CsvReader::deliver(RecordBatch& batch, uint32_t rows, size_t next_begin) {
  const auto paths = projection_.paths.size();
  batch = RecordBatch{};
  batch.base = window_.base();
  batch.base_decoded_byte = window_.base_decoded_byte();
  batch.source = source_;
  batch.first_record = record_number_;
  batch.rows = rows;
  batch.records = records_.data();
  batch.record_ends = record_ends_.data();
  batch.columns = {columns_.data(),
                   columns_resolved_ ? paths + (projection_.all && !options_.raw_only ? fields_ : 0) : 0};
  batch.all_first = static_cast<uint32_t>(paths);
  batch.rejects = {rejects_, reject_count_};
  batch.end_decoded_byte = window_.base_decoded_byte() + next_begin;
  record_number_ += rows + reject_count_;
  window_.consume_to(next_begin);
  return Step::kHaveOutput;
}

// --- header and schema ---------------------------------------------------------------------------------------------

Status CsvReader::take_header(uint32_t first, uint32_t last, uint32_t begin, uint32_t end) {
  header_done_ = true;
  const bool has_names = options_.csv.header && options_.csv.columns.empty();
  if (has_names && end - begin > options_.csv.header_bytes_max)
    return fail(at(Code::kHeaderTooLarge, window_.base_decoded_byte() + begin));
  if (!schema_known_) {
    WEIR_TRY(name_columns(first, last, begin, end));
    schema_known_ = true;
    return resolve_projection();
  }
  if (!has_names) return {};
  // A later input: the same names in the same order.
  const uint32_t fields = last - first + 1;
  bool same = fields == fields_;
  uint32_t from = begin;
  char* scratch = names_text_.data() + names_text_used_;
  const size_t scratch_size = names_text_.size() - names_text_used_;
  for (uint32_t i = 0; same && i < fields; ++i) {
    const uint32_t to = i + 1 == fields ? end : index_.entries[first + i];
    const std::string_view raw(window_.base() + from, to - from);
    std::string_view name = raw;
    if (!raw.empty() && raw[0] == dialect_.quote && dialect_.quote != 0) {
      if (raw.size() > scratch_size) return fail(at(Code::kHeaderTooLarge, window_.base_decoded_byte() + begin));
      name = {scratch,
              decode_csv(raw, dialect_.quote, dialect_.escape != 0 ? dialect_.escape : dialect_.quote, scratch)};
    }
    same = name == names_[i] || (name.empty() && names_[i].starts_with('_'));
    from = to + 1;
  }
  if (!same) return fail(at(Code::kHeaderDiffers, window_.base_decoded_byte() + begin));
  return {};
}

Status CsvReader::name_columns(uint32_t first, uint32_t last, uint32_t begin, uint32_t end) {
  const CsvOptions& csv = options_.csv;
  const auto add_generated = [&](uint32_t i) {
    FixedText<8> name;
    name.append('_').append_number(i + 1);
    char* at = names_text_.data() + names_text_used_;
    std::memcpy(at, name.view().data(), name.view().size());
    names_text_used_ += name.view().size();
    names_[i] = {at, name.view().size()};
  };
  if (!csv.columns.empty()) {
    fields_ = static_cast<uint32_t>(csv.columns.size());
    for (uint32_t i = 0; i < fields_; ++i) names_[i] = csv.columns[i];
  } else {
    fields_ = last - first + 1;
    uint32_t from = begin;
    for (uint32_t i = 0; i < fields_; ++i) {
      const uint32_t to = i + 1 == fields_ ? end : index_.entries[first + i];
      const std::string_view raw(window_.base() + from, to - from);
      from = to + 1;
      if (!csv.header || raw.empty()) {
        add_generated(i);
        continue;
      }
      char* at = names_text_.data() + names_text_used_;
      const size_t size = decode_csv(raw, dialect_.quote, dialect_.escape != 0 ? dialect_.escape : dialect_.quote, at);
      names_text_used_ += size;
      names_[i] = {at, size};
    }
  }
  schema_ = {std::span<const std::string_view>(names_.data(), fields_), true};
  return {};
}

Status CsvReader::resolve_projection() {
  const auto paths = static_cast<uint32_t>(projection_.paths.size());
  for (uint32_t c = 0; c < paths; ++c) {
    const Result<uint32_t> found = find_column(projection_.paths[c], {names_.data(), fields_});
    if (!found) return fail(found.error());
    projected_[c] = static_cast<int32_t>(*found);
  }
  const auto columns = paths + (projection_.all && !options_.raw_only ? fields_ : 0);
  for (uint32_t c = 0; c < columns; ++c) {
    columns_[c] = Column{};
    columns_[c].encoding = dialect_.quote != 0 || dialect_.escape != 0 ? FieldEncoding::kCsv : FieldEncoding::kPlain;
    columns_[c].quote = dialect_.quote;
    columns_[c].escape = dialect_.escape != 0 ? dialect_.escape : dialect_.quote;
  }
  columns_resolved_ = true;
  return {};
}

// --- state ---------------------------------------------------------------------------------------------------------

void CsvReader::save(StateWriter& out) const {
  save_position(out, source_, record_number_, window_);
  out.put(static_cast<uint8_t>(bom_done_ | header_done_ << 1));
  out.put(static_cast<uint8_t>(skip_));
  if (skip_ == Skip::kNone) return;
  out.put(static_cast<uint16_t>(skip_reason_));
  out.put(static_cast<uint8_t>(skip_state_));
  out.put(skip_begin_byte_);
  out.put(skip_size_);
  out.put(skip_quote_byte_);
  out.put(skip_fields_);
  skip_hash_.save(out);
  out.text({skip_head_.data(), skip_head_size_});
}

bool CsvReader::load(StateReader& in) {
  if (!load_position(in, source_, record_number_, window_)) return false;
  restart_scan(0, CsvScanState::kRecordStart);
  last_closed_ = failed_ = false;
  reject_count_ = 0;
  const auto flags = in.get<uint8_t>();
  bom_done_ = (flags & 1) != 0;
  header_done_ = (flags & 2) != 0;
  const auto skip = in.get<uint8_t>();
  if (!in.ok() || flags > 3 || skip > static_cast<uint8_t>(Skip::kLine)) return false;
  skip_ = static_cast<Skip>(skip);
  if (skip_ == Skip::kNone) return true;
  skip_reason_ = static_cast<Code>(in.get<uint16_t>());
  const auto state = in.get<uint8_t>();
  if (state > static_cast<uint8_t>(CsvScanState::kComment)) return false;
  skip_state_ = static_cast<CsvScanState>(state);
  skip_begin_byte_ = in.get<uint64_t>();
  skip_size_ = in.get<uint64_t>();
  skip_quote_byte_ = in.get<uint64_t>();
  skip_fields_ = in.get<uint32_t>();
  if (!skip_hash_.load(in)) return false;
  const std::string_view head = in.text();
  if (!in.ok() || head.size() > skip_head_.size()) return false;
  std::memcpy(skip_head_.data(), head.data(), head.size());
  skip_head_size_ = static_cast<uint32_t>(head.size());
  return true;
}

}  // namespace weir

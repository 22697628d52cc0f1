// CsvReader: CSV and its relatives by RFC 4180, and beyond it as Python's csv module reads (see csv_scan.hpp for
// quoting).
//
// Rules, all independent of how the bytes arrive:
//  - records end at LF or CRLF, mixed at will; a lone CR is data. Empty lines are no records. A byte-order mark at the
//    start is dropped.
//  - a record of other than the header's number of fields is rejected, padded with missing fields, or stops the run.
//  - a record past record_bytes_max is not kept: it is rejected with length, hash and first bytes, and the stream goes
//    on behind it. If a quoted field is still open at record_bytes_max, that is an unclosed quote: exit 30 at the quote,
//    or with `resync` the reject of one line.
//
// Memory (memory_max), each part with what fills it:
//  - window + record_bytes_max + padding: a record of record_bytes_max without its end, and a supply behind it;
//  - entries: kEntriesMax positions, or columns_max + 256: narrow fields fill it, and so does one record of too many fields;
//  - record ends and the tables of rows: kRowsMax records of a batch, 28 bytes each;
//  - slices: rows x columns, at most kSlicesMax, for which a batch of many columns gets fewer rows; at least one row;
//  - names: a view for each of columns_max, header_bytes_max of text, 6 bytes more for each name that is made up (`_4096`);
//  - the head of an oversize record: kRejectHeadMax.
#pragma once

#include "base/error.hpp"
#include "format/csv_scan.hpp"
#include "format/reader.hpp"
#include "hash/sha256.hpp"
#include "memory/arena.hpp"

namespace weir {

class CsvReader final : public RecordReader {
 public:
  static size_t memory_max(const ReaderOptions& options, const Projection& projection);
  static Result<RecordReader*> make(const ReaderOptions& options, const Projection& projection, std::span<char> room);

  CsvReader(const ReaderOptions& options, const Projection& projection, Arena& arena);

  Window& window() override { return window_; }
  void begin_source(uint32_t source) override;
  Step read(RecordBatch& batch, Error& error) override;
  const Schema& schema() const override { return schema_; }
  bool schema_known() const override { return header_done_; }
  uint64_t passing_bytes() const override { return skip_ == Skip::kNone ? 0 : skip_size_; }
  static constexpr size_t kStateBytesMax = 96 + Sha256::kStateBytesMax + kRejectHeadMax;
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

  /// For tests: runs another kernel than the chosen one.
  void use_scan(CsvScan scan) { scan_ = scan; }

 private:
  static constexpr uint32_t kEntriesMax = 32768;
  static constexpr uint32_t kSlicesMax = 32768;

  /// A record that is passed over without being kept.
  enum class Skip : uint8_t { kNone, kRecord, kLine };

  static uint32_t entries_max(const ReaderOptions& options);
  static uint32_t slices_max(const ReaderOptions& options, const Projection& projection);

  void restart_scan(size_t at, CsvScanState state);
  bool scan_more();
  Step fill(RecordBatch& batch, Error& error);
  template <bool kFeedsOnly>
  uint32_t fill_plain(uint32_t rows, uint32_t rows_max);
  void gather(uint32_t rows, bool padded);
  Status take_header(uint32_t first, uint32_t last, uint32_t begin, uint32_t end);
  Status name_columns(uint32_t first, uint32_t last, uint32_t begin, uint32_t end);
  Status resolve_projection();
  Status start_skip(size_t record_begin, Code reason);
  bool skip_on(Error& error, bool& failed);
  void add_skip_reject();
  size_t open_quote(size_t record_begin, size_t to) const;
  Error at(Code code, uint64_t decoded_byte) const;
  void add_reject(Code code, uint32_t begin, uint32_t end_with_terminator, uint32_t a, uint32_t b);
  Code check_bytes(std::string_view record) const;
  Step deliver(RecordBatch& batch, uint32_t rows, size_t next_begin);

  const ReaderOptions& options_;
  const Projection& projection_;
  CsvDialect dialect_;
  CsvScan scan_;
  Window window_;
  CsvIndex index_;
  CsvScanState scan_state_ = CsvScanState::kRecordStart;
  size_t scanned_ = 0;  ///< window offset up to which the index reaches
  uint32_t next_end_ = 0;  ///< the first of index_.ends not delivered
  uint32_t next_entry_ = 0;  ///< the first entry of that record
  size_t record_begin_ = 0;  ///< window offset of that record
  bool last_closed_ = false;  ///< the record at the end of the input, without a terminator, is in the index
  bool bom_done_ = false;
  bool header_done_ = false;  ///< of this source
  bool schema_known_ = false;
  bool columns_resolved_ = false;
  bool failed_ = false;
  uint32_t source_ = 0;
  uint64_t record_number_ = 0;

  Skip skip_ = Skip::kNone;
  Code skip_reason_ = Code::kOk;
  CsvScanState skip_state_ = CsvScanState::kRecordStart;
  uint64_t skip_begin_byte_ = 0;  ///< decoded offset
  uint64_t skip_size_ = 0;
  uint64_t skip_quote_byte_ = 0;  ///< decoded offset of the quote that is open
  Sha256 skip_hash_;
  std::span<char> skip_head_;
  uint32_t skip_head_size_ = 0;
  uint32_t skip_fields_ = 0;
  bool skip_terminated_ = false;

  uint32_t fields_ = 0;  ///< columns of the schema
  Schema schema_;
  std::span<std::string_view> names_;
  std::span<char> names_text_;
  size_t names_text_used_ = 0;
  std::span<int32_t> projected_;  ///< field index per column
  std::span<Column> columns_;
  std::span<Slice> slices_;
  std::span<Slice> records_;
  std::span<uint32_t> record_ends_;
  std::span<uint32_t> row_first_;  ///< first entry of each row
  std::span<uint32_t> row_fields_;
  ReaderReject rejects_[kReaderRejectsMax];
  uint32_t reject_count_ = 0;
};

}  // namespace weir

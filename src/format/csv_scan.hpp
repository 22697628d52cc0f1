// Structural scan of CSV: where the delimiters and record ends stand, quotes taken into account.
//
// Stage 1 of the CsvReader. Writes the position of every delimiter and line feed outside quotes to `entries`, and for
// each line feed the index of its entry to `ends`. Suspendable at any byte through CsvScanState. Quoting follows
// Python's csv module: a quote opens a quoted field only as the field's first byte; elsewhere in an unquoted field it
// is data; a doubled quote inside a quoted field is data; what follows a closing quote is data of an unquoted field.
//
// The kernels (AVX-512, AVX2, SSE2, NEON; most with carry-less multiply) work on 64 bytes at a time by the parity of
// quotes; a block where a quote stands in an unquoted field falls back to the scalar scan, which is also their
// oracle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';          ///< 0: none
  char escape = 0;           ///< 0: none; else the byte behind it is data
  std::string_view comment;  ///< empty: none
};

enum class CsvScanState : uint8_t {
  kRecordStart,    ///< as kFieldStart; only here a comment may begin
  kFieldStart,
  kUnquoted,
  kQuoted,
  kQuoteInQuoted,  ///< behind a quote that closes, or is the first of two
  kEscapedUnquoted,
  kEscapedQuoted,
  kComment,
};

struct CsvIndex {
  uint32_t* entries = nullptr;  ///< room for entries_max
  uint32_t entries_max = 0;     ///< scanning stops while fewer than 64 are free
  uint32_t count = 0;
  uint32_t* ends = nullptr;     ///< room for ends_max
  uint32_t ends_max = 0;        ///< scanning stops while fewer than 64 are free
  uint32_t end_count = 0;
  /// For a query that names no field: delimiters are counted, not listed. `count` and ends[i] are what they would be
  /// with all entries, entries[i] is the place of the line feed of ends[i], and entries_max does not bound.
  bool feeds_only = false;
};

using CsvScan = size_t (*)(const char* base, size_t from, size_t to, bool last, const CsvDialect& dialect,
                           CsvScanState& state, CsvIndex& index);

/// Scans [from, to) of `base`, 64 bytes at a time; a rest below 64 bytes only with `last`. Returns how far it came:
/// less than that when the index is full. 64 bytes behind `to` may be read.
size_t csv_scan_scalar(const char* base, size_t from, size_t to, bool last, const CsvDialect& dialect,
                       CsvScanState& state, CsvIndex& index);

/// The fastest kernel for this processor and dialect (escape bytes and comments: the scalar one).
CsvScan choose_csv_scan(const CsvDialect& dialect);

/// Every kernel that runs on this processor, the scalar one first and the fastest last; null-terminated names.
struct CsvScanKernel {
  const char* name;
  CsvScan scan;
};
size_t csv_scan_kernels(CsvScanKernel* out, size_t out_max);

/// One byte of the scalar machine: what `c` does in `state`. `*structural` is set for a delimiter or line feed
/// outside quotes.
CsvScanState csv_scan_byte(const CsvDialect& dialect, CsvScanState state, char c, bool* structural);

}  // namespace weir

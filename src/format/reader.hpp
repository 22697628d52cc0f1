// RecordReader: bytes -> RecordBatch, sans-I/O. One file a format; make_reader (readers.hpp) chooses.
//
// The driver supplies bytes into window().room(), then calls read() until it answers kNeedInput, and so on; at the end of an input it
// closes the window and reads on until kFinished. The records, rejects and errors are a function of the input's bytes alone, never
// of how they were cut into supplies, nor of the window's size.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/state.hpp"
#include "base/step.hpp"
#include "format/window.hpp"
#include "record/batch.hpp"
#include "record/projection.hpp"
#include "record/schema.hpp"

namespace weir {

enum class Format : uint8_t { kCsv, kNdjson, kJson, kLines, kBlocks, kFile };

const char* format_name(Format format);

struct CsvOptions {
  char delimiter = ',';
  char quote = '"';  ///< 0: none
  char escape = 0;  ///< 0: quotes are doubled
  std::string_view comment;  ///< records that start with it are skipped
  bool header = true;  ///< the first record names the columns
  std::span<const std::string_view> columns;  ///< names given; then a header is skipped
  uint32_t columns_max = 4096;
  uint32_t header_bytes_max = 64u << 10;
  enum class Ragged : uint8_t { kReject, kPad, kError } ragged = Ragged::kReject;
  bool resync = false;  ///< an unclosed quote: reject the span up to the first line end and go on, instead of exit 30
};

struct JsonOptions {
  uint32_t depth_max = 64;
  bool touched =
      false;  ///< a record is read and validated up to the last field that the projection names (JsonScanner::attach)
  std::string_view path;  ///< kJson: where the array sits (`Records[*]`)
};

struct ReaderOptions {
  Format format = Format::kCsv;
  uint32_t record_bytes_max = 1u << 20;
  uint32_t window_bytes = 256u << 10;
  bool reject_nul = false;
  bool reject_invalid_utf8 = false;
  bool raw_only = false;  ///< with Projection.all: only whole raw records are wanted, no columns of `all`
  uint32_t block_bytes = 64u << 10;  ///< kBlocks
  CsvOptions csv;
  JsonOptions json;
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;
  virtual Window& window() = 0;
  /// Makes ready for input `source`: the window is emptied. The first time the schema is unknown; later inputs must have the same
  /// (W3008).
  virtual void begin_source(uint32_t source) = 0;
  /// kHaveOutput: `batch` holds at least one row or reject; valid until the next call. kNeedInput: the window was compacted and has room.
  /// kFinished: the window is closed and everything was delivered. kFailed: `error` says why (source, byte, record are set);
  /// every record before it was delivered in earlier batches.
  virtual Step read(RecordBatch& batch, Error& error) = 0;
  /// Valid once read() answered kHaveOutput or kFinished.
  virtual const Schema& schema() const = 0;

  /// The schema of the open source is known: from the start, or once a header was read.
  virtual bool schema_known() const { return true; }
  /// Bytes so far of an oversize record that is being passed over; 0: none is.
  virtual uint64_t passing_bytes() const { return 0; }

  virtual size_t state_bytes_max() const = 0;
  /// Between two reads. Every record and reject of the reads before was delivered and is behind the state; feed a reader that
  /// loaded it from saved_byte() on.
  virtual void save(StateWriter& out) const = 0;
  /// The schema must be known already: begin the source and feed its first bytes until it is.
  virtual bool load(StateReader& in) = 0;
  /// Offset in the decoded stream of the first byte that a state saved now asks for.
  uint64_t saved_byte() { return window().base_decoded_byte() + window().begin(); }
};

/// Worst-case memory of a reader, window included; the derivation stands in each reader's file.
size_t reader_memory_max(const ReaderOptions& options, const Projection& projection);

/// What save() of a format's reader writes at most.
size_t reader_state_max(Format format);

/// Constructs in `room` (aligned to 64). `options` and `projection` must outlive the reader, which needs no destruction.
/// Fails on options that make no sense together (Code::kBadTemplate, kContradiction ... with the detail).
Result<RecordReader*> make_reader(const ReaderOptions& options, const Projection& projection, std::span<char> room);

}  // namespace weir

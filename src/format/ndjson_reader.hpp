// NdjsonReader: one JSON value a line (RFC 8259 each; framing by \n, a \r before it is dropped).
//
// Lines of JSON white space alone are no records. A line that is not valid JSON, or no object (see
// JsonScanner::scan), is a reject whose detail_a is the fault's offset in the line; so is an oversize line. Each path
// of the projection is a column of raw values (kJson); with `all` the whole record is `records`, and no column
// follows (all_first == columns.size()).
//
// A record that is built like one of the last few kinds is read by JsonLayout, the others by JsonScanner, with the same
// result.
//
// Memory: the window, BatchBuilder's arrays for one column a path, the compiled paths, and this object with the head
// of an oversize record.
#pragma once

#include "format/batch_builder.hpp"
#include "format/json_layout.hpp"
#include "format/json_scanner.hpp"
#include "format/line_framer.hpp"
#include "format/reader.hpp"

namespace weir {

class NdjsonReader final : public RecordReader {
 public:
  static size_t memory_max(const ReaderOptions& options, const Projection& projection);
  static Result<RecordReader*> make(const ReaderOptions& options, const Projection& projection, std::span<char> room);

  Window& window() override { return window_; }
  void begin_source(uint32_t source) override;
  Step read(RecordBatch& batch, Error& error) override;
  const Schema& schema() const override { return schema_; }

  static constexpr size_t kStateBytesMax = 4 + 8 + 8 + LineFramer::kStateBytesMax;
  uint64_t passing_bytes() const override { return framer_.passing_bytes(); }
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  void take_line();
  void take_like_before();
  size_t match_layouts(size_t begin);
  void consider(std::string_view line, const Slice* values);

  Window window_;
  LineFramer framer_;
  BatchBuilder builder_;
  JsonScanner scanner_;
  // Layouts of records met, and how they fare; no part of the state, since they shape no output.
  static constexpr uint32_t kLayouts = 4;
  JsonLayout layouts_[kLayouts];
  uint8_t order_[kLayouts] = {0, 1, 2, 3};  ///< the one that fitted last is the first
  uint32_t hits_ = 0;  ///< since one was learned, at most kHitsOfUse
  uint32_t misses_ = 0;  ///< since one was learned
  uint32_t patience_ = 0;  ///< misses before another one is learned; grows while none is of use
  uint32_t record_bytes_max_ = 0;
  Schema schema_;
  uint32_t columns_ = 0;
  uint32_t source_ = 0;
  uint64_t record_ = 0;  ///< records delivered before the batch that is being filled
};

}  // namespace weir

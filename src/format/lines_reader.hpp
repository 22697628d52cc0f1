// LinesReader: every line is a record with one column, `line`. Empty lines are records; bytes are bytes.
//
// Terminators are \n and \r\n; the last line may lack one. `reject_nul` and `reject_invalid_utf8` turn such lines into
// rejects (detail_a: offset of the byte). Every path of the projection must name `line`, or be `_1`.
//
// Memory: the window, BatchBuilder's arrays without columns of their own, and this object with the head of an oversize line.
#pragma once

#include "format/batch_builder.hpp"
#include "format/line_framer.hpp"
#include "format/reader.hpp"

namespace weir {

class LinesReader final : public RecordReader {
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

  Window window_;
  LineFramer framer_;
  BatchBuilder builder_;
  Schema schema_;
  bool reject_nul_ = false;
  bool reject_invalid_utf8_ = false;
  uint32_t all_first_ = 0;
  uint32_t source_ = 0;
  uint64_t record_ = 0;  ///< records delivered before the batch that is being filled
};

}  // namespace weir

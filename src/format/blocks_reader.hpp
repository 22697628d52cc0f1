// BlocksReader: the input cut into records of block_bytes, the last one shorter. FileReader: the whole input is one record.
//
// Both have one column, `data`, of raw bytes. An empty input has no records. A file larger than record_bytes_max is an oversize
// reject; block_bytes must not be larger than record_bytes_max. Every path of the projection must name `data`, or be `_1`.
//
// Memory: the window with room for one block (FileReader: for a file of record_bytes_max), BatchBuilder's arrays without columns of
// their own, and the object (FileReader: with the head of an oversize record).
#pragma once

#include "format/batch_builder.hpp"
#include "format/oversize.hpp"
#include "format/reader.hpp"

namespace weir {

class BlocksReader final : public RecordReader {
 public:
  static size_t memory_max(const ReaderOptions& options, const Projection& projection);
  static Result<RecordReader*> make(const ReaderOptions& options, const Projection& projection, std::span<char> room);

  Window& window() override { return window_; }
  void begin_source(uint32_t source) override;
  Step read(RecordBatch& batch, Error& error) override;
  const Schema& schema() const override { return schema_; }

  static constexpr size_t kStateBytesMax = 4 + 8 + 8;
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  Window window_;
  BatchBuilder builder_;
  Schema schema_;
  uint32_t block_bytes_ = 0;
  uint32_t all_first_ = 0;
  uint32_t source_ = 0;
  uint64_t record_ = 0;  ///< records delivered before the batch that is being filled
};

class FileReader final : public RecordReader {
 public:
  static size_t memory_max(const ReaderOptions& options, const Projection& projection);
  static Result<RecordReader*> make(const ReaderOptions& options, const Projection& projection, std::span<char> room);

  Window& window() override { return window_; }
  void begin_source(uint32_t source) override;
  Step read(RecordBatch& batch, Error& error) override;
  const Schema& schema() const override { return schema_; }

  static constexpr size_t kStateBytesMax = 4 + 8 + 8 + Oversize::kStateBytesMax;
  uint64_t passing_bytes() const override { return skip_.active() ? skip_.size() : 0; }
  size_t state_bytes_max() const override { return kStateBytesMax; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  Window window_;
  BatchBuilder builder_;
  Schema schema_;
  Oversize skip_;
  uint32_t record_bytes_max_ = 0;
  uint32_t all_first_ = 0;
  uint32_t source_ = 0;
  uint64_t record_ = 0;
};

}  // namespace weir

#include "format/blocks_reader.hpp"

#include "format/reader_room.hpp"
#include "format/single_column.hpp"

namespace weir {
namespace {

constexpr std::string_view kNames[] = {"data"};

}  // namespace

// --- blocks --------------------------------------------------------------------------------------------------------

size_t BlocksReader::memory_max(const ReaderOptions& options, const Projection& projection) {
  return Arena::aligned(sizeof(BlocksReader)) +
         Arena::aligned(Window::memory_max(options.window_bytes, options.block_bytes)) +
         BatchBuilder::memory_max(0, single_column_views(projection));
}

Result<RecordReader*> BlocksReader::make(const ReaderOptions& options, const Projection& projection,
                                         std::span<char> room) {
  WEIR_TRY(check_reader_options(options, false));
  if (options.block_bytes == 0) return fail(Code::kOutOfRange, "block: at least 1 byte");
  if (options.block_bytes > options.record_bytes_max) {
    return fail(Code::kContradiction, "block is larger than record_max");
  }
  WEIR_TRY(check_single_column(projection, kNames[0]));
  Arena arena(room);
  auto* reader = arena.make<BlocksReader>();
  reader->window_.attach(arena.take(Window::memory_max(options.window_bytes, options.block_bytes)),
                         options.window_bytes);
  reader->builder_.attach(arena, 0, single_column_views(projection), FieldEncoding::kBytes);
  reader->schema_ = {kNames, true};
  reader->block_bytes_ = options.block_bytes;
  reader->all_first_ = static_cast<uint32_t>(projection.paths.size());
  reader->begin_source(0);
  return reader;
}

void BlocksReader::begin_source(uint32_t source) {
  source_ = source;
  record_ = 0;
  window_.reset();
  builder_.begin();
}

Step BlocksReader::read(RecordBatch& batch, Error&) {
  record_ += builder_.count();
  builder_.begin();
  while (!builder_.full()) {
    const size_t begin = window_.begin();
    size_t size = window_.size();
    if (size >= block_bytes_) {
      size = block_bytes_;
    } else if (size == 0 || !window_.closed()) {
      break;
    }
    window_.consume_to(begin + size);
    builder_.add_row(begin, begin + size, begin + size);
  }
  if (builder_.empty()) {
    if (window_.closed()) return Step::kFinished;
    window_.compact();
    return Step::kNeedInput;
  }
  builder_.finish(window_, source_, record_, all_first_, batch);
  return Step::kHaveOutput;
}

void BlocksReader::save(StateWriter& out) const { save_position(out, source_, record_ + builder_.count(), window_); }

bool BlocksReader::load(StateReader& in) {
  builder_.begin();
  return load_position(in, source_, record_, window_);
}

// --- file ----------------------------------------------------------------------------------------------------------

size_t FileReader::memory_max(const ReaderOptions& options, const Projection& projection) {
  return Arena::aligned(sizeof(FileReader)) + reader_window_bytes(options) +
         BatchBuilder::memory_max(0, single_column_views(projection));
}

Result<RecordReader*> FileReader::make(const ReaderOptions& options, const Projection& projection,
                                       std::span<char> room) {
  WEIR_TRY(check_reader_options(options, false));
  WEIR_TRY(check_single_column(projection, kNames[0]));
  Arena arena(room);
  auto* reader = arena.make<FileReader>();
  reader->window_.attach(arena.take(Window::memory_max(options.window_bytes, options.record_bytes_max)),
                         options.window_bytes);
  reader->builder_.attach(arena, 0, single_column_views(projection), FieldEncoding::kBytes);
  reader->schema_ = {kNames, true};
  reader->record_bytes_max_ = options.record_bytes_max;
  reader->all_first_ = static_cast<uint32_t>(projection.paths.size());
  reader->begin_source(0);
  return reader;
}

void FileReader::begin_source(uint32_t source) {
  source_ = source;
  record_ = 0;
  window_.reset();
  builder_.begin();
  skip_.clear();
}

Step FileReader::read(RecordBatch& batch, Error&) {
  record_ += builder_.count();
  builder_.begin();
  const size_t begin = window_.begin();
  if (!skip_.active() && window_.size() > record_bytes_max_) skip_.begin(window_.base_decoded_byte() + begin);
  if (skip_.active()) {
    skip_.add(window_.bytes());
    window_.consume_to(window_.end());
  }
  if (!window_.closed()) {
    window_.compact();
    return Step::kNeedInput;
  }
  if (skip_.active()) {
    skip_.finish(builder_.add_reject());
  } else if (window_.size() != 0) {
    window_.consume_to(window_.end());
    builder_.add_row(begin, window_.end(), window_.end());
  } else {
    return Step::kFinished;
  }
  builder_.finish(window_, source_, record_, all_first_, batch);
  return Step::kHaveOutput;
}

void FileReader::save(StateWriter& out) const {
  save_position(out, source_, record_ + builder_.count(), window_);
  skip_.save(out);
}

bool FileReader::load(StateReader& in) {
  builder_.begin();
  return load_position(in, source_, record_, window_) && skip_.load(in);
}

}  // namespace weir

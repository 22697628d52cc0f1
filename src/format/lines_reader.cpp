#include "format/lines_reader.hpp"

#include <cstring>

#include "format/reader_room.hpp"
#include "format/single_column.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

constexpr std::string_view kNames[] = {"line"};

}  // namespace

size_t LinesReader::memory_max(const ReaderOptions& options, const Projection& projection) {
  return Arena::aligned(sizeof(LinesReader)) + reader_window_bytes(options) +
         BatchBuilder::memory_max(0, single_column_views(projection));
}

Result<RecordReader*> LinesReader::make(const ReaderOptions& options, const Projection& projection,
                                        std::span<char> room) {
  WEIR_TRY(check_reader_options(options, false));
  WEIR_TRY(check_single_column(projection, kNames[0]));
  Arena arena(room);
  auto* reader = arena.make<LinesReader>();
  reader->window_.attach(arena.take(Window::memory_max(options.window_bytes, options.record_bytes_max)),
                         options.window_bytes);
  reader->builder_.attach(arena, 0, single_column_views(projection), FieldEncoding::kPlain);
  reader->framer_.attach(options.record_bytes_max);
  reader->schema_ = {kNames, true};
  reader->reject_nul_ = options.reject_nul;
  reader->reject_invalid_utf8_ = options.reject_invalid_utf8;
  reader->all_first_ = static_cast<uint32_t>(projection.paths.size());
  reader->begin_source(0);
  return reader;
}

void LinesReader::begin_source(uint32_t source) {
  source_ = source;
  record_ = 0;
  window_.reset();
  framer_.begin_source();
  builder_.begin();
}

void LinesReader::take_line() {
  const std::string_view line(window_.base() + framer_.begin(), framer_.end() - framer_.begin());
  Code code = Code::kOk;
  size_t offset = line.size();
  if (reject_invalid_utf8_) {
    offset = utf8_valid_prefix(line);
    if (offset != line.size()) code = Code::kBadUtf8;
  }
  if (reject_nul_ && offset != 0) {
    if (const void* nul = std::memchr(line.data(), 0, offset)) {
      offset = static_cast<size_t>(static_cast<const char*>(nul) - line.data());
      code = Code::kNulByte;
    }
  }
  if (code == Code::kOk) {
    builder_.add_row(framer_.begin(), framer_.end(), framer_.next_begin());
    return;
  }
  ReaderReject& reject = builder_.add_reject();
  reject.code = code;
  reject.detail_a = static_cast<uint32_t>(offset);
  set_reject_bytes(window_, framer_.begin(), framer_.next_begin(), line, reject);
}

Step LinesReader::read(RecordBatch& batch, Error& error) {
  record_ += builder_.count();
  builder_.begin();
  while (!builder_.full()) {
    const LineFramer::Event event = framer_.next(window_, builder_.empty());
    if (event == LineFramer::Event::kLine) {
      take_line();
      continue;
    }
    if (event == LineFramer::Event::kOversize) {
      framer_.fill_reject(window_, builder_.add_reject());
      continue;
    }
    if (!builder_.empty()) break;
    switch (event) {
      case LineFramer::Event::kEnd:
        return Step::kFinished;
      case LineFramer::Event::kUtf16:
        return utf16_failure(source_, error);
      default:
        framer_.compacted(window_.compact());
        return Step::kNeedInput;
    }
  }
  builder_.finish(window_, source_, record_, all_first_, batch);
  return Step::kHaveOutput;
}

void LinesReader::save(StateWriter& out) const {
  save_position(out, source_, record_ + builder_.count(), window_);
  framer_.save(out);
}

bool LinesReader::load(StateReader& in) {
  builder_.begin();
  return load_position(in, source_, record_, window_) && framer_.load(in);
}

}  // namespace weir

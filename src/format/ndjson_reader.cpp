#include "format/ndjson_reader.hpp"

#include <cstring>

#include "format/reader_room.hpp"

namespace weir {
namespace {

constexpr uint32_t kHitsOfUse = 64;
constexpr uint32_t kPatienceMax = 4096;

bool is_blank(std::string_view line) {
  for (const char c : line) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return false;
  }
  return true;
}

}  // namespace

size_t NdjsonReader::memory_max(const ReaderOptions& options, const Projection& projection) {
  return Arena::aligned(sizeof(NdjsonReader)) + reader_window_bytes(options) +
         BatchBuilder::memory_max(static_cast<uint32_t>(projection.paths.size()), 0) +
         JsonScanner::memory_max(projection);
}

Result<RecordReader*> NdjsonReader::make(const ReaderOptions& options, const Projection& projection,
                                         std::span<char> room) {
  WEIR_TRY(check_reader_options(options, true));
  Arena arena(room);
  auto* reader = arena.make<NdjsonReader>();
  reader->window_.attach(arena.take(Window::memory_max(options.window_bytes, options.record_bytes_max)),
                         options.window_bytes);
  reader->columns_ = static_cast<uint32_t>(projection.paths.size());
  reader->builder_.attach(arena, reader->columns_, 0, FieldEncoding::kJson);
  reader->scanner_.attach(projection, options.json.depth_max, arena, options.json.touched);
  reader->framer_.attach(options.record_bytes_max);
  reader->record_bytes_max_ = options.record_bytes_max;
  reader->begin_source(0);
  return reader;
}

void NdjsonReader::begin_source(uint32_t source) {
  source_ = source;
  record_ = 0;
  window_.reset();
  framer_.begin_source();
  builder_.begin();
}

void NdjsonReader::take_line() {
  const std::string_view line(window_.base() + framer_.begin(), framer_.end() - framer_.begin());
  if (line.empty() || (line[0] != '{' && is_blank(line))) return;
  const JsonFault fault =
      scanner_.scan(line, static_cast<uint32_t>(framer_.begin()), builder_.next_slices(), builder_.stride());
  if (fault.ok()) [[likely]] {
    consider(line, builder_.next_slices());
    builder_.add_row(framer_.begin(), framer_.end(), framer_.next_begin());
    return;
  }
  ReaderReject& reject = builder_.add_reject();
  reject.code = fault.code;
  reject.detail_a = static_cast<uint32_t>(fault.offset);
  set_reject_bytes(window_, framer_.begin(), framer_.next_begin(), line, reject);
}

/// No layout fitted this record: is it time for another? It takes the place of the one that fitted the longest ago.
void NdjsonReader::consider(std::string_view line, const Slice* values) {
  if (++misses_ <= patience_) return;
  patience_ = hits_ >= kHitsOfUse ? 1 : patience_ * 2 + 1;
  if (patience_ > kPatienceMax) patience_ = kPatienceMax;
  hits_ = misses_ = 0;
  const uint8_t oldest = order_[kLayouts - 1];
  std::memmove(order_ + 1, order_, kLayouts - 1);
  order_[0] = oldest;
  layouts_[oldest].learn(line, scanner_.looked_at(), static_cast<uint32_t>(framer_.begin()), values, builder_.stride(),
                         columns_);
}

/// The size of the record at `begin` when one of the layouts fits it, else 0.
size_t NdjsonReader::match_layouts(size_t begin) {
  const char* const base = window_.base();
  const char* const limit = base + window_.end();
  const auto offset = static_cast<uint32_t>(begin);
  // Where none has been of use for long, one is enough to see whether that changes.
  const uint32_t tries = patience_ > kHitsOfUse ? 1 : kLayouts;
  for (uint32_t i = 0; i < tries; ++i) {
    JsonLayout& layout = layouts_[order_[i]];
    if (!layout.ready()) continue;
    const size_t size = layout.match(base + begin, limit, offset, builder_.next_slices(), builder_.stride());
    if (size == 0) continue;
    if (i != 0) {
      const uint8_t fitting = order_[i];
      std::memmove(order_ + 1, order_, i);
      order_[0] = fitting;
    }
    return size;
  }
  return 0;
}

void NdjsonReader::take_like_before() {
  if (!framer_.at_line()) return;
  const char* const base = window_.base();
  size_t begin = window_.begin();
  uint32_t hits = 0;
  while (!builder_.full()) {
    const size_t size = match_layouts(begin);
    if (size == 0 || size > record_bytes_max_) break;
    const size_t end = begin + size;
    const size_t next = end + (base[end] == '\r') + 1;
    builder_.add_row(begin, end, next);
    begin = next;
    ++hits;
  }
  window_.consume_to(begin);
  hits_ = hits_ + hits < kHitsOfUse ? hits_ + hits : kHitsOfUse;
}

Step NdjsonReader::read(RecordBatch& batch, Error& error) {
  record_ += builder_.count();
  builder_.begin();
  while (!builder_.full()) {
    take_like_before();
    if (builder_.full()) break;
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
  builder_.finish(window_, source_, record_, columns_, batch);
  return Step::kHaveOutput;
}

void NdjsonReader::save(StateWriter& out) const {
  save_position(out, source_, record_ + builder_.count(), window_);
  framer_.save(out);
}

bool NdjsonReader::load(StateReader& in) {
  builder_.begin();
  return load_position(in, source_, record_, window_) && framer_.load(in);
}

}  // namespace weir

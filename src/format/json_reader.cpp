#include "format/json_reader.hpp"

#include "format/reader_room.hpp"
#include "format/text_start.hpp"

namespace weir {

size_t JsonReader::memory_max(const ReaderOptions& options, const Projection& projection) {
  return Arena::aligned(sizeof(JsonReader)) + reader_window_bytes(options) +
         BatchBuilder::memory_max(static_cast<uint32_t>(projection.paths.size()), 0) +
         JsonScanner::memory_max(projection);
}

Result<RecordReader*> JsonReader::make(const ReaderOptions& options, const Projection& projection,
                                       std::span<char> room) {
  WEIR_TRY(check_reader_options(options, true));
  const Result<JsonPath> path = parse_json_path(options.json.path);
  if (!path) return fail(path.error());
  Arena arena(room);
  auto* reader = arena.make<JsonReader>();
  reader->window_.attach(arena.take(Window::memory_max(options.window_bytes, options.record_bytes_max)),
                         options.window_bytes);
  reader->columns_ = static_cast<uint32_t>(projection.paths.size());
  reader->builder_.attach(arena, reader->columns_, 0, FieldEncoding::kJson);
  reader->scanner_.attach(projection, options.json.depth_max, arena, options.json.touched);
  reader->path_ = *path;
  reader->record_bytes_max_ = options.record_bytes_max;
  reader->depth_max_ = options.json.depth_max;
  reader->begin_source(0);
  return reader;
}

void JsonReader::begin_source(uint32_t source) {
  source_ = source;
  record_ = 0;
  window_.reset();
  builder_.begin();
  document_.begin(path_, depth_max_);
  skip_.clear();
  failure_ = Error();
  mode_ = Mode::kStart;
  expect_ = Expect::kFirst;
  whole_document_ = false;
  framed_ = 0;
}

JsonReader::Progress JsonReader::failure(Code code, size_t offset, std::string_view detail) {
  failure_ = Error(code, detail);
  failure_.source = source_;
  failure_.byte = window_.base_decoded_byte() + offset;
  failure_.record = record_ + builder_.count();
  return Progress::kFailed;
}

JsonReader::Progress JsonReader::start() {
  switch (text_start(window_.bytes(), window_.closed())) {
    case TextStart::kNeedInput:
      return Progress::kNeedInput;
    case TextStart::kUtf16:
      return failure(Code::kUtf16, window_.begin());
    case TextStart::kBom:
      window_.consume_to(window_.begin() + kBomBytes);
      break;
    case TextStart::kPlain:
      break;
  }
  mode_ = Mode::kDocument;
  return Progress::kOn;
}

JsonReader::Progress JsonReader::walk_document() {
  const char* const base = window_.base();
  for (size_t i = window_.begin(); i < window_.end(); ++i) {
    const JsonDocument::Event event = document_.step(base[i]);
    if (event == JsonDocument::Event::kNone) continue;
    window_.consume_to(i);
    switch (event) {
      case JsonDocument::Event::kArray:
        window_.consume_to(i + 1);
        mode_ = Mode::kArray;
        expect_ = Expect::kFirst;
        return Progress::kOn;
      case JsonDocument::Event::kRecord:
        whole_document_ = true;
        mode_ = Mode::kElement;
        return Progress::kOn;
      case JsonDocument::Event::kTwice:
        return failure(Code::kBadDocument, i, "a second array stands at input.path");
      case JsonDocument::Event::kTooDeep:
        return failure(Code::kBadDocument, i, "nested deeper than depth_max");
      default:
        return failure(Code::kBadDocument, i);
    }
  }
  window_.consume_to(window_.end());
  if (!window_.closed()) return Progress::kNeedInput;
  if (!document_.complete()) return failure(Code::kDocumentTruncated, window_.end());
  return document_.found() ? Progress::kEnd : failure(Code::kPathNotFound, window_.end());
}

JsonReader::Progress JsonReader::walk_array() {
  const char* const base = window_.base();
  for (size_t i = window_.begin(); i < window_.end(); ++i) {
    const char c = base[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    if (c == ',' && expect_ == Expect::kAfter) {
      expect_ = Expect::kElement;
      continue;
    }
    window_.consume_to(i);
    if (c == ']' && expect_ != Expect::kElement) {
      window_.consume_to(i + 1);
      document_.leave_array();
      mode_ = Mode::kDocument;
      return Progress::kOn;
    }
    if (expect_ == Expect::kAfter || !JsonFrame::begins_value(c)) return failure(Code::kBadDocument, i);
    mode_ = Mode::kElement;
    return Progress::kOn;
  }
  window_.consume_to(window_.end());
  return window_.closed() ? failure(Code::kDocumentTruncated, window_.end()) : Progress::kNeedInput;
}

JsonReader::Progress JsonReader::take_element() {
  const size_t begin = window_.begin();
  if (window_.size() == 0) return window_.closed() ? failure(Code::kDocumentTruncated, begin) : Progress::kNeedInput;
  const char first = window_.base()[begin];
  if (first == '{' || first == '[') {
    const size_t size =
        scanner_.scan_prefix(window_.bytes(), static_cast<uint32_t>(begin), builder_.next_slices(), builder_.stride());
    if (size != 0 && size <= record_bytes_max_) [[likely]] {
      window_.consume_to(begin + size);
      builder_.add_row(begin, begin + size, begin + size);
      leave_element();
      return Progress::kOn;
    }
  }
  // Bad, oversize, or not all of it is there: find its end first.
  frame_.begin(first);
  framed_ = 0;
  mode_ = Mode::kFrame;
  return Progress::kOn;
}

JsonReader::Progress JsonReader::frame_element() {
  const std::string_view bytes = window_.bytes();
  size_t used = 0;
  switch (frame_.feed(bytes.substr(framed_), used)) {
    case JsonFrame::Verdict::kDone:
      end_element(framed_ + used);
      return Progress::kOn;
    case JsonFrame::Verdict::kDamaged:
      framed_ += used;
      if (skip_.active()) {
        skip_.add(bytes.substr(0, framed_));
        window_.consume_to(window_.begin() + framed_);
        framed_ = 0;
      }
      return failure(Code::kBadDocument, window_.begin() + framed_);
    case JsonFrame::Verdict::kMore:
      framed_ += used;
      break;
  }
  if (window_.closed() && whole_document_ && frame_.bare()) {
    end_element(framed_);
    return Progress::kOn;
  }
  return grow_element();
}

/// The window ends within the element.
JsonReader::Progress JsonReader::grow_element() {
  if (!skip_.active() && framed_ > record_bytes_max_) {
    if (!builder_.empty()) return Progress::kFlush;
    skip_.begin(window_.base_decoded_byte() + window_.begin());
  }
  if (skip_.active()) {
    skip_.add(window_.bytes());
    window_.consume_to(window_.end());
    framed_ = 0;
  }
  return window_.closed() ? failure(Code::kDocumentTruncated, window_.end()) : Progress::kNeedInput;
}

/// The element ends `size` bytes behind the window's begin.
void JsonReader::end_element(size_t size) {
  const size_t begin = window_.begin();
  const std::string_view element = window_.bytes().substr(0, size);
  window_.consume_to(begin + size);
  if (skip_.active()) {
    skip_.add(element);
    skip_.finish(builder_.add_reject());
  } else if (size > record_bytes_max_) {
    Oversize::whole(element, window_.base_decoded_byte() + begin, builder_.add_reject());
  } else {
    const JsonFault fault =
        scanner_.scan(element, static_cast<uint32_t>(begin), builder_.next_slices(), builder_.stride());
    if (fault.ok()) {
      builder_.add_row(begin, begin + size, begin + size);
    } else {
      ReaderReject& reject = builder_.add_reject();
      reject.code = fault.code;
      reject.detail_a = static_cast<uint32_t>(fault.offset);
      set_reject_bytes(window_, begin, begin + size, element, reject);
    }
  }
  leave_element();
}

void JsonReader::leave_element() {
  framed_ = 0;
  if (whole_document_) {
    document_.leave_record();
    mode_ = Mode::kDocument;
  } else {
    expect_ = Expect::kAfter;
    mode_ = Mode::kArray;
  }
}

Step JsonReader::read(RecordBatch& batch, Error& error) {
  record_ += builder_.count();
  builder_.begin();
  scanner_.restart();  // the window may have moved
  while (!builder_.full()) {
    Progress progress = Progress::kFailed;
    if (failure_.ok()) {
      switch (mode_) {
        case Mode::kStart:
          progress = start();
          break;
        case Mode::kDocument:
          progress = walk_document();
          break;
        case Mode::kArray:
          progress = walk_array();
          break;
        case Mode::kElement:
          progress = take_element();
          break;
        case Mode::kFrame:
          progress = frame_element();
          break;
      }
    }
    if (progress == Progress::kOn) continue;
    if (!builder_.empty()) break;
    if (progress == Progress::kFailed) {
      error = failure_;
      return Step::kFailed;
    }
    if (progress == Progress::kEnd) return Step::kFinished;
    window_.compact();
    return Step::kNeedInput;
  }
  builder_.finish(window_, source_, record_, columns_, batch);
  return Step::kHaveOutput;
}

// A damage that was found but not told yet is found again: its byte was not consumed.
void JsonReader::save(StateWriter& out) const {
  save_position(out, source_, record_ + builder_.count(), window_);
  const Mode mode = mode_ == Mode::kFrame && !skip_.active() ? Mode::kElement : mode_;
  out.put(static_cast<uint8_t>(mode));
  out.put(static_cast<uint8_t>(expect_));
  out.put(static_cast<uint8_t>(whole_document_));
  document_.save(out);
  skip_.save(out);
  if (skip_.active()) frame_.save(out);
}

bool JsonReader::load(StateReader& in) {
  builder_.begin();
  failure_ = Error();
  framed_ = 0;
  document_.begin(path_, depth_max_);
  if (!load_position(in, source_, record_, window_)) return false;
  const auto mode = in.get<uint8_t>();
  const auto expect = in.get<uint8_t>();
  whole_document_ = in.get_flag();
  if (mode > static_cast<uint8_t>(Mode::kFrame) || expect > static_cast<uint8_t>(Expect::kAfter)) return false;
  mode_ = static_cast<Mode>(mode);
  expect_ = static_cast<Expect>(expect);
  if (!document_.load(in) || !skip_.load(in)) return false;
  if (skip_.active() != (mode_ == Mode::kFrame)) return false;
  return !skip_.active() || frame_.load(in);
}

}  // namespace weir

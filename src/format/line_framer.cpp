#include "format/line_framer.hpp"

#include <cstring>

#include "format/text_start.hpp"

namespace weir {

LineFramer::Event LineFramer::skip(Window& window) {
  const std::string_view bytes = window.bytes();
  const auto* found = bytes.empty() ? nullptr : static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  const size_t size = found != nullptr ? static_cast<size_t>(found - bytes.data()) + 1 : bytes.size();
  skip_.add(bytes.substr(0, size));
  window.consume_to(window.begin() + size);
  scanned_ = window.begin();
  passed_ = true;
  return found != nullptr || window.closed() ? Event::kOversize : Event::kNeedInput;
}

LineFramer::Event LineFramer::next(Window& window, bool batch_empty) {
  if (!started_) {
    switch (text_start(window.bytes(), window.closed())) {
      case TextStart::kNeedInput:
        return Event::kNeedInput;
      case TextStart::kUtf16:
        return Event::kUtf16;
      case TextStart::kBom:
        window.consume_to(window.begin() + kBomBytes);
        break;
      case TextStart::kPlain:
        break;
    }
    started_ = true;
  }
  if (skip_.active()) return skip(window);

  begin_ = window.begin();
  const size_t stop = window.end();
  const size_t from = scanned_ > begin_ ? scanned_ : begin_;
  const auto* found =
      from == stop ? nullptr : static_cast<const char*>(std::memchr(window.base() + from, '\n', stop - from));
  if (found != nullptr) {
    end_ = static_cast<size_t>(found - window.base());
    next_ = end_ + 1;
    if (end_ > begin_ && window.base()[end_ - 1] == '\r') --end_;
  } else if (window.closed()) {
    if (begin_ == stop) return Event::kEnd;
    end_ = next_ = stop;
  } else {
    scanned_ = stop;
    if (stop - begin_ < size_t{record_bytes_max_} + 2) return Event::kNeedInput;
    // Even with \r\n as its next bytes the line is too long.
    if (!batch_empty) return Event::kFlush;
    skip_.begin(window.base_decoded_byte() + begin_);
    return skip(window);
  }
  window.consume_to(next_);
  passed_ = false;
  return end_ - begin_ > record_bytes_max_ ? Event::kOversize : Event::kLine;
}

void LineFramer::fill_reject(const Window& window, ReaderReject& reject) {
  if (passed_) {
    skip_.finish(reject);
  } else {
    Oversize::whole({window.base() + begin_, next_ - begin_}, window.base_decoded_byte() + begin_, reject);
  }
}

}  // namespace weir

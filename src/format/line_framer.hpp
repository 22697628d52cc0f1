// LineFramer: cuts a window into lines, resumable at any byte, for the readers of ndjson and lines.
//
// A line ends with \n; one \r before it belongs to the terminator. The last one may lack it. A line of more than
// record_bytes_max bytes (terminator aside) is oversize: it is passed over without being held. A byte order mark at
// the start is dropped.
#pragma once

#include <cstdint>

#include "format/oversize.hpp"
#include "format/window.hpp"
#include "record/batch.hpp"

namespace weir {

class LineFramer {
 public:
  enum class Event : uint8_t {
    kLine,  ///< [begin, end) of the window is a line, the next one starts at `next`; the window is consumed up to there
    kOversize,  ///< such a line is over: fill_reject() tells
    kFlush,  ///< deliver the batch first: its last reject's head is needed
    kNeedInput,
    kEnd,
    kUtf16,
  };

  void attach(uint32_t record_bytes_max) { record_bytes_max_ = record_bytes_max; }
  void begin_source() {
    started_ = false;
    scanned_ = 0;
    skip_.clear();
  }
  /// `batch_empty`: nothing is alive that points to an earlier oversize line's head.
  Event next(Window& window, bool batch_empty);
  void fill_reject(const Window& window, ReaderReject& reject);
  /// Tell by how much the window was compacted.
  void compacted(size_t shift) { scanned_ = scanned_ > shift ? scanned_ - shift : 0; }

  /// A line begins at the window's begin. Whoever finds its end by itself may consume it without telling.
  [[nodiscard]] bool at_line() const { return started_ && !skip_.active(); }

  [[nodiscard]] size_t begin() const { return begin_; }
  [[nodiscard]] size_t end() const { return end_; }
  [[nodiscard]] size_t next_begin() const { return next_; }

  [[nodiscard]] uint64_t passing_bytes() const { return skip_.active() ? skip_.size() : 0; }

  static constexpr size_t kStateBytesMax = 1 + Oversize::kStateBytesMax;
  void save(StateWriter& out) const {
    out.put(static_cast<uint8_t>(started_));
    skip_.save(out);
  }
  bool load(StateReader& in) {
    begin_source();
    started_ = in.get_flag();
    return skip_.load(in);
  }

 private:
  Event skip(Window& window);

  uint32_t record_bytes_max_ = 0;
  bool started_ = false;  ///< the place of a byte order mark is behind
  bool passed_ = false;  ///< the oversize line went through skip_
  size_t scanned_ = 0;  ///< no line end between the window's begin and here
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t next_ = 0;
  Oversize skip_;
};

}  // namespace weir

// CsvReader: passing over a record that can't be kept - too large, of too many fields, or with a quote that never closes. It is hashed and
// counted, and its first bytes are kept for the reject.
#include <algorithm>
#include <cstring>

#include "format/csv_reader.hpp"

namespace weir {

size_t CsvReader::open_quote(size_t record_begin, size_t to) const {
  CsvScanState state = CsvScanState::kRecordStart;
  size_t opened = record_begin;
  for (size_t i = record_begin; i < to; ++i) {
    const CsvScanState before = state;
    bool structural = false;
    state = csv_scan_byte(dialect_, state, window_.base()[i], &structural);
    if (state == CsvScanState::kQuoted && (before == CsvScanState::kFieldStart || before == CsvScanState::kRecordStart))
      opened = i;
  }
  return opened;
}

// Begins to pass over the record at `record_begin`. Its first record_bytes_max bytes (or all of it) are in the window.
Status CsvReader::start_skip(size_t record_begin, Code reason) {
  if (!header_done_ && options_.csv.header)
    return fail(at(Code::kHeaderTooLarge, window_.base_decoded_byte() + record_begin));
  const size_t cap = std::min<size_t>(window_.end() - record_begin, options_.record_bytes_max);
  const char* bytes = window_.base() + record_begin;
  CsvScanState state = CsvScanState::kRecordStart;
  size_t quote = 0;
  bool ends_inside = reason != Code::kUnclosedQuoteSkipped;
  for (size_t i = 0; i < cap && ends_inside; ++i) {
    const CsvScanState before = state;
    bool structural = false;
    state = csv_scan_byte(dialect_, state, bytes[i], &structural);
    if (state == CsvScanState::kQuoted && (before == CsvScanState::kFieldStart || before == CsvScanState::kRecordStart))
      quote = i;
    if (structural && bytes[i] == '\n') break;
  }
  const bool open = state == CsvScanState::kQuoted || state == CsvScanState::kEscapedQuoted;
  skip_ = Skip::kRecord;
  skip_reason_ = reason;
  if (open && cap == options_.record_bytes_max) {
    if (!options_.csv.resync) return fail(at(Code::kUnclosedQuote, window_.base_decoded_byte() + record_begin + quote));
    skip_reason_ = Code::kUnclosedQuoteSkipped;
  }
  if (skip_reason_ == Code::kUnclosedQuoteSkipped) skip_ = Skip::kLine;
  skip_state_ = CsvScanState::kRecordStart;
  skip_begin_byte_ = window_.base_decoded_byte() + record_begin;
  skip_size_ = 0;
  skip_head_size_ = 0;
  skip_fields_ = 1;
  skip_hash_.reset();
  window_.consume_to(record_begin);
  return {};
}

// Passes over what is in the window. True when the record's end was found; `failed` with `error` set when a quote
// never closes.
bool CsvReader::skip_on(Error& error, bool& failed) {
  const size_t from = window_.begin();
  const char* base = window_.base();
  size_t i = from;
  bool found = false;
  if (skip_ == Skip::kLine) {
    const void* feed = std::memchr(base + from, '\n', window_.end() - from);
    found = feed != nullptr;
    i = found ? static_cast<size_t>(static_cast<const char*>(feed) - base) + 1 : window_.end();
  } else {
    for (; i < window_.end() && !found; ++i) {
      const CsvScanState before = skip_state_;
      bool structural = false;
      skip_state_ = csv_scan_byte(dialect_, before, base[i], &structural);
      const uint64_t size_so_far = skip_size_ + (i - from) + 1;
      if (skip_state_ == CsvScanState::kQuoted) {
        if (before == CsvScanState::kFieldStart || before == CsvScanState::kRecordStart) {
          skip_quote_byte_ = window_.base_decoded_byte() + i;
          // Past the cap `resync` no longer trusts quotes: the record ends with its line.
          if (options_.csv.resync && size_so_far > options_.record_bytes_max) skip_state_ = CsvScanState::kUnquoted;
        } else if (window_.base_decoded_byte() + i - skip_quote_byte_ > options_.record_bytes_max &&
                   size_so_far > options_.record_bytes_max) {
          error = at(Code::kUnclosedQuote, skip_quote_byte_);
          failed = true;
          return false;
        }
      }
      if (structural) {
        found = base[i] == '\n';
        if (!found) ++skip_fields_;
      }
    }
  }
  const std::string_view passed(base + from, i - from);
  const size_t head = std::min<size_t>(passed.size(), skip_head_.size() - skip_head_size_);
  std::memcpy(skip_head_.data() + skip_head_size_, passed.data(), head);
  skip_head_size_ += static_cast<uint32_t>(head);
  skip_hash_.update(passed);
  skip_size_ += passed.size();
  window_.consume_to(i);
  if (!found && window_.closed()) {
    if (skip_state_ == CsvScanState::kQuoted && !options_.csv.resync) {
      error = at(Code::kUnclosedQuote, skip_quote_byte_);
      failed = true;
      return false;
    }
    found = true;
    skip_terminated_ = false;
  } else {
    skip_terminated_ = found;
  }
  if (found) restart_scan(window_.begin(), CsvScanState::kRecordStart);
  return found;
}

void CsvReader::add_skip_reject() {
  ReaderReject& reject = rejects_[reject_count_++];
  reject = ReaderReject{};
  // Whichever limit was met first while reading: the size counts before the number of fields.
  reject.code = skip_reason_ == Code::kUnclosedQuoteSkipped                           ? skip_reason_
                : skip_size_ - (skip_terminated_ ? 1 : 0) > options_.record_bytes_max ? Code::kRecordTooLarge
                                                                                      : skip_reason_;
  reject.decoded_byte = skip_begin_byte_;
  reject.size = skip_size_;
  reject.head = {skip_head_.data(), skip_head_size_};
  const Sha256::Digest digest = skip_hash_.digest();
  std::memcpy(reject.sha256_words, digest.data(), digest.size());
  reject.hashed = true;
  reject.detail_a = skip_fields_;
  reject.detail_b = fields_;
  skip_ = Skip::kNone;
}

}  // namespace weir

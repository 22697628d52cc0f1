// Small things that the readers of json, ndjson, lines, blocks and file share.
#pragma once

#include "base/error.hpp"
#include "base/state.hpp"
#include "base/step.hpp"
#include "format/json_automaton.hpp"
#include "format/reader.hpp"
#include "memory/arena.hpp"

namespace weir {

inline size_t reader_window_bytes(const ReaderOptions& options) {
  return Arena::aligned(Window::memory_max(options.window_bytes, options.record_bytes_max));
}

/// Bounds that hold for every reader: offsets in a window are 32 bits, and a line end must fit behind the largest record.
inline Status check_reader_options(const ReaderOptions& options, bool json) {
  if (options.window_bytes < 64) return fail(Code::kOutOfRange, "window_bytes: at least 64");
  if (options.record_bytes_max == 0) return fail(Code::kOutOfRange, "record_max: at least 1");
  if (uint64_t{options.window_bytes} + options.record_bytes_max >= uint64_t{1} << 31) {
    return fail(Code::kOutOfRange, "record_max: window and record_max together are at most 2 GiB");
  }
  if (json && (options.json.depth_max == 0 || options.json.depth_max > kJsonDepthLimit)) {
    return fail(Code::kOutOfRange, "depth_max: 1 to 1024");
  }
  return {};
}

/// [begin, next) of the window is the record with its terminator, `record` without.
inline void set_reject_bytes(const Window& window, size_t begin, size_t next, std::string_view record,
                             ReaderReject& reject) {
  reject.decoded_byte = window.base_decoded_byte() + begin;
  reject.size = next - begin;
  reject.head = record.substr(0, kRejectHeadMax);
}

inline Step utf16_failure(uint32_t source, Error& error) {
  error = Error(Code::kUtf16);
  error.source = source;
  error.byte = 0;
  return Step::kFailed;
}

/// Where the window begins: what a reader needs to go on besides its own state.
inline void save_position(StateWriter& out, uint32_t source, uint64_t record, const Window& window) {
  out.put(source);
  out.put(record);
  out.put(window.base_decoded_byte() + window.begin());
}
inline bool load_position(StateReader& in, uint32_t& source, uint64_t& record, Window& window) {
  source = in.get<uint32_t>();
  record = in.get<uint64_t>();
  window.reset(in.get<uint64_t>());
  return in.ok();
}

}  // namespace weir

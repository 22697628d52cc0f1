// For tests and fuzz targets: runs a RecordReader over a text that arrives in given pieces and writes down all it says, in terms that
// must not depend on the pieces, the window or where a run was saved and gone on with.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "format/reader.hpp"
#include "memory/arena.hpp"

namespace weir {

/// A reader in a room of exactly its memory_max.
template <typename Reader>
class ReaderRoom {
 public:
  ReaderRoom(const ReaderOptions& options, const Projection& projection) {
    const size_t bytes = Reader::memory_max(options, projection);
    // Behind the room stands nothing that may be read: sanitizers see a step too far.
    memory_.reset(static_cast<char*>(std::aligned_alloc(kAlignment, Arena::aligned(bytes))));
    Result<RecordReader*> made = Reader::make(options, projection, {memory_.get(), bytes});
    if (made) {
      reader_ = *made;
    } else {
      error_ = made.error();
    }
  }
  RecordReader* get() { return reader_; }
  RecordReader* operator->() { return reader_; }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> memory_;
  RecordReader* reader_ = nullptr;
  Error error_;
};

/// How many bytes to supply next, given how many were so far; 0 means as many as fit.
using Pieces = std::function<size_t(size_t)>;

inline Pieces pieces_of(size_t bytes) {
  return [bytes](size_t) { return bytes; };
}
/// One cut, behind `at` bytes.
inline Pieces cut_at(size_t at) {
  return [at](size_t done) { return done < at ? at - done : 0; };
}

namespace transcript {

inline void add_batch(const RecordBatch& batch, std::string& out, uint64_t& next_record, std::string& broken) {
  char line[512];
  const auto claim = [&](bool good, const char* what) {
    if (!good) broken += std::string(what) + "\n";
  };
  claim(batch.rows + batch.rejects.size() > 0, "an empty batch");
  claim(batch.rows <= kRowsMax && batch.rejects.size() <= kReaderRejectsMax, "a batch out of bounds");
  claim(batch.first_record == next_record, "a record number does not follow");
  claim(batch.all_first <= batch.columns.size(), "all_first is out of bounds");
  next_record = batch.first_record + batch.rows + batch.rejects.size();
  uint64_t number = batch.first_record;
  uint32_t last_end = 0;
  size_t reject = 0;
  for (uint32_t row = 0; row <= batch.rows; ++row) {
    for (; reject < batch.rejects.size() && batch.rejects[reject].rows_before == row; ++reject) {
      const ReaderReject& r = batch.rejects[reject];
      std::snprintf(
          line, sizeof line, "reject %llu W%d at %llu size %llu detail %u %u hash %d %016llx%016llx%016llx%016llx ",
          static_cast<unsigned long long>(number++), static_cast<int>(r.code),
          static_cast<unsigned long long>(r.decoded_byte), static_cast<unsigned long long>(r.size), r.detail_a,
          r.detail_b, r.hashed ? 1 : 0, static_cast<unsigned long long>(r.sha256_words[0]),
          static_cast<unsigned long long>(r.sha256_words[1]), static_cast<unsigned long long>(r.sha256_words[2]),
          static_cast<unsigned long long>(r.sha256_words[3]));
      out += line;
      out.append(r.head);
      out += '\n';
    }
    if (row == batch.rows) break;
    claim(batch.record_ends[row] >= last_end, "record_ends go back");
    last_end = batch.record_ends[row];
    std::snprintf(line, sizeof line, "record %llu at %llu next %llu ", static_cast<unsigned long long>(number++),
                  static_cast<unsigned long long>(batch.base_decoded_byte) + batch.records[row].offset,
                  static_cast<unsigned long long>(batch.base_decoded_byte) + last_end);
    out += line;
    out.append(batch.record(row));
    for (const Column& column : batch.columns) {
      out += column.slices[row].missing() ? " | -" : " | ";
      if (!column.slices[row].missing()) out.append(batch.field(column, row));
    }
    out += '\n';
  }
  claim(reject == batch.rejects.size(), "rows_before is not ascending");
  claim(batch.end_decoded_byte >= batch.base_decoded_byte + last_end, "end_decoded_byte lies before the last record");
}

inline void add_failure(const Error& error, std::string& out) {
  char line[256];
  std::snprintf(line, sizeof line, "failed W%d source %u byte %llu\n", static_cast<int>(error.code), error.source,
                static_cast<unsigned long long>(error.byte));
  out += line;
}

/// Feeds text[at..] and reads until the reader wants no more. `batches_max` stops after so many. True when it came to an end.
inline bool drive(RecordReader& reader, std::string_view text, size_t at, const Pieces& pieces, size_t batches_max,
                  std::string& out, uint64_t& next_record, std::string& broken) {
  for (size_t steps = 0; steps < 4 * text.size() + 100000; ++steps) {
    RecordBatch batch;
    Error error;
    switch (reader.read(batch, error)) {
      case Step::kHaveOutput:
        add_batch(batch, out, next_record, broken);
        if (--batches_max == 0) return false;
        continue;
      case Step::kFinished:
        out += "end\n";
        return true;
      case Step::kFailed:
        add_failure(error, out);
        return true;
      case Step::kNeedInput:
        break;
      default:
        broken += "an answer that no reader gives\n";
        return true;
    }
    Window& window = reader.window();
    if (window.closed()) {
      broken += "wants input behind the end\n";
      return true;
    }
    if (at == text.size()) {
      window.close();
      continue;
    }
    const std::span<char> room = window.room();
    size_t take = pieces(at);
    if (room.empty()) {
      broken += "wants input and has no room\n";
      return true;
    }
    if (take == 0 || take > room.size()) take = room.size();
    if (take > text.size() - at) take = text.size() - at;
    std::memcpy(room.data(), text.data() + at, take);
    window.supply(take);
    at += take;
  }
  broken += "does not come to an end\n";
  return true;
}

}  // namespace transcript

/// All that the reader says of `text`. Broken promises of the interface come first, behind BROKEN.
inline std::string transcript_of(RecordReader& reader, std::string_view text, const Pieces& pieces,
                                 uint32_t source = 0) {
  std::string out;
  std::string broken;
  uint64_t next_record = 0;
  reader.begin_source(source);
  transcript::drive(reader, text, 0, pieces, ~size_t{0}, out, next_record, broken);
  if (!broken.empty()) out.insert(0, "BROKEN " + broken);
  return out;
}

template <typename Reader>
std::string transcript_of(const ReaderOptions& options, const Projection& projection, std::string_view text,
                          const Pieces& pieces = pieces_of(0)) {
  ReaderRoom<Reader> room(options, projection);
  if (room.get() == nullptr) return "not made: W" + std::to_string(static_cast<int>(room.error().code)) + "\n";
  return transcript_of(*room.get(), text, pieces);
}

/// As transcript_of, but after every batch the state is saved and another reader goes on with it.
template <typename Reader>
std::string transcript_with_resumes(const ReaderOptions& options, const Projection& projection, std::string_view text,
                                    const Pieces& pieces) {
  std::string out;
  std::string broken;
  uint64_t next_record = 0;
  size_t at = 0;
  auto room = std::make_unique<ReaderRoom<Reader>>(options, projection);
  (*room)->begin_source(0);
  while (!transcript::drive(*room->get(), text, at, pieces, 1, out, next_record, broken)) {
    std::vector<char> state((*room)->state_bytes_max());
    StateWriter writer(state);
    (*room)->save(writer);
    if (!writer.ok()) broken += "state_bytes_max is too small\n";
    const Window& window = (*room)->window();
    at = window.base_decoded_byte() + window.begin();
    room = std::make_unique<ReaderRoom<Reader>>(options, projection);
    StateReader reader({state.data(), writer.size()});
    if (!(*room)->load(reader) || !reader.at_end()) broken += "what was saved can't be loaded\n";
  }
  if (!broken.empty()) out.insert(0, "BROKEN " + broken);
  return out;
}

}  // namespace weir

// CSV: any bytes, any dialect. Every kernel and every way of feeding must tell the same records, rejects and errors.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "format/csv_reader.hpp"
#include "format/csv_scan.hpp"

namespace {

using namespace weir;

// A transcript of all that the reader says.
std::string transcript(const ReaderOptions& options, std::string_view text, CsvScan scan, size_t piece) {
  Projection projection;
  projection.all = true;
  std::vector<char> memory(CsvReader::memory_max(options, projection) + kAlignment);
  const size_t shift = (kAlignment - reinterpret_cast<uintptr_t>(memory.data()) % kAlignment) % kAlignment;
  auto made = CsvReader::make(options, projection, std::span<char>(memory).subspan(shift));
  if (!made) return "refused";
  auto* reader = static_cast<CsvReader*>(*made);
  if (scan != nullptr) reader->use_scan(scan);
  std::string said;
  const auto say = [&](uint64_t number) { said.append(std::to_string(number)).push_back(' '); };
  size_t at = 0;
  for (;;) {
    RecordBatch batch;
    Error error;
    const Step step = reader->read(batch, error);
    if (step == Step::kFinished) return said + "end";
    if (step == Step::kFailed) {
      say(static_cast<uint64_t>(error.code));
      say(error.byte);
      return said + "failed";
    }
    if (step == Step::kNeedInput) {
      const auto room = reader->window().room();
      if (room.empty()) abort();
      const size_t take = std::min({piece, room.size(), text.size() - at});
      std::memcpy(room.data(), text.data() + at, take);
      if (take != 0) reader->window().supply(take);
      at += take;
      if (at == text.size()) reader->window().close();
      continue;
    }
    size_t reject = 0;
    for (uint32_t row = 0; row <= batch.rows; ++row) {
      for (; reject < batch.rejects.size() && batch.rejects[reject].rows_before == row; ++reject) {
        say(static_cast<uint64_t>(batch.rejects[reject].code));
        say(batch.rejects[reject].decoded_byte);
        say(batch.rejects[reject].size);
      }
      if (row == batch.rows) break;
      for (const Column& column : batch.columns) {
        const Slice slice = column.slices[row];
        said.append(slice.missing() ? "<missing>" : batch.bytes(slice)).push_back('|');
      }
      said.push_back('\n');
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  ReaderOptions options;
  const uint8_t flags = data[0];
  options.csv.delimiter = (flags & 1) != 0 ? ';' : ',';
  options.csv.quote = (flags & 2) != 0 ? '\0' : '"';
  options.csv.escape = (flags & 4) != 0 ? '\\' : '\0';
  if ((flags & 8) != 0) options.csv.comment = "#!";
  options.csv.header = (flags & 16) == 0;
  options.csv.ragged = (flags & 32) != 0 ? CsvOptions::Ragged::kPad : CsvOptions::Ragged::kReject;
  options.csv.resync = (flags & 64) != 0;
  options.reject_invalid_utf8 = (flags & 128) != 0;
  options.csv.columns_max = 16;
  options.csv.header_bytes_max = 256;
  options.record_bytes_max = 16 + data[1];
  options.window_bytes = 64 + data[2];
  const size_t piece = 1 + data[3] % 97;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const std::string expected = transcript(options, text, csv_scan_scalar, 1u << 20);
  if (transcript(options, text, csv_scan_scalar, piece) != expected) abort();
  if (options.csv.escape == 0 && options.csv.comment.empty()) {
    CsvScanKernel kernels[8];
    const size_t count = csv_scan_kernels(kernels, 8);
    for (size_t k = 0; k < count; ++k) {
      if (transcript(options, text, kernels[k].scan, piece) != expected) abort();
    }
  }
  ReaderOptions wide = options;
  wide.window_bytes = 65536;
  if (transcript(wide, text, nullptr, 1u << 20) != expected) abort();
  return 0;
}

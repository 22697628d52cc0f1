// The one place that knows every reader.
#include "format/blocks_reader.hpp"
#include "format/csv_reader.hpp"
#include "format/json_reader.hpp"
#include "format/lines_reader.hpp"
#include "format/ndjson_reader.hpp"
#include "format/reader.hpp"

namespace weir {

const char* format_name(Format format) {
  switch (format) {
    case Format::kCsv:
      return "csv";
    case Format::kNdjson:
      return "ndjson";
    case Format::kJson:
      return "json";
    case Format::kLines:
      return "lines";
    case Format::kBlocks:
      return "blocks";
    case Format::kFile:
      return "file";
  }
  return "";
}

size_t reader_memory_max(const ReaderOptions& options, const Projection& projection) {
  switch (options.format) {
    case Format::kCsv:
      return CsvReader::memory_max(options, projection);
    case Format::kNdjson:
      return NdjsonReader::memory_max(options, projection);
    case Format::kJson:
      return JsonReader::memory_max(options, projection);
    case Format::kLines:
      return LinesReader::memory_max(options, projection);
    case Format::kBlocks:
      return BlocksReader::memory_max(options, projection);
    case Format::kFile:
      return FileReader::memory_max(options, projection);
  }
  return 0;
}

Result<RecordReader*> make_reader(const ReaderOptions& options, const Projection& projection, std::span<char> room) {
  switch (options.format) {
    case Format::kCsv:
      return CsvReader::make(options, projection, room);
    case Format::kNdjson:
      return NdjsonReader::make(options, projection, room);
    case Format::kJson:
      return JsonReader::make(options, projection, room);
    case Format::kLines:
      return LinesReader::make(options, projection, room);
    case Format::kBlocks:
      return BlocksReader::make(options, projection, room);
    case Format::kFile:
      return FileReader::make(options, projection, room);
  }
  return fail(Code::kUnknownFormat);
}

size_t reader_state_max(Format format) {
  switch (format) {
    case Format::kCsv:
      return CsvReader::kStateBytesMax;
    case Format::kNdjson:
      return NdjsonReader::kStateBytesMax;
    case Format::kJson:
      return JsonReader::kStateBytesMax;
    case Format::kLines:
      return LinesReader::kStateBytesMax;
    case Format::kBlocks:
      return BlocksReader::kStateBytesMax;
    case Format::kFile:
      return FileReader::kStateBytesMax;
  }
  return 0;
}

}  // namespace weir

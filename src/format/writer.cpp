#include "format/writer.hpp"

#include "format/csv_writer.hpp"
#include "format/json_writer.hpp"
#include "format/lines_writer.hpp"
#include "memory/arena.hpp"

namespace weir {
namespace {

constexpr size_t larger(size_t a, size_t b) { return a > b ? a : b; }
constexpr size_t kWriterBytes = larger(sizeof(JsonWriter), larger(sizeof(CsvWriter), sizeof(LinesWriter)));

/// Records that are copied as they came are one column, however many names the header has.
constexpr size_t plan_columns(const WriterOptions& options, size_t columns_max) {
  return options.raw_records ? 1 : columns_max;
}

}  // namespace

size_t writer_state_max() { return WriterCore::kStateBytes; }

// Writer, plan of columns, texts of keys or header.
size_t writer_memory_max(const WriterOptions& options, size_t columns_max, size_t names_bytes_max) {
  return Arena::aligned(kWriterBytes) + Arena::array_bytes<PlanColumn>(plan_columns(options, columns_max)) +
         Arena::aligned(text_bytes_max(options.format, columns_max, names_bytes_max));
}

RecordWriter* make_writer(const WriterOptions& options, size_t columns_max, size_t names_bytes_max,
                          std::span<char> room) {
  WEIR_ASSERT(room.size() >= writer_memory_max(options, columns_max, names_bytes_max));
  Arena arena(room);
  const std::span<PlanColumn> columns = arena.take_array<PlanColumn>(plan_columns(options, columns_max));
  const std::span<char> texts = arena.take(text_bytes_max(options.format, columns_max, names_bytes_max));
  switch (options.format) {
    case WriterFormat::kCsv:
      return arena.make<CsvWriter>(options, columns, names_bytes_max, texts);
    case WriterFormat::kNdjson:
    case WriterFormat::kJson:
      return arena.make<JsonWriter>(options, columns, names_bytes_max, texts);
    case WriterFormat::kLines:
    case WriterFormat::kRaw:
      return arena.make<LinesWriter>(options, columns, names_bytes_max, texts);
  }
  return nullptr;
}

}  // namespace weir

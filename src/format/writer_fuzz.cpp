// libFuzzer: two fields and a value of any bytes, written in one room and in many small ones: the same bytes, batches
// and failures.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "format/writer.hpp"

using namespace weir;

namespace {

struct Outcome {
  std::string bytes;
  std::vector<uint64_t> events;  // ends of batches and units, failed rows
  bool operator==(const Outcome&) const = default;
};

Outcome run(const WriterOptions& options, const WriteRows& rows, uint64_t unit_bytes, size_t room_bytes) {
  Outcome outcome;
  static const WriteColumn kColumns[] = {
      {.name = "a\"", .field = 0}, {.name = "b", .field = 1}, {.name = "c", .computed = 0}};
  const size_t memory = writer_memory_max(options, 3, 16);
  const std::unique_ptr<char[], void (*)(char*)> place(static_cast<char*>(::operator new(memory, std::align_val_t{64})),
                                                       [](char* p) { ::operator delete(p, std::align_val_t{64}); });
  RecordWriter* writer = make_writer(options, 3, 16, {place.get(), memory});
  if (!writer->begin({}, kColumns)) std::abort();
  writer->open_object();
  const auto room = std::make_unique<char[]>(room_bytes);
  const auto take = [&](size_t bytes) { outcome.bytes.append(room.get(), bytes); };
  uint64_t unit_written = 0;
  const auto end_batch = [&] {
    for (size_t bytes = room_bytes; bytes == room_bytes;) take(bytes = writer->end_batch({room.get(), room_bytes}));
    outcome.events.push_back(outcome.bytes.size());
  };
  for (uint32_t next = 0;;) {
    const uint64_t left = unit_bytes > unit_written ? unit_bytes - unit_written : 1;
    const WriteResult result = writer->write(rows, next, left, {room.get(), room_bytes});
    take(result.bytes);
    unit_written += result.bytes;
    next = result.next;
    if (result.stop == WriteStop::kAllRows) break;
    if (result.stop == WriteStop::kBatchFull) end_batch();
    if (result.stop == WriteStop::kUnitFull) {
      outcome.events.push_back(outcome.bytes.size() << 32);
      unit_written = 0;
    }
    if (result.stop == WriteStop::kRowFailed)
      outcome.events.push_back(uint64_t{next++} << 48 | static_cast<uint64_t>(result.code) << 32);
  }
  end_batch();
  for (size_t bytes = 1; bytes != 0;) take(bytes = writer->close_object({room.get(), room_bytes}));
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  WriterOptions options;
  options.format = static_cast<WriterFormat>(data[0] % 3);
  options.header = (data[0] & 64) != 0;
  options.delimiter = ",;\t"[data[1] % 3];
  options.batch_records_max = data[2] % 4;
  options.batch_bytes_max = data[3] % 8 == 0 ? uint64_t{data[3]} * 4 : 0;
  const uint64_t unit_bytes = data[4] % 4 == 0 ? 1 + uint64_t{data[4]} * 4 : ~uint64_t{0};
  const size_t room_bytes = 1 + data[5];

  // The rest: rows of three fields, cut where 0xfe stands.
  const std::string_view rest(reinterpret_cast<const char*>(data) + 8, size - 8);
  const auto window = std::make_unique<char[]>(rest.size() + 64);
  std::memcpy(window.get(), rest.data(), rest.size());
  std::memset(window.get() + rest.size(), 0, 64);
  std::vector<Slice> slices[3];
  for (size_t at = 0, cut = 0; at <= rest.size() && slices[2].size() < 64; at = cut + 1) {
    cut = rest.find('\xfe', at);
    if (cut == std::string_view::npos) cut = rest.size();
    const size_t column = slices[0].size() == slices[1].size() ? (slices[1].size() == slices[2].size() ? 0 : 2) : 1;
    Slice slice{static_cast<uint32_t>(at), static_cast<uint32_t>(cut - at)};
    if (slice.size == 1 && window[slice.offset] == '\xfd') slice = Slice();
    slices[column].push_back(slice);
  }
  const size_t count = slices[2].size();
  const FieldEncoding second = data[6] % 3 == 0   ? FieldEncoding::kPlain
                               : data[6] % 3 == 1 ? FieldEncoding::kCsv
                                                  : FieldEncoding::kBytes;
  const Column columns[] = {
      {slices[0].data(), FieldEncoding::kCsv, data[7] % 2 == 0 ? '"' : '\'', data[7] % 3 == 0 ? '\\' : '"'},
      {slices[1].data(), second, '"', '"'}};
  std::vector<Value> values;
  std::vector<uint16_t> selected;
  std::vector<std::string> texts(count);  // nothing may be read behind a value
  for (size_t i = 0; i < count; ++i) {
    texts[i] = slices[2][i].missing() ? "" : std::string(window.get() + slices[2][i].offset, slices[2][i].size);
    texts[i].shrink_to_fit();
    values.push_back(i % 3 == 0   ? Value::of_text(texts[i], Type::kBytes)
                     : i % 3 == 1 ? Value::of_text(texts[i])
                                  : Value::of_int(static_cast<int64_t>(i)));
    selected.push_back(static_cast<uint16_t>(i));
  }
  RecordBatch batch;
  batch.base = window.get();
  batch.rows = static_cast<uint32_t>(count);
  batch.records = slices[0].data();
  batch.columns = columns;
  const WriteRows rows{&batch, selected, values.data(), static_cast<uint32_t>(count)};
  const Outcome whole = run(options, rows, unit_bytes, size_t{1} << 18);
  if (!(run(options, rows, unit_bytes, room_bytes) == whole)) std::abort();
  if (!(run(options, rows, unit_bytes, room_bytes * 16) == whole)) std::abort();
  return 0;
}

#include "codec/zip_archive.hpp"

#include <cstring>

#include <isa-l/crc.h>

#include "base/assert.hpp"

namespace weir {
namespace {

constexpr size_t kLocalBytes = 30;
constexpr size_t kCentralBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kGzipHeaderBytes = 10;  // as GzipEncoder writes it: no name, no fields
constexpr size_t kGzipTrailerBytes = 8;
constexpr uint16_t kVersionNeeded = 20;  // 2.0: deflate
constexpr uint16_t kMadeBy = 3 << 8 | 30;  // Unix: the upper half of the attributes is a mode
constexpr uint16_t kDate = 1 << 5 | 1;  // 1980-01-01
constexpr uint32_t kRegularFile = 0100000;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

class Fields {
 public:
  explicit Fields(char* at) : at_(at) {}
  Fields& u16(uint64_t value) { return number(value, 2); }
  Fields& u32(uint64_t value) { return number(value, 4); }
  Fields& text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  [[nodiscard]] char* end() const { return at_; }

 private:
  Fields& number(uint64_t value, int bytes) {
    for (; bytes > 0; --bytes, value >>= 8) *at_++ = static_cast<char>(value);
    return *this;
  }
  char* at_;
};

struct Packed {
  uint16_t method = kStored;
  uint32_t crc = 0;
  uint32_t bytes = 0;
};

/// Puts the file's data to `at`, with as much room as bytes_max has for it. The gzip header falls on the local header before it, which is written
/// later.
Packed pack(const ZipFile& file, Encoder& gzip, char* at) {
  Packed packed;
  packed.crc = crc32_gzip_refl(0, reinterpret_cast<const uint8_t*>(file.bytes.data()), file.bytes.size());
  Error error;
  gzip.reset();
  const size_t room = kGzipHeaderBytes + file.bytes.size() + kGzipTrailerBytes;
  const Transfer done = gzip.encode(file.bytes, Flush::kFinish, {at - kGzipHeaderBytes, room}, error);
  if (done.step == Step::kFinished && done.produced < room) {
    packed.method = kDeflated;
    packed.bytes = static_cast<uint32_t>(done.produced - kGzipHeaderBytes - kGzipTrailerBytes);
    return packed;
  }
  packed.bytes = static_cast<uint32_t>(file.bytes.size());
  if (!file.bytes.empty()) std::memcpy(at, file.bytes.data(), file.bytes.size());
  return packed;
}

void put_common(Fields& fields, const ZipFile& file, const Packed& packed) {
  fields.u16(kVersionNeeded).u16(0).u16(packed.method).u16(0).u16(kDate).u32(packed.crc).u32(packed.bytes);
  fields.u32(file.bytes.size()).u16(file.name.size()).u16(0);
}

}  // namespace

uint64_t zip_bytes_max(std::span<const ZipFile> files) {
  uint64_t bytes = kEndBytes;
  for (const ZipFile& file : files)
    bytes += kLocalBytes + kCentralBytes + kGzipTrailerBytes + 2 * file.name.size() + file.bytes.size();
  return bytes;
}

size_t write_zip(std::span<const ZipFile> files, Encoder& gzip, std::span<char> room) {
  constexpr size_t kFilesMax = 16;
  WEIR_ASSERT(files.size() <= kFilesMax);
  const uint64_t most = zip_bytes_max(files);
  WEIR_ASSERT(most <= UINT32_MAX && room.size() >= most);
  Packed packed[kFilesMax];
  size_t places[kFilesMax];
  char* at = room.data();
  for (size_t i = 0; i < files.size(); ++i) {
    const ZipFile& file = files[i];
    WEIR_ASSERT(!file.name.empty() && file.name.size() <= UINT16_MAX);
    places[i] = static_cast<size_t>(at - room.data());
    packed[i] = pack(file, gzip, at + kLocalBytes + file.name.size());
    Fields fields(at);
    fields.u32(0x04034b50);
    put_common(fields, file, packed[i]);
    at = fields.text(file.name).end() + packed[i].bytes;
  }
  const size_t central = static_cast<size_t>(at - room.data());
  for (size_t i = 0; i < files.size(); ++i) {
    Fields fields(at);
    fields.u32(0x02014b50).u16(kMadeBy);
    put_common(fields, files[i], packed[i]);
    fields.u16(0).u16(0).u16(0).u32((kRegularFile | files[i].mode) << 16).u32(places[i]);
    at = fields.text(files[i].name).end();
  }
  const size_t end = static_cast<size_t>(at - room.data());
  Fields fields(at);
  fields.u32(0x06054b50).u16(0).u16(0).u16(files.size()).u16(files.size()).u32(end - central).u32(central).u16(0);
  return static_cast<size_t>(fields.end() - room.data());
}

}  // namespace weir

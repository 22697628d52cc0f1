// Any bytes: every kernel and the automaton must agree on good and bad, and on code and offset; values must lie inside the record,
// be valid JSON themselves, and be the same from every kernel and from scan_prefix().
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "format/json_scanner.hpp"
#include "format/json_test_corpus.hpp"

namespace {

using namespace weir;

constexpr size_t kPaths = 9;

void claim(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

struct Scanner {
  explicit Scanner(const Projection& projection, JsonIndexer indexer) {
    const size_t bytes = Arena::aligned(JsonScanner::memory_max(projection));
    Arena arena({static_cast<char*>(std::aligned_alloc(kAlignment, bytes)), bytes});
    scanner.attach(projection, 20, arena);
    scanner.use(indexer);
  }
  JsonScanner scanner;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TestProjection& projection =
      *new TestProjection({"a", "b", "!A", "a.a", "a.b.a", "a.0", "a.1.b", "b.0.0", "name"});
  static std::vector<Scanner>& scanners = *[] {
    auto* all = new std::vector<Scanner>();
    for (const SimdLevel kernel : kSimdLevels) {
      if (const JsonIndexer indexer = json_indexer(kernel)) all->emplace_back(*projection, indexer);
    }
    return all;
  }();

  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<char> padded(size + 64);  // exactly what may be read
  if (size != 0) std::memcpy(padded.data(), data, size);
  // What stands behind the record must not matter.
  std::memset(padded.data() + size, size != 0 ? data[size / 2] : '1', 64);

  const JsonFault want = check_json(text, 20);
  Slice first[kPaths];
  for (size_t s = 0; s < scanners.size(); ++s) {
    Slice values[kPaths];
    const JsonFault got = scanners[s].scanner.scan({padded.data(), size}, 0, values, 1);
    if (want.ok()) {
      claim(got.ok() || got.code == Code::kNotAnObject, "the scanner refuses what the automaton takes");
    } else {
      claim(got.code == want.code && got.offset == want.offset, "the scanner and the automaton differ on a fault");
    }
    claim(got.ok() || got.offset <= size, "a fault stands outside of the record");
    if (!got.ok()) continue;
    if (s == 0) std::memcpy(first, values, sizeof first);
    claim(std::memcmp(first, values, sizeof first) == 0, "two kernels find different values");
    for (const Slice& value : values) {
      if (value.missing()) continue;
      claim(value.offset + value.size <= size && value.size != 0, "a value lies outside of the record");
      const JsonFault inner = check_json(text.substr(value.offset, value.size), 20);
      claim(inner.ok(), "a value is no JSON");
    }
    if (data[0] == '{' && data[size - 1] == '}') {
      Slice again[kPaths];
      claim(scanners[s].scanner.scan_prefix({padded.data(), size}, 0, again, 1) == size, "the prefix is not found");
      claim(std::memcmp(again, values, sizeof again) == 0, "the prefix has other values");
    }
  }
  // A prefix that is found is a record by itself.
  if (size != 0 && (data[0] == '{' || data[0] == '[')) {
    Slice values[kPaths];
    const size_t prefix = scanners.back().scanner.scan_prefix({padded.data(), size}, 0, values, 1);
    claim(prefix <= size, "a prefix is longer than the text");
    if (prefix != 0) claim(check_json(text.substr(0, prefix), 20).ok(), "a prefix is no JSON");
  }
  return 0;
}

// Two lines of any bytes: what every kernel of the layout learned from the first takes of the second, the scanner
// must take too, with the same values; and the kernels agree.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <vector>

#include "format/json_layout.hpp"
#include "format/json_scanner.hpp"
#include "format/json_test_corpus.hpp"

namespace {

using namespace weir;

constexpr uint32_t kPaths = 7;

JsonScanner& make_scanner(const Projection& projection, bool touched) {
  const size_t bytes = Arena::aligned(JsonScanner::memory_max(projection));
  Arena arena({static_cast<char*>(std::aligned_alloc(kAlignment, bytes)), bytes});
  auto* made = new JsonScanner();
  made->attach(projection, 20, arena, touched);
  return *made;
}

void claim(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void run(JsonScanner& scanner, uint32_t paths, const uint8_t* data, size_t size) {
  const auto* const feed = size == 0 ? nullptr : static_cast<const uint8_t*>(std::memchr(data, '\n', size));
  if (feed == nullptr) return;
  const auto first_size = static_cast<size_t>(feed - data);
  std::vector<char> first(data, feed);
  first.insert(first.end(), 64, '7');
  std::vector<char> second(feed + 1, data + size);
  const size_t second_size = second.size();
  second.insert(second.end(), 64, second_size != 0 ? second[second_size / 2] : '1');

  Slice learned[kPaths];
  if (!scanner.scan({first.data(), first_size}, 0, learned, 1).ok()) return;
  size_t sizes[std::size(kSimdLevels)] = {};
  Slice values[std::size(kSimdLevels)][kPaths];
  for (const SimdLevel kernel : kSimdLevels) {
    const auto k = static_cast<size_t>(kernel);
    static JsonLayout layout;
    if (!layout.use(kernel)) continue;
    if (!layout.learn({first.data(), first_size}, scanner.looked_at(), 0, learned, 1, paths)) return;
    sizes[k] = layout.match(second.data(), second.data() + second_size, 0, values[k], 1);
    claim(sizes[k] == sizes[0], "two kernels differ on a record");
    if (sizes[k] != 0)
      claim(std::memcmp(values[k], values[0], paths * sizeof(Slice)) == 0, "two kernels find different values");
  }
  if (sizes[0] == 0) {
    // A line that is the learned one again must be taken; but for one that ends with \r, which framing takes for a
    // terminator's.
    claim(second_size <= first_size || first[first_size - 1] == '\r' || second[first_size] != '\n' ||
              std::memcmp(first.data(), second.data(), first_size) != 0,
          "a record is not taken again");
    return;
  }
  claim(sizes[0] < second_size, "the line feed is out of sight");
  Slice want[kPaths];
  claim(scanner.scan({second.data(), sizes[0]}, 0, want, 1).ok(), "the layout takes what the scanner refuses");
  claim(std::memcmp(want, values[0], paths * sizeof(Slice)) == 0, "the layout finds other values than the scanner");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TestProjection& many = *new TestProjection({"a", "b", "!A", "a.a", "a.0", "a.1.b", "name"});
  static const TestProjection& two = *new TestProjection({"a", "b"});
  static JsonScanner& whole = make_scanner(*many, false);
  static JsonScanner& touched = make_scanner(*two, true);
  run(whole, kPaths, data, size);
  run(touched, 2, data, size);
  return 0;
}

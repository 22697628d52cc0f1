// libFuzzer: every level of every kernel against its scalar twin, over the same bytes cut at random places.
//
// The first eight bytes seed where the text is cut; the rest is the text. What a kernel may assume of its input (valid
// JSON, say) is made of the text first. Only what this processor has is tried; under an emulator that is NEON.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "format/csv_quote.hpp"
#include "format/csv_scan.hpp"
#include "format/json_escape.hpp"
#include "format/json_kernel.hpp"
#include "format/json_layout.hpp"
#include "format/json_minify.hpp"
#include "format/json_scanner.hpp"
#include "format/json_test_corpus.hpp"
#include "format/simd16.hpp"
#include "format/simd_level.hpp"
#include "hash/crc32c.hpp"
#include "record/field.hpp"
#include "record/number.hpp"

namespace {

using namespace weir;

void claim(bool good, const char* kernel, const char* level) {
  if (good) return;
  std::fprintf(stderr, "broken: %s by %s differs from its scalar twin\n", kernel, level);
  std::abort();
}

/// Where a text is cut, the same for every kernel: ascending, each a multiple of `unit`.
std::vector<size_t> cuts_of(uint64_t seed, size_t size, size_t unit) {
  std::mt19937_64 random(seed);
  const size_t step_max = 1 + random() % 300;
  std::vector<size_t> cuts;
  for (size_t at = 0; at < size;) {
    at = std::min(size, at + unit * (1 + random() % step_max));
    cuts.push_back(at);
  }
  if (cuts.empty()) cuts.push_back(0);
  return cuts;
}

/// The text with just the bytes behind it that a kernel may read.
std::vector<char> padded(std::string_view text, size_t padding, char with) {
  std::vector<char> out(text.begin(), text.end());
  out.insert(out.end(), padding, with);
  return out;
}

// ---- CSV ------------------------------------------------------------------------------------------------------------

struct Scanned {
  std::vector<uint32_t> entries;
  std::vector<uint32_t> ends;
  uint32_t count = 0;
  CsvScanState state = CsvScanState::kRecordStart;
  bool operator==(const Scanned&) const = default;
};

Scanned scan_csv(CsvScan scan, std::string_view text, const CsvDialect& dialect, const std::vector<size_t>& cuts,
                 uint32_t room, bool feeds_only) {
  const std::vector<char> bytes = padded(text, 64, dialect.quote);
  Scanned all;
  std::vector<uint32_t> entries(room);
  std::vector<uint32_t> ends(room);
  size_t at = 0;
  for (const size_t cut : cuts) {
    for (bool stuck = false; !stuck && at != cut;) {
      CsvIndex index{entries.data(), room, 0, ends.data(), room, 0};
      index.feeds_only = feeds_only;
      const size_t next = scan(bytes.data(), at, cut, cut == text.size(), dialect, all.state, index);
      for (uint32_t i = 0; i < index.end_count; ++i) all.ends.push_back(all.count + index.ends[i]);
      all.count += index.count;
      all.entries.insert(all.entries.end(), entries.data(),
                         entries.data() + (feeds_only ? index.end_count : index.count));
      stuck = next == at;
      at = next;
    }
  }
  // Without comments the two are the same to every kernel.
  if (all.state == CsvScanState::kRecordStart) all.state = CsvScanState::kFieldStart;
  return all;
}

void fuzz_csv(uint64_t seed, std::string_view text) {
  CsvDialect dialect;
  dialect.delimiter = ",;\t|"[seed % 4];
  dialect.quote = "\"\"'\0"[seed / 4 % 4];
  const std::vector<size_t> cuts = cuts_of(seed, text.size(), 1);
  const auto room = static_cast<uint32_t>(64 + seed / 16 % 200);
  CsvScanKernel kernels[std::size(kSimdLevels)];
  const size_t count = csv_scan_kernels(kernels, std::size(kernels));
  for (const bool feeds_only : {false, true}) {
    const Scanned want =
        scan_csv(csv_scan_scalar, text, dialect, {text.size()}, static_cast<uint32_t>(text.size() + 64), feeds_only);
    for (size_t k = 0; k < count; ++k) {
      claim(scan_csv(kernels[k].scan, text, dialect, cuts, room, feeds_only) == want, "csv_scan", kernels[k].name);
    }
  }
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

struct Indexed {
  std::vector<uint32_t> positions;
  JsonCarry carry;
  bool operator==(const Indexed& other) const {
    return positions == other.positions && carry.in_string == other.carry.in_string &&
           carry.escaped == other.carry.escaped && carry.in_scalar == other.carry.in_scalar &&
           (carry.bad != 0) == (other.carry.bad != 0) && (carry.high != 0) == (other.carry.high != 0) &&
           carry.backslash == other.carry.backslash;
  }
};

Indexed index_json(JsonIndexer indexer, std::string_view text, const std::vector<size_t>& cuts) {
  const std::vector<char> bytes = padded(text, 68, '\\');
  Indexed all;
  size_t at = 0;
  for (const size_t cut : cuts) {
    std::vector<uint32_t> positions(cut - at + kJsonIndexSlack);
    positions.resize(indexer(bytes.data() + at, cut - at, static_cast<uint32_t>(at), all.carry, positions.data()));
    all.positions.insert(all.positions.end(), positions.begin(), positions.end());
    at = cut;
  }
  return all;
}

void fuzz_json_index(uint64_t seed, std::string_view text) {
  const std::vector<size_t> cuts = cuts_of(seed, text.size(), 64);
  const Indexed want = index_json(json_indexer(SimdLevel::kScalar), text, {text.size()});
  for (const SimdLevel level : kSimdLevels) {
    if (const JsonIndexer indexer = json_indexer(level))
      claim(index_json(indexer, text, cuts) == want, "json_indexer", simd_name(level));
  }
}

/// The first line is learned, each of the others is held against it.
void fuzz_json_layout(std::string_view text) {
  constexpr uint32_t kPaths = 4;
  static const TestProjection& projection = *new TestProjection({"a", "b", "a.0", "name"});
  static JsonScanner& scanner = *[] {
    const size_t bytes = Arena::aligned(JsonScanner::memory_max(*projection));
    Arena arena({static_cast<char*>(std::aligned_alloc(kAlignment, bytes)), bytes});
    auto* made = new JsonScanner();
    made->attach(*projection, 20, arena);
    return made;
  }();
  static JsonLayout layouts[std::size(kSimdLevels)];

  const size_t feed = text.find('\n');
  if (feed == std::string_view::npos) return;
  const std::vector<char> first = padded(text.substr(0, feed), 64, '"');
  const std::vector<char> rest = padded(text.substr(feed + 1), 64, '7');
  const char* const limit = rest.data() + (rest.size() - 64);
  Slice learned[kPaths];
  if (!scanner.scan({first.data(), feed}, 0, learned, 1).ok()) return;
  bool usable[std::size(kSimdLevels)] = {};
  for (const SimdLevel level : kSimdLevels) {
    const auto k = static_cast<size_t>(level);
    usable[k] = layouts[k].use(level) && layouts[k].learn({first.data(), feed}, feed, 0, learned, 1, kPaths);
  }
  if (!usable[0]) return;
  for (const char* line = rest.data(); line < limit;) {
    Slice want[kPaths];
    const size_t size = layouts[0].match(line, limit, 0, want, 1);
    for (const SimdLevel level : kSimdLevels) {
      const auto k = static_cast<size_t>(level);
      if (!usable[k]) continue;
      Slice got[kPaths];
      claim(layouts[k].match(line, limit, 0, got, 1) == size, "json_layout", simd_name(level));
      claim(size == 0 || std::memcmp(got, want, sizeof got) == 0, "json_layout", simd_name(level));
    }
    const void* const next = std::memchr(line, '\n', static_cast<size_t>(limit - line));
    line = next == nullptr ? limit : static_cast<const char*>(next) + 1;
  }
}

std::string escape_by(SimdLevel level, std::string_view text, bool& high) {
  const auto copy = std::make_unique<char[]>(text.size());  // just this size: nothing behind it may be read
  std::copy(text.begin(), text.end(), copy.get());
  std::string out(kJsonEscapeFactor * text.size() + kWideSlack, '?');
  const JsonEscaped escaped = escape_json_by(level, {copy.get(), text.size()}, out.data());
  out.resize(static_cast<size_t>(escaped.end - out.data()));
  high = escaped.high;
  return out;
}

std::string minify_by(SimdLevel level, std::string_view text, const std::vector<size_t>& cuts) {
  MinifyState state;
  std::string all;
  size_t at = 0;
  for (const size_t cut : cuts) {
    const std::vector<char> piece(text.begin() + static_cast<ptrdiff_t>(at),
                                  text.begin() + static_cast<ptrdiff_t>(cut));
    std::string out(piece.size() + kWideSlack, '?');
    all.append(out.data(), static_cast<size_t>(minify_json_by(level, state, {piece.data(), piece.size()}, out.data()) -
                                               out.data()));
    at = cut;
  }
  return all;
}

/// Of valid JSON only this matters to minifying: no control bytes but blanks, and backslashes in strings only.
std::string as_valid_json(std::string_view text) {
  std::string valid(text);
  bool in_string = false;
  bool escaped = false;
  for (char& c : valid) {
    if ((static_cast<unsigned char>(c) < 0x20 && (in_string || !is_json_blank(c))) || (c == '\\' && !in_string))
      c = 'x';
    if (escaped) {
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (c == '"') {
      in_string = !in_string;
    }
  }
  return valid;
}

void fuzz_json_text(uint64_t seed, std::string_view text) {
  const std::vector<size_t> cuts = cuts_of(seed, text.size(), 1);
  const std::string json = as_valid_json(text);
  const std::string minified = minify_by(SimdLevel::kScalar, json, {json.size()});
  for (const SimdLevel level : kSimdLevels) {
    if (!text_kernel_usable(level)) continue;
    claim(minify_by(level, json, cuts) == minified, "minify_json", simd_name(level));
    size_t at = 0;
    for (const size_t cut : cuts) {
      bool want_high = false;
      bool high = false;
      const std::string_view piece = text.substr(at, cut - at);
      const std::string want = escape_by(SimdLevel::kScalar, piece, want_high);
      claim(escape_by(level, piece, high) == want && high == want_high, "escape_json", simd_name(level));
      at = cut;
    }
  }
}

// ---- what is inlined: one level a build -------------------------------------------------------------------------------

void fuzz_sixteen(uint64_t seed, std::string_view text) {
  const char delimiter = ",;\t|"[seed % 4];
  const std::vector<char> bytes = padded(text, kWideSlack, 'x');
  const auto json_odd = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x80 || c == '"' || c == '\\';
  };
  const auto csv_odd = [delimiter](char c) { return c == delimiter || c == '"' || c == '\n' || c == '\r'; };
  for (size_t at = 0; at <= text.size(); at += 1 + seed % 16) {
    uint32_t json = 0;
    uint32_t csv = 0;
    for (uint32_t i = 0; i < 16; ++i) {
      json |= static_cast<uint32_t>(json_odd(bytes[at + i])) << i;
      csv |= static_cast<uint32_t>(csv_odd(bytes[at + i])) << i;
    }
    claim(json_attention(load16(bytes.data() + at)) == json, "json_attention", "simd16");
    claim(csv_attention(load16(bytes.data() + at), delimiter) == csv, "csv_attention", "simd16");
  }
  size_t at = 0;
  for (const size_t cut : cuts_of(seed, text.size(), 1)) {
    const std::string_view piece(bytes.data() + at, cut - at);
    std::string out(piece.size() + kWideSlack, '?');
    const bool clean = copy_clean_text(out.data(), piece.data(), piece.size());
    claim(clean == std::ranges::none_of(piece, json_odd), "copy_clean_text", "simd16");
    claim(!clean || out.starts_with(piece), "copy_clean_text", "simd16");
    const char* const end = put_csv_plain(out.data(), piece.data(), piece.size(), delimiter);
    claim((end != nullptr) == std::ranges::none_of(piece, csv_odd), "put_csv_plain", "simd16");
    claim(end == nullptr || out.starts_with(piece), "put_csv_plain", "simd16");
    at = cut;
  }
}

void fuzz_crc(uint64_t seed, std::string_view text) {
  uint32_t crc = 0;
  size_t at = 0;
  for (const size_t cut : cuts_of(seed, text.size(), 1)) {
    const std::vector<char> piece(text.begin() + static_cast<ptrdiff_t>(at),
                                  text.begin() + static_cast<ptrdiff_t>(cut));
    crc = crc32c(crc, {piece.data(), piece.size()});
    at = cut;
  }
  claim(crc == crc32c_scalar(0, text), "crc32c", "the processor");
}

// ---- eight bytes in a word ----------------------------------------------------------------------------------------------

size_t utf8_prefix_bytewise(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
    const uint32_t first = byte(0);
    const uint32_t size = first < 0x80   ? 1
                          : first < 0xc0 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf8 ? 4
                                         : 0;
    uint32_t point = size < 2 ? first : first & (0x7f >> size);
    bool good = size != 0;
    for (uint32_t i = 1; i < size; ++i) {
      good = good && (byte(i) & 0xc0) == 0x80;
      point = point << 6 | (byte(i) & 0x3f);
    }
    static constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!good || point < kLeast[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) break;
    at += size;
  }
  return at;
}

void fuzz_words(uint64_t seed, std::string_view text) {
  size_t at = 0;
  for (const size_t cut : cuts_of(seed, text.size(), 1)) {
    const std::vector<char> piece(text.begin() + static_cast<ptrdiff_t>(at),
                                  text.begin() + static_cast<ptrdiff_t>(cut));
    const std::string_view view(piece.data(), piece.size());
    claim(utf8_valid_prefix(view) == utf8_prefix_bytewise(view), "utf8_valid_prefix", "words");
    at = cut;
  }
  // Fields of the text as numbers.
  const std::vector<char> bytes = padded(text, 8, '9');
  for (size_t from = 0; from < text.size();) {
    const size_t to = std::min(text.find_first_of(", \n\":", from), text.size());
    const char* const p = bytes.data() + from;
    const size_t size = to - from;
    NumberScanner scanner;
    for (size_t i = 0; i < size; ++i) scanner.push(p[i]);
    Value want;
    const bool number = scanner.finish(want) == NumberError::kNone;
    const auto agrees = [&](bool taken, int64_t mantissa, uint32_t scale) {
      if (!taken) return true;  // left to the scanner
      if (!number) return false;
      return want.type == Type::kInt ? scale == 0 && want.integer == mantissa
                                     : want.type == Type::kDecimal && want.scale == scale && want.mantissa == mantissa;
    };
    int64_t mantissa = 0;
    uint32_t scale = 0;
    bool taken = parse_short_decimal(p, size, mantissa, scale);
    claim(agrees(taken, mantissa, scale), "parse_short_decimal", "words");
    taken = parse_short_decimal_within(p, size, mantissa, scale);
    claim(agrees(taken, mantissa, scale), "parse_short_decimal_within", "words");
    taken = parse_plain_decimal(p, size, mantissa, scale);
    claim(agrees(taken, mantissa, scale), "parse_plain_decimal", "words");
    from = to + 1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  uint64_t seed = 0;
  std::memcpy(&seed, data, 8);
  const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);
  fuzz_csv(seed, text);
  fuzz_json_index(seed, text);
  fuzz_json_layout(text);
  fuzz_json_text(seed, text);
  fuzz_sixteen(seed, text);
  fuzz_crc(seed, text);
  fuzz_words(seed, text);
  return 0;
}

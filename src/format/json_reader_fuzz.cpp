// Any bytes, as a document, as lines, blocks and a file: what a reader says must not depend on how they arrive, on the window's size,
// or on where a run was saved and gone on with. The first byte chooses reader, path and cuts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "format/blocks_reader.hpp"
#include "format/json_reader.hpp"
#include "format/json_test_corpus.hpp"
#include "format/lines_reader.hpp"
#include "format/ndjson_reader.hpp"
#include "format/reader_transcript.hpp"

namespace {

using namespace weir;

template <typename Reader>
void run(const ReaderOptions& options, const Projection& projection, std::string_view text, size_t seed) {
  const std::string want = transcript_of<Reader>(options, projection, text);
  ReaderOptions large = options;
  large.window_bytes = 4096;
  const auto claim = [&](const std::string& got, const char* what) {
    if (got == want && !got.starts_with("BROKEN")) return;
    std::fprintf(stderr, "%s:\n%s\ninstead of:\n%s\n", what, got.c_str(), want.c_str());
    std::abort();
  };
  claim(transcript_of<Reader>(large, projection, text), "a large window says");
  claim(transcript_of<Reader>(options, projection, text, pieces_of(1)), "byte by byte it says");
  claim(transcript_of<Reader>(options, projection, text, cut_at(seed % (text.size() + 1))), "cut once it says");
  claim(transcript_with_resumes<Reader>(options, projection, text, pieces_of(1 + seed % 13)), "resumed it says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TestProjection& fields = *new TestProjection({"a", "b.0", "!A"});
  static const TestProjection& everything = *[] {
    auto* all = new TestProjection();
    all->all();
    return all;
  }();
  if (size == 0 || size > 2000) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t seed = data[0] * size;
  ReaderOptions options;
  options.window_bytes = 64;
  options.record_bytes_max = 20;
  options.block_bytes = 1 + data[0] % 20;
  options.json.depth_max = 5;
  options.json.touched = (data[0] & 32) != 0;
  const Projection& projection = data[0] & 128 ? *fields : *everything;
  switch (data[0] % 8) {
    case 0:
      options.json.path = "";
      break;
    case 1:
      options.json.path = "[*]";
      break;
    case 2:
      options.json.path = "a";
      break;
    case 3:
      options.json.path = "a[1].b[*]";
      break;
    case 4:
      run<NdjsonReader>(options, projection, text, seed);
      return 0;
    case 5:
      options.reject_nul = options.reject_invalid_utf8 = (data[0] & 64) != 0;
      run<LinesReader>(options, *everything, text, seed);
      return 0;
    case 6:
      run<BlocksReader>(options, *everything, text, seed);
      return 0;
    default:
      run<FileReader>(options, *everything, text, seed);
      return 0;
  }
  run<JsonReader>(options, projection, text, seed);
  return 0;
}

// libFuzzer: every kernel of escaping and minifying gives what the scalar one gives, and the escaped text decodes to
// what it was.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "format/json_escape.hpp"
#include "format/json_minify.hpp"
#include "format/text_runs.hpp"
#include "record/field.hpp"

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto copy = std::make_unique<char[]>(size);
  if (size != 0) std::memcpy(copy.get(), data, size);
  const std::string_view text(copy.get(), size);
  std::string expected(kJsonEscapeFactor * size + kWideSlack, '\0');
  const JsonEscaped scalar = escape_json_by(SimdLevel::kScalar, text, expected.data());
  expected.resize(static_cast<size_t>(scalar.end - expected.data()));
  for (const SimdLevel kernel : kSimdLevels) {
    if (!text_kernel_usable(kernel)) continue;
    std::string out(kJsonEscapeFactor * size + kWideSlack, '\0');
    const JsonEscaped escaped = escape_json_by(kernel, text, out.data());
    out.resize(static_cast<size_t>(escaped.end - out.data()));
    if (out != expected || escaped.high != scalar.high) std::abort();
  }
  std::string decoded(expected.size() + 2, '\0');
  decoded.resize(decode_json_string("\"" + expected + "\"", decoded.data()));
  if (decoded != text) std::abort();

  // Minifying is defined for valid JSON; a string of the text with blanks around it is that.
  const std::string json = " [ \"" + expected + "\" , \"x\" ] ";
  const std::string minified = "[\"" + expected + "\",\"x\"]";
  const size_t cut = size == 0 ? 1 : 1 + data[0];
  for (const SimdLevel kernel : kSimdLevels) {
    if (!text_kernel_usable(kernel)) continue;
    MinifyState state;
    std::string all;
    for (size_t at = 0; at < json.size(); at += cut) {
      const std::string piece = json.substr(at, cut);
      std::string out(piece.size() + kWideSlack, '\0');
      all.append(out.data(), static_cast<size_t>(minify_json_by(kernel, state, piece, out.data()) - out.data()));
    }
    if (all != minified) std::abort();
  }

  // Runs of a CSV field against its decoder.
  if (size >= 2) {
    const char escape = data[1] % 3 == 0 ? '\\' : data[1] % 3 == 1 ? '"' : '\0';
    const std::string raw = "\"" + std::string(text);
    std::string csv(raw.size(), '\0');
    csv.resize(decode_csv(raw, '"', escape, csv.data()));
    TextRuns runs(TextRuns::Kind::kCsv, raw, '"', escape);
    std::string joined;
    while (!runs.ended()) joined += runs.next(1 + data[0]);
    if (joined != csv) std::abort();
  }
  return 0;
}

// Any text as a query: parse, bind, evaluate over fixed batches, and hold the program against the scalar evaluator. A
// query without a place in its error is wrong; so is one whose fates differ.
#include <cstdlib>
#include <string>

#include "sql/differential.hpp"
#include "sql/random_query.hpp"
#include "sql/test_batch.hpp"

namespace weir::sql {
namespace {

void run(std::string_view text, bool json, uint8_t flags) {
  static constexpr TypeHint kHints[] = {{"n", Type::kInt}, {"m", Type::kDecimal}, {"x", Type::kDouble}};
  QueryOptions options;
  options.fields_are_text = !json;
  options.ordinals = !json;
  options.errors_are_null = (flags & 1) != 0;
  options.empty_is_null = (flags & 2) != 0;
  options.record_max = (flags & 4) != 0 ? 8 : 4096;
  if ((flags & 8) != 0) options.types = kHints;
  Result<TestProgram> program = compile_test(text, options);
  if (!program) {
    if (program.error().line == 0 || program.error().column == 0) std::abort();
    return;
  }
  static TestBatch csv_batch = RandomQuery(3, false).batch(40);
  static TestBatch json_batch = RandomQuery(3, true).batch(40);
  TestBatch& batch = json ? json_batch : csv_batch;
  std::string row;
  const std::vector<std::string> expected = scalar_fates(*program, batch, &row);
  if (fates(*program, batch) != expected) std::abort();
}

}  // namespace
}  // namespace weir::sql

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::sql::run(text, (data[0] & 16) != 0, data[0]);
  return 0;
}

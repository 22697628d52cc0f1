// The program against the scalar evaluator: random queries over random rows, values and errors.
#include "sql/differential.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "sql/random_query.hpp"

namespace weir::sql {
namespace {

uint32_t rounds() {
  const char* const text = std::getenv("WEIR_ROUNDS");
  return text != nullptr ? static_cast<uint32_t>(std::atoi(text)) : 4000;
}

QueryOptions options_of(RandomQuery& random, bool json) {
  static constexpr TypeHint kHints[] = {{"n", Type::kInt}, {"m", Type::kDecimal}, {"x", Type::kDouble}};
  QueryOptions options;
  options.fields_are_text = !json;
  options.ordinals = !json;
  options.errors_are_null = random.below(4) == 0;
  options.empty_is_null = random.below(3) == 0;
  options.record_max = random.below(3) == 0 ? 8 : 4096;  // 8: texts often do not fit
  if (random.below(3) == 0) options.types = kHints;
  return options;
}

class Differential : public testing::TestWithParam<bool> {};

TEST_P(Differential, program_gives_every_row_the_fate_that_the_scalar_evaluator_gives) {
  uint32_t compiled = 0;
  uint32_t errors = 0;
  uint32_t values = 0;
  for (uint32_t seed = 1; seed <= rounds(); ++seed) {
    RandomQuery random(seed, GetParam());
    const QueryOptions options = options_of(random, GetParam());
    const std::string text = random.query();
    Result<TestProgram> program = compile_test(text, options);
    if (!program) {
      ASSERT_EQ(program.error().code, Code::kQueryType) << text << "\n" << program.error().detail.view();
      continue;
    }
    ++compiled;
    TestBatch batch = random.batch(1 + random.below(seed % 50 == 0 ? 600 : 40));
    const std::vector<std::string> expected = scalar_fates(*program, batch);
    const std::vector<std::string> found = fates(*program, batch);
    for (uint32_t row = 0; row < batch.rows(); ++row) {
      ASSERT_EQ(found[row], expected[row]) << "seed " << seed << " row " << row << "\n"
                                           << text << "\n"
                                           << batch.shown_row(row);
      errors += expected[row][0] == '!';
      values += expected[row] != "-";
    }
  }
  EXPECT_GT(compiled, rounds() / 2);
  EXPECT_GT(errors, rounds());
  EXPECT_GT(values, errors);
}

TEST_P(Differential, aggregates_fold_what_the_scalar_evaluator_folds) {
  for (uint32_t seed = 1; seed <= rounds() / 2; ++seed) {
    RandomQuery random(seed, GetParam());
    const QueryOptions options = options_of(random, GetParam());
    const std::string text = random.aggregate_query();
    Result<TestProgram> program = compile_test(text, options);
    if (!program) {
      ASSERT_EQ(program.error().code, Code::kQueryType) << text;
      continue;
    }
    TestBatch batch = random.batch(1 + random.below(60));
    std::string expected_row;
    const std::vector<std::string> expected = scalar_fates(*program, batch, &expected_row);
    ASSERT_EQ(fates(*program, batch), expected) << "seed " << seed << "\n" << text;
    ComputedRows computed;
    const Status status = (*program)->aggregate_row(computed);
    std::string found_row;
    if (expected_row.find('!') != std::string::npos) {
      ASSERT_FALSE(status) << text;
      continue;
    }
    ASSERT_TRUE(status) << text;
    for (size_t i = 0; i < (*program)->output().size(); ++i) found_row += shown(computed.values[i]) + "|";
    ASSERT_EQ(found_row, expected_row) << "seed " << seed << "\n" << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Inputs, Differential, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& input) { return input.param ? "json" : "csv"; });

}  // namespace
}  // namespace weir::sql

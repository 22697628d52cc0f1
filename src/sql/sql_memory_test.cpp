// Programs in a room of just program_memory_max bytes between guard pages: whatever the query, they stay inside and use it.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sql/program.hpp"
#include "sql/test_batch.hpp"
#include "testing/measured_room.hpp"

namespace weir {
namespace {

using testing::MeasuredRoom;

constexpr double kUsedLeast = 90;
constexpr size_t kNoMatter =
    10u << 10;  // a register that not every branch needs, positions and codes that no row came to
constexpr uint32_t kRecordMax = 64u << 10;

struct Case {
  const char* name;
  std::string query;
};

std::string list_of(const std::string& item, size_t count, const char* between) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += (i != 0 ? between : "") + item;
  return all;
}

TEST(SqlMemory, programs_stay_in_their_rooms_and_use_them) {
  std::string deep = "CAST(b AS INT)";
  for (int i = 0; i < 30; ++i) deep = "(CAST(b AS INT) + " + deep + ")";
  const Case cases[] = {
      {"a filter by kernels", "SELECT a FROM input WHERE b = '5' AND a <> 'x'"},
      {"a filter by the evaluator",
       "SELECT a FROM input WHERE CAST(b AS INT) + 1 > 3 OR (a LIKE '%b%' AND NOT b = '7')"},
      {"one computed column", "SELECT CAST(b AS INT) * 2 AS c FROM input"},
      {"eight computed columns", "SELECT " + list_of("CAST(b AS INT) * 2 + 1", 8, ", ") + " FROM input"},
      {"200 computed columns", "SELECT " + list_of("CAST(b AS INT) * 2 + 1", 200, ", ") + " FROM input"},
      {"1000 computed columns", "SELECT " + list_of("CAST(b AS INT) + 1", 1000, ", ") + " FROM input"},
      {"a deep sum", "SELECT " + deep + " AS c FROM input"},
      {"CASE in CASE",
       "SELECT CASE WHEN CAST(b AS INT) > 3 THEN CASE b WHEN '5' THEN 1 WHEN '6' THEN 2 ELSE 3 END ELSE 4 END AS c "
       "FROM input"},
      {"IN and BETWEEN", "SELECT b IN ('1', '2', a) AND CAST(b AS INT) BETWEEN 2 AND 8 AS c FROM input"},
      {"COALESCE and NULLIF", "SELECT COALESCE(NULLIF(b, '3'), a, 'none') AS c, COALESCE(a, b) AS d FROM input"},
      {"texts", "SELECT UPPER(a) || '-' || a AS c, b FROM input"},
      {"aggregates",
       "SELECT COUNT(*), SUM(CAST(b AS INT) + 1), MIN(CAST(b AS INT) * 2), AVG(CAST(b AS DECIMAL) / 3) FROM input"},
  };
  for (const Case& c : cases) {
    QueryOptions options;
    options.record_max = kRecordMax;
    auto compiled = compile_query(c.query, options);
    ASSERT_TRUE(compiled) << c.name << " " << compiled.error().detail.view();
    const MeasuredRoom memory(program_memory_max(*compiled->program));
    attach_program_memory(*compiled->program, memory.room());
    sql::TestProgram program;
    program.compiled = std::move(*compiled);
    sql::TestBatch batch({"a", "b"});
    for (int i = 0; i < 1500; ++i) batch.add({std::string(1 + i % 50, 'a'), std::to_string(i % 12)});
    batch.add({"\"x\"\"" + std::string(kRecordMax - 100, 'y') + "\"",
               "3"});  // as large as a record may be, and to be decoded
    batch.add({std::string(1000, 'z'), "no number"});
    EXPECT_EQ(sql::fates(program, batch).size(), 1502u);
    EXPECT_TRUE(memory.intact()) << c.name;
    const double share = memory.report(("query: " + std::string(c.name)).c_str());
    if (memory.size() - memory.touched() > kNoMatter) {
      EXPECT_GE(share, kUsedLeast) << c.name;
    }
  }
}

}  // namespace
}  // namespace weir

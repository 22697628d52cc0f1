#include "lambda/lambda_settings.hpp"

#include <gtest/gtest.h>

#include "io/system_disk.hpp"
#include "lambda/lambda_log.hpp"

namespace weir {
namespace {

constexpr uint64_t kMiB = 1u << 20;

TEST(LambdaSettings, TheBudgetIsWhatTheReserveLeaves) {
  Config config;
  ASSERT_TRUE(set_memory(config, 128 * kMiB));
  EXPECT_EQ(config.memory, 96 * kMiB);
  config.memory = 10 * kMiB;
  config.memory_given = true;
  ASSERT_TRUE(set_memory(config, 128 * kMiB));
  EXPECT_EQ(config.memory, 10 * kMiB);
  config.memory = 96 * kMiB + 1;
  const Status refused = set_memory(config, 128 * kMiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit(), Exit::kBudgetTooSmall);
  // Not in Lambda: nothing is known of the function.
  EXPECT_TRUE(set_memory(config, 0));
}

TEST(LambdaSettings, APipelineIsTextAnAddressOrAPath) {
  SystemDisk disk;
  const auto find = [&](std::vector<const char*> entries) {
    return find_pipeline(Environment{std::span<const char* const>(entries)}, disk);
  };
  const auto text = find({"WEIR_PIPELINE=input: {from: event}"});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text, "input: {from: event}");
  EXPECT_EQ(text->from, "WEIR_PIPELINE");
  const auto address = find({"WEIR_PIPELINE=s3://bucket/weir.yaml"});
  ASSERT_TRUE(address);
  EXPECT_EQ(address->from, "s3://bucket/weir.yaml");
  EXPECT_EQ(address->text, "");
  const auto none = find({"LAMBDA_TASK_ROOT=/nonexistent"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNoInput);
  EXPECT_FALSE(find({"WEIR_PIPELINE=/nonexistent/weir.yaml"}));
}

TEST(LambdaSettings, RecordsOfADeliveryAreMadeOnceAndLeaveNoState) {
  Config config;
  config.output.to = "s3://b/{input.stem}.ndjson";
  config.checkpoint.to = "s3://state/";
  set_for_records(config, "event/m-1");
  EXPECT_EQ(config.checkpoint.to, "none");
  EXPECT_EQ(config.output.if_exists, IfExists::kSkip);
  EXPECT_EQ(config.input.format, FormatChoice::kNdjson);
  Config many;
  many.output.to = "s3://b/{input.stem}/";
  set_for_records(many, "event/m-1");
  EXPECT_EQ(many.output.if_exists, IfExists::kReplace);
}

TEST(LambdaSettings, ErrorTypesAreTheNamesOfTheExits) {
  EXPECT_EQ(error_type_of(static_cast<int>(Exit::kInputCorrupt)), "InputCorrupt");
  EXPECT_EQ(error_type_of(static_cast<int>(Exit::kBadConfig)), "BadConfig");
  EXPECT_EQ(error_type_of(static_cast<int>(Exit::kStuck)), "Stuck");
}

TEST(LambdaLog, TextIsWhatAJsonStringTakes) {
  std::string out;
  append_json(out, "a\"b\\c\n\x01\x7f\xc3\xa4\xff\xc3");
  EXPECT_EQ(out, "a\\\"b\\\\c\\u000a\\u0001\\u007f\xc3\xa4\\ufffd\\ufffd");
  EXPECT_EQ(timestamp_of(1'764'201'000'123'456'789).view(), "2025-11-26T23:50:00.123Z");
}

}  // namespace
}  // namespace weir

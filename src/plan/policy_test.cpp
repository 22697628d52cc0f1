#include "plan/policy.hpp"

#include <gtest/gtest.h>

#include "delivery/destinations.hpp"
#include "plan/yaml.hpp"

namespace weir {
namespace {

TEST(Policy, nothing_in_s3_needs_nothing) {
  Config config;
  config.input.from = {"a.csv"};
  config.output.to = "b.csv";
  EXPECT_EQ(policy_of(config), "");
}

struct Sent {
  const char* to;
  const char* actions;
  const char* resource;
};

TEST(Policy, a_service_is_allowed_what_sending_to_it_asks) {
  const Sent rows[] = {
      {"sqs://orders.fifo", R"("sqs:SendMessage", "sqs:GetQueueUrl")", "arn:aws:sqs:eu-central-1:*:orders.fifo"},
      {"sqs://123456789012/orders", R"("sqs:SendMessage", "sqs:GetQueueUrl")",
       "arn:aws:sqs:eu-central-1:123456789012:orders"},
      {"sqs://arn:aws-cn:sqs:cn-north-1:123456789012:orders", R"("sqs:SendMessage", "sqs:GetQueueUrl")",
       "arn:aws-cn:sqs:cn-north-1:123456789012:orders"},
      {"sns://orders", R"("sns:Publish")", "arn:aws:sns:eu-central-1:*:orders"},
      {"sns://123456789012/orders", R"("sns:Publish")", "arn:aws:sns:eu-central-1:123456789012:orders"},
      {"kinesis://clicks", R"("kinesis:PutRecords")", "arn:aws:kinesis:eu-central-1:*:stream/clicks"},
      {"firehose://logs", R"("firehose:PutRecordBatch")", "arn:aws:firehose:eu-central-1:*:deliverystream/logs"},
      {"dynamodb://orders", R"("dynamodb:BatchWriteItem")", "arn:aws:dynamodb:eu-central-1:*:table/orders"},
      {"events://default", R"("events:PutEvents", "events:DescribeEventBus")",
       "arn:aws:events:eu-central-1:*:event-bus/default"},
      {"events://aws.partner/shop.example/1", R"("events:PutEvents", "events:DescribeEventBus")",
       "arn:aws:events:eu-central-1:*:event-bus/aws.partner/shop.example/1"},
      {"lambda://score", R"("lambda:InvokeFunction")", "arn:aws:lambda:eu-central-1:*:function:score"},
      {"lambda://score:live", R"("lambda:InvokeFunction")", "arn:aws:lambda:eu-central-1:*:function:score:live"},
      {"lambda://arn:aws:lambda:eu-west-1:123456789012:function:score:3", R"("lambda:InvokeFunction")",
       "arn:aws:lambda:eu-west-1:123456789012:function:score:3"},
  };
  for (const Sent& row : rows) {
    Config config;
    config.input.from = {"in.csv"};
    config.output.to = row.to;
    config.aws.region = "eu-central-1";
    EXPECT_EQ(policy_of(config), std::string(R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "SendRecords",
      "Effect": "Allow",
      "Action": [)") + row.actions + "],\n      \"Resource\": [\"" +
                                     row.resource + "\"]\n    }\n  ]\n}\n")
        << row.to;
  }
}

TEST(Policy, every_service_of_aws_has_its_actions) {
  for (const DestinationKind& kind : destination_kinds()) {
    Config config;
    config.output.to = std::string(kind.scheme) + "://name";
    EXPECT_EQ(policy_of(config).empty(), kind.needs != DestinationNeeds::kAws) << kind.scheme;
  }
}

TEST(Policy, a_region_that_is_not_known_is_any) {
  Config config;
  config.output.to = "sqs://orders";
  EXPECT_NE(policy_of(config).find("\"arn:aws:sqs:*:*:orders\""), std::string::npos) << policy_of(config);
  config.aws.region = "us-gov-west-1";
  EXPECT_NE(policy_of(config).find("\"arn:aws-us-gov:sqs:us-gov-west-1:*:orders\""), std::string::npos);
}

TEST(Policy, rejects_and_state_of_a_job_that_sends_are_in_s3_as_of_any) {
  Config config;
  config.input.from = {"s3://raw/a.csv"};
  config.output.to = "sqs://orders";
  config.rejects.to = "s3://bad/rejects.ndjson";
  config.checkpoint.to = "s3://state/weir/";
  const std::string policy = policy_of(config);
  for (const char* part : {"\"ReadInputs\"", "\"SendRecords\"", "\"arn:aws:s3:::bad/rejects.ndjson\"", "\"KeepState\"",
                           "\"arn:aws:s3:::state/weir/*\""})
    EXPECT_NE(policy.find(part), std::string::npos) << part << "\n" << policy;
  EXPECT_TRUE(parse_yaml(policy)) << policy;
}

TEST(Policy, each_purpose_has_its_own_statement) {
  Config config;
  config.input.from = {"s3://raw/orders/2026-*.csv.gz", "s3://raw/more/"};
  config.output.to = "s3://clean/orders/{input.stem}.ndjson.gz";
  config.rejects.to = "s3://clean/rejects/{input.stem}.ndjson";
  config.checkpoint.to = "s3://state/weir/";
  EXPECT_EQ(policy_of(config), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadInputs",
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:GetObjectVersion"],
      "Resource": ["arn:aws:s3:::raw/more/*", "arn:aws:s3:::raw/orders/2026-*.csv.gz"]
    },
    {
      "Sid": "WriteOutputs",
      "Effect": "Allow",
      "Action": ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      "Resource": ["arn:aws:s3:::clean/orders/*.ndjson.gz", "arn:aws:s3:::clean/rejects/*.ndjson"]
    },
    {
      "Sid": "FindUploads",
      "Effect": "Allow",
      "Action": ["s3:ListBucketMultipartUploads"],
      "Resource": ["arn:aws:s3:::clean"]
    },
    {
      "Sid": "KeepState",
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      "Resource": ["arn:aws:s3:::state/weir/*"]
    },
    {
      "Sid": "TellMissingFromForbidden1",
      "Effect": "Allow",
      "Action": ["s3:ListBucket"],
      "Resource": ["arn:aws:s3:::clean"],
      "Condition": {"StringLike": {"s3:prefix": ["orders/*", "rejects/*"]}}
    },
    {
      "Sid": "TellMissingFromForbidden2",
      "Effect": "Allow",
      "Action": ["s3:ListBucket"],
      "Resource": ["arn:aws:s3:::raw"],
      "Condition": {"StringLike": {"s3:prefix": ["more/*", "orders/2026-*"]}}
    },
    {
      "Sid": "TellMissingFromForbidden3",
      "Effect": "Allow",
      "Action": ["s3:ListBucket"],
      "Resource": ["arn:aws:s3:::state"],
      "Condition": {"StringLike": {"s3:prefix": ["weir/*"]}}
    }
  ]
}
)");
}

TEST(Policy, the_state_lies_beside_the_output_and_has_a_tail) {
  Config config;
  config.input.from = {"in.csv"};
  config.output.to = "s3://clean/out.csv";
  config.aws.region = "cn-north-1";
  config.aws.sse = "aws:kms";
  const std::string policy = policy_of(config);
  EXPECT_NE(policy.find("[\"arn:aws-cn:s3:::clean/out.csv.weir\", \"arn:aws-cn:s3:::clean/out.csv.weir.*\"]"),
            std::string::npos)
      << policy;
  EXPECT_NE(policy.find("kms:GenerateDataKey"), std::string::npos);
  EXPECT_EQ(policy.find("ReadInputs"), std::string::npos);
  EXPECT_TRUE(parse_yaml(policy)) << policy;
}

// The tail lies beside the output then, and is all of the state that S3 has.
TEST(Policy, of_a_checkpoint_that_is_a_file_the_tail_is_in_s3) {
  Config config;
  config.input.from = {"in.csv"};
  config.output.to = "s3://clean/out.csv";
  config.rejects.to = "s3://bad/rejects.ndjson";
  config.checkpoint.to = "state/";
  config.aws.region = "eu-central-1";
  const std::string policy = policy_of(config);
  const size_t at = policy.find("\"KeepState\"");
  ASSERT_NE(at, std::string::npos) << policy;
  const std::string state = policy.substr(at, policy.find('}', at) - at);
  EXPECT_NE(state.find("\"s3:DeleteObject\""), std::string::npos) << state;
  EXPECT_NE(state.find("\"arn:aws:s3:::clean/out.csv.weir.*\""), std::string::npos) << state;
  EXPECT_NE(state.find("\"arn:aws:s3:::bad/rejects.ndjson.weir.*\""), std::string::npos) << state;
  EXPECT_EQ(state.find("out.csv.weir\""), std::string::npos) << state;
  EXPECT_TRUE(parse_yaml(policy)) << policy;
  // Also where it lies beside an output that is a file.
  config.output.to = "out.csv";
  config.checkpoint.to = "auto";
  EXPECT_NE(policy_of(config).find("[\"arn:aws:s3:::bad/rejects.ndjson.weir.*\"]"), std::string::npos)
      << policy_of(config);
}

}  // namespace
}  // namespace weir

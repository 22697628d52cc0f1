#include "plan/policy.hpp"

#include <gtest/gtest.h>

#include "plan/yaml.hpp"

namespace weir {
namespace {

TEST(Policy, nothing_in_s3_needs_nothing) {
  Config config;
  config.input.from = {"a.csv"};
  config.output.to = "b.csv";
  EXPECT_EQ(policy_of(config), "");
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

#include "aws/aws_errors.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

void expect(unsigned status, std::string_view text, bool region_known, FailureClass failure, Code code) {
  const AwsVerdict verdict = classify_aws(status, text, region_known);
  EXPECT_EQ(verdict.failure, failure) << status << ' ' << text;
  EXPECT_EQ(verdict.code, code) << status << ' ' << text;
}

TEST(AwsErrors, a_success_is_no_failure) {
  for (const unsigned status : {200, 201, 204, 206}) expect(status, "", false, FailureClass::kNone, Code::kOk);
}

// botocore, retries/standard.py: ThrottledRetryableChecker and TransientRetryableChecker.
TEST(AwsErrors, throttling_and_transient_codes_are_those_of_the_sdks) {
  for (const char* text :
       {"Throttling", "Throttled", "ThrottlingException", "ThrottledException", "RequestThrottledException",
        "TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled", "SlowDown",
        "PriorRequestNotComplete", "EC2ThrottledException"}) {
    expect(400, text, false, FailureClass::kThrottling, Code::kThrottled);
    expect(503, text, false, FailureClass::kThrottling, Code::kThrottled);
  }
  for (const unsigned status : {500, 502, 503, 504, 507})
    expect(status, "", false, FailureClass::kTransient, Code::kServerError);
  for (const char* text : {"RequestTimeout", "RequestTimeoutException"})
    expect(400, text, false, FailureClass::kTransient, Code::kServerError);
  expect(500, "SomethingNew", false, FailureClass::kTransient, Code::kServerError);
  expect(429, "", false, FailureClass::kThrottling, Code::kThrottled);
  expect(509, "", false, FailureClass::kThrottling, Code::kThrottled);
}

TEST(AwsErrors, what_can_be_mended_is_told_from_what_can_not) {
  expect(403, "RequestTimeTooSkewed", false, FailureClass::kSkew, Code::kBadCredentials);
  expect(400, "ExpiredToken", false, FailureClass::kExpired, Code::kCredentialsExpired);
  expect(403, "ExpiredTokenException", false, FailureClass::kExpired, Code::kCredentialsExpired);
  expect(403, "InvalidAccessKeyId", false, FailureClass::kFatal, Code::kBadCredentials);
  expect(403, "SignatureDoesNotMatch", false, FailureClass::kFatal, Code::kBadCredentials);
  expect(403, "AccessDenied", false, FailureClass::kFatal, Code::kAccessDenied);
  expect(403, "", false, FailureClass::kFatal, Code::kAccessDenied);
  expect(403, "InvalidObjectState", false, FailureClass::kFatal, Code::kArchived);
  expect(404, "NoSuchKey", false, FailureClass::kFatal, Code::kNoInput);
  expect(404, "NoSuchBucket", false, FailureClass::kFatal, Code::kNoInput);
  expect(404, "", false, FailureClass::kFatal, Code::kNoInput);
  expect(400, "InvalidArgument", false, FailureClass::kFatal, Code::kRequestRefused);
  expect(412, "PreconditionFailed", false, FailureClass::kFatal, Code::kRequestRefused);
  expect(409, "ConditionalRequestConflict", false, FailureClass::kFatal, Code::kRequestRefused);
  expect(416, "InvalidRange", false, FailureClass::kFatal, Code::kRequestRefused);
}

TEST(AwsErrors, another_region_is_a_redirect_where_it_is_known) {
  expect(301, "PermanentRedirect", true, FailureClass::kRedirect, Code::kRequestRefused);
  expect(301, "", true, FailureClass::kRedirect, Code::kRequestRefused);
  expect(307, "TemporaryRedirect", false, FailureClass::kRedirect, Code::kRequestRefused);
  expect(400, "AuthorizationHeaderMalformed", true, FailureClass::kRedirect, Code::kRequestRefused);
  expect(400, "AuthorizationHeaderMalformed", false, FailureClass::kFatal, Code::kBadCredentials);
  expect(400, "IllegalLocationConstraintException", true, FailureClass::kRedirect, Code::kRequestRefused);
  expect(400, "IllegalLocationConstraintException", false, FailureClass::kFatal, Code::kRequestRefused);
  expect(400, "", true, FailureClass::kRedirect, Code::kRequestRefused);
  expect(400, "", false, FailureClass::kFatal, Code::kRequestRefused);
  expect(304, "", false, FailureClass::kFatal, Code::kRequestRefused);
}

TEST(AwsErrors, an_error_with_status_200_is_one) {
  expect(200, "InternalError", false, FailureClass::kTransient, Code::kServerError);
  expect(200, "SlowDown", false, FailureClass::kThrottling, Code::kThrottled);
  expect(200, "AccessDenied", false, FailureClass::kFatal, Code::kAccessDenied);
  expect(200, "SomethingNew", false, FailureClass::kTransient, Code::kServerError);
}

// smithy.io, AWS JSON protocols, "Operation error serialization".
TEST(AwsErrors, the_code_of_a_json_service_is_taken_out_of_its_type) {
  EXPECT_EQ(json_error_code("FooError"), "FooError");
  EXPECT_EQ(json_error_code("FooError:http://internal.amazon.com/coral/com.amazon.coral.validate/"), "FooError");
  EXPECT_EQ(json_error_code("aws.protocoltests.restjson#FooError"), "FooError");
  EXPECT_EQ(json_error_code("aws.protocoltests.restjson#FooError:http://internal.amazon.com/coral/#x"), "FooError");
  EXPECT_EQ(json_error_code(""), "");
}

}  // namespace
}  // namespace weir

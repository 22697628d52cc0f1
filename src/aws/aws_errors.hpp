// What a failed request means: one table for all services, from the status and the service's own code.
//
// A row names what is to be done (FailureClass) and, for when that does not help or there is nothing to do, the code of our message:
//
//   throttling   SlowDown, Throttling..., RequestLimitExceeded, TooManyRequestsException, 429 ...     W4027
//   transient    InternalError, RequestTimeout, ServiceUnavailable, 500, 502, 503, 504 ...            W4026
//   skew         RequestTimeTooSkewed, RequestInTheFuture, RequestExpired                             W6003
//   expired      ExpiredToken, ExpiredTokenException, TokenRefreshRequired                            W6004
//   redirect     PermanentRedirect, TemporaryRedirect, AuthorizationHeaderMalformed with a region ... W4029
//   fatal        NoSuchKey, NoSuchBucket W2014, InvalidObjectState W2031, AccessDenied W6001, keys W6003, others W4029
//
// Sources: botocore retries/standard.py and _retry.json (transient and throttling codes), S3's "Error responses", "Common errors" of IAM, and
// what aws-c-s3 retries. Conditions (412, 409) and NoSuchUpload are kFatal here: what they mean depends on the request, and its sender knows.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "io/retry_policy.hpp"

namespace weir {

struct AwsVerdict {
  FailureClass failure = FailureClass::kNone;
  Code code = Code::kOk;
};

/// `status`: of HTTP. `code_text`: the service's code, empty where the response had no body (HEAD). `region_known`: the response says
/// where the bucket is (x-amz-bucket-region or <Region>), and it is not where it was asked for: a 400, 301, 307 without more is then a redirect.
/// Statuses below 300 with an empty code are no failure; with a code (Complete) the code decides, and what is not known is transient.
AwsVerdict classify_aws(unsigned status, std::string_view code_text, bool region_known);

/// The code of a JSON service's error, "a.b.c#Code:http://..." or "Code": what stands behind '#' and before ':'.
std::string_view json_error_code(std::string_view type);

}  // namespace weir

#include "aws/aws_errors.hpp"

namespace weir {
namespace {

struct Row {
  std::string_view text;
  AwsVerdict verdict;
};

constexpr AwsVerdict kThrottled = {FailureClass::kThrottling, Code::kThrottled};
constexpr AwsVerdict kTransient = {FailureClass::kTransient, Code::kServerError};
constexpr AwsVerdict kSkewed = {FailureClass::kSkew, Code::kBadCredentials};
constexpr AwsVerdict kExpired = {FailureClass::kExpired, Code::kCredentialsExpired};
constexpr AwsVerdict kElsewhere = {FailureClass::kRedirect, Code::kRequestRefused};
constexpr AwsVerdict kMissing = {FailureClass::kFatal, Code::kNoInput};
constexpr AwsVerdict kStored = {FailureClass::kFatal, Code::kArchived};
constexpr AwsVerdict kDenied = {FailureClass::kFatal, Code::kAccessDenied};
constexpr AwsVerdict kBadKeys = {FailureClass::kFatal, Code::kBadCredentials};
constexpr AwsVerdict kNowhere = {FailureClass::kFatal, Code::kNoDestination};
constexpr AwsVerdict kRefused = {FailureClass::kFatal, Code::kRequestRefused};

constexpr Row kRows[] = {
    {"Throttling", kThrottled},
    {"Throttled", kThrottled},  // SNS
    {"ThrottlingException", kThrottled},
    {"ThrottledException", kThrottled},
    {"RequestThrottledException", kThrottled},
    {"RequestThrottled", kThrottled},
    {"TooManyRequestsException", kThrottled},
    {"ProvisionedThroughputExceededException", kThrottled},
    {"TransactionInProgressException", kThrottled},
    {"RequestLimitExceeded", kThrottled},
    {"BandwidthLimitExceeded", kThrottled},
    {"LimitExceededException", kThrottled},
    {"EC2ThrottledException", kThrottled},
    {"PriorRequestNotComplete", kThrottled},
    {"KMSThrottling", kThrottled},
    {"KMSThrottlingException", kThrottled},
    {"KmsThrottled", kThrottled},  // SQS
    {"SlowDown", kThrottled},
    {"SlowDownRead", kThrottled},   // MinIO
    {"SlowDownWrite", kThrottled},  // MinIO

    {"InternalError", kTransient},
    {"InternalErrors", kTransient},
    {"InternalFailure", kTransient},
    {"InternalServerError", kTransient},
    {"ServiceUnavailable", kTransient},
    {"ServiceUnavailableException", kTransient},
    {"Busy", kTransient},
    {"RequestTimeout", kTransient},
    {"RequestTimeoutException", kTransient},
    {"IDPCommunicationError", kTransient},  // STS, AssumeRoleWithWebIdentity
    {"OperationAborted", kTransient},       // S3: another request for the bucket is under way
    {"IncompleteBody", kTransient},         // the body was cut on its way
    {"BadDigest", kTransient},              // it was changed on its way
    {"XAmzContentChecksumMismatch", kTransient},
    {"XAmzContentSHA256Mismatch", kTransient},

    {"RequestTimeTooSkewed", kSkewed},
    {"RequestInTheFuture", kSkewed},
    {"RequestExpired", kSkewed},

    {"ExpiredToken", kExpired},
    {"ExpiredTokenException", kExpired},
    {"TokenRefreshRequired", kExpired},

    {"PermanentRedirect", kElsewhere},
    {"TemporaryRedirect", kElsewhere},
    {"Redirect", kElsewhere},

    {"NoSuchKey", kMissing},
    {"NoSuchBucket", kMissing},
    {"NoSuchVersion", kMissing},
    {"NotFound", kMissing},

    {"InvalidObjectState", kStored},

    {"QueueDoesNotExist", kNowhere},
    {"AWS.SimpleQueueService.NonExistentQueue", kNowhere},
    {"ResourceNotFoundException", kNowhere},  // streams, tables, functions, buses
    {"NotFoundException", kNowhere},          // SNS

    {"AccessDenied", kDenied},
    {"AccessDeniedException", kDenied},
    {"AllAccessDisabled", kDenied},
    {"AccountProblem", kDenied},
    {"UnauthorizedAccess", kDenied},
    {"UnauthorizedOperation", kDenied},
    {"NotSignedUp", kDenied},
    {"OptInRequired", kDenied},

    {"InvalidAccessKeyId", kBadKeys},
    {"SignatureDoesNotMatch", kBadKeys},
    {"InvalidToken", kBadKeys},
    {"InvalidClientTokenId", kBadKeys},
    {"UnrecognizedClientException", kBadKeys},
    {"IncompleteSignature", kBadKeys},
    {"IncompleteSignatureException", kBadKeys},
    {"InvalidSignatureException", kBadKeys},
    {"MissingAuthenticationToken", kBadKeys},
    {"MissingAuthenticationTokenException", kBadKeys},
    {"MissingSecurityHeader", kBadKeys},
    {"CredentialsNotSupported", kBadKeys},
    {"InvalidSecurity", kBadKeys},
    {"AuthFailure", kBadKeys},
    {"InvalidIdentityToken", kBadKeys},
    {"InvalidIdentityTokenException", kBadKeys},
    {"IDPRejectedClaim", kBadKeys},
    {"ExpiredIdentityToken", kBadKeys},
};

AwsVerdict by_status(unsigned status) {
  switch (status) {
    case 429:
    case 509:
      return kThrottled;
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
      return kTransient;
    case 501:  // and will not be
      return kRefused;
    case 401:
    case 403:
      return kDenied;
    case 404:
    case 410:
      return kMissing;
    default:
      return status >= 500 ? kTransient : kRefused;
  }
}

}  // namespace

AwsVerdict classify_aws(unsigned status, std::string_view code_text, bool region_known) {
  if (status < 300 && code_text.empty()) return {};
  if (code_text == "AuthorizationHeaderMalformed") return region_known ? kElsewhere : kBadKeys;
  if (code_text == "IllegalLocationConstraintException" && region_known) return kElsewhere;
  for (const Row& row : kRows) {
    if (row.text == code_text) return row.verdict;
  }
  const bool moved = status == 301 || status == 302 || status == 307 || status == 308;
  if (moved || (status == 400 && code_text.empty() && region_known)) return kElsewhere;
  // Only Complete and the copies answer like this, and they are to be taken for a failure of the server (S3's API reference).
  if (status < 300) return kTransient;
  return by_status(status);
}

std::string_view json_error_code(std::string_view type) {
  type = type.substr(0, type.find(':'));
  return type.substr(type.rfind('#') + 1);
}

}  // namespace weir

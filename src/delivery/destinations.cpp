#include "delivery/destinations.hpp"

#include <charconv>

#include "aws/aws_errors.hpp"
#include "delivery/dynamodb.hpp"
#include "delivery/event_bridge.hpp"
#include "delivery/firehose.hpp"
#include "delivery/http_endpoint.hpp"
#include "delivery/kinesis.hpp"
#include "delivery/lambda_function.hpp"
#include "delivery/sns.hpp"
#include "delivery/sqs.hpp"

namespace weir {
namespace {

constexpr DestinationKind kKinds[] = {
    {.scheme = "sqs", .takes_key = true, .make = SqsDestination::make},
    {.scheme = "sns", .takes_key = true, .make = SnsDestination::make},
    {.scheme = "events", .needs_json = true, .make = EventBridgeDestination::make},
    {.scheme = "lambda",
     .reply_default_ns = 910'000'000'000,
     .messages_default = 1000,
     .make = LambdaDestination::make},
    {.scheme = "https",
     .needs = DestinationNeeds::kHttps,
     .takes_array = true,
     .messages_default = 1000,
     .make = HttpDestination::make},
    {.scheme = "http",
     .needs = DestinationNeeds::kHttp,
     .takes_array = true,
     .messages_default = 1000,
     .make = HttpDestination::make},
    {.scheme = "kinesis", .takes_key = true, .make = KinesisDestination::make},
    {.scheme = "firehose", .make = FirehoseDestination::make},
    {.scheme = "dynamodb", .needs_json = true, .takes_key = true, .needs_key = true, .make = DynamoDbDestination::make},
};

}  // namespace

std::span<const DestinationKind> destination_kinds() { return kKinds; }

const DestinationKind* destination_kind(std::string_view to) {
  const size_t at = to.find("://");
  if (at == std::string_view::npos) return nullptr;
  for (const DestinationKind& kind : kKinds) {
    if (kind.scheme == to.substr(0, at)) return &kind;
  }
  return nullptr;
}

bool parse_arn(std::string_view text, std::string_view service, Arn& arn) {
  std::string_view* const parts[] = {&arn.partition, &arn.service, &arn.region, &arn.account};
  if (!text.starts_with("arn:")) return false;
  text.remove_prefix(4);
  for (std::string_view* part : parts) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    *part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  arn.resource = text;
  return arn.service == service && !arn.resource.empty();
}

std::string_view arn_partition(std::string_view region) {
  constexpr struct {
    std::string_view begin;
    std::string_view partition;
  } kPartitions[] = {
      {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"},
      {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"}, {"eusc-", "aws-eusc"},
  };
  for (const auto& row : kPartitions) {
    if (region.starts_with(row.begin)) return row.partition;
  }
  return "aws";
}

Status check_region(std::string_view region, const AwsSession& session) {
  const std::string_view asked = session.aws.endpoint.region;
  if (region.empty() || region == asked) return {};
  Error error(Code::kBadUrl, "the ARN in output.to is of ");
  error.detail.append(region.substr(0, 40))
      .append(", the region that is asked is ")
      .append(asked.empty() ? "not set" : asked);
  return fail(error);
}

bool is_regional(const Arn& arn) {
  return is_resource_name(arn.partition, 20, "-") && is_region(arn.region) && is_account(arn.account);
}

bool is_account(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_resource_name(std::string_view text, size_t bytes_max, std::string_view more, size_t bytes_min) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && more.find(c) == std::string_view::npos) return false;
  }
  return text.size() >= bytes_min && text.size() <= bytes_max;
}

uint64_t index_of(std::string_view id) {
  uint64_t index = 0;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), index);
  return parsed.ec == std::errc() && parsed.ptr == id.data() + id.size() ? index : ~uint64_t{0};
}

Code classify_fatal(std::string_view code) { return classify_aws(400, code, false).code; }

MessageFailure classify_message(std::string_view code, bool sender_fault) {
  // As the answer to a request it would be a refusal: what the table does not know is transient under 300.
  const AwsVerdict verdict = classify_aws(400, code, false);
  switch (verdict.failure) {
    case FailureClass::kThrottling:
      return MessageFailure::kThrottled;
    case FailureClass::kTransient:
      return sender_fault ? MessageFailure::kRefused : MessageFailure::kTransient;
    default:
      break;
  }
  const bool nobody = verdict.code == Code::kAccessDenied || verdict.code == Code::kBadCredentials ||
                      verdict.code == Code::kCredentialsExpired || verdict.code == Code::kNoDestination;
  return nobody ? MessageFailure::kFatal : MessageFailure::kRefused;
}

}  // namespace weir

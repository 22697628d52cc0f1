#include "delivery/destinations.hpp"

#include <charconv>

#include "aws/aws_errors.hpp"
#include "delivery/sqs.hpp"

namespace weir {
namespace {

constexpr DestinationKind kKinds[] = {
    {.scheme = "sqs", .takes_key = true, .make = SqsDestination::make},
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

uint64_t index_of(std::string_view id) {
  uint64_t index = 0;
  const auto parsed = std::from_chars(id.data(), id.data() + id.size(), index);
  return parsed.ec == std::errc() && parsed.ptr == id.data() + id.size() ? index : ~uint64_t{0};
}

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

// The services that batches can be sent to, by the scheme of `output.to`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/aws_request.hpp"
#include "delivery/destination.hpp"

namespace weir {

/// What a destination is told; lives as long as it.
struct DestinationOptions {
  std::string address;  ///< output.to, whole
  std::vector<std::string> key;  ///< output.key: columns
  bool json = true;  ///< messages are JSON objects; else any text
  bool array = false;  ///< http: a body is a JSON array, else messages with a line feed behind each
  std::vector<std::string> headers;  ///< http.headers, "Name: value"
  std::string pipeline;  ///< its name; empty: it has none
  std::string event_source;  ///< events.source
  std::string event_type;  ///< events.detail_type
  AwsSession* aws = nullptr;  ///< null: not AWS
  HttpSession* web = nullptr;  ///< null: not http
  std::function<std::string_view(std::string_view)> environment;  ///< a variable's value, empty where it is not set
};

/// What a scheme needs of the network.
enum class DestinationNeeds : uint8_t { kAws, kHttp, kHttps };

struct DestinationKind {
  std::string_view scheme;  ///< "sqs"
  DestinationNeeds needs = DestinationNeeds::kAws;
  bool needs_json = false;  ///< output.format must be ndjson
  bool takes_array = false;  ///< output.format json is possible
  bool takes_key = false;  ///< output.key has a meaning
  bool needs_key = false;
  uint64_t reply_default_ns = 60'000'000'000;  ///< time for a reply, where none is given
  uint32_t messages_default = 0;  ///< of a batch, where the service has no limit of its own; 0: it has
  Result<std::unique_ptr<Destination>> (*make)(const DestinationOptions& options) = nullptr;
};

/// Null: `to` names no service ("stdout", a path, s3://).
const DestinationKind* destination_kind(std::string_view to);
/// All of them, for messages: "sqs://, sns://, ...".
std::span<const DestinationKind> destination_kinds();

/// `address` without its scheme.
inline std::string_view behind_scheme(std::string_view address) {
  const size_t at = address.find("://");
  return at == std::string_view::npos ? address : address.substr(at + 3);
}

/// "arn:partition:service:region:account:resource", of that service.
struct Arn {
  std::string_view partition, service, region, account, resource;
};
/// False: it is none of `service`.
bool parse_arn(std::string_view text, std::string_view service, Arn& arn);
/// It says partition, region and account, each in its form.
bool is_regional(const Arn& arn);
/// "aws", "aws-cn", ...: an ARN's partition, by the region's beginning.
std::string_view arn_partition(std::string_view region);
/// W2028: `region`, which an ARN says, is not the one that is asked. Empty: the ARN says none.
Status check_region(std::string_view region, const AwsSession& session);
/// Twelve digits.
bool is_account(std::string_view text);
/// `bytes_min` to `bytes_max` of A-Z, a-z, 0-9 and those of `more`.
bool is_resource_name(std::string_view text, size_t bytes_max, std::string_view more, size_t bytes_min = 1);

}  // namespace weir

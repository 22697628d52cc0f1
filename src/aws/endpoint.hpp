// Which host a request goes to and how the bucket is named in it; s3:// addresses. Pure: settings in, texts out.
//
// Rules of S3's "Virtual hosting of buckets" and of botocore's endpoint rules, without dual-stack, FIPS, accelerate and S3 Express.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "io/url.hpp"

namespace weir {

inline constexpr size_t kBucketBytesMax = 63;
inline constexpr size_t kRegionBytesMax = 32;

/// "s3://bucket/key": the key as it is, unencoded; may be empty (a whole bucket). Views into the text.
struct S3Address {
  std::string_view bucket;
  std::string_view key;
};

/// W2028 with the reason: not s3://, a bucket against S3's naming rules, an access point (its ARN or alias host is not supported), a key of more than
/// 1,024 bytes. Everything behind the first '/' is key: '?', '#', '%' and "//" have no meaning in it.
Result<S3Address> parse_s3_address(std::string_view text);

/// What is wrong with a bucket's name by the rules of general purpose buckets; empty when nothing is.
std::string_view bucket_fault(std::string_view bucket);

/// 1 to 32 of a-z, 0-9 and '-', as it becomes part of a host's name.
bool is_region(std::string_view region);

/// "amazonaws.com", "amazonaws.com.cn", ... by the region's beginning.
std::string_view partition_suffix(std::string_view region);

/// Everything that decides about an endpoint. Empty: not set.
struct EndpointSettings {
  std::string_view region;
  std::string_view endpoint_url;  ///< --endpoint-url
  std::string_view env_endpoint_url_s3;  ///< AWS_ENDPOINT_URL_S3
  std::string_view env_endpoint_url_sts;  ///< AWS_ENDPOINT_URL_STS
  std::string_view env_endpoint_url;  ///< AWS_ENDPOINT_URL
  std::string_view profile_endpoint_url_s3;  ///< of the profile, for S3: that of its `services`, else its endpoint_url
  std::string_view profile_endpoint_url_sts;  ///< the same for STS
  std::string_view profile_endpoint_url;  ///< the profile's own endpoint_url, for all other services
  bool ignore_configured =
      false;  ///< AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: the environment's and the profile's are not looked at
  std::optional<bool> path_style;  ///< s3.addressing_style path or virtual; nothing: by the rules below
};

struct Endpoint {
  bool tls = true;
  bool path_style = false;  ///< the bucket is the path's first segment, not part of the host
  uint16_t port = 443;
  FixedText<kHostBytesMax> host;  ///< to connect to and to verify; without brackets
  FixedText<kHostBytesMax + 9> authority;  ///< the Host field's value
  FixedText<1024> base_path;  ///< of a custom endpoint, "" or "/x": stands before the bucket
};

/// Of one bucket. A custom endpoint is asked in path style unless the settings say otherwise; AWS's own in virtual style unless the
/// bucket's name has dots (no certificate covers it). W2028 for a bad custom endpoint, W2029 without a region. A custom endpoint without a region is asked
/// as us-east-1 (see `signing_region`).
Result<Endpoint> s3_endpoint(const EndpointSettings& settings, std::string_view bucket);

/// STS of the region.
Result<Endpoint> sts_endpoint(const EndpointSettings& settings);

/// Any other service, by the name that its host begins with ("sqs"). `env_endpoint_url`: AWS_ENDPOINT_URL_SQS. `endpoint_url` is S3's and not looked at.
Result<Endpoint> service_endpoint(const EndpointSettings& settings, std::string_view service,
                                  std::string_view env_endpoint_url);

/// The region to sign for: the settings', or us-east-1 for a custom endpoint without one. Empty: W2029.
std::string_view signing_region(const EndpointSettings& settings);

/// The request's path for a key: base path, bucket in path style, the key percent-encoded once. Empty key: the bucket itself.
using RequestPath = FixedText<1024 + 1 + kBucketBytesMax + 1 + 3 * 1024>;
RequestPath s3_path(const Endpoint& endpoint, std::string_view bucket, std::string_view key);

/// The endpoint after a redirect to `region`: only AWS's own may change, and only within its partition (a reply must not lead credentials
/// elsewhere). W4029 otherwise.
Result<Endpoint> redirected(const EndpointSettings& settings, const Endpoint& from, std::string_view bucket,
                            std::string_view region);

}  // namespace weir

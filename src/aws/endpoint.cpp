#include "aws/endpoint.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr size_t kKeyMax = 1024;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool looks_like_v4(std::string_view text) {
  int dots = 0;
  for (const char c : text) {
    if (c == '.') {
      ++dots;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return dots == 3;
}

std::string_view first_of(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

enum class Service : uint8_t { kS3, kSts };

std::string_view custom_url(const EndpointSettings& settings, Service service) {
  const bool s3 = service == Service::kS3;
  // The command line's endpoint is the store's; STS is asked by its own setting or the general one.
  if (s3 && !settings.endpoint_url.empty()) return settings.endpoint_url;
  if (settings.ignore_configured) return {};
  return first_of({s3 ? settings.env_endpoint_url_s3 : settings.env_endpoint_url_sts, settings.env_endpoint_url,
                   s3 ? settings.profile_endpoint_url_s3 : settings.profile_endpoint_url_sts});
}

/// An endpoint that the user named.
Result<Endpoint> from_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return fail(url.error());
  if (url->path_and_query.find('?') != std::string_view::npos) {
    return fail(Code::kBadUrl, "an endpoint with a query");
  }
  Endpoint endpoint;
  endpoint.tls = url->tls;
  endpoint.port = url->port;
  endpoint.host.append(url->host);
  endpoint.authority.append(host_field(*url).view());
  std::string_view path = url->path();
  while (path.ends_with('/')) path.remove_suffix(1);
  endpoint.base_path.append(path);
  if (endpoint.base_path.truncated()) return fail(Code::kBadUrl, "an endpoint with a path of more than 1 KiB");
  return endpoint;
}

Error no_region() { return Error(Code::kNoRegion); }

Error bad_region() { return Error(Code::kNoRegion, "a region is made of a-z, 0-9 and -"); }

}  // namespace

bool is_region(std::string_view region) {
  return !region.empty() && region.size() <= kRegionBytesMax && region.front() != '-' && region.back() != '-' &&
         std::all_of(region.begin(), region.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

// botocore, data/partitions.json.
std::string_view partition_suffix(std::string_view region) {
  constexpr struct {
    std::string_view begin;
    std::string_view suffix;
  } kPartitions[] = {
      {"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
      {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"}, {"eusc-", "amazonaws.eu"},
  };
  for (const auto& partition : kPartitions) {
    if (region.starts_with(partition.begin)) return partition.suffix;
  }
  return "amazonaws.com";  // aws and aws-us-gov
}

std::string_view bucket_fault(std::string_view bucket) {
  if (bucket.size() < 3 || bucket.size() > kBucketBytesMax) return "a bucket's name has 3 to 63 characters";
  char before = '.';
  for (const char c : bucket) {
    if (!is_lower_or_digit(c) && c != '-' && c != '.') return "a bucket's name is made of a-z, 0-9, - and .";
    if (c == '.' && before == '.') return "a bucket's name begins with a letter or digit and has no .. in it";
    before = c;
  }
  if (!is_lower_or_digit(bucket.front()) || !is_lower_or_digit(bucket.back())) {
    return "a bucket's name begins and ends with a letter or digit";
  }
  if (looks_like_v4(bucket)) return "a bucket's name can't be an IP address";
  if (bucket.ends_with("--x-s3")) return "directory buckets (S3 Express) are not supported";
  if (bucket.ends_with("-s3alias") || bucket.ends_with("--ol-s3") || bucket.ends_with(".mrap")) {
    return "access points are not supported; name the bucket";
  }
  return {};
}

Result<S3Address> parse_s3_address(std::string_view text) {
  constexpr std::string_view kScheme = "s3://";
  if (!text.starts_with(kScheme)) return fail(Code::kBadUrl, "it does not begin with s3://");
  text.remove_prefix(kScheme.size());
  if (text.starts_with("arn:")) return fail(Code::kBadUrl, "access points are not supported; name the bucket");
  S3Address address;
  const size_t slash = text.find('/');
  address.bucket = text.substr(0, slash);
  if (slash != std::string_view::npos) address.key = text.substr(slash + 1);
  if (const std::string_view fault = bucket_fault(address.bucket); !fault.empty()) return fail(Code::kBadUrl, fault);
  if (address.key.size() > kKeyMax) return fail(Code::kBadUrl, "a key of more than 1,024 bytes");
  return address;
}

std::string_view signing_region(const EndpointSettings& settings) {
  if (!settings.region.empty()) return settings.region;
  return custom_url(settings, Service::kS3).empty() ? std::string_view{} : std::string_view("us-east-1");
}

Result<Endpoint> s3_endpoint(const EndpointSettings& settings, std::string_view bucket) {
  if (const std::string_view fault = bucket_fault(bucket); !fault.empty()) return fail(Code::kBadUrl, fault);
  const std::string_view region = signing_region(settings);
  if (region.empty()) return fail(no_region());
  if (!is_region(region)) return fail(bad_region());
  const std::string_view url = custom_url(settings, Service::kS3);
  if (!url.empty()) {
    auto endpoint = from_url(url);
    if (!endpoint) return endpoint;
    endpoint->path_style = settings.path_style.value_or(true);
    if (endpoint->path_style) return endpoint;
    FixedText<kHostBytesMax> host(bucket);
    host.append('.').append(endpoint->host.view());
    FixedText<kHostBytesMax + 9> authority(bucket);
    authority.append('.').append(endpoint->authority.view());
    const bool address = endpoint->authority.view().starts_with('[') || looks_like_v4(endpoint->host.view());
    if (address || host.truncated() || authority.truncated()) {
      return fail(Code::kBadUrl, "an endpoint that no bucket's name can be put before; use path style");
    }
    endpoint->host = host;
    endpoint->authority = authority;
    return endpoint;
  }
  Endpoint endpoint;
  const bool dots = bucket.find('.') != std::string_view::npos;
  endpoint.path_style = dots || settings.path_style.value_or(false);
  if (!endpoint.path_style) endpoint.host.append(bucket).append('.');
  endpoint.host.append("s3.").append(region).append('.').append(partition_suffix(region));
  endpoint.authority.append(endpoint.host.view());
  return endpoint;
}

Result<Endpoint> sts_endpoint(const EndpointSettings& settings) {
  const std::string_view url = custom_url(settings, Service::kSts);
  if (!url.empty()) return from_url(url);
  if (settings.region.empty()) return fail(no_region());
  if (!is_region(settings.region)) return fail(bad_region());
  Endpoint endpoint;
  endpoint.host.append("sts.").append(settings.region).append('.').append(partition_suffix(settings.region));
  endpoint.authority.append(endpoint.host.view());
  return endpoint;
}

Result<Endpoint> service_endpoint(const EndpointSettings& settings, std::string_view service,
                                  std::string_view env_endpoint_url) {
  if (!settings.ignore_configured) {
    for (const std::string_view url : {env_endpoint_url, settings.env_endpoint_url, settings.profile_endpoint_url}) {
      if (!url.empty()) return from_url(url);
    }
  }
  if (settings.region.empty()) return fail(no_region());
  if (!is_region(settings.region)) return fail(bad_region());
  Endpoint endpoint;
  endpoint.host.append(service).append('.').append(settings.region).append('.');
  endpoint.host.append(partition_suffix(settings.region));
  endpoint.authority.append(endpoint.host.view());
  return endpoint;
}

RequestPath s3_path(const Endpoint& endpoint, std::string_view bucket, std::string_view key) {
  RequestPath path(endpoint.base_path.view());
  path.append('/');
  if (endpoint.path_style) {
    path.append(bucket);
    if (!key.empty()) path.append('/');
  }
  append_encoded(path, key, true);
  return path;
}

Result<Endpoint> redirected(const EndpointSettings& settings, const Endpoint& from, std::string_view bucket,
                            std::string_view region) {
  if (!custom_url(settings, Service::kS3).empty()) {
    return fail(Code::kRequestRefused, "the endpoint that was named leads to another one");
  }
  if (!is_region(region) || partition_suffix(region) != partition_suffix(settings.region)) {
    return fail(Code::kRequestRefused, "the bucket is said to be outside of this region's partition");
  }
  EndpointSettings there = settings;
  there.region = region;
  there.path_style = from.path_style;
  return s3_endpoint(there, bucket);
}

}  // namespace weir

// Any bytes as what credentials are found in: JSON replies, the shared files, s3:// addresses, times. An error never has a text of the input that could be secret.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aws/aws_errors.hpp"
#include "aws/credential_json.hpp"
#include "aws/credential_source.hpp"
#include "aws/endpoint.hpp"
#include "aws/profile.hpp"
#include "base/utc_time.hpp"

using namespace weir;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const CredentialJson kind : {CredentialJson::kEndpoint, CredentialJson::kProcess}) {
    const auto credentials = parse_credential_json(text, kind);
    require(!credentials || (credentials->present() && !credentials->secret_key.empty()));
    require(credentials || credentials.error().code == Code::kNoCredentials);
  }
  JsonMembers members(text);
  size_t count = 0;
  while (members.next()) ++count;
  require(count <= size);

  const size_t half = text.find("%%");
  const ProfileFiles files{std::string_view(text).substr(0, half), half == std::string::npos
                                                                       ? std::string_view(text)
                                                                       : std::string_view(text).substr(half + 2)};
  if (check_profile_files(files)) {
    for (const char* name : {"default", "a", "b"}) {
      const auto profile = resolve_profile(files, name);
      require(!profile || profile->role_count <= kRolesMax);
      require(!profile || profile->base != ProfileBase::kStatic ||
              (!profile->access_key.empty() && !profile->secret_key.empty()));
      require(profile || profile.error().code == Code::kBadProfile);
      (void)profile_endpoint_url(files, name, "s3");
      (void)profile_value(files, name, "s3.addressing_style");
    }
  }

  if (const auto address = parse_s3_address(text)) {
    require(bucket_fault(address->bucket).empty());
    for (const bool path_style : {false, true}) {
      const auto endpoint = s3_endpoint({.region = "eu-west-1", .path_style = path_style}, address->bucket);
      require(endpoint && endpoint->host.view().ends_with(".eu-west-1.amazonaws.com") +
                                  endpoint->host.view().starts_with("s3.eu-west-1") >
                              0);
      const RequestPath path = s3_path(*endpoint, address->bucket, address->key);
      require(!path.truncated() && path.view().starts_with('/'));
      for (const char c : path.view()) require(c > 0x20 && c < 0x7F && c != '?' && c != '#');
    }
  }
  (void)s3_endpoint({.endpoint_url = text}, "bucket");
  (void)json_error_code(text);

  // Times: what is read as one is written as the same second.
  if (const auto time_ns = parse_iso_time(text))
    require(parse_iso_time(text.substr(0, 10) + "T00:00:00Z").has_value() && utc_of(*time_ns).year >= 1969);
  if (const auto time_ns = parse_http_date(text))
    require(basic_time(*time_ns).view().substr(9, 6) ==
            text.substr(17, 2) + text.substr(20, 2) + (text.substr(23, 2) == "60" ? "59" : text.substr(23, 2)));
  (void)parse_retry_after(text, 0);
  if (check_container_url(text)) require(parse_url(text).has_value());
  if (const auto token = authorization_of(text)) require(is_field_value(*token));
  return 0;
}

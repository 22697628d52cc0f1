// The decision of the credential chain, as pure code: from the environment and the shared files to the one step that gives credentials, and when they
// are to be renewed. Who performs the step (reads a file, asks an endpoint, starts a process) reads the plan.
//
// The order is botocore's (credentials.py, create_credential_resolver): environment, a role that the profile assumes, web identity, SSO, keys of the
// credentials file, credential_process, keys of the config file, container endpoint, instance metadata. A profile that was named on the command line goes
// before the keys of the environment; one named by AWS_PROFILE does not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "aws/credentials.hpp"
#include "aws/endpoint.hpp"
#include "aws/profile.hpp"
#include "base/error.hpp"
#include "base/fixed_text.hpp"

namespace weir {

class AwsEnvironment {
 public:
  virtual ~AwsEnvironment() = default;
  /// A variable's value; empty where it is not set. Valid as long as this.
  virtual std::string_view get(std::string_view name) const = 0;
};

enum class CredentialStep : uint8_t {
  kUnsigned,  ///< --no-sign-request
  kStatic,  ///< `keys`
  kWebIdentity,  ///< AssumeRoleWithWebIdentity by `web_role` with the token in the file `token_file`, unsigned
  kContainer,  ///< GET `url`, with Authorization where there is one; 2 s, 3 attempts, 1 s apart
  kImds,  ///< the metadata service at `url`: PUT /latest/api/token, then /latest/meta-data/iam/security-credentials/; 1 s, 1 attempt
  kProcess,  ///< the command line `process` (quotes as in a shell), its stdout is JSON
  kSsoByCli,  ///< `cli_command`, its stdout is JSON of CredentialJson::kProcess
};

/// What to do. Views are into the environment, the files and this.
struct CredentialPlan {
  CredentialStep step = CredentialStep::kUnsigned;
  std::string_view origin;  ///< for messages: "environment", "profile", "container", "instance metadata"
  Credentials keys;
  std::string_view token_file;
  AssumeRole web_role;
  FixedText<2048> url;
  std::string_view authorization_file;  ///< to be read anew each time; goes before `authorization`
  std::string_view authorization;  ///< a field's value, checked
  std::string_view process;
  std::array<std::string_view, 7> cli_command;
  /// Then each with the credentials before it, sts:AssumeRole.
  std::array<AssumeRole, kRolesMax> roles;
  size_t role_count = 0;
};

struct CredentialSettings {
  bool unsigned_requests = false;  ///< --no-sign-request
  std::string_view profile;  ///< --profile; empty: AWS_PROFILE, then "default"
  bool aws_on_path = false;  ///< whether the AWS CLI can be started
};

/// The profile that is in use.
std::string_view profile_in_use(const AwsEnvironment& environment, const CredentialSettings& settings);

/// W6002 with the reason where nothing is left to be tried, or half of a pair of variables is set; W2030 for a bad profile; W2028 for a bad endpoint.
Result<CredentialPlan> plan_credentials(const AwsEnvironment& environment, const ProfileFiles& files,
                                        const CredentialSettings& settings);

/// The region: `flag`, AWS_REGION, AWS_DEFAULT_REGION, the profile's. Empty: not known.
std::string_view region_in_use(const AwsEnvironment& environment, const ProfileFiles& files,
                               const CredentialSettings& settings, std::string_view flag);

/// What decides about endpoints, from the same three.
EndpointSettings endpoint_settings(const AwsEnvironment& environment, const ProfileFiles& files,
                                   const CredentialSettings& settings, std::string_view region_flag,
                                   std::string_view endpoint_flag);

/// Whether credentials may be fetched from here and a token be sent there: https to any host (the certificate says who it is), http only to this machine and
/// to the link-local addresses of ECS and EKS. W2028 otherwise.
Status check_container_url(std::string_view url);

/// A token for an Authorization field, with the blanks and line ends around it taken off; W6002 when it is empty or has control characters.
Result<std::string_view> authorization_of(std::string_view text);

inline constexpr uint64_t kAdvisoryRefreshNs = 15 * 60 * uint64_t{1'000'000'000};
inline constexpr uint64_t kMandatoryRefreshNs = 10 * 60 * uint64_t{1'000'000'000};

enum class RefreshNeed : uint8_t {
  kNone,
  kAdvisory,  ///< less than 15 minutes are left: try, and go on with the old ones when it fails
  kMandatory,  ///< less than 10 minutes: nothing is signed before they are renewed, unless that fails and they are still good
  kExpired,  ///< nothing may be signed with them
};
RefreshNeed refresh_need(const Credentials& credentials, uint64_t wall_ns);

/// The body of an sts:AssumeRole request (application/x-www-form-urlencoded). A role without a session name gets "weir". W2030 when it does not fit.
Result<FixedText<4096>> assume_role_form(const AssumeRole& role);

/// The body of AssumeRoleWithWebIdentity, into `room`; what was written. The token is trimmed. W6002 when it is empty or does not fit (STS takes
/// 20,000 bytes; 3 times that and 2 KiB always suffice).
Result<std::string_view> web_identity_form(const AssumeRole& role, std::string_view token, std::span<char> room);

}  // namespace weir

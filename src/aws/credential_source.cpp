#include "aws/credential_source.hpp"

#include <algorithm>

#include "io/http_head.hpp"
#include "io/url.hpp"

namespace weir {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const size_t from = text.find_first_not_of(kBlanks);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

/// True where a text was cut: keys and tokens are not what they were then.
template <size_t kBytesMax>
bool set(FixedText<kBytesMax>& field, std::string_view text) {
  field.clear();
  return !field.append(text).truncated();
}

Status set_keys(Credentials& keys, std::string_view access, std::string_view secret, std::string_view token) {
  if (set(keys.access_key, access) && set(keys.secret_key, secret) && set(keys.session_token, token)) return {};
  return fail(Code::kBadCredentials, "a key or token that is too long");
}

Status take_environment(const AwsEnvironment& environment, CredentialPlan& plan) {
  const std::string_view access = environment.get("AWS_ACCESS_KEY_ID");
  const std::string_view secret = environment.get("AWS_SECRET_ACCESS_KEY");
  if (access.empty()) return fail(Code::kNoCredentials, "AWS_ACCESS_KEY_ID is not set");
  if (secret.empty()) {
    return fail(Code::kNoCredentials, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
  }
  plan.step = CredentialStep::kStatic;
  plan.origin = "environment";
  return set_keys(plan.keys, access, secret, environment.get("AWS_SESSION_TOKEN"));
}

bool has_container(const AwsEnvironment& environment) {
  return !environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
         !environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
}

Status take_container(const AwsEnvironment& environment, CredentialPlan& plan) {
  plan.step = CredentialStep::kContainer;
  plan.origin = "container";
  const std::string_view relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) {
    // Without the slash it would go on in the host: "http://169.254.170.2" and ".evil.com".
    if (!relative.starts_with('/')) {
      return fail(Code::kBadUrl, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /");
    }
    plan.url.append("http://169.254.170.2").append(relative);
  } else {
    plan.url.append(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  }
  if (plan.url.truncated()) return fail(Code::kBadUrl, "the container's credentials endpoint is too long");
  WEIR_TRY(check_container_url(plan.url.view()));
  plan.authorization_file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  const std::string_view token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (plan.authorization_file.empty() && !token.empty()) {
    if (!is_field_value(token)) {
      return fail(Code::kNoCredentials, "AWS_CONTAINER_AUTHORIZATION_TOKEN has control characters");
    }
    plan.authorization = token;
  }
  return {};
}

bool imds_disabled(const AwsEnvironment& environment) {
  return same_word(environment.get("AWS_EC2_METADATA_DISABLED"), "true");
}

Status take_imds(const AwsEnvironment& environment, CredentialPlan& plan) {
  plan.step = CredentialStep::kImds;
  plan.origin = "instance metadata";
  std::string_view url = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (url.empty()) {
    const bool v6 = same_word(environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6");
    url = v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  plan.url.append(url);
  if (const auto parsed = parse_url(url); !parsed) return fail(parsed.error());
  if (plan.url.truncated()) return fail(Code::kBadUrl, "AWS_EC2_METADATA_SERVICE_ENDPOINT is too long");
  return {};
}

Status take_profile(const AwsEnvironment& environment, const ProfileCredentials& from,
                    const CredentialSettings& settings, CredentialPlan& plan) {
  plan.roles = from.roles;
  plan.role_count = from.role_count;
  const std::string_view origin = "profile";
  switch (from.base) {
    case ProfileBase::kNothing:
      break;
    case ProfileBase::kStatic:
      plan.step = CredentialStep::kStatic;
      WEIR_TRY(set_keys(plan.keys, from.access_key, from.secret_key, from.session_token));
      break;
    case ProfileBase::kWebIdentity:
      plan.step = CredentialStep::kWebIdentity;
      plan.token_file = from.token_file;
      plan.web_role = from.web_role;
      break;
    case ProfileBase::kProcess:
      plan.step = CredentialStep::kProcess;
      plan.process = from.process;
      break;
    case ProfileBase::kSso:
      if (!settings.aws_on_path) {
        return fail(Code::kBadProfile,
                    "it signs in by SSO, for which the AWS CLI must be on the PATH; or set what `aws configure "
                    "export-credentials --format env` prints");
      }
      plan.step = CredentialStep::kSsoByCli;
      plan.cli_command = {"aws", "configure", "export-credentials", "--profile", from.profile, "--format", "process"};
      break;
    case ProfileBase::kEnvironment:
      WEIR_TRY(take_environment(environment, plan));
      break;
    case ProfileBase::kContainer:
      if (!has_container(environment)) {
        return fail(Code::kNoCredentials, "credential_source is EcsContainer, but no container's endpoint is set");
      }
      WEIR_TRY(take_container(environment, plan));
      break;
    case ProfileBase::kImds:
      if (imds_disabled(environment)) {
        return fail(Code::kNoCredentials,
                    "credential_source is Ec2InstanceMetadata, but AWS_EC2_METADATA_DISABLED is set");
      }
      WEIR_TRY(take_imds(environment, plan));
      break;
  }
  plan.origin = origin;
  return {};
}

/// AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, as EKS sets them.
bool take_web_identity(const AwsEnvironment& environment, CredentialPlan& plan) {
  const std::string_view file = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE");
  const std::string_view role = environment.get("AWS_ROLE_ARN");
  if (file.empty() || role.empty()) return false;
  plan.step = CredentialStep::kWebIdentity;
  plan.origin = "environment";
  plan.token_file = file;
  plan.web_role.role_arn = role;
  plan.web_role.session_name = environment.get("AWS_ROLE_SESSION_NAME");
  return true;
}

std::string_view session_name_of(const AssumeRole& role) {
  return role.session_name.empty() ? std::string_view("weir") : role.session_name;
}

}  // namespace

std::string_view profile_in_use(const AwsEnvironment& environment, const CredentialSettings& settings) {
  if (!settings.profile.empty()) return settings.profile;
  for (const std::string_view name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (const std::string_view value = environment.get(name); !value.empty()) return value;
  }
  return "default";
}

Result<CredentialPlan> plan_credentials(const AwsEnvironment& environment, const ProfileFiles& files,
                                        const CredentialSettings& settings) {
  CredentialPlan plan;
  if (settings.unsigned_requests) return plan;
  const bool by_flag = !settings.profile.empty();
  if (!by_flag && !environment.get("AWS_ACCESS_KEY_ID").empty()) {
    WEIR_TRY(take_environment(environment, plan));
    return plan;
  }
  const std::string_view name = profile_in_use(environment, settings);
  ProfileCredentials profile;
  // Only the profile that nobody named may be missing.
  if (has_profile(files, name) || by_flag || name != "default") {
    auto resolved = resolve_profile(files, name);
    if (!resolved) return fail(resolved.error());
    profile = *resolved;
  }
  if (profile.role_count == 0 && !by_flag && take_web_identity(environment, plan)) return plan;
  if (profile.base != ProfileBase::kNothing) {
    WEIR_TRY(take_profile(environment, profile, settings, plan));
    return plan;
  }
  if (has_container(environment)) {
    WEIR_TRY(take_container(environment, plan));
    return plan;
  }
  if (imds_disabled(environment)) return fail(Code::kNoCredentials);
  WEIR_TRY(take_imds(environment, plan));
  return plan;
}

std::string_view region_in_use(const AwsEnvironment& environment, const ProfileFiles& files,
                               const CredentialSettings& settings, std::string_view flag) {
  if (!flag.empty()) return flag;
  for (const std::string_view name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const std::string_view value = environment.get(name); !value.empty()) return value;
  }
  return profile_value(files, profile_in_use(environment, settings), "region");
}

EndpointSettings endpoint_settings(const AwsEnvironment& environment, const ProfileFiles& files,
                                   const CredentialSettings& settings, std::string_view region_flag,
                                   std::string_view endpoint_flag) {
  const std::string_view profile = profile_in_use(environment, settings);
  EndpointSettings out;
  out.region = region_in_use(environment, files, settings, region_flag);
  out.endpoint_url = endpoint_flag;
  out.env_endpoint_url_s3 = environment.get("AWS_ENDPOINT_URL_S3");
  out.env_endpoint_url_sts = environment.get("AWS_ENDPOINT_URL_STS");
  out.env_endpoint_url = environment.get("AWS_ENDPOINT_URL");
  out.profile_endpoint_url_s3 = profile_endpoint_url(files, profile, "s3");
  out.profile_endpoint_url_sts = profile_endpoint_url(files, profile, "sts");
  out.profile_endpoint_url = profile_value(files, profile, "endpoint_url");
  out.ignore_configured = same_word(environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true");
  const std::string_view style = profile_value(files, profile, "s3.addressing_style");
  if (style == "path") out.path_style = true;
  if (style == "virtual") out.path_style = false;
  return out;
}

Status check_container_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return fail(url.error());
  if (url->tls) return {};
  const std::string_view host = url->host;
  if (url->v6) {
    // Spellings of the same address would have to be made one first; these are the ones in use.
    if (host == "::1" || same_word(host, "fd00:ec2::23")) return {};
  } else if (same_word(host, "localhost") || host == "169.254.170.2" || host == "169.254.170.23") {
    return {};
  } else if (host.starts_with("127.")) {
    // Four decimal parts and nothing else: 127.evil.com is a name.
    int parts = 1;
    size_t digits = 0;
    unsigned number = 0;
    bool good = true;
    for (const char c : host) {
      if (c == '.') {
        good = good && digits != 0;
        ++parts;
        digits = number = 0;
      } else if (c >= '0' && c <= '9') {
        number = number * 10 + static_cast<unsigned>(c - '0');
        good = good && ++digits <= 3 && number <= 255;
      } else {
        good = false;
      }
    }
    if (good && parts == 4 && digits != 0) return {};
  }
  return fail(
      Code::kBadUrl,
      "credentials are fetched by http only from this machine, 169.254.170.2, 169.254.170.23 and [fd00:ec2::23]");
}

Result<std::string_view> authorization_of(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return fail(Code::kNoCredentials, "the container's authorization token is empty");
  if (!is_field_value(text)) {
    return fail(Code::kNoCredentials, "the container's authorization token has control characters");
  }
  return text;
}

RefreshNeed refresh_need(const Credentials& credentials, uint64_t wall_ns) {
  if (credentials.expires_wall_ns == kNever) return RefreshNeed::kNone;
  if (credentials.expires_wall_ns <= wall_ns) return RefreshNeed::kExpired;
  const uint64_t left_ns = credentials.expires_wall_ns - wall_ns;
  if (left_ns < kMandatoryRefreshNs) return RefreshNeed::kMandatory;
  return left_ns < kAdvisoryRefreshNs ? RefreshNeed::kAdvisory : RefreshNeed::kNone;
}

Result<FixedText<4096>> assume_role_form(const AssumeRole& role) {
  FixedText<4096> form("Action=AssumeRole&Version=2011-06-15&RoleArn=");
  append_encoded(form, role.role_arn, false);
  form.append("&RoleSessionName=");
  append_encoded(form, session_name_of(role), false);
  form.append("&DurationSeconds=").append_number(role.duration_s);
  if (!role.external_id.empty()) {
    form.append("&ExternalId=");
    append_encoded(form, role.external_id, false);
  }
  if (form.truncated()) return fail(Code::kBadProfile, "role_arn, role_session_name and external_id are too long");
  return form;
}

Result<std::string_view> web_identity_form(const AssumeRole& role, std::string_view token, std::span<char> room) {
  token = trimmed(token);
  if (token.empty()) return fail(Code::kNoCredentials, "the web identity token is empty");
  size_t size = 0;
  bool fits = true;
  const auto add = [&](std::string_view text, bool encoded) {
    const std::span<char> left = room.subspan(size);
    if (encoded) {
      const auto written = encode_query(text, left);
      fits = fits && written.has_value();
      size += written.value_or(0);
    } else if (text.size() <= left.size()) {
      std::copy(text.begin(), text.end(), left.begin());
      size += text.size();
    } else {
      fits = false;
    }
  };
  add("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=", false);
  add(role.role_arn, true);
  add("&RoleSessionName=", false);
  add(session_name_of(role), true);
  add("&WebIdentityToken=", false);
  add(token, true);
  if (!fits) return fail(Code::kNoCredentials, "the web identity token is too long");
  return std::string_view(room.data(), size);
}

}  // namespace weir

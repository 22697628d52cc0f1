// The shared files of AWS (~/.aws/credentials, ~/.aws/config), read from their texts in memory, and what a profile says about where its credentials
// come from. Nothing is copied: views point into the texts, which outlive them.
//
// As botocore reads them (configloader.py, credentials.py): sections [name] in the credentials file, [profile name] and [default] in the config
// file; keys in either case of letters; a value ends with its line, and '#' and ';' begin a comment only at a line's beginning; an indented line belongs to
// the key above it ("s3 =" and below it "addressing_style = path"); what the credentials file says comes before what the config file says; the last of
// two equal keys counts. Secrets are in no error.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace weir {

inline constexpr size_t kProfileFileBytesMax = 1024 * 1024;
inline constexpr size_t kRolesMax = 8;  ///< roles that are assumed one through the other

struct ProfileFiles {
  std::string_view credentials;  ///< empty: there is no such file
  std::string_view config;
};

/// W2030 with the line of a text that is no such file: not "key = value", a section that is never closed, a NUL, more than
/// kProfileFileBytesMax bytes. Everything below takes files that passed.
Status check_profile_files(const ProfileFiles& files);

bool has_profile(const ProfileFiles& files, std::string_view profile);

/// A key of a profile; "s3.addressing_style" reaches into an indented block. Empty where there is none.
std::string_view profile_value(const ProfileFiles& files, std::string_view profile, std::string_view key);

/// endpoint_url for a service ("s3", "sts"): from the [services x] that the profile names, or the profile's own.
std::string_view profile_endpoint_url(const ProfileFiles& files, std::string_view profile, std::string_view service);

/// One sts:AssumeRole.
struct AssumeRole {
  std::string_view role_arn;
  std::string_view session_name;  ///< empty: of our choice
  std::string_view external_id;  ///< may be empty
  uint32_t duration_s = 3600;  ///< 900 to 43,200
};

enum class ProfileBase : uint8_t {
  kNothing,  ///< the profile says nothing about credentials
  kStatic,  ///< access_key, secret_key, session_token
  kWebIdentity,  ///< token_file and web_role
  kProcess,  ///< process
  kSso,  ///< signed in by the AWS CLI; `profile` is the one to ask it for
  kEnvironment,  ///< credential_source = Environment
  kContainer,  ///< credential_source = EcsContainer
  kImds,  ///< credential_source = Ec2InstanceMetadata
};

/// Where a profile's credentials come from: the base, then the roles, role[0] with the base's credentials, each next with those before.
struct ProfileCredentials {
  ProfileBase base = ProfileBase::kNothing;
  std::string_view profile;  ///< the one that has the base
  std::string_view access_key;
  std::string_view secret_key;
  std::string_view session_token;
  std::string_view token_file;
  AssumeRole web_role;
  std::string_view process;
  std::array<AssumeRole, kRolesMax> roles;
  size_t role_count = 0;
};

/// W2030 with the reason: no such profile, a loop of source_profile, half of a pair of keys, source_profile beside credential_source or neither, a role that
/// needs MFA, a bad duration.
Result<ProfileCredentials> resolve_profile(const ProfileFiles& files, std::string_view profile);

}  // namespace weir

#include "aws/profile.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::string_view kCredentials =
    "# comment\n[default]\naws_access_key_id = AKDEFAULT\naws_secret_access_key=SK=/+#;x\n\n"
    "[both]\nAWS_ACCESS_KEY_ID = AKFILE\r\naws_secret_access_key = SKFILE\r\n"
    "[half]\naws_access_key_id = AK\n";
constexpr std::string_view kConfig =
    "[default]\nregion = eu-west-1\naws_access_key_id = IGNORED\n"
    "s3 =\n  addressing_style = path\n  # max\n  max_concurrent_requests = 3\noutput = json\n"
    "[profile both]\nregion = us-east-1\naws_access_key_id = AKCONFIG\ncredential_process = never\n"
    "[profile \"two words\"]\nregion = us-west-2 ; kept\n"
    "[role]\nregion = not-a-profile\n"
    "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = default\nexternal_id = "
    "e1\nrole_session_name = s1\nduration_seconds = 900\n"
    "[profile outer]\nrole_arn: arn:outer\nsource_profile: role\n"
    "[profile loop1]\nrole_arn = a\nsource_profile = loop2\n[profile loop2]\nrole_arn = b\nsource_profile = loop1\n"
    "[profile self]\nrole_arn = arn:self\nsource_profile = self\naws_access_key_id = AKS\naws_secret_access_key = SKS\n"
    "[profile selfless]\nrole_arn = a\nsource_profile = selfless\n"
    "[profile two]\nrole_arn = a\nsource_profile = default\ncredential_source = Environment\n"
    "[profile neither]\nrole_arn = a\n"
    "[profile nowhere]\nrole_arn = a\nsource_profile = gone\n"
    "[profile mfa]\nrole_arn = a\nsource_profile = default\nmfa_serial = arn:mfa\n"
    "[profile long]\nrole_arn = a\nsource_profile = default\nduration_seconds = 43201\n"
    "[profile env]\nrole_arn = a\ncredential_source = Environment\n[profile ecs]\nrole_arn = a\ncredential_source = "
    "EcsContainer\n"
    "[profile ec2]\nrole_arn = a\ncredential_source = Ec2InstanceMetadata\n[profile what]\nrole_arn = "
    "a\ncredential_source = What\n"
    "[profile web]\nrole_arn = arn:web\nweb_identity_token_file = /t\n[profile webless]\nweb_identity_token_file = /t\n"
    "[profile proc]\ncredential_process = /bin/get \"a b\" --x\n"
    "[profile procrole]\nrole_arn = a\nsource_profile = proc\n"
    "[profile sso]\nsso_session = corp\nsso_account_id = 1\n[sso-session corp]\nsso_start_url = https://x\n"
    "[profile empty]\nregion = x\n[profile emptyrole]\nrole_arn = a\nsource_profile = empty\n"
    "[profile ep]\nservices = local\nendpoint_url = http://all\n[services local]\ns3 =\n  endpoint_url = "
    "http://s3only\n";
constexpr ProfileFiles kFiles{kCredentials, kConfig};

std::string reason(std::string_view profile, const ProfileFiles& files = kFiles) {
  const auto found = resolve_profile(files, profile);
  if (found) return "resolved";
  EXPECT_EQ(found.error().code, Code::kBadProfile);
  return std::string(found.error().detail.view());
}

TEST(ProfileFiles, values_are_found_as_botocore_finds_them) {
  EXPECT_TRUE(check_profile_files(kFiles));
  EXPECT_EQ(profile_value(kFiles, "default", "region"), "eu-west-1");
  EXPECT_EQ(profile_value(kFiles, "default", "aws_access_key_id"), "AKDEFAULT");
  EXPECT_EQ(profile_value(kFiles, "default", "aws_secret_access_key"), "SK=/+#;x");
  EXPECT_EQ(profile_value(kFiles, "default", "s3.addressing_style"), "path");
  EXPECT_EQ(profile_value(kFiles, "default", "addressing_style"), "");
  EXPECT_EQ(profile_value(kFiles, "default", "output"), "json");
  EXPECT_EQ(profile_value(kFiles, "both", "aws_access_key_id"), "AKFILE");
  EXPECT_EQ(profile_value(kFiles, "both", "region"), "us-east-1");
  EXPECT_EQ(profile_value(kFiles, "two words", "region"), "us-west-2 ; kept");
  EXPECT_EQ(profile_value(kFiles, "gone", "region"), "");
  EXPECT_EQ(profile_value({{}, "[profile a]\nk = 1\nk = 2\n[profile a]\nk = 3"}, "a", "k"), "3");
  EXPECT_EQ(profile_value({{}, "[profile default]\nk = 1\n"}, "default", "k"), "1");
  EXPECT_EQ(profile_value({{}, "[profilex a]\nk = 1\n[profile  a ]\nl = 2"}, "a", "k"), "");
  EXPECT_EQ(profile_value({{}, "[profilex a]\nk = 1\n[profile  a ]\nl = 2"}, "a", "l"), "2");
  EXPECT_TRUE(has_profile(kFiles, "half"));
  EXPECT_TRUE(has_profile(kFiles, "sso"));
  EXPECT_FALSE(has_profile(kFiles, "corp"));
  EXPECT_FALSE(has_profile({"", "[role]\n"}, "role"));
  EXPECT_EQ(profile_endpoint_url(kFiles, "ep", "s3"), "http://s3only");
  EXPECT_EQ(profile_endpoint_url(kFiles, "ep", "sts"), "http://all");
  EXPECT_EQ(profile_endpoint_url(kFiles, "default", "s3"), "");
}

TEST(ProfileFiles, what_is_none_is_refused_with_its_line_and_no_secret) {
  const auto said = [](const ProfileFiles& files) {
    const Status status = check_profile_files(files);
    return status ? std::string("good") : std::string(status.error().detail.view());
  };
  EXPECT_EQ(said({"[a]\nk = v\ncanary\n", ""}), "the credentials file: neither [section] nor key = value in line 3");
  EXPECT_EQ(said({"", "[a\nk = v\n"}), "the config file: neither [section] nor key = value in line 1");
  EXPECT_EQ(said({"", "[a]\n= canary\n"}), "the config file: neither [section] nor key = value in line 2");
  EXPECT_EQ(said({"", "\n# x\nk = canary\n[a]\n"}), "the config file: a value before the first [section] in line 3");
  EXPECT_EQ(said({std::string_view("[a]\nk = \0", 9), ""}), "the credentials file: it has NUL bytes");
  const std::string large(kProfileFileBytesMax + 1, '\n');
  EXPECT_EQ(said({"", large}), "the config file: larger than 1 MiB");
  EXPECT_EQ(said({"", std::string_view(large).substr(1)}), "good");
  EXPECT_EQ(said({"", "[a]\n  indented\n;x\nk =\n"}), "good");
}

TEST(Profile, keys_and_other_sources_are_told_apart) {
  const auto keys = resolve_profile(kFiles, "default").value();
  EXPECT_EQ(keys.base, ProfileBase::kStatic);
  EXPECT_EQ(keys.access_key, "AKDEFAULT");
  EXPECT_EQ(keys.secret_key, "SK=/+#;x");
  EXPECT_EQ(keys.role_count, 0u);
  EXPECT_EQ(resolve_profile(kFiles, "both")->access_key, "AKFILE");
  const auto web = resolve_profile(kFiles, "web").value();
  EXPECT_EQ(web.base, ProfileBase::kWebIdentity);
  EXPECT_EQ(web.token_file, "/t");
  EXPECT_EQ(web.web_role.role_arn, "arn:web");
  EXPECT_EQ(web.role_count, 0u);
  EXPECT_EQ(resolve_profile(kFiles, "proc")->base, ProfileBase::kProcess);
  EXPECT_EQ(resolve_profile(kFiles, "proc")->process, "/bin/get \"a b\" --x");
  EXPECT_EQ(resolve_profile(kFiles, "sso")->base, ProfileBase::kSso);
  EXPECT_EQ(resolve_profile(kFiles, "empty")->base, ProfileBase::kNothing);
}

TEST(Profile, roles_are_assumed_from_the_innermost_out) {
  const auto role = resolve_profile(kFiles, "role").value();
  EXPECT_EQ(role.base, ProfileBase::kStatic);
  EXPECT_EQ(role.access_key, "AKDEFAULT");
  EXPECT_EQ(role.profile, "default");
  ASSERT_EQ(role.role_count, 1u);
  EXPECT_EQ(role.roles[0].role_arn, "arn:aws:iam::123456789012:role/r");
  EXPECT_EQ(role.roles[0].external_id, "e1");
  EXPECT_EQ(role.roles[0].session_name, "s1");
  EXPECT_EQ(role.roles[0].duration_s, 900u);
  const auto outer = resolve_profile(kFiles, "outer").value();
  ASSERT_EQ(outer.role_count, 2u);
  EXPECT_EQ(outer.roles[0].role_arn, "arn:aws:iam::123456789012:role/r");
  EXPECT_EQ(outer.roles[1].role_arn, "arn:outer");
  EXPECT_EQ(outer.roles[1].duration_s, 3600u);
  const auto self = resolve_profile(kFiles, "self").value();
  EXPECT_EQ(self.base, ProfileBase::kStatic);
  EXPECT_EQ(self.access_key, "AKS");
  EXPECT_EQ(self.role_count, 1u);
  const auto process = resolve_profile(kFiles, "procrole").value();
  EXPECT_EQ(process.base, ProfileBase::kProcess);
  EXPECT_EQ(process.profile, "proc");
  EXPECT_EQ(process.role_count, 1u);
  EXPECT_EQ(resolve_profile(kFiles, "env")->base, ProfileBase::kEnvironment);
  EXPECT_EQ(resolve_profile(kFiles, "ecs")->base, ProfileBase::kContainer);
  EXPECT_EQ(resolve_profile(kFiles, "ec2")->base, ProfileBase::kImds);
}

TEST(Profile, is_refused_with_a_reason) {
  EXPECT_EQ(reason("gone\n"), "profile gone?: there is no such profile");
  EXPECT_EQ(reason("half"), "profile half: only one of aws_access_key_id and aws_secret_access_key");
  EXPECT_EQ(reason("loop1"), "profile loop2: its source_profile leads back to itself");
  EXPECT_EQ(reason("selfless"), "profile selfless: its source_profile leads back to itself");
  EXPECT_EQ(reason("two"), "profile two: a role needs either source_profile or credential_source");
  EXPECT_EQ(reason("neither"), "profile neither: a role needs either source_profile or credential_source");
  EXPECT_EQ(reason("nowhere"), "profile nowhere: its source_profile is no profile");
  EXPECT_NE(reason("mfa").find("needs MFA"), std::string::npos);
  EXPECT_EQ(reason("long"), "profile long: duration_seconds is 900 to 43200");
  EXPECT_EQ(reason("what"), "profile what: credential_source is Environment, EcsContainer or Ec2InstanceMetadata");
  EXPECT_EQ(reason("webless"), "profile webless: web_identity_token_file without role_arn");
  EXPECT_EQ(reason("emptyrole"), "profile empty: it is the source of a role, but has no credentials");
  std::string chain;
  for (int i = 0; i < 9; ++i)
    chain += "[profile p" + std::to_string(i) + "]\nrole_arn = a\nsource_profile = p" + std::to_string(i + 1) + "\n";
  chain += "[profile p9]\naws_access_key_id = a\naws_secret_access_key = s\n";
  EXPECT_EQ(reason("p0", {"", chain}), "profile p0: too many roles one through the other");
  EXPECT_EQ(reason("p1", {"", chain}), "resolved");
}

}  // namespace
}  // namespace weir

#include "aws/credential_source.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

class MapEnvironment : public AwsEnvironment {
 public:
  MapEnvironment(std::initializer_list<std::pair<const std::string, std::string>> values) : values_(values) {}
  std::string_view get(std::string_view name) const override {
    const auto at = values_.find(std::string(name));
    return at == values_.end() ? std::string_view{} : std::string_view(at->second);
  }

 private:
  std::map<std::string, std::string> values_;
};

constexpr ProfileFiles kNoFiles{};
constexpr ProfileFiles kFiles{
    "[default]\naws_access_key_id = AKD\naws_secret_access_key = SKD\naws_session_token = STD\n",
    "[default]\nregion = eu-west-1\n[profile p]\nregion = us-west-2\ncredential_process = /bin/p\nendpoint_url = "
    "http://p\ns3 =\n  addressing_style = virtual\n"
    "[profile r]\nrole_arn = arn:r\nsource_profile = default\n[profile e]\nrole_arn = arn:e\ncredential_source = "
    "Environment\n"
    "[profile c]\nrole_arn = arn:c\ncredential_source = EcsContainer\n[profile i]\nrole_arn = arn:i\ncredential_source "
    "= Ec2InstanceMetadata\n"
    "[profile s]\nsso_session = x\n[profile sr]\nrole_arn = arn:s\nsource_profile = s\n[profile w]\nrole_arn = "
    "arn:w\nweb_identity_token_file = /t\n[profile nothing]\nregion = x\n"};

/// The step and what belongs to it, in one text.
std::string plan(const AwsEnvironment& environment, const ProfileFiles& files = kNoFiles,
                 const CredentialSettings& settings = {}) {
  const auto p = plan_credentials(environment, files, settings);
  if (!p) {
    char code[8];
    std::snprintf(code, sizeof code, "W%04u ", static_cast<unsigned>(p.error().code));
    return code + std::string(p.error().detail.view());
  }
  std::string said;
  switch (p->step) {
    case CredentialStep::kUnsigned:
      said = "unsigned";
      break;
    case CredentialStep::kStatic:
      said = "static " + std::string(p->keys.access_key.view()) + " " + std::string(p->keys.secret_key.view()) + " " +
             std::string(p->keys.session_token.view());
      break;
    case CredentialStep::kWebIdentity:
      said = "web " + std::string(p->token_file) + " " + std::string(p->web_role.role_arn) + " " +
             std::string(p->web_role.session_name);
      break;
    case CredentialStep::kContainer:
      said = "container " + std::string(p->url.view()) + " " + std::string(p->authorization_file) + " " +
             std::string(p->authorization);
      break;
    case CredentialStep::kImds:
      said = "imds " + std::string(p->url.view());
      break;
    case CredentialStep::kProcess:
      said = "process " + std::string(p->process);
      break;
    case CredentialStep::kSsoByCli:
      said = "cli";
      for (const std::string_view word : p->cli_command) said += " " + std::string(word);
      break;
  }
  for (size_t i = 0; i < p->role_count; ++i) said += " then " + std::string(p->roles[i].role_arn);
  return said;
}

TEST(CredentialSource, the_environment_goes_before_profiles_unless_one_was_asked_for) {
  const MapEnvironment keys{
      {"AWS_ACCESS_KEY_ID", "AK"}, {"AWS_SECRET_ACCESS_KEY", "SK"}, {"AWS_SESSION_TOKEN", "ST"}, {"AWS_PROFILE", "p"}};
  EXPECT_EQ(plan(keys, kFiles), "static AK SK ST");
  EXPECT_EQ(plan(keys, kFiles, {.profile = "p"}), "process /bin/p");
  EXPECT_EQ(plan(keys, kFiles, {.unsigned_requests = true}), "unsigned");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_PROFILE", "p"}}, kFiles), "process /bin/p");
  EXPECT_EQ(plan(MapEnvironment{}, kFiles), "static AKD SKD STD");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_ACCESS_KEY_ID", "AK"}}, kFiles),
            "W6002 AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_ACCESS_KEY_ID", std::string(129, 'a')}, {"AWS_SECRET_ACCESS_KEY", "SK"}}),
            "W6003 a key or token that is too long");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_PROFILE", "gone"}}, kFiles), "W2030 profile gone: there is no such profile");
  EXPECT_EQ(plan(MapEnvironment{}, kFiles, {.profile = "default"}), "static AKD SKD STD");
  EXPECT_EQ(plan(MapEnvironment{}, kNoFiles, {.profile = "default"}),
            "W2030 profile default: there is no such profile");
}

TEST(CredentialSource, roles_come_behind_their_base) {
  const MapEnvironment none{};
  EXPECT_EQ(plan(none, kFiles, {.profile = "r"}), "static AKD SKD STD then arn:r");
  const MapEnvironment keys{{"AWS_ACCESS_KEY_ID", "AK"}, {"AWS_SECRET_ACCESS_KEY", "SK"}};
  EXPECT_EQ(plan(keys, kFiles, {.profile = "e"}), "static AK SK  then arn:e");
  EXPECT_EQ(plan(none, kFiles, {.profile = "e"}), "W6002 AWS_ACCESS_KEY_ID is not set");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}}, kFiles, {.profile = "c"}),
            "container http://169.254.170.2/x   then arn:c");
  EXPECT_TRUE(plan(none, kFiles, {.profile = "c"}).starts_with("W6002 "));
  EXPECT_EQ(plan(none, kFiles, {.profile = "i"}), "imds http://169.254.169.254 then arn:i");
  EXPECT_TRUE(
      plan(MapEnvironment{{"AWS_EC2_METADATA_DISABLED", "true"}}, kFiles, {.profile = "i"}).starts_with("W6002 "));
}

TEST(CredentialSource, sso_is_left_to_the_cli) {
  const MapEnvironment none{};
  EXPECT_EQ(plan(none, kFiles, {.profile = "s", .aws_on_path = true}),
            "cli aws configure export-credentials --profile s --format process");
  EXPECT_EQ(plan(none, kFiles, {.profile = "sr", .aws_on_path = true}),
            "cli aws configure export-credentials --profile s --format process then arn:s");
  EXPECT_TRUE(plan(none, kFiles, {.profile = "s"}).starts_with("W2030 it signs in by SSO"));
}

TEST(CredentialSource, web_identity_is_that_of_the_environment_or_the_profile) {
  const MapEnvironment eks{{"AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token"},
                           {"AWS_ROLE_ARN", "arn:eks"},
                           {"AWS_ROLE_SESSION_NAME", "n"},
                           {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}};
  EXPECT_EQ(plan(eks), "web /var/token arn:eks n");
  EXPECT_EQ(plan(eks, kFiles), "web /var/token arn:eks n");
  EXPECT_EQ(plan(eks, kFiles, {.profile = "w"}), "web /t arn:w ");
  EXPECT_EQ(plan(eks, kFiles, {.profile = "r"}), "static AKD SKD STD then arn:r");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_ROLE_ARN", "arn"}}), "imds http://169.254.169.254");
}

TEST(CredentialSource, then_come_container_and_instance) {
  const MapEnvironment both{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x"},
                            {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil/"},
                            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "t"}};
  EXPECT_EQ(plan(both), "container http://169.254.170.2/v2/credentials/x  t");
  EXPECT_EQ(plan(both, kFiles, {.profile = "nothing"}), "container http://169.254.170.2/v2/credentials/x  t");
  const MapEnvironment full{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9001/2021-04-23/credentials"},
                            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "t"},
                            {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/f"}};
  EXPECT_EQ(plan(full), "container http://127.0.0.1:9001/2021-04-23/credentials /f ");
  EXPECT_TRUE(plan(MapEnvironment{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ".evil.com/x"}}).starts_with("W2028 "));
  EXPECT_TRUE(plan(MapEnvironment{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.com/x"}}).starts_with("W2028 "));
  EXPECT_TRUE(plan(MapEnvironment{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.com/"}}).starts_with("W2028 "));
  const std::string injected = plan(MapEnvironment{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"},
                                                   {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary\r\nX: y"}});
  EXPECT_EQ(injected, "W6002 AWS_CONTAINER_AUTHORIZATION_TOKEN has control characters");
  EXPECT_TRUE(plan(MapEnvironment{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/" + std::string(2048, 'x')}})
                  .starts_with("W2028 "));
  EXPECT_EQ(plan(MapEnvironment{}), "imds http://169.254.169.254");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}}), "imds http://[fd00:ec2::254]");
  EXPECT_EQ(plan(MapEnvironment{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://localhost:1338/"}}),
            "imds http://localhost:1338");
  EXPECT_TRUE(plan(MapEnvironment{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "nonsense"}}).starts_with("W2028 "));
  EXPECT_EQ(plan(MapEnvironment{{"AWS_EC2_METADATA_DISABLED", "TRUE"}}), "W6002 ");
}

TEST(CredentialSource, credentials_are_fetched_only_from_hosts_that_may_have_them) {
  for (const char* url : {"http://127.0.0.1/", "http://127.255.255.255:80/x", "http://localhost:9001/",
                          "http://LOCALHOST/", "http://[::1]/", "http://169.254.170.2/v2", "http://169.254.170.23/v1",
                          "http://[fd00:ec2::23]/v1", "http://[FD00:EC2::23]/v1", "https://any.example.com/"}) {
    EXPECT_TRUE(check_container_url(url)) << url;
  }
  for (const char* url : {"http://example.com/",
                          "http://169.254.169.254/",
                          "http://169.254.170.20/",
                          "http://169.254.170.2.evil.com/",
                          "http://127.evil.com/",
                          "http://127.0.0.1.evil.com/",
                          "http://127.0.0/",
                          "http://127.0.0.256/",
                          "http://127.0.0.1.1/",
                          "http://127..0.1/",
                          "http://127.0.0.0001/",
                          "http://10.0.0.1/",
                          "http://[fd00:ec2::254]/",
                          "http://[::]/",
                          "http://localhost.evil.com/",
                          "http://localhost@evil.com/",
                          "http://0/",
                          "http://2130706433/",
                          "ftp://localhost/",
                          "file:///etc/passwd",
                          ""}) {
    const Status status = check_container_url(url);
    ASSERT_FALSE(status) << url;
    EXPECT_EQ(status.error().code, Code::kBadUrl);
  }
}

TEST(CredentialSource, a_token_is_one_line) {
  EXPECT_EQ(authorization_of(" Bearer abc\r\n").value(), "Bearer abc");
  EXPECT_EQ(authorization_of("a\r\nX-Evil: b").error().code, Code::kNoCredentials);
  EXPECT_EQ(authorization_of(" \n").error().code, Code::kNoCredentials);
  EXPECT_EQ(authorization_of("canary\x01").error().detail.view().find("canary"), std::string_view::npos);
}

TEST(CredentialSource, renews_in_time) {
  Credentials credentials;
  constexpr uint64_t kMinute = 60 * uint64_t{1'000'000'000};
  EXPECT_EQ(refresh_need(credentials, ~uint64_t{0} - 1), RefreshNeed::kNone);
  credentials.expires_wall_ns = 100 * kMinute;
  EXPECT_EQ(refresh_need(credentials, 85 * kMinute), RefreshNeed::kNone);
  EXPECT_EQ(refresh_need(credentials, 85 * kMinute + 1), RefreshNeed::kAdvisory);
  EXPECT_EQ(refresh_need(credentials, 90 * kMinute), RefreshNeed::kAdvisory);
  EXPECT_EQ(refresh_need(credentials, 90 * kMinute + 1), RefreshNeed::kMandatory);
  EXPECT_EQ(refresh_need(credentials, 100 * kMinute - 1), RefreshNeed::kMandatory);
  EXPECT_EQ(refresh_need(credentials, 100 * kMinute), RefreshNeed::kExpired);
}

TEST(CredentialSource, region_and_endpoint_follow_the_profile) {
  const MapEnvironment none{};
  EXPECT_EQ(region_in_use(none, kFiles, {}, ""), "eu-west-1");
  EXPECT_EQ(region_in_use(none, kFiles, {.profile = "p"}, ""), "us-west-2");
  EXPECT_EQ(region_in_use(none, kFiles, {.profile = "p"}, "flag"), "flag");
  EXPECT_EQ(region_in_use(MapEnvironment{{"AWS_REGION", "r"}, {"AWS_DEFAULT_REGION", "d"}}, kFiles, {}, ""), "r");
  EXPECT_EQ(region_in_use(MapEnvironment{{"AWS_DEFAULT_REGION", "d"}}, kFiles, {}, ""), "d");
  EXPECT_EQ(region_in_use(none, kNoFiles, {}, ""), "");
  const MapEnvironment everywhere{{"AWS_ENDPOINT_URL", "http://all"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}};
  const EndpointSettings settings = endpoint_settings(everywhere, kFiles, {.profile = "p"}, "", "http://flag");
  EXPECT_EQ(settings.region, "us-west-2");
  EXPECT_EQ(settings.endpoint_url, "http://flag");
  EXPECT_EQ(settings.env_endpoint_url, "http://all");
  EXPECT_EQ(settings.profile_endpoint_url_s3, "http://p");
  EXPECT_EQ(settings.profile_endpoint_url_sts, "http://p");
  EXPECT_EQ(settings.profile_endpoint_url, "http://p");
  EXPECT_TRUE(settings.ignore_configured);
  EXPECT_EQ(settings.path_style, false);
  EXPECT_EQ(endpoint_settings(none, kFiles, {}, "", "").path_style, std::nullopt);
}

TEST(CredentialSource, forms_of_sts_are_encoded) {
  EXPECT_EQ(assume_role_form({"arn:aws:iam::1:role/r", "", "a b&c", 900})->view(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=weir&"
            "DurationSeconds=900&ExternalId=a%20b%26c");
  EXPECT_EQ(assume_role_form({"arn", "s@x", "", 3600})->view(),
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn&RoleSessionName=s%40x&DurationSeconds=3600");
  const std::string long_text(4096, 'x');
  EXPECT_EQ(assume_role_form({long_text, "", "", 3600}).error().code, Code::kBadProfile);
  std::string room(300, '\0');
  EXPECT_EQ(
      web_identity_form({"arn", "s", "", 3600}, " ey.J+=\n", room).value(),
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn&RoleSessionName=s&WebIdentityToken=ey.J%2B%3D");
  EXPECT_EQ(web_identity_form({"arn", "s", "", 3600}, " \n", room).error().code, Code::kNoCredentials);
  EXPECT_EQ(web_identity_form({"arn", "s", "", 3600}, std::string(300, 'x'), room).error().code, Code::kNoCredentials);
  EXPECT_EQ(web_identity_form({"arn", "s", "", 3600}, "t", std::span(room).first(20)).error().code,
            Code::kNoCredentials);
}

}  // namespace
}  // namespace weir

#include "aws/endpoint.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string where(const Result<Endpoint>& endpoint) {
  if (!endpoint) return std::string(endpoint.error().detail.view());
  return std::string(endpoint->tls ? "https " : "http ") + std::string(endpoint->host.view()) + " " +
         std::to_string(endpoint->port) + " " + std::string(endpoint->authority.view()) +
         (endpoint->path_style ? " path" : " virtual") + std::string(endpoint->base_path.view());
}

TEST(S3Address, is_taken_apart) {
  const auto whole = parse_s3_address("s3://my-bucket/a//b/../c d?e#f%20").value();
  EXPECT_EQ(whole.bucket, "my-bucket");
  EXPECT_EQ(whole.key, "a//b/../c d?e#f%20");
  EXPECT_EQ(parse_s3_address("s3://my.bucket").value().key, "");
  EXPECT_EQ(parse_s3_address("s3://my.bucket/").value().key, "");
  EXPECT_EQ(parse_s3_address("s3://123/" + std::string(1024, 'k')).value().bucket, "123");
}

TEST(S3Address, is_refused_with_a_reason) {
  const auto reason = [](const std::string& text) {
    const auto address = parse_s3_address(text);
    EXPECT_EQ(address ? Code::kOk : address.error().code, Code::kBadUrl) << text;
    return address ? std::string("taken") : std::string(address.error().detail.view());
  };
  EXPECT_EQ(reason("https://b/k"), "it does not begin with s3://");
  EXPECT_EQ(reason("s3:/bucket/k"), "it does not begin with s3://");
  EXPECT_EQ(reason("s3://"), "a bucket's name has 3 to 63 characters");
  EXPECT_EQ(reason("s3:///k"), "a bucket's name has 3 to 63 characters");
  EXPECT_EQ(reason("s3://ab/k"), "a bucket's name has 3 to 63 characters");
  EXPECT_EQ(reason("s3://" + std::string(64, 'b')), "a bucket's name has 3 to 63 characters");
  EXPECT_EQ(reason("s3://Bucket/k"), "a bucket's name is made of a-z, 0-9, - and .");
  EXPECT_EQ(reason("s3://b_cket/k"), "a bucket's name is made of a-z, 0-9, - and .");
  EXPECT_EQ(reason("s3://evil.com:80@x/k"), "a bucket's name is made of a-z, 0-9, - and .");
  EXPECT_EQ(reason("s3://bucket?x/k"), "a bucket's name is made of a-z, 0-9, - and .");
  EXPECT_EQ(reason("s3://a..b/k"), "a bucket's name begins with a letter or digit and has no .. in it");
  EXPECT_EQ(reason("s3://.ab/k"), "a bucket's name begins with a letter or digit and has no .. in it");
  EXPECT_EQ(reason("s3://-ab/k"), "a bucket's name begins and ends with a letter or digit");
  EXPECT_EQ(reason("s3://ab-/k"), "a bucket's name begins and ends with a letter or digit");
  EXPECT_EQ(reason("s3://ab./k"), "a bucket's name begins and ends with a letter or digit");
  EXPECT_EQ(reason("s3://192.168.0.1/k"), "a bucket's name can't be an IP address");
  EXPECT_EQ(reason("s3://b--usw2-az1--x-s3/k"), "directory buckets (S3 Express) are not supported");
  for (const char* text :
       {"s3://arn:aws:s3:us-west-2:123456789012:accesspoint/my/k",
        "s3://my-ap-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias/k", "s3://x--ol-s3/k", "s3://m.mrap/k"}) {
    EXPECT_EQ(reason(text), "access points are not supported; name the bucket");
  }
  EXPECT_EQ(reason("s3://bucket/" + std::string(1025, 'k')), "a key of more than 1,024 bytes");
}

TEST(Endpoint, of_aws_has_the_bucket_in_its_host) {
  EXPECT_EQ(where(s3_endpoint({.region = "eu-central-1"}, "bucket")),
            "https bucket.s3.eu-central-1.amazonaws.com 443 bucket.s3.eu-central-1.amazonaws.com virtual");
  EXPECT_EQ(where(s3_endpoint({.region = "us-east-1"}, "my.bucket")),
            "https s3.us-east-1.amazonaws.com 443 s3.us-east-1.amazonaws.com path");
  EXPECT_EQ(where(s3_endpoint({.region = "us-east-1", .path_style = true}, "bucket")),
            "https s3.us-east-1.amazonaws.com 443 s3.us-east-1.amazonaws.com path");
  EXPECT_EQ(where(s3_endpoint({.region = "us-east-1", .path_style = false}, "my.bucket")),
            "https s3.us-east-1.amazonaws.com 443 s3.us-east-1.amazonaws.com path");
  EXPECT_EQ(where(s3_endpoint({.region = "cn-north-1"}, "bucket")),
            "https bucket.s3.cn-north-1.amazonaws.com.cn 443 bucket.s3.cn-north-1.amazonaws.com.cn virtual");
  EXPECT_EQ(where(s3_endpoint({.region = "us-gov-west-1"}, "bucket")),
            "https bucket.s3.us-gov-west-1.amazonaws.com 443 bucket.s3.us-gov-west-1.amazonaws.com virtual");
  EXPECT_EQ(where(sts_endpoint({.region = "eu-west-1"})),
            "https sts.eu-west-1.amazonaws.com 443 sts.eu-west-1.amazonaws.com virtual");
  EXPECT_EQ(partition_suffix("us-isob-east-1"), "sc2s.sgov.gov");
  EXPECT_EQ(partition_suffix("us-iso-east-1"), "c2s.ic.gov");
}

TEST(Endpoint, that_is_named_is_asked_in_path_style) {
  EndpointSettings settings{.region = "eu-west-1", .endpoint_url = "http://localhost:9000/"};
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")), "http localhost 9000 localhost:9000 path");
  settings.path_style = false;
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")), "http bucket.localhost 9000 bucket.localhost:9000 virtual");
  settings.endpoint_url = "http://127.0.0.1:9000";
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")),
            "an endpoint that no bucket's name can be put before; use path style");
  settings.endpoint_url = "http://[::1]:9000";
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")),
            "an endpoint that no bucket's name can be put before; use path style");
  settings.path_style.reset();
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")), "http ::1 9000 [::1]:9000 path");
  settings.endpoint_url = "https://gateway/store//";
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")), "https gateway 443 gateway path/store");
  settings.endpoint_url = "https://gateway/?x";
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")), "an endpoint with a query");
  settings.endpoint_url = "localhost:9000";
  EXPECT_EQ(where(s3_endpoint(settings, "bucket")), "it does not begin with http:// or https://");
}

TEST(Endpoint, the_nearest_setting_wins) {
  EndpointSettings settings{.region = "eu-west-1",
                            .endpoint_url = "http://flag",
                            .env_endpoint_url_s3 = "http://env-s3",
                            .env_endpoint_url_sts = "http://env-sts",
                            .env_endpoint_url = "http://env",
                            .profile_endpoint_url_s3 = "http://profile",
                            .profile_endpoint_url_sts = "http://profile-sts",
                            .profile_endpoint_url = "http://profile-all"};
  const auto host = [&] { return std::string(s3_endpoint(settings, "bucket")->host.view()); };
  EXPECT_EQ(host(), "flag");
  EXPECT_EQ(sts_endpoint(settings)->host.view(), "env-sts");
  settings.endpoint_url = {};
  EXPECT_EQ(host(), "env-s3");
  settings.env_endpoint_url_s3 = settings.env_endpoint_url_sts = {};
  EXPECT_EQ(host(), "env");
  EXPECT_EQ(sts_endpoint(settings)->host.view(), "env");
  settings.env_endpoint_url = {};
  EXPECT_EQ(host(), "profile");
  // What is the store's alone gets no one's keys but its own.
  EXPECT_EQ(sts_endpoint(settings)->host.view(), "profile-sts");
  EXPECT_EQ(service_endpoint(settings, "sqs", "")->host.view(), "profile-all");
  settings.ignore_configured = true;
  EXPECT_EQ(host(), "bucket.s3.eu-west-1.amazonaws.com");
  settings.endpoint_url = "http://flag";
  EXPECT_EQ(host(), "flag");
  EXPECT_EQ(sts_endpoint(settings)->host.view(), "sts.eu-west-1.amazonaws.com");
}

TEST(Endpoint, needs_a_region_that_is_one) {
  EXPECT_EQ(s3_endpoint({}, "bucket").error().code, Code::kNoRegion);
  EXPECT_EQ(sts_endpoint({}).error().code, Code::kNoRegion);
  EXPECT_EQ(signing_region({}), "");
  EXPECT_EQ(signing_region({.endpoint_url = "http://x"}), "us-east-1");
  EXPECT_EQ(where(s3_endpoint({.endpoint_url = "http://x"}, "bucket")), "http x 80 x path");
  const std::string long_one(33, 'a');
  for (const std::string& region : {std::string("evil.com/"), std::string("US-EAST-1"), std::string("-a"),
                                    std::string("a-"), std::string("a b"), long_one}) {
    EXPECT_EQ(s3_endpoint({.region = region}, "bucket").error().code, Code::kNoRegion) << region;
    EXPECT_EQ(sts_endpoint({.region = region}).error().code, Code::kNoRegion) << region;
  }
  EXPECT_EQ(s3_endpoint({.region = "eu-west-1"}, "evil.com#").error().code, Code::kBadUrl);
}

TEST(Endpoint, the_path_has_the_key_encoded_once) {
  const auto virtual_style = s3_endpoint({.region = "us-east-1"}, "bucket").value();
  EXPECT_EQ(s3_path(virtual_style, "bucket", "a b/../c%20+").view(), "/a%20b/../c%2520%2B");
  EXPECT_EQ(s3_path(virtual_style, "bucket", "").view(), "/");
  const auto path_style = s3_endpoint({.endpoint_url = "http://x/base"}, "bucket").value();
  EXPECT_EQ(s3_path(path_style, "bucket", "/k").view(), "/base/bucket//k");
  EXPECT_EQ(s3_path(path_style, "bucket", "").view(), "/base/bucket");
  const RequestPath longest = s3_path(path_style, "bucket", std::string(1024, '\n'));
  EXPECT_FALSE(longest.truncated());
  EXPECT_EQ(longest.view().size(), 13u + 3 * 1024);
}

TEST(Endpoint, is_redirected_only_within_its_partition) {
  const EndpointSettings settings{.region = "us-east-1"};
  const auto from = s3_endpoint(settings, "bucket").value();
  EXPECT_EQ(where(redirected(settings, from, "bucket", "eu-west-3")),
            "https bucket.s3.eu-west-3.amazonaws.com 443 bucket.s3.eu-west-3.amazonaws.com virtual");
  for (const char* region : {"cn-north-1", "evil.com/", "", "eu-west-3.evil.com"}) {
    const auto there = redirected(settings, from, "bucket", region);
    ASSERT_FALSE(there) << region;
    EXPECT_EQ(there.error().code, Code::kRequestRefused);
  }
  const EndpointSettings custom{.region = "us-east-1", .endpoint_url = "http://x"};
  EXPECT_EQ(redirected(custom, s3_endpoint(custom, "bucket").value(), "bucket", "eu-west-3").error().code,
            Code::kRequestRefused);
}

}  // namespace
}  // namespace weir

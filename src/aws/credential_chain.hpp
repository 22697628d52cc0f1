#pragma once
#include <cstdlib>
#include <memory>
#include <string>
#include "aws/aws_session.hpp"
#include "port/disk.hpp"
namespace weir {
struct CredentialSettings { std::string profile; bool no_sign_request = false; };
class CredentialChain final : public CredentialProvider {
 public:
  static Result<std::unique_ptr<CredentialChain>> make(const CredentialSettings&, AwsSession&, Disk&, char**) {
    auto c = std::make_unique<CredentialChain>();
    auto g = [](const char* n) { const char* v = getenv(n); return std::string_view(v ? v : ""); };
    c->c_.access_key.append(g("AWS_ACCESS_KEY_ID")); c->c_.secret_key.append(g("AWS_SECRET_ACCESS_KEY")); c->c_.session_token.append(g("AWS_SESSION_TOKEN"));
    return c;
  }
  Result<const Credentials*> get(uint64_t) override { return &c_; }
  bool renew() override { return false; }
  std::string_view profile_region() const { return {}; }
  std::string_view profile_endpoint_url() const { return {}; }
  Credentials c_;
};
}

// CredentialChain: performs what the chain decided (aws/credential_source.hpp): keeps keys, reads token files, asks the container's or the instance's
// endpoint or STS, starts a credential process; and renews what expires, in mid-run too.
//
// All memory is taken by make(). Fetching waits; it happens between requests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/aws_session.hpp"
#include "aws/credential_source.hpp"
#include "io/http_call.hpp"
#include "port/disk.hpp"

namespace weir {

/// The process' environment as the chain asks it.
class ProcessEnvironment final : public AwsEnvironment {
 public:
  explicit ProcessEnvironment(char** entries) : entries_(entries) {}
  std::string_view get(std::string_view name) const override;

 private:
  char** entries_;
};

class CredentialChain final : public CredentialProvider {
 public:
  /// Decides; fetches nothing. `session` has its network by the time of the first get(). W2028, W2030, W6002.
  static Result<std::unique_ptr<CredentialChain>> make(const CredentialSettings& settings, std::string_view profile,
                                                       AwsSession& session, Disk& disk, char** environment);

  Result<const Credentials*> get(uint64_t wall_ns) override;
  bool renew() override;

  [[nodiscard]] EndpointSettings endpoints(std::string_view region_flag, std::string_view endpoint_flag) const {
    return endpoint_settings(environment_, files_, settings_, region_flag, endpoint_flag);
  }
  /// Fetching speaks TLS, whatever S3 does.
  [[nodiscard]] bool needs_tls() const;

 private:
  CredentialChain(AwsSession& session, Disk& disk, char** environment)
      : session_(session), disk_(disk), environment_(environment), entries_(environment) {}
  Status read_file(const char* path, size_t bytes_max, std::string& text);
  Result<std::string_view> read_secret(std::string_view path, std::string_view what);
  Status fetch();
  Result<Credentials> base();
  Result<Credentials> by_endpoint();
  Result<Credentials> by_metadata();
  Result<Credentials> by_command(char* const* words, std::string_view what);
  Result<Credentials> by_web_identity();
  Result<Credentials> assume(const AssumeRole& role, const Credentials& with);
  Result<Credentials> ask_sts(std::string_view form, const Credentials* with);

  AwsSession& session_;
  Disk& disk_;
  ProcessEnvironment environment_;
  char** entries_;
  std::string credentials_text_;
  std::string config_text_;
  std::string profile_;
  ProfileFiles files_;
  CredentialSettings settings_;
  CredentialPlan plan_;
  Credentials keys_;
  bool fetched_ = false;
  uint64_t tried_wall_ns_ = 0;
  // Of fetching.
  HttpSession fetch_session_;
  std::vector<char> http_room_;
  std::unique_ptr<HttpCall> call_;
  std::vector<char> text_room_;  ///< of a token, a form, a command's output
  std::string process_;  ///< with its end
  std::vector<std::string> cli_words_;
  std::vector<char*> argv_;
};

}  // namespace weir

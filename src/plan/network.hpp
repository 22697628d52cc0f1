// Network: what a job needs when an input, output or checkpoint is not on this machine: TLS, credentials, clients of S3, a client for
// http(s):// inputs. Made while the job is prepared, because inputs are looked at then; after that it takes no memory from the system.
//
// Two clients of S3: one holds the GET that the input is read from, the other makes every other request.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aws/s3_client.hpp"
#include "connector/credential_chain.hpp"
#include "io/http_get.hpp"
#include "io/proxy.hpp"
#include "io/tls.hpp"
#include "io/tls_arena.hpp"
#include "plan/config.hpp"
#include "plan/detect.hpp"
#include "port/disk.hpp"
#include "port/net.hpp"
#include "port/ports.hpp"
#include "port/wait_limit.hpp"

namespace weir {

class Network final : public ObjectLister {
 public:
  Network(Net& net, Clock& clock, const Wakeup& wakeup, Disk& disk, char** environment)
      : net_(net), clock_(clock), disk_(disk), environment_(environment) {
    limit_.wakeup = send_limit_.wakeup = &wakeup;
  }
  ~Network() override;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  struct Needs {
    bool objects = false;  ///< something is in S3
    bool http = false;  ///< an input is http://
    bool https = false;  ///< an input is https://
    bool services = false;  ///< other services of AWS are asked, which may speak TLS where S3 does not
    bool sends_http = false;  ///< batches go to http://
    bool sends_https = false;
    uint32_t sends = 0;  ///< connections of batches, to a service of AWS or to http(s)://
    [[nodiscard]] bool web() const { return http || https; }
    [[nodiscard]] bool aws() const { return objects || services; }
    [[nodiscard]] bool any() const { return aws() || web() || sends_http || sends_https; }
  };
  /// Takes the memory. W2028, W2029, W2030.
  Status start(const AwsConfig& config, const Needs& needs);
  [[nodiscard]] S3Client& reader() { return *reader_; }
  [[nodiscard]] S3Client& writer() { return *writer_; }
  [[nodiscard]] AwsSession& session() { return session_; }
  /// Of batches on their way, which go on behind the end of reading: send_limit(). Its settings are the others'.
  [[nodiscard]] AwsSession& send_session() { return send_session_; }
  [[nodiscard]] HttpSession& send_web_session() { return send_web_session_; }
  [[nodiscard]] WaitLimit& send_limit() { return send_limit_; }
  [[nodiscard]] uint64_t server_wall_ns() const { return session_.server_wall_ns(); }
  [[nodiscard]] const S3Requests& requests() const { return session_.requests; }
  [[nodiscard]] HttpGet& web() { return *web_; }
  [[nodiscard]] const Needs& needs() const { return needs_; }
  [[nodiscard]] bool signed_payload() const { return !tls_; }
  /// Of every request, for the driver to move.
  [[nodiscard]] WaitLimit& limit() { return limit_; }

  /// Keys under "s3://bucket/prefix/" or that match the pattern, in order, as addresses.
  Status list(const std::string& url, std::vector<std::string>& names) override;

  // Lines of the plan.
  [[nodiscard]] uint64_t connections() const { return (needs_.objects ? 2 : 0) + (needs_.web() ? 1 : 0); }
  [[nodiscard]] uint64_t clients_bytes() const { return connections() * HttpCall::memory_max(); }
  [[nodiscard]] uint64_t tls_bytes() const { return TlsArena::bytes_for(needs_.sends); }
  /// Of all connections.
  [[nodiscard]] uint64_t socket_bytes() const;

 private:
  Status start_aws(const AwsConfig& config);
  Status start_tls(const AwsConfig& config);

  Net& net_;
  Clock& clock_;
  Disk& disk_;
  char** environment_;
  Needs needs_;
  bool tls_ = true;
  WaitLimit limit_;
  WaitLimit send_limit_;
  AwsSession session_;
  AwsSession send_session_;
  HttpSession web_session_;
  HttpSession send_web_session_;
  ProxyRules proxy_;
  std::unique_ptr<TlsContext> tls_context_;
  AwsConfig config_;
  std::unique_ptr<CredentialChain> credentials_;
  std::span<char> memory_;
  std::unique_ptr<S3Client> reader_;
  std::unique_ptr<S3Client> writer_;
  std::unique_ptr<HttpGet> web_;
};

static_assert(S3Client::memory_max() == HttpCall::memory_max() && HttpGet::memory_max() == HttpCall::memory_max());

/// The place that an address names, copied. W2028.
inline Result<S3Name> s3_name(std::string_view url) {
  auto place = parse_s3_address(url);
  if (!place) return fail(place.error());
  return S3Name{std::string(place->bucket), std::string(place->key)};
}
/// "s3://", as the start of a name.
inline bool is_s3(std::string_view name) { return name.starts_with("s3://"); }

}  // namespace weir

// Network: what a job needs when an input, output or checkpoint is not on this machine: TLS, credentials, clients of S3. Made while the job is
// prepared, because inputs are looked at then; after that it takes no memory from the system.
//
// Two clients: one holds the GET that the input is read from, the other makes every other request.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aws/s3_client.hpp"
#include "connector/credential_chain.hpp"
#include "io/proxy.hpp"
#include "io/tls.hpp"
#include "io/tls_arena.hpp"
#include "plan/config.hpp"
#include "plan/detect.hpp"
#include "port/disk.hpp"
#include "port/net.hpp"
#include "port/ports.hpp"

namespace weir {

class Network final : public ObjectLister {
 public:
  Network(Net& net, Clock& clock, Disk& disk, char** environment)
      : net_(net), clock_(clock), disk_(disk), environment_(environment) {}
  ~Network() override;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Takes the memory. W2028, W2029, W2030.
  Status start(const AwsConfig& config);
  [[nodiscard]] S3Client& reader() { return *reader_; }
  [[nodiscard]] S3Client& writer() { return *writer_; }
  [[nodiscard]] bool signed_payload() const { return !tls_; }
  /// No wait reaches past it.
  void set_stop_at(uint64_t monotonic_ns) { session_.stop_at_ns = monotonic_ns; }
  [[nodiscard]] uint64_t* stop_at() { return &session_.stop_at_ns; }

  /// Keys under "s3://bucket/prefix/" or that match the pattern, in order, as addresses.
  Status list(const std::string& url, std::vector<std::string>& names) override;

  // Lines of the plan.
  static constexpr uint64_t kConnections = 2;
  static constexpr uint64_t clients_bytes() { return kConnections * S3Client::memory_max(); }
  static constexpr uint64_t tls_bytes() { return TlsArena::kBytes; }
  static uint64_t socket_bytes();

 private:
  Net& net_;
  Clock& clock_;
  Disk& disk_;
  char** environment_;
  bool tls_ = true;
  AwsSession session_;
  ProxyRules proxy_;
  std::unique_ptr<TlsContext> tls_context_;
  AwsConfig config_;
  std::unique_ptr<CredentialChain> credentials_;
  std::span<char> memory_;
  std::unique_ptr<S3Client> reader_;
  std::unique_ptr<S3Client> writer_;
};

/// The place that an address names, copied. W2028.
inline Result<S3Name> s3_name(std::string_view url) {
  auto place = parse_s3_address(url);
  if (!place) return fail(place.error());
  return S3Name{std::string(place->bucket), std::string(place->key)};
}
/// "s3://", as the start of a name.
inline bool is_s3(std::string_view name) { return name.starts_with("s3://"); }

}  // namespace weir

// AwsSession: what all requests to AWS of a run share: settings, credentials, what was learned of the servers' clock and of the buckets' regions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/endpoint.hpp"
#include "aws/sigv4.hpp"
#include "base/utc_time.hpp"
#include "io/http_call.hpp"

namespace weir {

/// Where credentials come from.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  /// Good for a while; fetched or renewed where needed, which may wait. Null: requests go unsigned. W6002, W6004.
  virtual Result<const Credentials*> get(uint64_t wall_ns) = 0;
  /// Those that get() gave were refused: fetch new ones. False: there are no other.
  virtual bool renew() = 0;
};

struct AwsOptions {
  EndpointSettings endpoint;  ///< views of texts that outlive the session
  bool requester_pays = false;
  std::string expected_bucket_owner;  ///< empty: not checked
  std::string sse;  ///< "AES256", "aws:kms"; empty: the bucket's own rule
  std::string sse_kms_key_id;
};

/// Requests to S3 as they are billed, each attempt.
struct S3Requests {
  uint64_t gets = 0;  ///< GET, HEAD
  uint64_t puts = 0;  ///< PUT, POST
  uint64_t lists = 0;  ///< listings of objects, uploads and parts
  uint64_t deletes = 0;  ///< these cost nothing

  /// List prices of S3 Standard in us-east-1, in dollars; other regions and classes cost more.
  static constexpr double kDollarsPerGet = 0.4e-6;
  static constexpr double kDollarsPerPut = 5e-6;  ///< and per listing
  [[nodiscard]] double dollars() const {
    return static_cast<double>(gets) * kDollarsPerGet + static_cast<double>(puts + lists) * kDollarsPerPut;
  }
  void count(std::string_view method, bool is_list) {
    ++(is_list ? lists : method == "GET" || method == "HEAD" ? gets : method == "DELETE" ? deletes : puts);
  }
};

struct AwsSession : HttpSession {
  AwsOptions aws;
  S3Requests requests;
  CredentialProvider* credentials = nullptr;
  std::string_view
      trace_id;  ///< passed on as X-Amzn-Trace-Id: how Lambda sees that a chain of invocations is a loop; empty: none
  Signer signer;
  int64_t skew_ns = 0;  ///< what the servers' clock is ahead of ours
  bool renewed = false;  ///< credentials were renewed after a refusal, and not proven since

  /// The region that a bucket was found in; empty: not known.
  [[nodiscard]] std::string_view region_of(std::string_view bucket) const {
    for (const Known& known : known_) {
      if (known.bucket.view() == bucket) return known.region.view();
    }
    return {};
  }
  void learn_region(std::string_view bucket, std::string_view region) {
    for (Known& known : known_) {
      if (known.bucket.view() == bucket) {
        known.region = FixedText<kRegionBytesMax>(region);
        return;
      }
    }
    known_[next_ % known_.size()].bucket = FixedText<64>(bucket);
    known_[next_++ % known_.size()].region = FixedText<kRegionBytesMax>(region);
  }
  [[nodiscard]] uint64_t server_wall_ns() const {
    return static_cast<uint64_t>(static_cast<int64_t>(http.clock->wall_ns()) + skew_ns);
  }
  /// What a refused request teaches all that follow: the server's clock (kSkew), new credentials (kExpired, once until a request succeeds).
  /// kFatal: there is nothing to learn, and the same request would fail again.
  FailureClass learn(FailureClass failure, const HttpHead& head) {
    if (failure == FailureClass::kSkew) {
      // The server's clock, as it says itself.
      const auto date = parse_http_date(head.value("Date"));
      if (!date) return FailureClass::kFatal;
      skew_ns = static_cast<int64_t>(*date) - static_cast<int64_t>(http.clock->wall_ns());
    } else if (failure == FailureClass::kExpired) {
      if (renewed || credentials == nullptr || !credentials->renew()) return FailureClass::kFatal;
      renewed = true;
    }
    return failure;
  }

 private:
  struct Known {
    FixedText<64> bucket;
    FixedText<kRegionBytesMax> region;
  };
  std::array<Known, 4> known_;
  size_t next_ = 0;
};

}  // namespace weir

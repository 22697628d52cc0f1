// S3Request: one request to S3 as it is signed and sent, and what the reply means. Fixed memory; everything that is named to it outlives the call.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "aws/aws_session.hpp"
#include "aws/sigv4.hpp"

namespace weir {

class S3Request final : public HttpService {
 public:
  explicit S3Request(AwsSession& session) : session_(session) {}

  /// Begins a new request. `key` empty: the bucket itself.
  void reset(std::string_view method, std::string_view bucket, std::string_view key);
  /// Query items, in any order; the value is not encoded yet.
  void query(std::string_view name, std::string_view value);
  void query_number(std::string_view name, uint64_t value);
  void field(std::string_view name, std::string_view value);
  void body(HttpBody* body, std::string_view sha256_hex) {
    body_ = body;
    payload_hash_ = sha256_hex;
  }
  void expect_continue() { expect_ = true; }
  /// A reply of 2xx may be an error all the same: its body says so.
  void error_in_success() { error_in_success_ = true; }
  /// The byte that a GET begins at; changed between attempts. 0: the whole object, without Range.
  void from(uint64_t byte) { from_ = byte; }

  Status make(HttpRequest& request, uint32_t attempt) override;
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override;
  [[nodiscard]] int status() const { return status_; }
  /// The code of the last reply that was an error, where it has one.
  [[nodiscard]] std::string_view refusal() const { return refusal_.view(); }

 private:
  static constexpr size_t kFieldsMax = 24;
  static constexpr size_t kQueryMax = 8;
  struct Item {
    std::string_view name;
    FixedText<24> number;
    std::string_view value;
    bool is_number = false;
  };

  AwsSession& session_;
  std::string_view method_;
  std::string_view bucket_;
  std::string_view key_;
  std::array<Item, kQueryMax> query_;
  size_t query_count_ = 0;
  std::array<HttpField, kFieldsMax> fields_;
  size_t own_fields_ = 0;  ///< that were given; behind them those of an attempt
  HttpBody* body_ = nullptr;
  std::string_view payload_hash_;
  bool expect_ = false;
  bool error_in_success_ = false;
  uint64_t from_ = 0;
  FixedText<48> range_;
  FixedText<kUrlBytesMax> target_;  ///< path and query, encoded: up to 3 bytes for each of a key's 1,024
  Endpoint endpoint_;
  FixedText<kHostBytesMax + 9> host_field_;
  FixedText<kRegionBytesMax> region_;
  Signature signature_;
  FixedText<32> attempt_text_;
  int status_ = 0;
  FixedText<32> refusal_;
};

}  // namespace weir

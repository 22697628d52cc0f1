// AwsRequest: one request to a service of AWS other than S3, as it is signed and sent, and what the reply means: the JSON protocols (awsJson 1.0
// and 1.1), REST with JSON, and the Query protocol, whose errors are XML. Fixed memory; everything that is named to it outlives the call.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "aws/aws_session.hpp"
#include "aws/sigv4.hpp"

namespace weir {

/// How a service is reached.
struct AwsServiceName {
  std::string_view host;  ///< what its host begins with, and what is signed for: "sqs"
  std::string_view env_endpoint_url;  ///< the value of AWS_ENDPOINT_URL_SQS; empty: not set
};

class AwsRequest final : public HttpService {
 public:
  explicit AwsRequest(AwsSession& session) : session_(session) {}

  /// POST / with `X-Amz-Target: target`. `version`: "1.0", "1.1".
  void json(const AwsServiceName& service, std::string_view target, std::string_view version, std::string_view body);
  /// The same with a body in pieces, which is read once to be signed and once for every time it is sent.
  void json(const AwsServiceName& service, std::string_view target, std::string_view version, HttpBody& body);
  /// `path_and_query` is percent-encoded; its query may be empty.
  void rest(const AwsServiceName& service, std::string_view method, std::string_view path_and_query,
            std::string_view body);
  void rest(const AwsServiceName& service, std::string_view method, std::string_view path_and_query, HttpBody& body);
  /// POST / with a form: "Action=Publish&Version=2010-03-31&...". The reply is XML.
  void query(const AwsServiceName& service, std::string_view form);
  void query(const AwsServiceName& service, HttpBody& form);
  void field(std::string_view name, std::string_view value);

  Status make(HttpRequest& request, uint32_t attempt) override;
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override;
  /// Of the last reply.
  [[nodiscard]] unsigned status() const { return status_; }
  /// The service's code where that was an error, without its namespace: "QueueDoesNotExist"; cut at 64 bytes.
  [[nodiscard]] std::string_view refusal() const { return refusal_.view(); }

 private:
  static constexpr size_t kFieldsMax = 16;
  void reset(const AwsServiceName& service, std::string_view method, std::string_view path_and_query, HttpBody& body);
  void begin_json(std::string_view target, std::string_view version);

  AwsSession& session_;
  AwsServiceName service_;
  std::string_view method_;
  std::string_view path_and_query_;
  TextBody text_;  ///< of a body in one piece
  HttpBody* body_ = nullptr;
  bool xml_ = false;  ///< errors are <ErrorResponse>
  FixedText<64> payload_hash_;
  FixedText<40> content_type_;
  std::array<HttpField, kFieldsMax> fields_;
  size_t own_fields_ = 0;  ///< that were given; behind them those of an attempt
  Endpoint endpoint_;
  FixedText<kHostBytesMax + 9> host_field_;
  Signature signature_;
  FixedText<32> attempt_text_;
  unsigned status_ = 0;
  FixedText<64> refusal_;
};

}  // namespace weir

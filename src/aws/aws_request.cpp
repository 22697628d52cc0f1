#include "aws/aws_request.hpp"

#include "aws/aws_errors.hpp"
#include "aws/credential_json.hpp"
#include "aws/s3_replies.hpp"
#include "base/assert.hpp"
#include "hash/hex.hpp"

namespace weir {

void AwsRequest::reset(const AwsServiceName& service, std::string_view method, std::string_view path_and_query,
                       HttpBody& body) {
  service_ = service;
  method_ = method;
  path_and_query_ = path_and_query;
  body_ = &body;
  xml_ = false;
  payload_hash_.clear();
  own_fields_ = 0;
  status_ = 0;
  refusal_.clear();
}

void AwsRequest::begin_json(std::string_view target, std::string_view version) {
  content_type_ = FixedText<40>("application/x-amz-json-");
  content_type_.append(version);
  field("Content-Type", content_type_.view());
  field("X-Amz-Target", target);
}

void AwsRequest::json(const AwsServiceName& service, std::string_view target, std::string_view version,
                      std::string_view body) {
  text_ = TextBody(body);
  json(service, target, version, text_);
}

void AwsRequest::json(const AwsServiceName& service, std::string_view target, std::string_view version,
                      HttpBody& body) {
  reset(service, "POST", "/", body);
  begin_json(target, version);
}

void AwsRequest::rest(const AwsServiceName& service, std::string_view method, std::string_view path_and_query,
                      std::string_view body) {
  text_ = TextBody(body);
  rest(service, method, path_and_query, text_);
}

void AwsRequest::rest(const AwsServiceName& service, std::string_view method, std::string_view path_and_query,
                      HttpBody& body) {
  reset(service, method, path_and_query, body);
  field("Content-Type", "application/json");
}

void AwsRequest::query(const AwsServiceName& service, std::string_view form) {
  text_ = TextBody(form);
  query(service, text_);
}

void AwsRequest::query(const AwsServiceName& service, HttpBody& form) {
  reset(service, "POST", "/", form);
  xml_ = true;
  field("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
}

void AwsRequest::field(std::string_view name, std::string_view value) {
  WEIR_ASSERT(own_fields_ + 9 < kFieldsMax);  // those of an attempt come behind them
  fields_[own_fields_++] = {name, value};
}

// Signed anew: time and credentials may be others than at the attempt before.
Status AwsRequest::make(HttpRequest& request, uint32_t attempt) {
  auto endpoint = service_endpoint(session_.aws.endpoint, service_.host, service_.env_endpoint_url);
  if (!endpoint) return fail(endpoint.error());
  endpoint_ = *endpoint;
  request.method = method_;
  request.url.tls = endpoint_.tls;
  request.url.host = endpoint_.host.view();
  request.url.v6 = endpoint_.host.view().find(':') != std::string_view::npos;
  request.url.port = endpoint_.port;
  request.url.path_and_query = path_and_query_;
  request.body = body_;
  if (payload_hash_.empty()) {
    // The same for every attempt.
    Sha256 hash;
    for (uint64_t at = 0; at < body_->size();) {
      const auto piece = body_->from(at);
      if (!piece) return fail(piece.error());
      hash.update(*piece);
      at += piece->size();
    }
    char digits[64];
    to_hex(hash.digest(), digits);
    payload_hash_.append({digits, sizeof digits});
  }

  size_t count = own_fields_;
  const auto add = [&](std::string_view name, std::string_view value) { fields_[count++] = {name, value}; };
  attempt_text_.clear();
  attempt_text_.append("attempt=").append_number(attempt);
  add("amz-sdk-request", attempt_text_.view());
  add("User-Agent", "weir/" WEIR_VERSION);
  if (!session_.trace_id.empty()) add("X-Amzn-Trace-Id", session_.trace_id);

  auto credentials = session_.credentials == nullptr ? Result<const Credentials*>(nullptr)
                                                     : session_.credentials->get(session_.http.clock->wall_ns());
  if (!credentials) return fail(credentials.error());
  if (*credentials != nullptr && (*credentials)->present()) {
    const std::string_view region =
        session_.aws.endpoint.region.empty() ? std::string_view("us-east-1") : session_.aws.endpoint.region;
    const SigningScope scope{region, service_.host, session_.server_wall_ns(), false};
    // Host is part of what is signed, and written by the connection.
    host_field_ = host_field(request.url);
    fields_[count] = {"Host", host_field_.view()};
    auto signature = session_.signer.sign(**credentials, scope, method_, request.url.path(), request.url.query(),
                                          {fields_.data(), count + 1}, payload_hash_.view());
    if (!signature) return fail(signature.error());
    signature_ = *signature;
    std::array<HttpField, 4> signing;
    const size_t signed_count = signature_.fields(**credentials, scope, payload_hash_.view(), signing);
    for (size_t i = 0; i < signed_count; ++i) add(signing[i].name, signing[i].value);
  }
  request.fields = {fields_.data(), count};
  return {};
}

FailureClass AwsRequest::judge(const HttpHead& head, std::string_view text, Error& error) {
  status_ = head.status();
  if (status_ / 100 == 2) {
    session_.renewed = false;
    return FailureClass::kNone;
  }
  // Where the code stands differs by protocol and age: a field, `__type`, `code`.
  refusal_ = FixedText<64>(json_error_code(head.value("x-amzn-errortype")));
  FixedText<160> message;
  if (xml_) {
    ErrorReplyReader reader;
    Error unread;  // what can't be read goes by its status
    if (!text.empty()) (void)reader.read(text, true, unread);
    refusal_ = FixedText<64>(reader.failure().code.view());
    message = FixedText<160>(reader.failure().message.view());
  }
  for (JsonMembers members(xml_ ? std::string_view{} : text); members.next();) {
    if (members.kind() != JsonMembers::Kind::kString) continue;
    const std::string_view name = members.name();
    if ((name == "__type" || name == "code" || name == "Code") && refusal_.empty())
      refusal_ = FixedText<64>(json_error_code(members.text()));
    if (name == "message" || name == "Message") message = FixedText<160>(members.text());
  }
  AwsVerdict verdict = classify_aws(status_, refusal_.view(), false);
  // What is not found is no input: that would be S3's. SNS says just "NotFound".
  if (verdict.code == Code::kNoInput) verdict.code = Code::kNoDestination;
  error = Error(verdict.code);
  error.detail.append(service_.host).append(": ");
  error.detail.append(refusal_.empty() ? std::string_view("status ") : refusal_.view());
  if (refusal_.empty()) error.detail.append_number(status_);
  if (!message.empty()) error.detail.append(": ").append(message.view());
  return session_.learn(verdict.failure, head);
}

}  // namespace weir

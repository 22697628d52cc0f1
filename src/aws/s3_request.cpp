#include "aws/s3_request.hpp"

#include <algorithm>

#include "aws/aws_errors.hpp"
#include "aws/s3_replies.hpp"
#include "base/assert.hpp"

namespace weir {

void S3Request::reset(std::string_view method, std::string_view bucket, std::string_view key) {
  method_ = method;
  bucket_ = bucket;
  key_ = key;
  query_count_ = own_fields_ = 0;
  body_ = nullptr;
  payload_hash_ = {};
  expect_ = error_in_success_ = false;
  from_ = 0;
  status_ = 0;
  refusal_.clear();
}

void S3Request::query(std::string_view name, std::string_view value) {
  WEIR_ASSERT(query_count_ < kQueryMax);
  query_[query_count_++] = {name, {}, value, false};
}

void S3Request::query_number(std::string_view name, uint64_t value) {
  WEIR_ASSERT(query_count_ < kQueryMax);
  Item& item = query_[query_count_++];
  item = {name, {}, {}, true};
  item.number.append_number(value);
}

void S3Request::field(std::string_view name, std::string_view value) {
  WEIR_ASSERT(own_fields_ < kFieldsMax);
  fields_[own_fields_++] = {name, value};
}

// Signed anew: time, credentials and region may be others than at the attempt before.
Status S3Request::make(HttpRequest& request, uint32_t attempt) {
  session_.requests.count(method_,
                          method_ == "GET" && (key_.empty() || (query_count_ != 0 && query_[0].name == "uploadId")));
  EndpointSettings settings = session_.aws.endpoint;
  if (const std::string_view learned = session_.region_of(bucket_); !learned.empty()) settings.region = learned;
  auto endpoint = s3_endpoint(settings, bucket_);
  if (!endpoint) return fail(endpoint.error());
  endpoint_ = *endpoint;
  region_ = FixedText<kRegionBytesMax>(signing_region(settings));
  const RequestPath place = s3_path(endpoint_, bucket_, key_);
  if (place.truncated()) return fail(Code::kBadUrl, "the key is too long");
  target_.clear();
  target_.append(place.view());
  const size_t path_bytes = target_.view().size();
  for (size_t i = 0; i < query_count_; ++i) {
    const Item& item = query_[i];
    target_.append(i == 0 ? "?" : "&").append(item.name);
    const std::string_view value = item.is_number ? item.number.view() : item.value;
    target_.append("=");
    append_encoded(target_, value, false);
  }
  if (target_.truncated()) return fail(Code::kBadUrl, "the request is too long");
  const std::string_view path = target_.view().substr(0, path_bytes);
  const std::string_view query =
      target_.view().size() > path_bytes ? target_.view().substr(path_bytes + 1) : std::string_view{};

  request.method = method_;
  request.url.tls = endpoint_.tls;
  request.url.host = endpoint_.host.view();
  request.url.v6 = endpoint_.host.view().find(':') != std::string_view::npos;
  request.url.port = endpoint_.port;
  request.url.path_and_query = target_.view();
  request.body = body_;
  request.expect_continue = expect_;

  size_t count = own_fields_;
  const auto add = [&](std::string_view name, std::string_view value) { fields_[count++] = {name, value}; };
  if (from_ != 0) {
    range_.clear();
    range_.append("bytes=").append_number(from_).append("-");
    add("Range", range_.view());
  }
  if (session_.aws.requester_pays) add("x-amz-request-payer", "requester");
  if (!session_.aws.expected_bucket_owner.empty())
    add("x-amz-expected-bucket-owner", session_.aws.expected_bucket_owner);
  attempt_text_.clear();
  attempt_text_.append("attempt=").append_number(attempt);
  add("amz-sdk-request", attempt_text_.view());
  add("User-Agent", "weir/" WEIR_VERSION);
  if (!session_.trace_id.empty()) add("X-Amzn-Trace-Id", session_.trace_id);

  auto credentials = session_.credentials == nullptr ? Result<const Credentials*>(nullptr)
                                                     : session_.credentials->get(session_.http.clock->wall_ns());
  if (!credentials) return fail(credentials.error());
  if (*credentials != nullptr && (*credentials)->present()) {
    const std::string_view hash = !payload_hash_.empty() ? payload_hash_
                                  : body_ == nullptr     ? kEmptyPayloadHash
                                  : endpoint_.tls        ? kUnsignedPayload
                                                         : kEmptyPayloadHash;
    const SigningScope scope{region_.view(), "s3", session_.server_wall_ns(), true};
    // Host is part of what is signed, and written by the connection.
    host_field_ = host_field(request.url);
    fields_[count] = {"Host", host_field_.view()};
    auto signature =
        session_.signer.sign(**credentials, scope, method_, path, query, {fields_.data(), count + 1}, hash);
    if (!signature) return fail(signature.error());
    signature_ = *signature;
    std::array<HttpField, 4> signing;
    const size_t signed_count = signature_.fields(**credentials, scope, hash, signing);
    for (size_t i = 0; i < signed_count; ++i) add(signing[i].name, signing[i].value);
  }
  request.fields = {fields_.data(), count};
  return {};
}

FailureClass S3Request::judge(const HttpHead& head, std::string_view text, Error& error) {
  status_ = static_cast<int>(head.status());
  const bool success = head.status() / 100 == 2;
  if (success && (!error_in_success_ || text.find("<Error>") == std::string_view::npos)) {
    session_.renewed = false;
    return FailureClass::kNone;
  }
  ErrorReplyReader reader;
  Error unread;  // a body that is no XML says nothing, and is no other failure
  if (!text.empty()) (void)reader.read(text, true, unread);
  const AwsFailure& reply = reader.failure();
  const std::string_view named = head.value("x-amz-bucket-region");
  const std::string_view region = !named.empty() ? named : reply.region.view();
  const bool elsewhere = !region.empty() && region != region_.view();
  AwsVerdict verdict = classify_aws(head.status(), reply.code.view(), elsewhere);
  // What a condition means and what an upload is, the sender knows: an object is there; the upload is none any more.
  if (head.status() == 412) verdict = {FailureClass::kFatal, Code::kOutputExists};
  if (reply.code.view() == "ConditionalRequestConflict") verdict = {FailureClass::kTransient, Code::kServerError};
  if (reply.code.view() == "NoSuchUpload") verdict = {FailureClass::kFatal, Code::kNoInput};
  refusal_ = FixedText<32>(reply.code.view());
  error = Error(verdict.code);
  error.detail.append(reply.code.empty() ? std::string_view("status ") : reply.code.view());
  if (reply.code.empty()) error.detail.append_number(head.status());
  if (!reply.message.empty()) error.detail.append(": ").append(reply.message.view());
  if (verdict.failure != FailureClass::kRedirect) return session_.learn(verdict.failure, head);
  if (!elsewhere) return FailureClass::kFatal;
  EndpointSettings settings = session_.aws.endpoint;
  settings.region = region_.view();
  if (const auto there = redirected(settings, endpoint_, bucket_, region); !there) {
    error = there.error();
    return FailureClass::kFatal;
  }
  session_.learn_region(bucket_, region);
  return FailureClass::kRedirect;
}

}  // namespace weir

// AwsDelivery: a batch's request to a service of AWS that speaks one of its JSON protocols.
#pragma once

#include <string_view>

#include "aws/aws_request.hpp"
#include "delivery/destination.hpp"

namespace weir {

/// A refusal that the messages themselves brought about, where a part of them may be taken: 413, and the codes for requests whose content is at fault.
bool is_fault_of_content(unsigned status, std::string_view code);

class AwsDelivery : public DeliveryRequest {
 public:
  /// All live as long as this. `version`: "1.0", "1.1".
  AwsDelivery(AwsSession& session, const AwsServiceName& service, std::string_view target, std::string_view version)
      : request_(session), service_(service), target_(target), version_(version) {}

  void begin(HttpBody& body, const BatchInfo&) override {
    refused_ = false;
    request_.json(service_, target_, version_, body);
  }
  Status make(HttpRequest& request, uint32_t attempt) override { return request_.make(request, attempt); }
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override {
    const FailureClass failure = request_.judge(head, text, error);
    refused_ = failure == FailureClass::kFatal && is_fault_of_content(request_.status(), request_.refusal());
    throttled_ += failure == FailureClass::kThrottling;
    return failure;
  }

 protected:
  AwsRequest request_;
  AwsServiceName service_;

 private:
  std::string_view target_;
  std::string_view version_;
};

}  // namespace weir

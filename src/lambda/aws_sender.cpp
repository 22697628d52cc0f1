#include "lambda/aws_sender.hpp"

#include "delivery/destinations.hpp"
#include "hash/crc64nvme.hpp"
#include "hash/hex.hpp"
#include "lambda/lambda_log.hpp"

namespace weir {

Result<std::unique_ptr<AwsSender>> AwsSender::make(const AwsConfig& config, Net& net, Clock& clock, Wakeup& wakeup,
                                                   Disk& disk, char** environment, uint64_t until_ns) {
  std::unique_ptr<AwsSender> sender(new AwsSender(net, clock, wakeup, disk, environment));
  Network::Needs needs;
  needs.objects = true;
  needs.services = true;
  sender->network_.limit().until_ns = until_ns;
  WEIR_TRY(sender->network_.start(config, needs));
  sender->room_.resize(HttpCall::memory_max());
  sender->call_ = std::make_unique<HttpCall>(sender->network_.session(), sender->room_);
  return sender;
}

Status AwsSender::ask(AwsRequest& request) {
  call_->begin(request, true);
  return call_->run();
}

Status AwsSender::invoke(std::string_view function, std::string_view payload) {
  FixedText<1024> path("/2015-03-31/functions/");
  append_encoded(path, function, false);
  path.append("/invocations");
  if (path.truncated()) return fail(Code::kBadUrl, "the function's name is too long");
  AwsRequest request(network_.session());
  request.rest({"lambda", environment_.get("AWS_ENDPOINT_URL_LAMBDA")}, "POST", path.view(), payload);
  request.field("X-Amz-Invocation-Type", "Event");
  return ask(request);
}

// https://sqs.{region}.{suffix}/{account}/{name}; SQS itself takes any host that leads to it, so a custom endpoint needs no other form.
Result<std::string> AwsSender::queue_url(std::string_view queue) const {
  if (queue.starts_with("http://") || queue.starts_with("https://")) return std::string(queue);
  Arn arn;
  if (!parse_arn(queue, "sqs", arn) || arn.region.empty() || arn.account.empty())
    return fail(Code::kBadUrl, "a queue is named by its ARN or its URL");
  std::string url = "https://sqs.";
  url.append(arn.region).append(".").append(partition_suffix(arn.region)).append("/");
  return url.append(arn.account).append("/").append(arn.resource);
}

Status AwsSender::send_message(std::string_view queue, std::string_view body) {
  auto url = queue_url(queue);
  if (!url) return fail(url.error());
  std::string json = "{\"QueueUrl\":\"";
  append_json(json, *url);
  json.append("\",\"MessageBody\":\"");
  append_json(json, body);
  json.append("\"}");
  AwsRequest request(network_.session());
  request.json({"sqs", environment_.get("AWS_ENDPOINT_URL_SQS")}, "AmazonSQS.SendMessage", "1.0", json);
  return ask(request);
}

Status AwsSender::change_visibility(std::string_view queue, std::string_view receipt, uint64_t seconds) {
  auto url = queue_url(queue);
  if (!url) return fail(url.error());
  std::string json = "{\"QueueUrl\":\"";
  append_json(json, *url);
  json.append("\",\"ReceiptHandle\":\"");
  append_json(json, receipt);
  json.append("\",\"VisibilityTimeout\":").append(std::to_string(seconds)).append("}");
  AwsRequest request(network_.session());
  request.json({"sqs", environment_.get("AWS_ENDPOINT_URL_SQS")}, "AmazonSQS.ChangeMessageVisibility", "1.0", json);
  return ask(request);
}

Status AwsSender::put_object(const std::string& url, std::string_view text) {
  auto name = s3_name(url);
  if (!name) return fail(name.error());
  const FixedText<64> hash = sha256_hex(text);
  S3Sums sums;
  sums.crc64nvme = crc64nvme(0, text);
  sums.sha256 = hash.view();
  TextBody body(text);
  return network_.writer().put(*name, body, sums, {}, {});
}

}  // namespace weir

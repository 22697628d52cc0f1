// AwsSender: the few requests that the runtime makes beside a job: to go on (invoke itself, a message to the queue), to keep a failed event, to give
// a message back later. In a child process of its own (job_process.hpp), after the job has ended: it takes memory from the set-up arena.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/aws_request.hpp"
#include "plan/network.hpp"

namespace weir {

class AwsSender {
 public:
  /// `until_ns`: no wait reaches past it.
  static Result<std::unique_ptr<AwsSender>> make(const AwsConfig& config, Net& net, Clock& clock, Wakeup& wakeup,
                                                 Disk& disk, char** environment, uint64_t until_ns);

  /// Lambda Invoke, type Event. `function`: a name or an ARN.
  Status invoke(std::string_view function, std::string_view payload);
  /// SQS SendMessage. `queue`: "arn:aws:sqs:region:account:name", or a queue's URL.
  Status send_message(std::string_view queue, std::string_view body);
  /// SQS ChangeMessageVisibility: the message is not delivered again before `seconds` from now.
  Status change_visibility(std::string_view queue, std::string_view receipt, uint64_t seconds);
  /// S3 PutObject.
  Status put_object(const std::string& url, std::string_view text);

 private:
  AwsSender(Net& net, Clock& clock, Wakeup& wakeup, Disk& disk, char** environment)
      : environment_(environment), network_(net, clock, wakeup, disk, environment) {}
  Status ask(AwsRequest& request);
  Result<std::string> queue_url(std::string_view queue) const;

  ProcessEnvironment environment_;
  Network network_;
  std::vector<char> room_;
  std::unique_ptr<HttpCall> call_;
};

}  // namespace weir

// SimServices: the services that batches are sent to, by their wires' own rules: SQS, Kinesis, Firehose, DynamoDB, SNS, EventBridge, Lambda, an HTTP endpoint,
// and STS for who asks. They are told apart by X-Amz-Target and path. Limits are counted here anew, from what came: a request over one is a fault of whoever
// sent it. What a network does wrong is SimNet's; what a service does wrong is drawn here, from a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "testing/sim_net.hpp"
#include "testing/sim_rng.hpp"

namespace weir::testing {

/// Chances of 1 in n; 0: never.
struct SimServiceFaults {
  uint32_t throttled_entry = 0;  ///< of a message, where replies tell of each
  uint32_t failed_entry = 0;  ///< internal
  uint32_t throttled_request = 0;  ///< 400 or 429, nothing taken
  uint32_t nothing_said = 0;  ///< a reply of 200 that is no reply
};

class SimServices final : public SimServer {
 public:
  struct Taken {
    std::string
        id;  ///< deduplication id, attribute, resource; of a whole batch's: the batch's; empty: the wire has none
    std::string text;  ///< as JSON, items of DynamoDB too
    std::string key;  ///< group, partition, item
    uint64_t request = 0;  ///< number of the request, from 1
    uint64_t at_ns = 0;
    bool repeat = false;  ///< the service remembers the id: nobody gets it again
  };
  struct Request {
    std::string service;
    uint64_t messages = 0;
    uint64_t counted = 0;  ///< bytes, as the service counts
    uint64_t at_ns = 0;
  };

  explicit SimServices(uint64_t seed) : rng_(seed) {}

  SimServiceFaults faults;
  std::string poison = "poison";  ///< messages that hold it are refused for good
  bool refuses_requests =
      false;  ///< with a poison in it the whole request is refused, and nothing taken. DynamoDB always does so
  bool repeats_secrets = false;  ///< http: a refusal repeats the request's headers
  std::function<uint64_t()> now;  ///< null: no times
  std::function<bool()> overloaded;  ///< asked for each request with messages: true throttles it

  std::vector<Taken> taken;
  std::vector<Request> requests;  ///< for messages, whatever became of them
  std::map<std::string, uint64_t> sent;  ///< how often each text came, taken or not
  std::map<std::string, uint64_t> failed;  ///< and how often it was answered that it, or its request, should come again
  std::map<std::string, std::string> table;  ///< DynamoDB: items by their keys
  std::vector<std::string> key;  ///< of that table
  uint64_t limits_broken = 0;
  std::string broken;  ///< what the first of them was

  SimReply answer(const SimRequest& request) override;
  /// Is this request one for a service, and none for S3?
  static bool is_for_service(const SimRequest& request);
  /// It carries messages.
  static bool carries_messages(const SimRequest& request);

 private:
  struct Entry {
    std::string id, text, key;
    uint64_t counted = 0;
    std::string name;  ///< its Id in the request
    bool throttled = false, failed = false, refused = false;
    [[nodiscard]] bool good() const { return !throttled && !failed && !refused; }
  };
  struct Limits {
    uint64_t messages_max, message_bytes_max, request_bytes_max;
  };

  bool strikes(uint32_t one_in) { return one_in != 0 && rng_.below(one_in) == 0; }
  void broke(const std::string& what);
  /// Counts the request and draws the fates of its entries. False: it is throttled as a whole.
  bool take(const std::string& service, const Limits& limits, std::vector<Entry>& entries, bool tells_of_each);
  void keep(const Entry& entry, bool once);
  SimReply sqs(const SimRequest& request);
  SimReply records(const SimRequest& request, bool kinesis);
  SimReply dynamodb(const SimRequest& request);
  SimReply events(const SimRequest& request);
  SimReply query(const SimRequest& request);
  SimReply lambda(const SimRequest& request);
  SimReply http(const SimRequest& request);

  SimRng rng_;
  std::set<std::string> seen_;  ///< ids of messages or batches that were taken
};

}  // namespace weir::testing

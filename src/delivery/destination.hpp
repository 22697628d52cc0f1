// Destination: what one service is to the outbox - how a message is written, how many go into a request, how the reply tells of each, what a failure means.
// One file a service; adding one touches that file, destinations.cpp, and the key table. Sans-I/O: requests are made and replies judged, nothing is sent here.
//
// A request's body is begin() + message {separator message} + end(). Messages are written once, behind each other, into the batch's room; a request for some of
// them is made of pieces of that room. See delivery/outbox.hpp for the rules of sending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/fixed_text.hpp"
#include "delivery/json_walk.hpp"
#include "delivery/message_key.hpp"
#include "io/http_call.hpp"
#include "port/message_sink.hpp"

namespace weir {

/// As the service counts, which need not be the bytes on the wire. From its documentation: each destination's header names the source.
struct DestinationLimits {
  uint32_t messages_max = 0;  ///< of a request
  uint64_t message_bytes_max = 0;
  uint64_t request_bytes_max = 0;  ///< of all messages of a request
  uint64_t body_bytes_max = 0;  ///< of a request's body on the wire, where the service counts that, too; 0: it does not
};

enum class KeyRule : uint8_t {
  kNone,  ///< EncodedMessage::key has no meaning
  kInOrder,  ///< of one key, a message is sent when the one before it was taken: one batch on its way, one message a key in a request
  kOnce,  ///< one message a key in a batch (DynamoDB takes no two operations on an item)
};

struct EncodedMessage {
  size_t bytes = 0;  ///< in the room; 0 with code kOk: it does not fit into the room
  bool nothing = false;  ///< it is written as no bytes at all, and fits
  uint64_t counted = 0;  ///< as the service counts
  uint64_t key = 0;  ///< hash of what KeyRule is about
};

/// What a request says of its batch. Texts live until the request is done.
struct BatchInfo {
  std::string_view id;  ///< the same whenever the same records are in it: the first message's id and their number
  uint64_t messages = 0;
  struct End {
    std::string_view id;
    std::string_view source;
    uint64_t byte = 0;  ///< decoded
    uint64_t record = 0;  ///< kNoOffset: of no record
  } first, last;
};

enum class MessageFailure : uint8_t {
  kThrottled,  ///< again, slower
  kTransient,  ///< again
  kRefused,  ///< this message will not be taken: a few tries, then the rejects
  kFatal,  ///< nothing will be taken: W6001 and others stop the run
};

/// How one request's messages fared. Those of which no failure is told were taken.
class Fates {
 public:
  virtual ~Fates() = default;
  [[nodiscard]] virtual size_t count() const = 0;  ///< messages of the request
  /// By place in the request, from 0. Of places that are not there the whole reply is not believed (W4025). `code`, `text`: the service's words.
  virtual void failed(size_t place, MessageFailure failure, std::string_view code, std::string_view text) = 0;
  /// By the number that encode() was given.
  virtual void failed_index(uint64_t index, MessageFailure failure, std::string_view code, std::string_view text) = 0;
  /// By EncodedMessage::key; all of the request's where no message has it.
  virtual void failed_key(uint64_t key, MessageFailure failure, std::string_view code, std::string_view text) = 0;

  /// Messages that the reply has told of, taken or not: to be counted by whoever reads it. A reply that does not tell of all is not believed.
  size_t answers = 0;
  /// What was read of one message's entry so far; cleared for every reply.
  struct Note {
    FixedText<20> id;
    FixedText<64> code;
    FixedText<160> text;
    bool sender_fault = false;
    FixedText<2 * kMessageKeyBytesMax> key;
  } note;
};

/// One request that is on its way, made anew for every attempt. One for each that may be, made before the run.
class DeliveryRequest : public HttpService {
 public:
  /// `body` and what `batch` names live until the request is done.
  virtual void begin(HttpBody& body, const BatchInfo& batch) = 0;
  /// The last attempt was refused because of what was sent: other messages may well be taken. Until the next begin().
  [[nodiscard]] bool refused() const { return refused_; }
  /// Attempts that were answered with a wish for less traffic, ever.
  [[nodiscard]] uint64_t throttled() const { return throttled_; }

 protected:
  bool refused_ = false;
  uint64_t throttled_ = 0;
};

/// How a reply of status 2xx is read.
enum class ReplyForm : uint8_t {
  kNone,  ///< the head says it all; the body is passed over
  kJson,  ///< value by value: on_value(). Of any length
  kText,  ///< whole, HttpCall::kTextBytesMax at most: on_text()
};

class Destination {
 public:
  virtual ~Destination() = default;
  /// As in `output.to`, and in messages: "sqs".
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual DestinationLimits limits() const = 0;
  [[nodiscard]] virtual KeyRule key_rule() const { return KeyRule::kNone; }
  /// Replies tell of each message; else a batch is taken as a whole or not at all.
  [[nodiscard]] virtual bool tells_of_each() const { return true; }

  /// Before the run, once: what must be asked of the service first (a queue's URL). `call` is free. May wait.
  virtual Status start(HttpCall& /*call*/) { return {}; }

  /// Writes a message into `room`, of which the last kSlack bytes are for what vector kernels write behind the end. `index`: its number in the batch.
  /// W3601: the text can't be sent to this service (what it holds, a key that is missing), with the reason.
  virtual Result<EncodedMessage> encode(const Message& message, uint32_t index, std::span<char> room) const = 0;
  static constexpr size_t kSlack = 64;

  [[nodiscard]] virtual std::string_view separator() const { return ","; }
  /// Into `room` of kFrameBytesMax, once for every request.
  virtual std::string_view begin(const BatchInfo& batch, std::span<char> room) const = 0;
  virtual std::string_view end(const BatchInfo& batch, std::span<char> room) const = 0;
  static constexpr size_t kFrameBytesMax = 4096;
  /// Where messages carry their number in the request: `text` is to carry `place`, from 0 and never above its index. Its new size.
  virtual size_t renumber(std::span<char> text, uint32_t place) const { return (void)place, text.size(); }

  virtual std::unique_ptr<DeliveryRequest> make_request() const = 0;

  [[nodiscard]] virtual ReplyForm reply_form() const { return ReplyForm::kJson; }
  /// A value of the reply, at its place (`at.kind()` kEnd: a container is over); calls come in the reply's order.
  virtual void on_value(const JsonWalk& /*at*/, Fates& /*fates*/) const {}
  /// False: it can't be understood (W4025).
  virtual bool on_text(const HttpHead& /*head*/, std::string_view /*text*/, Fates& /*fates*/) const { return true; }
};

/// The number that an entry's id spells; ~0 where it spells none, which no message has.
uint64_t index_of(std::string_view id);
/// What a service's code for one message means: classify_aws' table; `sender_fault` is SQS' and SNS' own word for it. Codes that are not known are kRefused.
MessageFailure classify_message(std::string_view code, bool sender_fault);
/// Our code for one that is kFatal.
Code classify_fatal(std::string_view code);

}  // namespace weir

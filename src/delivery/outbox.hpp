// Outbox: batches of messages on their way to one Destination, several at once, each until every message of it has its end; told of in order.
//
// Rules:
//  - One batch is filled while `in_flight` others are on their way, each by a connection of its own. A batch keeps its room until those before it are done, so
//    what waits is bounded, and a service that stands still stops the reading.
//  - A request that fails is made again by io/retry_policy.hpp. Where the reply tells of each message, only those that failed are sent again: throttled and
//    transient ones until the retry policy ends the run (40), refused ones `tries` times, then they are undelivered. As soon as some were taken the policy begins anew.
//  - A request that is refused for its content is cut in halves until the messages at fault are alone; a batch that goes as a whole is undelivered as a whole.
//  - Every throttled answer halves the number of requests that may be on their way, down to one, those that are to be made again among them; answered ones let it
//    grow back.
//  - Requests that failed are made again one behind the other, and only the first of them takes tokens of the retry policy: an outage is one, however many it meets.
//  - Failures that come before something was taken, or was refused for good, leave the retry policy as it was: tokens are for services that take nothing.
//  - KeyRule::kInOrder: one batch is on its way, and of it one message a key at a time. KeyRule::kOnce: a batch waits for those before it that share a key with it.
//  - A batch that fails for good fails the run when it is the first that is not done: those before it still come to their ends.
//
// Memory, all taken before the run: memory_max().
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "delivery/batch_body.hpp"
#include "delivery/destination.hpp"
#include "memory/arena.hpp"

namespace weir {

struct OutboxOptions {
  uint32_t in_flight = 4;  ///< 1 .. kInFlightMax
  uint64_t batch_bytes = 1u << 20;  ///< as encoded, without the frame
  uint32_t batch_messages = 0;  ///< 0: as many as the service takes
  uint64_t messages_per_s = 0;  ///< 0: no cap
  uint32_t tries = 3;  ///< of a message that is refused
};

/// What of it comes of the service and what of the user.
struct OutboxShape {
  uint32_t in_flight = 0;
  uint32_t messages = 0;  ///< of a batch
  uint64_t batch_bytes = 0;
};

class Outbox final : public MessageSink {
 public:
  static OutboxShape shape(const Destination& destination, const OutboxOptions& options);
  /// Of one batch, of one request on its way.
  static size_t batch_bytes_max(const Destination& destination, const OutboxOptions& options);
  static size_t call_bytes_max(const Destination& destination, const OutboxOptions& options);
  static size_t memory_max(const Destination& destination, const OutboxOptions& options);

  /// `requests`: shape().in_flight of them. All outlive the outbox.
  Outbox(Destination& destination, HttpSession& session, const OutboxOptions& options,
         std::span<const std::unique_ptr<DeliveryRequest>> requests, std::span<char> room);
  ~Outbox() override;

  // Sink. A batch may come twice: nothing is taken back, and there is no state.
  Status start() override { return destination_.start(calls_[0]->http); }
  Status commit() override { return {}; }
  Status finish() override { return {}; }
  void cancel() noexcept override;
  [[nodiscard]] std::string_view leftover() const override { return {}; }
  [[nodiscard]] bool resumable() const override { return true; }
  [[nodiscard]] size_t state_bytes_max() const override { return 0; }
  void save(StateWriter&) const override {}
  bool load(StateReader&) override { return true; }
  Status resume(bool) override { return start(); }

  // MessageSink.
  Added add(const Message& message, Error& error) override;
  [[nodiscard]] uint64_t open_messages() const override { return open().count; }
  [[nodiscard]] bool batch_full() const override { return open().count == shape_.messages; }
  [[nodiscard]] bool cut_anywhere() const override { return destination_.tells_of_each(); }
  bool send() override;
  Status step(MessageObserver& observer) override;
  [[nodiscard]] size_t in_flight() const override { return in_flight_; }
  size_t waits(std::span<Interest> room, uint64_t& until_ns) const override;
  void wait(uint64_t until_monotonic_ns) override;
  [[nodiscard]] const SendFigures& figures() const override { return figures_; }

 private:
  enum class BatchState : uint8_t { kOpen, kReady, kAsking, kDone, kFailed };
  struct Batch {
    BatchState state = BatchState::kOpen;
    std::span<char> room;
    size_t used = 0;
    uint64_t counted = 0;  ///< as the service counts
    std::span<OutboxEntry> entries;
    uint32_t count = 0;
    uint64_t records = 0;  ///< of the messages, those that are of one
    FixedText<64> id;
    struct End {
      FixedText<kMessageIdBytesMax> id;
      std::string_view source;
      uint64_t byte = 0;
      uint64_t record = 0;
    } first, last;
    uint32_t request_max = 0;  ///< messages of a request, once a refusal was cut in halves
    uint64_t due_ns = 0;
    Retry retry;
    uint32_t tokens = 0;  ///< that `retry` took and nothing gave back
    Error error;
    std::array<FixedText<120>, 16> reasons;  ///< of refusals
    uint32_t reason_count = 0;

    explicit Batch(RetryBudget& budget) : retry(budget) {}
    void clear();
    uint8_t add_reason(std::string_view code, std::string_view text);
  };

  /// One request on its way. Counts attempts for the outbox, and lets the destination say what they are.
  struct Call final : HttpService, Fates {
    Call(Outbox& outbox, DeliveryRequest& delivery, HttpSession& session, std::span<char> http_room)
        : owner(outbox), request(delivery), http(session, http_room, SocketUse::kWrites) {}

    Status make(HttpRequest& to, uint32_t attempt) override;
    FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override {
      return request.judge(head, text, error);
    }
    bool wants_text(const HttpHead& head) override { return request.wants_text(head); }

    [[nodiscard]] size_t count() const override { return sent; }
    void failed(size_t place, MessageFailure failure, std::string_view code, std::string_view text) override;
    void failed_index(uint64_t index, MessageFailure failure, std::string_view code, std::string_view text) override;
    void failed_key(uint64_t key, MessageFailure failure, std::string_view code, std::string_view text) override;
    void mark(OutboxEntry& entry, MessageFailure failure, std::string_view code, std::string_view text);
    void forget_reply();
    /// The reply has told of each message that was sent, and of no other.
    [[nodiscard]] bool believable() const { return !unbelievable && answers == sent; }

    Outbox& owner;
    DeliveryRequest& request;
    HttpCall http;
    BatchBody body;
    JsonWalk walk;
    std::span<char> begin_room;
    std::span<char> end_room;
    std::span<uint16_t> places;  ///< entries by their place in the request, where replies tell of each
    Batch* batch = nullptr;  ///< null: free
    uint32_t sent = 0;
    bool reading = false;
    bool unbelievable = false;  ///< the reply tells of messages that were not sent
    Error fatal;  ///< told of one message, and true of all
    uint64_t throttled_seen = 0;
    uint64_t asked_ns = 0;  ///< when the last attempt began
  };

  Batch& at(size_t place) { return *batches_[(head_ + place) % batches_.size()]; }
  [[nodiscard]] const Batch& at(size_t place) const { return *batches_[(head_ + place) % batches_.size()]; }
  [[nodiscard]] const Batch& open() const { return at(in_flight_); }
  Batch& open() { return at(in_flight_); }
  [[nodiscard]] uint64_t now() const { return session_.http.clock->monotonic_ns(); }
  [[nodiscard]] Call* free_call() const;
  [[nodiscard]] bool waits_for_key(size_t place) const;
  /// Of requests that failed and are made again, the one that goes first: while a service is down nobody else asks whether it is back.
  [[nodiscard]] const Call* probe() const;
  /// Its next attempt waits for another's request to end.
  [[nodiscard]] bool waits_its_turn(const Call& call) const;
  bool start_requests();
  void begin_request(Call& call, Batch& batch);
  /// Of messages_per_s.
  void takes_its_share(const Call& call);
  bool move(Call& call);
  bool read_reply(Call& call);
  void reply_again(Call& call, const Error& why);
  void answered(Call& call);
  void not_answered(Call& call, const Error& error);
  void try_later(Batch& batch, FailureClass failure, bool progress, Code code);
  void progressed(Batch& batch);
  void release(Call& call, BatchState state);
  void slow_down();
  Status tell(MessageObserver& observer);
  static Batch::End end_of(const Message& message);

  Destination& destination_;
  HttpSession& session_;
  OutboxOptions options_;
  DestinationLimits limits_;
  OutboxShape shape_;
  std::span<Batch*> batches_;
  std::span<Call*> calls_;
  size_t head_ = 0;
  size_t in_flight_ = 0;
  double allowed_;  ///< requests on their way
  uint64_t next_start_ns_ = 0;
  Error broken_;  ///< with what the first batch that is not done failed
  SendFigures figures_;
};

}  // namespace weir

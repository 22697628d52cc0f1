#include "delivery/outbox.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace weir {
namespace {

using State = OutboxEntry::State;

constexpr size_t kReplyPieceBytes = 4096;
constexpr uint64_t kSecond = 1'000'000'000;
// A request that was not refused for so long is with the service: the others need not wait for its answer.
constexpr uint64_t kProbeNs = kSecond;

Error words(Code code, std::string_view name, std::string_view text) {
  Error error(code);
  error.detail.append(name).append(": ").append(text);
  return error;
}

}  // namespace

OutboxShape Outbox::shape(const Destination& destination, const OutboxOptions& options) {
  const DestinationLimits limits = destination.limits();
  OutboxShape shape;
  shape.in_flight = destination.key_rule() == KeyRule::kInOrder ? 1 : options.in_flight;
  shape.messages =
      options.batch_messages == 0 ? limits.messages_max : std::min(limits.messages_max, options.batch_messages);
  shape.batch_bytes = options.batch_bytes;
  return shape;
}

size_t Outbox::batch_bytes_max(const Destination& destination, const OutboxOptions& options) {
  const OutboxShape shape = Outbox::shape(destination, options);
  return Arena::aligned(sizeof(Batch)) + Arena::aligned(shape.batch_bytes + Destination::kSlack) +
         Arena::array_bytes<OutboxEntry>(shape.messages);
}

size_t Outbox::call_bytes_max(const Destination& destination, const OutboxOptions& options) {
  const size_t places = destination.tells_of_each() ? Outbox::shape(destination, options).messages : 0;
  return Arena::aligned(sizeof(Call)) + Arena::aligned(HttpCall::memory_max()) +
         2 * Arena::aligned(Destination::kFrameBytesMax) + Arena::array_bytes<uint16_t>(places);
}

size_t Outbox::memory_max(const Destination& destination, const OutboxOptions& options) {
  const size_t in_flight = shape(destination, options).in_flight;
  return Arena::array_bytes<Batch*>(in_flight + 1) + Arena::array_bytes<Call*>(in_flight) +
         (in_flight + 1) * batch_bytes_max(destination, options) + in_flight * call_bytes_max(destination, options);
}

Outbox::Outbox(Destination& destination, HttpSession& session, const OutboxOptions& options,
               std::span<const std::unique_ptr<DeliveryRequest>> requests, std::span<char> room)
    : destination_(destination),
      session_(session),
      options_(options),
      limits_(destination.limits()),
      shape_(shape(destination, options)),
      allowed_(static_cast<double>(shape_.in_flight)) {
  WEIR_ASSERT(requests.size() == shape_.in_flight && shape_.messages > 0);
  Arena arena(room);
  batches_ = arena.take_array<Batch*>(shape_.in_flight + 1);
  calls_ = arena.take_array<Call*>(shape_.in_flight);
  for (Batch*& batch : batches_) {
    batch = arena.make<Batch>(session.retries);
    batch->room = arena.take(shape_.batch_bytes + Destination::kSlack);
    batch->entries = arena.take_array<OutboxEntry>(shape_.messages);
  }
  for (size_t i = 0; i < calls_.size(); ++i) {
    const std::span<char> http_room = arena.take(HttpCall::memory_max());
    Call* call = arena.make<Call>(*this, *requests[i], session, http_room);
    call->begin_room = arena.take(Destination::kFrameBytesMax);
    call->end_room = arena.take(Destination::kFrameBytesMax);
    if (destination.tells_of_each()) call->places = arena.take_array<uint16_t>(shape_.messages);
    calls_[i] = call;
  }
}

Outbox::~Outbox() {
  for (Call* call : calls_) call->~Call();
}

void Outbox::cancel() noexcept {
  for (Call* call : calls_) call->http.close();
}

// --- filling -------------------------------------------------------------------------------------------------------

void Outbox::Batch::clear() {
  state = BatchState::kOpen;
  used = 0;
  counted = 0;
  count = 0;
  records = 0;
  request_max = 0;
  due_ns = 0;
  error = Error();
  reason_count = 0;
}

uint8_t Outbox::Batch::add_reason(std::string_view code, std::string_view text) {
  FixedText<120> reason(code);
  if (!text.empty()) reason.append(code.empty() ? "" : ": ").append(text);
  for (uint32_t i = 0; i < reason_count; ++i) {
    if (reasons[i].view() == reason.view()) return static_cast<uint8_t>(i);
  }
  if (reason_count == reasons.size()) {
    // What is said of one must not be said of another.
    reasons.back() = FixedText<120>("refused; the batch has more reasons than are kept");
    return static_cast<uint8_t>(reasons.size() - 1);
  }
  reasons[reason_count] = reason;
  return static_cast<uint8_t>(reason_count++);
}

Outbox::Batch::End Outbox::end_of(const Message& message) {
  Batch::End end;
  end.id = FixedText<kMessageIdBytesMax>(message.id);
  end.source = message.source;
  end.byte = message.place.decoded_byte;
  end.record = message.place.record;
  return end;
}

Added Outbox::add(const Message& message, Error& error) {
  Batch& batch = open();
  if (batch.count == shape_.messages) return Added::kBatchFull;
  const auto too_large = [&](uint64_t bytes, std::string_view what, uint64_t bytes_max) {
    error = Error(Code::kMessageTooLarge);
    error.detail.append_number(bytes).append(" bytes; ").append(what).append(" ").append_number(bytes_max);
    return Added::kRefused;
  };
  const std::string_view name = destination_.name();
  const std::string_view separator = batch.count == 0 ? std::string_view{} : destination_.separator();
  const size_t from = batch.used + separator.size();
  if (from + Destination::kSlack > batch.room.size()) return Added::kBatchFull;
  const auto encoded = destination_.encode(message, batch.count, batch.room.subspan(from));
  if (!encoded) {
    error = encoded.error();
    return Added::kRefused;
  }
  if (encoded->counted > limits_.message_bytes_max) return too_large(encoded->counted, name, limits_.message_bytes_max);
  if (encoded->counted > limits_.request_bytes_max) return too_large(encoded->counted, name, limits_.request_bytes_max);
  if (encoded->bytes == 0 && !encoded->nothing) {
    if (batch.count != 0) return Added::kBatchFull;
    return too_large(message.text.size(), "as it is sent it is larger than batch.bytes,", shape_.batch_bytes);
  }
  if (batch.counted + encoded->counted > limits_.request_bytes_max) return Added::kBatchFull;
  if (destination_.key_rule() == KeyRule::kOnce) {
    for (const OutboxEntry& other : batch.entries.first(batch.count)) {
      if (other.key == encoded->key) return Added::kBatchFull;
    }
  }
  std::copy(separator.begin(), separator.end(), batch.room.begin() + static_cast<ptrdiff_t>(batch.used));
  OutboxEntry& entry = *new (&batch.entries[batch.count]) OutboxEntry;
  entry.offset = static_cast<uint32_t>(from);
  entry.size = static_cast<uint32_t>(encoded->bytes);
  entry.source_index = message.place.source;
  entry.source = message.source;
  entry.byte = message.place.decoded_byte;
  entry.record = message.place.record;
  entry.record_size = message.size;
  entry.key = encoded->key;
  entry.head = FixedText<60>(message.text.substr(0, 60));
  if (batch.count == 0) batch.first = end_of(message);
  batch.last = end_of(message);
  batch.records += message.place.record != kNoOffset;
  batch.used = from + encoded->bytes;
  batch.counted += encoded->counted;
  ++batch.count;
  return Added::kYes;
}

bool Outbox::send() {
  Batch& batch = open();
  WEIR_ASSERT(batch.count != 0);
  if (in_flight_ == shape_.in_flight) return false;
  batch.state = BatchState::kReady;
  batch.id.clear();
  batch.id.append(batch.first.id.view()).append('.').append_number(batch.count);
  batch.retry = Retry(session_.retries, session_.limits());
  batch.tokens = 0;
  ++in_flight_;
  open().clear();
  return true;
}

// --- asking --------------------------------------------------------------------------------------------------------

Outbox::Call* Outbox::free_call() const {
  // The first free one: a service that is asked seldom keeps one connection at work.
  size_t busy = 0;
  Call* found = nullptr;
  for (Call* call : calls_) {
    busy += call->batch != nullptr;
    if (call->batch == nullptr && found == nullptr) found = call;
  }
  return static_cast<double>(busy) < std::max(1.0, allowed_) ? found : nullptr;
}

const Outbox::Call* Outbox::probe() const {
  for (const Call* call : calls_) {
    if (call->batch == nullptr || !call->http.retrying()) continue;
    if (call->http.between_attempts() || now() < call->asked_ns + kProbeNs) return call;
  }
  return nullptr;
}

bool Outbox::waits_its_turn(const Call& call) const {
  if (!call.http.between_attempts()) return false;
  if (probe() != &call) return true;
  size_t asking = 0;
  for (const Call* other : calls_) asking += other->batch != nullptr && !other->http.between_attempts();
  return asking != 0 && static_cast<double>(asking) >= std::max(1.0, allowed_);
}

// An item's messages are taken in the order in which they were added.
bool Outbox::waits_for_key(size_t place) const {
  if (destination_.key_rule() != KeyRule::kOnce) return false;
  const Batch& batch = at(place);
  for (size_t i = 0; i < place; ++i) {
    const Batch& before = at(i);
    if (before.state == BatchState::kDone) continue;
    for (const OutboxEntry& entry : batch.entries.first(batch.count)) {
      for (const OutboxEntry& other : before.entries.first(before.count)) {
        if (other.key == entry.key) return true;
      }
    }
  }
  return false;
}

bool Outbox::start_requests() {
  bool started = false;
  for (size_t i = 0; i < in_flight_; ++i) {
    Batch& batch = at(i);
    if (batch.state != BatchState::kReady) continue;
    const uint64_t time = now();
    if (time < batch.due_ns || time < next_start_ns_ || waits_for_key(i)) continue;
    Call* call = free_call();
    if (call == nullptr) return started;
    begin_request(*call, batch);
    started = true;
  }
  return started;
}

void Outbox::begin_request(Call& call, Batch& batch) {
  const uint32_t most = batch.request_max == 0 ? batch.count : batch.request_max;
  const bool in_order = destination_.key_rule() == KeyRule::kInOrder;
  call.sent = 0;
  for (uint32_t i = 0; i < batch.count && call.sent < most; ++i) {
    OutboxEntry& entry = batch.entries[i];
    if (entry.state != State::kPending) continue;
    bool waits = false;  // for one of its key before it
    for (uint32_t j = 0; in_order && j < i && !waits; ++j) {
      const State state = batch.entries[j].state;
      waits = batch.entries[j].key == entry.key && state != State::kTaken && state != State::kUndelivered;
    }
    if (waits) continue;
    entry.state = State::kSent;
    entry.size = static_cast<uint32_t>(destination_.renumber(batch.room.subspan(entry.offset, entry.size), call.sent));
    if (!call.places.empty()) call.places[call.sent] = static_cast<uint16_t>(i);
    ++call.sent;
  }
  WEIR_ASSERT(call.sent != 0);
  const auto end_info = [](const Batch::End& end) {
    return BatchInfo::End{end.id.view(), end.source, end.byte, end.record};
  };
  const BatchInfo info{batch.id.view(), call.sent, end_info(batch.first), end_info(batch.last)};
  const std::string_view begin = destination_.begin(info, call.begin_room);
  const std::string_view end = destination_.end(info, call.end_room);
  call.body.set(begin, destination_.separator(), end, batch.entries.first(batch.count),
                {batch.room.data(), batch.used});
  call.batch = &batch;
  call.reading = false;
  call.forget_reply();
  batch.state = BatchState::kAsking;
  call.request.begin(call.body, info);
  call.http.begin(call, destination_.reply_form() == ReplyForm::kText);
  takes_its_share(call);
}

void Outbox::takes_its_share(const Call& call) {
  if (options_.messages_per_s == 0) return;
  next_start_ns_ = std::max(next_start_ns_, now()) + call.sent * kSecond / options_.messages_per_s;
}

Status Outbox::Call::make(HttpRequest& to, uint32_t attempt) {
  ++owner.figures_.requests;
  owner.figures_.retries += attempt > 1;
  owner.figures_.bytes += body.size();
  if (attempt > 1) owner.takes_its_share(*this);
  asked_ns = owner.now();
  return request.make(to, attempt);
}

void Outbox::slow_down() {
  ++figures_.throttled;
  allowed_ = std::max(1.0, allowed_ / 2);
}

bool Outbox::move(Call& call) {
  if (call.batch == nullptr || waits_its_turn(call)) return false;
  if (call.http.between_attempts() && now() < next_start_ns_) return false;
  Error error;
  if (!call.reading) {
    const uint32_t tokens = session_.retries.tokens();
    const Step step = call.http.step(error);
    // An outage is paid for once, however many requests it meets.
    if (const Call* first = probe(); first != nullptr && first != &call && session_.retries.tokens() < tokens)
      session_.retries.give_back(tokens - session_.retries.tokens());
    for (; call.throttled_seen != call.request.throttled(); ++call.throttled_seen) slow_down();
    if (step == Step::kBlocked) return false;
    if (step == Step::kFailed) {
      not_answered(call, error);
      return true;
    }
    call.reading = true;
  }
  return read_reply(call);
}

// True: the call has gone on.
bool Outbox::read_reply(Call& call) {
  const ReplyForm form = destination_.reply_form();
  const auto bad = [&] {
    reply_again(call, words(Code::kBadReply, destination_.name(), "the reply does not say how the messages fared"));
    return true;
  };
  if (form == ReplyForm::kText) {
    if (!destination_.on_text(call.http.head(), call.http.text(), call) || !call.believable()) return bad();
    answered(call);
    return true;
  }
  const auto on_value = [&] { destination_.on_value(call.walk, call); };
  for (;;) {
    char piece[kReplyPieceBytes];
    Error error;
    const ReadResult got = call.http.read(piece, error);
    if (got.step == Step::kBlocked) return false;
    if (got.step == Step::kFailed) {
      // With the head that said so it is done; what it had to say of each message never came.
      if (form == ReplyForm::kNone) {
        call.http.close();
        answered(call);
      } else {
        reply_again(call, error);
      }
      return true;
    }
    if (got.step == Step::kFinished) break;
    if (form == ReplyForm::kJson && !call.walk.feed({piece, got.bytes}, on_value)) return bad();
  }
  if (form == ReplyForm::kJson && (!call.walk.finish(on_value) || !call.believable())) return bad();
  answered(call);
  return true;
}

// The service has done something with the request, and it is not known what: again, all of it.
void Outbox::reply_again(Call& call, const Error& why) {
  for (OutboxEntry& entry : call.batch->entries.first(call.batch->count)) {
    if (entry.state == State::kThrottled || entry.state == State::kTransient || entry.state == State::kRefused)
      entry.state = State::kSent;
  }
  call.reading = false;
  call.forget_reply();
  Error error = why;
  if (!call.http.again(FailureClass::kTransient, false, error)) not_answered(call, error);
}

void Outbox::Call::forget_reply() {
  walk.reset();
  note = {};
  answers = 0;
  unbelievable = false;
  fatal = Error();
}

void Outbox::Call::mark(OutboxEntry& entry, MessageFailure failure, std::string_view code, std::string_view text) {
  switch (failure) {
    case MessageFailure::kThrottled:
      entry.state = State::kThrottled;
      return;
    case MessageFailure::kTransient:
      entry.state = State::kTransient;
      return;
    case MessageFailure::kRefused:
      entry.state = State::kRefused;
      entry.reason = batch->add_reason(code, text);
      return;
    case MessageFailure::kFatal:
      break;
  }
  fatal = Error(classify_fatal(code));
  fatal.detail.append(owner.destination_.name()).append(": ").append(code);
  if (!text.empty()) fatal.detail.append(": ").append(text);
}

void Outbox::Call::failed(size_t place, MessageFailure failure, std::string_view code, std::string_view text) {
  if (place >= sent || places.empty()) {
    unbelievable = true;
    return;
  }
  mark(batch->entries[places[place]], failure, code, text);
}

void Outbox::Call::failed_index(uint64_t index, MessageFailure failure, std::string_view code, std::string_view text) {
  if (index >= batch->count || batch->entries[index].state == State::kPending ||
      batch->entries[index].state == State::kTaken || batch->entries[index].state == State::kUndelivered) {
    unbelievable = true;
    return;
  }
  mark(batch->entries[index], failure, code, text);
}

void Outbox::Call::failed_key(uint64_t key, MessageFailure failure, std::string_view code, std::string_view text) {
  bool found = false;
  for (int all = 0; all < 2 && !found; ++all) {
    for (OutboxEntry& entry : batch->entries.first(batch->count)) {
      if (entry.state != State::kSent || (all == 0 && entry.key != key)) continue;
      mark(entry, failure, code, text);
      found = true;
    }
  }
}

void Outbox::release(Call& call, BatchState state) {
  call.batch->state = state;
  call.batch = nullptr;
}

// The reply is whole: everything of the request has its fate, or another try.
void Outbox::answered(Call& call) {
  Batch& batch = *call.batch;
  if (!call.fatal.ok()) {
    batch.error = call.fatal;
    return release(call, BatchState::kFailed);
  }
  bool progress = false;
  bool throttled = false;
  bool failed = false;
  bool left = false;
  for (OutboxEntry& entry : batch.entries.first(batch.count)) {
    switch (entry.state) {
      case State::kSent:
        entry.state = State::kTaken;
        progress = true;
        break;
      case State::kRefused:
        if (++entry.tries >= options_.tries) {
          entry.state = State::kUndelivered;
          progress = true;
          break;
        }
        entry.state = State::kPending;
        failed = left = true;
        break;
      case State::kThrottled:
        throttled = true;
        [[fallthrough]];
      case State::kTransient:
        entry.state = State::kPending;
        failed = left = true;
        break;
      case State::kPending:
        left = true;
        break;
      case State::kTaken:
      case State::kUndelivered:
        break;
    }
  }
  if (throttled) {
    slow_down();
  } else if (!failed) {
    allowed_ = std::min(static_cast<double>(shape_.in_flight), allowed_ + 1 / allowed_);
  }
  release(call, left ? BatchState::kReady : BatchState::kDone);
  if (!left) {
    progressed(batch);
  } else if (failed) {
    ++figures_.retries;
    // Where some are taken the service is there: the rest comes soon, though by fewer requests.
    try_later(batch, throttled && !progress ? FailureClass::kThrottling : FailureClass::kTransient, progress,
              throttled ? Code::kThrottled : Code::kServerError);
  }
}

// Nothing of the request was taken, as far as the last answer says.
void Outbox::not_answered(Call& call, const Error& error) {
  Batch& batch = *call.batch;
  const bool content = call.request.refused() && error.code != Code::kInterrupted;
  const uint32_t sent = call.sent;
  const uint8_t reason = content ? batch.add_reason({}, error.detail.view()) : uint8_t{0};
  const bool halves = content && destination_.tells_of_each() && sent > 1;
  bool left = false;
  bool undelivered = false;
  for (OutboxEntry& entry : batch.entries.first(batch.count)) {
    if (entry.state == State::kSent) {
      entry.state = State::kPending;
      if (content && !halves) {
        entry.reason = reason;
        if (++entry.tries >= options_.tries) entry.state = State::kUndelivered;
        undelivered = undelivered || entry.state == State::kUndelivered;
      }
    }
    left = left || entry.state == State::kPending;
  }
  if (!content) {
    batch.error = error;
    return release(call, BatchState::kFailed);
  }
  release(call, left ? BatchState::kReady : BatchState::kDone);
  if (undelivered) progressed(batch);
  figures_.retries += left;
  if (halves) {
    batch.request_max = sent / 2;
  } else if (left && !undelivered) {
    // Who refuses a whole batch may think better of it in a while: a function that failed.
    try_later(batch, FailureClass::kThrottling, false, error.code);
  }
}

void Outbox::progressed(Batch& batch) {
  session_.retries.give_back(batch.tokens);
  batch.tokens = 0;
  batch.retry = Retry(session_.retries, session_.limits());
}

void Outbox::try_later(Batch& batch, FailureClass failure, bool progress, Code code) {
  if (progress) progressed(batch);
  const uint32_t tokens = session_.retries.tokens();
  const RetryDecision decision =
      batch.retry.failed(failure, {}, now(), {session_.end_ns()}, session_.http.net->random());
  batch.tokens += tokens - session_.retries.tokens();
  if (decision.answer == RetryAnswer::kRetry) {
    batch.due_ns = now() + decision.delay_ns;
    return;
  }
  batch.error =
      words(decision.answer == RetryAnswer::kPastDeadline ? Code::kInterrupted : code, destination_.name(),
            decision.answer == RetryAnswer::kPastDeadline ? "no time is left to send the rest of a batch again"
                                                          : "messages of a batch are not taken");
  batch.state = BatchState::kFailed;
}

// --- moving on -----------------------------------------------------------------------------------------------------

Status Outbox::step(MessageObserver& observer) {
  if (!broken_.ok()) return fail(broken_);
  bool moved = true;
  while (moved) {
    moved = start_requests();
    for (Call* call : calls_) moved = move(*call) || moved;
    // What is done makes room only once it was told of.
    if (const Status told = tell(observer); !told) {
      // It is not told of a second time.
      broken_ = told.error();
      return told;
    }
  }
  if (in_flight_ != 0 && now() >= session_.end_ns())
    return fail(Code::kInterrupted, "the time was up before all was sent");
  return {};
}

Status Outbox::tell(MessageObserver& observer) {
  while (in_flight_ != 0) {
    Batch& batch = at(0);
    if (batch.state == BatchState::kFailed) return fail(batch.error);
    if (batch.state != BatchState::kDone) return {};
    uint64_t undelivered = 0;
    for (const OutboxEntry& entry : batch.entries.first(batch.count))
      undelivered += entry.state == State::kUndelivered && entry.record != kNoOffset;
    observer.on_done(batch.records, undelivered);
    for (const OutboxEntry& entry : batch.entries.first(batch.count)) {
      if (entry.state != State::kUndelivered) continue;
      Undelivered message;
      message.code = Code::kMessageRefused;
      message.detail = batch.reasons[entry.reason].view();
      message.head = entry.head.view();
      message.source = entry.source;
      message.place.source = entry.source_index;
      message.place.decoded_byte = entry.byte;
      message.place.record = entry.record;
      message.size = entry.record_size;
      WEIR_TRY(observer.on_undelivered(message));
    }
    // Before it is told: the observer may ask how many are on their way.
    batch.clear();
    head_ = (head_ + 1) % batches_.size();
    --in_flight_;
    WEIR_TRY(observer.on_told());
  }
  return {};
}

size_t Outbox::waits(std::span<Interest> room, uint64_t& until_ns) const {
  size_t count = 0;
  for (const Call* call : calls_) {
    if (call->batch == nullptr) continue;
    if (waits_its_turn(*call)) {
      const Call* first = probe();
      if (first != nullptr && !first->http.between_attempts())
        until_ns = std::min(until_ns, first->asked_ns + kProbeNs);
      continue;
    }
    const HttpWait& wait = call->reading ? call->http.read_waits() : call->http.waits();
    until_ns =
        std::min(until_ns, call->http.between_attempts() ? std::max(wait.until_ns, next_start_ns_) : wait.until_ns);
    if (wait.interest.socket >= 0 && count < room.size()) room[count++] = wait.interest;
  }
  for (size_t i = 0; i < in_flight_; ++i) {
    const Batch& batch = at(i);
    if (batch.state != BatchState::kReady) continue;
    const uint64_t due = std::max(batch.due_ns, next_start_ns_);
    // One that is due waits for another's request to end, unless it came due since the last step.
    if (due > now() || (free_call() != nullptr && !waits_for_key(i))) until_ns = std::min(until_ns, due);
  }
  until_ns = std::min(until_ns, session_.end_ns());
  return count;
}

void Outbox::wait(uint64_t until_monotonic_ns) {
  Interest interests[kInFlightMax];
  const size_t count = waits(interests, until_monotonic_ns);
  session_.http.net->wait({interests, count}, until_monotonic_ns);
}

}  // namespace weir

#include "io/http_call.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace weir {

HttpCall::HttpCall(HttpSession& session, std::span<char> room, SocketUse use)
    : session_(session),
      connection_(session.http, room.first(HttpConnection::memory_max()), use),
      text_room_(room.subspan(HttpConnection::memory_max(), kTextBytesMax)),
      retry_(session.retries) {}

void HttpCall::begin(HttpService& service, bool whole, bool parting) {
  service_ = &service;
  whole_ = whole;
  parting_ = parting;
  retry_ = Retry(session_.retries, session_.limits());
  due_ns_ = 0;
  state_ = State::kWaiting;
}

// A request that can't be made is not tried again: nothing changes by that.
Status HttpCall::attempt() {
  text_bytes_ = 0;
  HttpRequest request;
  WEIR_TRY(service_->make(request, retry_.attempts()));
  state_ = State::kAsking;
  return connection_.begin(request);
}

// kBlocked: another attempt comes, behind a delay. kFailed: none.
Step HttpCall::retry(FailureClass failure, Error& error) {
  const uint64_t now = session_.http.clock->monotonic_ns();
  const HttpHead& head = connection_.head();
  const RetryHint hint = head.begun() ? retry_hint(head, session_.http.clock->wall_ns()) : RetryHint{};
  const RetryDecision decision = retry_.failed(failure, hint, now, {session_.end_ns()}, session_.http.net->random());
  if (decision.answer == RetryAnswer::kPastDeadline) {
    Error late(Code::kInterrupted, "no time is left to try again: ");
    late.detail.append(code_info(error.code).message).append(", ").append(error.detail.view());
    error = late;
  }
  if (decision.answer != RetryAnswer::kRetry) return Step::kFailed;
  error = Error();
  due_ns_ = now + decision.delay_ns;
  state_ = State::kWaiting;
  wait_ = {{}, due_ns_};
  return Step::kBlocked;
}

bool HttpCall::again(FailureClass why, bool progressed, Error& error) {
  connection_.close();
  if (progressed) {
    retry_.succeeded();
    retry_ = Retry(session_.retries, session_.limits());
  }
  return retry(why, error) != Step::kFailed;
}

Step HttpCall::judge(Error& error) {
  Error why;
  const FailureClass failure = service_->judge(connection_.head(), text(), why);
  // A refusal is an answer, too.
  session_.proven = session_.proven || failure == FailureClass::kNone || failure == FailureClass::kFatal;
  if (failure == FailureClass::kNone) {
    retry_.succeeded();
    state_ = State::kDone;
    return Step::kHaveOutput;
  }
  error = why;
  if (failure == FailureClass::kFatal) return Step::kFailed;
  return retry(failure, error);
}

Step HttpCall::step(Error& error) {
  for (;;) {
    switch (state_) {
      case State::kIdle:
        error = Error(Code::kInternal, "no call was begun");
        return Step::kFailed;
      case State::kDone:
        return Step::kHaveOutput;
      case State::kWaiting: {
        const uint64_t now = session_.http.clock->monotonic_ns();
        if (now >= session_.end_ns() && !parting_) {
          error = Error(Code::kInterrupted, "the time was up before it was asked for");
          return Step::kFailed;
        }
        if (now < due_ns_) {
          wait_ = {{}, due_ns_};
          return Step::kBlocked;
        }
        if (const Status made = attempt(); !made) {
          error = made.error();
          if (error.exit() != Exit::kUnavailable) return Step::kFailed;
          return retry(FailureClass::kTransient, error);
        }
        break;
      }
      case State::kAsking: {
        const Step step = connection_.step(error);
        if (step == Step::kBlocked) {
          wait_ = connection_.waits();
          return step;
        }
        if (step == Step::kFailed) {
          if (error.exit() != Exit::kUnavailable) return step;
          return retry(FailureClass::kTransient, error);
        }
        if (!whole_ && connection_.head().status() / 100 == 2 && !service_->wants_text(connection_.head()))
          return judge(error);
        state_ = State::kText;
        break;
      }
      case State::kText: {
        // What does not fit is not needed to know what is wrong.
        if (text_bytes_ == text_room_.size()) {
          connection_.close();
          return judge(error);
        }
        const ReadResult got = connection_.read(text_room_.subspan(text_bytes_), error);
        text_bytes_ += got.bytes;
        if (got.step == Step::kBlocked) {
          wait_ = connection_.waits();
          return Step::kBlocked;
        }
        if (got.step == Step::kFinished) return judge(error);
        if (got.step == Step::kFailed) {
          return retry(FailureClass::kTransient, error);
        }
        break;
      }
    }
  }
}

Status HttpCall::wait(const HttpWait& wait) {
  const uint64_t end_ns = session_.end_ns();
  if (session_.http.clock->monotonic_ns() >= end_ns)
    return fail(Code::kInterrupted, "the time was up before the answer came");
  session_.http.net->wait({&wait.interest, wait.interest.socket >= 0 ? 1u : 0u}, std::min(wait.until_ns, end_ns));
  return {};
}

Status HttpCall::run() {
  for (;;) {
    Error error;
    const Step step = this->step(error);
    if (step == Step::kHaveOutput) return {};
    if (step == Step::kFailed) return fail(error);
    if (const Status waited = wait(wait_); !waited) {
      connection_.close();
      return waited;
    }
  }
}

}  // namespace weir

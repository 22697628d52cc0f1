#include "io/system_wakeup.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>

#include <poll.h>
#include <unistd.h>

namespace weir {
namespace {

volatile sig_atomic_t signal_seen = 0;
volatile sig_atomic_t signals = 0;
volatile sig_atomic_t another_ends = 0;  ///< the first was a while ago
// Of the run, not of the handler: a look at the clock is not for handlers.
uint64_t another_ends_at_ns = kNever;
bool wait_was_ended = false;

void on_signal(int number) {
  signals = signals + 1;
  if (another_ends != 0 || signals >= SystemWakeup::kSignalsMax) _exit(128 + number);
  if (signal_seen == 0) signal_seen = number;
}

// Both look, whoever waits and whoever asks.
void note_stop(Clock& clock) {
  if (signal_seen == 0 || another_ends != 0) return;
  const uint64_t now = clock.monotonic_ns();
  if (another_ends_at_ns == kNever) another_ends_at_ns = now + SystemWakeup::kOneWishNs;
  if (now >= another_ends_at_ns) another_ends = 1;
}

short poll_events(const Interest& interest) {
  return static_cast<short>((interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0));
}

void wait_unless_stopped(std::span<pollfd> entries, Clock& clock, uint64_t until_monotonic_ns, bool unless_stopped) {
  // Signals are blocked while the flag is looked at and let in by ppoll only, so none falls between.
  sigset_t block;
  sigset_t before;
  sigemptyset(&block);
  sigaddset(&block, SIGINT);
  sigaddset(&block, SIGTERM);
  sigprocmask(SIG_BLOCK, &block, &before);
  note_stop(clock);
  // Who looked before the signal came waits for something else behind it: a stop ends one wait, whenever it comes.
  const bool ended = signal_seen != 0 && (unless_stopped || !wait_was_ended);
  wait_was_ended = signal_seen != 0;
  if (!ended) {
    if (signal_seen != 0 && another_ends == 0) until_monotonic_ns = std::min(until_monotonic_ns, another_ends_at_ns);
    timespec timeout{};
    timespec* timeout_used = nullptr;
    if (until_monotonic_ns != kNever) {
      const uint64_t now = clock.monotonic_ns();
      const uint64_t left = until_monotonic_ns > now ? until_monotonic_ns - now : 0;
      timeout.tv_sec = static_cast<time_t>(left / 1'000'000'000u);
      timeout.tv_nsec = static_cast<long>(left % 1'000'000'000u);
      timeout_used = &timeout;
    }
    ppoll(entries.data(), entries.size(), timeout_used, &before);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void SystemWakeup::handle_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  action.sa_flags = 0;  // no SA_RESTART: a wait must end
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction before{};
    sigaction(number, nullptr, &before);
    // A shell that starts us in the background ignores SIGINT for us; keep that.
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

int SystemWakeup::stop_signal() { return signal_seen; }

bool SystemWakeup::stop_requested() const {
  note_stop(clock_);
  return signal_seen != 0;
}

void SystemWakeup::wait(uint64_t until_monotonic_ns) {
  pollfd entries[1 + kAlsoMax];
  size_t count = 0;
  const auto add = [&](const Interest& interest) {
    if (interest.socket >= 0 && count < std::size(entries))
      entries[count++] = {interest.socket, poll_events(interest), 0};
  };
  add(watched_);
  for (const Interest& interest : also_) add(interest);
  const uint64_t until_ns = std::min({until_monotonic_ns, until_ns_, also_until_ns_});
  also_ = {};
  also_until_ns_ = kNever;
  wait_unless_stopped({entries, count}, clock_, until_ns, true);
}

void SystemWakeup::wait_for(std::span<pollfd> entries, Clock& clock, uint64_t until_monotonic_ns) {
  wait_unless_stopped(entries, clock, until_monotonic_ns, false);
}

}  // namespace weir

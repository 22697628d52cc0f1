#include "report/progress.hpp"

namespace weir {
namespace {
constexpr uint64_t kFirstNs = 500'000'000;
constexpr uint64_t kEveryNs = 200'000'000;
constexpr uint64_t kLineEveryNs = 1'000'000'000;
}  // namespace

void Progress::on_progress(const Counters& counters) {
  if (style_ == ProgressStyle::kNone) return;
  const bool terminal = style_ == ProgressStyle::kTerminal;
  const uint64_t now = clock_.monotonic_ns();
  if (begin_ns_ == 0) {
    begin_ns_ = now;
    next_ns_ = now + kFirstNs;
    // Once for nobody: the code that makes the line is there from the start, and so a long run's peak is a short one's.
    Printer nowhere(-1);
    print(nowhere, counters, 1);
  }
  if (now < next_ns_) return;
  next_ns_ = now + (terminal ? kEveryNs : kLineEveryNs);
  shown_ = terminal;
  Printer out(file_);
  print(out, counters, static_cast<double>(now - begin_ns_) / 1e9);
}

void Progress::print(Printer& out, const Counters& counters, double seconds) const {
  const bool terminal = style_ == ProgressStyle::kTerminal;
  out.text(terminal ? "\r" : "").bytes(counters.stored_bytes);
  if (counters.input_size != 0) {
    const double share = static_cast<double>(counters.stored_bytes) / static_cast<double>(counters.input_size);
    out.format(" %3.0f %%", share * 100);
    if (share > 0.01) out.format("  %.0f s left", seconds / share - seconds);
  }
  out.format("  %.0f MB/s  ", static_cast<double>(counters.decoded_bytes) / 1e6 / seconds);
  out.count(counters.read)
      .text(" records  ")
      .count(counters.rejected)
      .text(terminal ? " rejected\x1b[K" : " rejected\n");
}

void Progress::clear() {
  if (!shown_) return;
  Printer(file_).text("\r\x1b[K");
  shown_ = false;
}

}  // namespace weir

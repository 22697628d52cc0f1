#include "report/summary.hpp"

#include <algorithm>

#include <sys/resource.h>

#include "memory/process_memory.hpp"
#include "plan/units.hpp"
#include "report/printer.hpp"

namespace weir {
namespace {

struct Stage {
  const char* name;
  const char* json_name;
  uint64_t ns;
};

constexpr double kAdviceShare = 0.4;

double megabytes_per_second(uint64_t bytes, uint64_t ns) {
  return ns == 0 ? 0 : static_cast<double>(bytes) * 1e3 / static_cast<double>(ns);
}

void print_advice(Printer& out, const Job& job, const RunFigures& figures) {
  const Counters& counters = job.counters();
  const StageTimes& times = counters.times;
  const auto share = [&](uint64_t ns) {
    return figures.wall_ns == 0 ? 0.0 : static_cast<double>(ns) / static_cast<double>(figures.wall_ns);
  };
  const BatchConfig& batch = job.config().batch;
  if (figures.wall_ns < 1'000'000'000) return;
  if (job.send_figures() != nullptr && share(times.send_ns) > kAdviceShare) {
    SendSituation sends;
    const OutboxShape shape = job.outbox_shape();
    sends.in_flight = shape.in_flight;
    sends.in_order = job.destination()->key_rule() == KeyRule::kInOrder;
    sends.messages = shape.messages;
    sends.messages_max = job.destination()->limits().messages_max;
    sends.rate = job.config().output.rate;
    sends.batches = counters.batches;
    sends.written = counters.written;
    sends.figures = *job.send_figures();
    if (const FixedText<200> advice = advice_on_sends(sends); !advice.empty())
      out.format("  advice    send wait %.0f %%: ", share(times.send_ns) * 100).text(advice.view()).text("\n");
    return;
  }
  if (share(times.send_ns) > kAdviceShare && counters.batches > 10 && batch.records != 0 && counters.written != 0) {
    const uint64_t bytes_each = counters.output_bytes / counters.written;
    const uint64_t more = batch.records * 4;
    out.format("  advice    send wait %.0f %%: batch.records %llu -> %llu makes batches of about ",
               share(times.send_ns) * 100, static_cast<unsigned long long>(batch.records),
               static_cast<unsigned long long>(more));
    out.bytes(more * bytes_each).text("\n");
  } else if (share(times.encode_ns) > kAdviceShare && job.output_codec() == Codec::kGzip &&
             job.config().output.level > 1) {
    out.format("  advice    compression takes %.0f %% of the time: output.level 1 is several times faster\n",
               share(times.encode_ns) * 100);
  } else if (share(times.read_ns) > kAdviceShare) {
    out.format("  advice    waiting for input takes %.0f %% of the time: the source is the limit\n",
               share(times.read_ns) * 100);
  }
}

}  // namespace

FixedText<200> advice_on_sends(const SendSituation& sends) {
  FixedText<200> advice;
  if (sends.rate != 0 || sends.batches <= 10) return advice;
  if (sends.figures.throttled * 10 > sends.figures.requests) {
    advice.append("the service asked for less in ").append_number(sends.figures.throttled).append(" of ");
    advice.append_number(sends.figures.requests).append(" answers: it is the limit");
    return advice;
  }
  // Batches that something else cuts don't become larger by it.
  const bool full = sends.written * 10 >= sends.batches * sends.messages * 9;
  if (full && sends.messages < sends.messages_max) {
    const uint64_t more = std::min<uint64_t>(uint64_t{sends.messages} * 4, sends.messages_max);
    advice.append("batch.records ").append_number(sends.messages).append(" -> ").append_number(more);
    advice.append(" needs fewer requests");
    return advice;
  }
  if (sends.in_order || sends.in_flight >= MessageSink::kInFlightMax) return advice;
  const uint64_t more = std::min<uint64_t>(uint64_t{sends.in_flight} * 4, MessageSink::kInFlightMax);
  advice.append("output.in_flight ").append_number(sends.in_flight).append(" -> ").append_number(more);
  advice.append(" asks for more at once; each batch takes memory and a connection");
  return advice;
}

uint64_t process_cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_usec) * 1000u;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

const char* status_name(const Job& job, const Outcome& outcome) {
  if (!job.skipped().empty()) return job.skipped().data();
  switch (outcome.ending) {
    case Ending::kDone:
      if (outcome.limit_reached) return "limit_reached";
      return job.counters().rejected != 0 ? "done_with_rejects" : "done";
    case Ending::kReaderGone:
      return "reader_gone";
    case Ending::kInterrupted:
      return "interrupted";
    case Ending::kCheckpointed:
      return "checkpointed";
    case Ending::kFailed:
      return "failed";
  }
  return "";
}

void print_summary(int file, const Job& job, const Outcome& outcome, const RunFigures& figures, SummaryFormat format) {
  if (format == SummaryFormat::kNone) return;
  const Counters& c = job.counters();
  const StageTimes& t = c.times;
  const Stage stages[] = {{"read", "read_ns", t.read_ns},    {"decode", "decode_ns", t.decode_ns},
                          {"parse", "parse_ns", t.parse_ns}, {"evaluate", "evaluate_ns", t.evaluate_ns},
                          {"write", "write_ns", t.write_ns}, {"encode", "encode_ns", t.encode_ns},
                          {"send", "send_ns", t.send_ns}};
  const ProcessFigures process = process_figures();
  const AllocatorFigures allocator = allocator_figures();
  Printer out(file);
  const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  if (format == SummaryFormat::kJson) {
    const Exit exit = outcome.ending == Ending::kFailed         ? outcome.error.exit()
                      : outcome.ending == Ending::kInterrupted  ? Exit::kInterrupted
                      : outcome.ending == Ending::kCheckpointed ? Exit::kCheckpointed
                      : outcome.ending == Ending::kDone && job.config().fail_on_rejects && c.rejected != 0
                          ? Exit::kDoneWithRejects
                          : Exit::kDone;
    out.text("{\"status\":\"").text(status_name(job, outcome)).format("\",\"exit\":%d", static_cast<int>(exit));
    if (!job.config().name.empty()) out.text(",\"name\":\"").json(job.config().name).text("\"");
    out.format(",\"records\":{\"read\":%llu,\"written\":%llu,\"folded\":%llu,\"filtered\":%llu,\"rejected\":%llu}",
               number(c.read), number(c.written), number(c.folded), number(c.filtered), number(c.rejected));
    out.format(",\"bytes\":{\"stored\":%llu,\"decoded\":%llu,\"written\":%llu,\"sent\":%llu}", number(c.stored_bytes),
               number(c.decoded_bytes), number(c.output_bytes), number(c.sent_bytes));
    out.format(",\"batches\":%llu,\"units\":%llu,\"retries\":%llu,\"inputs\":%llu,\"inputs_done\":%llu",
               number(c.batches), number(c.units), number(c.retries), number(c.inputs), number(c.inputs_done));
    out.format(",\"wall_ns\":%llu,\"cpu_ns\":%llu,\"stages\":{", number(figures.wall_ns), number(figures.cpu_ns));
    for (size_t i = 0; i < std::size(stages); ++i)
      out.format("%s\"%s\":%llu", i == 0 ? "" : ",", stages[i].json_name, number(stages[i].ns));
    out.format(
        "},\"budget_bytes\":%llu,\"needed_bytes\":%llu,\"plan_bytes\":%llu,\"peak_bytes\":%llu,\"anonymous_bytes\":%"
        "llu,\"file_bytes\":%llu,\"table_bytes\":%llu",
        number(job.config().memory), number(job.budget().needed()), number(job.budget().total()),
        number(process.peak_bytes), number(process.anonymous_bytes), number(process.file_bytes),
        number(process.table_bytes));
    out.format(
        ",\"setup_bytes\":%llu,\"allocations_after_seal\":%llu,\"runtime_bytes\":%llu,\"system_allocations_after_"
        "seal\":%llu",
        number(allocator.setup_bytes_used), number(allocator.calls_after_seal), number(allocator.runtime_bytes_used),
        number(allocator.system_pages_after_seal));
    if (const Checkpointer* checkpointer = job.checkpointer(); checkpointer != nullptr) {
      out.text(",\"checkpoint\":{\"at\":\"").json(job.checkpoint_name());
      out.format("\",\"saves\":%llu,\"runs\":%u", number(checkpointer->saves()), checkpointer->runs());
      if (job.resumed_at() != kNoOffset) out.format(",\"resumed_at\":%llu", number(job.resumed_at()));
      out.text("}");
    }
    if (const S3Requests* s3 = job.s3_requests(); s3 != nullptr) {
      out.format(",\"s3\":{\"get\":%llu,\"put\":%llu,\"list\":%llu,\"delete\":%llu,\"dollars\":%.7f}", number(s3->gets),
                 number(s3->puts), number(s3->lists), number(s3->deletes), s3->dollars());
    }
    if (const SendFigures* sends = job.send_figures(); sends != nullptr) {
      out.format(",\"sends\":{\"requests\":%llu,\"retries\":%llu,\"throttled\":%llu,\"bytes\":%llu}",
                 number(sends->requests), number(sends->retries), number(sends->throttled), number(sends->bytes));
    }
    out.text(",\"output\":\"").json(job.output_name()).text("\"}\n");
    return;
  }
  out.text(job.config().name.empty() ? "weir" : job.config().name).text(": ").text(status_name(job, outcome));
  out.format(" in %.2f s (%.2f s of CPU)\n", static_cast<double>(figures.wall_ns) / 1e9,
             static_cast<double>(figures.cpu_ns) / 1e9);
  out.text("  records   read ").count(c.read).text(" = written ").count(c.written);
  if (c.folded != 0 || job.program().has_aggregates()) out.text(" + folded ").count(c.folded);
  out.text(" + filtered ").count(c.filtered).text(" + rejected ").count(c.rejected);
  out.text(c.balanced() ? "\n" : "  DOES NOT ADD UP\n");
  if (outcome.limit_reached) out.text("            LIMIT reached: the rest of the input was not read\n");
  out.text("  input     ").bytes(c.stored_bytes);
  if (c.decoded_bytes != c.stored_bytes) out.text(" stored, ").bytes(c.decoded_bytes).text(" decoded");
  out.format(", %.0f MB/s", megabytes_per_second(c.decoded_bytes, figures.wall_ns));
  if (c.inputs > 1) out.text(", ").count(c.inputs_done).text(" of ").count(c.inputs).text(" inputs");
  out.text("\n  output    ").bytes(c.output_bytes);
  if (job.output_codec() != Codec::kNone) out.text(", ").bytes(c.sent_bytes).text(" compressed");
  out.text(", ").count(c.batches).text(c.batches == 1 ? " batch" : " batches");
  const SendFigures* sends = job.send_figures();
  if (c.retries != 0 && sends == nullptr) out.text(", ").count(c.retries).text(" sent again");
  out.text(" -> ").plain(job.output_name(), 300).text("\n");
  if (sends != nullptr) {
    out.text("  sends     ").count(sends->requests).text(sends->requests == 1 ? " request of " : " requests of ");
    out.bytes(sends->bytes).text(" to ").text(job.destination()->name());
    out.text(", ").count(sends->retries).text(" of them sent again, ").count(sends->throttled).text(" throttled\n");
  }
  if (const Checkpointer* checkpointer = job.checkpointer();
      checkpointer != nullptr && (checkpointer->saves() > 1 || job.resumed_at() != kNoOffset)) {
    out.text("  checkpoint ").count(checkpointer->saves()).text(" saved, run ").count(checkpointer->runs());
    if (job.resumed_at() != kNoOffset) out.text(" of this job, went on at ").bytes(job.resumed_at()).text(" of input");
    out.text(" -> ").plain(job.checkpoint_name(), 300).text("\n");
  }
  if (const S3Requests* s3 = job.s3_requests(); s3 != nullptr) {
    out.text("  requests  ").count(s3->gets).text(" GET, ").count(s3->puts).text(" PUT, ").count(s3->lists);
    out.text(" LIST, ").count(s3->deletes).text(" DELETE to S3");
    out.format(": $%.6f at us-east-1's prices\n", s3->dollars());
  }
  if (c.written != 0) {
    out.text("  record    ").count(c.read == 0 ? 0 : c.decoded_bytes / c.read).text(" bytes read, ");
    out.count(c.output_bytes / c.written).text(" bytes written, on average\n");
  }
  if (figures.wall_ns != 0) {
    out.text("  time     ");
    for (const Stage& stage : stages)
      out.format(" %s %.0f %%", stage.name, static_cast<double>(stage.ns) * 100 / static_cast<double>(figures.wall_ns));
    out.text("\n");
  }
  print_advice(out, job, figures);
  // The last line: what was allowed, what was planned, what it came to.
  out.text("  memory    budget ").bytes(job.config().memory).text(", planned ").bytes(job.budget().total());
  if (process.peak_bytes != 0) {
    // Two runs are compared by their peaks: the kernel counts in steps of 256 KiB, so a tenth of a MiB is not enough.
    out.format(", measured peak %.2f MiB", static_cast<double>(process.peak_bytes) / (1u << 20));
  }
  out.text("; pages taken from the system after the start: ").count(allocator.system_pages_after_seal).text("\n");
}

}  // namespace weir

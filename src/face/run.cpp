// Whole pipelines in the host's process.
#include <cerrno>
#include <cstdio>

#include <unistd.h>

#include "face/error_state.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_wakeup.hpp"
#include "plan/job.hpp"
#include "plan/spec.hpp"

namespace weir::face {
namespace {

constexpr size_t kFileBytesMax =
    256u << 10;  // one more is read, so that the reader of the file says that it is too large

std::string read_file(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) throw_error(weir::Error(Code::kOpenFailed, path).with_errno(errno));
  std::string text(kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  const bool bad = std::ferror(file) != 0;
  std::fclose(file);
  if (bad) throw_error(Code::kReadFailed, path);
  return text;
}

}  // namespace

Summary run(std::string_view pipeline, std::span<const std::string> sets) {
  const bool is_text = pipeline.find('\n') != std::string_view::npos;
  const std::string text = is_text ? std::string(pipeline) : read_file(std::string(pipeline));
  const std::string name = is_text ? "pipeline" : std::string(pipeline);
  const std::vector<std::string_view> set_views(sets.begin(), sets.end());
  PipelineSource source;
  source.text = text;
  source.environment = Environment::of_process(environ);
  source.sets = set_views;
  Pipeline parsed = parse_pipeline(source);
  if (!parsed.ok()) {
    // The first mistake is the exception; the others stand in its text, a line each.
    const weir::Error* first = nullptr;
    std::string more;
    for (const Diagnostic& diagnostic : parsed.diagnostics) {
      if (diagnostic.severity != Severity::kError) continue;
      if (first == nullptr)
        first = &diagnostic.error;
      else
        more.append("\n").append(format_diagnostic(name, diagnostic));
    }
    throw_error(*first, {}, name, more);
  }

  SystemClock clock;
  SystemWakeup wakeup(clock);
  Deadline deadline;
  if (parsed.config.deadline_ns != 0) deadline.at_ns = clock.monotonic_ns() + parsed.config.deadline_ns;
  const bool query_in_file = parsed.config.query_line != 0;
  SystemDisk disk;
  Job job(clock, wakeup, disk, Host::kLibrary, environ);
  const auto check = [&](const Status& status) {
    if (!status) throw_error(status.error(), job.inputs(), query_in_file ? std::string_view(name) : "query");
  };
  check(job.prepare(std::move(parsed.config), deadline));
  if (!job.fits()) throw_error(job.refusal());
  check(job.build());

  Summary summary;
  summary.status = "done";
  Outcome outcome;
  if (!job.skipped().empty())
    summary.status = "already_there";
  else
    outcome = job.run(deadline, nullptr);
  const Counters& counters = job.counters();
  switch (outcome.ending) {
    case Ending::kDone:
      break;
    case Ending::kReaderGone:
      summary.status = "reader_gone";
      break;
    case Ending::kCheckpointed:
    case Ending::kInterrupted: {
      weir::Error error(Code::kInterrupted);
      error.detail.append_number(counters.read)
          .append(" records were read, ")
          .append_number(counters.written)
          .append(" written");
      throw_error(error);
    }
    case Ending::kFailed:
      throw_error(outcome.error, job.inputs());
  }
  if (outcome.ending == Ending::kDone && outcome.limit_reached)
    summary.status = "limit_reached";
  else if (outcome.ending == Ending::kDone && counters.rejected != 0)
    summary.status = "done_with_rejects";
  summary.counts = {counters.read,    counters.written, counters.folded,       counters.filtered,     counters.rejected,
                    counters.written, counters.batches, counters.stored_bytes, counters.decoded_bytes};
  summary.output_bytes = counters.output_bytes;
  summary.sent_bytes = counters.sent_bytes;
  return summary;
}

}  // namespace weir::face

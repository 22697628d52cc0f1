#include <algorithm>
#include <ctime>
#include <span>
#include <string>
#include <vector>

#include <unistd.h>

#include "cli/commands.hpp"
#include "engine/checkpoint.hpp"
#include "engine/counters.hpp"
#include "io/file.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "plan/network.hpp"
#include "report/printer.hpp"

namespace weir {
namespace {

const char* kind_name(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::kRunning:
      return "unfinished";
    case CheckpointKind::kFinishing:
      return "finishing";
    case CheckpointKind::kDone:
      return "done";
    case CheckpointKind::kAnew:
      return "begun anew";
  }
  return "";
}

/// "2026-11-27T04:30:00Z"
FixedText<32> time_text(uint64_t wall_ns) {
  const auto seconds = static_cast<time_t>(wall_ns / 1'000'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return FixedText<32>({text, size});
}

/// Of the inputs, the current one by its bytes: 0 to 100, or -1 where its size is not known.
double percent_of(const CheckpointHead& head, const CheckpointSource& source) {
  if (head.kind == CheckpointKind::kAnew) return 0;
  if (head.kind != CheckpointKind::kRunning) return 100;
  if (source.inputs == 0) return 0;
  double current = 0;
  if (source.input < source.inputs && source.stored_size != kNoOffset && source.stored_size != 0) {
    current = static_cast<double>(source.stored_byte) / static_cast<double>(source.stored_size);
  }
  return 100 * (static_cast<double>(source.input) + current) / static_cast<double>(source.inputs);
}

void print_json(const CheckpointReader& checkpoint, const CheckpointSource& source, const Counters& c) {
  const CheckpointHead& head = checkpoint.head();
  const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  Printer out(STDOUT_FILENO);
  out.text("{\"status\":\"").text(kind_name(head.kind)).format("\",\"percent\":%.2f", percent_of(head, source));
  out.format(",\"inputs\":%u,\"inputs_done\":%u,\"input\":\"", source.inputs, source.input);
  out.json(source.name).format("\",\"stored_byte\":%llu", number(source.stored_byte));
  out.format(",\"records\":{\"read\":%llu,\"written\":%llu,\"folded\":%llu,\"filtered\":%llu,\"rejected\":%llu}",
             number(c.read), number(c.written), number(c.folded), number(c.filtered), number(c.rejected));
  out.format(",\"runs\":%u,\"idle_runs\":%u,\"saved\":\"", head.runs, head.idle_runs);
  out.text(time_text(head.saved_wall_ns).view()).text("\"");
  if (head.verdict != 0) out.format(",\"stopped_with\":\"W%u\"", head.verdict);
  out.text(",\"version\":\"").json(head.version.view()).text("\"}\n");
}

void print_words(std::string_view name, const CheckpointReader& checkpoint, const CheckpointSource& source,
                 const Counters& c) {
  const CheckpointHead& head = checkpoint.head();
  Printer out(STDOUT_FILENO);
  out.plain(name).text(": ").text(kind_name(head.kind));
  if (head.kind == CheckpointKind::kRunning) out.format(", %.1f %%", percent_of(head, source));
  out.text("\n  records   read ").count(c.read).text(" = written ").count(c.written);
  if (c.folded != 0) out.text(" + folded ").count(c.folded);
  out.text(" + filtered ").count(c.filtered).text(" + rejected ").count(c.rejected);
  out.text("\n  input     ")
      .count(source.input)
      .text(" of ")
      .count(source.inputs)
      .text(source.inputs == 1 ? " input is done" : " inputs are done");
  if (source.input < source.inputs && !source.name.empty()) {
    out.text("; in ").plain(source.name, 300).text(" at ").bytes(source.stored_byte);
    if (source.stored_size != kNoOffset) out.text(" of ").bytes(source.stored_size);
  }
  out.text("\n  runs      ").count(head.runs).text(head.runs == 1 ? " run" : " runs");
  if (head.idle_runs > 1) out.text(", the last ").count(head.idle_runs).text(" of them without progress");
  out.text(", saved ").text(time_text(head.saved_wall_ns).view()).text(" by weir ").plain(head.version.view());
  if (head.verdict != 0) {
    out.format("\n  stopped   W%u: ", head.verdict).text(code_info(static_cast<Code>(head.verdict)).message);
    if (head.verdict_byte != kNoOffset) out.text(", at byte ").count(head.verdict_byte);
    if (head.verdict_record != kNoOffset) out.text(", record ").count(head.verdict_record);
  }
  out.text("\n");
  if (head.kind != CheckpointKind::kDone) out.text("  go on     run the same command again; --restart begins anew\n");
}

Result<size_t> read_file(const std::string& path, std::span<char> room) {
  auto opened = open_to_read(path.c_str());
  if (!opened) return fail(opened.error());
  size_t size = 0;
  Status status;
  while (size < room.size()) {
    auto got = read_some(*opened, room.subspan(size));
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    size += *got;
  }
  close(*opened);
  return status ? Result<size_t>(size) : fail(status.error());
}

Result<size_t> read_object(const std::string& url, std::span<char> room, char** environment) {
  SystemClock clock;
  SystemNet net(clock);
  SystemDisk disk;
  const SystemWakeup wakeup(clock);
  Network network(net, clock, wakeup, disk, environment);
  auto name = s3_name(url);
  if (!name) return fail(name.error());
  WEIR_TRY(network.start({}, {.objects = true}));
  auto size = network.reader().get_small(*name, room);
  if (!size) return fail(size.error());
  if (network.reader().info().etag.empty()) return fail(Code::kNoInput);
  return static_cast<size_t>(std::min<uint64_t>(*size, room.size()));
}

}  // namespace

int status_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("status", words, options, exit_code)) return exit_code;
  if (options.operands.size() != 1) return usage_error("status", "which checkpoint? `weir status out.ndjson.weir`");
  const std::string path(options.operands[0]);
  std::vector<char> room(kCheckpointBytesMax + 1);
  const auto size = is_s3(path) ? read_object(path, room, environment) : read_file(path, room);
  if (!size) return report_error(size.error(), path);
  CheckpointReader checkpoint;
  CheckpointSource source;
  Counters counters;
  if (Status parsed = checkpoint.parse({room.data(), *size}, {}); !parsed) return report_error(parsed.error(), path);
  StateReader from = checkpoint.section(CheckpointSection::kSource);
  StateReader counted = checkpoint.section(CheckpointSection::kCounters);
  if (!source.load_front(from) || !counters.load(counted)) {
    return report_error(Error(Code::kCheckpointInvalid, "its sections are not sound"), path);
  }
  if (checkpoint.head().kind == CheckpointKind::kAnew) {
    // What stands there is the run's before.
    counters = Counters{};
    source.input = 0;
    source.stored_byte = 0;
    source.name = {};
  }
  if (options.json)
    print_json(checkpoint, source, counters);
  else
    print_words(path, checkpoint, source, counters);
  return 0;
}

}  // namespace weir

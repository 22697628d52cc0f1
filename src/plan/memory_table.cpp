// The lines of the memory plan: the one place where every byte the process can take is added up.
#include <algorithm>

#include "memory/process_malloc.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "plan/units.hpp"

namespace weir {
namespace {

// What is there before the work starts. Measured on the release binary: the main thread touches less than half of its line.
constexpr uint64_t kStackBytes = 192u << 10;
constexpr uint64_t kKernelBytes = 96u << 10;  // page tables
constexpr size_t kStoredBytes = 64u << 10;
constexpr size_t kOutputBytes = 128u << 10;
constexpr size_t kEncodedBytes = 64u << 10;
constexpr size_t kRejectsBytes = 32u << 10;
constexpr uint64_t kLibrarySetupBytes = 128u << 10;
constexpr size_t kWholeBatchSlack = 64u << 10;

}  // namespace

void Job::add_line(const char* name, uint64_t bytes, const char* knob, const char* why) {
  budget_.add({name, bytes, LineKind::kWork, knob, why});
}

void Job::sum_up() {
  budget_ = Budget{};
  sizes_ = Sizes{};
  if (host_ == Host::kProcess) {
    const auto process = [&](const char* name, uint64_t bytes, const char* why) { budget_.add({name, bytes, LineKind::kProcess, "", why}); };
    const uint64_t arenas = kSetupArenaBytes + kRuntimeArenaBytes;
    const uint64_t image = image_bytes();
    process("program image", image > arenas ? image - arenas : image, "code, constants and static data of the binary, all of it");
    process("set-up", kSetupArenaBytes, "pipeline file, compiled query, names of inputs: taken before the first byte is read");
    process("libc", kRuntimeArenaBytes, "the C library's own needs while running");
    process("stack", kStackBytes, "the one thread's stack; nothing recurses on data");
    process("page tables", kKernelBytes, "what the kernel keeps for this process' memory");
  }
  sizes_.stored = kStoredBytes;
  add_line("input buffer", sizes_.stored, "", "bytes as they are stored, before decompression");
  if (detected_.needs_gzip) {
    sizes_.gzip = decoder_memory_max(Codec::kGzip, decoder_limits_);
    add_line("gzip decoder", sizes_.gzip, "", "state and 32 KiB of history");
  }
  if (detected_.needs_zstd) {
    sizes_.zstd = decoder_memory_max(Codec::kZstd, decoder_limits_);
    add_line("zstd decoder", sizes_.zstd, "input.zstd_window_max", "state and the largest window a frame may ask for");
  }
  sizes_.reader = reader_memory_max(reader_options_, program_->projection());
  add_line("reader", sizes_.reader, "input.record_max, input.window, input.columns_max",
           "a window with room for the largest record, the index of its fields, slices of up to 2,048 records");
  sizes_.program = program_memory_max(*program_);
  add_line("query", sizes_.program, "input.record_max", "values of 256 records at a time and the text that functions make");
  sizes_.driver = Driver::scratch_bytes();
  add_line("row lists", sizes_.driver, "", "which records of a batch pass, and which fail");

  if (host_ == Host::kLibrary) {
    budget_.add({"set-up", kLibrarySetupBytes, LineKind::kProcess, "", "pipeline, compiled query, names of inputs: on the host's heap"});
  }
  if (pull_) {
    add_line("batch", pull_bytes_, "", "the records of one batch, where the caller reads them");
  } else {
    sum_up_output();
  }
  if (!rejects_name_.empty()) {
    sizes_.rejects = kRejectsBytes;
    add_line("rejects buffer", sizes_.rejects, "", "rejected records on their way out");
    if (rejects_codec_ != Codec::kNone) {
      sizes_.rejects_encoder = encoder_memory_max(rejects_codec_, -1);
      sizes_.rejects_encoded = kEncodedBytes;
      add_line("rejects encoder", sizes_.rejects_encoder + sizes_.rejects_encoded, "", "compression of the rejects");
    }
  }
  // Spare memory buys fewer system calls; it changes no output byte.
  const uint64_t total = budget_.total();
  constexpr size_t kReadAhead = 192u << 10;
  if (total + 2 * kReadAhead <= config_.memory && (detected_.needs_gzip || detected_.needs_zstd)) {
    budget_.add({"read-ahead", kReadAhead, LineKind::kSpare, "memory", "spare: longer reads; changes no output byte"});
    sizes_.stored += kReadAhead;
  }
}

void Job::add_pull_memory(uint64_t bytes) {
  pull_bytes_ = bytes;
  sum_up();
}

void Job::sum_up_output() {
  const size_t columns_max = columns_.size() + reader_options_.csv.columns_max;
  sizes_.writer = writer_memory_max(writer_options_, columns_max, names_bytes_);
  add_line("writer", sizes_.writer, "input.columns_max, input.header_bytes_max", "names of the output's columns, ready to be copied");
  const bool whole = to_ == To::kExec || (outside_sink_ != nullptr && outside_sink_->traits().whole_batches);
  sizes_.output = whole ? std::max<size_t>(config_.batch.bytes, reader_options_.record_bytes_max) + kWholeBatchSlack : kOutputBytes;
  add_line(whole ? "batch" : "output buffer", sizes_.output, whole ? "batch.bytes" : "", whole ? "one whole batch, kept until it is accepted" : "records on their way out");
  if (output_codec_ != Codec::kNone) {
    sizes_.encoder = encoder_memory_max(output_codec_, config_.output.level);
    sizes_.encoded = kEncodedBytes;
    add_line(output_codec_ == Codec::kGzip ? "gzip encoder" : "zstd encoder", sizes_.encoder, "output.level", "state and tables of the level");
    add_line("compressed output", sizes_.encoded, "", "compressed bytes on their way out");
  }
}

Error Job::refusal() const {
  Error error(Code::kBudgetTooSmall);
  error.detail.append("needs ").append(format_bytes(budget_.needed()).view()).append(" (").append_number(budget_.needed());
  error.detail.append(" bytes), the budget is ").append(format_bytes(config_.memory).view());
  return error;
}

}  // namespace weir

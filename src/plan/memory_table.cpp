// The lines of the memory plan: the one place where every byte the process can take is added up.
//
// A line is a bound, not a guess: what the line counts can't grow past it, whatever comes in. How each component's bound is
// derived stands in its header; those of the process itself stand here. docs/memory.md tells it to the user.
#include <algorithm>

#include "base/assert.hpp"
#include "connector/s3_objects_sink.hpp"
#include "connector/s3_sink.hpp"
#include "io/system_net.hpp"
#include "memory/process_malloc.hpp"
#include "memory/process_memory.hpp"
#include "plan/job.hpp"
#include "plan/units.hpp"

namespace weir {
namespace {

// The main thread's stack, and the words and the environment that lie on it before main. The deepest that the set-up goes are
// 64 levels of expressions: 128 KiB with what calls them, held to by a test that runs the binary under this limit; the work takes less
// than a quarter of that. Words and environment past their share are counted on top.
constexpr uint64_t kStackBytes = 192u << 10;
constexpr uint64_t kArgumentShare = 32u << 10;
constexpr uint64_t kArgumentStep = 64u << 10;
// Task, kernel stack (16 KiB), mappings, open files: what a process of one thread costs the kernel besides its page tables.
constexpr uint64_t kKernelBytes = 32u << 10;
// What build() may still take from the set-up arena, and the steps in which the line grows: so that the few bytes by which `weir plan`
// and `weir run` differ do not change what is needed.
constexpr uint64_t kBuildBytes = 64u << 10;
constexpr uint64_t kSetupStep = 128u << 10;
constexpr uint64_t kPipeBytes = 64u << 10;  // a pipe, as full as Linux makes it

constexpr size_t kStoredBytes = 64u << 10;
constexpr size_t kPlainStoredBytes =
    4u << 10;  // the first bytes, from which the codec is told; the rest goes into the window
constexpr size_t kOutputBytes = 128u << 10;
constexpr size_t kEncodedBytes = 64u << 10;
constexpr size_t kRejectsBytes = 32u << 10;
constexpr uint64_t kLibrarySetupBytes = 128u << 10;
constexpr size_t kWholeBatchSlack = 64u << 10;
constexpr size_t kOutputStateBytes = 128;  // of a byte output and its sink, without the encoder's
constexpr size_t kGeneratedNameBytes = 6;  // `_65536`

constexpr uint64_t round_up(uint64_t bytes, uint64_t step) { return (bytes + step - 1) / step * step; }

/// "name bytes" with what joins it to what stands there.
LineFormula& put(LineFormula& formula, std::string_view what, uint64_t bytes) {
  if (!formula.empty()) formula.append(" + ");
  return formula.append(what).append(" ").append(format_bytes(bytes).view());
}

}  // namespace

void Job::add_line(const char* name, uint64_t bytes, const char* knob, const char* why, const LineFormula& formula) {
  budget_.add({name, bytes, LineKind::kWork, knob, why, formula});
}

void Job::sum_up() {
  budget_ = Budget{};
  sizes_ = Sizes{};
  if (host_ == Host::kProcess) sum_up_process();
  sum_up_input();
  if (host_ == Host::kLibrary) {
    budget_.add({"set-up", kLibrarySetupBytes, LineKind::kProcess, "",
                 "pipeline, compiled query, names of inputs: on the host's heap"});
  }
  if (pull_) {
    add_line("batch", pull_bytes_, "", "the records of one batch, where the caller reads them");
  } else {
    sum_up_output();
  }
  if (!rejects_name_.empty()) {
    sizes_.rejects = kRejectsBytes;
    add_line("rejects buffer", sizes_.rejects, "rejects.to", "rejected records on their way out");
    if (rejects_codec_ != Codec::kNone) {
      sizes_.rejects_encoder = encoder_memory_max(rejects_codec_, -1);
      sizes_.rejects_encoded = kEncodedBytes;
      add_line("rejects encoder", sizes_.rejects_encoder + sizes_.rejects_encoded, "rejects.to",
               "compression of the rejects");
    }
  }
  if (!checkpoint_name_.empty()) sum_up_checkpoint();
  if (network_) sum_up_network();
  constexpr size_t kReadAhead = 192u << 10;
  if (host_ == Host::kProcess) {
    // Behind the others, because they grow with all that is mapped: the spare line too, there or not, so that what is needed
    // does not depend on the budget.
    budget_.add({"page tables", page_table_bytes_max(image_bytes(), budget_.work_bytes() + kReadAhead),
                 LineKind::kProcess, "", "what the kernel keeps to find this process' memory",
                 LineFormula("8 bytes for each page of 4 KiB that is mapped, and the levels above")});
  }
  // Spare memory buys fewer system calls; it changes no output byte.
  if (budget_.total() + 2 * kReadAhead <= config_.memory && (detected_.needs_gzip || detected_.needs_zstd)) {
    budget_.add({"read-ahead", kReadAhead, LineKind::kSpare, "memory", "spare: longer reads; changes no output byte"});
    sizes_.stored += kReadAhead;
  }
  WEIR_ASSERT(!fits() || budget_.total() <= config_.memory);
}

// What is there whatever the pipeline does.
void Job::sum_up_process() {
  const auto process = [&](const char* name, uint64_t bytes, const char* why, const LineFormula& formula = {}) {
    budget_.add({name, bytes, LineKind::kProcess, "", why, formula});
  };
  const uint64_t arenas = kSetupArenaBytes + kRuntimeArenaBytes;
  const uint64_t image = image_bytes();
  const uint64_t openssl = openssl_image_bytes();
  process("program image", (image > arenas ? image - arenas : image) - openssl,
          "code, constants and static data of the binary, all of it, touched or not; shared with other runs");
  if (network_) process("OpenSSL's image", openssl, "its code and constants, which no other job touches");

  const AllocatorFigures allocator = allocator_figures();
  setup_bytes_max_ =
      std::min<uint64_t>(round_up(allocator.setup_bytes_used + kBuildBytes, kSetupStep), kSetupArenaBytes);
  // Steps, so that the formula says the same whenever the line does.
  LineFormula setup;
  put(setup, "in steps of", kSetupStep);
  setup.append(", with ").append(format_bytes(kBuildBytes).view()).append(" to spare; ");
  setup.append(format_bytes(kSetupArenaBytes).view()).append(" at most");
  process("set-up", setup_bytes_max_,
          "pipeline file, compiled query, names of inputs: taken before the first byte is read", setup);
  process("libc", kRuntimeArenaBytes, "the C library's own needs while running");

  const uint64_t arguments = argument_bytes();
  const uint64_t more = arguments > kArgumentShare ? round_up(arguments - kArgumentShare, kArgumentStep) : 0;
  LineFormula stack;
  put(stack, "frames", kStackBytes - kArgumentShare);
  put(stack, "words and environment", kArgumentShare + more);
  process("stack", kStackBytes + more, "the one thread's stack; nothing recurses on data", stack);
  process("kernel", kKernelBytes, "task, kernel stack, mappings and open files of this process");
}

void Job::sum_up_input() {
  const bool decodes = detected_.needs_gzip || detected_.needs_zstd;
  sizes_.stored = decodes ? kStoredBytes : kPlainStoredBytes;
  add_line(
      "input buffer", sizes_.stored, "",
      decodes ? "bytes as they are stored, before decompression" : "the first bytes, from which the codec is told");
  if (detected_.needs_gzip) {
    sizes_.gzip = decoder_memory_max(Codec::kGzip, decoder_limits_);
    add_line("gzip decoder", sizes_.gzip, "",
             "isa-l's state with 32 KiB of history, and the copy a failed step is repeated from");
  }
  if (detected_.needs_zstd) {
    sizes_.zstd = decoder_memory_max(Codec::kZstd, decoder_limits_);
    LineFormula formula;
    put(formula, "zstd_window_max", decoder_limits_.zstd_window_max);
    put(formula, "blocks and tables", sizes_.zstd - std::min<size_t>(sizes_.zstd, decoder_limits_.zstd_window_max));
    add_line("zstd decoder", sizes_.zstd, "input.zstd_window_max", "state and the largest window a frame may ask for",
             formula);
  }
  sizes_.reader = reader_memory_max(reader_options_, program_->projection());
  LineFormula reader;
  put(reader, "window", reader_options_.window_bytes);
  put(reader, "record_max", reader_options_.record_bytes_max);
  put(reader, "index and columns", sizes_.reader - reader_options_.window_bytes - reader_options_.record_bytes_max);
  const bool csv = detected_.format == Format::kCsv;
  add_line("reader", sizes_.reader,
           csv ? "input.record_max, input.window, input.columns_max, input.header_bytes_max"
               : "input.record_max, input.window",
           csv ? "a window with room for the largest record, the places of its fields, the names of the columns"
               : "a window with room for the largest record, slices of up to 2,048 records",
           reader);
  sizes_.program = program_memory_max(*program_);
  const uint64_t texts = program_text_bytes_max(*program_);
  LineFormula query;
  if (texts != 0) put(query, "texts 2 x record_max", texts);
  put(query, "values", sizes_.program - texts);
  add_line("query", sizes_.program, texts != 0 ? "input.record_max, query" : "query",
           "values of up to 256 records at a time, and room for the texts that functions make of one record", query);
  sizes_.driver = Driver::scratch_bytes();
  add_line("row lists", sizes_.driver, "", "which of a batch's 2,048 records pass, and which fail");
}

void Job::add_pull_memory(uint64_t bytes) {
  pull_bytes_ = bytes;
  sum_up();
}

// JSON records bring their own names.
size_t Job::output_columns_max() const {
  size_t columns = 0;
  for (const WriteColumn& column : columns_) {
    if (!column.star || detected_.format != Format::kCsv)
      ++columns;
    else
      columns +=
          reader_options_.csv.columns.empty() ? reader_options_.csv.columns_max : reader_options_.csv.columns.size();
  }
  return columns;
}

size_t Job::output_names_max() const {
  constexpr size_t kSingleNameBytes = 8;  // `line`, `data`
  const CsvOptions& csv = reader_options_.csv;
  size_t bytes = 0;
  for (const WriteColumn& column : columns_) {
    if (!column.star) {
      bytes += column.name.size();
    } else if (detected_.format != Format::kCsv) {
      bytes += kSingleNameBytes;
    } else if (!csv.columns.empty()) {
      for (const std::string_view name : csv.columns) bytes += name.size();
    } else {
      bytes += (csv.header ? csv.header_bytes_max : 0) + kGeneratedNameBytes * csv.columns_max;
    }
  }
  return bytes;
}

void Job::sum_up_output() {
  sizes_.writer = writer_memory_max(writer_options_, output_columns_max(), names_bytes_);
  bool all_names = false;
  for (const WriteColumn& column : columns_) all_names = all_names || (column.star && detected_.format == Format::kCsv);
  LineFormula writer;
  writer.append_number(output_columns_max())
      .append(" columns, ")
      .append(format_bytes(names_bytes_).view())
      .append(" of names");
  add_line("writer", sizes_.writer, all_names ? "input.columns_max, input.header_bytes_max" : "query",
           all_names ? "the header, or the keys, of every column there may be, as they are written"
                     : "the header, or the keys, of the query's columns, as they are written",
           writer);
  if (to_ == To::kMessages) return sum_up_outbox();
  const bool whole = to_ == To::kExec || (outside_sink_ != nullptr && outside_sink_->traits().whole_batches);
  sizes_.output =
      whole ? std::max<size_t>(config_.batch.bytes, reader_options_.record_bytes_max) + kWholeBatchSlack : kOutputBytes;
  LineFormula batch;
  if (whole)
    put(put(batch, "the larger of batch.bytes and record_max", sizes_.output - kWholeBatchSlack), "slack",
        kWholeBatchSlack);
  add_line(whole ? "batch" : "output buffer", sizes_.output, whole ? "batch.bytes, input.record_max" : "",
           whole ? "one whole batch, kept until it is accepted" : "records on their way out", batch);
  if (output_codec_ != Codec::kNone) {
    sizes_.encoder = encoder_memory_max(output_codec_, config_.output.level);
    sizes_.encoded = kEncodedBytes;
    add_line(output_codec_ == Codec::kGzip ? "gzip encoder" : "zstd encoder", sizes_.encoder,
             "output.codec, output.level", "the state and tables of the level, the chunk of 64 KiB that it is fed");
    add_line("compressed output", sizes_.encoded, "output.codec", "compressed bytes on their way out");
  }
  if (to_ == To::kExec && host_ == Host::kProcess) {
    budget_.add(
        {"pipe", kPipeBytes, LineKind::kProcess, "", "what the kernel holds of a batch until the command reads it"});
  }
}

// Batches on their way to a service, and the one that is filled.
void Job::sum_up_outbox() {
  const OutboxShape shape = outbox_shape();
  sizes_.output = std::min(shape.batch_bytes, destination_->limits().message_bytes_max) + kWholeBatchSlack;
  LineFormula record;
  put(put(record, "the less of batch.bytes and what the service takes", sizes_.output - kWholeBatchSlack), "slack",
      kWholeBatchSlack);
  add_line("message", sizes_.output, "batch.bytes", "one record as it is written, before it is encoded for the service",
           record);
  sizes_.outbox = Outbox::memory_max(*destination_, outbox_options_);
  const uint64_t batch = Outbox::batch_bytes_max(*destination_, outbox_options_);
  LineFormula batches;
  batches.append_number(shape.in_flight).append(" on their way and one that is filled, each ");
  batches.append(format_bytes(shape.batch_bytes).view());
  batches.append(" and a table of ")
      .append_number(shape.messages)
      .append(shape.messages == 1 ? " message" : " messages");
  add_line("batches", (shape.in_flight + 1) * batch, "output.in_flight, batch.bytes, batch.records",
           "batches that the service has not answered for yet", batches);
  LineFormula calls;
  calls.append_number(shape.in_flight).append(shape.in_flight == 1 ? " connection of " : " connections of ");
  calls.append(format_bytes(Outbox::call_bytes_max(*destination_, outbox_options_)).view());
  add_line("sends", sizes_.outbox - (shape.in_flight + 1) * batch, "output.in_flight",
           "heads, replies and frames of the requests that carry them", calls);
}

// What reaches other machines.
void Job::sum_up_network() {
  const auto process = [&](const char* name, uint64_t bytes, const char* why, const LineFormula& formula = {}) {
    budget_.add({name, bytes, LineKind::kProcess, "", why, formula});
  };
  LineFormula clients;
  const uint64_t connections = network_->connections();
  clients.append_number(connections).append(connections == 1 ? " connection of " : " connections of ");
  clients.append(format_bytes(HttpCall::memory_max()).view());
  if (connections != 0)
    process(
        "requests", network_->clients_bytes(),
        network_->needs().web() ? "heads and short replies of requests" : "heads and short replies of requests to S3",
        clients);
  process("TLS and names", network_->tls_bytes(), "what OpenSSL and c-ares take, in a fixed region");
  LineFormula sockets;
  const uint64_t all = connections + network_->needs().sends;
  sockets.append_number(all).append(all == 1 ? " socket: what it reads " : " sockets: what one reads ");
  sockets.append(format_bytes(SystemNet::receive_bytes_max(SocketUse::kReads)).view()).append(", what one writes ");
  sockets.append(format_bytes(SystemNet::send_bytes_max(SocketUse::kWrites)).view())
      .append(", answers and requests less");
  process("sockets", network_->socket_bytes(), "what the kernel holds of streams on their way", sockets);
  const bool compressed = output_codec_ != Codec::kNone;
  const auto upload_of = [&](bool small) {
    // A unit that is compressed takes a third of it or less, as a rule.
    const uint64_t unit = small ? config_.output.unit / 3 : config_.output.unit;
    return S3Sink::room_bytes(config_.output.part, unit);
  };
  const bool spooled = !config_.output.spool.empty();
  const auto line_of = [&](const char* name, uint64_t room, const char* knob, const char* what) {
    LineFormula formula;
    const uint64_t bytes = (spooled ? DiskRoom::kBufferBytes : room) + S3Sink::table_bytes();
    if (spooled) {
      put(formula, "read buffer", DiskRoom::kBufferBytes);
    } else {
      put(put(formula, "part", config_.output.part), "bytes behind it", room - config_.output.part);
    }
    put(formula, "table of parts", S3Sink::table_bytes());
    add_line(name, bytes, knob, what, formula);
    return bytes;
  };
  if (to_ == To::kObject || to_ == To::kObjects) {
    room_bytes_ = upload_of(compressed);
    sizes_.upload = line_of("upload", room_bytes_, "output.spool, output.part, output.unit",
                            spooled ? "a part of the object waits in output.spool until S3 has it"
                                    : "one part of the object until S3 has it");
  }
  if (is_s3(rejects_name_)) {
    rejects_room_bytes_ = upload_of(true);
    sizes_.rejects_upload = line_of("rejects upload", rejects_room_bytes_, "output.spool, output.part, rejects.to",
                                    spooled ? "a part of the rejects waits in output.spool until S3 has it"
                                            : "one part of the rejects until S3 has it");
  }
}

// What Driver::checkpoint_bytes_max() adds up from the parts once there are parts; build() holds the two against each other.
void Job::sum_up_checkpoint() {
  size_t decoder = 0;
  if (detected_.needs_gzip) decoder = decoder_state_max(Codec::kGzip);
  if (detected_.needs_zstd) decoder = std::max(decoder, decoder_state_max(Codec::kZstd));
  sizes_.snapshots = 2 * decoder;
  sizes_.reader_state = reader_state_max(reader_options_.format);
  sizes_.checkpoint = Driver::checkpoint_fixed_bytes() + decoder + sizes_.reader_state + program_->state_bytes_max() +
                      2 * kOutputStateBytes + writer_state_max() + encoder_state_max(output_codec_) +
                      encoder_state_max(rejects_codec_);
  // An upload's state has the names that S3 gave it.
  if (to_ == To::kObject) sizes_.checkpoint += S3Sink::kStateBytesMax;
  if (to_ == To::kObjects) sizes_.checkpoint += S3ObjectsSink::kStateBytesMax;
  if (is_s3(rejects_name_)) sizes_.checkpoint += S3Sink::kStateBytesMax;
  const size_t one = sizes_.checkpoint;
  const bool on_their_way = to_ == To::kMessages;
  // Edges with batches before them that are not done wait.
  if (on_their_way) sizes_.checkpoint *= Checkpointer::kImagesMax;
  const size_t waiting = Arena::aligned(sizes_.snapshots) + Arena::aligned(sizes_.reader_state);
  LineFormula formula;
  put(formula, on_their_way ? "three checkpoints of" : "one checkpoint", one);
  put(formula, "states that wait for their place", waiting);
  add_line("checkpoint", Arena::aligned(sizes_.checkpoint) + waiting, "checkpoint.to",
           "the state from which a stopped run goes on", formula);
}

Error Job::refusal() const {
  Error error(Code::kBudgetTooSmall);
  error.detail.append("needs ")
      .append(format_bytes(budget_.needed()).view())
      .append(" (")
      .append_number(budget_.needed());
  error.detail.append(" bytes), the budget is ").append(format_bytes(config_.memory).view());
  return error;
}

}  // namespace weir

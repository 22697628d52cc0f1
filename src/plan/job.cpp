#include "plan/job.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "connector/exec_sink.hpp"
#include "connector/file_sink.hpp"
#include "connector/folder_sink.hpp"
#include "connector/stdout_sink.hpp"
#include "memory/process_malloc.hpp"
#include "memory/process_memory.hpp"
#include "plan/name_template.hpp"
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

std::string folder_template(const std::string& to, OutputFormat format, Codec codec) {
  const char* ending = format == OutputFormat::kCsv     ? ".csv"
                       : format == OutputFormat::kTsv   ? ".tsv"
                       : format == OutputFormat::kJson  ? ".json"
                       : format == OutputFormat::kLines ? ".txt"
                       : format == OutputFormat::kRaw   ? ".bin"
                                                        : ".ndjson";
  return to + "{batch}" + ending + (codec == Codec::kGzip ? ".gz" : codec == Codec::kZstd ? ".zst" : "");
}

OutputFormat output_format_of(FormatChoice choice) {
  switch (choice) {
    case FormatChoice::kCsv: return OutputFormat::kCsv;
    case FormatChoice::kTsv: return OutputFormat::kTsv;
    case FormatChoice::kNdjson: return OutputFormat::kNdjson;
    case FormatChoice::kJson: return OutputFormat::kJson;
    case FormatChoice::kLines: return OutputFormat::kLines;
    case FormatChoice::kAuto:
    case FormatChoice::kBlocks:
    case FormatChoice::kFile: break;
  }
  return OutputFormat::kAuto;
}

Codec codec_of(CodecChoice choice) {
  return choice == CodecChoice::kGzip ? Codec::kGzip : choice == CodecChoice::kZstd ? Codec::kZstd : Codec::kNone;
}

}  // namespace

Job::Job(Clock& clock, SystemWakeup& wakeup, Host host, char** environment)
    : clock_(clock), wakeup_(wakeup), host_(host), environment_(environment) {}

Job::~Job() { unmap_working_memory(memory_); }

Status Job::prepare(Config config) {
  config_ = std::move(config);
  WEIR_TRY(choose_input());
  WEIR_TRY(compile());
  WEIR_TRY(choose_output());
  sum_up();
  return {};
}

Status Job::choose_input() {
  auto inputs = expand_inputs(config_.input.from);
  if (!inputs) return fail(inputs.error());
  inputs_ = std::move(*inputs);
  source_ = std::make_unique<FileSource>(inputs_, wakeup_);
  auto detected = detect_inputs(config_.input, *source_);
  if (!detected) return fail(detected.error());
  detected_ = std::move(*detected);

  const InputConfig& input = config_.input;
  decoder_limits_.zstd_window_max = static_cast<uint32_t>(input.zstd_window_max);
  decoder_limits_.amplification_guard = input.amplification_max != 0;
  if (input.amplification_max != 0) decoder_limits_.amplification_max = input.amplification_max;
  decoder_limits_.trailing_garbage_ignored = input.trailing_garbage_ignored;

  ReaderOptions& reader = reader_options_;
  reader.format = detected_.format;
  reader.record_bytes_max = static_cast<uint32_t>(input.record_max);
  reader.window_bytes = static_cast<uint32_t>(input.window);
  reader.reject_nul = input.nul == BytesPolicy::kReject;
  reader.reject_invalid_utf8 = input.invalid_utf8.value_or(BytesPolicy::kKeep) == BytesPolicy::kReject;
  reader.block_bytes = static_cast<uint32_t>(input.block);
  reader.csv.delimiter = detected_.delimiter;
  reader.csv.quote = input.quote.empty() ? '\0' : input.quote[0];
  reader.csv.escape = input.escape.empty() ? '\0' : input.escape[0];
  reader.csv.comment = config_.input.comment;
  reader.csv.header = input.header;
  for (const std::string& column : config_.input.columns) given_columns_.emplace_back(column);
  reader.csv.columns = given_columns_;
  reader.csv.columns_max = input.columns_max;
  reader.csv.header_bytes_max = static_cast<uint32_t>(input.header_bytes_max);
  reader.csv.ragged = input.ragged == Ragged::kPad     ? CsvOptions::Ragged::kPad
                      : input.ragged == Ragged::kError ? CsvOptions::Ragged::kError
                                                       : CsvOptions::Ragged::kReject;
  reader.csv.resync = input.quotes == Quotes::kResync;
  reader.json.depth_max = input.depth_max;
  reader.json.path = config_.input.path;
  return {};
}

Status Job::compile() {
  std::vector<TypeHint> types;
  for (const ColumnType& type : config_.input.types) types.push_back({type.column, type.type});
  QueryOptions options;
  options.types = types;
  options.errors_are_null = config_.input.conversion_errors_are_null;
  options.empty_is_null = config_.input.empty_is_null;
  options.fields_are_text = detected_.format != Format::kNdjson && detected_.format != Format::kJson;
  options.ordinals = options.fields_are_text;
  options.record_max = reader_options_.record_bytes_max;
  auto compiled = compile_query(config_.query, options);
  if (!compiled) {
    Error error = compiled.error();
    // A place in the query becomes a place in the pipeline file.
    if (config_.query_line != 0 && error.line != 0) {
      if (error.line == 1) error.column += config_.query_column - 1;
      else error.column += config_.query_column - 1;
      error.line += config_.query_line - 1;
    }
    return fail(error);
  }
  program_ = std::move(compiled->program);
  columns_.clear();
  names_bytes_ = reader_options_.csv.header_bytes_max;
  for (size_t i = 0; i < program_->output().size(); ++i) {
    const OutputColumn& column = program_->output()[i];
    columns_.push_back({column.name, column.field, program_->computed_index(i), column.star});
    names_bytes_ += column.name.size();
  }
  return {};
}

Status Job::choose_output() {
  const OutputConfig& output = config_.output;
  std::string to = output.to;
  if (pull_) {
    to_ = To::kPull;
    output_name_ = "the caller";
    return choose_rejects();
  }
  if (outside_sink_ != nullptr) {
    to_ = To::kOutside;
  } else if (preview_records_ != kNoOffset || to == "stdout" || to == "-") {
    to_ = To::kStdout;
  } else if (to == "exec") {
    to_ = To::kExec;
  } else if (to.find("://") != std::string::npos) {
    return fail(Code::kNotYet, "output.to: " + to + ": this version writes files, folders, stdout and exec");
  } else {
    to_ = To::kFile;
  }

  output_why_ = "as configured";
  output_format_ = output.format;
  // A preview shows records as the output would hold them.
  const bool has_name = to_ == To::kFile || (to_ == To::kStdout && to != "stdout" && to != "-" && to != "exec");
  if (output_format_ == OutputFormat::kAuto && has_name) {
    output_format_ = output_format_of(format_of_name(to));
    output_why_ = "by the name";
  }
  if (output_format_ == OutputFormat::kAuto) {
    output_why_ = "as the input";
    switch (detected_.format) {
      case Format::kCsv: output_format_ = detected_.delimiter == '\t' ? OutputFormat::kTsv : OutputFormat::kCsv; break;
      case Format::kNdjson:
      case Format::kJson: output_format_ = OutputFormat::kNdjson; break;
      case Format::kLines: output_format_ = OutputFormat::kLines; break;
      case Format::kBlocks:
      case Format::kFile: output_format_ = OutputFormat::kRaw; break;
    }
    const bool one_column = columns_.size() == 1;
    if ((output_format_ == OutputFormat::kLines || output_format_ == OutputFormat::kRaw) && !one_column) {
      output_format_ = OutputFormat::kNdjson;
      output_why_ = "because there are several columns";
    }
  }
  output_codec_ = output.codec == CodecChoice::kAuto ? codec_of(to_ == To::kFile ? codec_of_name(to) : CodecChoice::kNone) : codec_of(output.codec);
  if (to_ == To::kStdout && preview_records_ != kNoOffset) output_codec_ = Codec::kNone;

  const bool is_text_table = output_format_ == OutputFormat::kCsv || output_format_ == OutputFormat::kTsv;
  const bool star_only = columns_.size() == 1 && columns_[0].star;
  if (is_text_table && (detected_.format == Format::kNdjson || detected_.format == Format::kJson)) {
    for (const WriteColumn& column : columns_) {
      if (column.star) return fail(Code::kContradiction, "SELECT * of JSON records can't be written as CSV: records bring their own names; list the columns");
    }
  }
  if (!is_text_table && !config_.input.types.empty()) {
    for (const WriteColumn& column : columns_) {
      if (column.star) return fail(Code::kContradiction, "input.types does not reach `*`, which passes fields on as they are: list the columns in the query");
    }
  }
  if ((output_format_ == OutputFormat::kLines || output_format_ == OutputFormat::kRaw) && columns_.size() != 1) {
    return fail(Code::kContradiction, "output.format lines and raw write one column; the query gives more");
  }

  if (to_ == To::kFile) {
    if (to.back() == '/') to = folder_template(to, output_format_, output_codec_);
    auto parsed = NameTemplate::parse(to);
    if (!parsed) return fail(parsed.error());
    if (parsed->uses_input() && inputs_.size() != 1) {
      return fail(Code::kBadTemplate, "output.to: {input...} needs exactly one input, there are " + std::to_string(inputs_.size()));
    }
    NameValues values;
    values.input = inputs_.empty() || inputs_[0] == "stdin" ? std::string_view{} : std::string_view(inputs_[0]);
    char room[NameTemplate::kBytesMax];
    // The batch's number is put in by the sink: render with two numbers to see where it stands.
    auto name = parsed->render(values, room);
    if (!name) return fail(name.error());
    output_name_ = *name;
    if (parsed->uses_batch()) {
      to_ = To::kFolder;
      values.batch = 111111;
      char other_room[NameTemplate::kBytesMax];
      auto other = parsed->render(values, other_room);
      if (!other) return fail(other.error());
      size_t first = 0;
      while (first < output_name_.size() && output_name_[first] == (*other)[first]) ++first;
      size_t last = output_name_.size();
      while (last > first && output_name_[last - 1] == (*other)[last - 1]) --last;
      if (last - first != FolderSink::kNumberDigits) return fail(Code::kBadTemplate, "output.to: {batch} may stand there once");
      output_prefix_ = output_name_.substr(0, first);
      output_suffix_ = output_name_.substr(last);
      output_name_ = output_prefix_ + "{batch}" + output_suffix_;
    }
  } else {
    output_name_ = to_ == To::kExec ? config_.exec.command.empty() ? "exec" : config_.exec.command[0] : to_ == To::kStdout ? "stdout" : "the caller";
  }
  for (const std::string& input : inputs_) {
    struct stat a {}, b {};
    if (to_ == To::kFile && stat(input.c_str(), &a) == 0 && stat(output_name_.c_str(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
        S_ISREG(a.st_mode)) {
      return fail(Code::kContradiction, "output.to is an input: " + output_name_);
    }
  }
  if (config_.batch.age_ns != 0 && to_ != To::kStdout && to_ != To::kExec && to_ != To::kOutside) {
    return fail(Code::kContradiction, "batch.age would make the output depend on the clock; it is for stdout and exec");
  }

  WriterOptions& writer = writer_options_;
  writer.format = output_format_ == OutputFormat::kCsv || output_format_ == OutputFormat::kTsv ? WriterFormat::kCsv
                  : output_format_ == OutputFormat::kJson                                      ? WriterFormat::kJson
                  : output_format_ == OutputFormat::kLines                                     ? WriterFormat::kLines
                  : output_format_ == OutputFormat::kRaw                                       ? WriterFormat::kRaw
                                                                                               : WriterFormat::kNdjson;
  writer.delimiter = !output.delimiter.empty() ? output.delimiter[0] : output_format_ == OutputFormat::kTsv ? '\t' : ',';
  writer.header = output.header;
  writer.batch_records_max = config_.batch.records;
  writer.batch_bytes_max = config_.batch.bytes;
  // A batch that may be asked for again is never begun with a record that does not fit.
  writer.whole_records = to_ == To::kExec || (outside_sink_ != nullptr && outside_sink_->traits().whole_batches);
  writer.raw_records = writer.format == WriterFormat::kCsv && star_only && raw_records_possible();
  reader_options_.raw_only = writer.raw_records;

  return choose_rejects();
}

Status Job::choose_rejects() {
  if (!config_.rejects.to.empty() && preview_records_ == kNoOffset) {
    auto parsed = NameTemplate::parse(config_.rejects.to);
    if (!parsed) return fail(parsed.error());
    if (parsed->uses_batch()) return fail(Code::kBadTemplate, "rejects.to: {batch} is for output.to");
    if (parsed->uses_input() && inputs_.size() != 1) return fail(Code::kBadTemplate, "rejects.to: {input...} needs exactly one input");
    NameValues values;
    values.input = inputs_.empty() || inputs_[0] == "stdin" ? std::string_view{} : std::string_view(inputs_[0]);
    char room[NameTemplate::kBytesMax];
    auto name = parsed->render(values, room);
    if (!name) return fail(name.error());
    rejects_name_ = *name;
    if (rejects_name_ == output_name_ && to_ != To::kStdout) return fail(Code::kContradiction, "rejects.to and output.to are the same");
    if (rejects_name_ == "stdout" && to_ == To::kStdout) return fail(Code::kContradiction, "rejects.to and output.to are both stdout");
    rejects_codec_ = codec_of(codec_of_name(rejects_name_));
  }
  return {};
}

bool Job::raw_records_possible() const {
  const CsvOptions& csv = reader_options_.csv;
  return detected_.format == Format::kCsv && csv.delimiter == writer_options_.delimiter && csv.quote == '"' && csv.escape == 0 &&
         csv.ragged != CsvOptions::Ragged::kPad;
}

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
  WEIR_ASSERT(!fits() || budget_.total() <= config_.memory);
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

Status Job::make_sinks() {
  const bool replace = config_.output.if_exists == IfExists::kReplace;
  switch (to_) {
    case To::kOutside:
    case To::kPull: break;
    case To::kStdout: own_sink_ = std::make_unique<StdoutSink>(); break;
    case To::kFile: own_sink_ = std::make_unique<FileSink>(output_name_, replace, config_.output.create_folders); break;
    case To::kFolder:
      own_sink_ = std::make_unique<FolderSink>(output_prefix_, output_suffix_, replace, config_.output.create_folders);
      break;
    case To::kExec: {
      ExecOptions options;
      options.command = config_.exec.command;
      options.name = config_.name.empty() ? "weir" : config_.name;
      options.memory_max = config_.exec.memory;
      options.retries = config_.exec.retries;
      options.timeout_ns = config_.exec.timeout_ns;
      own_sink_ = std::make_unique<ExecSink>(std::move(options), clock_, wakeup_, environment_);
      break;
    }
  }
  if (rejects_name_ == "stdout") {
    rejects_sink_ = std::make_unique<StdoutSink>();
  } else if (rejects_name_ == "stderr") {
    rejects_sink_ = std::make_unique<StdoutSink>(2);
  } else if (!rejects_name_.empty()) {
    rejects_sink_ = std::make_unique<FileSink>(rejects_name_, replace || config_.output.if_exists == IfExists::kSkip, config_.output.create_folders);
  }
  return {};
}

Status Job::build() {
  if (!fits()) return fail(refusal());
  if (config_.output.if_exists == IfExists::kSkip && to_ == To::kFile) {
    struct stat info {};
    if (stat(output_name_.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      skipped_ = true;
      return {};
    }
  }
  WEIR_TRY(make_sinks());
  auto mapped = map_working_memory(std::max<size_t>(budget_.work_bytes(), 4096));
  if (!mapped) return fail(mapped.error());
  memory_ = *mapped;
  Arena arena(memory_);
  pipeline_.source = source_.get();
  pipeline_.stored = arena.take(sizes_.stored);
  if (sizes_.gzip != 0) pipeline_.gzip = make_decoder(Codec::kGzip, decoder_limits_, arena.take(sizes_.gzip));
  if (sizes_.zstd != 0) pipeline_.zstd = make_decoder(Codec::kZstd, decoder_limits_, arena.take(sizes_.zstd));
  pipeline_.detect_codec = detected_.codec_by_content;
  pipeline_.codec = detected_.codec;
  auto reader = make_reader(reader_options_, program_->projection(), arena.take(sizes_.reader));
  if (!reader) return fail(reader.error());
  pipeline_.reader = *reader;
  attach_program_memory(*program_, arena.take(sizes_.program));
  pipeline_.program = program_.get();
  pipeline_.scratch = arena.take(sizes_.driver);
  BatchSink* sink = nullptr;
  if (pull_) {
    pull_memory_ = arena.take(pull_bytes_);
  } else {
    RecordWriter* writer = make_writer(writer_options_, columns_.size() + reader_options_.csv.columns_max, names_bytes_, arena.take(sizes_.writer));
    const std::span<char> output = arena.take(sizes_.output);
    Encoder* encoder = nullptr;
    std::span<char> encoded;
    if (output_codec_ != Codec::kNone) {
      encoder = make_encoder(output_codec_, config_.output.level, arena.take(sizes_.encoder));
      encoded = arena.take(sizes_.encoded);
    }
    sink = outside_sink_ != nullptr ? outside_sink_ : own_sink_.get();
    byte_output_.emplace(*sink, encoder, output, encoded, clock_, counters_);
    record_output_.emplace(*writer, *byte_output_, kUnitOutputBytes, config_.batch.age_ns, clock_, counters_);
    pipeline_.output = &*record_output_;
  }
  if (rejects_sink_ != nullptr) {
    const std::span<char> buffer = arena.take(sizes_.rejects);
    Encoder* rejects_encoder = nullptr;
    std::span<char> rejects_encoded;
    if (rejects_codec_ != Codec::kNone) {
      rejects_encoder = make_encoder(rejects_codec_, -1, arena.take(sizes_.rejects_encoder));
      rejects_encoded = arena.take(sizes_.rejects_encoded);
    }
    rejects_output_.emplace(*rejects_sink_, rejects_encoder, buffer, rejects_encoded, clock_, counters_);
  }
  rejects_.emplace(rejects_output_ ? &*rejects_output_ : nullptr, RejectLimits{config_.rejects.max_count, config_.rejects.max_share});
  pipeline_.columns = columns_;
  pipeline_.rejects = &*rejects_;
  pipeline_.sink = sink;
  pipeline_.rejects_sink = rejects_sink_.get();
  pipeline_.clock = &clock_;
  pipeline_.wakeup = &wakeup_;
  pipeline_.records_preview = preview_records_;
  pipeline_.publish_partial = config_.output.publish_partial;
  if (!pull_) driver_.emplace(pipeline_, counters_);
  for (size_t i = 0; i < source_->count(); ++i) {
    const uint64_t size = source_->size(i);
    counters_.input_size = size == kNoOffset ? 0 : counters_.input_size + size;
    if (size == kNoOffset) break;
  }
  // The sinks last: nothing is touched unless everything else is ready.
  if (sink != nullptr) WEIR_TRY(sink->start());
  if (rejects_sink_ != nullptr) {
    if (Status started = rejects_sink_->start(); !started) {
      if (sink != nullptr) sink->cancel();
      return started;
    }
  }
  return {};
}

Outcome Job::run(Deadline deadline, RunObserver* observer) {
  pipeline_.observer = observer;
  if (host_ == Host::kProcess) seal();  // a host goes on taking memory for itself
  Outcome outcome = driver_->run(deadline);
  return outcome;
}

std::string_view Job::leftover() const {
  if (outside_sink_ != nullptr) return outside_sink_->leftover();
  return own_sink_ != nullptr ? own_sink_->leftover() : std::string_view{};
}

std::string_view Job::rejects_leftover() const { return rejects_sink_ != nullptr ? rejects_sink_->leftover() : std::string_view{}; }

}  // namespace weir

#include "plan/job.hpp"

#include <algorithm>

#include "connector/folder_sink.hpp"
#include "connector/routed_source.hpp"
#include "connector/s3_objects_sink.hpp"
#include "connector/s3_sink.hpp"
#include "connector/s3_source.hpp"
#include "hash/hex.hpp"
#include "memory/process_memory.hpp"
#include "plan/header.hpp"
#include "plan/job_id.hpp"
#include "plan/name_template.hpp"
#include "plan/spec.hpp"
#include "plan/units.hpp"
#include "record/column_names.hpp"

namespace weir {
namespace {

std::string folder_template(const std::string& to, bool rolls, OutputFormat format, Codec codec) {
  const char* ending = format == OutputFormat::kCsv     ? ".csv"
                       : format == OutputFormat::kTsv   ? ".tsv"
                       : format == OutputFormat::kJson  ? ".json"
                       : format == OutputFormat::kLines ? ".txt"
                       : format == OutputFormat::kRaw   ? ".bin"
                                                        : ".ndjson";
  return to + (rolls ? "{part}" : "{batch}") + ending +
         (codec == Codec::kGzip   ? ".gz"
          : codec == Codec::kZstd ? ".zst"
                                  : "");
}

OutputFormat output_format_of(FormatChoice choice) {
  switch (choice) {
    case FormatChoice::kCsv:
      return OutputFormat::kCsv;
    case FormatChoice::kTsv:
      return OutputFormat::kTsv;
    case FormatChoice::kNdjson:
      return OutputFormat::kNdjson;
    case FormatChoice::kJson:
      return OutputFormat::kJson;
    case FormatChoice::kLines:
      return OutputFormat::kLines;
    case FormatChoice::kAuto:
    case FormatChoice::kBlocks:
    case FormatChoice::kFile:
      break;
  }
  return OutputFormat::kAuto;
}

Codec codec_of(CodecChoice choice) {
  return choice == CodecChoice::kGzip ? Codec::kGzip : choice == CodecChoice::kZstd ? Codec::kZstd : Codec::kNone;
}

}  // namespace

Job::Job(Clock& clock, Wakeup& wakeup, Disk& disk, Host host, char** environment)
    : clock_(clock), wakeup_(wakeup), disk_(disk), host_(host), environment_(environment) {}

Job::~Job() {
  own_sink_.reset();  // it lies in that memory
  unmap_working_memory(memory_);
  limit_setup(kNoOffset);
}

Status Job::prepare(Config config, Deadline deadline) {
  config_ = std::move(config);
  deadline_ = deadline;
  const Status prepared = prepare_parts(deadline);
  if (!prepared && mistakes_.empty()) mistakes_.push_back(prepared.error());
  return mistakes_.empty() ? Status() : fail(mistakes_[0]);
}

// Where parts are to wait is a folder: before anything is asked of anybody.
Status Job::check_spool() const {
  const std::string& spool = config_.output.spool;
  if (spool.empty() || (!is_s3(config_.output.to) && !is_s3(config_.rejects.to))) return {};
  const auto there = disk_.info(spool.c_str());
  if (there && there->kind == FileKind::kFolder) return {};
  if (!there && there.error().exit() == Exit::kAuth) return fail(there.error());
  const bool nothing = !there || there->kind == FileKind::kNone;
  return fail(Code::kNoSpool, spool + (nothing ? " is not there" : " is no folder"));
}

Status Job::prepare_parts(Deadline deadline) {
  WEIR_TRY(check_spool());
  if (const Status chosen = choose_input(deadline); !chosen) {
    mistakes_.push_back(chosen.error());
    if (chosen.error().exit() == Exit::kBadConfig) find_mistakes(false);
    return chosen;
  }
  if (const Status compiled = compile(); !compiled) {
    find_mistakes(true);
    return compiled;
  }
  WEIR_TRY(choose_output());
  WEIR_TRY(choose_checkpoint());
  sum_up();
  // A run that goes on found its columns before; what is there now may be another input, which is for the checkpoint
  // to say.
  bool may_go_on = false;
  if (!checkpoint_name_.empty()) {
    const auto there =
        is_s3(checkpoint_name_) ? Result<FileInfo>(fail(Code::kNoInput)) : disk_.info(checkpoint_name_.c_str());
    may_go_on = !there || there->kind != FileKind::kNone;
  }
  if (!may_go_on) check_columns();
  return {};
}

std::span<const Error> Job::lint(Config config) {
  config_ = std::move(config);
  bool files = !config_.input.from.empty();
  if (auto inputs = expand_inputs(config_.input.from, disk_); inputs) {
    inputs_ = std::move(*inputs);
    const FileSource source(inputs_, disk_, wakeup_);
    for (size_t i = 0; i < source.count(); ++i) files = files && source.size(i) != kNoOffset;
  } else {
    files = false;
  }
  find_mistakes(files && choose_input({}));
  return mistakes_;
}

/// The query's mistakes behind those that were found before.
void Job::find_mistakes(bool format_known) {
  std::vector<std::string_view> names;
  std::optional<std::vector<std::string>> columns;
  if (format_known) {
    // What the plan would take is not known: a part that any job needs.
    auto read = read_column_names(*source_, detected_, reader_options_, decoder_limits_, config_.memory / 4, clock_);
    if (read) columns = std::move(*read);
  }
  if (columns) names.assign(columns->begin(), columns->end());
  for (const Error& error : query_mistakes(config_.query, query_options(format_known), columns ? &names : nullptr)) {
    mistakes_.push_back(in_file(error));
  }
}

bool Job::check_columns() {
  if (!fits() || program_->projection().paths.empty()) return true;
  const auto columns =
      read_column_names(*source_, detected_, reader_options_, decoder_limits_, budget_.work_bytes(), clock_);
  if (!columns) mistakes_.push_back(columns.error());
  if (!columns || !*columns) return mistakes_.empty();
  const std::vector<std::string_view> names((*columns)->begin(), (*columns)->end());
  for (const FieldPath& path : program_->projection().paths) {
    if (const auto found = find_column(path, names); !found) mistakes_.push_back(in_file(found.error()));
  }
  return mistakes_.empty();
}

/// A place in the query becomes a place in the pipeline file.
Error Job::in_file(Error error) const {
  const FilePlace place = query_place(config_, error.line, error.column);
  return place.line == 0 ? error : error.at_line(place.line, place.column);
}

// Where something of the job is on another machine.
Status Job::open_network() {
  Network::Needs needs;
  needs.objects = is_s3(config_.output.to) || is_s3(config_.rejects.to) || is_s3(config_.checkpoint.to);
  for (const std::string& from : config_.input.from) {
    needs.objects = needs.objects || is_s3(from);
    if (!is_http(from)) continue;
    (from[4] == 's' || from[4] == 'S' ? needs.https : needs.http) = true;
  }
  const DestinationKind* kind = outside_sink_ != nullptr || pull_ || preview_records_ != kNoOffset
                                    ? nullptr
                                    : destination_kind(config_.output.to);
  if (kind != nullptr) {
    needs.services = kind->needs == DestinationNeeds::kAws;
    needs.sends_http = kind->needs == DestinationNeeds::kHttp;
    needs.sends_https = kind->needs == DestinationNeeds::kHttps;
    needs.sends = config_.output.in_flight;
  }
  if (!needs.any()) return {};
  if (net_ == nullptr) return fail(Code::kNotYet, "s3://, http://, https:// and services from a host program");
  network_ = std::make_unique<Network>(*net_, clock_, wakeup_, disk_, environment_);
  network_->limit().until_ns = deadline_.at_ns;
  return network_->start(config_.aws, needs);
}

// From here on nothing but the source of these inputs has what is secret in their addresses.
Status Job::take_addresses() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!is_http(inputs_[i])) continue;
    auto address = parse_http_address(inputs_[i]);
    if (!address) {
      Error error = address.error();
      error.detail.append(": ").append(shown_address(inputs_[i]));
      return fail(error);
    }
    addresses_.resize(inputs_.size());
    addresses_[i] = std::move(*address);
    inputs_[i] = addresses_[i].shown;
  }
  return {};
}

Status Job::choose_input(Deadline deadline) {
  WEIR_TRY(open_network());
  if (outside_source_ != nullptr) {
    for (size_t i = 0; i < outside_source_->count(); ++i) inputs_.emplace_back(outside_source_->name(i));
    source_ = std::make_unique<RoutedSource>(inputs_, *outside_source_, nullptr, nullptr);
    return detect(deadline);
  }
  auto inputs = expand_inputs(config_.input.from, disk_, network_.get(), config_.input.from_event);
  if (!inputs) return fail(inputs.error());
  inputs_ = std::move(*inputs);
  WEIR_TRY(take_addresses());
  files_ = std::make_unique<FileSource>(inputs_, disk_, wakeup_);
  if (network_ && network_->needs().objects)
    objects_ = std::make_unique<S3Source>(inputs_, network_->reader(), wakeup_);
  if (!addresses_.empty()) web_ = std::make_unique<HttpSource>(inputs_, addresses_, network_->web(), wakeup_);
  source_ = std::make_unique<RoutedSource>(inputs_, *files_, objects_.get(), web_.get());
  return detect(deadline);
}

Status Job::detect(Deadline deadline) {
  auto detected = detect_inputs(config_.input, *source_, deadline);
  if (!detected) return fail(detected.error());
  detected_ = std::move(*detected);
  choose_reader();
  return {};
}

void Job::choose_reader() {
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
  reader.json.touched = input.validate == Validate::kTouched;
  reader.json.path = config_.input.path;
}

/// Where the format is not known: what any format would take.
QueryOptions Job::query_options(bool format_known) {
  types_.clear();
  for (const ColumnType& type : config_.input.types) types_.push_back({type.column, type.type});
  QueryOptions options;
  options.types = types_;
  options.errors_are_null = config_.input.conversion_errors_are_null;
  options.empty_is_null = config_.input.empty_is_null;
  options.fields_are_text = format_known && detected_.format != Format::kNdjson && detected_.format != Format::kJson;
  options.ordinals = options.fields_are_text;
  options.record_max = reader_options_.record_bytes_max;
  return options;
}

Status Job::compile() {
  auto compiled = compile_query(config_.query, query_options(true));
  if (!compiled) return fail(in_file(compiled.error()));
  program_ = std::move(compiled->program);
  columns_.clear();
  for (size_t i = 0; i < program_->output().size(); ++i) {
    const OutputColumn& column = program_->output()[i];
    columns_.push_back({column.name, column.field, program_->computed_index(i), column.star});
  }
  names_bytes_ = output_names_max();
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
  } else if (is_s3(to)) {
    to_ = To::kObject;
  } else if (const DestinationKind* kind = destination_kind(to); kind != nullptr) {
    return choose_destination(*kind);
  } else if (to.find("://") != std::string::npos) {
    return fail(Code::kNotYet,
                "output.to: " + to.substr(0, to.find("://") + 3) + " is none of what this version writes to");
  } else {
    to_ = To::kFile;
  }

  output_why_ = "as configured";
  output_format_ = output.format;
  // A preview shows records as the output would hold them.
  const bool has_name =
      to_ == To::kFile || to_ == To::kObject || (to_ == To::kStdout && to != "stdout" && to != "-" && to != "exec");
  if (output_format_ == OutputFormat::kAuto && has_name) {
    output_format_ = output_format_of(format_of_name(to));
    output_why_ = "by the name";
  }
  if (output_format_ == OutputFormat::kAuto) {
    output_why_ = "as the input";
    switch (detected_.format) {
      case Format::kCsv:
        output_format_ = detected_.delimiter == '\t' ? OutputFormat::kTsv : OutputFormat::kCsv;
        break;
      case Format::kNdjson:
      case Format::kJson:
        output_format_ = OutputFormat::kNdjson;
        break;
      case Format::kLines:
        output_format_ = OutputFormat::kLines;
        break;
      case Format::kBlocks:
      case Format::kFile:
        output_format_ = OutputFormat::kRaw;
        break;
    }
    const bool one_column = columns_.size() == 1;
    if ((output_format_ == OutputFormat::kLines || output_format_ == OutputFormat::kRaw) && !one_column) {
      output_format_ = OutputFormat::kNdjson;
      output_why_ = "because there are several columns";
    }
  }
  output_codec_ = output.codec == CodecChoice::kAuto
                      ? codec_of(to_ == To::kFile || to_ == To::kObject ? codec_of_name(to) : CodecChoice::kNone)
                      : codec_of(output.codec);
  if (to_ == To::kStdout && preview_records_ != kNoOffset) output_codec_ = Codec::kNone;

  const bool is_text_table = output_format_ == OutputFormat::kCsv || output_format_ == OutputFormat::kTsv;
  const bool star_only = columns_.size() == 1 && columns_[0].star;
  if (is_text_table && (detected_.format == Format::kNdjson || detected_.format == Format::kJson)) {
    for (const WriteColumn& column : columns_) {
      if (column.star)
        return fail(
            Code::kContradiction,
            "SELECT * of JSON records can't be written as CSV: records bring their own names; list the columns");
    }
  }
  if (!is_text_table && !config_.input.types.empty()) {
    for (const WriteColumn& column : columns_) {
      if (column.star)
        return fail(
            Code::kContradiction,
            "input.types does not reach `*`, which passes fields on as they are: list the columns in the query");
    }
  }
  if ((output_format_ == OutputFormat::kLines || output_format_ == OutputFormat::kRaw) && columns_.size() != 1) {
    return fail(Code::kContradiction, "output.format lines and raw write one column; the query gives more");
  }

  if (to_ == To::kFile || to_ == To::kObject) {
    if (to.back() == '/') to = folder_template(to, rolls(), output_format_, output_codec_);
    auto parsed = NameTemplate::parse(to);
    if (!parsed) return fail(parsed.error());
    if (parsed->uses_input() && inputs_.size() != 1) {
      return fail(Code::kBadTemplate,
                  "output.to: {input...} needs exactly one input, there are " + std::to_string(inputs_.size()));
    }
    NameValues values;
    values.input = inputs_.empty() || inputs_[0] == "stdin" ? std::string_view{} : std::string_view(inputs_[0]);
    values.input_folder_is_trusted = !config_.input.from_event;
    char room[NameTemplate::kBytesMax];
    // The batch's number is put in by the sink: render with two numbers to see where it stands.
    if (config_.input.from_event && !parsed->uses_input())
      return fail(Code::kBadTemplate,
                  "output.to is the same for every event: put {input.stem}, {input.dir} or {input.key} into it");
    auto name = parsed->render(values, room);
    if (!name) return fail(name.error());
    output_name_ = *name;
    if (to_ == To::kObject) WEIR_TRY(parse_s3_address(output_name_));
    if (parsed->uses_part() != (output.roll_bytes != 0 || output.roll_records != 0)) {
      return fail(Code::kContradiction,
                  parsed->uses_part() ? "output.to has {part}: set output.roll_bytes or output.roll_records"
                                      : "output.roll_bytes and roll_records need {part} in output.to, or a folder");
    }
    if (parsed->uses_batch()) {
      to_ = to_ == To::kObject ? To::kObjects : To::kFolder;
      values.batch = 111111;
      char other_room[NameTemplate::kBytesMax];
      auto other = parsed->render(values, other_room);
      if (!other) return fail(other.error());
      size_t first = 0;
      while (first < output_name_.size() && output_name_[first] == (*other)[first]) ++first;
      size_t last = output_name_.size();
      while (last > first && output_name_[last - 1] == (*other)[last - 1]) --last;
      if (last - first != FolderSink::kNumberDigits)
        return fail(Code::kBadTemplate, "output.to: {batch} or {part} may stand there once");
      output_prefix_ = output_name_.substr(0, first);
      output_suffix_ = output_name_.substr(last);
      if (to_ == To::kObjects && output_prefix_.find('/', 5) == std::string::npos)
        return fail(Code::kBadTemplate, "output.to: the bucket can't be named by {batch} or {part}");
      if (to_ == To::kObjects && output_name_.size() + 14 > S3ObjectsSink::kKeyBytesMax)
        return fail(Code::kBadTemplate, "output.to: the key is too long");
      output_name_ = output_prefix_ + (parsed->uses_part() ? "{part}" : "{batch}") + output_suffix_;
    }
  } else {
    output_name_ = to_ == To::kExec     ? config_.exec.command.empty() ? "exec" : config_.exec.command[0]
                       : to_ == To::kStdout ? "stdout"
                                        : "the caller";
  }
  for (const std::string& from : config_.input.from) {
    // The next run would list what this one wrote.
    if (is_s3(from) && from.ends_with('/') && output_name_.starts_with(from))
      return fail(Code::kContradiction, "output.to lies under input.from: " + from);
  }
  for (const std::string& input : inputs_) {
    const bool one_of_ours = to_ == To::kObjects && input.starts_with(output_prefix_) &&
                             input.ends_with(output_suffix_) &&
                             input.size() >= output_prefix_.size() + output_suffix_.size();
    if (one_of_ours || (to_ == To::kObject && input == output_name_))
      return fail(Code::kContradiction, "output.to is an input: " + output_name_);
    if (to_ != To::kFile || input == "stdin" || is_s3(input) || is_http(input)) continue;
    const auto a = disk_.info(input.c_str());
    const auto b = disk_.info(output_name_.c_str());
    if (a && b && a->kind == FileKind::kRegular && a->same_file(*b)) {
      return fail(Code::kContradiction, "output.to is an input: " + output_name_);
    }
  }
  WEIR_TRY(refuse_loop(output_name_, "output.to"));
  if (config_.batch.age_ns != 0 && to_ != To::kStdout && to_ != To::kExec && to_ != To::kOutside) {
    return fail(Code::kContradiction, "batch.age would make the output depend on the clock; it is for stdout and exec");
  }

  WriterOptions& writer = writer_options_;
  writer.format = output_format_ == OutputFormat::kCsv || output_format_ == OutputFormat::kTsv ? WriterFormat::kCsv
                  : output_format_ == OutputFormat::kJson                                      ? WriterFormat::kJson
                  : output_format_ == OutputFormat::kLines                                     ? WriterFormat::kLines
                  : output_format_ == OutputFormat::kRaw                                       ? WriterFormat::kRaw
                                                                                               : WriterFormat::kNdjson;
  writer.delimiter = !output.delimiter.empty()              ? output.delimiter[0]
                     : output_format_ == OutputFormat::kTsv ? '\t'
                                                            : ',';
  writer.header = output.header;
  // A piece of a rolled output takes the batch's place.
  writer.batch_records_max = rolls() ? output.roll_records : config_.batch.records;
  writer.batch_bytes_max = rolls() ? output.roll_bytes : config_.batch.bytes;
  // A batch that may be asked for again is never begun with a record that does not fit.
  writer.whole_records = to_ == To::kExec || (outside_sink_ != nullptr && outside_sink_->traits().whole_batches);
  writer.raw_records = writer.format == WriterFormat::kCsv && star_only && raw_records_possible();
  reader_options_.raw_only = writer.raw_records;

  return choose_rejects();
}

// What an event told of is written to where such events come from: it would call the function again.
Status Job::refuse_loop(std::string_view name, std::string_view key) const {
  if (!config_.input.from_event) return {};
  // Nor may what was written so call it: the folder that the template itself names.
  const std::string_view to = std::string_view(config_.output.to).substr(0, config_.output.to.find('{'));
  const std::string_view own = key == "output.to" ? to.substr(0, to.rfind('/') + 1) : std::string_view{};
  for (const std::string& input : inputs_) {
    const bool ours = is_s3(own) && input.starts_with(own);
    if (!is_s3(input) || (!ours && !name.starts_with(input.substr(0, input.rfind('/') + 1)))) continue;
    Error error(Code::kContradiction, key);
    error.detail.append(" lies in the folder whose objects call this function, or below: ").append(name);
    return fail(error);
  }
  return {};
}

Status Job::choose_rejects() {
  if (!config_.rejects.to.empty() && preview_records_ == kNoOffset) {
    auto parsed = NameTemplate::parse(config_.rejects.to);
    if (!parsed) return fail(parsed.error());
    if (parsed->uses_batch()) return fail(Code::kBadTemplate, "rejects.to: {batch} is for output.to");
    if (parsed->uses_input() && inputs_.size() != 1)
      return fail(Code::kBadTemplate, "rejects.to: {input...} needs exactly one input");
    NameValues values;
    values.input = inputs_.empty() || inputs_[0] == "stdin" ? std::string_view{} : std::string_view(inputs_[0]);
    values.input_folder_is_trusted = !config_.input.from_event;
    char room[NameTemplate::kBytesMax];
    auto name = parsed->render(values, room);
    if (!name) return fail(name.error());
    rejects_name_ = *name;
    if (rejects_name_ == output_name_ && to_ != To::kStdout)
      return fail(Code::kContradiction, "rejects.to and output.to are the same");
    if (rejects_name_ == "stdout" && to_ == To::kStdout)
      return fail(Code::kContradiction, "rejects.to and output.to are both stdout");
    rejects_codec_ = codec_of(codec_of_name(rejects_name_));
    WEIR_TRY(refuse_loop(rejects_name_, "rejects.to"));
  }
  return {};
}

// Where the job's state is kept, if the run can leave one.
Status Job::choose_checkpoint() {
  checkpoint_name_.clear();
  const std::string& to = config_.checkpoint.to;
  if (to == "none") return {};
  const bool named = to != "auto";
  std::string why_not;
  if (pull_ || to_ == To::kOutside || host_ == Host::kLibrary) {
    why_not = "a host that takes the records itself goes on by itself";
  } else if (preview_records_ != kNoOffset) {
    return {};
  } else if (to_ == To::kStdout) {
    why_not = "what went to stdout can't be taken back";
  } else if (rejects_name_ == "stdout" || rejects_name_ == "stderr") {
    why_not = "what went to rejects.to can't be taken back";
  } else if (config_.output.publish_partial) {
    why_not = "output.publish_partial gives away what a later run would go on with";
  } else if (source_->count() == 0) {
    why_not = "there is no input";
  }
  for (size_t i = 0; i < source_->count() && why_not.empty(); ++i) {
    auto resumable = source_->resumable(i);
    if (!resumable) return fail(resumable.error());  // not without: what an earlier run left would be lost
    if (*resumable) continue;
    why_not = is_http(inputs_[i])
                  ? inputs_[i] + " can't be read again from the middle: " + std::string(web_->why_not(i))
                  : "an input is no regular file, and can't be read again from the middle";
  }
  for (const std::string* name : {&output_name_, &rejects_name_}) {
    if (!why_not.empty() || name->empty() || is_s3(*name) || (name == &output_name_ && to_ != To::kFile)) continue;
    const auto there = disk_.info(name->c_str());
    if (!there) return fail(there.error());
    if (there->kind == FileKind::kOther) why_not = "an output is no regular file, and can't be taken back";
  }
  if (!why_not.empty()) return named ? fail(Code::kContradiction, "checkpoint.to: " + why_not) : Status{};
  const std::string beside =
      to_ == To::kFile || to_ == To::kObject ? output_name_ : output_prefix_ + "batch" + output_suffix_;
  if (!named) {
    if (to_ != To::kFile && to_ != To::kFolder && to_ != To::kObject && to_ != To::kObjects) return {};
    checkpoint_name_ = beside + ".weir";
  } else if (to.back() == '/' && config_.input.from_event) {
    // Invocations side by side are jobs of their own, whatever they are called.
    const FixedText<64> hash = sha256_hex(inputs_.empty() ? std::string_view{} : std::string_view(inputs_[0]));
    checkpoint_name_ = to + (config_.name.empty() ? "" : config_.name + "/") + beside.substr(beside.rfind('/') + 1) +
                       "-" + std::string(hash.view().substr(0, 16)) + ".weir";
  } else if (to.back() == '/') {
    const std::string stem = to_ == To::kExec       ? "exec"
                             : to_ == To::kMessages ? std::string(destination_->name())
                                                    : beside.substr(beside.rfind('/') + 1);
    checkpoint_name_ = to + (config_.name.empty() ? stem : config_.name) + ".weir";
  } else {
    checkpoint_name_ = to;
  }
  for (const std::string& input : inputs_) {
    if (input == checkpoint_name_) return fail(Code::kContradiction, "checkpoint.to is an input: " + input);
  }
  WEIR_TRY(refuse_loop(checkpoint_name_, "checkpoint.to"));
  if (is_s3(checkpoint_name_)) WEIR_TRY(parse_s3_address(checkpoint_name_));
  job_id_ = job_id(config_);
  return {};
}

// An upload's tail lies beside the checkpoint; where that is no object, beside the output.
S3SinkOptions Job::upload_options(const std::string& url, bool replace) const {
  S3SinkOptions options;
  options.url = url;
  options.name = *s3_name(url);
  if (!checkpoint_name_.empty()) {
    const std::string& beside =
        to_ == To::kObjects && url == output_name_ ? output_prefix_ + "batch" + output_suffix_ : url;
    options.tail = *s3_name(is_s3(checkpoint_name_) ? checkpoint_name_ : beside + ".weir");
    // Of two uploads of one job each has its own.
    if (url == rejects_name_) options.tail.key += ".rejects";
  }
  options.part_bytes = config_.output.part;
  options.replace = replace;
  options.signed_payload = network_->signed_payload();
  return options;
}

Job::S3Expectation Job::s3_expectation() const {
  S3Expectation expected;
  const bool output = to_ == To::kObject || to_ == To::kObjects;
  const bool rejects = is_s3(rejects_name_);
  const bool checkpoint = is_s3(checkpoint_name_);
  // Of the first input the kind is told from its first bytes; of each the identity is asked for where a checkpoint names it.
  for (const std::string& input : inputs_) expected.gets += is_s3(input) ? 1 : 0;
  if (!inputs_.empty() && is_s3(inputs_[0])) ++expected.gets;
  expected.each_object = to_ == To::kObjects;
  for (const bool upload : {output, rejects}) {
    if (!upload) continue;
    ++expected.puts;
    if (config_.output.if_exists != IfExists::kReplace) ++expected.gets;
    expected.puts_per_gib = std::max<uint64_t>(expected.puts_per_gib, (uint64_t{1} << 30) / config_.output.part);
    if (checkpoint_name_.empty()) continue;
    ++expected.puts;  // its tail at the end
    ++expected.puts_per_checkpoint;
  }
  if (checkpoint) {
    expected.gets += 2;  // the lease and the checkpoint
    expected.puts += 1 + 2;  // the lease; all is written, and it is shown
    ++expected.puts_per_checkpoint;
  }
  return expected;
}

bool Job::raw_records_possible() const {
  const CsvOptions& csv = reader_options_.csv;
  return detected_.format == Format::kCsv && csv.delimiter == writer_options_.delimiter && csv.quote == '"' &&
         csv.escape == 0 && csv.ragged != CsvOptions::Ragged::kPad;
}

}  // namespace weir

#include "lambda/lambda_settings.hpp"

#include <charconv>

#include "delivery/destinations.hpp"
#include "plan/name_template.hpp"
#include "plan/units.hpp"

namespace weir {
namespace {

constexpr size_t kPipelineBytesMax = 256u << 10;

Result<std::string> read_text(const std::string& path, Disk& disk) {
  auto file = disk.open_to_read(path.c_str());
  if (!file) return fail(file.error());
  std::string text;
  char room[8192];
  Status status;
  for (;;) {
    auto got = disk.read_at(*file, text.size(), room);
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    text.append(room, *got);
    if (text.size() > kPipelineBytesMax) break;  // parse_pipeline() says so
  }
  disk.close(*file);
  if (!status) return fail(status.error());
  return text;
}

bool is_there(const std::string& path, Disk& disk) {
  const auto info = disk.info(path.c_str());
  return info && info->kind != FileKind::kNone;
}

}  // namespace

LambdaSettings LambdaSettings::of(const Environment& environment) {
  const auto get = [&](std::string_view name) { return std::string(environment.find(name).value_or("")); };
  LambdaSettings settings;
  settings.api = get("AWS_LAMBDA_RUNTIME_API");
  settings.function_name = get("AWS_LAMBDA_FUNCTION_NAME");
  settings.log_level = get("AWS_LAMBDA_LOG_LEVEL");
  settings.metrics = get("WEIR_METRICS") == "emf";
  const std::string memory = get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
  uint64_t mebibytes = 0;
  std::from_chars(memory.data(), memory.data() + memory.size(), mebibytes);
  if (mebibytes <= 1u << 20) settings.memory_bytes = mebibytes << 20;
  return settings;
}

Result<PipelineText> find_pipeline(const Environment& environment, Disk& disk) {
  PipelineText pipeline;
  if (const auto given = environment.find("WEIR_PIPELINE"); given && !given->empty()) {
    if (given->find('\n') != std::string_view::npos || given->find(": ") != std::string_view::npos ||
        given->starts_with('{')) {
      pipeline.text = *given;
      pipeline.from = "WEIR_PIPELINE";
      return pipeline;
    }
    pipeline.from = *given;
    if (given->starts_with("s3://")) return pipeline;
  } else {
    const std::string root(environment.find("LAMBDA_TASK_ROOT").value_or("/var/task"));
    for (const std::string& path : {root + "/weir.yaml", std::string("/opt/weir.yaml")}) {
      if (!pipeline.from.empty() || !is_there(path, disk)) continue;
      pipeline.from = path;
    }
    if (pipeline.from.empty())
      return fail(Code::kNoInput, "there is no pipeline: set WEIR_PIPELINE, or put weir.yaml beside bootstrap");
  }
  auto text = read_text(pipeline.from, disk);
  if (!text) return fail(text.error());
  pipeline.text = std::move(*text);
  return pipeline;
}

Status set_memory(Config& config, uint64_t memory_bytes) {
  if (memory_bytes == 0) return {};
  const uint64_t reserve = config.lambda.memory_reserve;
  const uint64_t most = memory_bytes > reserve ? memory_bytes - reserve : 0;
  if (config.memory_given && config.memory <= most) return {};
  if (most < (8u << 20) || config.memory_given) {
    Error error(Code::kBudgetTooSmall, "the function has ");
    error.detail.append(format_bytes(memory_bytes).view()).append(", of which ");
    error.detail.append(format_bytes(reserve).view()).append(" are Lambda's own (lambda.memory_reserve)");
    if (config.memory_given) error.detail.append("; memory: ").append(format_bytes(config.memory).view());
    return fail(error);
  }
  config.memory = most;
  return {};
}

Status check_for_lambda(const Config& config) {
  const bool event = config.input.from.size() == 1 && config.input.from[0] == "event";
  for (const std::string& from : config.input.from) {
    if (from == "stdin")
      return fail(Code::kContradiction, "input.from: stdin: a function has none; `event` is what it is called with");
  }
  const std::string& to = config.output.to;
  if (to == "stdout" || to == "-")
    return fail(Code::kContradiction, "output.to: stdout is the function's log; name s3://bucket/key");
  for (const std::string* name : {&config.output.to, &config.rejects.to}) {
    if (name->empty() || *name == "exec" || *name == "stderr") continue;
    const bool output = name == &config.output.to;
    auto parsed = NameTemplate::parse(output && name->back() == '/' ? *name + "{batch}" : *name);
    if (!parsed) return fail(parsed.error());
    if (output && destination_kind(*name) != nullptr) continue;  // what comes again is known by its ids
    if (event && !parsed->uses_input()) {
      Error error(Code::kBadTemplate, output ? "output.to" : "rejects.to");
      error.detail.append(" is the same for every event: put {input.stem}, {input.dir} or {input.key} into it");
      return fail(error);
    }
  }
  return {};
}

// By the last part of the ARN: a queue or topic that is named without its account may be the caller's, and is taken for it.
bool sends_to_caller(std::string_view to, std::string_view source_arn, std::string_view function) {
  const DestinationKind* kind = destination_kind(to);
  if (kind == nullptr || kind->needs != DestinationNeeds::kAws) return false;
  std::string_view name = behind_scheme(to);
  if (kind->scheme == "lambda") {
    Arn arn;
    if (parse_arn(name, "lambda", arn)) name = arn.resource.substr(arn.resource.find(':') + 1);
    return name.substr(0, name.find(':')) == function;
  }
  Arn source;
  if (!parse_arn(source_arn, kind->scheme, source)) return false;
  const auto last = [](std::string_view text) { return text.substr(text.find_last_of(":/") + 1); };
  return last(name) == last(source.resource);
}

void set_for_records(Config& config, std::string_view name) {
  config.input.from = {std::string(name)};
  config.input.from_event = true;
  if (config.input.format == FormatChoice::kAuto) config.input.format = FormatChoice::kNdjson;
  config.checkpoint.to = "none";
  if (config.output.if_exists != IfExists::kFail) return;
  const std::string& to = config.output.to;
  const bool many =
      to.ends_with('/') || to.find("{batch}") != std::string::npos || to.find("{part}") != std::string::npos;
  config.output.if_exists = many ? IfExists::kReplace : IfExists::kSkip;
}

std::string error_type_of(int exit) {
  std::string type;
  bool capital = true;
  for (const char* c = exit_name(static_cast<Exit>(exit)); *c != 0; ++c) {
    if (*c == '_') {
      capital = true;
      continue;
    }
    type.push_back(capital ? *c : static_cast<char>(*c | 0x20));
    capital = false;
  }
  return type;
}

}  // namespace weir

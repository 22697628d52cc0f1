#include "base/nearest_word.hpp"
#include "cli/commands.hpp"
#include "plan/spec.hpp"

namespace weir {
namespace {

constexpr std::string_view kAll = R"(weir: record pipelines in constant memory

  weir run PIPELINE.yaml [INPUT...]     run a pipeline
  weir query "SELECT ..." [FILE...]     ad hoc: files or stdin in, stdout out
  weir plan PIPELINE.yaml [INPUT...]    where every byte of the budget goes, before a record is read
  weir check PIPELINE.yaml [INPUT...]   every mistake with line, column and how to mend it
  weir test CASES.yaml...               run cases: input, expected output, expected rejects
  weir policy PIPELINE.yaml             the least that its role must be allowed in AWS
  weir package PIPELINE.yaml            the zip to upload: the pipeline as an AWS Lambda function
  weir status CHECKPOINT                where a job stands
  weir gc PIPELINE.yaml                 what runs that died left in S3, and away with it
  weir emulate BOOTSTRAP                a local Lambda with the real walls: memory, CPU, time-out, /tmp, payloads
  weir schema                           the JSON Schema of pipeline files, for editors
  weir help [COMMAND | KEY]             more on a command, or on a key such as input.record_max
  weir version

  zcat big.csv.gz | weir query "SELECT id, amount FROM input WHERE amount > 100" --to ndjson

Exit codes: 0 done, 3 done with rejects (--fail-on-rejects), 10 stopped with a checkpoint (run it again to go on), 11 stopped without one,
20 bad configuration, 21 budget too small, 30 input corrupt, 31 source changed, 32 too many rejects, 33 decompression bomb, 40 source or
sink unavailable, 41 output exists, 42 stuck, 50 checkpoint invalid, 51 another run at work, 60 access denied, 70 internal error.
)";

constexpr std::string_view kRun = R"(weir run PIPELINE.yaml [INPUT...] [options]

Runs the pipeline. INPUTs (paths, s3://, https://, stdin) take the place of input.from. The summary goes to stderr: words on a terminal, one JSON line elsewhere.
A run that was stopped (deadline, signal, crash) and is started again goes on where it was: its state is kept beside the output. The output is a file, a folder, s3://,
stdout, a command (exec) or a service that takes messages: sqs:// sns:// kinesis:// firehose:// dynamodb:// events:// lambda:// https:// (docs/sinks.md). To a command
or a service the state needs a place: --checkpoint PATH.

  -s, --set KEY=VALUE     override a key of the file (any number of times): --set batch.records=100
  -m, --memory SIZE       the budget of the whole process: 48MiB
      --deadline TIME     stop in order after this time: 30s; or at a point of time: 2026-11-27T04:30:00Z
      --checkpoint PATH   where the state is kept; none: keep none
      --profile NAME      --region REGION   --endpoint-url URL   --no-sign-request    for AWS, as its CLI has them
      --spool DIR         a part of an object waits in a file in DIR, not in memory, until S3 has it
      --restart           begin anew, whatever the checkpoint says
  -o, --output PATH       output.to       -t, --to FORMAT    output.format: csv tsv ndjson json lines raw
  -f, --from FORMAT       input.format    -d, --delimiter C  input.delimiter
      --codec CODEC       output.codec    --path PATH        input.path, for JSON: Records[*]
      --no-header         the input has no header: columns are _1, _2 ...
      --rejects PATH      rejects.to: where bad records go
      --preview N         N records to stdout, nothing is written to the output
      --summary FORMAT    text, json or none
      --progress WHEN     auto: a line that changes, on a terminal; always: elsewhere too, a line each second; never
      --fail-on-rejects   exit 3 when a record was rejected
  -q, --quiet             no progress, no summary
)";

constexpr std::string_view kQuery = R"(weir query "SELECT ..." [FILE...] [options]

Reads FILEs (globs, s3://, https://, or stdin), writes to stdout in the input's format. The source is called `input`; FROM 'file.csv' names a file as well.

  weir query "SELECT * FROM input WHERE amount > 100" orders.csv.gz
  weir query "SELECT country, amount * 1.19 AS gross FROM 'orders.csv'" --to ndjson
  weir query "SELECT COUNT(*), AVG(CAST(amount AS DECIMAL)) FROM input" logs/*.csv
  aws-events | weir query "SELECT r.id FROM input r" --from json --path 'Records[*]'

  -t, --to FORMAT         csv tsv ndjson json lines raw       -o, --output PATH   a file instead of stdout
  -f, --from FORMAT       csv tsv ndjson json lines blocks file
  -m, --memory SIZE       the budget of the whole process (48MiB)
  -d, --delimiter C       --no-header    --path PATH    --codec gzip|zstd    --rejects PATH    --deadline TIME
  -s, --set KEY=VALUE     any key of a pipeline file
      --summary FORMAT    text or json, to stderr (none)      --fail-on-rejects   -q, --quiet
      --progress WHEN     auto (on a terminal), always, never

The language: `docs/query.md`.
)";

constexpr std::string_view kPlan = R"(weir plan PIPELINE.yaml [INPUT...] [--explain] [--json] [-s KEY=VALUE] [-m SIZE]

Shows what was detected, how batches to a service are cut and by which limit, and where every byte of the memory budget goes. Looks at the inputs' first
bytes, writes nothing. Exit 21 when the job does not fit, with the settings that would make it fit.
)";

constexpr std::string_view kCheck = R"(weir check PIPELINE.yaml [INPUT...] [-s KEY=VALUE]

Reports every mistake of the file with line, column and a way to mend it: unknown keys, wrong types, contradictions, mistakes in the query.
)";

constexpr std::string_view kPolicy = R"(weir policy PIPELINE.yaml [INPUT...] [-s KEY=VALUE] [--region REGION]

Prints the IAM policy with the least that the pipeline's role must be allowed: read its inputs, write its outputs or send to its service, keep
its state. Asks nothing of AWS. What is not in AWS (files, http:// and https://) needs none, and is not in it; keys of KMS for queues, topics and streams are not either. Which objects an event will name isn't known from the file: say it.

  weir policy weir.yaml 's3://raw/orders/*'     of a pipeline with input.from: event
)";

constexpr std::string_view kPackage = R"(weir package PIPELINE.yaml [options]

Writes the zip that AWS Lambda wants of a function with the runtime provided.al2023: this program as `bootstrap`, the pipeline as `weir.yaml`. The pipeline is
checked first, by what a function asks of it, too. Variables in it are filled in by the function's environment; to be checked they are set here as well.
The same program and pipeline give the same bytes.

  -o, --output FILE          the zip (PIPELINE-ARCH.zip, here)
  -a, --arch ARCH            arm64 or x86_64, as the function says (this program's own)
      --binary FILE          the weir to pack, for another architecture: `make arm64` gives build/arm64/weir
      --function-memory MB   what the job has to fit into, less lambda.memory_reserve (128)
      --no-bootstrap         the pipeline alone, for a function that has the layer
      --layer                no pipeline: the zip of a layer, from which any number of functions get /opt/bootstrap

  CLEAN_BUCKET=clean weir package orders.yaml --arch arm64 --binary build/arm64/weir
  weir package --layer -o weir-layer.zip

`make package` makes the layers of both architectures; deploy/ has templates for SAM and Terraform, and the commands that follow.
)";

constexpr std::string_view kStatus = R"(weir status CHECKPOINT [--json]

Tells where a job stands: input and share, records and rejects, runs so far, when it was saved, and with what the last run stopped. CHECKPOINT is
what a run leaves beside its output: `out.ndjson.weir`, or `s3://bucket/out.ndjson.weir`.
)";

constexpr std::string_view kGc =
    R"(weir gc PIPELINE.yaml [INPUT...] [--abort] [--older-than TIME] [--json] [-s KEY=VALUE]

Lists what runs of this job that died left in S3 and no later run will go on with: uploads to its output and its rejects that the checkpoint
does not name, and tails beside the checkpoint. --abort takes them away. What the checkpoint names stays; while a run is at work: exit 51.
A run is known to be at work by the lease beside its checkpoint. With `checkpoint.to: none` nothing tells: uploads that were begun within a day stay, as a run
may be at work on them. --older-than TIME sets that age (12h, 7d; 0s: all go), also of jobs with a checkpoint.
Uploads of other programs to the very same keys count as left, too.
)";

constexpr std::string_view kTest = R"(weir test CASES.yaml... [--quiet]

Runs the cases of each file: a pipeline, an input, the expected output, rejects and exit code. See docs/testing.md.
)";

constexpr std::string_view kSchema = R"(weir schema

Prints the JSON Schema of pipeline files. An editor that is told of it completes keys and marks most mistakes; `weir check` finds all.
)";

constexpr std::string_view kVersion = R"(weir version

Prints the version.
)";

constexpr std::string_view kHelp = R"(weir help [COMMAND | KEY]

Help of a command, of a section such as `input`, or of a key, with or without its section: input.record_max, record_max.
)";

struct Topic {
  std::string_view name;
  std::string_view text;
};
const Topic kTopics[] = {
    {"emulate", kEmulateHelp}, {"run", kRun},         {"query", kQuery},     {"plan", kPlan},     {"check", kCheck},
    {"test", kTest},           {"policy", kPolicy},   {"package", kPackage}, {"status", kStatus}, {"gc", kGc},
    {"schema", kSchema},       {"version", kVersion}, {"help", kHelp}};

/// Of every key whose last word is `name`.
std::string help_for_last_word(std::string_view name) {
  std::string out;
  for (const KeySpec& spec : key_table()) {
    if (spec.path.substr(spec.path.find('.') + 1) == name) out += help_for_key(spec.path);
  }
  return out;
}

std::string_view nearest_topic(std::string_view word) {
  std::string_view nearest;
  unsigned best = 99;
  for (const Topic& topic : kTopics) {
    if (is_nearer(word, topic.name, best)) nearest = topic.name;
  }
  for (const KeySpec& spec : key_table()) {
    if (is_nearer(word, spec.path.substr(0, spec.path.find('.')), best))
      nearest = spec.path.substr(0, spec.path.find('.'));
    if (is_nearer(word, spec.path.substr(spec.path.find('.') + 1), best)) nearest = spec.path;
    if (is_nearer(word, spec.path, best)) nearest = spec.path;
  }
  return nearest;
}

/// The words behind a command that takes none. False: leave with `exit_code`.
bool takes_no_words(std::string_view command, Words words, int& exit_code) {
  CommandOptions options;
  if (!parse_options(command, words, options, exit_code)) return false;
  if (options.operands.empty()) return true;
  exit_code = usage_error(command, "takes no argument, found '" + std::string(options.operands[0]) + "'");
  return false;
}

}  // namespace

std::string_view help_text(std::string_view command) {
  for (const Topic& topic : kTopics) {
    if (topic.name == command) return topic.text;
  }
  return {};
}

int help_command(Words words) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("help", words, options, exit_code)) return exit_code;
  if (options.operands.empty()) return print_text(kAll);
  if (options.operands.size() > 1) return usage_error("help", "one command or key at a time");
  const std::string_view topic = options.operands[0];
  if (const std::string_view text = help_text(topic); !text.empty()) return print_text(text);
  if (const std::string text = help_for_key(topic); !text.empty()) return print_text(text);
  if (const std::string text = help_for_last_word(topic); !text.empty()) return print_text(text);
  const std::string_view nearest = nearest_topic(topic);
  return usage_error("help", "unknown topic '" + std::string(topic) + "'" +
                                 (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?"));
}

int schema_command(Words words) {
  int exit_code = 0;
  return takes_no_words("schema", words, exit_code) ? print_text(json_schema()) : exit_code;
}

int version_command(Words words) {
  int exit_code = 0;
  return takes_no_words("version", words, exit_code) ? print_text("weir " WEIR_VERSION "\n") : exit_code;
}

}  // namespace weir

#include "plan/spec.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/nearest_word.hpp"
#include "plan/units.hpp"
#include "plan/yaml.hpp"
#include "testing/source_dir.hpp"

namespace weir {
namespace {

struct Given {
  std::string text;
  std::vector<const char*> environment;
  std::vector<std::string_view> sets;
  std::vector<std::string_view> inputs;
  bool input_is_required = true;
};

Pipeline parse(const Given& given) {
  PipelineSource source;
  source.text = given.text;
  source.environment.entries = given.environment;
  source.sets = given.sets;
  source.inputs = given.inputs;
  source.input_is_required = given.input_is_required;
  return parse_pipeline(source);
}

/// "3:5 W2003 detail" a line; a warning begins with "warning ".
std::string found(const Pipeline& pipeline) {
  std::string out;
  for (const Diagnostic& d : pipeline.diagnostics) {
    if (d.severity == Severity::kWarning) out += "warning ";
    out += std::to_string(d.error.line) + ":" + std::to_string(d.error.column) + " W" +
           std::to_string(static_cast<int>(d.error.code)) + " ";
    out += std::string(d.error.detail.view()) + "\n";
  }
  return out;
}

std::string found(const std::string& text) { return found(parse({.text = text})); }

TEST(Spec, a_pipeline_of_every_section_is_read) {
  const Pipeline p = parse({.text = R"(name: orders-de
memory: 64MiB
input:
  from: [a.csv, "b/*.csv"]
  format: csv
  record_max: 4MiB
  columns: [id, amount]
  types: {id: int, amount: decimal}
  delimiter: ";"
  quote: none
  invalid_utf8: reject
  conversion_errors: null
query: |
  SELECT id FROM input
batch:
  records: 500
  bytes: 256KiB
  age: 5s
output:
  to: exec
  format: ndjson
exec:
  command: cat > /dev/null
  timeout: 30s
rejects:
  to: bad.ndjson
  max: 1%
deadline: 15m
)"});
  EXPECT_EQ(found(p), "");
  ASSERT_TRUE(p.ok());
  const Config& c = p.config;
  EXPECT_EQ(c.name, "orders-de");
  EXPECT_EQ(c.memory, 64u << 20);
  EXPECT_TRUE(c.memory_given);
  EXPECT_EQ(c.input.from, (std::vector<std::string>{"a.csv", "b/*.csv"}));
  EXPECT_EQ(c.input.format, FormatChoice::kCsv);
  EXPECT_EQ(c.input.record_max, 4u << 20);
  EXPECT_EQ(c.input.columns, (std::vector<std::string>{"id", "amount"}));
  ASSERT_EQ(c.input.types.size(), 2u);
  EXPECT_EQ(c.input.types[1].column, "amount");
  EXPECT_EQ(c.input.types[1].type, Type::kDecimal);
  EXPECT_EQ(c.input.delimiter, ";");
  EXPECT_EQ(c.input.quote, "");
  EXPECT_EQ(c.input.invalid_utf8, BytesPolicy::kReject);
  EXPECT_TRUE(c.input.conversion_errors_are_null);
  EXPECT_EQ(c.query, "SELECT id FROM input\n");
  EXPECT_EQ(c.batch.records, 500u);
  EXPECT_EQ(c.batch.bytes, 256u << 10);
  EXPECT_EQ(c.batch.age_ns, 5'000'000'000u);
  EXPECT_EQ(c.output.to, "exec");
  EXPECT_EQ(c.output.format, OutputFormat::kNdjson);
  EXPECT_EQ(c.exec.command, (std::vector<std::string>{"/bin/sh", "-c", "cat > /dev/null"}));
  EXPECT_EQ(c.exec.timeout_ns, 30'000'000'000u);
  EXPECT_EQ(c.rejects.to, "bad.ndjson");
  EXPECT_EQ(c.rejects.max_share, 0.01);
  EXPECT_EQ(c.rejects.max_count, ~0ull);
  EXPECT_EQ(c.deadline_ns, 900'000'000'000u);
}

TEST(Spec, all_mistakes_are_reported_at_once_in_the_files_order) {
  EXPECT_EQ(found("memory: 48 megs\nbacth:\n  records: 1\ninput:\n  fromat: csv\n  record_max: 12\noutput:\n  "
                  "if_exists: maybe\nrejects:\n  max: 5\n"),
            "1:9 W2002 `memory`: expected a size such as 48MiB, found '48 megs'\n"
            "2:1 W2001 unknown key `bacth`; did you mean `batch`?\n"
            "5:3 W2001 unknown key `input.fromat`; did you mean `input.format`?\n"
            "6:15 W2003 `input.record_max`: expected 64B to 1GiB, found 12\n"
            "8:14 W2002 `output.if_exists`: expected one of fail, replace, skip; found 'maybe'\n"
            "10:3 W2005 `rejects.max`: it needs rejects.to; without it the first bad record stops the run\n"
            "0:0 W2004 `input.from`: say what to read: a path, a pattern or stdin\n");
}

TEST(Spec, each_mistake_has_its_place_and_words) {
  const struct {
    const char* text;
    const char* found;
  } cases[] = {
      // keys
      {"records: 5", "1:1 W2001 unknown key `records`; did you mean `batch.records`?\n"},
      {"xyzzy: 5", "1:1 W2001 unknown key `xyzzy`\n"},
      {"batch.records: 5",
       "1:1 W2001 unknown key `batch.records`; write `batch:`, and below it, indented, `records:`\n"},
      {"input: {from: a, recordmax: 1}",
       "1:18 W2001 unknown key `input.recordmax`; did you mean `input.record_max`?\n"},
      {"batch: 5", "1:8 W2002 `batch`: expected keys below it, indented; found a value\n"},
      {"batch: [a]", "1:8 W2002 `batch`: expected keys below it, indented; found a value\n"},
      {"- a\n- b", "1:1 W2002 a pipeline file is a map of keys such as `input:` and `output:`\n"},
      {"checkpoint: [a]", "1:13 W2002 `checkpoint`: expected keys below it, indented; found a value\n"},
      {"checkpoint: ''", "1:13 W2002 `checkpoint.to`: expected a text, found nothing\n"},
      {"input: {from: a}\noutput: {to: b}\ncheckpoint: gs://x/",
       "3:1 W2021 `checkpoint.to`: this version keeps checkpoints in files and s3://, not 'gs://'\n"},
      {"deadline: 2026-13-27T00:00:00Z",
       "1:11 W2002 `deadline`: expected a time such as 2026-11-27T04:30:00Z, found '2026-13-27T00:00:00Z'\n"},
      {"a: b: c", "1:5 W2006 a `key:` is not allowed here; check the indentation, or quote a text that holds `: `\n"},
      // types
      {"memory:", "1:1 W2002 `memory`: expected a size such as 48MiB, found nothing\n"},
      {"memory: [1]", "1:9 W2002 `memory`: expected a size such as 48MiB, found a list\n"},
      {"query: {a: b}", "1:8 W2002 `query`: expected a text, found a map\n"},
      {"query: ''", "1:8 W2002 `query`: expected a text, found nothing\n"},
      {"name: two words", "1:7 W2002 `name`: expected letters, digits, `.`, `_` and `-` only, found 'two words'\n"},
      {"deadline: 15", "1:11 W2002 `deadline`: expected a duration such as 15m, 30s or 500ms, found '15'\n"},
      {"fail_on_rejects: 1", "1:18 W2002 `fail_on_rejects`: expected true or false, found '1'\n"},
      {"batch: {records: many}", "1:18 W2002 `batch.records`: expected a whole number such as 100, found 'many'\n"},
      {"batch: {records: -1}", "1:18 W2002 `batch.records`: expected a whole number such as 100, found '-1'\n"},
      {"rejects: {to: x, max: some}",
       "1:23 W2002 `rejects.max`: expected a count such as 100 or a share such as 1%, found 'some'\n"},
      {"rejects: {to: x, max: 101%}", "1:23 W2003 `rejects.max`: expected a share from 0% to 100%, found '101%'\n"},
      {"input: {format: cvs}",
       "1:17 W2002 `input.format`: expected one of auto, csv, tsv, ndjson, json, lines, blocks, file; found 'cvs'; did "
       "you mean csv?\n"},
      {"input: {delimiter: '||'}", "1:20 W2002 `input.delimiter`: expected a single byte or `tab`, found '||'\n"},
      {"input: {quote: ab}", "1:16 W2002 `input.quote`: expected a single byte, `tab` or `none`, found 'ab'\n"},
      {"input: {delimiter: \"\\n\"}", "1:20 W2002 `input.delimiter`: a line end or NUL can't be used here\n"},
      {"input: {types: {a: integer, b: txt}}",
       "1:20 W2002 `input.types`: expected one of int, decimal, double, text, bool; found 'integer'\n"
       "1:32 W2002 `input.types`: expected one of int, decimal, double, text, bool; found 'txt'; did you mean text?\n"},
      {"input: {types: int}", "1:16 W2002 `input.types`: expected a map of column names to types, `{id: int}`\n"},
      {"input: {columns: []}", "1:18 W2003 `input.columns`: expected 1 to 65536 items, found 0\n"},
      {"input: {columns: [a, [b], '']}",
       "1:22 W2002 `input.columns`: expected a text here\n1:27 W2002 `input.columns`: an empty text can't be used "
       "here\n"},
      {"output: {to: \"a\\0b\"}", "1:14 W2002 `output.to`: a NUL byte can't be used here\n"},
      {"memory: 99999999999TiB", "1:9 W2003 `memory`: '99999999999TiB' is too large a number\n"},
      // names
      {"output: {to: 'out/{input.stm}'}",
       "1:10 W2019 `output.to`: unknown placeholder {input.stm}; did you mean {input.stem}? (at byte 5 of it)\n"},
      {"output: {to: 'x-{input.etag8}'}", "1:10 W2021 `output.to`: the placeholder {input.etag8} (at byte 3 of it)\n"},
      {"rejects: {to: 'x-{batch}'}", "1:11 W2019 `rejects.to`: {batch} is for output.to; rejects have no batches\n"},
      {"output: {to: s3://key:secret@b/k}", "1:10 W2028 `output.to`: a bucket's name is made of a-z, 0-9, - and .\n"},
      {"output: {to: stderr}",
       "1:10 W2005 `output.to`: expected stdout, exec or a path; write ./ before such a file name\n"},
      // contradictions
      {"batch: {age: 5s}\noutput: {to: x.csv}",
       "1:9 W2005 `batch.age`: a file's bytes would depend on the clock; it is for the outputs stdout and exec, and "
       "services\n"},
      {"input: {path: 'a[*]', format: csv}", "1:9 W2005 `input.path`: it is for input.format json, not for csv\n"},
      {"input: {path: 'a[*]', quote: x}",
       "1:23 W2005 `input.quote`: it is for input.format csv or tsv, but input.path makes it json\n"},
      {"input: {format: ndjson, quote: x, header: no}",
       "1:25 W2005 `input.quote`: it is for input.format csv or tsv, not for ndjson\n"
       "1:35 W2005 `input.header`: it is for input.format csv or tsv, not for ndjson\n"},
      {"input: {format: csv, depth_max: 3}",
       "1:22 W2005 `input.depth_max`: it is for input.format json or ndjson, not for csv\n"},
      {"input: {block: 1k}",
       "1:9 W2005 `input.block`: it is for input.format blocks, which must be said: input.format is not given\n"},
      {"input: {delimiter: x, quote: x}", "1:23 W2005 `input.quote`: quote and delimiter are the same byte\n"},
      {"input: {delimiter: '\"'}", "1:9 W2005 `input.delimiter`: quote and delimiter are the same byte\n"},
      {"input: {quote: none, escape: x}",
       "1:22 W2005 `input.escape`: an escape is for quoted fields, and input.quote is none\n"},
      {"input: {columns: [a, b, a]}", "1:9 W2005 `input.columns`: the column 'a' is named twice\n"},
      {"input: {columns: [a, b], columns_max: 1}",
       "1:9 W2005 `input.columns`: there are more than input.columns_max\n"},
      {"input: {columns: [a], types: {b: int}}", "1:23 W2005 `input.types`: input.columns has no column 'b'\n"},
      {"input: {codec: zstd, trailing_garbage: ignore}",
       "1:22 W2005 `input.trailing_garbage`: it is for input.codec gzip\n"},
      {"input: {codec: gzip, zstd_window_max: 1MiB}",
       "1:22 W2005 `input.zstd_window_max`: it is for input.codec zstd\n"},
      {"input: {codec: none, amplification_max: 5}",
       "1:22 W2005 `input.amplification_max`: it is for compressed input, and input.codec is none\n"},
      {"output: {to: x.csv, level: 1}", "1:21 W2005 `output.level`: the output is not compressed; set output.codec\n"},
      {"output: {to: x.gz, level: 4}", "1:20 W2005 `output.level`: gzip has the levels 0 to 3\n"},
      {"output: {codec: zstd, level: 0}", "1:23 W2005 `output.level`: zstd has the levels 1 to 9\n"},
      {"output: {format: ndjson, header: no}", "1:26 W2005 `output.header`: it is for output.format csv or tsv\n"},
      {"output: {to: stdout, if_exists: skip}", "1:22 W2005 `output.if_exists`: it is for an output that is a file\n"},
      {"output: {to: 'x-{part}'}",
       "1:10 W2005 `output.to`: {part} needs output.roll_bytes or output.roll_records, which say how large a piece "
       "is\n"},
      {"output: {to: 's3://bkt/x.csv', roll_records: 5}",
       "1:32 W2005 `output.roll_records`: it needs {part} in output.to, for the number of each piece\n"},
      {"output: {to: 'x-{batch}', roll_bytes: 5k}",
       "1:27 W2005 `output.roll_bytes`: it needs {part} in output.to, for the number of each piece\n"},
      {"output: {to: x/, roll_bytes: 5k}\nbatch: {records: 1}",
       "2:9 W2005 `batch.records`: output.roll_bytes and roll_records cut the output instead\n"},
      {"output: {roll_bytes: 5k}", "1:10 W2005 `output.roll_bytes`: it is for outputs that are files or in S3\n"},
      {"output: {to: exec}", "0:0 W2004 `exec.command`: output.to is exec: say which command gets the batches\n"},
      {"exec: {command: cat, retries: 1}",
       "1:8 W2005 `exec.command`: it is for output.to: exec\n1:22 W2005 `exec.retries`: it is for output.to: exec\n"},
      {"output: {to: x}\nrejects: {to: ./x}", "2:11 W2005 `rejects.to`: it is the same file as output.to\n"},
      {"rejects: {to: stdout}", "1:11 W2005 `rejects.to`: rejects and output would be mixed on stdout\n"},
      {"rejects: {to: bad/}", "1:11 W2005 `rejects.to`: expected a file; this is a folder\n"},
      // warnings
      {"fail_on_rejects: true",
       "warning 1:1 W2005 `fail_on_rejects`: without rejects.to the first bad record stops the run\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(found(parse({.text = c.text, .input_is_required = false})), c.found) << c.text;
}

TEST(Spec, inputs_and_outputs_are_held_apart) {
  const struct {
    const char* text;
    const char* found;
  } cases[] = {
      {"input: {from: ./a//b.csv}\noutput: {to: a/b.csv}", "2:10 W2005 `output.to`: it is an input as well\n"},
      {"input: {from: [a, b]}\nrejects: {to: b}", "2:11 W2005 `rejects.to`: it is an input as well\n"},
      {"input: {from: 'in/*.csv'}\noutput: {to: in/x.csv}",
       "warning 2:10 W2005 `output.to`: the next run would read it: it fits the input 'in/*.csv'\n"},
      {"input: {from: 'in/*.csv'}\noutput: {to: in/sub/x.csv}", ""},
      {"input: {from: [stdin, stdin]}", "1:9 W2005 `input.from`: stdin is named twice; it can be read once\n"},
      {"input: {from: stdin}\noutput: {to: 'x-{input.stem}'}",
       "2:10 W2019 `output.to`: {input...} needs an input with a name; stdin has none\n"},
      {"input: {from: [a, b]}\noutput: {to: 'x-{input.stem}'}",
       "2:10 W2019 `output.to`: {input...} needs exactly one input\n"},
      {"input: {from: https://u:p@x/y?sig=1}", ""},
      {"input: {from: ['https://u:p@x/y?sig=1']}\noutput: {to: y}", ""},
      {"input: {from: https://u:secret@x:0/y}", "1:9 W2028 `input.from`: bad port\n"},
      {"input: {from: 'ftp://u:p@x/y'}",
       "1:9 W2021 `input.from`: this version reads files, stdin, s3://, http:// and https://, not 'ftp://'\n"},
      {"input: {from: event}", ""},
      {"input: {from: [event, a]}",
       "1:9 W2005 `input.from`: `event` is what a function is called with, and stands alone\n"},
      {"input: {from: a}\noutput: {to: x.json, format: json}",
       "warning 2:22 W2005 `output.format`: each batch becomes a JSON array of its own, so the output is one JSON "
       "document only while it is one "
       "batch; take ndjson, or put {batch} into output.to\n"},
      {"input: {from: a}\noutput: {to: 'x-{batch}.json', format: json}", ""},
      {"input: {from: }", "1:9 W2002 `input.from`: expected a text or a list of texts, found nothing\n"},
      {"input: {from: ''}", "1:15 W2002 `input.from`: an empty text can't be used here\n"},
      {"", "0:0 W2004 `input.from`: say what to read: a path, a pattern or stdin\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(found(c.text), c.found) << c.text;
}

TEST(Spec, a_dash_is_stdin_or_stdout) {
  const Pipeline p = parse({.text = "input: {from: \"-\"}\noutput: {to: \"-\"}"});
  EXPECT_EQ(found(p), "");
  EXPECT_EQ(p.config.input.from, std::vector<std::string>{"stdin"});
  EXPECT_EQ(p.config.output.to, "stdout");
}

TEST(Spec, every_number_is_refused_below_its_least_and_above_its_most) {
  size_t numbers = 0;
  for (const KeySpec& spec : key_table()) {
    const bool number = spec.kind == KeyKind::kSize || spec.kind == KeyKind::kCount ||
                        spec.kind == KeyKind::kDuration || spec.kind == KeyKind::kCountOrShare;
    if (!number) continue;
    ++numbers;
    ASSERT_LT(spec.min, spec.max) << spec.path;
    const auto text_of = [&](uint64_t n) {
      return std::string(spec.kind == KeyKind::kDuration ? format_duration(n).view()
                                                         : FixedText<24>().append_number(n).view());
    };
    const auto code_of = [&](const std::string& value) {
      Pipeline p;
      apply_set(p, std::string(spec.path) + "=" + value);
      return p.diagnostics.empty() ? Code::kOk : p.diagnostics[0].error.code;
    };
    EXPECT_EQ(code_of(text_of(spec.min)), Code::kOk) << spec.path;
    EXPECT_EQ(code_of(text_of(spec.max)), Code::kOk) << spec.path;
    EXPECT_EQ(code_of(text_of(spec.max + 1)), Code::kOutOfRange) << spec.path;
    if (spec.min > 0) {
      EXPECT_EQ(code_of(text_of(spec.min - 1)), Code::kOutOfRange) << spec.path;
    }
    EXPECT_EQ(code_of("-1"), Code::kWrongType) << spec.path;
    EXPECT_NE(code_of("99999999999999999999999"), Code::kOk) << spec.path;
    EXPECT_NE(code_of(""), Code::kOk) << spec.path;
  }
  EXPECT_GE(numbers, 18u);
}

/// Everything that the table can set, as text.
std::string fingerprint(const Config& c) {
  std::string out;
  const auto add = [&](const auto& value) {
    if constexpr (std::is_convertible_v<decltype(value), std::string_view>) {
      out.append(value);
    } else {
      out += std::to_string(value);
    }
    out += '\n';
  };
  const auto add_list = [&](const std::vector<std::string>& list) {
    for (const std::string& item : list) add(item);
    add("-");
  };
  add(c.name), add(c.memory), add(c.query), add(c.deadline_ns), add(c.fail_on_rejects);
  add(c.deadline_wall_ns), add(c.checkpoint.to), add(c.checkpoint.every_ns), add(c.checkpoint.key);
  add(static_cast<int>(c.checkpoint.on_change)), add(c.checkpoint.reserve_min_ns), add(c.checkpoint.reserve_max_ns);
  add(static_cast<int>(c.lambda.cont)), add(static_cast<int>(c.lambda.loop)), add(c.lambda.on_fatal);
  add(c.lambda.memory_reserve);
  add(c.output.unit);
  const InputConfig& in = c.input;
  add_list(in.from), add(int(in.format)), add(int(in.codec)), add(in.record_max), add(in.window), add(in.columns_max);
  add(in.header_bytes_max), add(in.depth_max), add(int(in.validate)), add(in.header), add_list(in.columns),
      add(in.delimiter), add(in.quote), add(in.escape);
  add(in.comment), add(int(in.ragged)), add(int(in.quotes)), add(int(in.nul)),
      add(in.invalid_utf8 ? int(*in.invalid_utf8) : -1);
  add(in.empty_is_null), add(in.conversion_errors_are_null), add(in.path), add(in.block),
      add(in.trailing_garbage_ignored);
  add(in.amplification_max), add(in.zstd_window_max);
  for (const ColumnType& type : in.types) add(type.column), add(int(type.type));
  add(c.batch.records), add(c.batch.bytes), add(c.batch.age_ns);
  const OutputConfig& o = c.output;
  add(o.to), add(int(o.format)), add(int(o.codec)), add(o.level), add(int(o.if_exists)), add(o.header),
      add(o.delimiter);
  add(o.publish_partial), add(o.create_folders);
  add_list(c.exec.command), add(c.exec.memory), add(c.exec.retries), add(c.exec.timeout_ns);
  add(c.rejects.to), add(c.rejects.max_count), add(c.rejects.max_share);
  add(c.output.roll_bytes), add(c.output.roll_records), add(c.output.part), add(c.output.spool), add(c.aws.region),
      add(c.aws.endpoint_url), add(c.aws.profile), add(c.aws.ca_bundle);
  add(c.aws.no_sign_request), add(c.aws.requester_pays), add(c.aws.expected_bucket_owner), add(c.aws.sse);
  add(c.aws.sse_kms_key_id);
  add_list(o.key), add(o.in_flight), add(o.rate), add(o.tries), add(o.timeout_ns), add_list(c.http.headers);
  add(c.events.source), add(c.events.detail_type);
  return out;
}

/// A value as YAML would read it, for --set.
std::string plain(std::string_view yaml) {
  const std::string text(yaml);
  const auto document = parse_yaml(text);
  if (document && document->root().is_scalar()) return std::string(document->root().text());
  return text;
}

TEST(Spec, the_tables_defaults_are_the_configs) {
  for (const KeySpec& spec : key_table()) {
    if (spec.fallback.empty() || spec.path == "query") continue;
    Pipeline p;
    apply_set(p, std::string(spec.path) + "=" + plain(spec.fallback));
    EXPECT_EQ(found(p), "") << spec.path;
    EXPECT_EQ(fingerprint(p.config), fingerprint(Config{})) << spec.path;
  }
}

TEST(Spec, the_tables_examples_are_read_and_change_something) {
  for (const KeySpec& spec : key_table()) {
    ASSERT_FALSE(spec.doc.empty()) << spec.path;
    ASSERT_FALSE(spec.example.empty()) << spec.path;
    const size_t dot = spec.path.find('.');
    const std::string section(dot == std::string_view::npos ? "" : spec.path.substr(0, dot + 1));
    std::string text;
    if (!section.empty()) text = section.substr(0, section.size() - 1) + ":\n  ";
    text += std::string(spec.path.substr(section.size())) + ": " + std::string(spec.example) + "\n";
    const Pipeline p = parse({.text = text, .input_is_required = false});
    for (const Diagnostic& d : p.diagnostics) {  // contradictions with what is missing around it are fine
      EXPECT_TRUE(d.error.code == Code::kContradiction || d.error.code == Code::kMissingKey ||
                  d.error.code == Code::kBadTemplate)
          << found(p);
    }
    EXPECT_TRUE(p.given(spec.path)) << text;
    if (plain(spec.example) != plain(spec.fallback)) {
      EXPECT_NE(fingerprint(p.config), fingerprint(Config{})) << text;
    }
  }
}

TEST(Spec, the_later_overrides_the_earlier_file_environment_command_line) {
  Given given{.text = "input: {from: a}\nbatch: {records: 1, bytes: 1k}\n"};
  EXPECT_EQ(parse(given).config.batch.records, 1u);
  given.environment = {"PATH=/bin", "WEIR_SET_BATCH__RECORDS=2", "WEIR_SET_OUTPUT__IF_EXISTS=replace",
                       "WEIR_SET_OUTPUT__TO=x.csv"};
  Pipeline p = parse(given);
  EXPECT_EQ(found(p), "");
  EXPECT_EQ(p.config.batch.records, 2u);
  EXPECT_EQ(p.config.output.if_exists, IfExists::kReplace);
  EXPECT_EQ(p.mark("batch.records").origin, KeyOrigin::kEnvironment);
  EXPECT_EQ(p.mark("batch.bytes").line, 2u);
  given.sets = {"batch.records=3", "input.from=[b, 'c d']", "input.types={x: int}", "query=SELECT ${X} = 1"};
  given.inputs = {"-", "[d].csv"};
  p = parse(given);
  EXPECT_EQ(found(p), "");
  EXPECT_EQ(p.config.batch.records, 3u);
  EXPECT_EQ(p.config.input.from, (std::vector<std::string>{"stdin", "[d].csv"}));
  EXPECT_EQ(p.config.input.types[0].column, "x");
  EXPECT_EQ(p.config.query, "SELECT ${X} = 1");
  EXPECT_EQ(p.config.query_line, 0u);
}

TEST(Spec, settings_are_linted_like_the_file) {
  const struct {
    const char* setting;
    const char* found;
  } cases[] = {
      {"batch.records=many", "0:0 W2002 --set `batch.records`: expected a whole number such as 100, found 'many'\n"},
      {"bacth.records=1", "0:0 W2001 --set unknown key `bacth.records`; did you mean `batch.records`?\n"},
      {"batch=1", "0:0 W2002 --set `batch`: a section; set the keys below it one by one\n"},
      {"batch.records", "0:0 W2009 --set: expected key=value, found 'batch.records'\n"},
      {"=1", "0:0 W2009 --set: expected key=value, found '=1'\n"},
      {"input.columns=[a, [b]]", "0:0 W2002 --set `input.columns`: expected texts only\n"},
      {"input.types=x", "0:0 W2002 --set `input.types`: expected a map of column names to types, `{id: int}`\n"},
      {"input.types={a: [}", "0:0 W2006 --set `input.types`: expected a value here\n"},
      {"checkpoint.key=short", "0:0 W2003 --set `checkpoint.key`: at least 16 bytes, found 5\n"},
      {"input.from=", "0:0 W2002 --set `input.from`: an empty text can't be used here\n"},
  };
  for (const auto& c : cases) {
    Pipeline p;
    apply_set(p, c.setting);
    EXPECT_EQ(found(p), c.found);
  }
  EXPECT_EQ(
      found(parse({.text = "input: {from: a}", .environment = {"WEIR_SET_BATCH__RECORD=1", "WEIR_SET_MEMORY=x"}})),
      "0:0 W2001 WEIR_SET_BATCH__RECORD: unknown key `batch.record`; did you mean `batch.records`?\n"
      "0:0 W2002 WEIR_SET_MEMORY: `memory`: expected a size such as 48MiB, found 'x'\n");
}

TEST(Spec, a_check_again_reports_nothing_twice) {
  Pipeline p = parse({.text = "input: {from: a}\nrejects: {max: 1}"});
  EXPECT_EQ(p.diagnostics.size(), 1u);
  apply_set(p, "output.to=a");
  check_pipeline(p);
  EXPECT_EQ(found(p),
            "2:11 W2005 `rejects.max`: it needs rejects.to; without it the first bad record stops the run\n"
            "0:0 W2005 `output.to`: it is an input as well\n");
}

TEST(Spec, variables_are_replaced_in_every_value) {
  const Pipeline p = parse({.text = "name: ${NAME}\nmemory: \"${MB:-32}MiB\"\ninput:\n  from:\n    - "
                                    "$$x/${EMPTY:-y}${EMPTY}\nquery: SELECT $.a, '$$' FROM input\n",
                            .environment = {"NAME=n1", "EMPTY=", "NAMES=no"}});
  EXPECT_EQ(found(p), "");
  EXPECT_EQ(p.config.name, "n1");
  EXPECT_EQ(p.config.memory, 32u << 20);
  EXPECT_EQ(p.config.input.from[0], "$x/y");
  EXPECT_EQ(p.config.query, "SELECT $.a, '$' FROM input");
}

TEST(Spec, a_missing_variable_is_a_mistake_with_a_place_and_no_value_is_shown) {
  const struct {
    const char* text;
    const char* found;
  } cases[] = {
      {"name: a${B}", "1:8 W2008 `name`: B is not set\n"},
      {"name: 'a${B}'", "1:9 W2008 `name`: B is not set\n"},
      {"query: |\n  a\n   b ${C}\n", "3:6 W2008 `query`: C is not set\n"},
      {"name: ${B", "1:7 W2008 `name`: a `${` is not closed; write $$ for a dollar sign\n"},
      {"name: ${a b}", "1:7 W2008 `name`: expected ${NAME} or ${NAME:-default}; write $$ for a dollar sign\n"},
      {"memory: ${SECRET}", "1:9 W2002 `memory`: expected 1MiB to 1TiB, found what '${SECRET}' stands for\n"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(found(parse({.text = c.text, .environment = {"SECRET=hunter2"}, .input_is_required = false})), c.found)
        << c.text;
  }
}

TEST(Spec, a_querys_error_is_mapped_to_the_file) {
  const struct {
    const char* text;
    uint32_t line, column;        // in the query
    uint32_t at_line, at_column;  // in the file
  } cases[] = {
      {"query: SELECT x", 1, 8, 1, 15},
      {"query: 'SELECT x'", 1, 8, 1, 16},
      {"query: |\n  SELECT\n    x\n", 2, 3, 3, 5},
      {"name: n\nquery: |-\n\n     SELECT x\n", 2, 8, 4, 13},
  };
  for (const auto& c : cases) {
    const Pipeline p = parse({.text = c.text, .input_is_required = false});
    ASSERT_EQ(found(p), "");
    const FilePlace place = query_place(p.config, c.line, c.column);
    EXPECT_EQ(place.line, c.at_line) << c.text;
    EXPECT_EQ(place.column, c.at_column) << c.text;
  }
  EXPECT_EQ(query_place(Config{}, 1, 1).line, 0u);
}

TEST(Spec, rejects_max_takes_a_count_or_a_share) {
  const auto max_of = [](const char* text) {
    const Pipeline p = parse({.text = std::string("rejects: {to: x, max: ") + text + "}", .input_is_required = false});
    EXPECT_EQ(found(p), "") << text;
    return std::pair(p.config.rejects.max_count, p.config.rejects.max_share);
  };
  EXPECT_EQ(max_of("100"), std::pair(uint64_t{100}, 1.0));
  EXPECT_EQ(max_of("1%"), std::pair(~uint64_t{0}, 0.01));
  EXPECT_EQ(max_of("0.01"), std::pair(~uint64_t{0}, 0.01));
  EXPECT_EQ(max_of("0"), std::pair(uint64_t{0}, 1.0));
}

TEST(Spec, a_command_is_a_text_for_the_shell_or_a_list) {
  const Pipeline p =
      parse({.text = "output: {to: exec}\nexec: {command: [curl, '', '-d@-']}", .input_is_required = false});
  EXPECT_EQ(found(p), "");
  EXPECT_EQ(p.config.exec.command, (std::vector<std::string>{"curl", "", "-d@-"}));
}

TEST(Spec, bytes_can_be_named) {
  const Pipeline p =
      parse({.text = "input: {delimiter: tab, quote: '', escape: none, comment: '#'}", .input_is_required = false});
  EXPECT_EQ(found(p), "");
  EXPECT_EQ(p.config.input.delimiter, "\t");
  EXPECT_EQ(p.config.input.quote, "");
  EXPECT_EQ(p.config.input.escape, "");
  EXPECT_EQ(p.config.input.comment, "#");
}

TEST(Spec, a_flood_of_mistakes_is_cut) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "x" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(parse({.text = text}).diagnostics.size(), Pipeline::kDiagnosticsMax);
}

TEST(Spec, a_diagnostic_is_one_line_for_people) {
  const Pipeline p = parse({.text = "bacth: 1", .input_is_required = false});
  ASSERT_EQ(p.diagnostics.size(), 1u);
  EXPECT_EQ(format_diagnostic("orders.yaml", p.diagnostics[0]),
            "orders.yaml:1:1: error W2001: unknown key: unknown key `bacth`; did you mean `batch`? (see `weir schema` "
            "for all keys)");
}

TEST(Spec, distance_counts_swapped_neighbours_once) {
  EXPECT_EQ(word_distance("bacth", "batch"), 1u);
  EXPECT_EQ(word_distance("", "abc"), 3u);
  EXPECT_EQ(word_distance("abc", "abc"), 0u);
  EXPECT_EQ(word_distance(std::string(65, 'a'), "a"), 99u);
}

TEST(Spec, the_schema_is_json_and_names_every_key) {
  const std::string schema = json_schema();
  const auto document = parse_yaml(schema);  // JSON is YAML
  ASSERT_TRUE(document) << document.error().line << ": " << document.error().detail.view();
  for (const KeySpec& spec : key_table()) {
    YamlNode at = document->root()["properties"];
    std::string_view path = spec.path;
    if (const size_t dot = path.find('.'); dot != std::string_view::npos) {
      at = at[path.substr(0, dot)]["properties"];
      path = path.substr(dot + 1);
    }
    EXPECT_EQ(at[path]["description"].text(), spec.doc) << spec.path;
  }
}

TEST(Spec, help_is_there_for_every_key_and_section) {
  for (const KeySpec& spec : key_table())
    EXPECT_NE(help_for_key(spec.path).find(spec.doc), std::string::npos) << spec.path;
  EXPECT_NE(help_for_key("input").find("input.record_max"), std::string::npos);
  EXPECT_EQ(help_for_key("inptu"), "");
  EXPECT_EQ(help_for_key("input.record_max"),
            "input.record_max (size)\n  The largest record; a larger one is rejected. Memory is set aside for it.\n  "
            "allowed: 64B to 1GiB\n"
            "  default: 1MiB\n  example: 4MiB\n");
}

std::string read_text(const char* path) {
  std::string text;
  if (FILE* file = std::fopen(path, "rb")) {
    char room[4096];
    for (size_t n; (n = std::fread(room, 1, sizeof room, file)) > 0;) text.append(room, n);
    std::fclose(file);
  }
  return text;
}

TEST(Spec, the_docs_hold_the_tables_keys) {
  const std::string path = testing::source_file("docs/pipeline_file.md");
  std::string text = read_text(path.c_str());
  ASSERT_NE(text, "") << path;
  const size_t mark = text.find("<!-- keys:");
  ASSERT_NE(mark, std::string::npos);
  const size_t begin = text.find('\n', mark) + 1;
  const size_t end = text.find("<!-- keys end -->");
  ASSERT_NE(end, std::string::npos);
  const std::string expected = "\n" + config_reference_markdown() + "\n";
  if (std::getenv("WEIR_UPDATE_DOCS") != nullptr) {
    text.replace(begin, end - begin, expected);
    FILE* file = std::fopen(path.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    return;
  }
  EXPECT_EQ(text.substr(begin, end - begin), expected) << "run this test with WEIR_UPDATE_DOCS=1";
}

TEST(Spec, the_docs_example_is_a_pipeline_without_a_mistake) {
  const std::string text = read_text(testing::source_file("docs/pipeline_file.md").c_str());
  const size_t begin = text.find("```yaml\n") + 8;
  const std::string example = text.substr(begin, text.find("```", begin) - begin);
  EXPECT_EQ(found(example), "");
}

}  // namespace
}  // namespace weir

// The one table of every key of a pipeline file. Defaults here and in config.hpp are held together by a test.
#include "base/nearest_word.hpp"
#include "plan/spec.hpp"

namespace weir {

namespace {
constexpr uint64_t kKiB = 1u << 10;
constexpr uint64_t kMiB = 1u << 20;
constexpr uint64_t kGiB = 1u << 30;
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kHour = 3'600'000'000'000;
constexpr uint64_t kDay = 24 * kHour;

constexpr FormatMask kCsvOnly = format_bit(FormatChoice::kCsv) | format_bit(FormatChoice::kTsv);
constexpr FormatMask kJsonOnly = format_bit(FormatChoice::kJson);
constexpr FormatMask kAnyJson = kJsonOnly | format_bit(FormatChoice::kNdjson);
constexpr FormatMask kBlocksOnly = format_bit(FormatChoice::kBlocks);

template <typename E>
E choice(const KeyValue& value) {
  return static_cast<E>(value.choice);
}

// Words of an enum stand in the order of its members.
constexpr KeySpec kTable[] = {
    {"name", KeyKind::kText, "", "", 1, 64, 0,
     "The pipeline's name, in messages, metrics and state: letters, digits, `.`, `_`, `-`.", "orders-de",
     [](Config& c, KeyValue& v) { c.name = v.text; }},
    {"memory", KeyKind::kSize, "", "48MiB", kMiB, 1024 * kGiB, 0,
     "The memory budget of the whole process. It is never exceeded; `weir plan` shows how it is divided.", "48MiB",
     [](Config& c, KeyValue& v) { c.memory = v.number, c.memory_given = true; }},
    {"query", KeyKind::kText, "", "SELECT * FROM input", 1, 256 * kKiB, 0,
     "What to select, compute and filter; see `docs/query.md`.", "SELECT id, amount FROM input WHERE amount > 100",
     [](Config& c, KeyValue& v) { c.query = v.text; }},
    {"deadline", KeyKind::kDeadline, "", "0", 0, 365 * kDay, 0,
     "When the run stops in order, with a checkpoint: a time from the start, or a point of time (UTC); `0`: none.",
     "15m",
     [](Config& c, KeyValue& v) {
       (v.is_time ? c.deadline_wall_ns : c.deadline_ns) = v.number,
                                         (v.is_time ? c.deadline_ns : c.deadline_wall_ns) = 0;
     }},
    {"fail_on_rejects", KeyKind::kBool, "", "false", 0, 0, 0,
     "Exit with 3 instead of 0 when records were rejected, though within `rejects.max`.", "true",
     [](Config& c, KeyValue& v) { c.fail_on_rejects = v.flag; }},

    {"input.from", KeyKind::kTextList, "", "", 1, 10'000, 0,
     "Inputs: a path, a pattern (`*`, `?`, quoted), `s3://bucket/key` (a pattern, or a prefix that ends in `/`), "
     "`https://host/path` or `http://`, `stdin`, or a list of them. Read one after the other.",
     "raw/orders.csv.gz", [](Config& c, KeyValue& v) { c.input.from = std::move(v.list); }},
    {"input.format", KeyKind::kEnum, "auto csv tsv ndjson json lines blocks file", "auto", 0, 0, 0,
     "What the input holds. `auto`: told from the name and the first bytes.", "csv",
     [](Config& c, KeyValue& v) { c.input.format = choice<FormatChoice>(v); }},
    {"input.codec", KeyKind::kEnum, "auto none gzip zstd", "auto", 0, 0, 0,
     "The input's compression. `auto`: told from the first bytes.", "gzip",
     [](Config& c, KeyValue& v) { c.input.codec = choice<CodecChoice>(v); }},
    {"input.record_max", KeyKind::kSize, "", "1MiB", 64, kGiB, 0,
     "The largest record; a larger one is rejected. Memory is set aside for it.", "4MiB",
     [](Config& c, KeyValue& v) { c.input.record_max = v.number; }},
    {"input.window", KeyKind::kSize, "", "256KiB", 4 * kKiB, 64 * kMiB, 0,
     "Bytes read and scanned at a time, besides `record_max`.", "64KiB",
     [](Config& c, KeyValue& v) { c.input.window = v.number; }},
    {"input.columns_max", KeyKind::kCount, "", "4096", 1, 65'536, kCsvOnly, "The most columns a record may have.",
     "200", [](Config& c, KeyValue& v) { c.input.columns_max = static_cast<uint32_t>(v.number); }},
    {"input.header_bytes_max", KeyKind::kSize, "", "64KiB", 64, 16 * kMiB, kCsvOnly, "The longest header line.",
     "16KiB", [](Config& c, KeyValue& v) { c.input.header_bytes_max = v.number; }},
    {"input.depth_max", KeyKind::kCount, "", "64", 1, 1024, kAnyJson,
     "How deep JSON may be nested; deeper records are rejected.", "16",
     [](Config& c, KeyValue& v) { c.input.depth_max = static_cast<uint32_t>(v.number); }},
    {"input.validate", KeyKind::kEnum, "whole touched", "whole", 0, 0, kAnyJson,
     "Every record as a whole, or, faster, only up to the last field that the query names.", "touched",
     [](Config& c, KeyValue& v) { c.input.validate = choice<Validate>(v); }},
    {"input.header", KeyKind::kBool, "", "true", 0, 0, kCsvOnly,
     "The first line names the columns. With `columns` given: the first line is skipped.", "false",
     [](Config& c, KeyValue& v) { c.input.header = v.flag; }},
    {"input.columns", KeyKind::kTextList, "", "", 1, 65'536, kCsvOnly,
     "Names of the columns, in place of a header's. Else `_1`, `_2` ...", "[id, customer, amount]",
     [](Config& c, KeyValue& v) { c.input.columns = std::move(v.list); }},
    {"input.delimiter", KeyKind::kChar, "", "", 1, 1, kCsvOnly,
     "The byte between fields; by default `,` in csv and a tab in tsv.", "\";\"",
     [](Config& c, KeyValue& v) { c.input.delimiter = v.text; }},
    {"input.quote", KeyKind::kChar, "", "'\"'", 0, 1, kCsvOnly,
     "The byte around quoted fields; `none` where there are none.", "none",
     [](Config& c, KeyValue& v) { c.input.quote = v.text; }},
    {"input.escape", KeyKind::kChar, "", "none", 0, 1, kCsvOnly,
     "The byte before a quote inside of quotes; `none`: quotes are doubled.", "'\\'",
     [](Config& c, KeyValue& v) { c.input.escape = v.text; }},
    {"input.comment", KeyKind::kText, "", "", 0, 16, kCsvOnly,
     "Lines that begin with this text are skipped; empty: there are none.", "\"#\"",
     [](Config& c, KeyValue& v) { c.input.comment = v.text; }},
    {"input.ragged", KeyKind::kEnum, "reject pad error", "reject", 0, 0, kCsvOnly,
     "A record with more or fewer fields than columns: reject it, pad missing fields with NULL, or stop.", "pad",
     [](Config& c, KeyValue& v) { c.input.ragged = choice<Ragged>(v); }},
    {"input.quotes", KeyKind::kEnum, "strict resync", "strict", 0, 0, kCsvOnly,
     "A quote that is never closed: stop, or reject what it swallowed and go on at the next line.", "resync",
     [](Config& c, KeyValue& v) { c.input.quotes = choice<Quotes>(v); }},
    {"input.nul", KeyKind::kEnum, "keep reject", "keep", 0, 0, 0, "Records that hold a NUL byte.", "reject",
     [](Config& c, KeyValue& v) { c.input.nul = choice<BytesPolicy>(v); }},
    {"input.invalid_utf8", KeyKind::kEnum, "auto keep reject", "auto", 0, 0, 0,
     "Records that are not UTF-8. `auto`: reject in JSON, keep elsewhere.", "reject",
     [](Config& c, KeyValue& v) {
       c.input.invalid_utf8.reset();
       if (v.choice != 0) c.input.invalid_utf8 = static_cast<BytesPolicy>(v.choice - 1);
     }},
    {"input.empty_is_null", KeyKind::kBool, "", "false", 0, 0, kCsvOnly, "An empty field is NULL, not an empty text.",
     "true", [](Config& c, KeyValue& v) { c.input.empty_is_null = v.flag; }},
    {"input.types", KeyKind::kColumnTypes, "int decimal double text bool", "", 1, 65'536, kCsvOnly,
     "Types of columns; without one a field is text (so that 01234 stays 01234).", "{id: int, amount: decimal}",
     [](Config& c, KeyValue& v) { c.input.types = std::move(v.types); }},
    {"input.conversion_errors", KeyKind::kEnum, "reject null", "reject", 0, 0, 0,
     "A value that can't be converted or overflows: reject the record, or compute with NULL.", "null",
     [](Config& c, KeyValue& v) { c.input.conversion_errors_are_null = v.choice == 1; }},
    {"input.path", KeyKind::kText, "", "", 1, 1024, kJsonOnly,
     "Where the array of records sits in the document; makes the format json. Else the document is the array.",
     "\"Records[*]\"", [](Config& c, KeyValue& v) { c.input.path = v.text; }},
    {"input.block", KeyKind::kSize, "", "64KiB", 1, kGiB, kBlocksOnly, "Bytes of a block.", "1MiB",
     [](Config& c, KeyValue& v) { c.input.block = v.number; }},
    {"input.trailing_garbage", KeyKind::kEnum, "error ignore", "error", 0, 0, 0, "Bytes behind the last gzip member.",
     "ignore", [](Config& c, KeyValue& v) { c.input.trailing_garbage_ignored = v.choice == 1; }},
    {"input.amplification_max", KeyKind::kCount, "", "250", 0, 1'000'000, 0,
     "How many times larger than compressed the input may become before the run stops; `0`: no guard.", "1000",
     [](Config& c, KeyValue& v) { c.input.amplification_max = static_cast<uint32_t>(v.number); }},
    {"input.zstd_window_max", KeyKind::kSize, "", "8MiB", kKiB, 2 * kGiB, 0,
     "The largest window of a zstd frame; memory is set aside for it.", "128MiB",
     [](Config& c, KeyValue& v) { c.input.zstd_window_max = v.number; }},

    {"checkpoint.to", KeyKind::kText, "", "auto", 1, 4096, 0,
     "Where the state is kept from which a stopped run goes on: a file, a folder (ends in `/`), `none`, or `auto`: "
     "beside an "
     "output that is a file, a folder or in S3, when all inputs are files or in S3. `checkpoint: PATH` is short for "
     "it.",
     "state/", [](Config& c, KeyValue& v) { c.checkpoint.to = v.text; }},
    {"checkpoint.every", KeyKind::kDuration, "", "10s", 0, kDay, 0,
     "How often it is saved, at the end of a commit unit; `0`: at the end of each. A stop saves it, too.", "1m",
     [](Config& c, KeyValue& v) { c.checkpoint.every_ns = v.number; }},
    {"checkpoint.key", KeyKind::kText, "", "", 16, 1024, 0,
     "A secret that signs the checkpoint; one that somebody else made or changed is refused.",
     "${WEIR_CHECKPOINT_KEY:-a secret of sixteen bytes}", [](Config& c, KeyValue& v) { c.checkpoint.key = v.text; }},
    {"checkpoint.on_change", KeyKind::kEnum, "fail restart", "fail", 0, 0, 0,
     "When a checkpoint is there of a job that was shaped otherwise (input, query, output).", "restart",
     [](Config& c, KeyValue& v) { c.checkpoint.on_change = choice<OnChange>(v); }},
    {"checkpoint.reserve_min", KeyKind::kDuration, "", "0", 0, kHour, 0,
     "Time before the deadline that is kept for committing, at least; `0`: 2 s, or a fifth of the deadline where that "
     "is less. "
     "It grows to three times what committing took so far.",
     "500ms", [](Config& c, KeyValue& v) { c.checkpoint.reserve_min_ns = v.number; }},
    {"checkpoint.reserve_max", KeyKind::kDuration, "", "1m", kMs, kHour, 0,
     "The most that is kept for it; never more than half of the deadline.", "10s",
     [](Config& c, KeyValue& v) { c.checkpoint.reserve_max_ns = v.number; }},

    {"lambda.continue", KeyKind::kEnum, "auto return self requeue retry", "auto", 0, 0, 0,
     "How a job goes on that the invocation's deadline stopped: `return` gives a cursor to whoever called (Step "
     "Functions), `self` invokes the function again, `requeue` sends a cursor to the SQS queue that the event came "
     "from, `retry` fails the invocation so that Lambda delivers the event again; `auto` chooses by the event.",
     "return", [](Config& c, KeyValue& v) { c.lambda.cont = choice<Continue>(v); }},
    {"lambda.loop", KeyKind::kEnum, "guard allow", "guard", 0, 0, 0,
     "`guard`: stop with a checkpoint before Lambda's loop detection cuts the chain (16 invocations); `allow`: the "
     "function's RecursiveLoop setting is Allow.",
     "allow", [](Config& c, KeyValue& v) { c.lambda.loop = choice<LambdaLoop>(v); }},
    {"lambda.on_fatal", KeyKind::kText, "", "fail", 1, 1024, 0,
     "What becomes of an event whose job can't be done by running it again: `fail` the invocation, or put event and "
     "error under `s3://bucket/prefix/` or into `sqs://queue` and succeed.",
     "s3://state/failed/", [](Config& c, KeyValue& v) { c.lambda.on_fatal = v.text; }},
    {"lambda.memory_reserve", KeyKind::kSize, "", "32MiB", 16 * kMiB, kGiB, 0,
     "Bytes of the function's memory that are not the budget's: Lambda's own processes and the runtime's.", "48MiB",
     [](Config& c, KeyValue& v) { c.lambda.memory_reserve = v.number; }},

    {"batch.records", KeyKind::kCount, "", "0", 0, 1'000'000'000, 0, "Records of a batch; `0`: no limit.", "500",
     [](Config& c, KeyValue& v) { c.batch.records = v.number; }},
    {"batch.bytes", KeyKind::kSize, "", "4MiB", 64, kGiB, 0,
     "Written bytes of a batch, before compression. A single record may be larger. To services: of a request, as "
     "encoded; by default at most 1MiB, and no record may be larger.",
     "256KiB", [](Config& c, KeyValue& v) { c.batch.bytes = v.number, c.batch.bytes_given = true; }},
    {"batch.age", KeyKind::kDuration, "", "0", 0, kDay, 0,
     "Time after which a batch is sent though not full; `0`: none. Only for the outputs stdout and exec, and services.",
     "5s", [](Config& c, KeyValue& v) { c.batch.age_ns = v.number; }},

    {"output.to", KeyKind::kText, "", "stdout", 1, 4096, 0,
     "`stdout`, a path, a path with placeholders (`{batch}` gives a file for each batch, `{part}` one for each piece "
     "of output.roll_bytes or roll_records), a folder (ends in `/`), "
     "`s3://bucket/key`, `exec`, or a service that takes records as messages: `sqs://queue`, `sns://topic`, "
     "`kinesis://stream`, `firehose://stream`, `dynamodb://table`, `events://bus`, `lambda://function`, "
     "`https://host/path` (see `docs/sinks.md`).",
     "\"clean/{input.stem}.ndjson.gz\"", [](Config& c, KeyValue& v) { c.output.to = v.text; }},
    {"output.format", KeyKind::kEnum, "auto csv tsv ndjson json lines raw", "auto", 0, 0, 0,
     "How records are written. `auto`: told from the output's name, else as the input.", "ndjson",
     [](Config& c, KeyValue& v) { c.output.format = choice<OutputFormat>(v); }},
    {"output.codec", KeyKind::kEnum, "auto none gzip zstd", "auto", 0, 0, 0,
     "The output's compression. `auto`: told from its name.", "gzip",
     [](Config& c, KeyValue& v) { c.output.codec = choice<CodecChoice>(v); }},
    {"output.level", KeyKind::kCount, "", "", 0, 9, 0,
     "Level of compression: gzip 0 to 3, default 1; zstd 1 to 9, default 3.", "3",
     [](Config& c, KeyValue& v) { c.output.level = static_cast<int>(v.number); }},
    {"output.if_exists", KeyKind::kEnum, "fail replace skip", "fail", 0, 0, 0,
     "When the output, or the first file of a folder, is already there.", "replace",
     [](Config& c, KeyValue& v) { c.output.if_exists = choice<IfExists>(v); }},
    {"output.header", KeyKind::kBool, "", "true", 0, 0, kCsvOnly, "Write a header line.", "false",
     [](Config& c, KeyValue& v) { c.output.header = v.flag; }},
    {"output.delimiter", KeyKind::kChar, "", "", 1, 1, kCsvOnly,
     "The byte between fields; by default `,` in csv and a tab in tsv.", "\";\"",
     [](Config& c, KeyValue& v) { c.output.delimiter = v.text; }},
    {"output.publish_partial", KeyKind::kBool, "", "false", 0, 0, 0,
     "Publish what was written when the run stops early, instead of leaving it in a `.part` file.", "true",
     [](Config& c, KeyValue& v) { c.output.publish_partial = v.flag; }},
    {"output.unit", KeyKind::kSize, "", "4MiB", 4 * kKiB, 64 * kMiB, 0,
     "Written bytes of a commit unit (its decoded input: four times as many), at whose end a checkpoint may stand. "
     "Compressed "
     "output is flushed there, so it shapes the bytes.",
     "1MiB", [](Config& c, KeyValue& v) { c.output.unit = v.number; }},
    {"output.create_folders", KeyKind::kBool, "", "true", 0, 0, 0, "Make the output's missing folders.", "false",
     [](Config& c, KeyValue& v) { c.output.create_folders = v.flag; }},

    {"output.roll_bytes", KeyKind::kSize, "", "0", 0, 16 * 1024 * kGiB, 0,
     "Written bytes, before compression, at which the next file or object is begun; `{part}` in output.to is its "
     "number. "
     "`0`: no limit.",
     "1GiB", [](Config& c, KeyValue& v) { c.output.roll_bytes = v.number; }},
    {"output.roll_records", KeyKind::kCount, "", "0", 0, 1'000'000'000'000, 0,
     "Records at which the next file or object is begun; `0`: no limit.", "1000000",
     [](Config& c, KeyValue& v) { c.output.roll_records = v.number; }},

    {"output.part", KeyKind::kSize, "", "8MiB", 5 * kMiB, kGiB, 0,
     "Bytes of each part of an upload to S3. Memory is set aside for one; an object has at most 10,000 of them.",
     "16MiB", [](Config& c, KeyValue& v) { c.output.part = v.number; }},

    {"output.spool", KeyKind::kText, "", "", 1, 4096, 0,
     "A folder on a disk, where a part waits in a file without a name until S3 has it, instead of in memory. Up to "
     "twice "
     "output.part and output.unit of space.",
     "/tmp", [](Config& c, KeyValue& v) { c.output.spool = v.text; }},

    {"output.key", KeyKind::kTextList, "", "", 1, 16, 0,
     "Columns of the output whose values name a message's group (FIFO queues and topics), its partition (Kinesis) or "
     "its "
     "item (DynamoDB: the partition key, and the sort key). Order is kept by it where the service keeps order.",
     "customer", [](Config& c, KeyValue& v) { c.output.key = std::move(v.list); }},
    {"output.in_flight", KeyKind::kCount, "", "4", 1, 64, 0,
     "Batches that may be on their way to a service at once, each with memory and a connection of its own. FIFO queues "
     "and "
     "topics get one.",
     "16", [](Config& c, KeyValue& v) { c.output.in_flight = static_cast<uint32_t>(v.number); }},
    {"output.rate", KeyKind::kCount, "", "0", 0, 1'000'000'000, 0,
     "The most messages that a service is sent in a second; `0`: no cap.", "500",
     [](Config& c, KeyValue& v) { c.output.rate = v.number; }},
    {"output.tries", KeyKind::kCount, "", "3", 1, 100, 0,
     "How often a message that the service refuses is sent before it goes to the rejects.", "5",
     [](Config& c, KeyValue& v) { c.output.tries = static_cast<uint32_t>(v.number); }},
    {"output.timeout", KeyKind::kDuration, "", "0", 0, kDay, 0,
     "Time that a service has for its reply to a request; then it is sent again. `0`: a minute, for functions the 15 "
     "minutes that they may run.",
     "30s", [](Config& c, KeyValue& v) { c.output.timeout_ns = v.number; }},

    {"http.headers", KeyKind::kTextList, "", "", 1, 16, 0,
     "Headers of each request of an http(s):// output, `Name: value`; take secrets from the environment.",
     "[\"Authorization: Bearer ${API_TOKEN:-a token}\"]",
     [](Config& c, KeyValue& v) { c.http.headers = std::move(v.list); }},
    {"events.source", KeyKind::kText, "", "", 1, 256, 0,
     "Source of EventBridge's events; by default `weir.` and the pipeline's name.", "com.example.orders",
     [](Config& c, KeyValue& v) { c.events.source = v.text; }},
    {"events.detail_type", KeyKind::kText, "", "", 1, 128, 0,
     "DetailType of EventBridge's events; by default `record`.", "order",
     [](Config& c, KeyValue& v) { c.events.detail_type = v.text; }},

    {"aws.region", KeyKind::kText, "", "", 1, 32, 0,
     "The region; by default `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.", "eu-central-1",
     [](Config& c, KeyValue& v) { c.aws.region = v.text; }},
    {"aws.endpoint_url", KeyKind::kText, "", "", 1, 1024, 0,
     "Where S3 is, when it is not AWS's own; by default `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`.",
     "\"http://127.0.0.1:9000\"", [](Config& c, KeyValue& v) { c.aws.endpoint_url = v.text; }},
    {"aws.profile", KeyKind::kText, "", "", 1, 128, 0, "The profile; by default `AWS_PROFILE`, else `default`.",
     "analytics", [](Config& c, KeyValue& v) { c.aws.profile = v.text; }},
    {"aws.ca_bundle", KeyKind::kText, "", "", 1, 4096, 0,
     "A file of the roots to trust; by default `AWS_CA_BUNDLE`, `SSL_CERT_FILE`, else the system's.", "roots.pem",
     [](Config& c, KeyValue& v) { c.aws.ca_bundle = v.text; }},
    {"aws.no_sign_request", KeyKind::kBool, "", "false", 0, 0, 0,
     "Send requests unsigned: public buckets, without credentials.", "true",
     [](Config& c, KeyValue& v) { c.aws.no_sign_request = v.flag; }},
    {"aws.requester_pays", KeyKind::kBool, "", "false", 0, 0, 0,
     "Agree to pay for requests to buckets whose owner does not.", "true",
     [](Config& c, KeyValue& v) { c.aws.requester_pays = v.flag; }},
    {"aws.expected_bucket_owner", KeyKind::kText, "", "", 12, 12, 0, "The account that every bucket must belong to.",
     "\"111122223333\"", [](Config& c, KeyValue& v) { c.aws.expected_bucket_owner = v.text; }},
    {"aws.sse", KeyKind::kEnum, "auto AES256 aws:kms", "auto", 0, 0, 0,
     "How S3 encrypts what is written. `auto`: the bucket's own rule.", "aws:kms",
     [](Config& c, KeyValue& v) { c.aws.sse = v.choice == 0   ? ""
                                              : v.choice == 1 ? "AES256"
                                                              : "aws:kms"; }},
    {"aws.sse_kms_key_id", KeyKind::kText, "", "", 1, 2048, 0, "The KMS key that it is encrypted with.", "alias/data",
     [](Config& c, KeyValue& v) { c.aws.sse_kms_key_id = v.text; }},

    {"exec.command", KeyKind::kCommand, "", "", 1, 256, 0,
     "The command that gets each batch on stdin: a text for `/bin/sh -c`, or a list of program and arguments.",
     "[curl, -sf, --data-binary, \"@-\", \"https://example.org/in\"]",
     [](Config& c, KeyValue& v) { c.exec.command = std::move(v.list); }},
    {"exec.memory", KeyKind::kSize, "", "256MiB", kMiB, 1024 * kGiB, 0,
     "The command's own memory limit, outside of the budget.", "64MiB",
     [](Config& c, KeyValue& v) { c.exec.memory = v.number; }},
    {"exec.retries", KeyKind::kCount, "", "3", 0, 1000, 0, "How often a batch is tried again when the command fails.",
     "10", [](Config& c, KeyValue& v) { c.exec.retries = static_cast<uint32_t>(v.number); }},
    {"exec.timeout", KeyKind::kDuration, "", "1m", 10 * kMs, kDay, 0, "Time that the command has for a batch.", "30s",
     [](Config& c, KeyValue& v) { c.exec.timeout_ns = v.number; }},

    {"rejects.to", KeyKind::kText, "", "", 1, 4096, 0,
     "Where bad records go, with reason and place: a path, which may hold `{input...}`. Without it the first one stops "
     "the run.",
     "\"clean/rejects/{input.stem}.ndjson\"", [](Config& c, KeyValue& v) { c.rejects.to = v.text; }},
    {"rejects.max", KeyKind::kCountOrShare, "", "100%", 0, 1'000'000'000'000'000, 0,
     "Stop past this many (`100`) or this share (`1%`, judged after 1,000 records and at the end).", "1%",
     [](Config& c, KeyValue& v) {
       c.rejects.max_count = v.is_share ? ~0ull : v.number;
       c.rejects.max_share = v.is_share ? v.share : 1.0;
     }},
};
static_assert(std::size(kTable) <= kKeysMax);
}  // namespace

std::span<const KeySpec> key_table() { return kTable; }

const KeySpec* find_key(std::string_view path) {
  for (const KeySpec& spec : kTable) {
    if (spec.path == path) return &spec;
  }
  return nullptr;
}

std::string_view short_form_of(std::string_view section) { return section == "checkpoint" ? "checkpoint.to" : ""; }

bool is_section(std::string_view path) {
  for (const KeySpec& spec : kTable) {
    if (spec.path.size() > path.size() && spec.path.starts_with(path) && spec.path[path.size()] == '.') return true;
  }
  return false;
}

std::string_view nearest_key(std::string_view path) {
  const size_t dot = path.find('.');
  const std::string_view section = dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
  const std::string_view name = path.substr(dot + 1);
  std::string_view nearest;
  unsigned best = 99;
  // Beside it first: a key or section of the same section, by its last word.
  for (const KeySpec& spec : kTable) {
    const size_t spec_dot = spec.path.find('.');
    const std::string_view spec_section =
        spec_dot == std::string_view::npos ? std::string_view() : spec.path.substr(0, spec_dot);
    if (spec_section == section) {
      if (is_nearer(name, spec.path.substr(spec_dot + 1), best)) nearest = spec.path;
    } else if (section.empty() && is_nearer(name, spec_section, best)) {
      nearest = spec_section;
    }
  }
  if (!nearest.empty()) return nearest;
  // Then the same word elsewhere: `records` for `batch.records`.
  for (const KeySpec& spec : kTable) {
    if (spec.path.substr(spec.path.find('.') + 1) == name) return spec.path;
  }
  for (const KeySpec& spec : kTable) {
    if (is_nearer(path, spec.path, best)) nearest = spec.path;
  }
  return nearest;
}

}  // namespace weir

// Config: a pipeline as the user stated it, every value checked and every default filled in. Made by plan/spec.hpp from a
// pipeline file, `--set` and the environment; nothing else constructs one in production.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "record/value.hpp"

namespace weir {

enum class FormatChoice : uint8_t { kAuto, kCsv, kTsv, kNdjson, kJson, kLines, kBlocks, kFile };
enum class CodecChoice : uint8_t { kAuto, kNone, kGzip, kZstd };
enum class OutputFormat : uint8_t { kAuto, kCsv, kTsv, kNdjson, kJson, kLines, kRaw };
enum class Ragged : uint8_t { kReject, kPad, kError };
enum class Quotes : uint8_t { kStrict, kResync };
enum class Validate : uint8_t { kWhole, kTouched };
enum class IfExists : uint8_t { kFail, kReplace, kSkip };
enum class BytesPolicy : uint8_t { kKeep, kReject };

struct ColumnType {
  std::string column;
  Type type = Type::kText;
};

struct InputConfig {
  std::vector<std::string> from;  ///< paths, globs, "stdin" or "event"
  bool from_event =
      false;  ///< the host put into `from` what an event named: names as they are, by somebody who may not choose the output's folder
  FormatChoice format = FormatChoice::kAuto;
  CodecChoice codec = CodecChoice::kAuto;
  uint64_t record_max = 1u << 20;  ///< bytes of one record; 64 .. 1 GiB
  uint64_t window = 256u << 10;  ///< bytes read and scanned at a time, beside record_max; 4 KiB .. 64 MiB
  uint32_t columns_max = 4096;  ///< 1 .. 65536
  uint64_t header_bytes_max = 64u << 10;
  uint32_t depth_max = 64;  ///< JSON nesting; 1 .. 1024
  Validate validate = Validate::kWhole;  ///< how far a JSON record is read
  // csv
  bool header = true;
  std::vector<std::string> columns;  ///< names given; then `header` says whether a header line is to be skipped
  std::string delimiter;  ///< one byte; empty: ',' (csv) or tab (tsv)
  std::string quote = "\"";  ///< one byte, or empty for none
  std::string escape;  ///< one byte; empty: quotes are doubled
  std::string comment;  ///< lines that start with this are skipped; empty: none
  Ragged ragged = Ragged::kReject;
  Quotes quotes = Quotes::kStrict;
  BytesPolicy nul = BytesPolicy::kKeep;
  std::optional<BytesPolicy> invalid_utf8;  ///< default: reject for JSON, keep for the others
  bool empty_is_null = false;
  std::vector<ColumnType> types;
  bool conversion_errors_are_null = false;
  // json
  std::string
      path;  ///< where the records' array sits: `Records[*]`, `[*]`, `a.b[*]`; empty: [*] if the document is an array
  // blocks
  uint64_t block = 64u << 10;
  // codecs
  bool trailing_garbage_ignored = false;
  uint32_t amplification_max = 250;  ///< 0 switches the guard off
  uint64_t zstd_window_max = 8u << 20;
};

enum class OnChange : uint8_t { kFail, kRestart };

struct CheckpointConfig {
  std::string to = "auto";  ///< a file, a folder (ends in /), auto or none
  uint64_t every_ns = 10'000'000'000;
  std::string key;  ///< a secret: never shown; empty: none
  OnChange on_change = OnChange::kFail;
  uint64_t reserve_min_ns = 0;  ///< 0: by the deadline
  uint64_t reserve_max_ns = 60'000'000'000;
  bool restart = false;  ///< --restart: what is there counts no more
};

struct BatchConfig {
  uint64_t records = 0;  ///< 0: no limit
  uint64_t bytes = 4u << 20;
  bool bytes_given = false;
  uint64_t age_ns = 0;  ///< 0: no limit
};

struct OutputConfig {
  std::string to = "stdout";  ///< stdout, a path, a path with {batch}, a folder (ends in /), or exec
  OutputFormat format = OutputFormat::kAuto;
  CodecChoice codec = CodecChoice::kAuto;
  int level = -1;
  IfExists if_exists = IfExists::kFail;
  bool header = true;  ///< csv, tsv
  std::string delimiter;  ///< csv; empty: ',' or tab
  bool publish_partial = false;
  uint64_t unit = 4u << 20;  ///< written bytes of a commit unit
  uint64_t roll_bytes = 0;  ///< of each piece, before compression, where `to` has {part}; 0: no limit
  uint64_t roll_records = 0;  ///< 0: no limit
  uint64_t part = 8u << 20;  ///< s3: bytes of an upload's part; 5 MiB .. 1 GiB
  std::string spool;  ///< s3: a folder where parts wait in files; empty: in memory
  bool create_folders = true;  ///< make missing parent folders
  // Of services that take records as messages.
  std::vector<std::string> key;  ///< columns: a message's group, partition or item
  uint32_t in_flight = 4;  ///< batches on their way; 1 .. 64
  uint64_t rate = 0;  ///< messages a second; 0: no cap
  uint32_t tries = 3;  ///< of a message that the service refuses
  uint64_t timeout_ns = 0;  ///< from a request to its reply; 0: by the service
};

struct HttpConfig {
  std::vector<std::string> headers;  ///< "Name: value"; secrets: never shown
};

/// EventBridge.
struct EventsConfig {
  std::string source;  ///< empty: by the pipeline's name
  std::string detail_type;  ///< empty: "record"
};

struct ExecConfig {
  std::vector<std::string> command;  ///< argv; a single string in YAML means {"/bin/sh", "-c", string}
  uint64_t memory = 256u << 20;  ///< the child's address space limit; outside the budget
  uint32_t retries = 3;
  uint64_t timeout_ns = 60'000'000'000;
};

/// AWS, as its own tools name the settings. Empty: by the environment and the profile.
struct AwsConfig {
  std::string region;
  std::string endpoint_url;
  std::string profile;
  std::string ca_bundle;  ///< a file of roots
  bool no_sign_request = false;
  bool requester_pays = false;
  std::string expected_bucket_owner;
  std::string sse;  ///< AES256 or aws:kms
  std::string sse_kms_key_id;
};

enum class Continue : uint8_t { kAuto, kReturn, kSelf, kRequeue, kRetry };
enum class LambdaLoop : uint8_t { kGuard, kAllow };

/// What the Lambda runtime does around a job; see docs/lambda.md.
struct LambdaConfig {
  Continue cont = Continue::kAuto;  ///< how a job that the deadline stopped goes on
  LambdaLoop loop = LambdaLoop::kGuard;
  std::string on_fatal = "fail";  ///< fail, s3://bucket/prefix/ or sqs://queue
  uint64_t memory_reserve = 32u << 20;  ///< bytes of the function's memory that are not the budget's
};

struct RejectsConfig {
  std::string to;  ///< empty: none - the first bad record stops the run
  uint64_t max_count = ~0ull;  ///< stop past this many
  double max_share = 1.0;  ///< 0..1; stop past this share (judged after 1,000 records and at the end)
};

struct Config {
  std::string name;
  uint64_t memory = 48u << 20;
  bool memory_given = false;
  InputConfig input;
  std::string query;  ///< empty: SELECT * FROM input
  uint32_t query_line = 0;  ///< line of the query's first character in the pipeline file; 0 when not from a file
  uint32_t query_column = 0;
  BatchConfig batch;
  OutputConfig output;
  ExecConfig exec;
  HttpConfig http;
  EventsConfig events;
  RejectsConfig rejects;
  AwsConfig aws;
  CheckpointConfig checkpoint;
  LambdaConfig lambda;
  uint64_t deadline_ns = 0;  ///< 0: none. Duration from the start
  uint64_t deadline_wall_ns = 0;  ///< 0: none. Nanoseconds since 1970
  bool fail_on_rejects = false;
};

}  // namespace weir

// The pipeline file: one table of every key, and what is made of it - reading, defaults, checks, JSON Schema, help and docs.
//
// parse_pipeline() reads a file, the environment and `--set` in this order, the later overriding the earlier, and reports *every*
// mistake at once with line and column (bytes, from 1; line 0: not from the file). It never throws. A Pipeline with errors
// holds a Config that must not be run. To add a key: one row in spec_table.cpp, one field in config.hpp, `make docs` for
// docs/pipeline_file.md; a contradiction is a function in spec_check.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/config.hpp"

namespace weir {

// --- The table -------------------------------------------------------------------------------------------------------------

enum class KeyKind : uint8_t {
  kText,
  kSize,
  kCount,
  kDuration,
  kCountOrShare,
  kBool,
  kEnum,
  kChar,  ///< one byte, `tab`, or `none`
  kTextList,  ///< a text or a list of texts
  kColumnTypes,  ///< a map of column names to types
  kCommand,  ///< a text for /bin/sh -c, or a list: program and arguments
  kDeadline,  ///< a duration, or a time: `2026-11-27T04:30:00Z`
};

/// A value that was read as the key's kind says, for its setter.
struct KeyValue {
  std::string_view text;
  uint64_t number = 0;
  double share = 0;
  bool is_share = false;  ///< kCountOrShare: `share` holds, not `number`
  bool flag = false;
  bool is_time = false;  ///< kDeadline: `number` is nanoseconds since 1970
  uint32_t choice = 0;  ///< kEnum: index in KeySpec.values
  std::vector<std::string> list;
  std::vector<ColumnType> types;
};

/// Formats for which a key has a meaning; a bit for each FormatChoice but kAuto.
using FormatMask = uint16_t;
constexpr FormatMask format_bit(FormatChoice format) {
  return static_cast<FormatMask>(1u << static_cast<unsigned>(format));
}

struct KeySpec {
  std::string_view path;  ///< `input.record_max`
  KeyKind kind;
  std::string_view values;  ///< kEnum: words with one space between them
  std::string_view fallback;  ///< the default as it would be written in the file; empty: none or empty
  uint64_t min;  ///< of the number in base units; of a text: bytes; of a list: items
  uint64_t max;
  FormatMask formats;  ///< 0: for all
  std::string_view doc;  ///< one line
  std::string_view example;
  void (*set)(Config& config, KeyValue& value);  ///< may move from `value`
};

std::span<const KeySpec> key_table();
/// nullptr: no such key.
const KeySpec* find_key(std::string_view path);
/// Is `path` the name of a section, as `input` is?
bool is_section(std::string_view path);
/// The key that a section's name stands for when a value is written behind it (`checkpoint: state/`), or empty.
std::string_view short_form_of(std::string_view section);
/// The key nearest to an unknown one, or empty.
std::string_view nearest_key(std::string_view path);

// --- Reading ---------------------------------------------------------------------------------------------------------------

enum class Severity : uint8_t { kError, kWarning };

struct Diagnostic {
  Error error;
  Severity severity = Severity::kError;
};

/// "orders.yaml:3:12: error W2003: value out of range: `batch.records`: ... (hint)". Without a place the file's name is left out.
std::string format_diagnostic(std::string_view file_name, const Diagnostic& diagnostic);

/// The process's environment, or a test's: texts `NAME=value`. Views: must outlive its use.
struct Environment {
  std::span<const char* const> entries;

  /// From `environ`, which ends in a null pointer.
  static Environment of_process(char** environment);
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};

enum class KeyOrigin : uint8_t { kDefault, kFile, kEnvironment, kCommandLine };

struct KeyMark {
  KeyOrigin origin = KeyOrigin::kDefault;
  uint32_t line = 0;
  uint32_t column = 0;
};

inline constexpr size_t kKeysMax = 128;

struct Pipeline {
  Config config;
  std::vector<Diagnostic> diagnostics;  ///< those of the file by place, then the others; at most kDiagnosticsMax
  std::array<KeyMark, kKeysMax> marks;  ///< by index in key_table(): who gave the value that holds

  static constexpr size_t kDiagnosticsMax = 40;
  [[nodiscard]] bool ok() const;
  [[nodiscard]] bool given(std::string_view path) const;
  [[nodiscard]] KeyMark mark(std::string_view path) const;
  void report(Severity severity, const Error& error);
};

struct PipelineSource {
  std::string_view text;  ///< the file's bytes; empty where there is none (`weir query`)
  Environment environment;  ///< for ${VAR} and WEIR_SET_...
  std::span<const std::string_view> sets;  ///< `batch.records=100`, as given to --set
  /// Inputs named on the command line: taken as they are, in place of input.from.
  std::span<const std::string_view> inputs;
  bool input_is_required = true;  ///< false: the host brings its own; a missing input.from is no mistake
};

/// Reads, overrides and checks. See the file's head.
Pipeline parse_pipeline(const PipelineSource& source);

/// The same for one setting more, `batch.records=100`: reported in `pipeline.diagnostics`. Lists and maps are written in flow style
/// (`input.columns=[a, b]`); ${VAR} is not replaced. Contradictions are seen by check_pipeline().
void apply_set(Pipeline& pipeline, std::string_view setting);

/// Contradictions between keys, and what is missing. parse_pipeline() has done it; call it again after apply_set().
void check_pipeline(Pipeline& pipeline, bool input_is_required = true);

struct FilePlace {
  uint32_t line = 0;  ///< 0: not from a file
  uint32_t column = 0;
};
/// Where line and column of the query (from 1) stand in the pipeline file. Exact for a literal block (`|`) and for a query on one line;
/// in a folded (`>`) or quoted text of several lines, and behind a ${VAR} on the same line, an approximation.
FilePlace query_place(const Config& config, uint32_t line, uint32_t column);

// --- What else the table gives ---------------------------------------------------------------------------------------------------

/// JSON Schema 2020-12 of the pipeline file.
std::string json_schema();
/// The key tables of docs/pipeline_file.md, a section each.
std::string config_reference_markdown();
/// Help for a key or a section; empty when there is no such key.
std::string help_for_key(std::string_view path);
/// "64B to 1GiB", "one of fail, replace, skip": what may be given, for messages and docs.
std::string allowed_values(const KeySpec& spec);

}  // namespace weir

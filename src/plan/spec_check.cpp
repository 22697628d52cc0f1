// Contradictions between keys, and what is missing: all of them, each at the key that is to be changed.
#include <fnmatch.h>

#include "aws/endpoint.hpp"
#include "delivery/destinations.hpp"
#include "io/http_address.hpp"
#include "plan/name_template.hpp"
#include "plan/spec.hpp"
#include "plan/units.hpp"

namespace weir {

namespace {
std::string_view format_word(FormatChoice format) {
  std::string_view words = find_key("input.format")->values;
  for (auto i = static_cast<unsigned>(format); i > 0; --i) words = words.substr(words.find(' ') + 1);
  return words.substr(0, words.find(' '));
}

bool ends_with_codec(std::string_view name, std::string_view a, std::string_view b) {
  return name.ends_with(a) || name.ends_with(b);
}

/// "./a//b" and "a/b" are one place.
std::string normalised(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size();) {
    if (path[i] == '/' && !out.empty() && out.back() == '/') {
      ++i;
    } else if ((out.empty() || out.back() == '/') && path.substr(i).starts_with("./")) {
      i += 2;
    } else {
      out += path[i++];
    }
  }
  return out;
}

bool has_scheme(std::string_view name) { return name.find("://") != std::string_view::npos; }
/// What is shown of a URL: it may hold a password.
std::string_view scheme_of(std::string_view name) {
  return has_scheme(name) ? name.substr(0, name.find("://") + 3) : name;
}
bool is_pattern(std::string_view name) { return name.find_first_of("*?[") != std::string_view::npos; }

class Checker {
 public:
  explicit Checker(Pipeline& pipeline) : pipeline_(pipeline), config_(pipeline.config) {}

  void check(bool input_is_required) {
    inputs(input_is_required);
    formats();
    csv();
    codecs();
    output();
    exec();
    messages();
    rejects();
    checkpoint();
    places();
  }

 private:
  bool given(std::string_view path) const { return pipeline_.given(path); }

  void report(Severity severity, Code code, std::string_view path, std::string_view what,
              uint32_t column_in_value = 0) {
    // Once for a place and code: check_pipeline may run again after apply_set.
    Error error(code);
    error.detail.append("`").append(path).append("`: ").append(what);
    if (column_in_value > 1) error.detail.append(" (at byte ").append_number(column_in_value).append(" of it)");
    const KeyMark mark = pipeline_.mark(path);
    error.at_line(mark.line, mark.column);
    for (const Diagnostic& old : pipeline_.diagnostics) {
      if (old.error.code == code && old.error.detail.view() == error.detail.view()) return;
    }
    pipeline_.report(severity, error);
  }
  void contradiction(std::string_view path, std::string_view what) {
    report(Severity::kError, Code::kContradiction, path, what);
  }
  void warning(std::string_view path, std::string_view what) {
    report(Severity::kWarning, Code::kContradiction, path, what);
  }

  [[nodiscard]] bool reads_stdin() const {
    for (const std::string& from : config_.input.from) {
      if (from == "stdin") return true;
    }
    return false;
  }
  [[nodiscard]] bool to_exec() const { return config_.output.to == "exec"; }
  [[nodiscard]] bool to_stdout() const { return config_.output.to == "stdout"; }
  [[nodiscard]] const DestinationKind* service() const { return destination_kind(config_.output.to); }
  [[nodiscard]] bool to_file() const { return !to_exec() && !to_stdout() && service() == nullptr; }

  /// It begins with s3://; what is wrong with the address is reported.
  bool is_object(std::string_view path, std::string_view name) {
    if (!name.starts_with("s3://")) return false;
    if (const auto address = parse_s3_address(name); !address)
      report(Severity::kError, address.error().code, path, address.error().detail.view());
    return true;
  }

  void inputs(bool required) {
    const std::vector<std::string>& from = config_.input.from;
    if (from.empty() && required && !given("input.from")) {
      for (const Diagnostic& old : pipeline_.diagnostics) {
        if (old.error.detail.view().find("`input.from`") != std::string_view::npos) return;  // it was there, and wrong
      }
      report(Severity::kError, Code::kMissingKey, "input.from", "say what to read: a path, a pattern or stdin");
    }
    size_t stdins = 0;
    for (const std::string& name : from) {
      if (name == "stdin") ++stdins;
      if (is_object("input.from", name)) continue;
      if (is_http(name)) {
        // Never the text itself: it may be signed.
        if (const auto address = parse_http_address(name); !address)
          report(Severity::kError, address.error().code, "input.from", address.error().detail.view());
        continue;
      }
      if (name == "event") {
        if (from.size() != 1)
          contradiction("input.from", "`event` is what a function is called with, and stands alone");
        continue;
      }
      if (has_scheme(name)) {
        Detail detail("this version reads files, stdin, s3://, http:// and https://, not ");
        detail.append(quoted(scheme_of(name)).view());
        report(Severity::kError, Code::kNotYet, "input.from", detail.view());
      }
    }
    if (stdins > 1) contradiction("input.from", "stdin is named twice; it can be read once");
  }

  /// Keys that have a meaning only for some formats, where another one was asked for.
  void formats() {
    const FormatChoice format = config_.input.path.empty() || config_.input.format != FormatChoice::kAuto
                                    ? config_.input.format
                                    : FormatChoice::kJson;
    for (const KeySpec& spec : key_table()) {
      if (spec.formats == 0 || !spec.path.starts_with("input.") || !given(spec.path)) continue;
      if (format != FormatChoice::kAuto && (spec.formats & format_bit(format)) != 0) continue;
      if (format == FormatChoice::kAuto && spec.formats != format_bit(FormatChoice::kBlocks)) continue;
      Detail detail("it is for input.format ");
      detail.append(formats_words(spec.formats)).append(", ");
      if (format == FormatChoice::kAuto) {
        detail.append("which must be said: input.format is not given");
      } else if (config_.input.format == FormatChoice::kAuto) {
        detail.append("but input.path makes it json");
      } else {
        detail.append("not for ").append(format_word(format));
      }
      contradiction(spec.path, detail.view());
    }
    const OutputFormat out = config_.output.format;
    if (out != OutputFormat::kAuto && out != OutputFormat::kCsv && out != OutputFormat::kTsv) {
      for (const std::string_view path : {"output.header", "output.delimiter"}) {
        if (given(path)) contradiction(path, "it is for output.format csv or tsv");
      }
    }
  }

  static std::string_view formats_words(FormatMask formats) {
    constexpr FormatMask kCsv = format_bit(FormatChoice::kCsv) | format_bit(FormatChoice::kTsv);
    if (formats == kCsv) return "csv or tsv";
    if (formats == format_bit(FormatChoice::kJson)) return "json";
    if (formats == format_bit(FormatChoice::kBlocks)) return "blocks";
    return "json or ndjson";
  }

  void csv() {
    const InputConfig& input = config_.input;
    const std::string delimiter = !input.delimiter.empty()             ? input.delimiter
                                  : input.format == FormatChoice::kTsv ? std::string("\t")
                                                                       : std::string(",");
    if (delimiter == input.quote && (given("input.delimiter") || given("input.quote"))) {
      contradiction(given("input.quote") ? "input.quote" : "input.delimiter", "quote and delimiter are the same byte");
    }
    if (!input.escape.empty() && input.escape == delimiter)
      contradiction("input.escape", "escape and delimiter are the same byte");
    if (!input.escape.empty() && input.quote.empty())
      contradiction("input.escape", "an escape is for quoted fields, and input.quote is none");
    if (input.columns.size() > input.columns_max)
      contradiction("input.columns", "there are more than input.columns_max");
    for (size_t i = 0; i < input.columns.size() && i < 4096; ++i) {
      bool twice = false;
      for (size_t j = 0; j < i && !twice; ++j) twice = input.columns[i] == input.columns[j];
      if (!twice) continue;
      Detail detail("the column ");
      contradiction("input.columns", detail.append(quoted(input.columns[i]).view()).append(" is named twice").view());
      break;
    }
    if (!input.columns.empty()) {
      for (const ColumnType& type : input.types) {
        bool known = false;
        for (const std::string& column : input.columns) known = known || column == type.column;
        if (known) continue;
        Detail detail("input.columns has no column ");
        contradiction("input.types", detail.append(quoted(type.column).view()).view());
      }
    }
  }

  void codecs() {
    const CodecChoice codec = config_.input.codec;
    if (given("input.trailing_garbage") && (codec == CodecChoice::kNone || codec == CodecChoice::kZstd)) {
      contradiction("input.trailing_garbage", "it is for input.codec gzip");
    }
    if (given("input.zstd_window_max") && (codec == CodecChoice::kNone || codec == CodecChoice::kGzip)) {
      contradiction("input.zstd_window_max", "it is for input.codec zstd");
    }
    if (given("input.amplification_max") && codec == CodecChoice::kNone) {
      contradiction("input.amplification_max", "it is for compressed input, and input.codec is none");
    }
    if (!given("output.level")) return;
    CodecChoice out = config_.output.codec;
    if (out == CodecChoice::kAuto) {
      const std::string_view to = config_.output.to;
      out = !to_file()                             ? CodecChoice::kNone
            : ends_with_codec(to, ".gz", ".gzip")  ? CodecChoice::kGzip
            : ends_with_codec(to, ".zst", ".zstd") ? CodecChoice::kZstd
                                                   : CodecChoice::kNone;
    }
    if (out == CodecChoice::kNone) contradiction("output.level", "the output is not compressed; set output.codec");
    if (out == CodecChoice::kGzip && config_.output.level > 3)
      contradiction("output.level", "gzip has the levels 0 to 3");
    if (out == CodecChoice::kZstd && config_.output.level == 0)
      contradiction("output.level", "zstd has the levels 1 to 9");
  }

  void name(std::string_view path, std::string_view text, NameTemplate& parsed) {
    const bool object = is_object(path, text);
    if (!object && (text == "event" || has_scheme(text))) {
      Detail detail(path == "output.to" ? "this version writes files, stdout, exec, s3:// and to services ("
                                        : "rejects go to files, stderr, stdout and s3://, not ");
      if (path == "output.to") {
        for (const DestinationKind& kind : destination_kinds()) detail.append(kind.scheme).append(":// ");
        detail.append("), not ");
      }
      return report(Severity::kError, Code::kNotYet, path, detail.append(quoted(scheme_of(text)).view()).view());
    }
    if (is_pattern(text) && text.find('{') == std::string_view::npos)
      warning(path, "`*`, `?` and `[` stand for themselves in an output's name");
    const Result<NameTemplate> result = NameTemplate::parse(text);
    if (!result)
      return report(Severity::kError, result.error().code, path, result.error().detail.view(), result.error().column);
    parsed = *result;
    if (!parsed.uses_input()) return;
    if (reads_stdin())
      return report(Severity::kError, Code::kBadTemplate, path,
                    "{input...} needs an input with a name; stdin has none");
    if (config_.input.from.size() > 1)
      report(Severity::kError, Code::kBadTemplate, path, "{input...} needs exactly one input");
  }

  void output() {
    if (to_file()) {
      for (const std::string_view word : {"stdin", "stderr"}) {
        if (config_.output.to == word)
          contradiction("output.to", "expected stdout, exec or a path; write ./ before such a file name");
      }
      name("output.to", config_.output.to, output_name_);
      const bool rolls = config_.output.roll_bytes != 0 || config_.output.roll_records != 0;
      const bool folder = config_.output.to.ends_with('/');
      if (rolls && !output_name_.uses_part() && !folder)
        contradiction(config_.output.roll_bytes != 0 ? "output.roll_bytes" : "output.roll_records",
                      "it needs {part} in output.to, for the number of each piece");
      if (!rolls && output_name_.uses_part())
        contradiction("output.to",
                      "{part} needs output.roll_bytes or output.roll_records, which say how large a piece is");
      if (rolls && config_.batch.records != 0)
        contradiction("batch.records", "output.roll_bytes and roll_records cut the output instead");
      if (config_.batch.age_ns != 0) {
        contradiction("batch.age",
                      "a file's bytes would depend on the clock; it is for the outputs stdout and exec, and services");
      }
    } else {
      // The rejects follow the output's settings: they may be the file.
      const bool rejects_to_file =
          !config_.rejects.to.empty() && config_.rejects.to != "stderr" && config_.rejects.to != "stdout";
      for (const std::string_view path : {"output.roll_bytes", "output.roll_records"}) {
        if (given(path)) contradiction(path, "it is for outputs that are files or in S3");
      }
      if (given("output.publish_partial"))
        contradiction("output.publish_partial", "it is for an output that is a file");
      for (const std::string_view path : {"output.if_exists", "output.create_folders"}) {
        if (given(path) && !rejects_to_file) contradiction(path, "it is for an output that is a file");
      }
    }
    const bool one_object =
        to_stdout() || (to_file() && !output_name_.uses_batch() && !config_.output.to.ends_with('/'));
    if (config_.output.format == OutputFormat::kJson && one_object) {
      warning(
          "output.format",
          "each batch becomes a JSON array of its own, so the output is one JSON document only while it is one batch; "
          "take ndjson, or put {batch} into output.to");
    }
  }

  void exec() {
    if (to_exec() && config_.exec.command.empty() && !mentioned("exec.command")) {
      report(Severity::kError, Code::kMissingKey, "exec.command",
             "output.to is exec: say which command gets the batches");
    }
    if (to_exec()) return;
    for (const KeySpec& spec : key_table()) {
      if (spec.path.starts_with("exec.") && given(spec.path)) contradiction(spec.path, "it is for output.to: exec");
    }
  }

  /// What was meant for a service and would be a file, or a page.
  void nearly_a_service() {
    const std::string_view to = config_.output.to;
    Detail detail("this is a file's name; ");
    if (to.starts_with("arn:")) {
      const size_t at = to.find(':', 4);
      const std::string_view name =
          at == std::string_view::npos ? std::string_view{} : to.substr(at + 1, to.find(':', at + 1) - at - 1);
      contradiction("output.to", detail.append("for the service write ")
                                     .append(name)
                                     .append("://")
                                     .append(to.substr(0, 100))
                                     .append(", for the file ./ before it")
                                     .view());
    }
    for (const DestinationKind& kind : destination_kinds()) {
      if (service() != nullptr || !to.starts_with(kind.scheme) || to.substr(kind.scheme.size(), 1) != ":") continue;
      contradiction("output.to", detail.append("for the service write ")
                                     .append(kind.scheme)
                                     .append("://NAME, for the file ./ before it")
                                     .view());
    }
    if (to.starts_with("https://sqs.") && to.find(".amazonaws.com/") != std::string_view::npos)
      warning("output.to", "this is a queue's URL, and gets plain unsigned requests; the queue is sqs://account/name");
  }

  void messages() {
    nearly_a_service();
    const DestinationKind* kind = service();
    if (kind == nullptr) {
      for (const std::string_view path :
           {"output.key", "output.in_flight", "output.rate", "output.tries", "output.timeout"}) {
        if (given(path)) contradiction(path, "it is for outputs that are services (sqs://, https:// ...)");
      }
    }
    const bool http = kind != nullptr && kind->needs != DestinationNeeds::kAws;
    if (given("http.headers") && !http) contradiction("http.headers", "it is for outputs that are https:// or http://");
    for (const std::string_view path : {"events.source", "events.detail_type"}) {
      if (given(path) && (kind == nullptr || kind->scheme != "events"))
        contradiction(path, "it is for outputs that are events://");
    }
    if (kind == nullptr) return;
    if (http) {
      // Never the text itself: it may hold a password.
      if (const auto address = parse_http_address(config_.output.to); !address)
        report(Severity::kError, address.error().code, "output.to", address.error().detail.view());
    }
    if (!config_.output.key.empty() && !kind->takes_key) {
      Detail detail("it has no meaning for ");
      contradiction("output.key", detail.append(kind->scheme).append("://").view());
    }
    if (config_.output.key.empty() && kind->needs_key && !mentioned("output.key"))
      report(Severity::kError, Code::kMissingKey, "output.key",
             "say which columns name an item: the table's partition key, and its sort key");
    if (config_.output.codec == CodecChoice::kGzip || config_.output.codec == CodecChoice::kZstd)
      contradiction("output.codec", "messages are not compressed");
  }

  /// Was the key there, though its value is wrong?
  [[nodiscard]] bool mentioned(std::string_view path) const {
    for (const Diagnostic& old : pipeline_.diagnostics) {
      const std::string_view detail = old.error.detail.view();
      const size_t at = detail.find(path);
      if (at != std::string_view::npos && at > 0 && detail[at - 1] == '`' && old.error.code != Code::kMissingKey)
        return true;
    }
    return false;
  }

  void rejects() {
    const std::string& to = config_.rejects.to;
    if (to.empty()) {
      if (given("rejects.max") && !mentioned("rejects.to"))
        contradiction("rejects.max", "it needs rejects.to; without it the first bad record stops the run");
      if (config_.fail_on_rejects && !mentioned("rejects.to")) {
        warning("fail_on_rejects", "without rejects.to the first bad record stops the run");
      }
      return;
    }
    if (to == "exec" || to == "stdin") return contradiction("rejects.to", "rejects go to a file, stderr or stdout");
    if (to == "stdout" && to_stdout())
      return contradiction("rejects.to", "rejects and output would be mixed on stdout");
    if (to == "stdout" || to == "stderr") return;
    if (to.ends_with('/')) return contradiction("rejects.to", "expected a file; this is a folder");
    NameTemplate parsed;
    name("rejects.to", to, parsed);
    if (parsed.uses_batch())
      report(Severity::kError, Code::kBadTemplate, "rejects.to", "{batch} is for output.to; rejects have no batches");
    if (to_file() && normalised(to) == normalised(config_.output.to))
      contradiction("rejects.to", "it is the same file as output.to");
  }

  /// Asked for by name, where the run leaves nothing to go on from.
  void checkpoint() {
    const std::string& to = config_.checkpoint.to;
    if (to == "auto" || to == "none") return;
    if (!is_object("checkpoint.to", to) && has_scheme(to)) {
      Detail detail("this version keeps checkpoints in files and s3://, not ");
      return report(Severity::kError, Code::kNotYet, "checkpoint.to",
                    detail.append(quoted(scheme_of(to)).view()).view());
    }
    if (reads_stdin())
      contradiction("checkpoint.to", "stdin can't be read again from the middle; name files, or set it to none");
    if (to_stdout())
      contradiction("checkpoint.to", "what went to stdout can't be taken back; write to a file, or set it to none");
    if (config_.rejects.to == "stdout" || config_.rejects.to == "stderr") {
      contradiction("checkpoint.to", "what went to rejects.to can't be taken back; write rejects to a file");
    }
    if (config_.output.publish_partial)
      contradiction("checkpoint.to", "output.publish_partial gives away what a later run would go on with");
    if (!to_stdout() && normalised(to) == normalised(config_.output.to))
      contradiction("checkpoint.to", "it is the same file as output.to");
    if (normalised(to) == normalised(config_.rejects.to))
      contradiction("checkpoint.to", "it is the same file as rejects.to");
  }

  /// An output among the inputs.
  void places() {
    const auto check_one = [&](std::string_view key, const std::string& to) {
      const std::string place = normalised(to);
      for (const std::string& from : config_.input.from) {
        const std::string input = normalised(from);
        if (input == "stdin" || is_http(from)) continue;
        if (input == place) {
          contradiction(key, "it is an input as well");
          return;
        }
        if (is_pattern(input) && to.find('{') == std::string::npos && !to.ends_with('/') &&
            fnmatch(input.c_str(), place.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) {
          Detail detail("the next run would read it: it fits the input ");
          warning(key, detail.append(quoted(from).view()).view());
        }
      }
    };
    if (to_file()) check_one("output.to", config_.output.to);
    const std::string& rejects = config_.rejects.to;
    if (!rejects.empty() && rejects != "stdout" && rejects != "stderr") check_one("rejects.to", rejects);
  }

  Pipeline& pipeline_;
  const Config& config_;
  NameTemplate output_name_;
};
}  // namespace

void check_pipeline(Pipeline& pipeline, bool input_is_required) { Checker(pipeline).check(input_is_required); }

}  // namespace weir

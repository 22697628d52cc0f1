#include "plan/spec.hpp"

#include <cstring>

#include "base/nearest_word.hpp"
#include "plan/units.hpp"
#include "plan/yaml.hpp"

namespace weir {

namespace {
constexpr std::string_view kSetPrefix = "WEIR_SET_";

size_t index_of(const KeySpec& spec) { return static_cast<size_t>(&spec - key_table().data()); }

/// "`batch.records`: " in front of what is wrong with it.
Detail detail_of(std::string_view origin, std::string_view path) {
  Detail detail(origin);
  return detail.append("`").append(path.substr(0, 60)).append("`: ");
}

Error spec_error(Code code, std::string_view origin, std::string_view path, std::string_view what) {
  Error error(code);
  error.detail = detail_of(origin, path);
  error.detail.append(what);
  return error;
}

/// Takes the next word of a list with single spaces.
std::string_view take_word(std::string_view& words) {
  const size_t space = words.find(' ');
  const std::string_view word = words.substr(0, space);
  words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
  return word;
}

/// Index of a word, or -1 with `error` saying which there are.
int find_choice(std::string_view text, std::string_view words, Error& error) {
  std::string_view nearest;
  unsigned best = 99;
  int index = 0;
  for (std::string_view rest = words; !rest.empty(); ++index) {
    const std::string_view word = take_word(rest);
    if (word == text) return index;
    if (is_nearer(text, word, best)) nearest = word;
  }
  error = Error(Code::kWrongType);
  error.detail.append("expected one of ");
  bool first = true;
  for (std::string_view rest = words; !rest.empty(); first = false) {
    if (!first) error.detail.append(", ");
    error.detail.append(take_word(rest));
  }
  error.detail.append("; found ").append(text.empty() ? std::string_view("nothing") : quoted(text).view());
  if (!nearest.empty()) error.detail.append("; did you mean ").append(nearest).append("?");
  return -1;
}

/// One byte; `none` and "" are no byte, `tab` and `\t` are a tab.
Status read_char(const KeySpec& spec, std::string_view text, std::string& buffer) {
  if (text == "none" && spec.min == 0) text = "";
  if (text == "tab" || text == "\\t") text = "\t";
  if (text == "space") text = " ";
  buffer.assign(text);
  if (text.size() < spec.min || text.size() > 1) {
    Error error(Code::kWrongType);
    error.detail.append("expected a single byte")
        .append(spec.min == 0 ? ", `tab` or `none`" : " or `tab`")
        .append(", found ");
    error.detail.append(text.empty() ? std::string_view("nothing") : quoted(text).view());
    return fail(error);
  }
  if (text == "\n" || text == "\r" || (text.size() == 1 && text[0] == '\0')) {
    return fail(Code::kWrongType, "a line end or NUL can't be used here");
  }
  return {};
}

bool is_name(std::string_view text) {
  for (const char c : text) {
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!fine) return false;
  }
  return true;
}

std::string_view kind_words(KeyKind kind) {
  switch (kind) {
    case KeyKind::kSize:
      return "a size such as 48MiB";
    case KeyKind::kCount:
      return "a whole number";
    case KeyKind::kDuration:
      return "a duration such as 15m";
    case KeyKind::kDeadline:
      return "a duration such as 15m, or a time such as 2026-11-27T04:30:00Z";
    case KeyKind::kCountOrShare:
      return "a count such as 100 or a share such as 1%";
    case KeyKind::kBool:
      return "true or false";
    case KeyKind::kTextList:
    case KeyKind::kCommand:
      return "a text or a list of texts";
    case KeyKind::kColumnTypes:
      return "a map of column names to types, `{id: int}`";
    default:
      return "a text";
  }
}

Error out_of_range(const KeySpec& spec, std::string_view found) {
  Error error(Code::kOutOfRange);
  error.detail.append("expected ").append(allowed_values(spec)).append(", found ").append(found);
  return error;
}

Status check_text(const KeySpec& spec, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return fail(Code::kWrongType, "a NUL byte can't be used here");
  if (text.empty() && spec.min > 0) return fail(Code::kWrongType, "expected a text, found nothing");
  if (text.size() < spec.min) {
    Error error(Code::kOutOfRange, "at least ");
    error.detail.append_number(spec.min).append(" bytes, found ").append_number(text.size());
    return fail(error);
  }
  if (text.size() > spec.max) {
    Error error(Code::kOutOfRange, "at most ");
    error.detail.append_number(spec.max).append(" bytes, found ").append_number(text.size());
    return fail(error);
  }
  if (spec.path == "name" && !is_name(text)) {
    Error error(Code::kWrongType, "expected letters, digits, `.`, `_` and `-` only, found ");
    error.detail.append(quoted(text).view());
    return fail(error);
  }
  return {};
}

/// Reads one scalar as the key's kind says; lists and maps are not its business.
Status read_scalar(const KeySpec& spec, std::string_view text, KeyValue& value, std::string& buffer) {
  value.text = text;
  switch (spec.kind) {
    case KeyKind::kText:
      return check_text(spec, text);
    case KeyKind::kSize: {
      const Result<uint64_t> size = parse_size(text);
      if (!size) return fail(size.error());
      value.number = *size;
      if (*size < spec.min || *size > spec.max) return fail(out_of_range(spec, format_size_exactly(*size).view()));
      return {};
    }
    case KeyKind::kCount: {
      const Result<uint64_t> count = parse_count(text);
      if (!count) return fail(count.error());
      value.number = *count;
      if (*count < spec.min || *count > spec.max) return fail(out_of_range(spec, text.substr(0, 40)));
      return {};
    }
    case KeyKind::kDuration: {
      const Result<uint64_t> duration = parse_duration_ns(text);
      if (!duration) return fail(duration.error());
      value.number = *duration;
      if (*duration < spec.min || *duration > spec.max)
        return fail(out_of_range(spec, format_duration(*duration).view()));
      return {};
    }
    case KeyKind::kDeadline: {
      value.is_time = text.find('T') != std::string_view::npos && text.find('-') != std::string_view::npos;
      const Result<uint64_t> number = value.is_time ? parse_time_ns(text) : parse_duration_ns(text);
      if (!number) return fail(number.error());
      value.number = *number;
      if (!value.is_time && (*number < spec.min || *number > spec.max)) {
        return fail(out_of_range(spec, format_duration(*number).view()));
      }
      return {};
    }
    case KeyKind::kCountOrShare: {
      value.is_share = text.find_first_of(".%") != std::string_view::npos;
      if (value.is_share) {
        const Result<double> share = parse_share(text);
        if (!share) return fail(share.error());
        value.share = *share;
        return {};
      }
      const Result<uint64_t> count = parse_count(text);
      if (!count && count.error().code == Code::kOutOfRange) return fail(count.error());
      if (!count) {
        Error error(Code::kWrongType, "expected a count such as 100 or a share such as 1%, found ");
        error.detail.append(text.empty() ? std::string_view("nothing") : quoted(text).view());
        return fail(error);
      }
      value.number = *count;
      if (*count < spec.min || *count > spec.max) return fail(out_of_range(spec, text.substr(0, 40)));
      return {};
    }
    case KeyKind::kBool: {
      const Result<bool> flag = parse_bool(text);
      if (!flag) return fail(flag.error());
      value.flag = *flag;
      return {};
    }
    case KeyKind::kEnum: {
      Error error;
      const int choice = find_choice(text, spec.values, error);
      if (choice < 0) return fail(error);
      value.choice = static_cast<uint32_t>(choice);
      return {};
    }
    case KeyKind::kChar:
      WEIR_TRY(read_char(spec, text, buffer));
      value.text = buffer;
      return {};
    case KeyKind::kTextList:
      value.list.emplace_back(text);
      return {};
    case KeyKind::kCommand:
      value.list = {"/bin/sh", "-c", std::string(text)};
      return {};
    case KeyKind::kColumnTypes:
      return fail(Code::kWrongType, "expected a map of column names to types, `{id: int}`");
  }
  return {};
}

Status check_item(const KeySpec& spec, std::string_view item) {
  constexpr size_t kItemBytesMax = 4096;
  if (item.find('\0') != std::string_view::npos) return fail(Code::kWrongType, "a NUL byte can't be used here");
  if (item.empty() && spec.kind != KeyKind::kCommand) return fail(Code::kWrongType, "an empty text can't be used here");
  if (item.size() > kItemBytesMax && spec.kind != KeyKind::kCommand)
    return fail(Code::kOutOfRange, "at most 4096 bytes a text");
  if (item.size() > 65'536) return fail(Code::kOutOfRange, "at most 65536 bytes a text");
  return {};
}

void set_value(Pipeline& pipeline, const KeySpec& spec, KeyValue& value, const KeyMark& mark) {
  spec.set(pipeline.config, value);
  if (spec.path == "query") pipeline.config.query_line = pipeline.config.query_column = 0;
  for (std::string& from : pipeline.config.input.from) {
    if (from == "-") from = "stdin";
  }
  if (pipeline.config.output.to == "-") pipeline.config.output.to = "stdout";
  pipeline.marks[index_of(spec)] = mark;
}

Error unknown_key(std::string_view origin, std::string_view path) {
  Error error(Code::kUnknownKey);
  error.detail.append(origin).append("unknown key `").append(path.substr(0, 80)).append("`");
  const std::string_view nearest = nearest_key(path);
  if (!nearest.empty()) error.detail.append("; did you mean `").append(nearest).append("`?");
  return error;
}

/// Reads the tree of a pipeline file into a Pipeline. One use each.
class FileReader {
 public:
  FileReader(Pipeline& pipeline, const Environment& environment) : pipeline_(pipeline), environment_(environment) {}

  void read(YamlNode root) {
    if (root.is_nothing()) return;
    if (!root.is_map()) {
      Error error(Code::kWrongType, "a pipeline file is a map of keys such as `input:` and `output:`");
      pipeline_.report(Severity::kError, error.at_line(root.line(), root.column()));
      return;
    }
    read_section(root, "");
  }

 private:
  void error_at(Error error, uint32_t line, uint32_t column) {
    pipeline_.report(Severity::kError, error.at_line(line, column));
  }

  void key_error(const KeySpec& spec, const Error& error, uint32_t line, uint32_t column) {
    error_at(spec_error(error.code, "", spec.path, error.detail.view()), line, column);
  }

  void read_section(YamlNode section, std::string_view prefix) {
    for (const YamlNode child : section) {
      std::string path(prefix);
      if (!path.empty()) path += '.';
      path += child.key();
      if (const KeySpec* spec = find_key(path); spec != nullptr && path.find('.') == prefix_dot(prefix)) {
        read_key(*spec, child);
      } else if (prefix.empty() && is_section(path) && child.key().find('.') == std::string_view::npos) {
        const KeySpec* short_form = child.is_scalar() && !child.is_nothing() ? find_key(short_form_of(path)) : nullptr;
        if (child.is_map()) {
          read_section(child, path);
        } else if (short_form != nullptr) {
          read_key(*short_form, child);
        } else if (!child.is_nothing()) {
          error_at(spec_error(Code::kWrongType, "", path, "expected keys below it, indented; found a value"),
                   child.line(), child.column());
        }
      } else if (spec != nullptr) {
        Error error(Code::kUnknownKey, "unknown key `");
        const size_t dot = path.find('.');
        error.detail.append(path)
            .append("`; write `")
            .append(path.substr(0, dot))
            .append(":`, and below it, indented, `");
        error.detail.append(path.substr(dot + 1)).append(":`");
        error_at(error, child.key_line(), child.key_column());
      } else {
        error_at(unknown_key("", path), child.key_line(), child.key_column());
      }
    }
  }

  static size_t prefix_dot(std::string_view prefix) { return prefix.empty() ? std::string::npos : prefix.size(); }

  void read_key(const KeySpec& spec, YamlNode node) {
    const KeyMark mark{KeyOrigin::kFile, node.key_line(), node.key_column()};
    KeyValue value;
    std::string buffer;
    Error no_word;
    const bool is_word = node.is_scalar() && spec.kind == KeyKind::kEnum &&
                         find_choice(node.text(), spec.values, no_word) >= 0;  // `null`
    if (node.is_nothing() && !is_word) {
      Detail detail("expected ");
      detail.append(kind_words(spec.kind)).append(", found nothing");
      key_error(spec, Error(Code::kWrongType, detail.view()), node.key_line(), node.key_column());
      return;
    }
    if (node.is_list()) {
      if (!read_list(spec, node, value)) return;
    } else if (node.is_map()) {
      if (!read_types(spec, node, value)) return;
    } else {
      std::string text;
      if (!substitute(spec, node, text)) return;
      const Status status = read_scalar(spec, text, value, buffer);
      if (!status) {
        Error error = status.error();
        if (text != node.text()) {  // what a variable holds may be a secret: only its name is shown
          error.detail = Detail("expected ");
          const std::string allowed = allowed_values(spec);
          error.detail.append(allowed.empty() ? kind_words(spec.kind) : std::string_view(allowed));
          error.detail.append(", found what ").append(quoted(node.text()).view()).append(" stands for");
        }
        return key_error(spec, error, node.line(), node.column());
      }
      for (const std::string& item : value.list) {
        const Status fine = check_item(spec, item);
        if (!fine) return key_error(spec, fine.error(), node.line(), node.column());
      }
      set_value(pipeline_, spec, value, mark);
      if (spec.path == "query") {
        pipeline_.config.query_line = node.text_line();
        pipeline_.config.query_column = node.text_column();
      }
      return;
    }
    set_value(pipeline_, spec, value, mark);
  }

  bool read_list(const KeySpec& spec, YamlNode node, KeyValue& value) {
    if (spec.kind != KeyKind::kTextList && spec.kind != KeyKind::kCommand) {
      Detail detail("expected ");
      detail.append(kind_words(spec.kind)).append(", found a list");
      key_error(spec, Error(Code::kWrongType, detail.view()), node.line(), node.column());
      return false;
    }
    if (node.size() < spec.min || node.size() > spec.max) {
      Error error(Code::kOutOfRange, "expected ");
      error.detail.append_number(spec.min)
          .append(" to ")
          .append_number(spec.max)
          .append(" items, found ")
          .append_number(node.size());
      key_error(spec, error, node.line(), node.column());
      return false;
    }
    bool fine = true;
    value.list.reserve(node.size());
    for (const YamlNode item : node) {
      std::string text;
      if (!item.is_scalar() || item.is_nothing()) {
        key_error(spec, Error(Code::kWrongType, "expected a text here"), item.line(), item.column());
        fine = false;
      } else if (!substitute(spec, item, text)) {
        fine = false;
      } else if (const Status status = check_item(spec, text); !status) {
        key_error(spec, status.error(), item.line(), item.column());
        fine = false;
      } else {
        value.list.push_back(std::move(text));
      }
    }
    return fine;
  }

  bool read_types(const KeySpec& spec, YamlNode node, KeyValue& value) {
    if (spec.kind != KeyKind::kColumnTypes) {
      Detail detail("expected ");
      detail.append(kind_words(spec.kind)).append(", found a map");
      key_error(spec, Error(Code::kWrongType, detail.view()), node.line(), node.column());
      return false;
    }
    constexpr Type kTypes[] = {Type::kInt, Type::kDecimal, Type::kDouble, Type::kText, Type::kBool};
    bool fine = true;
    value.types.reserve(node.size());
    for (const YamlNode item : node) {
      std::string text;
      Error error;
      if (!item.is_scalar() || item.is_nothing()) {
        key_error(spec, Error(Code::kWrongType, "expected a type: int, decimal, double, text or bool"), item.key_line(),
                  item.key_column());
        fine = false;
        continue;
      }
      if (!substitute(spec, item, text)) {
        fine = false;
        continue;
      }
      const int choice = find_choice(text, spec.values, error);
      if (choice < 0) {
        if (text != item.text())
          error.detail =
              Detail("expected a type, found what ").append(quoted(item.text()).view()).append(" stands for");
        key_error(spec, error, item.line(), item.column());
        fine = false;
      } else {
        value.types.push_back({std::string(item.key()), kTypes[choice]});
      }
    }
    return fine;
  }

  /// ${NAME}, ${NAME:-default} and $$; any other `$` stays.
  bool substitute(const KeySpec& spec, YamlNode node, std::string& out) {
    constexpr size_t kTextMax = 256u << 10;
    const std::string_view text = node.text();
    if (text.find('$') == std::string_view::npos) {
      out.assign(text);
      return true;
    }
    for (size_t i = 0; i < text.size();) {
      if (text[i] != '$' || i + 1 == text.size() || (text[i + 1] != '$' && text[i + 1] != '{')) {
        out += text[i++];
        continue;
      }
      if (text[i + 1] == '$') {
        out += '$';
        i += 2;
        continue;
      }
      const size_t close = text.find('}', i);
      if (close == std::string_view::npos)
        return variable_error(spec, node, i, "a `${` is not closed; write $$ for a dollar sign");
      std::string_view name = text.substr(i + 2, close - i - 2);
      std::optional<std::string_view> fallback;
      if (const size_t split = name.find(":-"); split != std::string_view::npos) {
        fallback = name.substr(split + 2);
        name = name.substr(0, split);
      }
      if (name.empty() || !is_name(name) || name.find_first_of(".-") != std::string_view::npos) {
        return variable_error(spec, node, i, "expected ${NAME} or ${NAME:-default}; write $$ for a dollar sign");
      }
      std::optional<std::string_view> found = environment_.find(name);
      // As in a shell, `:-` takes the place of an empty value too.
      if (fallback && (!found || found->empty())) found = fallback;
      if (!found) {
        Detail detail;
        detail.append(name.substr(0, 80)).append(" is not set");
        return variable_error(spec, node, i, detail.view());
      }
      out += *found;
      i = close + 1;
      if (out.size() > kTextMax) return variable_error(spec, node, i - 1, "the text becomes longer than 256 KiB");
    }
    return true;
  }

  bool variable_error(const KeySpec& spec, YamlNode node, size_t at, std::string_view what) {
    uint32_t line = node.text_line();
    uint32_t column = node.text_column();
    for (const char c : node.text().substr(0, at)) {
      ++column;
      if (c == '\n') {
        ++line;
        column = node.text_column();
      }
    }
    key_error(spec, Error(Code::kBadVariable, what), line, column);
    return false;
  }

  Pipeline& pipeline_;
  const Environment& environment_;
};

/// A setting from --set or the environment. `origin` is what messages begin with: "--set ", "WEIR_SET_BATCH__RECORDS: ".
void apply_value(Pipeline& pipeline, std::string_view path, std::string_view text, KeyOrigin key_origin,
                 std::string_view origin) {
  const KeySpec* spec = find_key(path);
  if (spec == nullptr) spec = find_key(short_form_of(path));
  if (spec == nullptr) {
    if (is_section(path)) {
      pipeline.report(Severity::kError,
                      spec_error(Code::kWrongType, origin, path, "a section; set the keys below it one by one"));
    } else {
      pipeline.report(Severity::kError, unknown_key(origin, path));
    }
    return;
  }
  const auto report = [&](const Error& error) {
    pipeline.report(Severity::kError, spec_error(error.code, origin, path, error.detail.view()));
  };
  const bool flow = (spec->kind == KeyKind::kTextList && text.starts_with('[') && text.ends_with(']')) ||
                    (spec->kind == KeyKind::kCommand && text.starts_with('[') && text.ends_with(']')) ||
                    spec->kind == KeyKind::kColumnTypes;
  KeyValue value;
  std::string buffer;
  if (!flow) {
    Status status = read_scalar(*spec, text, value, buffer);
    for (const std::string& item : value.list) {
      if (status) status = check_item(*spec, item);
    }
    if (!status) return report(status.error());
    set_value(pipeline, *spec, value, {key_origin, 0, 0});
    return;
  }
  const Result<YamlDocument> document = parse_yaml(text);
  if (!document) return report(document.error());
  const YamlNode root = document->root();
  if (!(spec->kind == KeyKind::kColumnTypes ? root.is_map() : root.is_list())) {
    Detail detail("expected ");
    return report(Error(Code::kWrongType, detail.append(kind_words(spec->kind)).view()));
  }
  constexpr Type kTypes[] = {Type::kInt, Type::kDecimal, Type::kDouble, Type::kText, Type::kBool};
  for (const YamlNode item : root) {
    Error error;
    if (!item.is_scalar()) return report(Error(Code::kWrongType, "expected texts only"));
    if (spec->kind == KeyKind::kColumnTypes) {
      const int choice = find_choice(item.text(), spec->values, error);
      if (choice < 0) return report(error);
      value.types.push_back({std::string(item.key()), kTypes[choice]});
    } else {
      if (const Status status = check_item(*spec, item.text()); !status) return report(status.error());
      value.list.emplace_back(item.text());
    }
  }
  if (root.size() < spec->min || root.size() > spec->max) {
    Error error(Code::kOutOfRange, "expected ");
    error.detail.append_number(spec->min).append(" to ").append_number(spec->max).append(" items");
    return report(error);
  }
  set_value(pipeline, *spec, value, {key_origin, 0, 0});
}

void apply_environment(Pipeline& pipeline, const Environment& environment) {
  for (const char* entry : environment.entries) {
    const std::string_view text(entry);
    const size_t equals = text.find('=');
    if (!text.starts_with(kSetPrefix) || equals == std::string_view::npos) continue;
    const std::string_view name = text.substr(0, equals);
    std::string path;
    for (size_t i = kSetPrefix.size(); i < name.size(); ++i) {
      if (name.substr(i).starts_with("__")) {
        path += '.';
        ++i;
      } else {
        path += name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] + 32) : name[i];
      }
    }
    FixedText<80> origin(name.substr(0, 76));
    origin.append(": ");
    apply_value(pipeline, path, text.substr(equals + 1), KeyOrigin::kEnvironment, origin.view());
  }
}

/// Those of the file by place, the others behind them; in the order of their finding where places are equal.
void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  const auto rank = [](const Diagnostic& d) {
    const uint64_t line = d.error.line == 0 ? ~uint32_t{0} : d.error.line;
    return line << 32 | d.error.column;
  };
  for (size_t i = 1; i < diagnostics.size(); ++i) {
    for (size_t j = i; j > 0 && rank(diagnostics[j]) < rank(diagnostics[j - 1]); --j)
      std::swap(diagnostics[j], diagnostics[j - 1]);
  }
}
}  // namespace

Environment Environment::of_process(char** environment) {
  size_t count = 0;
  if (environment != nullptr) {
    while (environment[count] != nullptr) ++count;
  }
  return {std::span<const char* const>(environment, count)};
}

std::optional<std::string_view> Environment::find(std::string_view name) const {
  for (const char* entry : entries) {
    const std::string_view text(entry);
    if (text.size() > name.size() && text[name.size()] == '=' && text.starts_with(name))
      return text.substr(name.size() + 1);
  }
  return std::nullopt;
}

bool Pipeline::ok() const {
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == Severity::kError) return false;
  }
  return true;
}

KeyMark Pipeline::mark(std::string_view path) const {
  const KeySpec* spec = find_key(path);
  return spec != nullptr ? marks[index_of(*spec)] : KeyMark{};
}

bool Pipeline::given(std::string_view path) const { return mark(path).origin != KeyOrigin::kDefault; }

void Pipeline::report(Severity severity, const Error& error) {
  if (diagnostics.size() < kDiagnosticsMax) {
    diagnostics.push_back({error, severity});
  } else if (severity == Severity::kError && ok()) {
    diagnostics.back() = {error, severity};  // a flood of warnings hides no error
  }
}

Pipeline parse_pipeline(const PipelineSource& source) {
  Pipeline pipeline;
  const Result<YamlDocument> document = parse_yaml(source.text);
  if (document) {
    FileReader(pipeline, source.environment).read(document->root());
  } else {
    pipeline.report(Severity::kError, document.error());
  }
  apply_environment(pipeline, source.environment);
  for (const std::string_view setting : source.sets) apply_set(pipeline, setting);
  if (!source.inputs.empty()) {
    const KeySpec* spec = find_key("input.from");
    KeyValue value;
    for (const std::string_view input : source.inputs) {
      if (const Status status = check_item(*spec, input); !status) {
        pipeline.report(Severity::kError,
                        spec_error(Code::kBadArgument, "", "input.from", status.error().detail.view()));
      } else {
        value.list.emplace_back(input);
      }
    }
    set_value(pipeline, *spec, value, {KeyOrigin::kCommandLine, 0, 0});
  }
  // Where the file could not be read at all, what it lacks is no news.
  if (document) check_pipeline(pipeline, source.input_is_required);
  sort_by_place(pipeline.diagnostics);
  return pipeline;
}

void apply_set(Pipeline& pipeline, std::string_view setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    Error error(Code::kBadArgument, "--set: expected key=value, found ");
    error.detail.append(quoted(setting).view());
    pipeline.report(Severity::kError, error);
    return;
  }
  apply_value(pipeline, setting.substr(0, equals), setting.substr(equals + 1), KeyOrigin::kCommandLine, "--set ");
}

FilePlace query_place(const Config& config, uint32_t line, uint32_t column) {
  if (config.query_line == 0 || line == 0) return {};
  return {config.query_line + line - 1, config.query_column + (column > 0 ? column - 1 : 0)};
}

std::string format_diagnostic(std::string_view file_name, const Diagnostic& diagnostic) {
  const Error& error = diagnostic.error;
  const CodeInfo& info = code_info(error.code);
  std::string out;
  if (error.line != 0) {
    FixedText<32> place(":");
    place.append_number(error.line).append(":").append_number(error.column);
    out.append(file_name).append(place.view()).append(": ");
  }
  FixedText<32> code(diagnostic.severity == Severity::kError ? "error W" : "warning W");
  out.append(code.append_number(static_cast<uint64_t>(error.code)).view()).append(": ").append(info.message);
  if (!error.detail.empty()) out.append(": ").append(error.detail.view());
  if (info.hint[0] != '\0') out.append(" (").append(info.hint).append(")");
  return out;
}

}  // namespace weir

// JSON Schema, help and the docs' tables, from the one table.
#include <cstdio>

#include "plan/spec.hpp"
#include "plan/units.hpp"

namespace weir {

namespace {
std::string number_text(uint64_t number) { return std::string(FixedText<24>().append_number(number).view()); }

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

/// "a", "b" of "a b".
std::string json_words(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    const size_t space = words.find(' ');
    if (!out.empty()) out += ", ";
    append_json_string(out, words.substr(0, space));
    words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
  }
  return out;
}

// What lint takes, as regular expressions (ECMA-262, as JSON Schema has them). The schema must never refuse what lint
// takes: then an editor underlines a good file. Where a pattern can't say it - ranges of sizes in text, bytes rather than
// characters - the schema takes more; tests/hard/schema_test.py holds the two against each other.
#define WEIR_BLANK "[ \\t\\n]*"
#define WEIR_DIGITS "[0-9]+(_[0-9]+)*"
#define WEIR_NUMBER WEIR_DIGITS "(\\.[0-9]{1,15})?"
#define WEIR_PART(unit) "(" WEIR_NUMBER WEIR_BLANK unit WEIR_BLANK ")?"
#define WEIR_ZEROS "(0+_?)*"
constexpr std::string_view kVariable =
    "\\$(\\{|\\$)";  // a variable, or `$$`, in any text: what it becomes is not known
constexpr std::string_view kSizePattern =
    "^" WEIR_BLANK WEIR_NUMBER WEIR_BLANK "([kKmMgGtT]([iI]?[bB])?|[bB])?" WEIR_BLANK "$";
constexpr std::string_view kCountPattern = "^" WEIR_BLANK WEIR_DIGITS WEIR_BLANK "$";
constexpr std::string_view kDurationPattern = "^" WEIR_BLANK "(?=[0-9])" WEIR_PART("[dD]") WEIR_PART("[hH]")
    WEIR_PART("[mM]") WEIR_PART("[sS]") WEIR_PART("[mM][sS]") WEIR_PART("[uU][sS]") WEIR_PART("[nN][sS]") "$";
constexpr std::string_view kZeroPattern = "^" WEIR_BLANK "0" WEIR_BLANK "$";
constexpr std::string_view kTimePattern =
    "^" WEIR_BLANK "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z" WEIR_BLANK "$";
constexpr std::string_view kSharePattern =
    "^" WEIR_BLANK "(" WEIR_ZEROS "0\\.[0-9]{1,15}|" WEIR_ZEROS "1\\.0{1,15})" WEIR_BLANK "$";
constexpr std::string_view kPercentPattern =
    "^" WEIR_BLANK WEIR_ZEROS "(1_?0_?0(\\.0{1,15})?|[0-9](_?[0-9])?(\\.[0-9]{1,15})?)" WEIR_BLANK "%" WEIR_BLANK "$";
constexpr std::string_view kBoolPattern =
    "^" WEIR_BLANK "([tT][rR][uU][eE]|[yY][eE][sS]|[oO][nN]|[fF][aA][lL][sS][eE]|[nN][oO]|[oO][fF][fF])" WEIR_BLANK "$";
constexpr std::string_view kCharPattern = "^([\\x01-\\x09\\x0b\\x0c\\x0e-\\x7f]|tab|\\\\t|space)$";
constexpr std::string_view kNoCharPattern = "^(none)?$";
constexpr std::string_view kNamePattern = "^[A-Za-z0-9._-]*$";
constexpr std::string_view kTextPattern = "^[^\\x00]*$";
#undef WEIR_BLANK
#undef WEIR_DIGITS
#undef WEIR_NUMBER
#undef WEIR_PART
#undef WEIR_ZEROS

/// {"type": "string", "pattern": ...} of one or several patterns, or a variable.
std::string schema_of_patterns(std::initializer_list<std::string_view> patterns) {
  std::string all;
  for (const std::string_view pattern : patterns) all.append(pattern).append("|");
  std::string out = R"({"type": "string", "pattern": )";
  append_json_string(out, all + std::string(kVariable));
  return out + "}";
}

std::string schema_of_integer(uint64_t min, uint64_t max) {
  return R"({"type": "integer", "minimum": )" + number_text(min) + ", \"maximum\": " + number_text(max) + "}";
}

/// Any scalar is a text to us: `5` and `true` too.
std::string schema_of_text(uint64_t min, uint64_t max, std::string_view pattern) {
  std::string out = R"({"type": ["number", "boolean"]}, {"type": "string", "minLength": )" + number_text(min) +
                    ", \"maxLength\": " + number_text(max) + ", \"pattern\": ";
  append_json_string(out, pattern);
  return out + "}, " + schema_of_patterns({});
}

/// The schema's part that says what a value may be, without its braces.
std::string schema_of(const KeySpec& spec) {
  constexpr uint64_t kItemMax = 4096;
  constexpr uint64_t kCommandItemMax = 65'536;
  const std::string begin = "\"anyOf\": [";
  switch (spec.kind) {
    case KeyKind::kText:
      return begin + schema_of_text(spec.min, spec.max, spec.path == "name" ? kNamePattern : kTextPattern) + "]";
    case KeyKind::kChar: {
      const std::string text =
          spec.min == 0 ? schema_of_patterns({kCharPattern, kNoCharPattern}) : schema_of_patterns({kCharPattern});
      return begin + schema_of_integer(0, 9) + ", " + text + "]";
    }
    case KeyKind::kSize:
      return begin + schema_of_integer(spec.min, spec.max) + ", " + schema_of_patterns({kSizePattern}) + "]";
    case KeyKind::kCount:
      return begin + schema_of_integer(spec.min, spec.max) + ", " + schema_of_patterns({kCountPattern}) + "]";
    case KeyKind::kDuration:
      if (spec.min != 0) return begin + schema_of_patterns({kDurationPattern}) + "]";
      return begin + "{\"const\": 0}, " + schema_of_patterns({kDurationPattern, kZeroPattern}) + "]";
    case KeyKind::kDeadline:
      return begin + "{\"const\": 0}, " + schema_of_patterns({kDurationPattern, kZeroPattern, kTimePattern}) + "]";
    case KeyKind::kCountOrShare:
      return begin + schema_of_integer(spec.min, spec.max) + R"(, {"type": "number", "minimum": 0, "maximum": 1}, )" +
             schema_of_patterns({kCountPattern, kSharePattern, kPercentPattern}) + "]";
    case KeyKind::kBool:
      return begin + R"({"type": "boolean"}, )" + schema_of_patterns({kBoolPattern}) + "]";
    case KeyKind::kEnum: {
      // `null` is a word to us, but a value to a YAML reader.
      const bool null = spec.values.find("null") != std::string_view::npos;
      return begin + "{\"enum\": [" + json_words(spec.values) + (null ? ", null" : "") + "]}, " +
             schema_of_patterns({}) + "]";
    }
    case KeyKind::kTextList:
    case KeyKind::kCommand: {
      const std::string item = spec.kind == KeyKind::kCommand ? schema_of_text(0, kCommandItemMax, kTextPattern)
                                                              : schema_of_text(1, kItemMax, kTextPattern);
      return begin + item + R"(, {"type": "array", "items": {"anyOf": [)" + item +
             "]}, \"minItems\": " + number_text(spec.min) + ", \"maxItems\": " + number_text(spec.max) + "}]";
    }
    case KeyKind::kColumnTypes:
      return "\"type\": \"object\", \"additionalProperties\": {" + begin + "{\"enum\": [" + json_words(spec.values) +
             "]}, " + schema_of_patterns({}) + "]}";
  }
  return {};
}

void append_property(std::string& out, std::string_view indent, const KeySpec& spec, std::string_view name) {
  out.append(indent);
  append_json_string(out, name);
  out += ": {\"description\": ";
  append_json_string(out, spec.doc);
  if (!spec.fallback.empty()) {
    out += ", \"default\": ";
    if (spec.kind == KeyKind::kBool) {
      out.append(spec.fallback);
    } else {
      const bool quotes = spec.fallback.starts_with('\'');  // as YAML needs it, not a part of the text
      append_json_string(out, quotes ? spec.fallback.substr(1, spec.fallback.size() - 2) : spec.fallback);
    }
  }
  out.append(", ").append(schema_of(spec)).append("}");
}

struct Section {
  std::string_view name;
  std::string_view doc;
};
constexpr Section kSections[] = {
    {"", "The pipeline."},
    {"input", "What is read."},
    {"batch", "How the output is cut into batches, whichever limit comes first."},
    {"output", "Where records go."},
    {"aws", "Access to `s3://`; by default what the AWS CLI would use."},
    {"exec", "The command behind `output.to: exec`."},
    {"http", "Requests to an output that is `https://` or `http://`."},
    {"events", "EventBridge, where `output.to` is `events://bus`."},
    {"rejects", "Where bad records go, and how many are too many."},
    {"checkpoint", "How a run that was stopped goes on; see `docs/resume.md`."},
    {"lambda", "What an AWS Lambda function does around a job; see `docs/lambda.md`."},
};

std::string_view section_of(const KeySpec& spec) {
  const size_t dot = spec.path.find('.');
  return dot == std::string_view::npos ? std::string_view() : spec.path.substr(0, dot);
}
std::string_view name_of(const KeySpec& spec) { return spec.path.substr(spec.path.find('.') + 1); }

std::string_view kind_name(KeyKind kind) {
  switch (kind) {
    case KeyKind::kText:
      return "text";
    case KeyKind::kSize:
      return "size";
    case KeyKind::kCount:
      return "count";
    case KeyKind::kDuration:
      return "duration";
    case KeyKind::kCountOrShare:
      return "count or share";
    case KeyKind::kBool:
      return "true or false";
    case KeyKind::kEnum:
      return "word";
    case KeyKind::kChar:
      return "byte";
    case KeyKind::kTextList:
      return "text or list";
    case KeyKind::kColumnTypes:
      return "map";
    case KeyKind::kCommand:
      return "text or list";
    case KeyKind::kDeadline:
      return "duration or time";
  }
  return "";
}

std::string formats_note(const KeySpec& spec) {
  if (spec.formats == 0) return "";
  std::string_view words = find_key("input.format")->values;
  std::string out;
  for (unsigned bit = 0; !words.empty(); ++bit) {
    const size_t space = words.find(' ');
    if ((spec.formats >> bit & 1) != 0) out.append(out.empty() ? "" : ", ").append(words.substr(0, space));
    words = space == std::string_view::npos ? std::string_view() : words.substr(space + 1);
  }
  return " Only for " + out + ".";
}

/// In a table's cell `|` is written as `\|`.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string code_cell(std::string_view text) { return text.empty() ? std::string("-") : "`" + cell(text) + "`"; }
}  // namespace

std::string allowed_values(const KeySpec& spec) {
  const auto range = [](std::string_view from, std::string_view to) {
    return std::string(from) + " to " + std::string(to);
  };
  switch (spec.kind) {
    case KeyKind::kText:
      return spec.min > 0 || spec.max > 0 ? range(number_text(spec.min), number_text(spec.max)) + " bytes" : "";
    case KeyKind::kSize: {
      std::string least(format_size_exactly(spec.min).view());
      if (least.find_first_not_of("0123456789") == std::string::npos) least += 'B';
      return range(least, format_size_exactly(spec.max).view());
    }
    case KeyKind::kCount:
      return range(number_text(spec.min), number_text(spec.max));
    case KeyKind::kDeadline:
      return range(format_duration(spec.min).view(), format_duration(spec.max).view()) + ", or a time";
    case KeyKind::kDuration:
      return range(format_duration(spec.min).view(), format_duration(spec.max).view());
    case KeyKind::kCountOrShare:
      return "0 to " + number_text(spec.max) + ", or 0% to 100%";
    case KeyKind::kBool:
      return "true, false";
    case KeyKind::kEnum:
    case KeyKind::kColumnTypes: {
      std::string out;
      for (const char c : spec.values) out += c == ' ' ? std::string(", ") : std::string(1, c);
      return out;
    }
    case KeyKind::kChar:
      return spec.min == 0 ? "one byte, `tab` or `none`" : "one byte or `tab`";
    case KeyKind::kTextList:
    case KeyKind::kCommand:
      return range(number_text(spec.min), number_text(spec.max)) + " items";
  }
  return "";
}

std::string json_schema() {
  std::string out =
      "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"Weir pipeline\",\n"
      "  \"type\": \"object\",\n  \"required\": [\"input\"],\n  \"additionalProperties\": false,\n  \"properties\": "
      "{\n";
  bool first = true;
  for (const KeySpec& spec : key_table()) {
    if (!section_of(spec).empty()) continue;
    if (!first) out += ",\n";
    first = false;
    append_property(out, "    ", spec, spec.path);
  }
  for (const Section& section : kSections) {
    if (section.name.empty()) continue;
    out.append(",\n    \"").append(section.name).append("\": {\"description\": ");
    append_json_string(out, section.doc);
    // A section with nothing in it may stand there, but for the one that must have a key.
    const bool required = section.name == "input";
    const KeySpec* const short_form = find_key(short_form_of(section.name));
    if (short_form != nullptr) {
      out += ", \"anyOf\": [{\"type\": [\"object\", \"null\"]}, " +
             schema_of_text(short_form->min, short_form->max, kTextPattern) + "]";
    } else {
      out.append(", \"type\": ").append(required ? "\"object\", \"required\": [\"from\"]" : "[\"object\", \"null\"]");
    }
    out += ", \"additionalProperties\": false, \"properties\": {\n";
    first = true;
    for (const KeySpec& spec : key_table()) {
      if (section_of(spec) != section.name) continue;
      if (!first) out += ",\n";
      first = false;
      append_property(out, "      ", spec, name_of(spec));
    }
    out += "\n    }}";
  }
  out += "\n  }\n}\n";
  return out;
}

std::string config_reference_markdown() {
  std::string out;
  for (const Section& section : kSections) {
    out.append(out.empty() ? "" : "\n")
        .append("### ")
        .append(section.name.empty() ? std::string("At the top") : "`" + std::string(section.name) + "`");
    out.append("\n\n").append(section.doc).append("\n\n");
    out += "| key | kind | allowed | default | meaning | example |\n| --- | --- | --- | --- | --- | --- |\n";
    for (const KeySpec& spec : key_table()) {
      if (section_of(spec) != section.name) continue;
      out.append("| `").append(name_of(spec)).append("` | ").append(kind_name(spec.kind)).append(" | ");
      const std::string allowed = allowed_values(spec);
      out.append(allowed.empty() ? "-" : cell(allowed)).append(" | ").append(code_cell(spec.fallback)).append(" | ");
      out.append(cell(spec.doc))
          .append(formats_note(spec))
          .append(" | ")
          .append(code_cell(spec.example))
          .append(" |\n");
    }
  }
  return out;
}

std::string help_for_key(std::string_view path) {
  std::string out;
  if (const KeySpec* spec = find_key(path); spec != nullptr) {
    out.append(spec->path)
        .append(" (")
        .append(kind_name(spec->kind))
        .append(")\n  ")
        .append(spec->doc)
        .append(formats_note(*spec))
        .append("\n");
    if (const std::string allowed = allowed_values(*spec); !allowed.empty())
      out.append("  allowed: ").append(allowed).append("\n");
    if (!spec->fallback.empty()) out.append("  default: ").append(spec->fallback).append("\n");
    if (!spec->example.empty()) out.append("  example: ").append(spec->example).append("\n");
    return out;
  }
  for (const Section& section : kSections) {
    if (section.name != path) continue;
    if (!path.empty()) out.append(section.name).append(": ").append(section.doc).append("\n");
    for (const KeySpec& spec : key_table()) {
      if (section_of(spec) == path) out.append("  ").append(spec.path).append("  ").append(spec.doc).append("\n");
    }
  }
  return out;
}

}  // namespace weir

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

// A value may be written as a variable: `${MEMORY}`.
constexpr std::string_view kVariable = R"({"type": "string", "pattern": "\\$\\{"})";

/// The schema's part that says what a value may be, without its braces.
std::string schema_of(const KeySpec& spec) {
  const std::string limits = ", \"minLength\": " + number_text(spec.min) + ", \"maxLength\": " + number_text(spec.max);
  switch (spec.kind) {
    case KeyKind::kText:
      return "\"type\": [\"string\", \"number\"]" + limits;
    case KeyKind::kChar:
      return "\"type\": [\"string\", \"integer\"], \"maxLength\": 5";
    case KeyKind::kSize: {
      const std::string number = "{\"type\": \"integer\", \"minimum\": " + number_text(spec.min) +
                                 ", \"maximum\": " + number_text(spec.max) + "}";
      return "\"anyOf\": [" + number +
             R"(, {"type": "string", "pattern": "^[0-9][0-9_.]* ?([kKmMgGtT]([iI]?[bB])?|[bB])?$|\\$\\{"}])";
    }
    case KeyKind::kCount:
      return "\"anyOf\": [{\"type\": \"integer\", \"minimum\": " + number_text(spec.min) +
             ", \"maximum\": " + number_text(spec.max) + "}, " +
             R"({"type": "string", "pattern": "^[0-9][0-9_]*$|\\$\\{"}])";
    case KeyKind::kDuration:
      return R"("anyOf": [{"const": 0}, {"type": "string", "pattern": "^([0-9][0-9_.]* ?([dhms]|ms|us|ns) ?)+$|^0$|\\$\\{"}])";
    case KeyKind::kCountOrShare:
      return "\"anyOf\": [{\"type\": \"number\", \"minimum\": 0, \"maximum\": " + number_text(spec.max) +
             R"(}, {"type": "string", "pattern": "^[0-9][0-9_.]* ?%?$|\\$\\{"}])";
    case KeyKind::kBool:
      return R"("anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^(true|false|yes|no|on|off)$|\\$\\{"}])";
    case KeyKind::kEnum: {
      // `null` and the like are words to us, but values to a YAML reader.
      const bool null = spec.values.find("null") != std::string_view::npos;
      return "\"anyOf\": [{\"enum\": [" + json_words(spec.values) + (null ? ", null" : "") + "]}, " +
             std::string(kVariable) + "]";
    }
    case KeyKind::kTextList:
    case KeyKind::kCommand:
      return "\"anyOf\": [{\"type\": [\"string\", \"number\"]}, {\"type\": \"array\", \"items\": {\"type\": "
             "[\"string\", \"number\", \"boolean\"]}, "
             "\"minItems\": " +
             number_text(spec.min) + ", \"maxItems\": " + number_text(spec.max) + "}]";
    case KeyKind::kColumnTypes:
      return "\"type\": \"object\", \"additionalProperties\": {\"anyOf\": [{\"enum\": [" + json_words(spec.values) +
             "]}, " + std::string(kVariable) + "]}";
    case KeyKind::kDeadline:
      return R"("anyOf": [{"const": 0}, {"type": "string", "pattern": "^([0-9][0-9_.]* ?([dhms]|ms|us|ns) ?)+$|^0$|^[0-9-]+T[0-9:]+Z$|\\$\\{"}])";
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
    {"exec", "The command behind `output.to: exec`."},
    {"rejects", "Where bad records go, and how many are too many."},
    {"checkpoint", "How a run that was stopped goes on; see `docs/resume.md`."},
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
      "  \"type\": \"object\",\n  \"additionalProperties\": false,\n  \"properties\": {\n";
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
    out.append(", \"type\": [\"object\", ").append(short_form_of(section.name).empty() ? "" : "\"string\", ");
    out += "\"null\"], \"additionalProperties\": false, \"properties\": {\n";
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

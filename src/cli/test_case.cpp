#include "cli/test_case.hpp"

#include <cstring>
#include <span>

#include "base/nearest_word.hpp"
#include "plan/units.hpp"

namespace weir {
namespace {

constexpr uint64_t kBytesMax = 256u << 20;

constexpr std::string_view kFileKeys[] = {"pipeline", "set", "cases"};
constexpr std::string_view kCaseKeys[] = {"name",   "pipeline",      "set",          "args",    "env",
                                          "input",  "input_base64",  "input_name",   "inputs",  "existing",
                                          "output", "output_base64", "output_codec", "rejects", "records",
                                          "files",  "absent",        "error",        "exit"};
constexpr std::string_view kInputKeys[] = {"name", "text", "base64"};
constexpr std::string_view kPieceKeys[] = {"text", "base64", "times"};
constexpr std::string_view kRejectKeys[] = {"code", "detail", "source", "byte", "record", "size", "head", "sha256"};
constexpr std::string_view kRecordKeys[] = {"read", "written", "folded", "filtered", "rejected"};

std::unexpected<Error> mistake(YamlNode node, std::string_view what) {
  return fail(Error(Code::kBadCase, what).at_line(node.line(), node.column()));
}

Status check_keys(YamlNode map, std::span<const std::string_view> keys, std::string_view of) {
  if (!map.is_map()) return mistake(map, std::string(of) + ": expected a map");
  for (const YamlNode value : map) {
    bool known = false;
    for (const std::string_view key : keys) known = known || key == value.key();
    if (known) continue;
    std::string what = std::string(of) + " has no key '" + std::string(value.key().substr(0, 60)) + "'";
    const std::string_view nearest = nearest_word(value.key(), keys);
    if (!nearest.empty()) what += "; did you mean " + std::string(nearest) + "?";
    return fail(Error(Code::kBadCase, what).at_line(value.key_line(), value.key_column()));
  }
  return {};
}

Result<std::string> scalar(YamlNode node, std::string_view of) {
  if (!node.is_scalar()) return mistake(node, std::string(of) + ": expected a text");
  return std::string(node.text());
}

Result<uint64_t> number(YamlNode node, std::string_view of) {
  if (node.is_scalar()) {
    if (const auto count = parse_count(node.text())) return *count;
  }
  return mistake(node, std::string(of) + ": expected a number");
}

/// A text, or a list of texts.
Status texts(YamlNode node, std::string_view of, std::vector<std::string>& out) {
  if (!node) return {};
  if (node.is_scalar()) {
    out.emplace_back(node.text());
    return {};
  }
  if (!node.is_list()) return mistake(node, std::string(of) + ": expected a text or a list of texts");
  for (const YamlNode item : node) {
    auto text = scalar(item, of);
    if (!text) return fail(text.error());
    out.push_back(std::move(*text));
  }
  return {};
}

/// A map, or a list of KEY=VALUE, as KEY=VALUE.
Status assignments(YamlNode node, std::string_view of, std::vector<std::string>& out) {
  if (!node || node.is_nothing()) return {};
  if (!node.is_map()) return texts(node, of, out);
  for (const YamlNode value : node) {
    auto text = scalar(value, of);
    if (!text) return fail(text.error());
    out.push_back(std::string(value.key()) + "=" + *text);
  }
  return {};
}

Result<std::string> from_base64(YamlNode node) {
  auto text = scalar(node, "base64");
  if (!text) return text;
  std::string out;
  uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : *text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '=') continue;
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return mistake(node, "this is not base64");
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

/// A text, or a list of pieces: texts, and maps {text or base64, times}.
Result<CaseBytes> bytes(YamlNode node, std::string_view of) {
  CaseBytes out;
  if (node.is_scalar()) {
    if (!node.text().empty()) out.pieces.push_back({std::string(node.text()), 1});
    return out;
  }
  if (!node.is_list()) return mistake(node, std::string(of) + ": expected a text or a list of pieces");
  for (const YamlNode item : node) {
    CaseBytes::Piece piece;
    if (item.is_scalar()) {
      piece.text = item.text();
    } else {
      WEIR_TRY(check_keys(item, kPieceKeys, of));
      if (static_cast<bool>(item["text"]) == static_cast<bool>(item["base64"]))
        return mistake(item, std::string(of) + ": a piece has text or base64");
      auto text = item["text"] ? scalar(item["text"], "text") : from_base64(item["base64"]);
      if (!text) return fail(text.error());
      piece.text = std::move(*text);
      if (item["times"]) {
        auto times = number(item["times"], "times");
        if (!times) return fail(times.error());
        piece.times = *times;
      }
    }
    if (!piece.text.empty() && piece.times > kBytesMax / piece.text.size()) return mistake(item, "more than 256 MiB");
    out.pieces.push_back(std::move(piece));
    if (out.size() > kBytesMax) return mistake(item, "more than 256 MiB");
  }
  return out;
}

Result<CaseBytes> bytes_of(YamlNode text, YamlNode base64, std::string_view of) {
  if (!base64) return bytes(text, of);
  auto decoded = from_base64(base64);
  if (!decoded) return fail(decoded.error());
  CaseBytes out;
  out.pieces.push_back({std::move(*decoded), 1});
  return out;
}

/// A name within the case's own folder.
Status check_name(YamlNode node, std::string_view name) {
  const bool leads_out = name.empty() || name.front() == '/' || name == ".." || name.starts_with("../") ||
                         name.ends_with("/..") || name.find("/../") != std::string_view::npos;
  if (leads_out)
    return mistake(node,
                   "a file's name must stay in the case's own folder: '" + std::string(name.substr(0, 100)) + "'");
  return {};
}

Status named_files(YamlNode node, std::string_view of, std::vector<CaseFile>& out) {
  if (!node) return {};
  if (!node.is_map()) return mistake(node, std::string(of) + ": expected a map of names and texts");
  for (const YamlNode value : node) {
    WEIR_TRY(check_name(value, value.key()));
    auto content = bytes(value, of);
    if (!content) return fail(content.error());
    out.push_back({std::string(value.key()), std::move(*content)});
  }
  return {};
}

Status members(YamlNode node, std::span<const std::string_view> keys, std::string_view of,
               std::vector<CaseMember>& out) {
  WEIR_TRY(check_keys(node, keys, of));
  for (const YamlNode value : node) {
    auto text = scalar(value, of);
    if (!text) return fail(text.error());
    out.push_back({std::string(value.key()), std::move(*text)});
  }
  return {};
}

void emit_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\x";
      out += "0123456789abcdef"[c >> 4 & 15];
      out += "0123456789abcdef"[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

/// The value as text of a pipeline file: behind a key or a dash, up to the line's end.
void emit(YamlNode node, size_t indent, std::string& out) {
  if (node.is_scalar()) {
    if (node.is_plain() && node.text().find('\n') == std::string_view::npos) {
      out.append(" ").append(node.text());
    } else {
      out += ' ';
      emit_quoted(node.text(), out);
    }
    out += '\n';
    return;
  }
  if (node.size() == 0) {
    out += node.is_map() ? " {}\n" : node.is_list() ? " []\n" : "\n";
    return;
  }
  out += '\n';
  for (const YamlNode value : node) {
    out.append(indent, ' ');
    if (node.is_map()) {
      emit_quoted(value.key(), out);
      out += ':';
    } else {
      out += '-';
    }
    emit(value, indent + 2, out);
  }
}

Status read_pipeline(YamlNode node, TestCase& test) {
  if (!node) return {};
  if (node.is_map()) {
    emit(node, 0, test.pipeline_text);
  } else if (node.is_scalar() && node.text().find('\n') != std::string_view::npos) {
    test.pipeline_text = node.text();
  } else if (node.is_scalar() && !node.text().empty()) {
    test.pipeline_path = node.text();
  } else {
    return mistake(node, "pipeline: expected a map, the text of a pipeline file (|), or its path");
  }
  return {};
}

Status read_inputs(YamlNode node, TestCase& test) {
  const YamlNode list = node["inputs"];
  const YamlNode text = node["input"];
  const YamlNode base64 = node["input_base64"];
  if (int{static_cast<bool>(list)} + int{static_cast<bool>(text)} + int{static_cast<bool>(base64)} > 1) {
    return mistake(node, "a case has one of input, input_base64 and inputs");
  }
  if (node["input_name"] && (list || (!text && !base64)))
    return mistake(node["input_name"], "input_name is for input and input_base64");
  if (text || base64) {
    CaseFile file;
    file.name = node["input_name"] ? std::string(node["input_name"].text()) : "input";
    if (node["input_name"]) WEIR_TRY(check_name(node["input_name"], file.name));
    auto content = bytes_of(text, base64, "input");
    if (!content) return fail(content.error());
    file.bytes = std::move(*content);
    test.inputs.push_back(std::move(file));
  }
  if (!list) return {};
  if (!list.is_list()) return mistake(list, "inputs: expected a list of {name, text}");
  for (const YamlNode item : list) {
    WEIR_TRY(check_keys(item, kInputKeys, "inputs"));
    if (!item["name"] || static_cast<bool>(item["text"]) == static_cast<bool>(item["base64"])) {
      return mistake(item, "inputs: expected name, and text or base64");
    }
    CaseFile file;
    file.name = item["name"].text();
    WEIR_TRY(check_name(item["name"], file.name));
    auto content = bytes_of(item["text"], item["base64"], "inputs");
    if (!content) return fail(content.error());
    file.bytes = std::move(*content);
    test.inputs.push_back(std::move(file));
  }
  return {};
}

Status read_expectations(YamlNode node, TestCase& test) {
  if (node["output"] && node["output_base64"])
    return mistake(node["output_base64"], "a case has one of output and output_base64");
  if (node["output"] || node["output_base64"]) {
    auto output = bytes_of(node["output"], node["output_base64"], "output");
    if (!output) return fail(output.error());
    test.output = std::move(*output);
  }
  if (const YamlNode codec = node["output_codec"]) {
    test.output_codec = codec.text();
    if (test.output_codec != "gzip" && test.output_codec != "zstd")
      return mistake(codec, "output_codec: expected gzip or zstd");
    if (!test.output) return mistake(codec, "output_codec is for output");
  }
  if (const YamlNode rejects = node["rejects"]) {
    if (rejects.is_list()) {
      test.reject_members.emplace();
      for (const YamlNode item : rejects)
        WEIR_TRY(members(item, kRejectKeys, "rejects", test.reject_members->emplace_back()));
    } else {
      auto text = bytes(rejects, "rejects");
      if (!text) return fail(text.error());
      test.rejects = std::move(*text);
    }
  }
  if (node["records"]) WEIR_TRY(members(node["records"], kRecordKeys, "records", test.records));
  WEIR_TRY(named_files(node["files"], "files", test.files));
  WEIR_TRY(texts(node["absent"], "absent", test.absent));
  for (const std::string& name : test.absent) WEIR_TRY(check_name(node["absent"], name));
  WEIR_TRY(texts(node["error"], "error", test.errors));
  if (node["exit"]) {
    auto exit = number(node["exit"], "exit");
    if (!exit) return fail(exit.error());
    if (*exit > 255) return mistake(node["exit"], "exit: expected 0 to 255");
    test.exit = static_cast<int>(*exit);
  }
  return {};
}

}  // namespace

uint64_t CaseBytes::size() const {
  uint64_t size = 0;
  for (const Piece& piece : pieces) size += piece.text.size() * piece.times;
  return size;
}

void CaseBytes::copy_to(char* room) const {
  for (const Piece& piece : pieces) {
    if (piece.text.empty()) continue;
    for (uint64_t i = 0; i < piece.times; ++i) {
      std::memcpy(room, piece.text.data(), piece.text.size());
      room += piece.text.size();
    }
  }
}

Result<YamlNode> case_list(YamlNode root) {
  if (!root) return fail(Error(Code::kBadCase, "the file is empty; it needs `cases:`").at_line(1, 1));
  WEIR_TRY(check_keys(root, kFileKeys, "a case file"));
  const YamlNode cases = root["cases"];
  if (!cases.is_list() || cases.size() == 0) return mistake(cases ? cases : root, "cases: expected a list of cases");
  return cases;
}

Result<TestCase> read_case(YamlNode root, YamlNode node) {
  TestCase test;
  WEIR_TRY(check_keys(node, kCaseKeys, "a case"));
  test.line = node.line();
  if (!node["name"].is_scalar() || node["name"].text().empty()) return mistake(node, "the case has no name");
  test.name = node["name"].text();
  WEIR_TRY(read_pipeline(node["pipeline"] ? node["pipeline"] : root["pipeline"], test));
  if (test.pipeline_text.empty() && test.pipeline_path.empty())
    return mistake(node, "the case has no pipeline, nor has the file");
  WEIR_TRY(assignments(root["set"], "set", test.sets));
  WEIR_TRY(assignments(node["set"], "set", test.sets));
  WEIR_TRY(texts(node["args"], "args", test.args));
  WEIR_TRY(assignments(node["env"], "env", test.environment));
  WEIR_TRY(read_inputs(node, test));
  WEIR_TRY(named_files(node["existing"], "existing", test.existing));
  WEIR_TRY(read_expectations(node, test));
  return test;
}

}  // namespace weir

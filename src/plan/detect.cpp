#include "plan/detect.hpp"

#include <algorithm>
#include <cctype>

#include <glob.h>

#include "connector/file_source.hpp"
#include "io/http_address.hpp"

namespace weir {
namespace {

bool ends_with(std::string_view name, std::string_view ending) {
  if (name.size() < ending.size()) return false;
  name.remove_prefix(name.size() - ending.size());
  return std::equal(name.begin(), name.end(), ending.begin(),
                    [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

std::string_view without_codec(std::string_view name) {
  for (const std::string_view ending : {".gz", ".gzip", ".zst", ".zstd"}) {
    if (ends_with(name, ending)) return name.substr(0, name.size() - ending.size());
  }
  return name;
}

Codec codec_of(CodecChoice choice) {
  return choice == CodecChoice::kGzip ? Codec::kGzip : choice == CodecChoice::kZstd ? Codec::kZstd : Codec::kNone;
}

// By what a text begins with: an object a line, a document, delimited text.
FormatChoice format_of_content(std::string_view head, char* delimiter) {
  if (head.starts_with("\xef\xbb\xbf")) head.remove_prefix(3);
  const size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return FormatChoice::kAuto;
  if (head[first] == '[') return FormatChoice::kJson;
  if (head[first] == '{') {
    // A document spread over lines opens its object and goes on in the next line.
    const size_t line_end = head.find('\n', first);
    const std::string_view line = head.substr(first, line_end == std::string_view::npos ? line_end : line_end - first);
    const size_t last = line.find_last_not_of(" \t\r");
    return line[last] == '}' || line_end == std::string_view::npos ? FormatChoice::kNdjson : FormatChoice::kJson;
  }
  const std::string_view line = head.substr(first, head.find('\n', first) - first);
  const auto count = [&](char c) { return std::count(line.begin(), line.end(), c); };
  if (count('\t') > count(',')) {
    *delimiter = '\t';
    return FormatChoice::kTsv;
  }
  if (count(',') > 0) return FormatChoice::kCsv;
  if (count(';') > 0) {
    *delimiter = ';';
    return FormatChoice::kCsv;
  }
  return FormatChoice::kAuto;
}

}  // namespace

FormatChoice format_of_name(std::string_view name) {
  name = without_codec(name);
  if (ends_with(name, ".csv")) return FormatChoice::kCsv;
  if (ends_with(name, ".tsv") || ends_with(name, ".tab")) return FormatChoice::kTsv;
  if (ends_with(name, ".ndjson") || ends_with(name, ".jsonl") || ends_with(name, ".ldjson"))
    return FormatChoice::kNdjson;
  if (ends_with(name, ".json")) return FormatChoice::kJson;
  if (ends_with(name, ".log") || ends_with(name, ".txt")) return FormatChoice::kLines;
  return FormatChoice::kAuto;
}

CodecChoice codec_of_name(std::string_view name) {
  const Codec codec = codec_of_ending(name);
  return codec == Codec::kGzip ? CodecChoice::kGzip : codec == Codec::kZstd ? CodecChoice::kZstd : CodecChoice::kAuto;
}

Result<std::vector<std::string>> expand_inputs(const std::vector<std::string>& from, Disk& disk, ObjectLister* objects,
                                               bool literal) {
  std::vector<std::string> paths;
  for (const std::string& text : from) {
    if (text == "-" || text == "stdin") {
      paths.emplace_back("stdin");
      continue;
    }
    if (text == "event")
      return fail(
          Code::kContradiction,
          "input.from: event: there is one in AWS Lambda alone; name files behind the pipeline's to run it here");
    if (text.starts_with("s3://") && objects != nullptr) {
      if (literal || (text.find_first_of("*?[") == std::string::npos && text.back() != '/')) {
        paths.push_back(text);
        continue;
      }
      const size_t before = paths.size();
      WEIR_TRY(objects->list(text, paths));
      if (paths.size() == before) return fail(Code::kNoInput, "nothing matches " + text);
      continue;
    }
    if (is_http(text)) {
      paths.push_back(text);
      continue;
    }
    if (const size_t scheme = text.find("://"); scheme != std::string::npos) {
      return fail(Code::kNotYet,
                  text.substr(0, scheme) + "://: this version reads files, stdin, s3://, http:// and https://");
    }
    // A file that has such characters in its name is meant as it stands.
    if (text.find_first_of("*?[") == std::string::npos || check_input(text, disk)) {
      paths.push_back(text);
      continue;
    }
    glob_t found{};
    const int result = glob(text.c_str(), GLOB_NOSORT, nullptr, &found);
    std::vector<std::string> matches;
    for (size_t i = 0; result == 0 && i < found.gl_pathc; ++i) matches.emplace_back(found.gl_pathv[i]);
    globfree(&found);
    if (matches.empty()) return fail(Code::kNoInput, "nothing matches " + text);
    std::sort(matches.begin(), matches.end());
    for (std::string& match : matches) paths.push_back(std::move(match));
  }
  if (std::count(paths.begin(), paths.end(), "stdin") > 1)
    return fail(Code::kContradiction, "stdin stands in input.from more than once");
  for (const std::string& path : paths) {
    if (!path.starts_with("s3://") && !is_http(path)) WEIR_TRY(check_input(path, disk));
  }
  return paths;
}

Result<Detected> detect_inputs(const InputConfig& config, ByteSource& source, Deadline deadline) {
  Detected detected;
  detected.codec_by_content = config.codec == CodecChoice::kAuto;
  if (!detected.codec_by_content) {
    detected.codec = codec_of(config.codec);
    detected.needs_gzip = detected.codec == Codec::kGzip;
    detected.needs_zstd = detected.codec == Codec::kZstd;
    detected.codec_why = "as configured";
  }
  const std::string_view name = source.count() > 0 ? source.name(0) : std::string_view{};
  FormatChoice choice = config.format;
  detected.format_why = "as configured";
  if (choice == FormatChoice::kAuto && !config.path.empty()) {
    choice = FormatChoice::kJson;
    detected.format_why = "because input.path is set";
  }
  if (choice == FormatChoice::kAuto) {
    choice = format_of_name(name);
    detected.format_why = "by the name";
  }
  std::string head;
  // From the last to the first, with which the run begins: what was read of it, if it is a pipe, is kept for the run.
  for (size_t i = source.count(); i-- > 0;) {
    // Where all is configured nothing is opened before it is known that the job fits.
    if (!detected.codec_by_content && choice != FormatChoice::kAuto) break;
    // Pipes are read once: only the first input's bytes are looked at, unless it is a regular file.
    if (i > 0 && (!detected.codec_by_content || source.size(i) == kNoOffset)) continue;
    auto peeked = source.peek(i, deadline);
    if (!peeked) {
      Error error = peeked.error();
      error.source = static_cast<uint32_t>(i);
      return fail(error);
    }
    if (i == 0) head.assign(*peeked);
    if (!detected.codec_by_content) continue;
    const Codec codec = detect_codec(*peeked, source.name(i));
    detected.needs_gzip |= codec == Codec::kGzip;
    detected.needs_zstd |= codec == Codec::kZstd;
    if (i == 0) {
      detected.codec = codec;
      detected.codec_why = "by the first bytes";
    }
  }

  if (choice == FormatChoice::kAuto && detected.codec == Codec::kNone) {
    choice = format_of_content(head, &detected.delimiter);
    detected.format_why = "by the first bytes";
    // An empty input has no records in any format.
    if (choice == FormatChoice::kAuto && head.find_first_not_of(" \t\r\n") == std::string::npos)
      choice = FormatChoice::kCsv;
  }
  switch (choice) {
    case FormatChoice::kAuto:
      return fail(Code::kUnknownFormat, name);
    case FormatChoice::kCsv:
      detected.format = Format::kCsv;
      break;
    case FormatChoice::kTsv:
      detected.format = Format::kCsv;
      detected.delimiter = '\t';
      break;
    case FormatChoice::kNdjson:
      detected.format = Format::kNdjson;
      break;
    case FormatChoice::kJson:
      detected.format = Format::kJson;
      break;
    case FormatChoice::kLines:
      detected.format = Format::kLines;
      break;
    case FormatChoice::kBlocks:
      detected.format = Format::kBlocks;
      break;
    case FormatChoice::kFile:
      detected.format = Format::kFile;
      break;
  }
  if (!config.delimiter.empty()) detected.delimiter = config.delimiter[0];
  return detected;
}

}  // namespace weir

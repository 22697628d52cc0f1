// Cases of `weir test`: what a case file says, read and checked. docs/testing.md describes the format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/yaml.hpp"

namespace weir {

/// Bytes as a case file gives them: pieces, each of them some times over.
struct CaseBytes {
  struct Piece {
    std::string text;
    uint64_t times = 1;
  };
  std::vector<Piece> pieces;

  [[nodiscard]] uint64_t size() const;
  /// Fills `room`, which has size() bytes.
  void copy_to(char* room) const;
};

struct CaseFile {
  std::string name;
  CaseBytes bytes;
};

/// A member of a reject or of the summary's records, and what it must be.
struct CaseMember {
  std::string key;
  std::string value;
};

struct TestCase {
  std::string name;
  uint32_t line = 0;
  std::string pipeline_text;              ///< of the pipeline file; empty: pipeline_path
  std::string pipeline_path;              ///< as written: from the case file's folder
  std::vector<std::string> sets;          ///< KEY=VALUE
  std::vector<std::string> args;          ///< more options of `weir run`
  std::vector<std::string> environment;   ///< NAME=value
  std::vector<CaseFile> inputs;           ///< one of the name "stdin" is given on stdin
  std::vector<CaseFile> existing;         ///< in the folder before the run
  std::optional<CaseBytes> output;        ///< on stdout
  std::string output_codec;               ///< stdout is compressed with it; empty: compared as it is
  std::optional<CaseBytes> rejects;       ///< exact
  std::optional<std::vector<std::vector<CaseMember>>> reject_members;
  std::vector<CaseMember> records;
  std::vector<CaseFile> files;            ///< after the run
  std::vector<std::string> absent;        ///< no such files after the run
  std::vector<std::string> errors;        ///< each is a part of what went to stderr
  int exit = 0;
};

/// The list of a case file's cases, the file's own keys checked. W2026 with line and column.
Result<YamlNode> case_list(YamlNode root);
/// One of them. What the file says for all cases is in `root`.
Result<TestCase> read_case(YamlNode root, YamlNode node);

}  // namespace weir

// Workload: a job that chance made up, with its inputs and what must come out of it.
//
// The expectation does not come from Weir: whoever makes up the records knows which are bad, which pass and how they
// are written. Inputs are compressed and outputs uncompressed by the libraries themselves.
#pragma once

#include <string>
#include <vector>

#include "plan/config.hpp"
#include "testing/sim_rng.hpp"

namespace weir::sim {

using testing::SimRng;

struct InputFile {
  std::string path;
  std::string stored;
};

struct ExpectedReject {
  unsigned code = 0;
  std::string source;
  uint64_t byte = 0;
  uint64_t record = 0;
  uint64_t size = 0;

  bool operator==(const ExpectedReject&) const = default;
};

struct ExpectedFile {
  std::string path;
  std::string text;  ///< uncompressed
};

struct Workload {
  Config config;
  std::vector<InputFile> inputs;
  CodecChoice output_codec = CodecChoice::kNone;
  CodecChoice rejects_codec = CodecChoice::kNone;
  bool folder = false;
  bool output_was_there = false;  ///< and is replaced
  std::vector<ExpectedFile> outputs;
  std::vector<ExpectedReject> rejects;  ///< at config.rejects.to, when that is set
  uint64_t read = 0, written = 0, folded = 0, filtered = 0, rejected = 0;
  std::string described;
};

Workload make_workload(SimRng rng);

std::string compress(CodecChoice codec, std::string_view text, SimRng& rng);
/// Empty and false when it is not a whole stream.
bool uncompress(CodecChoice codec, std::string_view stored, std::string& text);
/// What the lines of a rejects file say.
std::vector<ExpectedReject> parse_rejects(std::string_view text);

}  // namespace weir::sim

// What the inputs are: globs become names, names and first bytes become format and codec, with the reason in words.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "codec/codec.hpp"
#include "connector/file_source.hpp"
#include "format/reader.hpp"
#include "plan/config.hpp"

namespace weir {

struct Detected {
  Format format = Format::kCsv;
  char delimiter = ',';
  Codec codec = Codec::kNone;   ///< of the first input
  bool needs_gzip = false;      ///< some input is gzip
  bool needs_zstd = false;
  bool codec_by_content = true; ///< told for each input by its first bytes; else it is `codec` for all
  std::string format_why;       ///< "by the name" ...
  std::string codec_why;
};

/// Expands `*`, `?` and `[...]` (sorted by name), refuses what can't be read. "-" is stdin.
Result<std::vector<std::string>> expand_inputs(const std::vector<std::string>& from, Disk& disk);

/// Reads at most the first few KiB of each input, and waits for them until `deadline`.
Result<Detected> detect_inputs(const InputConfig& config, FileSource& source, Deadline deadline = {});

/// The format that a file name's ending stands for; kAuto for none.
FormatChoice format_of_name(std::string_view name);
CodecChoice codec_of_name(std::string_view name);

}  // namespace weir

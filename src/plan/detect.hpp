// What the inputs are: globs become names, names and first bytes become format and codec, with the reason in words.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "codec/codec.hpp"
#include "format/reader.hpp"
#include "plan/config.hpp"
#include "port/disk.hpp"
#include "port/ports.hpp"

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

/// Names the objects that stand behind an address with a pattern or of a folder, in order.
class ObjectLister {
 public:
  virtual ~ObjectLister() = default;
  virtual Status list(const std::string& url, std::vector<std::string>& names) = 0;
};

/// Expands `*`, `?` and `[...]` (sorted by name), refuses what can't be read. "-" is stdin. `objects`: for "s3://"; null: there is no
/// network. `literal`: keys are taken as they are.
Result<std::vector<std::string>> expand_inputs(const std::vector<std::string>& from, Disk& disk,
                                               ObjectLister* objects = nullptr, bool literal = false);

/// Reads at most the first few KiB of each input, and waits for them until `deadline`.
Result<Detected> detect_inputs(const InputConfig& config, ByteSource& source, Deadline deadline = {});

/// The format that a file name's ending stands for; kAuto for none.
FormatChoice format_of_name(std::string_view name);
CodecChoice codec_of_name(std::string_view name);

}  // namespace weir

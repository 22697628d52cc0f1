// read_column_names: what the first input's header says, before the run. For lint: the query's columns are looked up in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "codec/codec.hpp"
#include "format/reader.hpp"
#include "plan/detect.hpp"

namespace weir {

/// The names of the first input's columns as its reader will name them, or nothing where that can't be told yet: an input
/// that is no file (a pipe is read once, by the run), one that is empty or damaged. Takes at most `memory_max` bytes while it works, less
/// than the run will take; the source stands closed afterwards. Reads no more than the header and what comes with it. Fails where the
/// input can't be opened or read: the run could not either.
Result<std::optional<std::vector<std::string>>> read_column_names(ByteSource& source, const Detected& detected,
                                                                  const ReaderOptions& options,
                                                                  const DecoderLimits& limits, uint64_t memory_max,
                                                                  Clock& clock);

}  // namespace weir

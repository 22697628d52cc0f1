// hold_file: a file of this run's own. Opened for writing, made where there is none, and locked until it is closed.
#pragma once

#include "base/error.hpp"
#include "port/disk.hpp"

namespace weir {

/// The file, which is what `path` names. W5101 when another run holds it. `made`: it was opened, so that it may stand there also after a
/// failure; false where it is another run's.
Result<int> hold_file(Disk& disk, const char* path, bool& made);

}  // namespace weir

// Where a record stands: the unit in which errors, rejects, watermarks and checkpoints speak.
#pragma once

#include <cstdint>

namespace weir {

struct Position {
  uint32_t source = 0;        ///< index of the input in the run's list
  uint64_t stored_byte = 0;   ///< offset in the stored object (compressed, if it is)
  uint64_t decoded_byte = 0;  ///< offset in the decoded stream
  uint64_t record = 0;        ///< number of records before this one in `source`
};

}  // namespace weir

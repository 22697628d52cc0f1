// Rejects: bad records go to an output of their own as NDJSON, one line a record, in input order; or, where none is configured, the first one
// stops the run. Judges `rejects.max`.
//
// A line has no time and no run id, so that a repeated run writes the same bytes:
// {"code":"W2401","msg":"...","detail":"...","source":"orders.csv","byte":123,"record":7,"size":111,"head":"first bytes"[,"sha256":"..."]}
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "engine/byte_output.hpp"
#include "engine/counters.hpp"
#include "record/batch.hpp"

namespace weir {

struct RejectLimits {
  uint64_t count_max = kNoOffset;
  double share_max = 1.0;
};

/// The share is judged from this many records on, and at the end.
inline constexpr uint64_t kShareJudgedFrom = 1000;

struct Reject {
  Code code = Code::kOk;
  std::string_view detail;
  std::string_view source;
  uint32_t source_index = 0;
  uint64_t byte = 0;
  uint64_t record = 0;
  uint64_t size = 0;
  std::string_view head;  ///< first bytes of the record
  const char* sha256_hex = nullptr;  ///< 64 digits, or null
};

class Rejects {
 public:
  /// `output` null: the first reject stops the run.
  Rejects(ByteOutput* output, RejectLimits limits) : output_(output), limits_(limits) {}

  /// Writes one; `counters.rejected` already counts it. Fails with W3012 or W3201. `judge_share`: what was read so far is what came before it.
  Status add(const Reject& reject, const Counters& counters, bool judge_share = true);
  /// A row that could not be evaluated or written. `column`: the name of the one at fault, or empty; `detail`: what else is known. `rejects_before`: those of the batch
  /// that have no row and stand before it.
  Status add_row(const RecordBatch& batch, const RowError& error, std::string_view column, std::string_view detail,
                 std::string_view source, uint64_t rejects_before, const Counters& counters);
  /// A record that the reader found bad.
  Status add_unread(const RecordBatch& batch, const ReaderReject& rejected, std::string_view source,
                    uint64_t rejects_before, const Counters& counters);
  /// At the end of the input, and at a unit's: judges the share over all so far.
  Status judge_end(const Counters& counters) const;
  ByteOutput* output() { return output_; }

 private:
  Status too_many(const Counters& counters) const;

  /// Of the last reject: the place of W3201.
  struct Place {
    uint32_t source = ~uint32_t{0};
    uint64_t byte = kNoOffset;
    uint64_t record = kNoOffset;
  } last_;
  ByteOutput* output_;
  RejectLimits limits_;
};

/// Appends `text` to `out` as the inside of a JSON string; bytes that are not UTF-8 become U+FFFD.
Status append_json_text(ByteOutput& out, std::string_view text);

}  // namespace weir

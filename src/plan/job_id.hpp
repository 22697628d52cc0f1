// The job id: what two runs must agree in to be runs of one job. It is a hash of everything that shapes the output - inputs, formats, query,
// batches, output, rejects - and of nothing else: memory, deadline, retries and limits may change between runs.
#pragma once

#include "hash/sha256.hpp"
#include "plan/config.hpp"

namespace weir {

Sha256::Digest job_id(const Config& config);

}  // namespace weir

// The least that a pipeline's role must be allowed, as an IAM policy.
#pragma once

#include <string>

#include "plan/config.hpp"

namespace weir {

/// JSON, a statement for each purpose; empty where nothing of the pipeline is in AWS. Placeholders and patterns in keys become `*`, and so does
/// what an address does not say of an ARN.
std::string policy_of(const Config& config);

}  // namespace weir

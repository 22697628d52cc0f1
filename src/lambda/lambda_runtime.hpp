// The binary as an AWS Lambda function: started as `bootstrap` it asks for events until it is told to stop. docs/lambda.md.
#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "plan/config.hpp"

namespace weir {

/// Whether this process was started by Lambda: AWS_LAMBDA_RUNTIME_API is set.
bool is_lambda(char** environment);
/// Runs until SIGTERM (0) or until the service is out of order or the start failed (1).
int run_lambda(char** environment);
/// What can be known of a function's pipeline without an event, and without asking anybody: check_for_lambda(), and where an event brings records, that
/// the query compiles and the job fits.
Status check_pipeline(const Config& config, Clock& clock);

}  // namespace weir

// The binary as an AWS Lambda function: started as `bootstrap` it asks for events until it is told to stop. docs/lambda.md.
#pragma once

namespace weir {

/// Whether this process was started by Lambda: AWS_LAMBDA_RUNTIME_API is set.
bool is_lambda(char** environment);
/// Runs until SIGTERM (0) or until the service is out of order or the start failed (1).
int run_lambda(char** environment);

}  // namespace weir

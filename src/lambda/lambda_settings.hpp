// LambdaSettings: what the environment of a function says, and the pipeline that it runs.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "plan/spec.hpp"
#include "port/disk.hpp"

namespace weir {

struct LambdaSettings {
  std::string api;  ///< AWS_LAMBDA_RUNTIME_API: "host:port"
  std::string function_name;
  std::string log_level;
  uint64_t memory_bytes = 0;  ///< of the function; 0: not said
  bool metrics = false;  ///< WEIR_METRICS=emf

  static LambdaSettings of(const Environment& environment);
};

/// The pipeline's text and where it is from: WEIR_PIPELINE (the text itself where it has a line end or ": " in it, s3://bucket/key, or a path), else
/// weir.yaml in the function's package (LAMBDA_TASK_ROOT), else /opt/weir.yaml of a layer.
struct PipelineText {
  std::string text;
  std::string from;
};
/// Of s3:// only `from` is there: it is to be fetched. W2014: there is none.
Result<PipelineText> find_pipeline(const Environment& environment, Disk& disk);

/// The budget of a function of `memory_bytes` is what is left of them behind the reserve; a smaller `memory` of the pipeline's stays. W2101.
Status set_memory(Config& config, uint64_t memory_bytes);

/// What a function's pipeline must have: an output that differs from event to event, that is no stdout. W2021, W2019, W2012.
Status check_for_lambda(const Config& config);
/// What is sent to `to` calls the function again: it is the queue, stream or topic that the event came from, or the function itself.
bool sends_to_caller(std::string_view to, std::string_view source_arn, std::string_view function);

/// The job over an event's records, which are nowhere but in this delivery: it leaves no checkpoint. The name tells the delivery, so an output that is
/// there already is this one's; of an output of many files, which may not all be there, each is made again.
void set_for_records(Config& config, std::string_view name);

/// "INPUT_CORRUPT" as "InputCorrupt".
std::string error_type_of(int exit);

}  // namespace weir

// Events: from a file, stdin, the command line, or made.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "emulate/s3_folder.hpp"

namespace weir::emulate {

struct EventContext {
  std::string region;
  uint64_t wall_ns = 0;
  S3Folder* folders = nullptr;  ///< size and ETag of what a notification speaks of, where a folder has it
};

/// The event that a word of the command line stands for:
///
///   {...} or [...]     itself
///   -                  stdin
///   s3:bucket/key      the notification of s3:ObjectCreated:Put
///   sqs:EVENT          the text of EVENT (any of these, or a file) as the body of one SQS message
///   FILE               its contents
///
/// W2009 when it is no JSON (but for the body of a message), W2014 when there is no such file.
Result<std::string> make_event(std::string_view word, const EventContext& context);

/// A key as S3 notifications spell it: form-urlencoded, '/' stays.
std::string form_encoded(std::string_view key);

}  // namespace weir::emulate

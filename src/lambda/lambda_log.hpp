// Lines of the log as Lambda filters them: one JSON object a line with "timestamp", "level", "requestId" and "message", one write() each, to stderr.
// Never text of the events or of records.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace weir {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kFatal };

class LambdaLog {
 public:
  explicit LambdaLog(Clock& clock) : clock_(clock) {}

  /// Lines below it are not written. Unknown words leave INFO.
  void set_level(std::string_view word);
  void set_request(std::string_view id) { request_ = id; }
  /// `more`: members of a JSON object, each behind a comma: `,"exit":10`.
  void line(LogLevel level, std::string_view message, std::string_view more = {}) const;
  void error(LogLevel level, const Error& error, std::string_view source = {}) const;
  /// A line as it is, for metrics.
  static void raw(std::string_view json);

 private:
  Clock& clock_;
  LogLevel level_ = LogLevel::kInfo;
  std::string request_;
};

/// The text as it stands in a JSON string, without the quotes; bytes that are no UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);
/// "2026-11-27T04:30:00.123Z"
FixedText<24> timestamp_of(uint64_t wall_ns);

}  // namespace weir

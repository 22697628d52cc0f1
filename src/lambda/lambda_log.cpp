#include "lambda/lambda_log.hpp"

#include <cstdio>

#include <unistd.h>

#include "base/utc_time.hpp"
#include "report/json_text.hpp"

namespace weir {
namespace {

constexpr std::string_view kWords[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};

void write_line(int file, std::string line) {
  line.push_back('\n');
  for (size_t at = 0; at < line.size();) {
    const ssize_t size = write(file, line.data() + at, line.size() - at);
    if (size <= 0) return;  // of a log that can't be written nobody can be told
    at += static_cast<size_t>(size);
  }
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  json_text(text, [&](std::string_view piece) { out.append(piece); });
}

FixedText<24> timestamp_of(uint64_t wall_ns) {
  const UtcTime time = utc_of(wall_ns);
  char text[40];
  snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", unsigned{time.year}, unsigned{time.month},
           unsigned{time.day}, unsigned{time.hour}, unsigned{time.minute}, unsigned{time.second},
           static_cast<unsigned>(wall_ns / 1'000'000 % 1000));
  return FixedText<24>(text);
}

void LambdaLog::set_level(std::string_view word) {
  for (size_t i = 0; i < std::size(kWords); ++i) {
    if (word == kWords[i]) level_ = static_cast<LogLevel>(i);
  }
}

void LambdaLog::line(LogLevel level, std::string_view message, std::string_view more) const {
  if (level < level_) return;
  std::string line = "{\"timestamp\":\"";
  line.append(timestamp_of(clock_.wall_ns()).view());
  line.append("\",\"level\":\"").append(kWords[static_cast<size_t>(level)]);
  if (!request_.empty()) {
    line.append("\",\"requestId\":\"");
    append_json(line, request_);
  }
  line.append("\",\"message\":\"");
  append_json(line, message);
  line.append("\"").append(more).append("}");
  write_line(STDERR_FILENO, std::move(line));
}

void LambdaLog::error(LogLevel level, const Error& error, std::string_view source) const {
  const CodeInfo& info = code_info(error.code);
  char code[32];
  snprintf(code, sizeof code, ",\"code\":\"W%04u\"", static_cast<unsigned>(error.code));
  std::string more = code;
  const auto text = [&](const char* name, std::string_view value) {
    if (value.empty()) return;
    more.append(",\"").append(name).append("\":\"");
    append_json(more, value);
    more.append("\"");
  };
  const auto number = [&](const char* name, uint64_t value) {
    more.append(",\"").append(name).append("\":").append(std::to_string(value));
  };
  text("detail", error.detail.view());
  text("source", source);
  if (error.line != 0) {
    number("line", error.line);
    number("column", error.column);
  }
  if (error.byte != kNoOffset) number("byte", error.byte);
  if (error.record != kNoOffset) number("record", error.record);
  text("hint", info.hint);
  line(level, info.message, more);
}

void LambdaLog::raw(std::string_view json) { write_line(STDOUT_FILENO, std::string(json)); }

}  // namespace weir
